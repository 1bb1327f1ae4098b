//! The latest of each kind of measurement, with a few before it: rows of the vitals and results cards, and
//! results side by side by date.

use super::reading::Reading;
use super::when::When;
use std::collections::HashMap;

/// One kind of measurement.
#[derive(Clone, Debug)]
pub struct Latest {
    /// Newest first; never empty.
    pub readings: Vec<Reading>,
}

impl Latest {
    pub fn newest(&self) -> &Reading {
        &self.readings[0]
    }

    pub fn previous(&self) -> Option<&Reading> {
        self.readings.get(1)
    }

    /// Up or down since the reading before, when both are numbers of the same unit.
    pub fn change(&self) -> Option<std::cmp::Ordering> {
        use super::reading::Measured::Quantity;
        match (&self.newest().value, &self.previous()?.value) {
            (Quantity { number, unit, .. }, Quantity { number: before, unit: same, .. }) if unit == same => {
                number.partial_cmp(before)
            }
            _ => None,
        }
    }
}

/// Vital signs in the order in which they are taken, with the names on the ward: (LOINC codes, name).
const VITALS: [(&[&str], &str); 12] = [
    (&["85354-9", "55284-4", "35094-2"], "Blood pressure"),
    (&["8867-4"], "Heart rate"),
    (&["9279-1"], "Respiratory rate"),
    (&["8310-5", "8331-1"], "Temperature"),
    (&["59408-5", "2708-6"], "Oxygen saturation"),
    (&["72514-3", "38208-5"], "Pain score"),
    (&["29463-7", "3141-9"], "Weight"),
    (&["8302-2", "3137-7"], "Height"),
    (&["39156-5"], "BMI"),
    (&["59576-9"], "BMI percentile"),
    (&["9843-4", "8289-1"], "Head circumference"),
    (&["77606-2"], "Weight for length"),
];

pub(crate) const WEIGHT: &str = "29463-7,3141-9";

/// Groups readings by kind, each newest first.
pub(crate) fn grouped(readings: Vec<Reading>) -> Vec<Latest> {
    let mut place: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<Latest> = Vec::new();
    for reading in readings.into_iter().filter(Reading::counts) {
        let at = *place.entry(reading.kind()).or_insert_with(|| {
            groups.push(Latest { readings: Vec::new() });
            groups.len() - 1
        });
        groups[at].readings.push(reading);
    }
    for group in &mut groups {
        group.readings.sort_by_key(|it| std::cmp::Reverse(it.at()));
    }
    groups
}

/// Vital signs in the order of the ward; those it does not know come last, as they are called.
pub(crate) fn vitals(readings: Vec<Reading>) -> Vec<Latest> {
    let place = |group: &Latest| {
        let code = group.newest().code.as_deref().unwrap_or_default();
        VITALS.iter().position(|(codes, _)| codes.contains(&code)).unwrap_or(VITALS.len())
    };
    let mut groups = grouped(readings);
    for group in &mut groups {
        if let Some((_, name)) = VITALS.get(place(group)) {
            group.readings.iter_mut().for_each(|it| it.name = (*name).to_owned());
        }
    }
    groups.sort_by_key(place);
    groups
}

/// What needs a look first: critical, then abnormal, then the rest; the newest first among each.
/// A flag older than a year does not push itself forward.
pub(crate) fn by_concern(mut groups: Vec<Latest>, now: i64) -> Vec<Latest> {
    const YEAR: i64 = 365 * 86_400_000;
    groups.sort_by_key(|group| {
        let newest = group.newest();
        let recent = now / 1000 - newest.at() < YEAR;
        let concern = match newest.flag {
            Some(flag) if flag.is_critical() && recent => 0,
            Some(flag) if flag.is_abnormal() && recent => 1,
            _ => 2,
        };
        (concern, std::cmp::Reverse(newest.at()))
    });
    groups
}

/// Tests by dates: the flowsheet.
#[derive(Clone, Debug, Default)]
pub struct Flowsheet {
    /// Newest first, one for each day with results.
    pub days: Vec<When>,
    pub groups: Vec<Panel>,
}

/// Tests reported together.
#[derive(Clone, Debug)]
pub struct Panel {
    pub name: String,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug)]
pub struct Row {
    pub name: String,
    pub code: Option<String>,
    /// The readings of each day, newest first, in the order of `days`.
    pub cells: Vec<Vec<Reading>>,
}

