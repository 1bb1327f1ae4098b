//! Medications and immunisations (C-CDA 3.53, 3.58, 3.41): what is ordered and what the patient is known to take, with
//! the words of how to take it, its supply and what was handed out.

use super::agreed;
use super::markup::{Tag, tag};
use super::record::{Record, any_code, code_in, kind};
use super::sections::{Pointer, Told};
use super::types::{
    ACT, LOINC, chosen, code, coded_value, concept, date_words, list, moment, null, number, quantity, quantity_words,
    span, status, text, words,
};
use serde_json::Value;

const NCI: &str = "2.16.840.1.113883.3.26.1.1";

pub(super) fn medications(record: &Record<'_>) -> Told {
    of_status(record, |_| true)
}

/// What the patient takes home.
pub(super) fn at_discharge(record: &Record<'_>) -> Told {
    let mut told = Told::new("medicine", &HEADS);
    for it in wanted(record, |it| text(it, &["status"]) == Some("active")) {
        if record.tell(it) {
            let inner = activity(record, it, &mut told);
            let name = code("code", "10183-2", LOINC, "Hospital discharge medications").add(code(
                "translation",
                "75311-1",
                LOINC,
                "Discharge medications",
            ));
            told.entry(
                tag("act")
                    .is("classCode", "ACT")
                    .is("moodCode", "EVN")
                    .templates(&["22.4.35:2016-03-01"])
                    .add(name)
                    .add(status("completed"))
                    .add(tag("entryRelationship").is("typeCode", "SUBJ").add(inner)),
            );
        }
    }
    told
}

const HEADS: [&str; 5] = ["Medication", "How to take it", "Since", "For", "Status"];

fn of_status(record: &Record<'_>, may: impl Fn(&Value) -> bool) -> Told {
    let mut told = Told::new("medicine", &HEADS);
    for it in wanted(record, may) {
        if record.tell(it) {
            let entry = activity(record, it, &mut told);
            told.entry(entry);
        }
    }
    told
}

fn wanted<'a>(record: &Record<'a>, may: impl Fn(&Value) -> bool) -> Vec<&'a Value> {
    let all = record.all("MedicationRequest").into_iter().chain(record.all("MedicationStatement"));
    all.filter(|it| text(it, &["status"]) != Some("draft") && may(it)).collect()
}

fn substance(name: Option<&Value>, template: &str, product: &'static str) -> Tag {
    let inner = tag("manufacturedProduct")
        .is("classCode", "MANU")
        .templates(&[template])
        .add(tag("manufacturedMaterial").add(concept("code", name)));
    tag(product).add(inner)
}

