//! The CapabilityStatement, tested both ways: what it declares works, what it does not declare is refused.

use crate::world::{World, observation, patient};
use api::ApiSettings;
use serde_json::{Value, json};

fn codes(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_statement_is_a_valid_resource_and_tells_the_settings() {
    let world = World::new().await;
    let statement = world.get("metadata").await.is(200).json();
    let checked = world.post("CapabilityStatement/$validate", &statement).await.is(200).json();
    let errors: Vec<&Value> =
        checked["issue"].as_array().unwrap().iter().filter(|issue| issue["severity"] == "error").collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(statement["fhirVersion"], "4.0.1");
    let rest = &statement["rest"][0];
    assert_eq!(rest["resource"].as_array().unwrap().len(), 146);
    assert_eq!(rest["resource"][0]["updateCreate"], true);
    assert_eq!(rest["resource"][0]["conditionalDelete"], "single");
    let settings = ApiSettings { update_as_create: false, delete_many: Some(10), ..ApiSettings::default() };
    let other = World::with(settings).await.get("metadata").await.is(200).json();
    assert_eq!(other["rest"][0]["resource"][0]["updateCreate"], false);
    assert_eq!(other["rest"][0]["resource"][0]["conditionalDelete"], "multiple");
}

#[tokio::test]
async fn every_interaction_that_is_declared_works() {
    let world = World::new().await;
    let statement = world.get("metadata").await.is(200).json();
    let rest = &statement["rest"][0];
    for resource in rest["resource"].as_array().unwrap() {
        let kind = resource["type"].as_str().unwrap();
        for code in codes(&resource["interaction"]) {
            // Nothing is there: each must be understood and say so, not be unknown.
            let (method, path, expected): (&str, String, &[u16]) = match code {
                "read" => ("GET", format!("{kind}/none"), &[404]),
                "vread" => ("GET", format!("{kind}/none/_history/1"), &[404]),
                "delete" => ("DELETE", format!("{kind}/none"), &[204]),
                "history-instance" => ("GET", format!("{kind}/none/_history"), &[404]),
                "history-type" => ("GET", format!("{kind}/_history"), &[200]),
                "search-type" => ("GET", format!("{kind}?_id=none"), &[200]),
                "create" => ("POST", kind.to_owned(), &[400]),
                "update" => ("PUT", format!("{kind}/none"), &[400]),
                "patch" => ("PATCH", format!("{kind}/none"), &[400]),
                other => panic!("{kind} declares {other}, which no test knows"),
            };
            let got = world.send(method, &path, &[], None).await;
            assert!(expected.contains(&got.status.as_u16()), "{method} {path}: {} {}", got.status, got.text);
            if got.status.as_u16() == 404 {
                assert_eq!(got.json()["issue"][0]["code"], "not-found", "{path}");
            }
        }
    }
    for code in codes(&rest["interaction"]) {
        let got = match code {
            "history-system" => world.get("_history").await,
            "search-system" => world.get("?_type=Patient").await,
            "transaction" | "batch" => world.post("", &json!({ "resourceType": "Bundle", "type": code })).await,
            other => panic!("{other} is declared, which no test knows"),
        };
        got.is(200);
    }
}

#[tokio::test]
async fn creates_updates_and_conditions_work_on_every_type_that_declares_them() {
    let world = World::new().await;
    for (kind, body) in [("Patient", patient("x")), ("Observation", observation("Patient/x", "2020", 1.0))] {
        let mut body = body;
        let created = world.post(kind, &body).await.is(201).json();
        let id = created["id"].as_str().unwrap().to_owned();
        body["id"] = id.clone().into();
        body["language"] = "en".into();
        world.put(&format!("{kind}/{id}"), &body).await.is(200);
        world.send("POST", kind, &[("if-none-exist", &format!("_id={id}"))], Some(&body)).await.is(200);
        world.put(&format!("{kind}?_id={id}"), &body).await.is(200);
        world.delete(&format!("{kind}?_id={id}")).await.is(204);
    }
}

/// A value that a parameter of this type can be asked for.
fn value(kind: &str) -> &'static str {
    match kind {
        "date" => "2020-01-01",
        "number" | "quantity" => "5.4",
        "reference" => "none",
        "uri" => "http://none.example",
        "token" | "string" => "none",
        other => panic!("no value for a parameter of type {other}"),
    }
}

