//! What was measured and asked: results with their reports (C-CDA 3.87, 3.88), vital signs by set (3.117, 3.118),
//! social history, tobacco and assessments (3.107, 3.105, Assessment Scale Observation).

use super::agreed;
use super::header::extension;
use super::markup::{Tag, tag};
use super::record::{Record, any_code, code_in};
use super::sections::Told;
use super::types::{
    LOINC, code, concept, date_words, effective, list, moment, null, quantity, quantity_words, span, status, text,
    value, value_words, when, words,
};
use serde_json::Value;
use std::collections::BTreeMap;

fn is_of(it: &Value, category: &str) -> bool {
    list(it, "category").iter().flat_map(|it| list(it, "coding")).any(|it| it["code"] == category)
}

fn name_of(it: &Value) -> String {
    it.get("code").and_then(words).unwrap_or_else(|| "Observation without a name".to_owned())
}

fn state_of(it: &Value) -> &'static str {
    text(it, &["status"]).and_then(|it| agreed::out("observation.status", it)).unwrap_or("completed")
}

/// The value, or that it is absent; a component has its own.
fn value_or_null(it: &Value, kind: &str) -> Tag {
    value(it).unwrap_or_else(|| null("value", "UNK").is("xsi:type", kind))
}

fn interpretations(it: &Value) -> Vec<Tag> {
    let known = list(it, "interpretation").iter().filter_map(|it| {
        let code = any_code(Some(it)).filter(|it| agreed::out("interpretation", it).is_some())?;
        Some(super::types::code("interpretationCode", code, "2.16.840.1.113883.5.83", ""))
    });
    known.collect()
}

fn ranges(it: &Value) -> Vec<Tag> {
    let all = list(it, "referenceRange").iter().filter_map(|it| {
        let end = |name: &'static str| it.get(name).map(|it| quantity(name, Some(it)));
        let said = text(it, &["text"]);
        let value = match (it.get("low"), it.get("high"), said) {
            (None, None, None) => return None,
            (None, None, Some(said)) => tag("value").is("xsi:type", "ST").text(said),
            _ => tag("value").is("xsi:type", "IVL_PQ").all(end("low")).all(end("high")),
        };
        let said = said.map(|it| tag("text").text(it));
        Some(tag("referenceRange").add(tag("observationRange").all(said).add(value)))
    });
    all.collect()
}

fn range_words(it: &Value) -> String {
    let first = list(it, "referenceRange").first();
    let end = |name: &str| first.and_then(|it| it.get(name)).map(quantity_words);
    match (end("low"), end("high")) {
        (Some(low), Some(high)) => format!("{low} – {high}"),
        (Some(low), None) => format!("from {low}"),
        (None, Some(high)) => format!("up to {high}"),
        (None, None) => first.and_then(|it| text(it, &["text"])).unwrap_or_default().to_owned(),
    }
}

pub(super) fn results(record: &Record<'_>) -> Told {
    let mut told = Told::new("result", &["Test", "Result", "Reference range", "Date", "Status"]);
    for report in record.all("DiagnosticReport") {
        if record.tell(report) {
            panel(record, report, &mut told);
        }
    }
    for it in record.all("Observation").into_iter().filter(|it| is_of(it, "laboratory") || is_of(it, "imaging")) {
        if record.is_told(it) {
            continue;
        }
        let members = components(record, it, &mut told);
        let it_of = record.ids(it);
        told.entry(organizer(record, it, "alone", it_of, members));
    }
    told
}

fn panel(record: &Record<'_>, report: &Value, told: &mut Told) {
    let found = list(report, "result").iter().filter_map(|it| record.at(Some(it)));
    let mut members: Vec<Tag> = Vec::new();
    for it in found {
        if !record.is_told(it) {
            members.extend(components(record, it, told));
        }
    }
    let conclusion = text(report, &["conclusion"]);
    if members.is_empty() {
        // A report of words: its conclusion is the result.
        let said = conclusion.unwrap_or("See the report.");
        let date = when(report, "effective").0.map(date_words).unwrap_or_default();
        let at = told.row(vec![name_of(report), said.to_owned(), String::new(), date, String::new()]);
        let inner = tag("observation")
            .is("classCode", "OBS")
            .is("moodCode", "EVN")
            .templates(&["22.4.2:2015-08-01", "22.4.2:2023-05-01"])
            .add(record.id(report, "conclusion"))
            .add(concept("code", report.get("code")))
            .add(at.text())
            .add(status(state_of(report)))
            .add(effective(report, "effective"))
            .add(tag("value").is("xsi:type", "ST").text(said));
        members.push(inner);
    }
    let ids = record.ids(report);
    told.entry(organizer(record, report, "", ids, members));
}

