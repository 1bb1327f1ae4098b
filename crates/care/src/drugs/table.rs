//! The starter drug list: `content/drugs/drugs.txt`, read once.

use super::folded;
use crate::content::{self, Head, Line, cell};
use rust_decimal::Decimal;
use std::sync::LazyLock;

const TEXT: &str = include_str!("../../../../content/drugs/drugs.txt");

/// One ingredient, by the name of RxNorm where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingredient {
    pub name: String,
    /// RxNorm, where it was checked.
    pub code: Option<String>,
}

/// How much of an ingredient is in one unit of the form: 80 mg in a millilitre, 500 mg in a tablet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strength {
    pub amount: Decimal,
    pub unit: String,
}

/// What is handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Supply {
    /// Enough for so many days.
    Days(u32),
    /// So many of a unit: `30 g`, `1 inhaler`.
    Fixed(Decimal, String),
}

/// A drug in one strength and form, with how it is usually taken.
#[derive(Clone, Debug)]
pub struct Drug {
    /// `metformin-500-mg-tablet`.
    pub key: String,
    /// `metformin 500 mg tablet`.
    pub name: String,
    pub ingredients: Vec<Ingredient>,
    /// For duplicate therapy: `biguanide`.
    pub classes: Vec<String>,
    /// Of the Controlled Substances Act, 2 to 5.
    pub schedule: Option<u8>,
    /// As written: `400 mg/5 mL`.
    pub strength: String,
    /// One for each ingredient, where the strength says so.
    pub strengths: Vec<Strength>,
    pub form: String,
    pub dose: Decimal,
    pub timing: String,
    pub route: String,
    pub supply: Supply,
    pub refills: u32,
    /// RxNorm clinical drug, where it was checked.
    pub code: Option<String>,
    pub as_needed: Option<String>,
    /// How, by the keys of `content/orders/sig.txt`.
    pub how: Option<String>,
    /// By what it is found.
    pub(super) words: Vec<String>,
    /// Other names, each a phrase: brands, abbreviations.
    pub(super) also: Vec<String>,
}

impl Drug {
    /// In which unit a dose is counted: a tablet, a puff, a millilitre.
    pub fn dose_unit(&self) -> &str {
        crate::orders::sig::unit_of(&self.form)
    }
}

static DRUGS: LazyLock<Vec<Drug>> = LazyLock::new(|| read(TEXT).expect("content/drugs/drugs.txt is read by a test"));

/// All of the list, in its order.
pub fn all() -> &'static [Drug] {
    &DRUGS
}

pub fn by_key(key: &str) -> Option<&'static Drug> {
    DRUGS.iter().find(|it| it.key == key)
}

pub(crate) fn tell_drugs() -> Result<(Head, usize), String> {
    Ok((content::head_of_table(TEXT)?, read(TEXT)?.len()))
}

fn read(text: &str) -> Result<Vec<Drug>, String> {
    let mut drugs: Vec<Drug> = Vec::new();
    let mut section: Vec<&str> = Vec::new();
    for line in content::lines(text) {
        match line {
            Line::Section(cells) => section = cells,
            Line::Row(cells) => {
                let drug = drug(&section, &cells).ok_or_else(|| format!("the line `{}`", cells.join(" | ")))?;
                if drugs.iter().any(|it| it.key == drug.key) {
                    return Err(format!("{} stands twice", drug.key));
                }
                drugs.push(drug);
            }
        }
    }
    Ok(drugs)
}

