//! What is wanted: plans and orders (C-CDA 3.55 to 3.62) as ServiceRequest, goals (3.34) as Goal, and interventions with
//! what they hold (3.43).

use super::Outcome;
use crate::ccda::part::{Part, reference};
use crate::ccda::reading::Reading;
use crate::ccda::tables;
use crate::ccda::xml::{Element, Node};
use serde_json::{Value, json};

impl<'a> Reading<'a> {
    pub(super) fn request(&self, node: Node<'a>, section: &'a str) -> Outcome {
        if node.attr("moodCode") == Some("GOL") {
            return self.goal(node, section);
        }
        let told = node.follows("22.4.20").then(|| self.said(node.kid("text"))).flatten();
        let status =
            node.at("statusCode", "code").and_then(|it| tables::map("request.status", it)).unwrap_or("unknown");
        let intent = node.attr("moodCode").and_then(|it| tables::map("mood.intent", it)).unwrap_or("plan");
        let times: Vec<Node<'a>> = node.kids("effectiveTime").collect();
        let code = self.concept_or(node.kid("code"), self.said(node.kid("text")));
        let performers: Vec<Value> = self.performers(node).iter().map(|it| reference(it)).collect();
        let places = self.locations(node);
        let reasons = node.inner().filter(|it| it.follows("22.4.19") || it.follows("22.4.4"));
        let reasons: Vec<Value> = reasons.filter_map(|it| self.concept(it.kid("value"))).collect();
        let instruction = told.or_else(|| self.instruction(node));
        let part = Part::of("ServiceRequest")
            .list("identifier", self.identifiers(node))
            .with("status", Some(status))
            .with("intent", Some(intent))
            .with("doNotPerform", node.negated().then_some(true))
            .with("code", Some(code))
            .with("subject", Some(self.subject()));
        let part = self
            .when(part, "occurrence", times.first().copied())
            .with("authoredOn", self.authored(node))
            .with("requester", self.person(node))
            .list("performer", performers)
            .list("locationReference", places.iter().map(|it| reference(it)))
            .list("reasonCode", reasons)
            .list("bodySite", node.kids("targetSiteCode").filter_map(|it| self.concept(Some(it))))
            .list("note", self.comments(node))
            .with("patientInstruction", instruction);
        if let Some(value) = node.kid("value").filter(|it| it.null().is_none()) {
            self.note(crate::Fate::Kept, value, "a value of something that is only wanted has no place in an order");
        }
        self.unread(node, &["22.4.19", "22.4.4", "22.4.20"]);
        self.keep(node, "", part);
        Outcome::Made
    }

    pub(super) fn goal(&self, node: Node<'a>, section: &'a str) -> Outcome {
        let value = node.kid("value");
        let words = self.said(node.kid("text"));
        let code = self.concept(node.kid("code"));
        let aim = value
            .filter(|it| matches!(it.kind(), Some("CD" | "CE" | "CV" | "CO")))
            .and_then(|it| self.concept(Some(it)));
        let text = value.filter(|it| matches!(it.kind(), Some("ST" | "ED"))).and_then(|it| self.said(Some(it)));
        let description = aim.or_else(|| text.or(words).map(|it| json!({ "text": it }))).or_else(|| code.clone());
        let description = description.unwrap_or_else(|| self.concept_or(node.kid("code"), None));
        let time = node.kid("effectiveTime");
        let due = self.day(time.and_then(|it| it.kid("high")));
        let amount = match value.and_then(Element::kind) {
            Some("PQ" | "REAL" | "INT") => self.quantity(value).map(|it| ("detailQuantity", it)),
            Some("IVL_PQ") => self.range(value).map(|it| ("detailRange", it)),
            _ => None,
        };
        let mut target = Part::new();
        if let (Some((name, amount)), Some(code)) = (amount, code) {
            target = target.with("measure", Some(code)).with(name, Some(amount));
        }
        let status = node.at("statusCode", "code").and_then(|it| tables::map("goal.status", it)).unwrap_or("active");
        let who = self.person(node);
        let part = Part::of("Goal")
            .list("identifier", self.identifiers(node))
            .with("lifecycleStatus", Some(status))
            .with("description", Some(description))
            .with("subject", Some(self.subject()))
            .with("startDate", self.day(time.and_then(|it| it.kid("low")).or(time)))
            .list("target", target.with("dueDate", due).some())
            .with("expressedBy", who)
            .list("note", self.comments(node));
        // Steps on the way are goals of their own.
        for it in node.inner().filter(|it| it.follows("22.4.121")) {
            self.statement(it, section, super::node_depth(it));
        }
        self.unread(node, &["22.4.121", "22.4.143"]);
        self.keep(node, "", part);
        Outcome::Made
    }

    /// An intervention is what it holds; alone, it is a procedure done or wanted.
    pub(super) fn intervention(&self, node: Node<'a>, section: &'a str) -> Outcome {
        let mut made = false;
        for it in node.inner().filter(|it| !it.follows("22.4.122") && !it.follows("22.4.64")) {
            made |= self.statement(it, section, super::node_depth(it)) == Outcome::Made;
        }
        if made { Outcome::Made } else { self.procedure(node, section) }
    }
}
