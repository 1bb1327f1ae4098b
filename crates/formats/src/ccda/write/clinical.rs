//! Problems, health concerns and allergies (C-CDA 3.70, 3.71, 3.38, 3.4, 3.5).

use super::agreed;
use super::markup::{Tag, tag};
use super::record::{Record, any_code, code_in};
use super::sections::Told;
use super::types::{
    ACT, LOINC, SNOMED, code, coded_value, concept, date_words, list, moment, null, period_words, quantity, span,
    status, text, words,
};
use serde_json::Value;

const CLASSES: &str = "2.16.840.1.113883.5.6";
const NO_PROBLEMS: &str = "160245001";

pub(super) fn clinical_status(it: &Value) -> &str {
    any_code(it.get("clinicalStatus")).unwrap_or("active")
}

fn category_is(it: &Value, name: &str) -> bool {
    list(it, "category").iter().any(|it| any_code(Some(it)) == Some(name))
}

pub(super) fn problems(record: &Record<'_>) -> Told {
    let mut told = Told::new("problem", &["Problem", "When", "Status"]);
    for it in record.all("Condition") {
        // What was diagnosed at a visit is told there, where the visit is told.
        let visit = category_is(it, "encounter-diagnosis") && record.at(it.get("encounter")).is_some();
        if !visit && !category_is(it, "health-concern") && record.tell(it) {
            concern(record, it, &mut told);
        }
    }
    told
}

fn concern(record: &Record<'_>, it: &Value, told: &mut Told) {
    let over = matches!(clinical_status(it), "resolved" | "inactive" | "remission");
    let state = if over { "completed" } else { "active" };
    let ended = text(it, &["abatementDateTime"]);
    let recorded = text(it, &["recordedDate"]).or_else(|| text(it, &["onsetDateTime"]));
    let inner = observation(record, it, "", told);
    let high = over.then(|| moment("high", ended));
    let act = tag("act")
        .is("classCode", "ACT")
        .is("moodCode", "EVN")
        .templates(&["22.4.3:2015-08-01", "22.4.3:2024-05-01"])
        .add(record.id(it, "concern"))
        .add(code("code", "CONC", CLASSES, "Concern"))
        .add(status(state))
        .add(tag("effectiveTime").add(moment("low", recorded)).all(high))
        .all(record.author(it.get("recorder"), text(it, &["recordedDate"])))
        .add(tag("entryRelationship").is("typeCode", "SUBJ").add(inner));
    told.entry(act);
}

/// A problem observation, with its row in the narrative. `part` tells apart where one condition is told twice.
pub(super) fn observation(record: &Record<'_>, it: &Value, part: &str, told: &mut Told) -> Tag {
    let name = it.get("code").and_then(words).unwrap_or_else(|| "Problem without a name".to_owned());
    let (began, ended) = (text(it, &["onsetDateTime"]), text(it, &["abatementDateTime"]));
    let began = began.or_else(|| text(it, &["onsetPeriod", "start"]));
    let state = clinical_status(it);
    let at = told.row(vec![name, period_words(began, ended), state.to_owned()]);
    let none = code_in(it.get("code"), &["http://snomed.info/sct"]) == Some(NO_PROBLEMS);
    let refuted = any_code(it.get("verificationStatus")) == Some("refuted");
    let value = match none {
        true => code("value", "55607006", SNOMED, "Problem").is("xsi:type", "CD"),
        false => coded_value(it.get("code")),
    };
    let over = matches!(state, "resolved" | "inactive" | "remission");
    let high = (ended.is_some() || over).then(|| moment("high", ended));
    let known = agreed::out("problem.status", state).map(|known| {
        let inner = tag("observation")
            .is("classCode", "OBS")
            .is("moodCode", "EVN")
            .templates(&["22.4.6:2019-06-20"])
            .add(code("code", "33999-4", LOINC, "Status"))
            .add(status("completed"))
            .add(code("value", known, SNOMED, "").is("xsi:type", "CD"));
        tag("entryRelationship").is("typeCode", "REFR").add(inner)
    });
    let age = it.get("onsetAge").filter(|_| began.is_none()).filter(|it| text(it, &["code"]).is_some()).map(age);
    let severe = it.get("severity").and_then(|it| code_in(Some(it), &["http://snomed.info/sct"]));
    let severe = severe.filter(|it| agreed::out("severity.known", it).is_some()).map(severity);
    let dated = list(it, "extension")
        .iter()
        .find(|it| text(it, &["url"]).is_some_and(|it| it.ends_with("/condition-assertedDate")));
    let dated = dated.and_then(|it| text(it, &["valueDateTime"])).map(|it| {
        let act = tag("act")
            .is("classCode", "ACT")
            .is("moodCode", "EVN")
            .templates(&["22.4.502:2022-06-01"])
            .add(code("code", "77975-1", LOINC, "Earliest date of diagnosis"))
            .add(status("completed"))
            .add(moment("effectiveTime", Some(it)));
        tag("entryRelationship").is("typeCode", "COMP").add(act)
    });
    let kind = code("code", "55607006", SNOMED, "Problem").add(code("translation", "75326-9", LOINC, "Problem"));
    tag("observation")
        .is("classCode", "OBS")
        .is("moodCode", "EVN")
        .maybe("negationInd", (none || refuted).then_some("true"))
        .templates(&["22.4.4:2015-08-01", "22.4.4:2024-05-01"])
        .add(record.id(it, part))
        .all(super::types::identifiers(it))
        .add(kind)
        .add(at.text())
        .add(status("completed"))
        .add(tag("effectiveTime").add(moment("low", began)).all(high))
        .add(value)
        .all(list(it, "bodySite").iter().map(|it| concept("targetSiteCode", Some(it))))
        .all(record.author(it.get("recorder"), text(it, &["recordedDate"])))
        .all(age)
        .all(known)
        .all(severe)
        .all(dated)
        .all(told.comments(record, it))
}

