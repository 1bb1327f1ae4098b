//! Notes on a real store: written by several hands, signed once, added to, corrected, co-signed.

use super::text::Command;
use super::*;
use crate::ward::{SECOND, Ward};
use fhir::{Id, Key, Value};
use serde_json::json;

const HOUR: i64 = 3_600_000_000;

fn observation(id: &str, code: &str, name: &str, value: &str, unit: &str, category: &str) -> Value {
    let text = format!(
        r#"{{"resourceType": "Observation", "id": "{id}", "status": "final", "subject": {{"reference": "Patient/ada"}},
        "category": [{{"coding": [{{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "{category}"}}]}}],
        "code": {{"coding": [{{"system": "http://loinc.org", "code": "{code}"}}], "text": "{name}"}},
        "effectiveDateTime": "2026-05-12T08:00:00Z", "valueQuantity": {{"value": {value}, "unit": "{unit}"}}}}"#
    );
    serde_json::from_str(&text).unwrap()
}

/// The ward with a few facts about Ada and a visit that goes on.
async fn ward() -> Ward {
    let ward = Ward::open().await;
    let problem = |id: &str, name: &str| {
        json!({"resourceType": "Condition", "id": id, "subject": {"reference": "Patient/ada"},
            "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
            "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-category", "code": "problem-list-item"}]}],
            "code": {"text": name}, "recordedDate": "2020-01-02"})
    };
    ward.put(vec![
        problem("p1", "Type 2 diabetes"),
        problem("p2", "Migraine"),
        observation("a1c", "4548-4", "Hemoglobin A1c", "7.20", "%", "laboratory"),
        observation("pulse", "8867-4", "Pulse", "72", "/min", "vital-signs"),
        json!({"resourceType": "Encounter", "id": "today", "status": "in-progress", "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": {"reference": "Patient/ada"}, "period": {"start": "2026-06-15T11:00:00Z"}}),
    ])
    .await;
    ward
}

fn saving(note: &Note, texts: &[(&str, &str)]) -> Saving {
    let texts = texts.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
    Saving { edition: note.edition, texts }
}

async fn begun(ward: &Ward, template: &str) -> Note {
    let beginning = Beginning { template, encounter: Some("today"), spanish: false };
    begin(&ward.pen(), &ward.patient, beginning).await.unwrap()
}

async fn kept(ward: &Ward, note: &Note, texts: &[(&str, &str)]) -> Note {
    match save(&ward.pen(), &ward.patient, &note.id, &saving(note, texts)).await.unwrap() {
        Saved::Kept { note, .. } => *note,
        Saved::Clash(clash) => panic!("{clash:?}"),
    }
}

fn text<'a>(note: &'a Note, part: &str) -> &'a str {
    &note.parts.iter().find(|it| it.key == part).unwrap().text
}

const FILLED: &[(&str, &str)] = &[
    ("subjective", "Feels well."),
    ("objective", "Pulse @pulse."),
    ("assessment", "HbA1c: @labs.hba1c"),
    ("plan", "Go on."),
];

#[tokio::test]
async fn links_become_values_with_their_date_and_where_they_come_from() {
    let ward = ward().await;
    let note = begun(&ward, "office-visit").await;
    assert_eq!(text(&note, "hpi"), "Ada Byron is a 40-year-old female who comes for ***.");
    assert_eq!(text(&note, "pe"), "Heart rate 72 /min (12-May-2026 08:00)");
    let note = kept(&ward, &note, &[("results", "Now @labs.hba1c, before @labs.ldl. @nothing")]).await;
    assert_eq!(text(&note, "results"), "Now HbA1c 7.20% (12-May-2026), before no LDL cholesterol on record. @nothing");
    let taken = note.taken.iter().find(|it| it.link == "labs.hba1c").unwrap();
    assert_eq!(taken.at, ward.now);
    assert_eq!(taken.sources.len(), 1);
    assert_eq!(taken.sources[0].reference, "Observation/a1c");
    assert_eq!(taken.sources[0].when.as_deref(), Some("12-May-2026 08:00"));
    // What no longer stands there was not taken.
    let note = kept(&ward, &note, &[("results", "None today.")]).await;
    assert!(note.taken.iter().all(|it| it.part != "results"));
}

