-- Whose record a version belongs to: the number of the one patient in whose compartment it is, 0 for nobody's,
-- -1 for more than one (the index of references names them), NULL where that was not noted when it was written.
ALTER TABLE resource ADD COLUMN owner BIGINT;
ALTER TABLE history ADD COLUMN owner BIGINT;

-- The audit log, one row an event. hash: SHA-256 over the hash before it and the event (docs/decisions/0006).
-- agent: who, in audit_agent. kind and id: the resource it was about. wrote: how many lines of the change log bear
-- this number. patients: the numbers of those whose data it concerned. Rows of an earlier build are taken over when
-- the store is opened.
ALTER TABLE audit RENAME TO audit_earlier;
CREATE TABLE audit (
  org INTEGER, shard SMALLINT, seq BIGINT, at BIGINT NOT NULL, agent BIGINT NOT NULL, action TEXT NOT NULL,
  outcome BIGINT NOT NULL, kind BIGINT, id BYTEA, version BIGINT, wrote BIGINT NOT NULL, patients BYTEA, rule TEXT,
  request TEXT, detail TEXT, hash BYTEA NOT NULL, PRIMARY KEY (org, shard, seq)
);
CREATE TABLE audit_agent (
  org INTEGER, shard SMALLINT, id BIGINT, who TEXT COLLATE "C" NOT NULL, role TEXT NOT NULL, display TEXT NOT NULL,
  client TEXT, purpose TEXT NOT NULL, PRIMARY KEY (org, shard, id)
);
CREATE INDEX audit_agent_who ON audit_agent (org, shard, who);
-- Which events concerned a patient. An epoch is 65,536 events: the rows of the newest lie together, so that writing
-- them does not touch the whole index.
CREATE TABLE audit_patient (
  org INTEGER, shard SMALLINT, epoch BIGINT, patient BIGINT, seq BIGINT,
  PRIMARY KEY (org, shard, epoch, patient, seq)
);
-- In which epochs an agent did something.
CREATE TABLE audit_span (
  org INTEGER, shard SMALLINT, agent BIGINT, epoch BIGINT, PRIMARY KEY (org, shard, agent, epoch)
);

CREATE FUNCTION continuo_audit_stays() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN RAISE EXCEPTION ''the audit log stays''; END';
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
  FOR EACH STATEMENT EXECUTE FUNCTION continuo_audit_stays();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_agent
  FOR EACH STATEMENT EXECUTE FUNCTION continuo_audit_stays();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_patient
  FOR EACH STATEMENT EXECUTE FUNCTION continuo_audit_stays();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_span
  FOR EACH STATEMENT EXECUTE FUNCTION continuo_audit_stays();
