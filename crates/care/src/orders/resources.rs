//! An order as FHIR tells it: MedicationRequest and ServiceRequest as US Core 6.1 shapes them, the Task by which an
//! order is followed, and the DetectedIssue that says why somebody went on against an alert.

use super::Kind;
use super::basket::Item;
use super::facts::Facts;
use super::sig::{Language, number, unit_of};
use crate::act::{Act, Pen};
use crate::checks::{Alert, Rule, Tier};
use crate::drugs::RXNORM;
use crate::imaging;
use fhir::{Id, Key, Value};
use jiff::ToSpan;
use serde_json::json;

const US_CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/";
const SNOMED: &str = "http://snomed.info/sct";
const UCUM: &str = "http://unitsofmeasure.org";
pub(super) const TASK_CODE: &str = "http://hl7.org/fhir/CodeSystem/task-code";
const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/// Kind → category of a ServiceRequest (SNOMED CT concepts that US Core names).
const CATEGORIES: [(Kind, &str, &str); 4] = [
    (Kind::Lab, "108252007", "Laboratory procedure"),
    (Kind::Imaging, "363679005", "Imaging"),
    (Kind::Procedure, "386053000", "Evaluation procedure"),
    (Kind::Referral, "3457005", "Patient referral"),
];

/// Kind and priority → within how many days it should be done, before it counts as overdue.
const DUE: [(Kind, i64); 5] =
    [(Kind::Drug, 7), (Kind::Lab, 14), (Kind::Imaging, 30), (Kind::Procedure, 60), (Kind::Referral, 60)];

/// Rule → code of the issue (HL7 v3 ActDetectedIssueCode).
const ISSUES: [(Rule, &str, &str); 10] = [
    (Rule::Allergy, "ALGY", "Allergy Alert"),
    (Rule::CrossReaction, "RREACT", "Related Reaction Alert"),
    (Rule::Interaction, "DRG", "Drug Interaction Alert"),
    (Rule::SameDrug, "DUPTHPY", "Duplicate Therapy Alert"),
    (Rule::DuplicateTherapy, "DUPTHPY", "Duplicate Therapy Alert"),
    (Rule::AlreadyOrdered, "DUPTHPY", "Duplicate Therapy Alert"),
    (Rule::DuplicateTest, "DUPTHPY", "Duplicate Therapy Alert"),
    (Rule::Dose, "DOSE", "Dosage problem"),
    (Rule::NoWeight, "DOSE", "Dosage problem"),
    (Rule::Age, "AGE", "Age Alert"),
];

/// Whether an order stands, or waits for the signature of somebody else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Active,
    Draft,
}

pub(super) fn subject(patient: &Id) -> Value {
    json!({ "reference": format!("Patient/{patient}") })
}

pub(super) fn to(key: &Key) -> Value {
    json!({ "reference": key.to_string() })
}

/// The order itself. `issues` are those that were overridden.
pub(super) fn request(
    pen: &Pen<'_>,
    patient: &Id,
    item: &Item,
    facts: &Facts,
    standing: Standing,
    issues: &[Key],
) -> Value {
    let mut it = match item.kind {
        Kind::Drug => medication_request(pen, item, facts, issues),
        _ => service_request(pen, item),
    };
    it["status"] = match standing {
        Standing::Active => "active".into(),
        Standing::Draft => "draft".into(),
    };
    it["intent"] = "order".into();
    it["subject"] = subject(patient);
    it["authoredOn"] = pen.moment().into();
    it["requester"] = pen.who();
    it["priority"] = item.priority.clone().into();
    if let Some(encounter) = &facts.encounter {
        it["encounter"] = json!({ "reference": format!("Encounter/{encounter}") });
    }
    if let Some(indication) = &item.indication {
        let reference = format!("Condition/{}", indication.id);
        let mut reason = json!({ "reference": reference });
        if !indication.name.is_empty() {
            reason["display"] = json!(indication.name);
        }
        it["reasonReference"] = json!([reason]);
    }
    if !item.note.is_empty() {
        it["note"] = json!([{ "text": item.note, "time": pen.moment() }]);
    }
    it
}

fn medication_request(pen: &Pen<'_>, item: &Item, facts: &Facts, issues: &[Key]) -> Value {
    let category = json!({ "coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/medicationrequest-category", "code": "community", "display": "Community",
    }] });
    let mut it = json!({
        "resourceType": "MedicationRequest",
        "meta": { "profile": [format!("{US_CORE}us-core-medicationrequest")] },
        "category": [category],
        "reportedBoolean": false,
    });
    let start = item.start.clone().unwrap_or_else(|| pen.today());
    match (&item.copied, &item.sig) {
        (Some(copied), None) => {
            for (member, value) in copied.as_object().into_iter().flatten() {
                it[member] = value.clone();
            }
        }
        (_, sig) => {
            it["medicationCodeableConcept"] = medication(item);
            if let Some(sig) = sig {
                it["dosageInstruction"] = json!([sig.dosage(&start, facts.language)]);
            }
        }
    }
    let mut dispense = json!({
        "validityPeriod": { "start": start },
        "numberOfRepeatsAllowed": item.refills,
    });
    if let Some(quantity) = item.quantity {
        dispense["quantity"] = json!({ "value": number(quantity), "unit": item.unit });
    }
    if let Some(days) = item.supply_days {
        dispense["expectedSupplyDuration"] = json!({ "value": days, "unit": "days", "system": UCUM, "code": "d" });
    }
    if let Some(pharmacy) = &item.pharmacy {
        dispense["performer"] = pharmacy.reference();
    }
    it["dispenseRequest"] = dispense;
    if let Some(before) = item.state.replaces() {
        it["priorPrescription"] = json!({ "reference": before });
    }
    if !issues.is_empty() {
        it["detectedIssue"] = issues.iter().map(to).collect();
    }
    it
}

