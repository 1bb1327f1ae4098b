//! Data types of CDA (HL7 version 3 data types R1) as data types of FHIR R4: points and spans of time, concepts,
//! identifiers, quantities. A value that cannot be what it claims to be is left out and noted; nothing is guessed.

use super::part::{Part, absent};
use super::reading::Reading;
use super::tables;
use super::xml::{Element, Node};
use crate::Fate;
use serde_json::{Number, Value, json};

/// A moment, as precise as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// FHIR `dateTime`.
    pub text: String,
    /// An hour was written that could not be kept: it had no zone, or no minutes.
    pub weakened: bool,
}

/// Reads a point in time (TS): `2012`, `201208`, `20120806`, `201208061410-0500`, `20120806141005.123+0000`. FHIR wants
/// a zone with every hour: `zone` is that of the document, for hours that were written without one.
pub fn moment(text: &str, zone: Option<&str>) -> Option<Moment> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())),
        None => ("", rest),
    };
    let own_zone = match rest {
        "" => None,
        "Z" => Some("Z".to_owned()),
        _ => Some(offset(rest)?),
    };
    let part = |from: usize, to: usize| digits.get(from..to);
    let year = part(0, 4).filter(|it| *it != "0000")?;
    let date = match digits.len() {
        4 | 5 => year.to_owned(),
        6 | 7 => format!("{year}-{}", month(part(4, 6)?)?),
        _ => {
            let day = part(6, 8)?;
            let date = format!("{year}-{}-{day}", month(part(4, 6)?)?);
            // Some systems write the day they do not know as 00.
            if day == "00" {
                return Some(Moment { text: date[..7].to_owned(), weakened: true });
            }
            date.parse::<jiff::civil::Date>().ok()?;
            date
        }
    };
    if digits.len() <= 8 {
        return Some(Moment { text: date, weakened: matches!(digits.len(), 5 | 7) });
    }
    let clock = |from, to, most: u8| part(from, to).filter(|it| it.parse::<u8>().is_ok_and(|it| it <= most));
    let seconds = if digits.len() >= 14 { clock(12, 14, 59) } else { Some("00") };
    let zone = own_zone.as_deref().or(zone);
    match (clock(8, 10, 23), clock(10, 12, 59), seconds, zone) {
        (Some(hour), Some(minute), Some(second), Some(zone)) => {
            let dot = if fraction.is_empty() { "" } else { "." };
            let fraction = &fraction[..fraction.len().min(9)];
            Some(Moment { text: format!("{date}T{hour}:{minute}:{second}{dot}{fraction}{zone}"), weakened: false })
        }
        _ => Some(Moment { text: date, weakened: true }),
    }
}

fn month(text: &str) -> Option<&str> {
    matches!(text.parse::<u8>(), Ok(1..=12)).then_some(text)
}

/// `-0500`, `+05:30`, `-05` as FHIR writes it; nothing lies further than 14 hours from Greenwich.
fn offset(text: &str) -> Option<String> {
    let sign = text.chars().next().filter(|it| matches!(it, '+' | '-'))?;
    let digits: String = text[1..].chars().filter(|it| *it != ':').collect();
    if !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match digits.len() {
        2 => (digits.as_str(), "00"),
        4 => digits.split_at(2),
        _ => return None,
    };
    let near = hours.parse::<u8>().ok()? < 14 || (hours == "14" && minutes == "00");
    (near && minutes.parse::<u8>().ok()? < 60).then(|| format!("{sign}{hours}:{minutes}"))
}

/// The zone of a written time.
pub(super) fn zone_of(text: &str) -> Option<String> {
    let at = text.find(['+', '-'])?;
    offset(&text[at..])
}

/// A decimal as FHIR writes it: `.5` is `0.5`, `+5` is `5`, `007` is `7`; digits are kept.
pub fn decimal(text: &str) -> Option<Number> {
    let text = text.trim();
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let plain = |it: &str| it.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) || (whole.is_empty() && fraction.is_empty()) || rest.len() > 60 {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let dot = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{dot}{fraction}").parse().ok()
}

/// Text on one line, single spaces: what FHIR's `code` and `string` take.
pub(super) fn tidy(text: &str) -> Option<String> {
    let mut out = String::new();
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().filter(|it| !it.is_control()));
    }
    (!out.is_empty()).then_some(out)
}

/// The codes with which a sender says that the thing itself, not its code, is left open.
fn is_unknown(code: &str) -> bool {
    matches!(code, "UNK" | "NI" | "NA" | "NASK" | "ASKU")
}

