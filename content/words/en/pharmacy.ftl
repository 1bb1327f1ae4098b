# Pharmacies: where prescriptions go, how far they have come, what pharmacies ask.
pharmacy-favourite = Usual pharmacy
pharmacy-favourite-of = Usual pharmacy of { $name }
pharmacy-none-chosen = No usual pharmacy is recorded.
pharmacy-choose-hint = Prescriptions go there unless another one is chosen in the basket.
pharmacy-find = Pharmacy by name
pharmacy-search = Search
pharmacy-found = { $count ->
    [0] No pharmacy of the directory is called so
    [one] One pharmacy
   *[other] { $count } pharmacies
}
pharmacy-more = There are more; type part of the name.
pharmacy-make-usual = Make this the usual one
pharmacy-forget = No usual pharmacy
pharmacy-is-usual = Usual pharmacy
pharmacy-back-to-basket = Back to the basket

# In the basket
pharmacy-send-to = Prescriptions go to
pharmacy-print = Nowhere: print or call
pharmacy-use = Use it
pharmacy-other = Another pharmacy
pharmacy-not-sent = Prescriptions signed now are not sent to a pharmacy.
pharmacy-no-line = No line to pharmacies is set up here: prescriptions are recorded, not sent.
pharmacy-code = Code from your authenticator app, for controlled drugs
pharmacy-code-hint = Six digits. It is asked for each time a controlled drug is signed.
pharmacy-code-wrong = The code does not fit. Nothing was signed.
pharmacy-code-none = Controlled drugs need a second factor. Set up an authenticator app in your account first.
pharmacy-passkey = Use your passkey for controlled drugs and sign all
pharmacy-account = Your account
pharmacy-stayed-controlled = It is a controlled drug, and controlled drugs are not sent to pharmacies from here. Choose “Nowhere: print or call” for it, or ask whoever looks after the settings.
pharmacy-stayed-unproved = It is a controlled drug: type the code from your authenticator app and sign again.
pharmacy-controlled-factor = A controlled drug is signed in the basket, where the second factor is asked for. Nothing was done.

# How far a prescription has come, for staff
pharmacy-stage-waiting = Waiting to be sent to { $pharmacy }
pharmacy-stage-sent = Sent to { $pharmacy }
pharmacy-stage-received = Being filled at { $pharmacy }
pharmacy-stage-refused = Not taken by { $pharmacy }
pharmacy-stage-not-filled = Not handed out by { $pharmacy }
pharmacy-stage-partial = Filled in part at { $pharmacy }
pharmacy-stage-filled = Ready at { $pharmacy }
pharmacy-stage-picked-up = Picked up at { $pharmacy }
pharmacy-stage-withdrawn = Cancelled at { $pharmacy }
pharmacy-last-fill = last filled
pharmacy-left = { $count ->
    [0] no refills left
    [one] 1 refill left
   *[other] { $count } refills left
}
pharmacy-cancel-asked = { $pharmacy } was asked not to fill it any more
pharmacy-cancel-agreed = { $pharmacy } will not fill it any more
pharmacy-cancel-denied = { $pharmacy } did not cancel it
pharmacy-trouble-no-number = It was not sent: the pharmacy has no NCPDP number in the directory.
pharmacy-trouble-no-prescriber = It was not sent: the prescriber is no practitioner of the directory.
pharmacy-trouble-controlled = It was not sent: controlled drugs are not sent from here.
pharmacy-trouble-unproved = It was not sent: it is a controlled drug, and no second factor was shown at the signature.

# The same for the patient
pharmacy-own-waiting = On its way to { $pharmacy }
pharmacy-own-sent = Sent to { $pharmacy }
pharmacy-own-received = Being filled at { $pharmacy }
pharmacy-own-refused = { $pharmacy } could not take it. We will call you.
pharmacy-own-not-filled = Not handed out at { $pharmacy }. Ask us or the pharmacy.
pharmacy-own-partial = Part of it is ready at { $pharmacy }
pharmacy-own-filled = Ready at { $pharmacy }
pharmacy-own-picked-up = Picked up at { $pharmacy }
pharmacy-own-withdrawn = Not filled any more at { $pharmacy }
pharmacy-own-none-left = No refills left: ask us before you run out

# Stopping, and outside fills
pharmacy-stop = Stop
pharmacy-stop-reason = Why is it stopped?
pharmacy-stop-send = Stop it
pharmacy-stop-hint = If it went to a pharmacy, the pharmacy is asked not to fill it any more.
pharmacy-history = Fills at other pharmacies
pharmacy-history-ask = Ask for fills elsewhere
pharmacy-history-consent = The patient agrees that other pharmacies are asked
pharmacy-history-asked = Asked on { $when }; no answer yet.
pharmacy-history-found = { $count ->
    [0] Asked on { $when }: no fills elsewhere.
    [one] Asked on { $when }: one fill elsewhere. It stands apart until it is reconciled.
   *[other] Asked on { $when }: { $count } fills elsewhere. They stand apart until they are reconciled.
}
pharmacy-history-refused = Asked on { $when }, not answered: { $note }
pharmacy-history-needs = Ask the patient first, and tick the box.
pharmacy-history-waits = It was asked already and the answer is on its way.

# What pharmacies ask
pharmacy-change = Change
pharmacy-asks-more = { $pharmacy } asks for more
pharmacy-asks-change = { $pharmacy } asks for a change
pharmacy-asks-refills = It asks for { $count ->
    [one] one refill
   *[other] { $count } refills
}.
pharmacy-asks-alternatives = One of { $count } alternatives: approving this one refuses the others.
pharmacy-instead-of = Instead of { $name }
pharmacy-quantity = Quantity
pharmacy-answer-note = The answer goes to { $pharmacy } by itself.
pharmacy-answer-trouble = Our answer was not taken: { $note }
pharmacy-why-generic = A generic is wanted
pharmacy-why-therapeutic = Another medicine of the kind is wanted
pharmacy-why-clarification = The prescription is not clear
pharmacy-why-authorization = The insurance wants a prior authorization
pharmacy-why-use-review = A check at the pharmacy speaks against it
pharmacy-why-out-of-stock = Out of stock
pharmacy-why-provider = The prescriber must confirm who they are
