# Words of the pages of this family.
cohorts-title = Patient lists
cohorts-find = Find a cohort
cohorts-panel = My panel
cohorts-none = You keep no lists yet. Make one below, or find a cohort and keep it.
cohorts-asked = asked anew each time
cohorts-patients = { $count ->
    [one] 1 patient
   *[other] { $count } patients
}
cohorts-add-lead = Put this patient on a list:
cohorts-add = Add
cohorts-new = Name of a new list
cohorts-make = Make list
cohorts-full = There are too many lists. Remove one first.
cohorts-export = Export as CSV
cohorts-all = All lists
cohorts-drop = Remove this list
cohorts-keep = Keep as a list
cohorts-any = Any
cohorts-condition = Condition
cohorts-condition-hint = A code like E11.9, or the beginning of its name
cohorts-drug = Medication
cohorts-drug-hint = A code, or the beginning of its name
cohorts-from = Age from
cohorts-to = Age to
cohorts-sex = Sex
cohorts-test = Measurement
cohorts-test-hint = LOINC code, like 4548-4
cohorts-compare = Last value
cohorts-value = Than
cohorts-ask = Find patients
cohorts-nobody = Nobody fits all of that. Take something away from the question.
cohorts-name = Name
cohorts-born = Born
cohorts-mrn = MRN
cohorts-last = Last value
cohorts-remove = Take off the list
cohorts-more = There are more than are shown. Narrow the question down.
