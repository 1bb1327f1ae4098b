//! One resource told of by several messages, which may come late, twice and in any order, and end as if each had come
//! in its turn. Every element has the stamp of the message that said it; the newest stamp wins, element by element, so
//! that a result that names the patient in passing takes nothing away of what an admission told.
//!
//! A finished result is never put back by an unfinished one, whatever the clocks of the senders say, and what was once
//! corrected is not called merely final again (HL7 v2 tables 0085 and 0123). What was written here is only added to.

use crate::chart::element::{list, text};
use fhir::Value;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use std::collections::BTreeMap;

/// When something was said, to be compared: finished or not, the moment, the number that the sender counts by, and when
/// it came here for the first time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Stamp {
    class: u8,
    /// Microseconds since 1970.
    at: i64,
    number: u64,
    #[serde(default)]
    came: i64,
}

/// What was written here is later than anything that comes.
const OURS: Stamp = Stamp { class: u8::MAX, at: i64::MAX, number: u64::MAX, came: i64::MAX };

impl Stamp {
    pub(super) fn new(at: i64, number: u64, came: i64) -> Stamp {
        Stamp { class: 0, at, number, came }
    }

    /// As it lies in the tag of what one message wrote.
    pub(super) fn written(self) -> String {
        format!("{}.{}.{}", self.at, self.number, self.came)
    }

    fn read(text: &str) -> Option<Stamp> {
        let mut parts = text.split('.');
        let (at, number, came) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Stamp::new(at.parse().ok()?, number.parse().ok()?, came.parse().ok()?))
    }

    /// The same for this very resource.
    fn of(self, resource: &Value) -> Stamp {
        Stamp { class: u8::from(is_finished(resource)), ..self }
    }
}

fn is_result(resource: &Value) -> bool {
    matches!(text(resource, &["resourceType"]), Some("Observation" | "DiagnosticReport"))
}

fn is_finished(resource: &Value) -> bool {
    const UNFINISHED: [&str; 4] = ["registered", "preliminary", "partial", "unknown"];
    is_result(resource) && text(resource, &["status"]).is_some_and(|it| !UNFINISHED.contains(&it))
}

fn is_corrected(resource: &Value) -> bool {
    is_result(resource) && matches!(text(resource, &["status"]), Some("corrected" | "amended" | "appended"))
}

/// Who said which element of a resource, and what it looked like when the door wrote it: what looks otherwise now was
/// changed here since.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Stamps {
    #[serde(rename = "g")]
    groups: BTreeMap<String, Said>,
    /// A result that was corrected once.
    #[serde(rename = "c", default)]
    corrected: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Said {
    #[serde(rename = "s")]
    stamp: Stamp,
    #[serde(rename = "h")]
    print: u32,
    /// Of a list that is gathered, how many members the newest message gave.
    #[serde(rename = "n", default)]
    first: usize,
    /// And who told the others last, by what marks them.
    #[serde(rename = "m", default, skip_serializing_if = "BTreeMap::is_empty")]
    others: BTreeMap<u32, Stamp>,
}

impl Said {
    fn new(stamp: Stamp, members: Option<&Map<String, Value>>) -> Said {
        Said { stamp, print: print(members), first: 0, others: BTreeMap::new() }
    }

    /// A list of which all members were told at once.
    fn list(stamp: Stamp, name: &str, members: &Map<String, Value>) -> Said {
        Said { first: list_of(members, name).len(), ..Said::new(stamp, Some(members)) }
    }
}

/// What is here already.
pub(super) struct Held {
    pub(super) value: Value,
    pub(super) version: u64,
    /// When it was written here.
    pub(super) at: i64,
    pub(super) stamps: Option<Stamps>,
}

/// What becomes of it.
#[derive(Debug, Default)]
pub(super) struct Combined {
    /// The next version, if it says anything new.
    pub(super) value: Option<Value>,
    /// The stamps to keep, if they changed.
    pub(super) stamps: Option<Stamps>,
}

/// Elements of a choice of types, such as `value[x]`: one takes the place of the other.
const CHOICES: [&str; 16] = [
    "value",
    "effective",
    "onset",
    "abatement",
    "deceased",
    "multipleBirth",
    "medication",
    "occurrence",
    "performed",
    "timing",
    "product",
    "serviced",
    "asNeeded",
    "reported",
    "scheduled",
    "born",
];

