//! Sets of vital signs: what is refused, what is asked again, what is written and how it is corrected.

use super::*;
use crate::act::{Act, ActError};
use crate::versions;
use crate::ward::{NOON, SECOND, Ward};

fn typed(fields: &[(&str, &str)]) -> Typed {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn adult(fields: &[(&str, &str)], before: &[Before]) -> Judged {
    judge(&typed(fields), Some(40.0), before, NOON)
}

fn said(troubles: &[Trouble]) -> Vec<String> {
    troubles.iter().map(|it| format!("{} {:?}", it.field, it.why)).collect()
}

#[test]
fn every_measure_has_its_limits_and_the_set_says_what_it_is() {
    for measure in &MEASURES {
        let (low, high) = limits::absolute(measure.key);
        assert!(low < high, "{}", measure.key);
        for years in [0.1, 1.5, 4.0, 9.0, 15.0, 50.0, 99.0] {
            if let Some((usual_low, usual_high)) = limits::usual(measure.key, Some(years)) {
                assert!(low <= usual_low && usual_low < usual_high && usual_high <= high, "{} {years}", measure.key);
            }
        }
    }
    assert!(!about().version.is_empty() && about().expires > about().reviewed);
}

#[test]
fn what_cannot_be_is_refused_in_the_unit_it_was_typed_in() {
    let check = |fields: &[(&str, &str)], expected: &str| {
        let it = adult(fields, &[]);
        assert!(said(&it.wrong).iter().any(|it| it.starts_with(expected)), "{:?}", it.wrong);
    };
    check(&[("pulse", "700")], "pulse Outside { low: \"10\", high: \"350\"");
    check(
        &[("weight", "2000"), ("weight-unit", "lb")],
        "weight Outside { low: \"0.4\", high: \"1433\", unit: \"lb\" }",
    );
    check(&[("temperature", "98.6")], "temperature Outside { low: \"25\", high: \"45\", unit: \"°C\" }");
    check(&[("temperature", "warm")], "temperature NotANumber");
    check(&[("weight", "1e2")], "weight NotANumber");
    check(&[("pulse", "-70")], "pulse Outside");
    check(&[("systolic", "120")], "diastolic Half");
    check(&[("oxygen", "2")], "saturation Half");
    check(&[("systolic", "80"), ("diastolic", "120")], "diastolic Crossed");
    check(&[("pulse", "70"), ("taken", "2026-06-15T12:30")], "taken Future");
    check(&[("pulse", "70"), ("taken", "yesterday")], "taken NoMoment");
    check(&[("note", "slept well")], "weight Nothing");
}

#[test]
fn what_is_out_of_the_ordinary_is_marked_for_the_age() {
    let it = adult(&[("pulse", "130"), ("temperature", "101,3"), ("temperature-unit", "f"), ("saturation", "97")], &[]);
    assert!(it.wrong.is_empty() && it.doubtful.is_empty());
    let said = said(&it.notable);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("temperature High { usual: \"95.9–100.2\", unit: \"°F\" }"), "{said:?}");
    let infant = judge(&typed(&[("pulse", "130")]), Some(0.4), &[], NOON);
    assert!(infant.notable.is_empty(), "usual for an infant");
    let nobody = judge(&typed(&[("pulse", "130")]), None, &[], NOON);
    assert!(nobody.notable.is_empty(), "without an age nothing is called usual");
}

#[test]
fn a_change_that_is_unlikely_asks_for_a_second_look() {
    let before = [Before { key: "weight", number: 80.0, at: (NOON / 1000) - 30 * 86_400_000 }];
    let it = adult(&[("weight", "60")], &before);
    assert_eq!(it.doubtful.len(), 1);
    let Why::Changed { percent, before: last, .. } = &it.doubtful[0].why else { panic!("{:?}", it.doubtful) };
    assert_eq!((*percent, last.as_str()), (-25, "80 kg"));
    let it = adult(&[("weight", "132"), ("weight-unit", "lb")], &before);
    let Why::Changed { before: last, .. } = &it.doubtful[0].why else { panic!("{:?}", it.doubtful) };
    assert_eq!(last, "176.4 lb");
    assert!(adult(&[("weight", "70")], &before).doubtful.is_empty());
    let child = judge(&typed(&[("weight", "18")]), Some(4.0), &[Before { number: 15.0, ..before[0] }], NOON);
    assert!(child.doubtful.is_empty(), "children grow");
}

#[test]
fn numbers_are_read_as_people_write_them() {
    let check = |words: &str, shown: &str| {
        let it = adult(&[("weight", words)], &[]);
        assert_eq!(it.taken.values.first().map(|it| it.shown.as_str()), Some(shown), "{words} {:?}", it.wrong);
    };
    check("82,50", "82.50");
    check(" 082.5 ", "82.5");
    check("82.", "82");
    let it = adult(&[("weight", "180"), ("weight-unit", "lb"), ("height", "70"), ("height-unit", "in")], &[]);
    assert_eq!(it.taken.values.iter().map(|it| it.shown.as_str()).collect::<Vec<_>>(), ["81.65", "177.8"]);
}

async fn take_all(ward: &Ward, fields: &[(&str, &str)], form: &str) -> crate::act::Written {
    let pen = ward.pen_of(&ward.nurse);
    let board = board(&pen, &ward.patient).await.unwrap();
    let judged = judge(&typed(fields), board.years, &board.before, pen.now);
    assert!(judged.wrong.is_empty(), "{:?}", judged.wrong);
    let act = Act::new("vitals", &ward.patient).once(form);
    take(&pen, &ward.patient, &judged.taken, board.years, &board.before, None, act).await.unwrap()
}

