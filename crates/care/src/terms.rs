//! Words and codes to choose from: problems, allergens, vaccines, procedures, reasons for a visit. The lists that ship
//! are ours and small (`content/terms`), each with its version and source; they never hold a classification as a whole.
//! A search takes any words by their beginnings, in any order, with the words people really use: `htn`, `heart attack`.

use crate::content::Head;
use crate::drugs::{self, Drug, RXNORM};
use fhir::Value;
use fhir::search::fold;
use serde_json::json;
use std::cmp::Reverse;
use std::sync::LazyLock;

/// What is being looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Problem,
    Allergen,
    Drug,
    Vaccine,
    Procedure,
    Reason,
}

/// The name of each kind in addresses.
pub const KINDS: [(&str, Kind); 6] = [
    ("problem", Kind::Problem),
    ("allergen", Kind::Allergen),
    ("drug", Kind::Drug),
    ("vaccine", Kind::Vaccine),
    ("procedure", Kind::Procedure),
    ("reason", Kind::Reason),
];

impl Kind {
    pub fn parse(name: &str) -> Option<Kind> {
        KINDS.iter().find(|(it, _)| *it == name).map(|(_, kind)| *kind)
    }

    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// One thing that can be chosen. Without a code it is words that everybody writes alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    pub system: &'static str,
    pub code: &'static str,
    pub display: &'static str,
    /// Other words for it.
    pub also: Vec<&'static str>,
    /// `food`, `medication`: the section of its list, where the list has sections.
    pub category: &'static str,
}

impl Term {
    /// As a CodeableConcept, called as it is displayed.
    pub fn concept(&self) -> Value {
        if self.code.is_empty() {
            return json!({ "text": self.display });
        }
        json!({
            "coding": [{ "system": self.system, "code": self.code, "display": self.display }],
            "text": self.display,
        })
    }
}

/// What a set of content says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    pub title: &'static str,
    pub version: &'static str,
    pub reviewed: &'static str,
    /// After this day somebody must look at it again.
    pub expires: &'static str,
    pub source: &'static str,
}

struct Set {
    kind: Kind,
    about: About,
    terms: Vec<Sought>,
}

/// A term with what it is found by: folded words of its name, of its other names, its code.
struct Sought {
    term: Term,
    name: String,
    also: Vec<String>,
    code: String,
}

static SETS: LazyLock<Vec<Set>> = LazyLock::new(|| {
    vec![
        set(Kind::Problem, include_str!("../../../content/terms/problems.txt")),
        set(Kind::Allergen, include_str!("../../../content/terms/allergens.txt")),
        set(Kind::Vaccine, include_str!("../../../content/terms/vaccines.txt")),
        set(Kind::Procedure, include_str!("../../../content/terms/procedures.txt")),
        set(Kind::Reason, include_str!("../../../content/terms/reasons.txt")),
    ]
});

fn set(kind: Kind, text: &'static str) -> Set {
    let mut about = About { title: "", version: "", reviewed: "", expires: "", source: "" };
    let (mut system, mut category) = ("", "");
    let mut terms = Vec::new();
    for line in text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#')) {
        let mut cells = line.trim_start_matches('@').split('|').map(str::trim);
        let mut cell = || cells.next().unwrap_or_default();
        if line.starts_with('@') {
            let place = match cell() {
                "title" => &mut about.title,
                "version" => &mut about.version,
                "reviewed" => &mut about.reviewed,
                "expires" => &mut about.expires,
                "source" => &mut about.source,
                _ => continue,
            };
            *place = cell();
        } else if let Some(head) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            (system, category) = head.split_once('|').map_or((head, ""), |(system, it)| (system.trim(), it.trim()));
        } else {
            let (code, display, also) = (cell(), cell(), cell());
            let code = if code == "-" { "" } else { code };
            let also: Vec<&str> = also.split(';').map(str::trim).filter(|it| !it.is_empty()).collect();
            terms.push(Sought {
                name: folded(display),
                also: also.iter().map(|it| folded(it)).collect(),
                code: folded(code),
                term: Term { system: if code.is_empty() { "" } else { system }, code, display, also, category },
            });
        }
    }
    Set { kind, about, terms }
}

