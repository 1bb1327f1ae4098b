//! Results, messages and documents on their way through inboxes, on a real store.

use super::*;
use crate::access::{NewUser, PersonLink};
use crate::act::ActError;
use crate::messages::{self, Sent};
use crate::ward::{SECOND, Ward};
use serde_json::json;
use store::Caller;

const LAB: &str = "http://terminology.hl7.org/CodeSystem/observation-category";

/// The clinician and the nurse can sign in; Ada's general practitioner is the clinician.
async fn ward() -> Ward {
    let ward = Ward::open().await;
    for (username, display, role, person) in [
        ("okafor", "Dr. Amara Okafor", "clinician", "Practitioner/okafor"),
        ("lind", "Maja Lind", "nurse", "Practitioner/lind"),
    ] {
        let new = NewUser {
            username: username.into(),
            display: display.into(),
            email: None,
            roles: vec![role.into()],
            person: PersonLink::Existing(Key::parse(person).unwrap()),
            sites: Vec::new(),
        };
        let access = &ward.organisation.access;
        access
            .create_with_password(&Caller::system("test"), new, Vec::new(), "granite-badge-violin", ward.now)
            .await
            .unwrap();
    }
    ward.put(vec![json!({"resourceType": "Patient", "id": "ada", "gender": "female", "birthDate": "1986-02-03",
        "identifier": [{"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
            "system": "urn:mrn", "value": "A-17"}],
        "name": [{"family": "Byron", "given": ["Ada"]}],
        "generalPractitioner": [{"reference": "Practitioner/okafor"}]})])
        .await;
    catch_up(&ward.organisation, ward.now).await.unwrap();
    ward
}

