-- What is searched for in the log of messages: the sender's number, the kind, what became of it and why.
CREATE INDEX message_control ON message (org, shard, control, at);
CREATE INDEX message_kind ON message (org, shard, kind, at, id);
CREATE INDEX message_became ON message (org, shard, state, at, id);
CREATE INDEX message_cause ON message (org, shard, cause, at) WHERE cause IS NOT NULL;
