//! The bench (I-04): a message that is pasted here is taken apart and mapped as on the channel that is chosen. Nothing is
//! kept and nothing is written.

use super::message::{resources, tree};
use super::{console, desk};
use crate::components::form::choice;
use crate::locale::Words;
use crate::pages::account::panel;
use crate::request::{Answer, Visitor};
use axum::Form;
use axum::extract::Query;
use axum::response::Response;
use care::exchange::log::{DeskError, Tried};
use maud::{Markup, html};
use serde::Deserialize;

/// A message to begin with; nobody is like this.
const EXAMPLE: &str = "MSH|^~\\&|LAB|LAKESIDE|CONTINUO|RIVERSIDE|20260601100000||ORU^R01^ORU_R01|1|P|2.5.1\n\
    PID|1||1000001^^^LAKESIDE^MR||Example^Nobody||19700101|U\n\
    OBR|1||F-1|24326-1^Electrolytes panel^LN|||20260601080000|||||||||||||||20260601100000||LAB|F\n\
    OBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L|3.5-5.1|N|||F|||20260601080000";

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Asked {
    channel: String,
    text: String,
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let text = if asked.text.is_empty() { EXAMPLE } else { &asked.text };
    shown(&visitor, &asked.channel, text, None).await
}

pub(crate) async fn submit(visitor: Visitor, Form(asked): Form<Asked>) -> Answer {
    let tried = desk(&visitor)?.try_out(&asked.channel, &asked.text);
    shown(&visitor, &asked.channel, &asked.text, Some(tried)).await
}

async fn shown(
    visitor: &Visitor,
    channel: &str,
    text: &str,
    tried: Option<Result<Tried, DeskError>>,
) -> Result<Response, crate::request::Refusal> {
    let words = visitor.words;
    let channels = desk(visitor)?.lines();
    let options: Vec<(&str, &str)> =
        channels.iter().map(|it| (it.channel.name.as_str(), it.channel.title.as_str())).collect();
    let main = html! {
        p.lead { (words.say("interfaces-bench-lead")) }
        form.bench method="post" action=(visitor.at("interfaces/bench")) {
            @if !options.is_empty() { (choice("channel", &words.say("interfaces-channel"), &options, channel)) }
            div.field {
                label for="text" { (words.say("interfaces-message")) }
                textarea #text.wire name="text" rows="8" spellcheck="false" autocapitalize="none" required { (text) }
            }
            button.primary type="submit" { (words.say("interfaces-try")) }
        }
        @match &tried {
            None => {}
            Some(Err(_)) => { p.error role="alert" { (words.say("interfaces-unreadable")) } }
            Some(Ok(tried)) => { (became(words, tried)) }
        }
    };
    Ok(console(visitor, "bench", &words.say("interfaces-bench"), main))
}

fn became(words: &Words, tried: &Tried) -> Markup {
    let converted = &tried.converted;
    let mapped =
        words.with("interfaces-mapped", &[("mapped", converted.mapped.into()), ("fields", converted.fields.into())]);
    let made: Vec<fhir::Value> = converted.read.resources.iter().map(|it| it.1.clone()).collect();
    html! {
        p role="status" { (words.with("interfaces-made", &[("count", made.len().into())])) " " (mapped) }
        div.panels {
            (panel("fhir", "FHIR", html! { (made.len()) }, resources(&made)))
            (panel("notes", &words.say("interfaces-notes"), html! { (converted.read.notes.len()) }, html! {
                @if converted.read.notes.is_empty() { p.empty { (words.say("interfaces-no-notes")) } }
                ul.lines { @for it in &converted.read.notes { li.line { span.main { code { (it.place) } " " (it.says) } } } }
            }))
        }
        (panel("tree", &words.say("interfaces-tree"), html! {}, tree(&tried.tree)))
    }
}
