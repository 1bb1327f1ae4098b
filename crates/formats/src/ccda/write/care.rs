//! What was done and what is intended: procedures (C-CDA 3.84), visits (3.26), devices (3.50), family history (3.31),
//! goals (3.34), plans (3.55 to 3.62), insurance (3.21), care teams and notes.

use super::agreed;
use super::clinical::{age, observation};
use super::markup::{Tag, tag};
use super::medicines::{indication, reasons};
use super::record::{Record, any_code, kind};
use super::sections::Told;
use super::types::{
    ACT, LOINC, SNOMED, code, coded_value, coding, concept, date_words, day, effective, list, moment, null,
    period_words, quantity, quantity_words, span, status, text, when, words,
};
use base64::Engine as _;
use serde_json::Value;

fn named(it: &Value, name: &str, nothing: &str) -> String {
    it.get(name).and_then(words).unwrap_or_else(|| nothing.to_owned())
}

pub(super) fn procedures(record: &Record<'_>) -> Told {
    let mut told = Told::new("procedure", &["Procedure", "When", "Status"]);
    for it in record.all("Procedure") {
        if record.tell(it) {
            let entry = procedure(record, it, &mut told);
            told.entry(entry);
        }
    }
    told
}

fn procedure(record: &Record<'_>, it: &Value, told: &mut Told) -> Tag {
    let (start, end) = when(it, "performed");
    let state = text(it, &["status"]).unwrap_or("unknown");
    let at = told.row(vec![named(it, "code", "Procedure without a name"), period_words(start, end), state.to_owned()]);
    let devices = list(it, "focalDevice").iter().filter_map(|it| record.at(it.get("manipulated")));
    let devices: Vec<Tag> = devices.filter(|it| record.tell(it)).map(|it| record.device("DEV", it)).collect();
    let reasons = reasons(record, it);
    let performers = list(it, "performer").iter().filter_map(|it| record.performer(it.get("actor")));
    tag("procedure")
        .is("classCode", "PROC")
        .is("moodCode", "EVN")
        .maybe("negationInd", (state == "not-done").then_some("true"))
        .templates(&["22.4.14:2014-06-09", "22.4.14:2024-05-01"])
        .all(record.ids(it))
        .add(concept("code", it.get("code")))
        .add(at.text())
        .add(status(agreed::out("procedure.status", state).unwrap_or("completed")))
        .add(effective(it, "performed"))
        .all(list(it, "bodySite").iter().map(|it| concept("targetSiteCode", Some(it))))
        .all(performers)
        .all(record.author(it.get("recorder"), None).filter(|_| it.get("recorder").is_some()))
        .all(devices)
        .all(record.place(it.get("location")))
        .all(reasons.iter().enumerate().map(|(nth, of)| indication(record, it, nth, of)))
        .all(told.comments(record, it))
}

pub(super) fn encounters(record: &Record<'_>) -> Told {
    let mut told = Told::new("visit", &["Visit", "When", "Status"]);
    for it in record.all("Encounter").into_iter().filter(|it| text(it, &["status"]) != Some("planned")) {
        if record.tell(it) {
            let entry = encounter(record, it, &mut told);
            told.entry(entry);
        }
    }
    told
}

/// What a visit was: its type with its class beside it, else its class.
fn visit_code(it: &Value) -> Tag {
    let class = it.get("class").and_then(|it| coding("translation", it));
    match (list(it, "type").first(), class) {
        (Some(first), class) => concept("code", Some(first)).all(class),
        (None, Some(class)) => class.named("code"),
        (None, None) => null("code", "UNK"),
    }
}

fn visit_name(it: &Value) -> String {
    let class = || text(it, &["class", "display"]).or_else(|| text(it, &["class", "code"])).map(str::to_owned);
    list(it, "type").first().and_then(words).or_else(class).unwrap_or_else(|| "Visit".to_owned())
}

