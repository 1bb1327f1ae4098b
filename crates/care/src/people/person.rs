//! A person as the chart and the search list need them, read from a Patient (FHIR R4, 8.1) with the
//! US Core extensions for sex recorded at birth and gender identity.

use crate::chart::element::{at, code_in, concept, extension, list, owned, text};
use crate::chart::when::{self, When};
use fhir::Value;

#[derive(Clone, Debug, Default)]
pub struct Person {
    pub id: String,
    pub family: Option<String>,
    pub given: Vec<String>,
    pub prefix: Option<String>,
    pub suffix: Option<String>,
    /// What they like to be called, when it differs.
    pub preferred: Option<String>,
    pub former: Vec<String>,
    pub pronouns: Option<String>,
    pub born: Option<When>,
    pub sex: Option<&'static str>,
    /// As recorded at birth or as they identify, when the administrative sex says something else.
    pub sex_note: Option<String>,
    pub identifiers: Vec<Identifier>,
    pub phone: Option<String>,
    pub address: Option<String>,
    pub deceased: Option<Deceased>,
    pub language: Option<String>,
    pub needs_interpreter: bool,
    /// The record says it is not in use any more.
    pub inactive: bool,
    /// The id of the record that took this one's place.
    pub replaced_by: Option<String>,
    /// The record carries a confidentiality label above normal (HL7 v3 Confidentiality R or V).
    pub restricted: bool,
    /// The record is of a programme for substance use (42 CFR Part 2; HL7 ActCode ETH and 42CFRPart2).
    pub part_2: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    pub label: &'static str,
    /// As it may be shown to staff: a social security number shows its last four digits only.
    pub shown: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deceased {
    pub when: Option<When>,
}

/// HL7 v2 table 0203 → label, in the order in which we prefer to show them.
const IDENTIFIER_KINDS: [(&str, &str); 9] = [
    ("MR", "MRN"),
    ("MB", "Member no."),
    ("MA", "Medicaid no."),
    ("MC", "Medicare no."),
    ("DL", "Driver's licence"),
    ("PPN", "Passport"),
    ("PI", "Patient no."),
    ("AN", "Account no."),
    ("SS", "SSN"),
];

const SSN: &str = "http://hl7.org/fhir/sid/us-ssn";
const TYPES: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";
const BIRTH_TIME: &str = "http://hl7.org/fhir/StructureDefinition/patient-birthTime";
const BIRTH_SEX: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex";
const IDENTITY: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-genderIdentity";
const PRONOUNS: &str = "http://hl7.org/fhir/StructureDefinition/individual-pronouns";
const INTERPRETER: &str = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired";

/// Languages named by code alone (BCP 47).
const LANGUAGES: [(&str, &str); 20] = [
    ("ar", "Arabic"),
    ("bn", "Bengali"),
    ("de", "German"),
    ("en", "English"),
    ("es", "Spanish"),
    ("fr", "French"),
    ("hi", "Hindi"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("ko", "Korean"),
    ("nl", "Dutch"),
    ("pl", "Polish"),
    ("pt", "Portuguese"),
    ("ru", "Russian"),
    ("so", "Somali"),
    ("tl", "Tagalog"),
    ("uk", "Ukrainian"),
    ("ur", "Urdu"),
    ("vi", "Vietnamese"),
    ("zh", "Chinese"),
];

impl Person {
    pub fn of(patient: &Value) -> Person {
        let name = official_name(patient);
        let word = |member: &str| name.and_then(|it| owned(it, &[member]));
        let given: Vec<String> = name.map_or(Vec::new(), |it| strings(it, "given"));
        // A name given only as one text is better shown whole than taken apart wrongly.
        let family = word("family").or_else(|| given.is_empty().then(|| word("text")).flatten());
        let sex = match text(patient, &["gender"]) {
            Some("female") => Some("Female"),
            Some("male") => Some("Male"),
            Some("other") => Some("Other"),
            Some("unknown") => Some("Sex unknown"),
            _ => None,
        };
        let communication = list(patient, "communication");
        let preferred = communication.iter().find(|it| it.get("preferred") == Some(&Value::Bool(true)));
        let language = preferred.or(communication.first()).and_then(|it| language(it.get("language")?));
        Person {
            id: owned(patient, &["id"]).unwrap_or_default(),
            preferred: called(patient, "nickname").filter(|it| !given.contains(it)),
            former: list(patient, "name")
                .iter()
                .filter(|it| matches!(text(it, &["use"]), Some("old" | "maiden")))
                .filter_map(|it| owned(it, &["family"]))
                .filter(|it| Some(it) != family.as_ref())
                .collect(),
            prefix: name.map(|it| strings(it, "prefix").join(" ")).filter(|it| !it.is_empty()),
            suffix: name.map(|it| strings(it, "suffix").join(" ")).filter(|it| !it.is_empty()),
            family,
            given,
            pronouns: extension(patient, PRONOUNS).and_then(|it| concept(it.get("valueCodeableConcept")?)),
            born: born(patient),
            sex,
            sex_note: sex_note(patient, sex),
            identifiers: identifiers(patient),
            phone: list(patient, "telecom")
                .iter()
                .find(|it| text(it, &["system"]) == Some("phone") && text(it, &["use"]) != Some("old"))
                .and_then(|it| owned(it, &["value"])),
            address: list(patient, "address").iter().find(|it| text(it, &["use"]) != Some("old")).and_then(place),
            deceased: deceased(patient),
            language,
            needs_interpreter: extension(patient, INTERPRETER)
                .is_some_and(|it| it.get("valueBoolean") == Some(&Value::Bool(true))),
            inactive: patient.get("active") == Some(&Value::Bool(false)),
            replaced_by: list(patient, "link")
                .iter()
                .find(|it| text(it, &["type"]) == Some("replaced-by"))
                .and_then(|it| text(it, &["other", "reference"])?.strip_prefix("Patient/").map(str::to_owned)),
            part_2: patient.get("meta").is_some_and(|meta| {
                list(meta, "security")
                    .iter()
                    .any(|it| matches!(text(it, &["code"]), Some("ETH" | "42CFRPart2" | "SUD")))
            }),
            restricted: patient.get("meta").is_some_and(|meta| {
                list(meta, "security").iter().any(|it| matches!(text(it, &["code"]), Some("R" | "V")))
            }),
        }
    }

    /// `OKAFOR, Amara Ngozi (Dr.)`: the family name stands out and the order cannot be mistaken.
    pub fn name(&self) -> String {
        let family = self.family.as_deref().map(str::to_uppercase);
        let given = self.given.join(" ");
        let mut name = match (family, given.is_empty()) {
            (Some(family), true) => family,
            (Some(family), false) => format!("{family}, {given}"),
            (None, false) => given,
            (None, true) => return "Name not recorded".into(),
        };
        if let Some(suffix) = &self.suffix {
            name.push_str(&format!(", {suffix}"));
        }
        if let Some(prefix) = &self.prefix {
            name.push_str(&format!(" ({prefix})"));
        }
        name
    }

    /// `Amara Okafor`, as one would say it.
    pub fn spoken_name(&self) -> String {
        let given = self.preferred.as_ref().or(self.given.first());
        let words: Vec<&str> = given.into_iter().chain(&self.family).map(String::as_str).collect();
        if words.is_empty() { "Name not recorded".into() } else { words.join(" ") }
    }

    pub fn initials(&self) -> String {
        let first = |it: Option<&String>| it.and_then(|it| it.chars().find(|c| c.is_alphabetic()));
        let letters: String = first(self.given.first()).into_iter().chain(first(self.family.as_ref())).collect();
        if letters.is_empty() { "?".into() } else { letters.to_uppercase() }
    }

    /// How old they are, or how old they became.
    pub fn age(&self, now: i64) -> Option<String> {
        let at = match &self.deceased {
            Some(Deceased { when: Some(died) }) => died.at(),
            Some(Deceased { when: None }) => return None,
            None => now / 1000,
        };
        Some(when::age(self.born.as_ref()?, at))
    }

    pub fn mrn(&self) -> Option<&Identifier> {
        self.identifiers.iter().find(|it| it.label == "MRN")
    }

    /// A second identifier, beside the medical record number.
    pub fn other_identifier(&self) -> Option<&Identifier> {
        self.identifiers.iter().find(|it| it.label != "MRN")
    }
}

fn strings(value: &Value, member: &str) -> Vec<String> {
    list(value, member).iter().filter_map(Value::as_str).map(|it| it.trim().to_owned()).collect()
}

/// The name in use: official before usual before any that is neither old nor a nickname.
fn official_name(patient: &Value) -> Option<&Value> {
    let names = list(patient, "name");
    let rank = |name: &&Value| match text(name, &["use"]) {
        Some("official") => 0,
        Some("usual") => 1,
        None => 2,
        Some("temp" | "anonymous") => 3,
        Some("nickname") => 4,
        _ => 5,
    };
    names.iter().filter(|it| it.get("period").and_then(|it| it.get("end")).is_none()).min_by_key(rank).or(names.first())
}

fn called(patient: &Value, usage: &str) -> Option<String> {
    let name = list(patient, "name").iter().find(|it| text(it, &["use"]) == Some(usage))?;
    strings(name, "given").into_iter().next().or_else(|| owned(name, &["text"]))
}

fn born(patient: &Value) -> Option<When> {
    let timed = || {
        let time = extension(patient.get("_birthDate")?, BIRTH_TIME)?;
        When::parse(text(time, &["valueDateTime"])?)
    };
    timed().or_else(|| When::parse(text(patient, &["birthDate"])?))
}

fn sex_note(patient: &Value, sex: Option<&str>) -> Option<String> {
    let birth = extension(patient, BIRTH_SEX).and_then(|it| text(it, &["valueCode"]));
    let birth = match birth {
        Some("F") if sex != Some("Female") => Some("female at birth".to_owned()),
        Some("M") if sex != Some("Male") => Some("male at birth".to_owned()),
        _ => None,
    };
    let identity = extension(patient, IDENTITY).and_then(|it| concept(it.get("valueCodeableConcept")?));
    let differs = |it: &String| !sex.is_some_and(|sex| it.to_lowercase().contains(&sex.to_lowercase()));
    let notes: Vec<String> = birth.into_iter().chain(identity.filter(differs)).collect();
    (!notes.is_empty()).then(|| notes.join(", "))
}

fn identifiers(patient: &Value) -> Vec<Identifier> {
    let mut found: Vec<(usize, Identifier)> = Vec::new();
    for identifier in list(patient, "identifier") {
        let Some(value) = text(identifier, &["value"]) else { continue };
        let kind = identifier.get("type").and_then(|it| code_in(it, TYPES));
        let kind = if text(identifier, &["system"]) == Some(SSN) { Some("SS") } else { kind };
        if text(identifier, &["use"]) == Some("old") {
            continue;
        }
        let rank = IDENTIFIER_KINDS.iter().position(|(code, _)| Some(*code) == kind);
        let label = rank.map_or("ID", |at| IDENTIFIER_KINDS[at].1);
        let shown = if kind == Some("SS") { format!("••• {}", last(value, 4)) } else { value.to_owned() };
        let identifier = Identifier { label, shown };
        // Anything is shown rather than a social security number.
        let last = IDENTIFIER_KINDS.len() - 1;
        found.push((rank.map_or(last, |at| if at == last { last + 1 } else { at }), identifier));
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, it)| it).collect()
}

fn last(text: &str, count: usize) -> String {
    let all: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
    all[all.len().saturating_sub(count)..].iter().collect()
}

fn place(address: &Value) -> Option<String> {
    let words: Vec<&str> = ["line", "city", "state"].iter().filter_map(|it| text(address, &[it])).collect();
    if words.is_empty() { owned(address, &["text"]) } else { Some(words.join(", ")) }
}

fn deceased(patient: &Value) -> Option<Deceased> {
    if let Some(when) = text(patient, &["deceasedDateTime"]) {
        return Some(Deceased { when: When::parse(when) });
    }
    (patient.get("deceasedBoolean") == Some(&Value::Bool(true))).then_some(Deceased { when: None })
}

fn language(concept_value: &Value) -> Option<String> {
    let code = at(concept_value, &["coding", "code"]).and_then(Value::as_str);
    let listed = code.and_then(|code| {
        let base = code.split('-').next()?;
        LANGUAGES.iter().find(|(it, _)| *it == base).map(|(_, name)| (*name).to_owned())
    });
    listed.or_else(|| concept(concept_value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn amara() -> Value {
        json!({
            "resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1970-05-09",
            "meta": {"security": [{"code": "R"}]},
            "name": [
                {"use": "maiden", "family": "Eze", "given": ["Amara"]},
                {"use": "official", "family": "Okafor", "given": ["Amara", "Ngozi"], "prefix": ["Mrs."]},
                {"use": "nickname", "given": ["Ama"]}
            ],
            "identifier": [
                {"system": SSN, "value": "999-12-3456"},
                {"system": "urn:x", "value": "77"},
                {"type": {"coding": [{"system": TYPES, "code": "MR"}]}, "value": "R-1002"}
            ],
            "telecom": [{"system": "email", "value": "a@example.org"}, {"system": "phone", "value": "555-0101"}],
            "address": [{"line": ["1 Elm St"], "city": "Riverside", "state": "MA"}],
            "extension": [{"url": BIRTH_SEX, "valueCode": "M"}, {"url": INTERPRETER, "valueBoolean": true}],
            "communication": [{"language": {"coding": [{"code": "es-US"}]}, "preferred": true}]
        })
    }

    #[test]
    fn a_person_is_shown_by_name_and_at_least_two_identifiers() {
        let person = Person::of(&amara());
        assert_eq!(person.name(), "OKAFOR, Amara Ngozi (Mrs.)");
        assert_eq!(person.spoken_name(), "Ama Okafor");
        assert_eq!(person.initials(), "AO");
        assert_eq!(person.former, ["Eze"]);
        assert_eq!(person.mrn().unwrap().shown, "R-1002");
        assert_eq!(person.other_identifier().unwrap().shown, "77");
        assert_eq!(person.language.as_deref(), Some("Spanish"));
        assert!(person.needs_interpreter && person.restricted && !person.inactive);
        assert_eq!(person.sex_note.as_deref(), Some("male at birth"));
        assert_eq!(person.phone.as_deref(), Some("555-0101"));
        assert_eq!(person.address.as_deref(), Some("1 Elm St, Riverside, MA"));
    }

    #[test]
    fn a_social_security_number_shows_its_last_four_digits() {
        let person = Person::of(&amara());
        let ssn = person.identifiers.iter().find(|it| it.label == "SSN").unwrap();
        assert_eq!(ssn.shown, "••• 3456");
    }

    #[test]
    fn the_dead_do_not_grow_older() {
        let now = When::parse("2026-06-01").unwrap().at() * 1000;
        let check = |extra: (&str, Value), shown: Option<&str>| {
            let mut value = amara();
            value[extra.0] = extra.1;
            assert_eq!(Person::of(&value).age(now).as_deref(), shown);
        };
        check(("deceasedBoolean", json!(false)), Some("56 y"));
        check(("deceasedDateTime", json!("2020-05-08")), Some("49 y"));
        check(("deceasedBoolean", json!(true)), None);
    }

    #[test]
    fn a_record_with_nothing_in_it_still_has_a_face() {
        let person = Person::of(&json!({"resourceType": "Patient"}));
        assert_eq!(person.name(), "Name not recorded");
        assert_eq!(person.initials(), "?");
        assert_eq!(person.age(0), None);
        assert_eq!(Person::of(&json!({"name": [{"text": "Jane Roe"}]})).name(), "JANE ROE");
    }
}
