//! The door through which everything comes in that came about elsewhere: messages, documents, measurements of devices.
//! Resources come under addresses that are made from what they are; here they get the ids by which this record knows
//! them, so that the same thing again is the same resource, and what is known here by its identifier is not made twice.
//! References are rewritten, the origin is marked, what is late takes nothing back (`combine`), and all of it is
//! written in one commit with one Provenance (FHIR R4, 6.3), or nothing is.
//!
//! The door decides nothing about people: whose identifiers mean whom is `care::identity`'s to say.

use super::bundle::{self, Names};
use super::channel::Interfaces;
use super::combine::{Combined, Held, Stamp, Stamps, combine, element_of, is_directory, join};
use super::origin::{self, Origin, Way};
use super::pile::Pile;
use crate::Organisation;
use crate::act::moment;
use crate::ask;
use crate::chart::element::{list, text};
use crate::identity::{self, Whose};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fhir::{Draft, Id, Issue, IssueCode, Key, ResourceType, Value};
use formats::Note;
use formats::v2::map::Deletion;
use ring::digest::{SHA256, digest};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;
use store::{
    Batch, Caller, Change, Done, Expect, ItemChange, ItemExpect, MessageChange, Store, StoreError, StoreResult, Write,
};

/// Looks at what is here already. What is written is written by the caller, under the caller's rights.
static READER: LazyLock<Caller> = LazyLock::new(|| Caller::system("exchange"));

/// Who said which element of a resource: `Patient/7`.
const SHELF: &str = "stamps";
/// How often it is tried again when somebody else wrote the same meanwhile.
const ATTEMPTS: usize = 8;
/// What is known by an identifier across systems. Results are named by who made them.
const KNOWN: [&str; 9] = [
    "Appointment",
    "Encounter",
    "Location",
    "MedicationRequest",
    "Organization",
    "Patient",
    "Practitioner",
    "ServiceRequest",
    "Coverage",
];
/// A number that says who somebody is to the state, and is often wrong, does not say who they are here.
const NOT_OURS: [&str; 2] = ["http://hl7.org/fhir/sid/us-ssn", "urn:oid:2.16.840.1.113883.4.1"];

/// What one Provenance tells of at most.
const TARGETS: usize = 1_000;

/// The rows of the message log for an arrival, made when it is known what will be written.
pub type Log<'a> = &'a (dyn Fn(&Received) -> Vec<MessageChange> + Sync);

/// What has arrived.
pub struct Arrival<'a> {
    pub origin: &'a Origin,
    /// Each under its address.
    pub resources: Vec<(String, Value)>,
    /// What is too much to be held as trees all at once; visits and the patient are never on it. Nothing on it is among
    /// `resources`.
    pub pile: Option<&'a Pile>,
    /// Bytes to be kept as they came: the address, the content type, the address of what says who may see them.
    pub file: Option<(&'a str, &'static str, &'a str, &'a [u8])>,
    pub deletions: &'a [Deletion],
    /// The address of the patient it is about.
    pub patient: Option<&'a str>,
    /// When it was sent, as a FHIR dateTime.
    pub sent: Option<String>,
    /// The number that the sender counts by, between arrivals of one moment.
    pub number: u64,
    /// When it came here for the first time, where that was not now: it is worked on again.
    pub came: Option<i64>,
    /// What addresses meant when this was worked on for the first time, where they do not mean what they say: it means the
    /// same again, whatever has become known since.
    pub meant: Vec<(String, Key)>,
    /// Addresses that somebody has decided about: they mean these resources, which are not written.
    pub bound: Vec<(String, Key)>,
    /// What was received as a resource of its own (a DocumentReference among `resources`, by its address), for the
    /// Provenance.
    pub entity: Option<&'a str>,
    /// What the audit log calls it: `message`, `document`.
    pub action: &'static str,
    pub items: Vec<ItemChange>,
    /// Resources of this place that move on with it, each over the version that was looked at.
    pub also: Vec<(Key, u64, Value)>,
    pub log: Option<Log<'a>>,
    /// Where those wait who find that others change the same: many lines at once.
    pub turns: Option<&'a Interfaces>,
}

