//! People, organisations, places and devices that a document names (CDA R2, 4.2.2 and 4.2.3): names, addresses,
//! numbers to call, and the FHIR resources for those who take part.

use super::datatypes::tidy;
use super::part::{Part, reference};
use super::reading::{Reading, name_of};
use super::tables;
use super::xml::{Element, Node};
use serde_json::{Value, json};

/// The first use of a list of them that FHIR knows.
fn used(node: Node<'_>, known: impl Fn(&str) -> Option<&'static str>) -> Option<&'static str> {
    node.attr("use")?.split_whitespace().find_map(known)
}

impl<'a> Reading<'a> {
    pub(super) fn human_name(&self, node: Node<'a>) -> Option<Value> {
        let parts = |name: &str| -> Vec<Value> {
            node.kids(name).filter_map(|it| tidy(&it.words())).map(Value::String).collect()
        };
        let family = parts("family").iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
        let structured = node.children().any(|it| it.is_element());
        let text = if structured { None } else { tidy(&node.words()) };
        let name = Part::new()
            .with("text", text)
            .with("family", Some(family).filter(|it| !it.is_empty()))
            .list("given", parts("given"))
            .list("prefix", parts("prefix"))
            .list("suffix", parts("suffix"));
        let said = name.some()?;
        let mut name = Part::new().with("use", used(node, |it| tables::map("name.use", it))).done();
        for (member, value) in said.as_object().into_iter().flatten() {
            name[member] = value.clone();
        }
        if let Some(period) = self.period(node.kid("validTime")) {
            name["period"] = period;
        }
        Some(name)
    }

    pub(super) fn names(&self, node: Option<Node<'a>>) -> Vec<Value> {
        node.into_iter().flat_map(|it| it.kids("name")).filter_map(|it| self.human_name(it)).collect()
    }

    pub(super) fn address_of(&self, node: Node<'a>) -> Option<Value> {
        let word = |name: &str| node.kid(name).and_then(|it| tidy(&it.words()));
        let lines = ["streetAddressLine", "houseNumber", "streetName", "unitID", "additionalLocator"];
        let lines = lines.iter().flat_map(|name| node.kids(name)).filter_map(|it| tidy(&it.words()));
        let text = if node.children().any(|it| it.is_element()) { None } else { tidy(&node.words()) };
        let said = Part::new()
            .with("text", text)
            .list("line", lines.map(Value::String))
            .with("city", word("city"))
            .with("district", word("county"))
            .with("state", word("state"))
            .with("postalCode", word("postalCode"))
            .with("country", word("country"));
        let period = self.period(node.kid("useablePeriod"));
        let said = said.some()?;
        let mut out = Part::new().with("use", used(node, |it| tables::map("address.use", it))).done();
        for (member, value) in said.as_object().into_iter().flatten() {
            out[member] = value.clone();
        }
        if let Some(period) = period {
            out["period"] = period;
        }
        Some(out)
    }

    pub(super) fn addresses(&self, node: Node<'a>) -> Vec<Value> {
        let mut found: Vec<Value> = Vec::new();
        for it in node.kids("addr").filter_map(|it| self.address_of(it)) {
            if !found.contains(&it) {
                found.push(it);
            }
        }
        found
    }

    /// Numbers to call, mail addresses, pages (TEL).
    pub(super) fn telecoms(&self, node: Node<'a>) -> Vec<Value> {
        let mut found: Vec<Value> = Vec::new();
        for it in node.kids("telecom") {
            let Some(value) = it.attr("value").and_then(tidy) else { continue };
            let (scheme, rest) = value.split_once(':').unwrap_or(("tel", &value));
            let (system, value) = match scheme.to_ascii_lowercase().as_str() {
                "tel" => ("phone", rest),
                "fax" => ("fax", rest),
                "mailto" => ("email", rest),
                "http" | "https" | "ftp" => ("url", value.as_str()),
                "sms" => ("sms", rest),
                _ if value.contains('@') => ("email", value.as_str()),
                _ => ("phone", value.as_str()),
            };
            let Some(value) = tidy(value) else { continue };
            let usage = used(it, |it| tables::map("telecom.use", it));
            let contact = Part::new().with("system", Some(system)).with("value", Some(value)).with("use", usage).done();
            if !found.contains(&contact) {
                found.push(contact);
            }
        }
        found
    }