fn encounter(record: &Record<'_>, it: &Value, told: &mut Told) -> Tag {
    let period = it.get("period");
    let (start, end) = (period.and_then(|it| text(it, &["start"])), period.and_then(|it| text(it, &["end"])));
    let at =
        told.row(vec![visit_name(it), period_words(start, end), text(it, &["status"]).unwrap_or_default().to_owned()]);
    let people = list(it, "participant").iter().filter_map(|it| record.performer(it.get("individual")));
    let places = list(it, "location").iter().filter_map(|it| record.place(it.get("location")));
    let pointed: Vec<&Value> = list(it, "diagnosis").iter().filter_map(|it| record.at(it.get("condition"))).collect();
    let found = record.all("Condition").into_iter().filter(|of| {
        let diagnosed = list(of, "category").iter().any(|it| any_code(Some(it)) == Some("encounter-diagnosis"));
        let here = record.at(of.get("encounter")).is_some_and(|of| of["id"] == it["id"]);
        diagnosed && (here || pointed.iter().any(|it| it["id"] == of["id"]))
    });
    let found: Vec<&Value> = found.filter(|it| record.tell(it)).collect();
    let mut diagnoses: Vec<Tag> = Vec::new();
    for of in found {
        let inner = observation(record, of, "", told);
        let act = tag("act")
            .is("classCode", "ACT")
            .is("moodCode", "EVN")
            .templates(&["22.4.80:2015-08-01", "22.4.80:2024-05-01"])
            .add(record.id(of, "diagnosis"))
            .add(code("code", "29308-4", LOINC, "Diagnosis"))
            .add(status("completed"))
            .add(tag("entryRelationship").is("typeCode", "SUBJ").add(inner));
        diagnoses.push(tag("entryRelationship").is("typeCode", "COMP").add(act));
    }
    let leaving = it.pointer("/hospitalization/dischargeDisposition");
    let reasons = list(it, "reasonCode").iter().enumerate().map(|(nth, of)| indication(record, it, nth, of));
    tag("encounter")
        .is("classCode", "ENC")
        .is("moodCode", "EVN")
        .templates(&["22.4.49:2015-08-01"])
        .all(record.ids(it))
        .add(visit_code(it))
        .add(at.text())
        .add(status(text(it, &["status"]).and_then(|it| agreed::out("encounter.status", it)).unwrap_or("completed")))
        .add(span(start, end))
        .all(leaving.map(|it| concept("sdtc:dischargeDispositionCode", Some(it))))
        .all(people)
        .all(places)
        .all(reasons)
        .all(diagnoses)
}

/// Implants and devices in use that no procedure told.
pub(super) fn devices(record: &Record<'_>) -> Told {
    let mut told = Told::new("device", &["Device", "Since", "Status"]);
    let uses = record.all("DeviceUseStatement");
    for it in record.all("Device").into_iter().filter(|it| it.get("patient").is_some()) {
        if !record.tell(it) {
            continue;
        }
        let used = uses.iter().find(|of| record.at(of.get("device")).is_some_and(|of| of["id"] == it["id"]));
        let (start, end) = used.map_or((None, None), |it| when(it, "timing"));
        let name = list(it, "deviceName").iter().find_map(|it| text(it, &["name"])).map(str::to_owned);
        let name = name.unwrap_or_else(|| named(it, "type", "Device"));
        let at = told.row(vec![name, period_words(start, end), text(it, &["status"]).unwrap_or_default().to_owned()]);
        let time = (start.is_some() || end.is_some()).then(|| span(start, end).is("xsi:type", "IVL_TS"));
        told.entry(
            tag("supply")
                .is("classCode", "SPLY")
                .is("moodCode", "EVN")
                .templates(&["22.4.50:2014-06-09"])
                .add(record.id(it, "use"))
                .add(at.text())
                .add(status("completed"))
                .all(time)
                .add(record.device("PRD", it)),
        );
    }
    told
}

