//! What is in a document that someone brings (a Bundle of any type, or a single resource), under which name
//! each resource will be known here, and what its references become. The same document always gives the same
//! names, so bringing it twice changes nothing. Nothing is looked up or stored here.
//!
//! FHIR R4: bundle.html (references, 2.36.4.1), http.html#trules (transactions).

use fhir::{Id, Issue, IssueCode, Key, ResourceType};
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// One resource of a document.
#[derive(Debug)]
pub struct Arrival {
    /// Where in the document: `entry[3]`, or empty for a document that is one resource.
    pub place: String,
    /// The name it gets here, unless `condition` finds one that exists.
    pub key: Key,
    pub condition: Option<Condition>,
    /// How others of the document call it.
    pub full_url: Option<String>,
    pub resource: Value,
}

/// A search that decides whether this is something we know: `Patient?identifier=urn:mrn|7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    pub search: String,
    /// What to do when it finds one.
    pub known: Known,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// `ifNoneExist`: what is here stays as it is.
    Keep,
    /// A conditional update: what is here becomes this.
    Replace,
}

/// What a document holds, and what of it cannot be taken, each with its place.
#[derive(Debug, Default)]
pub struct Opened {
    pub arrivals: Vec<Arrival>,
    pub issues: Vec<(String, Issue)>,
}

/// Takes a document apart.
pub fn open(document: Value) -> Opened {
    let mut opened = Opened::default();
    if document["resourceType"] != "Bundle" || !is_carrier(&document) {
        take(&mut opened, String::new(), document, None, None);
        return opened;
    }
    let Value::Object(mut bundle) = document else { return opened };
    let Some(Value::Array(entries)) = bundle.shift_remove("entry") else { return opened };
    for (number, entry) in entries.into_iter().enumerate() {
        let place = format!("entry[{number}]");
        let Value::Object(mut entry) = entry else {
            refuse(&mut opened, place, IssueCode::Structure, "an entry must be an object");
            continue;
        };
        let request = entry.shift_remove("request").map(|request| Request::read(&request));
        let full_url = entry.get("fullUrl").and_then(Value::as_str).map(str::to_owned);
        match (entry.shift_remove("resource"), request) {
            (Some(resource), request) => take(&mut opened, place, resource, full_url, request),
            // A search set may hold an entry without a resource; a transaction may ask to read or delete.
            (None, Some(request)) => {
                let message = format!("{} cannot be imported: only what POST and PUT bring", request.method);
                refuse(&mut opened, place, IssueCode::NotSupported, message);
            }
            (None, None) => refuse(&mut opened, place, IssueCode::Required, "the entry has no resource"),
        }
    }
    opened
}

/// Bundles that carry resources. A document, a message or a history is one thing and is kept as it is.
fn is_carrier(bundle: &Value) -> bool {
    matches!(bundle["type"].as_str(), Some("transaction" | "batch" | "collection" | "searchset"))
}

struct Request {
    method: String,
    url: String,
    if_none_exist: Option<String>,
}

impl Request {
    fn read(request: &Value) -> Request {
        let text = |name: &str| request[name].as_str().map(str::to_owned);
        Request {
            method: text("method").unwrap_or_default(),
            url: text("url").unwrap_or_default(),
            if_none_exist: text("ifNoneExist"),
        }
    }
}

fn refuse(opened: &mut Opened, place: String, code: IssueCode, message: impl Into<String>) {
    opened.issues.push((place, Issue::error(code, "", message)));
}

fn take(opened: &mut Opened, place: String, resource: Value, full_url: Option<String>, request: Option<Request>) {
    let kind = resource["resourceType"].as_str().and_then(ResourceType::parse);
    let Some(kind) = kind else {
        return refuse(opened, place, IssueCode::Structure, "resourceType must name a resource type of FHIR R4");
    };
    // What came along in a search set to explain it is not part of the record.
    if kind.name() == "OperationOutcome" {
        return;
    }
    match name(kind, &resource, full_url.as_deref(), request.as_ref()) {
        Ok((id, condition)) => {
            let key = Key::new(kind, id);
            opened.arrivals.push(Arrival { place, key, condition, full_url, resource });
        }
        Err(issue) => opened.issues.push((place, issue)),
    }
}