impl<'a> Reading<'a> {
    /// A point in time: `value` of a TS, as `dateTime`.
    pub(super) fn date(&self, node: Option<Node<'a>>) -> Option<String> {
        let node = node?;
        let text = node.attr("value")?;
        match moment(text, self.zone.as_deref()) {
            Some(found) => {
                if found.weakened {
                    self.note(Fate::Weakened, node, "the hour has no zone or no minutes: only the day is kept");
                }
                Some(found.text)
            }
            None => {
                self.note(Fate::Wrong, node, "the time is not one that can be");
                None
            }
        }
    }

    /// A date without its hour, for example of birth.
    pub(super) fn day(&self, node: Option<Node<'a>>) -> Option<String> {
        let found = moment(node?.attr("value")?, Some("Z"))?;
        Some(found.text.split('T').next().unwrap_or_default().to_owned())
    }

    /// A moment to the second, or nothing (FHIR `instant`).
    pub(super) fn instant(&self, node: Option<Node<'a>>) -> Option<String> {
        moment(node?.attr("value")?, self.zone.as_deref()).map(|it| it.text).filter(|it| it.contains('T'))
    }

    /// Start and end of a span (IVL_TS). A single point is both its start.
    pub(super) fn period(&self, node: Option<Node<'a>>) -> Option<Value> {
        let node = node?;
        let start =
            self.date(node.kid("low")).or_else(|| self.date(Some(node))).or_else(|| self.date(node.kid("center")));
        let end = self.date(node.kid("high"));
        let turned = matches!((&start, &end), (Some(start), Some(end)) if is_after(start, end));
        if turned {
            self.note(Fate::Wrong, node, "the span ends before it begins: its end is left out");
        }
        if let Some(width) = node.kid("width").filter(|it| it.attr("value").is_some()) {
            self.note(Fate::Kept, width, "the length of a span is not read");
        }
        Part::new().with("start", start).with("end", end.filter(|_| !turned)).some()
    }

    /// `effectiveTime` as `<name>DateTime` or `<name>Period`.
    pub(super) fn when(&self, part: Part, name: &str, node: Option<Node<'a>>) -> Part {
        let Some(node) = node else { return part };
        let ends = (node.at("low", "value"), node.at("high", "value"));
        let at_once = ends.0.is_some() && ends.0 == ends.1;
        let point = if at_once { self.date(node.kid("low")) } else { self.date(Some(node)) };
        if let Some(point) = point {
            return part.with(&format!("{name}DateTime"), Some(point));
        }
        part.with(&format!("{name}Period"), self.period(Some(node)))
    }

    /// The first moment that a span names.
    pub(super) fn start(&self, node: Option<Node<'a>>) -> Option<String> {
        let node = node?;
        self.date(node.kid("low")).or_else(|| self.date(Some(node))).or_else(|| self.date(node.kid("center")))
    }

    /// The text of an ED or ST: what stands in it, or in the narrative where its reference points.
    pub(super) fn said(&self, node: Option<Node<'a>>) -> Option<String> {
        let node = node?;
        let pointed = node.at("reference", "value").and_then(|it| self.pointed(it.trim_start_matches('#')));
        let pointed = pointed.and_then(|it| tidy(&it));
        pointed.or_else(|| tidy(&node.words()))
    }

    fn coding(&self, node: Node<'a>) -> Option<Value> {
        let code = tidy(node.attr("code")?)?;
        let system = node.attr("codeSystem").and_then(tables::code_system);
        if system.is_none() {
            self.note(Fate::Weakened, node, "the code names no code system that can be addressed");
        }
        if system.is_none() && is_unknown(&code) {
            return None;
        }
        let version = node.attr("codeSystemVersion").and_then(tidy);
        let display = node.attr("displayName").and_then(tidy);
        Part::new()
            .with("system", system)
            .with("version", version)
            .with("code", Some(code))
            .with("display", display)
            .some()
    }

    /// A concept (CD, CE, CV): its code, its translations, and the words it was chosen for.
    pub(super) fn concept(&self, node: Option<Node<'a>>) -> Option<Value> {
        let node = node?;
        let mut codings: Vec<Value> = Vec::new();
        for it in std::iter::once(node).chain(node.kids("translation")) {
            if let Some(coding) = self.coding(it).filter(|it| !codings.contains(it)) {
                codings.push(coding);
            }
        }
        let text = self
            .said(node.kid("originalText"))
            .or_else(|| codings.is_empty().then(|| node.attr("displayName").and_then(tidy)).flatten());
        if node.kid("qualifier").is_some() {
            self.note(Fate::Kept, node, "qualifiers of a code are not read");
        }
        Part::new().list("coding", codings).with("text", text).some()
    }

