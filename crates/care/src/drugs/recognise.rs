//! Which ingredients a medicine or an allergen has, whoever wrote it: by its RxNorm code where we know it, else by the
//! names in its words. What is not recognised is said to be so; it is never taken for harmless.

use super::{RXNORM, folded, rules, table};
use crate::chart::element::{list, text};
use fhir::Value;
use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

/// What a concept means in ingredients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recognised {
    /// Names of ingredients, in order.
    pub ingredients: BTreeSet<String>,
    /// Classes of duplicate therapy, of drugs on the list.
    pub classes: BTreeSet<String>,
    /// Allergy classes that the words name as a whole: `sulfa`, `penicillins`.
    pub allergy_classes: BTreeSet<String>,
}

impl Recognised {
    pub fn is_nothing(&self) -> bool {
        self.ingredients.is_empty() && self.allergy_classes.is_empty()
    }
}

/// A name and what it stands for.
#[derive(Default)]
struct Meaning {
    ingredients: BTreeSet<String>,
    allergy_class: Option<String>,
}

struct Dictionary {
    /// By RxNorm code.
    codes: HashMap<String, Vec<String>>,
    /// By phrase.
    names: HashMap<String, Meaning>,
    /// The most words a phrase has.
    longest: usize,
    /// Ingredient → classes of duplicate therapy.
    classes: HashMap<String, BTreeSet<String>>,
}

static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(Dictionary::read);

impl Dictionary {
    fn read() -> Dictionary {
        let mut it = Dictionary { codes: HashMap::new(), names: HashMap::new(), longest: 1, classes: HashMap::new() };
        for drug in table::all() {
            let names: Vec<String> = drug.ingredients.iter().map(|it| it.name.clone()).collect();
            if let Some(code) = &drug.code {
                it.codes.entry(code.clone()).or_insert_with(|| names.clone());
            }
            for ingredient in &drug.ingredients {
                if let Some(code) = &ingredient.code {
                    it.codes.entry(code.clone()).or_insert_with(|| vec![ingredient.name.clone()]);
                }
                it.name(&ingredient.name, std::slice::from_ref(&ingredient.name));
            }
            for also in &drug.also {
                it.name(also, &names);
            }
            if let [only] = names.as_slice() {
                it.classes.entry(only.clone()).or_default().extend(drug.classes.iter().cloned());
            }
        }
        let rules = rules();
        let members = rules.allergies.iter().flat_map(|it| &it.members);
        let paired = rules.pairs.iter().flat_map(|it| it.a.iter().chain(&it.b));
        for name in members.chain(paired).chain(rules.doses.iter().map(|it| &it.ingredient)) {
            it.name(name, std::slice::from_ref(name));
        }
        for class in &rules.allergies {
            for word in &class.words {
                let word = folded(word);
                it.longest = it.longest.max(word.split(' ').count());
                let meaning = it.names.entry(word).or_default();
                meaning.ingredients.clear();
                meaning.allergy_class = Some(class.name.clone());
            }
        }
        it
    }

    /// The first that has a name keeps it: the plain form of a drug stands before its others.
    fn name(&mut self, name: &str, ingredients: &[String]) {
        let name = folded(name);
        self.longest = self.longest.max(name.split(' ').count());
        let meaning = self.names.entry(name).or_default();
        if meaning.ingredients.is_empty() && meaning.allergy_class.is_none() {
            meaning.ingredients.extend(ingredients.iter().cloned());
        }
    }

    /// The longest names first; no word counts twice.
    fn read_words(&self, words: &str, found: &mut Recognised) {
        let words = folded(words);
        let words: Vec<&str> = words.split(' ').collect();
        let mut at = 0;
        while at < words.len() {
            let longest = self.longest.min(words.len() - at);
            let hit =
                (1..=longest).rev().find_map(|count| Some((count, self.names.get(&words[at..at + count].join(" "))?)));
            match hit {
                Some((count, meaning)) => {
                    found.ingredients.extend(meaning.ingredients.iter().cloned());
                    found.allergy_classes.extend(meaning.allergy_class.iter().cloned());
                    at += count;
                }
                None => at += 1,
            }
        }
    }
}

/// The ingredients of a CodeableConcept.
pub fn recognise(concept: &Value) -> Recognised {
    let mut found = Recognised::default();
    let codings = list(concept, "coding");
    for coding in codings.iter().filter(|it| text(it, &["system"]) == Some(RXNORM)) {
        let names = text(coding, &["code"]).and_then(|it| DICTIONARY.codes.get(it));
        found.ingredients.extend(names.into_iter().flatten().cloned());
    }
    if found.ingredients.is_empty() {
        let displays = codings.iter().filter_map(|it| text(it, &["display"]));
        for words in text(concept, &["text"]).into_iter().chain(displays) {
            DICTIONARY.read_words(words, &mut found);
        }
    }
    for name in &found.ingredients {
        found.classes.extend(DICTIONARY.classes.get(name).into_iter().flatten().cloned());
    }
    found
}

/// Words of forms that act where they are put.
/// A patch is not among them: some are there to reach the blood.
const LOCAL: [&str; 13] = [
    "cream",
    "ointment",
    "gel",
    "lotion",
    "shampoo",
    "topical",
    "ophthalmic",
    "eye",
    "otic",
    "ear",
    "nasal",
    "drops",
    "vaginal",
];

/// Whether the words tell of a form that acts where it is put, so that it hardly meets other medicines.
pub fn is_local(words: &str) -> bool {
    folded(words).split(' ').any(|word| LOCAL.contains(&word))
}
