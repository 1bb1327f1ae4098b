//! Follows the mapping through a message, segment by segment: makes resources, fills them, lets them refer to each
//! other, and keeps account of every populated field.

use super::condition::{Condition, Subject};
use super::leaf;
use super::sound::{Judge, sound};
use super::tables::{Map, Mapping, Mark, Row, Rule, Source};
use super::target::complete;
use super::{Converted, Deletion, Settings, header};
use crate::v2::message::{Message, Part, Segment};
use crate::v2::place::Place;
use crate::{Fate, Note};
use jiff::tz::TimeZone;
use ring::digest;
use serde_json::{Map as Members, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Data types inside data types, resources inside data types: no standard goes deeper.
const DEEPEST: usize = 12;
/// A message of more resources than this is not one message.
const MOST_RESOURCES: usize = 5_000;
/// Nobody reads more notes; the last one says how many there would be.
const MOST_NOTES: usize = 2_000;
/// Nothing repeats more often, and nothing has more parts.
const MOST_REPETITIONS: usize = 10_000;
const MOST_PARTS: usize = 100;

/// Segments that come later describe those before; for the way in which a condition looks.
const ORDER: [&str; 18] = [
    "MSH", "EVN", "PID", "PD1", "PV1", "PV2", "SCH", "TXA", "ORC", "RXO", "RXE", "RXD", "RXA", "OBR", "TQ1", "RXR",
    "OBX", "SPM",
];

/// Kinds of values that need no map.
const LEAVES: [&str; 21] = [
    "string",
    "text",
    "code",
    "date",
    "dateTime",
    "instant",
    "time",
    "decimal",
    "integer",
    "positiveInt",
    "unsignedInt",
    "boolean",
    "base64",
    "encoded",
    "uri",
    "system",
    "oid",
    "range",
    "coding",
    "concept",
    "mime",
];

pub(super) fn is_leaf(kind: &str) -> bool {
    LEAVES.contains(&kind)
}

struct Built {
    address: String,
    value: Value,
    place: String,
    fill: BTreeMap<String, Value>,
}

/// Where rules stand: the segment and, in a data type, the part of it.
#[derive(Clone, Copy)]
struct Here<'m> {
    at: usize,
    part: Option<Part<'m>>,
    depth: usize,
}

struct Work<'m> {
    message: &'m Message,
    mapping: &'m Mapping,
    zone: TimeZone,
    scope: String,
    built: Vec<Built>,
    by_address: HashMap<String, usize>,
    slots: HashMap<String, usize>,
    joined: HashSet<(usize, String)>,
    seen: HashMap<String, usize>,
    used: BTreeSet<(usize, usize)>,
    left: BTreeMap<(usize, usize), String>,
    occurrences: Vec<usize>,
    /// Where the segments of each name are, in their order.
    positions: HashMap<&'m str, Vec<usize>>,
    /// Which resource refers to which, by a row of the mapping.
    linked: HashSet<(usize, usize)>,
    notes: Vec<Note>,
    /// Notes that there was no room for.
    more: usize,
    deletions: Vec<Deletion>,
}

