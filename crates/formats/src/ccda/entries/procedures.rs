//! What was done (C-CDA 3.83 to 3.85 Procedure Activity) as Procedure, and visits (3.26 Encounter Activity, 3.57 Planned
//! Encounter) as Encounter with their diagnoses.

use super::Outcome;
use crate::ccda::part::{Part, absent_concept, reference};
use crate::ccda::reading::Reading;
use crate::ccda::tables;
use crate::ccda::xml::{Element, Node};
use serde_json::{Value, json};

impl<'a> Reading<'a> {
    pub(super) fn procedure(&self, node: Node<'a>, section: &'a str) -> Outcome {
        if node.attr("moodCode").is_some_and(|it| it != "EVN") {
            return self.request(node, section);
        }
        if node.is("observation") && node.kid("value").is_some_and(|it| it.null().is_none()) {
            return self.general_observation(node, section);
        }
        let status = node.at("statusCode", "code").and_then(|it| tables::map("procedure.status", it));
        let status = if node.negated() { "not-done" } else { status.unwrap_or("unknown") };
        let performers = self.performers(node).into_iter().map(|it| json!({ "actor": reference(&it) }));
        let performers: Vec<Value> = performers.collect();
        let places = self.locations(node);
        let devices = self.devices(node).into_iter().map(|it| json!({ "manipulated": reference(&it) }));
        let devices: Vec<Value> = devices.collect();
        let part = Part::of("Procedure")
            .list("identifier", self.identifiers(node))
            .with("status", Some(status))
            .with("code", Some(self.concept_or(node.kid("code"), self.said(node.kid("text")))))
            .with("subject", Some(self.subject()));
        let part = self
            .when(part, "performed", node.kid("effectiveTime"))
            .with("recorder", self.person(node))
            .list("performer", performers)
            .with("location", places.first().map(|it| reference(it)))
            .list("reasonCode", self.reasons(node))
            .list("bodySite", node.kids("targetSiteCode").filter_map(|it| self.concept(Some(it))))
            .list("followUp", node.inner_with("22.4.20").filter_map(|it| self.concept(it.kid("code"))))
            .list("note", self.comments(node))
            .list("focalDevice", devices);
        for it in node.inner_with("22.4.16") {
            self.medication_request(it, "");
        }
        self.unread(node, &["22.4.19", "22.4.20", "22.4.16"]);
        self.keep(node, "", part);
        Outcome::Made
    }

    pub(super) fn encounter(&self, node: Node<'a>, _: &'a str) -> Outcome {
        let planned = node.attr("moodCode").is_some_and(|it| it != "EVN");
        let status = node.at("statusCode", "code").and_then(|it| tables::map("encounter.status", it));
        let status = match (planned, status) {
            (true, Some("entered-in-error" | "cancelled")) => status.unwrap_or("planned"),
            (true, _) => "planned",
            // The statement tells of something that was: senders often write the status of the entry, not of the visit.
            (false, Some("in-progress") | None) => "finished",
            (false, Some(status)) => status,
        };
        let codes = node.kid("code").into_iter().flat_map(|it| std::iter::once(it).chain(it.kids("translation")));
        let class =
            codes.filter(|it| it.attr("codeSystem") == Some("2.16.840.1.113883.5.4")).find_map(|it| it.attr("code"));
        let class = match class {
            Some(code) => json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code }),
            None => absent_concept("unknown")["coding"][0].clone(),
        };
        let people = node.kids("performer").filter_map(|it| {
            let who = self.practitioner(it.kid("assignedEntity"))?;
            (self.member(&who, "resourceType")? == "Practitioner").then(|| json!({ "individual": reference(&who) }))
        });
        let people: Vec<Value> = people.collect();
        let mut diagnoses: Vec<Value> = Vec::new();
        for act in node.inner_with("22.4.80") {
            for it in act.inner_with("22.4.4") {
                let address = self.condition(it, Some(act), "encounter-diagnosis");
                diagnoses.push(json!({ "condition": reference(&address) }));
            }
        }
        for it in node.inner_with("22.4.4") {
            let address = self.condition(it, None, "encounter-diagnosis");
            diagnoses.push(json!({ "condition": reference(&address) }));
        }
        let places = self.locations(node).into_iter().map(|it| json!({ "location": reference(&it) }));
        let places: Vec<Value> = places.collect();
        let leaving = self.concept(node.sdtc("dischargeDispositionCode"));
        let part = Part::of("Encounter")
            .list("identifier", self.identifiers(node))
            .with("status", Some(status))
            .with("class", Some(class))
            .list("type", Some(self.concept_or(node.kid("code"), self.said(node.kid("text")))))
            .with("priority", self.concept(node.kid("priorityCode")))
            .with("subject", Some(self.subject()))
            .list("participant", people)
            .with("period", self.period(node.kid("effectiveTime")))
            .list("reasonCode", self.reasons(node))
            .list("diagnosis", diagnoses)
            .with("hospitalization", leaving.map(|it| json!({ "dischargeDisposition": it })))
            .list("location", places);
        self.unread(node, &["22.4.80", "22.4.4", "22.4.19"]);
        self.keep(node, "", part);
        Outcome::Made
    }
}
