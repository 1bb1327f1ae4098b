//! The desk of somebody who writes: drafts that they have not signed, and notes that wait for their co-signature, of all
//! patients.

use super::{SHEET, kind, open_points, refusal};
use crate::components::card::empty;
use crate::components::table::{moment_ago, table};
use crate::components::{day_or_none, shell};
use crate::request::{Answer, Visitor};
use care::notes;
use care::people;
use fhir::Id;
use maud::html;
use std::collections::{BTreeSet, HashMap};

pub(crate) async fn page(visitor: Visitor) -> Answer {
    let words = visitor.words;
    let pen = visitor.pen();
    let drafts = notes::unsigned(&pen).await.map_err(refusal)?;
    let waiting = notes::to_co_sign(&pen).await.map_err(refusal)?;
    let ids: BTreeSet<&str> =
        drafts.iter().map(|it| it.patient.as_str()).chain(waiting.iter().map(|it| it.patient.as_str())).collect();
    let ids: Vec<Id> = ids.into_iter().filter_map(Id::parse).collect();
    let hits = people::these(visitor.store(), &visitor.caller, &ids).await?;
    // Whoever may not be seen any more is not named, and neither is what was written about them.
    let names: HashMap<String, String> = hits.into_iter().map(|it| (it.person.id.clone(), it.person.name())).collect();
    let named = |patient: &str| names.get(patient).cloned();
    let keys = ["notes-head-patient", "notes-head-note", "notes-head-kind", "notes-head-saved", "notes-head-open"];
    let heads = keys.map(|it| words.say(it));
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let rows: Vec<_> = drafts
        .iter()
        .filter_map(|it| {
            let name = named(&it.patient)?;
            let address = format!("{}/notes/{}", visitor.address_of(&it.patient), it.id);
            Some(vec![
                html! { (name) },
                html! { a href=(address) { (it.title) } },
                html! { (kind(words, &it.kind)) },
                html! { (moment_ago(words, it.saved, visitor.now)) },
                open_points(words, it),
            ])
        })
        .collect();
    let co_heads =
        ["notes-head-patient", "notes-head-note", "notes-head-by", "notes-head-since"].map(|it| words.say(it));
    let co_heads: Vec<&str> = co_heads.iter().map(String::as_str).collect();
    let co_rows: Vec<_> = waiting
        .iter()
        .filter_map(|it| {
            let name = named(it.patient.as_str())?;
            let address = format!("{}/documents/{}", visitor.address_of(it.patient.as_str()), it.document);
            Some(vec![
                html! { (name) },
                html! { a href=(address) { (it.title) } },
                html! { (it.asked_by.clone().unwrap_or_default()) },
                day_or_none(words, it.since.as_ref()),
            ])
        })
        .collect();
    let main = html! {
        header.section-head {
            h1 { (words.say("notes-desk")) }
            p { a href=(visitor.at("notes/phrases")) { (words.say("notes-to-phrases")) } }
        }
        section aria-labelledby="unsigned" {
            h2 #unsigned { (words.with("notes-unsigned", &[("count", rows.len().into())])) }
            @if rows.is_empty() { (empty(&words.say("notes-no-unsigned"))) }
            @else { (table(words, &words.say("notes-unsigned-caption"), &heads, rows)) }
        }
        section aria-labelledby="to-co-sign" {
            h2 #to-co-sign { (words.with("notes-to-co-sign", &[("count", co_rows.len().into())])) }
            @if co_rows.is_empty() { (empty(&words.say("notes-none-to-co-sign"))) }
            @else { (table(words, &words.say("notes-to-co-sign-caption"), &co_heads, co_rows)) }
        }
    };
    Ok(shell::page(&visitor, (words.say("notes-desk"), SHEET), main))
}
