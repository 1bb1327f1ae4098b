//! Every refusal says which rule it was; who has no role or claims a wrong purpose may do nothing.

use crate::clinic::{Clinic, NOW, clinician, principal, privacy_consent};
use serde_json::json;
use store::{Caller, Purpose, audit};

#[tokio::test]
async fn the_audit_log_names_the_rule_that_hid() {
    let clinic = Clinic::open("refusals").await;
    let eth = json!({"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "ETH"}]});
    let condition =
        |id: &str| json!({"resourceType": "Condition", "id": id, "subject": {"reference": format!("Patient/{id}")}});
    let mut labelled = condition("c");
    labelled["meta"] = eth;
    clinic
        .put(vec![
            json!({"resourceType": "Patient", "id": "a"}),
            json!({"resourceType": "Patient", "id": "b"}),
            json!({"resourceType": "Patient", "id": "c"}),
            condition("a"),
            condition("b"),
            labelled,
            privacy_consent("of-a", "a", "active", json!({"type": "deny"})),
            privacy_consent("of-b", "b", "active", json!({"type": "deny"})),
        ])
        .await;
    let ann = clinician("ann");
    for id in ["a", "b", "c"] {
        assert!(!clinic.sees(&ann, &format!("Condition/{id}")).await);
    }
    assert!(!clinic.sees(&principal("biller", "user/bill", None, Purpose::Payment), "Observation/x").await);
    let asked = audit::Query { actions: vec!["refusal".into()], count: 100, ..audit::Query::default() };
    let page = clinic.store.audit_page(&Caller::system("test"), &asked, NOW).await.unwrap();
    let said = |about: &str| {
        let it = page.entries.iter().find(|it| it.about.as_ref().is_some_and(|key| key.to_string() == about));
        it.and_then(|it| it.rule.clone()).unwrap_or_default()
    };
    assert_eq!(said("Condition/a"), "consent/of-a");
    assert_eq!(said("Condition/b"), "consent/of-b");
    assert_eq!(said("Condition/c"), "label/ETH");
    assert_eq!(said("Observation/x"), "role/biller");
}

#[tokio::test]
async fn an_unknown_role_or_a_purpose_it_may_not_claim_gives_no_rights_at_all() {
    let clinic = Clinic::open("nobody").await;
    for (role, purpose) in [
        ("sister", Purpose::Treatment),
        ("biller", Purpose::Treatment),
        ("patient", Purpose::Treatment),
        ("clinician", Purpose::PatientRequest),
        ("clinician", Purpose::Emergency),
        ("system", Purpose::PatientRequest),
    ] {
        let caller = clinic.caller(&principal(role, "user/x", None, purpose)).await;
        assert_eq!(*caller.rights, store::Rights::default(), "{role} {purpose:?}");
    }
}
