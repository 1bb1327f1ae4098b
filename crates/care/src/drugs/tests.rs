use super::*;
use serde_json::json;

fn names(concept: fhir::Value) -> Vec<String> {
    recognise(&concept).ingredients.into_iter().collect()
}

#[test]
fn a_drug_is_found_by_its_name_its_brand_and_its_strength() {
    let first = |words: &str| search(words, 5).first().map(|it| it.name.clone()).unwrap_or_default();
    assert_eq!(first("metf"), "metformin 500 mg tablet");
    assert_eq!(first("metformin 1000"), "metformin 1000 mg tablet");
    assert_eq!(first("lipitor"), "atorvastatin 20 mg tablet");
    assert_eq!(first("AMOX 400"), "amoxicillin 400 mg/5 mL oral suspension");
    assert_eq!(first("hctz"), "hydrochlorothiazide 12.5 mg capsule");
    assert!(search("  ", 5).is_empty() && search("xyzzy", 5).is_empty());
    assert_eq!(search("met", 3).len(), 3);
    let one = search("lisinopril", 1)[0];
    assert_eq!(by_key(&one.key).map(|it| it.name.as_str()), Some("lisinopril 10 mg tablet"));
}

#[test]
fn a_medicine_is_recognised_by_code_or_by_words() {
    let coded = |code: &str| json!({"coding": [{"system": RXNORM, "code": code}]});
    assert_eq!(names(coded("861007")), ["metformin"]);
    assert_eq!(names(coded("1049221")), ["acetaminophen", "oxycodone"]);
    assert_eq!(names(coded("11289")), ["warfarin"]);
    assert_eq!(names(json!({"text": "Simvastatin 40 MG Oral Tablet [Zocor]"})), ["simvastatin"]);
    assert_eq!(names(json!({"coding": [{"display": "Zestoretic 20/12.5"}]})), ["hydrochlorothiazide", "lisinopril"]);
    assert_eq!(names(json!({"text": "Penicillin G benzathine"})), ["penicillin g benzathine"]);
    assert!(recognise(&json!({"text": "Horse chestnut extract"})).is_nothing());
    assert_eq!(recognise(&json!({"text": "Lipitor"})).classes.into_iter().collect::<Vec<_>>(), ["statin"]);
}

#[test]
fn a_class_is_recognised_by_the_words_people_use() {
    let classes =
        |words: &str| -> Vec<String> { recognise(&json!({"text": words})).allergy_classes.into_iter().collect() };
    assert_eq!(classes("Sulfa drugs"), ["sulfonamide antibiotics"]);
    assert_eq!(classes("PCN"), ["penicillins"]);
    assert!(classes("peanut").is_empty());
}

#[test]
fn every_drug_that_rules_name_on_the_list_has_the_same_name_there() {
    // A rule about a name nobody uses would never fire.
    for limit in &rules().doses {
        assert!(
            all().iter().any(|it| it.ingredients.iter().any(|it| it.name == limit.ingredient)),
            "{} is not on the list",
            limit.ingredient
        );
    }
    for name in ["simvastatin", "clarithromycin", "phenelzine", "sertraline", "tizanidine", "ciprofloxacin"] {
        assert!(rules().pairs.iter().any(|it| it.a.iter().chain(&it.b).any(|it| it == name)), "{name}");
    }
}

#[test]
fn forms_that_act_where_they_are_put_are_known() {
    assert!(is_local("ketoconazole 2 % shampoo") && is_local("timolol 0.5 % eye drops"));
    assert!(!is_local("ketoconazole 200 mg tablet"));
}
