//! What the agreement of two persons is worth (Fellegi and Sunter 1969): each level of each field has a weight, the
//! logarithm of how much likelier it is among two records of one person than among records of two. A name that many
//! bear is worth less than a rare one (term frequency). The weights lie in `content/identity/weights.txt`; they were
//! learnt from invented registrations (`learn`), never from anybody's record.

use super::compare::{FIELDS, Field, LEVELS, Level, Pattern, compare};
use super::traits::Traits;
use std::collections::HashMap;
use std::sync::LazyLock;

static FILE: &str = include_str!("../../../../content/identity/weights.txt");

/// How often each level occurs among two records of one person (m), and of two persons (u).
pub type Shares = [[(f64, f64); 6]; 8];

static SHARES: LazyLock<Shares> = LazyLock::new(|| read(FILE).expect("the table that ships can be read"));

/// The weights in force.
pub fn shares() -> &'static Shares {
    &SHARES
}

pub(super) fn read(text: &str) -> Result<Shares, String> {
    let mut shares = [[(0.0, 0.0); 6]; 8];
    for line in text.lines().filter(|it| !it.starts_with('#') && !it.trim().is_empty()) {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [field, level, m, u] = columns[..] else { return Err(format!("not four columns: {line}")) };
        let field = FIELDS.iter().position(|it| it.name() == field).ok_or(format!("no such field: {line}"))?;
        let level = LEVELS.iter().position(|it| it.name() == level).ok_or(format!("no such level: {line}"))?;
        let share = |it: &str| it.parse::<f64>().map_err(|_| format!("not a number: {line}"));
        shares[field][level] = (share(m)?, share(u)?);
    }
    Ok(shares)
}

/// How many people of the record bear a name.
#[derive(Clone, Debug, Default)]
pub struct Frequencies {
    /// People in the record.
    pub people: u64,
    given: HashMap<String, u64>,
    family: HashMap<String, u64>,
}

/// As many people are presumed to have been seen before the record was looked at.
const PRESUMED: f64 = 200.0;

impl Frequencies {
    pub fn new(people: u64) -> Frequencies {
        Frequencies { people, ..Frequencies::default() }
    }

    /// So many bear this given or family name, written as one writes it.
    pub fn add(&mut self, field: Field, name: &str, count: u64) {
        let name: String = fhir::search::fold(name).chars().filter(|c| c.is_alphanumeric()).collect();
        let names = if field == Field::Given { &mut self.given } else { &mut self.family };
        *names.entry(name).or_default() += count;
    }

    fn share(&self, field: Field, name: &str, usual: f64) -> f64 {
        let names = if field == Field::Given { &self.given } else { &self.family };
        let count = names.get(name).copied().unwrap_or(0) as f64;
        (count + usual * PRESUMED) / (self.people as f64 + PRESUMED)
    }

    /// How unlikely it is that any two records are of one person, in bits: one among as many as there are.
    fn prior(&self) -> f64 {
        (self.people.max(1_000) as f64).log2()
    }
}

/// What one field says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    pub field: Field,
    pub level: Level,
    /// In bits: 1 makes it twice as likely.
    pub weight: f64,
}

/// How much speaks for one person, and what.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// What each field says that both records have.
    pub fields: Vec<Agreement>,
    pub bits: f64,
    /// Of how likely it is that they are one, given how many people there are.
    pub probability: f64,
}

/// From where on records are taken for one person's. In probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Linked without a look.
    pub automatic: f64,
    /// Somebody should look.
    pub review: f64,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds { automatic: 0.99, review: 0.5 }
    }
}

/// What comes of a score (FHIR R4 ValueSet match-grade).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    Certain,
    Probable,
    Possible,
    CertainlyNot,
}

impl Grade {
    pub fn code(self) -> &'static str {
        match self {
            Grade::Certain => "certain",
            Grade::Probable => "probable",
            Grade::Possible => "possible",
            Grade::CertainlyNot => "certainly-not",
        }
    }
}

/// What those who live together share speaks for the household, however often it says so.
const HOUSEHOLD: f64 = 12.0;

pub fn score(one: &Traits, other: &Traits, frequencies: &Frequencies) -> Score {
    scored(one, &compare(one, other), frequencies, shares())
}

pub(super) fn scored(one: &Traits, pattern: &Pattern, frequencies: &Frequencies, shares: &Shares) -> Score {
    let mut fields = Vec::with_capacity(8);
    for ((field, level), shares) in FIELDS.into_iter().zip(pattern).zip(shares) {
        let Some(level) = *level else { continue };
        let (m, u) = shares[LEVELS.iter().position(|it| *it == level).expect("one of the levels")];
        let borne = match (field, level) {
            (Field::Given, Level::Same) => one.first().map(|name| frequencies.share(field, name, u)),
            (Field::Family, Level::Same) => one.family.as_ref().map(|it| frequencies.share(field, &it.whole, u)),
            _ => None,
        };
        fields.push(Agreement { field, level, weight: (m / borne.unwrap_or(u)).log2() });
    }
    let home = |it: &&Agreement| matches!(it.field, Field::Home | Field::Phone | Field::Email);
    let household: f64 = fields.iter().filter(home).map(|it| it.weight).sum();
    let own: f64 = fields.iter().filter(|it| !home(it)).map(|it| it.weight).sum();
    let bits = own + household.min(HOUSEHOLD);
    let probability = 1.0 / (1.0 + (frequencies.prior() - bits).exp2());
    Score { fields, bits, probability }
}

impl Score {
    pub fn level(&self, field: Field) -> Option<Level> {
        self.fields.iter().find(|it| it.field == field).map(|it| it.level)
    }

    /// Out of 100, for people.
    pub fn percent(&self) -> u32 {
        // What is nearly sure is not quite sure.
        if self.probability >= 0.9999 { 100 } else { (self.probability * 100.0).floor() as u32 }
    }

    /// Whether what tells persons of one household apart agrees: twins share all but the given name, and a father and
    /// his son all but the day.
    fn is_personal(&self) -> bool {
        let number = self.level(Field::Number);
        let given = self.level(Field::Given);
        let born = self.level(Field::Born);
        let fits = |level: Option<Level>| !matches!(level, None | Some(Level::Other | Level::Part));
        let differs = |level: Option<Level>| level == Some(Level::Other);
        match number {
            // A child is registered under the number of a parent: then both the name and the day are others.
            Some(Level::Same | Level::Close) => !(differs(given) && differs(born)),
            Some(_) => fits(given) && fits(born),
            None => fits(given) && fits(born) && self.level(Field::Sex) != Some(Level::Other),
        }
    }

    pub fn grade(&self, thresholds: &Thresholds) -> Grade {
        if self.probability >= thresholds.automatic && self.is_personal() {
            Grade::Certain
        } else if self.probability >= thresholds.automatic {
            Grade::Probable
        } else if self.probability >= thresholds.review {
            Grade::Possible
        } else {
            Grade::CertainlyNot
        }
    }
}
