//! Consents of patients, read as docs/security/consent.md (section 4) says: which count, what a provision covers,
//! what a decision names. Everything about who asks, when and why is decided here, once for a caller; what is left are
//! conditions on resources, which the store asks.
//!
//! FHIR R4 Consent.

use super::label::{self, Label};
use fhir::search::Registry;
use fhir::search::query::{Filter, ReferenceTest, Source, Test, TokenTest};
use fhir::search::row::{BaseUrls, Span, Target};
use fhir::tables::SearchKind;
use fhir::{Id, Key, ResourceType, Value};
use std::collections::BTreeSet;
use store::{Kinds, Purpose, Within};

const SCOPES: &str = "http://terminology.hl7.org/CodeSystem/consentscope";
const ACTIONS: &str = "http://terminology.hl7.org/CodeSystem/consentaction";
const REASONS: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
const TYPES: &str = "http://hl7.org/fhir/resource-types";
const LOINC: &str = "http://loinc.org";
/// Actors by identifier.
const OUR_CLIENT: &str = "urn:continuo:client";
const OUR_ROLE: &str = "urn:continuo:role";
const OUR_USER: &str = "urn:continuo:user";

/// What must accompany substance use records that leave (42 CFR 2.32).
pub const REDISCLOSURE_NOTICE: &str = "42 CFR part 2 prohibits unauthorized use or disclosure of these records.";

/// A Consent that counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Consent {
    pub id: Id,
    pub patient: Id,
    /// Its scope is research: for that purpose alone.
    research: bool,
    root: Provision,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Permit,
    Deny,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Provision {
    decision: Option<Decision>,
    /// Milliseconds.
    period: Option<Span>,
    actors: Option<Vec<Actor>>,
    /// Whether one of its actions is ours to decide.
    action: Option<bool>,
    purposes: Option<Vec<Reason>>,
    classes: Option<Vec<Class>>,
    /// System (if any) and code.
    codes: Option<Vec<(Option<String>, String)>>,
    labels: Option<Vec<(Option<String>, String)>>,
    data: Option<Vec<Datum>>,
    /// It has an element that we cannot read.
    unreadable: bool,
    exceptions: Vec<Provision>,
}

#[derive(Clone, Debug, PartialEq)]
enum Actor {
    Resource(Key),
    Client(String),
    Role(String),
    User(String),
    Nobody,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Reason {
    Is(Purpose),
    Any,
    /// Of HL7, but none that anybody here may claim.
    Foreign,
    Unreadable,
}

#[derive(Clone, Debug, PartialEq)]
enum Class {
    Kind(ResourceType),
    Loinc(String),
    Unreadable,
}

#[derive(Clone, Debug, PartialEq)]
enum Datum {
    Instance(Key),
    Related(Key),
    Unreadable,
}

/// Who asks, why and when.
#[derive(Clone, Debug, Default)]
pub struct Asker {
    /// Practitioner, Patient, RelatedPerson; their roles, those roles' organisations, their care teams.
    pub keys: BTreeSet<Key>,
    pub client: Option<String>,
    pub role: String,
    pub user: String,
}

/// One way through a Consent to a decision, with what it covers.
#[derive(Clone, Debug)]
pub struct Branch {
    pub deny: bool,
    pub covers: Within,
    /// It names who asks.
    pub named: bool,
    /// Labels it names; when it names any, it opens no other.
    pub labels: BTreeSet<Label>,
    limited: bool,
    /// It lists the very purpose.
    pub lists: bool,
    /// Some element on the way chooses resources; otherwise the health record is meant.
    chooses: bool,
}

impl Branch {
    /// Whether it speaks of this label, by naming it or by naming none. Whoever opens a sensitivity opens what is
    /// restricted because of it.
    pub fn speaks_of(&self, label: Label) -> bool {
        !self.limited || label == Label::Restricted || self.labels.contains(&label)
    }
}

/// What reading decisions needs to know.
pub struct Reader<'a> {
    pub registry: &'a Registry,
    /// The types that are meant when nothing chooses.
    pub health: Kinds,
    /// The types of the patient compartment.
    pub compartment: &'a [ResourceType],
}