/// Lists of what belongs together, of which one message may tell a part.
const GATHERED: [(&str, &str); 11] = [
    ("", "identifier"),
    ("Patient", "link"),
    ("DiagnosticReport", "result"),
    ("DiagnosticReport", "specimen"),
    ("DiagnosticReport", "basedOn"),
    ("Observation", "basedOn"),
    ("Observation", "hasMember"),
    ("ServiceRequest", "supportingInfo"),
    ("ServiceRequest", "specimen"),
    ("Encounter", "diagnosis"),
    ("Account", "subject"),
];

/// These have one identifier, not a list of them.
const SINGLE: [&str; 3] = ["Bundle", "Composition", "QuestionnaireResponse"];

fn is_gathered(kind: &str, group: &str) -> bool {
    !SINGLE.contains(&kind) && GATHERED.iter().any(|(of, name)| *name == group && (of.is_empty() || *of == kind))
}

/// What people and places are called by those who mention them in passing.
const DIRECTORY: [&str; 7] =
    ["Practitioner", "PractitionerRole", "Organization", "Location", "Device", "Medication", "Substance"];

pub(super) fn is_directory(kind: &str) -> bool {
    DIRECTORY.contains(&kind)
}

/// Elements that hold together only with each other (the invariants of R4), so that one message tells all of them or none:
/// a reason to cancel belongs to the status that it explains.
const TOGETHER: [(&str, &str, &str); 8] = [
    ("Appointment", "cancelationReason", "status"),
    ("Appointment", "end", "start"),
    ("AllergyIntolerance", "verificationStatus", "clinicalStatus"),
    ("Condition", "verificationStatus", "clinicalStatus"),
    ("Condition", "abatement", "clinicalStatus"),
    ("MedicationDispense", "whenHandedOver", "whenPrepared"),
    ("Observation", "dataAbsentReason", "value"),
    ("ServiceRequest", "orderDetail", "code"),
];

/// Which elements are told and replaced together.
fn group<'a>(kind: &str, element: &'a str) -> &'a str {
    let plain = element.trim_start_matches('_');
    let choice = CHOICES.iter().find(|it| {
        plain.strip_prefix(**it).is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_uppercase()))
    });
    let name = choice.copied().unwrap_or(plain);
    TOGETHER.iter().find(|it| it.0 == kind && it.1 == name).map_or(name, |it| it.2)
}

/// The element that a mapping names: `telecom[]` is `telecom`.
pub(super) fn element_of(target: &str) -> &str {
    target.split(['.', '[', '{']).next().unwrap_or(target)
}

fn groups(resource: &Value) -> BTreeMap<String, Map<String, Value>> {
    let mut groups: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let kind = text(resource, &["resourceType"]).unwrap_or_default();
    for (name, value) in resource.as_object().into_iter().flatten() {
        if !matches!(name.as_str(), "resourceType" | "id" | "meta") {
            groups.entry(group(kind, name).to_owned()).or_default().insert(name.clone(), value.clone());
        }
    }
    groups
}

fn print(members: Option<&Map<String, Value>>) -> u32 {
    let Some(members) = members else { return 0 };
    let sorted: BTreeMap<&String, &Value> = members.iter().collect();
    short(&serde_json::to_vec(&sorted).expect("a tree of JSON can be written"))
}

fn put(resource: &mut Value, group_name: &str, members: Option<Map<String, Value>>) {
    let kind = text(resource, &["resourceType"]).unwrap_or_default().to_owned();
    let Some(object) = resource.as_object_mut() else { return };
    object
        .retain(|name, _| matches!(name.as_str(), "resourceType" | "id" | "meta") || group(&kind, name) != group_name);
    object.extend(members.into_iter().flatten());
}