pub(super) fn convert(message: &Message, settings: Settings<'_>, judge: Judge) -> Converted {
    let header_zone = leaf::zone(&message.text("MSH-7")).unwrap_or_else(|| settings.zone.clone());
    let header = header(message, &header_zone);
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let occurrences = message.segments().iter().map(|it| *seen.entry(it.name()).and_modify(|it| *it += 1).or_insert(1));
    let mut positions: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, segment) in message.segments().iter().enumerate() {
        positions.entry(segment.name()).or_default().push(at);
    }
    let mut work = Work {
        message,
        mapping: settings.mapping,
        zone: header_zone,
        scope: format!("{}|{}", header.sender, header.facility),
        built: Vec::new(),
        by_address: HashMap::new(),
        slots: HashMap::new(),
        joined: HashSet::new(),
        seen: HashMap::new(),
        used: BTreeSet::new(),
        left: BTreeMap::new(),
        occurrences: occurrences.collect(),
        positions,
        linked: HashSet::new(),
        notes: Vec::new(),
        more: 0,
        deletions: Vec::new(),
    };
    work.notes.extend(message.oddities().iter().map(|it| Note::new(Fate::Weakened, "MSH", it.clone())));
    let (rows, known) = settings.mapping.rows(&header.kind, &header.event);
    if !known {
        work.notes.push(Note::new(
            Fate::Kept,
            "MSH-9",
            "there is no mapping for messages of this kind; its segments are read as in others",
        ));
    }
    let mut fields = 0;
    let mut mapped = 0;
    for (at, segment) in message.segments().iter().enumerate() {
        let mut found = false;
        for row in rows.iter().filter(|it| it.on == segment.name()) {
            found = true;
            work.row(row, at);
        }
        if segment.name() == "MSH" {
            // The header is a struct of its own, and MSH-18 and the like are used to read the message.
            work.used.extend([1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 15, 16, 18, 21].map(|it| (at, it)));
            found = true;
        }
        if segment.name() == "EVN" {
            work.used.extend([1, 2, 6].map(|it| (at, it)));
            found = true;
        }
        let (some, all) = work.account(segment, at, found);
        mapped += some;
        fields += all;
    }
    let Work { built, mut notes, more, mut deletions, .. } = work;
    if more > 0 {
        notes.push(Note::new(Fate::Kept, "MSH", format!("there are {more} more notes like these")));
    }
    let mut resources = Vec::new();
    let mut gone = HashSet::new();
    for Built { address, mut value, place, fill } in built {
        complete(&mut value, Value::Object(fill.into_iter().collect()));
        match sound(value, &place, judge, &mut notes) {
            Some(value) => resources.push((address, value)),
            None => drop(gone.insert(address)),
        }
    }
    drop_references(&mut resources, gone, &mut notes);
    deletions.retain(|it| resources.iter().any(|(address, _)| *address == it.address));
    notes.dedup();
    Converted { header, read: crate::Read { resources, notes }, deletions, fields, mapped }
}

/// A reference to a resource that could not be made leads nowhere.
fn drop_references(resources: &mut Vec<(String, Value)>, mut gone: HashSet<String>, notes: &mut Vec<Note>) {
    fn strike(value: &mut Value, gone: &HashSet<String>) {
        match value {
            Value::Object(members) => {
                let is_gone = members.get("reference").and_then(Value::as_str).is_some_and(|it| gone.contains(it));
                if is_gone {
                    members.remove("reference");
                }
                members.values_mut().for_each(|it| strike(it, gone));
            }
            Value::Array(list) => list.iter_mut().for_each(|it| strike(it, gone)),
            _ => {}
        }
    }
    while !gone.is_empty() {
        let mut more = HashSet::new();
        *resources = std::mem::take(resources)
            .into_iter()
            .filter_map(|(address, mut value)| {
                strike(&mut value, &gone);
                match sound(value, "MSH", Judge::Here, notes) {
                    Some(value) => Some((address, value)),
                    None => {
                        more.insert(address);
                        None
                    }
                }
            })
            .collect();
        gone = more;
    }
}

