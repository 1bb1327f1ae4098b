-- What is searched for in the log of messages: the sender's number, the kind, what became of it and why.
CREATE INDEX message_control ON message (control, at);
CREATE INDEX message_kind ON message (kind, at, id);
CREATE INDEX message_became ON message (state, at, id);
CREATE INDEX message_cause ON message (cause, at) WHERE cause IS NOT NULL;