impl Flowsheet {
    /// `panel_of` says under which report an observation was sent.
    pub(crate) fn of(readings: Vec<Reading>, panel_of: &HashMap<String, String>, days: usize) -> Flowsheet {
        let mut all: Vec<When> = readings.iter().filter_map(|it| it.when).collect();
        all.sort_by_key(|it| std::cmp::Reverse(it.at()));
        let mut shown: Vec<When> = Vec::new();
        for when in all {
            if shown.last().is_none_or(|it| it.machine() != when.machine()) {
                shown.push(when);
            }
        }
        shown.truncate(days);
        let mut groups: Vec<Panel> = Vec::new();
        let mut sorted = readings;
        sorted.sort_by_key(|it| std::cmp::Reverse(it.at()));
        let mut home: HashMap<String, usize> = HashMap::new();
        for reading in sorted {
            let Some(when) = reading.when else { continue };
            let Some(day) = shown.iter().position(|it| it.machine() == when.machine()) else { continue };
            // A test stays in the panel in which it was last seen.
            let at = *home.entry(reading.kind()).or_insert_with(|| {
                let name = panel_of.get(&reading.id).cloned().unwrap_or_else(|| "Other tests".into());
                groups.iter().position(|it| it.name == name).unwrap_or_else(|| {
                    groups.push(Panel { name, rows: Vec::new() });
                    groups.len() - 1
                })
            });
            let rows = &mut groups[at].rows;
            let row =
                rows.iter().position(|it| it.code == reading.code && (it.code.is_some() || it.name == reading.name));
            let row = row.unwrap_or_else(|| {
                let cells = vec![Vec::new(); shown.len()];
                rows.push(Row { name: reading.name.clone(), code: reading.code.clone(), cells });
                rows.len() - 1
            });
            rows[row].cells[day].push(reading);
        }
        // The catch-all comes last.
        groups.sort_by_key(|it| it.name == "Other tests");
        Flowsheet { days: shown, groups }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::element::Names;
    use serde_json::json;

    fn reading(id: &str, code: &str, day: &str, value: f64, flag: &str) -> Reading {
        let it = json!({"id": id, "status": "final", "effectiveDateTime": day,
            "code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": format!("test {code}")},
            "interpretation": [{"coding": [{"code": flag}]}], "valueQuantity": {"value": value, "unit": "u"}});
        Reading::of(&it, &Names::default())
    }

    #[test]
    fn vitals_come_in_the_order_in_which_they_are_taken() {
        let vitals = vitals(vec![
            reading("1", "39156-5", "2024-01-01", 22.0, "N"),
            reading("2", "99999-9", "2024-01-01", 1.0, "N"),
            reading("3", "8867-4", "2024-01-01", 70.0, "N"),
            reading("4", "8867-4", "2024-02-01", 72.0, "N"),
        ]);
        let names: Vec<_> = vitals.iter().map(|it| it.newest().name.as_str()).collect();
        assert_eq!(names, ["Heart rate", "BMI", "test 99999-9"]);
        assert_eq!(vitals[0].newest().id, "4");
        assert_eq!(vitals[0].change(), Some(std::cmp::Ordering::Greater));
    }

    #[test]
    fn what_needs_a_look_comes_first_unless_it_is_old() {
        let now = When::parse("2024-06-01").unwrap().at() * 1000;
        let groups = grouped(vec![
            reading("normal", "1", "2024-05-30", 1.0, "N"),
            reading("old", "2", "2020-05-30", 1.0, "HH"),
            reading("high", "3", "2024-03-01", 1.0, "H"),
            reading("critical", "4", "2024-01-01", 1.0, "LL"),
        ]);
        let order: Vec<_> = by_concern(groups, now).iter().map(|it| it.newest().id.clone()).collect();
        assert_eq!(order, ["critical", "high", "normal", "old"]);
    }

    #[test]
    fn a_flowsheet_puts_tests_beside_dates_under_their_panel() {
        let readings = vec![
            reading("a", "1", "2024-05-30T08:00:00Z", 1.0, "N"),
            reading("b", "1", "2024-05-30T16:00:00Z", 2.0, "N"),
            reading("c", "1", "2024-04-30", 3.0, "N"),
            reading("d", "2", "2024-04-30", 4.0, "N"),
        ];
        let panels = [("b".to_owned(), "Lipids".to_owned())].into();
        let sheet = Flowsheet::of(readings, &panels, 8);
        assert_eq!(sheet.days.iter().map(When::date).collect::<Vec<_>>(), ["30-May-2024", "30-Apr-2024"]);
        let shape: Vec<_> = sheet.groups.iter().map(|it| (it.name.as_str(), it.rows.len())).collect();
        assert_eq!(shape, [("Lipids", 1), ("Other tests", 1)]);
        let ids = |cell: &Vec<Reading>| cell.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
        assert_eq!(sheet.groups[0].rows[0].cells.iter().map(ids).collect::<Vec<_>>(), [vec!["b", "a"], vec!["c"]]);
    }
}
