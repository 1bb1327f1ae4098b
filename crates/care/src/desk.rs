//! What people have arranged for themselves: how pages look to them, which keys do what, the order of the cards of
//! a summary, the charts they opened last, notes they stuck to a chart, lists of patients they keep. Small records on
//! one shelf, owned by who made them; nobody else is ever shown them, and nothing here is part of a medical record.

use crate::people::{Person, sounds};
use bytes::Bytes;
use fhir::Id;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use store::audit::Event;
use store::{Caller, ItemChange, Store, StoreError, StoreResult};

/// The shelf of all of it. Names are `settings/user/7`, `recent/user/7`, `note/user/7/<patient>`, `list/user/7/<id>`.
pub const SHELF: &str = "desk";

/// How many charts are remembered for each person.
pub const RECENT: usize = 8;

/// How many lists one person keeps at most.
pub const LISTS: usize = 100;

/// How long a note on a chart may be.
pub const NOTE: usize = 2_000;

/// Light or dark, whatever the device says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    #[default]
    Device,
    Light,
    Dark,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Density {
    #[default]
    Comfortable,
    Compact,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextSize {
    #[default]
    Normal,
    Large,
    Larger,
}

/// How pages look and answer to one person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// BCP 47; without it the browser's languages decide.
    pub language: Option<String>,
    pub theme: Theme,
    pub density: Density,
    pub text: TextSize,
    /// Keys without Ctrl or Alt do nothing (WCAG 2.2, 2.1.4).
    pub no_letters: bool,
    /// Command → keys, where they differ from what is usual; no keys at all is an empty text.
    pub keys: BTreeMap<String, String>,
    /// Cards of the summary in their own order; what is not named stands at its usual place after these.
    pub cards: Vec<String>,
    /// Cards that are folded.
    pub folded: BTreeSet<String>,
}

/// Patients that someone keeps together, by hand or by a question that is asked anew each time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    #[serde(skip)]
    pub id: String,
    pub name: String,
    pub patients: Vec<String>,
    /// The question of a cohort as its page writes it into addresses.
    pub question: Option<String>,
}

async fn read<T: DeserializeOwned>(store: &Store, name: &str, now: i64) -> StoreResult<Option<T>> {
    let Some(item) = store.item(SHELF, name, now).await? else { return Ok(None) };
    // The message of serde_json may quote the body.
    let body = serde_json::from_slice(&item.body);
    body.map(Some).map_err(|error| StoreError::Damaged(format!("an entry of {SHELF} at column {}", error.column())))
}

async fn write<T: Serialize>(store: &Store, caller: &Caller, name: String, body: &T, now: i64) -> StoreResult<()> {
    let body = Bytes::from(serde_json::to_vec(body).expect("our own types can be written as JSON"));
    let change = ItemChange::put(SHELF, name, body).owned_by(&*caller.who);
    store.keep(caller, Event::of("desk"), vec![change], now).await
}

async fn remove(store: &Store, caller: &Caller, name: String, now: i64) -> StoreResult<()> {
    store.keep(caller, Event::of("desk"), vec![ItemChange::delete(SHELF, name)], now).await
}

/// What this person has set; what they never set is as usual.
pub async fn settings(store: &Store, caller: &Caller, now: i64) -> StoreResult<Settings> {
    Ok(read(store, &format!("settings/{}", caller.who), now).await?.unwrap_or_default())
}

pub async fn keep_settings(store: &Store, caller: &Caller, settings: &Settings, now: i64) -> StoreResult<()> {
    write(store, caller, format!("settings/{}", caller.who), settings, now).await
}

/// A chart that was opened, and how the name on it sounds, so that two that may be taken for each other are noticed.
/// The name itself is not kept here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    pub patient: String,
    pub sounds: String,
}

impl Opened {
    pub fn of(person: &Person) -> Opened {
        let heard = |name: Option<&String>| sounds::code(name.map_or("", String::as_str));
        let (family, given) = (heard(person.family.as_ref()), heard(person.given.first()));
        Opened { patient: person.id.clone(), sounds: format!("{family} {given}").trim().to_owned() }
    }

