//! Messages between patients and staff, and among the staff: FHIR Communications (R4, 8.5) in threads. The first message of
//! a thread is what the others are `partOf`; each answer says to what it is `inResponseTo`. What patients and staff write to
//! each other has the patient as its subject; what the staff write among themselves about a patient is only `about` them,
//! so it lies in nobody's compartment.

use crate::act::{Act, ActError, Pen, Written, moment};
use crate::ask::{self, Rows};
use crate::chart::When;
use crate::chart::element::{Names, concept, first_code, has_code, list, owned, text};
use crate::inbox::{Folder, Priority, SYSTEM};
use bytes::Bytes;
use fhir::{Draft, Id, Issue, IssueCode, Key, ResourceType, Value};
use serde_json::json;
use std::collections::HashMap;
use store::audit::Event;
use store::{Batch, Change, Expect, ItemChange, StoreError, StoreResult, Write};

/// Up to which message somebody has read a thread: `who/thread`.
const READ: &str = "message-read";
const MOST: u32 = 300;
/// Letters in one message.
pub const LONGEST: usize = 10_000;

/// What patients write about; the code in `topic`.
pub const TOPICS: [&str; 6] = ["question", "results", "refill", "appointment", "billing", "other"];

#[derive(Clone, Debug)]
pub struct Message {
    pub id: Id,
    pub from: String,
    /// Written by the patient or for them, not by the staff.
    pub of_patient: bool,
    pub sent: Option<When>,
    pub words: String,
    pub about: Vec<Key>,
}

#[derive(Clone, Debug)]
pub struct Thread {
    /// The first message.
    pub id: Id,
    pub topic: String,
    /// One of [`TOPICS`], where it is.
    pub code: Option<String>,
    pub patient: Option<Id>,
    /// Among the staff alone.
    pub of_staff: bool,
    /// Oldest first.
    pub messages: Vec<Message>,
    /// There is something the reader has not seen.
    pub unread: bool,
}

impl Thread {
    pub fn last(&self) -> Option<&Message> {
        self.messages.last()
    }

    fn at(&self) -> i64 {
        self.last().and_then(|it| it.sent).map_or(0, |it| it.at())
    }
}

/// What is to be sent.
pub struct Sent<'a> {
    pub to: &'a [Key],
    pub patient: Option<&'a Id>,
    pub topic: &'a str,
    pub words: &'a str,
    pub about: Option<&'a Key>,
}

fn kind() -> ResourceType {
    ResourceType::parse("Communication").expect("a type of R4")
}

fn invalid(says: &str) -> ActError {
    ActError::Invalid(vec![Issue::error(IssueCode::BusinessRule, "Communication", says)])
}

/// The thread a message belongs to: its own id if it is the first.
fn root(value: &Value) -> Option<Id> {
    let of = list(value, "partOf").iter().filter_map(|it| Key::parse(text(it, &["reference"])?));
    of.into_iter()
        .find(|it| it.kind.name() == "Communication")
        .map(|it| it.id)
        .or_else(|| Id::parse(text(value, &["id"])?))
}

pub(crate) fn is_of_patient(value: &Value) -> bool {
    let sender = text(value, &["sender", "reference"]).and_then(Key::parse);
    match sender {
        Some(key) => matches!(key.kind.name(), "Patient" | "RelatedPerson"),
        None => list(value, "category").iter().any(|it| has_code(it, "from-patient")),
    }
}

/// A message of the staff to a patient or to each other, as a resource. `answered` is the message it answers.
pub(crate) fn message(pen: &Pen<'_>, sent: &Sent<'_>, answered: Option<&Value>) -> Value {
    let to_patient = sent.to.iter().any(|it| it.kind.name() == "Patient");
    let category = if to_patient { "to-patient" } else { "among-staff" };
    let recipients: Vec<Value> = sent.to.iter().map(|it| json!({ "reference": it.to_string() })).collect();
    let mut value = json!({
        "resourceType": "Communication",
        "status": "completed",
        "category": [{ "coding": [{ "system": SYSTEM, "code": category }] }],
        "sent": pen.moment(),
        "recipient": recipients,
        "sender": pen.who(),
        "payload": [{ "contentString": sent.words.trim() }],
    });
    if !sent.topic.trim().is_empty() {
        value["topic"] = json!({ "text": sent.topic.trim() });
    }
    let mut about: Vec<Value> =
        sent.about.iter().filter(|it| it.kind != kind()).map(|it| json!({ "reference": it.to_string() })).collect();
    match sent.patient {
        Some(patient) if to_patient => value["subject"] = json!({ "reference": format!("Patient/{patient}") }),
        Some(patient) => about.push(json!({ "reference": format!("Patient/{patient}") })),
        None => {}
    }
    if !about.is_empty() {
        value["about"] = about.into();
    }
    answering(&mut value, answered);
    value
}

