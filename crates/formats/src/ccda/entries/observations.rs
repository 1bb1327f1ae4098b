//! Observations and their panels: results (C-CDA 3.87, 3.88), vital signs (3.117, 3.118), social history, functional and
//! mental status, assessments, and any other observation. Sets stay sets; the two halves of a blood pressure are one.

use super::{EMPTY, Outcome};
use crate::Fate;
use crate::ccda::part::{Part, absent_concept, concept, reference};
use crate::ccda::reading::{Reading, name_of};
use crate::ccda::tables;
use crate::ccda::xml::{Element, Node};
use serde_json::{Value, json};

const NEGATED: Outcome = Outcome::Narrative("an observation that is denied has no counterpart");
const SYSTOLIC: &str = "8480-6";
const DIASTOLIC: &str = "8462-4";
const LOINC: &str = "http://loinc.org";

fn category(code: &str) -> Value {
    let system = match code {
        "functional-status" | "cognitive-status" => "http://hl7.org/fhir/us/core/CodeSystem/us-core-category",
        _ => "http://terminology.hl7.org/CodeSystem/observation-category",
    };
    concept(system, code)
}

/// LOINC code of an observation, wherever among the translations it stands.
fn loinc(node: Node<'_>) -> Option<&str> {
    let code = node.kid("code")?;
    let all = std::iter::once(code).chain(code.kids("translation"));
    all.filter(|it| it.attr("codeSystem") == Some("2.16.840.1.113883.6.1")).find_map(|it| it.attr("code"))
}

impl<'a> Reading<'a> {
    pub(super) fn general_observation(&self, node: Node<'a>, section: &'a str) -> Outcome {
        match self.general(node, section, None, "") {
            Some(_) => Outcome::Made,
            None if node.negated() => NEGATED,
            None => EMPTY,
        }
    }

    /// A questionnaire or scale (US Core Screening Assessment), in whatever section it stands.
    pub(super) fn assessment_scale(&self, node: Node<'a>, section: &'a str) -> Outcome {
        match self.general(node, section, Some("survey"), "") {
            Some(_) => Outcome::Made,
            None => NEGATED,
        }
    }

    pub(super) fn vital_sign(&self, node: Node<'a>, section: &'a str) -> Outcome {
        match self.general(node, section, Some("vital-signs"), "") {
            Some(_) => Outcome::Made,
            None => NEGATED,
        }
    }

    /// What every observation has; without what it measured.
    fn observed(&self, node: Node<'a>, section: &str, kind: Option<&str>) -> Part {
        let status =
            node.at("statusCode", "code").and_then(|it| tables::map("observation.status", it)).unwrap_or("final");
        let kind = kind.or_else(|| tables::map("section.category", section));
        let mut performers: Vec<Value> = self.performers(node).iter().map(|it| reference(it)).collect();
        if performers.is_empty() {
            performers.extend(self.person(node));
        }
        let words = self.said(node.kid("text"));
        let issued = node.kids("author").find_map(|it| self.instant(it.kid("time")));
        let part = Part::of("Observation")
            .list("identifier", self.identifiers(node))
            .with("status", Some(status))
            .list("category", kind.map(category))
            .with("code", Some(self.concept_or(node.kid("code"), words)))
            .with("subject", Some(self.subject()));
        self.when(part, "effective", node.kid("effectiveTime")).with("issued", issued).list("performer", performers)
    }

    /// Any observation; `None` when it has nothing to observe, or is denied.
    pub(super) fn general(&self, node: Node<'a>, section: &str, kind: Option<&str>, role: &str) -> Option<String> {
        if node.negated() {
            return None;
        }
        let ranges = node.kids("referenceRange").filter_map(|it| it.kid("observationRange")).filter_map(|it| {
            let span = it.kid("value");
            let text = self.said(it.kid("text")).or_else(|| {
                span.filter(|it| matches!(it.kind(), Some("ST" | "ED"))).and_then(|it| self.said(Some(it)))
            });
            Part::new()
                .with("low", span.and_then(|it| self.quantity(it.kid("low"))))
                .with("high", span.and_then(|it| self.quantity(it.kid("high"))))
                .with("text", text)
                .some()
        });
        let ranges: Vec<Value> = ranges.collect();
        let mut components: Vec<Value> = Vec::new();
        let mut members: Vec<Value> = Vec::new();
        for it in node.inner().filter(|it| it.is("observation") && it.attr("moodCode") != Some("GOL")) {
            if it.follows("22.4.86") {
                let part = Part::new().with("code", Some(self.concept_or(it.kid("code"), self.said(it.kid("text")))));
                components.push(self.value(part, it.kid("value")).done());
            } else if it.follows("22.4.2") || it.follows("22.4.69") || it.follows("22.4.27") || it.follows("22.4.67") {
                members.extend(self.general(it, section, kind, role).map(|it| reference(&it)));
            }
        }
        let devices = self.devices(node);
        let specimen = self.specimen(node);
        let part = self.observed(node, section, kind);
        let values: Vec<Node<'a>> = node.kids("value").collect();
        let part = self.value(part, values.first().copied());
        for it in values.iter().skip(1) {
            self.note(Fate::Kept, *it, "only the first of several values is read");
        }
        let part = part
            .list("interpretation", node.kids("interpretationCode").filter_map(|it| self.concept(Some(it))))
            .list("note", self.comments(node))
            .with("bodySite", self.concept(node.kid("targetSiteCode")))
            .with("method", self.concept(node.kid("methodCode")))
            .with("specimen", specimen.as_deref().map(reference))
            .with("device", devices.first().map(|it| reference(it)))
            .list("referenceRange", ranges)
            .list("hasMember", members)
            .list("component", components);
        self.unread(node, &["22.4.86", "22.4.2", "22.4.69", "22.4.27", "22.4.67"]);
        Some(self.keep(node, role, part))
    }

