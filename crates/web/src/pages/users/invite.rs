//! Inviting patients, and those who act for them, to the portal: a code to hand over, and the open ones.

use super::handed;
use crate::components::form::{Errors, act_on, choice_of, field};
use crate::components::table::{moment, table};
use crate::components::{notice, shell};
use crate::request::{Answer, Visitor, see_other};
use axum::Form;
use axum::extract::Query;
use axum::http::StatusCode;
use care::access::{Invite, Relation};
use fhir::Id;
use maud::html;
use serde::Deserialize;

const RELATIONS: [(&str, &str, Relation); 7] = [
    ("own", "users-the-patient", Relation::Own),
    ("parent", "users-parent", Relation::Parent),
    ("guardian", "users-guardian", Relation::Guardian),
    ("spouse", "users-spouse-or-partner", Relation::Spouse),
    ("child", "users-grown-child", Relation::Child),
    ("carer", "users-carer", Relation::Carer),
    ("other", "users-someone-else", Relation::Other),
];

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    #[serde(default)]
    patient: String,
    done: Option<String>,
}

#[derive(Deserialize, Default)]
pub(crate) struct Given {
    patient: String,
    display: String,
    relation: String,
    limited: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Which {
    id: String,
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let given = Given { patient: asked.patient, ..Given::default() };
    show(&visitor, &given, &Errors::none(), asked.done.as_deref()).await
}

async fn show(visitor: &Visitor, given: &Given, errors: &Errors, done: Option<&str>) -> Answer {
    let open = visitor.access().invitations(&visitor.caller, None, 200, visitor.now).await?;
    let rows: Vec<_> = open.iter().map(|it| vec![
        html! { (it.display) },
        html! { a href=(visitor.address_of(it.charge.patient.as_str())) { (visitor.words.say("users-chart")) } },
        html! { (RELATIONS.iter().find(|(_, _, relation)| *relation == it.charge.relation).map_or(String::new(), |it| visitor.words.say(it.1))) @if it.charge.limited { " " (visitor.words.say("users-limited")) } },
        moment(it.until),
        html! { (act_on(&visitor.at("admin/invitations/withdraw"), &[("id", &it.id)], &visitor.words.say("users-withdraw"), Some(&it.display), None)) },
    ]).collect();
    let relations: Vec<(&str, &str)> = RELATIONS.iter().map(|(key, name, _)| (*key, *name)).collect();
    let main = html! {
        header.section-head { h1 { (visitor.words.say("users-invitations-of-patients")) } }
        (notice::done(visitor.words, done))
        (errors.summary())
        form.stacked.narrow-form method="post" action=(visitor.at("admin/invitations")) {
            (field("patient", &visitor.words.say("users-record")).value(&given.patient).literal().autocomplete("off").maxlength(64)
                .hint(&visitor.words.say("users-the-id-of-the-patient")).show(visitor.words, errors))
            (choice_of(visitor.words, "relation", &visitor.words.say("users-who-is-invited"), &relations, &given.relation))
            (field("display", &visitor.words.say("users-name-of-who-is-invited")).value(&given.display).autocomplete("off").maxlength(120).show(visitor.words, errors))
            label.tick { input type="checkbox" name="limited" value="yes" checked[given.limited.is_some()]; span { (visitor.words.say("users-limited-sees-appointments-vaccines-and")) } }
            div.buttons { button.primary type="submit" { (visitor.words.say("users-make-an-invitation")) } a href=(visitor.at("admin/users")) { (visitor.words.say("users-back-to-users")) } }
        }
        @if rows.is_empty() { p.quiet { (visitor.words.say("users-no-invitation-is-open")) } }
        @else { (table(visitor.words, &visitor.words.say("users-open-invitations"), &[&visitor.words.say("users-who"), &visitor.words.say("users-record"), &visitor.words.say("users-is"), &visitor.words.say("users-ends"), ""], rows)) }
    };
    let mut response = shell::administration(
        visitor,
        "users",
        errors.title(visitor.words, &visitor.words.say("users-invitations")),
        main,
    );
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

pub(crate) async fn submit(visitor: Visitor, Form(given): Form<Given>) -> Answer {
    let mut errors = Errors::none();
    let patient = Id::parse(given.patient.trim());
    if patient.is_none() {
        errors.add("patient", visitor.words.say("users-give-the-id-of-a"));
    }
    if given.display.trim().is_empty() {
        errors.add("display", visitor.words.say("users-give-the-name-of-who"));
    }
    let relation = RELATIONS.iter().find(|(key, ..)| *key == given.relation).map(|it| it.2);
    let (Some(patient), Some(relation), true) = (patient, relation, errors.is_empty()) else {
        return show(&visitor, &given, &errors, None).await;
    };
    let display = given.display.trim().to_owned();
    let (limited, charge_until) = (given.limited.is_some(), None);
    let invite = Invite { patient, relation, limited, charge_until, display: display.clone(), days: 14 };
    match visitor.access().invite(&visitor.caller, invite, visitor.now).await {
        Ok(link) => {
            let main = html! {
                header.section-head { h1 { (visitor.words.say("users-invitation-for")) " " (display) } }
                (handed(&visitor, "invitation", &link, &display))
                p { (visitor.words.say("users-they-also-need-the-patient")) }
                p.no-print { a.button.primary href=(visitor.at("admin/invitations?done=invited")) { (visitor.words.say("users-go-on")) } }
            };
            Ok(shell::administration(&visitor, "users", visitor.words.say("users-invitation"), main))
        }
        Err(care::access::AccessError::NoSuchUser) => {
            show(&visitor, &given, &Errors::one("patient", visitor.words.say("users-there-is-no-such-record")), None)
                .await
        }
        Err(care::access::AccessError::Store(store::StoreError::NotFound(_))) => {
            show(&visitor, &given, &Errors::one("patient", visitor.words.say("users-there-is-no-such-record")), None)
                .await
        }
        Err(other) => Err(crate::request::troubled(&visitor, &visitor.at("admin/invitations"))(other)),
    }
}

pub(crate) async fn withdraw(visitor: Visitor, Form(given): Form<Which>) -> Answer {
    visitor.access().withdraw_invitation(&visitor.caller, &given.id, visitor.now).await?;
    Ok(see_other(&visitor.at("admin/invitations?done=withdrawn")))
}
