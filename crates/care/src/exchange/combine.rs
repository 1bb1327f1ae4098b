//! One resource told of by several messages, which may come late, twice and in any order, and end as if each had come
//! in its turn. Every element has the stamp of the message that said it; the newest stamp wins, element by element, so
//! that a result that names the patient in passing takes nothing away of what an admission told.
//!
//! A finished result is never put back by an unfinished one, whatever the clocks of the senders say, and what was once
//! corrected is not called merely final again (HL7 v2 tables 0085 and 0123). What was written here is only added to.

use crate::chart::element::text;
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

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Said {
    #[serde(rename = "s")]
    stamp: Stamp,
    #[serde(rename = "h")]
    print: u32,
    /// Of a list that is gathered, how many members the newest message gave.
    #[serde(rename = "n", default)]
    first: usize,
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

/// Which elements are told and replaced together.
fn group(element: &str) -> &str {
    let plain = element.trim_start_matches('_');
    if plain == "dataAbsentReason" {
        return "value";
    }
    let choice = CHOICES.iter().find(|it| {
        plain.strip_prefix(**it).is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_uppercase()))
    });
    choice.copied().unwrap_or(plain)
}

/// The element that a mapping names: `telecom[]` is `telecom`.
pub(super) fn element_of(target: &str) -> &str {
    target.split(['.', '[', '{']).next().unwrap_or(target)
}

fn groups(resource: &Value) -> BTreeMap<String, Map<String, Value>> {
    let mut groups: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for (name, value) in resource.as_object().into_iter().flatten() {
        if !matches!(name.as_str(), "resourceType" | "id" | "meta") {
            groups.entry(group(name).to_owned()).or_default().insert(name.clone(), value.clone());
        }
    }
    groups
}

fn print(members: Option<&Map<String, Value>>) -> u32 {
    let Some(members) = members else { return 0 };
    let sorted: BTreeMap<&String, &Value> = members.iter().collect();
    let text = serde_json::to_vec(&sorted).expect("a tree of JSON can be written");
    let hash = digest(&SHA256, &text);
    u32::from_be_bytes(hash.as_ref()[..4].try_into().expect("four bytes"))
}

fn put(resource: &mut Value, group_name: &str, members: Option<Map<String, Value>>) {
    let Some(object) = resource.as_object_mut() else { return };
    object.retain(|name, _| matches!(name.as_str(), "resourceType" | "id" | "meta") || group(name) != group_name);
    object.extend(members.into_iter().flatten());
}

/// What is here with what has come. `gone` are elements that the sender asks to delete.
pub(super) fn combine(before: Option<&Held>, coming: &Value, gone: &[&str], stamp: Stamp) -> Combined {
    let stamp = stamp.of(coming);
    let kind = text(coming, &["resourceType"]).unwrap_or_default();
    let Some(before) = before else {
        let value = Some(coming.clone());
        if gone.is_empty() {
            return Combined { value, stamps: None };
        }
        let mut stamps = Stamps { corrected: is_corrected(coming), ..Stamps::default() };
        for (name, members) in groups(coming) {
            let first = list_of(&members, &name).len();
            stamps.groups.insert(name, Said { stamp, print: print(Some(&members)), first });
        }
        for name in gone {
            stamps.groups.entry((*name).to_owned()).or_insert(Said { stamp, print: 0, first: 0 });
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
        stamps.groups.entry(name.clone()).or_insert(Said { print: 0, first: 0, ..*said });
    }
    for (name, members) in there {
        let said = stamps.groups.get(&name).copied();
        if is_gathered(kind, &name) {
            let (gathered, first) =
                gather(list_of(here.get(&name).unwrap_or(&Map::new()), &name), &members, &name, said, stamp);
            let members = Map::from_iter([(name.clone(), Value::Array(gathered))]);
            let said =
                Said { stamp: said.map_or(stamp, |it| it.stamp.max(stamp)), print: print(Some(&members)), first };
            put(&mut value, &name, Some(members));
            stamps.groups.insert(name, said);
        } else if said.is_none_or(|it| it.stamp <= stamp) {
            stamps.groups.insert(name.clone(), Said { stamp, print: print(Some(&members)), first: 0 });
            put(&mut value, &name, Some(members));
        }
    }
    for name in gone {
        let name = group(name);
        if stamps.groups.get(name).is_none_or(|it| it.stamp <= stamp) && coming.get(name).is_none() {
            stamps.groups.insert(name.to_owned(), Said { stamp, print: 0, first: 0 });
            put(&mut value, name, None);
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
            Some(said) if said.print == print => *said,
            _ => Said { stamp: self.otherwise, print, first: list_of(members, name).len() },
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

/// The members that the newest message gave in its order, then the others in an order of their own.
fn gather(
    here: &[Value],
    coming: &Map<String, Value>,
    name: &str,
    said: Option<Said>,
    stamp: Stamp,
) -> (Vec<Value>, usize) {
    let coming = list_of(coming, name);
    let newest = said.is_none_or(|it| it.stamp <= stamp);
    let (head, others) = match said {
        _ if newest => (coming.to_vec(), here.to_vec()),
        Some(said) => {
            let (head, rest) = here.split_at(said.first.min(here.len()));
            (head.to_vec(), rest.iter().chain(coming).cloned().collect())
        }
        None => (coming.to_vec(), here.to_vec()),
    };
    let mut rest: Vec<Value> = Vec::new();
    for it in others {
        if !head.iter().chain(&rest).any(|other| is_same(other, &it)) {
            rest.push(it);
        }
    }
    rest.sort_by_cached_key(Value::to_string);
    let first = head.len();
    (head.into_iter().chain(rest).collect(), first)
}

/// Whether two members of a list mean the same: one identifier, one reference.
fn is_same(one: &Value, other: &Value) -> bool {
    const MARKS: [&[&str]; 4] = [&["reference"], &["other", "reference"], &["condition", "reference"], &["value"]];
    let mark = |it: &Value| MARKS.iter().find_map(|path| text(it, path)).map(str::to_owned);
    one == other || (mark(one).is_some() && mark(one) == mark(other) && one.get("system") == other.get("system"))
}

/// A directory entry that others mention: nothing is taken away, and of two that differ the one that says more stands.
/// Whom we know ourselves we do not learn from others.
fn fuller(before: &Value, coming: &Value) -> Option<Value> {
    super::origin::of(before)?;
    let mut value = before.clone();
    let here = groups(before);
    for (name, members) in groups(coming) {
        let weight = |it: &Map<String, Value>| {
            let text = Value::Object(it.clone()).to_string();
            (text.len(), text)
        };
        if name == "identifier" {
            let mut all: Vec<Value> = here.get(&name).map_or(&[][..], |it| list_of(it, &name)).to_vec();
            for it in list_of(&members, &name) {
                if !all.iter().any(|other| is_same(other, it)) {
                    all.push(it.clone());
                }
            }
            all.sort_by_cached_key(Value::to_string);
            put(&mut value, &name, Some(Map::from_iter([(name.clone(), Value::Array(all))])));
        } else if here.get(&name).is_none_or(|it| weight(it) < weight(&members)) {
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
                let (all, _) = gather(&[], here, &name, None, Stamp::default());
                let said = Said { stamp: OURS, print: 0, first: all.len() };
                let (all, _) = gather(&all, &members, &name, Some(said), Stamp::default());
                put(first, &name, Some(Map::from_iter([(name.clone(), json!(all))])));
            }
            Some(_) => {}
        }
    }
}
