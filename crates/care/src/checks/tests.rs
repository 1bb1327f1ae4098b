use super::*;
use crate::chart::Criticality;
use crate::drugs;
use serde_json::json;

fn order(words: &str) -> DrugOrder {
    let means = drugs::recognise(&json!({ "text": words }));
    DrugOrder {
        name: words.to_owned(),
        ingredients: means.ingredients,
        classes: means.classes,
        local: drugs::is_local(words),
        ..DrugOrder::default()
    }
}

fn a_day(words: &str, ingredient: &str, amount: i64, unit: &str) -> DrugOrder {
    DrugOrder { daily: vec![(ingredient.to_owned(), Decimal::from(amount), unit.to_owned())], ..order(words) }
}

fn allergic(words: &str, criticality: Criticality, intolerance: bool) -> Known {
    let means = drugs::recognise(&json!({ "text": words }));
    let allergy =
        KnownAllergy { name: words.to_owned(), means, criticality, source: None, intolerance, id: "a".into() };
    Known { allergies: vec![allergy], allergies_asked: true, ..Known::default() }
}

fn taking(names: &[&str]) -> Known {
    let taken = |(at, name): (usize, &&str)| {
        let means = drugs::recognise(&json!({ "text": name }));
        Taken {
            name: (*name).to_owned(),
            ingredients: means.ingredients,
            classes: means.classes,
            local: drugs::is_local(name),
            about: format!("MedicationRequest/{at}"),
        }
    };
    Known { medicines: names.iter().enumerate().map(taken).collect(), allergies_asked: true, ..Known::default() }
}

fn aged(age: u32, kilograms: Option<i64>) -> Known {
    let weight = kilograms.map(|it| Weight { kilograms: Decimal::from(it), when: None });
    Known { age: Some(age), weight, allergies_asked: true, ..Known::default() }
}

/// The gravest that was found, and by which rule.
fn gravest(alerts: &[Alert]) -> Option<(Rule, Tier)> {
    alerts.first().map(|it| (it.rule, it.tier))
}

#[test]
fn an_allergy_to_the_drug_its_class_or_a_relative_is_told_in_its_tier() {
    use Criticality::{High, Low, Unknown};
    let check = |allergen: &str, criticality, intolerance, ordered: &str, wanted: Option<(Rule, Tier)>| {
        let found = drug(&order(ordered), &allergic(allergen, criticality, intolerance), &[]);
        assert_eq!(gravest(&found), wanted, "{allergen} and {ordered}: {found:?}");
    };
    check("Penicillin G", High, false, "amoxicillin 500 mg", Some((Rule::Allergy, Tier::Stop)));
    check("Penicillin", Low, false, "amoxicillin 500 mg", Some((Rule::Allergy, Tier::Reason)));
    check("Amoxicillin", High, false, "amoxicillin 875 mg", Some((Rule::Allergy, Tier::Stop)));
    check("Amoxicillin", Unknown, true, "amoxicillin 875 mg", Some((Rule::Allergy, Tier::Reason)));
    check("Penicillin G", High, false, "cephalexin 500 mg", Some((Rule::CrossReaction, Tier::Reason)));
    check("Penicillin G", High, true, "cephalexin 500 mg", Some((Rule::CrossReaction, Tier::Information)));
    check("Sulfa", Low, false, "Bactrim DS", Some((Rule::Allergy, Tier::Reason)));
    check("Aspirin", High, false, "ibuprofen 600 mg", Some((Rule::Allergy, Tier::Stop)));
    check("Codeine", Low, true, "oxycodone 5 mg", Some((Rule::Allergy, Tier::Information)));
    check("Lisinopril", High, false, "losartan 50 mg", Some((Rule::CrossReaction, Tier::Information)));
    check("Peanut", High, false, "amoxicillin 500 mg", None);
    check("Penicillin G", High, false, "azithromycin 250 mg", None);
}

#[test]
fn that_nobody_asked_about_allergies_is_told() {
    let found = drug(&order("amoxicillin 500 mg"), &Known::default(), &[]);
    assert_eq!(gravest(&found), Some((Rule::AllergiesUnknown, Tier::Information)));
}

