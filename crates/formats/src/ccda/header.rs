//! The header of a document (CDA R2, 4.2; C-CDA R2.1, US Realm Header): whose record it is, who wrote and keeps it,
//! and the visit it tells of. Shapes of the patient are those of US Core.

use super::part::{Part, absent_concept, reference};
use super::reading::{Reading, name_of};
use super::tables;
use super::xml::{Element, Node};
use crate::Fate;
use serde_json::{Value, json};

const US_CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/";
const RACES: &str = "urn:oid:2.16.840.1.113883.6.238";

/// The categories of OMB; every other code of race and ethnicity is a detail of one of them.
const CATEGORIES: [&str; 7] = ["1002-5", "2028-9", "2054-5", "2076-8", "2106-3", "2135-2", "2186-5"];

impl<'a> Reading<'a> {
    pub(super) fn read_patient(&self, role: Node<'a>) {
        let patient = role.kid("patient");
        let kid = |name: &str| patient.and_then(|it| it.kid(name));
        let sdtc = |name: &str| patient.and_then(|it| it.sdtc(name));
        let gender = kid("administrativeGenderCode").and_then(|it| it.attr("code").or_else(|| it.null()));
        let born = kid("birthTime");
        let hour = self.date(born).filter(|it| it.contains('T'));
        let hour = hour.map(|it| {
            json!({ "extension": [{
                "url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime", "valueDateTime": it
            }]})
        });
        let died = self.date(sdtc("deceasedTime"));
        let dead = sdtc("deceasedInd").and_then(|it| it.attr("value")).and_then(|it| it.parse::<bool>().ok());
        let dead = dead.filter(|_| died.is_none());
        let order =
            sdtc("multipleBirthOrderNumber").and_then(|it| it.attr("value")).and_then(|it| it.parse::<i32>().ok());
        let several = sdtc("multipleBirthInd").and_then(|it| it.attr("value")).and_then(|it| it.parse::<bool>().ok());
        let marital = self.concept(kid("maritalStatusCode")).map(|mut it| {
            if let Some(code) = it.pointer_mut("/coding/0/code")
                && let Some(mapped) = code.as_str().and_then(|it| tables::map("marital", it))
            {
                *code = json!(mapped);
            }
            it
        });
        let organization = self.organization(role.kid("providerOrganization"));
        let part = Part::of("Patient")
            .list("extension", self.extensions(patient))
            .list("identifier", self.identifiers(role))
            .list("name", self.names(patient))
            .list("telecom", self.telecoms(role))
            .with("gender", gender.map(|it| tables::map("gender", it).unwrap_or("unknown")))
            .with("birthDate", self.day(born))
            .with("_birthDate", hour)
            .with("deceasedBoolean", dead)
            .with("deceasedDateTime", died)
            .list("address", self.addresses(role))
            .with("maritalStatus", marital)
            .with("multipleBirthBoolean", several.filter(|_| order.is_none()))
            .with("multipleBirthInteger", order)
            .list("contact", patient.into_iter().flat_map(|it| it.kids("guardian")).filter_map(|it| self.guardian(it)))
            .list("communication", self.languages(patient))
            .with("managingOrganization", organization.as_deref().map(reference));
        self.keep_patient(part);
    }