fn activity(record: &Record<'_>, it: &Value, told: &mut Told) -> Tag {
    let ordered = kind(it) == "MedicationRequest";
    let name = record.code_of(it, "medication");
    let dosage = list(it, if ordered { "dosageInstruction" } else { "dosage" });
    let how = dosage.first();
    let bounds = how.and_then(|it| it.pointer("/timing/repeat/boundsPeriod"));
    let authored = text(it, &["authoredOn"]).or_else(|| text(it, &["dateAsserted"]));
    let period = bounds.or_else(|| it.get("effectivePeriod"));
    let began = period.and_then(|it| text(it, &["start"])).or_else(|| text(it, &["effectiveDateTime"])).or(authored);
    let ended = period.and_then(|it| text(it, &["end"]));
    let state = text(it, &["status"]).unwrap_or("unknown");
    let said: Vec<&str> = dosage.iter().filter_map(|it| text(it, &["text"])).collect();
    let reasons = reasons(record, it);
    let at = told.row(vec![
        name.and_then(words).unwrap_or_else(|| "Medication without a name".to_owned()),
        String::new(),
        began.map(date_words).unwrap_or_default(),
        reasons.iter().filter_map(|it| words(it)).collect::<Vec<_>>().join(", "),
        state.to_owned(),
    ]);
    let sig = (!said.is_empty()).then(|| told.cell(1, &said.join("; ")));
    let rate = how.and_then(|it| list(it, "doseAndRate").first());
    let dose = rate.and_then(|it| match (it.get("doseQuantity"), it.get("doseRange")) {
        (Some(exact), _) => Some(quantity("doseQuantity", Some(exact))),
        (None, Some(range)) => {
            let end = |name: &'static str| range.get(name).map(|it| quantity(name, Some(it)));
            Some(tag("doseQuantity").all(end("low")).all(end("high")))
        }
        _ => None,
    });
    let speed = rate.and_then(|it| it.get("rateQuantity")).map(|it| quantity("rateQuantity", Some(it)));
    let most = how.and_then(|it| it.get("maxDosePerPeriod")).map(|it| {
        let end = |name: &'static str| quantity(name, it.get(name));
        tag("maxDoseQuantity").add(end("numerator")).add(end("denominator"))
    });
    let requester = it.get("requester").or_else(|| it.get("informationSource"));
    let supply = it.get("dispenseRequest").and_then(|of| order(record, it, of));
    let handed: Vec<Tag> = record
        .all("MedicationDispense")
        .into_iter()
        .filter(|of| {
            let mut of = list(of, "authorizingPrescription").iter().filter_map(|it| record.at(Some(it)));
            text(it, &["id"]).is_some() && of.any(|found| found["id"] == it["id"])
        })
        .filter(|of| text(of, &["status"]) == Some("completed") && record.tell(of))
        .map(|of| tag("entryRelationship").is("typeCode", "REFR").add(dispense(record, of)))
        .collect();
    tag("substanceAdministration")
        .is("classCode", "SBADM")
        .is("moodCode", if ordered { "INT" } else { "EVN" })
        .maybe("negationInd", (it["doNotPerform"] == true).then_some("true"))
        .templates(&["22.4.16:2014-06-09"])
        .all(record.ids(it))
        .add(at.text())
        .add(status(agreed::out("medication.status", state).unwrap_or("active")))
        .add(span(began, ended).is("xsi:type", "IVL_TS"))
        .all(how.and_then(rhythm))
        .all(how.and_then(|it| it.get("route")).map(route))
        .all(how.and_then(|it| it.get("site")).map(|it| concept("approachSiteCode", Some(it))))
        .add(dose.unwrap_or_else(|| null("doseQuantity", "UNK")))
        .all(speed)
        .all(most)
        .add(substance(name, "22.4.23:2014-06-09", "consumable"))
        .all(record.author(requester, authored))
        .all(sig.map(|it| free_text(&it)))
        .all(reasons.iter().enumerate().map(|(nth, of)| indication(record, it, nth, of)))
        .all(supply)
        .all(handed)
        .all(told.comments(record, it))
        .all(how.and_then(needed))
}

/// Reasons as concepts, be they said or pointed at.
pub(super) fn reasons<'a>(record: &Record<'a>, it: &'a Value) -> Vec<&'a Value> {
    let pointed = list(it, "reasonReference").iter().filter_map(|it| record.at(Some(it))?.get("code"));
    list(it, "reasonCode").iter().chain(pointed).collect()
}

pub(super) fn indication(record: &Record<'_>, of: &Value, nth: usize, reason: &Value) -> Tag {
    let inner = tag("observation")
        .is("classCode", "OBS")
        .is("moodCode", "EVN")
        .templates(&["22.4.19:2014-06-09", "22.4.19:2023-05-01"])
        .add(record.id(of, &format!("reason-{nth}")))
        .add(code("code", "404684003", super::types::SNOMED, "Finding"))
        .add(status("completed"))
        .add(coded_value(Some(reason)));
    tag("entryRelationship").is("typeCode", "RSON").add(inner)
}

fn free_text(at: &Pointer) -> Tag {
    let none =
        tag("consumable").add(tag("manufacturedProduct").add(tag("manufacturedLabeledDrug").is("nullFlavor", "NA")));
    let inner = tag("substanceAdministration")
        .is("classCode", "SBADM")
        .is("moodCode", "INT")
        .templates(&["22.4.147"])
        .add(code("code", "76662-6", LOINC, "Instructions medication"))
        .add(at.text())
        .add(none);
    tag("entryRelationship").is("typeCode", "COMP").add(inner)
}