impl Consent {
    /// Reads a Consent; `None` when it does not count.
    pub fn read(value: &Value, bases: &BaseUrls) -> Option<Consent> {
        if value["status"].as_str() != Some("active") {
            return None;
        }
        let scoped = |code: &str| has(&value["scope"]["coding"], SCOPES, code);
        let privacy = scoped("patient-privacy");
        if !privacy && !scoped("research") {
            return None;
        }
        let patient = local(&value["patient"], bases).filter(|it| it.kind.name() == "Patient")?;
        let mut root = Provision::read(&value["provision"], bases);
        let out = value["policyRule"]["coding"].as_array().into_iter().flatten().any(|it| it["code"] == "OPTOUT");
        if root.decision.is_none() && out {
            root.decision = Some(Decision::Deny);
        }
        Some(Consent { id: Id::parse(value["id"].as_str()?)?, patient: patient.id, research: !privacy, root })
    }

    /// Every decision that may concern this asker at this moment for this purpose. A permit that does not list research or
    /// legal purposes is none for them.
    pub fn branches(&self, reader: &Reader<'_>, asker: &Asker, purpose: Purpose, now: i64) -> Vec<Branch> {
        if self.research && purpose != Purpose::Research {
            return Vec::new();
        }
        let asking = Asking { reader, asker, purpose, now: now.div_euclid(1_000) };
        let strict = matches!(purpose, Purpose::Research | Purpose::Legal);
        let (denials, permits) = asking.decisions(&self.root);
        let permits = permits.into_iter().filter(|it| it.lists || !strict);
        let health = |branch: Branch| match branch.chooses {
            true => branch,
            false => Branch { covers: both(Within::Kinds(reader.health), branch.covers.clone()), ..branch },
        };
        denials.into_iter().chain(permits).map(health).filter(|it| !is_nothing(&it.covers)).collect()
    }

    /// The earliest moment after `now` (microseconds) at which a period of it begins or ends.
    pub fn turns(&self, now: i64) -> Option<i64> {
        let mut turns = Vec::new();
        self.root.turns(&mut turns);
        turns.into_iter().filter_map(|ms| ms.checked_mul(1_000)).filter(|at| *at > now).min()
    }
}

impl Provision {
    fn read(value: &Value, bases: &BaseUrls) -> Provision {
        let mut unreadable = value.get("dataPeriod").is_some();
        let decision = match value["type"].as_str() {
            None => None,
            Some("permit") => Some(Decision::Permit),
            Some(_) => Some(Decision::Deny),
        };
        let period = value.get("period").map(|period| {
            let bound = |name: &str| period[name].as_str().map(Span::parse);
            let (start, end) = (bound("start"), bound("end"));
            unreadable |= matches!(start, Some(None)) || matches!(end, Some(None));
            Span {
                low: start.flatten().map_or(i64::MIN, |it| it.low),
                high: end.flatten().map_or(i64::MAX, |it| it.high),
            }
        });
        let action = list(value, "action").map(|actions| {
            let ours = ["access", "use", "disclose"];
            actions.iter().any(|it| ours.iter().any(|code| has(&it["coding"], ACTIONS, code)))
        });
        let coding = |it: &Value| Some((it["system"].as_str().map(str::to_owned), it["code"].as_str()?.to_owned()));
        let codes = list(value, "code").map(|concepts| {
            concepts.iter().flat_map(|it| it["coding"].as_array().into_iter().flatten().filter_map(coding)).collect()
        });
        let exceptions = value["provision"].as_array().into_iter().flatten().map(|it| {
            let exception = Provision::read(it, bases);
            Provision { decision: exception.decision.or(Some(Decision::Deny)), ..exception }
        });
        Provision {
            decision,
            period,
            actors: list(value, "actor").map(|all| all.iter().map(|it| Actor::read(&it["reference"], bases)).collect()),
            action,
            purposes: list(value, "purpose").map(|all| all.iter().map(Reason::read).collect()),
            classes: list(value, "class").map(|all| all.iter().map(Class::read).collect()),
            codes,
            labels: list(value, "securityLabel").map(|all| all.iter().filter_map(coding).collect()),
            data: list(value, "data").map(|all| all.iter().map(|it| Datum::read(it, bases)).collect()),
            exceptions: exceptions.collect(),
            unreadable,
        }
    }

