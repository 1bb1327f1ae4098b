//! What can be ordered beside drugs: laboratory tests, imaging, procedures and referrals of `content/orders/tests.txt`.

use super::Kind;
use crate::content::{self, Head, Line, cell};
use crate::drugs::folded;
use std::sync::LazyLock;

const TEXT: &str = include_str!("../../../../content/orders/tests.txt");
const LOINC: &str = "http://loinc.org";
const SNOMED: &str = "http://snomed.info/sct";

#[derive(Clone, Debug)]
pub struct Orderable {
    pub key: &'static str,
    pub kind: Kind,
    pub name: &'static str,
    /// System and code, where it was checked.
    pub code: Option<(&'static str, &'static str)>,
    /// Its own code and those of results that make it a duplicate.
    pub codes: Vec<String>,
    /// In which a result makes it a duplicate.
    pub days: u32,
    words: Vec<String>,
}

static ALL: LazyLock<Vec<Orderable>> = LazyLock::new(|| read().expect("content/orders/tests.txt is read by a test"));

fn read() -> Result<Vec<Orderable>, String> {
    let mut all: Vec<Orderable> = Vec::new();
    let mut kind = None;
    for line in content::lines(TEXT) {
        match line {
            Line::Section(names) => kind = Kind::parse(names[0]),
            Line::Row(cells) => {
                let one = kind.and_then(|kind| orderable(kind, &cells));
                let one = one.ok_or_else(|| format!("the line `{}`", cells.join(" | ")))?;
                if all.iter().any(|it| it.key == one.key) {
                    return Err(format!("{} stands twice", one.key));
                }
                all.push(one);
            }
        }
    }
    Ok(all)
}

fn orderable(kind: Kind, cells: &[&'static str]) -> Option<Orderable> {
    let system = |code: &str| if code.contains('-') { LOINC } else { SNOMED };
    let code = cell(cells, 1).map(|code| (system(code), code));
    let name = cell(cells, 2)?;
    let also = cell(cells, 3).unwrap_or_default();
    let more = cell(cells, 4).map_or(Vec::new(), |it| it.split(',').map(|it| it.trim().to_owned()).collect());
    let mut words: Vec<String> = folded(name).split(' ').map(str::to_owned).collect();
    words.extend(folded(also).split(' ').map(str::to_owned));
    Some(Orderable {
        key: cell(cells, 0)?,
        kind,
        name,
        code,
        codes: code.iter().map(|it| it.1.to_owned()).chain(more).collect(),
        days: cell(cells, 5)?.parse().ok()?,
        words,
    })
}

pub(crate) fn tell() -> Result<(Head, usize), String> {
    Ok((content::head_of_table(TEXT)?, read()?.len()))
}

pub fn all() -> &'static [Orderable] {
    &ALL
}

pub fn by_key(key: &str) -> Option<&'static Orderable> {
    ALL.iter().find(|it| it.key == key)
}

/// What can be ordered under these words, of one kind; without words all of the kind.
pub fn search(kind: Kind, words: &str, limit: usize) -> Vec<&'static Orderable> {
    let words = folded(words);
    let wanted: Vec<&str> = words.split_whitespace().collect();
    let fits =
        |it: &&Orderable| it.kind == kind && wanted.iter().all(|word| it.words.iter().any(|own| own.starts_with(word)));
    let mut found: Vec<&Orderable> = ALL.iter().filter(fits).collect();
    found.sort_by_key(|it| wanted.first().is_some_and(|word| !it.words[0].starts_with(word)));
    found.truncate(limit);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_found_by_what_people_call_it() {
        let first = |kind, words: &str| search(kind, words, 3).first().map(|it| it.key);
        assert_eq!(first(Kind::Lab, "a1c"), Some("a1c"));
        assert_eq!(first(Kind::Lab, "CHEM 7"), Some("bmp"));
        assert_eq!(first(Kind::Lab, "hemo"), Some("a1c"));
        assert_eq!(first(Kind::Imaging, "breast screening"), Some("mammogram"));
        assert_eq!(first(Kind::Referral, "kidney"), Some("nephrology"));
        assert_eq!(first(Kind::Procedure, "a1c"), None);
        assert!(search(Kind::Lab, "", 100).len() > 30);
    }

    #[test]
    fn codes_have_the_shape_of_their_system() {
        for it in all() {
            let Some((system, code)) = it.code else { continue };
            let digits = code.bytes().all(|b| b.is_ascii_digit() || b == b'-');
            assert!(digits && (system == LOINC) == code.contains('-'), "{} {code}", it.key);
        }
    }
}