#[tokio::test]
async fn a_set_becomes_observations_as_us_core_wants_them() {
    let ward = Ward::open().await;
    let fields = [
        ("weight", "180"),
        ("weight-unit", "lb"),
        ("height", "177.8"),
        ("systolic", "151"),
        ("diastolic", "88"),
        ("site", "left-arm"),
        ("position", "sitting"),
        ("pulse", "72"),
        ("saturation", "95"),
        ("oxygen", "2"),
        ("taken", "2026-06-15T11:50"),
    ];
    let written = take_all(&ward, &fields, "form-1").await;
    // Weight, height, pressure, pulse, saturation, body mass index, body surface.
    assert_eq!(written.keys.len(), 7);
    let find = async |code: &str| {
        let found = ward.find("Observation", &[("patient", "ada"), ("code", code)]).await;
        assert_eq!(found.len(), 1, "{code}");
        found.into_iter().next().unwrap()
    };
    let weight = find("29463-7").await;
    assert_eq!(weight["valueQuantity"]["value"].to_string(), "81.65");
    assert_eq!(weight["valueQuantity"]["code"], "kg");
    assert_eq!(weight["effectiveDateTime"], "2026-06-15T11:50:00Z");
    assert_eq!(weight["performer"][0]["reference"], "Practitioner/lind");
    let pressure = find("85354-9").await;
    assert_eq!(pressure["component"][0]["interpretation"][0]["coding"][0]["code"], "H");
    assert_eq!(pressure["component"][1]["interpretation"][0]["coding"][0]["code"], "N");
    assert_eq!(pressure["bodySite"]["text"], "Left arm");
    assert_eq!(pressure["extension"][0]["valueCodeableConcept"]["text"], "Sitting");
    assert_eq!(
        pressure["meta"]["profile"][0],
        "http://hl7.org/fhir/us/core/StructureDefinition/us-core-blood-pressure"
    );
    let saturation = find("59408-5").await;
    assert_eq!(saturation["component"][0]["code"]["coding"][0]["code"], "3151-8");
    assert_eq!(find("39156-5").await["valueQuantity"]["value"].to_string(), "25.8");
    assert_eq!(find("3140-1").await["valueQuantity"]["value"].to_string(), "2.01");
    let again = take_all(&ward, &fields, "form-1").await;
    assert!(again.again && again.keys == written.keys);
    let told = ward.find("Provenance", &[("target", &written.keys[0].0.to_string())]).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["target"].as_array().unwrap().len(), 7);
    let shown = board(&ward.pen(), &ward.patient).await.unwrap();
    assert_eq!(shown.sets.len(), 1);
    assert_eq!(shown.sets[0].readings.len(), 7);
}

#[tokio::test]
async fn a_weight_alone_is_put_together_with_the_last_height() {
    let mut ward = Ward::open().await;
    take_all(&ward, &[("height", "170")], "a").await;
    ward.later(86_400 * SECOND);
    let written = take_all(&ward, &[("weight", "70")], "b").await;
    assert_eq!(written.keys.len(), 3, "with body mass index and body surface");
    let index = ward.find("Observation", &[("code", "39156-5")]).await;
    assert_eq!(index[0]["valueQuantity"]["value"].to_string(), "24.2");
}

#[tokio::test]
async fn a_correction_is_a_new_version_with_its_reason_and_reaches_what_was_worked_out() {
    let mut ward = Ward::open().await;
    let written = take_all(&ward, &[("weight", "70"), ("height", "170")], "a").await;
    let id = written.keys[0].0.id.clone();
    ward.later(60 * SECOND);
    let pen = ward.pen();
    let (reading, version) = one(&pen, &ward.patient, &id).await.unwrap();
    assert_eq!((reading.value.with_unit().as_str(), version), ("70 kg", 1));
    assert_eq!(parts(&pen, &ward.patient, &id).await.unwrap()[0].0.key, "weight");
    let fix = |words: &'static str| [Correction { measure: "weight", words, unit: Some("kg") }];
    let act = |why: &str| Act::new("vitals.correct", &ward.patient).reason(why);
    let none = correct(&pen, &ward.patient, &id, 1, Some(40.0), &fix("7000"), act("x")).await.unwrap();
    assert_eq!(none, None, "what cannot be is not written by a correction either");
    correct(&pen, &ward.patient, &id, 1, Some(40.0), &fix("77"), act("Shoes and bag")).await.unwrap().unwrap();
    let late = correct(&pen, &ward.patient, &id, 1, Some(40.0), &fix("78"), act("late")).await;
    assert!(matches!(late, Err(ActError::Conflict { .. })), "{late:?}");
    let index = ward.find("Observation", &[("code", "39156-5")]).await;
    assert_eq!(index[0]["valueQuantity"]["value"].to_string(), "26.6");
    let all = versions::of(&pen, &ward.patient, &key(&id)).await.unwrap();
    let told: Vec<_> = all.iter().map(|it| (it.number, it.who.as_deref(), it.why.as_deref())).collect();
    assert_eq!(told, [(2, Some("Dr. Amara Okafor"), Some("Shoes and bag")), (1, Some("Maja Lind"), None)]);
    assert_eq!(all[1].value["valueQuantity"]["value"].to_string(), "70");
    mistaken(&pen, &ward.patient, &id, 2, act("Of somebody else")).await.unwrap();
    let left = board(&pen, &ward.patient).await.unwrap();
    assert!(left.before.iter().all(|it| it.key != "weight"), "a mistake counts for nothing");
    let stranger = fhir::Id::parse("ben").unwrap();
    assert!(one(&pen, &stranger, &id).await.is_err(), "under another name it is not there");
}
