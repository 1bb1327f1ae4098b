//! Reconciliation (screens C-15 and C-16): what other records say beside what this one says, each with its source and its
//! last change. About each pair one decision is made, by one key or one click; what was decided so far is kept on the
//! server. Then it is looked at once more and signed (see [`review`]).

pub(crate) mod review;

use crate::components::card::empty;
use crate::components::form::act;
use crate::components::icon::icon;
use crate::components::shell::{self, Needs};
use crate::components::{day, day_or_none, notice, outside};
use crate::locale::Words;
use crate::pages::entries::labels::{field_name, spoken};
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::extract::{Form, Path, Query};
use care::chart::Standing;
use care::exchange::origin::Way;
use care::reconcile::{self, By, Choices, Decision, Done, Entry, Kind, Part, ReconcileError, Row, Sheet, Source};
use maud::{Markup, html};
use serde::Deserialize;

pub(crate) const NEEDS: Needs = Needs::of(&["reconcile.css"], &["reconcile.js"]);

pub(crate) type Address = Path<(String, String)>;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Asked {
    done: Option<String>,
}

/// (list, what it is called)
const KINDS: [(Kind, &str); 5] = [
    (Kind::Medications, "shell-medications"),
    (Kind::Allergies, "shell-allergies"),
    (Kind::Problems, "shell-problems"),
    (Kind::Immunizations, "shell-immunizations"),
    (Kind::Results, "shell-results"),
];

/// (decision, its key, what it is called where we have it too, what it is called where only others have it)
const DECISIONS: [(Decision, &str, &str, &str); 5] = [
    (Decision::Keep, "k", "reconcile-keep", "reconcile-add"),
    (Decision::Merge, "m", "reconcile-merge", "reconcile-merge"),
    (Decision::Replace, "r", "reconcile-replace", "reconcile-replace"),
    (Decision::Discontinue, "d", "reconcile-discontinue", "reconcile-add-past"),
    (Decision::Ignore, "i", "reconcile-ignore", "reconcile-ignore"),
];

const WAYS: [(Way, &str); 2] = [(Way::Document, "reconcile-way-document"), (Way::Record, "reconcile-way-record")];

/// (how a pair was found, what that is called)
const BY: [(By, &str); 3] =
    [(By::Code, "reconcile-by-code"), (By::Ingredient, "reconcile-by-ingredient"), (By::Text, "reconcile-by-text")];

pub(crate) fn kind_name(words: &Words, kind: Kind) -> String {
    KINDS.iter().find(|it| it.0 == kind).map_or_else(String::new, |it| words.say(it.1))
}

impl From<ReconcileError> for Refusal {
    fn from(error: ReconcileError) -> Refusal {
        match error {
            ReconcileError::Changed => Refusal::Cannot("reconcile-changed"),
            ReconcileError::Nothing => Refusal::Cannot("reconcile-nothing"),
            ReconcileError::Act(error) => error.into(),
            ReconcileError::Draft(error) => {
                tracing::error!(%error, "decisions could not be kept");
                Refusal::Cannot("common-act-conflict")
            }
        }
    }
}

/// Nobody is shown a page for work that is not theirs.
pub(crate) fn for_those_who_may(visitor: &Visitor) -> Result<(), Refusal> {
    if reconcile::may(&visitor.pen()) { Ok(()) } else { Err(Refusal::NotFound) }
}

pub(crate) async fn page(visitor: Visitor, Path((_, patient)): Address, Query(asked): Query<Asked>) -> Answer {
    for_those_who_may(&visitor)?;
    let patient = id(&patient)?;
    let pen = visitor.pen();
    let chart = visitor.chart(&patient);
    let (banner, sheet, choices, last) = tokio::try_join!(
        Box::pin(chart.banner()),
        Box::pin(reconcile::sheet(&pen, &patient)),
        reconcile::choices(&pen, &patient),
        Box::pin(reconcile::last(&pen, &patient)),
    )?;
    let words = visitor.words;
    let base = visitor.address_of(patient.as_str());
    let main = html! {
        header.section-head { h1 { (words.say("reconcile-title")) } p { a href={ (base) "/documents" } { (words.say("shell-documents")) } } }
        (notice::done(words, asked.done.as_deref()))
        @if let Some(last) = &last { (taken_back(&visitor, &base, last)) }
        @if sheet.parts.is_empty() { (empty(&words.say("reconcile-none"))) }
        @else { (sources(words, &sheet.sources)) (form(&visitor, &base, &sheet, &choices)) }
    };
    Ok(shell::chart(&visitor, &banner, "reconcile", (words.say("reconcile-title"), NEEDS), main))
}

