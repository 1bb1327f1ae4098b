//! Entries (C-CDA R2.1, chapter 3), by template; by class and mood when the template is one we do not know. Each reader
//! makes the resources of one clinical statement. Inner statements that no reader took are noted.

mod allergies;
mod immunizations;
mod medications;
mod observations;
mod others;
mod plans;
mod problems;
mod procedures;

use super::part::Part;
use super::reading::Reading;
use super::xml::{Element, Node};
use crate::Fate;
use serde_json::{Value, json};

/// What a reader made of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Made,
    /// Not made, for this reason.
    Narrative(&'static str),
    /// The sender says that there is nothing.
    Nothing(&'static str),
}

pub(super) const NOTHING: Outcome = Outcome::Nothing("the sender has no information");
const EMPTY: Outcome = Outcome::Nothing("the entry holds no statement");
const TOO_DEEP: Outcome = Outcome::Narrative("the entry is nested too deep");

type Reader<'a> = fn(&Reading<'a>, Node<'a>, &'a str) -> Outcome;

/// Statements within statements that are followed.
const DEEPEST: usize = 6;

impl<'a> Reading<'a> {
    /// Reads a statement of the section with this LOINC code.
    pub(super) fn statement(&self, node: Node<'a>, section: &'a str, depth: usize) -> Outcome {
        if depth > DEEPEST {
            return TOO_DEEP;
        }
        // Those that hold other statements come first: some senders name both templates.
        let readers: [(&str, Reader<'a>); 61] = [
            ("22.4.3", Reading::problem_concern),
            ("22.4.132", Reading::health_concern),
            ("22.4.136", Reading::health_concern),
            ("22.4.30", Reading::allergy_concern),
            ("22.4.34", Reading::diagnosis),
            ("22.4.33", Reading::diagnosis),
            ("22.4.65", Reading::diagnosis),
            ("22.4.51", Reading::diagnosis),
            ("22.4.80", Reading::diagnosis),
            ("22.4.4", Reading::bare_problem),
            ("22.4.7", Reading::bare_allergy),
            ("22.4.90", Reading::bare_allergy),
            ("22.4.120", Reading::medication),
            ("22.4.52", Reading::immunization),
            ("22.4.42", Reading::medication),
            ("22.4.16", Reading::medication),
            ("22.4.35", Reading::wrapped),
            ("22.4.36", Reading::wrapped),
            ("22.4.17", Reading::lone_order),
            ("22.4.18", Reading::lone_dispense),
            ("22.4.1", Reading::result_panel),
            ("22.4.2", Reading::general_observation),
            ("22.4.26", Reading::vitals_panel),
            ("22.4.27", Reading::vital_sign),
            ("22.4.69", Reading::assessment_scale),
            ("22.4.500", Reading::care_team),
            ("22.4.14", Reading::procedure),
            ("22.4.12", Reading::procedure),
            ("22.4.13", Reading::procedure),
            ("22.4.49", Reading::encounter),
            ("22.4.40", Reading::encounter),
            ("22.4.200", Reading::birth_sex),
            ("22.4.45", Reading::family_history),
            ("22.4.121", Reading::goal),
            ("22.4.41", Reading::request),
            ("22.4.44", Reading::request),
            ("22.4.39", Reading::request),
            ("22.4.20", Reading::request),
            ("22.4.130", Reading::request),
            ("22.4.140", Reading::request),
            ("22.4.43", Reading::supply),
            ("22.4.50", Reading::supply),
            ("22.4.131", Reading::intervention),
            ("22.4.146", Reading::intervention),
            ("22.4.141", Reading::handoff),
            ("22.4.60", Reading::coverage),
            ("22.4.61", Reading::policy),
            ("22.4.202", Reading::note_activity),
            ("22.4.64", Reading::comment),
            ("22.4.135", Reading::wrapped),
            ("22.4.66", Reading::general_panel),
            ("22.4.75", Reading::general_panel),
            ("22.4.108", Reading::general_panel),
            ("6.2.6", Reading::image_catalogue),
            // C32 and HITSP, before C-CDA.
            ("1.27", Reading::problem_concern),
            ("1.24", Reading::medication),
            ("1.20", Reading::coverage),
            ("1.26", Reading::policy),
            ("1.29", Reading::procedure),
            ("1.25", Reading::request),
            ("1.21", Reading::encounter),
        ];
        let known = readers.iter().find(|(template, _)| node.follows(template)).map(|(_, reader)| *reader);
        if node.null().is_some()
            && !node.children().any(|it| it.is("value") || it.is("consumable"))
            && node.inner().next().is_none()
        {
            return NOTHING;
        }
        match known {
            Some(reader) => reader(self, node, section),
            None => self.by_class(node, section),
        }
    }

    fn by_class(&self, node: Node<'a>, section: &'a str) -> Outcome {
        let happened = matches!(node.attr("moodCode"), None | Some("EVN"));
        let reader: Reader<'a> = match (node.tag_name().name(), happened, section) {
            ("act", true, "11450-4") if node.inner().next().is_some() => Reading::problem_concern,
            ("act", true, "48765-2") if node.inner().next().is_some() => Reading::allergy_concern,
            ("act", true, "48768-6") => Reading::coverage,
            ("act" | "procedure", true, _) => Reading::procedure,
            ("act" | "procedure", false, _) => Reading::request,
            ("observation", _, _) if node.attr("moodCode") == Some("GOL") => Reading::goal,
            ("observation", true, "8716-3") => Reading::vital_sign,
            ("observation", true, _) => Reading::general_observation,
            ("observation", false, _) => Reading::request,
            ("substanceAdministration", _, "11369-6") => Reading::immunization,
            ("substanceAdministration", _, _) => Reading::medication,
            ("encounter", _, _) => Reading::encounter,
            ("organizer", _, "30954-2") => Reading::result_panel,
            ("organizer", _, "8716-3") => Reading::vitals_panel,
            ("organizer", _, "10157-6") => Reading::family_history,
            ("organizer", _, _) => Reading::general_panel,
            ("supply", _, _) => Reading::supply,
            _ => Reading::image,
        };
        reader(self, node, section)
    }