#[tokio::test]
async fn phrases_are_put_in_with_the_values_they_ask_for_and_ones_own_come_first() {
    let ward = ward().await;
    let note = begun(&ward, "follow-up").await;
    let pen = ward.pen();
    let note = kept(&ward, &note, &[("plan", ".bpplan .unknown")]).await;
    assert!(
        text(&note, "plan").starts_with("Pressure no blood pressure on record, {at|above} goal."),
        "{}",
        text(&note, "plan")
    );
    assert!(text(&note, "plan").ends_with(" .unknown"));
    assert_eq!(phrases::keep(&pen, "bpplan", "Mine", "As ever, @firstname.\n").await.unwrap(), Ok(()));
    assert_eq!(phrases::keep(&pen, "no good", "", "x").await.unwrap(), Err(phrases::PhraseError::Key));
    assert_eq!(phrases::keep(&pen, "empty", "", " ").await.unwrap(), Err(phrases::PhraseError::Empty));
    let note = kept(&ward, &note, &[("plan", ".bpplan")]).await;
    assert_eq!(text(&note, "plan"), "As ever, Ada.");
    let found = phrases::find(&pen, "bp", 9).await.unwrap();
    assert_eq!(found.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["Mine"]);
    assert!(phrases::own(&ward.pen_of(&ward.nurse)).await.unwrap().is_empty(), "nobody sees those of others");
    phrases::remove(&pen, "bpplan").await.unwrap();
    assert!(phrases::own(&pen).await.unwrap().is_empty());
}

#[tokio::test]
async fn two_people_in_one_note_see_both_texts_and_nobody_is_overwritten() {
    let mut ward = ward().await;
    let note = begun(&ward, "follow-up").await;
    let note = kept(&ward, &note, &[("subjective", "one\ntwo\nthree")]).await;
    ward.later(SECOND);
    let nurse = ward.pen_of(&ward.nurse);
    let opened = open(&nurse, &ward.patient, &note.id).await.unwrap();
    assert_eq!(opened, note);
    let theirs = saving(&opened, &[("subjective", "one\ntwo\nthree\nnurse"), ("plan", "Weigh.")]);
    assert!(matches!(save(&nurse, &ward.patient, &note.id, &theirs).await.unwrap(), Saved::Kept { .. }));
    // The clinician still has the edition from before.
    let mine = saving(&note, &[("subjective", "one\nTWO\nthree"), ("plan", "Rest.")]);
    let Saved::Clash(clash) = save(&ward.pen(), &ward.patient, &note.id, &mine).await.unwrap() else {
        panic!("overwritten")
    };
    assert_eq!(clash.theirs.saved_by_name, "Maja Lind");
    let seen: Vec<_> = clash.parts.iter().map(|it| (it.key.as_str(), it.merged.as_str(), it.clean)).collect();
    assert_eq!(seen, [("subjective", "one\nTWO\nthree\nnurse", true), ("plan", "Rest.\nWeigh.", false)]);
    let now = open(&ward.pen(), &ward.patient, &note.id).await.unwrap();
    assert_eq!(text(&now, "plan"), "Weigh.", "a clash writes nothing");
    // Merged by hand, over the edition that was shown.
    let merged =
        kept(&ward, &clash.theirs, &[("subjective", "one\nTWO\nthree\nnurse"), ("plan", "Rest. Weigh.")]).await;
    assert_eq!(merged.hands, ["Dr. Amara Okafor", "Maja Lind"]);
    // The answer to a save was lost, and the same screen is sent again.
    let again = saving(&clash.theirs, &[("subjective", "one\nTWO\nthree\nnurse"), ("plan", "Rest. Weigh.")]);
    assert!(matches!(save(&ward.pen(), &ward.patient, &note.id, &again).await.unwrap(), Saved::Kept { .. }));
}

#[tokio::test]
async fn every_edition_can_be_looked_at_and_brought_back() {
    let mut ward = ward().await;
    let note = begun(&ward, "follow-up").await;
    let note = kept(&ward, &note, &[("plan", "first")]).await;
    ward.later(HOUR);
    let note = kept(&ward, &note, &[("plan", "second")]).await;
    let same = kept(&ward, &note, &[("plan", "second")]).await;
    assert_eq!(same.edition, note.edition, "nothing changed, nothing was written");
    let pen = ward.pen();
    let numbers: Vec<u32> = editions(&pen, &ward.patient, &note.id).await.unwrap().iter().map(|it| it.number).collect();
    assert_eq!(numbers, [3, 2, 1]);
    assert_eq!(text(&edition(&pen, &ward.patient, &note.id, 2).await.unwrap(), "plan"), "first");
    let note = restore(&pen, &ward.patient, &note.id, 2).await.unwrap();
    assert_eq!((text(&note, "plan"), note.edition), ("first", 4));
}

