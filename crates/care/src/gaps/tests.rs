use super::*;
use crate::ward::Ward;

fn standing<'a>(cards: &'a [Card], key: &str) -> Option<&'a Standing> {
    cards.iter().find(|it| it.key == key).map(|it| &it.standing)
}

fn done(id: &str, code: &str, day: &str) -> Value {
    json!({"resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": "Patient/ada"},
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "effectiveDateTime": day})
}

#[tokio::test]
async fn what_is_due_is_told_for_whom_it_is_due() {
    let ward = Ward::open().await;
    // Ada is a woman of 40.
    let cards = of_patient(&ward.pen(), &ward.patient).await.unwrap();
    assert_eq!(standing(&cards, "mammography"), Some(&Standing::Open));
    assert_eq!(standing(&cards, "pressure"), Some(&Standing::Open));
    assert_eq!(standing(&cards, "colorectal"), None, "from 45 years on");
    assert_eq!(standing(&cards, "a1c"), None, "no diabetes");
    let ben = Id::parse("ben").unwrap();
    assert_eq!(standing(&of_patient(&ward.pen(), &ben).await.unwrap(), "mammography"), None);
    ward.put(vec![json!({"resourceType": "Condition", "id": "sugar", "subject": {"reference": "Patient/ada"},
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "E11.9"}]}})])
        .await;
    let cards = of_patient(&ward.pen(), &ward.patient).await.unwrap();
    assert_eq!(standing(&cards, "a1c"), Some(&Standing::Open));
}

#[tokio::test]
async fn what_was_done_in_time_is_met_until_its_day() {
    let ward = Ward::open().await;
    ward.put(vec![done("bp", "85354-9", "2026-01-10"), done("tobacco", "72166-2", "2023-01-10")]).await;
    let cards = of_patient(&ward.pen(), &ward.patient).await.unwrap();
    assert_eq!(standing(&cards, "pressure"), Some(&Standing::Met { until: "2027-01-10".parse().unwrap() }));
    assert_eq!(standing(&cards, "tobacco"), Some(&Standing::Open));
    let tobacco = cards.iter().find(|it| it.key == "tobacco").unwrap();
    assert_eq!(tobacco.last.map(|it| it.date()).as_deref(), Some("10-Jan-2023"));
    let met = cards.iter().position(|it| it.key == "pressure").unwrap();
    assert_eq!(met, cards.len() - 1, "what is due comes first");
}

#[tokio::test]
async fn an_answer_is_kept_in_the_record_and_holds_for_its_time() {
    let mut ward = Ward::open().await;
    let without = answer(&ward.pen(), &ward.patient, "flu", Answer::Declined, " ", None, "a-0").await;
    assert!(matches!(without, Err(OrderError::Reason)));
    answer(&ward.pen(), &ward.patient, "flu", Answer::Declined, "Does not want it", None, "a-1").await.unwrap();
    let elsewhere = "2025-08-01".parse().ok();
    answer(&ward.pen(), &ward.patient, "mammography", Answer::Elsewhere, "Lakeside", elsewhere, "a-2").await.unwrap();
    let cards = of_patient(&ward.pen(), &ward.patient).await.unwrap();
    let Some(Standing::Answered { answer: given, reason, by, .. }) = standing(&cards, "flu") else {
        panic!("{cards:?}")
    };
    assert_eq!(
        (*given, reason.as_str(), by.as_deref()),
        (Answer::Declined, "Does not want it", Some("Dr. Amara Okafor"))
    );
    assert!(matches!(standing(&cards, "mammography"), Some(Standing::Answered { answer: Answer::Elsewhere, .. })));
    let issues = ward.find("DetectedIssue", &[("patient", "Patient/ada")]).await;
    assert_eq!(issues.len(), 2);
    assert!(issues.iter().all(|it| it["code"]["coding"][0]["code"] == "CAREGAP"));
    // A year later they are asked again; two years after the mammogram elsewhere it is due.
    ward.later(500 * 86_400_000_000);
    let cards = of_patient(&ward.pen(), &ward.patient).await.unwrap();
    assert_eq!(standing(&cards, "flu"), Some(&Standing::Open));
    assert_eq!(standing(&cards, "mammography"), Some(&Standing::Open));
}