/// The last reconciliation, and the way to take it back.
fn taken_back(visitor: &Visitor, base: &str, last: &Done) -> Markup {
    let words = visitor.words;
    let once = visitor.once();
    let values = [("count", last.count.into()), ("when", last.when.date_and_time().into())];
    html! {
        div.last-time.no-print {
            p { (words.with(if last.undone { "reconcile-last-undone" } else { "reconcile-last" }, &values)) @if let Some(who) = &last.who { ", " (who) } }
            @if last.may_undo { (act(&format!("{base}/reconcile/undo"), &[("once", &once), ("id", last.id.as_str())], &words.say("reconcile-undo"), None)) }
        }
    }
}

/// From where something waits.
fn sources(words: &Words, sources: &[Source]) -> Markup {
    html! {
        ul.sources aria-label=(words.say("reconcile-sources")) {
            @for source in sources {
                li {
                    (icon("document")) strong { (source.origin.name) }
                    @if let Some((_, key)) = WAYS.iter().find(|it| it.0 == source.origin.way) { " " span.quiet { (words.say(key)) } }
                    " " span { (words.with("reconcile-statements", &[("count", source.count.into())])) }
                    @if let Some(changed) = &source.changed { " " span.quiet { (words.say("reconcile-changed-on")) " " (day(changed)) } }
                }
            }
        }
    }
}

fn form(visitor: &Visitor, base: &str, sheet: &Sheet, choices: &Choices) -> Markup {
    let words = visitor.words;
    let (done, all) = (choices.count(sheet), sheet.open());
    let count = [("done", done.into()), ("count", all.into())];
    let suggests =
        sheet.decidable().any(|it| it.is_open() && it.suggested.is_some() && !choices.decisions.contains_key(&it.id));
    html! {
        p.keys-hint.no-print { (words.say("reconcile-keys")) }
        form.reconcile method="post" action={ (base) "/reconcile" } data-reconcile="" {
            @for part in &sheet.parts { (list(words, part, choices)) }
            div.decide-bar {
                p.running role="status" data-running="" data-all=(all) { (words.with("reconcile-count", &count)) }
                div.buttons {
                    @if suggests { button type="submit" name="act" value="suggest" { (words.say("reconcile-suggest")) } }
                    button type="submit" name="act" value="save" data-save="" { (words.say("reconcile-save")) }
                    @if all > 0 { button.primary type="submit" name="act" value="review" data-commit="" { (words.say("reconcile-review")) } }
                }
            }
        }
    }
}

fn list(words: &Words, part: &Part, choices: &Choices) -> Markup {
    let name = kind_name(words, part.kind);
    let open: Vec<&Row> = part.rows.iter().filter(|it| it.is_open()).collect();
    let ours: Vec<&Row> = part.rows.iter().filter(|it| !it.is_open()).collect();
    html! {
        section.recon-list aria-labelledby={ "of-" (part.kind.slug()) } {
            header.section-head {
                h2 id={ "of-" (part.kind.slug()) } { (name) }
                span.quiet { (words.with("reconcile-rows", &[("count", open.len().into())])) }
            }
            @if !part.may { p.similar-note { (words.say("reconcile-not-yours")) } }
            div.recon-head aria-hidden="true" { span { (words.say("reconcile-here")) } span { (words.say("reconcile-there")) } }
            @for row in &open { (pair(words, row, choices.decisions.get(&row.id).copied(), part.may)) }
            @if !ours.is_empty() && part.kind != Kind::Results {
                details.only-here {
                    summary { (words.with("reconcile-only-here", &[("count", ours.len().into())])) }
                    ul.lines { @for row in &ours { (own(words, row, choices.decisions.get(&row.id).copied(), part.may)) } }
                }
            }
        }
    }
}

/// What this record alone says: it stays, unless somebody says that it does not hold any more.
fn own(words: &Words, row: &Row, chosen: Option<Decision>, may: bool) -> Markup {
    let ends = may && row.choices().contains(&Decision::Discontinue);
    html! {
        @if let Some(ours) = &row.ours {
            li.line.tall {
                span.main { (ours.row.title) @if ours.row.critical { " " span.chip.critical { (icon("alert")) (words.say("lists-high-risk")) } } }
                span.under { (details(words, row, ours)) }
                @if ends {
                    label.tick { input type="checkbox" name=(row.id) value=(Decision::Discontinue.slug()) checked[chosen == Some(Decision::Discontinue)]; span { (words.say("reconcile-not-any-more")) span.spoken { ": " (ours.row.title) } } }
                }
            }
        }
    }
}

