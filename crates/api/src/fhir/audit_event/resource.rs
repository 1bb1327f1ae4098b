//! An entry of the audit log as a FHIR R4 AuditEvent in the shapes of IHE BALP (Basic Audit Log Patterns): Read, Query,
//! Create, Update, Delete with their patient entities, User Authentication, and the authorization decision where
//! something was refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use store::audit::{Entry, LOG, Outcome};

const EVENT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";
const RESTFUL: &str = "http://hl7.org/fhir/restful-interaction";
const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const AUTHORIZATION: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType";
const ENTITY_KIND: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const OBJECT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const SOURCE_TYPE: &str = "http://terminology.hl7.org/CodeSystem/security-source-type";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
const REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
/// What the log itself calls an action; the last subtype of every event.
const ACTION: &str = "urn:continuo:audit-action";
const BALP: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.";
const PROVENANCE: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/// What an action of the log is in the words of FHIR and DICOM.
pub(super) struct Sort {
    /// C, R, U, D or E.
    pub(super) letter: &'static str,
    pub(super) system: &'static str,
    pub(super) code: &'static str,
    pub(super) subtype: Option<(&'static str, &'static str)>,
    display: &'static str,
}

const fn rest(letter: &'static str, interaction: &'static str) -> Sort {
    let subtype = Some((RESTFUL, interaction));
    Sort { letter, system: EVENT_TYPE, code: "rest", subtype, display: "Restful Operation" }
}

const fn dicom(
    letter: &'static str,
    code: &'static str,
    subtype: Option<(&'static str, &'static str)>,
    display: &'static str,
) -> Sort {
    Sort { letter, system: DICOM, code, subtype, display }
}

/// Actions with a meaning elsewhere. What is not here is an activity of the application.
pub(super) static SORTS: &[(&str, Sort)] = &[
    ("read", rest("R", "read")),
    ("vread", rest("R", "vread")),
    ("history", rest("R", "history")),
    ("search", rest("E", "search")),
    ("find", rest("E", "search")),
    ("everything", rest("E", "operation")),
    ("lastn", rest("E", "operation")),
    ("create", rest("C", "create")),
    ("update", rest("U", "update")),
    ("patch", rest("U", "patch")),
    ("delete", rest("D", "delete")),
    ("transaction", rest("E", "transaction")),
    ("import", rest("E", "batch")),
    ("sign-in", dicom("E", "110114", Some((DICOM, "110122")), "User Authentication")),
    ("sign-out", dicom("E", "110114", Some((DICOM, "110123")), "User Authentication")),
    ("refusal", dicom("E", "110113", Some((AUTHORIZATION, "AuthZ-Role")), "Security Alert")),
    ("break-glass", dicom("E", "110113", Some((DICOM, "110127")), "Security Alert")),
    ("configure", dicom("E", "110113", Some((DICOM, "110131")), "Security Alert")),
    ("export", dicom("R", "110106", None, "Export")),
    ("print", dicom("R", "110106", None, "Export")),
    ("audit-verify", dicom("E", "110101", None, "Audit Log Used")),
    ("reindex", activity()),
    ("rewind", activity()),
    ("restore", activity()),
    ("demo", activity()),
    ("seed", activity()),
];

const fn activity() -> Sort {
    dicom("E", "110100", None, "Application Activity")
}

static OTHER: Sort = activity();

pub(super) fn sort(action: &str) -> &'static Sort {
    SORTS.iter().find(|(name, _)| *name == action).map_or(&OTHER, |(_, sort)| sort)
}

/// The AuditEvent of an entry. `base` is the FHIR base of the organisation.
pub fn audit_event(entry: &Entry, organisation: &str, base: &str) -> Value {
    let sort = sort(&entry.action);
    let at = store::instant(entry.at);
    let mut event = Map::new();
    let mut put = |name: &str, value: Value| event.insert(name.to_owned(), value);
    put("resourceType", "AuditEvent".into());
    put("id", format!("{LOG}{}", entry.sequence).into());
    let mut meta = json!({ "versionId": "1", "lastUpdated": at });
    if let Some(profile) = profile(entry) {
        meta["profile"] = json!([profile]);
    }
    put("meta", meta);
    put("type", json!({ "system": sort.system, "code": sort.code, "display": sort.display }));
    let mut subtypes = Vec::new();
    if let Some((system, code)) = subtype(entry) {
        subtypes.push(json!({ "system": system, "code": code }));
    }
    subtypes.push(json!({ "system": ACTION, "code": entry.action }));
    put("subtype", subtypes.into());
    put("action", sort.letter.into());
    put("recorded", at.into());
    let missing = missing(entry);
    let outcome = if missing { 4 } else { entry.outcome.number() };
    put("outcome", outcome.to_string().into());
    if missing {
        put("outcomeDesc", "nothing was shown: it is not there, or not for this agent".into());
    } else if entry.outcome != Outcome::Success {
        let rule = entry.rule.as_deref().map(|rule| format!("refused by {rule}"));
        put("outcomeDesc", rule.unwrap_or_else(|| "it failed".to_owned()).into());
    }
    put("purposeOfEvent", json!([{ "coding": [{ "system": REASON, "code": entry.agent.purpose }] }]));
    put("agent", agents(entry, sort, base).into());
    let kind = json!([{ "system": SOURCE_TYPE, "code": "4", "display": "Application Server" }]);
    put("source", json!({ "site": organisation, "observer": { "display": base }, "type": kind }));
    let entities = entities(entry, base);
    if !entities.is_empty() {
        put("entity", entities.into());
    }
    Value::Object(event)
}

