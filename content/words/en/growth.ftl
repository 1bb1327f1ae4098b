# Growth charts.
growth-title = Growth
growth-print = Print
growth-which = Measure
growth-ages = Ages shown
growth-infant = Birth to 2 years
growth-child = 2 to 20 years
growth-weight = Weight
growth-length = Length or height
growth-head = Head circumference
growth-bmi = Body mass index
growth-weight-for-length = Weight for length
growth-girls = Girls
growth-boys = Boys
growth-who = WHO standards
growth-cdc = CDC charts
growth-who-cdc = WHO standards to 2 years, CDC charts to 3 years
growth-no-birth = The date of birth is not known to the day, so nothing can be placed. Complete it in the registration.
growth-grown-up = Growth charts end at 20 years.
growth-no-sex = The record does not say whose curves apply. Choose above.
growth-choose-curves = The record names no sex for which there are curves. Show the curves of:
growth-corrected = Born at { $weeks } weeks: until two years of age points stand at the age since term, with a mark where the age since birth would be.
growth-nothing = Nothing of the kind was measured. Enter weight and length with the vitals.
growth-none-here = No measurement falls into these ages.
growth-legend = Curves: 3rd, 10th, 25th, 50th, 75th, 90th and 97th percentile.
growth-legend-corrected = A small ring shows the age since birth.
growth-drawing = { $measure } over age, with the curves of the reference; the same measurements are in the table below
growth-point = { $date }, { $age }: { $value }, percentile { $percentile }, z { $z }
growth-axis-months = Age in months
growth-axis-years = Age in years
growth-axis-cm = Length in cm
growth-table = { $measure }, newest first
growth-date = Date
growth-age = Age
growth-age-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}
growth-age-months = { $count ->
    [one] { $count } month
   *[other] { $count } months
}
growth-age-years = { $years } y { $months } m
growth-age-corrected = since term { $age }
growth-percentile = Percentile
growth-z = z-score
growth-corrected-z = z-score since term
growth-computed = worked out
growth-parents = Height expected by the parents
growth-mother = Mother’s height in cm
growth-father = Father’s height in cm
growth-work-out = Work out
growth-expected = Expected grown-up height: { $height } cm (from { $low } to { $high } cm), percentile { $percentile }.
growth-parents-wrong = Give both heights in centimetres, from 100 to 250.
growth-velocity = How fast
growth-from-to = From and to
growth-what = What
growth-a-year = A year
growth-sources = Below 2 years: WHO Child Growth Standards 2006. From 2 years: CDC growth charts 2000, body mass index with the extension of 2022.