impl<'a> Arrival<'a> {
    pub fn new(origin: &'a Origin, resources: Vec<(String, Value)>) -> Arrival<'a> {
        Arrival {
            origin,
            resources,
            pile: None,
            file: None,
            deletions: &[],
            patient: None,
            sent: None,
            number: 0,
            came: None,
            meant: Vec::new(),
            bound: Vec::new(),
            entity: None,
            action: match origin.way {
                Way::Message => "message",
                Way::Document => "document",
                Way::Record => "fetched",
                Way::Device => "device",
                Way::Patient => "patient-told",
            },
            items: Vec::new(),
            also: Vec::new(),
            log: None,
            turns: None,
        }
    }
}

/// What became of it.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// What was written, with the version, without the Provenance.
    pub keys: Vec<(Key, u64)>,
    /// How many resources said nothing new.
    pub unchanged: usize,
    pub patient: Option<Id>,
    /// What each address means here.
    pub names: HashMap<String, Key>,
    pub notes: Vec<Note>,
}

#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// Resources that do not hold together; each issue names the element.
    #[error("it does not hold together")]
    Invalid(Vec<Issue>),
    #[error("others wrote the same at the same time, again and again")]
    Busy,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes in what has arrived. When this returns, it is on disk.
pub async fn receive(
    organisation: &Organisation,
    caller: &Caller,
    arrival: Arrival<'_>,
    now: i64,
) -> Result<Received, DoorError> {
    let mut turn = None;
    for _ in 0..ATTEMPTS {
        let plan = Plan::of(organisation, &arrival, now).await?;
        let Plan { writes, items, mut received } = plan;
        let messages: Vec<MessageChange> = arrival.log.map(|log| log(&received)).unwrap_or_default();
        if writes.is_empty() && items.is_empty() && messages.is_empty() {
            return Ok(received);
        }
        let batch = Batch { writes, items, messages, action: arrival.action, ..Batch::default() };
        match organisation.store.commit(caller, batch, now).await {
            Ok(outcomes) => {
                received.keys = outcomes
                    .into_iter()
                    .filter(|it| it.key.kind.name() != "Provenance" && it.done != Done::Unchanged)
                    .map(|it| (it.key, it.version))
                    .collect();
                return Ok(received);
            }
            // Somebody wrote the same meanwhile: what is here now is looked at anew.
            Err(StoreError::Conflict { key, .. }) => {
                drop(turn.take());
                if let Some(interfaces) = arrival.turns {
                    turn = Some(interfaces.contested(&key.to_string()).await);
                }
            }
            Err(StoreError::ItemConflict { shelf: SHELF | identity::links::SHELF, .. }) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(DoorError::Busy)
}

/// What will be written.
struct Plan {
    writes: Vec<Write>,
    items: Vec<ItemChange>,
    received: Received,
}

/// A resource on its way in.
struct Coming<'a> {
    key: Key,
    value: Value,
    gone: Vec<&'a str>,
}

impl Plan {
    async fn of(organisation: &Organisation, arrival: &Arrival<'_>, now: i64) -> Result<Plan, DoorError> {
        let mut naming =
            Naming { organisation, arrival, now, names: arrival.bound.iter().cloned().collect(), links: Vec::new() };
        let here = naming.name(arrival.resources.iter()).await?;
        if let Some((address, ..)) = arrival.file {
            naming.names.insert(address.to_owned(), Key::new(binary(), id_of(address)));
        }
        for block in arrival.pile.into_iter().flat_map(Pile::blocks) {
            naming.name(block.iter()).await?;
        }
        let Naming { names, links, .. } = naming;
        let mut work = Work {
            organisation,
            arrival,
            stamp: Stamp::new(sent(arrival, now), arrival.number, arrival.came.unwrap_or(now)),
            now,
            names: Names::known(names),
            writes: Vec::new(),
            items: links,
            wrong: Vec::new(),
            received: Received::default(),
        };
        work.settle(arrival.resources.iter().cloned(), here).await?;
        match (arrival.pile, arrival.file) {
            (Some(pile), _) => work.settle_pile(pile).await?,
            (None, Some((address, kind, owner, bytes))) => {
                let file = file(address, kind, owner, bytes);
                let here = work.here(std::slice::from_ref(&file)).await?;
                work.settle(std::iter::once(file), here).await?;
            }
            (None, None) => {}
        }
        work.done()
    }
}

/// What is being made of an arrival.
struct Work<'a> {
    organisation: &'a Organisation,
    arrival: &'a Arrival<'a>,
    stamp: Stamp,
    now: i64,
    names: Names,
    writes: Vec<Write>,
    items: Vec<ItemChange>,
    wrong: Vec<Issue>,
    received: Received,
}

