//! The lists of a chart as they are kept: what is added reads back as US Core wants it, what is changed keeps its past.

use super::*;
use crate::chart::{AllergyState, Standing};
use crate::versions;
use crate::ward::{NOON, SECOND, Ward};

fn typed(fields: &[(&str, &str)]) -> Typed {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn act(ward: &Ward, name: &'static str) -> Act {
    Act::new(name, &ward.patient)
}

/// What fills the form of every list.
fn filled(list: List) -> Typed {
    typed(match list {
        List::Problems => &[
            ("problem", "htn"),
            ("problem-free", "yes"),
            ("onset", "2019-05"),
            ("severity", "mild"),
            ("note", "At home too"),
        ],
        List::Medications => {
            &[("drug", "Ginger root"), ("drug-free", "yes"), ("directions", "As tea"), ("since", "2024")]
        }
        List::Allergies => &[
            ("substance", "Penicillin G"),
            ("reaction", "Hives"),
            ("severity", "moderate"),
            ("risk", "high"),
            ("sort", "allergy"),
        ],
        List::Immunizations => &[
            ("vaccine", "MMR"),
            ("given", "2001-02-03"),
            ("how", "elsewhere"),
            ("dose", "2"),
            ("lot", "A1"),
            ("site", "left-arm"),
        ],
        List::Procedures => &[("procedure", "Appendectomy"), ("done", "1999")],
        List::Family => &[
            ("relation", "mothers-mother"),
            ("condition", "Heart attack"),
            ("condition-free", "yes"),
            ("age", "61"),
            ("living", "dead"),
        ],
        List::Smoking => &[("smoking", "former")],
        List::Social => &[("topic", "work"), ("answer", "Night nurse")],
        List::Needs => &[("need", "food"), ("risk", "at-risk"), ("note", "End of the month")],
        List::Devices => {
            &[("device", "Pacemaker"), ("udi", "00899990000041"), ("serial", "S1"), ("expires", "2031-01-01")]
        }
        List::Goals => {
            &[("goal", "Walk every day"), ("since", "2026-06-01"), ("due", "2026-12-01"), ("progress", "in-progress")]
        }
        List::Plans => &[("title", "Plan of care"), ("plan", "Walk, and <less> salt"), ("since", "2026-06-01")],
        List::Team => &[("member", "Practitioner/lind"), ("role", "Nurse")],
    })
}

#[test]
fn forms_say_what_is_missing_or_cannot_be() {
    let check = |list: List, fields: &[(&str, &str)], expected: &[(&'static str, Why)]| {
        let wrong: Vec<_> = judge(list, &typed(fields), NOON).wrong.into_iter().map(|it| (it.field, it.why)).collect();
        assert_eq!(wrong, expected, "{list:?}");
    };
    check(List::Problems, &[], &[("problem", Why::Needed)]);
    check(
        List::Problems,
        &[("problem", "latex"), ("problem-free", "yes"), ("onset", "2031")],
        &[("onset", Why::Future)],
    );
    check(List::Problems, &[("problem", "Something new"), ("onset", "spring")], &[("onset", Why::NotADay)]);
    check(
        List::Immunizations,
        &[("vaccine", "MMR"), ("given", "02/03/2001"), ("how", "maybe")],
        &[("how", Why::NotAChoice)],
    );
    check(List::Family, &[("relation", "aunt"), ("condition", "Zzz"), ("age", "old")], &[("age", Why::NotANumber)]);
    let near = judge(List::Problems, &typed(&[("problem", "high blood pressure")]), NOON).wrong;
    let [Trouble { field: "problem", why: Why::NoTerm(near) }] = near.as_slice() else { panic!("{near:?}") };
    assert!(near.iter().any(|it| it.code == "I10"), "the terms that come close are offered");
    let long = "x".repeat(LONGEST + 1);
    check(List::Social, &[("topic", "work"), ("answer", &long)], &[("answer", Why::TooLong)]);
}

#[tokio::test]
async fn an_entry_of_every_list_is_written_shown_and_opened_again() {
    let ward = Ward::open().await;
    for list in List::all() {
        let pen = ward.pen();
        let form = filled(list);
        let judged = judge(list, &form, pen.now);
        assert!(judged.wrong.is_empty(), "{list:?}: {:?}", judged.wrong);
        let written = add(&pen, &ward.patient, list, &judged, None, act(&ward, "entry.add")).await;
        let written = written.unwrap_or_else(|error| panic!("{list:?}: {error}"));
        let key = written.keys.last().unwrap().0.clone();
        assert_eq!(key.kind.name(), list.kind());
        let shown = rows(&pen, &ward.patient, list).await.unwrap();
        let [row] = shown.rows.as_slice() else { panic!("{list:?} shows {:?}", shown.rows) };
        assert_eq!((row.key.clone(), row.version, row.standing), (key.clone(), 1, Standing::Active), "{list:?}");
        assert!(!row.title.is_empty() && row.source.is_none(), "{list:?}: {row:?}");
        assert_eq!(
            row.who.as_deref().filter(|_| list != List::Immunizations),
            Some("Dr. Amara Okafor").filter(|_| list != List::Immunizations),
            "{list:?}"
        );
        if list == List::Team {
            continue;
        }
        let (again, version, _) = open(&pen, &ward.patient, list, &key.id).await.unwrap();
        assert_eq!(version, 1);
        for (name, value) in form.iter().filter(|(name, _)| !name.ends_with("-free")) {
            assert_eq!(again.get(name), Some(value), "{list:?} {name}");
        }
        // The same form once more changes nothing that it says.
        let same = judge(list, &again, pen.now);
        assert!(same.wrong.is_empty(), "{list:?}: {:?}", same.wrong);
        let before = ward.read(&key).await;
        change(&pen, &ward.patient, list, &key.id, 1, &same, act(&ward, "entry.change")).await.unwrap();
        let mut after = ward.read(&key).await;
        after["meta"] = before["meta"].clone();
        assert_eq!(after, before, "{list:?}");
    }
}

#[tokio::test]
async fn what_is_chosen_is_coded_and_what_is_typed_is_marked_as_free() {
    let ward = Ward::open().await;
    let pen = ward.pen();
    for (words, code) in [("Essential (primary) hypertension", "I10"), ("Bad knees", "")] {
        let judged = judge(
            List::Problems,
            &typed(&[("problem", words), ("problem-code", code), ("problem-free", "yes")]),
            pen.now,
        );
        add(&pen, &ward.patient, List::Problems, &judged, None, act(&ward, "entry.add")).await.unwrap();
    }
    let shown = rows(&pen, &ward.patient, List::Problems).await.unwrap();
    let find = |title: &str| shown.rows.iter().find(|it| it.title == title).unwrap();
    assert_eq!(find("Essential (primary) hypertension").code.as_deref(), Some("I10 (ICD-10-CM)"));
    assert!(!find("Essential (primary) hypertension").free && find("Bad knees").free);
    // A code that does not belong to the words is not believed.
    let forged = judge(List::Problems, &typed(&[("problem", "Bad knees"), ("problem-code", "I10")]), pen.now);
    assert_eq!(forged.concept("problem").unwrap(), &json!({"text": "Bad knees"}));
}

#[tokio::test]
async fn an_entry_ends_holds_again_and_is_taken_back_with_a_reason_that_its_history_shows() {
    let mut ward = Ward::open().await;
    let judged = judge(List::Problems, &filled(List::Problems), NOON);
    let written =
        add(&ward.pen(), &ward.patient, List::Problems, &judged, None, act(&ward, "entry.add")).await.unwrap();
    let key = written.keys[0].0.clone();
    let steps = [
        (Ending::Over, Standing::Past, "Gone since spring"),
        (Ending::Again, Standing::Active, "Came back"),
        (Ending::Mistaken, Standing::Mistaken, "Of her sister"),
    ];
    for (version, (ending, standing, why)) in (1..).zip(steps) {
        ward.later(60 * SECOND);
        let pen = ward.pen();
        let change = act(&ward, "entry.settle").reason(why);
        settle(&pen, &ward.patient, List::Problems, &key.id, version, ending, change).await.unwrap();
        let shown = rows(&pen, &ward.patient, List::Problems).await.unwrap();
        assert_eq!(shown.rows[0].standing, standing, "{ending:?}");
    }
    let whys: Vec<_> =
        versions::of(&ward.pen(), &ward.patient, &key).await.unwrap().into_iter().map(|it| it.why).collect();
    let expected = [Some("Of her sister"), Some("Came back"), Some("Gone since spring"), None];
    assert_eq!(whys.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
    let stranger = Id::parse("ben").unwrap();
    let other =
        settle(&ward.pen(), &stranger, List::Problems, &key.id, 4, Ending::Over, Act::new("x", &stranger)).await;
    assert!(matches!(other, Err(ActError::Store(StoreError::NotFound(_)))), "it is not an entry of that chart");
}

#[tokio::test]
async fn every_list_can_be_ended_or_taken_back_without_breaking_a_rule_of_the_standard() {
    let ward = Ward::open().await;
    for list in List::all().filter(|it| *it != List::Team) {
        for (_, ending) in ENDINGS {
            let pen = ward.pen();
            let judged = judge(list, &filled(list), pen.now);
            let written = add(&pen, &ward.patient, list, &judged, None, act(&ward, "entry.add")).await.unwrap();
            let id = written.keys.last().unwrap().0.id.clone();
            let done = settle(&pen, &ward.patient, list, &id, 1, ending, act(&ward, "entry.settle")).await;
            done.unwrap_or_else(|error| panic!("{list:?} {ending:?}: {error}"));
        }
    }
}

#[tokio::test]
async fn looking_a_list_over_leaves_a_stamp_that_others_can_read() {
    let mut ward = Ward::open().await;
    assert_eq!(review(&ward.pen(), &ward.patient, List::Problems).await.unwrap(), None);
    reviewed(&ward.pen(), &ward.patient, List::Problems, act(&ward, "reviewed")).await.unwrap();
    let first = review(&ward.pen(), &ward.patient, List::Problems).await.unwrap().unwrap();
    assert_eq!((first.who.as_deref(), first.none), (Some("Dr. Amara Okafor"), true));
    let judged = judge(List::Problems, &filled(List::Problems), NOON);
    add(&ward.pen(), &ward.patient, List::Problems, &judged, None, act(&ward, "entry.add")).await.unwrap();
    ward.later(3_600 * SECOND);
    let nurse = ward.pen_of(&ward.nurse);
    reviewed(&nurse, &ward.patient, List::Problems, act(&ward, "reviewed")).await.unwrap();
    let second = review(&nurse, &ward.patient, List::Problems).await.unwrap().unwrap();
    assert_eq!((second.who.as_deref(), second.none), (Some("Maja Lind"), false));
    assert!(second.when.at() > first.when.at());
    let lists = ward.find("List", &[("patient", "ada"), ("code", "http://loinc.org|11450-4")]).await;
    assert_eq!((lists.len(), lists[0]["entry"].as_array().unwrap().len()), (1, 1));
    let told = ward.find("Provenance", &[("target", &format!("List/{}", lists[0]["id"].as_str().unwrap()))]).await;
    assert_eq!(told.len(), 2);
}

#[tokio::test]
async fn no_known_allergies_is_said_until_there_is_one() {
    let ward = Ward::open().await;
    let pen = ward.pen();
    let state = async || pen.chart(&ward.patient).banner().await.unwrap().allergies;
    assert!(matches!(state().await, AllergyState::NotRecorded));
    no_allergies(&pen, &ward.patient, act(&ward, "reviewed")).await.unwrap();
    assert!(matches!(state().await, AllergyState::NoneKnown(_)));
    no_allergies(&pen, &ward.patient, act(&ward, "reviewed")).await.unwrap();
    assert_eq!(ward.find("AllergyIntolerance", &[]).await.len(), 1, "said twice it stands once");
    let judged = judge(List::Allergies, &filled(List::Allergies), pen.now);
    add(&pen, &ward.patient, List::Allergies, &judged, None, act(&ward, "entry.add")).await.unwrap();
    let AllergyState::Known(known) = state().await else { panic!("there is one") };
    assert_eq!(known.len(), 1);
    let shown = rows(&pen, &ward.patient, List::Allergies).await.unwrap();
    let none = shown.rows.iter().find(|it| it.none).unwrap();
    assert_eq!(none.standing, Standing::Past);
}

#[tokio::test]
async fn people_join_the_care_team_and_leave_it() {
    let ward = Ward::open().await;
    let pen = ward.pen();
    let members = [("Practitioner/lind", "Nurse"), ("Practitioner/okafor", "Family doctor")];
    for (member, role) in members {
        let judged = judge(List::Team, &typed(&[("member", member), ("role", role)]), pen.now);
        add(&pen, &ward.patient, List::Team, &judged, None, act(&ward, "entry.add")).await.unwrap();
    }
    let team = ward.find("CareTeam", &[]).await;
    assert_eq!(team.len(), 1);
    let shown = rows(&pen, &ward.patient, List::Team).await.unwrap();
    assert_eq!(shown.rows.len(), 2);
    let first = &shown.rows[0];
    let left = leave(&pen, &ward.patient, &first.key.id, first.version, first.nth.unwrap(), act(&ward, "entry.settle"));
    left.await.unwrap();
    let shown = rows(&pen, &ward.patient, List::Team).await.unwrap();
    assert_eq!(shown.rows.iter().filter(|it| it.standing == Standing::Active).count(), 1);
}

#[tokio::test]
async fn what_came_from_elsewhere_says_so_and_loses_nothing_by_an_edit() {
    let ward = Ward::open().await;
    ward.put(vec![
        json!({"resourceType": "Condition", "id": "sent", "subject": {"reference": "Patient/ada"},
            "clinicalStatus": hl7("condition-clinical", "active", "Active"),
            "verificationStatus": hl7("condition-ver-status", "confirmed", "Confirmed"),
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": "195967001", "display": "Asthma"}], "text": "Asthma"},
            "evidence": [{"code": [{"text": "Spirometry"}]}], "identifier": [{"value": "theirs"}]}),
        json!({"resourceType": "Provenance", "id": "p", "target": [{"reference": "Condition/sent"}],
            "recorded": "2025-01-01T10:00:00Z",
            "agent": [{"type": {"coding": [{"code": "transmitter"}]}, "who": {"display": "Lakeside General"}},
                {"type": {"coding": [{"code": "author"}]}, "who": {"display": "Lakeside General"}}]}),
    ])
    .await;
    let pen = ward.pen();
    let shown = rows(&pen, &ward.patient, List::Problems).await.unwrap();
    assert_eq!(shown.rows[0].source.as_deref(), Some("Lakeside General"));
    let id = Id::parse("sent").unwrap();
    let (mut form, version, _) = open(&pen, &ward.patient, List::Problems, &id).await.unwrap();
    form.insert("severity".into(), "severe".into());
    form.insert("problem-free".into(), "yes".into());
    let judged = judge(List::Problems, &form, pen.now);
    change(&pen, &ward.patient, List::Problems, &id, version, &judged, act(&ward, "entry.change")).await.unwrap();
    let after = ward.read(&key(List::Problems, &id)).await;
    assert_eq!(after["severity"]["text"], "Severe");
    assert_eq!(after["evidence"][0]["code"][0]["text"], "Spirometry");
    assert_eq!(
        after["code"]["coding"][0]["code"], "195967001",
        "a code that is not of our lists stays while its words do"
    );
}
