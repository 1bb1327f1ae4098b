//! Whose chart? Finding a person by whatever is known of them (screen C-02).

pub mod person;
pub mod register;
pub mod sounds;
pub mod terms;

use crate::ask;
use crate::chart::element::text;
use fhir::Id;
use fhir::search::fold;
pub use person::{Deceased, Identifier, Person};
use std::collections::HashMap;
use store::{Caller, Store, StoreResult};
use terms::Terms;

/// How many people a search shows; more are a reason to type more.
pub const SHOWN: usize = 25;

#[derive(Clone, Debug, Default)]
pub struct Found {
    pub hits: Vec<Hit>,
    /// There are more than are shown.
    pub more: bool,
    /// No name starts with the words, so these merely contain them.
    pub widened: bool,
    /// No name is written like the words, so these merely sound like them.
    pub sounding: bool,
}

#[derive(Clone, Debug)]
pub struct Hit {
    pub person: Person,
    /// Another hit has the same name: look at the date of birth.
    pub similar: bool,
}

/// The people whom these words may mean, by name.
pub async fn find(store: &Store, caller: &Caller, words: &str, now: i64) -> StoreResult<Found> {
    let terms = Terms::of(words, crate::chart::When::of_micros(now).year());
    if terms.is_empty() {
        return Ok(Found::default());
    }
    let mut found = run(store, caller, terms.searches()).await?;
    if found.hits.is_empty()
        && let Some(wider) = terms.wider()
    {
        found = run(store, caller, wider).await?;
        found.widened = true;
    }
    if found.hits.is_empty() && !terms.names.is_empty() {
        found = sounding(store, caller, &terms).await?;
    }
    Ok(found)
}

/// How many people are looked through for those whose names sound like what was typed.
const SOUNDED: u32 = 400;

/// The people whose names sound like the words: each word like some part of the name.
async fn sounding(store: &Store, caller: &Caller, terms: &Terms) -> StoreResult<Found> {
    let longest = terms.names.iter().max_by_key(|it| it.chars().count()).map_or("", String::as_str);
    let codes: Vec<String> = terms.names.iter().map(|it| sounds::code(it)).collect();
    let nothing = Found { sounding: true, ..Found::default() };
    if codes.iter().any(|it| it.chars().count() < 2) {
        return Ok(nothing);
    }
    let mut asked = vec![("name", sounds::beginnings(longest).join(","))];
    asked.extend((!terms.born.is_empty()).then(|| ("birthdate", terms.born.join(","))));
    asked.push(("_sort", "family,given,birthdate".to_owned()));
    let rows = ask::matches(store, caller, "Patient", &asked, SOUNDED).await?;
    let sounds_like = |person: &Person| {
        let names = person.given.iter().chain(&person.family).chain(&person.preferred).chain(&person.former);
        let heard: Vec<String> = names.flat_map(|it| it.split([' ', '-'])).map(sounds::code).collect();
        codes.iter().all(|code| heard.contains(code))
    };
    let mut people: Vec<Person> = rows.rows.iter().map(|it| Person::of(&it.value)).filter(sounds_like).collect();
    let more = people.len() > SHOWN;
    people.truncate(SHOWN);
    Ok(Found { hits: marked(people), more, ..nothing })
}

async fn run(store: &Store, caller: &Caller, searches: Vec<Vec<(&'static str, String)>>) -> StoreResult<Found> {
    let mut people: Vec<Person> = Vec::new();
    let mut more = false;
    for mut search in searches {
        search.push(("_sort", "family,given,birthdate".to_owned()));
        let rows = ask::matches(store, caller, "Patient", &search, SHOWN as u32).await?;
        more |= rows.more;
        for row in rows.rows {
            let person = Person::of(&row.value);
            if people.iter().all(|it| it.id != person.id) {
                people.push(person);
            }
        }
    }
    more |= people.len() > SHOWN;
    people.truncate(SHOWN);
    Ok(Found { hits: marked(people), more, ..Found::default() })
}

/// These people, by their ids, in the order given; those who are not here any more are left out.
pub async fn these(store: &Store, caller: &Caller, ids: &[Id]) -> StoreResult<Vec<Hit>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let asked = ids.iter().map(Id::as_str).collect::<Vec<_>>().join(",");
    let rows = ask::matches(store, caller, "Patient", &[("_id", asked)], ids.len() as u32).await?;
    let mut by_id: HashMap<String, Person> = rows
        .rows
        .iter()
        .filter_map(|row| Some((text(&row.value, &["id"])?.to_owned(), Person::of(&row.value))))
        .collect();
    Ok(marked(ids.iter().filter_map(|id| by_id.remove(id.as_str())).collect()))
}

/// Days looked back for who was here lately.
const LATELY: i64 = 14;

/// Who had a visit in the last two weeks, the latest first.
pub async fn seen_lately(store: &Store, caller: &Caller, now: i64, most: usize) -> StoreResult<Vec<Hit>> {
    let from = jiff::Timestamp::from_microsecond(now - LATELY * 86_400_000_000).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let from = from.to_zoned(jiff::tz::TimeZone::UTC).date();
    let asked = [("date", format!("ge{from}")), ("_sort", "-date".to_owned())];
    // The same person may have come more than once.
    let visits = ask::Rows::or_refused(ask::matches(store, caller, "Encounter", &asked, 4 * most as u32).await)?;
    let mut ids: Vec<Id> = Vec::new();
    for visit in visits.rows {
        let patient = text(&visit.value, &["subject", "reference"]).and_then(|it| it.strip_prefix("Patient/"));
        if let Some(id) = patient.and_then(Id::parse).filter(|id| !ids.contains(id)) {
            ids.push(id);
        }
    }
    ids.truncate(most);
    these(store, caller, &ids).await
}

/// Notes who shares a name with someone else in the list.
pub fn marked(people: Vec<Person>) -> Vec<Hit> {
    let name = |person: &Person| {
        let given = person.given.first().map_or("", String::as_str);
        fold(&format!("{} {given}", person.family.as_deref().unwrap_or_default()))
    };
    let mut count: HashMap<String, usize> = HashMap::new();
    for person in &people {
        *count.entry(name(person)).or_default() += 1;
    }
    people.into_iter().map(|person| Hit { similar: count[&name(&person)] > 1, person }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn people_who_share_a_name_are_marked() {
        let person = |id: &str, family: &str, given: &str| {
            Person::of(&json!({"id": id, "name": [{"family": family, "given": [given, "X"]}]}))
        };
        let hits = marked(vec![person("1", "Núñez", "Ana"), person("2", "Nunez", "ana"), person("3", "Nunez", "Eva")]);
        assert_eq!(hits.iter().map(|it| it.similar).collect::<Vec<_>>(), [true, true, false]);
    }
}
