//! The rest of the entries: family history (C-CDA 3.31), insurance (3.21 Coverage Activity), supplies and devices (3.66,
//! 3.61), notes (Note Activity) and hand-offs.

use super::{EMPTY, Outcome};
use crate::Fate;
use crate::ccda::part::{Part, reference};
use crate::ccda::reading::Reading;
use crate::ccda::tables;
use crate::ccda::xml::{Element, Node};
use base64::Engine as _;
use serde_json::{Value, json};

impl<'a> Reading<'a> {
    pub(super) fn family_history(&self, node: Node<'a>, _: &'a str) -> Outcome {
        let Some(relative) = node.way("subject/relatedSubject") else {
            return Outcome::Narrative("a family history that does not say of whom");
        };
        let person = relative.kid("subject");
        let mut conditions: Vec<Value> = Vec::new();
        let mut fatal = false;
        for it in node.inner().filter(|it| it.is("observation")) {
            if it.negated() {
                self.note(Fate::Kept, it, "a condition that a relative does not have has no place in FHIR");
                continue;
            }
            let Some(code) =
                self.concept(it.kid("value")).or_else(|| self.said(it.kid("text")).map(|it| json!({ "text": it })))
            else {
                continue;
            };
            let age = it
                .inner_with("22.4.31")
                .find_map(|it| self.quantity(it.kid("value")))
                .filter(|it| it.get("code").is_some());
            let deadly = it.inner_with("22.4.47").next().is_some();
            fatal |= deadly;
            let start = self.start(it.kid("effectiveTime")).filter(|_| age.is_none());
            let condition = Part::new()
                .with("code", Some(code))
                .with("contributedToDeath", deadly.then_some(true))
                .with("onsetAge", age)
                .with("onsetString", start)
                .list("note", self.comments(it));
            conditions.push(condition.done());
        }
        let sex = person.and_then(|it| it.at("administrativeGenderCode", "code"));
        let sex = sex.and_then(|it| tables::map("gender", it));
        let died = person.and_then(|it| self.date(it.sdtc("deceasedTime")));
        let dead = person
            .and_then(|it| it.sdtc("deceasedInd"))
            .and_then(|it| it.attr("value"))
            .and_then(|it| it.parse::<bool>().ok());
        let dead = dead.or(fatal.then_some(true)).filter(|_| died.is_none());
        let name = person.and_then(|it| it.kid("name")).map(|it| it.words()).filter(|it| !it.is_empty());
        let part = Part::of("FamilyMemberHistory")
            .list("identifier", self.identifiers(node))
            .with("status", Some("completed"))
            .with("patient", Some(self.subject()))
            .with("date", self.start(node.kid("effectiveTime")))
            .with("name", name)
            .with("relationship", Some(self.concept_or(relative.kid("code"), None)))
            .with("sex", sex.map(|it| crate::ccda::part::concept("http://hl7.org/fhir/administrative-gender", it)))
            .with("bornDate", person.and_then(|it| self.day(it.kid("birthTime"))))
            .with("deceasedBoolean", dead)
            .with("deceasedDate", died.map(|it| it.split('T').next().unwrap_or_default().to_owned()))
            .list("condition", conditions);
        self.keep(node, "", part);
        Outcome::Made
    }

    pub(super) fn coverage(&self, node: Node<'a>, section: &'a str) -> Outcome {
        let mut outcome = EMPTY;
        for it in node.inner().filter(|it| it.is("act")) {
            let order =
                it.parent().and_then(|it| it.at("sequenceNumber", "value")).and_then(|it| it.parse::<u32>().ok());
            self.one_policy(it, order.filter(|it| *it > 0));
            outcome = Outcome::Made;
        }
        if outcome != Outcome::Made && node.kid("performer").is_some() {
            return self.policy(node, section);
        }
        outcome
    }

    pub(super) fn policy(&self, node: Node<'a>, _: &'a str) -> Outcome {
        self.one_policy(node, None);
        Outcome::Made
    }

