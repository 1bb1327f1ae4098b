//! What arrives becomes work: results, messages of patients, documents. The change log is followed from where it was left;
//! for each arrival a Task is written whose id follows from what arrived, so that two that follow at once, or one that
//! begins again, write it once.
//!
//! Results older than a month are history (an import, a transfer), not news. What our own staff wrote is no arrival.

use super::route::{Place, Router};
use super::settings::PRACTICE;
use super::{Folder, Priority, SYSTEM, is_open, titled};
use crate::Organisation;
use crate::act::moment;
use crate::ask;
use crate::chart::element::{Names, has_code, list, owned, text};
use crate::chart::{Flag, Reading, When};
use crate::devices::limits::{self, Limits};
use crate::exchange::origin::{self, Way};
use crate::messages::is_of_patient;
use bytes::Bytes;
use fhir::{Checked, Draft, Id, Key, Value};
use serde_json::json;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;
use store::{Batch, Caller, Change, Changed, Expect, ItemChange, StoreError, StoreResult, Write};

static READER: LazyLock<Caller> = LazyLock::new(|| Caller::system("inbox"));

const SHELF: &str = "inbox";
const SEEN: &str = "seen";
/// Lines of the change log read at once, and how often in one go; the rest waits for the next time.
const AT_ONCE: usize = 500;
const ROUNDS: usize = 20;
/// Ids asked for in one question.
const ASKED: usize = 100;
const DAY: i64 = 86_400_000_000;
/// Who may be the requester of a Task.
const REQUESTERS: [&str; 6] =
    ["Device", "Organization", "Patient", "Practitioner", "PractitionerRole", "RelatedPerson"];
/// Results that are older are history.
const NEWS: i64 = 31 * DAY;
/// Readings from home that are older raise no alarm.
const LATELY: i64 = 8 * DAY;
/// How far back an organisation that opens its first inbox looks.
const FIRST: i64 = 14 * DAY;

/// Looks what arrived since the last time and writes Tasks for it. Quick when nothing did.
pub async fn catch_up(organisation: &Organisation, now: i64) -> StoreResult<()> {
    let store = &organisation.store;
    let newest = store.last_change(&READER).await?;
    let seen =
        store.item(SHELF, SEEN, now).await?.and_then(|it| String::from_utf8(it.body.to_vec()).ok()?.parse().ok());
    if seen == Some(newest) {
        return Ok(());
    }
    let mut arrivals = Arrivals { organisation, router: Router::new(organisation, &READER, now).await?, now };
    arrivals.practice_pool().await?;
    let mut at: u64 = match seen {
        // A store that was set back begins anew.
        Some(seen) if seen <= newest => seen,
        _ => {
            arrivals.first().await?;
            newest
        }
    };
    for _ in 0..ROUNDS {
        if at >= newest {
            break;
        }
        let changes = store.changes(&READER, at, AT_ONCE).await?;
        let Some(last) = changes.last() else { break };
        at = last.sequence;
        arrivals.take(&changes).await?;
    }
    // What this wrote itself is behind `newest` too and is looked at next time: Tasks are no arrivals.
    let kept = ItemChange::put(SHELF, SEEN, Bytes::from(at.to_string()));
    let event = store::audit::Event::of("inbox").detail(format!("followed the log to {at}"));
    store.keep(&READER, event, vec![kept], now).await
}

/// Says that something needs to be looked at: a reading beyond what is safe. Said once of each.
pub(crate) async fn alert(
    organisation: &Organisation,
    about: &Key,
    priority: Priority,
    flag: Option<Flag>,
    title: &str,
    now: i64,
) -> StoreResult<()> {
    let mut arrivals = Arrivals { organisation, router: Router::new(organisation, &READER, now).await?, now };
    let value = ask::read(&organisation.store, &READER, about.kind.name(), &about.id).await?.value;
    let Some(it) = arrived(value) else { return Ok(()) };
    arrivals.practice_pool().await?;
    let place = arrivals.router.place(&it.value).await?;
    arrivals.write(&it, Task { folder: Folder::Alerts, priority, place, flag, title: title.to_owned() }).await
}

