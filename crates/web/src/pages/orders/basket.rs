//! The basket: find and add on one side, what will be signed on the other, with what speaks against it.

use super::{Address, framed, named};
use crate::components::form::{Errors, act_on, field};
use crate::components::icon::icon;
use crate::components::orders as parts;
use crate::components::shell::section_address;
use crate::locale::Words;
use crate::pages::sign_in::passkey;
use crate::request::{Answer, Refusal, Visitor, id};
use axum::extract::{Path, Query};
use care::chart::Banner;
use care::checks::Tier;
use care::drugs;
use care::orders::favourites::{self, Favourite};
use care::orders::sets::{self, OrderSet};
use care::orders::{Basket, Facts, Kind, Seen, catalogue, cosign, look, may_sign};
use care::pharmacy::controlled;
use maud::{Markup, html};
use serde::Deserialize;

/// How many hits of a search are shown.
const SHOWN: usize = 12;

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    #[serde(default)]
    tab: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    done: String,
    #[serde(default)]
    signed: usize,
}

/// What the page shows beside the basket.
struct Shelf {
    tab: Kind,
    q: String,
    favourites: Vec<Favourite>,
    signers: Vec<cosign::Signer>,
}

pub(crate) async fn page(visitor: Visitor, Path((_, patient)): Address, Query(asked): Query<Asked>) -> Answer {
    let patient = id(&patient)?;
    let words = visitor.words;
    let pen = visitor.pen();
    let chart = visitor.chart(&patient);
    let (banner, facts) = tokio::try_join!(chart.banner(), Facts::of(&pen, &patient))?;
    let basket = Basket::open(&pen, &patient).await?;
    let shelf = Shelf {
        tab: Kind::parse(&asked.tab).unwrap_or(Kind::Drug),
        q: asked.q.trim().chars().take(100).collect(),
        favourites: favourites::mine(&pen).await?,
        signers: if basket.items.is_empty() { Vec::new() } else { cosign::signers(&pen).await? },
    };
    let seen = look(&basket, &facts);
    let dispenser = crate::pages::pharmacy::of_basket(&visitor, &patient, &basket).await?;
    let proof = proof(&visitor, &patient, &basket).await?;
    let at = section_address(&visitor.address_of(patient.as_str()), "basket");
    let main = html! {
        header.section-head {
            h1 { (words.say("orders-basket")) }
            p { a href=(section_address(&visitor.address_of(patient.as_str()), "orders")) { (words.say("orders-open-orders")) } }
        }
        (told(words, &asked, &seen))
        div.basket-page {
            section.find-orders aria-labelledby="find-orders" { (finder(words, &at, &shelf, &facts)) }
            section.basket aria-labelledby="basket" { (contents(&visitor, &at, &banner, &basket, &seen, (&facts, &shelf), (dispenser, proof))) }
        }
    };
    Ok(framed(&visitor, &banner, &words.say("orders-basket"), main))
}

/// What was just done.
fn told(words: &Words, asked: &Asked, seen: &[Seen]) -> Markup {
    let stayed = seen.iter().filter(|it| it.item.stayed.is_some()).count();
    html! {
        @match asked.done.as_str() {
            "signed" => {
                p.notice.good role="status" { (icon("check")) (words.with("orders-signed", &[("count", asked.signed.into())])) }
                @if stayed > 0 { p.notice.caution role="status" { (words.with("orders-stayed", &[("count", stayed.into())])) } }
            }
            "sent" => p.notice.good role="status" { (icon("check")) (words.with("orders-sent", &[("count", asked.signed.into())])) },
            "favourite" => p.notice.good role="status" { (icon("check")) (words.say("orders-favourite-kept")) },
            "not-signed" => p.notice.caution role="status" { (words.say("orders-changed")) },
            "there" => p.notice.caution role="status" { (words.say("orders-there-already")) },
            _ => {},
        }
    }
}

