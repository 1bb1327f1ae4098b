//! Whose inbox somebody sees: their own, those of their pools, those of colleagues who made them a delegate, and those of
//! colleagues they stand in for while these are away. Pools are CareTeams without a patient; delegates and cover are
//! settings of the program, written with an entry in the audit log.

use super::SYSTEM;
use crate::act::{Act, ActError, Pen};
use crate::ask::{self, Rows};
use crate::chart::When;
use crate::chart::element::{list, owned, text};
use bytes::Bytes;
use fhir::{Id, Key, Value};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::audit::Event;
use store::{Action, ItemChange, ItemExpect, StoreError, StoreResult};

const SHELF: &str = "inbox-settings";
/// Where goes what nobody else answers for. All of the staff see it.
pub(super) const PRACTICE: &str = "inbox-practice";

#[derive(Clone, Debug)]
pub struct Pool {
    pub key: Key,
    pub name: String,
    pub members: Vec<(Key, String)>,
    /// The pool of the whole practice, which needs no members.
    pub of_all: bool,
    version: u64,
    value: Value,
}

/// What one person has arranged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// Practitioner, as `Practitioner/7`.
    person: String,
    name: String,
    /// Who sees this inbox always.
    delegates: Vec<String>,
    cover: Option<Cover>,
}

/// Who stands in, and from when to when (microseconds, end exclusive).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cover {
    pub by: String,
    pub from: i64,
    pub until: i64,
    pub reason: String,
}

#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub pools: Vec<Pool>,
    all: Vec<(Kept, u64)>,
}

pub(super) async fn read(pen: &Pen<'_>) -> StoreResult<Settings> {
    let mut settings = Settings::default();
    if pen.may(Action::Search, "CareTeam") {
        let asked = [("identifier", format!("{SYSTEM}|")), ("status", "active".to_owned())];
        let rows = Rows::or_refused(ask::matches(pen.store(), pen.caller, "CareTeam", &asked, 200).await)?;
        settings.pools = rows.rows.iter().filter_map(|it| pool(&it.value)).collect();
        settings.pools.sort_by(|a, b| (!a.of_all, &a.name).cmp(&(!b.of_all, &b.name)));
    }
    let items = pen.store().items(SHELF, None, None, 1_000, pen.now).await?;
    for item in items {
        let kept: Kept = serde_json::from_slice(&item.body)
            .map_err(|_| StoreError::Damaged(format!("an entry of {SHELF} cannot be read")))?;
        settings.all.push((kept, item.version));
    }
    Ok(settings)
}

fn pool(value: &Value) -> Option<Pool> {
    let id = text(value, &["id"])?;
    let member = |it: &Value| {
        let key = text(it, &["member", "reference"]).and_then(Key::parse)?;
        Some((key.clone(), owned(it, &["member", "display"]).unwrap_or_else(|| key.to_string())))
    };
    Some(Pool {
        key: Key::parse(&format!("CareTeam/{id}"))?,
        name: owned(value, &["name"]).unwrap_or_default(),
        members: list(value, "participant").iter().filter_map(member).collect(),
        of_all: id == PRACTICE,
        version: text(value, &["meta", "versionId"])?.parse().ok()?,
        value: value.clone(),
    })
}

impl Settings {
    pub async fn read(pen: &Pen<'_>) -> StoreResult<Settings> {
        read(pen).await
    }

    /// Whose Tasks somebody sees, with what to call them.
    pub(super) fn owners(&self, me: Option<&Key>, now: i64) -> Vec<(Key, String)> {
        let practice = Key::parse(&format!("CareTeam/{PRACTICE}")).expect("our own id is one of FHIR");
        let mut owners: Vec<(Key, String)> = me.map(|it| (it.clone(), String::new())).into_iter().collect();
        let mine = |it: &&Pool| it.of_all || it.members.iter().any(|(key, _)| Some(key) == me);
        owners.extend(self.pools.iter().filter(mine).map(|it| (it.key.clone(), it.name.clone())));
        if owners.iter().all(|it| it.0 != practice) {
            owners.push((practice, String::new()));
        }
        let me = me.map(Key::to_string);
        for (kept, _) in &self.all {
            let delegate = me.as_ref().is_some_and(|me| kept.delegates.contains(me));
            let covers = kept.cover.as_ref().is_some_and(|it| Some(&it.by) == me.as_ref() && it.counts(now));
            if let Some(key) = Key::parse(&kept.person).filter(|_| delegate || covers) {
                owners.push((key, kept.name.clone()));
            }
        }
        owners
    }

