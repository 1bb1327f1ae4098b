# Orders, renewals, care gaps, apps of a chart.
orders-title = Orders
orders-basket = Order basket
orders-open-orders = Orders that are signed
orders-go-basket = New order
orders-go-basket-with = Basket ({ $count })
orders-back = Back to the basket
orders-cancel = Cancel
orders-changed = The orders were changed in another window meanwhile, so nothing was done. Open the basket again and look at what is there now.
orders-reason-needed = A reason is needed.
orders-too-many = There is no room for more here. Remove some first.
orders-unknown = not recorded
orders-more = There are more than are shown here.
orders-none = No orders yet. Begin with “New order”.

# What kinds of orders there are
orders-kinds = Kinds of orders
orders-kind-drug = Drugs
orders-kind-lab = Labs
orders-kind-imaging = Imaging
orders-kind-procedure = Procedures
orders-kind-referral = Referrals
orders-priority-routine = Routine
orders-priority-urgent = Urgent
orders-priority-stat = Now

# Finding and adding
orders-find = Find an order
orders-find-drug = Drug by name, brand or strength
orders-find-lab = Test by name or abbreviation
orders-find-imaging = Imaging by name or part of the body
orders-find-procedure = Procedure by name
orders-find-referral = Referral by specialty or organ
orders-search = Search
orders-found = { $count ->
    [0] Nothing on our lists
    [one] One found
   *[other] { $count } found
}
orders-add = Add
orders-add-typed = Add as typed
orders-typed-unchecked = As you typed it; it cannot be checked.
orders-there-already = It is in the basket already.
orders-favourites = My favorites
orders-favourites-none = None yet. Choose “Keep as favorite” on an order in the basket.
orders-favourite = Keep as favorite
orders-favourite-kept = Kept among your favorites.
orders-forget = Forget
orders-sets = Order sets
orders-set-choose = What to add
orders-set-add = Add to the basket

# The basket
orders-to-sign = { $count ->
    [one] One order to sign
   *[other] { $count } orders to sign
}
orders-empty = The basket is empty. Find an order, choose a favorite or an order set.
orders-weight = Weight used for doses: { $kilograms } kg
orders-sign-all = { $count ->
    [one] Sign 1 order for { $name }
   *[other] Sign { $count } orders for { $name }
}
orders-sign-one = Sign this one
orders-sign-later = Sign later
orders-signed = { $count ->
    [0] Nothing was signed.
    [one] One order was signed.
   *[other] { $count } orders were signed.
}
orders-stayed = { $count ->
    [one] One order stayed in the basket: see what it needs.
   *[other] { $count } orders stayed in the basket: see what they need.
}
orders-signer = Who signs
orders-forward = Send for signature
orders-cosign-instead = Leave the signature to somebody else
orders-sent = { $count ->
    [0] Nothing was sent.
    [one] One order was sent for signature.
   *[other] { $count } orders were sent for signature.
}
orders-state-renew = Renewal
orders-state-change = Change
orders-schedule = Controlled, schedule { $number }
orders-incomplete = Incomplete
orders-supply = { $quantity } { $unit }
orders-supply-days = { $days ->
    [one] for 1 day
   *[other] for { $days } days
}
orders-no-quantity = no quantity
orders-refills = { $count ->
    [0] no refills
    [one] 1 refill
   *[other] { $count } refills
}
orders-for = For { $problem }
orders-edit = Change
orders-remove = Remove
orders-reason = Reason to go on (needed to sign)

# The order form
orders-directions = Directions
orders-hand-out = What is handed out
orders-choose = Choose
orders-nothing = –
orders-no-indication = Not tied to a problem
orders-keep = Keep
orders-field-dose = Dose ({ $unit })
orders-field-route = Route
orders-field-timing = How often
orders-field-how = How
orders-field-need = As needed for
orders-field-days = For how many days
orders-field-more = Further directions
orders-field-quantity = Quantity ({ $unit })
orders-field-quantity-hint = Left empty, it follows from the directions.
orders-field-refills = Refills
orders-field-start = Start
orders-field-priority = Priority
orders-field-indication = For which problem
orders-field-note = Note for whoever carries it out
orders-field-directions = Directions
orders-preview-english = In English
orders-preview-spanish = In Spanish
orders-preview-reads-spanish = The patient reads Spanish: these words go with the prescription.
orders-fault-missing = This is needed.
orders-fault-number = Type a number above zero.
orders-fault-day = Type a day.
orders-fault-refills = This drug may not be refilled so often: schedule II never, schedule III and IV at most 5 times, others at most 11 times.
orders-fault-choice = Choose one of these.

