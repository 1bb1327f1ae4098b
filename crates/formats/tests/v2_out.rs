//! What we write, our own reader maps back to the same facts; every message has the segments that its table names.

use formats::v2::Message;
use formats::v2::map::{Mapping, Settings, convert};
use formats::v2::out::{Envelope, Outgoing, Told, write};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const BASE: &str = "https://ehr.example/riverside";

fn ada() -> Value {
    json!({
        "resourceType": "Patient", "id": "ada",
        "identifier": [
            { "system": "https://river.example/mrn", "value": "R-7",
              "type": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR" }] } },
            { "system": "http://hl7.org/fhir/sid/us-ssn", "value": "900-11-2233" },
        ],
        "name": [{ "use": "official", "family": "O'Byron|King", "given": ["Ada", "Augusta"], "prefix": ["Lady"] }],
        "birthDate": "1986-02-03", "gender": "female",
        "address": [{ "use": "home", "line": ["1 Main St", "Apt 2"], "city": "Columbus", "state": "OH", "postalCode": "43004", "country": "US" }],
        "telecom": [{ "system": "phone", "use": "home", "value": "(614) 555-0107" }, { "system": "email", "value": "ada@example.org" }],
        "maritalStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "M", "display": "Married" }] },
        "generalPractitioner": [{ "reference": "Practitioner/lind" }],
    })
}

fn lind() -> Value {
    json!({ "resourceType": "Practitioner", "id": "lind",
        "identifier": [{ "system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893" }],
        "name": [{ "family": "Lind", "given": ["Maja"], "prefix": ["Dr."] }] })
}

fn visit() -> Value {
    json!({ "resourceType": "Encounter", "id": "v1", "status": "in-progress",
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP" },
        "subject": { "reference": "Patient/ada" },
        "participant": [{ "type": [{ "coding": [{ "code": "ATND" }] }], "individual": { "reference": "Practitioner/lind" } }],
        "location": [{ "location": { "reference": "Location/east", "display": "East wing" } }],
        "diagnosis": [{ "condition": { "reference": "Condition/c1" } }],
        "period": { "start": "2026-06-15T08:00:00-04:00" } })
}

fn potassium() -> Value {
    json!({ "resourceType": "Observation", "id": "k", "status": "final",
        "code": { "coding": [{ "system": "http://loinc.org", "code": "2823-3", "display": "Potassium" }] },
        "subject": { "reference": "Patient/ada" }, "effectiveDateTime": "2026-06-15T08:30:00Z",
        "valueQuantity": { "value": serde_json::from_str::<Value>("4.10").expect("a number"), "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L" },
        "referenceRange": [{ "low": { "value": 3.5 }, "high": { "value": 5.1 } }],
        "interpretation": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "code": "N" }] }],
        "note": [{ "text": "Not haemolysed.\nRepeat in a week." }] })
}

struct World(BTreeMap<String, Value>);

impl World {
    fn new(others: Vec<Value>) -> World {
        let all = [ada(), lind(), visit(), condition()].into_iter().chain(others);
        World(
            all.map(|it| {
                (format!("{}/{}", it["resourceType"].as_str().expect("a type"), it["id"].as_str().expect("an id")), it)
            })
            .collect(),
        )
    }

    /// The message about a resource.
    fn written(&self, kind: &str, event: &str, action: &str, told: &str) -> Message {
        let names = BTreeMap::new();
        let envelope = Envelope {
            kind,
            event,
            control: "4711",
            sent: "2026-06-15T12:00:00.5Z",
            sender: ["CONTINUO", "RIVERSIDE"],
            receiver: ["LAB", "LAKE"],
            base: BASE,
            names: &names,
            action,
        };
        let patient = &self.0["Patient/ada"];
        let lost = self.0.get("Patient/lost");
        let visit = Some(&self.0["Encounter/v1"]).filter(|_| !matches!(event, "A28" | "A31" | "A40"));
        let told = Told { told: &self.0[told], patient, visit, lost, others: &self.0 };
        let bytes = write(Outgoing::standard(), envelope, told).expect("a message");
        let message = Message::read(&bytes).expect("our own message is read");
        assert_eq!(message.oddities(), &[] as &[String]);
        assert!(!String::from_utf8_lossy(&bytes).contains("900-11"), "a number of social security never leaves");
        message
    }
}