fn organizer(record: &Record<'_>, of: &Value, part: &str, ids: Vec<Tag>, members: Vec<Tag>) -> Tag {
    let (start, end) = when(of, "effective");
    let time = span(start, end.or(start));
    let ids = if part.is_empty() { ids } else { vec![record.id(of, part)] };
    tag("organizer")
        .is("classCode", "BATTERY")
        .is("moodCode", "EVN")
        .templates(&["22.4.1:2015-08-01", "22.4.1:2023-05-01"])
        .all(ids)
        .add(concept("code", of.get("code")))
        .add(status(state_of(of)))
        .add(time)
        .all(list(of, "specimen").first().and_then(|it| specimen(record, it)))
        .all(list(of, "performer").first().and_then(|it| record.performer(Some(it))))
        .all(members.into_iter().map(|it| tag("component").add(it)))
}

fn specimen(record: &Record<'_>, reference: &Value) -> Option<Tag> {
    let it = record.at(Some(reference))?;
    let kind = it.get("type")?;
    let role =
        tag("specimenRole").add(record.id(it, "")).add(tag("specimenPlayingEntity").add(concept("code", Some(kind))));
    Some(tag("specimen").add(role))
}

/// A result; one with parts becomes a result for each part.
fn components(record: &Record<'_>, it: &Value, told: &mut Told) -> Vec<Tag> {
    record.tell(it);
    let parts = list(it, "component");
    let mut made = Vec::new();
    if value(it).is_some() || parts.is_empty() {
        made.push(result(record, it, it, "", told));
    }
    for (nth, part) in parts.iter().enumerate() {
        made.push(result(record, it, part, &format!("part-{nth}"), told));
    }
    made
}

/// `of` is the observation, `it` what has code and value: itself or a component.
fn result(record: &Record<'_>, of: &Value, it: &Value, part: &str, told: &mut Told) -> Tag {
    let whole = part.is_empty();
    let at = told.row(vec![
        name_of(it),
        value_words(it).unwrap_or_else(|| "not known".to_owned()),
        range_words(it),
        when(of, "effective").0.map(date_words).unwrap_or_default(),
        text(of, &["status"]).unwrap_or_default().to_owned(),
    ]);
    let performer = list(of, "performer").first().filter(|_| whole);
    tag("observation")
        .is("classCode", "OBS")
        .is("moodCode", "EVN")
        .templates(&["22.4.2:2015-08-01", "22.4.2:2023-05-01"])
        .all(if whole { record.ids(of) } else { vec![record.id(of, part)] })
        .add(concept("code", it.get("code")))
        .add(at.text())
        .add(status(state_of(of)))
        .add(effective(of, "effective"))
        .add(value_or_null(it, "ST"))
        .all(interpretations(it))
        .all(of.get("method").map(|it| concept("methodCode", Some(it))))
        .all(of.get("bodySite").map(|it| concept("targetSiteCode", Some(it))))
        .all(performer.and_then(|it| record.performer(Some(it))))
        .all(record.author(None, text(of, &["issued"]).filter(|_| whole)))
        .all(if whole { told.comments(record, of) } else { Vec::new() })
        .all(ranges(it))
}

pub(super) fn vital_signs(record: &Record<'_>) -> Told {
    let mut told = Told::new("vital", &["Measurement", "Value", "Date"]);
    let mut sets: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for it in record.all("Observation").into_iter().filter(|it| is_of(it, "vital-signs")) {
        // A panel says nothing beside its members.
        if (value(it).is_some() || !list(it, "component").is_empty() || list(it, "hasMember").is_empty())
            && record.tell(it)
        {
            sets.entry(when(it, "effective").0.unwrap_or_default()).or_default().push(it);
        }
    }
    for (time, set) in sets.into_iter().rev() {
        let time = Some(time).filter(|it| !it.is_empty());
        let Some(first) = set.first() else { continue };
        let id = record.id(first, "set");
        let mut members: Vec<Tag> = Vec::new();
        for it in set {
            if value(it).is_some() || list(it, "component").is_empty() {
                members.push(vital(record, it, it, "", &mut told));
            }
            for (nth, part) in list(it, "component").iter().enumerate() {
                let pressure = matches!(code_in(part.get("code"), &["http://loinc.org"]), Some("8480-6"));
                let part_name = if pressure { String::new() } else { format!("part-{nth}") };
                members.push(vital(record, it, part, &part_name, &mut told));
            }
        }
        let named = code("code", "46680005", super::types::SNOMED, "Vital signs");
        let named = code(
            "code",
            "74728-7",
            LOINC,
            "Vital signs, weight, height, head circumference, oxygen saturation and BMI panel",
        )
        .add(named.named("translation"));
        told.entry(
            tag("organizer")
                .is("classCode", "CLUSTER")
                .is("moodCode", "EVN")
                .templates(&["22.4.26:2015-08-01"])
                .add(id)
                .add(named)
                .add(status("completed"))
                .add(span(time, time))
                .all(members.into_iter().map(|it| tag("component").add(it))),
        );
    }
    told
}

