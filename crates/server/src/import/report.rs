//! What became of an import: counts, what was wrong and where. Issues name elements and rules, never values,
//! so the report may be kept and shown.

use crate::terminal;
use fhir::{Issue, ResourceType};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use store::Done;

/// Resources that could not be taken, listed one by one up to this many.
const LISTED: usize = 1_000;
/// Places told for each kind of issue.
const EXAMPLES: usize = 5;

#[derive(Default)]
pub(crate) struct Report {
    pub(crate) documents: u64,
    /// Created, updated, unchanged, kept (known already), refused; by type.
    counts: BTreeMap<&'static str, [u64; 5]>,
    /// By code and what it says.
    issues: BTreeMap<(String, String, String), (u64, Vec<String>)>,
    refused: Vec<Value>,
    pub(crate) twice: u64,
    pub(crate) late: u64,
    pub(crate) unresolved: u64,
}

/// What became of one resource.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fate {
    Created,
    Updated,
    Unchanged,
    /// A conditional create found that it exists.
    Kept,
    Refused,
}

const FATES: [&str; 5] = ["created", "updated", "unchanged", "kept", "refused"];

impl From<Done> for Fate {
    fn from(done: Done) -> Fate {
        match done {
            Done::Created => Fate::Created,
            Done::Updated | Done::Deleted => Fate::Updated,
            Done::Unchanged | Done::NothingToDelete => Fate::Unchanged,
        }
    }
}

impl Report {
    pub(crate) fn count(&mut self, kind: ResourceType, fate: Fate) {
        self.counts.entry(kind.name()).or_default()[fate as usize] += 1;
    }

    pub(crate) fn note(&mut self, place: &str, issue: &Issue) {
        let key = (issue.severity.code().to_owned(), pattern(&issue.expression), issue.diagnostics.clone());
        let (count, places) = self.issues.entry(key).or_default();
        *count += 1;
        if places.len() < EXAMPLES {
            places.push(place.to_owned());
        }
    }

    /// A resource that could not be taken, and why. `kind` is absent when it does not even say what it is.
    pub(crate) fn refuse(&mut self, place: &str, kind: Option<ResourceType>, issues: &[Issue]) {
        match kind {
            Some(kind) => self.count(kind, Fate::Refused),
            None => self.counts.entry("unreadable").or_default()[Fate::Refused as usize] += 1,
        }
        issues.iter().for_each(|issue| self.note(place, issue));
        if self.refused.len() < LISTED {
            let issue = |it: &Issue| json!({ "expression": it.expression, "diagnostics": it.diagnostics });
            let issues: Vec<Value> = issues.iter().filter(|it| it.is_error()).map(issue).collect();
            self.refused.push(json!({ "place": place, "type": kind.map(|it| it.name()), "issues": issues }));
        }
    }

    pub(crate) fn total(&self, fate: Fate) -> u64 {
        self.counts.values().map(|counts| counts[fate as usize]).sum()
    }

    pub(crate) fn json(&self, organisation: &str, dry_run: bool, seconds: f64) -> Value {
        let by_fate = |counts: &[u64; 5]| -> Value {
            FATES
                .iter()
                .zip(counts)
                .map(|(name, count)| ((*name).to_owned(), Value::from(*count)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        let totals: Vec<u64> = (0..FATES.len()).map(|place| self.counts.values().map(|it| it[place]).sum()).collect();
        let by_type: serde_json::Map<String, Value> =
            self.counts.iter().map(|(kind, counts)| ((*kind).to_owned(), by_fate(counts))).collect();
        let issue = |((severity, expression, diagnostics), (count, places)): (
            &(String, String, String),
            &(u64, Vec<String>),
        )| {
            json!({ "severity": severity, "expression": expression, "diagnostics": diagnostics, "count": count, "places": places })
        };
        json!({
            "organisation": organisation,
            "dry_run": dry_run,
            "seconds": (seconds * 10.0).round() / 10.0,
            "documents": self.documents,
            "resources": by_fate(&[totals[0], totals[1], totals[2], totals[3], totals[4]]),
            "by_type": by_type,
            "brought_twice": self.twice,
            "waited_for_others": self.late,
            "references_unresolved": self.unresolved,
            "issues": self.issues.iter().map(issue).collect::<Vec<_>>(),
            "refused": self.refused,
        })
    }

    pub(crate) fn tell(&self, name: &str, dry_run: bool, seconds: f64) {
        let would = if dry_run { "would be " } else { "" };
        let total = |fate| self.total(fate);
        let written = total(Fate::Created) + total(Fate::Updated) + total(Fate::Unchanged);
        terminal::line(format_args!(
            "{name}: {} documents in {seconds:.1} s ({:.0} resources/s)",
            self.documents,
            written as f64 / seconds.max(0.001)
        ));
        terminal::line(format_args!("  {:>10}  {would}created", total(Fate::Created)));
        terminal::line(format_args!("  {:>10}  {would}updated", total(Fate::Updated)));
        terminal::line(format_args!("  {:>10}  unchanged", total(Fate::Unchanged) + total(Fate::Kept)));
        terminal::line(format_args!("  {:>10}  {would}refused", total(Fate::Refused)));
        if self.twice > 0 {
            terminal::line(format_args!("  {:>10}  brought twice in this import; the first was taken", self.twice));
        }
        if self.unresolved > 0 {
            terminal::line(format_args!(
                "  {:>10}  references lead to nothing here (kept as they can be)",
                self.unresolved
            ));
        }
        for ((severity, expression, diagnostics), (count, places)) in self.issues.iter().take(20) {
            let place = places.first().map_or("", String::as_str);
            terminal::line(format_args!("  {count:>10}  {severity}: {expression} {diagnostics} (first: {place})"));
        }
        if self.issues.len() > 20 {
            terminal::line(format_args!(
                "  and {} more kinds of issues; --report FILE lists them",
                self.issues.len() - 20
            ));
        }
    }
}

/// `Patient.name[3].given[0]` as `Patient.name.given`: the same mistake at different places is one kind.
fn pattern(expression: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for letter in expression.chars() {
        match letter {
            '[' => inside = true,
            ']' => inside = false,
            letter if !inside => out.push(letter),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhir::IssueCode;

    #[test]
    fn the_same_mistake_at_many_places_is_one_line() {
        let mut report = Report::default();
        let patient = ResourceType::parse("Patient").unwrap();
        for number in 0..9 {
            let issue = Issue::error(IssueCode::Value, format!("Patient.name[{number}].given[0]"), "must not be empty");
            report.refuse(&format!("a.json entry[{number}]"), Some(patient), &[issue]);
        }
        report.count(patient, Fate::Created);
        let json = report.json("riverside", false, 1.0);
        assert_eq!(json["issues"].as_array().unwrap().len(), 1);
        assert_eq!(json["issues"][0]["expression"], "Patient.name.given");
        assert_eq!(json["issues"][0]["count"], 9);
        assert_eq!(json["issues"][0]["places"].as_array().unwrap().len(), EXAMPLES);
        assert_eq!(json["resources"]["refused"], 9);
        assert_eq!(json["by_type"]["Patient"]["created"], 1);
    }
}