    /// Statements that only hold others: discharge medications, sets of equipment.
    fn wrapped(&self, node: Node<'a>, section: &'a str) -> Outcome {
        let mut outcome = EMPTY;
        for it in node.inner() {
            match self.statement(it, section, node_depth(it)) {
                Outcome::Made => outcome = Outcome::Made,
                other if outcome != Outcome::Made => outcome = other,
                _ => {}
            }
        }
        outcome
    }

    fn comment(&self, _: Node<'a>, _: &'a str) -> Outcome {
        Outcome::Narrative("a comment on a whole section is part of its narrative")
    }

    fn image(&self, _: Node<'a>, _: &'a str) -> Outcome {
        Outcome::Narrative("pictures of the narrative stay in the document")
    }

    fn image_catalogue(&self, _: Node<'a>, _: &'a str) -> Outcome {
        Outcome::Narrative("the catalogue of images stays in the document")
    }

    /// Comments on a statement (`note`).
    fn comments(&self, node: Node<'a>) -> Vec<Value> {
        let comments = node.inner_with("22.4.64").filter_map(|it| {
            let text = self.said(it.kid("text"))?;
            let time = it.kids("author").find_map(|it| self.date(it.kid("time")));
            Some(Part::new().with("time", time).with("text", Some(text)).done())
        });
        comments.collect()
    }

    /// Why something is done: indications, as codes.
    fn reasons(&self, node: Node<'a>) -> Vec<Value> {
        node.inner_with("22.4.19").filter_map(|it| self.concept(it.kid("value"))).collect()
    }

    /// What the patient is told.
    fn instruction(&self, node: Node<'a>) -> Option<String> {
        let found = node.inner_with("22.4.20").find_map(|it| self.said(it.kid("text")));
        found.or_else(|| node.inner_with("22.4.20").find_map(|it| it.at("code", "displayName").map(str::to_owned)))
    }

    /// The person who wrote a statement; machines do not request, record or assert.
    fn person(&self, node: Node<'a>) -> Option<Value> {
        let who = self.author(node)?;
        (self.member(&who, "resourceType")? == "Practitioner").then(|| json!({ "reference": who }))
    }

    /// Notes the inner statements that are on none of these templates.
    fn unread(&self, node: Node<'a>, taken: &[&str]) {
        for it in node.inner() {
            let is_taken =
                taken.iter().any(|template| it.follows(template)) || it.follows("22.4.64") || it.follows("22.4.122");
            if !is_taken {
                self.note(Fate::Kept, it, "an inner statement that has no place in the resource of the outer one");
            }
        }
    }
}

/// How many statements a statement stands in.
fn node_depth(node: Node<'_>) -> usize {
    node.ancestors().filter(|it| it.is("entryRelationship") || it.is("component")).count().saturating_sub(2)
}
