//! Whole lives as transactions: real bundles go in and come out equal.

use crate::world::World;
use serde_json::Value;
use std::collections::HashMap;

/// The members a server sets, and how references were renamed, undone.
fn restored(mut value: Value, names: &HashMap<String, String>) -> Value {
    if let Some(meta) = value.get_mut("meta").and_then(Value::as_object_mut) {
        meta.remove("versionId");
        meta.remove("lastUpdated");
        if meta.is_empty() {
            value.as_object_mut().unwrap().remove("meta");
        }
    }
    value.as_object_mut().unwrap().remove("id");
    rename(&mut value, names);
    value
}

fn rename(value: &mut Value, names: &HashMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(name) = names.get(text.as_str()) {
                name.clone_into(text);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        Value::Object(members) => members.values_mut().for_each(|member| rename(member, names)),
        _ => {}
    }
}

#[tokio::test]
async fn synthetic_lives_are_imported_whole_and_read_back_equal() {
    let Some(folder) = testkit::unpacked("synthea-r4") else { return };
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .collect();
    files.sort();
    assert!(files.len() >= 3, "the bundles are missing");
    let world = World::new().await;
    let mut resources = 0;
    for file in files.iter().step_by(files.len() / 3).take(3) {
        let bundle: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let answer = world.post("", &bundle).await.is(200).json();
        let (sent, told) = (bundle["entry"].as_array().unwrap(), answer["entry"].as_array().unwrap());
        assert_eq!(sent.len(), told.len());
        let location = |entry: &Value| {
            let text = entry["response"]["location"].as_str().unwrap();
            text.split_once("/_history/").unwrap().0.to_owned()
        };
        let names: HashMap<String, String> = sent
            .iter()
            .zip(told)
            .map(|(sent, told)| (location(told), sent["fullUrl"].as_str().unwrap().to_owned()))
            .collect();
        for (sent, told) in sent.iter().zip(told) {
            assert_eq!(told["response"]["status"], "201 Created");
            let read = world.get(&location(told)).await.is(200).json();
            assert_eq!(restored(read, &names), restored(sent["resource"].clone(), &HashMap::new()));
        }
        resources += sent.len();
        let patient = told.iter().map(location).find(|key| key.starts_with("Patient/")).unwrap();
        let (mut everything, mut next) = (0, Some(format!("{patient}/$everything")));
        while let Some(address) = next {
            let page = world.get(&address).await.is(200);
            everything += page.keys().len();
            next = page.link("next");
        }
        assert_eq!(everything, sent.len(), "a whole life is everything of the patient");
    }
    assert!(resources > 100, "{resources}");
}