    /// Another person, whose name can be taken for this one.
    pub fn resembles(&self, other: &Opened) -> bool {
        self.patient != other.patient && !self.sounds.is_empty() && self.sounds == other.sounds
    }
}

/// The charts they opened last, the latest first.
pub async fn recent(store: &Store, caller: &Caller, now: i64) -> StoreResult<Vec<Opened>> {
    Ok(read(store, &format!("recent/{}", caller.who), now).await?.unwrap_or_default())
}

/// Puts a chart on top of those that were opened before; writes only when that is something new.
pub async fn remember(store: &Store, caller: &Caller, before: &[Opened], opened: &Opened, now: i64) -> StoreResult<()> {
    if before.first() == Some(opened) {
        return Ok(());
    }
    let others = before.iter().filter(|it| it.patient != opened.patient);
    let mine: Vec<&Opened> = std::iter::once(opened).chain(others).take(RECENT).collect();
    write(store, caller, format!("recent/{}", caller.who), &mine, now).await
}

/// The note that they stuck to a chart.
pub async fn note(store: &Store, caller: &Caller, patient: &Id, now: i64) -> StoreResult<Option<String>> {
    read(store, &format!("note/{}/{patient}", caller.who), now).await
}

/// Sticks a note to a chart; an empty one takes it away.
pub async fn stick(store: &Store, caller: &Caller, patient: &Id, note: &str, now: i64) -> StoreResult<()> {
    let name = format!("note/{}/{patient}", caller.who);
    let note: String = note.trim().chars().take(NOTE).collect();
    match note.is_empty() {
        true => remove(store, caller, name, now).await,
        false => write(store, caller, name, &note, now).await,
    }
}

/// The lists someone keeps, by name.
pub async fn lists(store: &Store, caller: &Caller, now: i64) -> StoreResult<Vec<Kept>> {
    let prefix = format!("list/{}/", caller.who);
    // Items come in the order of their names, so those of one beginning lie together.
    let items = store.items(SHELF, Some(&caller.who), Some(&prefix), LISTS, now).await?;
    let mut lists = Vec::new();
    for item in items {
        let Some(id) = item.name.strip_prefix(&prefix) else { break };
        let kept: Kept = serde_json::from_slice(&item.body)
            .map_err(|error| StoreError::Damaged(format!("an entry of {SHELF} at column {}", error.column())))?;
        lists.push(Kept { id: id.to_owned(), ..kept });
    }
    lists.sort_by_key(|a| a.name.to_lowercase());
    Ok(lists)
}

pub async fn list(store: &Store, caller: &Caller, id: &str, now: i64) -> StoreResult<Option<Kept>> {
    let kept: Option<Kept> = read(store, &format!("list/{}/{id}", caller.who), now).await?;
    Ok(kept.map(|kept| Kept { id: id.to_owned(), ..kept }))
}

pub async fn keep_list(store: &Store, caller: &Caller, list: &Kept, now: i64) -> StoreResult<()> {
    write(store, caller, format!("list/{}/{}", caller.who, list.id), list, now).await
}

pub async fn drop_list(store: &Store, caller: &Caller, id: &str, now: i64) -> StoreResult<()> {
    remove(store, caller, format!("list/{}/{id}", caller.who), now).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn two_charts_whose_names_sound_alike_resemble_each_other() {
        let opened = |id: &str, family: &str, given: &str| {
            Opened::of(&Person::of(&json!({"id": id, "name": [{"family": family, "given": [given]}]})))
        };
        let smith = opened("1", "Smith", "Katherine");
        assert!(smith.resembles(&opened("2", "Smyth", "Catherine")));
        assert!(!smith.resembles(&opened("1", "Smyth", "Catherine")), "nobody resembles themselves");
        assert!(!smith.resembles(&opened("2", "Smith", "Paula")));
        let nameless = Opened::of(&Person::of(&json!({"id": "3"})));
        assert!(!nameless.resembles(&Opened { patient: "4".into(), ..nameless.clone() }));
    }
}
