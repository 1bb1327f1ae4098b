//! What a change of the record means to others: which message tells it, and which partner wants to hear of it (HL7 v2.5.1,
//! chapters 3, 4, 6, 7, 9 and 10). Nothing here looks at the store; a change is what a resource said before and says now.
//!
//! A change that others told us is not told on: who is told it by us could not say from whom it was.

use crate::chart::element::{has_code, list, text};
use fhir::{Id, Value};
use std::collections::BTreeMap;

/// The types whose changes are told.
pub(super) const FOLLOWED: [&str; 8] = [
    "Appointment",
    "ChargeItem",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "Immunization",
    "Patient",
    "ServiceRequest",
];

/// To whom messages of a channel go, and which.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partner {
    /// For people: `mllp://10.0.0.7:2575`, `/var/spool/lake`.
    pub address: String,
    /// `ADT`, `ORU^R01`, `*`.
    pub events: Vec<String>,
    /// MSH-5 and MSH-6.
    pub application: String,
    pub facility: String,
    pub patients: Patients,
    /// What the partner calls a naming system: `https://…/mrn`, `RIVERSIDE`.
    pub names: BTreeMap<String, String>,
    /// What is labelled as sensitive goes to this partner too.
    pub restricted: bool,
}

/// About whom a partner is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patients {
    #[default]
    All,
    /// Those who have a number in this naming system: patients of the partner too.
    Known(String),
    /// Those whose record is kept, or who are cared for, by this Organization or Practitioner.
    Of(String),
}

impl Patients {
    /// `all`, `identifier:https://lake.example/mrn`, `Organization/7`, `Practitioner/7`.
    pub fn parse(text: &str) -> Option<Patients> {
        match text.trim() {
            "" | "all" => Some(Patients::All),
            text => match text.strip_prefix("identifier:") {
                Some(system) if !system.is_empty() => Some(Patients::Known(system.to_owned())),
                Some(_) => None,
                None => {
                    let (kind, id) = text.split_once('/')?;
                    let known = matches!(kind, "Organization" | "Practitioner") && Id::parse(id).is_some();
                    known.then(|| Patients::Of(text.to_owned()))
                }
            },
        }
    }

    pub fn has(&self, patient: &Value) -> bool {
        match self {
            Patients::All => true,
            Patients::Known(system) => {
                list(patient, "identifier").iter().any(|it| text(it, &["system"]) == Some(system))
            }
            Patients::Of(whose) => {
                let kept = text(patient, &["managingOrganization", "reference"]) == Some(whose);
                kept || list(patient, "generalPractitioner").iter().any(|it| text(it, &["reference"]) == Some(whose))
            }
        }
    }
}

impl Partner {
    /// Whether the partner wants messages of this kind.
    pub fn wants(&self, cause: &Cause) -> bool {
        let whole = format!("{}^{}", cause.kind, cause.event);
        self.events.iter().any(|it| it == "*" || it == cause.kind || *it == whole)
    }
}

/// A message that a change asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    pub kind: &'static str,
    pub event: &'static str,
    /// The order control, the action code.
    pub action: &'static str,
}

const fn cause(kind: &'static str, event: &'static str, action: &'static str) -> Option<Cause> {
    Some(Cause { kind, event, action })
}

/// Which message a change asks for, if any.
pub fn asked_for(before: Option<&Value>, after: &Value) -> Option<Cause> {
    match text(after, &["resourceType"])? {
        "Patient" => patient(before, after),
        "Encounter" => visit(before, after),
        "ServiceRequest" => order(before, after),
        "DiagnosticReport" => report(before, after),
        "Appointment" => appointment(before, after),
        "Immunization" => vaccination(before, after),
        "DocumentReference" => document(before, after),
        "ChargeItem" if before.is_none() && matches!(status(after), "planned" | "billable") => {
            cause("DFT", "P03", "CG")
        }
        _ => None,
    }
}

fn status(value: &Value) -> &str {
    text(value, &["status"]).unwrap_or_default()
}

fn before_status(before: Option<&Value>) -> &str {
    before.map_or("", status)
}

