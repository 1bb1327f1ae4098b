//! A new user: who they are, what they may do, and the link with which they choose a password.

use super::handed;
use crate::components::form::{Errors, boxes, field};
use crate::components::{shell, words};
use crate::locale::Words;
use crate::request::{Answer, Visitor};
use axum::extract::RawForm;
use axum::http::StatusCode;
use care::access::{AccessError, NewUser, PersonLink};
use maud::{Markup, html};

/// What a form with boxes said; a name may come several times.
#[derive(Default)]
pub(crate) struct Said(Vec<(String, String)>);

impl Said {
    pub(crate) fn of(body: &[u8]) -> Said {
        Said(serde_urlencoded::from_bytes(body).unwrap_or_default())
    }

    pub(crate) fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value.trim())
    }

    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(it, _)| it == name).map(|(_, value)| value.clone()).collect()
    }
}

pub(crate) async fn page(visitor: Visitor) -> Answer {
    Ok(form(&visitor, &Said::default(), &Errors::none()))
}

pub(crate) async fn submit(visitor: Visitor, RawForm(body): RawForm) -> Answer {
    let said = Said::of(&body);
    let mut errors = Errors::none();
    if said.one("display").is_empty() {
        errors.add("display", visitor.words.say("users-give-the-name-by-which"));
    }
    let roles = said.all("roles");
    if roles.is_empty() {
        errors.add("roles", visitor.words.say("users-choose-at-least-one-role"));
    }
    if !errors.is_empty() {
        return Ok(form(&visitor, &said, &errors));
    }
    let person = match (said.one("family"), said.one("given")) {
        ("", _) => PersonLink::None,
        (family, given) => PersonLink::New { family: family.to_owned(), given: given.to_owned() },
    };
    let new = NewUser {
        username: said.one("username").to_owned(),
        display: said.one("display").to_owned(),
        email: Some(said.one("email").to_owned()).filter(|it| !it.is_empty()),
        roles,
        person,
        sites: Vec::new(),
    };
    match visitor.access().create_user(&visitor.caller, new, visitor.now).await {
        Ok((user, link)) => {
            let main = html! {
                header.section-head { h1 { (user.display) " " (visitor.words.say("users-can-sign-in-soon")) } }
                (handed(&visitor, "reset", &link, &user.display))
                p { (visitor.words.say("users-user-name-2")) " " code { (user.username) } }
                p.no-print { a.button.primary href={ (visitor.at("admin/users/")) (user.id) } { (visitor.words.say("users-go-on")) } }
            };
            Ok(shell::administration(&visitor, "users", visitor.words.say("users-user-created"), main))
        }
        Err(name @ (AccessError::UserNameTaken | AccessError::UserNameUnfit)) => {
            Ok(form(&visitor, &said, &Errors::one("username", words::trouble(visitor.words, &name))))
        }
        Err(other) => Err(crate::request::troubled(&visitor, &visitor.at("admin/users/new"))(other)),
    }
}

pub(crate) fn role_boxes(words: &Words, chosen: &[String], errors: &Errors) -> Markup {
    let options: Vec<(String, String, bool)> = words::STAFF
        .iter()
        .map(|key| ((*key).to_owned(), words::role(words, key), chosen.iter().any(|it| it == key)))
        .collect();
    boxes("roles", &words.say("users-roles"), &options, errors)
}

fn form(visitor: &Visitor, said: &Said, errors: &Errors) -> axum::response::Response {
    let main = html! {
        header.section-head { h1 { (visitor.words.say("users-new-user")) } }
        (errors.summary())
        form.stacked.narrow-form method="post" action=(visitor.at("admin/users/new")) {
            (field("display", &visitor.words.say("users-name")).value(said.one("display")).autocomplete("off").maxlength(120).hint(&visitor.words.say("users-as-others-should-see-it")).show(visitor.words, errors))
            (field("username", &visitor.words.say("users-user-name")).value(said.one("username")).autocomplete("off").literal().maxlength(60).show(visitor.words, errors))
            (field("email", &visitor.words.say("users-e-mail")).kind("email").value(said.one("email")).autocomplete("off").optional().show(visitor.words, errors))
            (role_boxes(visitor.words, &said.all("roles"), errors))
            fieldset.boxes {
                legend { (visitor.words.say("users-treats-patients")) }
                p.hint { (visitor.words.say("users-names-for-the-directory-of")) }
                (field("family", &visitor.words.say("users-family-name")).value(said.one("family")).autocomplete("off").optional().show(visitor.words, errors))
                (field("given", &visitor.words.say("users-given-name")).value(said.one("given")).autocomplete("off").optional().show(visitor.words, errors))
            }
            div.buttons { button.primary type="submit" { (visitor.words.say("users-create-user")) } a href=(visitor.at("admin/users")) { (visitor.words.say("users-cancel")) } }
        }
    };
    let mut response = shell::administration(
        visitor,
        "users",
        errors.title(visitor.words, &visitor.words.say("users-new-user")),
        main,
    );
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}
