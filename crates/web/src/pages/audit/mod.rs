//! The audit log for those who watch over it (screen S-02): who did what, when, and about whom; filters in the
//! address, newest first, page by page. Looking at the log is itself in the log.

pub(crate) mod export;
pub(crate) mod verify;

use crate::components::table::{moment, table};
use crate::components::{shell, words};
use crate::pages::account::panel;
use crate::request::{Answer, Refusal, Visitor};
use axum::extract::{Path, Query};
use care::people;
use fhir::{Id, ResourceType};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::HashMap;
use store::PageCursor;
use store::audit::{Entry, Outcome, Query as AuditQuery};

const PAGE: u32 = 50;

/// What the filters say; each part may be empty.
#[derive(Clone, Deserialize, Default)]
#[serde(default)]
pub(crate) struct Asked {
    from: String,
    to: String,
    name: String,
    who: String,
    patient: String,
    kind: String,
    action: String,
    outcome: String,
    page: String,
}

/// Kinds of things done, each with the actions it means.
const ACTIONS: [(&str, &str, &[&str]); 9] = [
    ("looked", "Looked at", &["read", "vread", "search", "history", "find", "everything", "lastn"]),
    ("wrote", "Written", &["create", "update", "patch", "delete", "transaction", "batch"]),
    ("taken", "Exported or printed", &["export", "print"]),
    ("sign-in", "Signed in or out", &["sign-in", "sign-out", "session"]),
    ("refused", "Refused", &["refusal"]),
    ("emergency", "Emergency access", &["break-glass", "break-glass.end", "break-glass.review"]),
    ("apps", "Apps", &["authorize", "token", "launch", "revoke"]),
    ("configure", "Settings and users", &["configure", "user", "password", "factor", "invite"]),
    ("audit", "The log itself", &["audit-verify", "rewind"]),
];

const OUTCOMES: [(&str, &str, Outcome); 3] =
    [("ok", "Done", Outcome::Success), ("refused", "Refused", Outcome::Refused), ("failed", "Failed", Outcome::Failed)];

/// Types that are asked for most, first; the others by name.
const KINDS: [&str; 14] = [
    "Patient",
    "Observation",
    "Condition",
    "MedicationRequest",
    "AllergyIntolerance",
    "Encounter",
    "Appointment",
    "DocumentReference",
    "DiagnosticReport",
    "Immunization",
    "Consent",
    "Claim",
    "Coverage",
    "AuditEvent",
];

impl Asked {
    pub(crate) fn query(&self, count: u32) -> AuditQuery {
        let text = |it: &str| Some(it.trim().to_owned()).filter(|it| !it.is_empty());
        AuditQuery {
            from: day(&self.from),
            to: day(&self.to).map(|it| it + 86_400_000_000),
            who: text(&self.who),
            name: text(&self.name),
            patient: text(&self.patient).and_then(|it| Id::parse(&it)),
            kind: ResourceType::parse(self.kind.trim()),
            actions: ACTIONS
                .iter()
                .find(|(key, ..)| *key == self.action)
                .map(|(_, _, actions)| actions.iter().map(|it| (*it).to_owned()).collect())
                .unwrap_or_default(),
            outcome: OUTCOMES.iter().find(|(key, ..)| *key == self.outcome).map(|it| it.2),
            count,
            cursor: text(&self.page).map(PageCursor),
            ..AuditQuery::default()
        }
    }

    /// The filters as an address, without the page.
    pub(crate) fn address(&self) -> String {
        let pairs = [
            ("from", &self.from),
            ("to", &self.to),
            ("name", &self.name),
            ("who", &self.who),
            ("patient", &self.patient),
            ("kind", &self.kind),
            ("action", &self.action),
            ("outcome", &self.outcome),
        ];
        let given: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        serde_urlencoded::to_string(given).unwrap_or_default()
    }
}

/// The beginning of a day (`2026-06-15`), in microseconds.
pub(crate) fn day(text: &str) -> Option<i64> {
    let date: jiff::civil::Date = text.trim().parse().ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let found = visitor.store().audit_page(&visitor.caller, &asked.query(PAGE), visitor.now).await?;
    let names = names(&visitor, &found.entries).await?;
    let rows = found.entries.iter().map(|entry| row(&visitor, entry, &names)).collect();
    let address = asked.address();
    let main = html! {
        header.section-head {
            h1 { "Audit" }
            a.button href={ (visitor.at("admin/audit/export?")) (address) } { "Export these" }
            a.button href=(visitor.at("admin/audit/verify")) { "Check the chain" }
        }
        (filters(&visitor, &asked))
        @if found.entries.is_empty() { p.empty { "Nothing of this kind was recorded." } }
        @else { (table(visitor.words, "Newest first", &["When", "Who", "Did", "About", "Outcome"], rows)) }
        nav.pager aria-label="Pages" {
            @if !asked.page.is_empty() { a href={ (visitor.at("admin/audit?")) (address) } { "Newest" } }
            @if let Some(next) = &found.next { a href={ (visitor.at("admin/audit?")) (address) "&page=" (next.0) } { "Earlier" } }
        }
    };
    Ok(shell::administration(&visitor, "audit", "Audit", main))
}

