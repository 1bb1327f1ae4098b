//! People, organisations, places and devices within entries (CDA R2, 4.2.2): who wrote, who did, where, with what.

use super::agreed;
use super::markup::{Tag, tag};
use super::record::{Record, kind};
use super::types::{addresses, coding, concept, day, list, moment, names, null, telecoms, text};
use serde_json::Value;

impl Record<'_> {
    /// Who wrote an entry and when (Author Participation); nothing when neither is known.
    pub(super) fn author(&self, who: Option<&Value>, at: Option<&str>) -> Option<Tag> {
        let person = self.at(who).filter(|it| kind(it) == "Practitioner");
        if person.is_none() && at.is_none() {
            return None;
        }
        let inner = match person {
            Some(person) => tag("assignedAuthor")
                .all(self.party_ids(person))
                .all(addresses(person))
                .all(telecoms(person))
                .add(self.person("assignedPerson", person)),
            None => {
                let name = who.and_then(|it| text(it, &["display"]));
                let named = match name {
                    Some(name) => tag("name").text(name),
                    None => null("name", "UNK"),
                };
                tag("assignedAuthor")
                    .add(null("id", "UNK"))
                    .add(null("addr", "UNK"))
                    .add(null("telecom", "UNK"))
                    .add(tag("assignedPerson").add(named))
            }
        };
        Some(tag("author").templates(&["22.4.119"]).add(moment("time", at)).add(inner))
    }

    /// A person with the names they have.
    pub(super) fn person(&self, name: &'static str, person: &Value) -> Tag {
        let all = names(person);
        let whole = list(person, "name").iter().find_map(|it| text(it, &["text"]).or_else(|| text(it, &["family"])));
        let all = match (all.is_empty(), whole) {
            (false, _) => all,
            (true, Some(whole)) => vec![tag("name").text(whole)],
            (true, None) => vec![null("name", "UNK")],
        };
        tag(name).all(all)
    }

    /// A person or organisation that did something, as assignedEntity.
    pub(super) fn entity(&self, who: Option<&Value>) -> Option<Tag> {
        let display = who.and_then(|it| text(it, &["display"]));
        let party = self.at(who);
        let it = tag("assignedEntity");
        Some(match party {
            Some(party) if kind(party) == "Organization" => it
                .all(self.party_ids(party))
                .all(addresses(party))
                .all(telecoms(party))
                .add(self.organization("representedOrganization", party)),
            Some(party) if kind(party) == "PractitionerRole" => return self.entity(party.get("practitioner")),
            Some(party) if matches!(kind(party), "Practitioner" | "RelatedPerson") => it
                .all(self.party_ids(party))
                .all(addresses(party))
                .all(telecoms(party))
                .add(self.person("assignedPerson", party)),
            Some(_) => return None,
            None => it
                .add(null("id", "UNK"))
                .add(null("addr", "UNK"))
                .add(null("telecom", "UNK"))
                .add(tag("assignedPerson").add(tag("name").text(display?))),
        })
    }

    pub(super) fn performer(&self, who: Option<&Value>) -> Option<Tag> {
        Some(tag("performer").add(self.entity(who)?))
    }

    pub(super) fn organization(&self, name: &'static str, organization: &Value) -> Tag {
        tag(name)
            .all(self.party_ids(organization))
            .add(tag("name").text(text(organization, &["name"]).unwrap_or("Unnamed organization")))
            .all(telecoms(organization).into_iter().take(1))
            .all(addresses(organization).into_iter().take(1))
    }

    /// A place of care (Service Delivery Location).
    pub(super) fn place(&self, reference: Option<&Value>) -> Option<Tag> {
        let place = self.at(reference);
        let name =
            place.and_then(|it| text(it, &["name"])).or_else(|| reference.and_then(|it| text(it, &["display"])))?;
        let code = concept("code", place.and_then(|it| list(it, "type").first()));
        let role = tag("participantRole")
            .is("classCode", "SDLOC")
            .templates(&["22.4.32"])
            .all(place.map(|it| self.id(it, "")))
            .add(code)
            .all(addresses(place.unwrap_or(&Value::Null)))
            .all(telecoms(place.unwrap_or(&Value::Null)).into_iter().take(1))
            .add(tag("playingEntity").is("classCode", "PLC").add(tag("name").text(name)));
        Some(tag("participant").is("typeCode", "LOC").add(role))
    }

    /// A device (Product Instance), by its unique device identifier where it has one.
    pub(super) fn device(&self, kind: &'static str, device: &Value) -> Tag {
        let root = "2.16.840.1.113883.3.3719";
        let carrier = list(device, "udiCarrier").iter().find_map(|it| text(it, &["carrierHRF"]));
        let udi = carrier.map(|it| tag("id").is("root", root).is("extension", it).is("assigningAuthorityName", "FDA"));
        let maker = text(device, &["manufacturer"]).map(|it| tag("desc").text(it));
        let role = tag("participantRole")
            .is("classCode", "MANU")
            .templates(&["22.4.37"])
            .add(udi.unwrap_or_else(|| self.id(device, "")))
            .add(tag("playingDevice").add(concept("code", device.get("type"))))
            .add(tag("scopingEntity").add(tag("id").is("root", root)).all(maker));
        tag("participant").is("typeCode", kind).add(role)
    }

    /// Relatives and friends who may be called (header participant).
    pub(super) fn relative(&self, relative: &Value) -> Option<Tag> {
        let all = names(relative);
        if all.is_empty() {
            return None;
        }
        let relation = list(relative, "relationship").iter().flat_map(|it| list(it, "coding"));
        let relation = relation.filter(|it| text(it, &["system"]).is_some_and(|it| it.ends_with("v3-RoleCode")));
        let code = relation.clone().find_map(|it| coding("code", it));
        let role = relation.into_iter().find_map(|it| agreed::out("relation.class", text(it, &["code"])?));
        let entity = tag("associatedEntity")
            .is("classCode", role.unwrap_or("PRS"))
            .add(self.id(relative, ""))
            .all(code)
            .all(addresses(relative).into_iter().take(1))
            .all(telecoms(relative))
            .add(tag("associatedPerson").all(all));
        let since = text(relative, &["period", "start"]);
        let time = since.map(|it| tag("time").add(day("low", Some(it))));
        Some(tag("participant").is("typeCode", "IND").all(time).add(entity))
    }
}
