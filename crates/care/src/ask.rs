//! Asking the store: the one place in `care` where parameters become a query and stored bytes become trees. Here what
//! another record says and nobody has looked at is put apart, so that no list and no check mixes it in by accident.

use crate::exchange::origin;
use fhir::search::query::Query;
use fhir::search::{Handling, Limits, Reading, Scope};
use fhir::{Id, Issue, Key, ResourceType, Value};
use store::{Caller, Page, PageQuery, Role, Store, StoreError, StoreResult};

pub(crate) struct Row {
    pub(crate) value: Value,
    /// When it was written here, in microseconds since 1970.
    pub(crate) at: i64,
}

/// Types of the lists that are reconciled. Of all others what came from elsewhere stands among what came about here, and
/// says from where it came.
const LISTED: [&str; 5] =
    ["AllergyIntolerance", "Condition", "Immunization", "MedicationRequest", "MedicationStatement"];

fn is_listed(value: &Value) -> bool {
    value["resourceType"].as_str().is_some_and(|it| LISTED.contains(&it))
}

/// What a search found.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<Row>,
    /// What came from other records and nobody here has decided about, of the types that are reconciled ([`LISTED`]).
    pub(crate) apart: Vec<Row>,
    /// The limit cut it off.
    pub(crate) more: bool,
    /// The caller may not look at this type at all; that is not the same as none.
    pub(crate) refused: bool,
}

impl Rows {
    fn of(page: Page) -> Rows {
        let more = page.next.is_some();
        let matches = page.entries.into_iter().filter(|it| it.role == Role::Match && !it.stored.deleted);
        let all = matches.map(|it| Row { value: it.stored.value(), at: it.stored.at });
        let all = all.filter(|it| !origin::is_left(&it.value));
        let (apart, rows) = all.partition(|it| is_listed(&it.value) && origin::is_unreconciled(&it.value));
        Rows { rows, apart, more, refused: false }
    }

    /// A type that the caller may not look at is left out of what is made of several; the page says so.
    pub(crate) fn or_refused(found: StoreResult<Rows>) -> StoreResult<Rows> {
        match found {
            Err(StoreError::Forbidden) => Ok(Rows { refused: true, ..Rows::default() }),
            other => other,
        }
    }

    /// When the latest of them was written here.
    pub(crate) fn updated(&self) -> Option<i64> {
        self.rows.iter().map(|it| it.at).max()
    }
}

/// The resources that match, at most `limit`.
pub(crate) async fn matches(
    store: &Store,
    caller: &Caller,
    kind: &str,
    parameters: &[(&'static str, String)],
    limit: u32,
) -> StoreResult<Rows> {
    let query = query(store, kind, parameters)?;
    let asked = PageQuery { query, default_count: limit, max_count: limit, cursor: None };
    Ok(Rows::of(store.search(caller, &asked).await?))
}

/// Everything that matches, a page at a time.
pub(crate) async fn every(
    store: &Store,
    caller: &Caller,
    kind: &str,
    parameters: &[(&'static str, String)],
    page: u32,
) -> StoreResult<Vec<Value>> {
    let query = query(store, kind, parameters)?;
    let mut asked = PageQuery { query, default_count: page, max_count: page, cursor: None };
    let mut all = Vec::new();
    loop {
        let page = store.search(caller, &asked).await?;
        asked.cursor = page.next.clone();
        let page = Rows::of(page);
        all.extend(page.rows.into_iter().chain(page.apart).map(|row| row.value));
        if asked.cursor.is_none() {
            return Ok(all);
        }
    }
}

/// The latest `each` observations of every kind among those that match (Observation `$lastn`).
pub(crate) async fn latest(
    store: &Store,
    caller: &Caller,
    parameters: &[(&'static str, String)],
    each: u32,
) -> StoreResult<Rows> {
    let query = query(store, "Observation", parameters)?;
    Ok(Rows::of(store.last_n(caller, &query, each).await?))
}

pub(crate) async fn read(store: &Store, caller: &Caller, kind: &str, id: &Id) -> StoreResult<Row> {
    let stored = store.read(caller, &Key::new(kind_of(kind), id.clone())).await?;
    Ok(Row { value: stored.value(), at: stored.at })
}

/// FHIR R4, 3.1.1.3: `\ , | $` are escaped in values.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | ',' | '|' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn kind_of(name: &str) -> ResourceType {
    ResourceType::parse(name).expect("we ask for types of R4")
}

pub(crate) fn query(store: &Store, kind: &str, parameters: &[(&'static str, String)]) -> StoreResult<Query> {
    let parameters: Vec<(String, String)> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let registry = store.registry();
    // The time only widens approximate dates, which are not asked for here.
    let reading = Reading { registry: &registry, base: store.bases(), limits: Limits::default(), now: 0 };
    let understood = reading.query(&Scope::Type(kind_of(kind)), &parameters, Handling::Strict);
    let all = |issues: Vec<Issue>| issues.into_iter().map(|it| it.diagnostics).collect::<Vec<_>>().join(" ");
    understood.map(|(query, _)| query).map_err(|issues| StoreError::NotSupported(all(issues)))
}

/// The version of a resource as it was read.
pub(crate) fn version(value: &Value) -> u64 {
    value["meta"]["versionId"].as_str().and_then(|it| it.parse().ok()).unwrap_or(0)
}

/// Whether a resource is about this patient.
pub(crate) fn is_about(value: &Value, patient: &Id) -> bool {
    let own = format!("Patient/{patient}");
    let itself = value["resourceType"] == "Patient" && value["id"] == patient.as_str();
    itself || ["subject", "patient", "beneficiary", "for"].iter().any(|it| value[*it]["reference"] == own.as_str())
}

/// A resource of this patient with its version; that of another is as if it were not there.
pub(crate) async fn own(
    store: &Store,
    caller: &Caller,
    patient: &Id,
    kind: &str,
    id: &Id,
) -> StoreResult<(Value, u64)> {
    let row = read(store, caller, kind, id).await?;
    if !is_about(&row.value, patient) {
        return Err(StoreError::NotFound(Key::new(kind_of(kind), id.clone())));
    }
    let version = version(&row.value);
    Ok((row.value, version))
}
