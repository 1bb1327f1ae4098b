//! Care gaps (screen C-18): what is due for this person and was not done, by a handful of rules of our own in
//! `content/gaps/`. Each card says which rule it is, from where, when the thing was done last, and what to do. It is
//! answered by doing it, or by saying that it was done elsewhere, that the patient does not want it, or that it does not
//! apply: with a reason, kept in the record as a DetectedIssue (FHIR R4, 9.5; code CAREGAP) with its mitigation.
//!
//! A gap that cannot be judged, since its owner may not look at what it takes, is not shown as none.

use crate::act::{Act, Pen, Written};
use crate::ask::{self, Rows};
use crate::chart::When;
use crate::chart::element::{at, has_code, list, text};
use crate::checks::known;
use crate::content::{self, Head};
use crate::orders::OrderError;
use crate::orders::facts::today;
use fhir::{Id, Value};
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::json;
use std::sync::LazyLock;
use store::StoreResult;

const FILES: [(&str, &str); 6] = [
    ("mammography", include_str!("../../../content/gaps/mammography.toml")),
    ("colorectal", include_str!("../../../content/gaps/colorectal.toml")),
    ("a1c", include_str!("../../../content/gaps/a1c.toml")),
    ("pressure", include_str!("../../../content/gaps/pressure.toml")),
    ("flu", include_str!("../../../content/gaps/flu.toml")),
    ("tobacco", include_str!("../../../content/gaps/tobacco.toml")),
];

const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const GAP: &str = "CAREGAP";

#[derive(Clone, Debug, Deserialize)]
struct Who {
    sex: Option<String>,
    from: u32,
    /// The last year of age it is for.
    to: u32,
    /// Codes of problems, or their beginnings; one of them must be active.
    #[serde(default)]
    problems: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Due {
    months: i32,
    #[serde(default)]
    codes: Vec<String>,
    #[serde(default)]
    vaccines: Vec<String>,
    order: Option<String>,
    action: String,
    #[serde(default)]
    vitals: bool,
}

#[derive(Clone, Debug, Deserialize)]
struct Also {
    months: i32,
    codes: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct File {
    who: Who,
    due: Due,
    #[serde(default)]
    also: Vec<Also>,
}

struct Rule {
    key: &'static str,
    head: Head,
    file: File,
}

static RULES: LazyLock<Vec<Rule>> =
    LazyLock::new(|| read().unwrap_or_else(|why| panic!("content/gaps, which a test reads: {why}")));

fn read() -> Result<Vec<Rule>, String> {
    let one = |key: &'static str, text: &str| -> Result<Rule, String> {
        let table: toml::Table = text.parse().map_err(|it: toml::de::Error| it.message().to_owned())?;
        let file: File = toml::from_str(text).map_err(|it| it.message().to_owned())?;
        Ok(Rule { key, head: content::head_of_toml(&table)?, file })
    };
    FILES.iter().map(|(key, text)| one(key, text).map_err(|why| format!("{key}: {why}"))).collect()
}

pub(crate) fn tell() -> Result<(Head, usize), String> {
    let (head, count) = content::together(read()?.into_iter().map(|it| it.head).collect())?;
    Ok((Head { title: "Care gaps".into(), ..head }, count))
}

/// A rule that speaks of this person.
#[derive(Clone, Debug)]
pub struct Card {
    /// Of the rule: `mammography`.
    pub key: &'static str,
    pub title: String,
    pub source: String,
    pub version: String,
    pub action: String,
    /// What can be put in the basket for it.
    pub order: Option<String>,
    /// It is answered by measuring.
    pub vitals: bool,
    /// When it was done last, and by whom.
    pub last: Option<When>,
    pub standing: Standing,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// Due now.
    Open,
    /// Done; due again on this day.
    Met { until: Date },
    /// Somebody answered the card.
    Answered { answer: Answer, reason: String, by: Option<String>, when: Option<When> },
    /// The caller may not look at what it takes.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Elsewhere; counts like done here, on the day it is said to have been.
    Elsewhere,
    Declined,
    NotApplicable,
}

impl Answer {
    pub const ALL: [Answer; 3] = [Answer::Elsewhere, Answer::Declined, Answer::NotApplicable];

    pub fn slug(self) -> &'static str {
        match self {
            Answer::Elsewhere => "elsewhere",
            Answer::Declined => "declined",
            Answer::NotApplicable => "not-applicable",
        }
    }

    pub fn parse(slug: &str) -> Option<Answer> {
        Answer::ALL.into_iter().find(|it| it.slug() == slug)
    }

    /// How long it holds, in months; none for ever.
    fn months(self, due: i32) -> Option<i32> {
        match self {
            Answer::Elsewhere => Some(due),
            Answer::Declined => Some(12),
            Answer::NotApplicable => None,
        }
    }
}

/// Something that was done: its codes and when.
struct Did {
    codes: Vec<String>,
    when: When,
}