    fn turns(&self, found: &mut Vec<i64>) {
        found.extend(self.period.iter().flat_map(|it| [it.low, it.high]));
        self.exceptions.iter().for_each(|it| it.turns(found));
    }
}

impl Actor {
    fn read(reference: &Value, bases: &BaseUrls) -> Actor {
        if let Some(key) = local(reference, bases) {
            return Actor::Resource(key);
        }
        let text = |name: &str| reference["identifier"][name].as_str().unwrap_or_default();
        let value = text("value").to_owned();
        match text("system") {
            OUR_CLIENT => Actor::Client(value),
            OUR_ROLE => Actor::Role(value),
            OUR_USER => Actor::User(value),
            _ => Actor::Nobody,
        }
    }

    fn is(&self, asker: &Asker) -> bool {
        match self {
            Actor::Resource(key) => asker.keys.contains(key),
            Actor::Client(id) => asker.client.as_ref() == Some(id),
            Actor::Role(key) => !key.is_empty() && asker.role == *key,
            Actor::User(name) => !name.is_empty() && asker.user == *name,
            Actor::Nobody => false,
        }
    }
}

impl Reason {
    fn read(coding: &Value) -> Reason {
        match (coding["system"].as_str().unwrap_or(REASONS), coding["code"].as_str()) {
            (REASONS, Some("PurposeOfUse")) => Reason::Any,
            (REASONS, Some(code)) => super::roles::purpose(code).map_or(Reason::Foreign, Reason::Is),
            _ => Reason::Unreadable,
        }
    }

    fn fits(self, purpose: Purpose) -> bool {
        match self {
            Reason::Any => true,
            Reason::Is(own) => own == purpose || (own == Purpose::Treatment && purpose == Purpose::Emergency),
            Reason::Foreign | Reason::Unreadable => false,
        }
    }
}

impl Class {
    fn read(coding: &Value) -> Class {
        match (coding["system"].as_str(), coding["code"].as_str()) {
            (Some(TYPES), Some(code)) => ResourceType::parse(code).map_or(Class::Unreadable, Class::Kind),
            (Some(LOINC), Some(code)) => Class::Loinc(code.to_owned()),
            _ => Class::Unreadable,
        }
    }
}

impl Datum {
    fn read(value: &Value, bases: &BaseUrls) -> Datum {
        match (value["meaning"].as_str(), local(&value["reference"], bases)) {
            (Some("instance"), Some(key)) => Datum::Instance(key),
            (Some("related" | "dependents"), Some(key)) => Datum::Related(key),
            _ => Datum::Unreadable,
        }
    }
}

/// A question put to one Consent.
struct Asking<'a> {
    reader: &'a Reader<'a>,
    asker: &'a Asker,
    purpose: Purpose,
    /// Milliseconds.
    now: i64,
}