/// Both say the same, and nothing more: it takes one line.
fn same(words: &Words, row: &Row, ours: &Entry, chosen: Option<Decision>, may: bool) -> Markup {
    html! {
        fieldset.recon-row.same.decided[chosen.is_some()] data-row="" {
            legend.spoken { (ours.row.title) }
            div.statement {
                p.what { strong { (ours.row.title) } @if let Some(code) = &ours.row.code { " " span.code.quiet { (code) } } }
                p.where {
                    span.chip.good { (icon("check")) (words.say("reconcile-same")) } " "
                    span.chip { (words.say("reconcile-this-record")) } " " span.quiet { (words.say("reconcile-changed-on")) " " (day_or_none(words, ours.changed.as_ref())) }
                    @for their in &row.theirs {
                        (outside::badge(words, their.from.as_ref().map(|it| it.name.as_str())))
                        " " span.quiet { (words.say("reconcile-changed-on")) " " (day_or_none(words, their.changed.as_ref())) @if let Some(who) = &their.row.who { ", " (who) } }
                        @if their.copies > 1 { " " span.chip { (words.with("reconcile-copies", &[("count", their.copies.into())])) } }
                    }
                }
            }
            @if may { (decisions(words, row, &ours.row.title, chosen)) }
        }
    }
}

/// One pair with its decision.
fn pair(words: &Words, row: &Row, chosen: Option<Decision>, may: bool) -> Markup {
    if let Some(ours) = row.ours.as_ref().filter(|_| row.says_the_same()) {
        return same(words, row, ours, chosen, may);
    }
    let lead = row.theirs.first().or(row.ours.as_ref());
    let title = lead.map_or("", |it| it.row.title.as_str());
    html! {
        fieldset.recon-row.decided[chosen.is_some()] data-row="" {
            legend.spoken { (title) }
            div.sides {
                div.side.ours {
                    @match &row.ours {
                        Some(ours) => { (statement(words, row, ours)) }
                        None => { p.absent { (words.say("reconcile-not-here")) } }
                    }
                }
                div.side.theirs {
                    @if row.kind == Kind::Results { (readings(words, row)) }
                    @else { @for their in &row.theirs { (statement(words, row, their)) } }
                    @if row.ours.is_some() && let Some((_, key)) = row.by.and_then(|by| BY.iter().find(|it| it.0 == by)) { p.by.quiet { (words.say(key)) } }
                }
            }
            @if may { (decisions(words, row, title, chosen)) }
        }
    }
}

fn decisions(words: &Words, row: &Row, title: &str, chosen: Option<Decision>) -> Markup {
    // Results that are not here yet are added beside ours.
    let adds = row.ours.is_none() || (row.kind == Kind::Results && !row.differs.is_empty());
    html! {
        div.decisions role="radiogroup" aria-label=(words.with("reconcile-decide", &[("what", title.into())])) {
            @for (decision, key, both, alone) in DECISIONS.iter().filter(|it| row.choices().contains(&it.0)) {
                label.decision.suggested[row.suggested == Some(*decision)] {
                    input type="radio" name=(row.id) value=(decision.slug()) data-key-of=(key) checked[chosen == Some(*decision)];
                    span { (words.say(if adds { alone } else { both })) }
                    @if row.suggested == Some(*decision) { span.quiet.hint { (words.say("reconcile-suggested")) } }
                    kbd aria-hidden="true" { (key.to_uppercase()) }
                }
            }
        }
    }
}

/// What one record says: source and last change always, then what it says.
fn statement(words: &Words, row: &Row, entry: &Entry) -> Markup {
    let from = entry.from.as_ref().map(|it| it.name.as_str());
    html! {
        div.statement {
            p.what {
                strong { (entry.row.title) }
                @if entry.row.critical { " " span.chip.critical { (icon("alert")) (words.say("lists-high-risk")) } }
                @if let Some(status) = &entry.row.status { " " span.chip { (spoken(words, "status", status)) } }
                @else if entry.row.standing == Standing::Past { " " span.chip { (words.say("lists-past")) } }
                @if entry.copies > 1 { " " span.chip { (words.with("reconcile-copies", &[("count", entry.copies.into())])) } }
            }
            @if let Some(code) = &entry.row.code { p.code.quiet { (code) } }
            (details(words, row, entry))
            p.where {
                @match from { Some(name) => (outside::badge(words, Some(name))), None => span.chip { (words.say("reconcile-this-record")) } }
                " " span.quiet { (words.say("reconcile-changed-on")) " " (day_or_none(words, entry.changed.as_ref())) @if let Some(who) = &entry.row.who { ", " (who) } }
            }
        }
    }
}

