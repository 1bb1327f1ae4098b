//! Consents in all their parts: what a provision covers, exceptions, several of them, when they begin and end.

use crate::clinic::{Clinic, NOW, clinician, principal, privacy_consent};
use care::access::Principal;
use fhir::{Id, Value};
use serde_json::{Value as Json, json};
use store::Purpose;

const ACT: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const DAY: i64 = 86_400_000_000;

fn labelled(mut resource: Value, labels: &[&str]) -> Value {
    let security: Vec<Json> = labels.iter().map(|code| json!({"system": ACT, "code": code})).collect();
    resource["meta"] = json!({ "security": security });
    resource
}

fn of(kind: &str, id: &str, patient: &str) -> Value {
    let owner =
        if matches!(kind, "Appointment" | "AllergyIntolerance" | "Immunization") { "patient" } else { "subject" };
    json!({"resourceType": kind, "id": id, "code": {"coding": [{"system": "http://loinc.org", "code": format!("code-{id}")}]},
        owner: {"reference": format!("Patient/{patient}")}})
}

/// A clinic with one patient, who has plain and labelled things, and staff of whom only `gp` treats them.
async fn clinic(name: &str) -> Clinic {
    let clinic = Clinic::open(name).await;
    clinic.put(vec![
        json!({"resourceType": "Patient", "id": "p", "generalPractitioner": [{"reference": "Practitioner/gp"}]}),
        json!({"resourceType": "Patient", "id": "q"}),
        json!({"resourceType": "Organization", "id": "org"}),
        json!({"resourceType": "PractitionerRole", "id": "role", "practitioner": {"reference": "Practitioner/visitor"}, "organization": {"reference": "Organization/org"}}),
        json!({"resourceType": "CareTeam", "id": "team", "status": "proposed", "subject": {"reference": "Patient/q"}, "participant": [{"member": {"reference": "Practitioner/visitor"}}]}),
        of("Condition", "plain", "p"), of("Observation", "plain", "p"), of("Encounter", "visit", "p"),
        {
            let mut it = of("Observation", "of-visit", "p");
            it["encounter"] = json!({"reference": "Encounter/visit"});
            it
        },
        labelled(of("Condition", "psy", "p"), &["PSY"]), labelled(of("Condition", "eth", "p"), &["ETH"]),
        labelled(of("Condition", "both", "p"), &["PSY", "ETH"]), labelled(of("Observation", "psy", "p"), &["PSY"]),
        of("Condition", "others", "q"),
    ]).await;
    clinic
}

/// After these provisions were written as consents of the patient, this principal sees these of all things.
async fn check(clinic: &Clinic, who: &Principal, provisions: &[Json], shown: &[&str]) {
    let consent = |at: usize, provision: &Json| privacy_consent(&format!("c{at}"), "p", "active", provision.clone());
    clinic.put(provisions.iter().enumerate().map(|(at, it)| consent(at, it)).collect()).await;
    let mut seen = Vec::new();
    for thing in [
        "Condition/both",
        "Condition/eth",
        "Condition/others",
        "Condition/plain",
        "Condition/psy",
        "Observation/of-visit",
        "Observation/plain",
        "Observation/psy",
        "Patient/p",
    ] {
        if clinic.sees(who, thing).await {
            seen.push(thing);
        }
    }
    assert_eq!(seen, shown, "{} with {}", who.who, json!(provisions));
    // They are gone for the next one.
    clinic
        .put((0..provisions.len()).map(|at| privacy_consent(&format!("c{at}"), "p", "inactive", json!({}))).collect())
        .await;
}

fn actor(reference: Json) -> Json {
    json!([{"role": {"coding": [{"code": "PRCP"}]}, "reference": reference}])
}

fn reasons(codes: &[&str]) -> Json {
    let system = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
    json!(codes.iter().map(|code| json!({"system": system, "code": code})).collect::<Vec<_>>())
}

