//! SMART scopes: read strictly, narrowed, printed in one form, said in plain words, and made into a [`Layer`].
//! Version 2 (`patient/Observation.rs?category=…|laboratory`) and version 1 (`patient/*.read`) both.
//!
//! A scope grants nothing beyond what its user may do: it is a layer beside the role's. A `patient/` scope without a
//! patient in context grants nothing.
//!
//! SMART App Launch 2.2, section 3.0.2 (Scopes and Launch Context).

use super::roles::letters;
use fhir::search::query::Filter;
use fhir::search::row::BaseUrls;
use fhir::search::{Handling, Limits, Reading, Registry, Scope as Searched};
use fhir::{Id, ResourceType};
use std::collections::BTreeSet;
use std::fmt;
use store::{Action, Actions, Grant, Kinds, Layer, Within};

/// Longer lists are not read.
const LONGEST: usize = 32 * 1024;

/// Scopes that are not about resources.
const OTHERS: [&str; 9] = [
    "fhirUser",
    "launch",
    "launch/encounter",
    "launch/patient",
    "offline_access",
    "online_access",
    "openid",
    "profile",
    "smart/orchestrate_launch",
];

/// On whose behalf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// The patient of the launch.
    Patient,
    /// Whatever the user may see.
    User,
    /// A client of its own.
    System,
}

impl Context {
    fn name(self) -> &'static str {
        match self {
            Context::Patient => "patient",
            Context::User => "user",
            Context::System => "system",
        }
    }
}

/// One scope about resources.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResourceScope {
    pub context: Context,
    /// `None`: every type (`*`).
    pub kind: Option<ResourceType>,
    pub actions: Actions,
    /// Search parameters as given, decoded, in alphabetical order; empty: all resources of the type.
    pub only: Vec<(String, String)>,
}

/// What was asked for or granted. The order does not matter; nothing is in it twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes {
    resources: Vec<ResourceScope>,
    others: BTreeSet<String>,
}

/// What a line of the consent screen says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The scope in its printed form.
    pub scope: String,
    /// `See your laboratory results`.
    pub words: String,
    /// It can change or delete something.
    pub writes: bool,
}

