//! An archive of images (PACS) that speaks DICOMweb, and the calls to it (PS3.18: 10.6 search, 10.4 retrieve, 8.3.5
//! rendering). Calls go through `care::egress` with the leave to the one origin that the settings name; they bear the
//! credentials of the settings and nothing else, and take what they asked for, within a size and a time.

use super::ImagingError;
use super::dicom::{self, Set, is_uid};
use crate::chart::element::{has_code, list, text};
use crate::egress::{Answer, Ask, Egress};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fhir::Value;
use jiff::tz::TimeZone;
use std::time::Duration;

const JSON: &str = "application/dicom+json";
/// The largest list that is taken, and for how long it is waited for.
const LIST: usize = 24 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);
/// Studies of one patient that are asked for.
const STUDIES: usize = 200;

/// With what this program shows who it is.
#[derive(Clone)]
pub enum Credential {
    Password { user: String, password: String },
    Token(String),
}

/// An archive as the settings have it. Deliberately without `Debug`: it holds secrets.
#[derive(Clone)]
pub struct Archive {
    /// In resources: `main`.
    pub name: String,
    /// What people call it: `Lakeside Imaging`.
    pub title: String,
    /// The base of its DICOMweb services, without a slash at the end.
    pub address: String,
    pub credential: Option<Credential>,
    /// The naming system of the patient numbers it uses; medical record numbers when absent.
    pub patients: Option<String>,
    /// What it calls the issuer of these numbers (0010,0021); any when absent.
    pub issuer: Option<String>,
    /// Where it stands, for times without an offset.
    pub zone: TimeZone,
}

impl Archive {
    pub fn new(name: &str, title: &str, address: &str) -> Archive {
        Archive {
            name: name.to_owned(),
            title: title.to_owned(),
            address: address.trim_end_matches('/').to_owned(),
            credential: None,
            patients: None,
            issuer: None,
            zone: TimeZone::UTC,
        }
    }

    /// The address of the partner, for the origin of what comes.
    pub(super) fn source(&self) -> String {
        format!("{}:{}", super::ARCHIVES, self.name)
    }

