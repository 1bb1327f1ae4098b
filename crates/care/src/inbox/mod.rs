//! What requires action (screen C-13): results, messages, documents and requests that somebody of the staff must look at
//! and dispose of. Each is a FHIR Task (R4, 12.2) that anyone with rights can read: `focus` is what arrived, `for` the
//! patient, `owner` the practitioner or the pool (a CareTeam) whose inbox it lies in, `restriction.period.end` when it is
//! due. It is done when the Task is completed, by an act that leaves a Provenance; nothing leaves in another way.
//!
//! What arrives over FHIR becomes a Task when somebody opens an inbox (`arrive`); notes not signed and orders about to
//! expire are not Tasks but worked out from what is there.

mod arrive;
mod detail;
mod dispose;
mod matching;
mod route;
mod settings;

pub(crate) use arrive::alert;
pub use arrive::catch_up;
pub use detail::{Detail, Laboratory, Report, report_of};
pub use dispose::{Batched, Disposed, acknowledge, acknowledge_normal, file, forward, message, order_of};
pub use matching::{Candidates, candidates, match_to};
pub use settings::{Cover, Pool, Settings, cover, delegate, join, new_pool};

use crate::access::MINUTE;
use crate::act::Pen;
use crate::ask::{self, Rows};
use crate::chart::When;
use crate::chart::element::{at, first_code, list, owned, text};
use crate::draft::Drafts;
use crate::people::{self, Hit};
use fhir::{Id, Key, Value};
use std::collections::HashMap;
use store::StoreResult;

/// The codes of our Tasks, and of what stands in them.
pub const SYSTEM: &str = "urn:continuo:task";
const HOUR: i64 = 60 * MINUTE;
/// Entries fetched at once.
const MOST: u32 = 500;
/// Statuses of a Task that still waits.
const OPEN: &str = "requested,received,accepted,ready,in-progress,on-hold";
/// Orders that end within this many days are shown.
const EXPIRING: i64 = 14;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Folder {
    Results,
    Refills,
    PatientMessages,
    StaffMessages,
    Documents,
    Outside,
    Referrals,
    CoSigns,
    Unsigned,
    Expiring,
    Alerts,
    Unmatched,
}

/// Folder → its name in addresses, the code of its Tasks, hours until an entry of routine, urgent and stat priority is due.
const FOLDERS: [(Folder, &str, &str, [i64; 3]); 12] = [
    (Folder::Results, "results", "result", [72, 24, 4]),
    (Folder::Refills, "refills", "refill", [48, 24, 4]),
    (Folder::PatientMessages, "messages", "patient-message", [48, 24, 4]),
    (Folder::StaffMessages, "staff", "staff-message", [24, 8, 2]),
    (Folder::Documents, "documents", "document", [120, 24, 8]),
    (Folder::Outside, "outside", "outside-record", [120, 24, 8]),
    (Folder::Referrals, "referrals", "referral-reply", [120, 24, 8]),
    (Folder::CoSigns, "co-signs", "co-sign", [72, 24, 8]),
    (Folder::Unsigned, "unsigned", "unsigned", [24, 24, 24]),
    (Folder::Expiring, "expiring", "expiring", [24, 24, 24]),
    (Folder::Alerts, "alerts", "alert", [24, 8, 2]),
    (Folder::Unmatched, "unmatched", "unmatched", [24, 8, 4]),
];

impl Folder {
    pub fn all() -> impl Iterator<Item = Folder> {
        FOLDERS.iter().map(|it| it.0)
    }

    fn row(self) -> &'static (Folder, &'static str, &'static str, [i64; 3]) {
        FOLDERS.iter().find(|it| it.0 == self).expect("the table has every folder")
    }

    pub fn slug(self) -> &'static str {
        self.row().1
    }

    /// The code of Tasks that lie here.
    pub fn code(self) -> &'static str {
        self.row().2
    }

    pub fn parse(slug: &str) -> Option<Folder> {
        FOLDERS.iter().find(|it| it.1 == slug).map(|it| it.0)
    }

    /// A Task that none of ours made is shown too: whoever gave it to somebody here wants it done.
    fn of_code(code: &str) -> Folder {
        FOLDERS.iter().find(|it| it.2 == code).map_or(Folder::Alerts, |it| it.0)
    }

    /// When something that came at a moment is due.
    pub fn due(self, priority: Priority, at: i64) -> i64 {
        let [routine, urgent, stat] = self.row().3;
        let hours = match priority {
            Priority::Routine => routine,
            Priority::Urgent => urgent,
            Priority::Stat => stat,
        };
        at + hours * HOUR
    }
}

