//! The lists of a chart as people keep them (screen C-09): entries are added by choosing a term, changed, ended, taken
//! back as mistakes, and looked over. What is free text is marked as such. Whoever looked a list over and found nothing to
//! change leaves a List resource of that day behind (FHIR R4, 12.8), which others can read; "none known" is said there
//! by its `emptyReason`, and for allergies by the entry that R4 has for it.

mod build;
mod fields;
mod rows;

pub use fields::{Field, Input, List};
pub use rows::Row;

use crate::act::{Act, ActError, Pen, Written};
use crate::ask;
use crate::chart::element::{at, list, owned, text};
use crate::chart::{Section, Standing, When};
use crate::shapes::{LOINC, SNOMED, concept, hl7};
use crate::terms::{self, Kind, Term};
use fhir::{Id, Key, ResourceType, Value};
use serde_json::json;
use std::collections::BTreeMap;
use store::{StoreError, StoreResult};

/// The fields of a form by their names, as typed. A coded field has its code beside it: `problem`, `problem-code`; and
/// `problem-free` says that the words are meant as they are.
pub type Typed = BTreeMap<String, String>;

#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    pub field: &'static str,
    pub why: Why,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    Needed,
    NotADay,
    Future,
    NotANumber,
    NotAChoice,
    TooLong,
    /// The words mean none of our terms; these come close. They may be kept as they are.
    NoTerm(Vec<Term>),
}

/// A form that can be written.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    values: BTreeMap<&'static str, Said>,
    pub wrong: Vec<Trouble>,
}

/// What was said in one field.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    Concept(Value),
    Words(String),
}

impl Judged {
    pub(crate) fn words(&self, name: &str) -> Option<&str> {
        match self.values.get(name)? {
            Said::Words(words) => Some(words),
            Said::Concept(_) => None,
        }
    }

    pub(crate) fn concept(&self, name: &str) -> Option<&Value> {
        match self.values.get(name)? {
            Said::Concept(concept) => Some(concept),
            Said::Words(_) => None,
        }
    }
}

const LONGEST: usize = 4_000;

/// Reads a form of a list.
pub fn judge(list: List, typed: &Typed, now: i64) -> Judged {
    let mut it = Judged::default();
    let text = |name: &str| typed.get(name).map(|it| it.trim()).filter(|it| !it.is_empty());
    for Field { name, input, needed } in list.fields() {
        let mut wrong = |why: Why| it.wrong.push(Trouble { field: name, why });
        let Some(words) = text(name) else {
            if *needed {
                wrong(Why::Needed);
            }
            continue;
        };
        if words.chars().count() > LONGEST {
            wrong(Why::TooLong);
            continue;
        }
        let said = match input {
            Input::Coded(kind) => {
                match term(*kind, words, text(&format!("{name}-code")), typed.contains_key(&format!("{name}-free"))) {
                    Ok(concept) => Said::Concept(concept),
                    Err(why) => {
                        wrong(why);
                        continue;
                    }
                }
            }
            Input::Day => match day(words) {
                None => {
                    wrong(Why::NotADay);
                    continue;
                }
                Some(_) if !matches!(*name, "due" | "expires") && day_of(words, now) => {
                    wrong(Why::Future);
                    continue;
                }
                Some(day) => Said::Words(day),
            },
            Input::Number => match words.parse::<u32>() {
                Ok(number) if number < 1_000 => Said::Words(number.to_string()),
                _ => {
                    wrong(Why::NotANumber);
                    continue;
                }
            },
            Input::Choice(choices) if !choices.contains(&words) => {
                wrong(Why::NotAChoice);
                continue;
            }
            Input::Staff if Key::parse(words).is_none() => {
                wrong(Why::NotAChoice);
                continue;
            }
            Input::Words | Input::Lines | Input::Choice(_) | Input::Staff => Said::Words(words.to_owned()),
        };
        it.values.insert(name, said);
    }
    it
}

/// The concept that words and a chosen code mean.
fn term(kind: Kind, words: &str, code: Option<&str>, free: bool) -> Result<Value, Why> {
    let chosen = code.and_then(|code| terms::term(kind, code)).filter(|it| it.display == words);
    if let Some(term) = chosen.or_else(|| terms::exactly(kind, words)) {
        return Ok(term.concept());
    }
    let near = terms::search(kind, words, 8);
    if free || near.is_empty() {
        return Ok(json!({ "text": words }));
    }
    Err(Why::NoTerm(near))
}