fn drug(section: &[&str], cells: &[&str]) -> Option<Drug> {
    let names: Vec<&str> = section.first()?.split(" + ").map(str::trim).collect();
    let codes: Vec<&str> = section.get(1)?.split(" + ").map(str::trim).collect();
    let ingredients: Vec<Ingredient> = names
        .iter()
        .enumerate()
        .map(|(at, name)| Ingredient { name: (*name).to_owned(), code: cell(&codes, at).map(str::to_owned) })
        .collect();
    let listed = |at: usize| -> Vec<String> {
        cell(section, at).map_or(Vec::new(), |it| it.split(',').map(|it| it.trim().to_owned()).collect())
    };
    let (strength, form) = (cell(cells, 0)?, cell(cells, 1)?);
    let name = format!("{} {strength} {form}", names.join(" and "));
    let also = listed(4);
    let (supply, refills) = supply(cell(cells, 5)?)?;
    let mut words: Vec<String> = folded(&name).split(' ').map(str::to_owned).collect();
    words.extend(also.iter().flat_map(|it| folded(it).split(' ').map(str::to_owned).collect::<Vec<_>>()));
    Some(Drug {
        key: folded(&name).replace([' ', '.'], "-"),
        strengths: strengths(strength),
        strength: strength.to_owned(),
        classes: listed(2),
        schedule: cell(section, 3).map(str::parse).transpose().ok()?,
        form: form.to_owned(),
        dose: cell(cells, 2)?.parse().ok()?,
        timing: cell(cells, 3)?.to_owned(),
        route: cell(cells, 4)?.to_owned(),
        supply,
        refills,
        code: cell(cells, 6).map(str::to_owned),
        as_needed: cell(cells, 7).map(str::to_owned),
        how: cell(cells, 8).map(str::to_owned),
        ingredients,
        name,
        words,
        also,
    })
}

/// `90d x3`, `30 g x1`.
fn supply(text: &str) -> Option<(Supply, u32)> {
    let (what, refills) = text.rsplit_once(" x")?;
    let supply = match what.strip_suffix('d').and_then(|it| it.parse().ok()) {
        Some(days) => Supply::Days(days),
        None => {
            let (amount, unit) = what.split_once(' ')?;
            Supply::Fixed(amount.parse().ok()?, unit.to_owned())
        }
    };
    Some((supply, refills.parse().ok()?))
}

/// `325 mg / 5 mg` has two, `400 mg/5 mL` is 80 mg in each millilitre; a percentage says nothing of a dose.
fn strengths(text: &str) -> Vec<Strength> {
    let one = |part: &str| -> Option<Strength> {
        let (amount, unit) = part.trim().split_once(' ')?;
        let amount: Decimal = amount.parse().ok()?;
        match unit.split_once('/') {
            Some((unit, per)) => {
                let per: Decimal = per.split(' ').next()?.parse().unwrap_or(Decimal::ONE);
                Some(Strength { amount: amount / per, unit: unit.to_owned() })
            }
            None if unit == "%" => None,
            None => Some(Strength { amount, unit: unit.to_owned() }),
        }
    };
    text.split(" / ").filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_read_and_names_every_form_timing_and_route_of_directions() {
        let drugs = read(TEXT).unwrap();
        assert!(drugs.len() >= 200, "{}", drugs.len());
        for drug in &drugs {
            crate::orders::sig::known(drug).unwrap_or_else(|what| panic!("{}: {what} is not in sig.txt", drug.name));
            let codes = drug.ingredients.iter().filter_map(|it| it.code.as_ref()).chain(&drug.code);
            assert!(codes.into_iter().all(|it| it.bytes().all(|b| b.is_ascii_digit())), "{}", drug.name);
            assert!(drug.schedule.is_none_or(|it| (2..=5).contains(&it)), "{}", drug.name);
        }
    }

    #[test]
    fn a_strength_is_told_for_one_unit_of_the_form() {
        let check = |text: &str, wanted: &[(&str, &str)]| {
            let found: Vec<(String, String)> =
                strengths(text).into_iter().map(|it| (it.amount.normalize().to_string(), it.unit)).collect();
            let wanted: Vec<(String, String)> =
                wanted.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            assert_eq!(found, wanted, "{text}");
        };
        check("500 mg", &[("500", "mg")]);
        check("325 mg / 5 mg", &[("325", "mg"), ("5", "mg")]);
        check("400 mg/5 mL", &[("80", "mg")]);
        check("100 units/mL", &[("100", "units")]);
        check("0.1 %", &[]);
        check("28 day pack", &[("28", "day pack")]);
    }

    #[test]
    fn what_is_handed_out_is_days_or_a_package() {
        assert_eq!(supply("90d x3"), Some((Supply::Days(90), 3)));
        assert_eq!(supply("30 g x1"), Some((Supply::Fixed(Decimal::from(30), "g".into()), 1)));
        assert_eq!(supply("30 g"), None);
    }
}