#[test]
fn a_pair_is_found_from_either_side_and_inside_the_basket() {
    let check = |taken: &str, ordered: &str, rule: &str, tier: Tier| {
        for (one, other) in [(taken, ordered), (ordered, taken)] {
            let found = drug(&order(other), &taking(&[one]), &[]);
            let hit = found.iter().find(|it| it.rule == Rule::Interaction && it.source.rule == rule);
            assert_eq!(hit.map(|it| it.tier), Some(tier), "{one} and {other}: {found:?}");
            assert!(hit.is_some_and(|it| it.effect.is_some() && it.action.is_some()));
            let beside = order(one);
            let found = drug(&order(other), &taking(&[]), &[&beside]);
            assert!(found.iter().any(|it| it.source.rule == rule), "{one} beside {other}");
        }
    };
    check("phenelzine 15 mg tablet", "sertraline 50 mg", "ONC-2", Tier::Stop);
    check("simvastatin 40 mg", "clarithromycin 500 mg", "ONC-8", Tier::Stop);
    check("tizanidine 4 mg", "ciprofloxacin 500 mg", "ONC-15", Tier::Stop);
    check("citalopram 20 mg", "azithromycin 250 mg", "ONC-20", Tier::Reason);
    check("warfarin 5 mg", "Bactrim DS", "C-2", Tier::Reason);
    check("lisinopril 10 mg", "spironolactone 25 mg", "C-4", Tier::Information);
}

#[test]
fn what_does_not_meet_is_silent() {
    let silent = |taken: &[&str], ordered: DrugOrder| {
        let found = drug(&ordered, &taking(taken), &[]);
        assert_eq!(found, [], "{taken:?} and {}", ordered.name);
    };
    silent(&["lisinopril 10 mg", "metformin 500 mg"], order("atorvastatin 20 mg"));
    // On the skin it does not reach the statin.
    silent(&["simvastatin 20 mg"], order("ketoconazole 2 % shampoo"));
    silent(
        &["acetaminophen 500 mg"],
        DrugOrder { replaces: Some("MedicationRequest/0".into()), ..order("acetaminophen 500 mg") },
    );
}

#[test]
fn what_is_not_on_our_lists_is_told_as_unchecked() {
    let found = drug(&order("mysterium 5 mg"), &taking(&[]), &[]);
    assert_eq!(gravest(&found), Some((Rule::Unchecked, Tier::Information)));
    let found = drug(&order("metformin 500 mg"), &taking(&["mysterium 5 mg"]), &[]);
    assert_eq!(gravest(&found), Some((Rule::UncheckedMedicine, Tier::Information)));
}

#[test]
fn the_same_drug_and_the_same_class_twice_are_told() {
    let check = |taken: &str, ordered: &str, wanted: (Rule, Tier)| {
        let found = drug(&order(ordered), &taking(&[taken]), &[]);
        let hit = found.iter().find(|it| matches!(it.rule, Rule::SameDrug | Rule::DuplicateTherapy));
        assert_eq!(hit.map(|it| (it.rule, it.tier)), Some(wanted), "{taken} and {ordered}: {found:?}");
    };
    check("lisinopril 10 mg", "lisinopril 20 mg", (Rule::SameDrug, Tier::Reason));
    check("atorvastatin 20 mg", "rosuvastatin 10 mg", (Rule::DuplicateTherapy, Tier::Reason));
    check("lisinopril 10 mg", "losartan 50 mg", (Rule::DuplicateTherapy, Tier::Reason));
    check("loratadine 10 mg", "cetirizine 10 mg", (Rule::DuplicateTherapy, Tier::Information));
    let renewed = DrugOrder { replaces: Some("MedicationRequest/0".into()), ..order("lisinopril 20 mg") };
    assert_eq!(drug(&renewed, &taking(&["lisinopril 10 mg"]), &[]), []);
    let found = drug(&order("hydrocortisone 1 % cream"), &taking(&["prednisone 20 mg"]), &[]);
    assert_eq!(found, [], "an ointment beside a tablet is no duplicate");
}

