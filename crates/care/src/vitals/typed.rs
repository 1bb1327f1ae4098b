//! What somebody typed, read and judged before anything is written: what cannot be is refused, what is unlikely asks
//! for a second look, what is out of the ordinary is marked.

use super::limits;
use super::measures::{MEASURES, Measure, POSITIONS, ROUTES, SITES, Unit, Way, measure_of};
use crate::chart::When;
use std::collections::BTreeMap;

/// The fields of the form by their names, as typed: `weight` → `82,5`, `weight-unit` → `kg`.
pub type Typed = BTreeMap<String, String>;

/// What is wrong, doubtful or out of the ordinary, and at which field.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    pub field: &'static str,
    pub why: Why,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// There is nothing to write.
    Nothing,
    NotANumber,
    /// It cannot be: the value must be between these, in the unit it was typed in.
    Outside {
        low: String,
        high: String,
        unit: &'static str,
    },
    /// Of a blood pressure, or of an oxygen flow, the other half is missing.
    Half,
    /// The lower pressure is not lower.
    Crossed,
    NoMoment,
    Future,
    /// It differs from the last time by this many percent.
    Changed {
        percent: i64,
        before: String,
        when: String,
    },
    High {
        usual: String,
        unit: &'static str,
    },
    Low {
        usual: String,
        unit: &'static str,
    },
}

/// One value, in the unit in which it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    pub(super) measure: &'static Measure,
    pub number: f64,
    /// With the digits it will have.
    pub shown: String,
    /// What is usual at this age, and whether this is above (1), below (-1) or within (0).
    pub(super) usual: Option<(f64, f64)>,
    pub(super) side: i8,
}

impl std::cmp::PartialEq for Measure {
    fn eq(&self, other: &Measure) -> bool {
        self.key == other.key
    }
}

/// A set of measurements that can be written.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    pub values: Vec<Value>,
    /// Microseconds; none is now.
    pub at: Option<i64>,
    pub(super) site: Option<Way>,
    pub(super) position: Option<Way>,
    pub(super) route: Option<Way>,
    pub(super) note: Option<String>,
}

/// What was found in a form.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    pub taken: Taken,
    /// Nothing is written while there is one of these.
    pub wrong: Vec<Trouble>,
    /// These must be confirmed.
    pub doubtful: Vec<Trouble>,
    /// These are marked and said.
    pub notable: Vec<Trouble>,
}

/// What was measured before, in stored units: what changes are judged by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Before {
    pub key: &'static str,
    pub number: f64,
    /// Milliseconds.
    pub at: i64,
}

/// Reads a form. `years` is the age of the patient, `now` in microseconds.
pub fn judge(typed: &Typed, years: Option<f64>, before: &[Before], now: i64) -> Judged {
    let mut it = Judged::default();
    let text = |name: &str| typed.get(name).map(|it| it.trim()).filter(|it| !it.is_empty());
    for measure in &MEASURES {
        let Some(words) = text(measure.key) else { continue };
        let unit = unit_of(measure, text(&format!("{}-unit", measure.key)));
        let Some(number) = number(words) else {
            it.wrong.push(Trouble { field: measure.key, why: Why::NotANumber });
            continue;
        };
        let stored = unit.stored(number);
        let (low, high) = limits::absolute(measure.key);
        if !(low..=high).contains(&stored) {
            let bound = |it: f64| rounded(unit.of_stored(it), 1);
            it.wrong.push(Trouble {
                field: measure.key,
                why: Why::Outside { low: bound(low), high: bound(high), unit: unit.shown },
            });
            continue;
        }
        let value = valued(measure, unit, stored, words, years);
        it.notable.extend(out_of_the_ordinary(&value, unit));
        it.doubtful.extend(changed(&value, unit, years, before, now));
        it.taken.values.push(value);
    }
    let has = |key: &str| text(key).is_some();
    for (one, other) in [("systolic", "diastolic"), ("diastolic", "systolic"), ("oxygen", "saturation")] {
        if has(one) && !has(other) {
            let field = measure_of(other).expect("a measure of the table").key;
            it.wrong.push(Trouble { field, why: Why::Half });
        }
    }
    if let (Some(high), Some(low)) = (it.taken.number("systolic"), it.taken.number("diastolic"))
        && low >= high
    {
        it.wrong.push(Trouble { field: "diastolic", why: Why::Crossed });
    }
    match text("taken").map(When::parse) {
        None => {}
        Some(Some(when)) if when.at() <= now / 1000 + 60_000 => it.taken.at = Some(when.at() * 1000),
        Some(Some(_)) => it.wrong.push(Trouble { field: "taken", why: Why::Future }),
        Some(None) => it.wrong.push(Trouble { field: "taken", why: Why::NoMoment }),
    }
    it.taken.site = way(&SITES, text("site"));
    it.taken.position = way(&POSITIONS, text("position"));
    it.taken.route = way(&ROUTES, text("route"));
    it.taken.note = text("note").map(|it| it.chars().take(2_000).collect());
    if it.taken.values.is_empty() && it.wrong.is_empty() {
        it.wrong.push(Trouble { field: "weight", why: Why::Nothing });
    }
    it
}

