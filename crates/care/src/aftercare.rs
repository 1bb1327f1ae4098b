//! What a patient takes home from a visit (screen C-22): why they came, what was found, what to take, what comes next.
//! Plain facts of the chart for a page in the patient's language; the page, once given, is kept as a document.

use crate::act::{Act, ActError, Pen};
use crate::ask::{self, Rows};
use crate::chart::element::{concept, list, owned, text};
use crate::chart::{Banner, Booking, Latest, Standing, Visit};
use crate::notes::{self, kinds};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fhir::{Id, Key};
use serde_json::json;
use store::{Action, StoreError, StoreResult};

#[derive(Clone, Debug)]
pub struct Aftercare {
    pub banner: Banner,
    pub visit: Visit,
    pub diagnoses: Vec<String>,
    /// Measured at this visit.
    pub vitals: Vec<Latest>,
    pub medications: Vec<Medicine>,
    /// Ordered at this visit.
    pub tests: Vec<String>,
    pub next: Option<Booking>,
    /// As the note has it: when to come back.
    pub follow_up: Option<String>,
    /// The summary that was given already.
    pub given: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Medicine {
    pub name: String,
    pub directions: Option<String>,
    /// Prescribed at this visit.
    pub new: bool,
}

/// What is handed out.
pub struct Leaflet<'a> {
    pub title: &'a str,
    /// A whole HTML document.
    pub html: &'a str,
    /// BCP 47.
    pub language: &'a str,
    pub once: &'a str,
}

async fn of_visit(pen: &Pen<'_>, kind: &str, id: &Id) -> StoreResult<Rows> {
    let asked = [("encounter", format!("Encounter/{id}"))];
    Rows::or_refused(ask::matches(pen.store(), pen.caller, kind, &asked, 100).await)
}

pub async fn of(pen: &Pen<'_>, patient: &Id, id: &Id) -> StoreResult<Aftercare> {
    let absent = || StoreError::NotFound(Key::parse(&format!("Encounter/{id}")).expect("a checked id"));
    let chart = pen.chart(patient);
    let (banner, visits, problems, medications, vitals) = tokio::try_join!(
        Box::pin(chart.banner()),
        Box::pin(chart.visits()),
        Box::pin(chart.problems()),
        Box::pin(chart.medications()),
        Box::pin(chart.vitals()),
    )?;
    let (encounter, noted, prescribed, ordered, measured, documents, compositions) = tokio::try_join!(
        async { ask::read(pen.store(), pen.caller, "Encounter", id).await },
        of_visit(pen, "Condition", id),
        of_visit(pen, "MedicationRequest", id),
        of_visit(pen, "ServiceRequest", id),
        of_visit(pen, "Observation", id),
        of_visit(pen, "DocumentReference", id),
        of_visit(pen, "Composition", id),
    )?;
    if text(&encounter.value, &["subject", "reference"]) != Some(&format!("Patient/{patient}")) {
        return Err(absent());
    }
    let visit = visits.rows.into_iter().find(|it| it.id == id.as_str()).ok_or_else(absent)?;
    let ids = |rows: &Rows| -> Vec<String> { rows.rows.iter().filter_map(|it| owned(&it.value, &["id"])).collect() };
    let (noted, prescribed, measured) = (ids(&noted), ids(&prescribed), ids(&measured));
    let chosen: Vec<&str> = list(&encounter.value, "diagnosis")
        .iter()
        .filter_map(|it| text(it, &["condition", "reference"])?.strip_prefix("Condition/"))
        .collect();
    let diagnosed = problems.rows.iter().filter(|it| match chosen.is_empty() {
        true => it.standing == Standing::Active && (it.of_visit || noted.contains(&it.id)),
        false => chosen.contains(&it.id.as_str()),
    });
    let summary = kinds::kind("instructions").expect("there is such a kind").code;
    let drafts = notes::of_patient(pen, patient).await.unwrap_or_default();
    let draft = drafts.iter().filter(|it| it.encounter.as_deref() == Some(id.as_str()));
    let in_draft = draft.flat_map(|it| &it.parts).find(|it| it.key == "followup").map(|it| it.text.clone());
    let in_note = compositions.rows.iter().flat_map(|it| list(&it.value, "section")).find_map(|it| {
        (text(it, &["title"]) == Some("Follow-up")).then(|| notes::undivided(text(it, &["text", "div"])?)).flatten()
    });
    Ok(Aftercare {
        diagnoses: diagnosed.map(|it| it.name.clone()).collect(),
        vitals: vitals.rows.into_iter().filter(|it| measured.contains(&it.newest().id)).collect(),
        medications: medications
            .rows
            .iter()
            .filter(|it| it.standing == Standing::Active)
            .map(|it| Medicine {
                name: it.name.clone(),
                directions: it.directions.clone(),
                new: !it.stated && prescribed.contains(&it.id),
            })
            .collect(),
        tests: ordered.rows.iter().filter_map(|it| concept(it.value.get("code")?)).collect(),
        next: banner.next_visit.clone(),
        // A gap is not for patients.
        follow_up: in_note.or(in_draft).filter(|it| notes::text::gaps(it).is_empty() && !it.trim().is_empty()),
        given: documents
            .rows
            .iter()
            .find(|it| it.value.get("type").is_some_and(|it| crate::chart::element::has_code(it, summary)))
            .and_then(|it| owned(&it.value, &["id"])),
        banner,
        visit,
    })
}

/// Keeps what was handed out as a document of the visit.
pub async fn give(pen: &Pen<'_>, patient: &Id, id: &Id, leaflet: &Leaflet<'_>) -> Result<Id, ActError> {
    if !pen.may(Action::Create, "DocumentReference") {
        return Err(StoreError::Forbidden.into());
    }
    let kind = kinds::kind("instructions").expect("there is such a kind");
    let mut act = Act::new("summary.give", patient).once(leaflet.once);
    let document = act.create(
        pen,
        json!({
            "resourceType": "DocumentReference",
            "status": "current",
            "docStatus": "final",
            "type": notes::coded(kind),
            "category": notes::category(kind),
            "subject": { "reference": format!("Patient/{patient}") },
            "date": pen.moment(),
            "author": [pen.who()],
            "description": leaflet.title,
            "content": [{ "attachment": {
                "contentType": "text/html; charset=utf-8",
                "language": leaflet.language,
                "data": STANDARD.encode(leaflet.html),
                "size": leaflet.html.len(),
                "title": leaflet.title,
                "creation": pen.moment(),
            }}],
            "context": { "encounter": [{ "reference": format!("Encounter/{id}") }] },
        }),
    );
    let written = pen.commit(act).await?;
    Ok(written.keys.into_iter().next().map_or(document.id, |(key, _)| key.id))
}