#[test]
fn a_dose_is_held_against_the_age_and_the_weight() {
    let check = |known: Known, ordered: DrugOrder, wanted: Option<(Rule, Tier)>| {
        let found = drug(&ordered, &known, &[]);
        assert_eq!(gravest(&found), wanted, "{} at {:?}: {found:?}", ordered.name, known.age);
    };
    let acetaminophen = |mg: i64| a_day("acetaminophen 500 mg", "acetaminophen", mg, "mg");
    check(aged(40, None), acetaminophen(4000), None);
    check(aged(40, None), acetaminophen(4500), Some((Rule::Dose, Tier::Reason)));
    // 75 mg for each of 20 kg is 1500 mg.
    check(aged(5, Some(20)), acetaminophen(1500), None);
    check(aged(5, Some(20)), acetaminophen(1600), Some((Rule::Dose, Tier::Reason)));
    check(aged(5, Some(20)), acetaminophen(400), Some((Rule::UnusualDose, Tier::Information)));
    check(aged(5, None), acetaminophen(1000), Some((Rule::NoWeight, Tier::Reason)));
    check(aged(70, None), a_day("citalopram 20 mg", "citalopram", 40, "mg"), Some((Rule::Dose, Tier::Reason)));
    check(aged(40, None), a_day("citalopram 20 mg", "citalopram", 40, "mg"), None);
    check(aged(8, Some(25)), order("tramadol 50 mg"), Some((Rule::Age, Tier::Stop)));
    // Micrograms are not milligrams.
    check(aged(40, None), a_day("levothyroxine 50 mcg", "levothyroxine", 1, "mg"), Some((Rule::Dose, Tier::Reason)));
}

#[test]
fn one_ingredient_in_two_orders_is_added_up() {
    let percocet = a_day("acetaminophen and oxycodone", "acetaminophen", 1300, "mg");
    let found = drug(&a_day("acetaminophen 500 mg", "acetaminophen", 3000, "mg"), &aged(40, None), &[&percocet]);
    let dose = found.iter().find(|it| it.rule == Rule::Dose).expect("4300 mg are too much");
    assert_eq!(dose.amounts, Some(("4300 mg".into(), "4000 mg".into())));
}

#[test]
fn a_test_that_was_done_is_shown_with_its_value_wherever_it_was_done() {
    let result = |day: &str, by: &str| Done {
        codes: vec!["4548-4".into()],
        name: "Hemoglobin A1c".into(),
        value: "7.4%".into(),
        when: When::parse(day).expect("a day"),
        by: Some(by.into()),
        about: "Observation/1".into(),
    };
    let known = |results: Vec<Done>| Known { results, today: "2026-06-15".parse().ok(), ..Known::default() };
    let a1c = TestOrder { name: "Hemoglobin A1c".into(), codes: vec!["4548-4".into()], days: 80, body: None };
    let found = test(&a1c, &known(vec![result("2026-01-02", "Riverside"), result("2026-05-01", "Lakeside Hospital")]));
    assert_eq!(gravest(&found), Some((Rule::DuplicateTest, Tier::Information)));
    let earlier = found[0].earlier.clone().expect("the earlier result");
    assert_eq!((earlier.value.as_str(), earlier.by.as_deref()), ("7.4%", Some("Lakeside Hospital")));
    assert_eq!(test(&a1c, &known(vec![result("2026-01-02", "Riverside")])), [], "too long ago");
    let pending = Pending {
        codes: vec!["4548-4".into()],
        name: "Hemoglobin A1c".into(),
        ordered: None,
        about: "ServiceRequest/1".into(),
    };
    let found = test(&a1c, &Known { pending: vec![pending], ..Known::default() });
    assert_eq!(gravest(&found), Some((Rule::AlreadyOrdered, Tier::Reason)));
}

#[test]
fn an_alert_keeps_its_key_while_it_stands() {
    let (first, again) = (
        drug(&order("sertraline 50 mg"), &taking(&["phenelzine"]), &[]),
        drug(&order("sertraline 50 mg"), &taking(&["phenelzine"]), &[]),
    );
    assert_eq!(first[0].key(), again[0].key());
    assert!(first[0].key().contains("ONC-2"), "{}", first[0].key());
}
