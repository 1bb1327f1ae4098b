//! Data types of FHIR R4 as those of CDA (HL7 version 3 data types R1): the other direction of `ccda::datatypes`.

use super::agreed;
use super::markup::{Tag, tag};
use crate::ccda::reading::address;
use crate::ccda::tables;
use serde_json::Value;

pub(super) const LOINC: &str = "2.16.840.1.113883.6.1";
pub(super) const SNOMED: &str = "2.16.840.1.113883.6.96";
pub(super) const ACT: &str = "2.16.840.1.113883.5.4";

/// Text at a way of members: `["code", "text"]`.
pub(super) fn text<'a>(value: &'a Value, way: &[&str]) -> Option<&'a str> {
    way.iter().try_fold(value, |it, name| it.get(name)).and_then(Value::as_str).filter(|it| !it.trim().is_empty())
}

pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// `2026-06-15T12:00:00.5Z` → `20260615120000.5+0000`.
pub(super) fn point(fhir: &str) -> Option<String> {
    let (date, time) = fhir.split_once('T').map_or((fhir, None), |(date, time)| (date, Some(time)));
    let mut out: String = date.chars().filter(char::is_ascii_digit).collect();
    if !matches!(out.len(), 4 | 6 | 8) {
        return None;
    }
    if let Some(time) = time {
        let end = time.find(['Z', '+', '-']).unwrap_or(time.len());
        let (clock, zone) = time.split_at(end);
        out.extend(clock.chars().filter(|it| it.is_ascii_digit() || *it == '.'));
        match zone {
            "Z" => out.push_str("+0000"),
            zone => out.extend(zone.chars().filter(|it| *it != ':')),
        }
    }
    Some(out)
}

/// A point in time, or that it is not known.
pub(super) fn moment(name: &'static str, fhir: Option<&str>) -> Tag {
    match fhir.and_then(point) {
        Some(point) => tag(name).is("value", point),
        None => null(name, "UNK"),
    }
}

/// The day of a moment.
pub(super) fn day(name: &'static str, fhir: Option<&str>) -> Tag {
    moment(name, fhir.map(|it| it.split('T').next().unwrap_or(it)))
}

/// A span with its beginning, known or not, and its end, if there is one.
pub(super) fn span(low: Option<&str>, high: Option<&str>) -> Tag {
    let high = high.map(|it| moment("high", Some(it)));
    tag("effectiveTime").add(moment("low", low)).all(high)
}

/// `<name>DateTime`, `<name>Period`, `<name>Instant`: start and end.
pub(super) fn when<'a>(value: &'a Value, name: &str) -> (Option<&'a str>, Option<&'a str>) {
    let of = |suffix: &str| value.get(format!("{name}{suffix}"));
    let point = of("DateTime").or_else(|| of("Instant")).and_then(Value::as_str);
    match (point, of("Period")) {
        (Some(point), _) => (Some(point), None),
        (None, Some(period)) => (text(period, &["start"]), text(period, &["end"])),
        _ => (None, None),
    }
}

/// A point as `value`, a period as its ends; what is not known says so.
pub(super) fn effective(value: &Value, name: &str) -> Tag {
    match when(value, name) {
        (Some(start), Some(end)) => span(Some(start), Some(end)),
        (Some(start), None) if value.get(format!("{name}Period")).is_some() => span(Some(start), None),
        (Some(point), None) => moment("effectiveTime", Some(point)),
        (None, Some(end)) => span(None, Some(end)),
        (None, None) => null("effectiveTime", "UNK"),
    }
}

pub(super) fn null(name: &'static str, flavour: &str) -> Tag {
    tag(name).is("nullFlavor", flavour)
}

/// A code of which the template says what it must be.
pub(super) fn code(name: &'static str, code: &str, system: &str, display: &str) -> Tag {
    tag(name).is("code", code).is("codeSystem", system).maybe("displayName", Some(display).filter(|it| !it.is_empty()))
}

pub(super) fn status(code: &str) -> Tag {
    tag("statusCode").is("code", code)
}

/// A coding whose system has an object identifier.
pub(super) fn coding(name: &'static str, coding: &Value) -> Option<Tag> {
    let system = text(coding, &["system"]).and_then(tables::system_oid)?;
    let it =
        tag(name).is("code", text(coding, &["code"])?.split_whitespace().collect::<String>()).is("codeSystem", system);
    Some(it.maybe("displayName", text(coding, &["display"])))
}

