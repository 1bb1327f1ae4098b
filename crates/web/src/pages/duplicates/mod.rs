//! Records that may be one person's (screen S-09): the queue, and two of them side by side with what speaks for it and
//! what against, to be merged field by field or told apart for good. Merges are listed with the way back (`merges`).

pub(crate) mod merges;
mod side;

use crate::components::form::{Errors, act_on, lines};
use crate::components::icon::icon;
use crate::components::notice;
use crate::components::shell::{self, Needs};
use crate::request::{Answer, Refusal, Visitor, id, see_other, typed};
use axum::extract::{Form, Path, Query};
use axum::http::StatusCode;
use care::identity::merge::{CHOICES, Chosen, Hand, MERGE, MergeError, merge};
use care::identity::queue::{self, Pair};
use care::people::Person;
use fhir::{Id, Value};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeMap;

const NEEDS: Needs = Needs::of(&["entry.css", "duplicates.css"], &[]);

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    done: Option<String>,
}

impl From<MergeError> for Refusal {
    fn from(error: MergeError) -> Refusal {
        match error {
            MergeError::Store(error) => Refusal::from(error),
            MergeError::Forbidden | MergeError::NotThere => Refusal::NotFound,
            MergeError::Same => Refusal::Cannot("duplicates-same-record"),
            MergeError::Accounts => Refusal::Cannot("duplicates-two-accounts"),
            MergeError::Reason => Refusal::Cannot("duplicates-reason-needed"),
            MergeError::Changed => Refusal::Cannot("common-act-conflict"),
            MergeError::TakenBack => Refusal::Cannot("duplicates-taken-back-before"),
            MergeError::MergedOn => Refusal::Cannot("duplicates-merged-on"),
            MergeError::Invalid(key, _) => {
                tracing::error!(kind = key.kind.name(), "a merge would write what does not hold together");
                Refusal::Cannot("common-act-invalid")
            }
        }
    }
}

pub(super) fn hand(visitor: &Visitor) -> Hand<'_> {
    Hand { organisation: &visitor.organisation, caller: &visitor.caller, now: visitor.now }
}

/// What waits for a look.
pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let words = visitor.words;
    let pairs = queue::waiting(visitor.store(), &visitor.caller).await?;
    let main = html! {
        header.section-head {
            h1 { (words.say("duplicates-title")) }
            p { a href=(visitor.at("admin/merges")) { (words.say("duplicates-merges")) } }
        }
        @match asked.done.as_deref() {
            Some("distinct") => (notice::told(&words.say("duplicates-done-distinct"))),
            Some("same") => (notice::told(&words.say("duplicates-done-same"))),
            _ => {}
        }
        @if pairs.is_empty() {
            p.empty { (words.say("duplicates-none")) }
        } @else {
            p.quiet { (words.with("duplicates-count", &[("count", pairs.len().into())])) }
            ul.pairs { @for pair in &pairs { li { (listed(&visitor, pair)) } } }
        }
    };
    Ok(shell::administration(&visitor, "duplicates", (words.say("duplicates-title"), NEEDS), main))
}

fn listed(visitor: &Visitor, pair: &Pair) -> Markup {
    let words = visitor.words;
    let heading = format!("pair-{}", pair.task);
    let people = [Person::of(&pair.one), Person::of(&pair.other)];
    html! {
        section.panel-card.pair-card aria-labelledby=(heading) {
            header {
                h2 id=(heading) { (people[0].name()) @if people[0].name() != people[1].name() { " · " (people[1].name()) } }
                span.count { (side::chance(words, &pair.score)) @if pair.proposed.is_some() { " " span.chip.good { (words.say("duplicates-proposed")) } } }
            }
            (side::identity(visitor, &people))
            p { a.button href={ (visitor.at("admin/duplicates/")) (pair.task) } { (words.say("duplicates-compare")) span.spoken { " " (people[0].name()) } } }
        }
    }
}

/// Two records side by side.
pub(crate) async fn one(visitor: Visitor, Path((_, task)): Path<(String, String)>) -> Answer {
    let pair = found(&visitor, &task).await?;
    Ok(show(&visitor, &pair, &BTreeMap::new(), &Errors::none()))
}

async fn found(visitor: &Visitor, task: &str) -> Result<Pair, Refusal> {
    queue::one(visitor.store(), &visitor.caller, &id(task)?).await?.ok_or(Refusal::NotFound)
}

