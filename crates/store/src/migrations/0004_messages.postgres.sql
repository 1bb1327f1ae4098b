-- The log of messages from and to other systems. id: made from who sent what. head: JSON. raw: as it came.
CREATE TABLE message (
  org INTEGER, shard SMALLINT, id TEXT COLLATE "C", version BIGINT NOT NULL, at BIGINT NOT NULL,
  channel TEXT COLLATE "C" NOT NULL, state TEXT COLLATE "C" NOT NULL, kind TEXT COLLATE "C" NOT NULL,
  control TEXT COLLATE "C" NOT NULL, sender TEXT COLLATE "C" NOT NULL, patient TEXT COLLATE "C",
  cause TEXT COLLATE "C", size BIGINT NOT NULL, head BYTEA NOT NULL, raw BYTEA NOT NULL,
  PRIMARY KEY (org, shard, id)
);
CREATE INDEX message_at ON message (org, shard, at, id);
CREATE INDEX message_state ON message (org, shard, channel, state, cause, at);
CREATE INDEX message_patient ON message (org, shard, patient, at) WHERE patient IS NOT NULL;