fn medication(item: &Item) -> Value {
    let mut it = json!({ "text": item.name });
    if let Some(code) = item.drug().and_then(|it| it.code.as_ref()) {
        it["coding"] = json!([{ "system": RXNORM, "code": code, "display": item.name }]);
    }
    it
}

fn service_request(pen: &Pen<'_>, item: &Item) -> Value {
    let (_, category, words) =
        CATEGORIES.iter().find(|it| it.0 == item.kind).expect("every kind beside drugs has a category");
    let mut code = json!({ "text": item.name });
    if let Some((system, known)) = item.orderable().and_then(|it| it.code) {
        code["coding"] = json!([{ "system": system, "code": known, "display": item.name }]);
    }
    let mut it = json!({
        "resourceType": "ServiceRequest",
        "meta": { "profile": [format!("{US_CORE}us-core-servicerequest")] },
        "category": [{ "coding": [{ "system": SNOMED, "code": category, "display": words }] }],
        "code": code,
        "occurrenceDateTime": item.start.clone().unwrap_or_else(|| pen.today()),
    });
    if item.kind == Kind::Imaging {
        // By this number the imaging centre names its pictures and its report, and both find their order.
        let fresh = pen.organisation.surroundings.new_id();
        it["identifier"] = json!([imaging::accession_for(&pen.organisation.base, &fresh)]);
    }
    it
}

/// The Task by which an order is followed until its result is there.
pub(super) fn following(pen: &Pen<'_>, patient: &Id, item: &Item, order: &Key) -> Value {
    let days = match item.priority.as_str() {
        "stat" => 1,
        "urgent" => 3,
        _ => DUE.iter().find(|it| it.0 == item.kind).map_or(14, |it| it.1),
    };
    let mut it = task(pen, patient, &item.name, order);
    it["code"] =
        json!({ "coding": [{ "system": TASK_CODE, "code": "fulfill", "display": "Fulfill the focal request" }] });
    it["priority"] = item.priority.clone().into();
    it["basedOn"] = json!([to(order)]);
    let from = item.start.as_deref().and_then(|it| it.parse().ok()).unwrap_or(super::facts::today(pen.now));
    if let Ok(due) = from.checked_add(days.days()) {
        it["restriction"] = json!({ "period": { "end": due.to_string() } });
    }
    if pen.author.is_some() {
        it["owner"] = pen.who();
    }
    it
}

/// A Task about an order, without its code and owner.
pub(super) fn task(pen: &Pen<'_>, patient: &Id, words: &str, focus: &Key) -> Value {
    json!({
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "description": words,
        "focus": to(focus),
        "for": subject(patient),
        "authoredOn": pen.moment(),
        "lastModified": pen.moment(),
        "requester": pen.who(),
    })
}

/// That somebody went on against an alert, and why.
pub(super) fn issue(pen: &Pen<'_>, patient: &Id, item: &Item, alert: &Alert, reason: &str) -> Value {
    let code = match ISSUES.iter().find(|it| it.0 == alert.rule) {
        Some((_, code, words)) => {
            json!({ "coding": [{ "system": ACT_CODE, "code": code, "display": words }], "text": words })
        }
        None => json!({ "text": format!("{:?}", alert.rule) }),
    };
    let mut detail = format!("{}: {}", item.name, alert.with);
    for more in [&alert.effect, &alert.action].into_iter().flatten() {
        detail.push_str(". ");
        detail.push_str(more.trim_end_matches('.'));
    }
    let mut it = json!({
        "resourceType": "DetectedIssue",
        "status": "final",
        "code": code,
        "severity": match alert.tier {
            Tier::Stop => "high",
            Tier::Reason => "moderate",
            Tier::Information => "low",
        },
        "patient": subject(patient),
        "identifiedDateTime": pen.moment(),
        "detail": format!("{detail}. ({}, {} {})", alert.source.rule, alert.source.title, alert.source.version),
        "mitigation": [{ "action": { "text": reason }, "date": pen.moment() }],
    });
    if pen.author.is_some() {
        it["author"] = pen.who();
        it["mitigation"][0]["author"] = pen.who();
    }
    if let Some(about) = &alert.about {
        it["implicated"] = json!([{ "reference": about }]);
    }
    it
}

/// Puts an order with all that belongs to it into an act.
pub(super) fn write(
    act: &mut Act,
    pen: &Pen<'_>,
    patient: &Id,
    item: &Item,
    alerts: &[Alert],
    facts: &Facts,
    standing: Standing,
) -> Key {
    let overridden = alerts.iter().filter_map(|it| Some((it, item.reasons.get(&it.key())?)));
    let issues: Vec<Key> =
        overridden.map(|(alert, reason)| act.create(pen, issue(pen, patient, item, alert, reason))).collect();
    let mut order = request(pen, patient, item, facts, standing, &issues);
    if item.kind != Kind::Drug && !issues.is_empty() {
        order["supportingInfo"] = issues.iter().map(to).collect();
    }
    let key = act.create(pen, order);
    if standing == Standing::Active && item.kind != Kind::Drug {
        act.create(pen, following(pen, patient, item, &key));
    }
    key
}

/// Directions of a prescription in words, for a line of a list.
pub(super) fn directions(item: &Item) -> Option<String> {
    item.sig.as_ref().map(|it| it.words(Language::English)).or_else(|| item.copied_directions())
}

impl Item {
    /// How it is to be taken, in words.
    pub fn directions(&self) -> Option<String> {
        directions(self)
    }

    /// The unit of what is handed out, as it is counted.
    pub fn unit_words(&self) -> &str {
        unit_of(&self.unit)
    }
}
