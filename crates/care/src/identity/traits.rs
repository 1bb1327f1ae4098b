//! A Patient (FHIR R4, 8.1) as matching sees it: names in letters alone, dates in numbers, addresses in parts, phones in
//! digits, identifiers with their system. Two ways of writing the same thing become one; nothing is decided here.

use super::nicknames;
use crate::chart::element::{code_in, list, text};
use crate::people::sounds;
use fhir::Value;
use fhir::search::fold;

const TYPES: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";
const SSN: &str = "http://hl7.org/fhir/sid/us-ssn";
/// What of a name is looked at; nobody's is longer.
const LONGEST: usize = 60;
/// Of a repeating element as many are looked at.
const MOST: usize = 6;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// The given names of the name in use, in order.
    pub given: Vec<String>,
    /// Other given names and what they are called.
    pub called: Vec<String>,
    /// The family name in use, and the words it is made of.
    pub family: Option<Family>,
    /// Family names of before.
    pub former: Vec<Family>,
    pub born: Option<Born>,
    /// Administrative gender, where it says male or female.
    pub sex: Option<bool>,
    pub places: Vec<Place>,
    /// Digits without the code of the country.
    pub phones: Vec<String>,
    pub emails: Vec<String>,
    pub numbers: Vec<Number>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// Letters alone: `obrien`, `garcialopez`.
    pub whole: String,
    pub words: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Born {
    pub year: u16,
    pub month: Option<u8>,
    pub day: Option<u8>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub number: Option<String>,
    /// The words of each line without the kind of street: `wallaby` of Wallaby Place. Which line is the street's and
    /// which names a building is not always as it should be.
    pub streets: Vec<String>,
    pub city: String,
    /// The first five signs.
    pub postal: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    pub system: String,
    /// Letters and digits alone, in capitals.
    pub value: String,
    /// A state or a fund gave one to a person for life, so another number speaks for another person.
    pub lasting: bool,
}

/// Kinds of identifier (HL7 v2 table 0203) of which a person has one.
const LASTING: [&str; 7] = ["SS", "NI", "NNxxx", "PPN", "MC", "MA", "HC"];
/// Kinds that a family shares, or that are given for a visit.
const SHARED: [&str; 6] = ["MB", "SN", "AN", "VN", "FI", "PN"];

/// Kinds of street, which are written in many ways and tell little.
const STREETS: [&str; 34] = [
    "street",
    "st",
    "str",
    "road",
    "rd",
    "avenue",
    "ave",
    "av",
    "lane",
    "ln",
    "drive",
    "dr",
    "court",
    "ct",
    "place",
    "pl",
    "boulevard",
    "blvd",
    "circuit",
    "crescent",
    "cres",
    "close",
    "cl",
    "terrace",
    "tce",
    "way",
    "parade",
    "highway",
    "hwy",
    "parkway",
    "pkwy",
    "trail",
    "grove",
    "square",
];

/// Letters and digits of a text, without accents, in lower case.
fn letters(text: &str) -> String {
    fold(text).chars().filter(|c| c.is_alphanumeric()).take(LONGEST).collect()
}

fn words(text: &str) -> Vec<String> {
    let folded = fold(text);
    let word = |it: &str| it.chars().filter(|c| c.is_alphanumeric()).take(LONGEST).collect::<String>();
    folded.split([' ', '-', '\u{2010}']).map(word).filter(|it| !it.is_empty()).take(MOST).collect()
}

impl Family {
    pub fn of(text: &str) -> Option<Family> {
        let whole = letters(text);
        (!whole.is_empty()).then(|| Family { whole, words: words(text) })
    }
}

impl Born {
    /// `1970`, `1970-05`, `1970-05-09`.
    pub fn parse(text: &str) -> Option<Born> {
        let mut parts = text.get(..text.len().min(10))?.split('-');
        let year = parts.next()?.parse().ok()?;
        let month = parts.next().and_then(|it| it.parse().ok());
        let day = parts.next().and_then(|it| it.parse().ok()).filter(|_| month.is_some());
        Some(Born { year, month, day })
    }

    /// The whole date in eight digits.
    pub fn digits(&self) -> Option<String> {
        Some(format!("{:04}{:02}{:02}", self.year, self.month?, self.day?))
    }
}

