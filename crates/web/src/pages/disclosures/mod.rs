//! An accounting of disclosures (screen S-03; 45 CFR 164.528): for one patient and period, what left, to whom and
//! why. Made to be printed and handed over.

use crate::components::table::{moment, table};
use crate::components::{shell, words};
use crate::locale::Words;
use crate::pages::audit::{day, purpose};
use crate::request::{Answer, Visitor};
use axum::extract::Query;
use care::{oversight, people};
use fhir::Id;
use maud::{Markup, html};
use serde::Deserialize;
use store::audit::{Entry, Event};

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Asked {
    patient: String,
    from: String,
    to: String,
    all: Option<String>,
}

/// Six years, as the rule has it.
const SPAN: i64 = 6 * 366 * 86_400_000_000;

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let patient = Id::parse(asked.patient.trim());
    let report = match &patient {
        Some(patient) => Some(report(&visitor, patient, &asked).await?),
        None => None,
    };
    let main = html! {
        header.section-head { h1 { (visitor.words.say("audit-accounting-of-disclosures")) } }
        form.filters action=(visitor.at("admin/disclosures")) {
            div.field { label for="patient" { (visitor.words.say("audit-record")) } input #patient name="patient" value=(asked.patient) autocomplete="off" spellcheck="false"
                aria-describedby="patient-hint"; }
            div.field { label for="from" { (visitor.words.say("audit-from")) } input #from type="date" name="from" value=(asked.from); }
            div.field { label for="to" { (visitor.words.say("audit-to")) } input #to type="date" name="to" value=(asked.to); }
            label { input type="checkbox" name="all" value="yes" checked[asked.all.is_some()]; (visitor.words.say("audit-also-for-treatment-payment-and")) }
            button type="submit" { (visitor.words.say("audit-make-report")) }
        }
        p.hint.no-print #patient-hint { (visitor.words.say("audit-the-id-of-the-patient")) }
        @match (&report, asked.patient.is_empty()) {
            (Some(report), _) => (report),
            (None, true) => {},
            (None, false) => p.empty { (visitor.words.say("audit-this-is-not-the-id")) },
        }
    };
    Ok(shell::administration(&visitor, "disclosures", visitor.words.say("audit-accounting-of-disclosures"), main))
}

async fn report(visitor: &Visitor, patient: &Id, asked: &Asked) -> Result<Markup, crate::request::Refusal> {
    let to = day(&asked.to).map_or(visitor.now, |it| it + 86_400_000_000);
    let from = day(&asked.from).unwrap_or(to - SPAN);
    let all = asked.all.is_some();
    let found =
        oversight::disclosures(visitor.store(), &visitor.caller, patient, Some(from), Some(to), all, visitor.now)
            .await?;
    let event = Event::of("print").patient(patient.clone()).detail("accounting of disclosures");
    visitor.store().record(&visitor.caller, event, visitor.now).await?;
    let name = match people::these(visitor.store(), &visitor.caller, std::slice::from_ref(patient)).await {
        Ok(hits) => hits.first().map(|it| (it.person.name(), it.person.born.map(|it| it.date()))),
        Err(store::StoreError::Forbidden) => None,
        Err(other) => return Err(other.into()),
    };
    let rows: Vec<Vec<Markup>> = found.rows.iter().map(|it| row(visitor.words, it)).collect();
    Ok(html! {
        section.report aria-labelledby="report-title" {
            h2 #report-title {
                @match &name { Some((name, _)) => (name), None => { (visitor.words.say("audit-record")) " " code { (patient) } } }
            }
            p {
                @if let Some((_, Some(born))) = &name { (visitor.words.say("audit-born")) " " (born) ". " }
                (visitor.words.say("audit-from")) " " (moment(from)) " " (visitor.words.say("audit-to-2")) " " (moment(to)) (visitor.words.say("audit-made")) " " (moment(visitor.now)) " " (visitor.words.say("audit-by")) " " (visitor.caller.display) ", " (visitor.organisation.name) "."
            }
            p.quiet {
                @if all { (visitor.words.say("audit-with-disclosures-for-treatment-payment")) }
                @else { (visitor.words.say("audit-without-disclosures-for-treatment-payment")) }
            }
            @if rows.is_empty() { p.empty { (visitor.words.say("audit-nothing-was-disclosed-in-this")) } }
            @else { (table(visitor.words, &visitor.words.with("audit-disclosed", &[("count", rows.len().into())]), &[&visitor.words.say("audit-when"), &visitor.words.say("audit-to"), &visitor.words.say("audit-what"), &visitor.words.say("audit-why")], rows)) }
            @if found.more { p.similar-note { (visitor.words.say("audit-there-are-more-than-can")) } }
            p.no-print { button type="button" data-print="" hidden { (visitor.words.say("audit-print")) } }
        }
    })
}

fn row(words: &Words, entry: &Entry) -> Vec<Markup> {
    let to = entry.agent.client.as_deref().unwrap_or(&entry.agent.display);
    vec![
        moment(entry.at),
        html! { (to) @if entry.agent.client.is_some() { " " span.quiet { (words.say("audit-for")) " " (entry.agent.display) } } },
        html! { (words::action(words, &entry.action)) ": " (entry.kind.map_or_else(|| words.say("audit-several-kinds"), |it| words::kind(words, it.name()))) },
        html! { (purpose(words, &entry.agent.purpose)) },
    ]
}
