//! A new patient at the door: the search for whom this may be already comes first, then the record (US Core Patient).

use super::{Hit, marked};
use crate::act::{Act, ActError, Pen, Written};
use crate::ask;
use crate::chart::When;
use crate::identity::{self, Score, Thresholds, Traits};
use crate::people::Person;
use crate::shapes::{US_CORE, hl7};
use fhir::{Id, Key, ResourceType, Value};
use serde_json::json;
use std::collections::BTreeMap;
use store::StoreResult;

/// The fields of the form by their names, as typed.
pub type Typed = BTreeMap<String, String>;

/// (value of the form, BCP 47)
pub const LANGUAGES: [&str; 8] = ["en", "es", "zh", "vi", "ar", "fr", "ru", "tl"];
pub const SEXES: [&str; 4] = ["female", "male", "other", "unknown"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Needed,
    NotADay,
    Future,
    NotAChoice,
    NotAPhone,
    TooLong,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub field: &'static str,
    pub why: Why,
}

/// A form that can be written.
#[derive(Clone, Debug, Default)]
pub struct Newcomer {
    family: String,
    given: Vec<String>,
    born: Option<String>,
    sex: String,
    phone: Option<String>,
    email: Option<String>,
    line: Option<String>,
    city: Option<String>,
    state: Option<String>,
    postal: Option<String>,
    language: Option<String>,
}

/// Somebody whom this may be.
#[derive(Clone, Debug)]
pub struct Likeness {
    pub hit: Hit,
    /// Out of 100.
    pub score: u32,
    /// What speaks for it, and what against.
    pub why: Score,
}

/// Reads the form. A date of birth may be a year or a month; one that nobody knows is left out.
pub fn judge(typed: &Typed, now: i64) -> Result<Newcomer, Vec<Trouble>> {
    let text = |name: &str| typed.get(name).map(|it| it.trim().to_owned()).filter(|it| !it.is_empty());
    let mut wrong = Vec::new();
    let mut say = |field: &'static str, why: Why| wrong.push(Trouble { field, why });
    for field in ["family", "given", "phone", "email", "line", "city", "state", "postal"] {
        if text(field).is_some_and(|it| it.chars().count() > 200) {
            say(field, Why::TooLong);
        }
    }
    if text("family").is_none() {
        say("family", Why::Needed);
    }
    if text("given").is_none() {
        say("given", Why::Needed);
    }
    let unknown = typed.get("born-unknown").is_some();
    let born = match text("born").map(|it| day(&it)) {
        None if unknown => None,
        None => {
            say("born", Why::Needed);
            None
        }
        Some(None) => {
            say("born", Why::NotADay);
            None
        }
        Some(Some((_, when))) if when.at() > now / 1000 + 14 * 3_600_000 => {
            say("born", Why::Future);
            None
        }
        Some(Some((day, _))) => Some(day),
    };
    let sex = text("sex").unwrap_or_default();
    match SEXES.contains(&sex.as_str()) {
        true => {}
        false if sex.is_empty() => say("sex", Why::Needed),
        false => say("sex", Why::NotAChoice),
    }
    let phone = text("phone");
    if phone.as_deref().is_some_and(|it| it.bytes().filter(u8::is_ascii_digit).count() < 7) {
        say("phone", Why::NotAPhone);
    }
    let language = text("language").filter(|it| LANGUAGES.contains(&it.as_str()));
    if !wrong.is_empty() {
        return Err(wrong);
    }
    Ok(Newcomer {
        family: text("family").unwrap_or_default(),
        given: text("given").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        born,
        sex,
        phone,
        email: text("email"),
        line: text("line"),
        city: text("city"),
        state: text("state"),
        postal: text("postal"),
        language,
    })
}

/// `1970-05-09`, `05/09/1970`, `1970-05`, `1970` as FHIR writes them.
fn day(words: &str) -> Option<(String, When)> {
    let american: Vec<&str> = words.split('/').map(str::trim).collect();
    let written = match american.as_slice() {
        [month, day, year] if year.len() == 4 => format!("{year}-{month:0>2}-{day:0>2}"),
        [month, year] if year.len() == 4 => format!("{year}-{month:0>2}"),
        _ => words.to_owned(),
    };
    let fits = matches!(written.len(), 4 | 7 | 10) && !written.contains('T');
    When::parse(&written).filter(|_| fits).map(|it| (written, it))
}