/// The record that stays unless somebody says otherwise: the one with more in it.
fn fuller(pair: &Pair) -> &'static str {
    let size = |it: &Value| it.as_object().map_or(0, |it| it.len());
    if size(&pair.other) > size(&pair.one) { "other" } else { "one" }
}

fn show(visitor: &Visitor, pair: &Pair, typed: &BTreeMap<String, String>, errors: &Errors) -> axum::response::Response {
    let words = visitor.words;
    let people = [Person::of(&pair.one), Person::of(&pair.other)];
    let at = format!("{}{}", visitor.at("admin/duplicates/"), pair.task);
    let may = visitor.may(MERGE);
    let stays = typed.get("survivor").map_or_else(|| fuller(pair), |it| if it == "other" { "other" } else { "one" });
    let main = html! {
        header.section-head {
            h1 { (words.say("duplicates-one-title")) }
            p { a href=(visitor.at("admin/duplicates")) { (words.say("duplicates-back")) } }
        }
        (errors.summary())
        @if let Some(who) = &pair.proposed { (notice::told(&words.with("duplicates-proposed-by", &[("who", who.as_str().into())]))) }
        section.panel-card aria-labelledby="why" {
            header { h2 #why { (words.say("duplicates-why")) } span.count { (side::chance(words, &pair.score)) } }
            (side::explained(words, &pair.score))
        }
        @if may {
            form.stacked method="post" action={ (at) "/merge" } {
                (side::table(visitor, pair, &people, Some((stays, typed))))
                (lines("reason", &words.say("duplicates-reason"), typed.get("reason").map_or("", String::as_str), Some(&words.say("duplicates-reason-hint")), errors))
                (notice::caution(html! { p { (words.say("duplicates-what-happens")) } }))
                div.buttons { button.primary type="submit" data-commit { (icon("check")) (words.with("duplicates-merge", &[("name", people[0].name().into())])) } }
            }
        } @else {
            (side::table(visitor, pair, &people, None))
        }
        div.buttons.pair-answers {
            (act_on(&format!("{at}/answer"), &[("answer", "distinct")], &words.say("duplicates-distinct"), None, None))
            @if !may && pair.proposed.is_none() { (act_on(&format!("{at}/answer"), &[("answer", "same")], &words.say("duplicates-propose"), None, Some("primary"))) }
        }
    };
    let title = errors.title(words, &words.say("duplicates-one-title"));
    let mut response = shell::administration(visitor, "duplicates", (title, NEEDS), main);
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}

/// "Not the same person", or a proposal for who may merge.
pub(crate) async fn answer(
    visitor: Visitor,
    Path((_, task)): Path<(String, String)>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Answer {
    let given = match typed(sent).get("answer").map(String::as_str) {
        Some("distinct") => (queue::Answer::Distinct, "distinct"),
        Some("same") => (queue::Answer::Same, "same"),
        _ => return Err(Refusal::NotFound),
    };
    let task = found(&visitor, &task).await?.task;
    queue::answer(visitor.store(), &visitor.caller, &task, given.0, visitor.now).await?;
    Ok(see_other(&format!("{}?done={}", visitor.at("admin/duplicates"), given.1)))
}

pub(crate) async fn submit(
    visitor: Visitor,
    Path((_, task)): Path<(String, String)>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Answer {
    let typed = typed(sent);
    let pair = found(&visitor, &task).await?;
    let ids = [&pair.one, &pair.other].map(|it| it["id"].as_str().and_then(Id::parse));
    let [Some(one), Some(other)] = ids else { return Err(Refusal::NotFound) };
    let (stays, goes, side) = match typed.get("survivor").map(String::as_str) {
        Some("other") => (other, one, "other"),
        _ => (one, other, "one"),
    };
    let chosen: Chosen = CHOICES
        .iter()
        .filter(|field| typed.get(**field).is_some_and(|it| it != side))
        .map(|field| (*field).to_owned())
        .collect();
    let reason = typed.get("reason").map_or("", String::as_str);
    match merge(hand(&visitor), &stays, &goes, &chosen, reason).await {
        Ok(merged) => Ok(see_other(&format!("{}{}?done=merged", visitor.at("admin/merges/"), merged.id))),
        Err(MergeError::Reason) => {
            let errors = Errors::one("reason", visitor.words.say("duplicates-reason-needed"));
            Ok(show(&visitor, &pair, &typed, &errors))
        }
        Err(error) => Err(error.into()),
    }
}
