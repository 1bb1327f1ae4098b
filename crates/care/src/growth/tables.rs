//! The numbers behind growth charts: L, M and S of the WHO standards (birth to two years) and of the CDC charts (two to
//! twenty years), read once from `content/growth`. Sources and editions stand at the head of those files.

use crate::content::{Head, head_of_table};
use std::collections::HashMap;
use std::sync::LazyLock;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    Weight,
    /// Lying under two years, standing from then on.
    Length,
    Head,
    Bmi,
    WeightForLength,
}

impl Measure {
    pub const ALL: [Measure; 5] =
        [Measure::Weight, Measure::Length, Measure::Head, Measure::Bmi, Measure::WeightForLength];

    /// Its name in the tables and in addresses.
    pub fn slug(self) -> &'static str {
        match self {
            Measure::Weight => "weight",
            Measure::Length => "length",
            Measure::Head => "head",
            Measure::Bmi => "bmi",
            Measure::WeightForLength => "weight-for-length",
        }
    }

    pub fn parse(slug: &str) -> Option<Measure> {
        Measure::ALL.into_iter().find(|it| it.slug() == slug)
    }

    pub fn unit(self) -> &'static str {
        match self {
            Measure::Weight | Measure::WeightForLength => "kg",
            Measure::Length | Measure::Head => "cm",
            Measure::Bmi => "kg/m2",
        }
    }
}

/// The sex whose curves are used: that recorded at birth, else the administrative one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sex {
    Male,
    Female,
}

/// Whose numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// WHO Child Growth Standards 2006, by age in days, or by length in centimetres.
    Who,
    /// CDC growth charts 2000 with the extended BMI of 2022, by age in months.
    Cdc,
}

/// One line of a table: Cole's lambda, mu and sigma at one age, and for BMI of CDC the scale of what lies above the
/// 95th percentile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lms {
    pub l: f64,
    pub m: f64,
    pub s: f64,
    pub above: Option<f64>,
}

struct Table {
    /// Ages or lengths, growing.
    at: Vec<f64>,
    lms: Vec<Lms>,
}

type Key = (Reference, Measure, Sex);

const WHO: &str = include_str!("../../../../content/growth/who-0-2.txt");
const CDC: &str = include_str!("../../../../content/growth/cdc-2-20.txt");

static TABLES: LazyLock<HashMap<Key, Table>> = LazyLock::new(|| {
    let mut tables = HashMap::new();
    read(&mut tables, Reference::Who, WHO);
    read(&mut tables, Reference::Cdc, CDC);
    tables
});

/// What a reference says of itself, and how many rows it has.
pub(crate) fn tell(reference: Reference) -> Result<(Head, usize), String> {
    let text = match reference {
        Reference::Who => WHO,
        Reference::Cdc => CDC,
    };
    let rows = TABLES.iter().filter(|((of, ..), _)| *of == reference).map(|(_, table)| table.at.len()).sum();
    Ok((head_of_table(text)?, rows))
}

fn read(tables: &mut HashMap<Key, Table>, reference: Reference, text: &str) {
    let mut current: Option<Key> = None;
    for line in text.lines().filter(|it| !it.starts_with(['#', '@']) && !it.is_empty()) {
        if let Some(head) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            let words: Vec<&str> = head.split('|').map(str::trim).collect();
            let measure = Measure::parse(words[0]).expect("content/growth: a measure we know");
            let sex = match words[1] {
                "male" => Sex::Male,
                "female" => Sex::Female,
                other => panic!("content/growth: {other} is no sex of a table"),
            };
            current = Some((reference, measure, sex));
            continue;
        }
        let numbers: Vec<f64> =
            line.split(' ').map(|it| it.parse().expect("content/growth: rows are numbers")).collect();
        let [at, l, m, s] = [0, 1, 2, 3].map(|it| numbers[it]);
        let key = current.expect("content/growth: a head comes before rows");
        let table = tables.entry(key).or_insert_with(|| Table { at: Vec::new(), lms: Vec::new() });
        table.at.push(at);
        table.lms.push(Lms { l, m, s, above: numbers.get(4).copied() });
    }
}

/// From where to where a table goes: days for WHO, months for CDC, centimetres for weight-for-length.
pub fn span(reference: Reference, measure: Measure, sex: Sex) -> Option<(f64, f64)> {
    let table = TABLES.get(&(reference, measure, sex))?;
    Some((*table.at.first()?, *table.at.last()?))
}

/// L, M and S at a point of a table; between its rows they are taken as straight lines. Nothing outside of it.
pub fn lms(reference: Reference, measure: Measure, sex: Sex, at: f64) -> Option<Lms> {
    let table = TABLES.get(&(reference, measure, sex))?;
    let above = table.at.partition_point(|it| *it <= at);
    let below = above.checked_sub(1)?;
    if above == table.at.len() {
        return (table.at[below] == at).then(|| table.lms[below]);
    }
    let (a, b) = (table.lms[below], table.lms[above]);
    let share = (at - table.at[below]) / (table.at[above] - table.at[below]);
    let between = |a: f64, b: f64| a + share * (b - a);
    Some(Lms {
        l: between(a.l, b.l),
        m: between(a.m, b.m),
        s: between(a.s, b.s),
        above: a.above.zip(b.above).map(|(a, b)| between(a, b)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_there_and_its_rows_are_in_order() {
        assert_eq!(TABLES.len(), 18, "five measures of WHO and four of CDC for both sexes");
        for (key, table) in TABLES.iter() {
            assert!(table.at.len() > 10, "{key:?}");
            assert!(table.at.windows(2).all(|it| it[0] < it[1]), "{key:?}");
            assert!(table.lms.iter().all(|it| it.m > 0.0 && (0.01..0.3).contains(&it.s)), "{key:?}");
            assert_eq!(table.lms.iter().all(|it| it.above.is_some()), key.0 == Reference::Cdc && key.1 == Measure::Bmi);
        }
    }

    #[test]
    fn nothing_is_said_outside_a_table() {
        assert_eq!(lms(Reference::Who, Measure::Weight, Sex::Male, -1.0), None);
        assert!(lms(Reference::Who, Measure::Weight, Sex::Male, 730.0).is_some());
        assert_eq!(lms(Reference::Who, Measure::Weight, Sex::Male, 731.0), None);
        assert_eq!(lms(Reference::Cdc, Measure::WeightForLength, Sex::Male, 80.0), None);
        assert_eq!(lms(Reference::Cdc, Measure::Head, Sex::Female, 40.0), None);
    }
}
