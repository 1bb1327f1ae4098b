//! Documents inside of messages: a report that a laboratory or an imaging centre sends as a file (OBX with ED, most often
//! a PDF) is a document of the chart, and the report presents it (US Core: DiagnosticReport.presentedForm and
//! DocumentReference name the same Binary). A document of imaging that comes by itself (MDM) is a report as well, so that
//! it is found among the images and answers its order.

use super::category::IMAGING;
use crate::chart::element::{concept, list, text};
use crate::imaging::{ACCESSION, IDENTIFIER_TYPES};
use fhir::Value;
use formats::v2::Message;
use serde_json::json;

/// Where an Observation of R4 keeps an attachment as its value.
const VALUE: &str = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.value";
/// HL7 v2 table 0270 and LOINC: documents that read images.
const READINGS: [&str; 4] = ["DI", "18748-4", "68604-8", "LP29684-5"];

/// Status of a report → status of its document (FHIR R4, composition-status).
const STATUS: [(&str, &str); 9] = [
    ("final", "final"),
    ("preliminary", "preliminary"),
    ("partial", "preliminary"),
    ("registered", "preliminary"),
    ("amended", "amended"),
    ("corrected", "amended"),
    ("appended", "amended"),
    ("cancelled", "entered-in-error"),
    ("entered-in-error", "entered-in-error"),
];

type Resources = Vec<(String, Value)>;

/// Makes documents of what is attached to results, and a report of what reads images.
pub(super) fn attach(resources: &mut Resources, message: &Message, kind: &str) {
    match kind {
        "ORU" => of_results(resources),
        "MDM" => of_documents(resources, message),
        _ => {}
    }
}

fn is(value: &Value, kind: &str) -> bool {
    value["resourceType"] == kind
}

/// The attachment that an observation consists of, when its content came along.
fn attachment(observation: &Value) -> Option<&Value> {
    let found = list(observation, "extension").iter().find(|it| text(it, &["url"]) == Some(VALUE))?;
    found.get("valueAttachment").filter(|it| it.get("data").is_some())
}

fn of_results(resources: &mut Resources) {
    let mut made: Resources = Vec::new();
    let mut gone: Vec<String> = Vec::new();
    for at in 0..resources.len() {
        if !is(&resources[at].1, "DiagnosticReport") {
            continue;
        }
        let (address, mut report) = resources[at].clone();
        let results: Vec<String> =
            list(&report, "result").iter().filter_map(|it| text(it, &["reference"])).map(str::to_owned).collect();
        for result in results {
            let Some((_, observation)) = resources.iter().find(|(it, _)| *it == result) else { continue };
            let Some(file) = attachment(observation) else { continue };
            let title = observation.get("code").and_then(concept);
            let title = title.or_else(|| report.get("code").and_then(concept)).unwrap_or_default();
            let named = keep(&mut made, &result, file, &title);
            push(&mut report, "presentedForm", named.clone());
            made.push((format!("document:{result}"), document(&report, observation, &address, named, &title)));
            gone.push(result);
        }
        if !gone.is_empty() {
            let left = |it: &&Value| !text(it, &["reference"]).is_some_and(|it| gone.iter().any(|gone| gone == it));
            let left: Vec<Value> = list(&report, "result").iter().filter(left).cloned().collect();
            match (left.is_empty(), report.as_object_mut()) {
                (true, Some(members)) => drop(members.shift_remove("result")),
                _ => report["result"] = left.into(),
            }
            resources[at].1 = report;
        }
    }
    resources.retain(|(address, _)| !gone.contains(address));
    resources.extend(made);
}

/// The content in a Binary of its own; returns the attachment that names it. `of` is what it was the content of.
fn keep(made: &mut Resources, of: &str, file: &Value, title: &str) -> Value {
    let address = format!("file:{of}");
    let kind = text(file, &["contentType"]).unwrap_or("application/octet-stream");
    let content = json!({
        "resourceType": "Binary",
        "contentType": kind,
        "securityContext": { "reference": format!("document:{of}") },
        "data": file["data"],
    });
    made.push((address.clone(), content));
    let mut named = json!({ "contentType": kind, "url": address });
    if !title.is_empty() {
        named["title"] = title.into();
    }
    named
}