/// A look at what is not there, or not for this agent.
fn missing(entry: &Entry) -> bool {
    entry.outcome == Outcome::Success && matches!(entry.action.as_str(), "read" | "vread") && entry.version.is_none()
}

/// The profile of BALP that the event has the shape of: successes only, and of one patient or of none (one event of
/// ours may be about several people).
fn profile(entry: &Entry) -> Option<String> {
    let shape = match entry.action.as_str() {
        "read" | "vread" => "Read",
        "search" | "find" => "Query",
        "create" => "Create",
        "update" | "patch" => "Update",
        "delete" => "Delete",
        _ => return None,
    };
    let told = if shape == "Query" { entry.detail.is_some() } else { entry.about.is_some() };
    let whole = entry.outcome == Outcome::Success && !missing(entry) && told;
    let patient = if entry.patients.len() == 1 { "Patient" } else { "" };
    whole.then(|| format!("{BALP}{patient}{shape}"))
}

fn subtype(entry: &Entry) -> Option<(&'static str, &'static str)> {
    match (sort(&entry.action).subtype, entry.rule.as_deref()) {
        (Some((AUTHORIZATION, _)), Some(rule)) if rule.starts_with("consent/") || rule.starts_with("label/") => {
            Some((AUTHORIZATION, "AuthZ-Consent"))
        }
        (subtype, _) => subtype,
    }
}

fn agents(entry: &Entry, sort: &Sort, base: &str) -> Vec<Value> {
    let agent = &entry.agent;
    let mut user = json!({
        "type": { "coding": [{ "system": PARTICIPATION, "code": "IRCP", "display": "information recipient" }] },
        "role": [{ "coding": [{ "system": "urn:continuo:role", "code": agent.role }] }],
        "who": { "identifier": { "value": agent.who }, "display": agent.display },
        "altId": agent.who,
        "name": agent.display,
        "requestor": true,
    });
    if sort.letter == "C" || sort.letter == "U" || sort.letter == "D" {
        user["type"] =
            json!({ "coding": [{ "system": PARTICIPATION, "code": "AUT", "display": "author (originator)" }] });
    }
    if let Some(rule) = &entry.rule {
        user["policy"] = json!([format!("urn:continuo:rule:{}", rule.replace(' ', "-"))]);
    }
    user["purposeOfUse"] = json!([{ "coding": [{ "system": REASON, "code": agent.purpose }] }]);
    let mut agents = vec![user];
    // Data flows to whoever reads, and from whoever asks or writes; a deletion moves none.
    let dicom =
        |code: &str, display: &str| json!({ "coding": [{ "system": DICOM, "code": code, "display": display }] });
    let (source, destination) = (dicom("110153", "Source Role ID"), dicom("110152", "Destination Role ID"));
    let (theirs, ours) = match sort.letter {
        "R" => (destination, source),
        "D" => {
            let custodian = json!({ "system": PROVENANCE, "code": "custodian", "display": "Custodian" });
            (dicom("110150", "Application"), json!({ "coding": [custodian] }))
        }
        _ => (source, destination),
    };
    let here = json!({ "address": base, "type": "5" });
    // Whoever uses our own pages is a client of ours at our own address; of others the log does not keep it.
    let (client, from) = match &agent.client {
        Some(client) => {
            let unknown = json!({ "extension": [{ "url": ABSENT, "valueCode": "unknown" }] });
            (json!({ "identifier": { "value": client } }), unknown)
        }
        None => (json!({ "display": "pages of this server" }), here.clone()),
    };
    agents.push(json!({ "type": theirs, "who": client, "requestor": false, "network": from }));
    agents.push(json!({ "type": ours, "who": { "display": base }, "requestor": false, "network": here }));
    agents
}

fn entities(entry: &Entry, base: &str) -> Vec<Value> {
    let coded = |system: &str, code: &str, display: &str| json!({ "system": system, "code": code, "display": display });
    let mut entities = Vec::new();
    if let Some(about) = &entry.about {
        let reference = match entry.version {
            Some(version) => format!("{about}/_history/{version}"),
            None => about.to_string(),
        };
        entities.push(json!({
            "what": { "reference": reference },
            "type": coded(ENTITY_TYPE, "2", "System Object"),
            "role": coded(OBJECT_ROLE, "4", "Domain Resource"),
        }));
    }
    for patient in &entry.patients {
        entities.push(json!({
            "what": { "reference": format!("Patient/{patient}") },
            "type": coded(ENTITY_TYPE, "1", "Person"),
            "role": coded(OBJECT_ROLE, "1", "Patient"),
        }));
    }
    let interaction = sort(&entry.action).subtype.map(|it| it.1);
    match (&entry.detail, interaction) {
        (Some(detail), Some("search" | "operation")) => entities.push(json!({
            "type": coded(ENTITY_TYPE, "2", "System Object"),
            "role": coded(OBJECT_ROLE, "24", "Query"),
            "query": STANDARD.encode(format!("{base}/{detail}")),
        })),
        (Some(detail), _) if !detail.trim().is_empty() => entities.push(json!({
            "type": coded(ENTITY_TYPE, "4", "Other"),
            "description": detail,
        })),
        _ => {}
    }
    if let Some(request) = entry.request.as_ref().filter(|it| !it.trim().is_empty()) {
        entities.push(json!({
            "what": { "identifier": { "value": request } },
            "type": coded(ENTITY_KIND, "XrequestId", "The traceable request identifier"),
        }));
    }
    if entry.wrote > 1 {
        entities.push(json!({
            "type": coded(ENTITY_TYPE, "4", "Other"),
            "detail": [{ "type": "versions written", "valueString": entry.wrote.to_string() }],
        }));
    }
    entities
}