fn answering(value: &mut Value, answered: Option<&Value>) {
    let Some(answered) = answered else { return };
    if let (Some(root), Some(id)) = (root(answered), text(answered, &["id"])) {
        value["partOf"] = json!([{ "reference": format!("Communication/{root}") }]);
        value["inResponseTo"] = json!([{ "reference": format!("Communication/{id}") }]);
    }
    if let Some(topic) = answered.get("topic") {
        value["topic"] = topic.clone();
    }
}

/// The threads of a patient, the latest first, as the reader sees them.
pub async fn threads(pen: &Pen<'_>, patient: &Id) -> StoreResult<Vec<Thread>> {
    let asked = [("subject", format!("Patient/{patient}")), ("_sort", "-sent".to_owned())];
    let rows = Rows::or_refused(ask::matches(pen.store(), pen.caller, "Communication", &asked, MOST).await)?;
    let mut order: Vec<Id> = Vec::new();
    let mut of_thread: HashMap<Id, Vec<Value>> = HashMap::new();
    for row in rows.rows {
        let Some(root) = root(&row.value).filter(|_| text(&row.value, &["status"]) == Some("completed")) else {
            continue;
        };
        if !order.contains(&root) {
            order.push(root.clone());
        }
        of_thread.entry(root).or_default().push(row.value);
    }
    let mut threads = Vec::with_capacity(order.len());
    for root in order {
        let values = of_thread.remove(&root).unwrap_or_default();
        threads.push(made(pen, root, values).await?);
    }
    threads.sort_by_key(|it| std::cmp::Reverse(it.at()));
    Ok(threads)
}

/// One thread by its first message; `None` when there is none that the reader may see.
pub async fn thread(pen: &Pen<'_>, id: &Id) -> StoreResult<Option<Thread>> {
    let first = match ask::read(pen.store(), pen.caller, "Communication", id).await {
        Ok(row) => row.value,
        Err(StoreError::NotFound(_) | StoreError::Gone { .. } | StoreError::Forbidden) => return Ok(None),
        Err(other) => return Err(other),
    };
    thread_of(pen, &first).await
}

/// The thread in which a message stands.
pub(crate) async fn thread_of(pen: &Pen<'_>, value: &Value) -> StoreResult<Option<Thread>> {
    let Some(root) = root(value) else { return Ok(None) };
    let asked = [("part-of", format!("Communication/{root}")), ("_sort", "sent".to_owned())];
    let rows = Rows::or_refused(ask::matches(pen.store(), pen.caller, "Communication", &asked, MOST).await)?;
    let mut values: Vec<Value> = rows.rows.into_iter().map(|it| it.value).collect();
    if text(value, &["id"]) == Some(root.as_str()) {
        values.push(value.clone());
    } else if let Ok(row) = ask::read(pen.store(), pen.caller, "Communication", &root).await {
        values.push(row.value);
    }
    made(pen, root, values).await.map(Some)
}

