//! `$everything`: all that is known of one patient or encounter, and what it refers to, paged.
//!
//! FHIR R4, patient-operation-everything.html, encounter-operation-everything.html.

use super::input::Input;
use crate::fhir::history::moment;
use crate::fhir::pages::{self, CURSOR, Writer};
use crate::fhir::{Ask, query};
use crate::refusal::{Answer, Refusal};
use crate::reply::Reply;
use ::fhir::ResourceType;
use ::fhir::search::row::Span;
use serde_json::Value;
use store::{PageCursor, Stored};

pub(super) async fn everything(mut ask: Ask<'_>) -> Answer<Reply> {
    let owner = ask.matched.key();
    let mut input = Input::take(&mut ask).await?;
    let mut said: query::Pairs = Vec::new();
    let mut take = |input: &mut Input, name: &str| -> Answer<Option<String>> {
        let text = input.text(name)?;
        if let Some(text) = &text {
            said.push((name.to_owned(), text.clone()));
        }
        Ok(text)
    };
    let unreadable = |name: &str| Refusal::invalid(format!("{name} is a date such as 2026-01-31, or a moment"));
    // Only a patient's record is cut by dates of care (Encounter-everything has no such parameters).
    let mut care = Care::default();
    if owner.kind.name() == "Patient" {
        if let Some(text) = take(&mut input, "start")? {
            care.from = Some(Span::parse(&text).ok_or_else(|| unreadable("start"))?.low);
        }
        if let Some(text) = take(&mut input, "end")? {
            care.until = Some(Span::parse(&text).ok_or_else(|| unreadable("end"))?.high);
        }
    }
    let since = match take(&mut input, "_since")? {
        None => None,
        Some(text) => Some(moment(&text).ok_or_else(|| unreadable("_since"))?.0),
    };
    let settings = &ask.door.settings;
    let count = match take(&mut input, "_count")? {
        // Everything is wanted: as much on a page as a page may hold.
        None => settings.max_count,
        Some(text) => text
            .parse::<u32>()
            .ok()
            .filter(|count| *count > 0)
            .ok_or_else(|| Refusal::invalid("_count is a whole number above 0"))?
            .min(settings.max_count),
    };
    let mut kinds = Vec::new();
    for text in input.texts("_type")? {
        for name in text.split(',') {
            let kind = ResourceType::parse(name.trim());
            kinds.push(kind.ok_or_else(|| Refusal::invalid("_type names resource types of FHIR R4"))?);
        }
        said.push(("_type".to_owned(), text));
    }
    let cursor = input.text(CURSOR)?.map(PageCursor);
    input.finish()?;

    let store = ask.door.store();
    // Absent, deleted or out of reach: said before an empty page could be.
    store.read(ask.caller, &owner).await?;
    let wanted = store::Everything { owner: owner.clone(), kinds, since, count, cursor: cursor.clone() };
    let page = store.everything(ask.caller, &wanted).await?;
    let path = format!("{owner}/$everything");
    let encoded = query::encode(&said);
    let base = &ask.door.base;
    let mut links = vec![("self", pages::link(base, &path, &encoded, cursor.as_ref().map(|it| it.0.as_str())))];
    for (relation, cursor) in [("next", &page.next), ("previous", &page.previous)] {
        if let Some(cursor) = cursor {
            links.push((relation, pages::link(base, &path, &encoded, Some(&cursor.0))));
        }
    }
    // Dates cut after paging, so the store's count is that of the uncut record.
    let total = if care.cuts() { None } else { page.total };
    let size = page.entries.iter().map(|it| it.stored.body.len() + 200).sum();
    let mut writer = Writer::new(ask.door, "searchset", total, &links, size);
    for found in page.entries.iter().filter(|found| care.keeps(&found.stored)) {
        writer.found(base, found, &found.stored.body);
    }
    Ok(Reply::resource(writer.finish()))
}

/// The dates of care asked for, in milliseconds.
#[derive(Default)]
struct Care {
    from: Option<i64>,
    until: Option<i64>,
}