const PLAIN: [&str; 5] =
    ["Condition/others", "Condition/plain", "Observation/of-visit", "Observation/plain", "Patient/p"];
const ALL: [&str; 9] = [
    "Condition/both",
    "Condition/eth",
    "Condition/others",
    "Condition/plain",
    "Condition/psy",
    "Observation/of-visit",
    "Observation/plain",
    "Observation/psy",
    "Patient/p",
];
const DENIED: [&str; 2] = ["Condition/others", "Patient/p"];

#[tokio::test]
async fn each_element_of_a_provision_narrows_what_it_covers() {
    let clinic = clinic("provisions").await;
    let (gp, visitor) = (clinician("gp"), clinician("visitor"));
    check(&clinic, &gp, &[], &ALL).await;
    check(&clinic, &visitor, &[], &PLAIN).await;
    let deny = |mut more: Json| {
        more["type"] = json!("deny");
        more
    };
    let without = |hidden: &[&'static str]| ALL.into_iter().filter(|it| !hidden.contains(it)).collect::<Vec<_>>();
    for (provision, shown) in [
        (json!({}), DENIED.to_vec()),
        (json!({"actor": actor(json!({"reference": "Practitioner/gp"}))}), DENIED.to_vec()),
        (json!({"actor": actor(json!({"reference": "Practitioner/visitor"}))}), ALL.to_vec()),
        (
            json!({"actor": actor(json!({"identifier": {"system": "urn:continuo:role", "value": "clinician"}}))}),
            DENIED.to_vec(),
        ),
        (
            json!({"actor": actor(json!({"identifier": {"system": "urn:continuo:user", "value": "gp"}}))}),
            DENIED.to_vec(),
        ),
        (json!({"actor": actor(json!({"identifier": {"system": "urn:continuo:user", "value": "g"}}))}), ALL.to_vec()),
        (json!({"actor": actor(json!({"display": "Somebody"}))}), ALL.to_vec()),
        (json!({"purpose": reasons(&["TREAT"])}), DENIED.to_vec()),
        (json!({"purpose": reasons(&["HPAYMT", "HMARKT"])}), ALL.to_vec()),
        (json!({"purpose": reasons(&["PurposeOfUse"])}), DENIED.to_vec()),
        // What cannot be read denies.
        (json!({"purpose": [{"system": "http://elsewhere.example", "code": "x"}]}), DENIED.to_vec()),
        (json!({"dataPeriod": {"start": "2020"}}), DENIED.to_vec()),
        (
            json!({"action": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentaction", "code": "access"}]}]}),
            DENIED.to_vec(),
        ),
        (
            json!({"action": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentaction", "code": "correct"}]}]}),
            ALL.to_vec(),
        ),
        (json!({"period": {"end": "2020"}}), ALL.to_vec()),
        (json!({"period": {"start": "2020", "end": "2027-01-15"}}), DENIED.to_vec()),
        (json!({"period": {"start": "2020", "end": "2027-01-14"}}), ALL.to_vec()),
        (
            json!({"class": [{"system": "http://hl7.org/fhir/resource-types", "code": "Observation"}]}),
            without(&["Observation/of-visit", "Observation/plain", "Observation/psy"]),
        ),
        (
            json!({"class": [{"system": "http://hl7.org/fhir/resource-types", "code": "Patient"}]}),
            without(&["Patient/p"]),
        ),
        (
            json!({"code": [{"coding": [{"system": "http://loinc.org", "code": "code-plain"}]}]}),
            without(&["Condition/plain", "Observation/plain"]),
        ),
        (
            json!({"class": [{"system": "http://hl7.org/fhir/resource-types", "code": "Condition"}],
            "code": [{"coding": [{"system": "http://loinc.org", "code": "code-plain"}]}]}),
            without(&["Condition/plain"]),
        ),
        (json!({"securityLabel": [{"system": ACT, "code": "ETH"}]}), without(&["Condition/both", "Condition/eth"])),
        (json!({"securityLabel": [{"system": ACT, "code": "SUD"}]}), without(&["Condition/both", "Condition/eth"])),
        (
            json!({"data": [{"meaning": "instance", "reference": {"reference": "Condition/plain"}}]}),
            without(&["Condition/plain"]),
        ),
        (
            json!({"data": [{"meaning": "related", "reference": {"reference": "Encounter/visit"}}]}),
            without(&["Observation/of-visit"]),
        ),
        (
            json!({"data": [{"meaning": "authoredby", "reference": {"reference": "Practitioner/x"}}]}),
            vec!["Condition/others"],
        ),
    ] {
        check(&clinic, &gp, &[deny(provision)], &shown).await;
    }
    let permit = |mut more: Json| {
        more["type"] = json!("permit");
        more
    };
    let with = |opened: &[&'static str]| {
        let mut all: Vec<&str> = PLAIN.iter().chain(opened).copied().collect();
        all.sort_unstable();
        all
    };
    for (provision, shown) in [
        (json!({}), with(&["Condition/psy", "Observation/psy"])),
        (json!({"purpose": reasons(&["TREAT"])}), with(&["Condition/psy", "Observation/psy"])),
        (json!({"purpose": reasons(&["HPAYMT"])}), PLAIN.to_vec()),
        (json!({"purpose": [{"system": "http://elsewhere.example", "code": "TREAT"}]}), PLAIN.to_vec()),
        (json!({"dataPeriod": {"start": "2020"}}), PLAIN.to_vec()),
        (json!({"data": [{"meaning": "authoredby", "reference": {"reference": "Practitioner/x"}}]}), PLAIN.to_vec()),
        (json!({"securityLabel": [{"system": ACT, "code": "ETH"}]}), with(&["Condition/eth"])),
        (json!({"securityLabel": [{"system": ACT, "code": "ETH"}, {"system": ACT, "code": "PSY"}]}), ALL.to_vec()),
        (json!({"actor": actor(json!({"reference": "Practitioner/visitor"}))}), ALL.to_vec()),
        (json!({"actor": actor(json!({"reference": "PractitionerRole/role"}))}), ALL.to_vec()),
        (json!({"actor": actor(json!({"reference": "Organization/org"}))}), ALL.to_vec()),
        (json!({"actor": actor(json!({"reference": "CareTeam/team"}))}), ALL.to_vec()),
        (
            json!({"actor": actor(json!({"reference": "http://clinic.example/fhir/Practitioner/visitor"}))}),
            ALL.to_vec(),
        ),
        (json!({"actor": actor(json!({"reference": "Practitioner/gp"}))}), PLAIN.to_vec()),
        (
            json!({"class": [{"system": "http://hl7.org/fhir/resource-types", "code": "Observation"}]}),
            with(&["Observation/psy"]),
        ),
        (json!({"class": [{"system": "urn:ietf:bcp:13", "code": "application/hl7-cda+xml"}]}), PLAIN.to_vec()),
    ] {
        check(&clinic, &visitor, &[permit(provision)], &shown).await;
    }
}

#[tokio::test]
async fn exceptions_replace_the_decision_they_lie_in() {
    let clinic = clinic("exceptions").await;
    let visitor = clinician("visitor");
    let me = || actor(json!({"reference": "Practitioner/visitor"}));
    let observations = || json!([{"system": "http://hl7.org/fhir/resource-types", "code": "Observation"}]);
    let psy = || json!([{"system": ACT, "code": "PSY"}]);
    // Everything denied but observations.
    let it = json!({"type": "deny", "provision": [{"type": "permit", "class": observations()}]});
    check(
        &clinic,
        &visitor,
        &[it],
        &["Condition/others", "Observation/of-visit", "Observation/plain", "Observation/psy", "Patient/p"],
    )
    .await;
    // … of which again those with a label are denied.
    let it = json!({"type": "deny", "provision": [{"type": "permit", "class": observations(), "provision": [{"type": "deny", "securityLabel": psy()}]}]});
    check(&clinic, &visitor, &[it], &["Condition/others", "Observation/of-visit", "Observation/plain", "Patient/p"])
        .await;
    // Everybody denied but this one; that one has a name, so closed labels open too.
    let it = json!({"type": "deny", "provision": [{"type": "permit", "actor": me()}]});
    check(&clinic, &visitor, std::slice::from_ref(&it), &ALL).await;
    check(&clinic, &clinician("gp"), &[it], &DENIED).await;
    // Permitted but for one label; exceptions that disagree deny; one without type denies.
    let it = json!({"type": "permit", "actor": me(), "provision": [{"type": "deny", "securityLabel": psy()}]});
    check(
        &clinic,
        &visitor,
        &[it],
        &[
            "Condition/eth",
            "Condition/others",
            "Condition/plain",
            "Observation/of-visit",
            "Observation/plain",
            "Patient/p",
        ],
    )
    .await;
    let it = json!({"type": "permit", "actor": me(), "provision": [{"securityLabel": psy()}, {"type": "permit", "class": observations()}]});
    check(
        &clinic,
        &visitor,
        &[it],
        &[
            "Condition/eth",
            "Condition/others",
            "Condition/plain",
            "Observation/of-visit",
            "Observation/plain",
            "Patient/p",
        ],
    )
    .await;
    // What lies in a provision that does not fit is not looked at.
    let it = json!({"type": "permit", "period": {"end": "2020"}, "provision": [{"type": "deny"}]});
    check(&clinic, &visitor, &[it], &PLAIN).await;
    // A root without a type decides nothing itself.
    check(&clinic, &visitor, &[json!({"actor": me()})], &PLAIN).await;
    check(
        &clinic,
        &visitor,
        &[json!({"provision": [{"type": "deny", "class": observations()}]})],
        &["Condition/others", "Condition/plain", "Patient/p"],
    )
    .await;
}

#[tokio::test]
async fn of_several_consents_who_is_named_counts_most_and_denial_next() {
    let clinic = clinic("several").await;
    let (gp, visitor) = (clinician("gp"), clinician("visitor"));
    let named = |kind: &str, who: &str| json!({"type": kind, "actor": actor(json!({"reference": format!("Practitioner/{who}")}))});
    let plain = |kind: &str| json!({"type": kind});
    check(&clinic, &visitor, &[plain("deny"), plain("permit")], &DENIED).await;
    check(&clinic, &visitor, &[plain("deny"), named("permit", "visitor")], &ALL).await;
    check(&clinic, &visitor, &[named("permit", "visitor"), named("deny", "visitor")], &DENIED).await;
    check(&clinic, &gp, &[named("deny", "gp"), plain("permit")], &DENIED).await;
    check(&clinic, &gp, &[plain("deny"), named("permit", "visitor")], &DENIED).await;
}

#[tokio::test]
async fn a_patient_sees_their_own_whatever_they_decided_but_an_app_can_be_denied() {
    let clinic = clinic("own").await;
    let own = Principal {
        patients: vec![Id::parse("p").unwrap()],
        ..principal("patient", "user/p", Some("Patient/p"), Purpose::PatientRequest)
    };
    let mine: Vec<&str> = ALL.into_iter().filter(|it| *it != "Condition/others").collect();
    check(&clinic, &own, &[json!({"type": "deny"})], &mine).await;
    let app = Principal {
        client: Some("diary".into()),
        scopes: Some("patient/*.rs".into()),
        patient: Id::parse("p"),
        ..own.clone()
    };
    check(&clinic, &app, &[json!({"type": "deny"})], &mine).await;
    let diary = actor(json!({"identifier": {"system": "urn:continuo:client", "value": "diary"}}));
    check(&clinic, &app, &[json!({"type": "deny", "actor": diary})], &["Patient/p"]).await;
    check(&clinic, &own, &[json!({"type": "deny", "actor": diary})], &mine).await;
    // A parent with a limited view sees nothing that bears a label.
    let limited = Principal { role: "proxy-limited".into(), who: "user/parent".into(), person: None, ..own };
    clinic.put(vec![labelled(of("Immunization", "psy", "p"), &["PSY"]), of("Immunization", "plain", "p")]).await;
    assert!(clinic.sees(&limited, "Immunization/plain").await);
    assert!(!clinic.sees(&limited, "Immunization/psy").await);
    assert!(!clinic.sees(&limited, "Condition/plain").await);
}

#[tokio::test]
async fn a_consent_holds_from_the_next_request_on_until_its_period_ends() {
    let clinic = clinic("moments").await;
    let gp = clinician("gp");
    assert!(clinic.sees(&gp, "Condition/plain").await);
    let ends = json!({"type": "deny", "period": {"end": "2027-01-16"}});
    clinic.put(vec![privacy_consent("now", "p", "active", ends)]).await;
    assert!(!clinic.sees(&gp, "Condition/plain").await);
    assert!(!clinic.sees_at(&gp, "Condition/plain", NOW + DAY).await);
    assert!(clinic.sees_at(&gp, "Condition/plain", NOW + 2 * DAY).await);
    assert!(!clinic.sees(&gp, "Condition/plain").await);
    // Of another patient from now on.
    clinic.put(vec![privacy_consent("now", "q", "active", json!({"type": "deny"}))]).await;
    assert!(clinic.sees(&gp, "Condition/plain").await);
    assert!(!clinic.sees(&gp, "Condition/others").await);
    // Research alone.
    let mut research = privacy_consent("now", "p", "active", json!({"type": "permit"}));
    research["scope"]["coding"][0]["code"] = json!("treatment");
    clinic.put(vec![research]).await;
    assert!(clinic.sees(&gp, "Condition/others").await);
    // Rules read anew say the same.
    let anew = care::access::Policies::default();
    clinic.put(vec![privacy_consent("now", "p", "active", json!({"type": "deny"}))]).await;
    let caller = anew.caller(&clinic.store, &gp, NOW).await.unwrap();
    assert!(clinic.store.read(&caller, &fhir::Key::parse("Condition/plain").unwrap()).await.is_err());
}

#[tokio::test]
async fn thousands_who_say_the_same_are_one_rule() {
    let clinic = Clinic::open("thousands").await;
    let mut all = Vec::new();
    for at in 0..3_000 {
        all.push(json!({"resourceType": "Patient", "id": format!("p{at}")}));
        all.push(of("Condition", &format!("c{at}"), &format!("p{at}")));
        if at % 3 > 0 {
            let who = if at % 3 == 1 {
                json!({})
            } else {
                json!({"actor": actor(json!({"reference": "Practitioner/other"}))})
            };
            let mut provision = who;
            provision["type"] = json!("deny");
            all.push(privacy_consent(&format!("s{at}"), &format!("p{at}"), "active", provision));
        }
    }
    for part in all.chunks(1_000) {
        clinic.put(part.to_vec()).await;
    }
    let gp = clinician("gp");
    for (id, shown) in [("c0", true), ("c1", false), ("c2", true), ("c2998", false), ("c2999", true)] {
        assert_eq!(clinic.sees(&gp, &format!("Condition/{id}")).await, shown, "{id}");
        assert_eq!(clinic.sees(&clinician("other"), &format!("Condition/{id}")).await, id == "c0", "{id}");
    }
    let started = std::time::Instant::now();
    for _ in 0..20 {
        clinic.sees(&gp, "Condition/c0").await;
    }
    // Reads and searches among thousands of denials stay a matter of milliseconds, also unoptimised.
    assert!(started.elapsed().as_millis() < 2_000, "{:?}", started.elapsed());
}