/// From this probability on somebody is shown as who it may be.
const SHOWN: f64 = 0.05;

/// Whom this may be already, the likeliest first: those whom the index of patients finds, and those who bear the name.
pub async fn similar(pen: &Pen<'_>, newcomer: &Newcomer) -> StoreResult<Vec<Likeness>> {
    let told = newcomer.patient();
    let traits = Traits::of(&told);
    let frequencies = identity::frequencies(pen.store()).await?;
    let thresholds = Thresholds { review: SHOWN, ..pen.organisation.surroundings.matching() };
    let found = identity::candidates(pen.store(), pen.caller, &told, &thresholds, "match").await?;
    let mut found: Vec<(Person, Score)> = found.into_iter().map(|it| (Person::of(&it.patient), it.score)).collect();
    // Without a date of birth little is left to look up by.
    let first = newcomer.given.first().cloned().unwrap_or_default();
    let named = [("family", ask::escaped(&newcomer.family)), ("given", ask::escaped(&first))];
    for row in ask::matches(pen.store(), pen.caller, "Patient", &named, 20).await?.rows {
        let person = Person::of(&row.value);
        let score = identity::score::score(&traits, &Traits::of(&row.value), &frequencies);
        let known = found.iter().any(|(it, _)| it.id == person.id);
        if !known && person.replaced_by.is_none() && score.probability >= SHOWN {
            found.push((person, score));
        }
    }
    found.sort_by(|a, b| b.1.bits.total_cmp(&a.1.bits));
    found.truncate(8);
    let (people, scores): (Vec<Person>, Vec<Score>) = found.into_iter().unzip();
    let alike = marked(people).into_iter().zip(scores);
    Ok(alike.map(|(hit, why)| Likeness { score: why.percent(), hit, why }).collect())
}

impl Newcomer {
    /// Who they are, as a Patient without number and id.
    fn patient(&self) -> Value {
        let mut it = json!({
            "resourceType": "Patient",
            "active": true,
            "name": [{ "use": "official", "family": self.family, "given": self.given }],
            "gender": self.sex,
        });
        if let Some(born) = &self.born {
            it["birthDate"] = json!(born);
        }
        let reached: Vec<_> = [("phone", &self.phone), ("email", &self.email)]
            .into_iter()
            .filter_map(|(system, value)| Some(json!({ "system": system, "value": value.as_ref()? })))
            .collect();
        if !reached.is_empty() {
            it["telecom"] = json!(reached);
        }
        let lines: Vec<&String> = self.line.iter().collect();
        let mut address = crate::shapes::trimmed(json!({
            "line": lines,
            "city": self.city,
            "state": self.state,
            "postalCode": self.postal,
        }));
        if address != json!({}) {
            address["use"] = json!("home");
            it["address"] = json!([address]);
        }
        if let Some(language) = &self.language {
            let code = json!({ "coding": [{ "system": "urn:ietf:bcp:47", "code": language }] });
            it["communication"] = json!([{ "language": code, "preferred": true }]);
        }
        it
    }
}

/// Makes the record. The record number is new here, and the record's own.
pub async fn register(pen: &Pen<'_>, newcomer: &Newcomer, once: &str) -> Result<(Id, Written), ActError> {
    let id = Id::parse(&pen.organisation.surroundings.new_id()).expect("our own ids are ids of FHIR");
    let key = Key::new(ResourceType::parse("Patient").expect("a type of R4"), id.clone());
    let mut it = newcomer.patient();
    it["meta"] = json!({ "profile": [format!("{US_CORE}us-core-patient")] });
    it["identifier"] = json!([{
        "use": "usual",
        "type": hl7("v2-0203", "MR", "Medical record number"),
        "system": format!("{}/mrn", pen.organisation.base),
        "value": record_number(pen).await?,
        "assigner": { "display": pen.organisation.name },
    }]);
    let mut act = Act::new("registration", &id).once(once);
    act.create_as(key, it);
    let written = pen.commit(act).await?;
    // The same form sent twice leads to the record it made.
    let id = written.keys.first().map_or(id, |(key, _)| key.id.clone());
    Ok((id, written))
}