/// What is here with what has come. `gone` are elements that the sender asks to delete.
pub(super) fn combine(before: Option<&Held>, coming: &Value, gone: &[&str], stamp: Stamp) -> Combined {
    let stamp = stamp.of(coming);
    let kind = text(coming, &["resourceType"]).unwrap_or_default();
    let Some(before) = before else {
        let value = Some(if is_directory(kind) { entry(coming) } else { coming.clone() });
        if gone.is_empty() {
            return Combined { value, stamps: None };
        }
        let mut stamps = Stamps { corrected: is_corrected(coming), ..Stamps::default() };
        for (name, members) in groups(coming) {
            let said = Said::list(stamp, &name, &members);
            stamps.groups.insert(name, said);
        }
        for name in gone {
            stamps.groups.entry(group(kind, name).to_owned()).or_insert(Said::new(stamp, None));
        }
        return Combined { value, stamps: Some(stamps) };
    };
    if is_directory(kind) {
        return Combined { value: fuller(&before.value, coming), stamps: None };
    }
    let known = Known::of(before);
    let mut stamps = Stamps { corrected: known.corrected || is_corrected(coming), ..Stamps::default() };
    let mut value = before.value.clone();
    let (here, there) = (groups(&before.value), groups(coming));
    for (name, members) in &here {
        stamps.groups.insert(name.clone(), known.said(name, members));
    }
    // What was deleted stays known.
    for (name, said) in before.stamps.iter().flat_map(|it| &it.groups) {
        stamps.groups.entry(name.clone()).or_insert(Said::new(said.stamp, None));
    }
    for (name, members) in there {
        let said = stamps.groups.get(&name);
        if is_gathered(kind, &name) {
            let nothing = Map::new();
            let here = list_of(here.get(&name).unwrap_or(&nothing), &name);
            let (gathered, said) = gather(here, list_of(&members, &name), said, stamp);
            let members = Map::from_iter([(name.clone(), Value::Array(gathered))]);
            stamps.groups.insert(name.clone(), Said { print: print(Some(&members)), ..said });
            put(&mut value, &name, Some(members));
        } else if said.is_none_or(|it| it.stamp <= stamp) {
            stamps.groups.insert(name.clone(), Said::new(stamp, Some(&members)));
            put(&mut value, &name, Some(members));
        }
    }
    for element in gone {
        let name = group(kind, element);
        if stamps.groups.get(name).is_none_or(|it| it.stamp <= stamp) && coming.get(name).is_none() {
            // What others of its group say is not what was to be deleted.
            let mut rest = groups(&value).remove(name).unwrap_or_default();
            rest.retain(|it, _| name != *element && group("", it) != *element);
            let rest = (!rest.is_empty()).then_some(rest);
            stamps.groups.insert(name.to_owned(), Said::new(stamp, rest.as_ref()));
            put(&mut value, name, rest);
        }
    }
    if stamps.corrected && value["status"] == "final" {
        value["status"] = "corrected".into();
        if let Some(said) = stamps.groups.get_mut("status") {
            said.print = print(groups(&value).get("status"));
        }
    }
    let same = groups(&value) == here;
    // Of what no other message has touched, the tag says all there is to know.
    let stamps = (before.stamps.as_ref() != Some(&stamps) && !(same && known.untouched(&stamps))).then_some(stamps);
    Combined { value: (!same).then_some(value), stamps }
}

/// What is known about who said what.
struct Known<'a> {
    stamps: Option<&'a Stamps>,
    /// For what the stamps do not tell.
    otherwise: Stamp,
    corrected: bool,
}