    fn one_policy(&self, node: Node<'a>, order: Option<u32>) {
        let mut payors: Vec<Value> = Vec::new();
        for it in node.kids("performer").filter_map(|it| it.kid("assignedEntity")) {
            let organization = self.organization(it.kid("representedOrganization"));
            if let Some(who) = organization.or_else(|| self.practitioner(Some(it))) {
                if matches!(self.member(&who, "resourceType").as_ref().and_then(Value::as_str), Some("Organization")) {
                    payors.push(reference(&who));
                } else if let Some(name) = self.member(&who, "name").and_then(|it| Some(it.get(0)?["family"].clone())) {
                    payors.push(json!({ "display": name }));
                }
            }
        }
        if payors.is_empty() {
            payors.push(json!({ "display": "not named by the sender" }));
        }
        let part_of = |kind: &str| {
            let found = node.kids("participant").find(|it| it.attr("typeCode") == Some(kind));
            found.and_then(|it| it.kid("participantRole"))
        };
        let member = part_of("COV");
        let holder = part_of("HLD");
        let number =
            member.and_then(|it| it.kids("id").find_map(|it| it.attr("extension").or_else(|| it.attr("root"))));
        let period = node
            .kids("participant")
            .find(|it| it.attr("typeCode") == Some("COV"))
            .and_then(|it| self.period(it.kid("time")));
        let group = node.kids("id").find_map(|it| it.attr("extension")).map(|value| {
            let kind = crate::ccda::part::concept("http://terminology.hl7.org/CodeSystem/coverage-class", "group");
            json!({ "type": kind, "value": value })
        });
        let name = holder.and_then(|it| it.kid("playingEntity")).and_then(|it| it.kid("name")).map(|it| it.words());
        let part = Part::of("Coverage")
            .list("identifier", self.identifiers(node))
            .with("status", Some("active"))
            .with("type", self.concept(node.kid("code")))
            .with("policyHolder", name.filter(|it| !it.is_empty()).map(|it| json!({ "display": it })))
            .with("subscriberId", number)
            .with("beneficiary", Some(self.subject()))
            .with("relationship", member.and_then(|it| self.concept(it.kid("code"))))
            .with("period", period)
            .list("payor", payors)
            .list("class", group)
            .with("order", order);
        self.keep(node, "", part);
    }

    /// A device that is used, or something that is to be supplied.
    pub(super) fn supply(&self, node: Node<'a>, _: &'a str) -> Outcome {
        let happened = matches!(node.attr("moodCode"), None | Some("EVN"));
        let product = node.way("product/manufacturedProduct/manufacturedMaterial/code");
        let devices = self.devices(node);
        let named = self.concept(product).or_else(|| self.concept(node.kid("code")));
        let words = self.said(node.kid("text"));
        let times: Vec<Node<'a>> = node.kids("effectiveTime").collect();
        let time = times.first().copied();
        if !happened {
            let status =
                node.at("statusCode", "code").and_then(|it| tables::map("request.status", it)).unwrap_or("unknown");
            let intent = node.attr("moodCode").and_then(|it| tables::map("mood.intent", it)).unwrap_or("plan");
            let part = Part::of("DeviceRequest")
                .list("identifier", self.identifiers(node))
                .with("status", Some(status))
                .with("intent", Some(intent));
            let part = match devices.first() {
                Some(device) => part.with("codeReference", Some(reference(device))),
                None => {
                    part.with("codeCodeableConcept", Some(named.unwrap_or_else(|| self.concept_or(product, words))))
                }
            };
            let part = part.with("subject", Some(self.subject()));
            let part = self
                .when(part, "occurrence", time)
                .with("authoredOn", self.authored(node))
                .with("requester", self.person(node))
                .list("reasonCode", self.reasons(node))
                .list("note", self.comments(node));
            self.keep(node, "", part);
            return Outcome::Made;
        }
        let device = match devices.first() {
            Some(device) => device.clone(),
            None => {
                let kind = named.unwrap_or_else(|| self.concept_or(product, words));
                self.keep(node, "", Part::of("Device").with("type", Some(kind)).with("patient", Some(self.subject())))
            }
        };
        let status = node.at("statusCode", "code").and_then(|it| tables::map("device.status", it)).unwrap_or("active");
        let part = Part::of("DeviceUseStatement")
            .list("identifier", self.identifiers(node))
            .with("status", Some(status))
            .with("subject", Some(self.subject()));
        let part = self
            .when(part, "timing", time)
            .with("recordedOn", self.authored(node))
            .with("source", self.person(node))
            .with("device", Some(reference(&device)))
            .list("reasonCode", self.reasons(node))
            .list("note", self.comments(node));
        self.unread(node, &["22.4.19"]);
        self.keep(node, "use", part);
        Outcome::Made
    }