    fn ask(&self, path: &str, accept: &str) -> Ask {
        let ask = Ask::get(&format!("{}/{path}", self.address)).accepting(accept).granted(&self.address);
        match &self.credential {
            None => ask,
            Some(Credential::Token(token)) => ask.authorized(&format!("Bearer {token}")),
            Some(Credential::Password { user, password }) => {
                ask.authorized(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
            }
        }
    }

    async fn search(&self, egress: &dyn Egress, path: &str) -> Result<Vec<Set>, ImagingError> {
        let ask = Ask { patience: PATIENCE, ..self.ask(path, JSON).within(LIST) };
        let answer = egress.send(ask).await.map_err(|_| ImagingError::Away)?;
        match answer.status {
            200 => Set::all(&answer.body).ok_or(ImagingError::Away),
            204 => Ok(Vec::new()),
            404 => Err(ImagingError::NotThere),
            _ => Err(ImagingError::Away),
        }
    }

    async fn studies(&self, egress: &dyn Egress, name: &str, value: &str) -> Result<Vec<Set>, ImagingError> {
        // What would match anything is no number.
        if value.contains(['*', '?', '\\']) || value.trim().is_empty() {
            return Ok(Vec::new());
        }
        const ALSO: [&str; 9] = [
            dicom::ISSUER,
            dicom::BORN,
            dicom::STUDY_WORDS,
            dicom::MODALITIES,
            dicom::SERIES_OF_STUDY,
            dicom::INSTANCES_OF_STUDY,
            dicom::REFERRER,
            dicom::ACCESSION_NUMBER,
            dicom::OFFSET,
        ];
        let path = format!("studies?{name}={}{}&limit={STUDIES}", encoded(value), including(&ALSO));
        match self.search(egress, &path).await {
            Err(ImagingError::NotThere) => Ok(Vec::new()),
            other => other,
        }
    }

    pub(super) async fn of_patient(&self, egress: &dyn Egress, number: &str) -> Result<Vec<Set>, ImagingError> {
        self.studies(egress, "PatientID", number).await
    }

    pub(super) async fn by_accession(&self, egress: &dyn Egress, number: &str) -> Result<Vec<Set>, ImagingError> {
        self.studies(egress, "AccessionNumber", number).await
    }

    pub(super) async fn by_uid(&self, egress: &dyn Egress, uid: &str) -> Result<Vec<Set>, ImagingError> {
        if is_uid(uid) { self.studies(egress, "StudyInstanceUID", uid).await } else { Ok(Vec::new()) }
    }

    pub(super) async fn series(&self, egress: &dyn Egress, study: &str) -> Result<Vec<Set>, ImagingError> {
        const ALSO: [&str; 5] =
            [dicom::SERIES_WORDS, dicom::BODY_PART, dicom::INSTANCES_OF_SERIES, dicom::SERIES_NUMBER, dicom::MODALITY];
        // The address must not be led elsewhere by what somebody wrote into a record.
        if !is_uid(study) {
            return Err(ImagingError::NotThere);
        }
        self.search(egress, &format!("studies/{study}/series?limit=1000{}", including(&ALSO))).await
    }

    pub(super) async fn instances(&self, egress: &dyn Egress, study: &str) -> Result<Vec<Set>, ImagingError> {
        if !is_uid(study) {
            return Err(ImagingError::NotThere);
        }
        let also = including(&[dicom::INSTANCE_NUMBER, dicom::FRAMES, dicom::SERIES]);
        self.search(egress, &format!("studies/{study}/instances?limit=10000{also}")).await
    }

    /// A picture, as whatever the archive answers.
    pub(super) async fn rendered(
        &self,
        egress: &dyn Egress,
        path: &str,
        limit: usize,
        patience: Duration,
    ) -> Result<Answer, ImagingError> {
        let ask = Ask { patience, ..self.ask(path, "image/jpeg").within(limit) };
        egress.send(ask).await.map_err(|_| ImagingError::Away)
    }

    /// The numbers by which this archive may know a patient.
    pub(super) fn numbers(&self, patient: &Value) -> Vec<String> {
        let is_ours = |it: &&Value| match &self.patients {
            Some(system) => text(it, &["system"]) == Some(system),
            None => it.get("type").is_some_and(|it| has_code(it, "MR")),
        };
        let old = |it: &&Value| text(it, &["use"]) != Some("old");
        let all = list(patient, "identifier").iter().filter(is_ours).filter(old);
        all.filter_map(|it| text(it, &["value"])).map(str::to_owned).collect()
    }

    /// Whether a study is this patient's: it bears one of their numbers of the right issuer, and no other day of birth.
    pub(super) fn is_of(&self, study: &Set, patient: &Value) -> bool {
        let Some(number) = study.text(dicom::PATIENT) else { return false };
        let issuer = study.text(dicom::ISSUER);
        if matches!((&self.issuer, &issuer), (Some(ours), Some(theirs)) if ours != theirs) {
            return false;
        }
        let born = text(patient, &["birthDate"]).filter(|it| it.len() == 10);
        let theirs = study.day(dicom::BORN).map(|it| it.to_string());
        if matches!((born, &theirs), (Some(ours), Some(theirs)) if ours != theirs) {
            return false;
        }
        self.numbers(patient).contains(&number)
    }
}

fn including(tags: &[&str]) -> String {
    tags.iter().map(|it| format!("&includefield={it}")).collect()
}

/// As a value of a query (RFC 3986, 2.1).
fn encoded(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn patient() -> Value {
        json!({ "resourceType": "Patient", "birthDate": "1986-02-03", "identifier": [
            { "type": { "coding": [{ "code": "MR" }] }, "system": "urn:oid:1.2.3", "value": "R-7" },
            { "type": { "coding": [{ "code": "MR" }] }, "system": "urn:oid:1.2.3", "value": "R-6", "use": "old" },
            { "system": "urn:oid:9", "value": "L-7" },
        ] })
    }

    fn study(number: &str, more: Value) -> Set {
        let mut it = json!({ "00100020": { "Value": [number] } });
        it.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Set::all(json!([it]).to_string().as_bytes()).unwrap().remove(0)
    }

    #[test]
    fn a_study_is_of_whom_it_names_and_of_nobody_else() {
        let (known, mut archive) = (patient(), Archive::new("main", "Main", "https://pacs.example/dicom-web/"));
        assert_eq!(
            (archive.numbers(&known), &*archive.address),
            (vec!["R-7".to_owned()], "https://pacs.example/dicom-web")
        );
        assert!(archive.is_of(&study("R-7", json!({})), &known));
        assert!(!archive.is_of(&study("R-77", json!({})), &known));
        assert!(!archive.is_of(&study("r-7", json!({})), &known));
        assert!(!archive.is_of(&study("R-6", json!({})), &known), "a number that is no longer theirs");
        assert!(!archive.is_of(&Set::all(b"[{}]").unwrap()[0], &known), "nobody is named");
        assert!(archive.is_of(&study("R-7", json!({ "00100030": { "Value": ["19860203"] } })), &known));
        assert!(!archive.is_of(&study("R-7", json!({ "00100030": { "Value": ["19860204"] } })), &known));
        archive.issuer = Some("RIVERSIDE".to_owned());
        assert!(archive.is_of(&study("R-7", json!({ "00100021": { "Value": ["RIVERSIDE"] } })), &known));
        assert!(!archive.is_of(&study("R-7", json!({ "00100021": { "Value": ["OTHER"] } })), &known));
        archive.patients = Some("urn:oid:9".to_owned());
        assert_eq!(archive.numbers(&known), ["L-7"]);
    }

    #[test]
    fn what_is_asked_for_cannot_become_another_question() {
        assert_eq!(encoded("A 7&limit=9/../x"), "A%207%26limit%3D9%2F..%2Fx");
    }
}