/// How often: so many times in a period becomes the time between two doses.
fn rhythm(dosage: &Value) -> Option<Tag> {
    let repeat = dosage.pointer("/timing/repeat")?;
    let when = list(repeat, "when").iter().filter_map(Value::as_str).find_map(|it| agreed::out("event", it));
    if let Some(event) = when {
        let event = tag("event").is("code", event);
        return Some(tag("effectiveTime").is("xsi:type", "EIVL_TS").is("operator", "A").add(event));
    }
    let times = repeat.get("frequency").and_then(Value::as_u64).unwrap_or(1).max(1);
    let period: rust_decimal::Decimal = number(repeat.get("period")?)?.parse().ok()?;
    let unit = text(repeat, &["periodUnit"])?;
    let (period, unit) = match (unit, times) {
        ("d", 2..) => (period * rust_decimal::Decimal::from(24), "h"),
        ("wk", 2..) => (period * rust_decimal::Decimal::from(7), "d"),
        _ => (period, unit),
    };
    let between = (period / rust_decimal::Decimal::from(times)).round_dp(4).normalize();
    let unit = agreed::out("period.unit", unit)?;
    let period = tag("period").is("value", between.to_string()).is("unit", unit);
    let time = tag("effectiveTime").is("xsi:type", "PIVL_TS").is("institutionSpecified", "true").is("operator", "A");
    Some(time.add(period))
}

/// A route of the FDA's list leads where it is known; others stand beside it.
fn route(route: &Value) -> Tag {
    let known = any_code(Some(route)).and_then(|it| agreed::out("route", it));
    let nci = list(route, "coding").iter().any(|it| text(it, &["code"]).is_some_and(is_nci));
    match known.filter(|_| !nci) {
        Some(known) => {
            let of = chosen("translation", Some(route), |_| true);
            let snomed = code_in(Some(route), &["http://snomed.info/sct"]).is_some();
            code("routeCode", known, NCI, words(route).as_deref().unwrap_or_default()).all(snomed.then_some(of))
        }
        None => chosen("routeCode", Some(route), |it| text(it, &["code"]).is_some_and(is_nci)),
    }
}

fn is_nci(code: &str) -> bool {
    code.starts_with('C') && code.len() > 4 && code[1..].bytes().all(|it| it.is_ascii_digit())
}

/// Taken only when needed (Precondition for Substance Administration).
fn needed(dosage: &Value) -> Option<Tag> {
    let what = dosage.get("asNeededCodeableConcept");
    if what.is_none() && dosage.get("asNeededBoolean") != Some(&Value::Bool(true)) {
        return None;
    }
    let criterion = tag("criterion")
        .templates(&["22.4.25:2014-06-09"])
        .add(code("code", "ASSERTION", ACT, ""))
        .add(coded_value(what));
    Some(tag("precondition").is("typeCode", "PRCN").add(criterion))
}

fn order(record: &Record<'_>, request: &Value, of: &Value) -> Option<Tag> {
    let fills = of.get("numberOfRepeatsAllowed").and_then(Value::as_u64).map(|it| it + 1);
    let amount = of.get("quantity").map(|it| quantity("quantity", Some(it)));
    let until = text(of, &["validityPeriod", "end"]);
    let from = text(of, &["validityPeriod", "start"]);
    if fills.is_none() && amount.is_none() && until.is_none() {
        return None;
    }
    let supply = tag("supply")
        .is("classCode", "SPLY")
        .is("moodCode", "INT")
        .templates(&["22.4.17:2014-06-09"])
        .add(record.id(request, "supply"))
        .add(status("active"))
        .all(until.map(|_| span(from, until).is("xsi:type", "IVL_TS")))
        .all(fills.map(|it| tag("repeatNumber").is("value", it.to_string())))
        .all(amount)
        .all(record.author(request.get("requester"), text(request, &["authoredOn"])));
    Some(tag("entryRelationship").is("typeCode", "REFR").add(supply))
}

