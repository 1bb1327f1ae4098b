//! Pieces of order pages: an alert with its tier in words, icon and colour, what is missing, the buttons that lead into
//! the basket. The words of rules (what may happen, what to do) are clinical content and stay as they are written.

use super::day;
use super::form::act_on;
use super::icon::icon;
use super::shell::section_address;
use crate::locale::Words;
use crate::pages::imaging;
use crate::request::Visitor;
use care::chart::When;
use care::checks::{Alert, Rule, Tier};
use care::imaging::Prior;
use care::orders::{Fault, Kind, may_sign, may_write};
use maud::{Markup, html};

/// What an alert says, by its rule.
const RULES: [(Rule, &str); 16] = [
    (Rule::Allergy, "orders-alert-allergy"),
    (Rule::CrossReaction, "orders-alert-cross"),
    (Rule::OutsideAllergy, "orders-alert-outside-allergy"),
    (Rule::AllergiesUnknown, "orders-alert-allergies-unknown"),
    (Rule::Interaction, "orders-alert-interaction"),
    (Rule::SameDrug, "orders-alert-same-drug"),
    (Rule::DuplicateTherapy, "orders-alert-duplicate"),
    (Rule::DuplicateTest, "orders-alert-duplicate-test"),
    (Rule::EarlierImages, "orders-alert-earlier-images"),
    (Rule::AlreadyOrdered, "orders-alert-already-ordered"),
    (Rule::Dose, "orders-alert-dose"),
    (Rule::UnusualDose, "orders-alert-unusual-dose"),
    (Rule::Age, "orders-alert-age"),
    (Rule::NoWeight, "orders-alert-no-weight"),
    (Rule::Unchecked, "orders-alert-unchecked"),
    (Rule::UncheckedMedicine, "orders-alert-unchecked-medicine"),
];

const TIERS: [(Tier, &str, &str); 3] = [
    (Tier::Stop, "orders-tier-stop", "stop"),
    (Tier::Reason, "orders-tier-reason", "reason"),
    (Tier::Information, "orders-tier-info", "info"),
];

const KINDS: [(Kind, &str); 5] = [
    (Kind::Drug, "orders-kind-drug"),
    (Kind::Lab, "orders-kind-lab"),
    (Kind::Imaging, "orders-kind-imaging"),
    (Kind::Procedure, "orders-kind-procedure"),
    (Kind::Referral, "orders-kind-referral"),
];

pub(crate) fn kind(words: &Words, kind: Kind) -> String {
    KINDS.iter().find(|it| it.0 == kind).map_or_else(String::new, |it| words.say(it.1))
}

const PRIORITIES: [(&str, &str); 3] =
    [("routine", "orders-priority-routine"), ("urgent", "orders-priority-urgent"), ("stat", "orders-priority-stat")];

pub(crate) fn priority(words: &Words, slug: &str) -> String {
    PRIORITIES.iter().find(|it| it.0 == slug).map_or_else(|| slug.to_owned(), |it| words.say(it.1))
}

/// What is wrong with a field of the order form.
const FAULTS: [(Fault, &str); 5] = [
    (Fault::Missing, "orders-fault-missing"),
    (Fault::Number, "orders-fault-number"),
    (Fault::Day, "orders-fault-day"),
    (Fault::Refills, "orders-fault-refills"),
    (Fault::Choice, "orders-fault-choice"),
];

pub(crate) fn fault(words: &Words, fault: Fault) -> String {
    FAULTS.iter().find(|it| it.0 == fault).map_or_else(String::new, |it| words.say(it.1))
}

/// The headline of an alert.
pub(crate) fn headline(words: &Words, alert: &Alert) -> String {
    let key = RULES.iter().find(|it| it.0 == alert.rule).map_or("orders-alert-unchecked", |it| it.1);
    words.with(key, &[("with", alert.with.clone().into())])
}