/// A day, a month or a year, as FHIR writes it: `2024-05-09`, `2024-05`, `2024`; people also write `05/09/2024` and
/// `05/2024`.
fn day(words: &str) -> Option<String> {
    let american: Vec<&str> = words.split('/').map(str::trim).collect();
    let written = match american.as_slice() {
        [month, day, year] if year.len() == 4 => format!("{year}-{month:0>2}-{day:0>2}"),
        [month, year] if year.len() == 4 => format!("{year}-{month:0>2}"),
        _ => words.to_owned(),
    };
    let digits = matches!(written.len(), 4 | 7 | 10);
    When::parse(&written).filter(|_| digits && !written.contains('T')).map(|_| written)
}

/// Whether it lies after today.
fn day_of(words: &str, now: i64) -> bool {
    // Somewhere on earth it is tomorrow already.
    day(words).and_then(|it| When::parse(&it)).is_some_and(|it| it.at() > now / 1000 + 14 * 3_600_000)
}

/// The entries of a list, what holds now first.
pub async fn rows(pen: &Pen<'_>, patient: &Id, list: List) -> StoreResult<Section<Row>> {
    rows::of(pen, patient, list).await
}

/// One entry as it can be changed: its form, its version and how it is shown.
pub async fn open(pen: &Pen<'_>, patient: &Id, list: List, id: &Id) -> StoreResult<(Typed, u64, Row)> {
    let (value, version) = ask::own(pen.store(), pen.caller, patient, list.kind(), id).await?;
    if !rows::belongs(list, &value) {
        return Err(StoreError::NotFound(key(list, id)));
    }
    let row = rows::row(list, &value, &crate::chart::element::Names::default());
    Ok((build::typed(list, &value), version, row))
}

/// An entry in one of its versions: what it was called, its status, and what else was said.
pub fn as_it_was(list: List, version: &crate::versions::Version) -> (String, Option<String>, String) {
    let row = rows::row(list, &version.value, &crate::chart::element::Names::default());
    let status = match row.standing {
        Standing::Mistaken => Some("entered-in-error".to_owned()),
        _ => row.status,
    };
    let more: Vec<String> = row.since.iter().map(When::date).chain(row.more.into_iter().map(|(_, it)| it)).collect();
    (row.title, status, more.join("; "))
}

pub fn key(list: List, id: &Id) -> Key {
    Key::new(ResourceType::parse(list.kind()).expect("lists are of types of R4"), id.clone())
}

/// Writes a new entry.
pub async fn add(
    pen: &Pen<'_>,
    patient: &Id,
    list: List,
    judged: &Judged,
    visit: Option<&Id>,
    mut act: Act,
) -> Result<Written, ActError> {
    if list == List::Team {
        return join(pen, patient, judged, act).await;
    }
    let resource = build::resource(pen, patient, list, judged, None, visit);
    if list == List::Allergies {
        // Somebody said there were none: that does not hold any more.
        for (value, version) in none_known(pen, patient).await? {
            let id = text(&value, &["id"]).and_then(Id::parse).expect("a stored resource has an id");
            act.update(key(list, &id), version, build::settled(list, value, Ending::Over, &pen.today()));
        }
    }
    act.create(pen, resource);
    pen.commit(act).await
}

/// Whether a form that was sent before wrote this entry.
pub async fn written_by(pen: &Pen<'_>, once: &str, entry: &Key) -> StoreResult<bool> {
    Ok(pen.written_before(once).await?.is_some_and(|it| it.keys.iter().any(|(key, _)| key == entry)))
}

/// Writes the next version of an entry.
pub async fn change(
    pen: &Pen<'_>,
    patient: &Id,
    list: List,
    id: &Id,
    version: u64,
    judged: &Judged,
    mut act: Act,
) -> Result<Written, ActError> {
    let (value, _) = ask::own(pen.store(), pen.caller, patient, list.kind(), id).await?;
    act.update(key(list, id), version, build::resource(pen, patient, list, judged, Some(value), None));
    pen.commit(act).await
}

/// An entry as its list shows it, wherever it comes from.
pub(crate) fn row_of(list: List, value: &Value, names: &crate::chart::element::Names) -> Row {
    rows::row(list, value, names)
}

