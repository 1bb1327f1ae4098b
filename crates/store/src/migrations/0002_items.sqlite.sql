-- Records that are not FHIR: users, credentials, sessions, clients, tokens, policies. until: absent from then on.
CREATE TABLE item (
  shelf TEXT, name TEXT, owner TEXT NOT NULL, until INTEGER, version INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (shelf, name)
) WITHOUT ROWID;
CREATE INDEX item_owner ON item (shelf, owner, name);
CREATE INDEX item_until ON item (until) WHERE until IS NOT NULL;