/// What is known besides; where the records differ it is marked.
fn details(words: &Words, row: &Row, entry: &Entry) -> Markup {
    let compared = row.ours.is_some() && row.is_open() && row.kind != Kind::Results;
    let marked = |name: &str| compared && row.differs.contains(&name);
    let since = entry.row.since.as_ref();
    html! {
        @if since.is_some() || !entry.row.more.is_empty() || entry.row.note.is_some() {
            dl.known {
                @if let Some(since) = since { div { dt { (words.say("lists-since")) } dd { (day(since)) @if let Some(ended) = &entry.row.ended { " – " (day(ended)) } } } }
                @for (name, value) in &entry.row.more {
                    div { dt { @if *name == "value" { (words.say("reconcile-value")) } @else if *name == "range" { (words.say("reconcile-range")) } @else { (field_name(words, name)) } }
                        dd { @if marked(name) { mark { (spoken(words, name, value)) } } @else { (spoken(words, name, value)) } } }
                }
                @if let Some(note) = &entry.row.note { div { dt { (words.say("lists-field-note")) } dd { (note) } } }
            }
        }
    }
}

/// Readings of one test that others sent, the newest first.
fn readings(words: &Words, row: &Row) -> Markup {
    const SHOWN: usize = 4;
    let count: usize = row.theirs.iter().map(|it| it.copies).sum();
    html! {
        @if let Some(first) = row.theirs.first() {
            div.statement {
                p.what { strong { (first.row.title) } " " span.chip { (words.with("reconcile-readings", &[("count", count.into())])) } }
                ul.readings {
                    @for it in row.theirs.iter().take(SHOWN) {
                        li {
                            @if let Some((_, value)) = it.row.more.first() { strong { (value) } " " }
                            (day_or_none(words, it.row.since.as_ref()))
                            @if it.row.critical { " " span.chip.critical { (icon("alert")) (words.say("reconcile-critical")) } }
                        }
                    }
                    @if row.theirs.len() > SHOWN { li.quiet { (words.with("reconcile-more", &[("count", (row.theirs.len() - SHOWN).into())])) } }
                }
                p.where {
                    (outside::badge(words, first.from.as_ref().map(|it| it.name.as_str())))
                    " " span.quiet { (words.say("reconcile-changed-on")) " " (day_or_none(words, first.changed.as_ref())) }
                }
            }
        }
    }
}

/// Keeps what was decided so far, and goes on: to the review, or back to the same page.
pub(crate) async fn choose(
    visitor: Visitor,
    Path((_, patient)): Address,
    Form(sent): Form<Vec<(String, String)>>,
) -> Answer {
    for_those_who_may(&visitor)?;
    let patient = id(&patient)?;
    let pen = visitor.pen();
    visitor.chart(&patient).banner().await?;
    let mut choices = Choices { note: reconcile::choices(&pen, &patient).await?.note, ..Choices::default() };
    let mut wanted = "save";
    for (name, value) in &sent {
        match (name.as_str(), Decision::parse(value)) {
            ("act", _) => wanted = value.as_str(),
            (row, Some(decision)) => drop(choices.decisions.insert(row.to_owned(), decision)),
            _ => {}
        }
    }
    // What is gone or changed since the page was made is decided anew.
    let sheet = reconcile::sheet(&pen, &patient).await?;
    choices
        .decisions
        .retain(|id, decision| sheet.decidable().any(|it| it.id == *id && it.choices().contains(decision)));
    if wanted == "suggest" {
        choices.suggest(&sheet);
    }
    reconcile::choose(&pen, &patient, &choices).await?;
    let base = visitor.address_of(patient.as_str());
    let to = match wanted {
        "review" => "/reconcile/review",
        "suggest" => "/reconcile",
        _ => "/reconcile?done=saved",
    };
    Ok(see_other(&format!("{base}{to}")))
}