impl Asking<'_> {
    /// Denials and permits of a provision and its exceptions.
    fn decisions(&self, it: &Provision) -> (Vec<Branch>, Vec<Branch>) {
        // What cannot be read fits a denial and no permit, so each is read for itself.
        let (for_denial, for_permit) = (self.covers(it, true), self.covers(it, false));
        let Some(for_denial) = for_denial else { return (Vec::new(), Vec::new()) };
        let (mut denied, mut permitted) = (Vec::new(), Vec::new());
        for exception in &it.exceptions {
            let (denials, permits) = self.decisions(exception);
            denied.extend(denials);
            permitted.extend(permits);
        }
        let union = |all: &[Branch]| any_of(all.iter().map(|it| it.covers.clone()).collect());
        let (any_denied, any_permitted) = (union(&denied), union(&permitted));
        let own = |deny: bool, covers: Within, except: &Within| Branch {
            deny,
            covers: both(covers, without(except.clone())),
            named: it.actors.is_some(),
            labels: self.labels(it),
            limited: it.labels.is_some(),
            lists: self.lists(it),
            chooses: it.chooses(),
        };
        let through = |branch: Branch, covers: &Within| Branch {
            covers: both(covers.clone(), branch.covers),
            named: branch.named || it.actors.is_some(),
            labels: &branch.labels | &self.labels(it),
            limited: branch.limited || it.labels.is_some(),
            lists: branch.lists || self.lists(it),
            chooses: branch.chooses || it.chooses(),
            ..branch
        };
        let mut denials: Vec<Branch> = denied.into_iter().map(|branch| through(branch, &for_denial)).collect();
        if it.decision == Some(Decision::Deny) {
            denials.push(own(true, for_denial, &any_permitted));
        }
        let mut permits = Vec::new();
        if let Some(for_permit) = for_permit {
            let except = without(any_denied.clone());
            permits.extend(permitted.into_iter().map(|branch| {
                let through = through(branch, &for_permit);
                Branch { covers: both(through.covers.clone(), except.clone()), ..through }
            }));
            if it.decision == Some(Decision::Permit) {
                permits.push(own(false, for_permit, &any_denied));
            }
        }
        (denials, permits)
    }

    /// What a provision covers by its own elements; `None` when it does not concern the asker.
    fn covers(&self, it: &Provision, denial: bool) -> Option<Within> {
        if it.unreadable && !denial {
            return None;
        }
        if it.period.is_some_and(|period| self.now < period.low || self.now >= period.high) || it.action == Some(false)
        {
            return None;
        }
        if it.actors.as_ref().is_some_and(|actors| !actors.iter().any(|actor| actor.is(self.asker))) {
            return None;
        }
        if let Some(purposes) = &it.purposes {
            let fits = |it: &Reason| it.fits(self.purpose) || (denial && *it == Reason::Unreadable);
            if !purposes.iter().any(fits) {
                return None;
            }
        }
        let unreadable = || if denial { everything() } else { nothing() };
        let mut all = Vec::new();
        if let Some(classes) = &it.classes {
            all.push(any_of(
                classes
                    .iter()
                    .map(|class| match class {
                        Class::Kind(kind) => Within::Kinds([*kind].into_iter().collect()),
                        Class::Loinc(code) => self.coded(Some(LOINC), code),
                        Class::Unreadable => unreadable(),
                    })
                    .collect(),
            ));
        }
        if let Some(codes) = &it.codes {
            all.push(any_of(codes.iter().map(|(system, code)| self.coded(system.as_deref(), code)).collect()));
        }
        if let Some(labels) = &it.labels {
            let registry = self.reader.registry;
            all.push(any_of(
                labels
                    .iter()
                    .map(|(system, code)| match Label::of(system.as_deref(), code) {
                        Some(label) => label.within(registry),
                        None => label::tagged(registry, system.as_deref().unwrap_or_default(), code),
                    })
                    .collect(),
            ));
        }
        if let Some(data) = &it.data {
            all.push(any_of(
                data.iter()
                    .map(|datum| match datum {
                        Datum::Instance(key) => instance(key),
                        Datum::Related(key) => any_of(vec![instance(key), self.pointing_at(key)]),
                        Datum::Unreadable => unreadable(),
                    })
                    .collect(),
            ));
        }
        Some(all.into_iter().fold(everything(), both))
    }

    fn labels(&self, it: &Provision) -> BTreeSet<Label> {
        let labels = it.labels.iter().flatten();
        labels.filter_map(|(system, code)| Label::of(system.as_deref(), code)).collect()
    }

    fn lists(&self, it: &Provision) -> bool {
        it.purposes.iter().flatten().any(|it| *it == Reason::Is(self.purpose))
    }

    /// What has this code where types say what they are.
    fn coded(&self, system: Option<&str>, code: &str) -> Within {
        let test = match system {
            Some(system) => TokenTest::Coding { system: Some(system.to_owned()), code: code.to_owned() },
            None => TokenTest::Code(code.to_owned()),
        };
        self.by_parameters(Test::Token(test), |code, kind| {
            kind == SearchKind::Token && matches!(code, "code" | "vaccine-code" | "type" | "category")
        })
    }

    fn pointing_at(&self, key: &Key) -> Within {
        let test = ReferenceTest::To(Target::Local { key: key.clone(), version: None });
        self.by_parameters(Test::Reference(test), |_, kind| kind == SearchKind::Reference)
    }

    /// Each type by parameters of its own; the others fall away when a type is asked about.
    fn by_parameters(&self, test: Test, takes: impl Fn(&str, SearchKind) -> bool) -> Within {
        let of = |kind: &ResourceType| {
            let params = self.reader.registry.params(*kind).filter(|it| takes(&it.code, it.kind));
            let sources: BTreeSet<Source> = params.flat_map(|it| it.sources.iter().copied()).collect();
            let row = Filter::Row { sources: sources.into_iter().collect(), tests: vec![test.clone()] };
            both(Within::Kinds([*kind].into_iter().collect()), Within::Matching(row))
        };
        any_of(self.reader.compartment.iter().map(of).collect())
    }
}

