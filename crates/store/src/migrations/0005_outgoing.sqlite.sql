-- Messages that go out lie in the same log. due: when it is tried next; only those that wait have one.
ALTER TABLE message ADD COLUMN outgoing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN due INTEGER;
CREATE INDEX message_due ON message (channel, at, id) WHERE due IS NOT NULL;