/// Letters and digits of the words, folded, one space between.
fn folded(text: &str) -> String {
    let plain: String = fold(text).chars().map(|it| if it.is_alphanumeric() { it } else { ' ' }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same for the self-check of what ships.
pub(crate) fn tell(kind: Kind) -> Result<(Head, usize), String> {
    let set = SETS.iter().find(|it| it.kind == kind).ok_or("there is no list of this kind")?;
    let day = |text: &str| text.parse().map_err(|_| format!("{text:?} is not a day"));
    let About { title, version, source, reviewed, expires } = set.about;
    let head = Head {
        title: title.to_owned(),
        version: version.to_owned(),
        source: source.to_owned(),
        reviewed: day(reviewed)?,
        expires: day(expires)?,
    };
    Ok((head, set.terms.len()))
}

/// What each list says of itself, for the page that shows what ships.
pub fn abouts() -> Vec<(Kind, About, usize)> {
    SETS.iter().map(|it| (it.kind, it.about, it.terms.len())).collect()
}

/// A drug of the starter list.
fn of_drug(drug: &'static Drug) -> Term {
    let code = drug.code.as_deref().unwrap_or_default();
    let system = if code.is_empty() { "" } else { RXNORM };
    Term { system, code, display: &drug.name, also: Vec::new(), category: "" }
}

/// The terms that these words mean, the likeliest first.
pub fn search(kind: Kind, words: &str, limit: usize) -> Vec<Term> {
    if kind == Kind::Drug {
        return drugs::search(words, limit).into_iter().map(of_drug).collect();
    }
    let asked = folded(words);
    if asked.is_empty() {
        return Vec::new();
    }
    let parts: Vec<&str> = asked.split(' ').collect();
    let ranked = SETS.iter().filter(|it| it.kind == kind).flat_map(|it| &it.terms);
    let mut found: Vec<(Rank, &Term)> = ranked.filter_map(|it| Some((it.rank(&asked, &parts)?, &it.term))).collect();
    found.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.display.cmp(b.1.display)));
    found.into_iter().take(limit).map(|(_, term)| term.clone()).collect()
}

/// The term with this code or, for terms without one, with this very name.
pub fn term(kind: Kind, code_or_name: &str) -> Option<Term> {
    if kind == Kind::Drug {
        let fits = |it: &&Drug| it.name == code_or_name || it.code.as_deref() == Some(code_or_name);
        return drugs::all().iter().find(fits).map(of_drug);
    }
    let all = SETS.iter().filter(|it| it.kind == kind).flat_map(|it| &it.terms).map(|it| &it.term);
    let fits = |it: &&Term| if it.code.is_empty() { it.display == code_or_name } else { it.code == code_or_name };
    all.into_iter().find(fits).cloned()
}

/// The one term that is called exactly so, for words typed without choosing.
pub fn exactly(kind: Kind, words: &str) -> Option<Term> {
    let asked = folded(words);
    if kind == Kind::Drug {
        return drugs::all().iter().find(|it| folded(&it.name) == asked).map(of_drug);
    }
    let mut all = SETS.iter().filter(|it| it.kind == kind).flat_map(|it| &it.terms).filter(|it| it.name == asked);
    match (all.next(), all.next()) {
        (Some(only), None) => Some(only.term.clone()),
        _ => None,
    }
}

/// Class, then terms with many names first, then the shorter name.
type Rank = (u8, Reverse<usize>, usize);

