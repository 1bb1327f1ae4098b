//! The rules that orders are checked against, read once from `content/drugs/`: allergy classes, interactions, duplicate
//! therapy, dose limits.

use crate::checks::Tier;
use crate::content::{self, Head, Line, cell};
use rust_decimal::Decimal;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

const ALLERGIES: &str = include_str!("../../../../content/drugs/allergies.toml");
const INTERACTIONS: &str = include_str!("../../../../content/drugs/interactions.toml");
const DUPLICATES: &str = include_str!("../../../../content/drugs/duplicates.toml");
const DOSES: &str = include_str!("../../../../content/drugs/doses.txt");

/// Drugs that count as the same for somebody who is allergic.
#[derive(Clone, Debug, Deserialize)]
pub struct AllergyClass {
    pub name: String,
    /// By which people name the whole class.
    pub words: Vec<String>,
    pub members: Vec<String>,
}

/// What else may react.
#[derive(Clone, Debug, Deserialize)]
pub struct Cross {
    pub from: String,
    pub to: String,
    pub tier: Tier,
    pub action: String,
}

/// Two groups of ingredients that are not given together.
#[derive(Clone, Debug)]
pub struct Pair {
    pub rule: String,
    pub a: Vec<String>,
    pub b: Vec<String>,
    pub tier: Tier,
    pub effect: String,
    pub action: String,
}

/// Different classes that do the same.
#[derive(Clone, Debug, Deserialize)]
pub struct Same {
    pub classes: Vec<String>,
    pub action: String,
}

/// The most of an ingredient in a day.
#[derive(Clone, Debug)]
pub struct DoseLimit {
    pub ingredient: String,
    /// In years: from, and below.
    pub ages: (u32, u32),
    pub most: Decimal,
    pub unit: String,
    /// For each kilogram.
    pub most_per_kg: Option<Decimal>,
    /// What is usual a day for each kilogram, from and to.
    pub usual_per_kg: Option<(Decimal, Decimal)>,
    pub tier: Tier,
    pub action: String,
}

/// All of them, with where each set comes from.
#[derive(Debug)]
pub struct Rules {
    pub allergies: Vec<AllergyClass>,
    pub crosses: Vec<Cross>,
    pub pairs: Vec<Pair>,
    /// Classes of which two together need a reason.
    pub with_reason: Vec<String>,
    pub ignored: Vec<String>,
    pub same: Vec<Same>,
    pub doses: Vec<DoseLimit>,
    pub of_allergies: Head,
    pub of_pairs: Head,
    pub of_duplicates: Head,
    pub of_doses: Head,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let read = || -> Result<Rules, String> {
        let (of_allergies, allergies) = read_allergies()?;
        let (of_pairs, pairs) = read_pairs()?;
        let (of_duplicates, duplicates) = read_duplicates()?;
        let (of_doses, doses) = read_doses()?;
        Ok(Rules {
            allergies: allergies.class,
            crosses: allergies.cross,
            pairs,
            with_reason: duplicates.reason,
            ignored: duplicates.ignore,
            same: duplicates.same,
            doses,
            of_allergies,
            of_pairs,
            of_duplicates,
            of_doses,
        })
    };
    read().unwrap_or_else(|why| panic!("content/drugs, which tests read: {why}"))
});

pub fn rules() -> &'static Rules {
    &RULES
}

impl Rules {
    /// The classes an ingredient belongs to for an allergy.
    pub fn allergy_classes_of<'a>(&'a self, ingredient: &'a str) -> impl Iterator<Item = &'a AllergyClass> {
        self.allergies.iter().filter(move |it| it.members.iter().any(|member| member == ingredient))
    }
}

#[derive(Deserialize)]
struct Allergies {
    class: Vec<AllergyClass>,
    cross: Vec<Cross>,
}

#[derive(Deserialize)]
struct Duplicates {
    #[serde(default)]
    same: Vec<Same>,
    #[serde(default)]
    reason: Vec<String>,
    #[serde(default)]
    ignore: Vec<String>,
}

fn toml_of<T: for<'a> Deserialize<'a>>(text: &str) -> Result<(Head, T), String> {
    let table: toml::Table = text.parse().map_err(|it: toml::de::Error| it.message().to_owned())?;
    let head = content::head_of_toml(&table)?;
    let read = toml::from_str(text).map_err(|it| it.message().to_owned())?;
    Ok((head, read))
}

fn read_allergies() -> Result<(Head, Allergies), String> {
    toml_of(ALLERGIES)
}

fn read_duplicates() -> Result<(Head, Duplicates), String> {
    #[derive(Deserialize)]
    struct File {
        set: Duplicates,
        #[serde(default)]
        same: Vec<Same>,
    }
    let (head, file): (Head, File) = toml_of(DUPLICATES)?;
    Ok((head, Duplicates { same: file.same, ..file.set }))
}

fn read_pairs() -> Result<(Head, Vec<Pair>), String> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Side {
        Group(String),
        Names(Vec<String>),
    }
    #[derive(Deserialize)]
    struct Written {
        rule: String,
        a: Side,
        b: Side,
        tier: Tier,
        effect: String,
        action: String,
    }
    #[derive(Deserialize)]
    struct File {
        groups: BTreeMap<String, Vec<String>>,
        pair: Vec<Written>,
    }
    let (head, file): (Head, File) = toml_of(INTERACTIONS)?;
    let names = |side: Side| match side {
        Side::Names(names) => Ok(names),
        Side::Group(group) => file.groups.get(&group).cloned().ok_or(format!("there is no group {group}")),
    };
    let mut pairs = Vec::new();
    for Written { rule, a, b, tier, effect, action } in file.pair {
        pairs.push(Pair { rule, a: names(a)?, b: names(b)?, tier, effect, action });
    }
    Ok((head, pairs))
}

fn read_doses() -> Result<(Head, Vec<DoseLimit>), String> {
    let mut limits = Vec::new();
    for line in content::lines(DOSES) {
        let Line::Row(cells) = line else { return Err("dose limits have no sections".into()) };
        limits.push(limit(&cells).ok_or_else(|| format!("the line `{}`", cells.join(" | ")))?);
    }
    Ok((content::head_of_table(DOSES)?, limits))
}

fn limit(cells: &[&str]) -> Option<DoseLimit> {
    let usual = match cell(cells, 6) {
        Some(span) => {
            let (from, to) = span.split_once('-')?;
            Some((from.parse().ok()?, to.parse().ok()?))
        }
        None => None,
    };
    Some(DoseLimit {
        ingredient: cell(cells, 0)?.to_owned(),
        ages: (cell(cells, 1)?.parse().ok()?, cell(cells, 2)?.parse().ok()?),
        most: cell(cells, 3)?.parse().ok()?,
        unit: cell(cells, 4)?.to_owned(),
        most_per_kg: cell(cells, 5).map(str::parse).transpose().ok()?,
        usual_per_kg: usual,
        tier: Tier::parse(cell(cells, 7)?)?,
        action: cell(cells, 8)?.to_owned(),
    })
}

pub(crate) fn tell_allergies() -> Result<(Head, usize), String> {
    read_allergies().map(|(head, read)| (head, read.class.len()))
}

pub(crate) fn tell_interactions() -> Result<(Head, usize), String> {
    read_pairs().map(|(head, read)| (head, read.len()))
}

pub(crate) fn tell_duplicates() -> Result<(Head, usize), String> {
    read_duplicates().map(|(head, read)| (head, read.reason.len()))
}

pub(crate) fn tell_doses() -> Result<(Head, usize), String> {
    read_doses().map(|(head, read)| (head, read.len()))
}