struct Arrivals<'a> {
    organisation: &'a Organisation,
    router: Router<'a>,
    now: i64,
}

/// A resource and what of it matters here.
struct Arrived {
    key: Key,
    value: Value,
    version: u64,
}

impl Arrivals<'_> {
    async fn matching(&self, kind: &'static str, asked: &[(&'static str, String)]) -> StoreResult<Vec<Arrived>> {
        let rows = ask::every(&self.organisation.store, &READER, kind, asked, 200).await?;
        Ok(rows.into_iter().filter_map(arrived).collect())
    }

    /// Those of these ids that match.
    async fn these(
        &self,
        kind: &'static str,
        ids: &[&Id],
        more: &[(&'static str, String)],
    ) -> StoreResult<Vec<Arrived>> {
        let mut found = Vec::new();
        for some in ids.chunks(ASKED) {
            let ids = some.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(",");
            let asked: Vec<_> = std::iter::once(("_id", ids)).chain(more.iter().cloned()).collect();
            found.extend(self.matching(kind, &asked).await?);
        }
        Ok(found)
    }

    /// What came in the last days before there was an inbox.
    async fn first(&mut self) -> StoreResult<()> {
        let since = format!("ge{}", When::of_micros(self.now - FIRST).machine());
        let reports = self.matching("DiagnosticReport", &[("issued", since.clone())]).await?;
        self.results(reports).await?;
        let lab = [("category", "laboratory".to_owned()), ("date", since.clone())];
        let single = self.matching("Observation", &lab).await?;
        let single = self.outside_reports(single).await?;
        self.results(single).await?;
        for it in self.matching("Communication", &[("sent", since.clone())]).await? {
            self.message(it).await?;
        }
        for it in self.matching("DocumentReference", &[("date", since)]).await? {
            self.document(it).await?;
        }
        Ok(())
    }

    async fn take(&mut self, changes: &[Changed]) -> StoreResult<()> {
        let ids = |kind: &str| -> Vec<&Id> {
            let all: BTreeSet<&Key> =
                changes.iter().filter(|it| !it.deleted && it.key.kind.name() == kind).map(|it| &it.key).collect();
            all.into_iter().map(|it| &it.id).collect()
        };
        let since = format!("ge{}", When::of_micros(self.now - NEWS).machine());
        // A report in a message need not say when it was issued (OBR-22 is optional); then it is as new as its arrival.
        let reports = self.these("DiagnosticReport", &ids("DiagnosticReport"), &[]).await?;
        let (undated, dated): (Vec<_>, Vec<_>) = reports.into_iter().partition(|it| {
            it.value.get("issued").is_none() && origin::of(&it.value).is_some_and(|it| it.way == Way::Message)
        });
        let dated: Vec<Id> = dated.into_iter().map(|it| it.key.id).collect();
        let mut reports =
            self.these("DiagnosticReport", &dated.iter().collect::<Vec<_>>(), &[("issued", since.clone())]).await?;
        reports.extend(undated);
        self.results(reports).await?;
        let lab = [("category", "laboratory".to_owned()), ("date", since.clone())];
        let single = self.these("Observation", &ids("Observation"), &lab).await?;
        let single = self.outside_reports(single).await?;
        self.results(single).await?;
        let lately = format!("ge{}", When::of_micros(self.now - LATELY).machine());
        let told = self.these("Observation", &ids("Observation"), &[("date", lately)]).await?;
        self.readings(told).await?;
        let messages = self.these("Communication", &ids("Communication"), &[("sent", since.clone())]).await?;
        for it in messages {
            self.message(it).await?;
        }
        let documents = self.these("DocumentReference", &ids("DocumentReference"), &[("date", since)]).await?;
        for it in documents {
            self.document(it).await?;
        }
        Ok(())
    }

    /// Readings from home that are beyond the limits of the patient.
    async fn readings(&mut self, told: Vec<Arrived>) -> StoreResult<()> {
        let mut limits: HashMap<Id, Limits> = HashMap::new();
        for it in told.into_iter().filter(|it| limits::is_from_home(&it.value)) {
            let whose = text(&it.value, &["subject", "reference"]).and_then(Key::parse);
            let Some(patient) = whose.filter(|it| it.kind.name() == "Patient") else { continue };
            if !limits.contains_key(&patient.id) {
                let of = Limits::of(&self.organisation.store, &READER, &patient.id).await?;
                limits.insert(patient.id.clone(), of);
            }
            if let Some(title) = limits[&patient.id].beyond(&it.value, self.now) {
                let place = self.router.place(&it.value).await?;
                let task = Task { folder: Folder::Alerts, priority: Priority::Urgent, place, flag: None, title };
                self.write(&it, task).await?;
            }
        }
        Ok(())
    }

    /// Laboratory results that no report holds.
    async fn outside_reports(&self, results: Vec<Arrived>) -> StoreResult<Vec<Arrived>> {
        let mut held: HashSet<String> = HashSet::new();
        for some in results.chunks(ASKED) {
            let all = some.iter().map(|it| it.key.to_string()).collect::<Vec<_>>().join(",");
            let reports = self.matching("DiagnosticReport", &[("result", all)]).await?;
            for report in &reports {
                held.extend(list(&report.value, "result").iter().filter_map(|it| owned(it, &["reference"])));
            }
        }
        Ok(results.into_iter().filter(|it| !held.contains(&it.key.to_string())).collect())
    }

    async fn results(&mut self, results: Vec<Arrived>) -> StoreResult<()> {
        for it in results {
            let status = text(&it.value, &["status"]).unwrap_or_default();
            // A laboratory that does not say how far it is (OBR-25 is conditional) has sent something all the same.
            let arrived = ["preliminary", "final", "amended", "corrected", "appended", "partial", "unknown"];
            if !arrived.contains(&status) {
                continue;
            }
            let flag = self.worst_of(&it.value).await?;
            let priority = match flag {
                Some(it) if it.is_critical() => Priority::Stat,
                Some(it) if it.is_abnormal() => Priority::Urgent,
                _ => Priority::Routine,
            };
            let whose = text(&it.value, &["subject", "reference"]).and_then(Key::parse);
            let (folder, place) = match whose {
                None => (Folder::Unmatched, self.router.practice()),
                Some(_) => (Folder::Results, self.router.place(&it.value).await?),
            };
            let task = Task { folder, priority, place, flag, title: titled(&it.value) };
            self.write(&it, task).await?;
        }
        Ok(())
    }

    /// The worst flag of a result, or of all results of a report.
    async fn worst_of(&mut self, value: &Value) -> StoreResult<Option<Flag>> {
        let mut readings = Vec::new();
        if value.get("resourceType").and_then(Value::as_str) == Some("Observation") {
            readings.push(Reading::of(value, &Names::default()));
        }
        let ids: Vec<Id> = list(value, "result")
            .iter()
            .filter_map(|it| Key::parse(text(it, &["reference"])?))
            .filter(|it| it.kind.name() == "Observation")
            .map(|it| it.id)
            .collect();
        for found in self.these("Observation", &ids.iter().collect::<Vec<_>>(), &[]).await? {
            readings.push(Reading::of(&found.value, &Names::default()));
        }
        // One that nobody flagged may be anything: then the whole is not said to be normal.
        let unflagged = readings.is_empty() || readings.iter().any(|it| it.counts() && it.flag.is_none());
        let worst = readings.iter().filter(|it| it.counts()).filter_map(|it| it.flag).min();
        Ok(worst.filter(|it| it.is_abnormal() || !unflagged))
    }

    /// A message of a patient, or of someone who writes for one, to whom it is addressed or to who sees to the patient.
    async fn message(&mut self, it: Arrived) -> StoreResult<()> {
        // Messages of the staff bring their Tasks along.
        if !is_of_patient(&it.value) || text(&it.value, &["status"]) != Some("completed") {
            return Ok(());
        }
        let place = match self.router.recipient(&it.value).await? {
            Some(place) => place,
            None => self.router.place(&it.value).await?,
        };
        let topic = it.value.get("topic").and_then(crate::chart::element::first_code).unwrap_or_default();
        let folder = if topic == "refill" { Folder::Refills } else { Folder::PatientMessages };
        let priority = Priority::parse(text(&it.value, &["priority"]));
        let title = it.value.get("topic").and_then(crate::chart::element::concept).unwrap_or_default();
        self.write(&it, Task { folder, priority, place, flag: None, title }).await
    }

    /// A document from elsewhere, or one that nobody has sorted yet.
    async fn document(&mut self, it: Arrived) -> StoreResult<()> {
        if text(&it.value, &["status"]) != Some("current") {
            return Ok(());
        }
        // What somebody of our own record wrote has not arrived, it was made here; what came from elsewhere names people
        // whom this record has come to know by it.
        let outside = origin::of(&it.value).is_some();
        for author in list(&it.value, "author").iter().filter(|_| !outside) {
            let Some(key) = text(author, &["reference"]).and_then(Key::parse) else { continue };
            let person = matches!(key.kind.name(), "Practitioner" | "PractitionerRole" | "Patient" | "RelatedPerson");
            if person && self.router.get(&key).await?.is_some() {
                return Ok(());
            }
        }
        let mut reply = false;
        for related in list(it.value.get("context").unwrap_or(&Value::Null), "related") {
            let Some(key) = text(related, &["reference"]).and_then(Key::parse) else { continue };
            if key.kind.name() != "ServiceRequest" {
                continue;
            }
            let order = self.router.get(&key).await?;
            reply |= order.is_some_and(|it| {
                list(&it, "category").iter().any(|it| has_code(it, "3457005") || has_code(it, "referral"))
            });
        }
        let folder = match () {
            () if reply => Folder::Referrals,
            () if it.value.get("custodian").is_some() || !list(&it.value, "author").is_empty() => Folder::Outside,
            () => Folder::Documents,
        };
        let place = self.router.place(&it.value).await?;
        let task = Task { folder, priority: Priority::Routine, place, flag: None, title: titled(&it.value) };
        self.write(&it, task).await
    }

    /// Writes the Task of an arrival, unless there is one that still waits or that has seen this version.
    async fn write(&mut self, it: &Arrived, task: Task) -> StoreResult<()> {
        let first = id_of(&it.key, task.folder, None);
        let before = self.router.get(&Key::new(kind(), first.clone())).await?;
        let id = match &before {
            None => first,
            Some(value) if is_open(value) || seen_version(value) >= it.version => return Ok(()),
            Some(_) => id_of(&it.key, task.folder, Some(it.version)),
        };
        let folder = task.folder;
        let Task { priority, place, flag, title, .. } = task;
        let came = moment(self.now);
        let mut value = json!({
            "resourceType": "Task",
            "id": id.as_str(),
            "status": "requested",
            "intent": "order",
            "priority": priority.code(),
            "code": { "coding": [{ "system": SYSTEM, "code": folder.code() }], "text": folder.code() },
            "description": if title.is_empty() { folder.code() } else { title.as_str() },
            "focus": { "reference": it.key.to_string() },
            "authoredOn": came,
            "lastModified": came,
            "owner": { "reference": place.key.to_string(), "display": place.name },
            "restriction": { "period": { "end": moment(folder.due(priority, self.now)) } },
        });
        let whose = ["subject", "for"].iter().find_map(|element| text(&it.value, &[element, "reference"]));
        let whose = whose.and_then(Key::parse);
        if let Some(patient) = whose.filter(|it| it.kind.name() == "Patient") {
            value["for"] = json!({ "reference": patient.to_string() });
        }
        if let Some(from) = list(&it.value, "performer")
            .first()
            .or_else(|| list(&it.value, "author").first())
            .or(it.value.get("sender"))
            && text(from, &["reference"]).and_then(Key::parse).is_some_and(|it| REQUESTERS.contains(&it.kind.name()))
        {
            value["requester"] = self.named(from).await?;
        }
        let mut input = vec![
            json!({ "type": { "coding": [{ "system": SYSTEM, "code": "version" }] }, "valueString": it.version.to_string() }),
        ];
        if let Some(flag) = flag {
            input.push(json!({ "type": { "coding": [{ "system": SYSTEM, "code": "worst-flag" }] }, "valueString": flag.letters() }));
        }
        value["input"] = input.into();
        let checked = checked(value)?;
        let key = Key::new(kind(), id);
        let write = Write { key: key.clone(), expect: Expect::Absent, change: Change::Put(checked) };
        match self.organisation.store.commit(&READER, Batch::of("inbox.arrive", write), self.now).await {
            // Somebody else followed the log at the same time.
            Ok(_) | Err(StoreError::Conflict { .. }) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// A reference with a name to it; the requester of a Task is never a Location.
    async fn named(&mut self, reference: &Value) -> StoreResult<Value> {
        let mut named = reference.clone();
        if text(reference, &["display"]).is_none()
            && let Some(key) = text(reference, &["reference"]).and_then(Key::parse)
            && let Some(value) = self.router.get(&key).await?
            && let Some(name) = crate::chart::element::display_name(&value)
        {
            named["display"] = name.into();
        }
        Ok(named)
    }

    /// The pool of the practice, once.
    async fn practice_pool(&mut self) -> StoreResult<()> {
        let key = self.router.practice().key;
        if self.router.get(&key).await?.is_some() {
            return Ok(());
        }
        let value = json!({
            "resourceType": "CareTeam",
            "id": PRACTICE,
            "identifier": [{ "system": SYSTEM, "value": PRACTICE }],
            "status": "active",
            "name": self.organisation.name,
        });
        let checked = checked(value)?;
        let write = Write { key, expect: Expect::Absent, change: Change::Put(checked) };
        match self.organisation.store.commit(&READER, Batch::of("inbox.pool", write), self.now).await {
            Ok(_) | Err(StoreError::Conflict { .. }) => Ok(()),
            Err(other) => Err(other),
        }
    }
}

struct Task {
    folder: Folder,
    priority: Priority,
    place: Place,
    flag: Option<Flag>,
    title: String,
}

fn checked(value: Value) -> StoreResult<Checked> {
    Draft::from_value(value).check().map_err(|_| StoreError::Damaged("something the inbox makes".into()))
}

fn kind() -> fhir::ResourceType {
    fhir::ResourceType::parse("Task").expect("a type of R4")
}

fn arrived(value: Value) -> Option<Arrived> {
    let kind = text(&value, &["resourceType"])?;
    let key = Key::parse(&format!("{kind}/{}", text(&value, &["id"])?))?;
    let version = text(&value, &["meta", "versionId"])?.parse().ok()?;
    Some(Arrived { key, value, version })
}

/// Which version of what arrived a Task was about.
fn seen_version(task: &Value) -> u64 {
    let about = list(task, "output").iter().chain(list(task, "input"));
    let versions = about.filter(|it| it.get("type").is_some_and(|it| has_code(it, "version")));
    versions.filter_map(|it| text(it, &["valueString"])?.parse().ok()).max().unwrap_or_default()
}

/// `result-<id of what arrived>`, with the version when an earlier one was dealt with. Ids have at most 64 letters.
fn id_of(key: &Key, folder: Folder, version: Option<u64>) -> Id {
    let tail = version.map_or(String::new(), |it| format!("-v{it}"));
    let mut name = key.id.to_string();
    if name.len() > 36 {
        let digest = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        name = format!("{}-{digest:016x}", &name[..18]);
    }
    Id::parse(&format!("{}-{name}{tail}", folder.code())).expect("letters, digits and hyphens, not too many")
}
