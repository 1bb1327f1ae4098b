//! Inviting patients, and those who act for them, to the portal: a code to hand over, and the open ones.

use super::handed;
use crate::components::form::{Errors, act_on, choice, field};
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
    ("own", "The patient", Relation::Own),
    ("parent", "Parent", Relation::Parent),
    ("guardian", "Guardian", Relation::Guardian),
    ("spouse", "Spouse or partner", Relation::Spouse),
    ("child", "Grown child", Relation::Child),
    ("carer", "Carer", Relation::Carer),
    ("other", "Someone else", Relation::Other),
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
        html! { a href=(visitor.address_of(it.charge.patient.as_str())) { "Chart" } },
        html! { (RELATIONS.iter().find(|(_, _, relation)| *relation == it.charge.relation).map_or("", |it| it.1)) @if it.charge.limited { " (limited)" } },
        moment(it.until),
        html! { (act_on(&visitor.at("admin/invitations/withdraw"), &[("id", &it.id)], "Withdraw", Some(&it.display), None)) },
    ]).collect();
    let relations: Vec<(&str, &str)> = RELATIONS.iter().map(|(key, words, _)| (*key, *words)).collect();
    let main = html! {
        header.section-head { h1 { "Invitations of patients" } }
        (notice::done(visitor.words, done))
        (errors.summary())
        form.stacked.narrow-form method="post" action=(visitor.at("admin/invitations")) {
            (field("patient", "Record").value(&given.patient).literal().autocomplete("off").maxlength(64)
                .hint("The id of the patient’s record; a chart’s address ends with it.").show(visitor.words, errors))
            (choice("relation", "Who is invited", &relations, &given.relation))
            (field("display", "Name of who is invited").value(&given.display).autocomplete("off").maxlength(120).show(visitor.words, errors))
            label.tick { input type="checkbox" name="limited" value="yes" checked[given.limited.is_some()]; span { "Limited: sees appointments, vaccines and allergies only" } }
            div.buttons { button.primary type="submit" { "Make an invitation" } a href=(visitor.at("admin/users")) { "Back to users" } }
        }
        @if rows.is_empty() { p.quiet { "No invitation is open." } }
        @else { (table(visitor.words, "Open invitations", &["Who", "Record", "Is", "Ends", ""], rows)) }
    };
    let mut response = shell::administration(visitor, "users", &errors.title(visitor.words, "Invitations"), main);
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

pub(crate) async fn submit(visitor: Visitor, Form(given): Form<Given>) -> Answer {
    let mut errors = Errors::none();
    let patient = Id::parse(given.patient.trim());
    if patient.is_none() {
        errors.add("patient", "Give the id of a record.");
    }
    if given.display.trim().is_empty() {
        errors.add("display", "Give the name of who is invited.");
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
                header.section-head { h1 { "Invitation for " (display) } }
                (handed(&visitor, "invitation", &link, &display))
                p { "They also need the patient’s date of birth." }
                p.no-print { a.button.primary href=(visitor.at("admin/invitations?done=invited")) { "Go on" } }
            };
            Ok(shell::administration(&visitor, "users", "Invitation", main))
        }
        Err(care::access::AccessError::NoSuchUser) => {
            show(&visitor, &given, &Errors::one("patient", "There is no such record."), None).await
        }
        Err(care::access::AccessError::Store(store::StoreError::NotFound(_))) => {
            show(&visitor, &given, &Errors::one("patient", "There is no such record."), None).await
        }
        Err(other) => Err(crate::request::troubled(&visitor, &visitor.at("admin/invitations"))(other)),
    }
}

pub(crate) async fn withdraw(visitor: Visitor, Form(given): Form<Which>) -> Answer {
    visitor.access().withdraw_invitation(&visitor.caller, &given.id, visitor.now).await?;
    Ok(see_other(&visitor.at("admin/invitations?done=withdrawn")))
}