    pub(super) fn organization(&self, node: Option<Node<'a>>) -> Option<String> {
        let node = node?;
        let name = node.kid("name").and_then(|it| tidy(&it.words()));
        let identifiers = self.identifiers(node);
        if name.is_none() && identifiers.is_empty() {
            return None;
        }
        // An organisation has no home (org-2, org-3), whatever senders copy there.
        let at_work = |mut it: Value| {
            if it["use"] == "home" {
                it["use"] = json!("work");
            }
            it
        };
        let part = Part::of("Organization")
            .list("identifier", identifiers)
            .with("active", Some(true))
            .list("type", self.concept(node.kid("standardIndustryClassCode")))
            .with("name", name.clone())
            .list("telecom", self.telecoms(node).into_iter().map(at_work))
            .list("address", self.addresses(node).into_iter().map(at_work));
        // Some systems give all organisations one id.
        let key = name_of(node).map(|it| format!("{it}|{}", name.unwrap_or_default()));
        Some(self.keep_party(key, part))
    }

    /// Whoever stands in an assignedAuthor or assignedEntity: a practitioner, or a device.
    pub(super) fn practitioner(&self, node: Option<Node<'a>>) -> Option<String> {
        let node = node?;
        if let Some(device) = node.kid("assignedAuthoringDevice") {
            return Some(self.authoring_device(node, device));
        }
        let person = node.kid("assignedPerson").or_else(|| node.kid("assignedEntityPerson"));
        let names = self.names(person);
        let identifiers = self.identifiers(node);
        if names.is_empty() && identifiers.is_empty() {
            return None;
        }
        let key = name_of(node);
        let address = self.keep_party(
            key.clone(),
            Part::of("Practitioner")
                .list("identifier", identifiers)
                .list("name", names)
                .list("telecom", self.telecoms(node))
                .list("address", self.addresses(node)),
        );
        let organization = node.kid("representedOrganization").or_else(|| node.kid("scopingOrganization"));
        let organization = self.organization(organization);
        let role = self.concept(node.kid("code"));
        if role.is_some() || organization.is_some() {
            let part = Part::of("PractitionerRole")
                .with("practitioner", Some(reference(&address)))
                .with("organization", organization.as_deref().map(reference))
                .list("specialty", role);
            let key = format!("{address}|{}", organization.unwrap_or_default());
            self.keep_party(Some(key), part);
        }
        Some(address)
    }

    fn authoring_device(&self, node: Node<'a>, device: Node<'a>) -> String {
        let word = |name: &str| {
            device.kid(name).and_then(|it| tidy(&it.words()).or_else(|| it.attr("displayName").and_then(tidy)))
        };
        let name = word("softwareName").or_else(|| word("manufacturerModelName"));
        let part = Part::of("Device")
            .list("identifier", self.identifiers(node))
            .with("manufacturer", word("manufacturerModelName"))
            .list("deviceName", name.map(|it| json!({ "name": it, "type": "user-friendly-name" })))
            .with("type", self.concept(device.kid("code")));
        let organization = self.organization(node.kid("representedOrganization"));
        self.keep_party(name_of(node), part.with("owner", organization.as_deref().map(reference)))
    }