fn document(report: &Value, observation: &Value, address: &str, file: Value, title: &str) -> Value {
    let category = json!({ "coding": [{ "code": "clinical-note",
        "system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category" }] });
    let said = text(report, &["status"]).unwrap_or_default();
    let status = STATUS.iter().find(|(it, _)| *it == said).map(|it| it.1);
    let mut it = json!({
        "resourceType": "DocumentReference",
        "status": if status == Some("entered-in-error") { "entered-in-error" } else { "current" },
        "category": [category],
        "content": [{ "attachment": file }],
        "context": { "related": [{ "reference": address }] },
    });
    if let Some(status) = status {
        it["docStatus"] = status.into();
    }
    for (from, to) in [("code", "type"), ("subject", "subject"), ("issued", "date")] {
        if let Some(value) = report.get(from) {
            it[to] = value.clone();
        }
    }
    if !title.is_empty() {
        it["description"] = title.into();
    }
    let authors = list(report, "resultsInterpreter").iter().chain(list(report, "performer"));
    let authors: Vec<Value> = authors.chain(list(observation, "performer")).cloned().collect();
    if !authors.is_empty() {
        it["author"] = authors.into();
    }
    if let Some(encounter) = report.get("encounter") {
        it["context"]["encounter"] = json!([encounter]);
    }
    let period = match report.get("effectivePeriod") {
        Some(period) => Some(period.clone()),
        None => report.get("effectiveDateTime").map(|it| json!({ "start": it })),
    };
    if let Some(period) = period {
        it["context"]["period"] = period;
    }
    it
}

fn push(value: &mut Value, name: &str, member: Value) {
    let mut all = list(value, name).to_vec();
    all.push(member);
    value[name] = all.into();
}

fn of_documents(resources: &mut Resources, message: &Message) {
    let mut made: Resources = Vec::new();
    let order = resources.iter().find(|(_, it)| is(it, "ServiceRequest")).cloned();
    for (address, document) in resources.iter_mut().filter(|(_, it)| is(it, "DocumentReference")) {
        let codes = list(document.get("type").unwrap_or(&Value::Null), "coding");
        let mut codes = codes.iter().filter_map(|it| text(it, &["code"]));
        if !codes.any(|it| READINGS.contains(&it) || IMAGING.contains(&it)) {
            continue;
        }
        let status = match text(document, &["docStatus"]) {
            Some("final") => "final",
            Some("amended") => "amended",
            Some("entered-in-error") => "entered-in-error",
            Some("preliminary") => "preliminary",
            _ => "unknown",
        };
        let mut report = json!({
            "resourceType": "DiagnosticReport",
            "status": status,
            "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD", "display": "Radiology" }] }],
        });
        for (from, to) in [("type", "code"), ("subject", "subject"), ("date", "issued"), ("author", "performer")] {
            if let Some(value) = document.get(from) {
                report[to] = value.clone();
            }
        }
        if let Some(start) = document.pointer("/context/period/start").or_else(|| document.get("date")) {
            report["effectiveDateTime"] = start.clone();
        }
        if let Some(encounter) = document.pointer("/context/encounter/0") {
            report["encounter"] = encounter.clone();
        }
        let mut identifiers = identifiers(message);
        if let Some((order, request)) = &order {
            report["basedOn"] = json!([{ "reference": order }]);
            identifiers.extend(list(request, "identifier").iter().cloned());
        }
        if !identifiers.is_empty() {
            report["identifier"] = identifiers.into();
        }
        let title = document.get("type").and_then(concept).unwrap_or_default();
        let mut contents = list(document, "content").to_vec();
        for (nth, content) in contents.iter_mut().enumerate() {
            if content.pointer("/attachment/data").is_some() {
                let of = if nth == 0 { address.clone() } else { format!("{address}/{nth}") };
                let named = keep(&mut made, &of, &content["attachment"], &title);
                content["attachment"] = named;
            }
            push(&mut report, "presentedForm", content["attachment"].clone());
        }
        // The Binary belongs to the document under the document's own address.
        for (_, file) in made.iter_mut().filter(|(it, _)| it.starts_with(&format!("file:{address}"))) {
            file["securityContext"] = json!({ "reference": address.as_str() });
        }
        document["content"] = contents.into();
        let reading = format!("report:{address}");
        document["context"]["related"] = json!([{ "reference": reading }]);
        made.push((reading, report));
    }
    resources.extend(made);
}