impl Work<'_> {
    /// What becomes of these, of which `here` is there already.
    async fn settle(
        &mut self,
        resources: impl Iterator<Item = (String, Value)>,
        mut here: Here,
    ) -> Result<(), DoorError> {
        let (arrival, stamp) = (self.arrival, self.stamp);
        let mut coming: Vec<Coming<'_>> = Vec::new();
        for (address, mut value) in resources {
            let bound = arrival.bound.iter().any(|it| it.0 == address);
            let Some(key) = self.names.key(&address).filter(|_| !bound).cloned() else { continue };
            bundle::rewrite(&mut value, &self.names);
            without_itself(&mut value, &key);
            let gone = arrival.deletions.iter().filter(|it| it.address == address).map(|it| element_of(&it.element));
            match coming.iter_mut().find(|it| it.key == key) {
                Some(same) => join(&mut same.value, &value),
                None => coming.push(Coming { key, value, gone: gone.collect() }),
            }
        }
        for Coming { key, value, gone } in coming {
            let held = here.remove(&key);
            let (before, kept) = stamps_of(&self.organisation.store, held, self.now).await?;
            let expect = match &before {
                Some(before) if before.deleted => Expect::Absent,
                Some(before) => Expect::Version(before.held.version),
                None => Expect::New,
            };
            let live = before.as_ref().filter(|it| !it.deleted).map(|it| &it.held);
            let Combined { value, stamps } = match live {
                // The tree of something new is as it came: it may be large.
                None if gone.is_empty() => Combined { value: Some(value), stamps: None },
                live => combine(live, &value, &gone, stamp),
            };
            if let Some(stamps) = stamps {
                let body = serde_json::to_vec(&stamps).expect("stamps can be written");
                let change = ItemChange::put(SHELF, key.to_string(), Bytes::from(body));
                self.items.push(change.expecting(kept.map_or(ItemExpect::Absent, ItemExpect::Version)));
            }
            let Some(mut value) = value else {
                self.received.unchanged += 1;
                continue;
            };
            // What was written here stays ours; others have only added to it.
            if live.is_none_or(|it| origin::of(&it.value).is_some()) {
                origin::mark(&mut value, arrival.origin);
                mark_stamp(&mut value, stamp);
            }
            let version = before.as_ref().map_or(1, |it| it.held.version + 1);
            match checked(&key, value) {
                Ok(change) => self.writes.push(Write { key: key.clone(), expect, change }),
                Err(issues) => self.wrong.extend(issues),
            }
            self.received.keys.push((key, version));
        }
        Ok(())
    }

    /// The same a block at a time, and of each block only what will lie on disk is kept.
    async fn settle_pile(&mut self, pile: &Pile) -> Result<(), DoorError> {
        let store = &self.organisation.store;
        let is_around = |it: &Write| matches!(it.key.kind.name(), "Patient" | "Encounter");
        let (mut around, others): (Vec<Write>, Vec<Write>) =
            std::mem::take(&mut self.writes).into_iter().partition(is_around);
        let mut packed;
        (around, packed) = store.pack(around, others, self.now).await?;
        if let Some((address, kind, owner, bytes)) = self.arrival.file {
            let file = file(address, kind, owner, bytes);
            let here = self.here(std::slice::from_ref(&file)).await?;
            self.settle(std::iter::once(file), here).await?;
            let made;
            (around, made) = store.pack(around, std::mem::take(&mut self.writes), self.now).await?;
            packed.extend(made);
        }
        // Two addresses may mean one resource; whoever comes second among so many says nothing.
        let mut seen: HashSet<Key> = HashSet::new();
        for mut block in pile.blocks() {
            block.retain(|(address, _)| self.names.key(address).is_some_and(|it| seen.insert(it.clone())));
            let here = self.here(&block).await?;
            self.settle(block.into_iter(), here).await?;
            let made;
            (around, made) = store.pack(around, std::mem::take(&mut self.writes), self.now).await?;
            packed.extend(made);
        }
        around.extend(packed);
        self.writes = around;
        Ok(())
    }

    async fn here(&self, resources: &[(String, Value)]) -> StoreResult<Here> {
        let keys: Vec<Key> = resources.iter().filter_map(|(address, _)| self.names.key(address).cloned()).collect();
        Ok(before(self.organisation.store.current_of(&READER, &keys).await?))
    }

    fn done(mut self) -> Result<Plan, DoorError> {
        for (key, version, value) in &self.arrival.also {
            match checked(key, value.clone()) {
                Ok(change) => self.writes.push(Write { key: key.clone(), expect: Expect::Version(*version), change }),
                Err(issues) => self.wrong.extend(issues),
            }
            self.received.keys.push((key.clone(), version + 1));
        }
        if !self.wrong.is_empty() {
            return Err(DoorError::Invalid(self.wrong));
        }
        let arrival = self.arrival;
        self.received.patient = arrival.patient.and_then(|it| self.names.key(it)).map(|it| it.id.clone());
        let entity = arrival.entity.and_then(|it| self.names.key(it));
        for written in self.received.keys.chunks(TARGETS) {
            if let Some((key, value)) = provenance(self.organisation, arrival, written, entity, self.now) {
                let change = checked(&key, value).map_err(DoorError::Invalid)?;
                self.writes.push(Write { key, expect: Expect::New, change });
            }
        }
        self.items.extend(arrival.items.iter().cloned());
        self.received.names = self.names.all();
        Ok(Plan { writes: self.writes, items: self.items, received: self.received })
    }
}

