//! Code sets: which codes a bound element may hold. Only sets that a required binding needs, and small
//! extensible ones, are here (FHIR R4, terminologies.html#binding).

use super::index::NameIndex;
use std::sync::LazyLock;

/// How strongly an element is bound to its value set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    Example,
    Preferred,
    Extensible,
    Required,
}

/// The value set of an element. `codes` is known for required bindings and small extensible ones.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    pub strength: Strength,
    /// Canonical address without version; empty where the standard only describes it in words.
    pub value_set: &'static str,
    pub codes: Option<&'static CodeSet>,
}

impl Binding {
    /// Reads `required http://…`.
    pub(super) fn read(text: &'static str) -> Option<Binding> {
        let (strength, value_set) = text.split_once(' ').unwrap_or((text, ""));
        let strength = match strength {
            "required" => Strength::Required,
            "extensible" => Strength::Extensible,
            "preferred" => Strength::Preferred,
            "example" => Strength::Example,
            _ => return None,
        };
        Some(Binding { strength, value_set, codes: code_set(value_set) })
    }
}

/// How membership is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeRule {
    /// The codes are listed.
    Listed,
    /// ISO 4217: three capital letters.
    Currency,
    /// BCP 13: `type/subtype` with parameters.
    MimeType,
    /// A unit of UCUM.
    Ucum,
    /// The codes lie outside the package (a LOINC answer list): nothing is refused.
    Unchecked,
}

/// A value set whose codes can be listed or told by a rule.
#[derive(Debug)]
pub struct CodeSet {
    pub url: &'static str,
    pub strength: Strength,
    pub rule: CodeRule,
    /// Code systems with their codes, both sorted.
    pub systems: Vec<(&'static str, Vec<&'static str>)>,
}

impl CodeSet {
    /// Whether `code` of `system` is in the set. Rules are the caller's business: they answer true here.
    pub fn contains(&self, system: &str, code: &str) -> bool {
        self.rule != CodeRule::Listed
            || self.systems.iter().any(|(own, codes)| *own == system && codes.binary_search(&code).is_ok())
    }

    /// Whether `code` is in the set, whatever its system: for elements of type `code`.
    pub fn contains_code(&self, code: &str) -> bool {
        self.rule != CodeRule::Listed || self.systems.iter().any(|(_, codes)| codes.binary_search(&code).is_ok())
    }

    /// Whether the set draws on this code system at all.
    pub fn has_system(&self, system: &str) -> bool {
        self.systems.iter().any(|(own, _)| *own == system)
    }

    /// The code system a bare code of this set belongs to.
    pub fn system_of(&self, code: &str) -> Option<&'static str> {
        self.systems.iter().find(|(_, codes)| codes.binary_search(&code).is_ok()).map(|(system, _)| *system)
    }
}

struct CodeSets {
    sets: Vec<CodeSet>,
    index: NameIndex,
}

static CODE_SETS: LazyLock<CodeSets> = LazyLock::new(|| {
    let mut sets: Vec<CodeSet> = Vec::new();
    for line in include_str!("../../../../spec/fhir-r4/codes.tsv").lines() {
        let mut fields = line.split('\t');
        match fields.next() {
            Some("V") => sets.push(CodeSet {
                url: fields.next().expect("a value set has an address"),
                strength: match fields.next() {
                    Some("required") => Strength::Required,
                    _ => Strength::Extensible,
                },
                rule: match fields.next() {
                    Some("listed") => CodeRule::Listed,
                    Some("currency") => CodeRule::Currency,
                    Some("mime-type") => CodeRule::MimeType,
                    Some("ucum") => CodeRule::Ucum,
                    _ => CodeRule::Unchecked,
                },
                systems: Vec::new(),
            }),
            Some("S") => {
                let system = fields.next().expect("a line of codes names its system");
                sets.last_mut().expect("codes follow their value set").systems.push((system, fields.collect()));
            }
            _ => unreachable!("codes.tsv holds V and S lines"),
        }
    }
    let index = NameIndex::of(sets.iter().map(|set| set.url));
    CodeSets { sets, index }
});

/// The code set of a value set, by its canonical address without version.
pub fn code_set(value_set: &str) -> Option<&'static CodeSet> {
    let all: &'static CodeSets = &CODE_SETS;
    all.index.find(value_set, |place| all.sets[place].url).map(|place| &all.sets[place])
}

pub fn code_sets() -> &'static [CodeSet] {
    &CODE_SETS.sets
}