# Alerts
orders-tier-stop = Stop
orders-tier-reason = Reason needed
orders-tier-info = For your information
orders-alert-allergy = Allergy: { $with }
orders-alert-cross = May react like { $with }
orders-alert-outside-allergy = Another record tells of an allergy that nobody here has looked at: { $with }
orders-alert-allergies-unknown = Allergies are not recorded. Ask before prescribing.
orders-alert-interaction = Interacts with { $with }
orders-alert-same-drug = Taken already: { $with }
orders-alert-duplicate = Does the same as { $with }
orders-alert-duplicate-test = Result is there already: { $with }
orders-alert-earlier-images = Earlier images of the same part of the body
orders-alert-already-ordered = Ordered already, no result yet: { $with }
orders-alert-dose = Dose too high: { $with }
orders-alert-unusual-dose = Unusual dose for the weight: { $with }
orders-alert-age = Not at this age: { $with }
orders-alert-no-weight = The dose of { $with } goes by weight, and none is recorded.
orders-alert-unchecked = Not checked: { $with } is not on our lists.
orders-alert-unchecked-medicine = Not checked against { $with }, which is not on our lists.
orders-alert-amounts = ({ $ordered } a day; { $most })

# Orders that are signed
orders-progress-overdue = Overdue
orders-progress-open = Open
orders-progress-done = Done
orders-progress-cancelled = Withdrawn
orders-ordered = Ordered
orders-due = due
orders-past = Done or withdrawn ({ $count })
orders-see-result = See the result
orders-withdraw = Withdraw
orders-withdraw-why = Why it is withdrawn

# Orders that wait for a signature
orders-cosign = Orders to co-sign
orders-cosign-none = Nothing waits for your signature.
orders-written-by = Written by { $name }
orders-cosign-reason = Your reason (for alerts, or for sending it back)
orders-cosign-sign = Sign for { $name }
orders-cosign-decline = Send back

# Renewals
orders-renewals = Renewal requests
orders-renewals-none = No requests wait. What pharmacies and patients ask for comes here; from the list of medications of a chart a medicine can be renewed at any time.
orders-born = born
orders-renewal-of = Renewal: { $name }
orders-renewal-asked = What is asked for
orders-renewal-note = Note
orders-renewal-prescribed = Prescribed
orders-renewal-last-fill = Last handed out
orders-renewal-last-visit = Last visit
orders-renewal-reason = Reason
orders-renewal-reason-hint = Needed to deny it, and to go on against an alert.
orders-renewal-approve = Approve for { $name }
orders-renewal-appointment = Needs a visit first
orders-renewal-deny = Deny
orders-renewal-closed = This request was decided already.
orders-protocol = Protocol
orders-protocol-renew = { $protocol }: everything the protocol asks for is there. It allows { $refills ->
    [0] no refills
    [one] 1 refill
   *[other] { $refills } refills
}.
orders-protocol-look = { $protocol }: something the protocol asks for is missing. With all of it, it allows { $refills ->
    [0] no refills
    [one] 1 refill
   *[other] { $refills } refills
}.
orders-protocol-none = No protocol speaks of this medicine. Decide as for a new prescription.
orders-protocol-controlled = A controlled drug is never renewed by protocol.
orders-protocol-visit = Seen within { $months } months
orders-protocol-test = { $name } within { $months } months
orders-protocol-range = { $name } within the range of the protocol
orders-met = Met
orders-not-met = Not met
orders-medications = All medications
orders-renew = Renew
orders-ask-renewal = Patient asks for a renewal
orders-ask-send = Put into the queue

# Care gaps
orders-gaps = Care gaps
orders-gaps-lead = What is due for this patient by the rules below. Each one says where it comes from.
orders-gaps-none = No rule speaks of this patient.
orders-gaps-nothing-due = Nothing is due.
orders-gaps-due = { $count } due
orders-gap-open = Due
orders-gap-met = Done, due again { $day }
orders-gap-unknown = Cannot be judged with your role
orders-gap-last = Last:
orders-gap-never = Nothing of it is on record here.
orders-gap-never-short = never
orders-gap-order = Put in the basket
orders-gap-vitals = To vital signs
orders-gap-answer = Answer
orders-gap-answer-is = Answer
orders-gap-elsewhere = Done elsewhere
orders-gap-declined = Patient declines
orders-gap-not-applicable = Does not apply
orders-gap-reason = Reason, or where it was done
orders-gap-day = On which day it was done
orders-gap-save = Save the answer

# Apps
orders-apps = Apps
orders-apps-lead = Each app opens with this patient. What it may see is asked when it opens.
orders-apps-none = No apps are registered that can be opened from a chart.
orders-apps-open = Open in a tab
orders-apps-beside = Open beside the chart
orders-apps-close = Close