fn binary() -> ResourceType {
    ResourceType::parse("Binary").expect("a type of R4")
}

/// Bytes as a Binary (FHIR R4, 2.42).
fn file(address: &str, kind: &str, owner: &str, bytes: &[u8]) -> (String, Value) {
    let value = json!({
        "resourceType": "Binary",
        "contentType": kind,
        "securityContext": { "reference": owner },
        "data": STANDARD.encode(bytes),
    });
    (address.to_owned(), value)
}

/// What is under a key now.
struct Before {
    held: Held,
    deleted: bool,
}

async fn stamps_of(store: &Store, held: Option<Before>, now: i64) -> StoreResult<(Option<Before>, Option<u64>)> {
    let Some(mut before) = held else { return Ok((None, None)) };
    let kind = text(&before.held.value, &["resourceType"]).unwrap_or_default();
    // A directory entry needs none, and what one message alone has told says so itself.
    if is_directory(kind) || before.deleted {
        return Ok((Some(before), None));
    }
    let name = format!("{kind}/{}", text(&before.held.value, &["id"]).unwrap_or_default());
    let Some(item) = store.item(SHELF, &name, now).await? else { return Ok((Some(before), None)) };
    let stamps: Stamps = serde_json::from_slice(&item.body)
        .map_err(|_| StoreError::Damaged(format!("an entry of {SHELF} cannot be read")))?;
    before.held.stamps = Some(stamps);
    Ok((Some(before), Some(item.version)))
}

type Here = HashMap<Key, Before>;

/// What each address is called here.
struct Naming<'a> {
    organisation: &'a Organisation,
    arrival: &'a Arrival<'a>,
    now: i64,
    names: HashMap<String, Key>,
    links: Vec<ItemChange>,
}