/// FHIR RequestPriority; `asap` counts as urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    Routine,
    Urgent,
    Stat,
}

impl Priority {
    pub fn code(self) -> &'static str {
        match self {
            Priority::Routine => "routine",
            Priority::Urgent => "urgent",
            Priority::Stat => "stat",
        }
    }

    fn parse(code: Option<&str>) -> Priority {
        match code {
            Some("stat") => Priority::Stat,
            Some("urgent" | "asap") => Priority::Urgent,
            _ => Priority::Routine,
        }
    }
}

/// One line of a folder.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The Task; what is worked out has none.
    pub task: Option<(Id, u64)>,
    pub folder: Folder,
    pub title: String,
    pub priority: Priority,
    pub came: Option<When>,
    pub due: Option<When>,
    pub overdue: bool,
    pub patient: Option<Id>,
    /// The patient as far as the reader may see them.
    pub person: Option<Box<Hit>>,
    /// Who sent it.
    pub from: Option<String>,
    /// In whose inbox it lies, when that is not the reader's own.
    pub place: Option<String>,
    pub focus: Option<Key>,
    /// Nothing in it was flagged as out of range when it came.
    pub normal: bool,
    /// What lies unsigned: the form of the draft.
    pub form: Option<String>,
}

impl Entry {
    fn of(task: &Value, now: i64) -> Option<Entry> {
        let moment = |path: &[&str]| text(task, path).and_then(When::parse);
        let due = moment(&["restriction", "period", "end"]);
        let key = |path: &[&str]| text(task, path).and_then(Key::parse);
        let version = text(task, &["meta", "versionId"])?.parse().ok()?;
        let code = task.get("code").and_then(first_code).unwrap_or_default();
        Some(Entry {
            task: Some((Id::parse(text(task, &["id"])?)?, version)),
            folder: Folder::of_code(code),
            title: owned(task, &["description"]).or_else(|| owned(task, &["code", "text"])).unwrap_or_default(),
            priority: Priority::parse(text(task, &["priority"])),
            came: moment(&["authoredOn"]),
            due,
            overdue: due.is_some_and(|it| it.at() < now / 1000),
            patient: key(&["for", "reference"]).filter(|it| it.kind.name() == "Patient").map(|it| it.id),
            person: None,
            from: owned(task, &["requester", "display"]),
            place: None,
            focus: key(&["focus", "reference"]),
            normal: worst(task).is_some_and(|it| it == "N"),
            form: None,
        })
    }
}

/// The worst flag among the results of a Task when it came, as the laboratory writes it.
fn worst(task: &Value) -> Option<&str> {
    let of_flag = |it: &&Value| it.get("type").and_then(first_code) == Some("worst-flag");
    list(task, "input").iter().find(of_flag).and_then(|it| text(it, &["valueString"]))
}

/// How many wait in a folder.
#[derive(Clone, Copy, Debug)]
pub struct Count {
    pub folder: Folder,
    pub all: usize,
    pub urgent: usize,
    pub overdue: usize,
}

/// Everything that waits for one person.
#[derive(Clone, Debug, Default)]
pub struct Inbox {
    /// What is urgent first, then what is due first.
    pub entries: Vec<Entry>,
    /// There are more than were fetched.
    pub more: bool,
    /// The reader's role has no inbox.
    pub refused: bool,
    /// For whom the reader stands in at the moment.
    pub covering: Vec<String>,
}

impl Inbox {
    pub fn of(&self, folder: Folder) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |it| it.folder == folder)
    }

    pub fn counts(&self) -> Vec<Count> {
        let count = |folder: Folder| Count {
            folder,
            all: self.of(folder).count(),
            urgent: self.of(folder).filter(|it| it.priority > Priority::Routine).count(),
            overdue: self.of(folder).filter(|it| it.overdue).count(),
        };
        Folder::all().map(count).collect()
    }
}

