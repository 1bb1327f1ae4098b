//! What orders are checked against, asked of the store in one go. What the caller may not look at is not in it.

use super::basket::Indication;
use crate::act::Pen;
use crate::ask::{self, Rows};
use crate::chart::element::{Names, concept, list, owned, text};
use crate::chart::{Problem, Standing, When};
use crate::checks::known::{self, Done, Known, KnownAllergy, Pending, Taken, Weight};
use crate::imaging;
use crate::orders::sig::Language;
use fhir::{Id, Value};
use jiff::civil::Date;
use store::StoreResult;

/// A person, as far as orders are concerned.
#[derive(Clone, Debug)]
pub struct Facts {
    pub known: Known,
    /// Active problems, for which something may be ordered.
    pub problems: Vec<Indication>,
    /// ICD-10-CM codes of active problems.
    pub problem_codes: Vec<String>,
    /// In which language they read directions.
    pub language: Language,
    /// The visit that is going on.
    pub encounter: Option<String>,
    /// `male`, `female`, as administration has it.
    pub sex: Option<String>,
    pub today: Date,
}

/// Results that may make a test a duplicate.
const REPORTS: u32 = 60;
const LISTED: u32 = 300;
const WEIGHTS: &str = "29463-7,3141-9";

impl Facts {
    pub async fn of(pen: &Pen<'_>, patient: &Id) -> StoreResult<Facts> {
        let own = ("patient", format!("Patient/{patient}"));
        let rows = async |kind: &'static str, more: &[(&'static str, &str)], limit: u32| -> StoreResult<Rows> {
            if !pen.may(store::Action::Search, kind) {
                return Ok(Rows { refused: true, ..Rows::default() });
            }
            let mut asked = vec![own.clone()];
            asked.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
            Rows::or_refused(ask::matches(pen.store(), pen.caller, kind, &asked, limit).await)
        };
        let laboratory = async || -> StoreResult<Rows> {
            if !pen.may(store::Action::Search, "Observation") {
                return Ok(Rows { refused: true, ..Rows::default() });
            }
            let asked = [own.clone(), ("category", "laboratory".to_owned()), ("_sort", "-date".to_owned())];
            Rows::or_refused(ask::latest(pen.store(), pen.caller, &asked, 1).await)
        };
        let newest = [("_sort", "-date")];
        let weight = [("code", WEIGHTS), ("_sort", "-date")];
        // Boxed: many searches side by side are too much for the stack of a thread.
        let (
            person,
            allergies,
            requests,
            statements,
            laboratory,
            reports,
            studies,
            procedures,
            orders,
            weight,
            problems,
            visits,
        ) = tokio::try_join!(
            Box::pin(ask::read(pen.store(), pen.caller, "Patient", patient)),
            Box::pin(rows("AllergyIntolerance", &[], LISTED)),
            Box::pin(rows("MedicationRequest", &[("_sort", "-authoredon")], LISTED)),
            Box::pin(rows("MedicationStatement", &[], LISTED)),
            Box::pin(laboratory()),
            Box::pin(rows("DiagnosticReport", &newest, REPORTS)),
            Box::pin(rows("ImagingStudy", &[("_sort", "-started")], REPORTS)),
            Box::pin(rows("Procedure", &newest, REPORTS)),
            Box::pin(rows("ServiceRequest", &[("status", "active")], LISTED)),
            Box::pin(rows("Observation", &weight, 1)),
            Box::pin(rows("Condition", &[], LISTED)),
            Box::pin(rows("Encounter", &[("status", "in-progress,arrived,triaged"), ("_sort", "-date")], 1)),
        )?;
        let person = person.value;
        let today = today(pen.now);
        let outside_allergies = allergies.apart.iter().filter_map(|it| KnownAllergy::of(&it.value)).collect();
        let allergies: Vec<Value> = allergies.rows.into_iter().map(|it| it.value).collect();
        let medicines = requests.rows.iter().chain(&statements.rows).filter_map(|it| Taken::of(&it.value));
        let names = Names::default();
        let results = laboratory.rows.iter().filter_map(|it| Done::of(&it.value, &names));
        let results = results.chain(reports.rows.iter().filter_map(|it| report(&it.value, &names)));
        let results = results.chain(procedures.rows.iter().filter_map(|it| procedure(&it.value, &names)));
        let active = problems.rows.iter().map(|it| (Problem::of(&it.value, &names), &it.value));
        let active: Vec<_> = active.filter(|(it, _)| it.standing == Standing::Active).collect();
        Ok(Facts {
            known: Known {
                allergies_asked: known::asked(&allergies),
                allergies: allergies.iter().filter_map(KnownAllergy::of).collect(),
                outside_allergies,
                medicines: medicines.collect(),
                results: results.collect(),
                imaged: imaging::together(&studies, &reports),
                pending: orders.rows.iter().filter_map(|it| Pending::of(&it.value)).collect(),
                age: text(&person, &["birthDate"]).and_then(|it| known::years(it, today)),
                weight: weight.rows.first().and_then(|it| Weight::of(&it.value)),
                today: Some(today),
            },
            problem_codes: active.iter().flat_map(|(_, it)| known::codes(it.get("code"))).collect(),
            problems: active.into_iter().map(|(it, _)| Indication { id: it.id, name: it.name }).collect(),
            language: language(&person),
            encounter: visits.rows.first().and_then(|it| owned(&it.value, &["id"])),
            sex: owned(&person, &["gender"]),
            today,
        })
    }
}

/// The day of a moment, UTC.
pub(crate) fn today(now: i64) -> Date {
    let at = jiff::Timestamp::from_microsecond(now).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// In which language a person reads: what they prefer, else the first that is recorded.
fn language(person: &Value) -> Language {
    let all = list(person, "communication");
    let preferred = all.iter().find(|it| it.get("preferred") == Some(&Value::Bool(true))).or(all.first());
    let language = preferred.and_then(|it| it.get("language"));
    let spanish = language.is_some_and(|it| {
        list(it, "coding").iter().filter_map(|it| text(it, &["code"])).any(|it| it == "es" || it.starts_with("es-"))
    });
    if spanish { Language::Spanish } else { Language::English }
}

fn by(value: &Value, names: &Names) -> Option<String> {
    list(value, "performer").iter().find_map(|it| names.of(it.get("actor").unwrap_or(it)))
}

/// A report as something that was done: its conclusion is its value.
fn report(value: &Value, names: &Names) -> Option<Done> {
    if matches!(text(value, &["status"]), Some("entered-in-error" | "cancelled" | "registered")) {
        return None;
    }
    let when = text(value, &["effectiveDateTime"]).or_else(|| text(value, &["issued"])).and_then(When::parse)?;
    Some(Done {
        codes: known::codes(value.get("code")),
        name: value.get("code").and_then(concept)?,
        value: owned(value, &["conclusion"]).unwrap_or_default(),
        when,
        by: by(value, names),
        about: format!("DiagnosticReport/{}", text(value, &["id"])?),
    })
}

fn procedure(value: &Value, names: &Names) -> Option<Done> {
    if text(value, &["status"]) != Some("completed") {
        return None;
    }
    let when = text(value, &["performedDateTime"]).or_else(|| text(value, &["performedPeriod", "start"]));
    Some(Done {
        codes: known::codes(value.get("code")),
        name: value.get("code").and_then(concept)?,
        value: String::new(),
        when: when.and_then(When::parse)?,
        by: by(value, names),
        about: format!("Procedure/{}", text(value, &["id"])?),
    })
}
