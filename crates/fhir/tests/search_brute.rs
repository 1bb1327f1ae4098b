//! Whole searches over a handful of resources, judged by hand: parser, rows and brute force agree with the standard.

use fhir::search::brute::{Holdings, matches};
use fhir::search::row::{BaseUrls, Row, RowValue, Target, Token};
use fhir::search::{Handling, Limits, Reading, Registry, Scope, Texts, texts};
use fhir::{Id, Key, ResourceType, Value};
use serde_json::json;
use std::collections::BTreeMap;

struct Ward {
    resources: BTreeMap<Key, (Vec<Row>, Texts, Value)>,
}

impl Holdings for Ward {
    fn keys(&self, kind: ResourceType) -> Vec<Key> {
        self.resources.keys().filter(|key| key.kind == kind).cloned().collect()
    }

    fn rows(&self, key: &Key) -> &[Row] {
        self.resources.get(key).map(|(rows, ..)| rows.as_slice()).unwrap_or_default()
    }

    fn last_updated(&self, _: &Key) -> i64 {
        1_000
    }

    fn texts(&self, key: &Key) -> Texts {
        self.resources.get(key).map(|(_, texts, _)| texts.clone()).unwrap_or_default()
    }

    fn canonical(&self, url: &str, _: Option<&str>) -> Vec<Key> {
        self.resources.iter().filter(|(_, (.., value))| value["url"] == url).map(|(key, _)| key.clone()).collect()
    }

    fn listed(&self, list: &Id) -> Vec<Key> {
        let list = Key::new(ResourceType::parse("List").expect("a type"), list.clone());
        let targets = self.rows(&list).iter().filter_map(|row| match &row.value {
            RowValue::Reference(Target::Local { key, .. }) => Some(key.clone()),
            _ => None,
        });
        targets.collect()
    }

    fn in_value_set(&self, value_set: &str, token: &Token) -> bool {
        value_set == "http://x.example/pressures" && token.code.as_deref() == Some("8480-6")
    }

    fn subsumes(&self, _: &str, above: &str, below: &str) -> bool {
        (above, below) == ("diabetes", "diabetes-2")
    }
}

fn ward() -> Ward {
    let registry = Registry::r4();
    let base = BaseUrls::default();
    let pressure = |id: &str, patient: &str, value: Value, unit: &str, at: &str| {
        json!({
            "resourceType": "Observation", "id": id, "status": "final", "subject": { "reference": format!("Patient/{patient}") },
            "code": { "coding": [{ "system": "http://loinc.org", "code": "8480-6", "display": "Systolic pressure" }] },
            "valueQuantity": { "value": value, "system": "http://unitsofmeasure.org", "code": unit }, "effectiveDateTime": at
        })
    };
    let resources = [
        json!({ "resourceType": "Patient", "id": "ann", "name": [{ "family": "Núñez", "given": ["Ann"] }], "gender": "female", "birthDate": "1970-05",
                "generalPractitioner": [{ "reference": "Practitioner/doc" }], "text": { "status": "generated", "div": "<div>Likes <b>tea</b></div>" } }),
        json!({ "resourceType": "Patient", "id": "bob", "name": [{ "family": "Smith", "given": ["Bob"] }], "gender": "male", "birthDate": "1980" }),
        json!({ "resourceType": "Patient", "id": "nobody" }),
        json!({ "resourceType": "Practitioner", "id": "doc", "name": [{ "family": "House" }] }),
        pressure("high", "ann", json!(160), "mm[Hg]", "2020-01-02T10:00:00Z"),
        pressure("low", "bob", json!(13.3), "kPa", "2020-01"),
        json!({ "resourceType": "Condition", "id": "dm", "subject": { "reference": "Patient/ann" }, "code": { "coding": [{ "system": "http://c", "code": "diabetes-2" }] } }),
        json!({ "resourceType": "List", "id": "mine", "entry": [{ "item": { "reference": "Patient/bob" } }] }),
    ];
    let held = resources.into_iter().map(|resource| {
        let key = Key::parse(&format!(
            "{}/{}",
            resource["resourceType"].as_str().expect("a type"),
            resource["id"].as_str().expect("an id")
        ));
        let key = key.expect("a key");
        (key.clone(), (registry.rows(key.kind, &resource, &base), texts(&resource), resource))
    });
    Ward { resources: held.collect() }
}

