//! The audit log for those who watch over it (screen S-02): who did what, when, and about whom; filters in the
//! address, newest first, page by page. Looking at the log is itself in the log.

pub(crate) mod export;
pub(crate) mod verify;

use crate::components::table::{moment, table};
use crate::components::{shell, words};
use crate::locale::Words;
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
    ("looked", "audit-looked-at", &["read", "vread", "search", "history", "find", "everything", "lastn"]),
    ("wrote", "audit-written", &["create", "update", "patch", "delete", "transaction", "batch"]),
    ("taken", "audit-exported-or-printed", &["export", "print"]),
    ("sign-in", "audit-signed-in-or-out", &["sign-in", "sign-out", "session"]),
    ("refused", "audit-refused", &["refusal"]),
    ("emergency", "audit-emergency-access", &["break-glass", "break-glass.end", "break-glass.review"]),
    ("apps", "audit-apps", &["authorize", "token", "launch", "revoke"]),
    ("configure", "audit-settings-and-users", &["configure", "user", "password", "factor", "invite"]),
    ("audit", "audit-the-log-itself", &["audit-verify", "rewind"]),
];

const OUTCOMES: [(&str, &str, Outcome); 3] = [
    ("ok", "audit-done", Outcome::Success),
    ("refused", "audit-refused", Outcome::Refused),
    ("failed", "audit-failed", Outcome::Failed),
];

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
            h1 { (visitor.words.say("audit-audit")) }
            a.button href={ (visitor.at("admin/audit/export?")) (address) } { (visitor.words.say("audit-export-these")) }
            a.button href=(visitor.at("admin/audit/verify")) { (visitor.words.say("audit-check-the-chain")) }
        }
        (filters(&visitor, &asked))
        @if found.entries.is_empty() { p.empty { (visitor.words.say("audit-nothing-of-this-kind-was")) } }
        @else { (table(visitor.words, &visitor.words.say("audit-newest-first"), &[&visitor.words.say("audit-when"), &visitor.words.say("audit-who"), &visitor.words.say("audit-did"), &visitor.words.say("audit-about"), &visitor.words.say("audit-outcome")], rows)) }
        nav.pager aria-label=(visitor.words.say("audit-pages")) {
            @if !asked.page.is_empty() { a href={ (visitor.at("admin/audit?")) (address) } { (visitor.words.say("audit-newest")) } }
            @if let Some(next) = &found.next { a href={ (visitor.at("admin/audit?")) (address) "&page=" (next.0) } { (visitor.words.say("audit-earlier")) } }
        }
    };
    Ok(shell::administration(&visitor, "audit", visitor.words.say("audit-audit"), main))
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
            @if let Some(client) = &entry.agent.client { " " span.chip { (visitor.words.say("audit-app")) " " (client) } }
            @if entry.agent.purpose == "ETREAT" { " " span.chip.critical { (visitor.words.say("audit-emergency-access")) } }
        },
        html! { (words::action(visitor.words, &entry.action)) @if let Some(kind) = entry.kind { " " (words::kind(visitor.words, kind.name())) } },
        about(visitor, entry, names),
        outcome(visitor.words, entry.outcome),
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
        @if entry.patients.len() > 3 { " " (visitor.words.with("audit-and-more", &[("count", (entry.patients.len() - 3).into())])) }
        @if entry.patients.is_empty() { @match &entry.about { Some(key) => { code { (key.to_string()) } } None => { span.quiet { "–" } } } }
    }
}

fn outcome(words: &Words, outcome: Outcome) -> Markup {
    match outcome {
        Outcome::Success => html! { span.chip.good { (words.say("audit-done")) } },
        Outcome::Refused => html! { span.chip.notable { (words.say("audit-refused")) } },
        Outcome::Failed => html! { span.chip.critical { (words.say("audit-failed")) } },
    }
}

