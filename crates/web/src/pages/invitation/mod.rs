//! A patient, or who acts for one, comes for the first time (screen P-13): the code from the practice and the
//! patient's date of birth, then a user name and a password. Nothing says which of the two was wrong.

use crate::components::form::{Errors, choice_of, field};
use crate::components::{shell, words};
use crate::locale::Words;
use crate::pages::account::password::RULE;
use crate::pages::sign_in::{Stopped, onward, too_often};
use crate::request::{Answer, Place};
use axum::Form;
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use care::access::{AccessError, NewLogin};
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    #[serde(default)]
    code: String,
}

#[derive(Deserialize, Default)]
pub(crate) struct Given {
    code: String,
    #[serde(default)]
    day: String,
    #[serde(default)]
    month: String,
    #[serde(default)]
    year: String,
    username: String,
    password: String,
    again: String,
}

const MONTHS: [(&str, &str); 13] = [
    ("", "door-month"),
    ("01", "door-january"),
    ("02", "door-february"),
    ("03", "door-march"),
    ("04", "door-april"),
    ("05", "door-may"),
    ("06", "door-june"),
    ("07", "door-july"),
    ("08", "door-august"),
    ("09", "door-september"),
    ("10", "door-october"),
    ("11", "door-november"),
    ("12", "door-december"),
];

pub(crate) async fn page(place: Place, Query(asked): Query<Asked>) -> Answer {
    Ok(form(&place, &Given { code: asked.code, ..Given::default() }, &Errors::none()))
}

/// `1970-05-09`, if it is a day.
fn birth_date(given: &Given) -> Option<String> {
    let number = |text: &str| text.trim().parse::<i16>().ok();
    let (year, month, day) = (number(&given.year)?, number(&given.month)?, number(&given.day)?);
    let date = jiff::civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    (year > 1850).then(|| date.to_string())
}

pub(crate) async fn submit(place: Place, headers: HeaderMap, Form(given): Form<Given>) -> Answer {
    let Some(born) = birth_date(&given) else {
        return Ok(form(&place, &given, &Errors::one("day", place.words.say("door-give-the-date-of-birth"))));
    };
    if given.password != given.again {
        return Ok(form(&place, &given, &Errors::one("again", place.words.say("door-the-two-passwords-are-not"))));
    }
    let who = NewLogin::Fresh { username: given.username.trim(), password: &given.password };
    let errors = match place.access().accept_invitation(&place.visit, given.code.trim(), &born, who, place.now).await {
        Ok(step) => match onward(&place, &headers, "", step).await {
            Ok(response) => return Ok(response),
            Err(Stopped(words)) => Errors::one("code", words),
        },
        Err(AccessError::Wrong | AccessError::Expired | AccessError::NoSuchUser) => {
            Errors::one("code", place.words.say("door-code-and-date-of-birth"))
        }
        Err(AccessError::Wait { until }) => Errors::one("code", too_often(&place, until)),
        Err(weak @ AccessError::Password(_)) => Errors::one("password", words::trouble(place.words, &weak)),
        Err(name @ (AccessError::UserNameTaken | AccessError::UserNameUnfit)) => {
            Errors::one("username", words::trouble(place.words, &name))
        }
        Err(other) => return Err(other.into()),
    };
    Ok(form(&place, &given, &errors))
}

fn born(words: &Words, given: &Given, errors: &Errors) -> Markup {
    let whole = errors.summary().into_string().contains("#day");
    html! {
        fieldset.date aria-describedby=[whole.then_some("day-error")] {
            legend { (words.say("door-date-of-birth-of-the")) }
            @if whole { p.field-error #day-error { (words.say("door-give-the-date-of-birth")) } }
            (field("day", &words.say("door-day")).value(&given.day).kind("text").autocomplete("off").maxlength(2).show(words, &Errors::none()))
            (choice_of(words, "month", &words.say("door-month"), &MONTHS, &given.month))
            (field("year", &words.say("door-year")).value(&given.year).autocomplete("off").maxlength(4).show(words, &Errors::none()))
        }
    }
}

fn form(place: &Place, given: &Given, errors: &Errors) -> Response {
    let main = html! {
        div.sheet {
            p.over { (place.organisation.name) }
            h1 { (place.words.say("door-open-your-record")) }
            p { (place.words.say("door-the-practice-gave-you-a")) }
            (errors.summary())
            form.stacked method="post" action=(place.at("invitation")) {
                (field("code", &place.words.say("door-invitation-code")).value(&given.code).literal().autocomplete("off").maxlength(40)
                    .hint(&place.words.say("door-it-looks-like-k7qf-29mx")).show(place.words, errors))
                (born(place.words, given, errors))
                (field("username", &place.words.say("door-choose-a-user-name")).value(&given.username).literal().autocomplete("username").maxlength(60)
                    .hint(&place.words.say("door-your-e-mail-address-is")).show(place.words, errors))
                (field("password", &place.words.say("door-choose-a-password")).password("new-password").hint(&place.words.say(RULE)).show(place.words, errors))
                (field("again", &place.words.say("door-password-once-more")).password("new-password").show(place.words, errors))
                button.primary type="submit" { (place.words.say("door-open-my-record")) }
            }
            ul.links { li { a href=(place.at("sign-in")) { (place.words.say("door-i-have-a-user-name")) } } }
        }
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let title = errors
        .title(place.words, &format!("{} · {}", place.words.say("door-open-your-record"), place.organisation.name));
    shell::outside(place.words, &title, place.web.installation.demo, status, main)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birth_date_is_a_day_that_exists() {
        let check = |day: &str, month: &str, year: &str, expected: Option<&str>| {
            let given = Given { day: day.into(), month: month.into(), year: year.into(), ..Given::default() };
            assert_eq!(birth_date(&given).as_deref(), expected, "{day} {month} {year}");
        };
        check("9", "05", "1970", Some("1970-05-09"));
        check(" 29 ", "02", "2024", Some("2024-02-29"));
        check("30", "02", "2024", None);
        check("9", "", "1970", None);
        check("9", "05", "70", None);
        check("", "", "", None);
    }
}