async fn made(pen: &Pen<'_>, root: Id, mut values: Vec<Value>) -> StoreResult<Thread> {
    let at = |it: &Value| text(it, &["sent"]).and_then(When::parse).map_or(0, |it| it.at());
    values.sort_by_key(at);
    let first = values.iter().find(|it| text(it, &["id"]) == Some(root.as_str())).or(values.first());
    let patient = first.and_then(|it| {
        let about = list(it, "about").iter().filter_map(|it| text(it, &["reference"]));
        let keys = text(it, &["subject", "reference"]).into_iter().chain(about).filter_map(Key::parse);
        keys.into_iter().find(|it| it.kind.name() == "Patient").map(|it| it.id)
    });
    let code = first.and_then(|it| first_code(it.get("topic")?)).filter(|it| TOPICS.contains(it)).map(str::to_owned);
    let topic = first.and_then(|it| concept(it.get("topic")?)).unwrap_or_default();
    let of_staff = first.is_some_and(|it| list(it, "category").iter().any(|it| has_code(it, "among-staff")));
    let names = Names::default();
    let messages: Vec<Message> = values
        .iter()
        .filter_map(|it| {
            let words = list(it, "payload").iter().filter_map(|it| text(it, &["contentString"])).collect::<Vec<_>>();
            let about = list(it, "about").iter().filter_map(|it| Key::parse(text(it, &["reference"])?));
            Some(Message {
                id: Id::parse(text(it, &["id"])?)?,
                from: it.get("sender").and_then(|it| names.of(it)).unwrap_or_default(),
                of_patient: is_of_patient(it),
                sent: text(it, &["sent"]).and_then(When::parse),
                words: words.join("\n\n"),
                about: about.filter(|it| it.kind.name() != "Patient").collect(),
            })
        })
        .collect();
    let seen = pen.store().item(READ, &read_name(pen, &root), pen.now).await?;
    let seen: i64 = seen.and_then(|it| String::from_utf8(it.body.to_vec()).ok()?.parse().ok()).unwrap_or_default();
    let portal = pen.caller.patient.is_some();
    let unread = messages.iter().any(|it| it.of_patient != portal && it.sent.is_some_and(|sent| sent.at() > seen));
    Ok(Thread { id: root, topic, code, patient, of_staff, messages, unread })
}

fn read_name(pen: &Pen<'_>, thread: &Id) -> String {
    format!("{}/{thread}", pen.caller.who)
}

/// Remembers that the reader has seen a thread as it is now.
pub async fn seen(pen: &Pen<'_>, thread: &Thread) -> StoreResult<()> {
    if !thread.unread {
        return Ok(());
    }
    let change = ItemChange::put(READ, read_name(pen, &thread.id), Bytes::from(thread.at().to_string()));
    let event = Event::of("message").detail("read");
    pen.store().keep(pen.caller, event, vec![change.owned_by(&*pen.caller.who)], pen.now).await
}

/// A patient, or someone for one, writes to the practice: a new thread, or an answer in one. Patients may write nothing but
/// the message itself, so who sent it and when stands in it alone. `once` is the key of the form.
pub async fn from_patient(
    pen: &Pen<'_>,
    patient: &Id,
    topic: &str,
    words: &str,
    answers: Option<&Thread>,
    once: &str,
) -> Result<Id, ActError> {
    let words = words.trim();
    if words.is_empty() || words.chars().count() > LONGEST {
        return Err(invalid("a message needs words, and not more than ten thousand letters"));
    }
    let own = format!("Patient/{patient}");
    let id = Id::parse(&format!("message-{once}")).ok_or_else(|| invalid("the form is not one of ours"))?;
    let sender = match pen.author {
        Some(key) if matches!(key.kind.name(), "Patient" | "RelatedPerson") => pen.who(),
        _ if &*pen.caller.role == "patient" => json!({ "reference": own, "display": &*pen.caller.display }),
        // Whoever writes for a patient is told by name, and is not the patient.
        _ => json!({ "display": &*pen.caller.display }),
    };
    let mut value = json!({
        "resourceType": "Communication",
        "id": id.as_str(),
        "status": "completed",
        "category": [{ "coding": [{ "system": SYSTEM, "code": "from-patient" }] }],
        "subject": { "reference": own },
        "sent": moment(pen.now),
        "sender": sender,
        "payload": [{ "contentString": words }],
    });
    match answers {
        None => {
            if !TOPICS.contains(&topic) {
                return Err(invalid("choose what it is about"));
            }
            value["topic"] = json!({ "coding": [{ "system": SYSTEM, "code": topic }], "text": titled(topic) });
        }
        Some(thread) if thread.patient.as_ref() == Some(patient) && !thread.of_staff => {
            let last = thread.last().map_or(&thread.id, |it| &it.id);
            let answered = ask::read(pen.store(), pen.caller, "Communication", last).await?.value;
            answering(&mut value, Some(&answered));
            // The one of the staff who wrote last gets the answer.
            let mut of_staff = thread.messages.iter().rev().filter(|it| !it.of_patient);
            if let Some(message) = of_staff.next() {
                let answered = ask::read(pen.store(), pen.caller, "Communication", &message.id).await?.value;
                if let Some(sender) = answered.get("sender").filter(|it| it.get("reference").is_some()) {
                    value["recipient"] = json!([sender]);
                }
            }
        }
        Some(_) => return Err(invalid("there is no such conversation")),
    }
    let checked = Draft::from_value(value).check().map_err(ActError::Invalid)?;
    let write = Write { key: Key::new(kind(), id.clone()), expect: Expect::New, change: Change::Put(checked) };
    match pen.store().commit(pen.caller, Batch::of("message.send", write), pen.now).await {
        // The same form, sent twice.
        Ok(_) | Err(StoreError::Conflict { .. }) => Ok(id),
        Err(other) => Err(other.into()),
    }
}

