//! The header (CDA R2, 4.2; US Realm Header of C-CDA): what document this is, whose, by whom, kept by whom, for whom.

use super::Kind;
use super::agreed;
use super::markup::{Tag, tag};
use super::record::{Author, Record, any_code, kind};
use super::types::{
    LOINC, addresses, code, coding, concept, day, identifiers, list, moment, names, null, telecoms, text,
};
use serde_json::Value;

const US_CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/";
const RACES: &str = "2.16.840.1.113883.6.238";

/// Everything of the document but its body.
pub(super) fn document(record: &Record<'_>) -> Tag {
    let making = record.making;
    let (template, loinc, display, title) = making.kind.told();
    let template = format!("{template}:2024-05-01");
    tag("ClinicalDocument")
        .is("xmlns", "urn:hl7-org:v3")
        .is("xmlns:sdtc", "urn:hl7-org:sdtc")
        .is("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
        .add(tag("realmCode").is("code", "US"))
        .add(tag("typeId").is("root", "2.16.840.1.113883.1.3").is("extension", "POCD_HD000040"))
        .templates(&[
            "22.1.1:2015-08-01",
            "22.1.1:2024-05-01",
            &template.replace("2024-05-01", "2015-08-01"),
            &template,
        ])
        .add(tag("id").is("root", making.id))
        .add(code("code", loinc, LOINC, display))
        .add(tag("title").text(title))
        .add(moment("effectiveTime", Some(making.written)))
        .add(code("confidentialityCode", "N", "2.16.840.1.113883.5.25", "Normal"))
        .add(tag("languageCode").is("code", "en-US"))
        .add(tag("setId").is("root", making.set))
        .add(tag("versionNumber").is("value", making.version.to_string()))
        .add(patient(record))
        .add(author(record))
        .add(custodian(record))
        .all(recipient(record))
        .all(record.all("RelatedPerson").into_iter().filter_map(|it| record.relative(it)))
        .add(tag("documentationOf").add(service(record)))
        .all(encounter(record))
}

fn patient(record: &Record<'_>) -> Tag {
    let it = record.making.patient;
    let role = tag("patientRole")
        .add(record.id(it, ""))
        .all(identifiers(it))
        .all(addresses(it))
        .all(telecoms(it))
        .add(person(it));
    tag("recordTarget").add(role)
}

fn person(it: &Value) -> Tag {
    let mut called = names(it);
    if called.is_empty() {
        called.push(null("name", "UNK"));
    }
    let gender = match text(it, &["gender"]).and_then(|it| agreed::out("gender", it)) {
        Some(known) => code("administrativeGenderCode", known, "2.16.840.1.113883.5.1", ""),
        None => null("administrativeGenderCode", "UNK"),
    };
    let died = text(it, &["deceasedDateTime"]);
    let dead = it.get("deceasedBoolean").and_then(Value::as_bool).or(died.map(|_| true));
    let marital = it.get("maritalStatus").and_then(|it| {
        let known = list(it, "coding").iter().find(|it| {
            text(it, &["system"]) == Some("http://terminology.hl7.org/CodeSystem/v3-MaritalStatus")
                && text(it, &["code"]).is_some_and(|it| it.len() == 1)
        });
        coding("maritalStatusCode", known?)
    });
    let born = it.pointer("/_birthDate/extension").and_then(Value::as_array);
    let hour = born.and_then(|it| it.iter().find_map(|it| text(it, &["valueDateTime"])));
    let faith = extension(it, "http://hl7.org/fhir/StructureDefinition/patient-religion");
    let faith = faith.and_then(|it| list(it.get("valueCodeableConcept")?, "coding").first());
    let place = extension(it, "http://hl7.org/fhir/StructureDefinition/patient-birthPlace");
    let place = place.and_then(|it| birthplace(it.get("valueAddress")?));
    let languages = list(it, "communication").iter().filter_map(|it| {
        // The value set has languages without their regions.
        let spoken = any_code(it.get("language"))?.split('-').next()?;
        let preferred = it.get("preferred").and_then(Value::as_bool);
        Some(
            tag("languageCommunication")
                .add(tag("languageCode").is("code", spoken))
                .all(preferred.map(|it| tag("preferenceInd").is("value", it.to_string()))),
        )
    });
    let several = it.get("multipleBirthInteger").and_then(Value::as_i64);
    let twin = it.get("multipleBirthBoolean").and_then(Value::as_bool).or(several.map(|_| true));
    tag("patient")
        .all(called)
        .add(gender)
        .add(moment("birthTime", hour.or_else(|| text(it, &["birthDate"]))))
        .all(dead.map(|it| tag("sdtc:deceasedInd").is("value", it.to_string())))
        .all((dead == Some(true)).then(|| moment("sdtc:deceasedTime", died)))
        .all(twin.map(|it| tag("sdtc:multipleBirthInd").is("value", it.to_string())))
        .all(several.map(|it| tag("sdtc:multipleBirthOrderNumber").is("value", it.to_string())))
        .all(marital)
        .all(faith.and_then(|it| coding("religiousAffiliationCode", it)))
        .all(heritage(it, "us-core-race", ("raceCode", "sdtc:raceCode")))
        .all(heritage(it, "us-core-ethnicity", ("ethnicGroupCode", "sdtc:ethnicGroupCode")))
        .all(place)
        .all(languages)
}

fn birthplace(address: &Value) -> Option<Tag> {
    let word = |name: &'static str, of: &str| text(address, &[of]).map(|it| tag(name).text(it));
    let country = text(address, &["country"]).filter(|it| it.len() == 2).map(|it| tag("country").text(it));
    let state = text(address, &["state"]).map(|it| agreed::out("state", it).unwrap_or(it)).filter(|it| it.len() == 2);
    let made = tag("addr")
        .all(word("city", "city"))
        .all(state.map(|it| tag("state").text(it)))
        .all(word("postalCode", "postalCode"))
        .all(country);
    text(address, &["city"])?;
    Some(tag("birthplace").add(tag("place").add(made)))
}

pub(super) fn extension<'a>(of: &'a Value, url: &str) -> Option<&'a Value> {
    list(of, "extension").iter().find(|it| text(it, &["url"]) == Some(url))
}

