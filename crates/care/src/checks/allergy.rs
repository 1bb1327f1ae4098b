//! Allergy to the ingredient, to its class, or to something that may react alike.

use super::{Alert, DrugOrder, Known, KnownAllergy, Rule, Source, Tier};
use crate::chart::Criticality;
use crate::drugs::{Rules, rules};
use std::collections::BTreeSet;

pub(super) fn check(order: &DrugOrder, known: &Known, alerts: &mut Vec<Alert>) {
    if !known.allergies_asked {
        alerts.push(Alert::plain(Rule::AllergiesUnknown, Tier::Information, &order.name));
    }
    let rules = rules();
    for allergy in &known.outside_allergies {
        // Not known to be true, so it stops nothing; not to be overlooked either.
        if let Some(found) = direct(order, allergy, rules).or_else(|| cross(order, allergy, rules)) {
            let with = match &allergy.source {
                Some(source) => format!("{} ({source})", allergy.name),
                None => allergy.name.clone(),
            };
            alerts.push(Alert { rule: Rule::OutsideAllergy, tier: Tier::Information, with, ..found });
        }
    }
    for allergy in &known.allergies {
        if let Some(alert) = direct(order, allergy, rules).or_else(|| cross(order, allergy, rules)) {
            alerts.push(alert);
        }
    }
}

/// The classes that an allergy speaks of, as a whole or by a member.
fn classes_of<'a>(allergy: &'a KnownAllergy, rules: &'a Rules) -> BTreeSet<&'a str> {
    let by_member = allergy.means.ingredients.iter().flat_map(|it| rules.allergy_classes_of(it));
    by_member.map(|it| it.name.as_str()).chain(allergy.means.allergy_classes.iter().map(String::as_str)).collect()
}

fn classes_of_order<'a>(order: &'a DrugOrder, rules: &'a Rules) -> BTreeSet<&'a str> {
    order.ingredients.iter().flat_map(|it| rules.allergy_classes_of(it)).map(|it| it.name.as_str()).collect()
}

fn direct(order: &DrugOrder, allergy: &KnownAllergy, rules: &Rules) -> Option<Alert> {
    let same = order.ingredients.intersection(&allergy.means.ingredients).next().is_some();
    let ordered = classes_of_order(order, rules);
    let of_class = classes_of(allergy, rules).into_iter().find(|it| ordered.contains(it));
    let tier = match (same, of_class.is_some(), allergy.intolerance, allergy.criticality) {
        (false, false, ..) => return None,
        // What was bad once and is no allergy: a relative of it is worth a thought, no more.
        (false, true, true, _) => Tier::Information,
        (true, _, true, _) => Tier::Reason,
        (.., false, Criticality::High) => Tier::Stop,
        _ => Tier::Reason,
    };
    let effect = of_class.filter(|_| !same).map(|it| it.to_owned());
    Some(Alert {
        effect,
        about: Some(format!("AllergyIntolerance/{}", allergy.id)),
        source: Source::of("allergy", &rules.of_allergies),
        ..Alert::plain(Rule::Allergy, tier, &allergy.name)
    })
}

fn cross(order: &DrugOrder, allergy: &KnownAllergy, rules: &Rules) -> Option<Alert> {
    let (from, to) = (classes_of(allergy, rules), classes_of_order(order, rules));
    let cross = rules.crosses.iter().find(|it| from.contains(it.from.as_str()) && to.contains(it.to.as_str()))?;
    let tier = if allergy.intolerance { Tier::Information } else { cross.tier };
    Some(Alert {
        action: Some(cross.action.clone()),
        effect: Some(cross.to.clone()),
        about: Some(format!("AllergyIntolerance/{}", allergy.id)),
        source: Source::of(format!("cross {} {}", cross.from, cross.to), &rules.of_allergies),
        ..Alert::plain(Rule::CrossReaction, tier, &allergy.name)
    })
}
