//! Documents of other records: taken in as they were received, read, and their resources handed to the door, where they
//! stand apart until somebody reconciles them. The bytes are kept for ever as they came (DocumentReference with a
//! Binary, FHIR R4 2.42 and 2.45). The same document twice says nothing new; a later version of its set updates what
//! the earlier one told, with history, and takes its place.
//!
//! A document that is brought to one patient's chart is about that patient, or it is not taken: who it says it is about
//! must not contradict who the chart is of.

mod bundle;
mod make;
mod summary;
mod told;

pub use formats::ccda::write::Kind;
pub use make::{Made, make, record};
pub use summary::summary;
pub use told::{Told, told};

use super::door::{self, Arrival, DoorError, Received};
use super::origin::{Origin, Way};
use super::pile::Pile;
use crate::Organisation;
use crate::ask;
use crate::chart::element::{list, text};
use fhir::{Id, Key, ResourceType, Value};
use formats::ccda::{self, Became, Taker};
use ring::digest::{SHA256, digest};
use serde_json::json;
use std::sync::LazyLock;
use store::{Action, Caller, Permit, Rights, StoreError};

/// Looks whether a newer version of a document is here.
static READER: LazyLock<Caller> = LazyLock::new(|| Caller::system("exchange"));

/// What was taken in.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The DocumentReference under which it is kept.
    pub document: Id,
    pub patient: Option<Id>,
    /// Entries that became resources, and those that stay in the words of the document.
    pub entries: (usize, usize),
    pub received: Received,
}

