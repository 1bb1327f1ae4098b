//! What the buttons of the basket do: add, remove, favourites, sets, renewals, signing. Each answers with the basket.

use super::{Address, framed};
use crate::components::orders as parts;
use crate::components::shell::section_address;
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::Form;
use axum::extract::Path;
use axum::http::header;
use axum::response::Response;
use care::access::{AccessError, Proof};
use care::checks::Tier;
use care::orders::favourites;
use care::orders::sets::{self, What};
use care::orders::{
    Basket, Facts, Item, Kind, OrderError, Which, forward as send, look, sign as sign_orders, sign_shown,
};
use fhir::{Id, Key};
use maud::html;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Given {
    tab: String,
    key: String,
    typed: String,
    favourite: String,
    item: String,
    medication: String,
}

fn basket_at(visitor: &Visitor, patient: &Id) -> String {
    section_address(&visitor.address_of(patient.as_str()), "basket")
}

fn back(visitor: &Visitor, patient: &Id, tab: &str, done: &str) -> Response {
    let tab = Kind::parse(tab).unwrap_or(Kind::Drug).slug();
    let done = if done.is_empty() { String::new() } else { format!("&done={done}") };
    see_other(&format!("{}?tab={tab}{done}", basket_at(visitor, patient)))
}

/// Changes the basket as it lies on the server now; a change between is tried once more over what is there then.
pub(crate) async fn change(
    visitor: &Visitor,
    patient: &Id,
    edit: impl Fn(&mut Basket) -> Result<bool, OrderError>,
) -> Result<bool, Refusal> {
    let pen = visitor.pen();
    // The patient must be there for whoever writes.
    visitor.chart(patient).banner().await?;
    for last in [false, true] {
        let mut basket = Basket::open(&pen, patient).await?;
        let changed = edit(&mut basket)?;
        if !changed {
            return Ok(false);
        }
        match basket.keep(&pen, patient).await {
            Ok(()) => return Ok(true),
            Err(OrderError::Changed) if !last => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}

pub(crate) async fn add(visitor: Visitor, Path((_, patient)): Address, Form(given): Form<Given>) -> Answer {
    let patient = id(&patient)?;
    let pen = visitor.pen();
    let kind = Kind::parse(&given.tab).unwrap_or(Kind::Drug);
    let item = if !given.favourite.is_empty() {
        let favourite = favourites::one(&pen, &given.favourite).await?;
        Some(favourite.item.fresh(&pen))
    } else if given.typed.is_empty() {
        What::by_key(&given.key).map(|it| Item::of(&pen, it))
    } else {
        Item::typed(&pen, kind, &given.typed)
    };
    let item = item.ok_or(Refusal::NotFound)?;
    let added = change(&visitor, &patient, |basket| Ok(basket.add(item.clone()))).await?;
    Ok(back(&visitor, &patient, &given.tab, if added { "" } else { "there" }))
}

pub(crate) async fn remove(visitor: Visitor, Path((_, patient)): Address, Form(given): Form<Given>) -> Answer {
    let patient = id(&patient)?;
    change(&visitor, &patient, |basket| Ok(basket.remove(&given.item).is_some())).await?;
    Ok(back(&visitor, &patient, &given.tab, ""))
}

pub(crate) async fn favourite(visitor: Visitor, Path((_, patient)): Address, Form(given): Form<Given>) -> Answer {
    let patient = id(&patient)?;
    let pen = visitor.pen();
    let basket = Basket::open(&pen, &patient).await?;
    let item = basket.item(&given.item).ok_or(Refusal::NotFound)?;
    favourites::add(&pen, item).await?;
    Ok(back(&visitor, &patient, item.kind.slug(), "favourite"))
}

pub(crate) async fn unfavourite(visitor: Visitor, Path((_, patient)): Address, Form(given): Form<Given>) -> Answer {
    let patient = id(&patient)?;
    favourites::remove(&visitor.pen(), &given.favourite).await?;
    Ok(back(&visitor, &patient, &given.tab, ""))
}

/// From the list of medications: the prescription once more, into the basket.
pub(crate) async fn renew(visitor: Visitor, Path((_, patient)): Address, Form(given): Form<Given>) -> Answer {
    let patient = id(&patient)?;
    let medication = id(&given.medication)?;
    let pen = visitor.pen();
    let item = Item::renewal(&pen, &patient, &medication).await?;
    let added = change(&visitor, &patient, |basket| Ok(basket.add(item.clone()))).await?;
    Ok(back(&visitor, &patient, Kind::Drug.slug(), if added { "" } else { "there" }))
}

/// One order set: what is ticked goes into the basket.
pub(crate) async fn set(visitor: Visitor, Path((_, patient, set)): Path<(String, String, String)>) -> Answer {
    let patient = id(&patient)?;
    let words = visitor.words;
    let set = sets::by_key(&set).ok_or(Refusal::NotFound)?;
    let banner = visitor.chart(&patient).banner().await?;
    let at = basket_at(&visitor, &patient);
    let main = html! {
        header.section-head { h1 { (set.head.title) } }
        p.lead { (set.about) }
        form.stacked method="post" action={ (at) "/set/" (set.key) } {
            fieldset.boxes {
                legend { (words.say("orders-set-choose")) }
                @for (what, ticked) in &set.items {
                    label {
                        input type="checkbox" name=(what.key()) value="yes" checked[*ticked];
                        span { (what.name()) " " span.quiet { (parts::kind(words, kind_of(what))) } }
                    }
                }
            }
            div.buttons {
                button.primary type="submit" { (words.say("orders-set-add")) }
                a href=(at) { (words.say("orders-cancel")) }
            }
        }
        p.quiet { (set.head.source) ", " (set.head.version) }
    };
    Ok(framed(&visitor, &banner, &set.head.title, main))
}

fn kind_of(what: &What) -> Kind {
    match what {
        What::Drug(_) => Kind::Drug,
        What::Order(order) => order.kind,
    }
}

pub(crate) async fn add_set(
    visitor: Visitor,
    Path((_, patient, set)): Path<(String, String, String)>,
    Form(given): Form<HashMap<String, String>>,
) -> Answer {
    let patient = id(&patient)?;
    let set = sets::by_key(&set).ok_or(Refusal::NotFound)?;
    let pen = visitor.pen();
    let chosen: Vec<Item> = set
        .items
        .iter()
        .filter(|(what, _)| given.contains_key(what.key()))
        .map(|(what, _)| Item::of(&pen, *what))
        .collect();
    let add = |basket: &mut Basket| {
        let mut changed = false;
        for item in &chosen {
            changed |= basket.add(item.clone());
        }
        Ok(changed)
    };
    let added = change(&visitor, &patient, add).await?;
    Ok(back(&visitor, &patient, "", if added { "" } else { "there" }))
}

/// The form of the signature: fields of reasons are named `reason:<order>`.
pub(crate) async fn sign(
    visitor: Visitor,
    Path((_, patient)): Address,
    Form(given): Form<HashMap<String, String>>,
) -> Answer {
    let patient = id(&patient)?;
    let pen = visitor.pen();
    let text = |name: &str| given.get(name).map_or("", String::as_str);
    let mut seen: Option<u64> = text("version").parse().ok();
    let mut basket = Basket::open(&pen, &patient).await?;
    if basket.version == seen && given.keys().any(|it| it.starts_with(REASON)) {
        let facts = Facts::of(&pen, &patient).await?;
        if reasoned(&mut basket, &facts, &given) {
            basket.keep(&pen, &patient).await?;
            seen = basket.version;
        }
    }
    let which = match text("only") {
        "" => Which::All,
        only => Which::One(only),
    };
    let at = basket_at(&visitor, &patient);
    let proof = match (text("code").trim(), text("handle"), text("answer")) {
        (_, handle, answer) if !handle.is_empty() && !answer.is_empty() => Some(Proof::Passkey { handle, answer }),
        ("", ..) => None,
        (code, ..) => Some(Proof::Totp(code)),
    };
    let Some(proof) = proof else {
        let signed = sign_orders(&pen, &patient, which, seen, text("once")).await?;
        return Ok(see_other(&format!("{at}?done=signed&signed={}", signed.signed)));
    };
    // Controlled drugs: what is shown now is shown for this signature.
    let (opened, shown) = match visitor.access().show_second(&visitor.visit, &visitor.token, proof, visitor.now).await {
        Ok(shown) => shown,
        Err(AccessError::Wrong | AccessError::Passkey(_)) => return Err(Refusal::Cannot("pharmacy-code-wrong")),
        Err(other) => return Err(other.into()),
    };
    let signed = sign_shown(&pen, &patient, which, seen, text("once"), &shown).await;
    // The session has another secret now, whatever came of the orders.
    let mut response = match signed {
        Ok(signed) => see_other(&format!("{at}?done=signed&signed={}", signed.signed)),
        Err(error) => {
            // It names rules, never what is in the orders.
            tracing::warn!(%error, "controlled drugs were not signed");
            see_other(&format!("{at}?done=not-signed"))
        }
    };
    let cookie = crate::sessions::opened(&visitor.organisation, &opened.token);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

const REASON: &str = "reason:";

/// Puts the reason given for an order to each alert that asks for one; whether anything is new.
fn reasoned(basket: &mut Basket, facts: &Facts, given: &HashMap<String, String>) -> bool {
    let mut changed = false;
    for seen in look(basket, facts) {
        let Some(reason) = given.get(&format!("{REASON}{}", seen.item.id)) else { continue };
        let reason: String = reason.trim().chars().take(300).collect();
        let against = seen.alerts.iter().filter(|it| it.tier == Tier::Reason).map(|it| (it.key(), reason.clone()));
        let reasons: BTreeMap<String, String> = against.filter(|(_, reason)| !reason.is_empty()).collect();
        if seen.item.reasons != reasons {
            basket.replace(Item { reasons, ..seen.item });
            changed = true;
        }
    }
    changed
}

pub(crate) async fn forward(
    visitor: Visitor,
    Path((_, patient)): Address,
    Form(given): Form<HashMap<String, String>>,
) -> Answer {
    let patient = id(&patient)?;
    let pen = visitor.pen();
    let text = |name: &str| given.get(name).map_or("", String::as_str);
    let signers = care::orders::cosign::signers(&pen).await?;
    let signer = signers.iter().find(|it| it.key.id.as_str() == text("signer")).ok_or(Refusal::NotFound)?;
    let key: &Key = &signer.key;
    let sent = send(&pen, &patient, key, &signer.name, text("version").parse().ok(), text("once")).await?;
    let at = basket_at(&visitor, &patient);
    Ok(see_other(&format!("{at}?done=sent&signed={}", sent.signed)))
}