fn filters(visitor: &Visitor, asked: &Asked) -> Markup {
    let mut kinds: Vec<&str> = KINDS.to_vec();
    if !asked.kind.is_empty() && !kinds.contains(&asked.kind.as_str()) {
        kinds.push(&asked.kind);
    }
    html! {
        form.filters role="search" action=(visitor.at("admin/audit")) {
            div.field { label for="from" { (visitor.words.say("audit-from")) } input #from type="date" name="from" value=(asked.from); }
            div.field { label for="to" { (visitor.words.say("audit-to")) } input #to type="date" name="to" value=(asked.to); }
            div.field { label for="name" { (visitor.words.say("audit-name-of-who")) } input #name name="name" value=(asked.name) autocomplete="off" size="14"; }
            div.field { label for="patient" { (visitor.words.say("audit-record")) } input #patient name="patient" value=(asked.patient) autocomplete="off" spellcheck="false" size="14"; }
            div.field { label for="kind" { (visitor.words.say("audit-about")) } select #kind name="kind" {
                option value="" { (visitor.words.say("audit-anything")) }
                @for kind in kinds { option value=(kind) selected[asked.kind == kind] { (words::kind(visitor.words, kind)) } }
            } }
            div.field { label for="action" { (visitor.words.say("audit-did")) } select #action name="action" {
                option value="" { (visitor.words.say("audit-anything")) }
                @for (key, name, _) in ACTIONS { option value=(key) selected[asked.action == key] { (visitor.words.say(name)) } }
            } }
            div.field { label for="outcome" { (visitor.words.say("audit-outcome")) } select #outcome name="outcome" {
                option value="" { (visitor.words.say("audit-any")) }
                @for (key, name, _) in OUTCOMES { option value=(key) selected[asked.outcome == key] { (visitor.words.say(name)) } }
            } }
            @if !asked.who.is_empty() { input type="hidden" name="who" value=(asked.who); }
            button type="submit" { (visitor.words.say("audit-show")) }
            @if !asked.address().is_empty() { a href=(visitor.at("admin/audit")) { (visitor.words.say("audit-clear")) } }
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
        header.section-head { h1 { (visitor.words.say("audit-entry")) " " (entry.sequence) } p { a href=(visitor.at("admin/audit")) { (visitor.words.say("audit-back-to-the-log")) } } }
        (panel("entry", &words::action(visitor.words, &entry.action), outcome(visitor.words, entry.outcome), details(&visitor, entry, &names)))
    };
    Ok(shell::administration(
        &visitor,
        "audit",
        visitor.words.with("audit-entry-number", &[("number", sequence.to_string().into())]),
        main,
    ))
}

fn details(visitor: &Visitor, entry: &Entry, names: &HashMap<Id, String>) -> Markup {
    let agent = &entry.agent;
    let by = serde_urlencoded::to_string([("who", &agent.who)]).unwrap_or_default();
    html! {
        dl.handed {
            dt { (visitor.words.say("audit-when")) } dd { (moment(entry.at)) " UTC" }
            dt { (visitor.words.say("audit-who")) } dd { (shown(&agent.display, &agent.who)) " " a href={ (visitor.at("admin/audit?")) (by) } { (visitor.words.say("audit-all-of-theirs")) } }
            dt { (visitor.words.say("audit-known-as")) } dd { code { (agent.who) } }
            dt { (visitor.words.say("audit-role")) } dd { (words::role(visitor.words, &agent.role)) }
            dt { (visitor.words.say("audit-purpose")) } dd { (purpose(visitor.words, &agent.purpose)) }
            @if let Some(client) = &agent.client { dt { (visitor.words.say("audit-through-the-app")) } dd { code { (client) } } }
            dt { (visitor.words.say("audit-action")) } dd { code { (entry.action) } }
            @if let Some(key) = &entry.about { dt { (visitor.words.say("audit-resource")) } dd { code { (key.to_string()) } @if let Some(version) = entry.version { " " (visitor.words.say("audit-version")) " " (version) } } }
            @if entry.wrote > 0 { dt { (visitor.words.say("audit-versions-written")) } dd { (entry.wrote) } }
            @if !entry.patients.is_empty() { dt { (visitor.words.say("audit-whose-data")) } dd { (about(visitor, entry, names)) } }
            @if let Some(rule) = &entry.rule { dt { (visitor.words.say("audit-decided-by")) } dd { code { (rule) } } }
            @if let Some(detail) = &entry.detail { dt { (visitor.words.say("audit-asked")) } dd { code { (detail) } } }
            @if let Some(request) = &entry.request { dt { (visitor.words.say("audit-request")) } dd { code { (request) } } }
            dt { (visitor.words.say("audit-hash")) } dd { code { (entry.hash) } }
        }
    }
}

/// Codes of HL7 v3 PurposeOfUse in words.
pub(crate) fn purpose(words: &Words, code: &str) -> String {
    const PURPOSES: [(&str, &str); 8] = [
        ("TREAT", "audit-treatment"),
        ("HPAYMT", "audit-payment"),
        ("HOPERAT", "audit-operations"),
        ("PATRQT", "audit-asked-for-by-the-patient"),
        ("ETREAT", "audit-emergency-treatment"),
        ("HRESCH", "audit-research"),
        ("HLEGAL", "audit-legal"),
        ("HSYSADMIN", "audit-upkeep-of-the-system"),
    ];
    PURPOSES.iter().find(|(it, _)| *it == code).map_or_else(|| code.to_owned(), |(_, key)| words.say(key))
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