impl ResourceScope {
    /// Reads one scope; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<ResourceScope, String> {
        let wrong = |what: &str| format!("the scope {text:?} cannot be read: {what}");
        let (context, rest) = text.split_once('/').ok_or_else(|| wrong("it has no slash"))?;
        let context = match context {
            "patient" => Context::Patient,
            "user" => Context::User,
            "system" => Context::System,
            _ => return Err(wrong("it must begin with patient/, user/ or system/")),
        };
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (kind, letters) = rest.split_once('.').ok_or_else(|| wrong("after the type come a dot and letters"))?;
        let kind = match kind {
            "*" => None,
            name => Some(ResourceType::parse(name).ok_or_else(|| wrong("there is no such resource type"))?),
        };
        let actions = match letters {
            "read" => Actions::parse("rs"),
            "write" => Actions::parse("cud"),
            "*" => Actions::parse("cruds"),
            letters => Actions::parse(letters),
        };
        let actions = actions.ok_or_else(|| wrong("what may be done is some of the letters cruds, in this order"))?;
        let mut only = Vec::new();
        if let Some(query) = query {
            if kind.is_none() || matches!(letters, "read" | "write" | "*") {
                return Err(wrong("parameters need one type and the letters cruds"));
            }
            for pair in query.split('&') {
                let (name, value) = pair.split_once('=').ok_or_else(|| wrong("a parameter has the form name=value"))?;
                let decoded = |it: &str| decode(it).ok_or_else(|| wrong("a parameter is not well encoded"));
                let (name, value) = (decoded(name)?, decoded(value)?);
                if name.is_empty() || value.is_empty() {
                    return Err(wrong("a parameter has the form name=value"));
                }
                only.push((name, value));
            }
            only.sort();
            only.dedup();
        }
        Ok(ResourceScope { context, kind, actions, only })
    }

    /// The condition of its parameters; an error when the registry does not know them.
    fn condition(&self, registry: &Registry, base: &BaseUrls) -> Result<Option<Filter>, String> {
        let (Some(kind), false) = (self.kind, self.only.is_empty()) else { return Ok(None) };
        let reading = Reading { registry, base, limits: Limits::default(), now: 0 };
        if let Some((name, _)) = self.only.iter().find(|(name, _)| not_for_scopes(name)) {
            return Err(format!("the scope {self} cannot be granted: {name} does not choose resources by themselves"));
        }
        let read = reading.query(&Searched::Type(kind), &self.only, Handling::Strict);
        let told = |issues: Vec<fhir::Issue>| issues.into_iter().map(|it| it.diagnostics).collect::<Vec<_>>().join(" ");
        read.map(|(query, _)| Some(query.filter))
            .map_err(|issues| format!("the scope {self} cannot be granted: {}", told(issues)))
    }

    /// What both permit; nothing when they have nothing in common.
    fn meet(&self, other: &ResourceScope) -> Option<ResourceScope> {
        if self.context != other.context {
            return None;
        }
        let kind = match (self.kind, other.kind) {
            (None, kind) | (kind, None) => kind,
            (Some(one), Some(two)) => Some((one == two).then_some(one)?),
        };
        let actions = Action::ALL.into_iter().filter(|it| self.actions.contains(*it) && other.actions.contains(*it));
        let actions = actions.fold(Actions::NONE, Actions::with);
        let mut only = [self.only.clone(), other.only.clone()].concat();
        only.sort();
        only.dedup();
        (actions != Actions::NONE).then_some(ResourceScope { context: self.context, kind, actions, only })
    }

    fn is_within(&self, other: &ResourceScope) -> bool {
        self.context == other.context
            && (other.kind.is_none() || other.kind == self.kind)
            && Action::ALL.into_iter().all(|it| !self.actions.contains(it) || other.actions.contains(it))
            && other.only.iter().all(|it| self.only.contains(it))
    }

    fn words(&self) -> String {
        let looks = self.actions.contains(Action::Read) || self.actions.contains(Action::Search);
        let verbs: Vec<&str> = [
            (looks, "see"),
            (self.actions.contains(Action::Create), "add"),
            (self.actions.contains(Action::Update), "change"),
            (self.actions.contains(Action::Delete), "delete"),
        ]
        .into_iter()
        .filter_map(|(has, verb)| has.then_some(verb))
        .collect();
        let verbs = match verbs.as_slice() {
            [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            verbs => verbs.concat(),
        };
        let what = self.what();
        let said = match self.context {
            Context::Patient => format!("{verbs} your {what}"),
            Context::User => format!("{verbs} the {what} you have access to"),
            Context::System => format!("{verbs} the {what} of everybody, without a person signed in"),
        };
        let mut letters = said.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }

    fn what(&self) -> String {
        let Some(kind) = self.kind else {
            return if self.context == Context::Patient { "whole record".into() } else { "whole records".into() };
        };
        let code = |value: &str| value.rsplit('|').next().unwrap_or_default().to_owned();
        if let [(name, value)] = self.only.as_slice() {
            let known = CATEGORIES.iter().find(|it| it.0 == kind.name() && name == "category" && it.1 == code(value));
            if let Some((_, _, words)) = known {
                return (*words).to_owned();
            }
        }
        let words = WORDS.iter().find(|(name, _)| *name == kind.name()).map(|(_, words)| (*words).to_owned());
        let words = words.unwrap_or_else(|| format!("data of type {kind}"));
        if self.only.is_empty() {
            return words;
        }
        let only: Vec<String> = self.only.iter().map(|(name, value)| format!("{name} {}", code(value))).collect();
        format!("{words} (only {})", only.join(", "))
    }
}

/// Parameters that look at other resources or at nothing would make a scope depend on what the app may not see.
fn not_for_scopes(name: &str) -> bool {
    let base = name.split([':', '.']).next().unwrap_or_default();
    let special = base.starts_with('_') && !matches!(base, "_security" | "_tag" | "_profile" | "_id" | "_lastUpdated");
    special || name.contains('.')
}

impl fmt::Display for ResourceScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.map_or("*", ResourceType::name);
        write!(f, "{}/{kind}.{}", self.context.name(), letters(self.actions))?;
        for (at, (name, value)) in self.only.iter().enumerate() {
            write!(f, "{}{}={}", if at == 0 { '?' } else { '&' }, encode(name), encode(value))?;
        }
        Ok(())
    }
}

