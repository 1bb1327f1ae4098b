//! A patient, or who acts for one, comes for the first time (screen P-13): the code from the practice and the
//! patient's date of birth, then a user name and a password. Nothing says which of the two was wrong.

use crate::components::form::{Errors, choice, field};
use crate::components::shell;
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
    ("", "Month"),
    ("01", "January"),
    ("02", "February"),
    ("03", "March"),
    ("04", "April"),
    ("05", "May"),
    ("06", "June"),
    ("07", "July"),
    ("08", "August"),
    ("09", "September"),
    ("10", "October"),
    ("11", "November"),
    ("12", "December"),
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
        return Ok(form(&place, &given, &Errors::one("day", "Give the date of birth as day, month and year.")));
    };
    if given.password != given.again {
        return Ok(form(&place, &given, &Errors::one("again", "The two passwords are not the same.")));
    }
    let who = NewLogin::Fresh { username: given.username.trim(), password: &given.password };
    let errors = match place.access().accept_invitation(&place.visit, given.code.trim(), &born, who, place.now).await {
        Ok(step) => match onward(&place, &headers, "", step).await {
            Ok(response) => return Ok(response),
            Err(Stopped(words)) => Errors::one("code", words),
        },
        Err(AccessError::Wrong | AccessError::Expired | AccessError::NoSuchUser) => Errors::one(
            "code",
            "Code and date of birth do not fit, or the code is no longer valid. Check both, or ask the practice for a new one.",
        ),
        Err(AccessError::Wait { until }) => Errors::one("code", too_often(&place, until)),
        Err(weak @ AccessError::Password(_)) => Errors::one("password", weak.to_string()),
        Err(name @ (AccessError::UserNameTaken | AccessError::UserNameUnfit)) => {
            Errors::one("username", name.to_string())
        }
        Err(other) => return Err(other.into()),
    };
    Ok(form(&place, &given, &errors))
}

fn born(given: &Given, errors: &Errors) -> Markup {
    let whole = errors.summary().into_string().contains("#day");
    html! {
        fieldset.date aria-describedby=[whole.then_some("day-error")] {
            legend { "Date of birth of the patient" }
            @if whole { p.field-error #day-error { "Give the date of birth as day, month and year." } }
            (field("day", "Day").value(&given.day).kind("text").autocomplete("off").maxlength(2).show(words, &Errors::none()))
            (choice("month", "Month", &MONTHS, &given.month))
            (field("year", "Year").value(&given.year).autocomplete("off").maxlength(4).show(words, &Errors::none()))
        }
    }
}

fn form(place: &Place, given: &Given, errors: &Errors) -> Response {
    let main = html! {
        div.sheet {
            p.over { (place.organisation.name) }
            h1 { "Open your record" }
            p { "The practice gave you a code on paper, or read it to you." }
            (errors.summary())
            form.stacked method="post" action=(place.at("invitation")) {
                (field("code", "Invitation code").value(&given.code).literal().autocomplete("off").maxlength(40)
                    .hint("It looks like K7QF-29MX-WPT3.").show(place.words, errors))
                (born(given, errors))
                (field("username", "Choose a user name").value(&given.username).literal().autocomplete("username").maxlength(60)
                    .hint("Your e-mail address is a good one.").show(place.words, errors))
                (field("password", "Choose a password").password("new-password").hint(RULE).show(place.words, errors))
                (field("again", "Password once more").password("new-password").show(place.words, errors))
                button.primary type="submit" { "Open my record" }
            }
            ul.links { li { a href=(place.at("sign-in")) { "I have a user name already" } } }
        }
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let title = errors.title(place.words, &format!("Open your record · {}", place.organisation.name));
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
