//! Documents that come from outside on paper or as a file (screen C-19): what is brought is looked at byte by byte, filed
//! as a DocumentReference with its content, and marked as reviewed by somebody. What a browser says of a file is never
//! believed; what a file holds is never run.
//!
//! FHIR R4: DocumentReference 2.42, Binary 2.45. Small files lie inside the document; large ones in a Binary beside it, so
//! that lists of documents stay quick.

mod ccda;
mod sniff;

pub use ccda::{Ccda, Heading};
pub use sniff::{Kind, sniff};

use crate::act::{Act, ActError, Pen, Signature};
use crate::ask;
use crate::chart::When;
use crate::chart::element::{owned, text};
use crate::notes::text::tidy;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fhir::{Id, Key, ResourceType, Value};
use serde_json::json;
use store::{Action, StoreError};

/// What may be brought at most.
pub const LARGEST: usize = 20 * 1024 * 1024;
/// What lies inside the document itself.
const INSIDE: usize = 48 * 1024;
const TITLE: usize = 200;
const LOINC: &str = "http://loinc.org";
const UNKNOWN: &str = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor";

/// What a document can be: (key, LOINC, display).
pub const TYPES: [(&str, &str, &str); 11] = [
    ("consult", "11488-4", "Consult note"),
    ("discharge", "18842-5", "Discharge summary"),
    ("laboratory", "11502-2", "Laboratory report"),
    ("imaging", "18748-4", "Diagnostic imaging study"),
    ("pathology", "11526-1", "Pathology study"),
    ("referral", "57133-1", "Referral note"),
    ("progress", "11506-3", "Progress note"),
    ("directive", "42348-3", "Advance directives"),
    ("insurance", "64290-0", "Health insurance card"),
    ("photo", "72170-4", "Photographic image"),
    ("other", "", "Other document"),
];

/// What somebody brings.
#[derive(Clone, Debug, Default)]
pub struct Brought<'a> {
    pub bytes: &'a [u8],
    /// As the file is called; only for a title where there is none.
    pub file_name: &'a str,
    pub title: &'a str,
    /// A key of [`TYPES`].
    pub kind: &'a str,
    /// `2026-06-15`, or nothing for today.
    pub date: &'a str,
    /// Who wrote it, if not the one who brings it.
    pub author: &'a str,
    pub once: &'a str,
}

#[derive(Debug, thiserror::Error)]
pub enum FilingError {
    #[error("there is no file")]
    Nothing,
    #[error("a file has at most {} megabytes", LARGEST / 1024 / 1024)]
    TooLarge,
    #[error("only PDF, JPEG, PNG, plain text and C-CDA documents can be filed")]
    Unknown,
    #[error("the kind of document is not known")]
    NoKind,
    #[error("the date must be a day that was: 2026-06-15")]
    NoDate,
    #[error(transparent)]
    Act(#[from] ActError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Files a document.
pub async fn file(pen: &Pen<'_>, patient: &Id, brought: &Brought<'_>) -> Result<Id, FilingError> {
    if !pen.may(Action::Create, "DocumentReference") {
        return Err(StoreError::Forbidden.into());
    }
    ask::read(pen.store(), pen.caller, "Patient", patient).await?;
    if brought.bytes.is_empty() {
        return Err(FilingError::Nothing);
    }
    if brought.bytes.len() > LARGEST {
        return Err(FilingError::TooLarge);
    }
    let found = sniff(brought.bytes).ok_or(FilingError::Unknown)?;
    let (_, code, display) = *TYPES.iter().find(|(key, ..)| *key == brought.kind).ok_or(FilingError::NoKind)?;
    let date = match brought.date.trim() {
        "" => pen.today(),
        given => When::parse(given)
            .filter(|it| it.is_whole_day() && it.at() <= pen.now / 1000)
            .map(|it| it.machine())
            .ok_or(FilingError::NoDate)?,
    };
    let title = [brought.title, brought.file_name, display].into_iter().map(str::trim).find(|it| !it.is_empty());
    let title = tidy(title.unwrap_or(display), TITLE).replace('\n', " ");
    let subject = json!({ "reference": format!("Patient/{patient}") });
    let mut act = Act::new("document.file", patient).once(brought.once);
    let mut attachment = json!({
        "contentType": found.content_type(),
        "size": brought.bytes.len(),
        "title": title,
        "creation": date,
    });
    let data = STANDARD.encode(brought.bytes);
    let id = Id::parse(&pen.organisation.surroundings.new_id()).expect("our own ids are ids of FHIR");
    let key = Key::new(ResourceType::parse("DocumentReference").expect("a type of R4"), id);
    if brought.bytes.len() <= INSIDE {
        attachment["data"] = Value::String(data);
    } else {
        // Who may not read the document may not read the file either.
        let binary = act.create(
            pen,
            json!({
                "resourceType": "Binary",
                "contentType": found.content_type(),
                "securityContext": { "reference": key.to_string() },
                "data": data,
            }),
        );
        attachment["url"] = Value::String(binary.to_string());
    }
    let coding = match code {
        "" => json!({ "system": UNKNOWN, "code": "UNK", "display": "unknown" }),
        code => json!({ "system": LOINC, "code": code, "display": display }),
    };
    let kind = json!({ "coding": [coding], "text": display });
    let author = tidy(brought.author, TITLE).replace('\n', " ").trim().to_owned();
    act.create_as(
        key,
        json!({
            "resourceType": "DocumentReference",
            "status": "current",
            "type": kind,
            "category": [kind],
            "subject": subject,
            "date": format!("{date}T00:00:00Z"),
            "author": if author.is_empty() { json!([pen.who()]) } else { json!([{ "display": author }]) },
            "description": title,
            "content": [{ "attachment": attachment }],
        }),
    );
    let written = pen.commit(act).await?;
    let document = written.keys.into_iter().map(|(key, _)| key).find(|key| key.kind.name() == "DocumentReference");
    Ok(document.expect("what is filed is a document").id)
}

/// Marks a document as reviewed: the caller signs that they have seen it.
pub async fn review(pen: &Pen<'_>, patient: &Id, id: &Id) -> Result<(), FilingError> {
    let mut value = ask::read(pen.store(), pen.caller, "DocumentReference", id).await?.value;
    let key = Key::parse(&format!("DocumentReference/{id}")).expect("a checked id");
    if text(&value, &["subject", "reference"]) != Some(&format!("Patient/{patient}")) {
        return Err(StoreError::NotFound(key).into());
    }
    if value.get("authenticator").is_some() {
        return Ok(());
    }
    let version = owned(&value, &["meta", "versionId"]).and_then(|it| it.parse().ok()).unwrap_or(0);
    value["authenticator"] = pen.who();
    if value.get("docStatus").is_none() {
        value["docStatus"] = json!("final");
    }
    let mut act = Act::new("document.review", patient).once(format!("review/{id}/{version}"));
    act.update(key, version, value);
    act.signed(Signature::Reviewer);
    pen.commit(act).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
