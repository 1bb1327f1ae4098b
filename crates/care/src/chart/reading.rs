//! One observation as people read it: what was measured, the value with the digits it was sent with, its
//! flag, its own reference range and its status (FHIR R4, Observation 10.1). The flag is the sender's; only
//! when there is none is it worked out from the range the sender gave.

use super::element::{Names, at, code_in, concept, decimal, first_code, list, notes, owned, text};
use super::when::When;
use fhir::Value;

const LOINC: &str = "http://loinc.org";

/// HL7 v3 ObservationInterpretation, as far as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    CriticalHigh,
    CriticalLow,
    CriticalAbnormal,
    High,
    Low,
    Abnormal,
    Normal,
}

impl Flag {
    fn parse(code: &str) -> Option<Flag> {
        Some(match code {
            "HH" | "HU" => Flag::CriticalHigh,
            "LL" | "LU" => Flag::CriticalLow,
            "AA" => Flag::CriticalAbnormal,
            "H" | "HX" | ">" => Flag::High,
            "L" | "LX" | "<" => Flag::Low,
            "A" | "POS" | "R" | "DET" => Flag::Abnormal,
            "N" | "NEG" | "S" | "ND" => Flag::Normal,
            _ => return None,
        })
    }

    /// The letters laboratories print.
    pub fn letters(self) -> &'static str {
        match self {
            Flag::CriticalHigh => "HH",
            Flag::CriticalLow => "LL",
            Flag::CriticalAbnormal => "AA",
            Flag::High => "H",
            Flag::Low => "L",
            Flag::Abnormal => "A",
            Flag::Normal => "N",
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Flag::CriticalHigh => "critically high",
            Flag::CriticalLow => "critically low",
            Flag::CriticalAbnormal => "critically abnormal",
            Flag::High => "high",
            Flag::Low => "low",
            Flag::Abnormal => "abnormal",
            Flag::Normal => "normal",
        }
    }

    pub fn is_abnormal(self) -> bool {
        self != Flag::Normal
    }

    pub fn is_critical(self) -> bool {
        self <= Flag::CriticalAbnormal
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Measured {
    Quantity {
        number: f64,
        /// With its comparator and its digits: `<0.5`, `5.40`.
        shown: String,
        unit: String,
    },
    Words(String),
    /// Why there is no value.
    Missing(String),
}

impl Measured {
    /// `5.40 mmol/L`.
    pub fn with_unit(&self) -> String {
        match self {
            Measured::Quantity { shown, unit, .. } if unit.is_empty() => shown.clone(),
            Measured::Quantity { shown, unit, .. } if unit == "%" => format!("{shown}%"),
            Measured::Quantity { shown, unit, .. } => format!("{shown} {unit}"),
            Measured::Words(words) => words.clone(),
            Measured::Missing(why) => format!("No value: {why}"),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Range {
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// As people read it: `3.5–5.1`, `< 200`.
    pub shown: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultStatus {
    Preliminary,
    Final,
    Corrected,
    Cancelled,
    Mistaken,
    Unknown,
}

impl ResultStatus {
    pub(crate) fn of(code: Option<&str>) -> ResultStatus {
        match code {
            Some("registered" | "preliminary") => ResultStatus::Preliminary,
            Some("final") => ResultStatus::Final,
            Some("amended" | "corrected") => ResultStatus::Corrected,
            Some("cancelled") => ResultStatus::Cancelled,
            Some("entered-in-error") => ResultStatus::Mistaken,
            _ => ResultStatus::Unknown,
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            ResultStatus::Preliminary => "Preliminary",
            ResultStatus::Final => "Final",
            ResultStatus::Corrected => "Corrected",
            ResultStatus::Cancelled => "Cancelled",
            ResultStatus::Mistaken => "Entered in error",
            ResultStatus::Unknown => "Status unknown",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Reading {
    pub id: String,
    /// What its trend is found by: a LOINC code, else any code.
    pub code: Option<String>,
    pub name: String,
    pub when: Option<When>,
    pub value: Measured,
    /// The unit of the value as UCUM writes it, where it was sent so.
    pub ucum: Option<String>,
    /// What a corrected result said before, where that was looked up.
    pub was: Option<Measured>,
    pub flag: Option<Flag>,
    pub range: Option<Range>,
    pub status: ResultStatus,
    /// Parts measured together: systolic and diastolic pressure.
    pub parts: Vec<Part>,
    pub performer: Option<String>,
    pub specimen: Option<String>,
    pub method: Option<String>,
    pub note: Option<String>,
    /// From where it was sent, when it was not measured here.
    pub source: Option<String>,
    /// It came from another record and nobody here has decided about it.
    pub apart: bool,
}

#[derive(Clone, Debug)]
pub struct Part {
    pub code: Option<String>,
    pub name: String,
    pub value: Measured,
    pub flag: Option<Flag>,
    pub range: Option<Range>,
}

impl Reading {
    pub(crate) fn of(value: &Value, names: &Names) -> Reading {
        let parts: Vec<Part> = list(value, "component").iter().map(part).collect();
        let whole = part(value);
        let has_value = !matches!(whole.value, Measured::Missing(_));
        let worst = parts.iter().filter_map(|it| it.flag).min();
        let when = ["effectiveDateTime", "effectiveInstant", "issued"].iter().find_map(|it| text(value, &[it]));
        Reading {
            id: owned(value, &["id"]).unwrap_or_default(),
            code: whole.code,
            name: whole.name,
            when: text(value, &["effectivePeriod", "start"]).or(when).and_then(When::parse),
            value: if has_value || parts.is_empty() { whole.value } else { joined(&parts) },
            ucum: owned(value, &["valueQuantity", "code"]).or_else(|| owned(value, &["valueQuantity", "unit"])),
            was: None,
            flag: whole.flag.or(worst),
            range: whole.range,
            status: ResultStatus::of(text(value, &["status"])),
            parts,
            performer: names.at(value, &["performer"]),
            specimen: names.at(value, &["specimen"]),
            method: value.get("method").and_then(concept),
            note: notes(value),
            source: super::source(value),
            apart: crate::exchange::origin::is_unreconciled(value),
        }
    }

    pub fn at(&self) -> i64 {
        self.when.map_or(i64::MIN, |it| it.at())
    }

    /// A number that may be drawn.
    pub fn number(&self) -> Option<f64> {
        match (&self.value, self.status) {
            (_, ResultStatus::Mistaken | ResultStatus::Cancelled) => None,
            (Measured::Quantity { number, .. }, _) => Some(*number),
            _ => None,
        }
    }

    /// Whether it counts: cancelled results and mistakes are shown but do not lead.
    pub fn counts(&self) -> bool {
        !matches!(self.status, ResultStatus::Mistaken | ResultStatus::Cancelled)
    }

    /// What it is grouped by.
    pub(crate) fn kind(&self) -> String {
        self.code.clone().unwrap_or_else(|| self.name.to_lowercase())
    }
}

fn part(value: &Value) -> Part {
    let code = value.get("code");
    let range = list(value, "referenceRange").iter().find_map(range);
    let measured = measured(value);
    let sent = list(value, "interpretation")
        .iter()
        .flat_map(|it| list(it, "coding").iter().filter_map(|it| text(it, &["code"])))
        .find_map(Flag::parse);
    Part {
        code: code.and_then(|it| code_in(it, LOINC)).map(str::to_owned),
        name: code.and_then(concept).unwrap_or_else(|| "Unnamed test".into()),
        flag: sent.or_else(|| by_range(&measured, range.as_ref()?)),
        value: measured,
        range,
    }
}

/// `118/76 mmHg` for parts of one unit, else each with its name.
fn joined(parts: &[Part]) -> Measured {
    let units: Vec<&str> = parts
        .iter()
        .map(|it| match &it.value {
            Measured::Quantity { unit, .. } => unit.as_str(),
            _ => "",
        })
        .collect();
    let pressure = ["8480-6", "8462-4"];
    let found = pressure.map(|code| parts.iter().find(|it| it.code.as_deref() == Some(code)));
    if let [Some(systolic), Some(diastolic)] = found
        && let (Measured::Quantity { shown: high, unit, .. }, Measured::Quantity { shown: low, .. }) =
            (&systolic.value, &diastolic.value)
    {
        return Measured::Words(format!("{high}/{low} {}", printed(unit)));
    }
    let named = parts.iter().map(|it| format!("{}: {}", it.name, it.value.with_unit()));
    match units.is_empty() {
        true => Measured::Missing("nothing was sent".into()),
        false => Measured::Words(named.collect::<Vec<_>>().join("; ")),
    }
}

/// UCUM's annotations and brackets are for machines: `mm[Hg]` → `mmHg`, `{score}` → nothing; but what a unit
/// is divided by is said (`mL/min/{1.73_m2}`).
pub(crate) fn printed(unit: &str) -> String {
    let mut out = String::with_capacity(unit.len());
    let mut depth = 0;
    let mut said = false;
    for c in unit.chars() {
        match c {
            '{' => {
                depth += 1;
                said = out.ends_with('/');
            }
            '}' => depth -= 1,
            '[' | ']' => {}
            '_' if depth > 0 && said => out.push(' '),
            c if depth == 0 || said => out.push(c),
            _ => {}
        }
    }
    match out.as_str() {
        "Cel" => "°C".into(),
        "degF" => "°F".into(),
        "lb_av" => "lb".into(),
        "in_i" => "in".into(),
        "1" => String::new(),
        _ => out.replace("10*", "10^"),
    }
}

fn measured(value: &Value) -> Measured {
    if let Some(quantity) = value.get("valueQuantity") {
        if let Some((number, digits)) = quantity.get("value").and_then(decimal) {
            let unit = text(quantity, &["unit"]).or_else(|| text(quantity, &["code"])).unwrap_or_default();
            let comparator = text(quantity, &["comparator"]).unwrap_or_default();
            return Measured::Quantity { number, shown: format!("{comparator}{digits}"), unit: printed(unit) };
        }
        return Measured::Missing(why_absent(quantity).or_else(|| why_absent(value)).unwrap_or("not sent".into()));
    }
    if let Some(number) = value.get("valueInteger").and_then(decimal) {
        return Measured::Quantity { number: number.0, shown: number.1, unit: String::new() };
    }
    let words = value
        .get("valueCodeableConcept")
        .and_then(concept)
        .or_else(|| owned(value, &["valueString"]))
        .or_else(|| value.get("valueBoolean").map(|it| if it == &Value::Bool(true) { "Yes" } else { "No" }.to_owned()))
        .or_else(|| When::parse(text(value, &["valueDateTime"])?).map(|it| it.date_and_time()))
        .or_else(|| owned(value, &["valueTime"]))
        .or_else(|| ratio(value.get("valueRatio")?))
        .or_else(|| range(value.get("valueRange")?).map(|it| it.shown))
        .or_else(|| value.get("valueSampledData").map(|_| "Waveform".to_owned()));
    words.map_or_else(|| Measured::Missing(why_absent(value).unwrap_or("not sent".into())), Measured::Words)
}

fn ratio(value: &Value) -> Option<String> {
    let number = |it: &str| at(value, &[it, "value"]).and_then(decimal).map(|it| it.1);
    Some(format!("{}:{}", number("numerator")?, number("denominator")?))
}

fn why_absent(value: &Value) -> Option<String> {
    let reason = value.get("dataAbsentReason")?;
    concept(reason).or_else(|| first_code(reason).map(str::to_owned)).map(|it| it.to_lowercase())
}

fn range(value: &Value) -> Option<Range> {
    // A range for something else than what is usual (a therapeutic goal) must not flag a result.
    let kind = value.get("type").and_then(first_code);
    if kind.is_some_and(|it| it != "normal") {
        return None;
    }
    let limit = |it: &str| at(value, &[it, "value"]).and_then(decimal);
    let (low, high) = (limit("low"), limit("high"));
    let shown = match (owned(value, &["text"]), &low, &high) {
        (Some(text), ..) => text,
        (_, Some(low), Some(high)) => format!("{}–{}", low.1, high.1),
        (_, Some(low), None) => format!("≥ {}", low.1),
        (_, None, Some(high)) => format!("≤ {}", high.1),
        (_, None, None) => return None,
    };
    Some(Range { low: low.map(|it| it.0), high: high.map(|it| it.0), shown })
}

fn by_range(measured: &Measured, range: &Range) -> Option<Flag> {
    let Measured::Quantity { number, .. } = measured else { return None };
    if range.low.is_some_and(|low| *number < low) {
        return Some(Flag::Low);
    }
    if range.high.is_some_and(|high| *number > high) {
        return Some(Flag::High);
    }
    (range.low.is_some() || range.high.is_some()).then_some(Flag::Normal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_str, json};

    fn reading(text: &str) -> Reading {
        Reading::of(&from_str(text).unwrap(), &Names::default())
    }

    #[test]
    fn a_value_keeps_its_digits_and_its_comparator() {
        let one = reading(
            r#"{"status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}], "text": "Potassium"},
                "valueQuantity": {"value": 5.40, "unit": "mmol/L", "comparator": "<"}, "effectiveDateTime": "2024-05-01"}"#,
        );
        assert_eq!(one.value.with_unit(), "<5.40 mmol/L");
        assert_eq!((one.name.as_str(), one.code.as_deref()), ("Potassium", Some("2823-3")));
        assert_eq!(one.number(), Some(5.4));
    }

    #[test]
    fn the_flag_is_the_senders_and_only_else_worked_out_from_the_range_sent() {
        let check = |extra: &str, flag: Option<Flag>| {
            let text = format!(r#"{{"code": {{"text": "K"}}, "valueQuantity": {{"value": 6.0}} {extra}}}"#);
            assert_eq!(reading(&text).flag, flag, "{extra}");
        };
        let range = r#", "referenceRange": [{"low": {"value": 3.5}, "high": {"value": 5.1}}]"#;
        check("", None);
        check(range, Some(Flag::High));
        check(&format!(r#"{range}, "interpretation": [{{"coding": [{{"code": "N"}}]}}]"#), Some(Flag::Normal));
        check(r#", "interpretation": [{"coding": [{"code": "HH"}]}]"#, Some(Flag::CriticalHigh));
        check(r#", "referenceRange": [{"high": {"value": 5.1}, "type": {"coding": [{"code": "treatment"}]}}]"#, None);
        check(r#", "referenceRange": [{"text": "see note"}]"#, None);
    }

    #[test]
    fn a_blood_pressure_is_read_as_one_with_the_worse_flag() {
        let part = |code: &str, value: i32, flag: &str| {
            json!({"code": {"coding": [{"system": LOINC, "code": code}]}, "interpretation": [{"coding": [{"code": flag}]}],
                "valueQuantity": {"value": value, "unit": "mm[Hg]", "code": "mm[Hg]"}})
        };
        let pressure = json!({"code": {"text": "Blood pressure"}, "status": "final",
            "component": [part("8462-4", 76, "N"), part("8480-6", 151, "H")]});
        let pressure = Reading::of(&pressure, &Names::default());
        assert_eq!(pressure.value.with_unit(), "151/76 mmHg");
        assert_eq!(pressure.flag, Some(Flag::High));
        assert_eq!(pressure.number(), None);
    }

    #[test]
    fn a_missing_value_says_why() {
        let one = reading(r#"{"code": {"text": "K"}, "dataAbsentReason": {"text": "Specimen haemolysed"}}"#);
        assert_eq!(one.value.with_unit(), "No value: specimen haemolysed");
        assert_eq!(reading(r#"{"code": {"text": "K"}}"#).value.with_unit(), "No value: not sent");
    }

    #[test]
    fn mistakes_are_never_drawn() {
        let one = reading(r#"{"status": "entered-in-error", "code": {"text": "K"}, "valueQuantity": {"value": 5}}"#);
        assert_eq!((one.number(), one.counts()), (None, false));
    }

    #[test]
    fn units_are_printed_for_people() {
        let check = |unit: &str, shown: &str| assert_eq!(printed(unit), shown);
        check("mm[Hg]", "mmHg");
        check("{score}", "");
        check("{beats}/min", "/min");
        check("mL/min/{1.73_m2}", "mL/min/1.73 m2");
        check("Cel", "°C");
        check("[lb_av]", "lb");
        check("10*3/uL", "10^3/uL");
        check("kg/m2", "kg/m2");
    }
}
