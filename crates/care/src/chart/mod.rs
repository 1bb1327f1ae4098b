//! The chart of one patient as people read it (screens C-01 to C-06). Each function asks the store a few
//! questions, at the same time, and gives plain values for pages to show; what the caller may not see is
//! not in them. Element names of FHIR stand only in the views of this folder and of `people`.

pub(crate) mod element;

mod around;
mod document;
mod latest;
mod lists;
mod reading;
mod review;
mod timeline;
mod trend;
mod units;
mod visit;
pub(crate) mod when;

pub use around::{Member, OpenOrder, OrderStanding};
pub use document::{Attachment, Document, Place};
pub use latest::{Flowsheet, Latest, Panel, Row};
pub(crate) use lists::code_and_system as code_of;
pub use lists::{Allergy, AllergyState, Criticality, Immunization, Medication, Problem, Standing};
pub use reading::{Flag, Measured, Part, Range, Reading, ResultStatus};
pub use review::{COMPARED, Mark, as_csv};
pub use timeline::{Event, EventKind, Timeline};
pub use trend::{Point, Series, Trend};
pub use visit::{Booking, Visit, VisitStanding};
pub use when::{Distance, Unit, When, age};

use crate::ask::{self, Rows};
use crate::people::Person;
use element::{Names, at, concept, display_name, text, unnamed};
use fhir::search::Registry;
use fhir::{Id, Key, ResourceType, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use store::{Action, Caller, Permit, Store, StoreError, StoreResult};

/// How many of a kind a section holds at most; a life rarely has more, and a page says when it does.
const SECTION: u32 = 300;
/// How many readings a trend goes back.
const TREND: u32 = 1_000;
/// How many readings the first page looks at: enough for the latest of each and their shape, and quick.
const RECENT: u32 = 200;
/// Days side by side in the flowsheet.
const DAYS: usize = 8;

/// Rows of one kind, with when the latest of them was written here.
#[derive(Clone, Debug)]
pub struct Section<T> {
    pub rows: Vec<T>,
    /// What other records say and nobody here has decided about: shown beside the rows, never among them.
    pub apart: Vec<T>,
    pub updated: Option<When>,
    /// There are more than these.
    pub more: bool,
    /// The caller may not look at any of it: the page says that, never that there is none.
    pub refused: bool,
    /// Where rows came from, other than from being recorded here.
    pub sources: Vec<String>,
}

/// What a banner leaves out because the caller may not look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    Weight,
    Coverage,
    Visits,
    Bookings,
}

/// What must be known of a patient on every page about them (screen C-01).
#[derive(Clone, Debug)]
pub struct Banner {
    pub person: Person,
    pub age: Option<String>,
    pub allergies: AllergyState,
    /// Substances that other records tell of and nobody here has decided about.
    pub outside_allergies: Vec<String>,
    pub weight: Option<Reading>,
    pub practitioner: Option<String>,
    pub coverage: Option<String>,
    /// They are here now.
    pub ongoing: Option<Visit>,
    pub last_visit: Option<Visit>,
    pub next_visit: Option<Booking>,
    /// Alerts that staff must see: isolation, falls, needs.
    pub flags: Vec<String>,
    /// Code status and advance directives, as recorded.
    pub wishes: Vec<String>,
    pub not_shown: Vec<Fact>,
}

/// The first page of a chart (screen C-03).
#[derive(Clone, Debug)]
pub struct Summary {
    pub banner: Banner,
    pub problems: Section<Problem>,
    pub medications: Section<Medication>,
    pub allergies: Section<Allergy>,
    pub immunizations: Section<Immunization>,
    pub vitals: Section<Latest>,
    pub results: Section<Latest>,
    pub documents: Section<Document>,
    pub visits: Section<Visit>,
    pub orders: Section<OpenOrder>,
    pub team: Section<Member>,
    pub timeline: Timeline,
}

/// One patient's chart, opened by someone at a moment.
#[derive(Clone, Copy)]
pub struct Chart<'a> {
    pub store: &'a Store,
    pub caller: &'a Caller,
    pub patient: &'a Id,
    /// Microseconds since 1970.
    pub now: i64,
}

/// What the banner is made of.
struct BannerRows {
    patient: Value,
    allergies: Rows,
    weight: Rows,
    coverage: Rows,
    visits: Rows,
    bookings: Rows,
    flags: Rows,
    wishes: Rows,
}