impl Naming<'_> {
    /// Names these, and tells what is there under their names.
    async fn name<'r>(&mut self, resources: impl Iterator<Item = &'r (String, Value)>) -> StoreResult<Here> {
        let store = &self.organisation.store;
        let mut own: Vec<(&String, &Value, Key)> = Vec::new();
        let resources: Vec<_> = resources.collect();
        for (address, resource) in &resources {
            let kind = text(resource, &["resourceType"]).and_then(ResourceType::parse);
            if let (Some(kind), false) = (kind, self.names.contains_key(address)) {
                let meant = self.arrival.meant.iter().find(|it| it.0 == *address).map(|it| it.1.clone());
                let own_key = Key::new(kind, id_of(address));
                own.push((address, resource, meant.filter(|it| it.kind == kind).unwrap_or(own_key)));
            }
        }
        let keys: Vec<Key> = own.iter().map(|it| it.2.clone()).collect();
        let mut here = before(store.current_of(&READER, &keys).await?);
        for (address, resource, key) in own {
            let found = match here.contains_key(&key) || !KNOWN.contains(&key.kind.name()) {
                true => None,
                false => by_identifier(store, key.kind, resource).await?,
            };
            if key.kind.name() == "Patient" {
                let found = found.map(|(found, _)| found).or_else(|| here.contains_key(&key).then(|| key.clone()));
                let (organisation, arrival) = (self.organisation, self.arrival);
                let (key, linked) = patient_of(organisation, arrival, resource, key, (found, &here), self.now).await?;
                if !here.contains_key(&key) {
                    here.extend(before(store.current_of(&READER, std::slice::from_ref(&key)).await?));
                }
                self.links.extend(linked);
                self.names.insert(address.clone(), key);
                continue;
            }
            let key = match found {
                Some((found, held)) => {
                    here.insert(found.clone(), held);
                    found
                }
                None => key,
            };
            self.names.insert(address.clone(), key);
        }
        // What was ordered here is the order that a result repeats.
        if let Some(patient) = self.arrival.patient.and_then(|it| self.names.get(it)).map(|it| it.id.clone()) {
            for (address, request) in resources.iter().filter(|(_, it)| it["resourceType"] == "ServiceRequest") {
                if let Some(order) = super::orders::ours(self.organisation, &READER, &patient, request).await? {
                    here.extend(before(store.current_of(&READER, std::slice::from_ref(&order)).await?));
                    self.names.insert(address.clone(), order);
                }
            }
        }
        Ok(here)
    }
}

/// Whose record a patient is who arrives: of the one that is known under the address or by a number, unless it was merged
/// here into another since, or somebody else entirely is called by that number; else as `care::identity` says. Where it
/// is not sure, it is somebody new, and the pair waits for a look in the queue of duplicates. What a sender has merged
/// keeps its two records until the merge is followed here (`identity::queue`): its messages may come in any order.
async fn patient_of(
    organisation: &Organisation,
    arrival: &Arrival<'_>,
    resource: &Value,
    own: Key,
    (found, here): (Option<Key>, &Here),
    now: i64,
) -> StoreResult<(Key, Vec<ItemChange>)> {
    let store = &organisation.store;
    let named = |id: Id| Key::new(own.kind, id);
    if let Some(found) = found {
        // Nearly nobody was merged into another: what is here already says so.
        let merged = here.get(&found).is_none_or(|it| it.deleted || identity::replaced_by(&it.held.value).is_some());
        let id = match merged {
            true => identity::merge::standing_for(store, found.id.clone(), now).await?,
            false => found.id.clone(),
        };
        let known = found == own || !identity::is_stranger(store, resource, &id).await?;
        return Ok((if known { named(id) } else { own }, Vec::new()));
    }
    let source = &arrival.origin.source;
    match identity::whose(organisation, &READER, resource, source, now).await? {
        Whose::Known(id) => Ok((named(id), Vec::new())),
        Whose::Likely(id, _) => {
            let links = identity::links::remember(resource, source, &id, now);
            Ok((named(id), links))
        }
        Whose::Unsure(_) | Whose::New => Ok((own, Vec::new())),
    }
}

fn before(stored: Vec<store::Stored>) -> Here {
    let before = |it: store::Stored| {
        let value = if it.deleted { Value::Null } else { it.value() };
        (
            it.key.clone(),
            Before { held: Held { value, version: it.version, at: it.at, stamps: None }, deleted: it.deleted },
        )
    };
    stored.into_iter().map(before).collect()
}

/// The one that has one of these identifiers. When several have, nobody knows which is meant.
async fn by_identifier(store: &Store, kind: ResourceType, resource: &Value) -> StoreResult<Option<(Key, Before)>> {
    let identifiers: Vec<String> = list(resource, "identifier")
        .iter()
        .filter_map(|it| Some((text(it, &["system"])?, text(it, &["value"])?)))
        .filter(|(system, _)| !NOT_OURS.contains(system))
        .map(|(system, value)| format!("{}|{}", ask::escaped(system), ask::escaped(value)))
        .collect();
    if identifiers.is_empty() {
        return Ok(None);
    }
    let query = ask::query(store, kind.name(), &[("identifier", identifiers.join(","))])?;
    let found = store.current_matches(&READER, &query, 2).await?;
    let only = if found.len() == 1 { before(found).into_iter().next() } else { None };
    Ok(only)
}

