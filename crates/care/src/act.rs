//! The one way in which clinical work of people is written: an [`Act`] is what somebody does in one go (a set of
//! vital signs, a signed note, three orders), committed all or nothing with one Provenance that says who did it, when,
//! for which organisation and why (FHIR R4, 6.3; US Core Provenance).
//!
//! Resources pass the same checks as at the API, by the same [`Draft`] and the same rules of who may write. What is
//! written by an act is about its patient and nobody else. The same form sent twice is written once.

use crate::Organisation;
use crate::ask;
use crate::chart::Chart;
use crate::chart::element::text;
use bytes::Bytes;
use fhir::{Draft, Id, Issue, IssueCode, Key, ResourceType, Value};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{
    Action, Batch, Caller, Change, Expect, ItemChange, ItemExpect, MessageChange, Permit, Store, StoreError,
    StoreResult, Write,
};

/// What was written under the key of a form: `who/key`.
const SHELF: &str = "act";
/// How long a form that is sent again is known by its key.
const KNOWN: i64 = 2 * 86_400_000_000;

const PROFILE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-provenance";
const OPERATION: &str = "http://terminology.hl7.org/CodeSystem/v3-DataOperation";
const PARTICIPANT: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";

/// Who writes, for which organisation, at which moment.
#[derive(Clone, Copy)]
pub struct Pen<'a> {
    pub organisation: &'a Organisation,
    pub caller: &'a Caller,
    /// Practitioner, Patient or RelatedPerson of the session, where it is known.
    pub author: Option<&'a Key>,
    /// Microseconds since 1970.
    pub now: i64,
}

/// What somebody does in one go.
#[derive(Debug)]
pub struct Act {
    name: &'static str,
    patient: Id,
    once: Option<String>,
    entries: Vec<Entry>,
    about: Vec<Key>,
    /// What was written was taken from these versions.
    drawn: Vec<(Key, u64)>,
    reason: Option<String>,
    items: Vec<ItemChange>,
    messages: Vec<MessageChange>,
    signature: Option<Signature>,
}

/// What the writer's signature on an act means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// What it says is theirs.
    Author,
    /// They have seen it and stand by it.
    Reviewer,
}

impl Signature {
    /// ASTM E1762-95, the codes FHIR names for `Signature.type`.
    fn coding(self) -> Value {
        let (code, display) = match self {
            Signature::Author => ("1.2.840.10065.1.12.1.1", "Author's Signature"),
            Signature::Reviewer => ("1.2.840.10065.1.12.1.13", "Review Signature"),
        };
        json!({ "system": "urn:iso-astm:E1762-95:2013", "code": code, "display": display })
    }
}

#[derive(Debug)]
struct Entry {
    key: Key,
    /// The version that was on the screen; none for what is new.
    before: Option<u64>,
    resource: Value,
}

/// What an act wrote, in the order in which it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub keys: Vec<(Key, u64)>,
    /// It was written before, by the same form; nothing was written now.
    pub again: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error("{key} was changed by somebody else meanwhile")]
    Conflict { key: Key },
    #[error("it does not hold together: {}", told(.0))]
    Invalid(Vec<Issue>),
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for ActError {
    fn from(error: StoreError) -> ActError {
        match error {
            StoreError::Conflict { key, .. } => ActError::Conflict { key },
            other => ActError::Store(other),
        }
    }
}

fn told(issues: &[Issue]) -> String {
    issues.iter().map(|it| it.diagnostics.as_str()).collect::<Vec<_>>().join("; ")
}

/// As it is remembered for a form that is sent again.
#[derive(Serialize, Deserialize)]
struct Spent {
    keys: Vec<(String, u64)>,
}

impl Act {
    /// `name` is what the audit log and the Provenance call it: `vitals`, `order.sign`, `note.sign`.
    pub fn new(name: &'static str, patient: &Id) -> Act {
        Act {
            name,
            patient: patient.clone(),
            once: None,
            entries: Vec::new(),
            about: Vec::new(),
            drawn: Vec::new(),
            reason: None,
            items: Vec::new(),
            messages: Vec::new(),
            signature: None,
        }
    }

