# Words of the pages of this family.
chart-summary = Summary
chart-chart-summary = Chart summary
chart-problems = Problems
chart-medications = Medications
chart-allergies = Allergies
chart-immunizations = Immunizations
chart-vitals = Vitals
chart-results = Results
chart-visits = Visits
chart-documents = Documents
chart-all = All
chart-no-active-problems = No active problems.
chart-no-problems-recorded = No problems recorded.
chart-no-current-medications = No current medications.
chart-no-medications-recorded = No medications recorded.
chart-no-active-allergies-past-ones = No active allergies; past ones are in the section.
chart-nobody-has-recorded-allergies-nor = Nobody has recorded allergies, nor that there are none.
chart-no-immunizations-recorded = No immunizations recorded.
chart-no-vital-signs-recorded = No vital signs recorded.
chart-no-laboratory-results-recorded = No laboratory results recorded.
chart-no-visits-recorded = No visits recorded.
chart-no-documents = No documents.
chart-timeline = Timeline
chart-nothing-has-happened-here-yet = Nothing has happened here yet.
chart-show = Show
chart-time = Time
chart-nothing-of-these-kinds-happened = Nothing of these kinds happened in this time.
chart-visits-newest-first = Visits, newest first
chart-updated = Updated
chart-entered-in-error = Entered in error
chart-3-months = 3 months
chart-1-year = 1 year
chart-3-years = 3 years
chart-10-years = 10 years
chart-latest-result-of-each-test = Latest result of each test
chart-by-date = By date
chart-no-results-before-this-date = No results before this date.
chart-dates = Dates
chart-newest = Newest
chart-earlier-than = Earlier than
chart-latest-vital-signs = Latest vital signs
chart-trend = Trend
chart-time-shown = Time shown
chart-nothing-was-measured-in-this = Nothing was measured in this time.
chart-older-values-are-not-shown = Older values are not shown.
chart-documents-newest-first = Documents, newest first
chart-document = Document
chart-all-documents = All documents
chart-this-document-was-entered-in = This document was entered in error.
chart-a-newer-document-replaces-this = A newer document replaces this one.
chart-kind = Kind
chart-date = Date
chart-author = Author
chart-kept-by = Kept by
chart-status = Status
chart-preliminary = Preliminary
chart-nothing-is-attached-to-this = Nothing is attached to this document.
chart-as-written-by-the-sender = As written by the sender
chart-is-kept-elsewhere-and-cannot = is kept elsewhere and cannot be opened from here.
chart-the-sender-did-not-include = : the sender did not include the content.
chart-open = Open
chart-text = Text
chart-web-page = Web page
chart-xml-document = XML document
chart-image = Image
chart-sound = Sound
chart-file = File
chart-patient = Patient
chart-deceased = Deceased
chart-restricted = Restricted
chart-record-not-in-use = Record not in use
chart-born = Born
chart-not-recorded = not recorded
chart-lived = lived
chart-sex-not-recorded = Sex not recorded
chart-no-mrn = No MRN
chart-about-the-patient = About the patient
chart-weight = Weight
chart-primary-clinician = Primary clinician
chart-language = Language
chart-coverage = Coverage
chart-last-visit = Last visit
chart-here-now = Here now
chart-none-recorded = none recorded
chart-next-visit = Next visit
chart-none-booked = none booked
chart-interpreter = interpreter
chart-interpreter-needed = Interpreter needed
chart-asked-and-recorded = Asked and recorded
chart-no-active-allergies-2 = No active allergies
chart-allergies-not-recorded = Allergies not recorded
chart-ask-before-prescribing = Ask before prescribing
chart-see-all = See all
chart-on-hold = On hold
chart-since = since
chart-reported = Reported
chart-no-directions-recorded = No directions recorded
chart-high-risk-2 = High risk
chart-low-risk = Low risk
chart-risk-not-assessed = Risk not assessed
chart-reaction-not-recorded = Reaction not recorded
chart-not-given = Not given
chart-planned = Planned
chart-cancelled = Cancelled
chart-visit = Visit
chart-length = Length
chart-clinician = Clinician
chart-place = Place
chart-superseded = Superseded
chart-up-from = up from
chart-down-from = down from
chart-the-same-as = the same as
chart-sign = Sign
chart-latest = Latest
chart-test = Test
chart-usual = · usual
chart-reference-range = Reference range
chart-before = Before
chart-not-sent = not sent
chart-value = Value
chart-remarks = Remarks
chart-results-by-date = Results by date
chart-results-by-date-newest-first = Results by date, newest first
chart-there-is-nothing-to-draw = There is nothing to draw: no result in this time is a number. The table holds what was sent.
chart-in = In
chart-reference-range-as-sent = Reference range as sent
chart-high-low-critical-abnormal = ▲ high, ▼ low, ◆ critical, ■ abnormal
chart-drawn-from-the-lowest-and = Drawn from the lowest and highest of each stretch; the table has every value.
chart-events-over-time-the-list = Events over time; the list below holds the same
chart-corrected = Corrected
chart-of-the-past = past
chart-past-allergies = { $count ->
    [one] 1 past allergy on record
   *[other] { $count } past allergies on record
}
chart-and-more = and { $count } more
chart-high-risks = { $count ->
    [one] 1 high risk
   *[other] { $count } high risk
}
chart-was-before = before:
chart-flag-critically-high = critically high
chart-flag-critically-low = critically low
chart-flag-critically-abnormal = critically abnormal
chart-flag-high = high
chart-flag-low = low
chart-flag-abnormal = abnormal
chart-flag-normal = normal
chart-status-unknown = Status unknown
chart-reference = Reference { $range }
chart-point-reference = (reference { $range })
chart-over-time = { $name } over time; the same values are in the table below
chart-other-units = { $count ->
    [one] 1 value in another unit is not joined; see the table.
   *[other] { $count } values in another unit are not joined; see the table.
}
chart-spark = The last { $count } values, between { $low } and { $high }
chart-active = { $count ->
    [one] 1 active
   *[other] { $count } active
}
chart-current-count = { $count ->
    [one] 1 current
   *[other] { $count } current
}
chart-abnormal-of = { $abnormal } of { $count } abnormal
chart-tests = { $count ->
    [one] 1 test
   *[other] { $count } tests
}
chart-all-tests = All { $count } tests
chart-all-of = All { $count }
chart-past-count = { $count } past
chart-events = { $count ->
    [one] 1 event
   *[other] { $count } events
}
chart-every-value = { $name } – every value, newest first
chart-hidden = { $what }: not shown for your role.
chart-limit = There are more than the { $count } shown here.
chart-bytes = { $count } bytes
chart-back-to = All
chart-source = Source
chart-source-here = Recorded here
chart-density = Density
chart-density-years = Years
chart-density-months = Months
chart-density-days = Days
chart-arrange = Arrange these cards
chart-arranged = Done arranging
chart-card-up = Move earlier
chart-card-down = Move later
chart-card-open = Open this card
chart-card-fold = Fold this card
chart-note = Sticky note
chart-note-own = only you see it
chart-note-label = Note for yourself on this chart
chart-note-hint = A reminder for yourself. It is not part of the record.
chart-note-keep = Keep
chart-orders = Open orders and referrals
chart-no-orders = No open orders.
chart-open-count = { $count ->
    [one] 1 open
   *[other] { $count } open
}
chart-referral = Referral
chart-order-draft = Draft
chart-team = Care team
chart-no-team = No care team recorded.
chart-part-2 = 42 CFR Part 2
chart-wishes = Code status

# What is coded, in words
chart-class-office = Office visit
chart-class-emergency = Emergency
chart-class-inpatient = Inpatient stay
chart-class-observation = Observation stay
chart-class-home = Home visit
chart-class-remote = Remote visit
chart-class-short = Short stay
chart-class-pre-admission = Pre-admission
chart-no-known-allergies = No known allergies
chart-value-not-sent = not sent
chart-value-waveform = Waveform
chart-no-value = No value: { $why }
chart-dose = dose { $dose }
chart-dose-of = dose { $dose } of { $all }
chart-results-count = { $count ->
    [one] 1 result
   *[other] { $count } results
}
chart-results-abnormal = { $count ->
    [one] 1 result, { $abnormal } abnormal
   *[other] { $count } results, { $abnormal } abnormal
}
chart-until = Until { $date }
