//! Allergies and intolerances (C-CDA 3.5 Allergy - Intolerance Observation) as AllergyIntolerance. "No known allergy" is
//! a code of its own in FHIR, not a negated allergy.

use super::{EMPTY, Outcome};
use crate::Fate;
use crate::ccda::part::{Part, concept};
use crate::ccda::reading::Reading;
use crate::ccda::tables;
use crate::ccda::xml::{Element, Node};
use serde_json::{Value, json};

impl<'a> Reading<'a> {
    pub(super) fn allergy_concern(&self, node: Node<'a>, _: &'a str) -> Outcome {
        let mut made = EMPTY;
        for it in node.inner().filter(|it| it.is("observation") && !it.follows("22.4.64")) {
            self.allergy(it, Some(node));
            made = Outcome::Made;
        }
        made
    }

    pub(super) fn bare_allergy(&self, node: Node<'a>, _: &'a str) -> Outcome {
        self.allergy(node, None);
        Outcome::Made
    }

    fn allergy(&self, node: Node<'a>, concern: Option<Node<'a>>) -> String {
        let kind = node.at("value", "code").unwrap_or_default();
        let substance = node.kids("participant").find_map(|it| it.way("participantRole/playingEntity"));
        let code = self.allergen(node, kind, substance);
        let error = [Some(node), concern].iter().flatten().any(|it| it.at("statusCode", "code") == Some("nullified"));
        let time = node.kid("effectiveTime");
        let status = node.inner_with("22.4.28").find_map(|it| it.kid("value")?.attr("code"));
        let status = status.and_then(|it| tables::map("allergy.clinical", it)).unwrap_or_else(|| {
            let closed = concern.and_then(|it| it.at("statusCode", "code"));
            match (time.and_then(|it| it.kid("high")).is_some(), closed) {
                (true, _) => "resolved",
                (_, Some("completed" | "aborted" | "suspended")) => "inactive",
                _ => "active",
            }
        });
        let severity = |it: Node<'a>| {
            let found = it.inner_with("22.4.8").find_map(|it| it.kid("value")?.attr("code"));
            found.and_then(|it| tables::map("severity", it))
        };
        let whole = severity(node);
        let mut reactions: Vec<Value> = Vec::new();
        for it in node.inner_with("22.4.9") {
            if it.negated() {
                self.note(Fate::Kept, it, "a reaction that did not happen has no place in an allergy");
                continue;
            }
            let manifestation =
                self.concept(it.kid("value")).or_else(|| self.said(it.kid("text")).map(|it| json!({ "text": it })));
            let Some(manifestation) = manifestation else { continue };
            let reaction = Part::new()
                .list("manifestation", Some(manifestation))
                .with("onset", self.start(it.kid("effectiveTime")))
                .with("severity", severity(it).or(whole))
                .list("note", self.comments(it));
            reactions.push(reaction.done());
        }
        if reactions.is_empty() && whole.is_some() {
            self.note(Fate::Kept, node, "a severity without a reaction has no place in an allergy");
        }
        let criticality = node.inner_with("22.4.145").find_map(|it| it.kid("value")?.attr("code"));
        let verification = if error { "entered-in-error" } else { "confirmed" };
        let clinical = concept("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", status);
        let part = Part::of("AllergyIntolerance")
            .list("identifier", self.identifiers(node))
            .with("clinicalStatus", Some(clinical).filter(|_| !error))
            .with(
                "verificationStatus",
                Some(concept("http://terminology.hl7.org/CodeSystem/allergyintolerance-verification", verification)),
            )
            .with("type", tables::map("allergy.type", kind))
            .list("category", tables::map("allergy.category", kind).map(Value::from))
            .with("criticality", criticality.and_then(|it| tables::map("criticality", it)))
            .with("code", Some(code))
            .with("patient", Some(self.subject()))
            .with("onsetDateTime", self.start(time))
            .with("recordedDate", self.authored(node).or_else(|| concern.and_then(|it| self.authored(it))))
            .with("recorder", self.person(node).or_else(|| concern.and_then(|it| self.person(it))))
            .list("note", self.comments(node))
            .list("reaction", reactions);
        self.unread(node, &["22.4.28", "22.4.9", "22.4.8", "22.4.145"]);
        self.keep(node, "", part)
    }

    /// To what: the substance, or that there is none.
    fn allergen(&self, node: Node<'a>, kind: &str, substance: Option<Node<'a>>) -> Value {
        let coded = substance.and_then(|it| it.kid("code"));
        let name = substance.and_then(|it| it.kid("name")).map(|it| it.words()).filter(|it| !it.is_empty());
        let code = coded.and_then(|it| it.attr("code"));
        if !node.negated() {
            let words = name.or_else(|| self.said(node.kid("text")));
            let whole = self.concept(coded).or_else(|| words.clone().map(|it| json!({ "text": it })));
            return whole.unwrap_or_else(|| match self.concept(node.kid("value")) {
                Some(kind) if kind["coding"][0]["code"] != "419199007" => kind,
                _ => self.concept_or(coded, words),
            });
        }
        let none = match code {
            Some(code) => tables::map("allergy.none", code),
            None => tables::map("allergy.none.type", kind).or(Some("716186003")),
        };
        match (none, self.concept(coded)) {
            (Some(none), _) => concept("http://snomed.info/sct", none),
            (None, Some(substance)) => {
                let words = substance["text"].as_str().or(substance["coding"][0]["display"].as_str());
                json!({ "text": format!("No known allergy to {}", words.or(code).unwrap_or("this substance")) })
            }
            (None, None) => json!({ "text": "No known allergies" }),
        }
    }
}