    /// A note of a clinician, whose words stand in the narrative or in the entry.
    pub(super) fn note_activity(&self, node: Node<'a>, _: &'a str) -> Outcome {
        let text = node.kid("text");
        let (kind, data) = match text.and_then(|it| it.attr("representation")) {
            Some("B64") => {
                let file =
                    text.map(|it| it.children().filter_map(|it| it.text()).collect::<String>()).unwrap_or_default();
                let kind = text.and_then(|it| it.attr("mediaType")).unwrap_or("text/plain");
                (kind, file.split_whitespace().collect::<String>())
            }
            _ => {
                let Some(words) = self.said(text) else { return EMPTY };
                ("text/plain; charset=utf-8", base64::engine::general_purpose::STANDARD.encode(words))
            }
        };
        let visits = node.inner().filter(|it| it.is("encounter")).filter_map(|it| self.identifier(it.kid("id")?));
        let visits: Vec<Value> = visits.map(|it| json!({ "identifier": it })).collect();
        let context = Part::new().list("encounter", visits).with("period", self.period(node.kid("effectiveTime")));
        let authors = node.kids("author").filter_map(|it| self.practitioner(it.kid("assignedAuthor")));
        let authors: Vec<Value> = authors.map(|it| reference(&it)).collect();
        let kinds = crate::ccda::part::concept(
            "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
            "clinical-note",
        );
        let part = Part::of("DocumentReference")
            .list("identifier", self.identifiers(node))
            .with("status", Some("current"))
            .with("type", self.concept(node.kid("code")))
            .list("category", Some(kinds))
            .with("subject", Some(self.subject()))
            .with("date", node.kids("author").find_map(|it| self.instant(it.kid("time"))))
            .list("author", authors)
            .list("content", Some(json!({ "attachment": { "contentType": kind, "data": data } })))
            .with("context", context.some());
        self.keep(node, "", part);
        Outcome::Made
    }

    /// Those who care for the patient (Care Team Organizer): each member is an act with one performer.
    pub(super) fn care_team(&self, node: Node<'a>, _: &'a str) -> Outcome {
        let mut members: Vec<Value> = Vec::new();
        for act in node.inner().filter(|it| it.follows("22.4.500.1")) {
            for performer in act.kids("performer") {
                let entity = performer.kid("assignedEntity");
                let organization = || self.organization(entity.and_then(|it| it.kid("representedOrganization")));
                let Some(who) = self.practitioner(entity).or_else(organization) else { continue };
                let role = performer.sdtc("functionCode").or_else(|| performer.kid("functionCode"));
                let role = self.concept(role).or_else(|| self.concept(entity.and_then(|it| it.kid("code"))));
                let part = Part::new().list("role", role).with("member", Some(reference(&who)));
                members.push(part.with("period", self.period(act.kid("effectiveTime"))).done());
            }
        }
        if members.is_empty() {
            return EMPTY;
        }
        let status = if node.at("statusCode", "code") == Some("active") { "active" } else { "inactive" };
        let part = Part::of("CareTeam")
            .list("identifier", self.identifiers(node))
            .with("status", Some(status))
            .with("subject", Some(self.subject()))
            .with("period", self.period(node.kid("effectiveTime")))
            .list("participant", members);
        self.keep(node, "", part);
        Outcome::Made
    }

    pub(super) fn handoff(&self, node: Node<'a>, _: &'a str) -> Outcome {
        let receivers = node.kids("participant").filter_map(|it| self.practitioner(it.kid("participantRole")));
        let receivers: Vec<Value> = receivers.map(|it| reference(&it)).collect();
        let status = if node.at("statusCode", "code") == Some("completed") { "completed" } else { "unknown" };
        let words = self.said(node.kid("text")).map(|it| json!({ "contentString": it }));
        let part = Part::of("Communication")
            .list("identifier", self.identifiers(node))
            .with("status", Some(status))
            .list("category", self.concept(node.kid("code")))
            .with("subject", Some(self.subject()))
            .with("sent", self.start(node.kid("effectiveTime")))
            .list("recipient", receivers)
            .with("sender", self.person(node))
            .list("payload", words);
        self.keep(node, "", part);
        Outcome::Made
    }
}
