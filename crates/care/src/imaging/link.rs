//! What belongs together: the order by its accession number, the study, and the report that reads it. A report leads to
//! its study (DiagnosticReport.imagingStudy) and to the order that it answers (basedOn), by which the order is done.

use super::fetch::{READER, is_accession};
use super::{DICOM_UID, ImagingError};
use crate::Organisation;
use crate::act::{Act, ActError, Pen};
use crate::ask;
use crate::chart::element::{has_code, list, text};
use crate::exchange::category;
use fhir::{Id, Key, Value};
use serde_json::json;
use store::StoreResult;

/// Imaging as LOINC, SNOMED CT and the categories of orders name it.
const IMAGING: [&str; 5] = ["LP29684-5", "LP29708-2", "363679005", "394914008", "imaging"];

/// Whether a report or an order is of imaging.
pub fn is_imaging(value: &Value) -> bool {
    let mut codes = IMAGING.into_iter().chain(category::IMAGING);
    codes.any(|code| list(value, "category").iter().any(|it| has_code(it, code)))
}

/// The numbers by which an imaging centre may know what a resource tells of, and the names of its studies. Of what is
/// imaging a placer's or filler's number may be the accession number; elsewhere only what says so is.
pub fn numbers_of(value: &Value) -> (Vec<String>, Vec<String>) {
    let (mut numbers, mut studies) = (Vec::new(), Vec::new());
    let imaging = is_imaging(value);
    for it in list(value, "identifier") {
        let Some(number) = text(it, &["value"]) else { continue };
        if text(it, &["system"]) == Some(DICOM_UID) {
            studies.push(number.trim_start_matches("urn:oid:").to_owned());
        } else if (imaging || is_accession(it)) && !numbers.iter().any(|known| known == number) {
            // What says that it is the accession number is asked for first.
            numbers.insert(if is_accession(it) { 0 } else { numbers.len() }, number.to_owned());
        }
    }
    (numbers, studies)
}

fn any_of(numbers: &[String]) -> String {
    numbers.iter().map(|it| ask::escaped(it)).collect::<Vec<_>>().join(",")
}

/// Orders of a patient that bear one of these accession numbers.
pub(crate) async fn orders(organisation: &Organisation, patient: &Id, numbers: &[String]) -> StoreResult<Vec<Key>> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let asked = [("patient", format!("Patient/{patient}")), ("identifier", any_of(numbers))];
    let query = ask::query(&organisation.store, "ServiceRequest", &asked)?;
    let found = organisation.store.current_matches(&READER, &query, 10).await?;
    let bears = |it: &Value| {
        let fits =
            |it: &Value| is_accession(it) && text(it, &["value"]).is_some_and(|it| numbers.iter().any(|n| n == it));
        list(it, "identifier").iter().any(fits)
    };
    Ok(found.iter().filter(|it| bears(&it.value())).map(|it| it.key.clone()).collect())
}

/// Lets the reports of a study lead to it.
pub(super) async fn reports(
    organisation: &Organisation,
    patient: &Id,
    study: &Key,
    uid: &str,
    numbers: &[String],
    order: Option<&Key>,
    now: i64,
) -> Result<usize, ImagingError> {
    let own = ("patient", format!("Patient/{patient}"));
    let mut named = numbers.to_vec();
    named.push(format!("urn:oid:{uid}"));
    let mut questions = vec![vec![own.clone(), ("identifier", any_of(&named))]];
    questions.extend(order.map(|it| vec![own, ("based-on", it.to_string())]));
    let mut linked = 0;
    for asked in questions {
        let query = ask::query(&organisation.store, "DiagnosticReport", &asked)?;
        for report in organisation.store.current_matches(&READER, &query, 20).await? {
            let value = report.value();
            let names = numbers_of(&value).1.iter().any(|it| it == uid);
            if (is_imaging(&value) || names) && lead(organisation, patient, &report.key, value, study, now).await? {
                linked += 1;
            }
        }
    }
    Ok(linked)
}

async fn lead(
    organisation: &Organisation,
    patient: &Id,
    report: &Key,
    mut value: Value,
    study: &Key,
    now: i64,
) -> Result<bool, ImagingError> {
    let to = study.to_string();
    if list(&value, "imagingStudy").iter().any(|it| text(it, &["reference"]) == Some(&to)) {
        return Ok(false);
    }
    let mut all = list(&value, "imagingStudy").to_vec();
    all.push(json!({ "reference": to }));
    value["imagingStudy"] = all.into();
    write(organisation, patient, report, value, now).await
}

/// Lets a report answer orders of the patient that bear its number.
pub(super) async fn answer(
    organisation: &Organisation,
    patient: &Id,
    report: &Key,
    mut value: Value,
    orders: &[Key],
    now: i64,
) -> Result<bool, ImagingError> {
    let mut all = list(&value, "basedOn").to_vec();
    let before = all.len();
    for order in orders.iter().map(Key::to_string) {
        if !all.iter().any(|it| text(it, &["reference"]) == Some(&order)) {
            all.push(json!({ "reference": order }));
        }
    }
    if all.len() == before {
        return Ok(false);
    }
    value["basedOn"] = all.into();
    write(organisation, patient, report, value, now).await
}

/// Somebody who writes the report at this moment goes first; it is looked at again when they have.
async fn write(
    organisation: &Organisation,
    patient: &Id,
    report: &Key,
    value: Value,
    now: i64,
) -> Result<bool, ImagingError> {
    let pen = Pen { organisation, caller: &READER, author: None, now };
    let mut act = Act::new("imaging.link", patient);
    let version = ask::version(&value);
    act.update(report.clone(), version, value);
    match pen.commit(act).await {
        Ok(_) => Ok(true),
        Err(ActError::Conflict { .. }) => Err(ImagingError::Busy),
        Err(other) => Err(other.into()),
    }
}