/// The next version of an entry that does not hold any more.
pub(crate) fn over(list: List, value: Value, today: &str) -> Value {
    build::settled(list, value, Ending::Over, today)
}

/// How an entry goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It does not hold any more: resolved, stopped, taken out, reached.
    Over,
    /// It holds again.
    Again,
    /// It was never so.
    Mistaken,
}

/// The name of each ending in forms.
pub const ENDINGS: [(&str, Ending); 3] =
    [("over", Ending::Over), ("again", Ending::Again), ("mistaken", Ending::Mistaken)];

/// Ends an entry, takes it up again, or marks it as entered in error.
pub async fn settle(
    pen: &Pen<'_>,
    patient: &Id,
    list: List,
    id: &Id,
    version: u64,
    ending: Ending,
    mut act: Act,
) -> Result<Written, ActError> {
    let (value, _) = ask::own(pen.store(), pen.caller, patient, list.kind(), id).await?;
    act.update(key(list, id), version, build::settled(list, value, ending, &pen.today()));
    pen.commit(act).await
}

/// Adds somebody to the care team; the team is made with its first member.
async fn join(pen: &Pen<'_>, patient: &Id, judged: &Judged, mut act: Act) -> Result<Written, ActError> {
    let member = judged.words("member").and_then(Key::parse).expect("a judged form names a member");
    let name = staff(pen).await?.into_iter().find(|(key, _)| *key == member).map(|(_, name)| name);
    let participant = json!({
        "role": [{ "text": judged.words("role").unwrap_or_default() }],
        "member": { "reference": member.to_string(), "display": name.unwrap_or_else(|| member.to_string()) },
        "period": { "start": pen.today() },
    });
    let asked = [("patient", format!("Patient/{patient}")), ("status", "active".to_owned())];
    let teams = ask::matches(pen.store(), pen.caller, "CareTeam", &asked, 1).await?;
    match teams.rows.into_iter().next() {
        Some(team) => {
            let (mut value, version) = (team.value.clone(), ask::version(&team.value));
            let id = text(&value, &["id"]).and_then(Id::parse).expect("a stored resource has an id");
            let mut all = list(&value, "participant").to_vec();
            all.push(participant);
            value["participant"] = Value::Array(all);
            act.update(key(List::Team, &id), version, value);
        }
        None => {
            act.create(
                pen,
                json!({
                    "resourceType": "CareTeam",
                    "meta": { "profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-careteam"] },
                    "status": "active",
                    "name": "Care team",
                    "subject": { "reference": format!("Patient/{patient}") },
                    "participant": [participant],
                }),
            );
        }
    }
    pen.commit(act).await
}

/// Takes somebody off the care team: the nth of its participants, as the page showed them.
pub async fn leave(
    pen: &Pen<'_>,
    patient: &Id,
    team: &Id,
    version: u64,
    nth: usize,
    mut act: Act,
) -> Result<Written, ActError> {
    let (mut value, _) = ask::own(pen.store(), pen.caller, patient, "CareTeam", team).await?;
    let today = pen.today();
    if let Some(participant) = value.get_mut("participant").and_then(|it| it.get_mut(nth)) {
        let start = participant["period"]["start"].clone();
        participant["period"] = crate::shapes::trimmed(json!({ "start": start, "end": today }));
    }
    act.update(key(List::Team, team), version, value);
    pen.commit(act).await
}

/// Who works here: practitioners with a name, in the order of their names.
pub async fn staff(pen: &Pen<'_>) -> StoreResult<Vec<(Key, String)>> {
    let asked = [("_sort", "family".to_owned()), ("active", "true".to_owned())];
    let found = ask::Rows::or_refused(ask::matches(pen.store(), pen.caller, "Practitioner", &asked, 300).await)?;
    let of = |row: &ask::Row| {
        let id = text(&row.value, &["id"]).and_then(Id::parse)?;
        let kind = ResourceType::parse("Practitioner").expect("a type of R4");
        Some((Key::new(kind, id), crate::chart::element::display_name(&row.value)?))
    };
    Ok(found.rows.iter().filter_map(of).collect())
}

/// When a list was last looked over, and by whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    pub when: When,
    pub who: Option<String>,
    /// There was nothing in it, and that was said.
    pub none: bool,
}