pub(super) fn family_history(record: &Record<'_>) -> Told {
    let mut told = Told::new("family", &["Relative", "Condition", "Age or time"]);
    for it in record.all("FamilyMemberHistory") {
        if list(it, "condition").is_empty() || !record.tell(it) {
            continue;
        }
        let relative = named(it, "relationship", "Relative");
        let mut inner: Vec<Tag> = Vec::new();
        for (nth, of) in list(it, "condition").iter().enumerate() {
            let onset =
                of.get("onsetAge").map(quantity_words).or_else(|| text(of, &["onsetString"]).map(str::to_owned));
            let at = told.row(vec![relative.clone(), named(of, "code", "Condition"), onset.unwrap_or_default()]);
            let fatal = (of["contributedToDeath"] == true).then(|| {
                let death = tag("observation")
                    .is("classCode", "OBS")
                    .is("moodCode", "EVN")
                    .templates(&["22.4.47"])
                    .add(code("code", "ASSERTION", ACT, ""))
                    .add(status("completed"))
                    .add(code("value", "419099009", SNOMED, "Dead").is("xsi:type", "CD"));
                tag("entryRelationship").is("typeCode", "CAUS").add(death)
            });
            let kind = code("code", "55607006", SNOMED, "Problem").add(code(
                "translation",
                "75315-2",
                LOINC,
                "Condition family member",
            ));
            let seen = tag("observation")
                .is("classCode", "OBS")
                .is("moodCode", "EVN")
                .templates(&["22.4.46:2015-08-01"])
                .add(record.id(it, &format!("condition-{nth}")))
                .add(kind)
                .add(at.text())
                .add(status("completed"))
                .add(null("effectiveTime", "UNK"))
                .add(coded_value(of.get("code")))
                .all(of.get("onsetAge").filter(|it| text(it, &["code"]).is_some()).map(age))
                .all(fatal);
            inner.push(tag("component").add(seen));
        }
        let gender = any_code(it.get("sex")).and_then(|it| agreed::out("gender", it));
        let gender = match gender {
            Some(known) => code("administrativeGenderCode", known, "2.16.840.1.113883.5.1", ""),
            None => null("administrativeGenderCode", "UNK"),
        };
        let born = text(it, &["bornDate"]).map(|it| moment("birthTime", Some(it)));
        let died = text(it, &["deceasedDate"]);
        let dead = it.get("deceasedBoolean").and_then(Value::as_bool).or(died.map(|_| true));
        let person = tag("subject")
            .all(text(it, &["name"]).map(|it| tag("name").text(it)))
            .add(gender)
            .all(born)
            .all(dead.map(|it| tag("sdtc:deceasedInd").is("value", it.to_string())))
            .all(died.map(|it| moment("sdtc:deceasedTime", Some(it))));
        let related =
            tag("relatedSubject").is("classCode", "PRS").add(concept("code", it.get("relationship"))).add(person);
        told.entry(
            tag("organizer")
                .is("classCode", "CLUSTER")
                .is("moodCode", "EVN")
                .templates(&["22.4.45:2015-08-01"])
                .all(record.ids(it))
                .add(status("completed"))
                .all(text(it, &["date"]).map(|it| moment("effectiveTime", Some(it))))
                .add(tag("subject").add(related))
                .all(inner),
        );
    }
    told
}

pub(super) fn goals(record: &Record<'_>) -> Told {
    let mut told = Told::new("goal", &["Goal", "Target", "From", "Until", "Status"]);
    for it in record.all("Goal").into_iter().filter(|it| text(it, &["lifecycleStatus"]) != Some("entered-in-error")) {
        if !record.tell(it) {
            continue;
        }
        let target = list(it, "target").first();
        let amount = target.and_then(|it| it.get("detailQuantity"));
        let due = target.and_then(|it| text(it, &["dueDate"]));
        let start = text(it, &["startDate"]);
        let state = text(it, &["lifecycleStatus"]).unwrap_or("active");
        let at = told.row(vec![
            named(it, "description", "Goal"),
            amount.map(quantity_words).unwrap_or_default(),
            start.map(date_words).unwrap_or_default(),
            due.map(date_words).unwrap_or_default(),
            state.to_owned(),
        ]);
        let measure = target.and_then(|it| it.get("measure")).filter(|_| amount.is_some());
        let value = match (amount, list(&it["description"], "coding").is_empty()) {
            (Some(amount), _) => Some(quantity("value", Some(amount)).is("xsi:type", "PQ")),
            (None, false) => Some(coded_value(it.get("description"))),
            (None, true) => None,
        };
        let time = tag("effectiveTime").add(day("low", start)).all(due.map(|it| day("high", Some(it))));
        let comments = told.comments(record, it);
        told.entry(
            tag("observation")
                .is("classCode", "OBS")
                .is("moodCode", "GOL")
                .templates(&["22.4.121:2022-06-01"])
                .all(record.ids(it))
                .add(measure.map_or_else(|| null("code", "UNK"), |it| concept("code", Some(it))))
                .add(at.text())
                .add(status(agreed::out("goal.status", state).unwrap_or("active")))
                .add(time)
                .all(value)
                .all(record.author(it.get("expressedBy"), None).filter(|_| it.get("expressedBy").is_some()))
                .all(comments),
        );
    }
    told
}

