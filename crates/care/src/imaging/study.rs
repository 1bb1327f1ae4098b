//! A study of an archive as an ImagingStudy (FHIR R4, 10.5): who, when, how it was made, its series and how many pictures
//! they hold. Pictures are not listed one by one; they are asked for when the study is opened.

use super::archive::Archive;
use super::dicom::{self, Set};
use super::{ACCESSION, ARCHIVES, DCM, DICOM_UID, IDENTIFIER_TYPES};
use fhir::Value;
use serde_json::json;

/// What stands under these addresses in an arrival.
pub(super) const PATIENT: &str = "imaging:patient";
pub(super) const ORDER: &str = "imaging:order";

/// The resource; nothing when the study has no name. `ordered` says that there is an order that it answers.
pub(super) fn resource(archive: &Archive, study: &Set, series: &[Set], ordered: bool) -> Option<Value> {
    let uid = study.uid(dicom::STUDY)?;
    let mut identifiers = vec![json!({ "system": DICOM_UID, "value": format!("urn:oid:{uid}") })];
    if let Some(number) = study.text(dicom::ACCESSION_NUMBER) {
        identifiers.push(json!({
            "type": { "coding": [{ "system": IDENTIFIER_TYPES, "code": ACCESSION, "display": "Accession ID" }] },
            "system": format!("{ARCHIVES}:{}:accession", archive.name),
            "value": number,
        }));
    }
    let parts: Vec<Value> = series.iter().filter_map(part).collect();
    let mut it = json!({
        "resourceType": "ImagingStudy",
        "identifier": identifiers,
        "status": "available",
        "subject": { "reference": PATIENT },
        "endpoint": [{ "identifier": { "system": ARCHIVES, "value": archive.name }, "display": archive.title }],
        "numberOfSeries": parts.len(),
    });
    let counted: u64 = parts.iter().filter_map(|it| it.get("numberOfInstances")?.as_u64()).sum();
    it["numberOfInstances"] = match study.count(dicom::INSTANCES_OF_STUDY) {
        Some(count) => count.into(),
        None => counted.into(),
    };
    let mut kinds = study.texts(dicom::MODALITIES);
    kinds.extend(parts.iter().filter_map(|it| it.pointer("/modality/code")?.as_str().map(str::to_owned)));
    let mut known: Vec<String> = Vec::new();
    kinds.into_iter().for_each(|it| {
        if !known.contains(&it) {
            known.push(it)
        }
    });
    if !known.is_empty() {
        it["modality"] = known.iter().map(|code| json!({ "system": DCM, "code": code })).collect();
    }
    if let Some(started) = study.started(&archive.zone) {
        it["started"] = started.into();
    }
    if let Some(words) = study.text(dicom::STUDY_WORDS) {
        it["description"] = words.into();
    }
    if let Some(referrer) = study.person(dicom::REFERRER) {
        it["referrer"] = json!({ "display": referrer });
    }
    if ordered {
        it["basedOn"] = json!([{ "reference": ORDER }]);
    }
    if !parts.is_empty() {
        it["series"] = parts.into();
    }
    Some(it)
}

fn part(series: &Set) -> Option<Value> {
    // Of a series that does not say how it was made DICOM says OT, other.
    let modality = series.text(dicom::MODALITY).unwrap_or_else(|| "OT".to_owned());
    let mut it = json!({ "uid": series.uid(dicom::SERIES)?, "modality": { "system": DCM, "code": modality } });
    if let Some(number) = series.count(dicom::SERIES_NUMBER) {
        it["number"] = number.into();
    }
    if let Some(words) = series.text(dicom::SERIES_WORDS) {
        it["description"] = words.into();
    }
    if let Some(count) = series.count(dicom::INSTANCES_OF_SERIES) {
        it["numberOfInstances"] = count.into();
    }
    // Scanners write a word of a list (PS3.16, annex L), not a code of a system.
    if let Some(body) = series.text(dicom::BODY_PART) {
        it["bodySite"] = json!({ "display": body });
    }
    Some(it)
}
