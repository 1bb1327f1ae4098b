//! `Observation/$lastn`: the latest observations of each code.
//!
//! FHIR R4, observation-operation-lastn.html.

use super::input::Input;
use crate::fhir::Ask;
use crate::fhir::search::{self, Scope};
use crate::refusal::{Answer, Refusal};
use crate::reply::Reply;
use ::fhir::search::query::{Sort, SortBy};

pub(super) async fn last_n(mut ask: Ask<'_>) -> Answer<Reply> {
    let mut input = Input::take(&mut ask).await?;
    let n = match input.text("max")? {
        None => 1,
        Some(text) => {
            let max = ask.door.settings.max_count;
            text.parse()
                .ok()
                .filter(|n| (1..=max).contains(n))
                .ok_or_else(|| Refusal::invalid(format!("max is a whole number from 1 to {max}")))?
        }
    };
    let pairs = input.rest()?;
    let has = |names: &[&str]| {
        pairs.iter().any(|(name, _)| {
            let name = name.split([':', '.']).next().unwrap_or("");
            names.contains(&name)
        })
    };
    // Without these it would be a walk over every observation there is (the standard requires them).
    if !has(&["patient", "subject"]) || !has(&["category", "code", "combo-code"]) {
        return Err(Refusal::invalid("name the patient or subject, and a category or code"));
    }
    let kind = ask.matched.kind();
    let (mut query, issues) = search::understand(ask.door, Scope::Kind(kind), pairs, ask.conditions.handling)?;
    // "Last" is by the time of the observation (the search parameter `date`), whatever `_sort` says.
    let registry = ask.door.store().registry();
    let date = registry.param(kind, "date").expect("the standard gives observations a date");
    let slots = date.sources.iter().map(|source| source.slot).collect();
    query.sort = vec![Sort { by: SortBy::Slots(slots), descending: true }];
    let page = ask.door.store().last_n(ask.caller, &query, n).await?;
    let mut told = query;
    if n != 1 {
        told.understood.push(("max".into(), n.to_string()));
    }
    Ok(search::searchset(ask.door, "Observation/$lastn", &told, None, page, &issues))
}
