//! Documents of this record for others: what is known of one patient as C-CDA, kept as it went out. What came from
//! elsewhere and nobody here has decided about is not told as if it were ours.

use crate::Organisation;
use crate::act::{Act, ActError, Pen};
use crate::ask;
use crate::chart::element::{list, text};
use crate::exchange::origin;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fhir::{Id, Key, ResourceType, Value};
use formats::ccda::write::{Author, Kind, Making, write};
use serde_json::json;
use store::{Caller, Everything, StoreResult};

/// What is asked for at once.
const PAGE: u32 = 500;

/// What a document is to be.
#[derive(Clone, Copy, Debug)]
pub struct Made<'a> {
    pub kind: Kind,
    /// Who is to get it, by name.
    pub recipient: Option<&'a str>,
    /// Why the patient is sent, or what happened in hospital.
    pub reason: Option<&'a str>,
    pub instructions: Option<&'a str>,
    /// The form's key.
    pub once: &'a str,
}

/// Everything of one patient that the caller may see and that is part of this record, with what it refers to.
pub async fn record(organisation: &Organisation, caller: &Caller, patient: &Id) -> StoreResult<Vec<Value>> {
    let owner = Key::new(ResourceType::parse("Patient").expect("a type of R4"), patient.clone());
    let mut asked = Everything::of(owner, PAGE);
    let mut all = Vec::new();
    loop {
        let page = organisation.store.everything(caller, &asked).await?;
        asked.cursor = page.next.clone();
        let values = page.entries.into_iter().filter(|it| !it.stored.deleted).map(|it| it.stored.value());
        all.extend(values.filter(|it| !origin::is_unreconciled(it)));
        if asked.cursor.is_none() {
            return Ok(all);
        }
    }
}

/// The organisation as it presents itself: its own resource, else its name.
pub(super) fn keeper(organisation: &Organisation, all: &[Value], patient: &Value) -> Value {
    let own = text(patient, &["managingOrganization", "reference"]);
    let found = all.iter().find(|it| {
        text(it, &["resourceType"]) == Some("Organization")
            && text(it, &["id"]).is_some_and(|id| own == Some(&format!("Organization/{id}")))
    });
    found.cloned().unwrap_or_else(
        || json!({ "resourceType": "Organization", "id": organisation.slug, "name": organisation.name }),
    )
}

/// Makes a document and files it as a document of the patient; answers its id.
pub async fn make(pen: &Pen<'_>, patient: &Id, made: &Made<'_>) -> Result<Id, ActError> {
    let person = ask::read(pen.store(), pen.caller, "Patient", patient).await?.value;
    let all = record(pen.organisation, pen.caller, patient).await?;
    let custodian = keeper(pen.organisation, &all, &person);
    let author = match pen.author.filter(|it| it.kind.name() == "Practitioner") {
        Some(key) => ask::read(pen.store(), pen.caller, "Practitioner", &key.id).await.ok().map(|it| it.value),
        None => None,
    };
    let written = pen.moment();
    let fresh = || pen.organisation.surroundings.new_id();
    let (id, set) = (uuid(&fresh()), uuid(&fresh()));
    let visit = all.iter().filter(|it| text(it, &["resourceType"]) == Some("Encounter"));
    let visit = visit
        .filter(|it| text(it, &["class", "code"]) == Some("IMP"))
        .max_by_key(|it| text(it, &["period", "start"]).unwrap_or_default().to_owned());
    let bytes = write(&Making {
        kind: made.kind,
        patient: &person,
        resources: &all,
        base: &pen.organisation.fhir_base(),
        author: author.as_ref().map_or(Author::Program { maker: "Continuo", name: "Continuo" }, Author::Person),
        custodian: &custodian,
        written: &written,
        id: &id,
        set: &set,
        version: 1,
        encounter: visit.filter(|_| made.kind == Kind::DischargeSummary),
        recipient: made.recipient,
        reason: made.reason,
        assessment: None,
        instructions: made.instructions,
    });
    let (code, display) = made.kind.code();
    let key = Key::new(
        ResourceType::parse("DocumentReference").expect("a type of R4"),
        Id::parse(&fresh()).expect("our own ids are ids of FHIR"),
    );
    let mut act = Act::new("document.make", patient).once(made.once);
    let binary = act.create(
        pen,
        json!({
            "resourceType": "Binary",
            "contentType": "text/xml",
            "securityContext": { "reference": key.to_string() },
            "data": STANDARD.encode(&bytes),
        }),
    );
    let title = match made.recipient {
        Some(name) => format!("{} for {name}", made.kind.title()),
        None => made.kind.title().to_owned(),
    };
    act.create_as(
        key.clone(),
        json!({
            "resourceType": "DocumentReference",
            "masterIdentifier": { "system": "urn:ietf:rfc:3986", "value": format!("urn:uuid:{id}") },
            "status": "current",
            "type": { "coding": [{ "system": "http://loinc.org", "code": code, "display": display }], "text": made.kind.title() },
            "category": [{ "coding": [{ "code": "clinical-note", "display": "Clinical Note",
                "system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category" }] }],
            "subject": { "reference": format!("Patient/{patient}") },
            "date": written,
            "author": [pen.who()],
            "description": title,
            "content": [{ "attachment": {
                "contentType": "text/xml", "size": bytes.len(), "title": title, "url": binary.to_string(), "creation": written,
            } }],
        }),
    );
    let written = pen.commit(act).await?;
    let document = written.keys.into_iter().map(|(key, _)| key).find(|it| it.kind.name() == "DocumentReference");
    Ok(document.map_or(key.id, |it| it.id))
}

/// A name of ours as a UUID: most are; another becomes one that follows from it.
pub(super) fn uuid(name: &str) -> String {
    let groups: Vec<usize> = name.split('-').map(str::len).collect();
    if groups == [8, 4, 4, 4, 12] && name.bytes().all(|it| it == b'-' || it.is_ascii_hexdigit()) {
        return name.to_ascii_lowercase();
    }
    let hex = super::print(name.as_bytes());
    format!("{}-{}-8{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

/// The words of a concept.
pub(super) fn words(concept: Option<&Value>) -> Option<String> {
    let concept = concept?;
    let coding =
        || list(concept, "coding").iter().find_map(|it| text(it, &["display"]).or_else(|| text(it, &["code"])));
    text(concept, &["text"]).or_else(coding).map(str::to_owned)
}