pub(super) fn age(age: &Value) -> Tag {
    let inner = tag("observation")
        .is("classCode", "OBS")
        .is("moodCode", "EVN")
        .templates(&["22.4.31"])
        .add(code("code", "445518008", SNOMED, "Age at onset"))
        .add(status("completed"))
        .add(quantity("value", Some(age)).is("xsi:type", "PQ"));
    tag("entryRelationship").is("typeCode", "SUBJ").is("inversionInd", "true").add(inner)
}

fn severity(known: &str) -> Tag {
    let inner = tag("observation")
        .is("classCode", "OBS")
        .is("moodCode", "EVN")
        .templates(&["22.4.8:2014-06-09"])
        .add(code("code", "SEV", ACT, "Severity"))
        .add(status("completed"))
        .add(code("value", known, SNOMED, "").is("xsi:type", "CD"));
    tag("entryRelationship").is("typeCode", "SUBJ").is("inversionInd", "true").add(inner)
}

pub(super) fn health_concerns(record: &Record<'_>) -> Told {
    let mut told = Told::new("concern", &["Concern", "When", "Status"]);
    // A care plan is about what it addresses; elsewhere these stand in the list of problems.
    let plans = record.all("CarePlan").into_iter().chain(record.all("Goal"));
    let addressed: Vec<&Value> =
        plans.flat_map(|it| list(it, "addresses")).filter_map(|it| record.at(Some(it))).collect();
    for it in record.all("Condition") {
        let wanted = category_is(it, "health-concern") || addressed.iter().any(|other| other["id"] == it["id"]);
        if wanted && record.tell(it) {
            health_concern(record, it, &mut told);
        }
    }
    told
}

pub(super) fn own_concerns(record: &Record<'_>) -> Told {
    let mut told = Told::new("concern", &["Concern", "When", "Status"]);
    for it in record.all("Condition").into_iter().filter(|it| category_is(it, "health-concern")) {
        if record.tell(it) {
            health_concern(record, it, &mut told);
        }
    }
    told
}

fn health_concern(record: &Record<'_>, it: &Value, told: &mut Told) {
    let state = if clinical_status(it) == "active" { "active" } else { "completed" };
    let inner = observation(record, it, "", told);
    let recorded = text(it, &["recordedDate"]);
    told.entry(
        tag("act")
            .is("classCode", "ACT")
            .is("moodCode", "EVN")
            .templates(&["22.4.132:2015-08-01", "22.4.132:2022-06-01"])
            .add(record.id(it, "concern"))
            .add(code("code", "75310-3", LOINC, "Health Concern"))
            .add(status(state))
            .add(tag("effectiveTime").add(moment("low", recorded)))
            .all(record.author(it.get("recorder"), recorded))
            .add(tag("entryRelationship").is("typeCode", "REFR").add(inner)),
    );
}

pub(super) fn allergies(record: &Record<'_>) -> Told {
    let mut told = Told::new("allergy", &["Allergy or intolerance", "Reaction", "Since", "Status"]);
    for it in record.all("AllergyIntolerance") {
        if record.tell(it) {
            let entry = allergy(record, it, &mut told);
            told.entry(entry);
        }
    }
    told
}

