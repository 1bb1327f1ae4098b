//! Merges that were made, with the way back: what became one can be two again, exactly.

use super::{Asked, NEEDS, hand};
use crate::components::form::{Errors, lines};
use crate::components::table::{moment, moment_ago, table};
use crate::components::{notice, shell};
use crate::request::{Answer, Visitor, see_other, typed};
use axum::extract::{Form, Path, Query};
use axum::http::StatusCode;
use care::identity::merge::{MERGE, Merge, MergeError, merges, one, unmerge};
use care::people::{self, Person};
use fhir::Id;
use maud::html;

pub(crate) async fn page(visitor: Visitor) -> Answer {
    let words = visitor.words;
    let all = merges(visitor.store(), &visitor.caller, visitor.now).await?;
    let names = names(&visitor, &all).await?;
    let rows = all.iter().map(|it| {
        vec![
            html! { a href={ (visitor.at("admin/merges/")) (it.id) } { (names.of(&it.survivor)) } },
            html! { (moment_ago(words, it.at, visitor.now)) },
            html! { (it.display) },
            html! { @if it.undone.is_some() { span.chip.notable { (words.say("duplicates-taken-back")) } } @else { span.chip.good { (words.say("duplicates-in-force")) } } },
        ]
    });
    let heads = ["duplicates-head-person", "duplicates-head-when", "duplicates-head-who", "duplicates-head-state"];
    let heads = heads.map(|it| words.say(it));
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let main = html! {
        header.section-head {
            h1 { (words.say("duplicates-merges")) }
            p { a href=(visitor.at("admin/duplicates")) { (words.say("duplicates-back")) } }
        }
        @if all.is_empty() { p.empty { (words.say("duplicates-no-merges")) } }
        @else { (table(words, &words.say("duplicates-merges"), &heads, rows.collect())) }
    };
    Ok(shell::administration(&visitor, "duplicates", (words.say("duplicates-merges"), NEEDS), main))
}

/// The people of merges by their ids, as far as the visitor may see them.
struct Names(Vec<Person>);

impl Names {
    fn of(&self, id: &str) -> String {
        self.0.iter().find(|it| it.id == id).map_or_else(|| id.to_owned(), Person::name)
    }
}

async fn names(visitor: &Visitor, all: &[Merge]) -> Result<Names, crate::request::Refusal> {
    let mut ids: Vec<Id> = all.iter().flat_map(|it| [&it.survivor, &it.loser]).filter_map(|it| Id::parse(it)).collect();
    ids.sort();
    ids.dedup();
    let mut found = Vec::new();
    for some in ids.chunks(100) {
        found.extend(people::these(visitor.store(), &visitor.caller, some).await?);
    }
    Ok(Names(found.into_iter().map(|it| it.person).collect()))
}

pub(crate) async fn record(
    visitor: Visitor,
    Path((_, merge)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Answer {
    let merge = one(visitor.store(), &visitor.caller, &merge, visitor.now).await?;
    show(&visitor, &merge, asked.done.as_deref(), "", &Errors::none()).await
}

async fn show(visitor: &Visitor, merge: &Merge, done: Option<&str>, reason: &str, errors: &Errors) -> Answer {
    let words = visitor.words;
    let names = names(visitor, std::slice::from_ref(merge)).await?;
    let (resources, records) = merge.followed();
    let main = html! {
        header.section-head {
            h1 { (words.with("duplicates-merge-of", &[("name", names.of(&merge.survivor).into())])) }
            p { a href=(visitor.at("admin/merges")) { (words.say("duplicates-merges")) } }
        }
        @match done {
            Some("merged") => (notice::told(&words.say("duplicates-done-merged"))),
            Some("unmerged") => (notice::told(&words.say("duplicates-done-unmerged"))),
            _ => {}
        }
        (errors.summary())
        section.panel-card aria-labelledby="merge" {
            header { h2 #merge { (words.say("duplicates-what-was-merged")) } }
            dl.facts {
                dt { (words.say("duplicates-stayed")) } dd { a href=(visitor.address_of(&merge.survivor)) { (names.of(&merge.survivor)) } }
                dt { (words.say("duplicates-went")) } dd { (names.of(&merge.loser)) }
                dt { (words.say("duplicates-head-who")) } dd { (merge.display) ", " (moment(merge.at)) }
                dt { (words.say("duplicates-reason")) } dd { (merge.reason) }
                dt { (words.say("duplicates-followed")) } dd { (words.with("duplicates-followed-count", &[("resources", resources.into()), ("records", records.into())])) }
                @if let Some(undone) = &merge.undone {
                    dt { (words.say("duplicates-taken-back")) } dd { (undone.display) ", " (moment(undone.at)) ": " (undone.reason) }
                }
            }
        }
        @if merge.undone.is_none() && visitor.may(MERGE) {
            form.stacked method="post" action={ (visitor.at("admin/merges/")) (merge.id) } {
                h2 { (words.say("duplicates-unmerge-title")) }
                p { (words.say("duplicates-unmerge-what")) }
                (lines("reason", &words.say("duplicates-reason"), reason, Some(&words.say("duplicates-unmerge-hint")), errors))
                div.buttons { button.primary type="submit" data-commit { (words.with("duplicates-unmerge", &[("name", names.of(&merge.survivor).into())])) } }
            }
        }
    };
    let title = errors.title(words, &words.say("duplicates-what-was-merged"));
    let mut response = shell::administration(visitor, "duplicates", (title, NEEDS), main);
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

pub(crate) async fn submit(
    visitor: Visitor,
    Path((_, merge)): Path<(String, String)>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Answer {
    let typed = typed(sent);
    let reason = typed.get("reason").map_or("", String::as_str);
    match unmerge(hand(&visitor), &merge, reason).await {
        Ok(it) => Ok(see_other(&format!("{}{}?done=unmerged", visitor.at("admin/merges/"), it.id))),
        Err(MergeError::Reason) => {
            let it = one(visitor.store(), &visitor.caller, &merge, visitor.now).await?;
            let errors = Errors::one("reason", visitor.words.say("duplicates-reason-needed"));
            show(&visitor, &it, None, reason, &errors).await
        }
        Err(error) => Err(error.into()),
    }
}
