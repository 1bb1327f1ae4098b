//! One entry: who it is about (twice identified, before anything is done), what came, and what can be done.

use super::{hidden, marks, name, who};
use crate::components::form::{Errors, field};
use crate::components::icon::icon;
use crate::components::{day_or_none, flag, measures, people};
use crate::request::{Refusal, Visitor};
use care::inbox::{self, Candidates, Detail, Folder, Report, Settings};
use care::messages::Thread;
use fhir::Id;
use maud::{Markup, html};

pub(super) async fn show(
    visitor: &Visitor,
    folder: Folder,
    detail: &Detail,
    words_sought: Option<&str>,
    chosen: Option<&str>,
) -> Result<Markup, Refusal> {
    let words = visitor.words;
    let Some(entry) = &detail.entry else { return Ok(html! { p.empty { (words.say("inbox-gone")) } }) };
    let Some((task, _)) = &entry.task else { return Ok(html! {}) };
    let base = entry.patient.as_ref().map(|it| visitor.address_of(it.as_str()));
    let open = detail.done.is_none();
    let colleagues = if open { whom(visitor).await? } else { Vec::new() };
    let candidates = match entry.folder {
        Folder::Unmatched if open => {
            let chosen = chosen.and_then(Id::parse);
            Some(inbox::candidates(&visitor.pen(), task, words_sought, chosen.as_ref()).await?)
        }
        _ => None,
    };
    Ok(html! {
        article #inbox-item.inbox-item tabindex="-1" data-item="" {
            p.back { a href={ (visitor.at("inbox")) "?folder=" (folder.slug()) } data-back="" { "← " (words.say(name(folder))) } }
            h2 { (if entry.title.is_empty() { words.say("inbox-untitled") } else { entry.title.clone() }) }
            @match (&entry.person, &base) {
                (Some(hit), Some(base)) => { p.inbox-who { (who(hit, words)) " " a href=(base) { (words.say("inbox-chart")) } } }
                _ => { p.absent { (words.say("inbox-nobody")) } }
            }
            p.entry-facts {
                (marks(entry, words))
                @if let Some(from) = &entry.from { span { (words.with("inbox-from", &[("name", from.as_str().into())])) } }
                @if let Some(came) = &entry.came { span { (words.with("inbox-came", &[("date", came.date_and_time().into())])) } }
                @if let Some(due) = &entry.due { span { (words.with("inbox-due", &[("date", due.date_and_time().into())])) } }
            }
            @if let Some(done) = &detail.done { p.notice.good { (icon("check")) (words.with("inbox-done-already", &[("how", done.as_str().into())])) } }
            @for (author, note) in &detail.notes { blockquote.inbox-note { p { (note) } footer { (author) } } }
            @if let Some(report) = &detail.report { (result(visitor, report, base.as_deref())) }
            @if let Some(thread) = &detail.thread { (conversation(thread, words.say("inbox-patient-wrote").as_str())) }
            @if let (Some(document), Some(base)) = (&detail.document, &base) {
                p { (icon("document")) " " a href={ (base) "/documents/" (document.id) } { (document.title) } @if let Some(kind) = &document.kind { " – " (kind) } }
            }
            @if open {
                @if let Some(candidates) = &candidates { (matching(visitor, task, detail, candidates)) }
                @else { (acts(visitor, task, detail, &colleagues, base.as_deref())) }
            }
        }
    })
}

/// Colleagues and pools to whom something can be given.
pub(super) async fn whom(visitor: &Visitor) -> Result<Vec<(String, String)>, Refusal> {
    let settings = Settings::read(&visitor.pen()).await?;
    let own = visitor.session.principal.person.as_ref();
    let pools = settings.pools.iter().map(|it| (it.key.to_string(), it.name.clone()));
    let colleagues = visitor.access().colleagues(visitor.now).await?;
    let others = colleagues.into_iter().filter(|(key, _)| Some(key) != own).map(|(key, name)| (key.to_string(), name));
    let mut all: Vec<(String, String)> = pools.chain(others).collect();
    all.dedup();
    Ok(all)
}