fn condition() -> Value {
    json!({ "resourceType": "Condition", "id": "c1", "onsetDateTime": "2026-06-01",
        "code": { "coding": [{ "system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "J18.9", "display": "Pneumonia" }] } })
}

fn read(message: &Message, kind: &str) -> Vec<Value> {
    let converted = convert(message, Settings { mapping: Mapping::standard(), zone: &TimeZone::UTC });
    let all = converted.read.resources.into_iter().map(|it| it.1);
    let all: Vec<Value> = all.filter(|it| it["resourceType"] == kind).collect();
    for it in &all {
        let errors: Vec<_> = fhir::validate::validate(it).into_iter().filter(|it| it.is_error()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    all
}

fn names(message: &Message) -> String {
    message.segments().iter().map(|it| it.name()).collect::<Vec<_>>().join(" ")
}

/// That what was said is there, element by element; more may be.
#[track_caller]
fn holds(found: &Value, said: &Value, place: &str) {
    match said {
        Value::Object(members) => {
            members.iter().for_each(|(name, said)| holds(&found[name], said, &format!("{place}.{name}")))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, said)| holds(&found[at], said, &format!("{place}[{at}]")))
        }
        _ => assert_eq!(found, said, "{place}"),
    }
}

#[test]
fn an_admission_tells_who_where_and_since_when() {
    let message = World::new(Vec::new()).written("ADT", "A01", "", "Encounter/v1");
    assert_eq!(names(&message), "MSH EVN PID PD1 PV1 DG1");
    assert_eq!(message.text("MSH-9.3"), "ADT_A01");
    let patient = read(&message, "Patient").remove(0);
    let mut said = ada();
    for gone in ["id", "generalPractitioner", "resourceType", "maritalStatus"] {
        said.as_object_mut().unwrap().remove(gone);
    }
    said["identifier"].as_array_mut().unwrap().pop();
    holds(&patient, &said, "Patient");
    assert_eq!(patient["maritalStatus"]["coding"][0]["code"], "M");
    let visit = read(&message, "Encounter").remove(0);
    holds(
        &visit,
        &json!({ "status": "in-progress", "class": { "code": "IMP" }, "period": { "start": "2026-06-15T08:00:00-04:00" } }),
        "Encounter",
    );
    let doctor = read(&message, "Practitioner").remove(0);
    holds(
        &doctor,
        &json!({ "identifier": [{ "system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893" }],
        "name": [{ "family": "Lind", "given": ["Maja"], "prefix": ["Dr."] }] }),
        "Practitioner",
    );
    assert_eq!(read(&message, "Location")[0]["name"], "East wing");
    assert_eq!(read(&message, "Condition")[0]["code"]["coding"][0]["code"], "J18.9");
}

#[test]
fn a_merge_tells_the_record_that_stays_and_the_one_that_went() {
    let lost = json!({ "resourceType": "Patient", "id": "lost", "name": [{ "family": "Byron" }],
        "identifier": [{ "system": "https://river.example/mrn", "value": "R-8" }] });
    let mut world = World::new(vec![lost]);
    // What stays has taken over the numbers of what went.
    let taken = json!({ "system": "https://river.example/mrn", "value": "R-8" });
    world.0.get_mut("Patient/ada").unwrap()["identifier"].as_array_mut().unwrap().push(taken);
    let message = world.written("ADT", "A40", "", "Patient/lost");
    assert_eq!(names(&message), "MSH EVN PID MRG");
    assert_eq!(
        (message.text("PID-3.1"), message.text("PID-3[2].1"), message.text("MRG-1.1")),
        ("R-7".into(), "".into(), "R-8".into())
    );
}

#[test]
fn an_order_is_told_with_our_number_for_it() {
    let order = |category: &str| {
        json!({ "resourceType": "ServiceRequest", "id": "o1", "status": "active", "intent": "order", "priority": "urgent",
            "category": [{ "coding": [{ "code": category }] }],
            "code": { "coding": [{ "system": "http://loinc.org", "code": "24326-1", "display": "Electrolytes" }] },
            "subject": { "reference": "Patient/ada" }, "encounter": { "reference": "Encounter/v1" },
            "authoredOn": "2026-06-15T11:00:00Z", "occurrenceDateTime": "2026-06-16",
            "requester": { "reference": "Practitioner/lind" }, "note": [{ "text": "Fasting" }],
            "reasonReference": [{ "reference": "Condition/c1" }] })
    };
    for (kind, event) in [("OML", "O21"), ("ORM", "O01")] {
        let message = World::new(vec![order("108252007")]).written(kind, event, "NW", "ServiceRequest/o1");
        let found = read(&message, "ServiceRequest").remove(0);
        holds(
            &found,
            &json!({ "status": "active", "priority": "urgent", "authoredOn": "2026-06-15T11:00:00+00:00",
            "code": { "coding": [{ "system": "http://loinc.org", "code": "24326-1", "display": "Electrolytes" }] },
            "identifier": [{ "system": format!("{BASE}/orders"), "value": "o1", "type": { "coding": [{ "code": "PLAC" }] } }],
            "note": [{ "text": "Fasting" }] }),
            kind,
        );
    }
    let message = World::new(vec![order("x")]).written("OML", "O21", "CA", "ServiceRequest/o1");
    assert_eq!(read(&message, "ServiceRequest")[0]["status"], "revoked");
}

#[test]
fn a_report_is_told_with_its_results_and_the_number_of_the_order() {
    let report = json!({ "resourceType": "DiagnosticReport", "id": "r1", "status": "final",
        "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "LAB" }] }],
        "code": { "coding": [{ "system": "http://loinc.org", "code": "24326-1", "display": "Electrolytes" }] },
        "subject": { "reference": "Patient/ada" }, "effectiveDateTime": "2026-06-15T08:30:00Z", "issued": "2026-06-15T11:00:00Z",
        "basedOn": [{ "reference": "ServiceRequest/theirs" }], "conclusion": "All is well.",
        "performer": [{ "reference": "Practitioner/lind" }],
        "result": [{ "reference": "Observation/k" }, { "reference": "Observation/bp" }, { "reference": "Observation/less" }],
        "presentedForm": [{ "contentType": "application/pdf", "data": "JVBERi0xLjQ=" }] });
    let order = json!({ "resourceType": "ServiceRequest", "id": "theirs",
        "identifier": [{ "system": "urn:id:LAKE", "value": "L-9", "type": { "coding": [{ "code": "PLAC" }] } }] });
    let pressure = json!({ "resourceType": "Observation", "id": "bp", "status": "final",
        "code": { "coding": [{ "system": "http://loinc.org", "code": "85354-9" }] },
        "component": [{ "code": { "coding": [{ "system": "http://loinc.org", "code": "8480-6" }] },
            "valueQuantity": { "value": 120, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]" } }] });
    let less = json!({ "resourceType": "Observation", "id": "less", "status": "corrected",
        "code": { "text": "Something of the house" }, "valueQuantity": { "value": 0.05, "comparator": "<", "unit": "ng/mL" } });
    let message =
        World::new(vec![report, order, potassium(), pressure, less]).written("ORU", "R01", "RE", "DiagnosticReport/r1");
    let found = read(&message, "DiagnosticReport").remove(0);
    holds(
        &found,
        &json!({ "status": "final", "issued": "2026-06-15T11:00:00+00:00", "effectiveDateTime": "2026-06-15T08:30:00+00:00",
        "code": { "coding": [{ "code": "24326-1" }] } }),
        "DiagnosticReport",
    );
    assert_eq!(message.text("OBR-2.1"), "L-9");
    assert_eq!(message.text("OBR-2.2"), "LAKE");
    let results = read(&message, "Observation");
    let one = |code: &str| results.iter().find(|it| it["code"]["coding"][0]["code"] == code).unwrap().clone();
    let mut said = potassium();
    for gone in ["id", "subject", "resourceType", "effectiveDateTime", "note", "referenceRange"] {
        said.as_object_mut().unwrap().remove(gone);
    }
    holds(&one("2823-3"), &said, "Observation");
    assert_eq!(one("2823-3")["valueQuantity"]["value"].to_string(), "4.10", "digits are kept");
    holds(&one("2823-3")["referenceRange"][0], &json!({ "low": { "value": 3.5 }, "high": { "value": 5.1 } }), "range");
    assert_eq!(one("2823-3")["note"][0]["text"], "Not haemolysed.\nRepeat in a week.");
    assert_eq!(one("8480-6")["valueQuantity"]["value"], 120);
    let less = results.iter().find(|it| it["code"]["text"] == "Something of the house").unwrap();
    holds(less, &json!({ "status": "corrected", "valueQuantity": { "value": 0.05, "comparator": "<" } }), "less");
    let words: Vec<&Value> = results.iter().map(|it| &it["valueString"]).collect();
    assert!(words.contains(&&json!("All is well.")), "{words:?}");
}

#[test]
fn an_appointment_is_told_as_booked_moved_and_cancelled() {
    let appointment = |status: &str| {
        json!({ "resourceType": "Appointment", "id": "a1", "status": status, "start": "2026-07-01T10:00:00Z",
            "end": "2026-07-01T10:20:00Z", "minutesDuration": 20, "reasonCode": [{ "text": "Cough" }], "comment": "Bring the inhaler",
            "cancelationReason": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason", "code": "pat", "display": "Patient" }] },
            "serviceType": [{ "text": "Visit" }],
            "participant": [{ "actor": { "reference": "Patient/ada" }, "status": "accepted" },
                { "actor": { "reference": "Practitioner/lind" }, "status": "accepted" },
                { "actor": { "reference": "Location/east", "display": "East wing" }, "status": "accepted" }] })
    };
    for (event, action, status) in
        [("S12", "A", "booked"), ("S13", "U", "booked"), ("S15", "D", "cancelled"), ("S26", "U", "noshow")]
    {
        let message = World::new(vec![appointment(status)]).written("SIU", event, action, "Appointment/a1");
        let found = read(&message, "Appointment").remove(0);
        holds(
            &found,
            &json!({ "status": status, "start": "2026-07-01T10:00:00+00:00", "end": "2026-07-01T10:20:00+00:00",
            "minutesDuration": 20, "comment": "Bring the inhaler" }),
            event,
        );
        let converted = convert(&message, Settings { mapping: Mapping::standard(), zone: &TimeZone::UTC });
        let kind_of = |address: &str| {
            let found = converted.read.resources.iter().find(|it| it.0 == address);
            found.and_then(|it| it.1["resourceType"].as_str()).unwrap_or_default().to_owned()
        };
        let actors = found["participant"].as_array().unwrap().iter();
        let mut actors: Vec<String> =
            actors.filter_map(|it| Some(kind_of(it["actor"]["reference"].as_str()?))).collect();
        actors.sort();
        assert_eq!(actors, ["Location", "Patient", "Practitioner"], "{event}");
    }
}

#[test]
fn a_vaccination_is_told_as_registries_want_it() {
    let given = json!({ "resourceType": "Immunization", "id": "i1", "status": "completed", "primarySource": true,
        "vaccineCode": { "coding": [{ "system": "http://hl7.org/fhir/sid/cvx", "code": "140", "display": "Influenza" }] },
        "patient": { "reference": "Patient/ada" }, "occurrenceDateTime": "2026-06-15", "lotNumber": "F1234", "expirationDate": "2027-01-01",
        "doseQuantity": { "value": 0.5, "unit": "mL", "system": "http://unitsofmeasure.org", "code": "mL" },
        "manufacturer": { "identifier": { "system": "http://hl7.org/fhir/sid/mvx", "value": "PMC" }, "display": "Sanofi" },
        "route": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration", "code": "IM", "display": "Injection" }] },
        "site": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-ActSite", "code": "LA", "display": "left arm" }] },
        "performer": [{ "actor": { "reference": "Practitioner/lind" } }] });
    let message = World::new(vec![given]).written("VXU", "V04", "A", "Immunization/i1");
    assert_eq!(
        (message.text("MSH-21.1"), message.text("MSH-15"), message.text("MSH-16")),
        ("Z22".into(), "ER".into(), "AL".into())
    );
    assert_eq!(
        (message.text("RXA-9.1"), message.text("RXA-20"), message.text("RXA-21")),
        ("00".into(), "CP".into(), "A".into())
    );
    assert_eq!((message.text("RXR-1.1"), message.text("RXR-1.3")), ("IM".into(), "HL70162".into()));
    let found = read(&message, "Immunization").remove(0);
    holds(
        &found,
        &json!({ "status": "completed", "primarySource": true, "lotNumber": "F1234", "expirationDate": "2027-01-01",
        "occurrenceDateTime": "2026-06-15", "doseQuantity": { "value": 0.5, "unit": "mL", "code": "mL" },
        "vaccineCode": { "coding": [{ "system": "http://hl7.org/fhir/sid/cvx", "code": "140" }] } }),
        "Immunization",
    );
    let routes = found["route"]["coding"].as_array().unwrap();
    assert!(
        routes.iter().any(|it| it["system"] == "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration"),
        "{routes:?}"
    );
    let refused = json!({ "resourceType": "Immunization", "id": "i2", "status": "not-done", "patient": { "reference": "Patient/ada" },
        "vaccineCode": { "coding": [{ "system": "http://hl7.org/fhir/sid/cvx", "code": "140" }] }, "occurrenceDateTime": "2026-06-15",
        "statusReason": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "PATOBJ", "display": "patient objection" }] } });
    let message = World::new(vec![refused]).written("VXU", "V04", "A", "Immunization/i2");
    let found = read(&message, "Immunization").remove(0);
    holds(&found, &json!({ "status": "not-done", "statusReason": { "coding": [{ "code": "PATOBJ" }] } }), "refused");
}

#[test]
fn a_note_goes_as_text_and_a_charge_with_its_visit() {
    let text = "SUBJECTIVE\nCough | for a week.\n\nPLAN\nRest & tea.";
    let data = base64(text);
    let note = json!({ "resourceType": "DocumentReference", "id": "d1", "status": "current", "docStatus": "final",
        "type": { "coding": [{ "system": "http://loinc.org", "code": "11506-3", "display": "Progress note" }] },
        "date": "2026-06-15T12:00:00Z", "author": [{ "reference": "Practitioner/lind" }], "authenticator": { "reference": "Practitioner/lind" },
        "content": [{ "attachment": { "contentType": "text/plain; charset=utf-8", "data": data } }] });
    let message = World::new(vec![note]).written("MDM", "T02", "A", "DocumentReference/d1");
    let found = read(&message, "DocumentReference").remove(0);
    holds(
        &found,
        &json!({ "status": "current", "docStatus": "final", "date": "2026-06-15T12:00:00+00:00",
        "masterIdentifier": { "value": "d1" } }),
        "DocumentReference",
    );
    assert_eq!(found["type"]["coding"][0]["code"], "11506-3");
    let attachments: Vec<&Value> =
        found["content"].as_array().unwrap().iter().map(|it| &it["attachment"]["data"]).collect();
    assert!(attachments.contains(&&json!(data)), "{attachments:?}");

    let charge = json!({ "resourceType": "ChargeItem", "id": "f1", "status": "planned", "occurrenceDateTime": "2026-06-15T12:00:00Z",
        "code": { "coding": [{ "system": "urn:continuo:visit-level", "code": "established-3", "display": "Office visit" }] },
        "context": { "reference": "Encounter/v1" }, "performer": [{ "actor": { "reference": "Practitioner/lind" } }] });
    let message = World::new(vec![charge]).written("DFT", "P03", "CG", "ChargeItem/f1");
    assert_eq!(names(&message), "MSH EVN PID PV1 FT1 DG1");
    let found = read(&message, "ChargeItem").remove(0);
    holds(
        &found,
        &json!({ "occurrenceDateTime": "2026-06-15T12:00:00+00:00", "identifier": [{ "value": "f1" }],
        "code": { "coding": [{ "system": "urn:continuo:visit-level", "code": "established-3" }] } }),
        "ChargeItem",
    );
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for piece in text.as_bytes().chunks(3) {
        let bits = piece.iter().enumerate().fold(0u32, |sum, (at, byte)| sum | u32::from(*byte) << (16 - 8 * at));
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= piece.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

/// The page for those who set up a partner: which messages there are, and what stands in which field.
fn page() -> String {
    let tables = Outgoing::standard();
    let mut page = String::from(
        "# What is written into messages of HL7 v2\n\n\
         Made from `content/v2/out` by `cargo test -p formats --test v2_out`. Messages are of version 2.5.1, in UTF-8. Paths are\n\
         FHIRPath from what the segment tells of; of several, the first that finds something.\n\n\
         | message | segments |\n|---|---|\n",
    );
    let mut fields = BTreeMap::new();
    for event in tables.events() {
        let written = tables.written(event);
        let names: Vec<&str> = written.iter().map(|(segment, _)| segment.name.as_str()).collect();
        page.push_str(&format!("| {event} | MSH {} |\n", names.join(" ")));
        fields.extend(written.into_iter().map(|(segment, rows)| (segment.fields.clone(), rows)));
    }
    for (name, rows) in fields {
        page.push_str(&format!("\n## {name}\n\n| field | from | as |\n|---|---|---|\n"));
        for row in rows {
            let from: Vec<String> = row.from.iter().map(|it| format!("`{}`", it.text().replace('|', "\\|"))).collect();
            let codes = row.codes.as_ref().map(|it| format!(", codes `{it}`")).unwrap_or_default();
            page.push_str(&format!("| {} | {} | {}{codes} |\n", row.at, from.join(", else "), row.kind));
        }
    }
    page
}

#[test]
fn the_page_of_what_is_written_says_what_the_tables_say() {
    let page = page();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/interfaces/hl7-v2-written.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let made = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("hl7-v2-written.md");
    std::fs::write(&made, &page).unwrap();
    assert!(written == page, "docs/interfaces/hl7-v2-written.md is not what the tables say; take {}", made.display());
}