fn allergy(record: &Record<'_>, it: &Value, told: &mut Told) -> Tag {
    let name = it.get("code").and_then(words).unwrap_or_else(|| "Unnamed substance".to_owned());
    let effects = list(it, "reaction").iter().flat_map(|it| list(it, "manifestation")).filter_map(words);
    let began = text(it, &["onsetDateTime"]);
    let state = clinical_status(it);
    let effects = effects.collect::<Vec<_>>().join(", ");
    let at = told.row(vec![name, effects, began.map(date_words).unwrap_or_default(), state.to_owned()]);
    let none = code_in(it.get("code"), &["http://snomed.info/sct"]).and_then(|it| agreed::out("allergy.none", it));
    let category = list(it, "category").first().and_then(Value::as_str).unwrap_or("any");
    let known = agreed::out("allergy.type", &format!("{}.{category}", text(it, &["type"]).unwrap_or("any")));
    let value = code("value", none.or(known).unwrap_or("420134006"), SNOMED, "").is("xsi:type", "CD");
    let substance = match none {
        Some(_) => null("code", "NA"),
        None => concept("code", it.get("code")),
    };
    let participant = tag("participant").is("typeCode", "CSM").add(
        tag("participantRole").is("classCode", "MANU").add(tag("playingEntity").is("classCode", "MMAT").add(substance)),
    );
    let over = matches!(state, "resolved" | "inactive");
    let high = over.then(|| moment("high", None));
    let observed =
        |template: &'static str| tag("observation").is("classCode", "OBS").is("moodCode", "EVN").templates(&[template]);
    let inside = |inner: Tag| tag("entryRelationship").is("typeCode", "SUBJ").is("inversionInd", "true").add(inner);
    let status_of = agreed::out("allergy.status", state).map(|known| {
        let inner =
            observed("22.4.28:2019-06-20").add(code("code", "33999-4", LOINC, "Status")).add(status("completed"));
        inside(inner.add(code("value", known, SNOMED, "").is("xsi:type", "CE")))
    });
    let critical = text(it, &["criticality"]).and_then(|it| agreed::out("criticality", it)).map(|known| {
        let inner = observed("22.4.145").add(code("code", "82606-5", LOINC, "Criticality")).add(status("completed"));
        inside(inner.add(code("value", known, "2.16.840.1.113883.5.1063", "").is("xsi:type", "CD")))
    });
    let mut reactions: Vec<Tag> = Vec::new();
    for (nth, reaction) in list(it, "reaction").iter().enumerate() {
        let severe = text(reaction, &["severity"]).and_then(|it| agreed::out("severity", it)).map(severity);
        for (of, manifestation) in list(reaction, "manifestation").iter().enumerate() {
            let seen = observed("22.4.9:2014-06-09")
                .add(record.id(it, &format!("reaction-{nth}-{of}")))
                .add(code("code", "ASSERTION", ACT, ""))
                .add(status("completed"))
                .all(text(reaction, &["onset"]).map(|it| span(Some(it), None)))
                .add(coded_value(Some(manifestation)))
                .all(severe.clone());
            reactions.push(tag("entryRelationship").is("typeCode", "MFST").is("inversionInd", "true").add(seen));
        }
    }
    let recorded = text(it, &["recordedDate"]);
    let observation = tag("observation")
        .is("classCode", "OBS")
        .is("moodCode", "EVN")
        .maybe("negationInd", none.map(|_| "true"))
        .templates(&["24.3.90:2014-06-09", "22.4.7:2014-06-09"])
        .add(record.id(it, ""))
        .all(super::types::identifiers(it))
        .add(code("code", "ASSERTION", ACT, ""))
        .add(at.text())
        .add(status("completed"))
        .add(tag("effectiveTime").add(moment("low", began)).all(high.clone()))
        .add(value)
        .all(record.author(it.get("recorder"), recorded))
        .add(participant)
        .all(status_of)
        .all(reactions)
        .all(critical)
        .all(told.comments(record, it));
    tag("act")
        .is("classCode", "ACT")
        .is("moodCode", "EVN")
        .templates(&["22.4.30:2015-08-01"])
        .add(record.id(it, "concern"))
        .add(code("code", "CONC", CLASSES, "Concern"))
        .add(status(if over { "completed" } else { "active" }))
        .add(tag("effectiveTime").add(moment("low", recorded.or(began))).all(high))
        .all(record.author(it.get("recorder"), recorded))
        .add(tag("entryRelationship").is("typeCode", "SUBJ").add(observation))
}
