# Finding a patient.
find-go-to = Go to
find-title = Find a patient
find-results = Search results
find-label = Name, date of birth, record number or phone
find-do = Find
find-example = For example:
find-recent = Recent patients
find-recent-none = The charts you open will be listed here.
find-seen = Seen here lately
find-found = Patients found
find-nobody = Nobody found
find-first = The first { $count } are shown; type more to narrow it down
find-count = { $count ->
    [one] 1 patient found
   *[other] { $count } patients found
}
find-widened = No name starts with this; these contain it.
find-sounding = No name is written like this; these sound like it.
find-none = Nobody here fits all of that.
find-none-fewer = Use fewer letters: the beginning of a name is enough.
find-none-born = Try the date of birth alone, or the record number.
find-none-accents = Accents and capitals do not matter; the order of names does not either.
find-similar-note = Similar names – check the date of birth.
find-similar = Similar name
find-formerly = formerly
find-born-on = born
find-no-second = no second identifier
