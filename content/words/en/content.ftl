# Words of the pages of this family.
content-title = Clinical content
content-lead = Tables that checks and suggestions are made of. Each must be looked at again before it expires.
content-bad = { $count ->
    [one] 1 set is missing or out of date. What relies on it must not be trusted.
   *[other] { $count } sets are missing or out of date. What relies on them must not be trusted.
}
content-good = { $count ->
    [one] 1 set is there and up to date.
   *[other] All { $count } sets are there and up to date.
}
content-set = Set
content-entries = Entries
content-version = Version
content-source = Source
content-expires = Expires
content-state = State
content-is-good = good
content-is-expired = expired
content-is-missing = missing