    /// A concept that must be there: what the sender coded, else the words of the statement, else why it is absent.
    pub(super) fn concept_or(&self, node: Option<Node<'a>>, words: Option<String>) -> Value {
        self.concept(node)
            .or_else(|| words.map(|it| json!({ "text": it })))
            .unwrap_or_else(|| super::part::absent_concept(self.reason(node)))
    }

    /// Why something is absent (data-absent-reason), from its null flavour.
    pub(super) fn reason(&self, node: Option<Node<'a>>) -> &'static str {
        node.and_then(Element::null).and_then(|it| tables::map("null", it)).unwrap_or("unknown")
    }

    pub(super) fn identifier(&self, node: Node<'a>) -> Option<Value> {
        let root = node.attr("root")?;
        let assigner = node.attr("assigningAuthorityName").and_then(tidy).map(|it| json!({ "display": it }));
        let (system, value) = match node.attr("extension").and_then(tidy) {
            Some(value) => (tables::identifier_system(root), value),
            None => (Some("urn:ietf:rfc:3986".to_owned()), tables::as_urn(root)?),
        };
        Part::new().with("system", system).with("value", Some(value)).with("assigner", assigner).some()
    }

    pub(super) fn identifiers(&self, node: Node<'a>) -> Vec<Value> {
        let mut found: Vec<Value> = Vec::new();
        for it in node.kids("id").filter_map(|it| self.identifier(it)) {
            if !found.contains(&it) {
                found.push(it);
            }
        }
        found
    }

    /// A quantity (PQ) with its unit in UCUM; a unit that is not UCUM stays as words.
    pub(super) fn quantity(&self, node: Option<Node<'a>>) -> Option<Value> {
        let node = node?;
        let Some(text) = node.attr("value") else {
            return node
                .kids("translation")
                .find(|it| it.attr("value").is_some())
                .and_then(|it| self.quantity(Some(it)));
        };
        let Some(value) = decimal(text) else {
            self.note(Fate::Wrong, node, "the quantity is not a number");
            return None;
        };
        let unit = node.attr("unit").and_then(tidy).or_else(|| self.said(node.kid("originalText")));
        let known = unit.as_deref().filter(|it| fhir::search::units::canonical(it).is_some());
        Part::new()
            .with("value", Some(Value::Number(value)))
            .with("system", known.map(|_| "http://unitsofmeasure.org"))
            .with("code", known.map(str::to_owned))
            .with("unit", unit.clone())
            .some()
    }

    /// A span of quantities as range; with one end only, as a quantity with a comparator.
    pub(super) fn range(&self, node: Option<Node<'a>>) -> Option<Value> {
        let node = node?;
        Part::new().with("low", self.quantity(node.kid("low"))).with("high", self.quantity(node.kid("high"))).some()
    }

    /// `value` of an observation as `value[x]`, or why there is none.
    pub(super) fn value(&self, part: Part, node: Option<Node<'a>>) -> Part {
        let Some(node) = node else { return part };
        let named = |name: &str, value: Option<Value>| value.map(|it| (format!("value{name}"), it));
        let text = || self.said(Some(node)).map(Value::String);
        let ends = (node.kid("low").and_then(|it| it.attr("value")), node.kid("high").and_then(|it| it.attr("value")));
        let found = match node.kind() {
            Some("CD" | "CE" | "CV" | "CO" | "CS") => named("CodeableConcept", self.concept(Some(node))),
            Some("PQ" | "REAL" | "MO") => named("Quantity", self.quantity(Some(node))),
            Some("INT") => {
                let whole = node.attr("value").and_then(|it| it.parse::<i32>().ok()).map(Value::from);
                named("Integer", whole).or_else(|| named("Quantity", self.quantity(Some(node))))
            }
            Some("IVL_PQ" | "IVL_INT" | "IVL_REAL") => match ends {
                (Some(_), Some(_)) => named("Range", self.range(Some(node))),
                (Some(_), None) => named("Quantity", self.compared(node.kid("low"), [">", ">="])),
                (None, Some(_)) => named("Quantity", self.compared(node.kid("high"), ["<", "<="])),
                (None, None) => named("Quantity", self.quantity(node.kid("center").or(Some(node)))),
            },
            Some("BL") => named("Boolean", node.attr("value").and_then(|it| it.parse().ok()).map(Value::Bool)),
            Some("TS") => named("DateTime", self.date(Some(node)).map(Value::String)),
            Some("IVL_TS") => match self.date(Some(node)) {
                Some(point) => named("DateTime", Some(Value::String(point))),
                None => named("Period", self.period(Some(node))),
            },
            Some("RTO" | "RTO_PQ_PQ" | "RTO_QTY_QTY") => {
                let ends = (self.quantity(node.kid("numerator")), self.quantity(node.kid("denominator")));
                let ratio = match ends {
                    (Some(over), Some(under)) => Some(json!({ "numerator": over, "denominator": under })),
                    _ => None,
                };
                named("Ratio", ratio)
            }
            Some("ED") if node.attr("representation") == Some("B64") => None,
            _ if node.attr("code").is_some() => named("CodeableConcept", self.concept(Some(node))),
            _ if node.attr("value").is_some_and(|it| decimal(it).is_some()) => {
                named("Quantity", self.quantity(Some(node)))
            }
            _ => named("String", text()),
        };
        match found {
            Some((name, value)) => part.with(&name, Some(value)),
            None => match (text(), node.null()) {
                (Some(text), _) => part.with("valueString", Some(text)),
                (None, Some(_)) => {
                    part.with("dataAbsentReason", Some(super::part::absent_concept(self.reason(Some(node)))))
                }
                (None, None) => {
                    if node.has_children() || node.attr("value").is_some() {
                        self.note(Fate::Wrong, node, "the value is not of the type that it names");
                    }
                    part
                }
            },
        }
    }

    fn compared(&self, end: Option<Node<'a>>, [open, closed]: [&str; 2]) -> Option<Value> {
        let comparator = if end?.attr("inclusive") == Some("false") { open } else { closed };
        let mut value = self.quantity(end)?;
        value["comparator"] = json!(comparator);
        Some(value)
    }

    /// A required primitive that is not there: the member with an underscore and the reason.
    pub(super) fn or_absent(&self, part: Part, name: &str, value: Option<String>, node: Option<Node<'a>>) -> Part {
        match value {
            Some(value) => part.with(name, Some(value)),
            None => part.with(&format!("_{name}"), Some(absent(self.reason(node)))),
        }
    }
}

/// Whether one date lies after the other, as far as both are written.
fn is_after(a: &str, b: &str) -> bool {
    let day = |it: &str| it.split('T').next().unwrap_or_default().to_owned();
    let (first, second) = (day(a), day(b));
    let shared = first.len().min(second.len());
    match first[..shared].cmp(&second[..shared]) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => {
            let exact = |it: &str| it.parse::<jiff::Timestamp>().ok();
            matches!((exact(a), exact(b)), (Some(a), Some(b)) if a > b)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<String> {
        moment(text, None).map(|it| it.text)
    }

    #[test]
    fn times_keep_the_precision_they_were_written_with() {
        let cases = [
            ("2012", Some("2012")),
            ("201208", Some("2012-08")),
            ("20120806", Some("2012-08-06")),
            ("201208061410-0500", Some("2012-08-06T14:10:00-05:00")),
            ("20120806141005.123+0000", Some("2012-08-06T14:10:05.123+00:00")),
            ("20120806141005", Some("2012-08-06")),
            ("2012080614-0500", Some("2012-08-06")),
            ("20120800", Some("2012-08")),
            ("20120230", None),
            ("20121301", None),
            ("0000", None),
            ("August", None),
            ("201208061410-9900", None),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).as_deref(), expected, "{text}");
        }
        assert_eq!(
            moment("201208061410", Some("-05:00")).map(|it| it.text).as_deref(),
            Some("2012-08-06T14:10:00-05:00")
        );
    }