impl Scopes {
    /// Reads a list with spaces between. One that cannot be read spoils the list (RFC 6749, 5.2 `invalid_scope`).
    pub fn parse(text: &str) -> Result<Scopes, String> {
        let (scopes, unknown) = Scopes::read(text)?;
        match unknown.into_iter().next() {
            None => Ok(scopes),
            Some(wrong) => Err(wrong),
        }
    }

    /// Reads what can be read, and says what cannot: clients ask for scopes of other servers too, and are
    /// told in the answer what they were granted (RFC 6749, 3.3).
    pub fn lenient(text: &str) -> Result<(Scopes, Vec<String>), String> {
        Scopes::read(text)
    }

    fn read(text: &str) -> Result<(Scopes, Vec<String>), String> {
        if text.len() > LONGEST {
            return Err(format!("scopes are at most {LONGEST} letters"));
        }
        if text.chars().any(|c| c.is_control() || c == '"' || c == '\\') {
            return Err("scopes have no quotes, backslashes or control characters".to_owned());
        }
        let (mut scopes, mut unknown) = (Scopes::default(), Vec::new());
        for one in text.split(' ').filter(|it| !it.is_empty()) {
            if OTHERS.contains(&one) {
                scopes.others.insert(one.to_owned());
                continue;
            }
            match ResourceScope::parse(one) {
                Ok(scope) => scopes.add(scope),
                Err(wrong) => unknown.push(wrong),
            }
        }
        Ok((scopes, unknown))
    }

    fn add(&mut self, scope: ResourceScope) {
        if self.resources.iter().any(|it| scope.is_within(it)) {
            return;
        }
        self.resources.retain(|it| !it.is_within(&scope));
        self.resources.push(scope);
        self.resources.sort_by_cached_key(ToString::to_string);
    }

    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.others.is_empty()
    }

    pub fn resources(&self) -> &[ResourceScope] {
        &self.resources
    }

    /// `openid`, `launch/patient`, `offline_access` and their like.
    pub fn has(&self, other: &str) -> bool {
        self.others.contains(other)
    }

    pub fn others(&self) -> impl Iterator<Item = &str> {
        self.others.iter().map(String::as_str)
    }

    pub fn has_context(&self, context: Context) -> bool {
        self.resources.iter().any(|it| it.context == context)
    }

    /// What is in both: what a client asks for, as far as it may; what a patient left switched on.
    pub fn narrow(&self, to: &Scopes) -> Scopes {
        let mut both = Scopes { resources: Vec::new(), others: &self.others & &to.others };
        for asked in &self.resources {
            to.resources.iter().filter_map(|it| asked.meet(it)).for_each(|it| both.add(it));
        }
        both
    }

    /// Whether all of this is also in `other`: a refreshed token may never get more (RFC 6749, 6).
    pub fn are_within(&self, other: &Scopes) -> bool {
        self.others.is_subset(&other.others)
            && self.resources.iter().all(|it| other.resources.iter().any(|other| it.is_within(other)))
    }

    /// Without some, as they are printed.
    pub fn without(&self, off: &[String]) -> Scopes {
        let mut left = self.clone();
        left.resources.retain(|it| !off.contains(&it.to_string()));
        left.others.retain(|it| !off.contains(it));
        left
    }

    /// Whether every parameter in it is one the registry knows; the error names the first that is not.
    pub fn check(&self, registry: &Registry, base: &BaseUrls) -> Result<(), String> {
        self.resources.iter().try_for_each(|it| it.condition(registry, base).map(drop))
    }

    /// What they say, line by line, for the consent screen.
    pub fn described(&self) -> Vec<Described> {
        let other = |scope: &String| {
            let words = OTHER_WORDS.iter().find(|(name, _)| name == scope).map_or("", |(_, words)| words);
            (!words.is_empty()).then(|| Described { scope: scope.clone(), words: words.into(), writes: false })
        };
        let resource = |it: &ResourceScope| {
            let writes = [Action::Create, Action::Update, Action::Delete].into_iter();
            let writes = writes.into_iter().any(|action| it.actions.contains(action));
            Described { scope: it.to_string(), words: it.words(), writes }
        };
        self.resources.iter().map(resource).chain(self.others.iter().filter_map(other)).collect()
    }

    /// What they permit. `open` are the types that are of no patient and that a patient may look at (directory,
    /// knowledge, free slots): a `patient/` scope lets them be read for everybody.
    pub fn layer(&self, asked: &Asked<'_>) -> Layer {
        let mut grants = Vec::new();
        for scope in &self.resources {
            let fits = match scope.context {
                Context::Patient => !asked.alone && asked.patient.is_some(),
                Context::User => !asked.alone,
                Context::System => asked.alone,
            };
            // A condition that this organisation cannot read any more permits nothing.
            let (true, Ok(condition)) = (fits, scope.condition(asked.registry, asked.base)) else { continue };
            let kinds: Kinds = match scope.kind {
                Some(kind) => [kind].into_iter().collect(),
                None => Kinds::all(),
            };
            let narrowed = |within: Within| match &condition {
                None => within,
                Some(filter) => Within::All(vec![within, Within::Matching(filter.clone())]),
            };
            let Some(patient) = asked.patient.filter(|_| scope.context == Context::Patient) else {
                let within = condition.map_or(Within::Organisation, Within::Matching);
                grants.push(Grant { kinds, actions: scope.actions, within });
                continue;
            };
            let (open, own): (Vec<_>, Vec<_>) = kinds.iter().partition(|kind| asked.open.contains(*kind));
            let looks = Action::ALL.into_iter().filter(|it| matches!(it, Action::Read | Action::Search));
            let looks = looks.filter(|it| scope.actions.contains(*it)).fold(Actions::NONE, Actions::with);
            if !open.is_empty() && looks != Actions::NONE {
                let within = condition.clone().map_or(Within::Organisation, Within::Matching);
                grants.push(Grant { kinds: open.into_iter().collect(), actions: looks, within });
            }
            if !own.is_empty() {
                let within = narrowed(Within::Patients(vec![patient.clone()]));
                grants.push(Grant { kinds: own.into_iter().collect(), actions: scope.actions, within });
            }
        }
        Layer { name: "scopes".into(), grants }
    }
}

