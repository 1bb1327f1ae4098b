# What other records say, and how it is reconciled.
reconcile-title = Reconcile with other records
reconcile-from = from
reconcile-waiting = { $count ->
    [one] From other records: 1, not reconciled
   *[other] From other records: { $count }, not reconciled
}
reconcile-go = Reconcile
reconcile-allergies-told = Other records tell of allergies:
reconcile-not-looked-at = Nobody here has looked at this yet.
reconcile-none = Nothing from other records waits here. What arrives with documents or from other organisations is shown here until somebody decides about it.
reconcile-sources = From where
reconcile-way-document = document
reconcile-way-record = record
reconcile-statements = { $count ->
    [one] 1 statement
   *[other] { $count } statements
}
reconcile-changed-on = last change
reconcile-keys = With the keyboard: Tab goes from one decision to the next. There K, M, R, D and I decide and lead on; Ctrl Enter reviews.
reconcile-rows = { $count ->
    [one] 1 to decide
   *[other] { $count } to decide
}
reconcile-not-yours = You can see what waits; somebody who signs orders decides about it.
reconcile-here = This record
reconcile-there = Other records
reconcile-this-record = this record
reconcile-not-here = Not in this record
reconcile-only-here = { $count ->
    [one] 1 more only in this record
   *[other] { $count } more only in this record
}
reconcile-not-any-more = Does not hold any more
reconcile-copies = said { $count } times
reconcile-readings = { $count ->
    [one] 1 result
   *[other] { $count } results
}
reconcile-more = and { $count } more
reconcile-critical = critical
reconcile-value = Value
reconcile-range = Reference range
reconcile-by-code = Same code
reconcile-by-ingredient = Same substance
reconcile-by-text = Similar words: check that both mean the same
reconcile-same = Both say the same
reconcile-decide = What becomes of { $what }
reconcile-keep = Keep ours
reconcile-add = Add to this record
reconcile-merge = Merge
reconcile-replace = Replace ours
reconcile-discontinue = Discontinue
reconcile-add-past = Add as past
reconcile-ignore = Ignore
reconcile-suggested = suggested
reconcile-count = { $done } of { $count } decided
reconcile-suggest = Take the suggestions
reconcile-save = Save for later
reconcile-review = Review
reconcile-review-title = Review what was decided
reconcile-back = Back to the decisions
reconcile-open = { $count ->
    [one] One statement is not decided. It stays apart until somebody decides.
   *[other] { $count } statements are not decided. They stay apart until somebody decides.
}
reconcile-left = { $count ->
    [one] One statement stays with the record it came from.
   *[other] { $count } statements stay with the records they came from.
}
reconcile-fate = What changes
reconcile-fate-stays = stays
reconcile-fate-added = added
reconcile-fate-merged = merged
reconcile-fate-replaced = replaced
reconcile-fate-ended = ended
reconcile-fate-waits = waits
reconcile-source = Source
reconcile-note = Remark (optional)
reconcile-sign = Sign for { $patient }
reconcile-nothing = Nothing is decided yet. Go back and decide about at least one statement.
reconcile-changed = Something was changed meanwhile, so nothing was written. Go back and look at what is there now.
reconcile-last = Last reconciled on { $when }: { $count ->
    [one] one entry
   *[other] { $count } entries
}
reconcile-last-undone = Last reconciliation taken back on { $when }: { $count ->
    [one] one entry
   *[other] { $count } entries
}
reconcile-undo = Take it back
reconcile-done = Signed. The lists are up to date.
reconcile-undone = Taken back. Everything is as it was before.
