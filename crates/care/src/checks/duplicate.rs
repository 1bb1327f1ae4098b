//! The same twice: a medicine that is taken already, a class that is, a test whose result is there or on its way.

use super::{Alert, DrugOrder, Earlier, Known, Rule, Source, TestOrder, Tier};
use crate::drugs::{Rules, rules};
use crate::imaging;
use std::collections::BTreeSet;

pub(super) fn therapy(order: &DrugOrder, known: &Known, others: &[&DrugOrder], alerts: &mut Vec<Alert>) {
    for taken in known.medicines.iter().filter(|it| order.replaces.as_deref() != Some(&*it.about)) {
        let there =
            Side { name: &taken.name, ingredients: &taken.ingredients, classes: &taken.classes, local: taken.local };
        alerts.extend(against(order, &there).map(|it| Alert { about: Some(taken.about.clone()), ..it }));
    }
    for other in others {
        let there =
            Side { name: &other.name, ingredients: &other.ingredients, classes: &other.classes, local: other.local };
        alerts.extend(against(order, &there));
    }
}

struct Side<'a> {
    name: &'a str,
    ingredients: &'a BTreeSet<String>,
    classes: &'a BTreeSet<String>,
    local: bool,
}

fn against(order: &DrugOrder, there: &Side<'_>) -> Option<Alert> {
    // An ointment beside a tablet is no duplicate.
    if order.local != there.local {
        return None;
    }
    let rules = rules();
    let told = |rule: Rule, tier: Tier, what: &str, action: Option<String>| Alert {
        action,
        source: Source::of(what, &rules.of_duplicates),
        ..Alert::plain(rule, tier, there.name)
    };
    if let Some(same) = order.ingredients.intersection(there.ingredients).next() {
        return Some(told(Rule::SameDrug, Tier::Reason, same, None));
    }
    let class = order.classes.intersection(there.classes).find(|it| !rules.ignored.contains(it));
    if let Some(class) = class {
        return Some(told(Rule::DuplicateTherapy, tier(rules, class), class, None));
    }
    let of = |classes: &BTreeSet<String>, all: &[String]| all.iter().any(|it| classes.contains(it));
    let same = rules.same.iter().find(|it| of(&order.classes, &it.classes) && of(there.classes, &it.classes))?;
    Some(told(Rule::DuplicateTherapy, Tier::Reason, &same.classes.join(", "), Some(same.action.clone())))
}

fn tier(rules: &Rules, class: &str) -> Tier {
    if rules.with_reason.iter().any(|it| it == class) { Tier::Reason } else { Tier::Information }
}

pub(super) fn test(order: &TestOrder, known: &Known, alerts: &mut Vec<Alert>) {
    let shared = |codes: &[String]| codes.iter().any(|it| order.codes.contains(it));
    if let Some(pending) = known.pending.iter().find(|it| shared(&it.codes)) {
        let earlier = pending.ordered.map(|when| Earlier { value: String::new(), when, by: None });
        alerts.push(Alert {
            earlier,
            about: Some(pending.about.clone()),
            ..Alert::plain(Rule::AlreadyOrdered, Tier::Reason, &pending.name)
        });
    }
    let Some(today) = known.today else { return };
    let fresh = |when: &crate::chart::When| when.days_before(today).is_some_and(|it| it <= i64::from(order.days));
    let done = known.results.iter().filter(|it| order.days > 0 && shared(&it.codes) && fresh(&it.when));
    if let Some(done) = done.max_by_key(|it| it.when.at()) {
        alerts.push(Alert {
            earlier: Some(Earlier { value: done.value.clone(), when: done.when, by: done.by.clone() }),
            about: Some(done.about.clone()),
            ..Alert::plain(Rule::DuplicateTest, Tier::Information, &done.name)
        });
    }
}

/// Earlier images of the same part of the body, with the way to look at them. They take the place of the single earlier
/// result, which is among them.
pub(super) fn images(order: &TestOrder, known: &Known, alerts: &mut Vec<Alert>) {
    let (Some(body), Some(today)) = (&order.body, known.today) else { return };
    let images = imaging::priors(body, &known.imaged, today);
    let Some(first) = images.first() else { return };
    alerts.retain(|it| it.rule != Rule::DuplicateTest);
    let with = first.what.clone();
    alerts.push(Alert { images, ..Alert::plain(Rule::EarlierImages, Tier::Information, &with) });
}
