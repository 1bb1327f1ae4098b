//! FHIR documents of others (FHIR R4, 3.3; International Patient Summary): a Bundle whose first entry is a Composition.
//! Entries are called by what their sender calls them (type and id) rather than by the address of the moment, so that
//! the next summary of the same record speaks of the same things.

use super::{Read, TakeError, print};
use crate::chart::element::{list, text};
use crate::exchange::origin::{Origin, Way};
use crate::exchange::pile::Pile;
use fhir::Value;
use serde_json::Map;
use std::collections::HashMap;

/// Entries in one document at most.
const MOST: usize = 20_000;

pub(super) fn read(bytes: &[u8]) -> Result<Read, TakeError> {
    let unreadable = |says: &str| TakeError::Unreadable(says.to_owned());
    let bundle: Value = serde_json::from_slice(bytes).map_err(|_| unreadable("it is not JSON"))?;
    if text(&bundle, &["resourceType"]) != Some("Bundle") || text(&bundle, &["type"]) != Some("document") {
        return Err(unreadable("it is not a Bundle of the type document"));
    }
    let entries = list(&bundle, "entry");
    if entries.len() > MOST {
        return Err(unreadable("it has too many entries"));
    }
    let first = entries.first().and_then(|it| it.get("resource"));
    let composition = first.filter(|it| text(it, &["resourceType"]) == Some("Composition"));
    let composition = composition.ok_or_else(|| unreadable("its first entry is not a Composition"))?;
    let find = |reference: &Value| {
        let wanted = text(reference, &["reference"])?;
        let hit = |it: &&Value| {
            text(it, &["fullUrl"]).is_some_and(|url| url == wanted || url.ends_with(&format!("/{wanted}")))
        };
        entries.iter().find(hit).and_then(|it| it.get("resource"))
    };
    let keeper = composition.get("custodian").and_then(find);
    let keeper = keeper.or_else(|| list(composition, "author").iter().find_map(find));
    let name = keeper.and_then(|it| text(it, &["name"])).map(str::to_owned);
    let name = name.or_else(|| text(composition.get("custodian")?, &["display"]).map(str::to_owned));
    let server = entries.iter().find_map(|it| {
        let (url, resource) = (text(it, &["fullUrl"])?, it.get("resource")?);
        let tail = format!("/{}/{}", text(resource, &["resourceType"])?, text(resource, &["id"])?);
        url.strip_suffix(&tail).filter(|it| it.starts_with("http")).map(str::to_owned)
    });
    let source = keeper.and_then(super::address_of).or(server);
    let source = source.or_else(|| text(&bundle, &["identifier", "system"]).map(str::to_owned));
    let source = source.unwrap_or_else(|| "urn:continuo:unnamed-record".to_owned());

    // The address of each entry, and every way in which others call it.
    let mut names: HashMap<String, String> = HashMap::new();
    let mut all: Vec<(String, Value)> = Vec::new();
    for (nth, entry) in entries.iter().enumerate() {
        let Some(resource) = entry.get("resource").filter(|it| it.is_object()) else { continue };
        let kind = text(resource, &["resourceType"]).unwrap_or_default();
        let own = text(resource, &["id"]).map(|id| format!("{kind}/{id}"));
        let url = text(entry, &["fullUrl"]);
        let address = match (&own, url) {
            (Some(own), _) => format!("{source}|{own}"),
            (None, Some(url)) => format!("{source}|{url}"),
            (None, None) => format!("{source}|{nth}|{}", print(resource.to_string().as_bytes())),
        };
        names.extend(own.map(|it| (it, address.clone())));
        names.extend(url.map(|it| (it.to_owned(), address.clone())));
        let mut resource = resource.clone();
        if let Some(members) = resource.as_object_mut() {
            members.remove("id");
            let labels = members.get("meta").and_then(|it| it.get("security")).cloned();
            members.remove("meta");
            if let Some(labels) = labels {
                members.insert("meta".into(), Value::Object(Map::from_iter([("security".to_owned(), labels)])));
            }
        }
        all.push((address, resource));
    }
    for (_, resource) in &mut all {
        rename(resource, &names);
    }
    let patient = all.iter().find(|(_, it)| text(it, &["resourceType"]) == Some("Patient"));
    let patient = patient.map(|(address, _)| address.clone()).ok_or_else(|| unreadable("it names no patient"))?;
    let identifier = bundle.get("identifier").or_else(|| composition.get("identifier"));
    let id = identifier
        .and_then(|it| Some(format!("{}|{}", text(it, &["system"]).unwrap_or_default(), text(it, &["value"])?)));
    let clinical = all
        .iter()
        .filter(|(_, it)| {
            !matches!(
                text(it, &["resourceType"]),
                Some(
                    "Composition"
                        | "Patient"
                        | "Organization"
                        | "Practitioner"
                        | "PractitionerRole"
                        | "Device"
                        | "Location"
                )
            )
        })
        .count();
    // What points outside of the document points nowhere here.
    let title = text(composition, &["title"]).unwrap_or("Patient summary").to_owned();
    let mut told = composition.clone();
    rename(&mut told, &names);
    let id = id.unwrap_or_else(|| print(bytes));
    let origin = Origin {
        way: Way::Document,
        source,
        name: name.unwrap_or_else(|| "another record".to_owned()),
        arrival: Some(print(id.as_bytes())),
    };
    Ok(Read {
        set: text(composition, &["identifier", "value"]).map(|it| format!("{}|{it}", origin.source)),
        version: 0,
        written: text(composition, &["date"]).or_else(|| text(&bundle, &["timestamp"])).map(str::to_owned),
        title,
        kind: composition.get("type").cloned(),
        author: list(&told, "author").to_vec(),
        custodian: told.get("custodian").cloned(),
        content_type: "application/fhir+json",
        format: None,
        origin,
        patient,
        entries: (clinical, 0),
        id,
        resources: all,
        pile: Pile::default(),
    })
}

/// References by the addresses that the entries have here; what is not in the document is told by its words alone.
fn rename(value: &mut Value, names: &HashMap<String, String>) {
    match value {
        Value::Object(members) => {
            let known = match members.get("reference").and_then(Value::as_str) {
                Some(reference) if !reference.starts_with('#') => Some(names.get(reference).cloned()),
                _ => None,
            };
            match known {
                Some(Some(address)) => {
                    members.insert("reference".into(), address.into());
                }
                Some(None) => {
                    let lost = members.remove("reference");
                    if let (false, false, Some(Value::String(lost))) =
                        (members.contains_key("display"), members.contains_key("identifier"), lost)
                    {
                        let kind = lost.split('/').next().filter(|it| it.chars().all(char::is_alphabetic));
                        members.insert("display".into(), kind.unwrap_or("outside of the document").into());
                    }
                }
                None => {}
            }
            members.values_mut().for_each(|it| rename(it, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|it| rename(it, names)),
        _ => {}
    }
}
