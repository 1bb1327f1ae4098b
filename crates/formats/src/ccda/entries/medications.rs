//! Medications (C-CDA 3.53 Medication Activity, 3.58 Planned Medication Activity) as MedicationRequest, with the orders
//! for their supply as its dispenseRequest and what was handed out as MedicationDispense.

use super::Outcome;
use crate::Fate;
use crate::ccda::datatypes::decimal;
use crate::ccda::part::{Part, absent, reference};
use crate::ccda::reading::Reading;
use crate::ccda::tables;
use crate::ccda::xml::{Element, Node};
use serde_json::{Value, json};

/// The substance of a statement: its coded product, and who makes it.
pub(super) fn material(node: Node<'_>) -> Option<Node<'_>> {
    let product = node.way("consumable/manufacturedProduct").or_else(|| node.way("product/manufacturedProduct"))?;
    product.kid("manufacturedMaterial").or_else(|| product.kid("manufacturedLabeledDrug"))
}

impl<'a> Reading<'a> {
    pub(super) fn medication(&self, node: Node<'a>, _: &'a str) -> Outcome {
        self.medication_request(node, "");
        Outcome::Made
    }

    /// A code for the substance; its name, or the words of the statement, when it has none.
    pub(super) fn substance(&self, node: Node<'a>) -> Value {
        let material = material(node);
        let name = material.and_then(|it| it.kid("name")).map(|it| it.words()).filter(|it| !it.is_empty());
        let coded = material.and_then(|it| it.kid("code"));
        let product = node.way("product/manufacturedProduct/code");
        self.concept_or(coded.or(product), name.or_else(|| self.said(node.kid("text"))))
    }

    pub(super) fn medication_request(&self, node: Node<'a>, role: &str) -> String {
        let order = node.inner_with("22.4.17").next();
        let status =
            node.at("statusCode", "code").and_then(|it| tables::map("medication.status", it)).unwrap_or("unknown");
        let intent = match node.attr("moodCode") {
            Some("INT" | "RQO") => "order",
            Some("PRP") => "proposal",
            _ if order.is_some() => "order",
            _ => "plan",
        };
        let requester = order.and_then(|it| self.person(it)).or_else(|| self.person(node));
        let performer = self.performers(node).into_iter().next();
        let maker = node.way("consumable/manufacturedProduct/manufacturerOrganization");
        if let Some(maker) = maker.filter(|it| it.kid("name").is_some()) {
            self.note(Fate::Kept, maker, "the maker of a medication that is not dispensed here");
        }
        let part = Part::of("MedicationRequest")
            .list("identifier", self.identifiers(node))
            .with("status", Some(status))
            .with("intent", Some(intent))
            .with("doNotPerform", node.negated().then_some(true))
            .with("medicationCodeableConcept", Some(self.substance(node)))
            .with("subject", Some(self.subject()))
            .with("authoredOn", self.authored(node).or_else(|| order.and_then(|it| self.authored(it))))
            .with("requester", Some(requester.unwrap_or_else(|| absent("unknown"))))
            .with("performer", performer.as_deref().map(reference))
            .list("reasonCode", self.reasons(node))
            .list("note", self.comments(node))
            .list("dosageInstruction", self.dosage(node))
            .with("dispenseRequest", order.and_then(|it| self.supply_order(it)));
        let address = self.keep(node, role, part);
        for it in node.inner_with("22.4.18") {
            self.dispense(it, Some((node, &address)));
        }
        self.unread(node, &["22.4.17", "22.4.18", "22.4.19", "22.4.20", "22.4.147"]);
        address
    }

    fn dosage(&self, node: Node<'a>) -> Option<Value> {
        let sig = node.inner_with("22.4.147").find_map(|it| self.said(it.kid("text")));
        // A text that points at the row of a table repeats the drug; a sentence of its own is how to take it.
        let dose = node.kid("doseQuantity");
        let unit = node.at("administrationUnitCode", "displayName");
        let quantity = dose.filter(|it| it.kid("low").is_none() && it.kid("high").is_none());
        let quantity = self.quantity(quantity).map(|mut it| {
            if let (None, Some(unit)) = (it.get("unit"), unit) {
                it["unit"] = json!(unit);
            }
            it
        });
        let range = dose.filter(|_| quantity.is_none()).and_then(|it| self.range(Some(it)));
        let rate = node.kid("rateQuantity");
        let rated = rate.filter(|it| it.kid("low").is_none()).and_then(|it| self.quantity(Some(it)));
        let rates = rate.filter(|_| rated.is_none()).and_then(|it| self.range(Some(it)));
        let amount = Part::new()
            .with("doseQuantity", quantity)
            .with("doseRange", range)
            .with("rateQuantity", rated)
            .with("rateRange", rates);
        let most = node.kid("maxDoseQuantity").and_then(|it| {
            let over = self.quantity(it.kid("numerator"))?;
            Some(json!({ "numerator": over, "denominator": self.quantity(it.kid("denominator"))? }))
        });
        let condition = node.kid("precondition");
        let needed = condition.and_then(|it| it.kid("criterion")).and_then(|it| {
            let coded = self.concept(it.kid("value")).or_else(|| self.concept(it.kid("code")));
            coded
                .filter(|it| it["coding"][0]["code"] != "ASSERTION")
                .or_else(|| self.said(it.kid("text")).map(|it| json!({ "text": it })))
        });
        let maybe = needed.is_none() && condition.is_some();
        Part::new()
            .with("text", sig)
            .with("patientInstruction", self.instruction(node))
            .with("timing", self.timing(node))
            .with("asNeededBoolean", maybe.then_some(true))
            .with("asNeededCodeableConcept", needed)
            .with("site", self.concept(node.kid("approachSiteCode")))
            .with("route", self.concept(node.kid("routeCode")))
            .list("doseAndRate", amount.some())
            .with("maxDosePerPeriod", most)
            .some()
    }

    /// The spans, rhythms and events of `effectiveTime` (IVL_TS, PIVL_TS, EIVL_TS) as Timing.
    fn timing(&self, node: Node<'a>) -> Option<Value> {
        let mut timing = Part::new();
        let mut repeat = Part::new();
        for time in node.kids("effectiveTime") {
            match time.kind() {
                Some("PIVL_TS") => {
                    let period = time.kid("period");
                    let exact = period.and_then(|it| it.attr("value").map(|value| (value, it.attr("unit"))));
                    let ends = period.and_then(|it| {
                        let low = it.kid("low")?;
                        Some((low.attr("value")?, low.attr("unit")))
                    });
                    let most = period.and_then(|it| it.at("high", "value")).and_then(decimal).map(Value::Number);
                    let known = exact.or(ends).and_then(|(value, unit)| {
                        let unit = tables::map("period.unit", unit?)?;
                        let value = decimal(value).filter(|it| it.as_f64().is_some_and(|it| it > 0.0))?;
                        Some((value, unit))
                    });
                    match known {
                        Some((value, unit)) if !repeat.has("period") => {
                            repeat = repeat
                                .with("frequency", Some(1))
                                .with("period", Some(Value::Number(value)))
                                .with("periodMax", most.filter(|_| exact.is_none()))
                                .with("periodUnit", Some(unit));
                        }
                        _ if period.is_some_and(|it| it.null().is_none()) => {
                            self.note(Fate::Kept, time, "a rhythm that is not a length of time");
                        }
                        _ => {}
                    }
                }
                Some("EIVL_TS") => {
                    let event = time.at("event", "code").and_then(|it| tables::map("vocabulary.event", it));
                    match event {
                        Some(event) => repeat = repeat.list("when", Some(json!(event))),
                        None => self.note(Fate::Kept, time, "a time of day that FHIR does not name"),
                    }
                    if time.kid("offset").is_some() {
                        self.note(Fate::Kept, time, "the distance from a meal or from sleep is not read");
                    }
                }
                Some("SXPR_TS") => self.note(Fate::Kept, time, "a composed time is not read"),
                _ => {
                    if let Some(point) = self.date(Some(time)) {
                        timing = timing.list("event", Some(json!(point)));
                    } else if !repeat.has("boundsPeriod") {
                        repeat = repeat.with("boundsPeriod", self.period(Some(time)));
                    }
                }
            }
        }
        let count = node.at("repeatNumber", "value").and_then(|it| it.parse::<u32>().ok()).filter(|it| *it > 0);
        if node.attr("moodCode") == Some("INT") && repeat.has("period") {
            repeat = repeat.with("count", count);
        }
        timing.with("repeat", repeat.some()).some()
    }

    fn supply_order(&self, node: Node<'a>) -> Option<Value> {
        // The number of times it may be handed out, the first one included.
        let fills = node.at("repeatNumber", "value").and_then(|it| it.parse::<u32>().ok());
        Part::new()
            .with("validityPeriod", node.kid("effectiveTime").and_then(|it| self.period(Some(it))))
            .with("numberOfRepeatsAllowed", fills.map(|it| it.saturating_sub(1)))
            .with("quantity", self.quantity(node.kid("quantity")))
            .some()
    }

    pub(super) fn lone_order(&self, node: Node<'a>, _: &'a str) -> Outcome {
        let status =
            node.at("statusCode", "code").and_then(|it| tables::map("medication.status", it)).unwrap_or("unknown");
        let part = Part::of("MedicationRequest")
            .list("identifier", self.identifiers(node))
            .with("status", Some(status))
            .with("intent", Some("order"))
            .with("medicationCodeableConcept", Some(self.substance(node)))
            .with("subject", Some(self.subject()))
            .with("authoredOn", self.authored(node))
            .with("requester", Some(self.person(node).unwrap_or_else(|| absent("unknown"))))
            .list("note", self.comments(node))
            .with("dispenseRequest", self.supply_order(node));
        self.keep(node, "supply", part);
        Outcome::Made
    }

    pub(super) fn lone_dispense(&self, node: Node<'a>, _: &'a str) -> Outcome {
        self.dispense(node, None);
        Outcome::Made
    }

    fn dispense(&self, node: Node<'a>, of: Option<(Node<'a>, &str)>) {
        let status =
            node.at("statusCode", "code").and_then(|it| tables::map("dispense.status", it)).unwrap_or("unknown");
        let substance = match (material(node), of) {
            (None, Some((activity, _))) => self.substance(activity),
            _ => self.substance(node),
        };
        let performers = self.performers(node).into_iter().map(|it| json!({ "actor": reference(&it) }));
        let part = Part::of("MedicationDispense")
            .list("identifier", self.identifiers(node))
            .with("status", Some(status))
            .with("medicationCodeableConcept", Some(substance))
            .with("subject", Some(self.subject()))
            .list("performer", performers)
            .list("authorizingPrescription", of.map(|(_, it)| reference(it)))
            .with("quantity", self.quantity(node.kid("quantity")))
            .with("whenHandedOver", self.start(node.kid("effectiveTime")))
            .list("note", self.comments(node));
        self.keep(node, "", part);
    }
}