/// The last review of a list.
pub async fn review(pen: &Pen<'_>, patient: &Id, of: List) -> StoreResult<Option<Review>> {
    Ok(reviewed_list(pen, patient, of).await?.and_then(|(value, _)| {
        Some(Review {
            when: When::parse(text(&value, &["date"])?)?,
            who: owned(&value, &["source", "display"]),
            none: value.get("emptyReason").is_some(),
        })
    }))
}

async fn reviewed_list(pen: &Pen<'_>, patient: &Id, of: List) -> StoreResult<Option<(Value, u64)>> {
    let Some((section, _)) = of.section() else { return Ok(None) };
    if !pen.may(store::Action::Search, "List") {
        return Ok(None);
    }
    let asked = [
        ("patient", format!("Patient/{patient}")),
        ("code", format!("{LOINC}|{section}")),
        ("_sort", "-date".to_owned()),
    ];
    let found = ask::matches(pen.store(), pen.caller, "List", &asked, 5).await?;
    let ours = |it: &ask::Row| text(&it.value, &["mode"]) == Some("snapshot");
    Ok(found.rows.into_iter().find(ours).map(|it| {
        let version = ask::version(&it.value);
        (it.value, version)
    }))
}

/// "Reviewed, no changes": what the list holds now, who looked at it and when, as a List of that section. Each review
/// is the next version of the one before.
pub async fn reviewed(pen: &Pen<'_>, patient: &Id, of: List, mut act: Act) -> Result<Written, ActError> {
    let (section, words) = of.section().expect("only lists with a section are offered for review");
    let holds = rows(pen, patient, of).await?;
    let entries: Vec<Value> = holds
        .rows
        .iter()
        .filter(|it| it.holds())
        .map(|it| json!({ "item": { "reference": it.key.to_string(), "display": it.title } }))
        .collect();
    let mut it = json!({
        "resourceType": "List",
        "status": "current",
        "mode": "snapshot",
        "title": words,
        "code": concept(LOINC, section, words),
        "subject": { "reference": format!("Patient/{patient}") },
        "date": pen.moment(),
        "source": pen.who(),
    });
    if entries.is_empty() {
        let none = "http://terminology.hl7.org/CodeSystem/list-empty-reason";
        it["emptyReason"] =
            json!({ "coding": [{ "system": none, "code": "nilknown", "display": "Nil Known" }], "text": "None known" });
    } else {
        it["entry"] = Value::Array(entries);
    }
    match reviewed_list(pen, patient, of).await? {
        Some((before, version)) => {
            let id = text(&before, &["id"]).and_then(Id::parse).expect("a stored resource has an id");
            act.update(Key::new(ResourceType::parse("List").expect("a type of R4"), id), version, it);
        }
        None => drop(act.create(pen, it)),
    }
    pen.commit(act).await
}

/// "No known allergies": the entry that says so (US Core AllergyIntolerance), and the review.
pub async fn no_allergies(pen: &Pen<'_>, patient: &Id, mut act: Act) -> Result<Written, ActError> {
    if none_known(pen, patient).await?.is_empty() {
        act.create(
            pen,
            json!({
                "resourceType": "AllergyIntolerance",
                "meta": { "profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-allergyintolerance"] },
                "clinicalStatus": hl7("allergyintolerance-clinical", "active", "Active"),
                "verificationStatus": hl7("allergyintolerance-verification", "confirmed", "Confirmed"),
                "code": concept(SNOMED, "716186003", "No known allergy"),
                "patient": { "reference": format!("Patient/{patient}") },
                "recordedDate": pen.moment(),
                "recorder": pen.who(),
            }),
        );
        pen.commit(act).await
    } else {
        reviewed(pen, patient, List::Allergies, act).await
    }
}

/// The active entries that say there is no allergy.
async fn none_known(pen: &Pen<'_>, patient: &Id) -> StoreResult<Vec<(Value, u64)>> {
    let asked = [("patient", format!("Patient/{patient}")), ("code", format!("{SNOMED}|716186003"))];
    let found = ask::matches(pen.store(), pen.caller, "AllergyIntolerance", &asked, 10).await?;
    let active = |it: &ask::Row| {
        at(&it.value, &["clinicalStatus"]).is_some_and(|it| crate::chart::element::has_code(it, "active"))
    };
    Ok(found
        .rows
        .into_iter()
        .filter(active)
        .map(|it| {
            let version = ask::version(&it.value);
            (it.value, version)
        })
        .collect())
}

#[cfg(test)]
mod tests;