/// Opens the inbox of whoever holds the pen: their own, their pools', and those they stand in for.
pub async fn open(pen: &Pen<'_>) -> StoreResult<Inbox> {
    // Not asking for what is closed keeps the log free of refusals that nobody meant.
    if !pen.may(store::Action::Search, "Task") {
        return Ok(Inbox { refused: true, ..Inbox::default() });
    }
    let settings = settings::read(pen).await?;
    let mine = settings.owners(pen.author, pen.now);
    let owners = mine.iter().map(|it| it.0.to_string()).collect::<Vec<_>>().join(",");
    let asked = [("owner", owners), ("status", OPEN.to_owned()), ("_sort", "authored-on".to_owned())];
    let tasks = Rows::or_refused(ask::matches(pen.store(), pen.caller, "Task", &asked, MOST).await)?;
    let mut inbox =
        Inbox { more: tasks.more, refused: tasks.refused, covering: settings.covering(pen), ..Inbox::default() };
    for row in &tasks.rows {
        let Some(mut entry) = Entry::of(&row.value, pen.now) else { continue };
        let owner = text(&row.value, &["owner", "reference"]).and_then(Key::parse);
        if owner.as_ref() != pen.author {
            entry.place = mine.iter().find(|it| Some(&it.0) == owner.as_ref()).map(|it| it.1.clone());
        }
        inbox.entries.push(entry);
    }
    if !inbox.refused {
        inbox.entries.extend(unsigned(pen).await?);
        inbox.entries.extend(expiring(pen).await?);
    }
    name(pen, &mut inbox.entries).await?;
    inbox.entries.sort_by_key(|it| {
        (std::cmp::Reverse(it.priority), it.due.map_or(i64::MAX, |due| due.at()), it.came.map_or(0, |came| came.at()))
    });
    Ok(inbox)
}

/// One entry, as it is now; also one that is done.
pub async fn entry(pen: &Pen<'_>, task: &Id) -> StoreResult<Option<Entry>> {
    let row = ask::read(pen.store(), pen.caller, "Task", task).await?;
    let Some(entry) = Entry::of(&row.value, pen.now) else { return Ok(None) };
    let mut entries = vec![entry];
    name(pen, &mut entries).await?;
    Ok(entries.pop())
}

/// Whether a Task still waits.
fn is_open(task: &Value) -> bool {
    text(task, &["status"]).is_some_and(|it| OPEN.split(',').any(|open| open == it))
}

/// Puts the patients to the entries.
async fn name(pen: &Pen<'_>, entries: &mut [Entry]) -> StoreResult<()> {
    let mut ids: Vec<Id> = entries.iter().filter_map(|it| it.patient.clone()).collect();
    ids.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    ids.dedup();
    let mut known: HashMap<String, Hit> = HashMap::new();
    for some in ids.chunks(100) {
        let hits = people::these(pen.store(), pen.caller, some).await?;
        known.extend(hits.into_iter().map(|hit| (hit.person.id.clone(), hit)));
    }
    for entry in entries {
        let hit = entry.patient.as_ref().and_then(|it| known.get(it.as_str()));
        entry.person = hit.cloned().map(Box::new);
    }
    Ok(())
}

/// Notes that the holder of the pen has begun and not signed.
async fn unsigned(pen: &Pen<'_>) -> StoreResult<Vec<Entry>> {
    let drafts = Drafts::of(pen).mine().await?;
    let notes = drafts.into_iter().filter(|it| it.form.starts_with("note"));
    Ok(notes
        .map(|it| {
            let due = Folder::Unsigned.due(Priority::Routine, it.at);
            Entry {
                title: owned(&it.body, &["title"]).or_else(|| owned(&it.body, &["kind"])).unwrap_or_default(),
                patient: Some(it.patient),
                form: Some(it.form),
                ..worked_out(Folder::Unsigned, When::of_micros(it.at), When::of_micros(due), pen.now)
            }
        })
        .collect())
}

