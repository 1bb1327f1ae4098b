//! What an organisation holds before its first patient: itself, its laboratory and pharmacy, payers, places, staff.

use serde_json::{Value, json};

use super::Org;
use super::shapes::*;
use super::tables::Tables;

pub(super) fn resources(tables: &Tables, org: Org) -> Vec<Value> {
    let mut all =
        vec![organization(org.key(), org.name(), ("prov", "Healthcare Provider"), Some(org_npi(org)), None, tables)];
    all.push(organization(
        "laboratory",
        &format!("{} Laboratory", org.name()),
        ("dept", "Hospital Department"),
        None,
        Some(org.key()),
        tables,
    ));
    all.push(organization(
        "pharmacy",
        "Tannery Row Pharmacy",
        ("bus", "Non-Healthcare Business or Corporation"),
        None,
        None,
        tables,
    ));
    for payer in &tables.payers {
        all.push(organization(payer.key, payer.name, ("pay", "Payer"), None, None, tables));
    }
    for (at, place) in tables.places.iter().filter(|it| it.org == org.key()).enumerate() {
        let members = json!({
            "status": "active",
            "name": place.name,
            "mode": "instance",
            "type": [hl7("v3-RoleCode", place.kind.0, place.kind.1)],
            "telecom": [{ "system": "phone", "value": format!("(740) 555-01{:02}", 20 + at), "use": "work" }],
            "address": address(org, tables),
            "managingOrganization": to(format!("Organization/{}", org.key())),
        });
        all.push(with(start("Location", place.key, Some("us-core-location")), members));
    }
    for (at, staff) in tables.staff.iter().enumerate().filter(|it| it.1.org == org.key()) {
        let telecom = json!([{ "system": "phone", "value": format!("(740) 555-01{:02}", 50 + at), "use": "work" }]);
        let members = json!({
            "identifier": [{ "system": "http://hl7.org/fhir/sid/us-npi", "value": staff.npi }],
            "active": true,
            "name": [{ "use": "official", "text": format!("{} {}, {}", staff.given, staff.family, staff.suffix), "family": staff.family, "given": [staff.given], "suffix": [staff.suffix] }],
            "telecom": telecom,
            "address": [address(org, tables)],
        });
        all.push(with(start("Practitioner", staff.key, Some("us-core-practitioner")), members));
        let members = json!({
            "active": true,
            "practitioner": named(format!("Practitioner/{}", staff.key), &format!("{} {}, {}", staff.given, staff.family, staff.suffix)),
            "organization": named(format!("Organization/{}", org.key()), org.name()),
            "code": [concept(SNOMED, staff.role.0, staff.role.1)],
            "specialty": [concept("http://nucc.org/provider-taxonomy", staff.specialty.0, staff.specialty.1)],
            "location": [to(format!("Location/{}", staff.location))],
            "telecom": telecom,
        });
        all.push(with(
            start("PractitionerRole", &format!("role-{}", staff.key), Some("us-core-practitionerrole")),
            members,
        ));
    }
    all
}

fn org_npi(org: Org) -> &'static str {
    // Completed by their check digits; 19990… is not issued.
    match org {
        Org::Riverside => "1999000106",
        Org::Lakeside => "1999000205",
    }
}

fn address(org: Org, tables: &Tables) -> Value {
    let (line, town) = match org {
        Org::Riverside => ("12 Tannery Row", &tables.towns[0]),
        Org::Lakeside => ("400 North Shore Drive", &tables.towns[1]),
    };
    json!({ "use": "work", "line": [line], "city": town.city, "state": town.state, "postalCode": town.postal_code, "country": "US" })
}

fn organization(
    id: &str,
    name: &str,
    kind: (&str, &str),
    npi: Option<&str>,
    part_of: Option<&str>,
    tables: &Tables,
) -> Value {
    let mut resource = start("Organization", id, Some("us-core-organization"));
    if let Some(npi) = npi {
        resource.insert("identifier".into(), json!([{ "system": "http://hl7.org/fhir/sid/us-npi", "value": npi }]));
    }
    let town = &tables.towns[if npi.is_some() && id == "lakeside" { 1 } else { 0 }];
    let members = json!({
        "active": true,
        "type": [hl7("organization-type", kind.0, kind.1)],
        "name": name,
        "telecom": [{ "system": "phone", "value": "(740) 555-0110", "use": "work" }],
        "address": [{ "line": [if id == "lakeside" { "400 North Shore Drive" } else { "12 Tannery Row" }], "city": town.city, "state": town.state, "postalCode": town.postal_code, "country": "US" }],
    });
    let mut organization = with(resource, members);
    if let Some(part_of) = part_of {
        organization["partOf"] = to(format!("Organization/{part_of}"));
    }
    organization
}