/// Orders that are open, visits that are booked, and the plan in words.
pub(super) fn plan(record: &Record<'_>) -> Told {
    let mut told = Told::new("plan", &["Planned", "When", "Status"]);
    let words_of = record.all("CarePlan").into_iter().filter(|it| text(it, &["status"]) == Some("active"));
    for it in words_of.filter_map(|it| text(it, &["description"])) {
        told.paragraph(it);
    }
    if let Some(instructions) = record.making.instructions {
        told.paragraph(instructions);
    }
    for it in record.all("ServiceRequest") {
        if !matches!(text(it, &["status"]), Some("active" | "on-hold")) || !record.tell(it) {
            continue;
        }
        let (start, end) = when(it, "occurrence");
        let at = told.row(vec![named(it, "code", "Order"), period_words(start, end), "ordered".to_owned()]);
        let mood = match text(it, &["intent"]) {
            Some("proposal") => "PRP",
            Some("plan") => "INT",
            _ => "RQO",
        };
        let reasons = reasons(record, it);
        let comments = told.comments(record, it);
        told.entry(
            tag("procedure")
                .is("classCode", "PROC")
                .is("moodCode", mood)
                .templates(&["22.4.41:2014-06-09", "22.4.41:2022-06-01"])
                .all(record.ids(it))
                .add(concept("code", it.get("code")))
                .add(at.text())
                .add(status("active"))
                .add(effective(it, "occurrence"))
                .all(record.author(it.get("requester"), text(it, &["authoredOn"])))
                .all(reasons.iter().enumerate().map(|(nth, of)| indication(record, it, nth, of)))
                .all(comments),
        );
    }
    for it in record.all("Appointment").into_iter().filter(|it| text(it, &["status"]) == Some("booked")) {
        let start = text(it, &["start"]);
        if start.is_none_or(|it| it < record.making.written) || !record.tell(it) {
            continue;
        }
        let kind = list(it, "serviceType").first().or_else(|| it.get("appointmentType"));
        let name = kind.and_then(words).or_else(|| text(it, &["description"]).map(str::to_owned));
        let at =
            told.row(vec![name.unwrap_or_else(|| "Visit".to_owned()), period_words(start, None), "booked".to_owned()]);
        told.entry(
            tag("encounter")
                .is("classCode", "ENC")
                .is("moodCode", "APT")
                .templates(&["22.4.40:2014-06-09"])
                .all(record.ids(it))
                .add(concept("code", kind))
                .add(at.text())
                .add(status("active"))
                .add(moment("effectiveTime", start)),
        );
    }
    told
}

pub(super) fn payers(record: &Record<'_>) -> Told {
    let mut told = Told::new("payer", &["Payer", "Plan", "Member", "From"]);
    let active = record.all("Coverage").into_iter().filter(|it| text(it, &["status"]) == Some("active"));
    for it in active {
        if !record.tell(it) {
            continue;
        }
        let payor = list(it, "payor").first();
        let organization = record.at(payor).filter(|it| kind(it) == "Organization");
        let name = organization.and_then(|it| text(it, &["name"])).or_else(|| text(payor?, &["display"]));
        let member = text(it, &["subscriberId"]);
        let period =
            (it.pointer("/period/start").and_then(Value::as_str), it.pointer("/period/end").and_then(Value::as_str));
        let at = told.row(vec![
            name.unwrap_or("Payer").to_owned(),
            named(it, "type", ""),
            member.unwrap_or_default().to_owned(),
            period_words(period.0, period.1),
        ]);
        let payer = tag("assignedEntity")
            .all(organization.map_or_else(|| vec![null("id", "UNK")], |it| record.party_ids(it)))
            .add(code("code", "PAYOR", "2.16.840.1.113883.5.110", "Payor"))
            .add(match organization {
                Some(it) => record.organization("representedOrganization", it),
                None => tag("representedOrganization").add(tag("name").text(name.unwrap_or("Payer"))),
            });
        let relation =
            any_code(it.get("relationship")).and_then(|it| agreed::out("coverage.relation", it)).unwrap_or("SELF");
        let number = match member {
            Some(member) => tag("id")
                .is("root", super::types::root_of(&format!("{}/members", record.making.base)))
                .is("extension", member),
            None => null("id", "UNK"),
        };
        let time = tag("time").add(day("low", period.0)).all(period.1.map(|it| day("high", Some(it))));
        let covered = tag("participantRole").is("classCode", "PAT").add(number).add(code(
            "code",
            relation,
            "2.16.840.1.113883.5.111",
            "",
        ));
        let policy = tag("act")
            .is("classCode", "ACT")
            .is("moodCode", "EVN")
            .templates(&["22.4.61:2015-08-01", "22.4.61:2024-05-01"])
            .all(record.ids(it))
            .add(concept("code", it.get("type")))
            .add(status("completed"))
            .add(tag("performer").is("typeCode", "PRF").templates(&["22.4.87"]).add(payer))
            .add(tag("participant").is("typeCode", "COV").templates(&["22.4.89"]).add(time).add(covered));
        let order = it.get("order").and_then(Value::as_u64).map(|it| tag("sequenceNumber").is("value", it.to_string()));
        told.entry(
            tag("act")
                .is("classCode", "ACT")
                .is("moodCode", "EVN")
                .templates(&["22.4.60:2015-08-01", "22.4.60:2024-05-01"])
                .add(record.id(it, "coverage"))
                .add(code("code", "52556-8", LOINC, "Payment sources"))
                .add(at.text())
                .add(status("completed"))
                .add(tag("entryRelationship").is("typeCode", "COMP").all(order).add(policy)),
        );
    }
    told
}

