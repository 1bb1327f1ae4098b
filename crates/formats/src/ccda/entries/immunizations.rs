//! Immunisations given or refused (C-CDA 3.41 Immunization Activity) as Immunization; those that are planned as
//! MedicationRequest.

use super::Outcome;
use super::medications::material;
use crate::ccda::part::{Part, absent, reference};
use crate::ccda::reading::Reading;
use crate::ccda::tables;
use crate::ccda::xml::{Element, Node};
use serde_json::json;

impl<'a> Reading<'a> {
    pub(super) fn immunization(&self, node: Node<'a>, _: &'a str) -> Outcome {
        if node.attr("moodCode").is_some_and(|it| it != "EVN") {
            self.medication_request(node, "vaccine");
            return Outcome::Made;
        }
        let status = node.at("statusCode", "code").and_then(|it| tables::map("immunization.status", it));
        let status = if node.negated() { "not-done" } else { status.unwrap_or("completed") };
        // Since 2024 the code asks and the value answers; before, the code was the answer.
        let refusal = node.inner_with("22.4.53").find_map(|it| match it.at("code", "code") {
            Some("71798-3") => self.concept(it.kid("value")),
            _ => self.concept(it.kid("code")),
        });
        let lot =
            material(node).and_then(|it| it.kid("lotNumberText")).map(|it| it.words()).filter(|it| !it.is_empty());
        let maker = self.organization(node.way("consumable/manufacturedProduct/manufacturerOrganization"));
        let performers = self.performers(node).into_iter().map(|it| json!({ "actor": reference(&it) }));
        let series = node.inner_with("22.4.118").find_map(|it| it.at("value", "value"));
        let number = series.or_else(|| node.at("repeatNumber", "value")).and_then(|it| it.parse::<u32>().ok());
        let number = number.filter(|it| *it > 0).map(|it| json!({ "doseNumberPositiveInt": it }));
        let given = self.start(node.kid("effectiveTime"));
        let unknown = given.is_none().then_some("unknown");
        let reactions = node.inner_with("22.4.9").filter_map(|it| {
            let detail = self.general(it, "", None, "reaction");
            let date = self.start(it.kid("effectiveTime"));
            Part::new().with("date", date).with("detail", detail.map(|it| reference(&it))).some()
        });
        let reactions: Vec<_> = reactions.collect();
        let part = Part::of("Immunization")
            .list("identifier", self.identifiers(node))
            .with("status", Some(status))
            .with("statusReason", refusal)
            .with("vaccineCode", Some(self.substance(node)))
            .with("patient", Some(self.subject()))
            .with("occurrenceDateTime", given)
            .with("occurrenceString", unknown)
            .with("recorded", self.authored(node))
            .with("_primarySource", Some(absent("unknown")))
            .with("manufacturer", maker.as_deref().map(reference))
            .with("lotNumber", lot)
            .with("site", self.concept(node.kid("approachSiteCode")))
            .with("route", self.concept(node.kid("routeCode")))
            .with("doseQuantity", self.quantity(node.kid("doseQuantity")))
            .list("performer", performers)
            .list("note", self.comments(node))
            .list("reasonCode", self.reasons(node))
            .list("reaction", reactions)
            .list("protocolApplied", number);
        self.unread(node, &["22.4.53", "22.4.118", "22.4.9", "22.4.19", "22.4.20"]);
        self.keep(node, "", part);
        Outcome::Made
    }
}