    fn specimen(&self, node: Node<'a>) -> Option<String> {
        let role = node.way("specimen/specimenRole")?;
        let kind = self.concept(role.way("specimenPlayingEntity/code"));
        let identifiers = self.identifiers(role);
        if kind.is_none() && identifiers.is_empty() {
            return None;
        }
        let part = Part::of("Specimen")
            .list("identifier", identifiers)
            .with("type", kind)
            .with("subject", Some(self.subject()));
        Some(self.keep(role, "", part))
    }

    /// Results of one order: a DiagnosticReport and its Observations.
    pub(super) fn result_panel(&self, node: Node<'a>, section: &'a str) -> Outcome {
        let mut results: Vec<String> = Vec::new();
        let mut first: Option<Node<'a>> = None;
        for it in node.inner() {
            if it.is("organizer") {
                self.statement(it, section, super::node_depth(it));
            } else if it.is("observation") {
                first = first.or(Some(it));
                match self.general(it, section, Some("laboratory"), "") {
                    Some(address) => results.push(address),
                    None => self.note(Fate::Kept, it, "a result that is denied has no counterpart"),
                }
            } else if !it.follows("22.4.64") {
                self.note(Fate::Kept, it, "an inner statement that has no place in a report");
            }
        }
        if results.is_empty() && node.kid("code").is_none() {
            return EMPTY;
        }
        let status = node.at("statusCode", "code").and_then(|it| tables::map("report.status", it)).unwrap_or("final");
        let issued = node.kids("author").find_map(|it| self.instant(it.kid("time")));
        let mut performers = self.performers(node);
        performers.extend(
            self.author(node).filter(|it| self.member(it, "resourceType").is_some_and(|it| it == "Practitioner")),
        );
        performers.dedup();
        let specimen = self.specimen(node);
        let words = self.said(node.kid("text"));
        let comments: Vec<String> = node.inner_with("22.4.64").filter_map(|it| self.said(it.kid("text"))).collect();
        let own_time = node.kid("effectiveTime").filter(|it| it.null().is_none());
        let part = Part::of("DiagnosticReport")
            .list("identifier", self.identifiers(node))
            .with("status", Some(status))
            .list("category", Some(concept("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB")))
            .with("code", Some(self.concept_or(node.kid("code"), words)))
            .with("subject", Some(self.subject()));
        let part = self
            .when(part, "effective", own_time.or_else(|| first.and_then(|it| it.kid("effectiveTime"))))
            .with("issued", issued)
            .list("performer", performers.iter().map(|it| reference(it)))
            .list("specimen", specimen.as_deref().map(reference))
            .list("result", results.iter().map(|it| reference(it)))
            .with("conclusion", (!comments.is_empty()).then(|| comments.join("\n")));
        self.keep(node, "", part);
        Outcome::Made
    }