/// For whom scopes become a layer.
pub struct Asked<'a> {
    pub registry: &'a Registry,
    pub base: &'a BaseUrls,
    /// The patient of the launch.
    pub patient: Option<&'a Id>,
    /// A client of its own: only `system/` counts, which counts for nobody else.
    pub alone: bool,
    pub open: Kinds,
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.others.iter().cloned().chain(self.resources.iter().map(ToString::to_string));
        f.write_str(&all.collect::<Vec<_>>().join(" "))
    }
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let (high, low) = ((rest.next()? as char).to_digit(16)?, (rest.next()? as char).to_digit(16)?);
                bytes.push((high * 16 + low) as u8);
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok().filter(|it| !it.chars().any(char::is_control))
}

/// Scopes are divided by spaces, parameters by `&`; the rest is readable as it is.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' | b'&' | b'=' | b'%' | b'"' | b'\\' | b'+' | b'#' | 0..=31 | 127.. => {
                out.push_str(&format!("%{byte:02X}"));
            }
            byte => out.push(byte as char),
        }
    }
    out
}

const OTHER_WORDS: [(&str, &str); 6] = [
    ("fhirUser", "Know who you are in this practice"),
    ("offline_access", "Keep its access until you take it away, also when you are not using it"),
    ("online_access", "Keep its access while you are signed in"),
    ("openid", "Recognise you when you come back"),
    ("profile", "Know your name"),
    ("launch/patient", "Know whose record is open"),
];

/// What categories of a type are called.
const CATEGORIES: [(&str, &str, &str); 17] = [
    ("Observation", "laboratory", "laboratory results"),
    ("Observation", "vital-signs", "vital signs"),
    ("Observation", "social-history", "answers about how you live"),
    ("Observation", "survey", "answers to questionnaires"),
    ("Observation", "imaging", "findings of imaging"),
    ("Observation", "exam", "findings of examinations"),
    ("Observation", "procedure", "findings of procedures"),
    ("Observation", "therapy", "findings of therapies"),
    ("Observation", "activity", "activity and exercise"),
    ("Observation", "sdoh", "social needs"),
    ("Condition", "problem-list-item", "list of problems"),
    ("Condition", "encounter-diagnosis", "diagnoses of visits"),
    ("Condition", "health-concern", "health concerns"),
    ("DiagnosticReport", "LAB", "laboratory reports"),
    ("DiagnosticReport", "LP29684-5", "radiology reports"),
    ("DocumentReference", "clinical-note", "clinical notes"),
    ("CarePlan", "assess-plan", "assessments and plans"),
];