impl Sought {
    /// How well it fits; smaller is better. Every word asked for must begin a word of the term.
    fn rank(&self, asked: &str, parts: &[&str]) -> Option<Rank> {
        let begins = |text: &str, part: &str| text.split(' ').any(|word| word.starts_with(part));
        let names = || std::iter::once(&self.name).chain(&self.also);
        let whole = parts.iter().all(|part| begins(&self.name, part) || self.also.iter().any(|it| begins(it, part)));
        let coded = !self.code.is_empty() && self.code.replace(' ', "").starts_with(&asked.replace(' ', ""));
        if !whole && !coded {
            return None;
        }
        let class = if names().any(|it| it == asked) || self.code == asked {
            0
        } else if coded {
            1
        } else if self.name.starts_with(asked) {
            2
        } else if self.also.iter().any(|it| it.starts_with(asked)) {
            3
        } else if names().any(|it| parts.iter().all(|part| begins(it, part))) {
            4
        } else {
            5
        };
        // Among equals what is usual: a term with many names of its own, then the shorter name.
        Some((class, Reverse(self.also.len().min(3)), self.name.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn first(kind: Kind, words: &str) -> String {
        search(kind, words, 5).first().map_or_else(String::new, |it| format!("{} {}", it.code, it.display))
    }

    #[test]
    fn people_find_problems_by_the_words_they_use() {
        let check = |words: &str, code: &str| {
            let found = search(Kind::Problem, words, 8);
            assert!(
                found.iter().any(|it| it.code == code),
                "{words}: {:?}",
                found.iter().map(|it| it.code).collect::<Vec<_>>()
            );
        };
        check("htn", "I10");
        check("high blood pressure", "I10");
        check("hyperten", "I10");
        check("heart attack", "I21.9");
        check("type 2 dia", "E11.9");
        check("sugar", "E11.9");
        check("back pain low", "M54.50");
        check("E11.9", "E11.9");
        check("e119", "E11.9");
        check("Knee Arthritis right", "M17.11");
        assert_eq!(first(Kind::Problem, "I10"), "I10 Essential (primary) hypertension");
        assert!(search(Kind::Problem, "zzz", 5).is_empty());
        assert!(search(Kind::Problem, "  ", 5).is_empty());
    }

    #[test]
    fn allergens_vaccines_procedures_and_reasons_are_found_by_their_other_names() {
        assert_eq!(first(Kind::Allergen, "pcn"), "7980 Penicillin G");
        assert_eq!(first(Kind::Allergen, "bactrim"), "10180 Sulfamethoxazole");
        let peanut = search(Kind::Allergen, "peanut", 1).remove(0);
        assert_eq!((peanut.category, peanut.system), ("food", "http://snomed.info/sct"));
        assert_eq!(first(Kind::Vaccine, "shingrix"), "187 zoster recombinant");
        assert!(search(Kind::Vaccine, "flu shot", 20).iter().any(|it| it.code == "140"));
        let metformin = search(Kind::Drug, "metformin", 8);
        assert!(
            metformin.iter().any(|it| it.display.starts_with("metformin 500 mg") && it.code == "861007"),
            "{metformin:?}"
        );
        assert_eq!(term(Kind::Drug, "861007"), exactly(Kind::Drug, "Metformin 500 mg tablet"));
        let appendix = search(Kind::Procedure, "appendix", 1).remove(0);
        assert_eq!(appendix.concept(), json!({"text": "Appendectomy"}));
        assert_eq!(first(Kind::Reason, "uti").trim(), "Painful urination");
    }

    #[test]
    fn a_medicine_has_the_same_code_as_an_allergen_and_as_an_ingredient() {
        let codes =
            drugs::all().iter().flat_map(|it| &it.ingredients).filter_map(|it| Some((it.code.as_deref()?, &it.name)));
        let mut same = 0;
        for (code, name) in codes {
            if let Some(term) = term(Kind::Allergen, code) {
                assert!(folded(name).starts_with(&folded(term.display)), "{code}: {name} is not {}", term.display);
                same += 1;
            }
        }
        assert!(same > 40, "{same}");
    }

    #[test]
    fn a_chosen_term_is_found_again_by_its_code_or_name() {
        assert_eq!(term(Kind::Problem, "I10").unwrap().display, "Essential (primary) hypertension");
        assert_eq!(term(Kind::Procedure, "Appendectomy").unwrap().code, "");
        assert_eq!(term(Kind::Problem, "Appendectomy"), None);
        assert_eq!(exactly(Kind::Allergen, "latex").unwrap().code, "111088007");
        assert_eq!(exactly(Kind::Allergen, "late"), None);
        let concept = term(Kind::Problem, "I10").unwrap().concept();
        assert_eq!(concept["coding"][0]["system"], "http://hl7.org/fhir/sid/icd-10-cm");
    }

    #[test]
    fn every_list_says_what_it_is_and_names_nothing_twice() {
        for set in SETS.iter() {
            let About { title, version, reviewed, expires, source } = set.about;
            assert!(![title, version, source].contains(&""), "{title}");
            let day = |it: &str| it.parse::<jiff::civil::Date>().unwrap();
            assert!(day(reviewed) < day(expires), "{title}");
            let mut seen = HashSet::new();
            for it in &set.terms {
                assert!(seen.insert((it.term.system, it.term.code, it.term.display)), "{title}: {}", it.term.display);
                assert!(it.term.code.is_empty() == it.term.system.is_empty(), "{}", it.term.display);
                assert!(!it.name.is_empty());
                if !it.term.code.is_empty() {
                    assert!(seen.insert((it.term.system, it.term.code, "")), "{title}: {} twice", it.term.code);
                }
            }
            assert!(set.terms.len() > 40, "{title}");
        }
    }
}