/// One of the staff writes to a patient: a new thread.
pub async fn to_patient(
    pen: &Pen<'_>,
    patient: &Id,
    topic: &str,
    words: &str,
    once: &str,
) -> Result<Written, ActError> {
    if words.trim().is_empty() || words.chars().count() > LONGEST {
        return Err(invalid("a message needs words, and not more than ten thousand letters"));
    }
    let to = [Key::new(ResourceType::parse("Patient").expect("a type of R4"), patient.clone())];
    let sent = Sent { to: &to, patient: Some(patient), topic, words, about: None };
    let mut act = Act::new("message.send", patient).once(once);
    act.create(pen, message(pen, &sent, None));
    pen.commit(act).await
}

/// What a topic is called in the record, where no language is chosen.
fn titled(topic: &str) -> &'static str {
    match topic {
        "question" => "Medical question",
        "results" => "Test results",
        "refill" => "Refill request",
        "appointment" => "Appointment",
        "billing" => "Billing",
        _ => "Other",
    }
}

/// One of the staff writes to colleagues or a pool, about a patient or not; each finds it in the inbox.
pub async fn among_staff(
    pen: &Pen<'_>,
    sent: &Sent<'_>,
    answers: Option<&Id>,
    priority: Priority,
    once: &str,
) -> Result<Written, ActError> {
    if sent.words.trim().is_empty() || sent.words.chars().count() > LONGEST {
        return Err(invalid("a message needs words, and not more than ten thousand letters"));
    }
    if sent.to.is_empty() {
        return Err(invalid("choose who shall get it"));
    }
    let answered = match answers {
        Some(id) => Some(ask::read(pen.store(), pen.caller, "Communication", id).await?.value),
        None => None,
    };
    let nobody = Id::parse("nobody").expect("a word of letters is an id");
    let mut act = Act::new("message.send", sent.patient.unwrap_or(&nobody)).once(once);
    let key = act.create(pen, message(pen, sent, answered.as_ref()));
    let folder = Folder::StaffMessages;
    for to in sent.to {
        let mut task = json!({
            "resourceType": "Task",
            "status": "requested",
            "intent": "order",
            "priority": priority.code(),
            "code": { "coding": [{ "system": SYSTEM, "code": folder.code() }], "text": folder.code() },
            "description": if sent.topic.trim().is_empty() { first_words(sent.words) } else { sent.topic.trim().to_owned() },
            "focus": { "reference": key.to_string() },
            "authoredOn": pen.moment(),
            "lastModified": pen.moment(),
            "requester": pen.who(),
            "owner": { "reference": to.to_string() },
            "restriction": { "period": { "end": moment(folder.due(priority, pen.now)) } },
        });
        if let Some(patient) = sent.patient {
            task["for"] = json!({ "reference": format!("Patient/{patient}") });
        }
        // A requester is somebody of the record.
        if pen.author.is_none() {
            task.as_object_mut().map(|it| it.remove("requester"));
        }
        act.create(pen, task);
    }
    pen.commit(act).await
}

/// The beginning of what was written, for a title.
fn first_words(words: &str) -> String {
    let line = words.trim().lines().next().unwrap_or_default();
    let mut short: String = line.chars().take(60).collect();
    if line.chars().count() > 60 {
        short.push('…');
    }
    short
}

/// Who sent a message, to answer them.
pub async fn sender_of(pen: &Pen<'_>, id: &Id) -> StoreResult<Option<Key>> {
    let row = ask::read(pen.store(), pen.caller, "Communication", id).await?;
    Ok(owned(&row.value, &["sender", "reference"]).and_then(|it| Key::parse(&it)))
}