    /// Everybody who did what an entry tells (`performer`).
    pub(super) fn performers(&self, node: Node<'a>) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for it in node.kids("performer") {
            let entity = it.kid("assignedEntity");
            // Without a person, it was the organisation: a laboratory, a pharmacy.
            let unnamed = entity.is_some_and(|it| it.kid("assignedPerson").is_none());
            let organization = || self.organization(entity.and_then(|it| it.kid("representedOrganization")));
            let who = if unnamed { organization() } else { None };
            let who = who.or_else(|| self.practitioner(entity)).or_else(organization);
            if let Some(who) = who.filter(|it| !found.contains(it)) {
                found.push(who);
            }
        }
        found
    }

    /// The people who wrote an entry, and the first of them.
    pub(super) fn author(&self, node: Node<'a>) -> Option<String> {
        node.kids("author").find_map(|it| self.practitioner(it.kid("assignedAuthor")))
    }

    /// When an entry was written first.
    pub(super) fn authored(&self, node: Node<'a>) -> Option<String> {
        node.kids("author").filter_map(|it| self.date(it.kid("time"))).min()
    }

    /// A relative or another person who is not of the staff (relatedEntity, associatedEntity).
    pub(super) fn related_person(&self, node: Node<'a>, person: &str) -> Option<String> {
        let names = self.names(node.kid(person));
        if names.is_empty() {
            return None;
        }
        let role = node.attr("classCode").map(|code| {
            json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-RoleClass", "code": code }] })
        });
        let part = Part::of("RelatedPerson")
            .list("identifier", self.identifiers(node))
            .with("patient", Some(self.subject()))
            .list("relationship", self.concept(node.kid("code")).or(role))
            .list("name", names)
            .list("telecom", self.telecoms(node))
            .list("address", self.addresses(node));
        let key = name_of(node).map(|it| format!("{}|{it}", self.patient));
        Some(self.keep_party(key, part))
    }

    /// A place of care: participantRole SDLOC, or healthCareFacility.
    pub(super) fn location(&self, node: Option<Node<'a>>) -> Option<String> {
        let node = node?;
        let place = node.kid("playingEntity").or_else(|| node.kid("location"));
        let name = place.and_then(|it| it.kid("name")).and_then(|it| tidy(&it.words()));
        let kind = self.concept(node.kid("code"));
        let identifiers = self.identifiers(node);
        if name.is_none() && kind.is_none() && identifiers.is_empty() {
            return None;
        }
        let address =
            self.addresses(node).into_iter().chain(place.into_iter().flat_map(|it| self.addresses(it))).next();
        let provider = node.kid("serviceProviderOrganization").or_else(|| node.kid("scopingEntity"));
        let organization = self.organization(provider);
        let part = Part::of("Location")
            .list("identifier", identifiers)
            .with("name", name.clone())
            .list("type", kind)
            .list("telecom", self.telecoms(node))
            .with("address", address)
            .with("managingOrganization", organization.as_deref().map(reference));
        let key = name_of(node).map(|it| format!("{it}|{}", name.unwrap_or_default()));
        Some(self.keep_party(key, part))
    }

    /// Places among the participants of a statement.
    pub(super) fn locations(&self, node: Node<'a>) -> Vec<String> {
        let places = node.kids("participant").filter(|it| it.attr("typeCode") == Some("LOC"));
        places.filter_map(|it| self.location(it.kid("participantRole"))).collect()
    }

    /// A device that was used or implanted (product instance).
    pub(super) fn device(&self, role: Node<'a>) -> Option<String> {
        let kind = self.concept(role.way("playingDevice/code"));
        let identifiers = self.identifiers(role);
        if kind.is_none() && identifiers.is_empty() {
            return None;
        }
        let udi = role.kids("id").find(|it| it.attr("root") == Some("2.16.840.1.113883.3.3719"));
        let udi = udi.and_then(|it| it.attr("extension")).and_then(tidy);
        let carrier = udi.map(|it| json!({ "carrierHRF": it }));
        let maker = role.way("scopingEntity/desc").and_then(|it| tidy(&it.words()));
        let part = Part::of("Device")
            .list("identifier", identifiers)
            .list("udiCarrier", carrier)
            .with("manufacturer", maker)
            .with("type", kind)
            .with("patient", Some(self.subject()));
        Some(self.keep(role, "", part))
    }

    pub(super) fn devices(&self, node: Node<'a>) -> Vec<String> {
        node.kids("participant")
            .filter_map(|it| it.kid("participantRole"))
            .filter(|it| it.follows("22.4.37") || it.kid("playingDevice").is_some())
            .filter_map(|it| self.device(it))
            .collect()
    }
}