fn result(id: &str, patient: Option<&str>, flag: &str, value: f64) -> Value {
    let mut it = json!({"resourceType": "Observation", "id": id, "status": "final",
        "category": [{"coding": [{"system": LAB, "code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}], "text": "Potassium"},
        "effectiveDateTime": "2026-06-15T08:00:00Z",
        "interpretation": [{"coding": [{"code": flag}]}],
        "valueQuantity": {"value": value, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}});
    match patient {
        Some(patient) => it["subject"] = json!({"reference": format!("Patient/{patient}")}),
        None => it["subject"] = json!({"display": "Byron, Ada", "identifier": {"system": "urn:mrn", "value": "A-71"}}),
    }
    it
}

fn report(id: &str, results: &[&str], patient: Option<&str>) -> Value {
    let mut it = json!({"resourceType": "DiagnosticReport", "id": id, "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "LAB"}]}],
        "code": {"text": "Electrolytes"}, "issued": "2026-06-15T09:00:00Z", "effectiveDateTime": "2026-06-15T08:00:00Z",
        "result": results.iter().map(|id| json!({"reference": format!("Observation/{id}")})).collect::<Vec<_>>()});
    match patient {
        Some(patient) => it["subject"] = json!({"reference": format!("Patient/{patient}")}),
        None => it["subject"] = json!({"display": "Byron, Ada"}),
    }
    it
}

async fn arrive(ward: &mut Ward, resources: Vec<Value>) {
    ward.put(resources).await;
    ward.later(SECOND);
    catch_up(&ward.organisation, ward.now).await.unwrap();
}

async fn inbox(pen: &Pen<'_>) -> Inbox {
    open(pen).await.unwrap()
}

fn only(inbox: &Inbox, folder: Folder) -> Entry {
    let all: Vec<&Entry> = inbox.of(folder).collect();
    let [one] = all.as_slice() else { panic!("one entry of {folder:?}, not {all:?}") };
    (*one).clone()
}

fn id_of(entry: &Entry) -> Id {
    entry.task.clone().unwrap().0
}

#[tokio::test]
async fn a_result_comes_to_the_general_practitioner_once_with_its_panel() {
    let mut ward = ward().await;
    let panel = vec![
        result("k", Some("ada"), "N", 4.1),
        result("na", Some("ada"), "H", 151.0),
        report("r", &["k", "na"], Some("ada")),
    ];
    arrive(&mut ward, panel).await;
    let entry = only(&inbox(&ward.pen()).await, Folder::Results);
    assert_eq!((entry.title.as_str(), entry.priority, entry.normal), ("Electrolytes", Priority::Urgent, false));
    assert_eq!(entry.focus, Key::parse("DiagnosticReport/r"));
    assert_eq!(entry.person.as_ref().map(|it| it.person.id.as_str()), Some("ada"));
    assert!(entry.due.unwrap().at() > ward.now / 1000 && !entry.overdue);
    catch_up(&ward.organisation, ward.now).await.unwrap();
    assert_eq!(inbox(&ward.pen()).await.entries.len(), 1, "following again makes nothing anew");
    assert_eq!(inbox(&ward.pen_of(&ward.nurse)).await.entries.len(), 0, "it lies with one person");
    ward.later(2 * 86_400 * SECOND);
    assert!(only(&inbox(&ward.pen()).await, Folder::Results).overdue);
}

#[tokio::test]
async fn whoever_ordered_it_gets_the_result_and_without_anybody_the_practice_does() {
    let mut ward = ward().await;
    let order = json!({"resourceType": "ServiceRequest", "id": "order", "status": "active", "intent": "order",
        "code": {"text": "Potassium"}, "subject": {"reference": "Patient/ada"}, "requester": {"reference": "Practitioner/lind"}});
    let mut ordered = result("k1", Some("ada"), "N", 4.1);
    ordered["basedOn"] = json!([{"reference": "ServiceRequest/order"}]);
    arrive(&mut ward, vec![order, ordered, result("k2", Some("ben"), "N", 4.0)]).await;
    let nurse = inbox(&ward.pen_of(&ward.nurse)).await;
    let own: Vec<_> = nurse.of(Folder::Results).filter(|it| it.place.is_none()).collect();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0].focus, Key::parse("Observation/k1"));
    // Ben has no practitioner here: all of the staff see it.
    for pen in [ward.pen(), ward.pen_of(&ward.nurse)] {
        let of_all = inbox(&pen).await;
        let of_all: Vec<_> = of_all.of(Folder::Results).filter(|it| it.place.is_some()).collect();
        assert_eq!(of_all.len(), 1);
        assert_eq!(of_all[0].focus, Key::parse("Observation/k2"));
    }
}

#[tokio::test]
async fn an_acknowledged_result_is_a_completed_task_with_who_and_when() {
    let mut ward = ward().await;
    arrive(&mut ward, vec![result("k", Some("ada"), "N", 4.1)]).await;
    let pen = ward.pen();
    let task = id_of(&only(&inbox(&pen).await, Folder::Results));
    acknowledge(&pen, &task, "Fine", "form-1").await.unwrap();
    assert!(inbox(&pen).await.entries.is_empty());
    let key = Key::parse(&format!("Task/{task}")).unwrap();
    let value = ward.read(&key).await;
    assert_eq!(value["status"], "completed");
    assert_eq!(value["businessStatus"]["coding"][0]["code"], "acknowledged");
    assert_eq!(value["note"][0]["text"], "Fine");
    assert_eq!(value["focus"]["reference"], "Observation/k");
    let told = ward.find("Provenance", &[("target", "Observation/k")]).await;
    assert_eq!(told.len(), 1, "the result itself tells that somebody saw it");
    assert_eq!(told[0]["agent"][0]["who"]["reference"], "Practitioner/okafor");
    // Twice sent is once done; anybody else finds it done.
    assert!(acknowledge(&pen, &task, "Fine", "form-1").await.unwrap().again);
    let late = acknowledge(&ward.pen_of(&ward.nurse), &task, "", "form-2").await;
    assert!(matches!(late, Err(ActError::Conflict { .. })), "{late:?}");
}

#[tokio::test]
async fn a_corrected_result_comes_again() {
    let mut ward = ward().await;
    arrive(&mut ward, vec![result("k", Some("ada"), "N", 4.1)]).await;
    let task = id_of(&only(&inbox(&ward.pen()).await, Folder::Results));
    acknowledge(&ward.pen(), &task, "", "a").await.unwrap();
    let mut corrected = result("k", Some("ada"), "HH", 7.1);
    corrected["status"] = "corrected".into();
    arrive(&mut ward, vec![corrected]).await;
    let entry = only(&inbox(&ward.pen()).await, Folder::Results);
    assert_eq!(entry.priority, Priority::Stat);
    assert_ne!(id_of(&entry), task);
    assert_eq!(entry.due.unwrap().at(), (ward.now + 4 * HOUR) / 1000);
}

#[tokio::test]
async fn a_batch_takes_what_is_normal_and_leaves_the_rest() {
    let mut ward = ward().await;
    let mut unflagged = result("c", Some("ada"), "N", 4.0);
    unflagged.as_object_mut().unwrap().remove("interpretation");
    arrive(&mut ward, vec![result("a", Some("ada"), "N", 4.1), result("b", Some("ada"), "H", 6.0), unflagged]).await;
    let pen = ward.pen();
    let all: Vec<Id> = inbox(&pen).await.of(Folder::Results).map(id_of).collect();
    assert_eq!(inbox(&pen).await.of(Folder::Results).filter(|it| it.normal).count(), 1);
    let batched = acknowledge_normal(&pen, &all, "batch").await.unwrap();
    assert_eq!(batched, Batched { done: 1, left: 2 });
    assert_eq!(inbox(&pen).await.of(Folder::Results).count(), 2);
}

#[tokio::test]
async fn what_is_forwarded_lies_with_the_other_with_a_word_why() {
    let mut ward = ward().await;
    arrive(&mut ward, vec![result("k", Some("ada"), "H", 6.1)]).await;
    let pen = ward.pen();
    let task = id_of(&only(&inbox(&pen).await, Folder::Results));
    let nobody = forward(&pen, &task, &Key::parse("Practitioner/ghost").unwrap(), "", "x").await;
    assert!(matches!(nobody, Err(ActError::Invalid(_))));
    forward(&pen, &task, &Key::parse("Practitioner/lind").unwrap(), "Please repeat", "f").await.unwrap();
    assert!(inbox(&pen).await.entries.is_empty());
    let nurse = ward.pen_of(&ward.nurse);
    assert_eq!(id_of(&only(&inbox(&nurse).await, Folder::Results)), task);
    let detail = Detail::of(&nurse, &task).await.unwrap();
    assert_eq!(detail.notes, [("Dr. Amara Okafor".to_owned(), "Please repeat".to_owned())]);
    assert_eq!(detail.report.unwrap().readings.len(), 1);
}

#[tokio::test]
async fn a_message_to_the_patient_is_a_communication_and_closes_the_entry() {
    let mut ward = ward().await;
    arrive(&mut ward, vec![result("k", Some("ada"), "H", 6.1)]).await;
    let pen = ward.pen();
    let task = id_of(&only(&inbox(&pen).await, Folder::Results));
    message(&pen, &task, "Your potassium is high. Please come in.", true, "m").await.unwrap();
    assert!(inbox(&pen).await.entries.is_empty());
    let sent = ward.find("Communication", &[("subject", "Patient/ada")]).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["payload"][0]["contentString"], "Your potassium is high. Please come in.");
    assert_eq!(sent[0]["recipient"][0]["reference"], "Patient/ada");
    assert_eq!(sent[0]["about"][0]["reference"], "Observation/k");
    let threads = messages::threads(&pen, &ward.patient).await.unwrap();
    assert_eq!((threads.len(), threads[0].messages.len()), (1, 1));
}

#[tokio::test]
async fn a_result_without_a_patient_is_matched_by_a_person_and_then_is_theirs() {
    let mut ward = ward().await;
    arrive(&mut ward, vec![result("k", None, "H", 6.1), report("r", &["k"], None)]).await;
    let pen = ward.pen();
    let entry = only(&inbox(&pen).await, Folder::Unmatched);
    assert!(entry.person.is_none());
    let task = id_of(&entry);
    assert!(
        matches!(acknowledge(&pen, &task, "", "no").await, Err(ActError::Invalid(_))),
        "it cannot simply be put away"
    );
    let found = candidates(&pen, &task, None, None).await.unwrap();
    assert_eq!(found.words, "Byron, Ada");
    let hits: Vec<_> = found.found.hits.iter().map(|it| it.person.id.as_str()).collect();
    assert_eq!(hits, ["ada"]);
    let silent = match_to(&pen, &task, &ward.patient, " ", "m0").await;
    assert!(matches!(silent, Err(ActError::Invalid(_))), "one says how one knows");
    match_to(&pen, &task, &ward.patient, "Called the laboratory: digits swapped", "m").await.unwrap();
    let observation = ward.read(&Key::parse("Observation/k").unwrap()).await;
    assert_eq!(observation["subject"]["reference"], "Patient/ada");
    assert_eq!(observation["subject"]["identifier"]["value"], "A-71", "what was sent stays");
    let told = ward.find("Provenance", &[("target", "DiagnosticReport/r")]).await;
    assert_eq!(told[0]["reason"][0]["text"], "Called the laboratory: digits swapped");
    ward.later(SECOND);
    catch_up(&ward.organisation, ward.now).await.unwrap();
    let pen = ward.pen();
    let inbox = inbox(&pen).await;
    assert_eq!(inbox.of(Folder::Unmatched).count(), 0);
    assert_eq!(only(&inbox, Folder::Results).patient, Some(ward.patient.clone()));
}

#[tokio::test]
async fn colleagues_write_to_each_other_and_to_pools() {
    let ward = ward().await;
    let pen = ward.pen();
    new_pool(&pen, "Diabetes", "p").await.unwrap();
    let settings = Settings::read(&pen).await.unwrap();
    let pool = settings.pools.iter().find(|it| !it.of_all).unwrap().clone();
    assert_eq!(pool.members.len(), 1, "who makes it is in it");
    let nurse = ward.pen_of(&ward.nurse);
    let to = [pool.key.clone()];
    let sent = Sent { to: &to, patient: Some(&ward.patient), topic: "Foot check", words: "Due?", about: None };
    messages::among_staff(&nurse, &sent, None, Priority::Routine, "s").await.unwrap();
    let entry = only(&inbox(&pen).await, Folder::StaffMessages);
    assert_eq!((entry.title.as_str(), entry.place.as_deref()), ("Foot check", Some("Diabetes")));
    assert_eq!(inbox(&nurse).await.of(Folder::StaffMessages).count(), 0, "she is not in the pool");
    join(&nurse, &pool.key.id, true).await.unwrap();
    assert_eq!(inbox(&nurse).await.of(Folder::StaffMessages).count(), 1);
    join(&nurse, &pool.key.id, false).await.unwrap();
    assert_eq!(inbox(&nurse).await.of(Folder::StaffMessages).count(), 0);
    // What the staff write among themselves is not part of the patient's record of messages.
    assert!(messages::threads(&pen, &ward.patient).await.unwrap().is_empty());
    let task = id_of(&entry);
    let thread = Detail::of(&pen, &task).await.unwrap().thread.unwrap();
    assert!(thread.of_staff && thread.patient == Some(ward.patient.clone()));
}

#[tokio::test]
async fn who_stands_in_sees_the_inbox_for_these_days_only() {
    let mut ward = ward().await;
    arrive(&mut ward, vec![result("k", Some("ada"), "H", 6.1)]).await;
    const DAY: i64 = 86_400 * SECOND;
    let away = Cover {
        by: "Practitioner/lind".into(),
        from: ward.now + DAY,
        until: ward.now + 3 * DAY,
        reason: "Leave".into(),
    };
    cover(&ward.pen(), Some(away)).await.unwrap();
    assert_eq!(inbox(&ward.pen_of(&ward.nurse)).await.entries.len(), 0);
    ward.later(2 * DAY);
    let covering = inbox(&ward.pen_of(&ward.nurse)).await;
    assert_eq!(covering.covering, ["Dr. Amara Okafor"]);
    assert_eq!(only(&covering, Folder::Results).place.as_deref(), Some("Dr. Amara Okafor"));
    ward.later(2 * DAY);
    assert_eq!(inbox(&ward.pen_of(&ward.nurse)).await.entries.len(), 0);
    delegate(&ward.pen(), &Key::parse("Practitioner/lind").unwrap(), true).await.unwrap();
    assert_eq!(inbox(&ward.pen_of(&ward.nurse)).await.entries.len(), 1);
    delegate(&ward.pen(), &Key::parse("Practitioner/lind").unwrap(), false).await.unwrap();
    assert_eq!(inbox(&ward.pen_of(&ward.nurse)).await.entries.len(), 0);
}

#[tokio::test]
async fn documents_from_elsewhere_are_somebodys_work_and_our_own_are_not() {
    let mut ward = ward().await;
    let document = |id: &str, more: Value| {
        let mut it = json!({"resourceType": "DocumentReference", "id": id, "status": "current", "date": "2026-06-15T09:00:00Z",
            "subject": {"reference": "Patient/ada"}, "type": {"text": "Letter"},
            "content": [{"attachment": {"contentType": "text/plain", "data": "SGVsbG8="}}]});
        it.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        it
    };
    let referral = json!({"resourceType": "ServiceRequest", "id": "ref", "status": "active", "intent": "order",
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "3457005"}]}],
        "subject": {"reference": "Patient/ada"}, "requester": {"reference": "Practitioner/okafor"}});
    let all = vec![
        referral,
        document("own", json!({"author": [{"reference": "Practitioner/okafor"}]})),
        document("scan", json!({})),
        document("away", json!({"author": [{"display": "Dr. Elsewhere"}], "custodian": {"display": "Lakeside"}})),
        document("reply", json!({"context": {"related": [{"reference": "ServiceRequest/ref"}]}})),
    ];
    arrive(&mut ward, all).await;
    let pen = ward.pen();
    let all = inbox(&pen).await;
    let focus = |folder: Folder| only(&all, folder).focus.unwrap().to_string();
    assert_eq!(focus(Folder::Documents), "DocumentReference/scan");
    assert_eq!(focus(Folder::Outside), "DocumentReference/away");
    assert_eq!(focus(Folder::Referrals), "DocumentReference/reply");
    assert_eq!(all.entries.len(), 3);
    let task = id_of(&only(&all, Folder::Documents));
    file(&pen, &task, "Letter of the insurer", "", "f").await.unwrap();
    assert_eq!(ward.read(&Key::parse("DocumentReference/scan").unwrap()).await["description"], "Letter of the insurer");
    assert_eq!(inbox(&pen).await.entries.len(), 2);
}

