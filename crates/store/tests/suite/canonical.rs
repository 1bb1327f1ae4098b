//! References by canonical address, followed by chains, `_has` and `_include`.

use crate::contained::{found, names, page};
use crate::places::{all, me, write_all};
use serde_json::{Value, json};
use store::Store;

fn questionnaire(id: &str, version: Option<&str>, title: &str) -> Value {
    let mut value = json!({"resourceType": "Questionnaire", "id": id, "status": "active", "title": title,
        "url": "http://forms.example/falls"});
    if let Some(version) = version {
        value["version"] = version.into();
    }
    value
}

fn answers(id: &str, to: &str, status: &str) -> Value {
    json!({"resourceType": "QuestionnaireResponse", "id": id, "questionnaire": to, "status": status})
}

async fn fill(store: &Store) {
    write_all(
        store,
        vec![
            questionnaire("q1", Some("1"), "Falls, first edition"),
            questionnaire("q2", Some("2"), "Falls, second edition"),
            json!({"resourceType": "Questionnaire", "id": "other", "status": "draft", "title": "Sleep",
                "url": "http://forms.example/sleep"}),
            answers("a1", "http://forms.example/falls|1", "completed"),
            answers("a2", "http://forms.example/falls|2", "in-progress"),
            answers("any", "http://forms.example/falls", "amended"),
            answers("lost", "http://forms.example/lost|1", "completed"),
            answers("local", "http://here.example/fhir/Questionnaire/other", "stopped"),
        ],
    )
    .await;
}

#[tokio::test]
async fn chains_and_has_follow_canonical_addresses() {
    for place in all().await {
        let store = &place.store;
        fill(store).await;
        let check = async |asked: &str, expected: &[&str]| {
            let ids = found(store, asked).await;
            let ids: Vec<&str> = ids.iter().map(|it| it.split_once('/').unwrap().1).collect();
            assert_eq!(ids, expected, "{asked}");
        };
        check("QuestionnaireResponse?questionnaire.title=falls, first,falls", &["a1", "a2", "any"]).await;
        check("QuestionnaireResponse?questionnaire.version=1", &["a1", "any"]).await;
        check("QuestionnaireResponse?questionnaire:Questionnaire.version=2&status=in-progress", &["a2"]).await;
        check("QuestionnaireResponse?questionnaire.title=sleep", &["local"]).await;
        check("QuestionnaireResponse?questionnaire.title=nothing", &[]).await;
        check("Questionnaire?_has:QuestionnaireResponse:questionnaire:status=completed", &["q1"]).await;
        check("Questionnaire?_has:QuestionnaireResponse:questionnaire:status=amended", &["q1", "q2"]).await;
        check("Questionnaire?_has:QuestionnaireResponse:questionnaire:status=stopped", &["other"]).await;
        check("Questionnaire?_has:QuestionnaireResponse:questionnaire:status=entered-in-error", &[]).await;
    }
}

#[tokio::test]
async fn what_is_named_by_canonical_address_comes_along() {
    for place in all().await {
        let store = &place.store;
        fill(store).await;
        let check = async |asked: &str, expected: &[&str]| {
            let mut along = names(&page(store, &me(), asked).await.unwrap());
            along.sort_unstable();
            assert_eq!(along, expected, "{asked}");
        };
        let one = "QuestionnaireResponse?_id=a1&_include=";
        for include in ["QuestionnaireResponse:questionnaire", "QuestionnaireResponse:*", "*"] {
            check(&format!("{one}{include}"), &["Questionnaire/q1", "QuestionnaireResponse/a1"]).await;
        }
        check(
            "Questionnaire?_id=q2&_revinclude=QuestionnaireResponse:questionnaire",
            &["Questionnaire/q2", "QuestionnaireResponse/a2", "QuestionnaireResponse/any"],
        )
        .await;
        check(
            "QuestionnaireResponse?_id=any&_include=QuestionnaireResponse:questionnaire",
            &["Questionnaire/q1", "Questionnaire/q2", "QuestionnaireResponse/any"],
        )
        .await;
    }
}
