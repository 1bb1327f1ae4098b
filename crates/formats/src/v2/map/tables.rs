//! The mapping as data: `content/v2` read once, checked, and if a partner needs it, laid over with what differs.
//! Which segment makes what (messages), which field goes where (segments), how a data type is written (datatypes),
//! what a code becomes (codes). Nothing in them can do more than this file knows.

use super::condition::Condition;
use super::target::Target;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

const CODES: [&str; 2] = [
    include_str!("../../../../../content/v2/codes/tables.toml"),
    include_str!("../../../../../content/v2/codes/own.toml"),
];
const SYSTEMS: &str = include_str!("../../../../../content/v2/codes/systems.toml");
const MAPS: [&str; 10] = [
    include_str!("../../../../../content/v2/datatypes/people.toml"),
    include_str!("../../../../../content/v2/datatypes/values.toml"),
    include_str!("../../../../../content/v2/segments/patient.toml"),
    include_str!("../../../../../content/v2/segments/visit.toml"),
    include_str!("../../../../../content/v2/segments/clinical.toml"),
    include_str!("../../../../../content/v2/segments/orders.toml"),
    include_str!("../../../../../content/v2/segments/results.toml"),
    include_str!("../../../../../content/v2/segments/medicines.toml"),
    include_str!("../../../../../content/v2/segments/schedule.toml"),
    include_str!("../../../../../content/v2/segments/finance.toml"),
];
const MESSAGES: &str = include_str!("../../../../../content/v2/messages/messages.toml");

/// What is wrong with a mapping.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {says}")]
pub struct MappingError {
    pub place: String,
    pub says: String,
}

fn wrong(place: impl Into<String>, says: impl Into<String>) -> MappingError {
    MappingError { place: place.into(), says: says.into() }
}

/// Where a rule takes its value.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// Another segment than the one at hand.
    pub(super) segment: Option<String>,
    /// In a segment: field, component, subcomponent. In a data type: component, subcomponent.
    pub(super) numbers: [usize; 3],
}