fn finder(words: &Words, at: &str, shelf: &Shelf, facts: &Facts) -> Markup {
    let sets: Vec<&OrderSet> = suited(facts);
    html! {
        h2 #find-orders { (words.say("orders-find")) }
        nav.tabs aria-label=(words.say("orders-kinds")) {
            ul {
                @for kind in Kind::ALL {
                    li { a href={ (at) "?tab=" (kind.slug()) } aria-current=[(kind == shelf.tab).then_some("page")] { (parts::kind(words, kind)) } }
                }
            }
        }
        form.find-form role="search" method="get" action=(at) {
            input type="hidden" name="tab" value=(shelf.tab.slug());
            label for="order-q" { (words.say(placeholder(shelf.tab))) }
            div.search-row {
                input #order-q type="search" name="q" value=(shelf.q) autocomplete="off" spellcheck="false" autofocus[shelf.q.is_empty()];
                button type="submit" { (words.say("orders-search")) }
            }
        }
        (hits(words, at, shelf))
        @let mine: Vec<&Favourite> = shelf.favourites.iter().filter(|it| it.item.kind == shelf.tab).collect();
        section.favourites aria-labelledby="favourites" {
            h3 #favourites { (words.say("orders-favourites")) }
            @if mine.is_empty() { p.empty { (words.say("orders-favourites-none")) } }
            ul.lines { @for it in mine {
                li.line.tall {
                    span.main { (it.item.name) }
                    span.side {
                        (act_on(&format!("{at}/add"), &[("favourite", &it.id), ("tab", shelf.tab.slug())], &words.say("orders-add"), Some(&it.item.name), Some("small")))
                        (act_on(&format!("{at}/unfavourite"), &[("favourite", &it.id), ("tab", shelf.tab.slug())], &words.say("orders-forget"), Some(&it.item.name), Some("quiet small")))
                    }
                    @if let Some(directions) = it.item.directions() { span.under { (directions) } }
                }
            } }
        }
        section.order-sets aria-labelledby="order-sets" {
            h3 #order-sets { (words.say("orders-sets")) }
            ul.lines { @for set in sets {
                li.line.tall {
                    span.main { a href={ (at) "/set/" (set.key) } { (set.head.title) } }
                    span.under { (set.about) }
                }
            } }
        }
    }
}

/// Sets for a problem of this person first.
fn suited(facts: &Facts) -> Vec<&'static OrderSet> {
    let fits = |set: &OrderSet| {
        facts.problem_codes.iter().any(|code| set.problems.iter().any(|it| code.starts_with(it.as_str())))
    };
    let mut all: Vec<&OrderSet> = sets::all().iter().collect();
    all.sort_by_key(|it| !fits(it));
    all
}

fn placeholder(kind: Kind) -> &'static str {
    match kind {
        Kind::Drug => "orders-find-drug",
        Kind::Lab => "orders-find-lab",
        Kind::Imaging => "orders-find-imaging",
        Kind::Procedure => "orders-find-procedure",
        Kind::Referral => "orders-find-referral",
    }
}

fn hits(words: &Words, at: &str, shelf: &Shelf) -> Markup {
    // (key, name, what stands under it)
    let found: Vec<(String, String, Option<String>)> = match shelf.tab {
        Kind::Drug => drugs::search(&shelf.q, SHOWN)
            .into_iter()
            .map(|it| {
                let sig = care::orders::sig::Sig::usual(it);
                (it.key.clone(), it.name.clone(), Some(sig.words(care::orders::sig::Language::English)))
            })
            .collect(),
        kind => {
            let most = if shelf.q.is_empty() { 8 } else { SHOWN };
            let all = catalogue::search(kind, &shelf.q, most);
            all.into_iter().map(|it| (it.key.to_owned(), it.name.to_owned(), None)).collect()
        }
    };
    let add = format!("{at}/add");
    html! {
        @if !found.is_empty() || !shelf.q.is_empty() {
            p.status role="status" { (words.with("orders-found", &[("count", found.len().into())])) }
            ul.lines.hits {
                @for (key, name, under) in &found {
                    li.line.tall {
                        span.main { (name) }
                        span.side { (act_on(&add, &[("key", key), ("tab", shelf.tab.slug())], &words.say("orders-add"), Some(name), Some("small primary"))) }
                        @if let Some(under) = under { span.under { (under) } }
                    }
                }
                @if !shelf.q.is_empty() {
                    li.line.tall {
                        span.main { "“" (shelf.q) "”" }
                        span.side { (act_on(&add, &[("typed", &shelf.q), ("tab", shelf.tab.slug())], &words.say("orders-add-typed"), Some(&shelf.q), Some("small"))) }
                        span.under { (words.say("orders-typed-unchecked")) }
                    }
                }
            }
        }
    }
}