impl Care {
    fn cuts(&self) -> bool {
        self.from.is_some() || self.until.is_some()
    }

    /// Whether a resource is about care in these dates; what has no date of care always is (the patient,
    /// their practitioners).
    fn keeps(&self, stored: &Stored) -> bool {
        if !self.cuts() {
            return true;
        }
        let Some((_, names)) = DATES_OF_CARE.iter().find(|(kind, _)| *kind == stored.key.kind.name()) else {
            return true;
        };
        let value = stored.value();
        let Some(span) = names.iter().find_map(|name| span(value.get(name)?)) else { return true };
        self.from.is_none_or(|from| span.high > from) && self.until.is_none_or(|until| span.low < until)
    }
}

/// A date, or a period open at either end.
fn span(value: &Value) -> Option<Span> {
    match value {
        Value::String(text) => Span::parse(text),
        Value::Object(period) => {
            let end = |name: &str| period.get(name).and_then(Value::as_str).and_then(Span::parse);
            let (start, end) = (end("start"), end("end"));
            if start.is_none() && end.is_none() {
                return None;
            }
            Some(Span { low: start.map_or(i64::MIN, |it| it.low), high: end.map_or(i64::MAX, |it| it.high) })
        }
        _ => None,
    }
}

/// When the care that a resource tells of took place: the first of these members that is there.
#[rustfmt::skip]
const DATES_OF_CARE: &[(&str, &[&str])] = &[
    ("AdverseEvent",             &["date", "detected", "recordedDate"]),
    ("AllergyIntolerance",       &["recordedDate", "onsetDateTime", "onsetPeriod"]),
    ("Appointment",              &["start"]),
    ("CarePlan",                 &["period", "created"]),
    ("CareTeam",                 &["period"]),
    ("Claim",                    &["billablePeriod", "created"]),
    ("ClinicalImpression",       &["effectiveDateTime", "effectivePeriod", "date"]),
    ("Communication",            &["sent", "received"]),
    ("CommunicationRequest",     &["occurrenceDateTime", "occurrencePeriod", "authoredOn"]),
    ("Composition",              &["date"]),
    ("Condition",                &["onsetDateTime", "onsetPeriod", "recordedDate"]),
    ("Consent",                  &["dateTime"]),
    ("DeviceRequest",            &["occurrenceDateTime", "occurrencePeriod", "authoredOn"]),
    ("DeviceUseStatement",       &["timingDateTime", "timingPeriod", "recordedOn"]),
    ("DiagnosticReport",         &["effectiveDateTime", "effectivePeriod", "issued"]),
    ("DocumentReference",        &["date"]),
    ("Encounter",                &["period"]),
    ("EpisodeOfCare",            &["period"]),
    ("ExplanationOfBenefit",     &["billablePeriod", "created"]),
    ("FamilyMemberHistory",      &["date"]),
    ("Flag",                     &["period"]),
    ("Goal",                     &["startDate", "statusDate"]),
    ("ImagingStudy",             &["started"]),
    ("Immunization",             &["occurrenceDateTime", "recorded"]),
    ("List",                     &["date"]),
    ("Media",                    &["createdDateTime", "createdPeriod", "issued"]),
    ("MedicationAdministration", &["effectiveDateTime", "effectivePeriod"]),
    ("MedicationDispense",       &["whenHandedOver", "whenPrepared"]),
    ("MedicationRequest",        &["authoredOn"]),
    ("MedicationStatement",      &["effectiveDateTime", "effectivePeriod", "dateAsserted"]),
    ("NutritionOrder",           &["dateTime"]),
    ("Observation",              &["effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued"]),
    ("Procedure",                &["performedDateTime", "performedPeriod"]),
    ("QuestionnaireResponse",    &["authored"]),
    ("RiskAssessment",           &["occurrenceDateTime", "occurrencePeriod"]),
    ("ServiceRequest",           &["occurrenceDateTime", "occurrencePeriod", "authoredOn"]),
    ("Task",                     &["executionPeriod", "authoredOn"]),
    ("VisionPrescription",       &["dateWritten", "created"]),
];