/// Race and ethnicity: the first category of OMB, further ones and details beside it.
fn heritage(patient: &Value, url: &str, names: (&'static str, &'static str)) -> Vec<Tag> {
    let found = extension(patient, &format!("{US_CORE}{url}")).map_or(&[][..], |it| list(it, "extension"));
    let of = |url: &'static str| {
        found.iter().filter(move |it| text(it, &["url"]) == Some(url)).filter_map(|it| it.get("valueCoding"))
    };
    let told = |name: &'static str, it: &Value| {
        let code = text(it, &["code"])?;
        Some(match code {
            "UNK" | "ASKU" => null(name, code),
            _ => tag(name).is("code", code).is("codeSystem", RACES).maybe("displayName", text(it, &["display"])),
        })
    };
    // Some records put ethnicity where race belongs; the value sets do not.
    let known = |code: &str| match names.0 {
        "raceCode" => agreed::out("race", code),
        _ => agreed::out("ethnicity", code),
    };
    let is_category = |it: &&Value| text(it, &["code"]).is_some_and(|it| known(it).is_some());
    let mut categories = of("ombCategory").filter(is_category);
    let first = categories.next().and_then(|it| told(names.0, it)).unwrap_or_else(|| null(names.0, "UNK"));
    let others = categories.chain(of("detailed")).filter_map(|it| told(names.1, it));
    std::iter::once(first).chain(others.collect::<Vec<_>>()).collect()
}