impl Taken {
    /// Whether it said anything that was not known.
    pub fn is_new(&self) -> bool {
        !self.received.keys.is_empty()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    #[error("it is no document that can be read: {0}")]
    Unreadable(String),
    #[error("the document is about somebody else")]
    AnotherPatient,
    #[error(transparent)]
    Door(#[from] DoorError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes in a document: a C-CDA, or a FHIR document (Bundle) in JSON. `patient` is whose chart it was brought to; without
/// one, the document says whose it is.
pub async fn take(
    organisation: &Organisation,
    caller: &Caller,
    bytes: &[u8],
    patient: Option<&Id>,
    now: i64,
) -> Result<Taken, TakeError> {
    let read = match bytes.iter().find(|it| !it.is_ascii_whitespace()) {
        Some(b'{') => bundle::read(bytes)?,
        _ => clinical(bytes)?,
    };
    let may = |kind: &str| {
        let kind = ResourceType::parse(kind).expect("a type of R4");
        caller.rights.permit(&organisation.store.registry(), kind, Action::Create) != Permit::Never
    };
    if !may("DocumentReference") || (patient.is_none() && !may("Patient")) {
        return Err(StoreError::Forbidden.into());
    }
    if let Some(chart) = patient {
        let known = ask::read(&organisation.store, caller, "Patient", chart).await?.value;
        let said = read.resources.iter().find(|(address, _)| *address == read.patient).map(|(_, it)| it);
        if said.is_some_and(|said| !may_be(&known, said)) {
            return Err(TakeError::AnotherPatient);
        }
    }
    let address = format!("document:{}", read.id);
    let file = format!("file:{}", read.id);
    let (reference, older) = filed(organisation, &read, bytes.len(), &file).await?;
    let Read { origin, resources, pile, patient: about, written, version, entries, content_type, .. } = read;
    let mut all = vec![(address.clone(), reference)];
    all.extend(resources);
    all.extend(older);
    let key = |kind: &str, id: &Id| Key::new(ResourceType::parse(kind).expect("a type of R4"), id.clone());
    let arrival = Arrival {
        patient: Some(&about),
        sent: written,
        number: version,
        // What fits is prepared by whoever brings it; what does not, a few at a time.
        pile: (bytes.len() > LARGE || !pile.is_empty()).then_some(&pile),
        file: Some((&file, content_type, &address, bytes)),
        bound: patient.map(|it| (about.clone(), key("Patient", it))).into_iter().collect(),
        entity: Some(&address),
        ..Arrival::new(&origin, all)
    };
    // A document names people and places that whoever brings it may not write: what is new of them comes with it, and
    // what is known here is not changed by it.
    let hand = Caller { rights: Rights::everything(), ..caller.clone() };
    let received = door::receive(organisation, &hand, arrival, now).await?;
    let document =
        received.names.get(&address).map(|it| it.id.clone()).expect("what is handed to the door gets a name");
    Ok(Taken { document, patient: received.patient.clone().or_else(|| patient.cloned()), entries, received })
}

/// A document as its kind was read.
struct Read {
    /// What this very document is called, whatever its version.
    id: String,
    /// The set whose versions take each other's place.
    set: Option<String>,
    version: u64,
    /// When it was written: a FHIR dateTime.
    written: Option<String>,
    title: String,
    kind: Option<Value>,
    author: Vec<Value>,
    custodian: Option<Value>,
    content_type: &'static str,
    format: Option<Value>,
    origin: Origin,
    patient: String,
    resources: Vec<(String, Value)>,
    /// The rest of them, when they are many.
    pile: Pile,
    entries: (usize, usize),
}

/// Resources of one document that are held as trees: those of nearly every document.
const HELD: usize = 600;
/// A document of more bytes than this tells too much to be held as trees.
const LARGE: usize = 1 << 20;

/// What a document tells, while it is read.
#[derive(Default)]
struct Gathered {
    held: Vec<(String, Value)>,
    pile: Pile,
    composition: Option<Value>,
    large: bool,
    mapped: usize,
    words: usize,
}

impl Taker for Gathered {
    fn resource(&mut self, address: String, resource: Value) {
        let kind = text(&resource, &["resourceType"]).unwrap_or_default();
        // Labels of the others depend on these.
        let around = matches!(kind, "Patient" | "Encounter");
        let named = matches!(kind, "Organization" | "Practitioner" | "PractitionerRole");
        if kind == "Composition" {
            const ASIDE: [&str; 5] = ["title", "date", "type", "author", "custodian"];
            let aside = ASIDE.iter().filter_map(|name| Some(((*name).to_owned(), resource.get(*name)?.clone())));
            self.composition = Some(Value::Object(aside.collect()));
        }
        match around || named || (!self.large && self.held.len() < HELD) {
            true => self.held.push((address, resource)),
            false => self.pile.push(&address, &resource),
        }
    }

    fn entry(&mut self, entry: ccda::Entry) {
        match entry.became {
            Became::Resources(_) => self.mapped += 1,
            Became::Narrative(_) => self.words += 1,
            Became::Nothing(_) => {}
        }
    }
}

fn clinical(bytes: &[u8]) -> Result<Read, TakeError> {
    let mut gathered = Gathered { large: bytes.len() > LARGE, ..Gathered::default() };
    let document = ccda::read_to(bytes, &mut gathered).map_err(|refusal| TakeError::Unreadable(refusal.to_string()))?;
    let Gathered { mut held, mut pile, composition, mapped, words, .. } = gathered;
    if !document.lost.is_empty() {
        held.iter_mut().for_each(|(_, it)| ccda::prune(it, &document.lost));
        pile.forget(document.lost);
    }
    let found = |address: &str| held.iter().find(|(it, _)| it == address).map(|(_, it)| it);
    let composition = composition.as_ref();
    let custodian = composition.and_then(|it| it.get("custodian")).cloned();
    let keeper = custodian.as_ref().and_then(|it| found(text(it, &["reference"])?));
    let id = document.id.clone().unwrap_or_else(|| print(bytes));
    let origin = Origin {
        way: Way::Document,
        source: keeper.and_then(address_of).unwrap_or_else(|| document.composition.clone()),
        name: keeper.and_then(|it| text(it, &["name"])).unwrap_or("another record").to_owned(),
        arrival: Some(print(id.as_bytes())),
    };
    let title = composition.and_then(|it| text(it, &["title"])).or(document.kind).unwrap_or("Clinical document");
    Ok(Read {
        set: document.set.clone(),
        version: document.version.unwrap_or(0),
        written: composition.and_then(|it| text(it, &["date"])).map(str::to_owned),
        title: title.to_owned(),
        kind: composition.and_then(|it| it.get("type")).cloned(),
        author: composition.map(|it| list(it, "author").to_vec()).unwrap_or_default(),
        custodian,
        content_type: "text/xml",
        format: Some(json!({
            "system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
            "code": "urn:hl7-org:sdwg:ccda-structuredBody:2.1",
        })),
        origin,
        patient: document.patient.clone(),
        entries: (mapped, words),
        id,
        resources: held,
        pile,
    })
}

/// The address of a partner, from the first identifier of its organisation.
fn address_of(organisation: &Value) -> Option<String> {
    let first = list(organisation, "identifier").first()?;
    let (system, value) = (text(first, &["system"])?, text(first, &["value"])?);
    Some(match system {
        "urn:ietf:rfc:3986" => value.to_owned(),
        "http://hl7.org/fhir/sid/us-npi" => format!("urn:oid:2.16.840.1.113883.4.6:{value}"),
        system => system.to_owned(),
    })
}

/// A short name for bytes that nobody can read anything from.
fn print(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether two descriptions can be of one person: neither birth date nor both names contradict.
fn may_be(known: &Value, said: &Value) -> bool {
    let born = |it: &Value| text(it, &["birthDate"]).map(str::to_owned);
    if let (Some(here), Some(there)) = (born(known), born(said)) {
        let shared = here.len().min(there.len());
        if here[..shared] != there[..shared] {
            return false;
        }
    }
    let names = |it: &Value| -> Vec<String> {
        let all = list(it, "name").iter().flat_map(|it| {
            let family = text(it, &["family"]).or_else(|| text(it, &["text"])).unwrap_or_default();
            let given = list(it, "given").iter().filter_map(Value::as_str);
            family.split_whitespace().chain(given).map(str::to_lowercase).collect::<Vec<_>>()
        });
        all.collect()
    };
    let (here, there) = (names(known), names(said));
    here.is_empty() || there.is_empty() || here.iter().any(|it| there.contains(it))
}

/// The DocumentReference of a document, and the next version of those whose place it takes.
async fn filed(
    organisation: &Organisation,
    read: &Read,
    size: usize,
    file: &str,
) -> Result<(Value, Vec<(String, Value)>), StoreError> {
    let unknown =
        json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "UNK" }] });
    let category = json!({ "coding": [{ "code": "clinical-note",
        "system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category" }] });
    let mut attachment = json!({ "contentType": read.content_type, "size": size, "title": read.title, "url": file });
    let mut it = json!({
        "resourceType": "DocumentReference",
        "masterIdentifier": { "system": "urn:continuo:document", "value": read.id },
        "status": "current",
        "type": read.kind.clone().unwrap_or(unknown),
        "category": [category],
        "subject": { "reference": read.patient },
        "description": read.title,
    });
    if let Some(written) = &read.written {
        attachment["creation"] = written.as_str().into();
        if written.contains('T') {
            it["date"] = written.as_str().into();
        }
    }
    it["content"] = json!([{ "attachment": attachment }]);
    if let Some(format) = &read.format {
        it["content"][0]["format"] = format.clone();
    }
    if !read.author.is_empty() {
        it["author"] = read.author.clone().into();
    }
    if let Some(custodian) = &read.custodian {
        it["custodian"] = custodian.clone();
    }
    let mut older = Vec::new();
    if let Some(set) = &read.set {
        it["identifier"] = json!([{ "system": "urn:continuo:document-set", "value": set }]);
        let token = format!("urn:continuo:document-set|{}", ask::escaped(set));
        let of_set =
            ask::every(&organisation.store, &READER, "DocumentReference", &[("identifier", token)], 50).await?;
        let moment = |it: &str| door::micros(it);
        let own = read.written.as_deref().and_then(moment);
        for mut other in of_set {
            let name = text(&other, &["masterIdentifier", "value"]).unwrap_or_default().to_owned();
            if name == read.id {
                continue;
            }
            let theirs = other.pointer("/content/0/attachment/creation").and_then(Value::as_str).and_then(moment);
            if matches!((theirs, own), (Some(there), Some(here)) if there > here) {
                it["status"] = "superseded".into();
                continue;
            }
            it["relatesTo"] = json!([{ "code": "replaces", "target": { "reference": format!("document:{name}") } }]);
            if text(&other, &["status"]) == Some("current") {
                other["status"] = "superseded".into();
            }
            if let Some(members) = other.as_object_mut() {
                members.remove("meta");
            }
            older.push((format!("document:{name}"), other));
        }
    }
    Ok((it, older))
}

#[cfg(test)]
mod ips_tests;
#[cfg(test)]
mod tests;
