//! Drugs that are not given together: against what is taken, and against the rest of the basket.

use super::{Alert, DrugOrder, Known, Rule, Source, Tier};
use crate::drugs::{Pair, rules};
use std::collections::BTreeSet;

pub(super) fn check(order: &DrugOrder, known: &Known, others: &[&DrugOrder], alerts: &mut Vec<Alert>) {
    for taken in known.medicines.iter().filter(|it| !it.local && order.replaces.as_deref() != Some(&*it.about)) {
        if taken.ingredients.is_empty() {
            alerts.push(Alert {
                about: Some(taken.about.clone()),
                ..Alert::plain(Rule::UncheckedMedicine, Tier::Information, &taken.name)
            });
        }
        against(&order.ingredients, &taken.ingredients, &taken.name, Some(&taken.about), alerts);
    }
    for other in others.iter().filter(|it| !it.local) {
        against(&order.ingredients, &other.ingredients, &other.name, None, alerts);
    }
}

fn against(
    ordered: &BTreeSet<String>,
    other: &BTreeSet<String>,
    name: &str,
    about: Option<&str>,
    alerts: &mut Vec<Alert>,
) {
    let rules = rules();
    for pair in rules.pairs.iter().filter(|it| meet(it, ordered, other)) {
        alerts.push(Alert {
            effect: Some(pair.effect.clone()),
            action: Some(pair.action.clone()),
            about: about.map(str::to_owned),
            source: Source::of(&pair.rule, &rules.of_pairs),
            ..Alert::plain(Rule::Interaction, pair.tier, name)
        });
    }
}

/// One side of the pair is ordered and the other is there. A drug does not meet itself: the same one twice is a
/// duplicate.
fn meet(pair: &Pair, ordered: &BTreeSet<String>, other: &BTreeSet<String>) -> bool {
    let across = |a: &[String], b: &[String]| {
        let mine = a.iter().filter(|it| ordered.contains(*it));
        mine.into_iter().any(|mine| b.iter().any(|its| other.contains(its) && its != mine))
    };
    across(&pair.a, &pair.b) || across(&pair.b, &pair.a)
}
