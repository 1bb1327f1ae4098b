//! Orders that others wrote and that wait for the signature of whoever looks: the patient, the order, what speaks
//! against it, sign or send back.

use crate::components::orders as parts;
use crate::components::{day, notice, shell};
use crate::request::{Answer, Visitor, see_other};
use axum::Form;
use axum::extract::Query;
use care::checks::Tier;
use care::orders::cosign::{self, Waiting};
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Asked {
    done: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Given {
    task: String,
    reason: String,
    once: String,
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let words = visitor.words;
    let waiting = cosign::waiting(&visitor.pen()).await?;
    let main = html! {
        div.own {
            h1 { (words.say("orders-cosign")) }
            (notice::done(words, asked.done.as_deref()))
            @if waiting.is_empty() { p.empty { (words.say("orders-cosign-none")) } }
            @for it in &waiting { (one(&visitor, it)) }
        }
    };
    Ok(shell::page(&visitor, (words.say("orders-cosign"), super::NEEDS), main))
}

fn one(visitor: &Visitor, it: &Waiting) -> Markup {
    let words = visitor.words;
    let heading = format!("waiting-{}", it.id);
    let reason = format!("reason-{}", it.id);
    let stopped = it.alerts.iter().any(|it| it.tier == Tier::Stop);
    html! {
        article.order aria-labelledby=(heading) {
            header {
                h2 id=(heading) { (it.name) }
                p { a href=(visitor.address_of(it.patient.as_str())) { (it.of) } }
            }
            @if let Some(directions) = &it.directions { p.directions { (directions) } }
            p.quiet {
                @if let Some(by) = &it.written_by { (words.with("orders-written-by", &[("name", by.clone().into())])) " " }
                @if let Some(when) = &it.written { (day(when)) }
            }
            @for alert in &it.alerts { (parts::alert(words, &visitor.address_of(it.patient.as_str()), alert)) }
            form.stacked method="post" action=(visitor.at("orders/cosign/sign")) {
                input type="hidden" name="task" value=(it.id);
                input type="hidden" name="once" value=(visitor.once());
                div.field {
                    label for=(reason) { (words.say("orders-cosign-reason")) }
                    input id=(reason) name="reason" type="text" maxlength="300" autocomplete="off";
                }
                div.buttons {
                    @if !stopped { button.primary type="submit" { (words.with("orders-cosign-sign", &[("name", it.of.clone().into())])) } }
                    button.danger type="submit" formaction=(visitor.at("orders/cosign/decline")) { (words.say("orders-cosign-decline")) }
                }
            }
        }
    }
}

pub(crate) async fn sign(visitor: Visitor, Form(given): Form<Given>) -> Answer {
    let done = cosign::sign(&visitor.pen(), &given.task, &given.reason, &given.once).await;
    done?;
    Ok(see_other(&visitor.at("orders/cosign?done=saved")))
}

pub(crate) async fn decline(visitor: Visitor, Form(given): Form<Given>) -> Answer {
    let done = cosign::decline(&visitor.pen(), &given.task, &given.reason, &given.once).await;
    done?;
    Ok(see_other(&visitor.at("orders/cosign?done=saved")))
}