#[test]
fn searches_find_what_they_should() {
    let (ward, registry, base) = (ward(), Registry::r4(), BaseUrls::default());
    let reading = Reading { registry: &registry, base: &base, limits: Limits::default(), now: 1_577_836_800_000 };
    let check = |kind: &str, text: &str, expected: &[&str]| {
        let kind = ResourceType::parse(kind).expect("a type");
        let params: Vec<(String, String)> = text
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .collect();
        let (query, _) = reading.query(&Scope::Type(kind), &params, Handling::Strict).expect(text);
        let found: Vec<String> = ward
            .keys(kind)
            .iter()
            .filter(|key| matches(&query.filter, key, &ward))
            .map(|key| key.id.to_string())
            .collect();
        assert_eq!(found, expected, "{kind}?{text}");
    };
    check("Patient", "family=nun", &["ann"]);
    check("Patient", "family:exact=Nunez", &[]);
    check("Patient", "family:exact=Núñez", &["ann"]);
    check("Patient", "name:contains=mit", &["bob"]);
    check("Patient", "gender:not=male", &["ann", "nobody"]);
    check("Patient", "gender=MALE", &["bob"]);
    check("Patient", "gender:missing=true", &["nobody"]);
    check("Patient", "birthdate=1970", &["ann"]);
    check("Patient", "birthdate=1970-05-09", &[]);
    check("Patient", "birthdate=ne1970", &["bob"]);
    check("Patient", "birthdate=gt1970", &["bob"]);
    check("Patient", "birthdate=gt1970-05-09", &["ann", "bob"]);
    check("Patient", "birthdate=lt1980-06", &["ann", "bob"]);
    check("Patient", "birthdate=sa1970-05", &["bob"]);
    check("Patient", "birthdate=eb1980", &["ann"]);
    check("Patient", "_has:Observation:patient:value-quantity=gt150", &["ann"]);
    check("Patient", "_has:Observation:patient:code=8480-6", &["ann", "bob"]);
    check("Patient", "general-practitioner.family=house", &["ann"]);
    check("Patient", "_has:Condition:patient:code:below=http://c|diabetes", &["ann"]);
    check("Patient", "_text=tea", &["ann"]);
    check("Patient", "_content=smith", &["bob"]);
    check("Patient", "_content=smith OR tea", &["ann", "bob"]);
    check("Patient", "_list=mine", &["bob"]);
    check("Patient", "_id=ann,zed", &["ann"]);
    check("Patient", "_lastUpdated=1970-01-01", &["ann", "bob", "nobody"]);
    check("Patient", "_lastUpdated=gt1970-01-01", &[]);
    check("Patient", "_filter=gender ne male", &["ann"]);
    check("Patient", "_filter=name ew \"ez\" or gender eq male", &["ann", "bob"]);
    check("Observation", "subject:Patient.general-practitioner.name=house", &["high"]);
    check("Observation", "value-quantity=gt110|http://unitsofmeasure.org|mm[Hg]", &["high"]);
    check("Observation", "value-quantity=lt110|http://unitsofmeasure.org|mm[Hg]", &["low"]);
    check("Observation", "value-quantity=gt1|http://unitsofmeasure.org|kg", &[]);
    check("Observation", "code-value-quantity=http://loinc.org|8480-6$ge160", &["high"]);
    check("Observation", "combo-code-value-quantity=8480-6$lt100||kPa", &["low"]);
    check("Observation", "code:text=pressure", &["high", "low"]);
    check("Observation", "code:in=http://x.example/pressures", &["high", "low"]);
    check("Observation", "code:not-in=http://x.example/pressures", &[]);
    check("Observation", "date=2020-01", &["high", "low"]);
    check("Observation", "date=2020-01-02", &["high"]);
    check("Observation", "date=le2020-01-01", &[]);
    check("Observation", "date=le2020-01-02", &["high", "low"]);
    check("Observation", "date=ap2020-01-31", &["low"]);
    check("Observation", "patient=ann", &["high"]);
    check("Observation", "subject=Patient/bob,Patient/ann", &["high", "low"]);
    check("Observation", "subject:Patient=bob", &["low"]);
    check("Observation", "subject=Group/bob", &[]);
}