fn author(record: &Record<'_>) -> Tag {
    let making = record.making;
    let who = match making.author {
        Author::Person(person) => tag("assignedAuthor")
            .all(record.party_ids(person))
            .all(addresses(person))
            .all(telecoms(person))
            .add(record.person("assignedPerson", person)),
        Author::Program { maker, name } => {
            let device = tag("assignedAuthoringDevice")
                .add(tag("manufacturerModelName").text(maker))
                .add(tag("softwareName").text(name));
            tag("assignedAuthor")
                .add(record.made_id("program"))
                .all(addresses(making.custodian))
                .all(telecoms(making.custodian))
                .add(device)
        }
    };
    let who = who.add(record.organization("representedOrganization", making.custodian));
    tag("author").add(moment("time", Some(making.written))).add(who)
}

fn custodian(record: &Record<'_>) -> Tag {
    let kept = record.organization("representedCustodianOrganization", record.making.custodian);
    tag("custodian").add(tag("assignedCustodian").add(kept))
}

fn recipient(record: &Record<'_>) -> Option<Tag> {
    let name = match (record.making.recipient, record.making.kind) {
        (Some(name), _) => tag("name").text(name),
        (None, Kind::ReferralNote) => null("name", "NI"),
        (None, _) => return None,
    };
    let inner = tag("intendedRecipient").add(record.made_id("recipient")).add(tag("informationRecipient").add(name));
    Some(tag("informationRecipient").add(inner))
}

/// The care this document tells of: from the first thing known to now, by those who care for the patient.
fn service(record: &Record<'_>) -> Tag {
    let making = record.making;
    let visits = record.all("Encounter");
    let first = visits.iter().filter_map(|it| text(it, &["period", "start"])).min();
    let first = first.or_else(|| text(making.patient, &["birthDate"]).filter(|it| it.len() == 10));
    let named =
        record.all("CareTeam").into_iter().flat_map(|it| list(it, "participant")).filter_map(|it| it.get("member"));
    let named = named.chain(list(making.patient, "generalPractitioner"));
    let mut people: Vec<&Value> = Vec::new();
    let own = match making.author {
        Author::Person(person) => Some(person),
        Author::Program { .. } => None,
    };
    let known = named.filter_map(|it| record.at(Some(it))).filter(|it| kind(it) == "Practitioner").chain(own);
    for person in known {
        if !people.iter().any(|it| it["id"] == person["id"]) {
            people.push(person);
        }
    }
    let made = people.iter().map(|person| {
        let entity = tag("assignedEntity")
            .all(record.party_ids(person))
            .all(addresses(person))
            .all(telecoms(person))
            .add(record.person("assignedPerson", person));
        tag("performer").is("typeCode", "PRF").add(entity)
    });
    let mut made: Vec<Tag> = made.collect();
    if made.is_empty() && making.kind == Kind::CarePlan {
        let entity = tag("assignedEntity").add(null("id", "UNK")).add(tag("assignedPerson").add(null("name", "UNK")));
        made.push(tag("performer").is("typeCode", "PRF").add(entity));
    }
    let time = tag("effectiveTime").add(day("low", first)).add(day("high", Some(making.written)));
    tag("serviceEvent").is("classCode", "PCPR").add(time).all(made)
}

fn encounter(record: &Record<'_>) -> Option<Tag> {
    let visit = record.making.encounter?;
    let end = |name: &'static str, of: &str| day(name, text(visit, &["period", of]));
    let stay = record.making.kind == Kind::DischargeSummary;
    let ended = stay || text(visit, &["period", "end"]).is_some();
    let time = tag("effectiveTime").add(end("low", "start")).all(ended.then(|| end("high", "end")));
    let leaving = visit.pointer("/hospitalization/dischargeDisposition");
    let leaving = (stay || leaving.is_some()).then(|| concept("dischargeDispositionCode", leaving));
    let class = visit.get("class").and_then(|it| coding("code", it));
    let inner = tag("encompassingEncounter").all(record.ids(visit)).all(class).add(time).all(leaving).all(
        list(visit, "participant").iter().find_map(|it| {
            record.at(it.get("individual")).filter(|it| kind(it) == "Practitioner")?;
            Some(tag("responsibleParty").add(record.entity(it.get("individual"))?))
        }),
    );
    Some(tag("componentOf").add(inner))
}
