-- Whose record a version belongs to: the number of the one patient in whose compartment it is, 0 for nobody's,
-- -1 for more than one (the index of references names them), NULL where that was not noted when it was written.
ALTER TABLE resource ADD COLUMN owner INTEGER;
ALTER TABLE history ADD COLUMN owner INTEGER;

-- The audit log, one row an event. hash: SHA-256 over the hash before it and the event (docs/decisions/0006).
-- agent: who, in audit_agent. kind and id: the resource it was about. wrote: how many lines of the change log bear
-- this number. patients: the numbers of those whose data it concerned. Rows of an earlier build are taken over when
-- the store is opened.
ALTER TABLE audit RENAME TO audit_earlier;
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, agent INTEGER NOT NULL, action TEXT NOT NULL,
  outcome INTEGER NOT NULL, kind INTEGER, id BLOB, version INTEGER, wrote INTEGER NOT NULL, patients BLOB,
  rule TEXT, request TEXT, detail TEXT, hash BLOB NOT NULL
);
CREATE TABLE audit_agent (
  id INTEGER PRIMARY KEY, who TEXT NOT NULL, role TEXT NOT NULL, display TEXT NOT NULL, client TEXT,
  purpose TEXT NOT NULL
);
CREATE INDEX audit_agent_who ON audit_agent (who);
-- Which events concerned a patient. An epoch is 65,536 events: the rows of the newest lie together, so that writing
-- them does not touch the whole index.
CREATE TABLE audit_patient (
  epoch INTEGER, patient INTEGER, seq INTEGER, PRIMARY KEY (epoch, patient, seq)
) WITHOUT ROWID;
-- In which epochs an agent did something.
CREATE TABLE audit_span (agent INTEGER, epoch INTEGER, PRIMARY KEY (agent, epoch)) WITHOUT ROWID;

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log stays'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log stays'); END;
CREATE TRIGGER audit_agent_no_update BEFORE UPDATE ON audit_agent BEGIN SELECT RAISE(ABORT, 'the audit log stays'); END;
CREATE TRIGGER audit_agent_no_delete BEFORE DELETE ON audit_agent BEGIN SELECT RAISE(ABORT, 'the audit log stays'); END;
CREATE TRIGGER audit_patient_no_update BEFORE UPDATE ON audit_patient BEGIN SELECT RAISE(ABORT, 'the audit log stays'); END;
CREATE TRIGGER audit_patient_no_delete BEFORE DELETE ON audit_patient BEGIN SELECT RAISE(ABORT, 'the audit log stays'); END;
CREATE TRIGGER audit_span_no_update BEFORE UPDATE ON audit_span BEGIN SELECT RAISE(ABORT, 'the audit log stays'); END;
CREATE TRIGGER audit_span_no_delete BEFORE DELETE ON audit_span BEGIN SELECT RAISE(ABORT, 'the audit log stays'); END;
