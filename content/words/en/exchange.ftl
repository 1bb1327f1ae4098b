# Documents to and from others.
exchange-make = Make a document
exchange-make-says = What is known of the patient as one clinical document (C-CDA) that other systems can read. What came from elsewhere and was not reconciled is left out.
exchange-kind = Document
exchange-kind-summary = Continuity of care document
exchange-kind-referral = Referral note
exchange-kind-discharge = Discharge summary
exchange-kind-plan = Care plan
exchange-recipient = For whom
exchange-recipient-hint = Name of the person or practice who is to get it.
exchange-reason = Reason
exchange-reason-hint = Why the patient is sent, or what happened in hospital.
exchange-instructions = Instructions for the patient
exchange-make-for = Make for { $patient }
exchange-done-made = The document is made. Open it to look at it or to send it.
exchange-done-taken = The document is taken in. What it tells stands apart until it is reconciled.
exchange-done-known = This document was here already. It says nothing new.
exchange-error-another = This document is about somebody else: its name or date of birth is not that of this chart.
exchange-told = What this document tells
exchange-waits = { $count ->
    [one] One entry waits to be reconciled.
   *[other] { $count } entries wait to be reconciled.
  }
exchange-problems = Problems
exchange-allergies = Allergies
exchange-medications = Medications
exchange-immunizations = Immunizations
exchange-procedures = Procedures
exchange-reports = Reports
exchange-observations = Measurements and results
exchange-goals = Goals
exchange-family = Family history
exchange-reconcile = Reconcile