impl Taken {
    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        self.values.iter().find(|it| it.measure.key == key)
    }

    pub(super) fn number(&self, key: &str) -> Option<f64> {
        self.value(key).map(|it| it.number)
    }
}

pub(super) fn valued(measure: &'static Measure, unit: &Unit, stored: f64, words: &str, years: Option<f64>) -> Value {
    let first = &measure.units[0];
    // What was typed in the stored unit keeps its digits.
    let shown = if unit == first { plain(words) } else { rounded(stored, measure.digits) };
    let number = shown.parse().unwrap_or(stored);
    let usual = limits::usual(measure.key, years);
    let side = match usual {
        Some((low, _)) if number < low => -1,
        Some((_, high)) if number > high => 1,
        _ => 0,
    };
    Value { measure, number, shown, usual, side }
}

fn out_of_the_ordinary(value: &Value, unit: &'static Unit) -> Option<Trouble> {
    let (low, high) = value.usual?;
    let usual = format!("{}–{}", rounded(unit.of_stored(low), 1), rounded(unit.of_stored(high), 1));
    let why = match value.side {
        1 => Why::High { usual, unit: unit.shown },
        -1 => Why::Low { usual, unit: unit.shown },
        _ => return None,
    };
    Some(Trouble { field: value.measure.key, why })
}

fn changed(value: &Value, unit: &Unit, years: Option<f64>, before: &[Before], now: i64) -> Option<Trouble> {
    let last = before.iter().find(|it| it.key == value.measure.key && it.number > 0.0)?;
    let days = (now / 1000 - last.at) as f64 / 86_400_000.0;
    let most = limits::change(value.measure.key, years, days)?;
    let percent = (value.number - last.number) / last.number * 100.0;
    (percent.abs() > most).then(|| Trouble {
        field: value.measure.key,
        why: Why::Changed {
            percent: percent.round() as i64,
            before: format!("{} {}", rounded(unit.of_stored(last.number), 1), unit.shown),
            when: When::of_micros(last.at * 1000).date(),
        },
    })
}

pub(super) fn unit_of(measure: &'static Measure, key: Option<&str>) -> &'static Unit {
    measure.units.iter().find(|it| Some(it.key) == key).unwrap_or(&measure.units[0])
}

fn way(ways: &[Way], key: Option<&str>) -> Option<Way> {
    ways.iter().find(|(it, ..)| Some(*it) == key).copied()
}

/// A number as people write it, with a point or a comma.
pub(super) fn number(words: &str) -> Option<f64> {
    let plain = plain(words);
    let digits = plain.strip_prefix('-').unwrap_or(&plain);
    let fits = !digits.is_empty() && digits.len() <= 12 && digits.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    plain.parse().ok().filter(|_| fits)
}

/// `082,50` as JSON writes it: `82.50`.
fn plain(words: &str) -> String {
    let text = words.trim().replace(',', ".");
    let text = text.strip_suffix('.').unwrap_or(&text);
    let whole = text.trim_start_matches('0');
    if whole.is_empty() || whole.starts_with('.') { format!("0{whole}") } else { whole.to_owned() }
}

/// With at most so many digits after the point, and no zeros there that say nothing.
pub(super) fn rounded(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
