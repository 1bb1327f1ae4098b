//! The rooming board: everybody expected today, here, or seen today, by how far they are.

use super::Step;
use crate::act::Pen;
use crate::ask::{self, Rows};
use crate::chart::When;
use crate::chart::element::{concept, concepts, display_name, list, owned, text};
use crate::people::{self, Person};
use fhir::{Id, Value};
use std::collections::HashMap;
use store::{Action, StoreResult};

/// More people than a practice sees on a day.
const MOST: u32 = 200;

/// One person on the board.
#[derive(Clone, Debug)]
pub struct Place {
    pub person: Person,
    /// Another on the board has the same name.
    pub similar: bool,
    pub step: Step,
    /// Since when they are at this step; for who is expected, when they should come.
    pub since: Option<When>,
    pub room: Option<String>,
    pub clinician: Option<String>,
    pub reason: Option<String>,
    pub seat: Seat,
    pub version: u64,
}

/// What stands for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seat {
    Visit(Id),
    Appointment(Id),
}

#[derive(Clone, Debug, Default)]
pub struct Board {
    pub places: Vec<Place>,
    pub more: bool,
    /// Rooms that were used lately, to choose from.
    pub rooms: Vec<String>,
}

/// Hours before and after now that belong to the day on the board: wherever the practice lies, its working day is in it.
const BACK: i64 = 14;
const AHEAD: i64 = 12;

pub async fn board(pen: &Pen<'_>) -> StoreResult<Board> {
    let hour = 3_600_000_000;
    let from = crate::act::moment(pen.now - BACK * hour);
    let until = crate::act::moment(pen.now + AHEAD * hour);
    let expected = [
        ("date", format!("ge{from}")),
        ("date", format!("lt{until}")),
        ("status", "booked,pending,arrived,checked-in".to_owned()),
        ("_sort", "date".to_owned()),
    ];
    let here = [("status", "arrived,triaged,in-progress".to_owned()), ("_sort", "date".to_owned())];
    let lately = crate::act::moment(pen.now - 3 * 24 * hour);
    let here_since: Vec<(&'static str, String)> =
        here.iter().cloned().chain([("date", format!("ge{lately}"))]).collect();
    let seen = [("status", "finished".to_owned()), ("date", format!("ge{from}")), ("_sort", "-date".to_owned())];
    let (expected, here, seen) = tokio::try_join!(
        found(pen, "Appointment", &expected),
        found(pen, "Encounter", &here_since),
        found(pen, "Encounter", &seen),
    )?;
    let more = expected.more || here.more || seen.more;
    let mut half: Vec<(Id, Place)> = Vec::new();
    let mut kept_by_visit: Vec<String> = Vec::new();
    for row in here.rows.iter().chain(&seen.rows) {
        kept_by_visit.extend(list(&row.value, "appointment").iter().filter_map(|it| owned(it, &["reference"])));
        half.extend(of_visit(&row.value));
    }
    for row in &expected.rows {
        let id = text(&row.value, &["id"]).unwrap_or_default();
        if !kept_by_visit.iter().any(|it| it.strip_prefix("Appointment/") == Some(id)) {
            half.extend(of_appointment(&row.value));
        }
    }
    let ids: Vec<Id> = half.iter().map(|(id, _)| id.clone()).collect();
    let mut people: HashMap<String, people::Hit> = HashMap::new();
    for some in ids.chunks(100) {
        let hits = people::these(pen.store(), pen.caller, some).await?;
        people.extend(hits.into_iter().map(|it| (it.person.id.clone(), it)));
    }
    let names = staff_names(pen).await?;
    let rooms = rooms(&half);
    let mut places: Vec<Place> = half
        .into_iter()
        .filter_map(|(id, mut place)| {
            // Whoever the caller may not see is not on their board.
            let hit = people.get(id.as_str())?;
            place.clinician = place.clinician.map(|it| names.get(&it).cloned().unwrap_or(it));
            place.clinician = place.clinician.filter(|it| !it.contains('/'));
            Some(Place { person: hit.person.clone(), similar: hit.similar, ..place })
        })
        .collect();
    places.sort_by_key(|it| (it.step, it.since.map_or(i64::MAX, |it| it.at())));
    Ok(Board { places, more, rooms })
}

async fn found(pen: &Pen<'_>, kind: &str, asked: &[(&'static str, String)]) -> StoreResult<Rows> {
    let of_kind = fhir::ResourceType::parse(kind).expect("a type of R4");
    if !pen.may(Action::Search, of_kind.name()) {
        return Ok(Rows { refused: true, ..Rows::default() });
    }
    Rows::or_refused(ask::matches(pen.store(), pen.caller, kind, asked, MOST).await)
}