#[tokio::test]
async fn every_search_parameter_that_is_declared_can_be_asked() {
    let world = World::new().await;
    let statement = world.get("metadata").await.is(200).json();
    let registry = fhir::search::Registry::r4();
    let (mut asked, mut wrong) = (0, Vec::new());
    for resource in statement["rest"][0]["resource"].as_array().unwrap() {
        let kind = resource["type"].as_str().unwrap();
        for param in resource["searchParam"].as_array().unwrap() {
            let (name, of) = (param["name"].as_str().unwrap(), param["type"].as_str().unwrap());
            let value = match (name, of) {
                ("_text" | "_content", _) => "none".to_owned(),
                ("_filter", _) => "_id eq none".to_owned(),
                ("_type", _) => kind.to_owned(),
                ("near", _) => "1.0|2.0|5|km".to_owned(),
                (_, "composite") => {
                    let param = registry.param(fhir::ResourceType::parse(kind).unwrap(), name).unwrap();
                    let parts: Vec<&str> = param.components.iter().map(|it| self::value(it.kind.code())).collect();
                    parts.join("$")
                }
                (_, of) => value(of).to_owned(),
            };
            let value = value.replace(' ', "%20");
            let got = world.get(&format!("{kind}?{name}={value}")).await;
            asked += 1;
            if got.status.as_u16() != 200 {
                wrong.push(format!("{kind}?{name}={value} ({of}): {}", got.text));
            }
        }
        // There are tens of thousands in all.
        for include in resource["searchRevInclude"].as_array().unwrap().iter().step_by(50) {
            let include = include.as_str().unwrap();
            let got = world.get(&format!("{kind}?_id=none&_revinclude={include}")).await;
            if got.status.as_u16() != 200 {
                wrong.push(format!("{kind}?_revinclude={include}: {}", got.text));
            }
        }
        for include in resource["searchInclude"].as_array().unwrap() {
            let include = include.as_str().unwrap();
            let got = world.get(&format!("{kind}?_id=none&_include={include}")).await;
            if got.status.as_u16() != 200 {
                wrong.push(format!("{kind}?_include={include}: {}", got.text));
            }
        }
    }
    assert!(asked > 1_500, "only {asked} parameters were asked");
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
}

#[tokio::test]
async fn every_operation_that_is_declared_works() {
    let world = World::new().await;
    world.patient("x").await;
    let encounter = json!({ "resourceType": "Encounter", "id": "x", "status": "finished",
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB" } });
    world.put("Encounter/x", &encounter).await.is(201);
    let statement = world.get("metadata").await.is(200).json();
    let mut names: Vec<String> = Vec::new();
    for resource in statement["rest"][0]["resource"].as_array().unwrap() {
        let kind = resource["type"].as_str().unwrap();
        for operation in resource["operation"].as_array().into_iter().flatten() {
            let name = operation["name"].as_str().unwrap();
            let body = json!({ "resourceType": "Parameters", "parameter": [{ "name": "meta", "valueMeta": {} }] });
            let got = match name {
                "everything" => world.get(&format!("{kind}/x/$everything")).await.is(200),
                "summary" => world.get("Patient/x/$summary").await.is(200),
                "docref" => world.get("DocumentReference/$docref?patient=x").await.is(200),
                "import-document" => {
                    world.post("Patient/x/$import-document", &body).await.refused(400, "not-supported")
                }
                "match" => world.post("Patient/$match", &json!({ "resourceType": "Patient" })).await.is(200),
                "lastn" => world.get("Observation/$lastn?patient=x&code=y").await.is(200),
                // Nothing of most types is there: understood, and not found.
                "validate" => world.get(&format!("{kind}/none/$validate")).await.refused(404, "not-found"),
                "meta" => world.get(&format!("{kind}/none/$meta")).await.refused(404, "not-found"),
                "meta-add" | "meta-delete" => {
                    world.post(&format!("{kind}/none/${name}"), &body).await.refused(404, "not-found")
                }
                other => panic!("{kind} declares ${other}, which no test knows"),
            };
            drop(got);
            if !names.contains(&name.to_owned()) {
                names.push(name.to_owned());
            }
        }
    }
    assert_eq!(names.len(), 10, "{names:?}");
}

#[tokio::test]
async fn what_is_not_declared_is_refused() {
    let world = World::new().await;
    let statement = world.get("metadata").await.is(200).json();
    let declared: Vec<(&str, Vec<&str>)> = statement["rest"][0]["resource"]
        .as_array()
        .unwrap()
        .iter()
        .map(|resource| {
            let names = resource["operation"].as_array().into_iter().flatten();
            (resource["type"].as_str().unwrap(), names.map(|it| it["name"].as_str().unwrap()).collect())
        })
        .collect();
    // Every operation of the standard, on every type that could have it.
    for operation in fhir::tables::operations() {
        for (kind, names) in &declared {
            if names.contains(&operation.code) {
                continue;
            }
            let got = world.get(&format!("{kind}/x/${}", operation.code)).await;
            assert!([404, 405].contains(&got.status.as_u16()), "{kind}/${}: {}", operation.code, got.status);
            assert_eq!(got.json()["resourceType"], "OperationOutcome");
        }
        world.get(&format!("${}", operation.code)).await.refused(404, "not-supported");
    }
    for (kind, _) in &declared {
        world.get(&format!("{kind}?frobnicate=1")).await.is(400);
        world.get(&format!("{kind}?_include={kind}:frobnicate")).await.is(400);
        world.get(&format!("{kind}?_query=x")).await.is(400);
        world.post(&format!("{kind}/x"), &json!({})).await.refused(405, "not-supported");
    }
    world.get(".well-known/something-else").await.refused(404, "not-supported");
}
