//! A prescription written over the API goes to a pharmacy by the channel of the settings, and what the pharmacy posts back
//! is in the record; a controlled drug is not sent.

use crate::harness::{Place, free_address};
use crate::sending::{count, post, settings, start, token, until};
use serde_json::json;

const FHIR: &str = "application/fhir+json";
const TOKEN: &str = "a-token-of-the-pharmacies";

/// The text between two tags.
fn told<'a>(message: &'a str, element: &str) -> &'a str {
    let rest = message.split_once(&format!("<{element}>")).map_or("", |it| it.1);
    rest.split_once(&format!("</{element}>")).map_or("", |it| it.0)
}

#[test]
fn a_prescription_goes_to_a_pharmacy_and_its_fill_comes_back() {
    let place = Place::new();
    let http = free_address();
    settings(
        &place,
        &format!(
            "[channel.pharmacies]\norganisation = \"riverside\"\nformat = \"script\"\nown = \"6100000\"\n\
             send = \"folder:out\"\ntoken = \"{TOKEN}\"\n"
        ),
    );
    let _server = start(&place, &http);
    let own = token(&place, "riverside");
    let put = |resource: serde_json::Value| {
        let url = format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        json!({ "resource": resource, "request": { "method": "PUT", "url": url } })
    };
    let prescription = |id: &str, drug: &str| {
        json!({ "resourceType": "MedicationRequest", "id": id, "status": "active", "intent": "order",
            "subject": { "reference": "Patient/ada" }, "requester": { "reference": "Practitioner/okafor" },
            "authoredOn": "2026-06-15T10:00:00Z", "medicationCodeableConcept": { "text": drug },
            "dosageInstruction": [{ "text": "Take 1 tablet once a day" }],
            "dispenseRequest": { "performer": { "reference": "Organization/harbor" }, "numberOfRepeatsAllowed": 2,
                "quantity": { "value": 90, "unit": "tablet" } } })
    };
    let system = "http://terminology.hl7.org/NamingSystem/NCPDPProviderIdentificationNumber";
    let bundle = |entries: Vec<serde_json::Value>| {
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries }).to_string();
        let (status, body) = post(&http, "/riverside/fhir", &own, FHIR, bundle.as_bytes());
        assert_eq!(status, 200, "{body}");
    };
    bundle(vec![
        put(
            json!({ "resourceType": "Patient", "id": "ada", "name": [{ "family": "Byron", "given": ["Ada"] }], "birthDate": "1986-02-03", "gender": "female" }),
        ),
        put(
            json!({ "resourceType": "Practitioner", "id": "okafor", "name": [{ "family": "Okafor", "given": ["Amara"] }] }),
        ),
        put(
            json!({ "resourceType": "Organization", "id": "harbor", "active": true, "name": "Harbor Street Pharmacy", "identifier": [{ "system": system, "value": "7701630" }] }),
        ),
    ]);
    // The line begins with what happens from its first look on.
    std::thread::sleep(std::time::Duration::from_secs(4));
    bundle(vec![put(prescription("rx", "lisinopril 10 mg tablet")), put(prescription("no", "oxycodone 5 mg tablet"))]);
    let laid = || -> Vec<String> {
        let entries = std::fs::read_dir(place.folder.join("out")).into_iter().flatten().flatten();
        entries.map(|it| it.file_name().to_string_lossy().into_owned()).filter(|it| it.ends_with(".xml")).collect()
    };
    until("that a message is laid down", || !laid().is_empty());
    until("that the other is refused", || count(&http, "riverside", "Task?status=failed&_summary=count", &own) >= 1);
    assert_eq!(laid().len(), 1, "{:?}", laid());
    let message = std::fs::read_to_string(place.folder.join("out").join(&laid()[0])).unwrap();
    assert!(
        message.contains("<NewRx>") && message.contains("<DrugDescription>lisinopril 10 mg tablet</DrugDescription>"),
        "{message}"
    );
    let header = |id: &str| {
        format!(
            "<Header><To Qualifier=\"D\">6100000</To><From Qualifier=\"P\">7701630</From><MessageID>{id}</MessageID>\
             <RelatesToMessageID>{}</RelatesToMessageID><SentTime>2026-06-15T11:00:00Z</SentTime>\
             <PrescriberOrderNumber>{}</PrescriberOrderNumber></Header>",
            told(&message, "MessageID"),
            told(&message, "PrescriberOrderNumber"),
        )
    };
    let fill = format!(
        "<Message>{}<Body><RxFill><FillStatus><Dispensed/></FillStatus><MedicationDispensed><DrugDescription>lisinopril 10 mg \
         tablet</DrugDescription><LastFillDate><Date>2026-06-15</Date></LastFillDate></MedicationDispensed></RxFill></Body></Message>",
        header("f1")
    );
    let path = "/riverside/hl7/pharmacies";
    assert_eq!(post(&http, path, "another", "application/xml", fill.as_bytes()).0, 401);
    let (status, said) = post(&http, path, TOKEN, "application/xml", fill.as_bytes());
    assert!(status == 200 && said.contains("<Status><Code>010</Code>"), "{status} {said}");
    let (_, again) = post(&http, path, TOKEN, "application/xml", fill.as_bytes());
    assert_eq!(again, said, "the same again has the same answer");
    let (status, said) = post(&http, path, TOKEN, "application/xml", b"<Message/>");
    assert!(status == 200 && said.contains("<Error><Code>900</Code>"), "{status} {said}");
    assert_eq!(
        count(&http, "riverside", "MedicationDispense?prescription=MedicationRequest/rx&_summary=count", &own),
        1
    );
    assert_eq!(count(&http, "riverside", "Task?status=completed&_summary=count", &own), 1);
    let log = std::fs::read_to_string(place.folder.join("log")).unwrap();
    assert!(!log.contains("panicked") && !log.contains("Byron"), "{log}");
}
