//! The review of a reconciliation: the lists as they will be, what changes on them marked, whose they are said once more.
//! Signing writes all of it at once; taking it back writes all of it as it was.

use super::{Address, NEEDS, for_those_who_may, kind_name};
use crate::components::card::empty;
use crate::components::{day_or_none, notice, outside, shell};
use crate::locale::Words;
use crate::pages::entries::labels::{field_name, spoken};
use crate::request::{Answer, Visitor, id, see_other, typed};
use axum::extract::{Form, Path};
use care::reconcile::{self, After, Choices, Fate, Kind, Plan};
use maud::{Markup, html};

/// (what becomes of an entry, what that is called, how it looks)
const FATES: [(Fate, &str, &str); 6] = [
    (Fate::Stays, "reconcile-fate-stays", ""),
    (Fate::Added, "reconcile-fate-added", "good"),
    (Fate::Merged, "reconcile-fate-merged", "good"),
    (Fate::Replaced, "reconcile-fate-replaced", "notable"),
    (Fate::Ended, "reconcile-fate-ended", "notable"),
    (Fate::Waits, "reconcile-fate-waits", "doubt"),
];

pub(crate) async fn page(visitor: Visitor, Path((_, patient)): Address) -> Answer {
    for_those_who_may(&visitor)?;
    let patient = id(&patient)?;
    let pen = visitor.pen();
    let chart = visitor.chart(&patient);
    let (banner, sheet, choices) = tokio::try_join!(
        Box::pin(chart.banner()),
        Box::pin(reconcile::sheet(&pen, &patient)),
        reconcile::choices(&pen, &patient),
    )?;
    let plan = reconcile::plan(&sheet, &choices, &pen.today());
    let words = visitor.words;
    let base = visitor.address_of(patient.as_str());
    let main = html! {
        header.section-head { h1 { (words.say("reconcile-review-title")) } p { a href={ (base) "/reconcile" } { (words.say("reconcile-back")) } } }
        p.running { (words.with("reconcile-count", &[("done", plan.decided.into()), ("count", plan.open.into())])) }
        @if plan.decided < plan.open {
            (notice::caution(html! { p { (words.with("reconcile-open", &[("count", (plan.open - plan.decided).into())])) } }))
        }
        @if plan.is_empty() { (empty(&words.say("reconcile-nothing"))) }
        @else {
            @for (kind, list) in &plan.lists { (table(words, *kind, list)) }
            @if plan.left > 0 { p.quiet { (words.with("reconcile-left", &[("count", plan.left.into())])) } }
            (signature(&visitor, &base, &banner.person.name(), &choices, &plan))
        }
    };
    Ok(shell::chart(&visitor, &banner, "reconcile", (words.say("reconcile-review-title"), NEEDS), main))
}

fn table(words: &Words, kind: Kind, list: &[After]) -> Markup {
    let name = kind_name(words, kind);
    html! {
        table.rows.after {
            caption { (name) }
            thead { tr {
                th scope="col" { (words.say("lists-what")) } th scope="col" { (words.say("reconcile-fate")) }
                th scope="col" { (words.say("lists-details")) } th scope="col" { (words.say("reconcile-source")) }
            } }
            tbody { @for it in list { (line(words, it)) } }
        }
    }
}

fn line(words: &Words, it: &After) -> Markup {
    let (_, fate, class) = FATES.iter().find(|(fate, ..)| *fate == it.fate).expect("every fate has its words");
    html! {
        tr class={ "fate-" (class) } {
            th scope="row" { (it.row.title) @if it.row.critical { " " span.chip.critical { (words.say("lists-high-risk")) } } }
            td { span class={ "chip " (class) } { (words.say(fate)) } }
            td {
                @if it.row.more.is_empty() { span.quiet { "–" } }
                @else { dl.known { @for (name, value) in &it.row.more {
                    div { dt { @if *name == "value" { (words.say("reconcile-value")) } @else if *name == "range" { (words.say("reconcile-range")) } @else { (field_name(words, name)) } } dd { (spoken(words, name, value)) } }
                } } }
                @if it.count > 1 { p.quiet { (words.with("reconcile-statements", &[("count", it.count.into())])) } }
            }
            td {
                @match &it.from { Some(from) => (outside::badge(words, Some(&from.name))), None => (words.say("reconcile-this-record")) }
                " " span.quiet { (day_or_none(words, it.row.since.as_ref().or(it.row.recorded.as_ref()))) }
            }
        }
    }
}

fn signature(visitor: &Visitor, base: &str, name: &str, choices: &Choices, plan: &Plan) -> Markup {
    let words = visitor.words;
    html! {
        form.stacked.sign method="post" action={ (base) "/reconcile/review" } {
            input type="hidden" name="once" value=(visitor.once());
            input type="hidden" name="decided" value=(plan.decided);
            div.field {
                label for="note" { (words.say("reconcile-note")) }
                input #note name="note" type="text" maxlength="400" autocomplete="off" value=(choices.note);
            }
            div.buttons {
                button.primary type="submit" data-commit="" { (words.with("reconcile-sign", &[("patient", name.into())])) }
                a.button href={ (base) "/reconcile" } { (words.say("reconcile-back")) }
            }
        }
    }
}

pub(crate) async fn sign(
    visitor: Visitor,
    Path((_, patient)): Address,
    Form(sent): Form<Vec<(String, String)>>,
) -> Answer {
    for_those_who_may(&visitor)?;
    let patient = id(&patient)?;
    let pen = visitor.pen();
    let mut typed = typed(sent);
    let once = typed.remove("once").unwrap_or_default();
    let note = typed.remove("note").unwrap_or_default().chars().take(400).collect();
    let choices = Choices { note, ..reconcile::choices(&pen, &patient).await? };
    reconcile::sign(&pen, &patient, &choices, &once).await?;
    Ok(see_other(&format!("{}/reconcile?done=reconciled", visitor.address_of(patient.as_str()))))
}

pub(crate) async fn undo(
    visitor: Visitor,
    Path((_, patient)): Address,
    Form(sent): Form<Vec<(String, String)>>,
) -> Answer {
    for_those_who_may(&visitor)?;
    let patient = id(&patient)?;
    let mut typed = typed(sent);
    let done = id(&typed.remove("id").unwrap_or_default())?;
    let once = typed.remove("once").unwrap_or_default();
    reconcile::undo(&visitor.pen(), &patient, &done, &once).await?;
    Ok(see_other(&format!("{}/reconcile?done=unreconciled", visitor.address_of(patient.as_str()))))
}
