//! Templates, phrases, letters and the laboratory links that ship (`content/notes`): ours, in plain TOML, so that a
//! practice can read and change them without Rust. Everything is read once; a test reads all of it.

use crate::content::{Head, head_of_toml};

use super::kinds::{self, Kind};
use super::text::{self, TokenKind};
use serde::Deserialize;
use std::sync::LazyLock;

/// The bare outline of a note: its sections with what they begin with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    pub key: String,
    pub name: String,
    /// A key of [`kinds::KINDS`].
    pub kind: String,
    pub about: String,
    #[serde(rename = "section")]
    pub sections: Vec<Outline>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outline {
    pub key: String,
    pub title: String,
    /// In Spanish, for what goes to patients.
    #[serde(default)]
    pub title_es: Option<String>,
    /// LOINC code of the section.
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub text: String,
    #[serde(default)]
    pub text_es: Option<String>,
    /// One section for each active problem takes its place.
    #[serde(default)]
    pub per_problem: bool,
}

impl Template {
    pub fn kind(&self) -> &'static Kind {
        kinds::kind(&self.kind).expect("a test holds that templates name kinds there are")
    }

    /// It can be written in Spanish.
    pub fn in_spanish(&self) -> bool {
        self.sections.iter().all(|it| it.text_es.is_some())
    }
}

/// Text that a few letters stand for: `.normalros`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phrase {
    pub key: String,
    pub name: String,
    pub text: String,
}

/// A laboratory value that a smart link stands for: `@labs.hba1c`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lab {
    pub key: String,
    pub name: String,
    /// LOINC codes under which laboratories send it.
    pub codes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Phrases {
    phrase: Vec<Phrase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Labs {
    lab: Vec<Lab>,
}

macro_rules! files {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../content/notes/", $folder, $name, ".toml")))),*]
    };
}

const TEMPLATES: &[(&str, &str)] = files!["templates/": "office-visit", "follow-up", "telephone", "history-physical",
    "consultation", "discharge-summary", "procedure", "imaging", "laboratory", "pathology"];
const LETTERS: &[(&str, &str)] = files!["letters/": "referral", "work", "school", "results"];
const PHRASES: &[(&str, &str)] = files!["phrases/": "history", "exam", "plan"];
const LABS: &[(&str, &str)] = files!["": "labs"];

/// What the set says of itself, and how much is in it.
pub(crate) fn tell() -> Result<(Head, usize), String> {
    let file: toml::Table = include_str!("../../../../content/notes/set.toml")
        .parse()
        .map_err(|error: toml::de::Error| error.to_string())?;
    Ok((head_of_toml(&file)?, templates().len() + letters().len() + phrases().len() + labs().len()))
}

fn read<T: for<'a> Deserialize<'a>>(files: &[(&str, &str)]) -> Vec<T> {
    let one = |(name, text): &(&str, &str)| {
        toml::from_str(text).unwrap_or_else(|error| panic!("content/notes: {name}.toml: {error}"))
    };
    files.iter().map(one).collect()
}

/// The outlines of notes, in the order in which they are offered.
pub fn templates() -> &'static [Template] {
    static ALL: LazyLock<Vec<Template>> = LazyLock::new(|| read(TEMPLATES));
    &ALL
}

/// The outlines of letters.
pub fn letters() -> &'static [Template] {
    static ALL: LazyLock<Vec<Template>> = LazyLock::new(|| read(LETTERS));
    &ALL
}

/// Of notes or letters.
pub fn template(key: &str) -> Option<&'static Template> {
    templates().iter().chain(letters()).find(|it| it.key == key)
}

/// The phrases that ship; a person's own stand before them.
pub fn phrases() -> &'static [Phrase] {
    static ALL: LazyLock<Vec<Phrase>> =
        LazyLock::new(|| read::<Phrases>(PHRASES).into_iter().flat_map(|it| it.phrase).collect());
    &ALL
}

pub fn labs() -> &'static [Lab] {
    static ALL: LazyLock<Vec<Lab>> = LazyLock::new(|| read::<Labs>(LABS).into_iter().flat_map(|it| it.lab).collect());
    &ALL
}

/// What is wrong with a text of a template or phrase: links and phrases that do not exist.
pub fn unknown(text: &str) -> Vec<String> {
    let known = |token: &text::Token| match token.kind {
        TokenKind::Link => super::links::is_known(&token.name),
        TokenKind::Phrase => phrases().iter().any(|it| it.key == token.name),
    };
    text::tokens(text).iter().filter(|it| !known(it)).map(|it| it.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_outline_names_a_kind_and_uses_what_there_is() {
        let mut keys = HashSet::new();
        for template in templates().iter().chain(letters()) {
            assert!(kinds::kind(&template.kind).is_some(), "{}", template.key);
            assert!(keys.insert(&template.key), "{} is there twice", template.key);
            assert!(!template.sections.is_empty() && !template.about.is_empty(), "{}", template.key);
            let sections: HashSet<&str> = template.sections.iter().map(|it| it.key.as_str()).collect();
            assert_eq!(sections.len(), template.sections.len(), "{}", template.key);
            for section in &template.sections {
                let texts = std::iter::once(&section.text).chain(&section.text_es);
                assert_eq!(
                    texts.flat_map(|it| unknown(it)).collect::<Vec<_>>(),
                    Vec::<String>::new(),
                    "{}",
                    template.key
                );
            }
        }
        for kind in kinds::KINDS.iter().filter(|it| it.clinical) {
            assert!(templates().iter().any(|it| it.kind == kind.key), "there is no outline for {}", kind.key);
        }
    }

    #[test]
    fn every_phrase_has_a_name_that_can_be_typed() {
        let mut keys = HashSet::new();
        for phrase in phrases() {
            assert!(keys.insert(&phrase.key), "{} is there twice", phrase.key);
            let typed = format!(".{}", phrase.key);
            assert_eq!(text::tokens(&typed).len(), 1, "{typed}");
            assert_eq!(text::tokens(&typed)[0].range, 0..typed.len(), "{typed}");
            assert_eq!(unknown(&phrase.text), Vec::<String>::new(), "{}", phrase.key);
        }
        assert!(phrases().len() >= 15);
    }

    #[test]
    fn letters_to_patients_are_there_in_both_languages() {
        for key in ["work", "school", "results"] {
            assert!(letters().iter().any(|it| it.key == key && it.in_spanish()), "{key}");
        }
    }
}
