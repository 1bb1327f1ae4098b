//! A visit from the door to the end, by the people who take part in it.

use super::*;
use crate::entries::{self, List};
use crate::vitals;
use crate::ward::{SECOND, Ward};

fn act(ward: &Ward, name: &'static str) -> Act {
    Act::new(name, &ward.patient)
}

async fn place(ward: &Ward) -> Place {
    let board = board(&ward.pen()).await.unwrap();
    let [place] = board.places.as_slice() else { panic!("one on the board: {:?}", board.places) };
    place.clone()
}

#[tokio::test]
async fn a_booked_patient_arrives_is_roomed_seen_and_done() {
    let mut ward = Ward::open().await;
    let actor = |who: &str| json!({"actor": {"reference": who}, "status": "accepted"});
    ward.put(vec![json!({"resourceType": "Appointment", "id": "a1", "status": "booked", "description": "Follow-up",
        "start": "2026-06-15T13:00:00Z", "end": "2026-06-15T13:20:00Z",
        "participant": [actor("Patient/ada"), actor("Practitioner/okafor")]})])
        .await;
    let booked = place(&ward).await;
    assert_eq!((booked.step, booked.reason.as_deref()), (Step::Booked, Some("Follow-up")));
    assert_eq!(booked.person.family.as_deref(), Some("Byron"));
    let id = Id::parse("a1").unwrap();
    arrive(&ward.pen_of(&ward.desk), &ward.patient, &id, 1, act(&ward, "visit.arrive")).await.unwrap();
    assert_eq!(place(&ward).await.step, Step::Arrived);
    ward.later(300 * SECOND);
    let nurse = ward.pen_of(&ward.nurse);
    let room = Some("Room 2".to_owned());
    begin(&nurse, &ward.patient, &id, 2, Step::Roomed, room, act(&ward, "visit.room")).await.unwrap();
    let roomed = place(&ward).await;
    assert_eq!((roomed.step, roomed.room.as_deref()), (Step::Roomed, Some("Room 2")));
    assert_eq!(roomed.clinician.as_deref(), Some("Amara Okafor"));
    let Seat::Visit(visit) = roomed.seat.clone() else { panic!("there is a visit now") };
    assert_eq!(open_visit(&nurse, &ward.patient).await.unwrap(), Some(visit.clone()));
    for (version, (to, status)) in
        (1..).zip([(Step::Ready, "triaged"), (Step::WithClinician, "in-progress"), (Step::Done, "finished")])
    {
        ward.later(600 * SECOND);
        proceed(&ward.pen(), &ward.patient, &visit, version, to, None, act(&ward, "visit.step")).await.unwrap();
        let value = ward.read(&encounter_key(&visit)).await;
        assert_eq!((value["status"].as_str(), place(&ward).await.step), (Some(status), to));
    }
    let value = ward.read(&encounter_key(&visit)).await;
    let history: Vec<_> = list(&value, "statusHistory").iter().map(|it| it["status"].as_str().unwrap()).collect();
    assert_eq!(history, ["arrived", "triaged", "in-progress"]);
    assert_eq!(value["period"]["end"], ward.pen().moment());
    assert_eq!(value["location"][0]["status"], "completed");
    assert_eq!(list(&value, "participant").len(), 1, "the clinician it was booked with saw them");
    let appointment = ward.read(&appointment_key(&id)).await;
    assert_eq!(appointment["status"], "fulfilled");
    assert_eq!(open_visit(&ward.pen(), &ward.patient).await.unwrap(), None);
}

#[tokio::test]
async fn somebody_walks_in_at_the_desk_or_in_the_clinic() {
    let ward = Ward::open().await;
    let coming = Coming { reason: Some("Sore throat".into()), ..Coming::default() };
    let desk = ward.pen_of(&ward.desk);
    assert!(may_begin(&desk) && may_begin(&ward.pen()));
    let written = walk_in(&desk, &ward.patient, &coming, act(&ward, "visit.walk-in")).await.unwrap();
    assert_eq!(written.keys[0].0.kind.name(), "Appointment", "the desk writes no encounters");
    let arrived = place(&ward).await;
    assert_eq!((arrived.step, arrived.reason.as_deref()), (Step::Arrived, Some("Sore throat")));
    let other = Id::parse("ben").unwrap();
    let coming = Coming { clinician: Some(ward.clinician.author.clone()), ..coming };
    let written = walk_in(&ward.pen(), &other, &coming, Act::new("visit.walk-in", &other)).await.unwrap();
    assert_eq!(written.keys[0].0.kind.name(), "Encounter");
    assert_eq!(board(&ward.pen()).await.unwrap().places.len(), 2);
    let visit = written.keys[0].0.id.clone();
    let wrong = proceed(&ward.pen(), &ward.patient, &visit, 1, Step::Ready, None, act(&ward, "visit.step")).await;
    assert!(wrong.is_err(), "it is a visit of somebody else");
}

#[tokio::test]
async fn a_visit_gathers_what_was_done_in_it() {
    let ward = Ward::open().await;
    let pen = ward.pen();
    let written = walk_in(&pen, &ward.patient, &Coming::default(), act(&ward, "visit.walk-in")).await.unwrap();
    let visit = written.keys[0].0.id.clone();
    let typed: vitals::Typed = [("pulse".to_owned(), "72".to_owned())].into();
    let judged = vitals::judge(&typed, Some(40.0), &[], pen.now);
    vitals::take(&pen, &ward.patient, &judged.taken, Some(40.0), &[], Some(&visit), act(&ward, "vitals"))
        .await
        .unwrap();
    let form = [("problem".to_owned(), "Sore throat".to_owned()), ("problem-free".to_owned(), "yes".to_owned())];
    let judged = entries::judge(List::Problems, &form.into(), pen.now);
    entries::add(&pen, &ward.patient, List::Problems, &judged, Some(&visit), act(&ward, "entry.add")).await.unwrap();
    let order = |extra: Value| {
        let mut it = json!({"resourceType": "ServiceRequest", "status": "active", "intent": "order",
            "code": {"text": "Strep test"}, "subject": {"reference": "Patient/ada"}});
        it.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        it
    };
    let within = json!({"encounter": {"reference": format!("Encounter/{visit}")}});
    ward.put(vec![
        order(json!({"id": "o1", "encounter": within["encounter"]})),
        order(json!({"id": "o2"})),
        order(json!({"id": "o3", "status": "entered-in-error", "encounter": within["encounter"]})),
    ])
    .await;
    let it = gather(&pen, &ward.patient, &visit).await.unwrap();
    assert_eq!((it.step, it.vitals.len(), it.diagnoses.len()), (Some(Step::Arrived), 1, 1));
    assert_eq!(it.orders.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["o1"]);
}