/// What addresses mean that do not mean what they say: what was known here already under another name.
pub(super) fn meant(received: &Received) -> Vec<(String, Key)> {
    let other = received.names.iter().filter(|(address, key)| key.id != id_of(address));
    other.map(|(address, key)| (address.clone(), key.clone())).collect()
}

/// `urn:uuid:X` is X; any other address is known by its digest.
fn id_of(address: &str) -> Id {
    let uuid = address.strip_prefix("urn:uuid:").and_then(Id::parse);
    uuid.unwrap_or_else(|| {
        let hash = digest(&SHA256, address.as_bytes());
        let hex: String = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Id::parse(&hex).expect("hexadecimal digits make an id")
    })
}

/// Microseconds since 1970. A message from the future would silence all that come until then.
fn sent(arrival: &Arrival<'_>, now: i64) -> i64 {
    let came = arrival.came.unwrap_or(now);
    arrival.sent.as_deref().and_then(micros).unwrap_or(came).min(came)
}

/// A FHIR dateTime as a moment: of what is less exact, the beginning, in universal time.
pub fn micros(text: &str) -> Option<i64> {
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(moment.as_microsecond());
    }
    let day = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => text.get(..10)?.to_owned(),
    };
    let day: jiff::civil::Date = day.parse().ok()?;
    Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

/// A message that names one patient twice, as the old and the new one, links nobody.
fn without_itself(value: &mut Value, key: &Key) {
    let own = key.to_string();
    let Some(links) = value.get_mut("link").and_then(Value::as_array_mut) else { return };
    links.retain(|it| text(it, &["other", "reference"]) != Some(&own));
    if links.is_empty()
        && let Some(members) = value.as_object_mut()
    {
        members.shift_remove("link");
        members.shift_remove("active");
    }
}

/// Which message said all of this, until another says some of it.
fn mark_stamp(resource: &mut Value, stamp: Stamp) {
    let tags = resource.pointer_mut("/meta/tag").and_then(Value::as_array_mut);
    let tag = tags.into_iter().flatten().find(|it| text(it, &["system"]) == Some(origin::SYSTEM));
    if let Some(tag) = tag {
        tag["version"] = stamp.written().into();
    }
}

fn checked(key: &Key, mut resource: Value) -> Result<Change, Vec<Issue>> {
    // Which element of which type: what stands there is told to nobody.
    let told = |issue: Issue| {
        let place = if issue.expression.is_empty() { key.kind.name() } else { &issue.expression };
        Issue::error(IssueCode::Invalid, place, issue.diagnostics.clone())
    };
    match &mut resource {
        Value::Object(members) => {
            members.insert("id".to_owned(), key.id.as_str().into());
            Draft::from_value(resource).check().map(Change::Put).map_err(|all| all.into_iter().map(told).collect())
        }
        _ => Err(vec![Issue::error(IssueCode::Structure, key.kind.name(), "a resource must be an object")]),
    }
}

/// From whom it came, when, and in what.
fn provenance(
    organisation: &Organisation,
    arrival: &Arrival<'_>,
    written: &[(Key, u64)],
    entity: Option<&Key>,
    now: i64,
) -> Option<(Key, Value)> {
    if written.is_empty() {
        return None;
    }
    let Origin { source, name, arrival: what, .. } = arrival.origin;
    let targets: Vec<Value> =
        written.iter().map(|(key, version)| json!({ "reference": format!("{key}/_history/{version}") })).collect();
    let address = what.as_ref().map_or_else(|| source.clone(), |it| format!("{source}#{it}"));
    let uri = |value: &str| json!({ "system": "urn:ietf:rfc:3986", "value": value });
    let mut what = json!({ "identifier": uri(&address), "display": name });
    if let Some(entity) = entity {
        what["reference"] = entity.to_string().into();
    }
    let author = json!({ "coding": [{ "code": "author", "display": "Author",
        "system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type" }] });
    let value = json!({
        "resourceType": "Provenance",
        "target": targets,
        "recorded": moment(now),
        "activity": { "text": arrival.action },
        "agent": [{ "type": author, "who": { "identifier": uri(source), "display": name } }],
        "entity": [{ "role": "source", "what": what }],
    });
    let id = Id::parse(&organisation.surroundings.new_id()).expect("our own ids are ids of FHIR");
    Some((Key::new(ResourceType::parse("Provenance").expect("a type of R4"), id), value))
}

#[cfg(test)]
mod tests;