/// An alert with where its rule is written. `base` is the address of the chart.
pub(crate) fn alert(words: &Words, base: &str, alert: &Alert) -> Markup {
    let (_, tier, class) = TIERS.iter().find(|it| it.0 == alert.tier).expect("every tier has its words");
    html! {
        div class={ "order-alert " (class) } {
            p.what {
                span class={ "chip " @if alert.tier == Tier::Information { "" } @else { "critical" } } {
                    @if alert.tier != Tier::Information { (icon("alert")) } (words.say(tier))
                }
                " " strong { (headline(words, alert)) }
                @if let Some((ordered, most)) = &alert.amounts {
                    " " (words.with("orders-alert-amounts", &[("ordered", ordered.clone().into()), ("most", most.clone().into())]))
                }
            }
            @if let Some(earlier) = &alert.earlier { p.earlier {
                @if !earlier.value.is_empty() { strong { (earlier.value) } " " }
                (day(&earlier.when))
                @if let Some(by) = &earlier.by { " " span.quiet { (by) } }
            } }
            @if !alert.images.is_empty() { (images(words, base, &alert.images)) }
            @if alert.effect.is_some() || alert.action.is_some() {
                p { @if let Some(effect) = &alert.effect { (effect) " " } @if let Some(action) = &alert.action { strong { (action) } } }
            }
            p.source.quiet { (alert.source.rule) ", " (alert.source.title) " " (alert.source.version) }
        }
    }
}

/// Earlier images of the same part of the body, each with the way to look at it.
fn images(words: &Words, base: &str, all: &[Prior]) -> Markup {
    html! {
        ul.earlier-images {
            @for it in all {
                @let about = match it.about.strip_prefix("ImagingStudy/") {
                    Some(study) => format!("{base}/imaging/{study}"),
                    None => format!("{base}/reports/{}", it.about),
                };
                @let kinds = imaging::kinds(words, &it.kinds);
                li {
                    a href=(about) { (it.what) } " "
                    @if !kinds.is_empty() { span.chip { (kinds.join(", ")) } " " }
                    (day(&it.when)) ", "
                    @match &it.place { Some(place) => (place), None => (words.say("imaging-here")) }
                    @if let Some(conclusion) = &it.conclusion { ". " span.quiet { (conclusion) } }
                }
            }
        }
    }
}

/// A day of a fact, or that it is not known.
pub(crate) fn day_or(words: &Words, when: Option<&When>) -> Markup {
    html! { @match when { Some(when) => (day(when)), None => span.absent { (words.say("orders-unknown")) } } }
}

/// What can be done with a prescription that is taken: renew it, or put what the patient asks for into the queue.
/// `base` is the address of the chart.
pub(crate) fn of_prescription(visitor: &Visitor, base: &str, id: &str, name: &str) -> Markup {
    let words = visitor.words;
    if !may_write(&visitor.pen()) {
        return html! {};
    }
    let hidden = [("medication", id)];
    html! {
        div.buttons.no-print {
            (act_on(&section_address(base, "basket/renew"), &hidden, &words.say("orders-renew"), Some(name), Some("small")))
            details {
                summary { (words.say("orders-ask-renewal")) span.spoken { " " (name) } }
                form.stacked method="post" action=(section_address(base, "renewal")) {
                    input type="hidden" name="medication" value=(id);
                    input type="hidden" name="once" value=(visitor.once());
                    div.field {
                        label for={ "asks-" (id) } { (words.say("orders-renewal-note")) }
                        input id={ "asks-" (id) } name="reason" type="text" maxlength="300" autocomplete="off";
                    }
                    button type="submit" { (words.say("orders-ask-send")) }
                }
            }
            @if may_sign(&visitor.pen()) { details {
                summary { (words.say("pharmacy-stop")) span.spoken { " " (name) } }
                form.stacked method="post" action=(section_address(base, "medications/stop")) {
                    input type="hidden" name="medication" value=(id);
                    input type="hidden" name="once" value=(visitor.once());
                    div.field {
                        label for={ "stops-" (id) } { (words.say("pharmacy-stop-reason")) }
                        input id={ "stops-" (id) } name="reason" type="text" maxlength="300" autocomplete="off" required aria-describedby={ "stops-hint-" (id) };
                        p.hint id={ "stops-hint-" (id) } { (words.say("pharmacy-stop-hint")) }
                    }
                    button.danger type="submit" { (words.say("pharmacy-stop-send")) }
                }
            } }
        }
    }
}