impl Source {
    fn read(text: &str) -> Result<Source, String> {
        let (segment, rest) = match text.split_once('-') {
            Some((segment, rest)) => (Some(segment.to_owned()), rest),
            None => (None, text),
        };
        let mut numbers = [0; 3];
        for (at, part) in rest.split('.').enumerate() {
            let number = part.parse().map_err(|_| format!("{text} is no field"))?;
            *numbers.get_mut(at).ok_or(format!("{text} is too deep"))? = number;
        }
        Ok(Source { segment, numbers })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    #[serde(default)]
    from: Option<String>,
    to: String,
    #[serde(default, rename = "as")]
    kind: Option<String>,
    #[serde(default)]
    codes: Option<String>,
    #[serde(default)]
    value: Option<Value>,
    #[serde(default)]
    when: Option<String>,
    /// All repetitions as one text.
    #[serde(default)]
    join: Option<String>,
    /// Where the text goes when it is not what `as` says.
    #[serde(default)]
    otherwise: Option<String>,
    /// Only if nothing is there yet.
    #[serde(default)]
    fill: bool,
    /// Only if this is there already: a unit needs its number.
    #[serde(default)]
    needs: Option<String>,
    /// What is also put down when there was a value.
    #[serde(default)]
    plus: BTreeMap<String, Value>,
}

/// One row: from a field to an element.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) from: Option<Source>,
    pub(super) to: Target,
    pub(super) to_text: String,
    pub(super) kind: String,
    pub(super) codes: Option<String>,
    pub(super) value: Option<Value>,
    pub(super) when: Option<Condition>,
    pub(super) join: Option<String>,
    pub(super) otherwise: Option<Target>,
    pub(super) fill: bool,
    pub(super) needs: Option<Target>,
    pub(super) plus: Vec<(Target, Value)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMap {
    #[serde(default)]
    rules: Vec<WrittenRule>,
    /// Fields that are left where they are, and why.
    #[serde(default)]
    left: BTreeMap<String, String>,
    /// Fields that are used in another way: the order of the segments, what is looked at by conditions.
    #[serde(default)]
    used: Vec<usize>,
    #[serde(default)]
    resource: Option<String>,
    /// What makes two the same: alternatives, each a list of parts.
    #[serde(default)]
    identity: Vec<String>,
    /// Members that a resource must have.
    #[serde(default)]
    fill: BTreeMap<String, Value>,
}

/// The rules of a segment or a data type.
#[derive(Debug, Default)]
pub(super) struct Map {
    pub(super) rules: Vec<Rule>,
    pub(super) left: BTreeMap<usize, String>,
    pub(super) used: Vec<usize>,
    pub(super) resource: Option<String>,
    pub(super) identity: Vec<Vec<Source>>,
    pub(super) fill: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRow {
    on: String,
    #[serde(default)]
    when: Option<String>,
    #[serde(default)]
    make: Option<String>,
    #[serde(default)]
    into: Option<String>,
    #[serde(default)]
    join: Option<String>,
    #[serde(default)]
    slot: Option<String>,
    #[serde(default)]
    with: Vec<String>,
    #[serde(default)]
    identity: Vec<String>,
    #[serde(default)]
    distinct: bool,
    #[serde(default)]
    refs: BTreeMap<String, String>,
    #[serde(default)]
    back: BTreeMap<String, String>,
    #[serde(default)]
    fill: BTreeMap<String, Value>,
    #[serde(default)]
    clears: Vec<String>,
}

/// What goes into the hash of an address.
#[derive(Clone, Debug)]
pub(super) enum Mark {
    Slot(String),
    From(Source),
}

/// What a segment does in a message.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) on: String,
    pub(super) when: Option<Condition>,
    pub(super) make: Option<String>,
    pub(super) into: Option<String>,
    /// The slot whose resource this segment joins if none of its name did so before.
    pub(super) join: Option<String>,
    pub(super) slot: Option<String>,
    pub(super) with: Vec<String>,
    pub(super) identity: Vec<Vec<Mark>>,
    /// Two of the same identity in a message are two.
    pub(super) distinct: bool,
    pub(super) refs: Vec<(Target, String)>,
    pub(super) back: Vec<(String, Target)>,
    pub(super) fill: BTreeMap<String, Value>,
    pub(super) clears: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMessages {
    #[serde(default)]
    block: BTreeMap<String, Vec<WrittenRow>>,
    #[serde(default)]
    message: BTreeMap<String, WrittenKind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKind {
    events: Vec<String>,
    blocks: Vec<String>,
}

/// A mapping that was checked.
#[derive(Debug, Default)]
pub struct Mapping {
    codes: HashMap<String, CodeTable>,
    systems: HashMap<String, String>,
    maps: HashMap<String, Map>,
    blocks: HashMap<String, Vec<Row>>,
    kinds: HashMap<String, Vec<String>>,
    /// `ADT^A01` to the kind of message.
    events: HashMap<String, String>,
}

/// What the codes of a table become. `system` and `of` (the system of version 2) are said once.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct CodeTable {
    #[serde(default)]
    pub(super) system: String,
    #[serde(default)]
    pub(super) map: HashMap<String, String>,
}

impl Mapping {
    /// The mapping that the program brings.
    pub fn standard() -> &'static Mapping {
        static STANDARD: OnceLock<Mapping> = OnceLock::new();
        STANDARD.get_or_init(|| Mapping::read(&[]).expect("content/v2 is checked by the tests"))
    }

    /// The mapping with the differences of a partner: TOML as in `content/v2`, under `codes`, `systems`, `maps` and
    /// `messages`. A table or map of the same name replaces ours.
    pub fn with(differences: &str) -> Result<Mapping, MappingError> {
        Mapping::read(&[differences])
    }

    fn read(differences: &[&str]) -> Result<Mapping, MappingError> {
        let mut mapping = Mapping::default();
        for text in CODES {
            mapping.codes.extend(parsed::<HashMap<String, CodeTable>>("content/v2/codes", text)?);
        }
        mapping.systems.extend(parsed::<HashMap<String, String>>("content/v2/codes/systems.toml", SYSTEMS)?);
        for text in MAPS {
            mapping.take_maps(parsed("content/v2", text)?)?;
        }
        mapping.take_messages(parsed("content/v2/messages", MESSAGES)?)?;
        for text in differences {
            let more: Differences = parsed("the partner's mapping", text)?;
            mapping.codes.extend(more.codes);
            mapping.systems.extend(more.systems);
            mapping.take_maps(more.maps)?;
            mapping.take_messages(
                more.messages.unwrap_or(WrittenMessages { block: BTreeMap::new(), message: BTreeMap::new() }),
            )?;
        }
        mapping.check()?;
        Ok(mapping)
    }