async fn staff_names(pen: &Pen<'_>) -> StoreResult<HashMap<String, String>> {
    if !pen.may(Action::Search, "Practitioner") {
        return Ok(HashMap::new());
    }
    Ok(crate::entries::staff(pen).await?.into_iter().map(|(key, name)| (key.to_string(), name)).collect())
}

fn patient(reference: Option<&str>) -> Option<Id> {
    Id::parse(reference?.strip_prefix("Patient/")?)
}

fn of_visit(value: &Value) -> Option<(Id, Place)> {
    let step = Step::of(value)?;
    let who = patient(text(value, &["subject", "reference"]))?;
    let since = list(value, "statusHistory").last().and_then(|it| owned(it, &["period", "end"]));
    let active = list(value, "location").iter().rev().find(|it| text(it, &["status"]) == Some("active"));
    let roomed = active.and_then(|it| owned(it, &["period", "start"]));
    let since = match step {
        Step::Roomed => roomed.or(since),
        Step::Done => owned(value, &["period", "end"]),
        _ => since,
    };
    Some((
        who,
        Place {
            person: Person::of(&Value::Null),
            similar: false,
            step,
            since: since.or_else(|| owned(value, &["period", "start"])).and_then(|it| When::parse(&it)),
            room: active.and_then(|it| owned(it, &["location", "display"])),
            clinician: list(value, "participant").first().and_then(|it| name_or_reference(it.get("individual")?)),
            reason: concepts(value, "reasonCode").into_iter().next(),
            seat: Seat::Visit(Id::parse(text(value, &["id"])?)?),
            version: ask::version(value),
        },
    ))
}

fn of_appointment(value: &Value) -> Option<(Id, Place)> {
    let actors = || list(value, "participant").iter().filter_map(|it| it.get("actor"));
    let who = actors().find_map(|it| patient(text(it, &["reference"])))?;
    let step = match text(value, &["status"])? {
        "arrived" | "checked-in" => Step::Arrived,
        _ => Step::Booked,
    };
    let clinician = actors().find(|it| text(it, &["reference"]).is_some_and(|it| it.starts_with("Practitioner/")));
    let service = list(value, "serviceType").first().and_then(concept);
    Some((
        who,
        Place {
            person: Person::of(&Value::Null),
            similar: false,
            step,
            since: text(value, &["start"]).and_then(When::parse),
            room: None,
            clinician: clinician.and_then(name_or_reference),
            reason: owned(value, &["description"]).or(service),
            seat: Seat::Appointment(Id::parse(text(value, &["id"])?)?),
            version: ask::version(value),
        },
    ))
}

fn name_or_reference(reference: &Value) -> Option<String> {
    owned(reference, &["display"]).or_else(|| owned(reference, &["reference"])).or_else(|| display_name(reference))
}

/// Rooms that somebody is in or was in, in order; a practice without any yet has three.
fn rooms(half: &[(Id, Place)]) -> Vec<String> {
    let mut rooms: Vec<String> = (1..=6).map(|it| format!("Room {it}")).collect();
    rooms.extend(half.iter().filter_map(|(_, it)| it.room.clone()));
    rooms.sort();
    rooms.dedup();
    rooms
}
