-- The log of messages from and to other systems. id: made from who sent what. head: JSON. raw: as it came.
CREATE TABLE message (
  id TEXT PRIMARY KEY, version INTEGER NOT NULL, at INTEGER NOT NULL, channel TEXT NOT NULL, state TEXT NOT NULL,
  kind TEXT NOT NULL, control TEXT NOT NULL, sender TEXT NOT NULL, patient TEXT, cause TEXT, size INTEGER NOT NULL,
  head BLOB NOT NULL, raw BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX message_at ON message (at, id);
CREATE INDEX message_state ON message (channel, state, cause, at);
CREATE INDEX message_patient ON message (patient, at) WHERE patient IS NOT NULL;