/// Whether more than the members that say nothing to others changed.
fn differs(before: Option<&Value>, after: &Value, silent: &[&str]) -> bool {
    let Some(before) = before else { return true };
    let plain = |value: &Value| {
        let mut value = value.clone();
        if let Some(members) = value.as_object_mut() {
            members.retain(|name, _| !matches!(name.as_str(), "meta" | "text") && !silent.contains(&name.as_str()));
        }
        value
    };
    plain(before) != plain(after)
}

/// Another record took the place of this one.
pub(super) fn replaced_by(patient: &Value) -> Option<&str> {
    let link = list(patient, "link").iter().find(|it| text(it, &["type"]) == Some("replaced-by"))?;
    text(link, &["other", "reference"])
}

fn links(patient: &Value) -> usize {
    list(patient, "link").iter().filter(|it| text(it, &["type"]) == Some("replaces")).count()
}

fn patient(before: Option<&Value>, after: &Value) -> Option<Cause> {
    let was_replaced = before.is_some_and(|it| replaced_by(it).is_some());
    match (before, replaced_by(after)) {
        (Some(_), Some(_)) if !was_replaced => cause("ADT", "A40", ""),
        (_, Some(_)) => None,
        (None, None) => cause("ADT", "A28", ""),
        // The record that takes the place of another says so with the A40 of the other.
        (Some(before), None) if links(after) > links(before) => None,
        (Some(_), None) if differs(before, after, &[]) => cause("ADT", "A31", ""),
        _ => None,
    }
}

fn visit(before: Option<&Value>, after: &Value) -> Option<Cause> {
    let here = |status: &str| matches!(status, "arrived" | "triaged" | "in-progress" | "onleave");
    let (was, is) = (before_status(before), status(after));
    let inpatient = matches!(text(after, &["class", "code"]), Some("IMP" | "ACUTE" | "NONACUTE"));
    match (here(was), is) {
        (false, is) if here(is) && inpatient => cause("ADT", "A01", ""),
        (false, is) if here(is) => cause("ADT", "A04", ""),
        (_, "finished") if was != "finished" => cause("ADT", "A03", ""),
        (true, "cancelled" | "entered-in-error") => cause("ADT", "A11", ""),
        // How far somebody is in the house is nobody's business outside.
        (true, is) if here(is) && differs(before, after, &["status", "statusHistory"]) => cause("ADT", "A08", ""),
        (false, "finished") if differs(before, after, &["statusHistory"]) => cause("ADT", "A08", ""),
        _ => None,
    }
}

/// The category of orders to a laboratory, and of referrals, which are letters.
const LABORATORY: &str = "108252007";
const REFERRAL: &str = "3457005";

fn order(before: Option<&Value>, after: &Value) -> Option<Cause> {
    if !matches!(text(after, &["intent"]), Some("order" | "original-order")) {
        return None;
    }
    let of = |code: &str| list(after, "category").iter().any(|it| has_code(it, code));
    let action = match (before_status(before), status(after)) {
        ("active" | "on-hold", "revoked" | "entered-in-error") => "CA",
        ("" | "draft", "active") => "NW",
        _ => return None,
    };
    match (of(LABORATORY), of(REFERRAL)) {
        (_, true) => None,
        (true, _) => cause("OML", "O21", action),
        (false, _) => cause("ORM", "O01", action),
    }
}

fn report(before: Option<&Value>, after: &Value) -> Option<Cause> {
    let is_told = matches!(status(after), "final" | "amended" | "corrected" | "appended");
    (is_told && differs(before, after, &[])).then_some(()).and(cause("ORU", "R01", "RE"))
}

fn appointment(before: Option<&Value>, after: &Value) -> Option<Cause> {
    let booked = |status: &str| matches!(status, "booked" | "pending" | "arrived" | "checked-in");
    let moved = |before: &Value| ["start", "end"].iter().any(|it| before.get(it) != after.get(it));
    match (before, before_status(before), status(after)) {
        (_, was, "booked") if !booked(was) => cause("SIU", "S12", "A"),
        (_, was, "cancelled") if booked(was) => cause("SIU", "S15", "D"),
        (_, was, "noshow") if booked(was) => cause("SIU", "S26", "U"),
        (_, was, "entered-in-error") if booked(was) => cause("SIU", "S17", "D"),
        (Some(it), _, "booked") if moved(it) => cause("SIU", "S13", "U"),
        (_, _, "booked") if differs(before, after, &["status"]) => cause("SIU", "S14", "U"),
        _ => None,
    }
}

