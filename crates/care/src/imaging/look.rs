//! Opening a study: what the record says of it, and the series with their pictures as the archive lists them at this
//! moment. Before anything is shown, the archive is asked once more whose the study is.

use super::archive::Archive;
use super::dicom;
use super::listed::{Listed, Report, of_study, reports_of, uid_of};
use super::{ARCHIVES, ImagingError};
use crate::act::Pen;
use crate::ask;
use crate::chart::element::{concept, list, owned, text};
use fhir::{Id, Key, Value};
use std::collections::BTreeMap;
use store::StoreResult;

/// Pictures of one series that can be stepped through.
const MOST: usize = 4_000;
/// What bears no picture (DICOM PS3.3, C.7.3.1.1.1): reports, marks, plans, sound.
const NO_PICTURES: [&str; 14] =
    ["SR", "KO", "PR", "DOC", "RTSTRUCT", "RTPLAN", "RTRECORD", "REG", "FID", "AU", "ECG", "HD", "EPS", "PLAN"];

/// One picture of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The object that holds it.
    pub instance: String,
    /// Which of its pictures, from 1.
    pub number: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    pub uid: String,
    pub number: Option<u32>,
    /// `CT`.
    pub kind: String,
    pub words: Option<String>,
    pub body: Option<String>,
    pub frames: Vec<Frame>,
}

/// How it stands with the pictures of a study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Pictures(Vec<Series>),
    /// No archive is connected.
    NoArchive,
    /// The archive does not answer.
    Away,
    /// The archive does not have the study.
    NotThere,
    /// The archive says that the study is of somebody else: nothing of it is shown.
    AnotherPatient,
}

/// A study as the record tells of it.
#[derive(Clone, Debug)]
pub struct Shown {
    pub listed: Listed,
    pub reports: Vec<Report>,
    /// What was ordered.
    pub order: Option<String>,
    pub referrer: Option<String>,
    pub number: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Opened {
    pub shown: Shown,
    pub standing: Standing,
}

/// Opens a study of a patient; that of another is as if it were not there.
pub async fn open(pen: &Pen<'_>, patient: &Id, study: &Id) -> StoreResult<Opened> {
    let (value, _) = ask::own(pen.store(), pen.caller, patient, "ImagingStudy", study).await?;
    let reports = reports_of(pen, patient, &value).await?;
    let order = match list(&value, "basedOn").iter().find_map(|it| Key::parse(text(it, &["reference"])?)) {
        Some(key) if pen.may(store::Action::Read, key.kind.name()) => {
            let read = ask::own(pen.store(), pen.caller, patient, key.kind.name(), &key.id).await;
            read.ok().and_then(|(it, _)| it.get("code").and_then(concept))
        }
        _ => None,
    };
    let accession = list(&value, "identifier").iter().find(|it| super::fetch::is_accession(it));
    let shown = Shown {
        listed: of_study(&value).ok_or_else(|| {
            store::StoreError::NotFound(Key::parse(&format!("ImagingStudy/{study}")).expect("a checked id"))
        })?,
        referrer: owned(&value, &["referrer", "display"]),
        number: accession.and_then(|it| owned(it, &["value"])),
        reports,
        order,
    };
    let standing = match series(pen, patient, &value).await {
        Ok(series) => Standing::Pictures(series),
        Err(ImagingError::NoArchive) => Standing::NoArchive,
        Err(ImagingError::NotThere) => Standing::NotThere,
        Err(ImagingError::AnotherPatient) => Standing::AnotherPatient,
        Err(ImagingError::Store(error)) => return Err(error),
        Err(ImagingError::Away | ImagingError::Busy | ImagingError::Invalid) => Standing::Away,
    };
    Ok(Opened { shown, standing })
}

/// The archive in which a study lies: the one it names, else the only one there is.
pub(super) fn archive_of(pen: &Pen<'_>, study: &Value) -> Result<Archive, ImagingError> {
    let archives = pen.organisation.surroundings.archives(&pen.organisation.slug);
    let named = list(study, "endpoint").iter().find(|it| text(it, &["identifier", "system"]) == Some(ARCHIVES));
    let found = match named.and_then(|it| text(it, &["identifier", "value"])) {
        Some(name) => archives.into_iter().find(|it| it.name == name),
        None if archives.len() == 1 => archives.into_iter().next(),
        None => None,
    };
    found.ok_or(ImagingError::NoArchive)
}

async fn series(pen: &Pen<'_>, patient: &Id, study: &Value) -> Result<Vec<Series>, ImagingError> {
    let archive = archive_of(pen, study)?;
    let uid = uid_of(study).ok_or(ImagingError::NotThere)?;
    let egress = pen.organisation.surroundings.egress();
    let person = ask::read(pen.store(), pen.caller, "Patient", patient).await?.value;
    let (studies, series, instances) =
        tokio::try_join!(archive.by_uid(egress, &uid), archive.series(egress, &uid), archive.instances(egress, &uid),)?;
    let found = studies.iter().find(|it| it.uid(dicom::STUDY).as_deref() == Some(&uid));
    if !archive.is_of(found.ok_or(ImagingError::NotThere)?, &person) {
        return Err(ImagingError::AnotherPatient);
    }
    // By series: number of the object, its name, how many pictures it holds.
    let mut held: BTreeMap<String, Vec<(u32, String, u32)>> = BTreeMap::new();
    for it in &instances {
        if let (Some(series), Some(name)) = (it.uid(dicom::SERIES), it.uid(dicom::INSTANCE)) {
            let count = it.count(dicom::FRAMES).unwrap_or(1).max(1);
            held.entry(series).or_default().push((it.count(dicom::INSTANCE_NUMBER).unwrap_or(0), name, count));
        }
    }
    let mut all: Vec<Series> = series
        .iter()
        .filter_map(|it| {
            let uid = it.uid(dicom::SERIES)?;
            let kind = it.text(dicom::MODALITY).unwrap_or_else(|| "OT".to_owned());
            let mut objects = held.remove(&uid).unwrap_or_default();
            objects.sort();
            let frames = objects
                .iter()
                .flat_map(|(_, name, count)| (1..=*count).map(|number| Frame { instance: name.clone(), number }));
            let frames = if NO_PICTURES.contains(&kind.as_str()) { Vec::new() } else { frames.take(MOST).collect() };
            let number = it.count(dicom::SERIES_NUMBER);
            let (words, body) = (it.text(dicom::SERIES_WORDS), it.text(dicom::BODY_PART));
            Some(Series { uid, number, kind, words, body, frames })
        })
        .collect();
    all.sort_by_key(|it| (it.frames.is_empty(), it.number.unwrap_or(u32::MAX), it.uid.clone()));
    Ok(all)
}