    /// The key of the form. The same key again answers what the first time wrote, and writes nothing.
    pub fn once(self, key: impl Into<String>) -> Act {
        Act { once: Some(key.into()).filter(|it| !it.is_empty()), ..self }
    }

    /// Why, in the words of who did it.
    pub fn reason(self, text: impl Into<String>) -> Act {
        let text = text.into().trim().to_owned();
        Act { reason: Some(text).filter(|it| !it.is_empty()), ..self }
    }

    /// A new resource; what else is in the act may refer to the key.
    pub fn create(&mut self, pen: &Pen<'_>, resource: Value) -> Key {
        let kind = text(&resource, &["resourceType"]).and_then(ResourceType::parse).expect("acts write types of R4");
        let id = Id::parse(&pen.organisation.surroundings.new_id()).expect("our own ids are ids of FHIR");
        let key = Key::new(kind, id);
        self.entries.push(Entry { key: key.clone(), before: None, resource });
        key
    }

    /// A new resource under a key that was made for it: a patient is registered in an act about themself.
    pub(crate) fn create_as(&mut self, key: Key, resource: Value) {
        self.entries.push(Entry { key, before: None, resource });
    }

    /// The next version of a resource of which `version` was on the screen.
    pub fn update(&mut self, key: Key, version: u64, resource: Value) {
        self.entries.push(Entry { key, before: Some(version), resource });
    }

    /// Something that the act is about without writing it: what was reviewed, what was signed off.
    pub fn about(&mut self, key: Key) {
        self.about.push(key);
    }

    /// What was written was taken from this version of something else (Provenance.entity, role `source`).
    pub fn drawn_from(&mut self, key: Key, version: u64) {
        self.drawn.push((key, version));
    }

    /// A record that is not FHIR, in the same transaction: a draft that is done with.
    pub fn keep(&mut self, change: ItemChange) {
        self.items.push(change);
    }

    /// A message to others, in the same transaction ([`crate::exchange::outbox::queued`]).
    pub fn send(&mut self, message: MessageChange) {
        self.messages.push(message);
    }

    /// The writer signs it: the Provenance bears who, when and as what (FHIR R4, 6.3 Provenance.signature).
    pub fn signed(&mut self, signature: Signature) {
        self.signature = Some(signature);
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.about.is_empty() && self.items.is_empty() && self.messages.is_empty()
    }

    /// What is about another patient must not be written with this one's name on the screen.
    fn strangers(&self) -> Vec<Issue> {
        let own = format!("Patient/{}", self.patient);
        let mut wrong = Vec::new();
        for Entry { key, resource, .. } in &self.entries {
            let elements = ["subject", "patient", "beneficiary", "for"].map(|it| text(resource, &[it, "reference"]));
            let of_patient = |it: &&str| it.starts_with("Patient/");
            let itself = key.kind.name() == "Patient" && key.id != self.patient;
            if itself || elements.into_iter().flatten().filter(of_patient).any(|it| it != own) {
                let says = "it is about another patient than the one in view";
                wrong.push(Issue::error(IssueCode::BusinessRule, key.kind.name(), says));
            }
        }
        wrong
    }
}