/// Words for a concept: its text, else what a coding is called, else a code.
pub(super) fn words(concept: &Value) -> Option<String> {
    let all = list(concept, "coding");
    let said = text(concept, &["text"]).or_else(|| all.iter().find_map(|it| text(it, &["display"])));
    said.or_else(|| all.iter().find_map(|it| text(it, &["code"]))).map(str::to_owned)
}

/// A concept: the first coding that can be told, the others as translations, and the words it was chosen for. Without
/// a coding, the words stand alone with a null flavour.
pub(super) fn concept(name: &'static str, concept: Option<&Value>) -> Tag {
    chosen(name, concept, |_| true)
}

/// The same where only some codings may stand first, because the template binds them.
pub(super) fn chosen(name: &'static str, concept: Option<&Value>, may_lead: impl Fn(&Value) -> bool) -> Tag {
    let Some(concept) = concept else { return null(name, "UNK") };
    let codings: Vec<&Value> = list(concept, "coding").iter().filter(|it| coding("code", it).is_some()).collect();
    let lead = codings.iter().position(|it| may_lead(it));
    let said = text(concept, &["text"]).map(|it| tag("originalText").text(it));
    let said =
        said.or_else(|| codings.is_empty().then(|| words(concept)).flatten().map(|it| tag("originalText").text(it)));
    let first = match lead.and_then(|it| coding(name, codings[it])) {
        Some(first) => first,
        None if said.is_some() || !codings.is_empty() => null(name, "OTH"),
        None => null(name, "UNK"),
    };
    let others = codings.iter().enumerate().filter(|(at, _)| Some(*at) != lead);
    first.all(said).all(others.filter_map(|(_, it)| coding("translation", it)))
}

/// A concept as a value of an observation.
pub(super) fn coded_value(value: Option<&Value>) -> Tag {
    concept("value", value).is("xsi:type", "CD")
}

pub(super) fn number(value: &Value) -> Option<String> {
    value.as_number().map(ToString::to_string)
}

/// The unit of a quantity as PQ takes it: UCUM, else words without spaces in braces.
fn unit(quantity: &Value) -> String {
    let known = text(quantity, &["code"]).filter(|it| !it.contains(char::is_whitespace));
    match (known, text(quantity, &["unit"])) {
        (Some(code), _) => code.to_owned(),
        (None, Some(unit)) if fhir::search::units::canonical(unit).is_some() => unit.to_owned(),
        (None, Some(unit)) => {
            let plain: String = unit.chars().filter(|it| it.is_ascii_alphanumeric()).collect();
            if plain.is_empty() { "1".to_owned() } else { format!("{{{plain}}}") }
        }
        (None, None) => "1".to_owned(),
    }
}

/// A quantity (PQ).
pub(super) fn quantity(name: &'static str, quantity: Option<&Value>) -> Tag {
    match quantity.and_then(|it| Some((number(it.get("value")?)?, unit(it)))) {
        Some((value, unit)) => tag(name).is("value", value).is("unit", unit),
        None => null(name, "UNK"),
    }
}

/// `value[x]` of an observation or component; `None` when nothing is said of it.
pub(super) fn value(of: &Value) -> Option<Tag> {
    let members = of.as_object()?;
    let (name, found) = members.iter().find(|(name, _)| name.starts_with("value"))?;
    let of_type = |tag: Tag, kind: &str| Some(tag.is("xsi:type", kind));
    match name.as_str() {
        "valueQuantity" => match text(found, &["comparator"]) {
            None => of_type(quantity("value", Some(found)), "PQ"),
            Some(comparator) => {
                let (end, open) = match comparator {
                    "<" => ("high", true),
                    "<=" => ("high", false),
                    ">" => ("low", true),
                    _ => ("low", false),
                };
                let end = quantity(end, Some(found)).maybe("inclusive", open.then_some("false"));
                of_type(tag("value").add(end), "IVL_PQ")
            }
        },
        "valueRange" => {
            let end = |name: &'static str| found.get(name).map(|it| quantity(name, Some(it)));
            of_type(tag("value").all(end("low")).all(end("high")), "IVL_PQ")
        }
        "valueCodeableConcept" => Some(coded_value(Some(found))),
        "valueString" => of_type(tag("value").text(found.as_str()?), "ST"),
        "valueInteger" => of_type(tag("value").is("value", found.to_string()), "INT"),
        "valueBoolean" => of_type(tag("value").is("value", found.to_string()), "BL"),
        "valueDateTime" => of_type(tag("value").is("value", point(found.as_str()?)?), "TS"),
        "valueTime" => of_type(tag("value").text(found.as_str()?), "ST"),
        "valueRatio" => {
            let end = |name: &'static str| quantity(name, found.get(name)).is("xsi:type", "PQ");
            of_type(tag("value").add(end("numerator")).add(end("denominator")), "RTO_PQ_PQ")
        }
        "valuePeriod" => {
            let end = |name: &'static str, of: &str| text(found, &[of]).map(|it| moment(name, Some(it)));
            of_type(tag("value").all(end("low", "start")).all(end("high", "end")), "IVL_TS")
        }
        _ => None,
    }
}

