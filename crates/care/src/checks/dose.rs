//! How much in a day: of each ingredient over all orders of the basket, against the limits for the age and the weight.

use super::{Alert, DrugOrder, Known, Rule, Source, Tier};
use crate::drugs::{DoseLimit, rules};
use rust_decimal::Decimal;

pub(super) fn check(order: &DrugOrder, known: &Known, others: &[&DrugOrder], alerts: &mut Vec<Alert>) {
    let Some(age) = known.age else { return };
    let rules = rules();
    for ingredient in &order.ingredients {
        let limit = rules.doses.iter().find(|it| it.ingredient == *ingredient && it.ages.0 <= age && age < it.ages.1);
        let Some(limit) = limit else { continue };
        let source = Source::of(ingredient, &rules.of_doses);
        let told = |rule: Rule, tier: Tier| Alert {
            action: Some(limit.action.clone()),
            source: source.clone(),
            ..Alert::plain(rule, tier, ingredient)
        };
        if limit.most.is_zero() {
            alerts.push(told(Rule::Age, limit.tier));
            continue;
        }
        let weight = known.weight.as_ref().map(|it| it.kilograms);
        if limit.most_per_kg.is_some() && weight.is_none() {
            alerts.push(told(Rule::NoWeight, Tier::Reason));
        }
        let Some(daily) = daily(ingredient, &limit.unit, order, others) else { continue };
        let most = most(limit, weight);
        if daily > most {
            alerts.push(Alert {
                amounts: Some((amount(daily, limit), amount(most, limit))),
                ..told(Rule::Dose, limit.tier)
            });
        } else if let (Some((from, to)), Some(weight)) = (limit.usual_per_kg, weight)
            && (daily < from * weight || daily > to * weight)
            && daily < limit.most
        {
            let usual = format!("{}–{}", shown(from * weight), amount(to * weight, limit));
            alerts.push(Alert {
                amounts: Some((amount(daily, limit), usual)),
                ..told(Rule::UnusualDose, Tier::Information)
            });
        }
    }
}

/// The most in a day for this weight.
fn most(limit: &DoseLimit, weight: Option<Decimal>) -> Decimal {
    match (limit.most_per_kg, weight) {
        (Some(each), Some(weight)) => (each * weight).min(limit.most),
        _ => limit.most,
    }
}

/// The ingredient in a day over this order and the others; none when this order does not say.
fn daily(ingredient: &str, unit: &str, order: &DrugOrder, others: &[&DrugOrder]) -> Option<Decimal> {
    let of = |order: &DrugOrder| {
        let parts = order.daily.iter().filter(|it| it.0 == ingredient);
        let parts: Vec<Decimal> = parts.filter_map(|(_, amount, its)| converted(*amount, its, unit)).collect();
        (!parts.is_empty()).then(|| parts.into_iter().sum::<Decimal>())
    };
    let own = of(order)?;
    Some(own + others.iter().filter_map(|it| of(it)).sum::<Decimal>())
}

fn converted(amount: Decimal, from: &str, to: &str) -> Option<Decimal> {
    let size = |unit: &str| match unit {
        "g" => Some(Decimal::from(1_000_000)),
        "mg" => Some(Decimal::from(1_000)),
        "mcg" => Some(Decimal::ONE),
        _ => None,
    };
    if from == to {
        return Some(amount);
    }
    Some(amount * size(from)? / size(to)?)
}

fn amount(number: Decimal, limit: &DoseLimit) -> String {
    format!("{} {}", shown(number), limit.unit)
}

fn shown(number: Decimal) -> String {
    number.round_dp(2).normalize().to_string()
}
