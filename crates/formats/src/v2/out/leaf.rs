//! The smallest values: dates, moments, codes and the names of systems as version 2 writes them.

use super::tables::Outgoing;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;

/// Ways to write a value that need no table.
pub(super) const LEAVES: [&str; 10] =
    ["text", "date", "time", "plain", "coding", "mime", "mime-type", "HD.1", "HD.2", "HD.3"];

/// `2026-06-15T12:00:00.123-04:00` as `20260615120000.123-0400`; a date or a part of one as its digits.
pub(super) fn time(text: &str) -> String {
    let (date, clock) = text.split_once('T').unwrap_or((text, ""));
    let (clock, offset) = match clock.find(['+', '-', 'Z']) {
        Some(at) => clock.split_at(at),
        None => (clock, ""),
    };
    let digits = |it: &str| it.chars().filter(|it| it.is_ascii_digit() || *it == '.').collect::<String>();
    let offset = match offset {
        "" => String::new(),
        "Z" => "+0000".to_owned(),
        other => format!("{}{}", &other[..1], digits(other)),
    };
    // A time of day alone has no date before it.
    let date = if date.contains(':') { digits(date) } else { date.replace('-', "") };
    // Four digits behind the point are the most (2.A.22).
    let clock = digits(clock);
    let clock = clock.get(..clock.find('.').map_or(clock.len(), |at| (at + 5).min(clock.len()))).unwrap_or(&clock);
    format!("{date}{clock}{offset}")
}

pub(super) fn date(text: &str) -> String {
    text.split('T').next().unwrap_or("").replace('-', "")
}

/// The text of an attachment.
pub(super) fn plain(data: &str) -> String {
    let bytes = STANDARD.decode(data).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default().replace("\r\n", "\n")
}

/// `application/pdf` is `application` and `pdf`; parameters stay behind.
pub(super) fn mime(text: &str, before: bool) -> String {
    let kind = text.split(';').next().unwrap_or("").trim();
    let (first, second) = kind.split_once('/').unwrap_or((kind, ""));
    if before { first } else { second }.to_owned()
}

/// A code system by its short name; one without a short name by its address.
pub(super) fn coding(outgoing: &Outgoing, system: &str) -> String {
    if let Some(known) = outgoing.code("system", system) {
        return known.to_owned();
    }
    if let Some(number) = system.strip_prefix("http://terminology.hl7.org/CodeSystem/v2-") {
        return format!("HL7{number}");
    }
    system.strip_prefix("urn:oid:").unwrap_or(system).to_owned()
}

/// Who gave a number (HD): a name, a universal id and its type.
pub(super) fn authority(outgoing: &Outgoing, names: &BTreeMap<String, String>, system: &str) -> [String; 3] {
    let parts = |name: &str, id: &str, kind: &str| [name, id, kind].map(str::to_owned);
    if let Some(name) = names.get(system) {
        return parts(name, "", "");
    }
    if let Some(known) = outgoing.code("authority", system) {
        let mut known = known.split('|');
        let mut next = || known.next().unwrap_or("");
        return parts(next(), next(), next());
    }
    // Our own way to write a short name that somebody else sent.
    if let Some(name) = system.strip_prefix("urn:id:") {
        return parts(name, "", "");
    }
    match system.strip_prefix("urn:oid:") {
        Some(oid) => parts("", oid, "ISO"),
        None if system.is_empty() => parts("", "", ""),
        None => parts("", system, "URI"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_keep_what_they_say_and_no_more() {
        for (fhir, v2) in [
            ("1988", "1988"),
            ("1988-02", "198802"),
            ("1988-02-29", "19880229"),
            ("2026-06-15T12:00:00Z", "20260615120000+0000"),
            ("2026-06-15T12:00:00.123456-04:00", "20260615120000.1234-0400"),
            ("08:15:00", "081500"),
        ] {
            assert_eq!(time(fhir), v2, "{fhir}");
        }
        assert_eq!(date("2026-06-15T12:00:00Z"), "20260615");
    }

    #[test]
    fn systems_have_their_short_names_or_their_addresses() {
        let outgoing = Outgoing::standard();
        for (system, name) in [
            ("http://loinc.org", "LN"),
            ("http://terminology.hl7.org/CodeSystem/v2-0203", "HL70203"),
            ("https://house.example/codes", "https://house.example/codes"),
            ("urn:oid:1.2.3.4", "1.2.3.4"),
        ] {
            assert_eq!(coding(outgoing, system), name);
        }
        let names = BTreeMap::from([("https://river.example/mrn".to_owned(), "RIVER".to_owned())]);
        let of = |system: &str| authority(outgoing, &names, system).join("&");
        assert_eq!(of("https://river.example/mrn"), "RIVER&&");
        assert_eq!(of("urn:id:LAKE"), "LAKE&&");
        assert_eq!(of("urn:oid:1.2.3"), "&1.2.3&ISO");
        assert_eq!(of("http://hl7.org/fhir/sid/us-npi"), "NPI&2.16.840.1.113883.4.6&ISO");
        assert_eq!(of("https://lake.example/mrn"), "&https://lake.example/mrn&URI");
    }
}