/// Prescriptions and orders of the holder of the pen that end soon, or ended in the last two weeks.
async fn expiring(pen: &Pen<'_>) -> StoreResult<Vec<Entry>> {
    let Some(author) = pen.author.filter(|it| it.kind.name() == "Practitioner") else { return Ok(Vec::new()) };
    const DAY: i64 = 86_400_000;
    let since = When::of_micros(pen.now - 400 * DAY * 1000).machine();
    let asked = |date: &'static str| {
        [("requester", author.to_string()), ("status", "active".to_owned()), (date, format!("ge{since}"))]
    };
    let (drugs, orders) =
        tokio::try_join!(async { may(pen, "MedicationRequest", &asked("authoredon")).await }, async {
            may(pen, "ServiceRequest", &asked("authored")).await
        },)?;
    let end_of_drug: &[&str] = &["dispenseRequest", "validityPeriod", "end"];
    let end_of_order: &[&str] = &["occurrencePeriod", "end"];
    let all = drugs
        .rows
        .iter()
        .map(|it| (&it.value, end_of_drug))
        .chain(orders.rows.iter().map(|it| (&it.value, end_of_order)));
    let mut entries = Vec::new();
    for (value, path) in all {
        let Some(end) = text(value, path).and_then(When::parse) else { continue };
        let left = (end.at() - pen.now / 1000) / DAY;
        if !(-EXPIRING..=EXPIRING).contains(&left) {
            continue;
        }
        let what = value.get("medicationCodeableConcept").or_else(|| value.get("code"));
        let named =
            what.and_then(crate::chart::element::concept).or_else(|| owned(value, &["medicationReference", "display"]));
        let kind = text(value, &["resourceType"]).unwrap_or_default();
        let came = text(value, &["authoredOn"]).and_then(When::parse).unwrap_or(end);
        entries.push(Entry {
            title: named.unwrap_or_default(),
            patient: text(value, &["subject", "reference"]).and_then(Key::parse).map(|it| it.id),
            focus: text(value, &["id"]).and_then(|id| Key::parse(&format!("{kind}/{id}"))),
            ..worked_out(Folder::Expiring, came, end, pen.now)
        });
    }
    Ok(entries)
}

async fn may(pen: &Pen<'_>, kind: &str, asked: &[(&'static str, String)]) -> StoreResult<Rows> {
    if !pen.may(store::Action::Search, kind) {
        return Ok(Rows::default());
    }
    Rows::or_refused(ask::matches(pen.store(), pen.caller, kind, asked, MOST).await)
}

fn worked_out(folder: Folder, came: When, due: When, now: i64) -> Entry {
    Entry {
        task: None,
        folder,
        title: String::new(),
        priority: Priority::Routine,
        came: Some(came),
        due: Some(due),
        overdue: due.at() < now / 1000,
        patient: None,
        person: None,
        from: None,
        place: None,
        focus: None,
        normal: false,
        form: None,
    }
}

/// The open Tasks about these resources that lie in an inbox of the holder of the pen: what a results page acknowledges.
pub async fn waiting(pen: &Pen<'_>, patient: &Id) -> StoreResult<HashMap<Key, Id>> {
    let asked = [
        ("patient", format!("Patient/{patient}")),
        ("status", OPEN.to_owned()),
        ("code", format!("{SYSTEM}|{}", Folder::Results.code())),
    ];
    if !pen.may(store::Action::Update, "Task") {
        return Ok(HashMap::new());
    }
    let tasks = Rows::or_refused(ask::matches(pen.store(), pen.caller, "Task", &asked, 200).await)?;
    let mut found = HashMap::new();
    for row in &tasks.rows {
        let task = text(&row.value, &["id"]).and_then(Id::parse);
        let focus = text(&row.value, &["focus", "reference"]).and_then(Key::parse);
        found.extend(focus.zip(task));
    }
    Ok(found)
}

/// What a Task says it is: for titles of what arrived.
fn titled(value: &Value) -> String {
    let named = value.get("code").or_else(|| value.get("type")).and_then(crate::chart::element::concept);
    named
        .or_else(|| owned(value, &["description"]))
        .or_else(|| at(value, &["content", "attachment"]).and_then(|it| owned(it, &["title"])))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
