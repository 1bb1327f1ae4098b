-- Messages that go out lie in the same log. due: when it is tried next; only those that wait have one.
ALTER TABLE message ADD COLUMN outgoing BIGINT NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN due BIGINT;
CREATE INDEX message_due ON message (org, shard, channel, at, id) WHERE due IS NOT NULL;