pub(super) fn care_teams(record: &Record<'_>) -> Told {
    let mut told = Told::new("team", &["Member", "Role"]);
    for it in record.all("CareTeam") {
        let since = it.pointer("/period/start").and_then(Value::as_str);
        let mut members: Vec<Tag> = Vec::new();
        for (nth, of) in list(it, "participant").iter().enumerate() {
            let member = of.get("member");
            let Some(entity) = record.entity(member) else { continue };
            let name = record.at(member).and_then(|it| list(it, "name").first()).and_then(|it| {
                let given = list(it, "given").first().and_then(Value::as_str).unwrap_or_default();
                text(it, &["text"]).map(str::to_owned).or_else(|| Some(format!("{given} {}", text(it, &["family"])?)))
            });
            let name = name.or_else(|| text(member?, &["display"]).map(str::to_owned));
            let role = list(of, "role").first();
            told.row(vec![name.unwrap_or_else(|| "Member".to_owned()), role.and_then(words).unwrap_or_default()]);
            let function = role.map(|it| concept("sdtc:functionCode", Some(it)));
            let act = tag("act")
                .is("classCode", "PCPR")
                .is("moodCode", "EVN")
                .templates(&["22.4.500.1:2019-07-01", "22.4.500.1:2022-06-01", "22.4.500.1:2024-05-01"])
                .add(record.id(it, &format!("member-{nth}")))
                .add(code("code", "92707-9", LOINC, "Patient care team information"))
                .add(status("active"))
                .add(tag("effectiveTime").add(moment("low", since)))
                .add(tag("performer").is("typeCode", "PRF").all(function).add(entity));
            members.push(tag("component").add(act));
        }
        if members.is_empty() || !record.tell(it) {
            continue;
        }
        let state = if text(it, &["status"]) == Some("active") { "active" } else { "completed" };
        told.entry(
            tag("organizer")
                .is("classCode", "CLUSTER")
                .is("moodCode", "EVN")
                .templates(&["22.4.500:2019-07-01", "22.4.500:2022-06-01"])
                .all(record.ids(it))
                .add(code("code", "86744-0", LOINC, "Care team"))
                .add(status(state))
                .add(tag("effectiveTime").add(moment("low", since)))
                .all(members),
        );
    }
    told
}

/// Notes in words: what was written here as plain text.
pub(super) fn notes(record: &Record<'_>) -> Told {
    let mut told = Told::new("note", &["Note", "Date", "Text"]);
    for it in record.all("DocumentReference") {
        let attachment = list(it, "content").iter().filter_map(|it| it.get("attachment"));
        let mut plain =
            attachment.filter(|it| text(it, &["contentType"]).is_some_and(|it| it.starts_with("text/plain")));
        let Some(data) = plain.find_map(|it| text(it, &["data"])) else { continue };
        let Some(words) =
            base64::engine::general_purpose::STANDARD.decode(data).ok().and_then(|it| String::from_utf8(it).ok())
        else {
            continue;
        };
        if !record.tell(it) {
            continue;
        }
        let date = text(it, &["date"]);
        let at = told.row(vec![
            it.get("type").and_then(super::types::words).unwrap_or_else(|| "Note".to_owned()),
            date.map(date_words).unwrap_or_default(),
            words,
        ]);
        let context = it.pointer("/context/period/start").and_then(Value::as_str);
        let author = record.author(list(it, "author").first(), date);
        let author = author.or_else(|| record.author(None, Some(record.making.written)));
        let body = at.text().is("mediaType", "text/plain").is("representation", "B64").text(data);
        told.entry(
            tag("act")
                .is("classCode", "ACT")
                .is("moodCode", "EVN")
                .templates(&["22.4.202:2016-11-01"])
                .all(record.ids(it))
                .add(code("code", "34109-9", LOINC, "Note").all(translations(it.get("type"))))
                .add(body)
                .add(status("completed"))
                .add(moment("effectiveTime", context.or(date)))
                .all(author),
        );
    }
    told
}

fn translations(of: Option<&Value>) -> Vec<Tag> {
    of.map_or(&[][..], |it| list(it, "coding")).iter().filter_map(|it| coding("translation", it)).collect()
}