impl<'m> Work<'m> {
    fn segment(&self, at: usize) -> &'m Segment {
        &self.message.segments()[at]
    }

    fn place(&self, at: usize) -> Place {
        Place::segment(self.segment(at).name(), self.occurrences[at])
    }

    fn note(&mut self, fate: Fate, at: usize, field: usize, says: impl Into<String>) {
        if self.notes.len() >= MOST_NOTES {
            self.more += 1;
            return;
        }
        let place = Place { field, ..self.place(at) };
        self.notes.push(Note::new(fate, place.to_string(), says));
    }

    /// The segment of another name that belongs to the one at hand.
    fn related(&self, at: usize, name: &str) -> Option<usize> {
        let own = self.segment(at).name();
        if own == name {
            return Some(at);
        }
        let places = |name: &str| self.positions.get(name).map_or(&[][..], Vec::as_slice);
        let after = |name: &str| {
            let places = places(name);
            places.get(places.partition_point(|it| *it <= at)).copied()
        };
        let rank = |name: &str| ORDER.iter().position(|it| *it == name).unwrap_or(ORDER.len());
        if rank(name) > rank(own) {
            // Up to the next segment of the own name.
            return after(name).filter(|found| after(own).is_none_or(|next| *found < next));
        }
        let places = places(name);
        places.partition_point(|it| *it < at).checked_sub(1).map(|it| places[it])
    }

    /// The repetitions of what a source names.
    fn look(&self, source: &Source, here: Here<'m>) -> Option<(usize, usize, Vec<Part<'m>>)> {
        let [first, second, third] = source.numbers;
        if let (Some(part), None) = (here.part, &source.segment) {
            let part = if first > 0 { part.part(first) } else { part };
            let part = if second > 0 { part.part(second) } else { part };
            return Some((here.at, 0, vec![part]));
        }
        let at = match &source.segment {
            Some(name) => self.related(here.at, name)?,
            None => here.at,
        };
        let field = self.segment(at).field(first, self.message.delimiters());
        let cut = |part: Part<'m>| {
            let part = if second > 0 { part.part(second) } else { part };
            if third > 0 { part.part(third) } else { part }
        };
        Some((at, first, field.repetitions().take(MOST_REPETITIONS).map(cut).collect()))
    }

    fn holds(&self, condition: &Condition, own: &Source, here: Here<'m>) -> bool {
        condition.holds(&|subject: &Subject| {
            let source = match subject {
                Subject::Own => own.clone(),
                Subject::Part([one, two]) => Source { segment: None, numbers: [*one, *two, 0] },
                Subject::Field(name, numbers) => Source { segment: Some(name.clone()), numbers: *numbers },
            };
            let found = self.look(&source, here).map(|it| it.2).unwrap_or_default();
            // A whole part is valued when any of its leaves is.
            found.iter().filter(|it| it.is_valued()).map(|it| it.text().into_owned()).collect()
        })
    }

    fn row(&mut self, row: &Row, at: usize) {
        let here = Here { at, part: None, depth: 0 };
        let own = Source { segment: None, numbers: [0; 3] };
        if row.when.as_ref().is_some_and(|it| !self.holds(it, &own, here)) {
            return;
        }
        let name = self.segment(at).name().to_owned();
        let free = |work: &Self, slot: &String| {
            work.slots.get(slot).copied().filter(|it| !work.joined.contains(&(*it, name.clone())))
        };
        let joined = row.join.as_ref().and_then(|it| free(self, it));
        let index = match (&row.into, joined, &row.make) {
            (Some(slot), ..) => self.slots.get(slot).copied(),
            (None, Some(index), _) => Some(index),
            (None, None, Some(kind)) => self.make(row, kind, here),
            _ => None,
        };
        for slot in &row.clears {
            self.slots.remove(slot);
        }
        let Some(index) = index else { return };
        self.joined.insert((index, name));
        for (name, value) in &row.fill {
            self.built[index].fill.entry(name.clone()).or_insert_with(|| value.clone());
        }
        if let Some(slot) = &row.slot {
            self.slots.insert(slot.clone(), index);
        }
        for name in &row.with {
            if let Some(map) = self.mapping.map(name) {
                let mut value = self.built[index].value.take();
                self.apply(map, here, &mut value, Some(index));
                self.built[index].value = value;
            }
        }
        for (target, slot) in &row.refs {
            if let Some(other) = self.slots.get(slot).copied().filter(|it| *it != index) {
                let reference = json!({ "reference": self.built[other].address });
                if target.is_list() || !target.is_filled(&self.built[index].value) {
                    target.put(&mut self.built[index].value, reference);
                    self.linked.insert((index, other));
                }
            }
        }
        for (slot, target) in &row.back {
            if let Some(other) = self.slots.get(slot).copied().filter(|it| *it != index) {
                let reference = json!({ "reference": self.built[index].address });
                if self.linked.insert((other, index)) {
                    target.put(&mut self.built[other].value, reference);
                }
            }
        }
    }

    /// A resource for a row; nothing when the segment has nothing to make it of.
    fn make(&mut self, row: &Row, kind: &str, here: Here<'m>) -> Option<usize> {
        let mut identity = None;
        for alternative in &row.identity {
            let mut marks = Vec::new();
            for mark in alternative {
                let text = match mark {
                    Mark::Slot(slot) => {
                        self.slots.get(slot).map(|it| self.built[*it].address.clone()).unwrap_or_default()
                    }
                    Mark::From(source) => {
                        let found = self.look(source, here);
                        found.and_then(|it| it.2.iter().find(|it| it.is_valued()).map(identified)).unwrap_or_default()
                    }
                };
                marks.push(text);
            }
            // The first field of an alternative must be there; the others may help.
            let first = alternative.iter().position(|it| matches!(it, Mark::From(_))).unwrap_or(0);
            if !marks[first].is_empty() {
                identity = Some(marks.join("\u{1F}"));
                break;
            }
        }
        let raw = self.segment(here.at).raw();
        if raw.chars().skip(3).all(|it| !it.is_alphanumeric()) {
            return None;
        }
        let mut identity = identity.unwrap_or_else(|| raw.to_owned());
        if row.distinct {
            let count = self.seen.entry(format!("{kind} {identity}")).and_modify(|it| *it += 1).or_insert(1);
            if *count > 1 {
                identity.push_str(&format!("\u{1F}{count}"));
            }
        }
        let place = self.place(here.at).to_string();
        self.add(kind, &identity, json!({ "resourceType": kind }), place)
    }

    /// The resource with this identity, made or completed.
    fn add(&mut self, kind: &str, identity: &str, value: Value, place: String) -> Option<usize> {
        let address = address(kind, &self.scope, identity);
        if let Some(&index) = self.by_address.get(&address) {
            complete(&mut self.built[index].value, value);
            return Some(index);
        }
        if self.built.len() >= MOST_RESOURCES {
            return None;
        }
        self.built.push(Built { address: address.clone(), value, place, fill: BTreeMap::new() });
        self.by_address.insert(address, self.built.len() - 1);
        Some(self.built.len() - 1)
    }

    fn apply(&mut self, map: &Map, here: Here<'m>, root: &mut Value, resource: Option<usize>) {
        if here.part.is_none() {
            self.used.extend(map.used.iter().map(|it| (here.at, *it)));
            self.left.extend(map.left.iter().map(|(field, why)| ((here.at, *field), why.clone())));
            if let Some(index) = resource {
                for (name, value) in &map.fill {
                    self.built[index].fill.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        for rule in &map.rules {
            self.rule(rule, here, root, resource);
        }
    }

    fn rule(&mut self, rule: &Rule, here: Here<'m>, root: &mut Value, resource: Option<usize>) {
        let whole = Source { segment: None, numbers: [0; 3] };
        let own = rule.from.as_ref().unwrap_or(&whole);
        let holds = rule.when.as_ref().is_none_or(|it| self.holds(it, own, here));
        let missed = rule.needs.as_ref().is_some_and(|it| !it.is_filled(root));
        if !holds || missed || (rule.fill && rule.to.is_filled(root)) {
            return;
        }
        let Some(source) = &rule.from else {
            if let Some(value) = &rule.value {
                rule.to.put(root, value.clone());
            }
            return;
        };
        let Some((at, field, parts)) = self.look(source, here) else { return };
        if field > 0 {
            self.used.insert((at, field));
        }
        if let Some(index) = resource.filter(|_| here.part.is_none() && parts.iter().any(Part::is_delete)) {
            let address = self.built[index].address.clone();
            self.deletions.push(Deletion { address, element: rule.to_text.clone() });
        }
        let valued: Vec<Part<'m>> = parts.into_iter().filter(Part::is_valued).collect();
        if let (Some(between), false) = (&rule.join, valued.is_empty()) {
            let texts: Vec<String> = valued.iter().map(|it| it.whole().into_owned()).collect();
            rule.to.put(root, json!(texts.join(between)));
            return;
        }
        let count = if rule.to.is_list() { valued.len() } else { 1 };
        if valued.len() > count && field > 0 {
            self.note(Fate::Kept, at, field, "only the first repetition has a place in FHIR");
        }
        for part in valued.into_iter().take(count) {
            let value = match &rule.value {
                Some(value) => Some(value.clone()),
                None => self.value(rule, Here { at, part: Some(part), depth: here.depth + 1 }),
            };
            match (value, &rule.otherwise) {
                (Some(value), _) => {
                    rule.to.put(root, value);
                    for (target, value) in &rule.plus {
                        target.put(root, value.clone());
                    }
                }
                (None, Some(otherwise)) => {
                    self.note(Fate::Weakened, at, field, format!("this is no {}; it is kept as text", rule.kind));
                    otherwise.put(root, json!(part.whole()));
                }
                (None, None) if is_leaf(&rule.kind) => {
                    self.note(Fate::Wrong, at, field, format!("this cannot be read as {}", rule.kind));
                }
                (None, None) => {}
            }
        }
    }

    /// The part at hand as the rule wants it.
    fn value(&mut self, rule: &Rule, here: Here<'m>) -> Option<Value> {
        let part = here.part?;
        let text = part.text();
        let mapped = rule.codes.as_ref().map(|table| self.mapping.code(table, &text));
        let coding = |(system, code): (&str, &str)| match system {
            "" => json!({ "code": code }),
            _ => json!({ "system": system, "code": code }),
        };
        Some(match rule.kind.as_str() {
            "string" => json!(text),
            "text" => json!(part.whole()),
            "code" => match mapped {
                Some(found) => json!(found?.1),
                None => json!(text),
            },
            "coding" => coding(mapped??),
            "concept" => match mapped {
                Some(found) => json!({ "coding": [coding(found?)] }),
                None => json!({ "text": text }),
            },
            "date" => json!(leaf::date(&text)?),
            "dateTime" => json!(leaf::date_time(&text, &self.zone)?),
            "instant" => json!(leaf::instant(&text, &self.zone)?),
            "time" => json!(leaf::time(&text)?),
            "decimal" => leaf::decimal(&text)?,
            "integer" => leaf::integer(&text, i64::from(i32::MIN))?,
            "unsignedInt" => leaf::integer(&text, 0)?,
            "positiveInt" => leaf::integer(&text, 1)?,
            "boolean" => leaf::boolean(&text)?,
            "base64" => leaf::base64(&text)?,
            "encoded" => leaf::encoded(&part.whole()),
            "uri" => json!(format!("urn:id:{}", leaf::in_uri(&text))),
            "system" => json!(self.mapping.system(&text).unwrap_or_else(|| format!("urn:id:{}", leaf::in_uri(&text)))),
            "oid" => json!(leaf::oid(&text)?),
            "mime" => json!(mime(&text)),
            "range" => {
                let unit = Source { segment: Some("OBX".to_owned()), numbers: [6, 0, 0] };
                let unit =
                    self.look(&unit, Here { part: None, ..here }).and_then(|it| it.2.first().map(|it| it.text()));
                leaf::range(&part.whole(), unit.as_deref().filter(|it| !it.is_empty()))
            }
            kind => {
                let mut value = self.composite(kind, here)?;
                if let (Some(Some(found)), Value::Object(members)) = (mapped, &mut value) {
                    let coding = coding(found);
                    if members.contains_key("code") && !members.contains_key("coding") {
                        return Some(coding);
                    }
                    let list = members.entry("coding").or_insert_with(|| json!([]));
                    if let Some(list) = list.as_array_mut() {
                        list.retain(|it| it.get("system").is_some() || it.get("code") != coding.get("code"));
                        list.insert(0, coding);
                    }
                }
                value
            }
        })
    }

    /// A data type; if it is a resource of its own, the reference to it.
    fn composite(&mut self, kind: &str, here: Here<'m>) -> Option<Value> {
        let map = self.mapping.map(kind)?;
        if here.depth > DEEPEST {
            return None;
        }
        let mut value = Value::Object(Members::new());
        self.apply(map, here, &mut value, None);
        if value.is_null() || value.as_object().is_some_and(Members::is_empty) {
            return None;
        }
        let Some(resource) = &map.resource else { return Some(value) };
        let part = here.part?;
        let identity = map.identity.iter().find_map(|alternative| {
            let marks: Vec<String> = alternative
                .iter()
                .map(|it| self.look(it, here).and_then(|it| it.2.first().map(identified)).unwrap_or_default())
                .collect();
            (!marks[0].is_empty()).then(|| marks.join("\u{1F}"))
        });
        let identity = identity.unwrap_or_else(|| part.raw().to_owned());
        let mut made = json!({ "resourceType": resource });
        complete(&mut made, value);
        complete(&mut made, Value::Object(map.fill.clone().into_iter().collect()));
        let display = display(&made);
        let place = self.place(here.at).to_string();
        let index = self.add(resource, &identity, made, place)?;
        let mut reference = json!({ "reference": self.built[index].address });
        if let Some(display) = display {
            reference["display"] = json!(display);
        }
        Some(reference)
    }

    /// Every populated field is used, left with a reason, or has no mapping.
    fn account(&mut self, segment: &Segment, at: usize, found: bool) -> (usize, usize) {
        let (mut mapped, mut all) = (0, 0);
        let delimiters = self.message.delimiters();
        let populated: Vec<usize> =
            segment.fields(delimiters).filter(|(_, it)| it.is_valued()).map(|(number, _)| number).collect();
        if !found {
            self.note(Fate::Kept, at, 0, "there is no mapping for this segment in messages of this kind");
            return (0, populated.len());
        }
        for field in populated {
            all += 1;
            if self.used.contains(&(at, field)) {
                mapped += 1;
                continue;
            }
            let why = self.left.get(&(at, field)).cloned();
            self.note(Fate::Kept, at, field, why.unwrap_or_else(|| "there is no mapping for this field".to_owned()));
        }
        (mapped, all)
    }
}

/// What makes a part the same as another: its leaves, without the empty end.
fn identified(part: &Part<'_>) -> String {
    let leaves = |it: Part<'_>| it.parts().take(MOST_PARTS).map(|it| it.text().into_owned()).collect::<Vec<_>>();
    let leaves: Vec<String> = part.parts().take(MOST_PARTS).flat_map(leaves).collect();
    leaves.join("\u{1E}").trim_end_matches('\u{1E}').to_owned()
}

/// An address made from what a resource is: the same parts give the same address, on every machine.
fn address(kind: &str, scope: &str, identity: &str) -> String {
    let hash = digest::digest(&digest::SHA256, format!("v2\u{1D}{kind}\u{1D}{scope}\u{1D}{identity}").as_bytes());
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    // RFC 9562, version 8: made by a rule of our own.
    bytes[6] = (bytes[6] & 0x0F) | 0x80;
    bytes[8] = (bytes[8] & 0x3F) | 0x80;
    let hex: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
    format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// What a person calls the resource.
fn display(resource: &Value) -> Option<String> {
    let name = resource.get("name")?;
    if let Some(text) = name.as_str() {
        return Some(text.to_owned());
    }
    let name = name.get(0)?;
    let given = name.get("given").and_then(|it| it.get(0)).and_then(Value::as_str);
    let parts: Vec<&str> = given.into_iter().chain(name.get("family").and_then(Value::as_str)).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// The kind of a document: already a MIME type, or the short name that senders use.
fn mime(text: &str) -> String {
    const KNOWN: [(&str, &str); 12] = [
        ("PDF", "application/pdf"),
        ("APPLICATION", "application/octet-stream"),
        ("OCTET-STREAM", "application/octet-stream"),
        ("TEXT", "text/plain"),
        ("TX", "text/plain"),
        ("FT", "text/plain"),
        ("PLAIN", "text/plain"),
        ("HTML", "text/html"),
        ("RTF", "application/rtf"),
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("TIFF", "image/tiff"),
    ];
    let known = KNOWN.iter().find(|(name, _)| text.eq_ignore_ascii_case(name)).map(|it| it.1.to_owned());
    known.unwrap_or_else(|| {
        if text.contains('/') { text.to_ascii_lowercase() } else { "application/octet-stream".to_owned() }
    })
}
