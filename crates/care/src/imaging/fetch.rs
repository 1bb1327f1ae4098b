//! Studies of an archive into the record: all of a patient when somebody asks, one when a report names it. What is here
//! already is the same resource, whoever told of it first, and nothing is written when nothing is new.

use super::archive::Archive;
use super::dicom::{self, Set};
use super::study::{self, ORDER, PATIENT};
use super::{DICOM_UID, ImagingError, link};
use crate::Organisation;
use crate::act::Pen;
use crate::ask;
use crate::chart::element::{has_code, list, text};
use crate::exchange::door::{self, Arrival};
use crate::exchange::origin::{Origin, Way};
use fhir::{Id, Key, Value};
use std::sync::LazyLock;
use store::audit::Event;
use store::{Caller, Rights, StoreResult};

/// Looks whether a study is here already.
pub(super) static READER: LazyLock<Caller> = LazyLock::new(|| Caller::system("imaging"));

/// What came of asking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    pub new: usize,
    pub changed: usize,
    pub known: usize,
    /// The archive says that they are of somebody else.
    pub left_out: usize,
    /// Archives that know the patient under no number of ours.
    pub unnamed: Vec<String>,
    /// Archives that did not answer.
    pub silent: Vec<String>,
}

/// What became of one study.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    New,
    Changed,
    Known,
    LeftOut,
}

impl Fetched {
    pub(super) fn count(&mut self, taken: Taken) {
        match taken {
            Taken::New => self.new += 1,
            Taken::Changed => self.changed += 1,
            Taken::Known => self.known += 1,
            Taken::LeftOut => self.left_out += 1,
        }
    }
}

/// Asks every archive for the studies of a patient.
pub async fn fetch(pen: &Pen<'_>, patient: &Id) -> Result<Fetched, ImagingError> {
    if !super::may_fetch(pen) {
        return Err(store::StoreError::Forbidden.into());
    }
    let organisation = pen.organisation;
    let archives = organisation.surroundings.archives(&organisation.slug);
    if archives.is_empty() {
        return Err(ImagingError::NoArchive);
    }
    let known = ask::read(pen.store(), pen.caller, "Patient", patient).await?.value;
    let egress = organisation.surroundings.egress();
    let mut fetched = Fetched::default();
    // What is taken in names people and orders that whoever asks may not write.
    let hand = Caller { rights: Rights::everything(), ..pen.caller.clone() };
    for archive in archives {
        let numbers = archive.numbers(&known);
        if numbers.is_empty() {
            fetched.unnamed.push(archive.title.clone());
        }
        for number in numbers {
            let Ok(studies) = archive.of_patient(egress, &number).await else {
                fetched.silent.push(archive.title.clone());
                break;
            };
            for study in studies {
                match take(organisation, &hand, &archive, &known, &study, pen.now).await {
                    Ok(taken) => fetched.count(taken),
                    Err(ImagingError::Away | ImagingError::NotThere) => fetched.silent.push(archive.title.clone()),
                    Err(other) => return Err(other),
                }
            }
        }
    }
    fetched.silent.dedup();
    note(organisation, pen.caller, patient, fetched.left_out, pen.now).await?;
    Ok(fetched)
}

/// That studies were left out is in the audit log; of whom they may be is not.
pub(super) async fn note(
    organisation: &Organisation,
    caller: &Caller,
    patient: &Id,
    left_out: usize,
    now: i64,
) -> StoreResult<()> {
    if left_out == 0 {
        return Ok(());
    }
    let says = format!("{left_out} studies of an archive name another patient and were left out");
    organisation.store.record(caller, Event::of("imaging").patient(patient.clone()).detail(says), now).await
}

/// Takes one study in, if it is this patient's.
pub(super) async fn take(
    organisation: &Organisation,
    hand: &Caller,
    archive: &Archive,
    patient: &Value,
    study: &Set,
    now: i64,
) -> Result<Taken, ImagingError> {
    let whose = text(patient, &["id"]).and_then(Id::parse);
    let (Some(uid), Some(whose), true) = (study.uid(dicom::STUDY), whose, archive.is_of(study, patient)) else {
        return Ok(Taken::LeftOut);
    };
    let here = known(organisation, &uid).await?;
    if here.as_ref().is_some_and(|it| !ask::is_about(it, &whose)) {
        return Ok(Taken::LeftOut);
    }
    let numbers: Vec<String> = study.text(dicom::ACCESSION_NUMBER).into_iter().collect();
    let order = link::orders(organisation, &whose, &numbers).await?.into_iter().next();
    let counted = |it: &Value, name: &str| it[name].as_u64();
    let same = here.as_ref().is_some_and(|it| {
        let says = |name, tag| study.count(tag).map(u64::from).is_some_and(|said| counted(it, name) == Some(said));
        says("numberOfInstances", dicom::INSTANCES_OF_STUDY)
            && says("numberOfSeries", dicom::SERIES_OF_STUDY)
            && (order.is_none() || !list(it, "basedOn").is_empty())
    });
    let id = here.as_ref().and_then(|it| text(it, &["id"])).and_then(Id::parse);
    let key = |kind: &str, id: &Id| Key::parse(&format!("{kind}/{id}")).expect("a type of R4 and a checked id");
    if let (true, Some(id)) = (same, &id) {
        link::reports(organisation, &whose, &key("ImagingStudy", id), &uid, &numbers, order.as_ref(), now).await?;
        return Ok(Taken::Known);
    }
    let series = archive.series(organisation.surroundings.egress(), &uid).await?;
    let Some(value) = study::resource(archive, study, &series, order.is_some()) else { return Ok(Taken::LeftOut) };
    let address = match &id {
        Some(id) => format!("urn:uuid:{id}"),
        None => format!("imaging-study:{uid}"),
    };
    let origin =
        Origin { way: Way::Record, source: archive.source(), name: archive.title.clone(), arrival: Some(uid.clone()) };
    let mut bound = vec![(PATIENT.to_owned(), key("Patient", &whose))];
    bound.extend(order.clone().map(|it| (ORDER.to_owned(), it)));
    let arrival = Arrival { patient: Some(PATIENT), bound, ..Arrival::new(&origin, vec![(address.clone(), value)]) };
    let received = door::receive(organisation, hand, arrival, now).await?;
    let study = received.names.get(&address).cloned().expect("what is handed to the door gets a name");
    link::reports(organisation, &whose, &study, &uid, &numbers, order.as_ref(), now).await?;
    Ok(match (received.keys.is_empty(), here.is_some()) {
        (true, _) => Taken::Known,
        (false, true) => Taken::Changed,
        (false, false) => Taken::New,
    })
}

/// The study as it is here already, whoever told of it.
pub(super) async fn known(organisation: &Organisation, uid: &str) -> StoreResult<Option<Value>> {
    let asked = [("identifier", format!("{DICOM_UID}|{}", ask::escaped(&format!("urn:oid:{uid}"))))];
    let query = ask::query(&organisation.store, "ImagingStudy", &asked)?;
    let found = organisation.store.current_matches(&READER, &query, 1).await?;
    Ok(found.first().map(store::Stored::value))
}

/// Whether an identifier is an accession number.
pub(super) fn is_accession(identifier: &Value) -> bool {
    identifier.get("type").is_some_and(|it| has_code(it, super::ACCESSION))
}
