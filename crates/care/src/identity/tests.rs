//! Matching as a whole: on our own registrations, and on the public FEBRL data (P. Christen, Australian National
//! University), which nobody here wrote and nothing here was fitted to.

use super::score::score;
use super::*;
use crate::demo::Registrations;
use serde_json::{Value, json};
use std::collections::HashMap;

/// How many pairs were taken for one person's, how many of them rightly, and how many there are.
struct Outcome {
    taken: usize,
    right: usize,
    there: usize,
}

impl Outcome {
    fn precision(&self) -> f64 {
        self.right as f64 / self.taken as f64
    }

    fn recall(&self) -> f64 {
        self.right as f64 / self.there as f64
    }
}

/// The first of those that are linked to one.
fn root(linked: &[usize], mut at: usize) -> usize {
    while linked[at] != at {
        at = linked[at];
    }
    at
}

/// Compares all that share a key, with the settings that ship; `truth` says who somebody is.
fn judged(people: &[Traits], truth: &[String]) -> Outcome {
    let mut frequencies = Frequencies::new(people.len() as u64);
    for it in people {
        it.first().into_iter().for_each(|name| frequencies.add(Field::Given, name, 1));
        it.family.iter().for_each(|name| frequencies.add(Field::Family, &name.whole, 1));
    }
    let mut sizes: HashMap<&str, usize> = HashMap::new();
    for it in truth {
        *sizes.entry(it).or_default() += 1;
    }
    let mut outcome = Outcome { taken: 0, right: 0, there: sizes.values().map(|n| n * (n - 1) / 2).sum() };
    let mut linked: Vec<usize> = (0..people.len()).collect();
    for (one, other) in learn::pairs(people) {
        let score = score(&people[one], &people[other], &frequencies);
        if score.grade(&Thresholds::default()) == Grade::Certain {
            let (one, other) = (root(&linked, one), root(&linked, other));
            linked[one] = other;
        }
    }
    // What is linked to one record is linked to all that are: they are one patient's.
    let mut groups: HashMap<usize, Vec<&str>> = HashMap::new();
    for (at, who) in truth.iter().enumerate() {
        groups.entry(root(&linked, at)).or_default().push(who);
    }
    for group in groups.values() {
        for (at, one) in group.iter().enumerate() {
            outcome.taken += group.len() - at - 1;
            outcome.right += group[at + 1..].iter().filter(|it| *it == one).count();
        }
    }
    outcome
}

#[test]
fn records_of_one_person_are_linked_and_those_of_two_are_not() {
    // Other people than those the weights were learnt from.
    let registrations = Registrations::new(424_242);
    let (mut people, mut truth) = (Vec::new(), Vec::new());
    for number in 0..3_000 {
        people.push(Traits::of(&registrations.patient(number)));
        truth.push(number.to_string());
        if number % 2 == 0 {
            people.push(Traits::of(&registrations.again(number, 1)));
            truth.push(number.to_string());
        }
    }
    let it = judged(&people, &truth);
    println!("own registrations: precision {:.4}, recall {:.4}", it.precision(), it.recall());
    assert!(it.precision() >= 0.995, "precision {}", it.precision());
    assert!(it.recall() >= 0.90, "recall {}", it.recall());
}

/// A line of FEBRL as a Patient.
fn febrl(line: &str) -> (String, Value) {
    let column: Vec<&str> = line.split(',').map(str::trim).collect();
    let [id, given, surname, number, street, other, suburb, postcode, state, born, social] = column[..] else {
        panic!("not eleven columns: {line}")
    };
    let some = |it: &str| Some(it.to_owned()).filter(|it| !it.is_empty());
    let mut it = json!({ "resourceType": "Patient", "name": [{}], "address": [{
        "line": [format!("{number} {street}").trim(), other], "city": suburb, "postalCode": postcode, "state": state,
    }] });
    if let Some(given) = some(given) {
        it["name"][0]["given"] = json!([given]);
    }
    if let Some(surname) = some(surname) {
        it["name"][0]["family"] = json!(surname);
    }
    if born.len() == 8 {
        it["birthDate"] = json!(format!("{}-{}-{}", &born[..4], &born[4..6], &born[6..]));
    }
    if let Some(social) = some(social) {
        it["identifier"] = json!([{ "system": "http://hl7.org/fhir/sid/us-ssn", "value": social }]);
    }
    // rec-17-org and rec-17-dup-2 are the same person.
    (id.split('-').nth(1).expect("the number of a person").to_owned(), it)
}

#[test]
fn febrl_is_matched_with_a_precision_of_99_and_a_recall_of_97_percent() {
    let Some(folder) = testkit::unpacked("patient-matching-febrl123") else { return };
    for file in ["dataset1.csv", "dataset2.csv", "dataset3.csv"] {
        let text = std::fs::read_to_string(folder.join(file)).expect("the unpacked file");
        let (truth, people): (Vec<String>, Vec<Traits>) = text
            .lines()
            .skip(1)
            .filter(|it| !it.trim().is_empty())
            .map(|line| {
                let (who, patient) = febrl(line);
                (who, Traits::of(&patient))
            })
            .unzip();
        let it = judged(&people, &truth);
        println!(
            "{file}: {} records, {} pairs, {} linked, precision {:.4}, recall {:.4}",
            people.len(),
            it.there,
            it.taken,
            it.precision(),
            it.recall()
        );
        assert!(it.precision() >= 0.99, "{file}: precision {}", it.precision());
        assert!(it.recall() >= 0.97, "{file}: recall {}", it.recall());
    }
}

#[test]
fn twins_and_father_and_son_are_never_linked_by_themselves() {
    let frequencies = Frequencies::new(5_000);
    let base = json!({"name": [{"family": "Okonkwo", "given": ["Adaeze"]}], "gender": "female", "birthDate": "2015-03-04",
        "address": [{"line": ["12 Elm St"], "city": "Mill Hollow", "postalCode": "43993"}],
        "telecom": [{"system": "phone", "value": "740 555 0188"}, {"system": "email", "value": "a@example.org"}]});
    let grade = |path: &str, value: Value| {
        let mut other = base.clone();
        *other.pointer_mut(path).unwrap() = value;
        score(&Traits::of(&base), &Traits::of(&other), &frequencies).grade(&Thresholds::default())
    };
    assert_eq!(grade("/name/0/given/0", json!("Adaeze")), Grade::Certain);
    assert_ne!(grade("/name/0/given/0", json!("Ngozi")), Grade::Certain);
    assert_ne!(grade("/birthDate", json!("1984-11-23")), Grade::Certain);
    assert_ne!(grade("/gender", json!("male")), Grade::Certain);
}

#[test]
fn a_rare_name_says_more_than_a_common_one() {
    let mut frequencies = Frequencies::new(10_000);
    frequencies.add(Field::Family, "Smith", 300);
    let person = |family: &str| Traits::of(&json!({"name": [{"family": family, "given": ["Ann"]}]}));
    let bits = |family: &str| score(&person(family), &person(family), &frequencies).bits;
    assert!(bits("Zyskowski") > bits("Smith") + 2.0);
}