/// What types are called, after "your".
const WORDS: [(&str, &str); 62] = [
    ("Account", "accounts"),
    ("AdverseEvent", "adverse events"),
    ("AllergyIntolerance", "allergies and intolerances"),
    ("Appointment", "appointments"),
    ("AppointmentResponse", "answers to appointments"),
    ("AuditEvent", "log of who looked at what"),
    ("Binary", "attached files"),
    ("CarePlan", "care plans"),
    ("CareTeam", "care teams"),
    ("Claim", "claims"),
    ("ClaimResponse", "answers to claims"),
    ("ClinicalImpression", "assessments"),
    ("Communication", "messages"),
    ("CommunicationRequest", "requests for messages"),
    ("Composition", "documents"),
    ("Condition", "conditions and diagnoses"),
    ("Consent", "consents"),
    ("Coverage", "insurance"),
    ("Device", "devices"),
    ("DeviceRequest", "orders of devices"),
    ("DeviceUseStatement", "use of devices"),
    ("DiagnosticReport", "reports of tests and imaging"),
    ("DocumentReference", "documents and notes"),
    ("Encounter", "visits"),
    ("EpisodeOfCare", "episodes of care"),
    ("ExplanationOfBenefit", "bills and what insurance paid"),
    ("FamilyMemberHistory", "family history"),
    ("Flag", "warnings"),
    ("Goal", "goals"),
    ("Group", "groups"),
    ("HealthcareService", "services of the practice"),
    ("ImagingStudy", "imaging studies"),
    ("Immunization", "immunizations"),
    ("Invoice", "invoices"),
    ("List", "lists"),
    ("Location", "places of the practice"),
    ("Media", "photos and recordings"),
    ("Medication", "medications"),
    ("MedicationAdministration", "medication given"),
    ("MedicationDispense", "medication handed out"),
    ("MedicationRequest", "prescriptions"),
    ("MedicationStatement", "medication taken"),
    ("NutritionOrder", "diets"),
    ("Observation", "measurements and results"),
    ("Organization", "organisations"),
    ("Patient", "name, address and personal details"),
    ("Person", "personal details"),
    ("Practitioner", "clinicians"),
    ("PractitionerRole", "roles of clinicians"),
    ("Procedure", "procedures and operations"),
    ("Provenance", "record of who wrote what"),
    ("Questionnaire", "forms"),
    ("QuestionnaireResponse", "filled-in forms"),
    ("RelatedPerson", "family and contacts"),
    ("RequestGroup", "groups of orders"),
    ("RiskAssessment", "risk assessments"),
    ("Schedule", "schedules"),
    ("ServiceRequest", "orders and referrals"),
    ("Slot", "free times"),
    ("Specimen", "specimens"),
    ("Task", "tasks"),
    ("VisionPrescription", "prescriptions of glasses"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(text: &str) -> Scopes {
        Scopes::parse(text).unwrap()
    }

    #[test]
    fn scopes_are_read_and_printed_in_one_form() {
        let check = |text: &str, printed: &str| {
            assert_eq!(scopes(text).to_string(), printed);
            assert_eq!(scopes(printed), scopes(text));
        };
        check("patient/*.read", "patient/*.rs");
        check("patient/*.write", "patient/*.cud");
        check("user/Patient.*", "user/Patient.cruds");
        check("openid  launch/patient fhirUser", "fhirUser launch/patient openid");
        check("patient/Observation.rs patient/Observation.r patient/*.r", "patient/*.r patient/Observation.rs");
        check(
            "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
            "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
        );
        check("patient/Observation.rs?code=a%20b&category=x", "patient/Observation.rs?category=x&code=a%20b");
        check("", "");
    }

    #[test]
    fn what_is_no_scope_is_refused() {
        for wrong in [
            "patient/Observation",
            "patient/Observation.",
            "patient/Observation.sr",
            "patient/Observation.rr",
            "patient/observation.r",
            "Patient/Observation.r",
            "patient/Observation.reads",
            "patients/Observation.r",
            "patient/*.rs?category=x",
            "patient/Observation.read?category=x",
            "patient/Observation.rs?",
            "email",
            "patient/Observation.rs?category",
            "patient/Observation.rs?category=",
            "patient/Observation.rs?=x",
            "patient/Observation.rs?category=%4",
            "patient/Observation.rs?category=%00",
            "patient/.r",
            "/",
            "*",
            "system/Observation.r\"",
            "patient/Observation.r\n",
            "launch/Patient",
            "patient/Unknown.r",
        ] {
            assert!(Scopes::parse(wrong).is_err(), "{wrong}");
        }
        let (read, unknown) = Scopes::lenient("openid email patient/Nothing.r patient/Goal.r").unwrap();
        assert_eq!((read.to_string().as_str(), unknown.len()), ("openid patient/Goal.r", 2));
        assert!(Scopes::lenient(&"x".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn scopes_are_narrowed_to_what_is_in_both() {
        let check = |asked: &str, may: &str, both: &str| {
            assert_eq!(scopes(asked).narrow(&scopes(may)).to_string(), both);
            assert_eq!(scopes(may).narrow(&scopes(asked)).to_string(), both);
            assert!(scopes(both).are_within(&scopes(asked)) && scopes(both).are_within(&scopes(may)));
        };
        check("patient/*.rs openid", "patient/Goal.cruds patient/Flag.c", "patient/Goal.rs");
        check("patient/Goal.rs", "user/Goal.rs system/*.cruds", "");
        check("patient/Observation.rs", "patient/Observation.rs?category=x", "patient/Observation.rs?category=x");
        check(
            "patient/Observation.rs?code=y",
            "patient/Observation.rs?category=x",
            "patient/Observation.rs?category=x&code=y",
        );
        check("openid offline_access", "openid fhirUser", "openid");
        assert!(!scopes("patient/*.r").are_within(&scopes("patient/Goal.r")));
        assert!(!scopes("patient/Goal.r").are_within(&scopes("patient/Goal.r?lifecycle-status=active")));
    }

    #[test]
    fn scopes_are_said_in_plain_words() {
        let check = |text: &str, words: &str| assert_eq!(scopes(text).described()[0].words, words);
        check("patient/Observation.rs?category=http://x|laboratory", "See your laboratory results");
        check("patient/Observation.rs?code=8867-4", "See your measurements and results (only code 8867-4)");
        check("patient/*.rs", "See your whole record");
        check("user/Condition.cruds", "See, add, change and delete the conditions and diagnoses you have access to");
        check(
            "system/Patient.r",
            "See the name, address and personal details of everybody, without a person signed in",
        );
        check("patient/Communication.c", "Add your messages");
        check("offline_access", "Keep its access until you take it away, also when you are not using it");
        assert!(scopes("patient/Goal.u").described()[0].writes);
    }

    #[test]
    fn a_scope_for_a_patient_needs_a_patient() {
        let registry = Registry::r4();
        let open: Kinds = ResourceType::parse("Practitioner").into_iter().collect();
        let seven = Id::parse("7").unwrap();
        let grants = |text: &str, patient: Option<&Id>, alone: bool| {
            let asked = Asked { registry: &registry, base: &BaseUrls::default(), patient, alone, open };
            scopes(text).layer(&asked).grants
        };
        assert_eq!(grants("patient/*.cruds", None, false), []);
        assert_eq!(grants("patient/*.cruds", Some(&seven), true), []);
        assert_eq!(grants("system/*.cruds", Some(&seven), false), []);
        assert_eq!(grants("user/*.cruds", Some(&seven), true), []);
        let both = grants("patient/*.cruds", Some(&seven), false);
        assert_eq!(both.len(), 2);
        assert_eq!((both[0].within.clone(), letters(both[0].actions)), (Within::Organisation, "rs".to_owned()));
        assert_eq!(both[1].within, Within::Patients(vec![seven.clone()]));
        let only = grants("patient/Observation.rs?category=laboratory", Some(&seven), false);
        assert!(matches!(&only[0].within, Within::All(parts) if parts.len() == 2));
        // What the registry does not know permits nothing, and is said when it is asked for.
        assert_eq!(grants("user/Observation.rs?colour=red", None, false), []);
        for unknown in [
            "user/Observation.rs?colour=red",
            "user/Observation.rs?_has:Group:member:_id=1",
            "user/Observation.rs?patient.name=x",
            "user/Observation.rs?_include=*",
            "user/Observation.rs?_filter=x",
        ] {
            assert!(scopes(unknown).check(&registry, &BaseUrls::default()).is_err(), "{unknown}");
        }
        assert!(scopes("user/Observation.rs?category=laboratory").check(&registry, &BaseUrls::default()).is_ok());
    }
}