fn vital(record: &Record<'_>, of: &Value, it: &Value, part: &str, told: &mut Told) -> Tag {
    let at = told.row(vec![
        name_of(it),
        value_words(it).unwrap_or_else(|| "not taken".to_owned()),
        when(of, "effective").0.map(date_words).unwrap_or_default(),
    ]);
    let measured = value(it).unwrap_or_else(|| null("value", "UNK").is("xsi:type", "PQ"));
    tag("observation")
        .is("classCode", "OBS")
        .is("moodCode", "EVN")
        .templates(&["22.4.27:2014-06-09"])
        .all(if part.is_empty() { record.ids(of) } else { vec![record.id(of, part)] })
        .add(concept("code", it.get("code")))
        .add(at.text())
        .add(status("completed"))
        .add(effective(of, "effective"))
        .add(measured)
        .all(interpretations(it).into_iter().take(1))
        .all(of.get("method").map(|it| concept("methodCode", Some(it))))
        .all(of.get("bodySite").map(|it| concept("targetSiteCode", Some(it))))
        .all(list(of, "performer").first().and_then(|it| record.performer(Some(it))))
        .all(if part.is_empty() { told.comments(record, of) } else { Vec::new() })
}

pub(super) fn social_history(record: &Record<'_>) -> Told {
    let mut told = Told::new("social", &["What", "Answer", "Date"]);
    for it in record.all("Observation") {
        let scale = is_of(it, "survey") || is_of(it, "sdoh");
        if (scale || is_of(it, "social-history") || is_of(it, "activity")) && !record.is_told(it) {
            record.tell(it);
            let entry = social(record, it, scale, &mut told);
            told.entry(entry);
        }
    }
    birth_sex(record, &mut told);
    told
}

fn social(record: &Record<'_>, it: &Value, scale: bool, told: &mut Told) -> Tag {
    let smoking = code_in(it.get("code"), &["http://loinc.org"]) == Some("72166-2");
    let known = any_code(it.get("valueCodeableConcept")).is_some_and(|it| agreed::out("smoking", it).is_some());
    let template: &[&str] = match (smoking && known, scale) {
        (true, _) => &["22.4.78:2014-06-09", "22.4.78:2024-05-01"],
        (_, true) => &["22.4.69:2022-06-01"],
        _ => &["22.4.38:2015-08-01", "22.4.38:2022-06-01"],
    };
    let parts = list(it, "component")
        .iter()
        .filter_map(|part| Some(format!("{}: {}", words(part.get("code")?)?, value_words(part)?)));
    let parts = parts.collect::<Vec<_>>().join("; ");
    let answer = value_words(it).unwrap_or(if parts.is_empty() { "not known".to_owned() } else { parts });
    let (start, end) = when(it, "effective");
    let at = told.row(vec![name_of(it), answer, start.map(date_words).unwrap_or_default()]);
    let time = match (smoking && known, end) {
        (true, _) | (_, None) => moment("effectiveTime", start),
        (_, Some(_)) => span(start, end),
    };
    let supporting = list(it, "component").iter().enumerate().map(|(nth, part)| {
        let inner = tag("observation")
            .is("classCode", "OBS")
            .is("moodCode", "EVN")
            .templates(&["22.4.86:2022-06-01"])
            .add(record.id(it, &format!("part-{nth}")))
            .add(concept("code", part.get("code")))
            .add(status("completed"))
            .add(value_or_null(part, "ST"));
        tag("entryRelationship").is("typeCode", "COMP").add(inner)
    });
    tag("observation")
        .is("classCode", "OBS")
        .is("moodCode", "EVN")
        .templates(template)
        .all(record.ids(it))
        .add(concept("code", it.get("code")))
        .add(at.text())
        .add(status("completed"))
        .add(time)
        .add(value_or_null(it, "CD"))
        .all(interpretations(it))
        .all(list(it, "performer").first().and_then(|it| record.performer(Some(it))))
        .all(supporting)
        .all(told.comments(record, it))
}

fn birth_sex(record: &Record<'_>, told: &mut Told) {
    let patient = record.making.patient;
    let found = extension(patient, "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex");
    let Some(sex) = found.and_then(|it| text(it, &["valueCode"])).filter(|it| matches!(*it, "F" | "M")) else { return };
    let name = if sex == "F" { "Female" } else { "Male" };
    let at = told.row(vec!["Sex assigned at birth".to_owned(), name.to_owned(), String::new()]);
    told.entry(
        tag("observation")
            .is("classCode", "OBS")
            .is("moodCode", "EVN")
            .templates(&["22.4.200:2016-06-01", "22.4.200:2024-05-01"])
            .add(record.id(patient, "birth-sex"))
            .add(code("code", "76689-9", LOINC, "Sex assigned at birth"))
            .add(at.text())
            .add(status("completed"))
            .add(moment("effectiveTime", text(patient, &["birthDate"])))
            .add(code("value", sex, "2.16.840.1.113883.5.1", name).is("xsi:type", "CD")),
    );
}
