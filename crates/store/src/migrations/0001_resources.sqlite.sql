CREATE TABLE setting (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

-- rid: resource type in the high bits (>> 40), then a number. state: 0 only referred to, 1 live, 2 deleted.
CREATE TABLE resource (
  rid INTEGER PRIMARY KEY, id BLOB NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL,
  state INTEGER NOT NULL, body BLOB
);
CREATE UNIQUE INDEX resource_id ON resource (id, (rid >> 40));
CREATE TABLE history (
  rid INTEGER NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL, state INTEGER NOT NULL, body BLOB,
  PRIMARY KEY (rid, version)
) WITHOUT ROWID;
CREATE TABLE change (
  seq INTEGER PRIMARY KEY, rid INTEGER NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL,
  state INTEGER NOT NULL, tx INTEGER NOT NULL
);
-- The versions of one resource, for its history.
CREATE INDEX change_rid ON change (rid, version);
CREATE TABLE audit (
  tx INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, role TEXT NOT NULL, purpose TEXT NOT NULL,
  action TEXT NOT NULL, request TEXT, detail TEXT
);
CREATE TABLE tally (kind INTEGER PRIMARY KEY, live INTEGER NOT NULL);

CREATE TABLE slot (id INTEGER PRIMARY KEY, name TEXT NOT NULL, term INTEGER NOT NULL);
CREATE UNIQUE INDEX slot_name ON slot (name, term);
CREATE TABLE system (id INTEGER PRIMARY KEY, url TEXT NOT NULL);
CREATE UNIQUE INDEX system_url ON system (url);
-- key: the code as it is compared; code: as received, where that differs.
CREATE TABLE term (id INTEGER PRIMARY KEY, system INTEGER NOT NULL, key TEXT NOT NULL, code TEXT, text TEXT, folded TEXT);
CREATE INDEX term_key ON term (key, system);
CREATE INDEX term_folded ON term (folded) WHERE folded IS NOT NULL;
CREATE TABLE unit (id INTEGER PRIMARY KEY, system TEXT, code TEXT, text TEXT);

CREATE TABLE token (slot INTEGER, term INTEGER, rid INTEGER, PRIMARY KEY (slot, term, rid)) WITHOUT ROWID;
CREATE TABLE string (
  slot INTEGER, folded TEXT, rid INTEGER, exact TEXT, PRIMARY KEY (slot, folded, rid, exact)
) WITHOUT ROWID;
CREATE TABLE reference (target INTEGER, slot INTEGER, rid INTEGER, PRIMARY KEY (target, slot, rid)) WITHOUT ROWID;
CREATE INDEX reference_rid ON reference (rid, slot);
CREATE TABLE date (
  slot INTEGER, low INTEGER, high INTEGER, rid INTEGER, PRIMARY KEY (slot, low, high, rid)
) WITHOUT ROWID;
CREATE INDEX date_rid ON date (rid, slot);
CREATE TABLE quantity (
  slot INTEGER, unit INTEGER, low REAL, high REAL, rid INTEGER, PRIMARY KEY (slot, unit, low, high, rid)
) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (
  narrative, content, content='', contentless_delete=1, detail=column, tokenize="unicode61 remove_diacritics 0"
);