    /// For whom somebody stands in at this moment.
    pub(super) fn covering(&self, pen: &Pen<'_>) -> Vec<String> {
        let Some(me) = pen.author.map(Key::to_string) else { return Vec::new() };
        let counts = |kept: &&(Kept, u64)| kept.0.cover.as_ref().is_some_and(|it| it.by == me && it.counts(pen.now));
        self.all.iter().filter(counts).map(|it| it.0.name.clone()).collect()
    }

    fn own(&self, me: &Key) -> (Kept, Option<u64>) {
        let found = self.all.iter().find(|it| it.0.person == me.to_string());
        match found {
            Some((kept, version)) => (kept.clone(), Some(*version)),
            None => (Kept { person: me.to_string(), ..Kept::default() }, None),
        }
    }

    pub fn delegates(&self, me: &Key) -> Vec<String> {
        self.own(me).0.delegates
    }

    pub fn cover(&self, me: &Key, now: i64) -> Option<Cover> {
        self.own(me).0.cover.filter(|it| it.until > now)
    }
}

impl Cover {
    fn counts(&self, now: i64) -> bool {
        (self.from..self.until).contains(&now)
    }

    pub fn days(&self) -> (String, String) {
        (When::of_micros(self.from).date(), When::of_micros(self.until - 1).date())
    }
}

async fn keep(pen: &Pen<'_>, kept: Kept, version: Option<u64>, what: String) -> StoreResult<()> {
    let body = Bytes::from(serde_json::to_vec(&kept).expect("names can be written"));
    let expect = version.map_or(ItemExpect::Absent, ItemExpect::Version);
    let change = ItemChange::put(SHELF, kept.person, body).owned_by(&*pen.caller.who).expecting(expect);
    pen.store().keep(pen.caller, Event::of("configure").detail(what), vec![change], pen.now).await
}

/// Lets a colleague see one's inbox always, or no longer.
pub async fn delegate(pen: &Pen<'_>, to: &Key, on: bool) -> StoreResult<()> {
    let Some(me) = pen.author else { return Err(StoreError::Forbidden) };
    let (mut kept, version) = read(pen).await?.own(me);
    kept.name = pen.caller.display.to_string();
    kept.delegates.retain(|it| *it != to.to_string());
    if on && to != me {
        kept.delegates.push(to.to_string());
    }
    let verb = if on { "is a delegate of the inbox of" } else { "is no longer a delegate of the inbox of" };
    keep(pen, kept, version, format!("{to} {verb} {me}")).await
}

/// Says who stands in while one is away; `None` ends it.
pub async fn cover(pen: &Pen<'_>, cover: Option<Cover>) -> StoreResult<()> {
    let Some(me) = pen.author else { return Err(StoreError::Forbidden) };
    let (mut kept, version) = read(pen).await?.own(me);
    kept.name = pen.caller.display.to_string();
    let what = match &cover {
        Some(it) => format!("{} covers the inbox of {me} from {} to {}", it.by, it.days().0, it.days().1),
        None => format!("nobody covers the inbox of {me}"),
    };
    kept.cover = cover;
    keep(pen, kept, version, what).await
}

fn nobody() -> Id {
    Id::parse("nobody").expect("a word of letters is an id")
}

/// A new pool, with who makes it as its first member.
pub async fn new_pool(pen: &Pen<'_>, name: &str, once: &str) -> Result<(), ActError> {
    let mut act = Act::new("inbox.pool", &nobody()).once(once);
    let members: Vec<Value> = pen.author.map(|_| json!({ "member": pen.who() })).into_iter().collect();
    let slug: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    act.create(
        pen,
        json!({
            "resourceType": "CareTeam",
            "identifier": [{ "system": SYSTEM, "value": format!("pool-{slug}") }],
            "status": "active",
            "name": name,
            "participant": members,
        }),
    );
    pen.commit(act).await.map(drop)
}

/// Comes into a pool, or leaves it.
pub async fn join(pen: &Pen<'_>, pool: &Id, on: bool) -> Result<(), ActError> {
    let settings = read(pen).await?;
    let (Some(me), Some(pool)) = (pen.author, settings.pools.into_iter().find(|it| it.key.id == *pool)) else {
        return Err(ActError::Store(StoreError::Forbidden));
    };
    let Pool { key, mut value, version, .. } = pool;
    let others =
        list(&value, "participant").iter().filter(|it| text(it, &["member", "reference"]) != Some(&me.to_string()));
    let mut members: Vec<Value> = others.cloned().collect();
    if on {
        members.push(json!({ "member": pen.who() }));
    }
    if let Some(object) = value.as_object_mut() {
        match members.is_empty() {
            true => drop(object.remove("participant")),
            false => drop(object.insert("participant".into(), members.into())),
        }
    }
    let mut act = Act::new("inbox.pool", &nobody());
    act.update(key, version, value);
    pen.commit(act).await.map(drop)
}