fn contents(
    visitor: &Visitor,
    at: &str,
    banner: &Banner,
    basket: &Basket,
    seen: &[Seen],
    (facts, shelf): (&Facts, &Shelf),
    (dispenser, proof): (Markup, Proof),
) -> Markup {
    let words = visitor.words;
    let signs = may_sign(&visitor.pen());
    html! {
        h2 #basket { (words.with("orders-to-sign", &[("count", seen.len().into())])) }
        @if let Some(weight) = &facts.known.weight {
            p.quiet { (words.with("orders-weight", &[("kilograms", care::orders::sig::shown(weight.kilograms.round_dp(1)).into())]))
                @if let Some(when) = &weight.when { " (" (when.ago(visitor.now)) ")" } }
        }
        @if seen.is_empty() { p.empty { (words.say("orders-empty")) } }
        @for it in seen { (item(visitor, at, it, signs)) }
        (dispenser)
        @if let Some(version) = basket.version {
            form #sign.sign-form method="post" action={ (at) "/sign" } {
                input type="hidden" name="version" value=(version);
                input type="hidden" name="once" value=(visitor.once());
                @if signs {
                    @if proof == Proof::Code {
                        (field("code", &words.say("pharmacy-code")).code().hint(&words.say("pharmacy-code-hint")).optional().maxlength(12).show(words, &Errors::none()))
                    }
                    div.buttons {
                        button.primary type="submit" data-commit="" {
                            (words.with("orders-sign-all", &[("count", seen.len().into()), ("name", named(banner).into())]))
                        }
                        a href=(visitor.address_of(&banner.person.id)) { (words.say("orders-sign-later")) }
                    }
                }
            }
            @if signs && proof == Proof::Passkey {
                @let (version, once) = (version.to_string(), visitor.once());
                (passkey::ask("get", &format!("{at}/sign"), &visitor.at("sign-in/passkey/question"), &words.say("pharmacy-passkey"), &[("version", &version), ("once", &once)], true))
            }
            @if signs && proof == Proof::None { p.notice.caution { (icon("alert")) span { (words.say("pharmacy-code-none")) " " a href=(visitor.at("account")) { (words.say("pharmacy-account")) } } } }
            @if !shelf.signers.is_empty() { (forward(visitor, at, version, &shelf.signers, signs)) }
        }
    }
}

/// Leaving the orders to somebody who may sign.
fn forward(visitor: &Visitor, at: &str, version: u64, signers: &[cosign::Signer], signs: bool) -> Markup {
    let words = visitor.words;
    let form = html! {
        form.stacked.forward method="post" action={ (at) "/forward" } {
            input type="hidden" name="version" value=(version);
            input type="hidden" name="once" value=(visitor.once());
            div.field {
                label for="signer" { (words.say("orders-signer")) }
                select #signer name="signer" { @for it in signers { option value=(it.key.id.as_str()) { (it.name) } } }
            }
            button.primary[!signs] type="submit" { (words.say("orders-forward")) }
        }
    };
    html! { @if signs { details { summary { (words.say("orders-cosign-instead")) } (form) } } @else { (form) } }
}