    #[test]
    fn numbers_are_written_as_fhir_writes_them() {
        let cases = [
            (".5", Some("0.5")),
            ("+07.50", Some("7.50")),
            ("-0", Some("-0")),
            ("1,5", None),
            ("", None),
            ("NaN", None),
        ];
        for (text, expected) in cases {
            assert_eq!(decimal(text).map(|it| it.to_string()).as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_as_a_time_is_a_fhir_time(text in "[0-9]{3,15}(\\.[0-9]{1,4})?([+-][0-9]{2,4}|Z)?|\\PC{0,20}") {
            if let Some(found) = moment(&text, Some("Z")) {
                prop_assert!(fhir::path::Temporal::parse_date_time(&found.text).is_some(), "{}", found.text);
            }
        }

        #[test]
        fn a_full_time_keeps_every_part(year in 1900u16..2100, month in 1u8..13, day in 1u8..29, hour in 0u8..24, minute in 0u8..60) {
            let found = read(&format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}+0100"));
            prop_assert_eq!(found, Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:00+01:00")));
        }

        #[test]
        fn whatever_is_read_as_a_number_is_json(text in "\\PC{0,12}|[+-]?[0-9]{0,5}\\.?[0-9]{0,5}") {
            if let Some(found) = decimal(&text) {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&found.to_string()).is_ok());
            }
        }
    }
}
