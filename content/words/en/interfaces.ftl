# Words of the console of interfaces.
interfaces-title = Interfaces
interfaces-channels = Channels
interfaces-messages = Messages
interfaces-errors = Errors
interfaces-bench = Bench
interfaces-channel = Channel
interfaces-standing = State
interfaces-hour = Last hour
interfaces-total = Messages
interfaces-last = Last message
interfaces-first = First
interfaces-never = none yet
interfaces-no-channels = No channel is set up. Add one to the settings, under channel.
interfaces-channels-count = { $count ->
    [one] 1 channel
   *[other] { $count } channels
}
interfaces-failed-count = { $count ->
    [one] 1 message failed.
   *[other] { $count } messages failed.
}
interfaces-see-errors = See what is wrong
interfaces-errors-count = { $count ->
    [one] 1 error
   *[other] { $count } errors
}
interfaces-not-listening = does not listen
interfaces-mutual = TLS, with a certificate of the sender
interfaces-silent = Silent for too long
interfaces-reused-count = { $count ->
    [one] 1 number was used twice today
   *[other] { $count } numbers were used twice today
}
interfaces-waiting = { $count ->
    [one] 1 message waits
   *[other] { $count } messages wait
}
interfaces-connections = { $count ->
    [one] 1 connection
   *[other] { $count } connections
}
interfaces-run = Run
interfaces-pause = Pause
interfaces-stop = Stop
interfaces-test = Test
interfaces-running = Running
interfaces-paused = Paused
interfaces-stopped = Stopped
interfaces-starting = Starting
interfaces-troubled = Cannot listen
interfaces-hour-count = { $count ->
    [one] 1 message in the last hour
   *[other] { $count } messages in the last hour
}
interfaces-state-done = Done
interfaces-state-failed = Failed
interfaces-state-held = Waiting
interfaces-state-replaced = Sent again with changes
interfaces-state-skipped = Left alone
interfaces-state-ignored = Nothing to do
interfaces-cause = Cause
interfaces-cause-unreadable = It is no HL7 message: MSH is missing
interfaces-cause-no-kind = It does not say what kind of message it is
interfaces-cause-version = A version that is not read here
interfaces-cause-no-patient = It does not say which patient it is about
interfaces-cause-nothing-mapped = Nothing in it has a mapping
interfaces-cause-control-id-reused = Its number (MSH-10) was used before for another message
interfaces-cause-busy = What it changes was being changed
interfaces-cause-internal = It could not be written
interfaces-cause-unknown = Unknown
interfaces-cause-invalid = { $element } does not hold together
interfaces-how-many = How many
interfaces-by-cause = By cause, the most frequent first
interfaces-no-errors = Nothing is wrong. What fails from now on is listed here by its cause.
interfaces-replay-all = Work on all again
interfaces-still-failed = { $count ->
    [one] 1 message still fails.
   *[other] { $count } messages still fail.
}
interfaces-received = Received
interfaces-kind = Kind
interfaces-control = Number (MSH-10)
interfaces-sender = Sender
interfaces-became = What became of it
interfaces-any = Any
interfaces-from = From
interfaces-to = To
interfaces-show = Show
interfaces-clear = Clear
interfaces-no-messages = No message of this kind. Ask for less, or wait until one comes.
interfaces-newest-first = Newest first
interfaces-replay-ticked = Work on those ticked again
interfaces-tick = Tick message { $control }
interfaces-pages = Pages
interfaces-newest = Newest
interfaces-earlier = Earlier
interfaces-message = Message
interfaces-all-messages = All messages
interfaces-masked = Whom it is about is hidden: digits are shown as 9, letters as x.
interfaces-raw = As it came
interfaces-answer = Answer
interfaces-changes = What it changed
interfaces-notes = Notes of the mapping
interfaces-notes-count = { $count ->
    [one] 1 note
   *[other] { $count } notes
}
interfaces-no-notes = All that is in it was read.
interfaces-tree = Segments and fields
interfaces-no-answer = No answer was wanted.
interfaces-nothing-changed = It changed nothing.
interfaces-unchanged = { $count ->
    [one] 1 resource said nothing new.
   *[other] { $count } resources said nothing new.
}
interfaces-version-number = version { $number }
interfaces-sent = Sent
interfaces-version = HL7 version
interfaces-size = Size
interfaces-bytes = { $count ->
    [one] 1 byte
   *[other] { $count } bytes
}
interfaces-fields = Fields
interfaces-mapped = { $mapped } of { $fields } populated fields are mapped.
interfaces-made = { $count ->
    [one] 1 resource.
   *[other] { $count } resources.
}
interfaces-attempts = Worked on
interfaces-patient = Patient
interfaces-of-patient = All messages about this patient
interfaces-original = Made of
interfaces-replaced-by = Sent again as
interfaces-reason = Reason
interfaces-doing = What to do about it
interfaces-replay = Work on it again
interfaces-edit = Send it again with changes
interfaces-edit-lead = The original stays as it came. A place is written like PID-3.4 or OBX[2]-5.
interfaces-place = Place
interfaces-text = New text
interfaces-resubmit = Send again
interfaces-skip = Leave it alone
interfaces-skip-it = Leave it
interfaces-no-place = There is nothing at one of these places that could be changed.
interfaces-no-change = Nothing was changed.
interfaces-no-reason = Say why it is left alone.
interfaces-unreadable = This is no HL7 message: it must begin with MSH.
interfaces-bench-lead = What is pasted here is read and mapped as on the channel. Nothing is kept.
interfaces-try = Try it
interfaces-in = Comes in
interfaces-out = Goes out
interfaces-way = Direction
interfaces-folder = a folder
interfaces-simulated = inside this program
interfaces-unreached = Not reached
interfaces-ready = Ready
interfaces-reached = Reached
interfaces-many-errors = { $count } of the last 100 wrong
interfaces-oldest = the oldest since
interfaces-nothing-waits = Nothing waits
interfaces-state-waiting = Waits to be sent
interfaces-state-sent = Sent
interfaces-cause-refused = The partner refused it ({ $code })
interfaces-raw-out = As it is sent
interfaces-as-fhir = FHIR
interfaces-as-read = FHIR, as a partner reads it
interfaces-tries = Tries
interfaces-when = When
interfaces-why = Why it came to nothing
interfaces-no-troubles = No try came to nothing.
interfaces-made-at = Made
interfaces-receiver = Receiver
interfaces-tells-of = Tells of
interfaces-settled = Settled
interfaces-due = Next try
interfaces-send-again = Send it again
interfaces-pruned = What it said was taken away, as this channel is set to:
interfaces-held = Kept whole:
interfaces-hold = Keep it whole
interfaces-hold-lead = It stays whole when older messages of this channel are taken away.
interfaces-let-go = Let it go

# What is wrong with messages of pharmacies
interfaces-cause-no-such-order = It names no prescription of ours
interfaces-cause-no-such-message = It answers no message of ours
interfaces-cause-other-patient = It is about another patient than the prescription
interfaces-cause-no-outcome = It does not say what came of it
interfaces-cause-not-for-us = It is not meant for a prescriber
interfaces-cause-no-number = It has no number of its own
interfaces-cause-no-medication = It names no medicine
interfaces-cause-ambiguous = It says two outcomes at once
interfaces-cause-unknown-transaction = The transaction is not known here
interfaces-cause-several-transactions = Several transactions in one message