/// Under which id, by the first rule that applies:
///
/// 1. `PUT Patient/7` is 7.
/// 2. `fullUrl` `urn:uuid:X` is X: a POST under a fresh id would make another copy at each import.
/// 3. `fullUrl` `https://elsewhere/Patient/7` is 7.
/// 4. The id that the resource has.
/// 5. A digest of what it says.
fn name(
    kind: ResourceType,
    resource: &Value,
    full_url: Option<&str>,
    request: Option<&Request>,
) -> Result<(Id, Option<Condition>), Issue> {
    let own = resource["id"].as_str().and_then(Id::parse);
    let called =
        full_url.and_then(|url| match url.strip_prefix("urn:uuid:").or_else(|| url.strip_prefix("urn:oid:")) {
            Some(name) => Id::parse(name),
            None => tail(url).filter(|key| key.kind == kind).map(|key| key.id),
        });
    let otherwise = || called.clone().or_else(|| own.clone()).unwrap_or_else(|| digest_id(resource));
    let Some(request) = request else { return Ok((otherwise(), None)) };
    match request.method.as_str() {
        "POST" => {
            let search = request.if_none_exist.as_ref().filter(|it| !it.is_empty());
            let condition = search.map(|it| {
                let search = it.strip_prefix(kind.name()).unwrap_or(it).trim_start_matches('?');
                Condition { search: format!("{kind}?{search}"), known: Known::Keep }
            });
            Ok((otherwise(), condition))
        }
        "PUT" if request.url.contains('?') => {
            let condition = Condition { search: request.url.clone(), known: Known::Replace };
            Ok((otherwise(), Some(condition)))
        }
        "PUT" => match Key::parse(&request.url).filter(|key| key.kind == kind) {
            Some(key) => Ok((key.id, None)),
            None => Err(Issue::error(IssueCode::Value, "request.url", format!("PUT needs {kind}/[id]"))),
        },
        method => {
            let message = format!("{method} cannot be imported: only what POST and PUT bring");
            Err(Issue::error(IssueCode::NotSupported, "request.method", message))
        }
    }
}

/// `Patient/7` at the end of an address, before any version.
fn tail(url: &str) -> Option<Key> {
    let url = url.split("/_history/").next().unwrap_or(url);
    let mut parts = url.rsplitn(3, '/');
    let (id, kind) = (parts.next()?, parts.next()?);
    Key::parse(&format!("{kind}/{id}"))
}

/// The same text, the same id.
fn digest_id(resource: &Value) -> Id {
    let hash = digest(&SHA256, resource.to_string().as_bytes());
    let hex: String = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Id::parse(&hex).expect("hexadecimal digits make an id")
}

/// The names by which entries of one document call each other.
#[derive(Debug, Default)]
pub struct Names(HashMap<String, Key>);

impl Names {
    /// Names that were found in another way than in a document.
    pub fn known(names: HashMap<String, Key>) -> Names {
        Names(names)
    }

    /// What an address means.
    pub fn key(&self, address: &str) -> Option<&Key> {
        self.0.get(address)
    }

    pub fn all(self) -> HashMap<String, Key> {
        self.0
    }

    pub fn of(arrivals: &[Arrival]) -> Names {
        let mut names = HashMap::new();
        for arrival in arrivals {
            if let Some(url) = &arrival.full_url {
                names.insert(url.clone(), arrival.key.clone());
            }
            // Without a fullUrl, or under another id than the sender's, the plain name still means it.
            if let Some(id) = arrival.resource["id"].as_str() {
                names.entry(format!("{}/{id}", arrival.key.kind)).or_insert_with(|| arrival.key.clone());
            }
        }
        Names(names)
    }
}

/// Members whose text may be the address of another resource, beside `Reference.reference`.
const ADDRESSES: [&str; 7] = ["reference", "url", "uri", "valueUri", "valueUrl", "valueUuid", "valueOid"];

