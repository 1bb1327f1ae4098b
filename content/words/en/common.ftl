# Words that stand on many pages.
common-demo = DEMO – no real patients
common-error-title = Error: { $title }
common-optional = (optional)
common-actions = Actions
common-not-recorded = not recorded
common-deceased = Deceased
common-not-in-use = Record not in use
common-born = Born
common-no-mrn = No MRN
common-phone = Phone
common-just-now = just now
common-minutes-ago = { $count ->
    [one] 1 minute ago
   *[other] { $count } minutes ago
}
common-hours-ago = { $count ->
    [one] 1 hour ago
   *[other] { $count } hours ago
}
common-days-ago = { $count ->
    [one] 1 day ago
   *[other] { $count } days ago
}
common-weeks-ago = { $count ->
    [one] 1 week ago
   *[other] { $count } weeks ago
}
common-months-ago = { $count ->
    [one] 1 month ago
   *[other] { $count } months ago
}
common-years-ago = { $count ->
    [one] 1 year ago
   *[other] { $count } years ago
}
common-days-ahead = { $count ->
    [one] in 1 day
   *[other] in { $count } days
}
common-weeks-ahead = { $count ->
    [one] in 1 week
   *[other] in { $count } weeks
}
common-months-ahead = { $count ->
    [one] in 1 month
   *[other] in { $count } months
}
common-years-ahead = { $count ->
    [one] in 1 year
   *[other] in { $count } years
}
common-today = today
common-yesterday = yesterday
common-tomorrow = tomorrow
common-minutes = { $count ->
    [one] 1 minute
   *[other] { $count } minutes
}
common-hours = { $count ->
    [one] 1 hour
   *[other] { $count } hours
}
common-device = { $browser } on { $system }
common-device-unknown = Unknown device
common-sex-female = Female
common-sex-male = Male
common-sex-other = Other
common-sex-unknown = Sex unknown
common-sex-none = Sex not recorded
common-age-years = y
common-age-months = m
common-age-weeks = w
common-age-about = about
common-age-under = under
common-done-saved = Saved.
common-done-password = Your password was changed. Other sessions were signed out.
common-done-totp = Your authenticator app is set up.
common-done-no-totp = The authenticator app was removed.
common-done-passkey = The passkey was added.
common-done-no-passkey = The passkey was removed.
common-done-session = The session was signed out.
common-done-sessions = All other sessions were signed out.
common-done-role = You now act in the other role.
common-done-deactivated = The user was deactivated and signed out everywhere.
common-done-activated = The user may sign in again.
common-done-withdrawn = The invitation was withdrawn.
common-done-policy = The rule for second factors was changed.
common-done-reset = Your password is set. Sign in with it.
common-done-app = The app was registered.
common-done-app-approved = The app was approved and may be used from now on.
common-done-app-rejected = The request was turned down.
common-done-app-disabled = The app was disabled. What it was given does not work any more.
common-done-app-enabled = The app may be used again.
common-done-app-revoked = The app no longer has access to your record.
common-done-reviewed = The review was recorded.
common-done-ended = Emergency access has ended.
common-done-signed-out = You are signed out.
common-done-invited = The invitation was made.
common-done-created = The user was created.
common-done-changed = Your changes were saved.
common-done-verified = The chain was checked.
common-done-key = A new secret was made.
common-done-proved = Thank you. You may go on.
common-done-provider = The sign-in provider was saved.
common-done-linked = The accounts are linked.
common-done-revoked = Access was withdrawn.
common-done-granted = Access was given.
common-done-none = Nothing was changed.
common-role-front-desk = Front desk
common-role-nurse = Nurse
common-role-clinician = Clinician
common-role-biller = Biller
common-role-practice-admin = Practice administrator
common-role-system-admin = System administrator
common-role-privacy-officer = Privacy officer
common-role-integration-engineer = Integration engineer
common-role-patient = Patient
common-role-proxy = Acts for a patient
common-role-proxy-limited = Acts for a patient, limited
common-role-system = System
common-action-read = Read
common-action-vread = Read a version
common-action-search = Searched
common-action-history = Looked at the history
common-action-create = Created
common-action-update = Changed
common-action-patch = Changed
common-action-delete = Deleted
common-action-export = Exported
common-action-print = Printed
common-action-sign-in = Signed in
common-action-sign-out = Signed out
common-action-refusal = Refused
common-action-break-glass = Used emergency access
common-action-break-glass-begin = Began emergency access
common-action-break-glass-end = Ended emergency access
common-action-break-glass-review = Reviewed emergency access
common-action-configure = Changed settings
common-action-user = Changed a user
common-action-password = Changed a password
common-action-factor = Changed a second factor
common-action-invite = Invited a patient
common-action-session = Ended a session
common-action-authorize = Allowed an app
common-action-revoke = Withdrew access
common-action-transaction = Wrote several things at once
common-kind-patient = personal details
common-kind-relatedperson = relatives and carers
common-kind-observation = measurements and test results
common-kind-diagnosticreport = test reports
common-kind-condition = conditions
common-kind-medicationrequest = prescriptions
common-kind-medicationstatement = medicines taken
common-kind-medicationadministration = medicines given
common-kind-medicationdispense = medicines handed out
common-kind-allergyintolerance = allergies
common-kind-immunization = vaccines
common-kind-procedure = procedures
common-kind-encounter = visits
common-kind-appointment = appointments
common-kind-documentreference = documents and notes
common-kind-binary = files
common-kind-careplan = care plans
common-kind-careteam = care teams
common-kind-goal = goals
common-kind-coverage = insurance
common-kind-claim = bills to insurers
common-kind-explanationofbenefit = answers of insurers
common-kind-servicerequest = orders
common-kind-communication = messages
common-kind-questionnaireresponse = questionnaires
common-kind-consent = consents
common-kind-practitioner = clinicians
common-kind-organization = organizations
common-kind-location = places
common-kind-auditevent = the audit log
common-action-desk = Arranged their own pages
common-trouble-short = Use at least { $count } characters; a few unrelated words are easy to remember.
common-trouble-too-short = The password is too short.
common-trouble-long = The password is too long.
common-trouble-stolen = This password is on a list of stolen ones; choose one that you use nowhere else.
common-trouble-same = This is the password you have; choose another.
common-trouble-guessable = This password is easy to guess: it repeats, or it is made of names that others know.
common-trouble-not-fresh = Show once more that it is you, then try again.
common-trouble-changed = Someone changed this in the meantime; look at it again and repeat what you did.
common-trouble-name-taken = This user name or address is taken; choose another.
common-trouble-name-unfit = A user name has 2 to 64 letters, digits, dots, hyphens, underscores or @, and no spaces.
common-trouble-display = A name to show has 1 to 100 characters.
common-trouble-roles = A user has staff roles or a portal role, not both, and at least one.
common-trouble-wrong = This does not fit; check it and try again.
common-trouble-expired = This is not valid any more; begin again.
common-trouble-wait = Too many attempts; wait and try again.
common-trouble-last-administrator = This is the last user who may manage users; give someone else that right first.
common-trouble-last-factor = This is the last second factor of an account that needs one; set up another first.
common-trouble-passkey = The passkey was not accepted.
common-trouble-provider = The sign-in provider’s answer was not accepted.
common-trouble-busy = Many people sign in at this moment; try again shortly.
common-unknown = unknown
common-password-rule = At least 15 characters, or 8 if you also use a passkey or an app. A few unrelated words are easy to keep in mind. You can paste it from a password manager.
common-act-conflict = Somebody else changed this in the meantime, so nothing was written. Open the page again, look at what is there now, and repeat what you did.
common-act-invalid = This could not be written: it does not fit together. Nothing was changed.