fn item(visitor: &Visitor, at: &str, seen: &Seen, signs: bool) -> Markup {
    let words = visitor.words;
    let it = &seen.item;
    let heading = format!("order-{}", it.id);
    let state = match it.state {
        care::orders::State::New => None,
        care::orders::State::Renew(_) => Some("orders-state-renew"),
        care::orders::State::Change(_) => Some("orders-state-change"),
    };
    html! {
        article.order.stayed[it.stayed.is_some()] aria-labelledby=(heading) {
            header {
                h3 id=(heading) { (it.name) }
                span.chips {
                    span.chip { (parts::kind(words, it.kind)) }
                    @if let Some(state) = state { " " span.chip.good { (words.say(state)) } }
                    @if it.priority != "routine" { " " span.chip.notable { (parts::priority(words, &it.priority)) } }
                    @if let Some(schedule) = it.drug().and_then(|it| it.schedule) { " " span.chip.notable { (words.with("orders-schedule", &[("number", schedule.to_string().into())])) } }
                    @if !seen.missing.is_empty() { " " span.chip.critical { (words.say("orders-incomplete")) } }
                }
            }
            @if let Some(directions) = it.directions() { p.directions { (directions) } }
            @if it.kind == Kind::Drug {
                p.supply {
                    @match &it.quantity {
                        Some(quantity) => { (words.with("orders-supply", &[("quantity", care::orders::sig::shown(*quantity).into()), ("unit", it.unit.clone().into())])) }
                        None => { span.absent { (words.say("orders-no-quantity")) } }
                    }
                    @if let Some(days) = it.supply_days { ", " (words.with("orders-supply-days", &[("days", days.into())])) }
                    ", " (words.with("orders-refills", &[("count", it.refills.into())]))
                }
            }
            @if let Some(indication) = it.indication.as_ref().filter(|it| !it.name.is_empty()) { p.quiet { (words.with("orders-for", &[("problem", indication.name.clone().into())])) } }
            @if !it.note.is_empty() { p.note { (it.note) } }
            @if let Some(why) = it.stayed.as_deref().and_then(stayed) { p.notice.caution { (icon("alert")) (words.say(why)) } }
            @for alert in &seen.alerts { (parts::alert(words, at.trim_end_matches("/basket"), alert)) }
            @if signs { (reason(words, seen)) }
            div.buttons.small {
                a href={ (at) "/item/" (it.id) } { (words.say("orders-edit")) span.spoken { " " (it.name) } }
                @if signs && seen.hindrance().is_none() {
                    button type="submit" form="sign" name="only" value=(it.id) { (words.say("orders-sign-one")) span.spoken { " " (it.name) } }
                }
                (act_on(&format!("{at}/favourite"), &[("item", &it.id)], &words.say("orders-favourite"), Some(&it.name), Some("quiet")))
                (act_on(&format!("{at}/remove"), &[("item", &it.id)], &words.say("orders-remove"), Some(&it.name), Some("quiet danger")))
            }
        }
    }
}

/// What must be shown with the signature.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// Nothing in the basket asks for it.
    Free,
    Code,
    Passkey,
    /// Something does, and they have no second factor.
    None,
}

/// Whether a controlled drug of the basket goes to a pharmacy, and what the visitor can show for it.
async fn proof(visitor: &Visitor, patient: &fhir::Id, basket: &Basket) -> Result<Proof, Refusal> {
    let pen = visitor.pen();
    if basket.items.iter().all(|it| it.schedule().is_none()) {
        return Ok(Proof::Free);
    }
    let sent = basket.dispenser(&pen, patient).await?.is_some();
    let asks = |it: &care::orders::Item| controlled::leave(&pen, it.schedule(), sent) == controlled::Leave::Asks;
    if !basket.items.iter().any(asks) {
        return Ok(Proof::Free);
    }
    let factors = visitor.access().factors(&visitor.session.me(), visitor.now).await?;
    Ok(match (factors.totp.is_some(), factors.passkeys.is_empty()) {
        (true, _) => Proof::Code,
        (false, false) => Proof::Passkey,
        (false, true) => Proof::None,
    })
}

/// Why an order stayed, where its alerts do not say so.
fn stayed(why: &str) -> Option<&'static str> {
    const STAYED: [(&str, &str); 2] =
        [("controlled", "pharmacy-stayed-controlled"), ("unproved", "pharmacy-stayed-unproved")];
    STAYED.iter().find(|it| it.0 == why).map(|it| it.1)
}

/// Where a reason is asked for: one for the order, whatever speaks against it; it is sent with the signature.
fn reason(words: &Words, seen: &Seen) -> Markup {
    let against: Vec<String> =
        seen.alerts.iter().filter(|it| it.tier == Tier::Reason).map(care::checks::Alert::key).collect();
    let field = format!("reason-{}", seen.item.id);
    let given = against.iter().find_map(|it| seen.item.reasons.get(it)).map_or("", String::as_str);
    html! {
        @if !against.is_empty() {
            div.field.reason {
                label for=(field) { (words.say("orders-reason")) }
                input id=(field) form="sign" name={ "reason:" (seen.item.id) } type="text" maxlength="300" value=(given) autocomplete="off";
            }
        }
    }
}