fn result(visitor: &Visitor, report: &Report, base: Option<&str>) -> Markup {
    let words = visitor.words;
    html! {
        section.inbox-result aria-label=(report.name) {
            @if let Some(named) = &report.named { p.notice.caution { (icon("alert")) span { (words.with("inbox-sent-for", &[("name", named.as_str().into())])) } } }
            @if !report.readings.is_empty() {
                table.rows {
                    caption.spoken { (report.name) }
                    thead { tr {
                        th scope="col" { (words.say("results-test")) } th scope="col" { (words.say("results-value")) }
                        th scope="col" { (words.say("results-range")) } th scope="col" { (words.say("results-before")) }
                    } }
                    tbody {
                        @for (reading, before) in &report.readings {
                            tr class=(flag::class(reading.flag)) {
                                th scope="row" {
                                    @match base { Some(base) => (measures::named(base, "results", reading)), None => (reading.name) }
                                    @if let Some(note) = &reading.note { p.note { (note) } }
                                }
                                td.of-value { (measures::value(words, reading)) }
                                td data-label=(words.say("results-range")) { @match &reading.range { Some(range) => (range.shown), None => { span.absent { "–" } } } }
                                td data-label=(words.say("results-before")) {
                                    @match before {
                                        Some(before) => { (before.value.with_unit()) " " (flag::badge(words, before.flag)) " " span.quiet { (day_or_none(words, before.when.as_ref())) } }
                                        None => { span.absent { "–" span.spoken { (words.say("results-no-earlier")) } } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            @if let Some(conclusion) = &report.conclusion { p.note-text { (conclusion) } }
            p.entry-facts {
                (flag::status(words, report.status))
                @if let Some(issued) = &report.issued { span { (words.with("results-issued", &[("date", issued.date_and_time().into())])) } }
                @if let Some(laboratory) = &report.laboratory {
                    span { (laboratory.name) @if let Some(address) = &laboratory.address { ", " (address) } @if let Some(clia) = &laboratory.clia { ", CLIA " (clia) } }
                }
            }
        }
    }
}

pub(crate) fn conversation(thread: &Thread, patient_wrote: &str) -> Markup {
    html! {
        ol.conversation {
            @for message in &thread.messages {
                li.message.of-patient[message.of_patient] {
                    p.message-head {
                        strong { (if message.from.is_empty() && message.of_patient { patient_wrote } else { &message.from }) }
                        @if let Some(sent) = &message.sent { " " time datetime=(sent.machine()) { (sent.date_and_time()) } }
                    }
                    p.message-words { (message.words) }
                }
            }
        }
    }
}

/// All the ways out.
fn acts(visitor: &Visitor, task: &Id, detail: &Detail, colleagues: &[(String, String)], base: Option<&str>) -> Markup {
    let words = visitor.words;
    let Some(entry) = &detail.entry else { return html! {} };
    let folder = entry.folder;
    let address = visitor.at("inbox/do");
    let to_patient = entry.patient.is_some();
    let is_message = detail.thread.is_some();
    let of_patient = folder == Folder::PatientMessages
        || folder == Folder::Refills
        || detail.thread.as_ref().is_some_and(|it| !it.of_staff);
    let files = matches!(folder, Folder::Documents | Folder::Outside | Folder::Referrals);
    let abnormal = detail
        .report
        .as_ref()
        .is_some_and(|it| it.readings.iter().any(|(it, _)| it.flag.is_some_and(care::chart::Flag::is_abnormal)));
    html! {
        section.inbox-acts aria-label=(words.say("inbox-acts")) {
            form.inbox-acknowledge method="post" action=(address) data-done="" {
                (hidden(visitor, task, folder))
                @if files {
                    (field("title", &words.say("inbox-title-of-document")).value(detail.document.as_ref().map_or("", |it| &it.title)).show(words, &Errors::none()))
                    button.primary type="submit" name="do" value="file" { (icon("check")) (words.say("inbox-file")) kbd { "e" } }
                } @else {
                    @if abnormal {
                        div.field { label for="note" { (words.say("inbox-note")) " " span.quiet { (words.say("inbox-optional")) } } input #note name="note" maxlength="500"; }
                    }
                    button.primary type="submit" name="do" value="acknowledge" {
                        (icon("check")) (words.say(if is_message { "inbox-nothing-more" } else { "inbox-acknowledge" })) kbd { "e" }
                    }
                }
            }
            @if let (Some(report), Some(base)) = (&detail.report, base) {
                @match &report.order {
                    Some(order) => { p { a.button href={ (base) "/orders?repeat=" (order) } { (words.say("inbox-repeat")) } } }
                    None => { p { a.button href={ (base) "/orders" } { (words.say("inbox-order")) } } }
                }
            }
            @if to_patient && (!is_message || of_patient) {
                details data-reply="" open[is_message] {
                    summary { (words.say(if is_message { "inbox-reply" } else { "inbox-message" })) " " kbd { "r" } }
                    form.stacked method="post" action=(address) {
                        (hidden(visitor, task, folder))
                        div.field { label for="words" { (words.say("inbox-words")) } textarea #words name="words" rows="4" maxlength="10000" required {} }
                        label.tick { input type="checkbox" name="done" value="yes" checked; span { (words.say("inbox-and-done")) } }
                        button type="submit" name="do" value="message" { (words.say("inbox-send")) }
                    }
                }
            }
            @if detail.thread.as_ref().is_some_and(|it| it.of_staff) {
                p { a.button data-reply-link="" href={ (visitor.at("inbox/new")) "?answers=" (detail.thread.as_ref().and_then(|it| it.last()).map_or("", |it| it.id.as_str())) } { (words.say("inbox-reply")) } }
            }
            details data-forward="" {
                summary { (words.say("inbox-forward")) " " kbd { "f" } }
                form.stacked method="post" action=(address) {
                    (hidden(visitor, task, folder))
                    @if colleagues.is_empty() { p.empty { (words.say("inbox-no-colleagues")) } }
                    div.field {
                        label for="to" { (words.say("inbox-whom")) }
                        select #to name="to" required { option value="" { (words.say("inbox-choose-whom")) } @for (key, name) in colleagues { option value=(key) { (name) } } }
                    }
                    div.field { label for="forward-note" { (words.say("inbox-note")) " " span.quiet { (words.say("inbox-optional")) } } input #forward-note name="note" maxlength="500"; }
                    button type="submit" name="do" value="forward" { (words.say("inbox-forward")) }
                }
            }
        }
    }
}

/// Whose result is it? Look, compare, choose, say how one knows.
fn matching(visitor: &Visitor, task: &Id, detail: &Detail, candidates: &Candidates) -> Markup {
    let words = visitor.words;
    let here = format!("{}?folder=unmatched&item={task}", visitor.at("inbox"));
    let sought = format!("&q={}", query(&candidates.words));
    html! {
        section.inbox-match aria-label=(words.say("inbox-whose")) {
            h3 { (words.say("inbox-whose")) }
            form.search-row method="get" action=(visitor.at("inbox")) {
                input type="hidden" name="folder" value="unmatched";
                input type="hidden" name="item" value=(task);
                input type="search" name="q" value=(candidates.words) aria-label=(words.say("inbox-look-for"));
                button type="submit" { (words.say("inbox-look")) }
            }
            @if candidates.found.hits.is_empty() { p.empty { (words.say("inbox-nobody-found")) } }
            @else { (people::hits(words, &candidates.found.hits, |id| format!("{here}{sought}&to={id}#inbox-match-confirm"), visitor.now)) }
            @if let Some(hit) = &candidates.chosen {
                form #inbox-match-confirm.stacked.inbox-confirm method="post" action=(visitor.at("inbox/do")) tabindex="-1" {
                    (hidden(visitor, task, Folder::Unmatched))
                    input type="hidden" name="patient" value=(hit.person.id);
                    p { (words.say("inbox-match-to")) " " (who(hit, words)) }
                    @if let Some(named) = detail.report.as_ref().and_then(|it| it.named.as_deref()) { p { (words.with("inbox-sent-for", &[("name", named.into())])) } }
                    (field("reason", &words.say("inbox-how-known")).maxlength(500).show(words, &Errors::none()))
                    button.primary type="submit" name="do" value="match" { (words.say("inbox-match")) }
                }
            }
        }
    }
}

fn query(words: &str) -> String {
    serde_urlencoded::to_string([("q", words)]).map(|it| it.trim_start_matches("q=").to_owned()).unwrap_or_default()
}
