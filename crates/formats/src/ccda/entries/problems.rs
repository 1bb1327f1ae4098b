//! Problems, diagnoses and health concerns as Condition (C-CDA 3.71 Problem Observation and those that hold it).

use super::{EMPTY, Outcome};
use crate::Fate;
use crate::ccda::part::{Part, concept};
use crate::ccda::reading::Reading;
use crate::ccda::tables;
use crate::ccda::xml::{Element, Node};
use serde_json::{Value, json};

const NO_PROBLEM: &str = "160245001";
const PROBLEM: &str = "55607006";

impl<'a> Reading<'a> {
    pub(super) fn problem_concern(&self, node: Node<'a>, _: &'a str) -> Outcome {
        self.conditions(node, "problem-list-item")
    }

    pub(super) fn diagnosis(&self, node: Node<'a>, _: &'a str) -> Outcome {
        self.conditions(node, "encounter-diagnosis")
    }

    pub(super) fn bare_problem(&self, node: Node<'a>, section: &'a str) -> Outcome {
        let category = match section {
            "75310-3" => "health-concern",
            "11450-4" | "11348-0" | "47420-5" | "10190-7" => "problem-list-item",
            _ => "encounter-diagnosis",
        };
        self.condition(node, None, category);
        Outcome::Made
    }

    /// Concerns may hold problems, findings of any kind, or words only.
    pub(super) fn health_concern(&self, node: Node<'a>, section: &'a str) -> Outcome {
        let mut made = false;
        for it in node.inner() {
            if it.follows("22.4.4") {
                self.condition(it, Some(node), "health-concern");
                made = true;
            } else if !it.follows("22.4.122") && !it.follows("22.4.64") && !it.follows("22.4.143") {
                made |= self.statement(it, section, super::node_depth(it)) == Outcome::Made;
            }
        }
        let words = self.said(node.kid("text"));
        if !made && let Some(words) = words {
            let part = Part::of("Condition")
                .list("identifier", self.identifiers(node))
                .with("clinicalStatus", Some(self.clinical(node)))
                .list("category", Some(category("health-concern")))
                .with("code", Some(json!({ "text": words })))
                .with("subject", Some(self.subject()));
            let part = self.when(part, "onset", node.kid("effectiveTime").filter(|it| it.kid("high").is_none()));
            self.keep(node, "", part.with("recordedDate", self.authored(node)));
            made = true;
        }
        if made { Outcome::Made } else { EMPTY }
    }

    fn clinical(&self, node: Node<'a>) -> Value {
        let code = node.at("statusCode", "code").and_then(|it| tables::map("condition.act", it)).unwrap_or("active");
        concept("http://terminology.hl7.org/CodeSystem/condition-clinical", code)
    }

    fn conditions(&self, node: Node<'a>, category: &str) -> Outcome {
        let mut made = EMPTY;
        for it in node.inner().filter(|it| it.is("observation")) {
            if it.follows("22.4.4") || it.kid("value").is_some() {
                self.condition(it, Some(node), category);
                made = Outcome::Made;
            }
        }
        made
    }

    pub(super) fn condition(&self, node: Node<'a>, concern: Option<Node<'a>>, kind: &str) -> String {
        let value = node.kid("value");
        let none = |it: Node<'a>| it.attr("code") == Some(PROBLEM) || it.attr("code").is_none();
        let no_problem = node.negated() && value.is_some_and(none);
        let code = if no_problem {
            json!({ "coding": [{ "system": "http://snomed.info/sct", "code": NO_PROBLEM }], "text": "No current problems" })
        } else {
            let words = self.said(node.kid("text")).or_else(|| concern.and_then(|it| self.said(it.kid("text"))));
            let coded = self.concept(value).or_else(|| self.said(value).map(|it| json!({ "text": it })));
            coded.unwrap_or_else(|| self.concept_or(value, words))
        };
        let error = [Some(node), concern].iter().flatten().any(|it| it.at("statusCode", "code") == Some("nullified"));
        let time = node.kid("effectiveTime");
        let status = node.inner_with("22.4.6").find_map(|it| it.kid("value")?.attr("code"));
        let ended = time.and_then(|it| it.kid("high"));
        let status = status.and_then(|it| tables::map("condition.clinical", it)).unwrap_or_else(|| {
            let act =
                concern.and_then(|it| it.at("statusCode", "code")).and_then(|it| tables::map("condition.act", it));
            if ended.is_some() { "resolved" } else { act.unwrap_or("active") }
        });
        let over = matches!(status, "inactive" | "resolved" | "remission");
        let abated = self.date(ended);
        if let (Some(node), false, true) = (ended, over, abated.is_some()) {
            self.note(Fate::Weakened, node, "the problem is said to be active and to have ended: it is read as active");
        }
        let start = self.start(time);
        let age = node.inner_with("22.4.31").find_map(|it| self.quantity(it.kid("value")));
        let age = age.filter(|it| start.is_none() && it.get("code").is_some());
        let diagnosed = node.inner_with("22.4.502").find_map(|it| self.date(it.kid("effectiveTime")));
        let asserted = diagnosed.map(|it| {
            json!({ "url": "http://hl7.org/fhir/StructureDefinition/condition-assertedDate", "valueDateTime": it })
        });
        let severity = node.inner_with("22.4.8").find_map(|it| self.concept(it.kid("value")));
        let verification = match (error, node.negated() && !no_problem) {
            (true, _) => Some("entered-in-error"),
            (_, true) => Some("refuted"),
            _ => None,
        };
        let recorded = self.authored(node).or_else(|| concern.and_then(|it| self.authored(it)));
        let recorder = self.person(node).or_else(|| concern.and_then(|it| self.person(it)));
        let system = "http://terminology.hl7.org/CodeSystem/condition-clinical";
        let part = Part::of("Condition")
            .list("extension", asserted)
            .list("identifier", self.identifiers(node))
            .with("clinicalStatus", Some(concept(system, status)).filter(|_| !error))
            .with(
                "verificationStatus",
                verification.map(|it| concept("http://terminology.hl7.org/CodeSystem/condition-ver-status", it)),
            )
            .list("category", Some(category(kind)))
            .list("category", self.concept(node.kid("code")))
            .with("severity", severity)
            .with("code", Some(code))
            .list("bodySite", node.kids("targetSiteCode").filter_map(|it| self.concept(Some(it))))
            .with("subject", Some(self.subject()))
            .with("onsetDateTime", start)
            .with("onsetAge", age)
            .with("abatementDateTime", abated.filter(|_| over))
            .with("recordedDate", recorded)
            .with("recorder", recorder)
            .list("note", self.comments(node));
        self.unread(node, &["22.4.6", "22.4.8", "22.4.31", "22.4.502", "22.4.5", "22.4.143"]);
        self.keep(node, kind, part)
    }
}

fn category(kind: &str) -> Value {
    let system = match kind {
        "health-concern" => "http://hl7.org/fhir/us/core/CodeSystem/condition-category",
        _ => "http://terminology.hl7.org/CodeSystem/condition-category",
    };
    concept(system, kind)
}
