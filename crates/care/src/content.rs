//! Clinical content that ships with the program: sets of tables in `content/`, each with a version, a source and the day
//! on which somebody must look at it again. The self-check says of each set whether it can be read and whether it is out
//! of date; the same readers serve the checks, so a set that is told here as good is the one that is used.
//!
//! Tables are lines with `|` between columns, `[…]` begins a section, `@ key | value` says what the set is, `#` is for
//! the reader. Other sets are TOML with a table `set`.

use jiff::civil::Date;

/// What a set says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub title: String,
    pub version: String,
    pub source: String,
    /// Somebody looked at it on this day.
    pub reviewed: Date,
    /// From this day on it must not be relied on without a look.
    pub expires: Date,
}

/// How it stands with a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Good,
    Expired,
    /// It is empty or cannot be read: whatever uses it does not work.
    Missing(String),
}

/// One set, as the self-check tells of it.
#[derive(Clone, Debug)]
pub struct Checked {
    /// `drugs/interactions.toml`.
    pub file: &'static str,
    pub head: Option<Head>,
    /// How many things are in it.
    pub entries: usize,
    pub standing: Standing,
}

/// A set with how to read it: its head and how many entries it has.
pub type Reader = fn() -> Result<(Head, usize), String>;

/// Every set of this part of the program.
const SETS: [(&str, Reader); 22] = [
    ("drugs/drugs.txt", crate::drugs::tell_drugs),
    ("drugs/interactions.toml", crate::drugs::tell_interactions),
    ("drugs/allergies.toml", crate::drugs::tell_allergies),
    ("drugs/duplicates.toml", crate::drugs::tell_duplicates),
    ("drugs/doses.txt", crate::drugs::tell_doses),
    ("orders/tests.txt", crate::orders::catalogue::tell),
    ("imaging/regions.toml", crate::imaging::tell),
    ("orders/sig.txt", crate::orders::sig::tell),
    ("orders/sets", crate::orders::sets::tell),
    ("orders/renewal-protocols.toml", crate::renewals::tell),
    ("gaps", crate::gaps::tell),
    ("script/2017071.toml", || crate::pharmacy::tell("2017071")),
    ("script/2023011.toml", || crate::pharmacy::tell("2023011")),
    ("vitals/limits.toml", crate::vitals::tell),
    ("growth/who-0-2.txt", || crate::growth::tell(crate::growth::Reference::Who)),
    ("growth/cdc-2-20.txt", || crate::growth::tell(crate::growth::Reference::Cdc)),
    ("notes", crate::notes::content::tell),
    ("terms/problems.txt", || crate::terms::tell(crate::terms::Kind::Problem)),
    ("terms/allergens.txt", || crate::terms::tell(crate::terms::Kind::Allergen)),
    ("terms/vaccines.txt", || crate::terms::tell(crate::terms::Kind::Vaccine)),
    ("terms/procedures.txt", || crate::terms::tell(crate::terms::Kind::Procedure)),
    ("terms/reasons.txt", || crate::terms::tell(crate::terms::Kind::Reason)),
];

/// Every set and how it stands today.
pub fn self_check(today: Date) -> Vec<Checked> {
    SETS.iter().map(|(file, read)| judged(file, read(), today)).collect()
}

/// How one set stands; for sets of other parts of the program.
pub fn judged(file: &'static str, read: Result<(Head, usize), String>, today: Date) -> Checked {
    match read {
        Ok((_, 0)) => Checked { file, head: None, entries: 0, standing: Standing::Missing("it is empty".into()) },
        Ok((head, entries)) => {
            let standing = if head.expires <= today { Standing::Expired } else { Standing::Good };
            Checked { file, head: Some(head), entries, standing }
        }
        Err(why) => Checked { file, head: None, entries: 0, standing: Standing::Missing(why) },
    }
}

/// A line of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    Section(Vec<&'a str>),
    Row(Vec<&'a str>),
}