    fn take_maps(&mut self, maps: BTreeMap<String, WrittenMap>) -> Result<(), MappingError> {
        for (name, written) in maps {
            let is_datatype = name
                .find('[')
                .is_some_and(|at| !written.rules.is_empty() && SEGMENTS.iter().all(|it| *it != &name[..at]));
            let mut map = Map { used: written.used, resource: written.resource, fill: written.fill, ..Map::default() };
            for (number, rule) in written.rules.into_iter().enumerate() {
                let place = format!("{name}, rule {}", number + 1);
                map.rules.push(rule.checked(is_datatype).map_err(|says| wrong(place, says))?);
            }
            for (fields, why) in written.left {
                for field in fields.split(' ') {
                    let (from, to) = field.split_once('-').unwrap_or((field, field));
                    let (from, to) = (from.parse::<usize>(), to.parse::<usize>());
                    let (Ok(from), Ok(to)) = (from, to) else {
                        return Err(wrong(name, format!("{field} is no field")));
                    };
                    map.left.extend((from..=to.min(from + 200)).map(|it| (it, why.clone())));
                }
            }
            for alternative in &written.identity {
                let sources: Result<Vec<Source>, String> = alternative.split(' ').map(Source::read).collect();
                map.identity.push(sources.map_err(|says| wrong(&name, says))?);
            }
            self.maps.insert(name, map);
        }
        Ok(())
    }

    fn take_messages(&mut self, messages: WrittenMessages) -> Result<(), MappingError> {
        for (name, rows) in messages.block {
            let rows: Result<Vec<Row>, String> = rows.into_iter().map(WrittenRow::checked).collect();
            self.blocks.insert(name.clone(), rows.map_err(|says| wrong(format!("block {name}"), says))?);
        }
        for (name, kind) in messages.message {
            self.events.extend(kind.events.into_iter().map(|it| (it, name.clone())));
            self.kinds.insert(name, kind.blocks);
        }
        Ok(())
    }

    /// Every name that is used is there.
    fn check(&self) -> Result<(), MappingError> {
        for (name, map) in &self.maps {
            for rule in &map.rules {
                if !super::work::is_leaf(&rule.kind) && !self.maps.contains_key(&rule.kind) {
                    return Err(wrong(name, format!("there is no data type {}", rule.kind)));
                }
                if let Some(codes) = rule.codes.as_ref().filter(|it| !self.codes.contains_key(*it)) {
                    return Err(wrong(name, format!("there is no table of codes {codes}")));
                }
            }
        }
        for (name, rows) in &self.blocks {
            if let Some(missing) = rows.iter().flat_map(|it| &it.with).find(|it| !self.maps.contains_key(*it)) {
                return Err(wrong(format!("block {name}"), format!("there is no {missing}")));
            }
        }
        for (name, blocks) in &self.kinds {
            if let Some(missing) = blocks.iter().find(|it| !self.blocks.contains_key(*it)) {
                return Err(wrong(format!("message {name}"), format!("there is no block {missing}")));
            }
        }
        Ok(())
    }

    /// The rows for a message, and whether its kind is one that we know.
    pub(super) fn rows(&self, kind: &str, event: &str) -> (Vec<&Row>, bool) {
        let names = [format!("{kind}^{event}"), format!("{kind}^*")];
        let known = names.iter().find_map(|it| self.events.get(it));
        let blocks = known.or(self.events.get("*")).and_then(|it| self.kinds.get(it));
        let rows = blocks.into_iter().flatten().filter_map(|it| self.blocks.get(it)).flatten().collect();
        (rows, known.is_some())
    }

    pub(super) fn map(&self, name: &str) -> Option<&Map> {
        self.maps.get(name)
    }

    /// What a code becomes: system and code.
    pub(super) fn code(&self, table: &str, code: &str) -> Option<(&str, &str)> {
        let table = self.codes.get(table)?;
        let found = table.map.get(code).or_else(|| table.map.get(&code.to_ascii_uppercase()))?;
        // A code with a system of its own is written `system|code`.
        Some(found.rsplit_once('|').unwrap_or((&table.system, found)))
    }

    /// The address of a code system that version 2 calls by a short name.
    pub(super) fn system(&self, name: &str) -> Option<String> {
        let name = name.trim();
        if let Some(known) = self.systems.get(&name.to_ascii_uppercase()) {
            return Some(known.clone());
        }
        let digits = name.strip_prefix("HL7").or_else(|| name.strip_prefix("hl7")).unwrap_or("");
        let is_table = (3..=4).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit());
        if is_table {
            return Some(format!("http://terminology.hl7.org/CodeSystem/v2-{digits:0>4}"));
        }
        if ["http://", "https://", "urn:"].iter().any(|it| name.starts_with(it)) && !name.contains(char::is_whitespace)
        {
            return Some(name.to_owned());
        }
        super::leaf::oid(name)
    }