/// Sections of a chart by their name in addresses → the types they are made of. The timeline has whatever of it
/// may be seen.
const KINDS_OF: [(&str, &[&str]); 12] = [
    ("problems", &["Condition"]),
    ("medications", &["MedicationRequest", "MedicationStatement"]),
    ("allergies", &["AllergyIntolerance"]),
    ("results", &["Observation"]),
    ("vitals", &["Observation"]),
    ("growth", &["Observation"]),
    ("immunizations", &["Immunization"]),
    ("encounters", &["Encounter"]),
    ("documents", &["DocumentReference"]),
    ("history", &["Procedure", "FamilyMemberHistory", "Device"]),
    ("care", &["Goal", "CarePlan", "CareTeam"]),
    ("timeline", &["Encounter", "Observation", "DocumentReference", "Immunization"]),
];

/// Whether the caller's rights open a section of charts at all; what is in it for one patient is another matter.
pub fn opens(store: &Store, caller: &Caller, section: &str) -> bool {
    let Some((_, kinds)) = KINDS_OF.iter().find(|(it, _)| *it == section) else { return true };
    let registry = store.registry();
    kinds.iter().any(|kind| may_search(&registry, caller, kind))
}

fn may_search(registry: &Registry, caller: &Caller, kind: &str) -> bool {
    let kind = ResourceType::parse(kind).expect("a type of R4");
    caller.rights.permit(registry, kind, Action::Search) != Permit::Never
}