    /// One set of vital signs: a panel that holds its measurements.
    pub(super) fn vitals_panel(&self, node: Node<'a>, section: &'a str) -> Outcome {
        let signs: Vec<Node<'a>> = node.inner().filter(|it| it.is("observation")).collect();
        let mut members: Vec<String> = Vec::new();
        let mut taken: Vec<Node<'a>> = Vec::new();
        for it in &signs {
            if taken.contains(it) {
                continue;
            }
            let time = |it: &Node<'a>| it.kid("effectiveTime").and_then(|it| it.attr("value"));
            let other = signs.iter().copied().find(|other| {
                loinc(*it) == Some(SYSTOLIC)
                    && loinc(*other) == Some(DIASTOLIC)
                    && time(it) == time(other)
                    && !taken.contains(other)
            });
            match other {
                Some(other) if !it.negated() && !other.negated() => {
                    taken.push(other);
                    members.push(self.blood_pressure(*it, other, section));
                }
                _ if loinc(*it) == Some(DIASTOLIC) && self.has_systolic(&signs, *it) => {}
                _ => match self.general(*it, section, Some("vital-signs"), "") {
                    Some(address) => members.push(address),
                    None => self.note(Fate::Kept, *it, "a vital sign that was not taken has no counterpart"),
                },
            }
        }
        for it in node.inner().filter(|it| !it.is("observation")) {
            self.statement(it, section, super::node_depth(it));
        }
        if members.is_empty() {
            return if signs.is_empty() { EMPTY } else { NEGATED };
        }
        let part = self.observed(node, section, Some("vital-signs"));
        let part = if part.has("effectiveDateTime") || part.has("effectivePeriod") {
            part
        } else {
            self.when(part, "effective", signs.first().and_then(|it| it.kid("effectiveTime")))
        };
        self.keep(node, "panel", part.list("hasMember", members.iter().map(|it| reference(it))));
        Outcome::Made
    }

    /// Whether the systolic half of this diastolic one is still to come.
    fn has_systolic(&self, signs: &[Node<'a>], diastolic: Node<'a>) -> bool {
        let time = |it: Node<'a>| it.kid("effectiveTime").and_then(|it| it.attr("value"));
        let later = signs.iter().skip_while(|it| **it != diastolic).skip(1);
        let mut halves =
            later.filter(|it| loinc(**it) == Some(SYSTOLIC) && time(**it) == time(diastolic) && !it.negated());
        !diastolic.negated() && halves.next().is_some()
    }

    fn blood_pressure(&self, systolic: Node<'a>, diastolic: Node<'a>, section: &str) -> String {
        let half = |node: Node<'a>| {
            let part = Part::new().with("code", Some(self.concept_or(node.kid("code"), None)));
            let part = self.value(part, node.kid("value"));
            let part = match part.has("valueQuantity") || part.has("dataAbsentReason") {
                true => part,
                false => part.with("dataAbsentReason", Some(absent_concept("unknown"))),
            };
            let read = node.kids("interpretationCode").filter_map(|it| self.concept(Some(it)));
            part.list("interpretation", read).done()
        };
        let code = json!({ "coding": [{ "system": LOINC, "code": "85354-9", "display": "Blood pressure panel" }], "text": "Blood pressure" });
        let notes = [self.comments(systolic), self.comments(diastolic)].concat();
        let names = if name_of(systolic) == name_of(diastolic) { Vec::new() } else { self.identifiers(diastolic) };
        let part = self
            .observed(systolic, section, Some("vital-signs"))
            .list("identifier", names)
            .with("code", Some(code))
            .with("bodySite", self.concept(systolic.kid("targetSiteCode")))
            .with("method", self.concept(systolic.kid("methodCode")))
            .list("note", notes)
            .list("component", [half(systolic), half(diastolic)]);
        self.keep(systolic, "pressure", part)
    }

    /// Any other set of observations, for example of functional status.
    pub(super) fn general_panel(&self, node: Node<'a>, section: &'a str) -> Outcome {
        let mut members: Vec<String> = Vec::new();
        let mut made = false;
        for it in node.inner() {
            if it.is("observation") && self.is_general(it) {
                match self.general(it, section, None, "") {
                    Some(address) => members.push(address),
                    None => self.note(Fate::Kept, it, "an observation that is denied has no counterpart"),
                }
            } else {
                made |= self.statement(it, section, super::node_depth(it)) == Outcome::Made;
            }
        }
        if members.is_empty() {
            return if made { Outcome::Made } else { EMPTY };
        }
        let part = self.observed(node, section, None);
        self.keep(node, "panel", part.list("hasMember", members.iter().map(|it| reference(it))));
        Outcome::Made
    }

    fn is_general(&self, node: Node<'a>) -> bool {
        !["22.4.4", "22.4.7", "22.4.13", "22.4.121", "22.4.44", "22.4.45"].iter().any(|it| node.follows(it))
    }

    /// Sex at birth belongs to the patient (US Core Birth Sex).
    pub(super) fn birth_sex(&self, node: Node<'a>, _: &'a str) -> Outcome {
        let value = node.kid("value");
        let code = value.and_then(|it| it.attr("code")).filter(|it| matches!(*it, "M" | "F" | "OTH" | "ASKU" | "UNK"));
        let unknown = value.and_then(|it| it.null()).map(|_| "UNK");
        let Some(code) = code.or(unknown) else {
            return Outcome::Narrative("a sex at birth that US Core does not name");
        };
        self.extend_patient(json!({
            "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex", "valueCode": code
        }));
        Outcome::Made
    }
}