impl Provision {
    /// It has an element that chooses among resources.
    fn chooses(&self) -> bool {
        self.classes.is_some() || self.codes.is_some() || self.labels.is_some() || self.data.is_some()
    }
}

fn instance(key: &Key) -> Within {
    both(Within::Kinds([key.kind].into_iter().collect()), Within::Matching(Filter::Ids(vec![key.id.clone()])))
}

pub(super) fn everything() -> Within {
    Within::All(Vec::new())
}

pub(super) fn nothing() -> Within {
    Within::Any(Vec::new())
}

pub(super) fn is_nothing(it: &Within) -> bool {
    *it == nothing()
}

pub(super) fn both(a: Within, b: Within) -> Within {
    if is_nothing(&a) || is_nothing(&b) {
        return nothing();
    }
    let mut all = Vec::new();
    for it in [a, b] {
        match it {
            Within::All(parts) => all.extend(parts),
            it => all.push(it),
        }
    }
    if all.len() == 1 { all.remove(0) } else { Within::All(all) }
}

pub(super) fn any_of(parts: Vec<Within>) -> Within {
    let mut any = Vec::new();
    for it in parts {
        match it {
            it if it == everything() => return everything(),
            Within::Any(parts) => any.extend(parts),
            it => any.push(it),
        }
    }
    if any.len() == 1 { any.remove(0) } else { Within::Any(any) }
}

pub(super) fn without(it: Within) -> Within {
    match it {
        it if is_nothing(&it) => everything(),
        it if it == everything() => nothing(),
        Within::Not(inner) => *inner,
        it => Within::Not(Box::new(it)),
    }
}

/// A list that is there and not empty.
fn list<'a>(value: &'a Value, name: &str) -> Option<&'a Vec<Value>> {
    value.get(name)?.as_array().filter(|it| !it.is_empty())
}

fn has(codings: &Value, system: &str, code: &str) -> bool {
    let mut all = codings.as_array().into_iter().flatten();
    all.any(|it| it["code"] == code && it["system"].as_str().is_none_or(|own| own == system))
}

/// The resource here that a reference points at.
pub(super) fn local(reference: &Value, bases: &BaseUrls) -> Option<Key> {
    match Target::read(reference["reference"].as_str()?, None, bases) {
        Target::Local { key, .. } => Some(key),
        _ => None,
    }
}