/// The words for `value[x]`, for the narrative.
pub(super) fn value_words(of: &Value) -> Option<String> {
    let members = of.as_object()?;
    let (name, found) = members.iter().find(|(name, _)| name.starts_with("value"))?;
    match name.as_str() {
        "valueQuantity" => Some(quantity_words(found)),
        "valueCodeableConcept" => words(found),
        "valueRange" => {
            let end = |name: &str| found.get(name).map(quantity_words).unwrap_or_default();
            Some(format!("{} – {}", end("low"), end("high")))
        }
        "valueRatio" => {
            let end = |name: &str| found.get(name).map(quantity_words).unwrap_or_default();
            Some(format!("{} / {}", end("numerator"), end("denominator")))
        }
        "valueDateTime" => found.as_str().map(date_words),
        "valuePeriod" => Some(period_words(text(found, &["start"]), text(found, &["end"]))),
        _ => Some(found.as_str().map_or_else(|| found.to_string(), str::to_owned)),
    }
}

pub(super) fn quantity_words(it: &Value) -> String {
    let comparator = text(it, &["comparator"]).unwrap_or_default();
    let value = it.get("value").and_then(number).unwrap_or_default();
    let unit = text(it, &["unit"]).or_else(|| text(it, &["code"])).unwrap_or_default();
    format!("{comparator}{value} {unit}").trim().to_owned()
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `2026-06-15T12:00:00Z` → `15-Jun-2026 12:00`.
pub(super) fn date_words(fhir: &str) -> String {
    let (date, time) = fhir.split_once('T').map_or((fhir, None), |(date, time)| (date, Some(time)));
    let month = |it: &str| it.parse::<usize>().ok().and_then(|it| MONTHS.get(it.wrapping_sub(1)));
    let parts: Vec<&str> = date.split('-').collect();
    let day = match parts.as_slice() {
        [year, number, day] => month(number).map(|month| format!("{day}-{month}-{year}")),
        [year, number] => month(number).map(|month| format!("{month}-{year}")),
        _ => None,
    };
    let day = day.unwrap_or_else(|| date.to_owned());
    match time.and_then(|it| it.get(..5)) {
        Some(clock) => format!("{day} {clock}"),
        None => day,
    }
}

pub(super) fn period_words(start: Option<&str>, end: Option<&str>) -> String {
    match (start.map(date_words), end.map(date_words)) {
        (Some(start), Some(end)) => format!("{start} to {end}"),
        (Some(start), None) => start,
        (None, Some(end)) => format!("until {end}"),
        (None, None) => String::new(),
    }
}

/// The root under which numbers of a system are told: its object identifier or UUID; else one made from its address.
pub(super) fn root_of(system: &str) -> String {
    if let Some(oid) = tables::identifier_oid(system) {
        return oid;
    }
    let made = address(&format!("identifier-system|{system}"));
    made.trim_start_matches("urn:uuid:").to_owned()
}

/// Business identifiers (II).
pub(super) fn identifiers(resource: &Value) -> Vec<Tag> {
    let all = list(resource, "identifier").iter().filter_map(|it| {
        let value = text(it, &["value"])?;
        let assigner = text(it, &["assigner", "display"]);
        match text(it, &["system"]) {
            Some("urn:ietf:rfc:3986") => {
                let root = value.strip_prefix("urn:oid:").or_else(|| value.strip_prefix("urn:uuid:"))?;
                tables::as_urn(root)?;
                Some(tag("id").is("root", root))
            }
            Some(system) => Some(
                tag("id").is("root", root_of(system)).is("extension", value).maybe("assigningAuthorityName", assigner),
            ),
            None => None,
        }
    });
    all.collect()
}

/// Names of a person: those with a family and a given part.
pub(super) fn names(person: &Value) -> Vec<Tag> {
    let made = list(person, "name").iter().filter_map(|it| {
        let family = text(it, &["family"])?;
        let given: Vec<&str> = list(it, "given").iter().filter_map(Value::as_str).collect();
        if given.is_empty() {
            return None;
        }
        let usage = text(it, &["use"]).and_then(|it| agreed::out("name.use", it));
        let part = |name: &'static str, of: &str| -> Vec<Tag> {
            list(it, of).iter().filter_map(Value::as_str).map(|it| tag(name).text(it)).collect()
        };
        let maiden = (text(it, &["use"]) == Some("maiden")).then_some("BR");
        let suffix = list(it, "suffix").iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
        Some(
            tag("name")
                .maybe("use", usage)
                .all(part("prefix", "prefix"))
                .all(given.into_iter().map(|it| tag("given").text(it)))
                .add(tag("family").maybe("qualifier", maiden).text(family))
                .all((!suffix.is_empty()).then(|| tag("suffix").text(suffix))),
        )
    });
    made.collect()
}

