//! How the weights are learnt: what two records of one person agree in, by expectation maximisation (Dempster, Laird and
//! Rubin 1977; Winkler 1988) over pairs that share a key, without being told which are of one person; what those of two
//! agree in, from pairs drawn by chance. The same registrations give the same weights.

use super::compare::{FIELDS, LEVELS, Pattern, compare};
use super::keys::keys;
use super::score::Shares;
use super::traits::Traits;
use std::collections::{HashMap, HashSet};

/// A level that was never seen is presumed to have been seen this often.
const LEAST: f64 = 0.5;
const ROUNDS: usize = 200;
/// Pairs drawn by chance.
const CHANCE: usize = 400_000;
/// A key that more records share says too little.
const BLOCK: usize = 60;

/// The shares that describe these registrations best.
pub fn learn(people: &[Traits]) -> Shares {
    let u = by_chance(people);
    let mut patterns: HashMap<Pattern, f64> = HashMap::new();
    for (one, other) in pairs(people) {
        *patterns.entry(compare(&people[one], &people[other])).or_default() += 1.0;
    }
    let mut patterns: Vec<(Pattern, f64)> = patterns.into_iter().collect();
    patterns.sort_by_key(|it| it.0);
    let total: f64 = patterns.iter().map(|it| it.1).sum();
    // Among those that share a key, records of two persons agree in more than by chance; they are a third kind.
    let mut m = [[0.05; 6]; 8];
    let mut near = [[1.0 / 6.0; 6]; 8];
    for field in &mut m {
        field[0] = 0.75;
    }
    let mut share = 0.2;
    for _ in 0..ROUNDS {
        let mut seen = [[LEAST; 6]; 8];
        let mut unseen = [[LEAST; 6]; 8];
        let mut of_one = 0.0;
        for (pattern, count) in &patterns {
            let likelihood = |table: &[[f64; 6]; 8]| {
                pattern.iter().zip(table).filter_map(|(level, table)| Some(table[(*level)? as usize])).product::<f64>()
            };
            let (yes, no) = (share * likelihood(&m), (1.0 - share) * likelihood(&near));
            let weight = count * yes / (yes + no);
            of_one += weight;
            for (at, level) in pattern.iter().enumerate() {
                if let Some(level) = level {
                    seen[at][*level as usize] += weight;
                    unseen[at][*level as usize] += count - weight;
                }
            }
        }
        share = (of_one / total).clamp(0.001, 0.999);
        m = normal(seen);
        near = normal(unseen);
    }
    let mut shares = [[(0.0, 0.0); 6]; 8];
    for field in 0..FIELDS.len() {
        for level in 0..LEVELS.len() {
            shares[field][level] = (m[field][level], u[field][level]);
        }
    }
    shares
}

fn normal(counts: [[f64; 6]; 8]) -> [[f64; 6]; 8] {
    counts.map(|field| {
        let total: f64 = field.iter().sum();
        field.map(|it| it / total)
    })
}

fn by_chance(people: &[Traits]) -> [[f64; 6]; 8] {
    let mut seen = [[LEAST; 6]; 8];
    let mut at = 1_u64;
    for _ in 0..CHANCE {
        let mut draw = || {
            at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((u128::from(at) * people.len() as u128) >> 64) as usize
        };
        let (one, other) = (draw(), draw());
        for (at, level) in compare(&people[one], &people[other]).into_iter().enumerate() {
            if let Some(level) = level.filter(|_| one != other) {
                seen[at][level as usize] += 1.0;
            }
        }
    }
    normal(seen)
}

/// The pairs that share a key, each once, in order.
pub fn pairs(people: &[Traits]) -> Vec<(usize, usize)> {
    let mut blocks: HashMap<i64, Vec<usize>> = HashMap::new();
    for (at, person) in people.iter().enumerate() {
        for key in keys(person) {
            blocks.entry(key).or_default().push(at);
        }
    }
    let mut found = HashSet::new();
    for block in blocks.values().filter(|it| it.len() <= BLOCK) {
        for (at, one) in block.iter().enumerate() {
            found.extend(block[at + 1..].iter().map(|other| (*one, *other)));
        }
    }
    let mut found: Vec<(usize, usize)> = found.into_iter().collect();
    found.sort_unstable();
    found
}

/// As the table of weights is written.
pub fn table(shares: &Shares) -> String {
    let mut out = String::new();
    for (field, shares) in FIELDS.iter().zip(shares) {
        for (level, (m, u)) in LEVELS.iter().zip(shares) {
            out.push_str(&format!("{} | {} | {m:.6} | {u:.8}\n", field.name(), level.name()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::Registrations;
    use crate::identity::score::shares;

    #[test]
    fn the_weights_that_ship_are_those_learnt_from_our_own_registrations() {
        let registrations = Registrations::new(20_261_122);
        let mut people = Vec::new();
        for number in 0..6_000 {
            people.push(Traits::of(&registrations.patient(number)));
            if number % 3 == 0 {
                people.push(Traits::of(&registrations.again(number, 1)));
            }
        }
        let learnt = learn(&people);
        let table = table(&learnt);
        for (at, (ours, learnt)) in shares().iter().zip(&learnt).enumerate() {
            for ((level, (m, u)), (new_m, new_u)) in LEVELS.iter().zip(ours).zip(learnt) {
                let (old, new) = ((m / u).log2(), (new_m / new_u).log2());
                let name = FIELDS[at].name();
                assert!(
                    (old - new).abs() < 0.05,
                    "{name} {level:?}: {old} {new}; content/identity/weights.txt:\n{table}"
                );
            }
        }
    }
}