/// Eight digits that no record here has.
async fn record_number(pen: &Pen<'_>) -> StoreResult<String> {
    let system = format!("{}/mrn", pen.organisation.base);
    loop {
        let number = eight_digits(&pen.organisation.surroundings.new_id());
        let asked = [("identifier", format!("{}|{number}", ask::escaped(&system)))];
        let caller = store::Caller::system("registration");
        if ask::matches(pen.store(), &caller, "Patient", &asked, 1).await?.rows.is_empty() {
            return Ok(number);
        }
    }
}

/// FNV-1a over a fresh id, as eight digits that do not begin with a zero.
fn eight_digits(id: &str) -> String {
    let hash =
        id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    (10_000_000 + (hash ^ hash >> 29) % 90_000_000).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ward::{NOON, Ward};

    fn typed(fields: &[(&str, &str)]) -> Typed {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    const EVA: [(&str, &str); 6] = [
        ("family", "Núñez"),
        ("given", "Eva María"),
        ("born", "05/09/1990"),
        ("sex", "female"),
        ("phone", "(740) 555-0188"),
        ("language", "es"),
    ];

    #[test]
    fn a_form_says_all_that_is_wrong_at_once() {
        let check = |fields: &[(&str, &str)], expected: &[(&'static str, Why)]| {
            let wrong = judge(&typed(fields), NOON).unwrap_err();
            let wrong: Vec<_> = wrong.into_iter().map(|it| (it.field, it.why)).collect();
            assert_eq!(wrong, expected);
        };
        let none = [("family", Why::Needed), ("given", Why::Needed), ("born", Why::Needed), ("sex", Why::Needed)];
        check(&[], &none);
        let rest = [("family", "A"), ("given", "B"), ("sex", "female")];
        let with = |field: (&'static str, &'static str)| rest.into_iter().chain([field]).collect::<Vec<_>>();
        check(&with(("born", "soon")), &[("born", Why::NotADay)]);
        check(&with(("born", "2031-01-01")), &[("born", Why::Future)]);
        assert!(judge(&typed(&with(("born", "1950"))), NOON).is_ok(), "a year is enough");
        assert!(judge(&typed(&with(("born-unknown", "yes"))), NOON).is_ok());
    }

    #[tokio::test]
    async fn a_newcomer_gets_a_record_and_is_found_as_a_likeness_the_next_time() {
        let ward = Ward::open().await;
        let desk = ward.pen_of(&ward.desk);
        let eva = judge(&typed(&EVA), NOON).unwrap();
        assert!(similar(&desk, &eva).await.unwrap().is_empty());
        let (id, written) = register(&desk, &eva, "form-1").await.unwrap();
        assert!(!written.again);
        let (again, written) = register(&desk, &eva, "form-1").await.unwrap();
        assert!(written.again && again == id);
        let key = Key::parse(&format!("Patient/{id}")).unwrap();
        let record = ward.read(&key).await;
        assert_eq!(record["birthDate"], "1990-05-09");
        assert_eq!(record["name"][0]["given"], json!(["Eva", "María"]));
        assert_eq!(record["identifier"][0]["value"].as_str().unwrap().len(), 8);
        assert_eq!(record["communication"][0]["language"]["coding"][0]["code"], "es");
        let told = ward.find("Provenance", &[("target", &key.to_string())]).await;
        assert_eq!(told[0]["agent"][0]["who"]["reference"], "Practitioner/delgado");
        let whole = similar(&desk, &eva).await.unwrap();
        assert_eq!((whole[0].hit.person.id.as_str(), whole[0].score), (id.as_str(), 100));
        let accents = [("family", "nunez"), ("given", "Eva"), ("born", "1990"), ("sex", "female")];
        let like = similar(&desk, &judge(&typed(&accents), NOON).unwrap()).await.unwrap();
        assert_eq!((like.len(), like[0].score), (1, 99));
        assert!(like[0].why.fields.iter().any(|it| it.field == identity::Field::Family && it.weight > 3.0));
        let other = [("family", "Smith"), ("given", "Joe"), ("born", "1930-01-01"), ("sex", "male")];
        assert!(similar(&desk, &judge(&typed(&other), NOON).unwrap()).await.unwrap().is_empty());
    }
}