/// The lines of a table, without what is for readers.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with(['#', '@'])).map(|line| {
        match line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            Some(section) => Line::Section(section.split('|').map(str::trim).collect()),
            None => Line::Row(line.split('|').map(str::trim).collect()),
        }
    })
}

/// A cell; `-` is nothing.
pub(crate) fn cell<'a>(cells: &[&'a str], at: usize) -> Option<&'a str> {
    cells.get(at).copied().filter(|it| !it.is_empty() && *it != "-")
}

/// The head of a table.
pub(crate) fn head_of_table(text: &str) -> Result<Head, String> {
    let said = |name: &str| {
        let line = text.lines().filter_map(|it| it.strip_prefix('@')).find_map(|it| {
            let (key, value) = it.split_once('|')?;
            (key.trim() == name).then(|| value.trim().to_owned())
        });
        line.ok_or_else(|| format!("it does not say its {name}"))
    };
    head(said)
}

/// The head of a TOML file.
pub(crate) fn head_of_toml(file: &toml::Table) -> Result<Head, String> {
    let set = file.get("set").and_then(toml::Value::as_table).ok_or("it has no table `set`")?;
    head(|name| {
        set.get(name).and_then(|it| it.as_str()).map(str::to_owned).ok_or(format!("it does not say its {name}"))
    })
}

fn head(said: impl Fn(&str) -> Result<String, String>) -> Result<Head, String> {
    let day = |name: &str| said(name)?.parse::<Date>().map_err(|_| format!("its {name} is not a day"));
    Ok(Head {
        title: said("title")?,
        version: said("version")?,
        source: said("source")?,
        reviewed: day("reviewed")?,
        expires: day("expires")?,
    })
}

/// Several files of one kind as one set: the oldest look and the nearest expiry count.
pub(crate) fn together(heads: Vec<Head>) -> Result<(Head, usize), String> {
    let entries = heads.len();
    let mut heads = heads.into_iter();
    let mut all = heads.next().ok_or("it is empty")?;
    for head in heads {
        all.reviewed = all.reviewed.min(head.reviewed);
        all.expires = all.expires.min(head.expires);
        all.version = all.version.min(head.version);
    }
    Ok((all, entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().expect("a day")
    }

    #[test]
    fn every_set_that_ships_can_be_read_and_is_in_date() {
        let checked = self_check(day("2026-11-23"));
        assert_eq!(checked.len(), SETS.len());
        for it in checked {
            assert_eq!(it.standing, Standing::Good, "{}", it.file);
            assert!(it.entries > 0 && it.head.is_some_and(|head| !head.source.is_empty()), "{}", it.file);
        }
    }

    #[test]
    fn a_set_turns_old_on_its_day_and_an_empty_one_is_missing() {
        let text = "@ title | T\n@ version | 1\n@ source | S\n@ reviewed | 2026-01-01\n@ expires | 2027-01-01\na | b\n";
        let at = |today: &str| judged("x", head_of_table(text).map(|head| (head, 1)), day(today)).standing;
        assert_eq!(at("2026-12-31"), Standing::Good);
        assert_eq!(at("2027-01-01"), Standing::Expired);
        let empty = judged("x", head_of_table(text).map(|head| (head, 0)), day("2026-12-31"));
        assert!(matches!(empty.standing, Standing::Missing(_)));
        let headless = judged("x", head_of_table("a | b").map(|head| (head, 1)), day("2026-12-31"));
        assert_eq!(headless.standing, Standing::Missing("it does not say its title".into()));
    }

    #[test]
    fn a_table_is_read_by_line() {
        let read: Vec<Line<'_>> = lines("# for you\n@ title | T\n[a | b]\n1 | - | x\n").collect();
        assert_eq!(read, [Line::Section(vec!["a", "b"]), Line::Row(vec!["1", "-", "x"])]);
        assert_eq!((cell(&["1", "-", "x"], 1), cell(&["1", "-", "x"], 2), cell(&["1"], 5)), (None, Some("x"), None));
    }
}
