//! What was done in one visit, gathered: measurements, diagnoses, notes, orders, vaccines, procedures.

use super::Step;
use crate::act::Pen;
use crate::ask;
use crate::chart::element::{at, concept, list, owned, text};
use crate::chart::{Document, Immunization, Medication, Problem, Reading, Visit};
use fhir::{Id, Value};
use store::StoreResult;

const MOST: u32 = 100;

/// One visit with all that belongs to it.
#[derive(Clone, Debug)]
pub struct Gathered {
    pub visit: Visit,
    pub version: u64,
    pub step: Option<Step>,
    pub room: Option<String>,
    pub vitals: Vec<Reading>,
    pub diagnoses: Vec<Problem>,
    pub notes: Vec<Document>,
    /// Drugs, tests, images and referrals that were ordered.
    pub orders: Vec<Line>,
    pub given: Vec<Immunization>,
    pub procedures: Vec<Line>,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub id: String,
    pub title: String,
    /// As sent: `active`, `completed`.
    pub status: Option<String>,
    pub detail: Option<String>,
}

pub async fn gather(pen: &Pen<'_>, patient: &Id, visit: &Id) -> StoreResult<Gathered> {
    let (value, version) = ask::own(pen.store(), pen.caller, patient, "Encounter", visit).await?;
    let chart = pen.chart(patient);
    let within = format!("Encounter/{visit}");
    let of_visit = [("encounter", within.as_str())];
    let signs = [("encounter", within.as_str()), ("category", "vital-signs"), ("_sort", "-date")];
    let mistaken = [("encounter", within.as_str()), ("status:not", "entered-in-error")];
    let (vitals, conditions, documents, drugs, services, procedures, vaccines) = tokio::try_join!(
        chart.rows("Observation", &signs, MOST),
        chart.rows("Condition", &of_visit, MOST),
        chart.rows("DocumentReference", &of_visit, MOST),
        chart.rows("MedicationRequest", &mistaken, MOST),
        chart.rows("ServiceRequest", &mistaken, MOST),
        chart.rows("Procedure", &mistaken, MOST),
        // R4 has no search parameter for the encounter of an immunization.
        chart.rows("Immunization", &[("_sort", "-date")], MOST),
    )?;
    let names = chart.names(&[&conditions, &documents, &drugs, &services], &[&value]).await?;
    let mut orders: Vec<Line> = drugs
        .rows
        .iter()
        .map(|row| {
            let it = Medication::of(&row.value, &names);
            Line { id: it.id, title: it.name, status: Some(it.status), detail: it.directions }
        })
        .collect();
    orders.extend(services.rows.iter().map(|row| line(&row.value)));
    let here = |it: &&ask::Row| text(&it.value, &["encounter", "reference"]) == Some(within.as_str());
    let active = list(&value, "location").iter().rev().find(|it| text(it, &["status"]) == Some("active"));
    Ok(Gathered {
        visit: Visit::of(&value, &names),
        version,
        step: Step::of(&value),
        room: active.and_then(|it| owned(it, &["location", "display"])),
        vitals: vitals.rows.iter().map(|it| Reading::of(&it.value, &names)).collect(),
        diagnoses: conditions.rows.iter().map(|it| Problem::of(&it.value, &names)).collect(),
        notes: documents.rows.iter().map(|it| Document::of(&it.value, &names)).collect(),
        orders,
        given: vaccines.rows.iter().filter(here).map(|it| Immunization::of(&it.value, &names)).collect(),
        procedures: procedures.rows.iter().map(|it| line(&it.value)).collect(),
    })
}

fn line(value: &Value) -> Line {
    Line {
        id: owned(value, &["id"]).unwrap_or_default(),
        title: at(value, &["code"]).and_then(concept).unwrap_or_default(),
        status: owned(value, &["status"]),
        detail: owned(value, &["note", "text"]),
    }
}
