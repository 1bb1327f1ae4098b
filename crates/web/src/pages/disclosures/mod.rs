//! An accounting of disclosures (screen S-03; 45 CFR 164.528): for one patient and period, what left, to whom and
//! why. Made to be printed and handed over.

use crate::components::table::{moment, table};
use crate::components::{shell, words};
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
        header.section-head { h1 { "Accounting of disclosures" } }
        form.filters action=(visitor.at("admin/disclosures")) {
            div.field { label for="patient" { "Record" } input #patient name="patient" value=(asked.patient) autocomplete="off" spellcheck="false"
                aria-describedby="patient-hint"; }
            div.field { label for="from" { "From" } input #from type="date" name="from" value=(asked.from); }
            div.field { label for="to" { "To" } input #to type="date" name="to" value=(asked.to); }
            label { input type="checkbox" name="all" value="yes" checked[asked.all.is_some()]; "Also for treatment, payment and operations" }
            button type="submit" { "Make report" }
        }
        p.hint.no-print #patient-hint { "The id of the patient’s record; the audit log shows it beside each entry." }
        @match (&report, asked.patient.is_empty()) {
            (Some(report), _) => (report),
            (None, true) => {},
            (None, false) => p.empty { "This is not the id of a record." },
        }
    };
    Ok(shell::administration(&visitor, "disclosures", "Accounting of disclosures", main))
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
    let rows: Vec<Vec<Markup>> = found.rows.iter().map(row).collect();
    Ok(html! {
        section.report aria-labelledby="report-title" {
            h2 #report-title {
                @match &name { Some((name, _)) => (name), None => { "Record " code { (patient) } } }
            }
            p {
                @if let Some((_, Some(born))) = &name { "Born " (born) ". " }
                "From " (moment(from)) " to " (moment(to)) ". Made " (moment(visitor.now)) " by " (visitor.caller.display) ", " (visitor.organisation.name) "."
            }
            p.quiet {
                @if all { "With disclosures for treatment, payment and operations; without what the patient got or asked for." }
                @else { "Without disclosures for treatment, payment and operations, and without what the patient got or asked for (45 CFR 164.528)." }
            }
            @if rows.is_empty() { p.empty { "Nothing was disclosed in this time." } }
            @else { (table(visitor.words, &format!("Disclosures ({})", rows.len()), &["When", "To", "What", "Why"], rows)) }
            @if found.more { p.similar-note { "There are more than can be shown at once. Choose a shorter period." } }
            p.no-print { button type="button" data-print="" hidden { "Print" } }
        }
    })
}

fn row(entry: &Entry) -> Vec<Markup> {
    let to = entry.agent.client.as_deref().unwrap_or(&entry.agent.display);
    vec![
        moment(entry.at),
        html! { (to) @if entry.agent.client.is_some() { " " span.quiet { "for " (entry.agent.display) } } },
        html! { (words::action(words, &entry.action)) ": " (entry.kind.map_or_else(|| "several kinds".to_owned(), |it| words::kind(words, it.name()))) },
        html! { (purpose(&entry.agent.purpose)) },
    ]
}
