//! What is known of drugs: the starter list with usual directions, which ingredients a medicine on the chart has, which
//! of them count as the same for an allergy, which are not given together, and how much is too much. The tables are in
//! `content/drugs/`; everything here is a look-up. A drug that is not in them is not known, which is never told as safe.

mod recognise;
mod rules;
mod table;

pub use recognise::{Recognised, is_local, recognise};
pub use rules::{AllergyClass, Cross, DoseLimit, Pair, Rules, Same, rules};
pub(crate) use rules::{tell_allergies, tell_doses, tell_duplicates, tell_interactions};
pub(crate) use table::tell_drugs;
pub use table::{Drug, Ingredient, Strength, Supply, all, by_key};

pub(crate) const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";

/// Drugs whose names have words that begin with all of these, the closest first.
pub fn search(words: &str, limit: usize) -> Vec<&'static Drug> {
    let wanted: Vec<String> = folded(words).split_whitespace().map(str::to_owned).collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<(usize, usize, &Drug)> = all()
        .iter()
        .enumerate()
        .filter_map(|(at, drug)| {
            let fits = wanted.iter().all(|word| drug.words.iter().any(|it| it.starts_with(word.as_str())));
            let first = drug.words.first().is_some_and(|it| it.starts_with(wanted[0].as_str()));
            // One ingredient before several, what begins so before what merely has such a word.
            fits.then_some((usize::from(!first) * 2 + usize::from(drug.ingredients.len() > 1), at, drug))
        })
        .collect();
    found.sort_by_key(|(rank, at, _)| (*rank, *at));
    found.into_iter().take(limit).map(|(_, _, drug)| drug).collect()
}

/// The schedule of the Controlled Substances Act (2 to 5) of a medicine on a chart: of the drug by its code, else the
/// strictest of those with just its ingredients.
pub fn schedule_of(concept: &serde_json::Value) -> Option<u8> {
    let codes = crate::chart::element::list(concept, "coding").iter().filter_map(|it| it["code"].as_str());
    let by_code = codes.filter_map(|code| all().iter().find(|it| it.code.as_deref() == Some(code))).next();
    if let Some(drug) = by_code {
        return drug.schedule;
    }
    let means = recognise(concept);
    let same = |drug: &&Drug| {
        drug.ingredients.len() == means.ingredients.len()
            && drug.ingredients.iter().all(|it| means.ingredients.contains(&it.name))
    };
    if means.ingredients.is_empty() { None } else { all().iter().filter(same).filter_map(|it| it.schedule).min() }
}

/// Lower case, with single spaces between words of letters and digits.
pub(crate) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() || c == '.' {
            out.extend(c.to_lowercase());
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests;
