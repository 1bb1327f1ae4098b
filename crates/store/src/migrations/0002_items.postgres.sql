-- Records that are not FHIR: users, credentials, sessions, clients, tokens, policies. until: absent from then on.
CREATE TABLE item (
  org INTEGER, shard SMALLINT, shelf TEXT COLLATE "C", name TEXT COLLATE "C", owner TEXT COLLATE "C" NOT NULL,
  until BIGINT, version BIGINT NOT NULL, body BYTEA NOT NULL, PRIMARY KEY (org, shard, shelf, name)
);
CREATE INDEX item_owner ON item (org, shard, shelf, owner, name);
CREATE INDEX item_until ON item (org, shard, until) WHERE until IS NOT NULL;