/// Addresses; one null flavour when there is none.
pub(super) fn addresses(of: &Value) -> Vec<Tag> {
    let whole = of.get("address");
    let given: Vec<&Value> = match whole {
        Some(Value::Array(all)) => all.iter().collect(),
        Some(one @ Value::Object(_)) => vec![one],
        _ => Vec::new(),
    };
    let made: Vec<Tag> = given.into_iter().filter_map(place).collect();
    if made.is_empty() { vec![null("addr", "UNK")] } else { made }
}

fn place(it: &Value) -> Option<Tag> {
    let city = text(it, &["city"])?;
    let lines = list(it, "line").iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    let lines = if lines.is_empty() { text(it, &["text"])?.to_owned() } else { lines };
    let country = text(it, &["country"]).map(|it| if matches!(it, "USA" | "United States") { "US" } else { it });
    let country = country.filter(|it| it.len() == 2);
    let state = text(it, &["state"]).map(|it| agreed::out("state", it).unwrap_or(it));
    let known = |name: &'static str, value: Option<&str>| match value {
        Some(value) => tag(name).text(value),
        None => null(name, "UNK"),
    };
    let state = state.filter(|it| it.len() == 2);
    let usage = text(it, &["use"]).and_then(|it| agreed::out("address.use", it));
    let period = it.get("period").map(|it| {
        let end = |name: &'static str, of: &str| text(it, &[of]).map(|it| moment(name, Some(it)));
        tag("useablePeriod").is("xsi:type", "IVL_TS").all(end("low", "start")).all(end("high", "end"))
    });
    Some(
        tag("addr")
            .maybe("use", usage)
            .add(tag("streetAddressLine").text(lines))
            .add(tag("city").text(city))
            .all(text(it, &["district"]).map(|it| tag("county").text(it)))
            .add(known("state", state))
            .add(known("postalCode", text(it, &["postalCode"])))
            .add(tag("country").text(country.unwrap_or("US")))
            .all(period),
    )
}

/// Numbers to call and mail addresses; one null flavour when there is none.
pub(super) fn telecoms(of: &Value) -> Vec<Tag> {
    let made = list(of, "telecom").iter().filter_map(|it| {
        let value = text(it, &["value"])?;
        let scheme = match text(it, &["system"]) {
            Some("email") => "mailto:",
            Some("fax") => "fax:",
            Some("sms") => "sms:",
            Some("url") => "",
            _ => "tel:",
        };
        let plain = value.split_whitespace().collect::<Vec<_>>().join(if scheme == "tel:" { "-" } else { "" });
        let usage = text(it, &["use"]).and_then(|it| agreed::out("telecom.use", it));
        Some(tag("telecom").maybe("use", usage).is("value", format!("{scheme}{plain}")))
    });
    let made: Vec<Tag> = made.collect();
    if made.is_empty() { vec![null("telecom", "UNK")] } else { made }
}
