# Closing a visit.
closing-title = Close visit
closing-close-for = Close the visit of { $patient }
closing-is-closed = This visit is closed.
closing-done = done
closing-open = open
closing-note-missing = Write the note
closing-note-unsigned = Sign: { $title }
closing-note-signed = Signed: { $title }
closing-orders-signed = { $count ->
    [0] No orders
    [one] One order, signed
   *[other] { $count } orders, signed
 }
closing-orders-unsigned = { $count ->
    [one] Sign one order in your basket
   *[other] Sign { $count } orders in your basket
 }
closing-summary-given = After-visit summary given
closing-summary-missing = Give the after-visit summary
closing-diagnoses = Diagnoses of this visit, the main one first
closing-no-problems = There are no active problems. Add the diagnosis to the problem list first.
closing-level = Level of the visit
closing-established-1 = Established patient, without a clinician
closing-established-2 = Established patient, straightforward
closing-established-3 = Established patient, low complexity
closing-established-4 = Established patient, moderate complexity
closing-established-5 = Established patient, high complexity
closing-new-2 = New patient, straightforward
closing-new-3 = New patient, low complexity
closing-new-4 = New patient, moderate complexity
closing-new-5 = New patient, high complexity
closing-preventive = Preventive visit
closing-none = No charge
closing-follow-up = Follow-up
closing-no-follow-up = None needed
closing-weeks = { $count ->
    [one] In one week
   *[other] In { $count } weeks
 }
closing-reason = Why is it closed although something above is open?
closing-reason-hint = Only needed while something above is open.
closing-error-diagnosis = Choose at least one diagnosis.
closing-error-level = Choose the level of the visit.
closing-error-reason = Something above is open. Do it first, or say why the visit is closed without it.
closing-error-changed = Somebody changed this visit meanwhile. Look at it again.