impl<'a> Pen<'a> {
    pub fn store(&self) -> &'a Store {
        &self.organisation.store
    }

    pub fn chart(&self, patient: &'a Id) -> Chart<'a> {
        Chart { store: self.store(), caller: self.caller, patient, now: self.now }
    }

    /// Whether the writer's rights permit something of the kind at all; what they do not, no page offers.
    pub fn may(&self, action: Action, kind: &str) -> bool {
        let kind = ResourceType::parse(kind).expect("a type of R4");
        self.caller.rights.permit(&self.store().registry(), kind, action) != Permit::Never
    }

    /// The writer, as a Reference: for `recorder`, `performer`, `author`.
    pub fn who(&self) -> Value {
        match self.author {
            Some(key) => json!({ "reference": key.to_string(), "display": &*self.caller.display }),
            None => json!({ "display": &*self.caller.display }),
        }
    }

    /// Now, as FHIR writes moments: `2026-06-15T12:00:00Z`.
    pub fn moment(&self) -> String {
        moment(self.now)
    }

    /// Today, as FHIR writes days.
    pub fn today(&self) -> String {
        self.moment()[..10].to_owned()
    }

    /// Writes an act: all of it with its Provenance, or nothing. When this returns, it is on disk.
    pub async fn commit(&self, act: Act) -> Result<Written, ActError> {
        let spent = act.once.as_ref().map(|key| format!("{}/{key}", self.caller.who));
        if let Some(before) = self.before(spent.as_deref()).await? {
            return Ok(before);
        }
        let mut wrong = act.strangers();
        let provenance = self.provenance(&act).await?;
        let Act { name, entries, mut items, messages, .. } = act;
        let mut keys = Vec::with_capacity(entries.len());
        let mut writes = Vec::with_capacity(entries.len() + 1);
        for Entry { key, before, resource } in entries.into_iter().chain(provenance) {
            keys.push((key.to_string(), before.map_or(1, |it| it + 1)));
            match checked(&key, resource) {
                Ok(change) => writes.push(Write { key, expect: before.map_or(Expect::New, Expect::Version), change }),
                Err(issues) => wrong.extend(issues),
            }
        }
        if !wrong.is_empty() {
            return Err(ActError::Invalid(wrong));
        }
        if let Some(name) = &spent {
            let body = serde_json::to_vec(&Spent { keys }).expect("names and numbers can be written");
            let change = ItemChange::put(SHELF, name, Bytes::from(body)).owned_by(&*self.caller.who);
            items.push(change.until(self.now + KNOWN).expecting(ItemExpect::Absent));
        }
        let batch = Batch { writes, items, messages, action: name, ..Batch::default() };
        match self.store().commit(self.caller, batch, self.now).await {
            Ok(outcomes) => {
                let keys = outcomes.into_iter().map(|it| (it.key, it.version));
                Ok(Written { keys: keys.filter(not_provenance).collect(), again: false })
            }
            // Two clicks at once: the slower one finds what the faster one wrote.
            Err(error @ (StoreError::Conflict { .. } | StoreError::ItemConflict { .. })) => {
                match self.before(spent.as_deref()).await? {
                    Some(before) => Ok(before),
                    None => Err(error.into()),
                }
            }
            Err(other) => Err(other.into()),
        }
    }

    /// What a form with this key wrote, if it was sent before.
    pub(crate) async fn written_before(&self, once: &str) -> StoreResult<Option<Written>> {
        self.before(Some(&format!("{}/{once}", self.caller.who))).await
    }

    /// What this form wrote when it was sent before.
    async fn before(&self, spent: Option<&str>) -> StoreResult<Option<Written>> {
        let Some(name) = spent else { return Ok(None) };
        let Some(item) = self.store().item(SHELF, name, self.now).await? else { return Ok(None) };
        let spent: Spent = serde_json::from_slice(&item.body)
            .map_err(|_| StoreError::Damaged(format!("an entry of {SHELF} cannot be read")))?;
        let key = |(key, version): (String, u64)| Some((Key::parse(&key)?, version));
        let keys = spent.keys.into_iter().filter_map(key).filter(not_provenance).collect();
        Ok(Some(Written { keys, again: true }))
    }

    /// Who did it, when, for whom and why; none for an act that touches no resource.
    async fn provenance(&self, act: &Act) -> StoreResult<Option<Entry>> {
        let version = |key: &Key, version: u64| json!({ "reference": format!("{key}/_history/{version}") });
        let written = act.entries.iter().map(|it| version(&it.key, it.before.map_or(1, |it| it + 1)));
        let about = act.about.iter().map(|key| json!({ "reference": key.to_string() }));
        let targets: Vec<Value> = written.chain(about).collect();
        // Those who write provenance of their own have said it.
        if targets.is_empty() || act.entries.iter().any(|it| it.key.kind.name() == "Provenance") {
            return Ok(None);
        }
        let mut agent = json!({
            "type": { "coding": [{ "system": PARTICIPANT, "code": "author", "display": "Author" }] },
            "who": self.agent(),
        });
        if self.author.is_none_or(|it| !matches!(it.kind.name(), "Patient" | "RelatedPerson")) {
            agent["onBehalfOf"] = self.employer().await?;
        }
        let mut it = json!({
            "resourceType": "Provenance",
            "meta": { "profile": [PROFILE] },
            "target": targets,
            "recorded": self.moment(),
            "activity": { "text": act.name },
            "agent": [agent],
        });
        let new = act.entries.iter().filter(|it| it.before.is_none()).count();
        let operation = match (new, act.entries.len() - new) {
            (_, 0) if new > 0 => Some(("CREATE", "create")),
            (0, 1..) => Some(("UPDATE", "revise")),
            _ => None,
        };
        if let Some((code, display)) = operation {
            it["activity"]["coding"] = json!([{ "system": OPERATION, "code": code, "display": display }]);
        }
        if let Some(signature) = act.signature {
            it["signature"] = json!([{ "type": [signature.coding()], "when": self.moment(), "who": self.agent() }]);
        }
        if let Some(reason) = &act.reason {
            it["reason"] = json!([{ "text": reason }]);
        }
        let revised = act
            .entries
            .iter()
            .filter_map(|it| Some(json!({ "role": "revision", "what": version(&it.key, it.before?) })));
        let drawn = act.drawn.iter().map(|(key, at)| json!({ "role": "source", "what": version(key, *at) }));
        let entities: Vec<Value> = revised.chain(drawn).collect();
        if !entities.is_empty() {
            it["entity"] = Value::Array(entities);
        }
        let id = Id::parse(&self.organisation.surroundings.new_id()).expect("our own ids are ids of FHIR");
        let kind = ResourceType::parse("Provenance").expect("a type of R4");
        Ok(Some(Entry { key: Key::new(kind, id), before: None, resource: it }))
    }

    /// A user without a record of their own is told by the name of the account.
    fn agent(&self) -> Value {
        let mut who = self.who();
        if self.author.is_none() {
            let system = format!("{}/users", self.organisation.base);
            who["identifier"] = json!({ "system": system, "value": &*self.caller.who });
        }
        who
    }

    /// For whom a practitioner works here, by their role; else the organisation by its name.
    pub(crate) async fn employer(&self) -> StoreResult<Value> {
        let by_name = || json!({ "display": self.organisation.name });
        let Some(author) = self.author.filter(|it| it.kind.name() == "Practitioner") else { return Ok(by_name()) };
        if !self.may(Action::Search, "PractitionerRole") {
            return Ok(by_name());
        }
        let asked = [("practitioner", author.to_string()), ("active", "true".to_owned())];
        let roles =
            ask::Rows::or_refused(ask::matches(self.store(), self.caller, "PractitionerRole", &asked, 10).await)?;
        let organisation = roles.rows.iter().find_map(|it| it.value.get("organization").cloned());
        Ok(organisation.filter(|it| it.get("reference").is_some()).unwrap_or_else(by_name))
    }
}

/// A moment as FHIR writes it, to the millisecond: `2026-06-15T12:00:00Z`.
pub(crate) fn moment(micros: i64) -> String {
    jiff::Timestamp::from_millisecond(micros.div_euclid(1000)).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

fn not_provenance((key, _): &(Key, u64)) -> bool {
    key.kind.name() != "Provenance"
}

/// The same checks as at the API, on the resource with its id in place.
fn checked(key: &Key, mut resource: Value) -> Result<Change, Vec<Issue>> {
    match text(&resource, &["resourceType"]) {
        Some(name) if name == key.kind.name() => {}
        _ => return Err(vec![Issue::error(IssueCode::Structure, "Resource.resourceType", "it is of another type")]),
    }
    if let Value::Object(members) = &mut resource {
        members.insert("id".to_owned(), Value::String(key.id.as_str().to_owned()));
    }
    Draft::from_value(resource).check().map(Change::Put)
}

#[cfg(test)]
mod tests;
