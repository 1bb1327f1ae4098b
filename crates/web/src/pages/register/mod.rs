//! A new patient (screen F-05, as far as the chart needs it): who they are, the people they may already be, and then the
//! record. Nobody is registered before somebody looked at those who are alike.

use crate::components::form::{Errors, field};
use crate::components::icon::icon;
use crate::components::people;
use crate::components::shell::{self, Needs};
use crate::request::{Answer, Refusal, Visitor, see_other, typed};
use axum::extract::{Form, Query};
use axum::http::StatusCode;
use care::people::register::{self, LANGUAGES, Likeness, SEXES, Typed, Why};
use maud::html;
use serde::Deserialize;
use store::Action;

const NEEDS: Needs = Needs::of(&["entry.css"], &[]);

const SEX_NAMES: [(&str, &str); 4] = [
    ("female", "register-female"),
    ("male", "register-male"),
    ("other", "register-other"),
    ("unknown", "register-unknown"),
];

const LANGUAGE_NAMES: [(&str, &str); 8] = [
    ("en", "register-english"),
    ("es", "register-spanish"),
    ("zh", "register-chinese"),
    ("vi", "register-vietnamese"),
    ("ar", "register-arabic"),
    ("fr", "register-french"),
    ("ru", "register-russian"),
    ("tl", "register-tagalog"),
];

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    #[serde(default)]
    family: String,
    #[serde(default)]
    given: String,
}

fn may(visitor: &Visitor) -> Result<(), Refusal> {
    if visitor.pen().may(Action::Create, "Patient") { Ok(()) } else { Err(Refusal::NotFound) }
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    may(&visitor)?;
    let typed = [("family".to_owned(), asked.family), ("given".to_owned(), asked.given)].into();
    Ok(show(&visitor, &typed, &Errors::none(), &[], &visitor.once()))
}

fn show(visitor: &Visitor, typed: &Typed, errors: &Errors, alike: &[Likeness], once: &str) -> axum::response::Response {
    let words = visitor.words;
    let text = |name: &str| typed.get(name).map_or("", String::as_str);
    let plain = |name: &'static str, key: &str, optional: bool, auto: &'static str| {
        let label = words.say(key);
        let made = field(name, &label).value(text(name)).maxlength(200).autocomplete(auto);
        let made = if optional { made.optional() } else { made };
        made.show(words, errors)
    };
    let choice = |name: &str, key: &str, options: &[(&str, &str)], values: &[&str], needed: bool| {
        let error = errors.of(name);
        html! {
            div.field {
                label for=(name) { (words.say(key)) @if !needed { " " span.quiet { (words.say("common-optional")) } } }
                @if let Some(error) = error { p.field-error id={ (name) "-error" } { (error) } }
                select id=(name) name=(name) required[needed] aria-invalid=[error.map(|_| "true")] aria-describedby=[error.map(|_| format!("{name}-error"))] {
                    option value="" { "–" }
                    @for (value, key) in options.iter().filter(|(value, _)| values.contains(value)) { option value=(value) selected[*value == text(name)] { (words.say(key)) } }
                }
            }
        }
    };
    let main = html! {
        div.own.entry-page {
            h1 { (words.say("register-title")) }
            (errors.summary())
            form.stacked method="post" action=(visitor.at("patients/new")) {
                input type="hidden" name="once" value=(once);
                @if !alike.is_empty() {
                    section.alike #alike aria-labelledby="alike-title" {
                        h2 #alike-title { (icon("alert")) (words.say("register-alike")) }
                        @for it in alike {
                            div.likeness { (people::hits(words, std::slice::from_ref(&it.hit), |id| visitor.address_of(id), visitor.now)) p.quiet { (words.with("register-score", &[("score", it.score.into())])) } }
                        }
                        label.tick { input type="checkbox" name="nobody" value="yes" required; span { (words.say("register-nobody")) } }
                    }
                }
                div.pair { (plain("family", "register-family", false, "off")) (plain("given", "register-given", false, "off")) }
                div.pair {
                    div {
                        @let hint = words.say("register-born-hint");
                        @let label = words.say("register-born");
                        (field("born", &label).value(text("born")).hint(&hint).maxlength(10).autocomplete("off").free().show(words, errors))
                        label.tick { input type="checkbox" name="born-unknown" value="yes" checked[typed.contains_key("born-unknown")]; span { (words.say("register-born-unknown")) } }
                    }
                    (choice("sex", "register-sex", &SEX_NAMES, &SEXES, true))
                }
                div.pair { (plain("phone", "register-phone", true, "off")) (plain("email", "register-email", true, "off")) }
                (plain("line", "register-line", true, "off"))
                div.pair { (plain("city", "register-city", true, "off")) (plain("state", "register-state", true, "off")) }
                div.pair { (plain("postal", "register-postal", true, "off")) (choice("language", "register-language", &LANGUAGE_NAMES, &LANGUAGES, false)) }
                div.buttons {
                    button.primary type="submit" data-commit { @if alike.is_empty() { (words.say("register-save")) } @else { (words.say("register-save-anyway")) } }
                    a href=(visitor.at("patients")) { (words.say("register-cancel")) }
                }
            }
        }
    };
    let mut response = shell::page(visitor, (errors.title(words, &words.say("register-title")), NEEDS), main);
    if !errors.is_empty() || !alike.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}

pub(crate) async fn submit(visitor: Visitor, Form(sent): Form<Vec<(String, String)>>) -> Answer {
    may(&visitor)?;
    let pen = visitor.pen();
    let typed = typed(sent);
    let once = typed.get("once").cloned().unwrap_or_else(|| visitor.once());
    let newcomer = match register::judge(&typed, visitor.now) {
        Ok(newcomer) => newcomer,
        Err(wrong) => {
            let mut errors = Errors::none();
            for it in wrong {
                errors.add(it.field, visitor.words.say(said(it.why)));
            }
            return Ok(show(&visitor, &typed, &errors, &[], &once));
        }
    };
    if !typed.contains_key("nobody") {
        let alike = register::similar(&pen, &newcomer).await?;
        if !alike.is_empty() {
            return Ok(show(&visitor, &typed, &Errors::none(), &alike, &once));
        }
    }
    match register::register(&pen, &newcomer, &once).await {
        Ok((id, _)) => Ok(see_other(&visitor.address_of(id.as_str()))),
        Err(error) => Err(visitor.written(Err(error)).err().unwrap_or(Refusal::NotFound)),
    }
}

fn said(why: Why) -> &'static str {
    match why {
        Why::Needed => "register-needed",
        Why::NotADay => "register-not-a-day",
        Why::Future => "register-future",
        Why::NotAChoice => "register-not-a-choice",
        Why::NotAPhone => "register-not-a-phone",
        Why::TooLong => "register-too-long",
    }
}