    /// Whether the field of a segment is mapped, left with a reason, or neither: for the table of coverage.
    pub fn covers(&self, map: &str, from: &str, to: &str) -> Coverage {
        let Some(found) = self.maps.get(map) else { return Coverage::NotYet };
        let field: Option<usize> = from.split(['-', '.']).find_map(|it| it.parse().ok());
        let head = |text: &str| text.split(['[', '.', '(', '=', '{', ' ']).next().unwrap_or("").to_owned();
        let same_field = |rule: &&Rule| match (&rule.from, field) {
            (Some(source), Some(field)) => source.numbers[0] == field,
            (None, _) => true,
            (Some(_), None) => false,
        };
        let wanted = head(to);
        let wanted = wanted.trim_start_matches('$');
        let goes = |rule: &Rule| {
            let mut here = std::iter::once(rule.to_text.as_str());
            let mut here = here.by_ref().map(|it| head(it).trim_start_matches('_').to_owned());
            wanted == "this" || here.any(|it| it == wanted || it.starts_with(wanted) || wanted.starts_with(&it))
        };
        if found.rules.iter().filter(same_field).any(goes) {
            return Coverage::Mapped;
        }
        match field.and_then(|it| found.left.get(&it)) {
            Some(why) => Coverage::Left(why.clone()),
            None if field.is_some_and(|it| found.used.contains(&it)) => Coverage::Mapped,
            None => Coverage::NotYet,
        }
    }

    /// Whether a table of codes has a code.
    pub fn covers_code(&self, table: &str, code: &str) -> bool {
        self.code(table, code).is_some()
    }
}

/// What became of a row of HL7's tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coverage {
    Mapped,
    Left(String),
    NotYet,
}

/// Whether a condition of HL7's tables is one that this language has.
pub fn condition_is_read(text: &str) -> Result<(), String> {
    Condition::read(text, true).map(drop)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Differences {
    #[serde(default)]
    codes: HashMap<String, CodeTable>,
    #[serde(default)]
    systems: HashMap<String, String>,
    #[serde(default)]
    maps: BTreeMap<String, WrittenMap>,
    #[serde(default)]
    messages: Option<WrittenMessages>,
}

/// Names before a bracket that are segments; everything else is a data type.
const SEGMENTS: [&str; 44] = [
    "MSH", "EVN", "PID", "PD1", "NK1", "MRG", "PV1", "PV2", "AL1", "IAM", "DG1", "PR1", "IN1", "IN2", "GT1", "ORC",
    "OBR", "OBX", "NTE", "SPM", "TQ1", "RXA", "RXR", "RXO", "RXE", "RXD", "RXC", "SCH", "AIS", "AIG", "AIL", "AIP",
    "RGS", "TXA", "FT1", "PRB", "ROL", "PRT", "SFT", "DB1", "ACC", "PDA", "SAC", "MSA",
];

fn parsed<T: serde::de::DeserializeOwned>(place: &str, text: &str) -> Result<T, MappingError> {
    toml::from_str(text).map_err(|error| wrong(place, error.to_string()))
}

impl WrittenRule {
    fn checked(self, is_datatype: bool) -> Result<Rule, String> {
        let plus: Result<Vec<_>, String> =
            self.plus.into_iter().map(|(target, value)| Ok((Target::read(&target)?, value))).collect();
        let from = self.from.as_deref().map(Source::read).transpose()?;
        if from.is_none() && self.value.is_none() {
            return Err("it has neither from nor value".to_owned());
        }
        Ok(Rule {
            from,
            to: Target::read(&self.to)?,
            to_text: self.to,
            kind: self.kind.unwrap_or_else(|| "string".to_owned()),
            codes: self.codes,
            value: self.value,
            when: self.when.map(|it| Condition::read(&it, is_datatype)).transpose()?,
            join: self.join,
            otherwise: self.otherwise.as_deref().map(Target::read).transpose()?,
            fill: self.fill,
            needs: self.needs.as_deref().map(Target::read).transpose()?,
            plus: plus?,
        })
    }
}

impl WrittenRow {
    fn checked(self) -> Result<Row, String> {
        let marks = |text: &String| -> Result<Vec<Mark>, String> {
            text.split(' ')
                .map(|it| match it.strip_prefix('@') {
                    Some(slot) => Ok(Mark::Slot(slot.to_owned())),
                    None => Source::read(it).map(Mark::From),
                })
                .collect()
        };
        let identity: Result<Vec<Vec<Mark>>, String> = self.identity.iter().map(marks).collect();
        let refs: Result<Vec<_>, String> =
            self.refs.into_iter().map(|(to, slot)| Ok((Target::read(&to)?, slot))).collect();
        let back: Result<Vec<_>, String> =
            self.back.into_iter().map(|(slot, to)| Ok((slot, Target::read(&to)?))).collect();
        Ok(Row {
            on: self.on,
            when: self.when.map(|it| Condition::read(&it, false)).transpose()?,
            make: self.make,
            into: self.into,
            join: self.join,
            slot: self.slot,
            with: self.with,
            identity: identity?,
            distinct: self.distinct,
            refs: refs?,
            back: back?,
            fill: self.fill,
            clears: self.clears,
        })
    }
}