    fn extensions(&self, patient: Option<Node<'a>>) -> Vec<Value> {
        let Some(patient) = patient else { return Vec::new() };
        let both = |name: &'static str| {
            patient.children().filter(move |it| it.is_element() && it.is(name)).collect::<Vec<_>>()
        };
        let mut found = Vec::new();
        found.extend(self.heritage("us-core-race", &both("raceCode"), 5));
        found.extend(self.heritage("us-core-ethnicity", &both("ethnicGroupCode"), 1));
        if let Some(place) = patient.way("birthplace/place/addr").and_then(|it| self.address_of(it)) {
            found.push(json!({
                "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace", "valueAddress": place
            }));
        }
        if let Some(faith) = self.concept(patient.kid("religiousAffiliationCode")) {
            found.push(json!({
                "url": "http://hl7.org/fhir/StructureDefinition/patient-religion", "valueCodeableConcept": faith
            }));
        }
        found
    }

    /// Race or ethnicity: categories of OMB, details below them, and the words for both.
    fn heritage(&self, name: &str, codes: &[Node<'a>], most: usize) -> Option<Value> {
        let mut parts: Vec<Value> = Vec::new();
        let mut words: Vec<&str> = Vec::new();
        let mut categories = 0;
        for node in codes {
            let Some(code) = node.attr("code") else {
                if let Some(code @ ("UNK" | "ASKU" | "NI")) = node.null() {
                    let code = if code == "NI" { "UNK" } else { code };
                    let system = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor";
                    if categories == 0 && parts.is_empty() {
                        parts.push(json!({ "url": "ombCategory", "valueCoding": { "system": system, "code": code } }));
                        words.push(if code == "UNK" { "Unknown" } else { "Asked but no answer" });
                        categories += 1;
                    }
                }
                continue;
            };
            let is_category = CATEGORIES.contains(&code);
            if is_category && categories >= most {
                continue;
            }
            categories += usize::from(is_category);
            let display = node.attr("displayName");
            words.push(display.unwrap_or(code));
            let url = if is_category { "ombCategory" } else { "detailed" };
            let coding =
                Part::new().with("system", Some(RACES)).with("code", Some(code)).with("display", display).done();
            let part = json!({ "url": url, "valueCoding": coding });
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        if parts.is_empty() {
            return None;
        }
        words.dedup();
        parts.push(json!({ "url": "text", "valueString": words.join(", ") }));
        Some(json!({ "url": format!("{US_CORE}{name}"), "extension": parts }))
    }

    fn guardian(&self, node: Node<'a>) -> Option<Value> {
        let guard =
            json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "GUARD" }] });
        let organization = self.organization(node.kid("guardianOrganization"));
        let contact = Part::new()
            .with("name", self.names(node.kid("guardianPerson")).into_iter().next())
            .list("telecom", self.telecoms(node))
            .with("address", self.addresses(node).into_iter().next())
            .with("organization", organization.as_deref().map(reference));
        let said = contact.clone().some().is_some();
        said.then(|| contact.list("relationship", Some(self.concept(node.kid("code")).unwrap_or(guard))).done())
    }

    fn languages(&self, patient: Option<Node<'a>>) -> Vec<Value> {
        let mut found: Vec<Value> = Vec::new();
        for it in patient.into_iter().flat_map(|it| it.kids("languageCommunication")) {
            let Some(code) = it.at("languageCode", "code") else { continue };
            let preferred = it.at("preferenceInd", "value").and_then(|it| it.parse::<bool>().ok());
            let language = Part::new()
                .with("language", Some(json!({ "coding": [{ "system": "urn:ietf:bcp:47", "code": code }] })))
                .with("preferred", preferred)
                .done();
            if !found.contains(&language) {
                found.push(language);
            }
        }
        found
    }

    /// The members of the Composition that the header tells.
    pub(super) fn composition(&self, document: Node<'a>) -> Part {
        let title = document.kid("title").map(|it| it.words()).filter(|it| !it.is_empty());
        let kind = self.concept_or(document.kid("code"), title.clone());
        let title = title.or_else(|| document.at("code", "displayName").map(str::to_owned));
        let mut authors: Vec<Value> = Vec::new();
        for author in document.kids("author").filter_map(|it| self.practitioner(it.kid("assignedAuthor"))) {
            let author = reference(&author);
            if !authors.contains(&author) {
                authors.push(author);
            }
        }
        if authors.is_empty() {
            authors.push(json!({ "display": "not named by the sender" }));
        }
        let custodian = self.organization(document.way("custodian/assignedCustodian/representedCustodianOrganization"));
        let identifier = document.kid("setId").or_else(|| document.kid("id")).and_then(|it| self.identifier(it));
        let version = document.at("versionNumber", "value").map(|it| {
            json!({ "url": "http://hl7.org/fhir/StructureDefinition/composition-clinicaldocument-versionNumber", "valueString": it })
        });
        let secrecy =
            document.at("confidentialityCode", "code").filter(|it| ["U", "L", "M", "N", "R", "V"].contains(it));
        let replaced = document.kids("relatedDocument").filter_map(|it| self.relation(it));
        let part = Part::of("Composition")
            .with("language", document.at("languageCode", "code"))
            .list("extension", version)
            .with("identifier", identifier)
            .with("status", Some("final"))
            .with("type", Some(kind))
            .with("subject", Some(self.subject()))
            .with("encounter", self.encompassing(document).as_deref().map(reference));
        self.or_absent(part, "date", self.written.clone(), document.kid("effectiveTime"))
            .list("author", authors)
            .with("title", Some(title.unwrap_or_else(|| "Clinical document".to_owned())))
            .with("confidentiality", secrecy)
            .list("attester", self.attesters(document))
            .with("custodian", custodian.as_deref().map(reference))
            .list("relatesTo", replaced)
            .list("event", document.kids("documentationOf").filter_map(|it| self.event(it.kid("serviceEvent")?)))
    }

    fn relation(&self, node: Node<'a>) -> Option<Value> {
        let code = match node.attr("typeCode")? {
            "RPLC" => "replaces",
            "APND" => "appends",
            "XFRM" => "transforms",
            _ => return None,
        };
        let target = node.way("parentDocument/id").and_then(|it| self.identifier(it))?;
        Some(json!({ "code": code, "targetIdentifier": target }))
    }

    fn attesters(&self, document: Node<'a>) -> Vec<Value> {
        let with = |node: Node<'a>, mode: &str| {
            let party = self.practitioner(node.kid("assignedEntity"))?;
            Some(
                Part::new()
                    .with("mode", Some(mode))
                    .with("time", self.date(node.kid("time")))
                    .with("party", Some(reference(&party)))
                    .done(),
            )
        };
        let legal = document.kids("legalAuthenticator").filter_map(|it| with(it, "legal"));
        let others = document.kids("authenticator").filter_map(|it| with(it, "professional"));
        legal.chain(others).collect()
    }

    /// The main act the document tells of; those who took part are the care team.
    fn event(&self, node: Node<'a>) -> Option<Value> {
        let members: Vec<Value> = node
            .kids("performer")
            .filter_map(|it| {
                let who = self.practitioner(it.kid("assignedEntity"))?;
                let function =
                    self.concept(it.kid("functionCode")).or_else(|| self.concept(it.way("assignedEntity/code")));
                let part = Part::new().list("role", function).with("member", Some(reference(&who)));
                Some(part.with("period", self.period(it.kid("time"))).done())
            })
            .collect();
        if !members.is_empty() {
            let team = Part::of("CareTeam")
                .list("identifier", self.identifiers(node))
                .with("status", Some("active"))
                .with("subject", Some(self.subject()))
                .with("period", self.period(node.kid("effectiveTime")))
                .list("participant", members);
            self.keep(node, "", team);
        }
        Part::new()
            .list("code", self.concept(node.kid("code")))
            .with("period", self.period(node.kid("effectiveTime")))
            .some()
    }

    /// The visit in which the document was written.
    fn encompassing(&self, document: Node<'a>) -> Option<String> {
        let node = document.way("componentOf/encompassingEncounter")?;
        let mut people: Vec<Value> = Vec::new();
        let entities = node.kids("encounterParticipant").chain(node.kids("responsibleParty"));
        for it in entities {
            if let Some(who) = self.practitioner(it.kid("assignedEntity")) {
                let role = it.attr("typeCode").map(|code| {
                    super::part::concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", code)
                });
                let person = Part::new().list("type", role).with("individual", Some(reference(&who))).done();
                if !people.contains(&person) {
                    people.push(person);
                }
            }
        }
        let place = self.location(node.way("location/healthCareFacility"));
        let provider = self.organization(node.way("location/healthCareFacility/serviceProviderOrganization"));
        let leaving = self.concept(node.kid("dischargeDispositionCode"));
        let class = node.kid("code").into_iter().flat_map(|it| std::iter::once(it).chain(it.kids("translation")));
        let class =
            class.filter(|it| it.attr("codeSystem") == Some("2.16.840.1.113883.5.4")).find_map(|it| it.attr("code"));
        let class = match class {
            Some(code) => json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code }),
            None => absent_concept("unknown")["coding"][0].clone(),
        };
        let period = self.period(node.kid("effectiveTime"));
        let over = period.as_ref().is_some_and(|it| it.get("end").is_some());
        let part = Part::of("Encounter")
            .list("identifier", self.identifiers(node))
            .with("status", Some(if over { "finished" } else { "unknown" }))
            .with("class", Some(class))
            .list("type", self.concept(node.kid("code")))
            .with("subject", Some(self.subject()))
            .list("participant", people)
            .with("period", period)
            .with("hospitalization", leaving.map(|it| json!({ "dischargeDisposition": it })))
            .list("location", place.map(|it| json!({ "location": reference(&it) })))
            .with("serviceProvider", provider.as_deref().map(reference));
        Some(self.keep(node, "", part))
    }

    /// Relatives, and what the header says that has no place in a Composition.
    pub(super) fn read_others(&self, document: Node<'a>) {
        for it in document.kids("informant") {
            match it.kid("relatedEntity") {
                Some(person) => drop(self.related_person(person, "relatedPerson")),
                None => drop(self.practitioner(it.kid("assignedEntity"))),
            }
        }
        for it in document.kids("participant") {
            let person = it.kid("associatedEntity");
            let found = person.and_then(|it| self.related_person(it, "associatedPerson"));
            if found.is_none() && person.is_some_and(|it| name_of(it).is_some()) {
                self.note(Fate::Kept, it, "a participant without a name has no place in FHIR");
            }
        }
        for name in ["dataEnterer", "informationRecipient", "inFulfillmentOf", "authorization"] {
            for it in document.kids(name) {
                self.note(Fate::Kept, it, "this part of the header stays in the document");
            }
        }
    }
}