/// What a reference needs that the document itself does not tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// `Practitioner?identifier=…`: exactly one must be found.
    Search(String),
    /// `urn:uuid:…` of another document.
    Urn(String),
}

/// Rewrites what the document's own names settle, and tells what is left.
pub fn rewrite(resource: &mut Value, names: &Names) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    walk(resource, &mut |member, text| {
        if let Some(key) = names.0.get(text) {
            return Some(key.to_string());
        }
        // Only a Reference may be a search or wait for another document.
        if member == "reference" {
            match wanted_by(text) {
                Some(want) if !wanted.contains(&want) => wanted.push(want),
                _ => {}
            }
        }
        None
    });
    wanted
}

/// Rewrites what was found elsewhere. A search that found nothing becomes a reference by identifier, which
/// says the same and can be followed once the other arrives.
pub fn settle(resource: &mut Value, found: &HashMap<Wanted, Key>) {
    walk(resource, &mut |member, text| {
        let want = (member == "reference").then(|| wanted_by(text)).flatten()?;
        found.get(&want).map(Key::to_string)
    });
    by_identifier(resource);
}

fn wanted_by(reference: &str) -> Option<Wanted> {
    let search = reference.split_once('?').is_some_and(|(kind, _)| ResourceType::parse(kind).is_some());
    let urn = reference.starts_with("urn:uuid:") || reference.starts_with("urn:oid:");
    match (search, urn) {
        (true, _) => Some(Wanted::Search(reference.to_owned())),
        (_, true) => Some(Wanted::Urn(reference.to_owned())),
        _ => None,
    }
}

fn walk(value: &mut Value, change: &mut dyn FnMut(&str, &str) -> Option<String>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members.iter_mut() {
                match inner {
                    Value::String(text) if ADDRESSES.contains(&name.as_str()) => {
                        if let Some(new) = change(name, text) {
                            *text = new;
                        }
                    }
                    Value::Object(_) | Value::Array(_) => walk(inner, change),
                    _ => {}
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, change)),
        _ => {}
    }
}

fn by_identifier(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let searched = members.get("reference").and_then(Value::as_str).and_then(identifier_search);
            if let Some((kind, identifier)) = searched {
                members.shift_remove("reference");
                members.insert("type".into(), kind.into());
                members.insert("identifier".into(), Value::Object(identifier));
            }
            members.values_mut().for_each(by_identifier);
        }
        Value::Array(items) => items.iter_mut().for_each(by_identifier),
        _ => {}
    }
}