/// The names of patients, for those who may know them; for others they stay numbers.
pub(crate) async fn names(visitor: &Visitor, entries: &[Entry]) -> Result<HashMap<Id, String>, Refusal> {
    let mut ids: Vec<Id> = Vec::new();
    for id in entries.iter().flat_map(|it| it.patients.iter().take(3)) {
        if !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    let mut names = HashMap::new();
    for some in ids.chunks(100) {
        match people::these(visitor.store(), &visitor.caller, some).await {
            Ok(hits) => names.extend(hits.iter().filter_map(|it| Some((Id::parse(&it.person.id)?, it.person.name())))),
            Err(store::StoreError::Forbidden) => break,
            Err(other) => return Err(other.into()),
        }
    }
    Ok(names)
}

fn row(visitor: &Visitor, entry: &Entry, names: &HashMap<Id, String>) -> Vec<Markup> {
    vec![
        html! { a href={ (visitor.at("admin/audit/")) (entry.sequence) } { (moment(entry.at)) } },
        html! {
            (shown(&entry.agent.display, &entry.agent.who)) " " span.quiet { (words::role(visitor.words, &entry.agent.role)) }
            @if let Some(client) = &entry.agent.client { " " span.chip { "app " (client) } }
            @if entry.agent.purpose == "ETREAT" { " " span.chip.critical { "emergency" } }
        },
        html! { (words::action(visitor.words, &entry.action)) @if let Some(kind) = entry.kind { " " (words::kind(visitor.words, kind.name())) } },
        about(visitor, entry, names),
        outcome(entry.outcome),
    ]
}

fn shown<'a>(display: &'a str, who: &'a str) -> &'a str {
    if display.is_empty() { who } else { display }
}

fn about(visitor: &Visitor, entry: &Entry, names: &HashMap<Id, String>) -> Markup {
    html! {
        @for (at, id) in entry.patients.iter().take(3).enumerate() {
            @if at > 0 { ", " }
            @match names.get(id) {
                Some(name) if visitor.may(shell::CHART) => { a href=(visitor.address_of(id.as_str())) { (name) } }
                Some(name) => { (name) }
                None => { code { (id) } }
            }
        }
        @if entry.patients.len() > 3 { " and " (entry.patients.len() - 3) " more" }
        @if entry.patients.is_empty() { @match &entry.about { Some(key) => { code { (key.to_string()) } } None => { span.quiet { "–" } } } }
    }
}

fn outcome(outcome: Outcome) -> Markup {
    match outcome {
        Outcome::Success => html! { span.chip.good { "Done" } },
        Outcome::Refused => html! { span.chip.notable { "Refused" } },
        Outcome::Failed => html! { span.chip.critical { "Failed" } },
    }
}

fn filters(visitor: &Visitor, asked: &Asked) -> Markup {
    let mut kinds: Vec<&str> = KINDS.to_vec();
    if !asked.kind.is_empty() && !kinds.contains(&asked.kind.as_str()) {
        kinds.push(&asked.kind);
    }
    html! {
        form.filters role="search" action=(visitor.at("admin/audit")) {
            div.field { label for="from" { "From" } input #from type="date" name="from" value=(asked.from); }
            div.field { label for="to" { "To" } input #to type="date" name="to" value=(asked.to); }
            div.field { label for="name" { "Name of who" } input #name name="name" value=(asked.name) autocomplete="off" size="14"; }
            div.field { label for="patient" { "Record" } input #patient name="patient" value=(asked.patient) autocomplete="off" spellcheck="false" size="14"; }
            div.field { label for="kind" { "About" } select #kind name="kind" {
                option value="" { "Anything" }
                @for kind in kinds { option value=(kind) selected[asked.kind == kind] { (words::kind(visitor.words, kind)) } }
            } }
            div.field { label for="action" { "Did" } select #action name="action" {
                option value="" { "Anything" }
                @for (key, words, _) in ACTIONS { option value=(key) selected[asked.action == key] { (words) } }
            } }
            div.field { label for="outcome" { "Outcome" } select #outcome name="outcome" {
                option value="" { "Any" }
                @for (key, words, _) in OUTCOMES { option value=(key) selected[asked.outcome == key] { (words) } }
            } }
            @if !asked.who.is_empty() { input type="hidden" name="who" value=(asked.who); }
            button type="submit" { "Show" }
            @if !asked.address().is_empty() { a href=(visitor.at("admin/audit")) { "Clear" } }
        }
    }
}

pub(crate) async fn one(visitor: Visitor, Path((_, sequence)): Path<(String, String)>) -> Answer {
    let sequence: u64 = sequence.parse().map_err(|_| Refusal::NotFound)?;
    let query = AuditQuery { sequence: Some(sequence), count: 1, ..AuditQuery::default() };
    let found = visitor.store().audit_page(&visitor.caller, &query, visitor.now).await?;
    let entry = found.entries.first().ok_or(Refusal::NotFound)?;
    let names = names(&visitor, &found.entries).await?;
    let main = html! {
        header.section-head { h1 { "Entry " (entry.sequence) } p { a href=(visitor.at("admin/audit")) { "Back to the log" } } }
        (panel("entry", &words::action(visitor.words, &entry.action), outcome(entry.outcome), details(&visitor, entry, &names)))
    };
    Ok(shell::administration(&visitor, "audit", &format!("Audit entry {sequence}"), main))
}

fn details(visitor: &Visitor, entry: &Entry, names: &HashMap<Id, String>) -> Markup {
    let agent = &entry.agent;
    let by = serde_urlencoded::to_string([("who", &agent.who)]).unwrap_or_default();
    html! {
        dl.handed {
            dt { "When" } dd { (moment(entry.at)) " UTC" }
            dt { "Who" } dd { (shown(&agent.display, &agent.who)) " " a href={ (visitor.at("admin/audit?")) (by) } { "all of theirs" } }
            dt { "Known as" } dd { code { (agent.who) } }
            dt { "Role" } dd { (words::role(visitor.words, &agent.role)) }
            dt { "Purpose" } dd { (purpose(&agent.purpose)) }
            @if let Some(client) = &agent.client { dt { "Through the app" } dd { code { (client) } } }
            dt { "Action" } dd { code { (entry.action) } }
            @if let Some(key) = &entry.about { dt { "Resource" } dd { code { (key.to_string()) } @if let Some(version) = entry.version { " version " (version) } } }
            @if entry.wrote > 0 { dt { "Versions written" } dd { (entry.wrote) } }
            @if !entry.patients.is_empty() { dt { "Whose data" } dd { (about(visitor, entry, names)) } }
            @if let Some(rule) = &entry.rule { dt { "Decided by" } dd { code { (rule) } } }
            @if let Some(detail) = &entry.detail { dt { "Asked" } dd { code { (detail) } } }
            @if let Some(request) = &entry.request { dt { "Request" } dd { code { (request) } } }
            dt { "Hash" } dd { code { (entry.hash) } }
        }
    }
}

/// Codes of HL7 v3 PurposeOfUse in words.
pub(crate) fn purpose(code: &str) -> &str {
    const PURPOSES: [(&str, &str); 8] = [
        ("TREAT", "Treatment"),
        ("HPAYMT", "Payment"),
        ("HOPERAT", "Operations"),
        ("PATRQT", "Asked for by the patient"),
        ("ETREAT", "Emergency treatment"),
        ("HRESCH", "Research"),
        ("HLEGAL", "Legal"),
        ("HSYSADMIN", "Upkeep of the system"),
    ];
    PURPOSES.iter().find(|(it, _)| *it == code).map_or(code, |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_become_a_query_and_an_address() {
        let asked = Asked {
            from: "2026-06-15".into(),
            to: "2026-06-15".into(),
            name: "Oka for".into(),
            action: "looked".into(),
            outcome: "refused".into(),
            kind: "Observation".into(),
            ..Asked::default()
        };
        let query = asked.query(10);
        assert_eq!(query.to.unwrap() - query.from.unwrap(), 86_400_000_000);
        assert!(query.actions.contains(&"read".to_owned()) && query.outcome == Some(Outcome::Refused));
        assert_eq!(query.kind.map(|it| it.name()), Some("Observation"));
        assert_eq!(
            asked.address(),
            "from=2026-06-15&to=2026-06-15&name=Oka+for&kind=Observation&action=looked&outcome=refused"
        );
        let nothing = Asked { kind: "Nonsense".into(), from: "yesterday".into(), ..Asked::default() }.query(1);
        assert!(nothing.kind.is_none() && nothing.from.is_none());
    }
}