impl<'a> Known<'a> {
    fn of(before: &'a Held) -> Known<'a> {
        let tags = before.value.pointer("/meta/tag").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let ours = tags.iter().find(|it| text(it, &["system"]) == Some(super::origin::SYSTEM));
        let told = ours.and_then(|it| Stamp::read(text(it, &["version"])?)).map(|it| it.of(&before.value));
        let changed_here = Stamp { at: before.at, number: u64::MAX, ..Stamp::default() }.of(&before.value);
        let otherwise = match (told, &before.stamps) {
            (None, _) => OURS,
            (Some(told), None) if before.version == 1 => told,
            (Some(told), None) => told.max(changed_here),
            (Some(_), Some(_)) => changed_here,
        };
        let corrected = before.stamps.as_ref().is_some_and(|it| it.corrected) || is_corrected(&before.value);
        Known { stamps: before.stamps.as_ref(), otherwise, corrected }
    }

    fn said(&self, name: &str, members: &Map<String, Value>) -> Said {
        let print = print(Some(members));
        match self.stamps.and_then(|it| it.groups.get(name)) {
            Some(said) if said.print == print => said.clone(),
            _ => Said::list(self.otherwise, name, members),
        }
    }

    /// Whether these stamps are what would be read without them.
    fn untouched(&self, stamps: &Stamps) -> bool {
        self.stamps.is_none() && stamps.groups.values().all(|it| it.stamp == self.otherwise)
    }
}

fn list_of<'a>(members: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    members.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The members that the newest message gave in its order, then the others in an order of their own; of two that mean the
/// same, the one that was told last.
fn gather(here: &[Value], coming: &[Value], said: Option<&Said>, stamp: Stamp) -> (Vec<Value>, Said) {
    let before = said.map_or(stamp, |it| it.stamp);
    let told = |it: &Value| said.and_then(|said| said.others.get(&mark(it)).copied()).unwrap_or(before);
    let newest = before <= stamp;
    let (head, rest) = match said {
        Some(said) if !newest => here.split_at(said.first.min(here.len())),
        _ => (coming, here),
    };
    let mut others: Vec<(Value, Stamp)> = Vec::new();
    let late = coming.iter().filter(|_| !newest).map(|it| (it, stamp));
    for (it, stamp) in rest.iter().map(|it| (it, told(it))).chain(late) {
        if head.iter().any(|other| is_same(other, it)) {
            continue;
        }
        match others.iter_mut().find(|(other, _)| is_same(other, it)) {
            Some(known) if known.1 < stamp => *known = (it.clone(), stamp),
            Some(_) => {}
            None => others.push((it.clone(), stamp)),
        }
    }
    others.sort_by_cached_key(|it| it.0.to_string());
    let stamp = before.max(stamp);
    let said = Said {
        stamp,
        print: 0,
        first: head.len(),
        others: others.iter().filter(|it| it.1 != stamp).map(|it| (mark(&it.0), it.1)).collect(),
    };
    (head.iter().cloned().chain(others.into_iter().map(|it| it.0)).collect(), said)
}

/// What a member of a list is known by: the value of an identifier with its system, a reference.
fn known_by(member: &Value) -> Option<(&str, Option<&str>)> {
    const MARKS: [&[&str]; 4] = [&["reference"], &["other", "reference"], &["condition", "reference"], &["value"]];
    MARKS.iter().find_map(|path| text(member, path)).map(|it| (it, text(member, &["system"])))
}

/// Whether two members of a list mean the same: one identifier, one reference.
fn is_same(one: &Value, other: &Value) -> bool {
    one == other || (known_by(one).is_some() && known_by(one) == known_by(other))
}

/// The same for members that mean the same.
fn mark(member: &Value) -> u32 {
    let text = match known_by(member) {
        Some((value, system)) => format!("{}\u{1F}{value}", system.unwrap_or_default()),
        None => member.to_string(),
    };
    short(text.as_bytes())
}

fn short(text: &[u8]) -> u32 {
    let hash = digest(&SHA256, text);
    u32::from_be_bytes(hash.as_ref()[..4].try_into().expect("four bytes"))
}

/// The numbers of a directory entry, each once, in an order of their own.
fn numbers(known: &[Value], more: &[Value]) -> Map<String, Value> {
    let mut all: Vec<Value> = Vec::new();
    for it in known.iter().chain(more) {
        match all.iter_mut().find(|other| is_same(other, it)) {
            // Of two that mean the same, the one that says more.
            Some(other) if weight(other) < weight(it) => *other = it.clone(),
            Some(_) => {}
            None => all.push(it.clone()),
        }
    }
    all.sort_by_cached_key(Value::to_string);
    Map::from_iter([("identifier".to_owned(), Value::Array(all))])
}

fn weight(value: &Value) -> (usize, String) {
    let text = value.to_string();
    (text.len(), text)
}

/// A directory entry when it is mentioned for the first time.
fn entry(coming: &Value) -> Value {
    let mut value = coming.clone();
    let identifiers = list(coming, "identifier");
    if !identifiers.is_empty() {
        put(&mut value, "identifier", Some(numbers(&[], identifiers)));
    }
    value
}

/// A directory entry that others mention: nothing is taken away, and of two that differ the one that says more stands.
/// Whom we know ourselves we do not learn from others.
fn fuller(before: &Value, coming: &Value) -> Option<Value> {
    super::origin::of(before)?;
    let mut value = before.clone();
    let here = groups(before);
    for (name, members) in groups(coming) {
        if name == "identifier" {
            let known = here.get(&name).map_or(&[][..], |it| list_of(it, &name));
            put(&mut value, &name, Some(numbers(known, list_of(&members, &name))));
        } else if here.get(&name).is_none_or(|it| weight(&it.clone().into()) < weight(&members.clone().into())) {
            put(&mut value, &name, Some(members));
        }
    }
    (groups(&value) != here).then_some(value)
}

/// Two resources of one arrival that are the same thing: the first, with what only the second tells.
pub(super) fn join(first: &mut Value, second: &Value) {
    for (name, members) in groups(second) {
        match groups(first).get(&name) {
            None => put(first, &name, Some(members)),
            Some(here) if name == "identifier" => {
                let mut all = list_of(here, &name).to_vec();
                for it in list_of(&members, &name) {
                    if !all.iter().any(|other| is_same(other, it)) {
                        all.push(it.clone());
                    }
                }
                put(first, &name, Some(Map::from_iter([(name.clone(), json!(all))])));
            }
            Some(_) => {}
        }
    }
}