/// `Practitioner?identifier=http://npi|7` as type and Identifier.
fn identifier_search(reference: &str) -> Option<(String, Map<String, Value>)> {
    let (kind, query) = reference.split_once('?')?;
    ResourceType::parse(kind)?;
    let token = query.strip_prefix("identifier=").filter(|rest| !rest.contains('&'))?;
    let identifier = match token.split_once('|') {
        None => json!({ "value": token }),
        Some(("", value)) => json!({ "value": value }),
        Some((system, value)) => json!({ "system": system, "value": value }),
    };
    match identifier {
        Value::Object(identifier) => Some((kind.to_owned(), identifier)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transaction(entries: Value) -> Opened {
        open(json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries }))
    }

    fn keys(opened: &Opened) -> Vec<String> {
        opened.arrivals.iter().map(|it| it.key.to_string()).collect()
    }

    #[test]
    fn the_name_comes_from_the_first_rule_that_applies() {
        #[track_caller]
        fn check(entry: Value, key: &str) {
            assert_eq!(keys(&transaction(json!([entry]))), [key]);
        }
        let put = json!({ "method": "PUT", "url": "Patient/7" });
        let post = json!({ "method": "POST", "url": "Patient" });
        check(
            json!({ "resource": { "resourceType": "Patient", "id": "1" }, "fullUrl": "urn:uuid:a-b", "request": put }),
            "Patient/7",
        );
        check(
            json!({ "resource": { "resourceType": "Patient", "id": "1" }, "fullUrl": "urn:uuid:a-b", "request": post }),
            "Patient/a-b",
        );
        check(
            json!({ "resource": { "resourceType": "Patient", "id": "1" }, "fullUrl": "https://x/fhir/Patient/9" }),
            "Patient/9",
        );
        check(json!({ "resource": { "resourceType": "Patient", "id": "1" } }), "Patient/1");
    }

    #[test]
    fn what_has_no_name_is_named_by_what_it_says() {
        let name = |family: &str| keys(&open(json!({ "resourceType": "Patient", "name": [{ "family": family }] })));
        assert_eq!(name("Reyes"), name("Reyes"));
        assert_ne!(name("Reyes"), name("Okafor"));
    }

    #[test]
    fn a_document_bundle_is_one_resource() {
        let opened = open(json!({ "resourceType": "Bundle", "type": "document", "id": "d", "entry": [] }));
        assert_eq!(keys(&opened), ["Bundle/d"]);
    }

    #[test]
    fn one_bad_entry_does_not_keep_the_others_out() {
        let opened = transaction(json!([
            { "resource": { "resourceType": "Pateint" } },
            { "request": { "method": "DELETE", "url": "Patient/7" } },
            { "resource": { "resourceType": "Patient", "id": "1" }, "request": { "method": "PUT", "url": "Observation/1" } },
            { "resource": { "resourceType": "Patient", "id": "1" } },
        ]));
        assert_eq!(keys(&opened), ["Patient/1"]);
        let places: Vec<_> = opened.issues.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, ["entry[0]", "entry[1]", "entry[2]"]);
    }

    #[test]
    fn entries_find_each_other_under_their_new_names() {
        let mut opened = transaction(json!([
            { "fullUrl": "urn:uuid:p", "resource": { "resourceType": "Patient" }, "request": { "method": "POST", "url": "Patient" } },
            { "fullUrl": "urn:uuid:o", "request": { "method": "POST", "url": "Observation" }, "resource": {
                "resourceType": "Observation",
                "subject": { "reference": "urn:uuid:p" },
                "performer": [{ "reference": "Practitioner?identifier=http://npi|7" }, { "reference": "urn:uuid:elsewhere" }],
                "device": { "reference": "#d" },
                "identifier": [{ "system": "urn:ietf:rfc:3986", "value": "urn:uuid:p" }],
            } },
        ]));
        let names = Names::of(&opened.arrivals);
        let observation = &mut opened.arrivals[1].resource;
        let wanted = rewrite(observation, &names);
        let search = Wanted::Search("Practitioner?identifier=http://npi|7".into());
        assert_eq!(wanted, [search.clone(), Wanted::Urn("urn:uuid:elsewhere".into())]);
        assert_eq!(observation["subject"]["reference"], "Patient/p");
        assert_eq!(observation["device"]["reference"], "#d");
        assert_eq!(observation["identifier"][0]["value"], "urn:uuid:p", "an identifier is not an address");

        let mut found = observation.clone();
        settle(&mut found, &HashMap::from([(search, Key::parse("Practitioner/7").unwrap())]));
        assert_eq!(found["performer"][0], json!({ "reference": "Practitioner/7" }));

        settle(observation, &HashMap::new());
        let identifier = json!({ "system": "http://npi", "value": "7" });
        assert_eq!(observation["performer"][0], json!({ "type": "Practitioner", "identifier": identifier }));
        assert_eq!(observation["performer"][1]["reference"], "urn:uuid:elsewhere");
    }

    #[test]
    fn conditions_are_told() {
        let opened = transaction(json!([
            { "resource": { "resourceType": "Patient" }, "request": { "method": "POST", "url": "Patient", "ifNoneExist": "identifier=a|1" } },
            { "resource": { "resourceType": "Patient", "id": "x" }, "request": { "method": "PUT", "url": "Patient?identifier=a|2" } },
        ]));
        let told: Vec<_> = opened.arrivals.iter().map(|it| it.condition.clone().unwrap()).collect();
        assert_eq!(told[0], Condition { search: "Patient?identifier=a|1".into(), known: Known::Keep });
        assert_eq!(told[1], Condition { search: "Patient?identifier=a|2".into(), known: Known::Replace });
    }
}
