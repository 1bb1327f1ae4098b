//! Two people wrote into one note: both texts side by side, and a field with both put together, to be looked at and
//! saved. Nothing was overwritten on the way here.

use super::{SHEET, refusal};
use crate::components::icon::icon;
use crate::components::shell;
use crate::components::table::moment;
use crate::request::{Answer, Visitor};
use axum::http::StatusCode;
use care::notes::{Clash, Difference};
use fhir::Id;
use maud::{Markup, html};

pub(super) async fn page(visitor: &Visitor, patient: &Id, clash: &Clash) -> Answer {
    let words = visitor.words;
    let banner = visitor.chart(patient).banner().await.map_err(|error| refusal(error.into()))?;
    let base = format!("{}/notes/{}", visitor.address_of(patient.as_str()), clash.theirs.id);
    let who = [("who", clash.theirs.saved_by_name.clone().into())];
    let main = html! {
        header.section-head {
            h1 { (words.say("notes-clash-title")) }
            p { (clash.theirs.title) }
        }
        div.notice.caution role="alert" {
            (icon("alert"))
            div {
                p { strong { (words.with("notes-clash-what", &who)) } " " (moment(clash.theirs.saved)) }
                p { (words.say("notes-clash-how")) }
            }
        }
        form.stacked method="post" action=(base) data-commit="" {
            input type="hidden" name="edition" value=(clash.theirs.edition);
            @for part in &clash.parts { (side_by_side(visitor, part, &clash.theirs.saved_by_name)) }
            div.buttons {
                button.primary type="submit" name="do" value="merge" { (words.say("notes-clash-save")) }
                a href=(base) { (words.with("notes-clash-theirs", &who)) }
            }
        }
    };
    let mut response = shell::chart(visitor, &banner, "documents", (words.say("notes-clash-title"), SHEET), main);
    *response.status_mut() = StatusCode::CONFLICT;
    Ok(response)
}

fn side_by_side(visitor: &Visitor, part: &Difference, their_name: &str) -> Markup {
    let words = visitor.words;
    let field = format!("part-{}", part.key);
    html! {
        section.difference aria-labelledby={ "head-" (part.key) } {
            h2 id={ "head-" (part.key) } { (part.title) }
            div.sides {
                div { h3 { (words.say("notes-clash-mine")) } div.note-text { (part.mine) } }
                div { h3 { (their_name) } div.note-text { (part.theirs) } }
            }
            div.field {
                label for=(field) {
                    (words.say("notes-clash-merged"))
                    @if !part.clean { " " span.chip.notable { (icon("alert")) (words.say("notes-clash-look")) } }
                }
                textarea id=(field) name={ "text." (part.key) } rows=(part.merged.lines().count() + 2) { "\n" (part.merged) }
            }
        }
    }
}