fn vaccination(before: Option<&Value>, after: &Value) -> Option<Cause> {
    match (before_status(before), status(after)) {
        ("" | "entered-in-error", "completed" | "not-done") => cause("VXU", "V04", "A"),
        ("completed" | "not-done", "entered-in-error") => cause("VXU", "V04", "D"),
        (_, "completed" | "not-done") if differs(before, after, &[]) => cause("VXU", "V04", "U"),
        _ => None,
    }
}

/// Notes and letters that somebody signed.
fn document(before: Option<&Value>, after: &Value) -> Option<Cause> {
    let signed = |it: &Value| matches!(text(it, &["docStatus"]), Some("final" | "amended"));
    match (before.is_some_and(signed), status(after)) {
        (false, "current") if signed(after) => cause("MDM", "T02", "A"),
        (true, "entered-in-error") if before_status(before) != "entered-in-error" => cause("MDM", "T11", "D"),
        _ => None,
    }
}

/// Whom a resource is about.
pub(super) fn patient_of(value: &Value) -> Option<Id> {
    if text(value, &["resourceType"]) == Some("Patient") {
        return Id::parse(text(value, &["id"])?);
    }
    let direct = ["subject", "patient"].into_iter().find_map(|it| text(value, &[it, "reference"]));
    let among = || {
        let actors = list(value, "participant").iter().filter_map(|it| text(it, &["actor", "reference"]));
        actors.into_iter().find(|it| it.starts_with("Patient/"))
    };
    Id::parse(direct.or_else(among)?.strip_prefix("Patient/")?)
}