#[tokio::test]
async fn a_patient_writes_and_the_answer_comes_back_in_the_same_thread() {
    let mut ward = ward().await;
    let mut caller = Caller::system("portal");
    caller.patient = Some(ward.patient.clone());
    caller.display = "Ada Byron".into();
    let own = Key::parse("Patient/ada").unwrap();
    let organisation = &ward.organisation;
    let portal = Pen { organisation, caller: &caller, author: Some(&own), now: ward.now };
    let first = messages::from_patient(&portal, &ward.patient, "question", "May I fly?", None, "o1").await.unwrap();
    let again = messages::from_patient(&portal, &ward.patient, "question", "May I fly?", None, "o1").await.unwrap();
    assert_eq!(first, again, "sent twice is once there");
    let none = messages::from_patient(&portal, &ward.patient, "question", "  ", None, "o2").await;
    assert!(matches!(none, Err(ActError::Invalid(_))));
    ward.later(SECOND);
    catch_up(&ward.organisation, ward.now).await.unwrap();
    let entry = only(&inbox(&ward.pen()).await, Folder::PatientMessages);
    assert_eq!(entry.title, "Medical question");
    ward.later(SECOND);
    message(&ward.pen(), &id_of(&entry), "Yes, after the tests.", true, "a1").await.unwrap();
    let portal = Pen { organisation: &ward.organisation, caller: &caller, author: Some(&own), now: ward.now };
    let threads = messages::threads(&portal, &ward.patient).await.unwrap();
    let [thread] = threads.as_slice() else { panic!("one thread") };
    assert_eq!(
        thread.messages.iter().map(|it| it.words.as_str()).collect::<Vec<_>>(),
        ["May I fly?", "Yes, after the tests."]
    );
    assert!(thread.unread);
    messages::seen(&portal, thread).await.unwrap();
    assert!(!messages::thread(&portal, &thread.id).await.unwrap().unwrap().unread);
    ward.later(SECOND);
    let portal = Pen { organisation: &ward.organisation, caller: &caller, author: Some(&own), now: ward.now };
    messages::from_patient(&portal, &ward.patient, "", "Thank you", Some(thread), "o3").await.unwrap();
    catch_up(&ward.organisation, ward.now).await.unwrap();
    let entry = only(&inbox(&ward.pen()).await, Folder::PatientMessages);
    assert_eq!(Detail::of(&ward.pen(), &id_of(&entry)).await.unwrap().thread.unwrap().messages.len(), 3);
}

#[tokio::test]
async fn old_results_are_history_and_tasks_of_others_are_shown() {
    let mut ward = ward().await;
    let mut old = result("old", Some("ada"), "H", 6.1);
    old["effectiveDateTime"] = "2024-01-01".into();
    let task = json!({"resourceType": "Task", "id": "t", "status": "requested", "intent": "order",
        "code": {"text": "Call back"}, "description": "Call Ada back", "owner": {"reference": "Practitioner/okafor"},
        "for": {"reference": "Patient/ada"}});
    arrive(&mut ward, vec![old, task]).await;
    let all = inbox(&ward.pen()).await;
    assert_eq!(all.entries.len(), 1);
    assert_eq!(only(&all, Folder::Alerts).title, "Call Ada back");
}