/// The numbers of the order that a document answers (TXA-14, TXA-15).
fn identifiers(message: &Message) -> Vec<Value> {
    let number = |place: &str, code: &str| {
        let value = message.text(place).into_owned();
        (!value.is_empty())
            .then(|| json!({ "type": { "coding": [{ "system": IDENTIFIER_TYPES, "code": code }] }, "value": value }))
    };
    // Of an imaging centre the filler's number is the accession number.
    [number("TXA-14.1", "PLAC"), number("TXA-15.1", ACCESSION)].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use formats::v2::map::{Mapping, Settings, convert};
    use jiff::tz::TimeZone;

    fn converted(text: &str, kind: &str) -> Resources {
        let message = Message::read(text.as_bytes()).expect("a message");
        let settings = Settings { mapping: Mapping::standard(), zone: &TimeZone::UTC };
        let mut resources = convert(&message, settings).read.resources;
        attach(&mut resources, &message, kind);
        resources
    }

    fn one<'a>(all: &'a Resources, kind: &str) -> (&'a str, &'a Value) {
        let mut of = all.iter().filter(|(_, it)| is(it, kind));
        let (address, value) = of.next().unwrap_or_else(|| panic!("no {kind} in {all:#?}"));
        assert!(of.next().is_none(), "one {kind} in {all:#?}");
        (address, value)
    }

    const PERSON: &str = "PID|1||7^^^LAKE^MR||Byron^Ada||19860203|F";

    #[test]
    fn a_report_that_comes_as_a_file_is_a_document_of_the_chart() {
        let all = converted(
            &[
                "MSH|^~\\&|RIS|LAKE|EHR|RIVER|20260615||ORU^R01^ORU_R01|9|P|2.5.1",
                PERSON,
                "OBR|1|PL-1^EHR|FI-1^RIS|36643-5^X-ray of the chest^LN|||20260615100000|||||||||||ACC-7||||20260615110000||RAD|F",
                "OBX|1|FT|36643-5^X-ray of the chest^LN||No pneumonia.||||||F",
                "OBX|2|ED|PDF^Report||RIS^application^pdf^Base64^JVBERi0xLjQK||||||F",
                "ZDS|1.2.840.7.1^RIS^Application^DICOM",
                "",
            ]
            .join("\r"),
            "ORU",
        );
        let (address, report) = one(&all, "DiagnosticReport");
        let (file, binary) = one(&all, "Binary");
        let (_, document) = one(&all, "DocumentReference");
        let (_, observation) = one(&all, "Observation");
        assert_eq!(observation["valueString"], "No pneumonia.");
        assert_eq!(list(report, "result").len(), 1, "the file is no result");
        assert_eq!(
            (&report["presentedForm"][0]["url"], &report["presentedForm"][0]["contentType"]),
            (&file.into(), &"application/pdf".into())
        );
        assert_eq!(document["content"][0]["attachment"]["url"], file);
        assert_eq!(
            (&document["context"]["related"][0]["reference"], &document["docStatus"]),
            (&address.into(), &"final".into())
        );
        assert_eq!(document["type"], report["code"]);
        assert_eq!(binary["data"], "JVBERi0xLjQK");
        let (numbers, studies) = crate::imaging::numbers_of(report);
        assert_eq!(numbers.first().map(String::as_str), Some("ACC-7"), "{numbers:?}");
        assert_eq!(studies, ["1.2.840.7.1"]);
    }

    #[test]
    fn a_document_that_reads_images_is_a_report_too_and_another_is_not() {
        let message = |kind: &str| {
            [
                "MSH|^~\\&|RIS|LAKE|EHR|RIVER|20260615||MDM^T02^MDM_T02|9|P|2.5.1",
                "EVN|T02|20260615",
                PERSON,
                &format!("TXA|1|{kind}|AP|20260615100000||||||||D-1^RIS||PL-1^EHR|ACC-8^RIS||AU"),
                "OBX|1|ED|PDF^Report||RIS^application^pdf^Base64^JVBERi0xLjQK||||||F",
                "",
            ]
            .join("\r")
        };
        let all = converted(&message("DI^Diagnostic imaging"), "MDM");
        let (_, report) = one(&all, "DiagnosticReport");
        let (address, document) = one(&all, "DocumentReference");
        let (file, binary) = one(&all, "Binary");
        assert_eq!((&report["status"], &report["presentedForm"][0]["url"]), (&"final".into(), &file.into()));
        assert_eq!(document["content"][0]["attachment"]["url"], file);
        assert_eq!(binary["securityContext"]["reference"], address);
        assert_eq!(crate::imaging::numbers_of(report).0, ["ACC-8", "PL-1"]);
        let other = converted(&message("DS^Discharge summary"), "MDM");
        assert!(!other.iter().any(|(_, it)| is(it, "DiagnosticReport") || is(it, "Binary")));
    }
}