fn dispense(record: &Record<'_>, it: &Value) -> Tag {
    let name = record.code_of(it, "medication");
    let who = list(it, "performer").first().and_then(|it| it.get("actor"));
    tag("supply")
        .is("classCode", "SPLY")
        .is("moodCode", "EVN")
        .templates(&["22.4.18:2014-06-09", "22.4.18:2023-05-01"])
        .all(record.ids(it))
        .add(concept("code", it.get("type")))
        .add(status("completed"))
        .add(moment("effectiveTime", text(it, &["whenHandedOver"])))
        .all(it.get("quantity").map(|it| quantity("quantity", Some(it))))
        .add(substance(name, "22.4.23:2014-06-09", "product"))
        .all(record.performer(who))
}

pub(super) fn immunizations(record: &Record<'_>) -> Told {
    let mut told = Told::new("vaccine", &["Vaccine", "Date", "Dose", "Status"]);
    for it in record.all("Immunization") {
        if record.tell(it) {
            let entry = immunization(record, it, &mut told);
            told.entry(entry);
        }
    }
    told
}

fn immunization(record: &Record<'_>, it: &Value, told: &mut Told) -> Tag {
    let refused = text(it, &["status"]) == Some("not-done");
    let given = text(it, &["occurrenceDateTime"]);
    let amount = it.get("doseQuantity");
    let at = told.row(vec![
        it.get("vaccineCode").and_then(words).unwrap_or_else(|| "Vaccine without a name".to_owned()),
        given.map(date_words).unwrap_or_default(),
        amount.map(quantity_words).unwrap_or_default(),
        if refused { "not given".to_owned() } else { "given".to_owned() },
    ]);
    let cvx = |it: &Value| text(it, &["system"]) == Some("http://hl7.org/fhir/sid/cvx");
    let maker = record.at(it.get("manufacturer"));
    let maker_name = maker.and_then(|it| text(it, &["name"])).or_else(|| text(it, &["manufacturer", "display"]));
    let maker = maker_name.map(|it| tag("manufacturerOrganization").add(tag("name").text(it)));
    let material = tag("manufacturedMaterial")
        .add(chosen("code", it.get("vaccineCode"), cvx))
        .all(text(it, &["lotNumber"]).map(|it| tag("lotNumberText").text(it)));
    let product =
        tag("manufacturedProduct").is("classCode", "MANU").templates(&["22.4.54:2014-06-09"]).add(material).all(maker);
    let number = list(it, "protocolApplied").first().and_then(|it| it.get("doseNumberPositiveInt"));
    let number = number.and_then(number_of).map(|it| tag("repeatNumber").is("value", it));
    let why = it.get("statusReason").and_then(|of| {
        let known = list(of, "coding")
            .iter()
            .find(|it| text(it, &["code"]).is_some_and(|it| agreed::out("refusal", it).is_some()))?;
        let value = super::types::coding("value", known)?.is("xsi:type", "CD");
        let inner = tag("observation")
            .is("classCode", "OBS")
            .is("moodCode", "EVN")
            .templates(&["22.4.53:2024-05-01"])
            .add(record.id(it, "refusal"))
            .add(code("code", "71798-3", LOINC, "Reason for not giving an immunization"))
            .add(status("completed"))
            .add(value);
        Some(tag("entryRelationship").is("typeCode", "RSON").add(inner))
    });
    let who = list(it, "performer").first().and_then(|it| it.get("actor"));
    tag("substanceAdministration")
        .is("classCode", "SBADM")
        .is("moodCode", "EVN")
        .is("negationInd", refused.to_string())
        .templates(&["22.4.52:2015-08-01"])
        .all(record.ids(it))
        .add(at.text())
        .add(status("completed"))
        .add(moment("effectiveTime", given))
        .all(number)
        .all(it.get("route").map(route))
        .all(it.get("site").map(|it| concept("approachSiteCode", Some(it))))
        .add(amount.map_or_else(|| null("doseQuantity", "UNK"), |it| quantity("doseQuantity", Some(it))))
        .add(tag("consumable").add(product))
        .all(record.performer(who))
        .all(record.author(None, text(it, &["recorded"])))
        .all(why)
        .all(reasons(record, it).iter().enumerate().map(|(nth, of)| indication(record, it, nth, of)))
        .all(told.comments(record, it))
}

fn number_of(it: &Value) -> Option<String> {
    it.as_u64().map(|it| it.to_string())
}