impl Place {
    fn of(address: &Value) -> Option<Place> {
        let mut place = Place {
            city: letters(text(address, &["city"]).unwrap_or_default()),
            postal: letters(text(address, &["postalCode"]).unwrap_or_default()).chars().take(5).collect(),
            ..Place::default()
        };
        for line in list(address, "line").iter().filter_map(Value::as_str).take(3) {
            let folded = fold(line);
            let mut street: Vec<String> = Vec::new();
            // What follows a comma is the flat.
            for word in folded.split(',').next().unwrap_or_default().split_whitespace() {
                let word: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
                let numeric = word.starts_with(|c: char| c.is_ascii_digit());
                if numeric && place.number.is_none() && street.is_empty() {
                    place.number = Some(word);
                } else if !STREETS.contains(&word.as_str()) && !word.is_empty() {
                    street.push(word);
                }
            }
            place.streets.extend((!street.is_empty()).then(|| street.join(" ")));
        }
        let empty = place.streets.is_empty() && place.city.is_empty() && place.postal.is_empty();
        (!empty).then_some(place)
    }
}

impl Traits {
    pub fn of(patient: &Value) -> Traits {
        let mut it = Traits {
            born: text(patient, &["birthDate"]).and_then(Born::parse),
            sex: match text(patient, &["gender"]) {
                Some("female") => Some(true),
                Some("male") => Some(false),
                _ => None,
            },
            places: list(patient, "address").iter().filter_map(Place::of).take(MOST).collect(),
            ..Traits::default()
        };
        it.name(patient);
        for contact in list(patient, "telecom").iter().take(2 * MOST) {
            let Some(value) = text(contact, &["value"]) else { continue };
            match text(contact, &["system"]) {
                Some("email") => add(&mut it.emails, value.trim().to_lowercase()),
                Some("phone" | "sms" | "fax") | None => {
                    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
                    if digits.len() >= 7 {
                        add(&mut it.phones, digits[digits.len().saturating_sub(10)..].to_owned());
                    }
                }
                _ => {}
            }
        }
        for identifier in list(patient, "identifier").iter().take(2 * MOST) {
            it.number(identifier);
        }
        it
    }

    fn name(&mut self, patient: &Value) {
        let rank = |name: &&Value| match text(name, &["use"]) {
            Some("official") => 0,
            Some("usual") | None => 1,
            Some("temp" | "anonymous") => 2,
            Some("nickname") => 3,
            _ => 4,
        };
        let mut names: Vec<&Value> = list(patient, "name").iter().take(MOST).collect();
        names.sort_by_key(rank);
        for (at, name) in names.into_iter().enumerate() {
            let given: Vec<String> =
                list(name, "given").iter().filter_map(Value::as_str).flat_map(words).take(MOST).collect();
            let mut family = text(name, &["family"]).and_then(Family::of);
            let whole = text(name, &["text"]).filter(|_| given.is_empty() && family.is_none());
            let mut given = given;
            if let Some(whole) = whole {
                // A name in one piece: the last word is the family's, unless a comma says otherwise.
                let (first, last) = match whole.split_once(',') {
                    Some((last, first)) => (first.to_owned(), last.to_owned()),
                    None => match whole.trim().rsplit_once(' ') {
                        Some((first, last)) => (first.to_owned(), last.to_owned()),
                        None => (String::new(), whole.to_owned()),
                    },
                };
                given = words(&first);
                family = Family::of(&last);
            }
            if at == 0 {
                (self.given, self.family) = (given, family);
            } else {
                self.called.extend(given.into_iter().filter(|it| !self.given.contains(it)));
                self.former.extend(family.filter(|it| Some(it) != self.family.as_ref()));
            }
        }
    }

