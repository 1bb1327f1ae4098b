-- The same tables as in SQLite, each with the distribution key first: the organisation, then a shard of its patients.
-- No statement looks beyond one organisation.
--
-- shard is 0 for now: an organisation lies together. An existing distributed PostgreSQL can spread the tables over
-- machines by org at once, since every key, index and condition begins with it. To spread one organisation too,
-- versions and index rows of what belongs to a patient take the shard of that patient (a hash of the patient's rid);
-- names and numbers (system, term, unit, slot, tally, setting), the change log and what belongs to nobody stay in
-- shard 0, and the condition on shard names the shards that a search may reach.

CREATE TABLE organisation (org INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

CREATE TABLE setting (
  org INTEGER, shard SMALLINT, name TEXT COLLATE "C", value BYTEA NOT NULL, PRIMARY KEY (org, shard, name)
);

-- rid: resource type in the high bits (>> 40), then a number. state: 0 only referred to, 1 live, 2 deleted.
CREATE TABLE resource (
  org INTEGER, shard SMALLINT, rid BIGINT, id BYTEA NOT NULL, version BIGINT NOT NULL, at BIGINT NOT NULL,
  state BIGINT NOT NULL, body BYTEA, PRIMARY KEY (org, shard, rid)
);
-- Bodies come compressed.
ALTER TABLE resource ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX resource_id ON resource (org, shard, id, (rid >> 40));
CREATE TABLE history (
  org INTEGER, shard SMALLINT, rid BIGINT, version BIGINT, at BIGINT NOT NULL, state BIGINT NOT NULL, body BYTEA,
  PRIMARY KEY (org, shard, rid, version)
);
ALTER TABLE history ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE change (
  org INTEGER, shard SMALLINT, seq BIGINT, rid BIGINT NOT NULL, version BIGINT NOT NULL, at BIGINT NOT NULL,
  state BIGINT NOT NULL, tx BIGINT NOT NULL, PRIMARY KEY (org, shard, seq)
);
CREATE INDEX change_rid ON change (org, shard, rid, version);
CREATE TABLE audit (
  org INTEGER, shard SMALLINT, tx BIGINT, at BIGINT NOT NULL, who TEXT NOT NULL, role TEXT NOT NULL,
  purpose TEXT NOT NULL, action TEXT NOT NULL, request TEXT, detail TEXT, PRIMARY KEY (org, shard, tx)
);
CREATE TABLE tally (org INTEGER, shard SMALLINT, kind BIGINT, live BIGINT NOT NULL, PRIMARY KEY (org, shard, kind));

CREATE TABLE slot (
  org INTEGER, shard SMALLINT, id BIGINT, name TEXT COLLATE "C" NOT NULL, term BIGINT NOT NULL,
  PRIMARY KEY (org, shard, id)
);
CREATE UNIQUE INDEX slot_name ON slot (org, shard, name, term);
CREATE TABLE system (
  org INTEGER, shard SMALLINT, id BIGINT, url TEXT COLLATE "C" NOT NULL, PRIMARY KEY (org, shard, id)
);
CREATE UNIQUE INDEX system_url ON system (org, shard, url);
-- key: the code as it is compared; code: as received, where that differs.
CREATE TABLE term (
  org INTEGER, shard SMALLINT, id BIGINT, system BIGINT NOT NULL, key TEXT COLLATE "C" NOT NULL,
  code TEXT COLLATE "C", text TEXT COLLATE "C", folded TEXT COLLATE "C", PRIMARY KEY (org, shard, id)
);
CREATE INDEX term_key ON term (org, shard, key, system);
CREATE TABLE unit (
  org INTEGER, shard SMALLINT, id BIGINT, system TEXT, code TEXT, text TEXT, PRIMARY KEY (org, shard, id)
);

CREATE TABLE token (
  org INTEGER, shard SMALLINT, slot BIGINT, term BIGINT, rid BIGINT, PRIMARY KEY (org, shard, slot, term, rid)
);
CREATE TABLE string (
  org INTEGER, shard SMALLINT, slot BIGINT, folded TEXT COLLATE "C", rid BIGINT, exact TEXT COLLATE "C",
  PRIMARY KEY (org, shard, slot, folded, rid, exact)
);
CREATE TABLE reference (
  org INTEGER, shard SMALLINT, target BIGINT, slot BIGINT, rid BIGINT, PRIMARY KEY (org, shard, target, slot, rid)
);
CREATE INDEX reference_rid ON reference (org, shard, rid, slot);
CREATE TABLE date (
  org INTEGER, shard SMALLINT, slot BIGINT, low BIGINT, high BIGINT, rid BIGINT,
  PRIMARY KEY (org, shard, slot, low, high, rid)
);
CREATE INDEX date_rid ON date (org, shard, rid, slot);
CREATE TABLE quantity (
  org INTEGER, shard SMALLINT, slot BIGINT, unit BIGINT, low DOUBLE PRECISION, high DOUBLE PRECISION, rid BIGINT,
  PRIMARY KEY (org, shard, slot, unit, low, high, rid)
);
-- The words are folded already, so they are the lexemes themselves. Inverted indexes take no plain columns without an
-- extension; the organisation is compared beside them.
CREATE TABLE words (
  org INTEGER, shard SMALLINT, rid BIGINT, narrative TSVECTOR NOT NULL, content TSVECTOR NOT NULL,
  PRIMARY KEY (org, shard, rid)
);
CREATE INDEX words_narrative ON words USING gin (narrative);
CREATE INDEX words_content ON words USING gin (content);