/// Whether it bears a label of what is sensitive: it does not go to a partner who was not trusted with it.
pub(super) fn is_restricted(value: &Value) -> bool {
    const LABELS: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    let labels = value.pointer("/meta/security").and_then(Value::as_array);
    labels
        .into_iter()
        .flatten()
        .any(|it| text(it, &["system"]) == Some(LABELS) || matches!(text(it, &["code"]), Some("R" | "V")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(before: Value, after: Value, expected: &str) {
        let before = Some(before).filter(|it| !it.is_null());
        let told = asked_for(before.as_ref(), &after);
        let told = told.map(|it| [it.kind, it.event, it.action].join(" ").trim().to_owned()).unwrap_or_default();
        assert_eq!(told, expected, "{before:?} → {after}");
    }

    fn with(kind: &str, members: Value) -> Value {
        let mut it = json!({ "resourceType": kind });
        members.as_object().unwrap().iter().for_each(|(name, value)| it[name] = value.clone());
        it
    }

    #[test]
    fn a_change_of_a_person_or_a_visit_is_told_by_its_event() {
        let person = |members| with("Patient", members);
        check(Value::Null, person(json!({ "gender": "female" })), "ADT A28");
        check(person(json!({ "gender": "female" })), person(json!({ "gender": "other" })), "ADT A31");
        check(person(json!({ "meta": { "versionId": "1" } })), person(json!({ "meta": { "versionId": "2" } })), "");
        let lost = json!({ "link": [{ "type": "replaced-by", "other": { "reference": "Patient/kept" } }] });
        check(person(json!({})), person(lost.clone()), "ADT A40");
        check(person(lost.clone()), person(lost), "");
        let kept = json!({ "link": [{ "type": "replaces", "other": { "reference": "Patient/lost" } }] });
        check(person(json!({})), person(kept), "");

        let visit =
            |status: &str, class: &str| with("Encounter", json!({ "status": status, "class": { "code": class } }));
        check(visit("planned", "AMB"), visit("arrived", "AMB"), "ADT A04");
        check(Value::Null, visit("in-progress", "IMP"), "ADT A01");
        check(visit("arrived", "AMB"), visit("triaged", "AMB"), "");
        check(visit("in-progress", "AMB"), visit("in-progress", "IMP"), "ADT A08");
        check(visit("in-progress", "AMB"), visit("finished", "AMB"), "ADT A03");
        check(visit("finished", "AMB"), visit("finished", "AMB"), "");
        check(visit("arrived", "AMB"), visit("cancelled", "AMB"), "ADT A11");
        check(Value::Null, visit("planned", "AMB"), "");
    }

    #[test]
    fn an_order_is_told_when_it_is_signed_and_when_it_is_withdrawn() {
        let order = |status: &str, category: &str| {
            let category = json!([{ "coding": [{ "code": category }] }]);
            with("ServiceRequest", json!({ "status": status, "intent": "order", "category": category }))
        };
        check(Value::Null, order("active", LABORATORY), "OML O21 NW");
        check(Value::Null, order("draft", LABORATORY), "");
        check(order("draft", LABORATORY), order("active", LABORATORY), "OML O21 NW");
        check(Value::Null, order("active", "363679005"), "ORM O01 NW");
        check(order("active", "363679005"), order("revoked", "363679005"), "ORM O01 CA");
        check(order("active", LABORATORY), order("completed", LABORATORY), "");
        check(Value::Null, order("active", REFERRAL), "");
    }

    #[test]
    fn results_vaccinations_documents_and_charges_are_told_when_they_are_done() {
        let of = |kind: &str, status: &str| with(kind, json!({ "status": status }));
        check(Value::Null, of("DiagnosticReport", "preliminary"), "");
        check(of("DiagnosticReport", "preliminary"), of("DiagnosticReport", "final"), "ORU R01 RE");
        check(of("DiagnosticReport", "final"), of("DiagnosticReport", "corrected"), "ORU R01 RE");
        check(Value::Null, of("Immunization", "completed"), "VXU V04 A");
        check(of("Immunization", "completed"), of("Immunization", "entered-in-error"), "VXU V04 D");
        check(Value::Null, of("ChargeItem", "planned"), "DFT P03 CG");
        let note = |status: &str, how: &str| with("DocumentReference", json!({ "status": status, "docStatus": how }));
        check(Value::Null, note("current", "preliminary"), "");
        check(note("current", "preliminary"), note("current", "final"), "MDM T02 A");
        check(note("current", "final"), note("superseded", "final"), "");
        check(note("current", "final"), note("entered-in-error", "final"), "MDM T11 D");
    }

    #[test]
    fn an_appointment_is_booked_moved_changed_cancelled_and_missed() {
        let at = |status: &str, start: &str| with("Appointment", json!({ "status": status, "start": start }));
        check(Value::Null, at("booked", "10"), "SIU S12 A");
        check(at("booked", "10"), at("booked", "11"), "SIU S13 U");
        let other = with("Appointment", json!({ "status": "booked", "start": "10", "comment": "bring the cast" }));
        check(at("booked", "10"), other, "SIU S14 U");
        check(at("booked", "10"), at("cancelled", "10"), "SIU S15 D");
        check(at("booked", "10"), at("noshow", "10"), "SIU S26 U");
        check(at("booked", "10"), at("arrived", "10"), "");
    }

    #[test]
    fn a_partner_hears_what_it_asked_for_about_whom_it_asked() {
        let partner = |events: &[&str]| Partner {
            events: events.iter().map(|it| (*it).to_owned()).collect(),
            ..Partner::default()
        };
        let told = cause("ADT", "A08", "").unwrap();
        assert!(partner(&["ADT"]).wants(&told) && partner(&["*"]).wants(&told) && partner(&["ADT^A08"]).wants(&told));
        assert!(!partner(&["ADT^A01", "ORU"]).wants(&told) && !partner(&[]).wants(&told));
        let ada = json!({ "identifier": [{ "system": "https://lake.example/mrn", "value": "7" }],
            "generalPractitioner": [{ "reference": "Practitioner/lind" }] });
        for (text, expected) in [
            ("all", true),
            ("identifier:https://lake.example/mrn", true),
            ("identifier:https://hill.example/mrn", false),
            ("Practitioner/lind", true),
            ("Organization/lake", false),
        ] {
            assert_eq!(Patients::parse(text).unwrap().has(&ada), expected, "{text}");
        }
        assert_eq!(Patients::parse("Group/7"), None);
        assert_eq!(Patients::parse("identifier:"), None);
    }
}