    fn number(&mut self, identifier: &Value) {
        let value: String = text(identifier, &["value"])
            .unwrap_or_default()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(LONGEST)
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let kind = identifier.get("type").and_then(|it| code_in(it, TYPES)).unwrap_or_default();
        if value.len() < 3 || value.bytes().all(|it| it == b'0' || it == b'9') || SHARED.contains(&kind) {
            return;
        }
        let given_system = text(identifier, &["system"]).unwrap_or_default();
        // A social security number is one, whatever its sender calls the system.
        let social = given_system == SSN || kind == "SS" || given_system.ends_with("2.16.840.1.113883.4.1");
        let assigner = text(identifier, &["assigner", "display"]).map(letters).unwrap_or_default();
        let system = match (social, given_system.is_empty()) {
            (true, _) => SSN.to_owned(),
            (false, false) => given_system.to_owned(),
            // Without a system a number means something only beside who gave it.
            (false, true) if !assigner.is_empty() => format!("{kind} {assigner}"),
            (false, true) => return,
        };
        let number = Number { system, value, lasting: social || LASTING.contains(&kind) };
        if !self.numbers.contains(&number) {
            self.numbers.push(number);
        }
    }

    /// The first given name.
    pub fn first(&self) -> Option<&str> {
        self.given.first().map(String::as_str)
    }

    /// How the first given name sounds, under every name it may stand for.
    pub(super) fn given_sounds(&self) -> Vec<String> {
        let mut sounds: Vec<String> =
            self.first().map(nicknames::names).unwrap_or_default().into_iter().map(sounds::code).collect();
        sounds.retain(|it| !it.is_empty());
        sounds.sort();
        sounds.dedup();
        sounds
    }

    /// How the family names sound, each word of a double name and each former name.
    pub(super) fn family_sounds(&self) -> Vec<String> {
        let mut sounds: Vec<String> = Vec::new();
        for family in self.family.iter().chain(&self.former) {
            let words = family.words.iter().filter(|it| family.words.len() == 1 || it.chars().count() > 3);
            sounds.extend(words.map(|it| sounds::code(it)).filter(|it| !it.is_empty()));
        }
        sounds.sort();
        sounds.dedup();
        sounds.truncate(4);
        sounds
    }
}

fn add(to: &mut Vec<String>, value: String) {
    if !value.is_empty() && !to.contains(&value) && to.len() < MOST {
        to.push(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ways_of_writing_the_same_become_one() {
        let one = json!({"name": [{"family": "O’Brien-García", "given": ["José Luis"]}], "gender": "male",
            "birthDate": "1970-05-09", "telecom": [{"system": "phone", "value": "+1 (740) 555-0188"}],
            "address": [{"line": ["12 Elm Street, Apt 4"], "city": "Mill Hollow", "postalCode": "43993-1234"}],
            "identifier": [{"system": SSN, "value": "123-45-6789"}]});
        let other = json!({"name": [{"family": "o'brien garcia", "given": ["Jose", "Luis"]}], "gender": "male",
            "birthDate": "1970-05-09", "telecom": [{"value": "740.555.0188"}],
            "address": [{"line": ["12 ELM ST"], "city": "MILL HOLLOW", "postalCode": "43993"}],
            "identifier": [{"type": {"coding": [{"system": TYPES, "code": "SS"}]}, "value": "123456789"}]});
        let (one, other) = (Traits::of(&one), Traits::of(&other));
        assert_eq!(one.family.as_ref().unwrap().whole, "obriengarcia");
        assert_eq!(one.places[0].streets, ["elm"]);
        assert_eq!(one, other);
    }

    #[test]
    fn a_name_in_one_piece_and_former_names_are_understood() {
        let it = Traits::of(&json!({"name": [{"text": "Roe, Jane"}, {"use": "maiden", "family": "Doe"}]}));
        assert_eq!((it.first(), it.family.as_ref().unwrap().whole.as_str()), (Some("jane"), "roe"));
        assert_eq!(it.former[0].whole, "doe");
    }

    #[test]
    fn what_a_family_shares_is_no_number_of_a_person() {
        let numbers = |kind: &str, system: &str, value: &str| {
            Traits::of(&json!({"identifier": [{"system": system, "value": value,
                "type": {"coding": [{"system": TYPES, "code": kind}]}}]}))
            .numbers
            .len()
        };
        assert_eq!(numbers("MB", "urn:payer", "W12345"), 0);
        assert_eq!(numbers("MR", "urn:hospital", "W12345"), 1);
        assert_eq!(numbers("SS", "", "999999999"), 0, "a number that stands for none");
    }

    #[test]
    fn a_record_with_nothing_in_it_has_no_traits() {
        assert_eq!(Traits::of(&json!({"resourceType": "Patient"})), Traits::default());
    }
}