#[tokio::test]
async fn a_signed_note_is_a_document_a_composition_and_a_signature() {
    let ward = ward().await;
    let note = begun(&ward, "follow-up").await;
    let pen = ward.pen();
    let open_gaps = sign(&pen, &ward.patient, &note.id, Signing { edition: note.edition, ..Signing::default() }).await;
    assert!(matches!(open_gaps, Err(NoteError::Gaps(1))), "{open_gaps:?}");
    let note = kept(&ward, &note, FILLED).await;
    let stale = sign(&pen, &ward.patient, &note.id, Signing { edition: note.edition - 1, ..Signing::default() }).await;
    assert!(matches!(stale, Err(NoteError::Changed)), "{stale:?}");
    let signing = Signing { edition: note.edition, ..Signing::default() };
    let signed_note = sign(&pen, &ward.patient, &note.id, signing).await.unwrap();
    let again = sign(&pen, &ward.patient, &note.id, signing).await.unwrap();
    assert_eq!(signed_note, again, "a second click signs nothing");
    let key = Key::parse(&format!("DocumentReference/{}", signed_note.document)).unwrap();
    let document = ward.read(&key).await;
    assert_eq!(document["docStatus"], "final");
    assert_eq!(document["type"]["coding"][0]["code"], "11506-3");
    assert_eq!(document["category"][0]["coding"][0]["code"], "clinical-note");
    assert_eq!(document["authenticator"]["reference"], "Practitioner/okafor");
    assert_eq!(document["context"]["encounter"][0]["reference"], "Encounter/today");
    let related: Vec<_> =
        document["context"]["related"].as_array().unwrap().iter().map(|it| it["reference"].as_str().unwrap()).collect();
    assert_eq!(related, ["Observation/a1c", "Observation/pulse"]);
    let shown = pen.chart(&ward.patient).document(&signed_note.document).await.unwrap();
    let crate::chart::Place::Inside(bytes) = &shown.attachments[0].place else { panic!("{shown:?}") };
    let words = String::from_utf8(bytes.clone()).unwrap();
    assert!(words.starts_with("SUBJECTIVE\nFeels well.\n\nOBJECTIVE\nPulse 72 /min (12-May-2026).\n"), "{words}");
    assert!(words.contains("Signed: Dr. Amara Okafor, 15-Jun-2026 12:00 UTC"), "{words}");
    let whole = &ward.find("Composition", &[("patient", "Patient/ada")]).await[0];
    assert_eq!(whole["section"][2]["title"], "Assessment");
    assert_eq!(whole["section"][2]["entry"][0]["reference"], "Observation/a1c");
    assert_eq!(whole["attester"][0]["party"]["reference"], "Practitioner/okafor");
    let provenance = ward.find("Provenance", &[("target", &key.to_string())]).await;
    assert_eq!(provenance.len(), 1);
    assert_eq!(provenance[0]["signature"][0]["who"]["reference"], "Practitioner/okafor");
    assert_eq!(provenance[0]["signature"][0]["type"][0]["code"], "1.2.840.10065.1.12.1.1");
    assert_eq!(provenance[0]["activity"]["text"], "note.sign");
    assert!(unsigned(&pen).await.unwrap().is_empty(), "the draft went with the signature");
    assert!(of_patient(&pen, &ward.patient).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_addendum_points_at_its_note_and_a_correction_takes_its_place() {
    let mut ward = ward().await;
    let note = begun(&ward, "follow-up").await;
    let note = kept(&ward, &note, FILLED).await;
    let first = sign(&ward.pen(), &ward.patient, &note.id, Signing { edition: note.edition, ..Signing::default() })
        .await
        .unwrap();
    ward.later(HOUR);
    let note = add_to(&ward.pen(), &ward.patient, &first.document).await.unwrap();
    let note = kept(&ward, &note, &[("addendum", "The result is back.")]).await;
    let addendum = sign(&ward.pen(), &ward.patient, &note.id, Signing { edition: note.edition, ..Signing::default() })
        .await
        .unwrap();
    ward.later(HOUR);
    let pen = ward.pen();
    let other = ward.pen_of(&ward.nurse);
    assert!(matches!(correct(&other, &ward.patient, &first.document).await, Err(NoteError::NotYours)));
    let note = correct(&pen, &ward.patient, &first.document).await.unwrap();
    let texts: Vec<_> = note.parts.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(texts, ["Feels well.", "Pulse 72 /min (12-May-2026).", "HbA1c: HbA1c 7.20% (12-May-2026)", "Go on."]);
    let note = kept(&ward, &note, &[("part-0", "Feels tired.")]).await;
    let lock = Signing { edition: note.edition, lock: true, supervisor: None };
    let corrected = sign(&pen, &ward.patient, &note.id, lock).await.unwrap();
    let before = signed(&pen, &ward.patient, &first.document).await.unwrap();
    assert_eq!(before.standing, Standing::Superseded);
    let later: Vec<_> = before.later.iter().map(|it| (it.document.as_str(), it.how)).collect();
    assert_eq!(later, [(addendum.document.as_str(), How::Appends), (corrected.document.as_str(), How::Replaces)]);
    let now = signed(&pen, &ward.patient, &corrected.document).await.unwrap();
    assert_eq!((now.standing, now.locked, now.mine), (Standing::Amended, true, true));
    assert_eq!(now.amends, Some((How::Replaces, first.document.to_string())));
    assert!(matches!(correct(&pen, &ward.patient, &corrected.document).await, Err(NoteError::Locked)));
    let whole = ward.find("Composition", &[("patient", "Patient/ada")]).await;
    assert!(whole.iter().any(|it| it["relatesTo"][0]["code"] == "replaces"));
}

#[tokio::test]
async fn a_note_that_needs_a_second_signature_waits_for_it() {
    let mut ward = ward().await;
    let nurse = ward.pen_of(&ward.nurse);
    let beginning = Beginning { template: "consultation", encounter: None, spanish: false };
    let note = begin(&nurse, &ward.patient, beginning).await.unwrap();
    let texts: Vec<(String, String)> = note.parts.iter().map(|it| (it.key.clone(), "Seen.".to_owned())).collect();
    let Saved::Kept { note, .. } =
        save(&nurse, &ward.patient, &note.id, &Saving { edition: note.edition, texts }).await.unwrap()
    else {
        panic!("nobody else writes here")
    };
    let signing = Signing { edition: note.edition, ..Signing::default() };
    assert!(matches!(sign(&nurse, &ward.patient, &note.id, signing).await, Err(NoteError::NeedsCosigner)));
    let supervisor = ward.clinician.author.clone();
    let document = sign(&nurse, &ward.patient, &note.id, Signing { supervisor: Some(&supervisor), ..signing })
        .await
        .unwrap()
        .document;
    assert!(
        supervisors(&nurse)
            .await
            .unwrap()
            .iter()
            .any(|(key, name)| key == "Practitioner/okafor" && name == "Amara Okafor")
    );
    let waits = signed(&nurse, &ward.patient, &document).await.unwrap();
    assert_eq!(waits.standing, Standing::Preliminary);
    assert!(matches!(co_sign(&nurse, &ward.patient, &document, "").await, Err(NoteError::NotYours)));
    ward.later(HOUR);
    let pen = ward.pen();
    let mine = to_co_sign(&pen).await.unwrap();
    assert_eq!(mine.iter().map(|it| (&it.document, it.mine)).collect::<Vec<_>>(), [(&document, true)]);
    co_sign(&pen, &ward.patient, &document, "Agreed.").await.unwrap();
    co_sign(&pen, &ward.patient, &document, "Agreed.").await.unwrap();
    let done = signed(&pen, &ward.patient, &document).await.unwrap();
    assert_eq!((done.standing, done.authenticator.as_deref()), (Standing::Final, Some("Dr. Amara Okafor")));
    assert!(to_co_sign(&pen).await.unwrap().is_empty());
    let whole = &ward.find("Composition", &[("patient", "Patient/ada")]).await[0];
    assert_eq!((whole["status"].as_str(), whole["attester"].as_array().unwrap().len()), (Some("final"), 2));
    let task = &ward.find("Task", &[("patient", "Patient/ada")]).await[0];
    assert_eq!(task["status"], "completed");
}

#[tokio::test]
async fn whoever_may_not_write_documents_sees_no_drafts_either() {
    let ward = ward().await;
    let note = begun(&ward, "follow-up").await;
    let desk = ward.pen_of(&ward.desk);
    assert!(matches!(open(&desk, &ward.patient, &note.id).await, Err(NoteError::Store(store::StoreError::Forbidden))));
    assert!(of_patient(&desk, &ward.patient).await.is_err());
    assert!(unsigned(&desk).await.is_err());
    let beginning = Beginning { template: "follow-up", ..Beginning::default() };
    assert!(begin(&desk, &ward.patient, beginning).await.is_err());
    // A draft is found under its own patient alone, and only who began it throws it away.
    let ben = Id::parse("ben").unwrap();
    assert!(matches!(open(&ward.pen(), &ben, &note.id).await, Err(NoteError::Absent)));
    assert!(discard(&ward.pen_of(&ward.nurse), &ward.patient, &note.id).await.is_err());
    discard(&ward.pen(), &ward.patient, &note.id).await.unwrap();
    assert!(matches!(open(&ward.pen(), &ward.patient, &note.id).await, Err(NoteError::Absent)));
}

#[tokio::test]
async fn problems_get_sections_of_their_own_and_commands_are_answered_in_place() {
    let ward = ward().await;
    let pen = ward.pen();
    let note = begun(&ward, "office-visit").await;
    let note = add_problem(&pen, &ward.patient, &note.id, "p1").await.unwrap();
    let note = add_problem(&pen, &ward.patient, &note.id, "p1").await.map(|_| note).unwrap();
    let keys: Vec<&str> = note.parts.iter().map(|it| it.key.as_str()).collect();
    assert_eq!(keys, ["cc", "hpi", "ros", "pe", "results", "plan", "problem-p1", "followup"]);
    let note = kept(&ward, &note, &[("plan", "Plan:\n/dx flu")]).await;
    assert!(note.gaps().iter().any(|(part, gap)| part.key == "plan" && *gap == text::Gap::Command(Command::Diagnosis)));
    let note =
        answer(&pen, &ward.patient, &note.id, "plan", Command::Diagnosis, "flu", "Influenza (J11.1)").await.unwrap();
    assert_eq!(text(&note, "plan"), "Plan:\nInfluenza (J11.1)");
}

#[tokio::test]
async fn a_letter_in_spanish_begins_in_spanish() {
    let ward = ward().await;
    let beginning = Beginning { template: "work", encounter: None, spanish: true };
    let note = begin(&ward.pen(), &ward.patient, beginning).await.unwrap();
    assert!(
        text(&note, "body").contains("Ada Byron fue atendido(a) en nuestro consultorio el 15-Jun-2026."),
        "{}",
        text(&note, "body")
    );
    assert_eq!((note.language.as_str(), note.is_letter()), ("es", true));
}

#[tokio::test]
async fn what_is_asked_for_in_a_note_goes_on_the_list_or_into_the_basket_once() {
    let ward = ward().await;
    let pen = ward.pen();
    let note = begun(&ward, "office-visit").await;
    let note = kept(&ward, &note, &[("plan", "/dx tension headache\n/rx ibuprofen")]).await;
    let ask = |command, about, key, once| commands::Answer { command, about, part: "plan", key, once };
    let headache = commands::offers(Command::Diagnosis, "tension headache", 5).remove(0);
    let drug = commands::offers(Command::Prescription, "ibuprofen", 5).remove(0);
    for _ in 0..2 {
        let diagnosis = ask(Command::Diagnosis, "tension headache", headache.key.as_str(), "one");
        commands::carry_out(&pen, &ward.patient, &note.id, &diagnosis).await.unwrap();
    }
    let order = ask(Command::Prescription, "ibuprofen", drug.key.as_str(), "two");
    let note = commands::carry_out(&pen, &ward.patient, &note.id, &order).await.unwrap();
    assert!(text(&note, "plan").contains(&headache.name), "{}", text(&note, "plan"));
    assert!(text(&note, "plan").contains(&format!("Prescription: {}", drug.name)), "{}", text(&note, "plan"));
    assert!(note.gaps().iter().all(|(part, _)| part.key != "plan"), "no command is left");
    let noted = ward.find("Condition", &[("encounter", "Encounter/today")]).await;
    assert_eq!(noted.len(), 1, "the same diagnosis is noted once");
    let basket = crate::orders::Basket::open(&pen, &ward.patient).await.unwrap();
    assert_eq!(basket.items.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), [drug.name.as_str()]);
    assert!(
        ward.find("MedicationRequest", &[("patient", "Patient/ada")]).await.is_empty(),
        "nothing is ordered by a note"
    );
}