/// All rules that speak of this person: what is due first.
pub async fn of_patient(pen: &Pen<'_>, patient: &Id) -> StoreResult<Vec<Card>> {
    let own = ("patient", format!("Patient/{patient}"));
    let rows = async |kind: &'static str, more: &[(&'static str, String)], limit: u32| -> StoreResult<Rows> {
        if !pen.may(store::Action::Search, kind) {
            return Ok(Rows { refused: true, ..Rows::default() });
        }
        let mut asked = vec![own.clone()];
        asked.extend(more.iter().cloned());
        Rows::or_refused(ask::matches(pen.store(), pen.caller, kind, &asked, limit).await)
    };
    let newest = |codes: Vec<String>| [("code", codes.join(",")), ("_sort", "-date".to_owned())];
    let codes: Vec<String> = RULES
        .iter()
        .flat_map(|it| it.file.due.codes.iter().chain(it.file.also.iter().flat_map(|it| &it.codes)))
        .cloned()
        .collect();
    let observations = async || -> StoreResult<Rows> {
        if !pen.may(store::Action::Search, "Observation") {
            return Ok(Rows { refused: true, ..Rows::default() });
        }
        let mut asked = vec![own.clone()];
        asked.extend(newest(codes.clone()));
        Rows::or_refused(ask::latest(pen.store(), pen.caller, &asked, 1).await)
    };
    let answered = [("code", format!("{ACT_CODE}|{GAP}")), ("_sort", "-identified".to_owned())];
    let (by_code, lately) = (newest(codes.clone()), [("_sort", "-date".to_owned())]);
    let (person, problems, observations, reports, procedures, vaccines, answers) = tokio::try_join!(
        Box::pin(ask::read(pen.store(), pen.caller, "Patient", patient)),
        Box::pin(rows("Condition", &[], 300)),
        Box::pin(observations()),
        Box::pin(rows("DiagnosticReport", &by_code, 60)),
        Box::pin(rows("Procedure", &by_code, 60)),
        Box::pin(rows("Immunization", &lately, 100)),
        Box::pin(rows("DetectedIssue", &answered, 60)),
    )?;
    let refused = observations.refused || reports.refused || problems.refused;
    let mut done: Vec<Did> = Vec::new();
    // What only another record says, and nobody here has looked at, closes no gap.
    let ours = |it: &&ask::Row| !crate::exchange::origin::is_unreconciled(&it.value);
    for row in observations.rows.iter().chain(&reports.rows).chain(&procedures.rows).filter(ours) {
        done.extend(did(&row.value, "code", &["effectiveDateTime", "performedDateTime", "issued"]));
    }
    let given: Vec<Did> =
        vaccines.rows.iter().filter_map(|it| did(&it.value, "vaccineCode", &["occurrenceDateTime"])).collect();
    let today = today(pen.now);
    let person = Person {
        age: text(&person.value, &["birthDate"]).and_then(|it| known::years(it, today)),
        sex: text(&person.value, &["gender"]).map(str::to_owned),
        dead: person.value.get("deceasedDateTime").is_some()
            || person.value.get("deceasedBoolean") == Some(&Value::Bool(true)),
        problems: problems
            .rows
            .iter()
            .filter(|it| active(&it.value))
            .flat_map(|it| known::codes(it.value.get("code")))
            .collect(),
    };
    let answers: Vec<&Value> = answers.rows.iter().map(|it| &it.value).collect();
    let mut cards: Vec<Card> = RULES
        .iter()
        .filter(|it| person.fits(&it.file.who))
        .map(|rule| card(rule, &done, &given, &answers, today, refused))
        .collect();
    cards.sort_by_key(|it| !matches!(it.standing, Standing::Open));
    Ok(cards)
}

struct Person {
    age: Option<u32>,
    sex: Option<String>,
    dead: bool,
    problems: Vec<String>,
}

impl Person {
    fn fits(&self, who: &Who) -> bool {
        let aged = self.age.is_some_and(|age| (who.from..=who.to).contains(&age));
        let sexed = who.sex.is_none() || who.sex == self.sex;
        let has = |wanted: &String| self.problems.iter().any(|it| it.starts_with(wanted.as_str()));
        !self.dead && aged && sexed && (who.problems.is_empty() || who.problems.iter().any(has))
    }
}

fn active(problem: &Value) -> bool {
    let clinical = problem.get("clinicalStatus");
    let mistaken =
        problem.get("verificationStatus").is_some_and(|it| has_code(it, "entered-in-error") || has_code(it, "refuted"));
    let over = clinical.is_some_and(|it| ["inactive", "remission", "resolved"].iter().any(|code| has_code(it, code)));
    !mistaken && !over
}

