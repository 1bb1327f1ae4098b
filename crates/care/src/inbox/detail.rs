//! What somebody must see of one entry to dispose of it: the results with their flags, ranges and the values before them,
//! the message with its thread, the document, and who the patient is.

use super::{Entry, Folder, is_open};
use crate::act::Pen;
use crate::ask::{self, Rows};
use crate::chart::element::{Names, concept, display_name, list, owned, text};
use crate::chart::{Document, Reading, ResultStatus, When};
use crate::messages::{self, Thread};
use crate::people::{self, Hit};
use fhir::{Id, Key, Value};
use std::collections::HashMap;
use store::{StoreError, StoreResult};

/// Who made a result, as a laboratory report must say (42 CFR 493.1291(c)).
#[derive(Clone, Debug, Default)]
pub struct Laboratory {
    pub name: String,
    pub address: Option<String>,
    pub clia: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Report {
    pub key: Key,
    pub name: String,
    pub status: ResultStatus,
    pub issued: Option<When>,
    pub laboratory: Option<Laboratory>,
    pub conclusion: Option<String>,
    pub readings: Vec<(Reading, Option<Reading>)>,
    /// The order that led to it.
    pub order: Option<Key>,
    /// Whom it names, where it names nobody of our record.
    pub named: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Detail {
    pub entry: Option<Entry>,
    /// It is done already; by what.
    pub done: Option<String>,
    pub report: Option<Report>,
    pub thread: Option<Thread>,
    pub document: Option<Document>,
    /// What was said of it: on forwarding, on filing.
    pub notes: Vec<(String, String)>,
}

impl Detail {
    pub async fn of(pen: &Pen<'_>, task: &Id) -> StoreResult<Detail> {
        let row = ask::read(pen.store(), pen.caller, "Task", task).await?;
        let Some(entry) = super::entry(pen, task).await? else { return Ok(Detail::default()) };
        let mut detail = Detail {
            done: (!is_open(&row.value))
                .then(|| owned(&row.value, &["businessStatus", "text"]).unwrap_or_else(|| "done".into())),
            notes: list(&row.value, "note")
                .iter()
                .filter_map(|it| {
                    let who = owned(it, &["authorReference", "display"]).or_else(|| owned(it, &["authorString"]));
                    Some((who.unwrap_or_default(), owned(it, &["text"])?))
                })
                .collect(),
            ..Detail::default()
        };
        let focus = entry.focus.clone();
        detail.entry = Some(entry);
        let Some(focus) = focus else { return Ok(detail) };
        let value = match ask::read(pen.store(), pen.caller, focus.kind.name(), &focus.id).await {
            Ok(row) => row.value,
            // What one may not see is not there.
            Err(StoreError::NotFound(_) | StoreError::Gone { .. } | StoreError::Forbidden) => return Ok(detail),
            Err(other) => return Err(other),
        };
        match focus.kind.name() {
            "DiagnosticReport" | "Observation" => detail.report = Some(report(pen, focus, &value).await?),
            "Communication" => detail.thread = messages::thread_of(pen, &value).await?,
            "DocumentReference" => detail.document = Some(Document::of(&value, &Names::default())),
            _ => {}
        }
        Ok(detail)
    }

    pub fn folder(&self) -> Option<Folder> {
        self.entry.as_ref().map(|it| it.folder)
    }

    pub fn person(&self) -> Option<&Hit> {
        self.entry.as_ref()?.person.as_deref()
    }
}

/// One report of a patient for whoever reads their chart; one of somebody else is not there.
pub async fn report_of(pen: &Pen<'_>, patient: &Id, key: &Key) -> StoreResult<Report> {
    let row = ask::read(pen.store(), pen.caller, key.kind.name(), &key.id).await?;
    let whose = text(&row.value, &["subject", "reference"]).and_then(Key::parse);
    if whose.is_none_or(|it| it.kind.name() != "Patient" || it.id != *patient) {
        return Err(StoreError::NotFound(key.clone()));
    }
    let mut report = report(pen, key.clone(), &row.value).await?;
    let chart = pen.chart(patient);
    chart.corrected(report.readings.iter_mut().map(|it| &mut it.0).collect()).await?;
    Ok(report)
}

/// The observations that a result consists of.
pub(super) async fn members(pen: &Pen<'_>, value: &Value) -> StoreResult<Vec<Value>> {
    if text(value, &["resourceType"]) == Some("Observation") {
        return Ok(vec![value.clone()]);
    }
    let ids: Vec<String> = list(value, "result")
        .iter()
        .filter_map(|it| text(it, &["reference"])?.strip_prefix("Observation/").map(str::to_owned))
        .collect();
    let mut found = Vec::new();
    for some in ids.chunks(100) {
        let rows = ask::matches(pen.store(), pen.caller, "Observation", &[("_id", some.join(","))], 100).await;
        found.extend(Rows::or_refused(rows)?.rows.into_iter().map(|it| it.value));
    }
    // As the laboratory listed them.
    let place = |it: &Value| text(it, &["id"]).and_then(|id| ids.iter().position(|other| other == id));
    found.sort_by_key(place);
    Ok(found)
}

async fn report(pen: &Pen<'_>, key: Key, value: &Value) -> StoreResult<Report> {
    let members = members(pen, value).await?;
    let readings: Vec<Reading> = members.iter().map(|it| Reading::of(it, &Names::default())).collect();
    let before = before(pen, value, &readings).await?;
    let performer = list(value, "performer").first();
    let subject = value.get("subject");
    let named = |subject: &Value| {
        let parts = [owned(subject, &["display"]), owned(subject, &["identifier", "value"])];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    };
    Ok(Report {
        key,
        name: value.get("code").and_then(concept).unwrap_or_default(),
        status: ResultStatus::of(text(value, &["status"])),
        issued: text(value, &["issued"]).or_else(|| text(value, &["effectiveDateTime"])).and_then(When::parse),
        laboratory: match performer {
            Some(reference) => laboratory(pen, reference).await?,
            None => None,
        },
        conclusion: owned(value, &["conclusion"]),
        readings: readings
            .into_iter()
            .map(|it| {
                let earlier = before
                    .get(&it.kind())
                    .and_then(|all| all.iter().find(|other| other.at() < it.at() && other.id != it.id).cloned());
                (it, earlier)
            })
            .collect(),
        order: list(value, "basedOn").iter().find_map(|it| text(it, &["reference"]).and_then(Key::parse)),
        named: subject.filter(|it| it.get("reference").is_none()).and_then(named),
    })
}

/// Earlier readings of the same tests, newest first.
async fn before(pen: &Pen<'_>, value: &Value, readings: &[Reading]) -> StoreResult<HashMap<String, Vec<Reading>>> {
    let mut found: HashMap<String, Vec<Reading>> = HashMap::new();
    let patient = text(value, &["subject", "reference"]).filter(|it| it.starts_with("Patient/"));
    let mut codes: Vec<String> = readings.iter().filter_map(|it| it.code.as_deref().map(ask::escaped)).collect();
    codes.sort();
    codes.dedup();
    let (Some(patient), false) = (patient, codes.is_empty()) else { return Ok(found) };
    let asked = [("patient", patient.to_owned()), ("code", codes.join(",")), ("_sort", "-date".to_owned())];
    let rows = Rows::or_refused(ask::matches(pen.store(), pen.caller, "Observation", &asked, 200).await)?;
    for row in &rows.rows {
        let reading = Reading::of(&row.value, &Names::default());
        if reading.counts() {
            found.entry(reading.kind()).or_default().push(reading);
        }
    }
    Ok(found)
}

/// The laboratory behind a reference, with what a report must say of it.
pub(crate) async fn laboratory(pen: &Pen<'_>, reference: &Value) -> StoreResult<Option<Laboratory>> {
    const CLIA: &str = "urn:oid:2.16.840.1.113883.4.7";
    let plain = owned(reference, &["display"]).map(|name| Laboratory { name, ..Laboratory::default() });
    let Some(key) = text(reference, &["reference"]).and_then(Key::parse) else { return Ok(plain) };
    let value = match ask::read(pen.store(), pen.caller, key.kind.name(), &key.id).await {
        Ok(row) => row.value,
        Err(StoreError::NotFound(_) | StoreError::Gone { .. } | StoreError::Forbidden) => return Ok(plain),
        Err(other) => return Err(other),
    };
    let address = list(&value, "address").first().map(|it| {
        let lines = list(it, "line").iter().filter_map(Value::as_str).map(str::to_owned);
        let rest = ["city", "state", "postalCode"].iter().filter_map(|name| owned(it, &[name]));
        lines.chain(rest).collect::<Vec<_>>().join(", ")
    });
    let clia = list(&value, "identifier").iter().find(|it| text(it, &["system"]) == Some(CLIA));
    Ok(Some(Laboratory {
        name: display_name(&value).or(plain.map(|it| it.name)).unwrap_or_default(),
        address: address.filter(|it| !it.is_empty()),
        clia: clia.and_then(|it| owned(it, &["value"])),
    }))
}

/// The person a patient's id means, as far as one may see them.
pub(super) async fn person(pen: &Pen<'_>, id: &Id) -> StoreResult<Option<Hit>> {
    Ok(people::these(pen.store(), pen.caller, std::slice::from_ref(id)).await?.pop())
}