impl Chart<'_> {
    /// Resources of a type about this patient; none, and noted, of a type the caller may not look at.
    pub(crate) async fn rows(&self, kind: &str, more: &[(&'static str, &str)], limit: u32) -> StoreResult<Rows> {
        // Not asking for what is closed keeps the log free of refusals that nobody meant.
        if !may_search(&self.store.registry(), self.caller, kind) {
            return Rows::or_refused(Err(StoreError::Forbidden));
        }
        Rows::or_refused(self.must(kind, more, limit).await)
    }

    /// The same for a page that is about this type alone.
    async fn must(&self, kind: &str, more: &[(&'static str, &str)], limit: u32) -> StoreResult<Rows> {
        ask::matches(self.store, self.caller, kind, &self.parameters(more), limit).await
    }

    async fn latest(&self, category: &str, each: u32) -> StoreResult<Rows> {
        if !may_search(&self.store.registry(), self.caller, "Observation") {
            return Rows::or_refused(Err(StoreError::Forbidden));
        }
        let parameters = self.parameters(&[("category", category), ("_sort", "-date")]);
        Rows::or_refused(ask::latest(self.store, self.caller, &parameters, each).await)
    }

    fn parameters(&self, more: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        let own = ("patient", format!("Patient/{}", self.patient));
        std::iter::once(own).chain(more.iter().map(|(name, value)| (*name, (*value).to_owned()))).collect()
    }

    async fn banner_rows(&self, visits: u32) -> StoreResult<BannerRows> {
        let today = format!("ge{}", When::of_micros(self.now).machine());
        let (newest_weight, soonest) =
            ([("code", latest::WEIGHT), ("_sort", "-date")], [("date", today.as_str()), ("_sort", "date")]);
        let (patient, allergies, weight, coverage, visits, bookings, flags, wishes) = tokio::try_join!(
            ask::read(self.store, self.caller, "Patient", self.patient),
            self.rows("AllergyIntolerance", &[], SECTION),
            self.rows("Observation", &newest_weight, 1),
            self.rows("Coverage", &[("status", "active")], 3),
            self.rows("Encounter", &[("_sort", "-date")], visits),
            self.rows("Appointment", &soonest, 3),
            self.rows("Flag", &[], 20),
            self.rows("Observation", &[("code", around::WISHES), ("_sort", "-date")], 10),
        )?;
        Ok(BannerRows { patient: patient.value, allergies, weight, coverage, visits, bookings, flags, wishes })
    }

    /// The banner of every page about the patient; `NotFound` when the caller cannot reach them.
    pub async fn banner(&self) -> StoreResult<Banner> {
        let rows = self.banner_rows(4).await?;
        let names = self.names(&[&rows.coverage, &rows.visits], &[&rows.patient]).await?;
        Ok(rows.banner(&names, self.now))
    }

    pub async fn summary(&self) -> StoreResult<Summary> {
        let newest = [("_sort", "-date")];
        let vital_signs = [("category", "vital-signs"), ("_sort", "-date")];
        let laboratory = [("category", "laboratory"), ("_sort", "-date")];
        let (banner, problems, requests, statements, immunizations, vitals, results, documents, orders, teams) = tokio::try_join!(
            self.banner_rows(12),
            self.rows("Condition", &[], SECTION),
            self.rows("MedicationRequest", &[("_sort", "-authoredon")], SECTION),
            self.rows("MedicationStatement", &[], SECTION),
            self.rows("Immunization", &newest, SECTION),
            self.rows("Observation", &vital_signs, RECENT),
            self.rows("Observation", &laboratory, RECENT),
            self.rows("DocumentReference", &newest, 12),
            self.rows("ServiceRequest", &[("status", "draft,active,on-hold"), ("_sort", "-authored")], 50),
            self.rows("CareTeam", &[], 20),
        )?;
        let of_references = [
            &banner.coverage,
            &banner.visits,
            &requests,
            &statements,
            &documents,
            &immunizations,
            &problems,
            &orders,
            &teams,
        ];
        let names = self.names(&of_references, &[&banner.patient]).await?;
        let readings = |rows: &Rows| rows.rows.iter().map(|it| Reading::of(&it.value, &names)).collect::<Vec<_>>();
        let visits = section(&banner.visits, |it| Visit::of(it, &names));
        let documents = section(&documents, |it| Document::of(it, &names));
        let immunizations = ordered(&immunizations, |it| Immunization::of(it, &names), lists::order_immunizations);
        let recent: Vec<Reading> = readings(&results);
        let timeline = Timeline::of(&visits.rows, &recent, &documents.rows, &immunizations.rows);
        Ok(Summary {
            problems: ordered(&problems, |it| Problem::of(it, &names), lists::order_problems),
            medications: medications(&requests, &statements, &names),
            allergies: ordered(&banner.allergies, |it| Allergy::of(it, &names), lists::order_allergies),
            vitals: Section { rows: latest::vitals(readings(&vitals)), ..section(&vitals, |_| ()).emptied() },
            results: Section {
                rows: latest::by_concern(latest::grouped(recent), self.now),
                ..section(&results, |_| ()).emptied()
            },
            orders: Section {
                rows: orders.rows.iter().filter_map(|it| OpenOrder::of(&it.value, &names)).collect(),
                ..section(&orders, |_| ()).emptied()
            },
            team: Section {
                rows: around::members(teams.rows.iter().map(|it| &it.value), &names),
                ..section(&teams, |_| ()).emptied()
            },
            banner: banner.banner(&names, self.now),
            immunizations,
            documents,
            visits,
            timeline,
        })
    }

    pub async fn problems(&self) -> StoreResult<Section<Problem>> {
        let rows = self.rows("Condition", &[], SECTION).await?;
        let names = self.names(&[&rows], &[]).await?;
        Ok(ordered(&rows, |it| Problem::of(it, &names), lists::order_problems))
    }

    pub async fn medications(&self) -> StoreResult<Section<Medication>> {
        let (requests, statements) = tokio::try_join!(
            self.rows("MedicationRequest", &[("_sort", "-authoredon")], SECTION),
            self.rows("MedicationStatement", &[], SECTION),
        )?;
        let names = self.names(&[&requests, &statements], &[]).await?;
        Ok(medications(&requests, &statements, &names))
    }

    pub async fn allergies(&self) -> StoreResult<Section<Allergy>> {
        let rows = self.rows("AllergyIntolerance", &[], SECTION).await?;
        let names = self.names(&[&rows], &[]).await?;
        Ok(ordered(&rows, |it| Allergy::of(it, &names), lists::order_allergies))
    }

    pub async fn immunizations(&self) -> StoreResult<Section<Immunization>> {
        let rows = self.rows("Immunization", &[("_sort", "-date")], SECTION).await?;
        let names = self.names(&[&rows], &[]).await?;
        Ok(ordered(&rows, |it| Immunization::of(it, &names), lists::order_immunizations))
    }

    /// The latest of every vital sign, with those before it.
    pub async fn vitals(&self) -> StoreResult<Section<Latest>> {
        let rows = self.latest("vital-signs", 24).await?;
        let readings = rows.rows.iter().map(|it| Reading::of(&it.value, &Names::default())).collect();
        Ok(Section { rows: latest::vitals(readings), ..section(&rows, |_| ()).emptied() })
    }

    /// The latest of every laboratory test, what needs a look first.
    pub async fn results(&self) -> StoreResult<Section<Latest>> {
        let rows = self.latest("laboratory", 12).await?;
        let readings = rows.rows.iter().map(|it| Reading::of(&it.value, &Names::default())).collect();
        Ok(Section {
            rows: latest::by_concern(latest::grouped(readings), self.now),
            ..section(&rows, |_| ()).emptied()
        })
    }

    /// Tests beside dates: the last days with results, or those before a date (`2024-05-01`).
    pub async fn flowsheet(&self, before: Option<&str>) -> StoreResult<Flowsheet> {
        let before = before.and_then(When::parse).map(|it| format!("lt{}", it.machine()));
        let mut asked = vec![("category", "laboratory"), ("_sort", "-date")];
        asked.extend(before.as_deref().map(|it| ("date", it)));
        let mut reported = vec![("_sort", "-date")];
        reported.extend(before.as_deref().map(|it| ("date", it)));
        let (rows, reports) =
            tokio::try_join!(self.rows("Observation", &asked, 400), self.rows("DiagnosticReport", &reported, 100))?;
        let mut panels: HashMap<String, String> = HashMap::new();
        for report in &reports.rows {
            let Some(name) = report.value.get("code").and_then(concept) else { continue };
            for result in element::list(&report.value, "result") {
                let id = text(result, &["reference"]).and_then(|it| it.strip_prefix("Observation/"));
                panels.extend(id.map(|id| (id.to_owned(), name.clone())));
            }
        }
        let readings = rows.rows.iter().map(|it| Reading::of(&it.value, &Names::default())).collect();
        Ok(Flowsheet::of(readings, &panels, DAYS))
    }

    /// One test over time, from a date on (`2024-05-01`) or from the beginning.
    pub async fn trend(&self, code: &str, from: Option<&When>) -> StoreResult<Trend> {
        let code_asked = ask::escaped(code);
        let from = from.map(|it| format!("ge{}", it.machine()));
        let mut asked = vec![("combo-code", code_asked.as_str()), ("_sort", "-date")];
        asked.extend(from.as_deref().map(|it| ("date", it)));
        let rows = self.must("Observation", &asked, TREND).await?;
        let names = self.names(&[&rows], &[]).await?;
        let readings = rows.rows.iter().map(|it| Reading::of(&it.value, &names)).collect();
        Ok(Trend::of(code, readings, rows.more))
    }

    pub async fn documents(&self) -> StoreResult<Section<Document>> {
        let rows = self.rows("DocumentReference", &[("_sort", "-date")], SECTION).await?;
        let names = self.names(&[&rows], &[]).await?;
        Ok(section(&rows, |it| Document::of(it, &names)))
    }

    pub async fn document(&self, id: &Id) -> StoreResult<Document> {
        let row = ask::read(self.store, self.caller, "DocumentReference", id).await?;
        // A document of someone else must not appear under this patient's name.
        let about = text(&row.value, &["subject", "reference"]).and_then(Key::parse);
        if about.as_ref().map(|it| &it.id) != Some(self.patient) {
            return Err(StoreError::NotFound(Key::parse(&format!("DocumentReference/{id}")).expect("a checked id")));
        }
        let names = self.names(&[], &[&row.value]).await?;
        Ok(Document::of(&row.value, &names))
    }

    /// The bytes of the nth attachment of a document, with their type; `None` when they are not kept here.
    pub async fn content(&self, document: &Id, nth: usize) -> StoreResult<Option<(String, Vec<u8>)>> {
        let document = self.document(document).await?;
        let Some(attachment) = document.attachments.into_iter().nth(nth) else { return Ok(None) };
        match attachment.place {
            Place::Inside(bytes) => Ok(Some((attachment.content_type, bytes))),
            Place::Here(key) if key.kind.name() == "Binary" => {
                let row = ask::read(self.store, self.caller, "Binary", &key.id).await?;
                Ok(document::binary(&row.value))
            }
            Place::Here(_) | Place::Elsewhere | Place::Nowhere => Ok(None),
        }
    }

    pub async fn visits(&self) -> StoreResult<Section<Visit>> {
        let rows = self.rows("Encounter", &[("_sort", "-date")], SECTION).await?;
        let names = self.names(&[&rows], &[]).await?;
        Ok(section(&rows, |it| Visit::of(it, &names)))
    }

    pub async fn timeline(&self, from: Option<&When>) -> StoreResult<Timeline> {
        let from = from.map(|it| format!("ge{}", it.machine()));
        let mut newest = vec![("_sort", "-date")];
        newest.extend(from.as_deref().map(|it| ("date", it)));
        let mut labs = newest.clone();
        labs.push(("category", "laboratory"));
        let (visits, results, documents, immunizations) = tokio::try_join!(
            self.rows("Encounter", &newest, 500),
            self.rows("Observation", &labs, 1_000),
            self.rows("DocumentReference", &newest, SECTION),
            self.rows("Immunization", &newest, SECTION),
        )?;
        let names = self.names(&[&visits, &documents], &[]).await?;
        let all =
            |rows: &Rows, names: &Names| rows.rows.iter().map(|it| Reading::of(&it.value, names)).collect::<Vec<_>>();
        let mut timeline = Timeline::of(
            &section(&visits, |it| Visit::of(it, &names)).rows,
            &all(&results, &names),
            &section(&documents, |it| Document::of(it, &names)).rows,
            &section(&immunizations, |it| Immunization::of(it, &names)).rows,
        );
        timeline.more = visits.more || results.more || documents.more || immunizations.more;
        Ok(timeline)
    }

    /// The names of what these resources point at without saying what it is.
    pub(crate) async fn names(&self, rows: &[&Rows], values: &[&Value]) -> StoreResult<Names> {
        let mut keys: BTreeSet<Key> = BTreeSet::new();
        let stored = rows.iter().flat_map(|it| it.rows.iter().chain(&it.apart)).map(|it| &it.value);
        let all = stored.chain(values.iter().copied());
        for value in all {
            for path in NAMED {
                unnamed(at(value, path), &mut keys);
            }
            // A team has several members, and each is named.
            for participant in element::list(value, "participant") {
                unnamed(participant.get("member"), &mut keys);
            }
        }
        let mut by_kind: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for key in keys {
            by_kind.entry(key.kind.name()).or_default().push(key.id.to_string());
        }
        let mut names = Names::default();
        for (kind, ids) in by_kind.into_iter().filter(|(kind, _)| NAMEABLE.contains(kind)) {
            if !may_search(&self.store.registry(), self.caller, kind) {
                continue;
            }
            for ids in ids.chunks(100) {
                let found = ask::matches(self.store, self.caller, kind, &[("_id", ids.join(","))], 100).await;
                let found = match found {
                    // A patient may not look up staff: their names then stay out.
                    Err(StoreError::Forbidden) => Rows::default(),
                    other => other?,
                };
                names.0.extend(found.rows.iter().chain(&found.apart).filter_map(|row| {
                    let name = display_name(&row.value).or_else(|| concept(row.value.get("code")?))?;
                    Some((format!("{kind}/{}", text(&row.value, &["id"])?), name))
                }));
            }
        }
        Ok(names)
    }
}

/// References that pages show by name.
const NAMED: [&[&str]; 15] = [
    &["generalPractitioner"],
    &["payor"],
    &["participant", "individual"],
    &["location", "location"],
    &["serviceProvider"],
    &["medicationReference"],
    &["requester"],
    &["informationSource"],
    &["recorder"],
    &["asserter"],
    &["performer", "actor"],
    &["performer"],
    &["author"],
    &["custodian"],
    &["reasonReference"],
];

/// Types whose name can be looked up.
const NAMEABLE: [&str; 5] = ["Condition", "Location", "Medication", "Organization", "Practitioner"];

impl BannerRows {
    fn banner(&self, names: &Names, now: i64) -> Banner {
        let person = Person::of(&self.patient);
        let allergies: Vec<Allergy> = self.allergies.rows.iter().map(|it| Allergy::of(&it.value, names)).collect();
        let visits: Vec<Visit> = self.visits.rows.iter().map(|it| Visit::of(&it.value, names)).collect();
        let began = |it: &&Visit| it.from.is_some_and(|from| from.at() <= now / 1000);
        Banner {
            age: person.age(now),
            allergies: if self.allergies.refused { AllergyState::NotShown } else { AllergyState::of(&allergies) },
            outside_allergies: outside(&self.allergies, names),
            weight: self.weight.rows.first().map(|it| Reading::of(&it.value, names)).filter(Reading::counts),
            practitioner: names.at(&self.patient, &["generalPractitioner"]),
            coverage: self.coverage.rows.iter().find_map(|it| visit::coverage(&it.value, names)),
            ongoing: visits.iter().find(|it| it.standing == VisitStanding::Ongoing).cloned(),
            last_visit: visits.iter().filter(began).find(|it| it.standing == VisitStanding::Done).cloned(),
            next_visit: self
                .bookings
                .rows
                .iter()
                .filter_map(|it| Booking::of(&it.value))
                .find(|it| it.when.at() >= now / 1000),
            flags: self
                .flags
                .rows
                .iter()
                // R4 has no search parameter for the status of a flag.
                .filter(|it| text(&it.value, &["status"]) == Some("active"))
                .filter_map(|it| concept(it.value.get("code")?))
                .collect(),
            wishes: around::wishes(self.wishes.rows.iter().map(|it| &it.value)),
            not_shown: [
                (Fact::Weight, self.weight.refused),
                (Fact::Coverage, self.coverage.refused),
                (Fact::Visits, self.visits.refused),
                (Fact::Bookings, self.bookings.refused),
            ]
            .into_iter()
            .filter_map(|(fact, refused)| refused.then_some(fact))
            .collect(),
            person,
        }
    }
}

/// Allergies that others tell of, each once.
fn outside(allergies: &Rows, names: &Names) -> Vec<String> {
    let all = allergies.apart.iter().map(|it| Allergy::of(&it.value, names));
    let all = all.filter(|it| it.standing == Standing::Active && !it.none_known).map(|it| it.substance);
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

fn section<T>(rows: &Rows, view: impl Fn(&Value) -> T) -> Section<T> {
    Section {
        rows: rows.rows.iter().map(|it| view(&it.value)).collect(),
        apart: rows.apart.iter().map(|it| view(&it.value)).collect(),
        updated: rows.updated().map(When::of_micros),
        more: rows.more,
        refused: rows.refused,
        sources: sources(rows),
    }
}

impl<T> Section<T> {
    /// The same with rows of another kind, none yet.
    fn emptied<U>(self) -> Section<U> {
        Section {
            rows: Vec::new(),
            apart: Vec::new(),
            updated: self.updated,
            more: self.more,
            refused: self.refused,
            sources: self.sources,
        }
    }
}

/// Where a resource came from, when it says that: the partner's name, else of `meta.source` the host of an address.
pub(crate) fn source(value: &Value) -> Option<String> {
    if let Some(origin) = crate::exchange::origin::of(value) {
        return Some(origin.name);
    }
    let source = text(value, &["meta", "source"])?;
    let plain = source.split('#').next().unwrap_or(source).trim_end_matches('/');
    let host = plain.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or(rest));
    let name = host.unwrap_or_else(|| plain.strip_prefix("urn:").unwrap_or(plain));
    (!name.is_empty()).then(|| name.to_owned())
}

fn sources(rows: &Rows) -> Vec<String> {
    rows.rows.iter().filter_map(|it| source(&it.value)).collect::<BTreeSet<_>>().into_iter().collect()
}

fn ordered<T>(rows: &Rows, view: impl Fn(&Value) -> T, order: fn(&mut [T])) -> Section<T> {
    let mut section = section(rows, view);
    order(&mut section.rows);
    order(&mut section.apart);
    section
}

/// What is only proposed, or not signed yet, is nothing that anybody takes. What somebody else is told to have ordered
/// is (US Core MedicationRequest: a plan that is reported).
pub(crate) fn is_ordered(request: &Value) -> bool {
    let reported = request.get("reportedBoolean") == Some(&Value::Bool(true));
    let planned = matches!(text(request, &["intent"]), Some("proposal" | "plan" | "option")) && !reported;
    !planned && text(request, &["status"]) != Some("draft")
}

fn medications(requests: &Rows, statements: &Rows, names: &Names) -> Section<Medication> {
    let mut section = ordered(requests, |it| Medication::of(it, names), |_| ());
    let ordered = requests.rows.iter().map(|it| &it.value).filter(|it| is_ordered(it));
    section.rows = ordered.map(|it| Medication::of(it, names)).collect();
    section.rows.extend(statements.rows.iter().map(|it| Medication::of(&it.value, names)));
    section.apart.extend(statements.apart.iter().map(|it| Medication::of(&it.value, names)));
    lists::order_medications(&mut section.rows);
    lists::order_medications(&mut section.apart);
    section.updated = requests.updated().max(statements.updated()).map(When::of_micros);
    section.more |= statements.more;
    section.refused &= statements.refused;
    section.sources.extend(sources(statements));
    section.sources.sort();
    section.sources.dedup();
    section
}

#[cfg(test)]
mod tests;