fn did(value: &Value, code: &str, whens: &[&str]) -> Option<Did> {
    if matches!(text(value, &["status"]), Some("entered-in-error" | "cancelled" | "not-done" | "registered")) {
        return None;
    }
    let when = whens.iter().find_map(|it| text(value, &[it])).or_else(|| text(value, &["performedPeriod", "start"]));
    let when = When::parse(when?)?;
    Some(Did { codes: known::codes(value.get(code)), when })
}

fn card(rule: &Rule, done: &[Did], given: &[Did], answers: &[&Value], today: Date, refused: bool) -> Card {
    let due = &rule.file.due;
    let latest = |of: &[Did], codes: &[String]| -> Option<When> {
        let of_these = of.iter().filter(|it| it.codes.iter().any(|code| codes.contains(code)));
        of_these.map(|it| it.when).max_by_key(When::at)
    };
    let first =
        (due.months, latest(done, &due.codes).into_iter().chain(latest(given, &due.vaccines)).max_by_key(When::at));
    let others = rule.file.also.iter().map(|it| (it.months, latest(done, &it.codes)));
    let counted: Vec<(i32, When)> =
        std::iter::once(first).chain(others).filter_map(|(months, when)| Some((months, when?))).collect();
    let until = counted
        .iter()
        .filter_map(|(months, when)| Some((day(when)?.checked_add(months.months()).ok()?, *when)))
        .max_by_key(|it| it.0);
    let answer = answers.iter().find_map(|it| answered(it, rule, today));
    let standing = match (until, answer) {
        (Some((until, _)), _) if until > today => Standing::Met { until },
        (_, Some(answer)) => answer,
        _ if refused => Standing::Unknown,
        _ => Standing::Open,
    };
    Card {
        key: rule.key,
        title: rule.head.title.clone(),
        source: rule.head.source.clone(),
        version: rule.head.version.clone(),
        action: due.action.clone(),
        order: due.order.clone(),
        vitals: due.vitals,
        last: counted.iter().map(|it| it.1).max_by_key(When::at),
        standing,
    }
}

fn day(when: &When) -> Option<Date> {
    when.machine().parse().ok()
}

/// The answer that a DetectedIssue gives to a rule, as long as it holds.
fn answered(issue: &Value, rule: &Rule, today: Date) -> Option<Standing> {
    let its = list(issue, "identifier").iter().any(|it| text(it, &["value"]) == Some(rule.key));
    if !its || text(issue, &["status"]) == Some("entered-in-error") {
        return None;
    }
    let mitigation = at(issue, &["mitigation"])?;
    let answer = Answer::ALL
        .into_iter()
        .find(|it| mitigation.get("action").is_some_and(|action| has_code(action, it.slug())))?;
    let from: Date = text(mitigation, &["date"])?.get(..10)?.parse().ok()?;
    if let Some(months) = answer.months(rule.file.due.months)
        && from.checked_add(months.months()).ok()? <= today
    {
        return None;
    }
    Some(Standing::Answered {
        answer,
        reason: text(mitigation, &["action", "text"]).unwrap_or_default().to_owned(),
        by: text(issue, &["author", "display"]).map(str::to_owned),
        when: text(issue, &["identifiedDateTime"]).and_then(When::parse),
    })
}

/// Answers a card. `done` is the day on which it was done elsewhere, else today counts.
pub async fn answer(
    pen: &Pen<'_>,
    patient: &Id,
    rule: &str,
    answer: Answer,
    reason: &str,
    done: Option<Date>,
    once: &str,
) -> Result<Written, OrderError> {
    let rule = RULES.iter().find(|it| it.key == rule).ok_or(OrderError::Unknown)?;
    let reason: String = reason.trim().chars().take(500).collect();
    if reason.is_empty() {
        return Err(OrderError::Reason);
    }
    let today = today(pen.now);
    let day = done.filter(|it| *it <= today).unwrap_or(today);
    let system = format!("{}/care-gap-answers", pen.organisation.base);
    let mut issue = json!({
        "resourceType": "DetectedIssue",
        "identifier": [{ "system": format!("{}/care-gaps", pen.organisation.base), "value": rule.key }],
        "status": "final",
        "code": { "coding": [{ "system": ACT_CODE, "code": GAP, "display": "Care Gaps" }], "text": rule.head.title },
        "patient": { "reference": format!("Patient/{patient}") },
        "identifiedDateTime": pen.moment(),
        "detail": format!("{} ({}, {})", rule.file.due.action, rule.head.source, rule.head.version),
        "mitigation": [{
            "action": { "coding": [{ "system": system, "code": answer.slug() }], "text": reason },
            "date": day.to_string(),
        }],
    });
    if pen.author.is_some() {
        issue["author"] = pen.who();
        issue["mitigation"][0]["author"] = pen.who();
    }
    let mut act = Act::new("care-gap", patient).once(once).reason(&reason);
    act.create(pen, issue);
    Ok(pen.commit(act).await?)
}

#[cfg(test)]
mod tests;
