//! One report, or one result that came alone, with what a laboratory report must say (42 CFR 493.1291(c)): who made it and
//! where, from what and when, the values with their ranges, what was said about them, and what is to be done.

use super::NEEDS;
use crate::components::{flag, live, measures, shell};
use crate::request::{Answer, Refusal, Visitor, id};
use axum::extract::Path;
use care::{imaging, inbox};
use fhir::{Key, ResourceType};
use maud::html;

type Of = Path<(String, String, String, String)>;

pub(crate) async fn page(visitor: Visitor, Path((_, patient, kind, report)): Of) -> Answer {
    let patient = id(&patient)?;
    let words = visitor.words;
    let kind = ResourceType::parse(&kind).filter(|it| matches!(it.name(), "DiagnosticReport" | "Observation"));
    let key = Key::new(kind.ok_or(Refusal::NotFound)?, id(&report)?);
    let chart = visitor.chart(&patient);
    let pen = visitor.pen();
    let (banner, report, waiting, related) = tokio::try_join!(
        chart.banner(),
        inbox::report_of(&pen, &patient, &key),
        inbox::waiting(&pen, &patient),
        imaging::related(&pen, &patient, &key),
    )?;
    let base = visitor.address_of(patient.as_str());
    let main = html! {
        header.section-head {
            h1 { (report.name) }
            p { a href={ (base) "/results" } { (words.say("results-back")) } }
            p { button type="button" data-print="" hidden { (words.say("growth-print")) } }
        }
        div #report data-live="Observation DiagnosticReport Task" {
            dl.details {
                div { dt { (words.say("results-status")) } dd { (flag::status(words, report.status)) @if report.status == care::chart::ResultStatus::Final { (words.say("results-final")) } } }
                @if let Some(issued) = &report.issued { div { dt { (words.say("results-date")) } dd { (issued.date_and_time()) } } }
                @if let Some(laboratory) = &report.laboratory {
                    div { dt { (words.say("results-laboratory")) } dd { (laboratory.name) } }
                    @if let Some(address) = &laboratory.address { div { dt { (words.say("results-address")) } dd { (address) } } }
                    @if let Some(clia) = &laboratory.clia { div { dt { "CLIA" } dd.number { (clia) } } }
                }
                @if let Some(specimen) = report.readings.iter().find_map(|it| it.0.specimen.as_deref()) { div { dt { (words.say("results-specimen")) } dd { (specimen) } } }
            }
            @if !report.readings.is_empty() {
                table.rows.labelled {
                    caption { (words.say("results-results")) }
                    thead { tr {
                        th scope="col" { (words.say("results-test")) } th scope="col" { (words.say("results-value")) }
                        th scope="col" { (words.say("results-range")) } th scope="col" { (words.say("results-before")) }
                    } }
                    tbody {
                        @for (reading, before) in &report.readings {
                            tr class=(flag::class(reading.flag)) {
                                th scope="row" { (measures::named(&base, "results", reading)) @if let Some(note) = &reading.note { p.note { (note) } } }
                                td.of-value data-label=(words.say("results-value")) { (measures::value(words, reading)) }
                                td data-label=(words.say("results-range")) { @match &reading.range { Some(range) => (range.shown), None => { span.absent { (words.say("chart-not-sent")) } } } }
                                td data-label=(words.say("results-before")) {
                                    @match before {
                                        Some(before) => { (before.value.with_unit()) " " (flag::badge(words, before.flag)) " " span.quiet { (crate::components::day_or_none(words, before.when.as_ref())) } }
                                        None => { span.absent { "–" span.spoken { (words.say("results-no-earlier")) } } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            @if let Some(conclusion) = &report.conclusion { p.note-text { (conclusion) } }
            @for text in &related.texts { div.note-text { (text) } }
            @if !related.studies.is_empty() || !related.documents.is_empty() {
                div.buttons {
                    @for (study, what) in &related.studies { a.button href={ (base) "/imaging/" (study) } { (words.say("imaging-see")) span.spoken { " " (what) } } }
                    @for (document, title) in &related.documents { a.button href={ (base) "/documents/" (document) } { (words.say("imaging-document")) span.spoken { " " (title) } } }
                }
            }
            @if let Some(task) = waiting.get(&key) {
                form.buttons method="post" action=(visitor.at("inbox/do")) {
                    input type="hidden" name="item" value=(task);
                    input type="hidden" name="once" value=(visitor.once());
                    input type="hidden" name="back" value={ (base) "/results" };
                    button.primary type="submit" name="do" value="acknowledge" { (words.say("inbox-acknowledge")) }
                    a href={ (visitor.at("inbox")) "?folder=results&item=" (task) } { (words.say("results-in-inbox")) }
                }
            }
        }
        (live::source(&visitor, Some(&patient)))
    };
    Ok(shell::chart(&visitor, &banner, "results", (words.say("chart-results"), NEEDS), main))
}
