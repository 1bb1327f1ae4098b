//! From a form to the resource of an entry, and back. A change keeps whatever else the resource says: an entry that came
//! from elsewhere loses nothing by being edited here.

use super::fields::{List, NEEDS, RELATIONS, SMOKING, TOPICS};
use super::{Ending, Judged, Typed};
use crate::act::Pen;
use crate::chart::element::{at, concept as named, first_code, list, owned, text};
use crate::shapes::{LOINC, OBSERVATION_CATEGORY, SNOMED, US_CORE, coded, concept, hl7, narrative};
use fhir::{Id, Value};
use serde_json::json;

/// How bad (FHIR R4, condition-severity).
const SEVERITIES: [(&str, &str, &str); 3] =
    [("mild", "255604002", "Mild"), ("moderate", "6736007", "Moderate"), ("severe", "24484000", "Severe")];

const SITES: [(&str, &str); 4] = [
    ("left-arm", "Left arm"),
    ("right-arm", "Right arm"),
    ("left-thigh", "Left thigh"),
    ("right-thigh", "Right thigh"),
];

/// Answers to questions about needs (LOINC answer codes).
const RISKS: [(&str, &str, &str); 2] = [("at-risk", "LA19952-3", "At risk"), ("no-risk", "LA19983-8", "No risk")];

const SDOH: &str = "http://hl7.org/fhir/us/core/CodeSystem/us-core-category";
const BOOKED: &str = "http://hl7.org/fhir/us/core/CodeSystem/careplan-category";
const GOAL_ACHIEVEMENT: &str = "goal-achievement";

struct Made<'a> {
    it: Value,
    judged: &'a Judged,
}

impl Made<'_> {
    fn words(&self, name: &str) -> Option<String> {
        self.judged.words(name).map(str::to_owned)
    }

    /// Sets a member, or takes it away when the form says nothing.
    fn put(&mut self, member: &str, value: Option<Value>) {
        let members = self.it.as_object_mut().expect("a resource is an object");
        match value {
            Some(value) => drop(members.insert(member.to_owned(), value)),
            None => drop(members.remove(member)),
        }
    }

    fn put_words(&mut self, member: &str, field: &str) {
        let words = self.words(field).map(Value::String);
        self.put(member, words);
    }

    fn put_concept(&mut self, member: &str, field: &str) {
        let concept = self.kept(field, self.it.get(member));
        self.put(member, concept);
    }

    /// The concept of a field; one of another list of terms stays while nobody changes its words.
    fn kept(&self, field: &str, before: Option<&Value>) -> Option<Value> {
        let said = self.judged.concept(field)?;
        let same = before.filter(|it| named(it) == named(said) && first_code(said).is_none());
        Some(same.unwrap_or(said).clone())
    }

    /// A member that only new entries get.
    fn first(&mut self, member: &str, value: Value) {
        if self.it.get(member).is_none() {
            self.put(member, Some(value));
        }
    }
}

/// The resource of an entry: a new one, or the next version of one there is.
pub(super) fn resource(
    pen: &Pen<'_>,
    patient: &Id,
    of: List,
    judged: &Judged,
    before: Option<Value>,
    visit: Option<&Id>,
) -> Value {
    let new = before.is_none();
    let it = before.unwrap_or_else(|| json!({ "resourceType": of.kind() }));
    let mut made = Made { it, judged };
    let person = json!({ "reference": format!("Patient/{patient}") });
    let visit = visit.map(|it| json!({ "reference": format!("Encounter/{it}") }));
    if new && let Some(profile) = profile(of) {
        made.put("meta", Some(json!({ "profile": [format!("{US_CORE}{profile}")] })));
    }
    match of {
        List::Problems => problem(&mut made, pen, person, visit),
        List::Medications => medication(&mut made, pen, person, visit),
        List::Allergies => allergy(&mut made, pen, person, visit),
        List::Immunizations => immunization(&mut made, pen, person, visit),
        List::Procedures => {
            made.first("status", json!("completed"));
            made.put_concept("code", "procedure");
            made.first("subject", person);
            // US Core wants the time when there is one; without, the resource says that it is unknown.
            made.put_words("performedDateTime", "done");
            made.first("recorder", pen.who());
            visit.into_iter().for_each(|it| made.first("encounter", it));
        }
        List::Family => family(&mut made, pen, person),
        List::Smoking | List::Social | List::Needs => social(&mut made, pen, of, person, visit),
        List::Devices => device(&mut made, person),
        List::Goals => goal(&mut made, pen, person),
        List::Plans => plan(&mut made, pen, person),
        // The team is one resource; who is in it is not a form of its own.
        List::Team => {}
    }
    if of != List::Plans && of != List::Team {
        note(&mut made, pen);
    }
    made.it
}

fn profile(of: List) -> Option<&'static str> {
    Some(match of {
        List::Problems => "us-core-condition-problems-health-concerns",
        List::Allergies => "us-core-allergyintolerance",
        List::Immunizations => "us-core-immunization",
        List::Procedures => "us-core-procedure",
        List::Smoking => "us-core-smokingstatus",
        List::Social => "us-core-simple-observation",
        List::Needs => "us-core-observation-screening-assessment",
        List::Devices => "us-core-implantable-device",
        List::Goals => "us-core-goal",
        List::Plans => "us-core-careplan",
        List::Team => "us-core-careteam",
        List::Medications | List::Family => return None,
    })
}

/// The annotation of the form is the first; others stay.
fn note(made: &mut Made<'_>, pen: &Pen<'_>) {
    let mut notes = list(&made.it, "note").to_vec();
    let words = made.words("note");
    match (words, notes.first().and_then(|it| owned(it, &["text"]))) {
        (Some(words), Some(before)) if words == before => return,
        (Some(words), before) => {
            let note = json!({ "authorString": &*pen.caller.display, "time": pen.moment(), "text": words });
            if before.is_some() {
                notes[0] = note;
            } else {
                notes.push(note);
            }
        }
        (None, Some(_)) => drop(notes.remove(0)),
        (None, None) => return,
    }
    made.put("note", Some(Value::Array(notes)).filter(|it| it != &json!([])));
}

fn problem(made: &mut Made<'_>, pen: &Pen<'_>, person: Value, visit: Option<Value>) {
    made.first("clinicalStatus", hl7("condition-clinical", "active", "Active"));
    let certainty = made.words("certainty").unwrap_or_else(|| "confirmed".into());
    made.put("verificationStatus", Some(hl7("condition-ver-status", &certainty, &capital(&certainty))));
    made.first("category", json!([hl7("condition-category", "problem-list-item", "Problem List Item")]));
    let severity = made.words("severity").and_then(|it| SEVERITIES.iter().find(|(name, ..)| *name == it));
    made.put("severity", severity.map(|(_, code, words)| concept(SNOMED, code, words)));
    made.put_concept("code", "problem");
    made.first("subject", person);
    made.put_words("onsetDateTime", "onset");
    made.first("recordedDate", json!(pen.moment()));
    made.first("recorder", pen.who());
    visit.into_iter().for_each(|it| made.first("encounter", it));
}

fn medication(made: &mut Made<'_>, pen: &Pen<'_>, person: Value, visit: Option<Value>) {
    made.first("status", json!("active"));
    made.put_concept("medicationCodeableConcept", "drug");
    made.first("subject", person.clone());
    let since = made.words("since").map(|it| json!({ "start": it }));
    made.put("effectivePeriod", since);
    made.first("dateAsserted", json!(pen.moment()));
    made.first("informationSource", person);
    let reason = made.kept("reason", at(&made.it, &["reasonCode"])).map(|it| json!([it]));
    made.put("reasonCode", reason);
    let dosage = made.words("directions").map(|it| json!([{ "text": it }]));
    made.put("dosage", dosage);
    visit.into_iter().for_each(|it| made.first("context", it));
}

fn allergy(made: &mut Made<'_>, pen: &Pen<'_>, person: Value, visit: Option<Value>) {
    made.first("clinicalStatus", hl7("allergyintolerance-clinical", "active", "Active"));
    made.first("verificationStatus", hl7("allergyintolerance-verification", "confirmed", "Confirmed"));
    made.put_words("type", "sort");
    let substance = made.kept("substance", made.it.get("code"));
    let of_list =
        substance.as_ref().and_then(first_code).and_then(|it| crate::terms::term(crate::terms::Kind::Allergen, it));
    if let Some(term) = of_list.filter(|it| !it.category.is_empty()) {
        made.put("category", Some(json!([term.category])));
    }
    made.put("code", substance);
    made.put_words("criticality", "risk");
    made.first("patient", person);
    made.put_words("onsetDateTime", "onset");
    made.first("recordedDate", json!(pen.moment()));
    made.first("recorder", pen.who());
    visit.into_iter().for_each(|it| made.first("encounter", it));
    let mut reactions = list(&made.it, "reaction").to_vec();
    let shown = reactions.first().map(reaction);
    let said = (made.words("reaction"), made.words("severity"));
    if shown.as_ref() != Some(&said) {
        let one = said.0.map(|words| {
            let mut it = json!({ "manifestation": [{ "text": words }] });
            if let Some(severity) = said.1 {
                it["severity"] = Value::String(severity);
            }
            it
        });
        if !reactions.is_empty() {
            reactions.remove(0);
        }
        one.into_iter().for_each(|it| reactions.insert(0, it));
        made.put("reaction", Some(Value::Array(reactions)).filter(|it| it != &json!([])));
    }
}

/// What shows of a reaction, and how bad it was.
fn reaction(value: &Value) -> (Option<String>, Option<String>) {
    let shown = list(value, "manifestation").first().and_then(named).or_else(|| owned(value, &["description"]));
    (shown, owned(value, &["severity"]))
}

fn immunization(made: &mut Made<'_>, pen: &Pen<'_>, person: Value, visit: Option<Value>) {
    let how = made.words("how").unwrap_or_else(|| "elsewhere".into());
    let status = if how == "refused" { "not-done" } else { "completed" };
    made.put("status", Some(json!(status)));
    let refused = (how == "refused").then(|| hl7("v3-ActReason", "PATOBJ", "patient objection"));
    made.put("statusReason", refused);
    made.put_concept("vaccineCode", "vaccine");
    made.first("patient", person);
    made.put_words("occurrenceDateTime", "given");
    made.first("recorded", json!(pen.moment()));
    made.put("primarySource", Some(json!(how != "elsewhere")));
    made.put_words("lotNumber", "lot");
    let site = made.words("site").and_then(|it| SITES.iter().find(|(name, _)| *name == it));
    made.put("site", site.map(|(_, words)| json!({ "text": words })));
    if how == "here" {
        made.first("performer", json!([{ "actor": pen.who() }]));
    }
    let dose = made.words("dose").and_then(|it| it.parse::<u32>().ok()).filter(|it| *it > 0);
    made.put("protocolApplied", dose.map(|it| json!([{ "doseNumberPositiveInt": it }])));
    visit.into_iter().for_each(|it| made.first("encounter", it));
}

fn family(made: &mut Made<'_>, pen: &Pen<'_>, person: Value) {
    made.first("status", json!("completed"));
    made.first("patient", person);
    made.first("date", json!(pen.moment()));
    let relation = made.words("relation").and_then(|it| RELATIONS.iter().find(|(name, ..)| *name == it));
    if let Some((_, code, words, sex)) = relation {
        let mut it = hl7("v3-RoleCode", code, words);
        it["text"] = json!(capital(words));
        made.put("relationship", Some(it));
        let gender = "http://hl7.org/fhir/administrative-gender";
        made.put("sex", Some(coded(gender, sex, &capital(sex))));
    }
    let dead = made.words("living").map(|it| json!(it == "dead"));
    made.put("deceasedBoolean", dead);
    let condition = made.kept("condition", at(&made.it, &["condition", "code"])).map(|code| {
        let mut it = json!({ "code": code });
        if let Some(age) = made.words("age").and_then(|it| it.parse::<u32>().ok()) {
            it["onsetAge"] = json!({ "value": age, "unit": "years", "system": crate::shapes::UCUM, "code": "a" });
        }
        it
    });
    made.put("condition", condition.map(|it| json!([it])));
}

fn social(made: &mut Made<'_>, pen: &Pen<'_>, of: List, person: Value, visit: Option<Value>) {
    made.first("status", json!("final"));
    let category = |code: &str, words: &str| coded(OBSERVATION_CATEGORY, code, words);
    let (categories, code, value) = match of {
        List::Smoking => {
            let chosen = made.words("smoking").and_then(|it| SMOKING.iter().find(|(name, ..)| *name == it));
            let value = chosen.map(|(_, code, words)| concept(SNOMED, code, words));
            (
                json!([category("social-history", "Social History")]),
                concept(LOINC, "72166-2", "Tobacco smoking status"),
                value,
            )
        }
        List::Needs => {
            let need = made.words("need").and_then(|it| NEEDS.iter().find(|(name, ..)| *name == it));
            let risk = made.words("risk").and_then(|it| RISKS.iter().find(|(name, ..)| *name == it));
            let code = need.map_or(Value::Null, |(_, code, words)| concept(LOINC, code, words));
            let categories = json!([
                coded(SDOH, "sdoh", "SDOH"),
                category("survey", "Survey"),
                category("social-history", "Social History")
            ]);
            (categories, code, risk.map(|(_, code, words)| concept(LOINC, code, words)))
        }
        _ => {
            let topic = made.words("topic").and_then(|it| TOPICS.iter().find(|(name, ..)| *name == it));
            let code = topic.map_or(Value::Null, |(_, code, words)| match code.is_empty() {
                true => json!({ "text": words }),
                false => concept(LOINC, code, words),
            });
            (json!([category("social-history", "Social History")]), code, None)
        }
    };
    made.first("category", categories);
    made.put("code", Some(code));
    made.first("subject", person);
    made.first("effectiveDateTime", json!(pen.moment()));
    made.first("issued", json!(pen.moment()));
    made.first("performer", json!([pen.who()]));
    visit.into_iter().for_each(|it| made.first("encounter", it));
    match value {
        Some(value) => made.put("valueCodeableConcept", Some(value)),
        None => made.put_words("valueString", "answer"),
    }
}

fn device(made: &mut Made<'_>, person: Value) {
    made.first("status", json!("active"));
    made.first("patient", person);
    let name = made.words("device");
    made.put("type", name.map(|it| json!({ "text": it })));
    let carrier = made.words("udi").map(|it| json!([{ "deviceIdentifier": it }]));
    made.put("udiCarrier", carrier);
    for (member, field) in
        [("manufacturer", "maker"), ("lotNumber", "lot"), ("serialNumber", "serial"), ("expirationDate", "expires")]
    {
        made.put_words(member, field);
    }
}

fn goal(made: &mut Made<'_>, pen: &Pen<'_>, person: Value) {
    made.first("lifecycleStatus", json!("active"));
    let progress = made.words("progress");
    let words = progress.as_deref().map(|it| capital(&it.replace('-', " ")));
    made.put("achievementStatus", progress.zip(words).map(|(code, words)| hl7(GOAL_ACHIEVEMENT, &code, &words)));
    let goal = made.words("goal");
    made.put("description", goal.map(|it| json!({ "text": it })));
    made.first("subject", person);
    made.put_words("startDate", "since");
    let mut target = list(&made.it, "target").first().cloned().unwrap_or_else(|| json!({}));
    match made.words("due") {
        Some(due) => target["dueDate"] = json!(due),
        None => drop(target.as_object_mut().map(|it| it.remove("dueDate"))),
    }
    made.put("target", Some(json!([target])).filter(|it| it != &json!([{}])));
    made.first("expressedBy", pen.who());
}

fn plan(made: &mut Made<'_>, pen: &Pen<'_>, person: Value) {
    made.first("status", json!("active"));
    made.first("intent", json!("plan"));
    made.first("category", json!([coded(BOOKED, "assess-plan", "Assessment and Plan of Treatment")]));
    made.put_words("title", "title");
    made.put_words("description", "plan");
    let text = made.words("plan").unwrap_or_default();
    made.put("text", Some(narrative(&text)));
    made.first("subject", person);
    let since = made.words("since").unwrap_or_else(|| pen.today());
    let mut period = made.it.get("period").cloned().unwrap_or_else(|| json!({}));
    period["start"] = json!(since);
    made.put("period", Some(period));
    made.first("created", json!(pen.today()));
    made.first("author", pen.who());
}

/// An entry that ends, holds again or was never so. Where R4 forbids a clinical status beside "entered in error"
/// (con-5, ait-2) it goes.
pub(super) fn settled(of: List, mut it: Value, ending: Ending, today: &str) -> Value {
    let members = it.as_object_mut().expect("a resource is an object");
    let mut put = |member: &str, value: Value| drop(members.insert(member.to_owned(), value));
    match (of, ending) {
        (List::Problems | List::Allergies, Ending::Mistaken) => {
            let system = if of == List::Problems { "condition-ver-status" } else { "allergyintolerance-verification" };
            put("verificationStatus", hl7(system, "entered-in-error", "Entered in Error"));
            members.remove("clinicalStatus");
        }
        (List::Problems, Ending::Over) => {
            put("clinicalStatus", hl7("condition-clinical", "resolved", "Resolved"));
            put("abatementDateTime", json!(today));
        }
        (List::Problems, Ending::Again) => {
            put("clinicalStatus", hl7("condition-clinical", "active", "Active"));
            members.retain(|name, _| !name.starts_with("abatement"));
        }
        (List::Allergies, Ending::Over) => {
            put("clinicalStatus", hl7("allergyintolerance-clinical", "resolved", "Resolved"));
        }
        (List::Allergies, Ending::Again) => {
            put("clinicalStatus", hl7("allergyintolerance-clinical", "active", "Active"));
        }
        (List::Goals, ending) => {
            let status = match ending {
                Ending::Over => "completed",
                Ending::Again => "active",
                Ending::Mistaken => "entered-in-error",
            };
            put("lifecycleStatus", json!(status));
            if ending == Ending::Over {
                put("statusDate", json!(today));
            }
        }
        (_, Ending::Mistaken) => put("status", json!("entered-in-error")),
        (List::Devices, Ending::Over) => put("status", json!("inactive")),
        (List::Medications | List::Plans, ending) => {
            put("status", json!(if ending == Ending::Over { "completed" } else { "active" }));
            let member = if of == List::Plans { "period" } else { "effectivePeriod" };
            let mut period = members.get(member).cloned().unwrap_or_else(|| json!({}));
            match ending {
                Ending::Over => period["end"] = json!(today),
                _ => drop(period.as_object_mut().map(|it| it.remove("end"))),
            }
            members.insert(member.to_owned(), period);
        }
        (List::Devices, _) => put("status", json!("active")),
        // What was done or observed neither ends nor begins again.
        _ => {}
    }
    it
}

/// The form of an entry as it is now.
pub(super) fn typed(of: List, it: &Value) -> Typed {
    let mut typed = Typed::new();
    let mut put = |field: &str, value: Option<String>| drop(value.map(|it| typed.insert(field.to_owned(), it)));
    let code = |path: &[&str]| at(it, path).and_then(first_code).map(str::to_owned);
    let by_code = |table: &[(&'static str, &'static str, &'static str)], wanted: Option<&str>| {
        table.iter().find(|(_, code, _)| Some(*code) == wanted).map(|(name, ..)| (*name).to_owned())
    };
    let mut coded_field = |field: &str, value: Option<&Value>| {
        let Some(value) = value else { return };
        // What was chosen, by its own words, so that it is found again.
        put(field, named(value));
        match first_code(value) {
            Some(code) => put(&format!("{field}-code"), Some(code.to_owned())),
            None => put(&format!("{field}-free"), Some("yes".into())),
        }
    };
    match of {
        List::Problems => coded_field("problem", it.get("code")),
        List::Medications => {
            coded_field("drug", it.get("medicationCodeableConcept"));
            coded_field("reason", at(it, &["reasonCode"]));
        }
        List::Allergies => coded_field("substance", it.get("code")),
        List::Immunizations => coded_field("vaccine", it.get("vaccineCode")),
        List::Procedures => coded_field("procedure", it.get("code")),
        List::Family => coded_field("condition", at(it, &["condition", "code"])),
        _ => {}
    }
    match of {
        List::Problems => {
            put("onset", day(it, &["onsetDateTime"]));
            put("severity", by_code(&SEVERITIES, code(&["severity"]).as_deref()));
            put("certainty", code(&["verificationStatus"]));
        }
        List::Medications => {
            put("directions", owned(it, &["dosage", "text"]));
            put("since", day(it, &["effectivePeriod", "start"]));
        }
        List::Allergies => {
            let (shown, severity) = list(it, "reaction").first().map(reaction).unwrap_or_default();
            put("reaction", shown);
            put("severity", severity);
            put("risk", owned(it, &["criticality"]));
            put("sort", owned(it, &["type"]));
            put("onset", day(it, &["onsetDateTime"]));
        }
        List::Immunizations => {
            let how = match (text(it, &["status"]), it.get("primarySource")) {
                (Some("not-done"), _) => "refused",
                (_, Some(Value::Bool(true))) => "here",
                _ => "elsewhere",
            };
            put("how", Some(how.to_owned()));
            put("given", day(it, &["occurrenceDateTime"]));
            put("lot", owned(it, &["lotNumber"]));
            let dose =
                at(it, &["protocolApplied"]).and_then(|it| it.get("doseNumberPositiveInt")).and_then(Value::as_u64);
            put("dose", dose.map(|it| it.to_string()));
            let site = it.get("site").and_then(named);
            put(
                "site",
                SITES.iter().find(|(_, words)| Some(*words) == site.as_deref()).map(|(name, _)| (*name).to_owned()),
            );
        }
        List::Procedures => {
            put("done", day(it, &["performedDateTime"]).or_else(|| day(it, &["performedPeriod", "start"])))
        }
        List::Family => {
            let relation = code(&["relationship"]);
            let known = RELATIONS.iter().find(|(_, code, ..)| Some(*code) == relation.as_deref());
            put("relation", known.map(|(name, ..)| (*name).to_owned()));
            let age = at(it, &["condition", "onsetAge", "value"]).map(Value::to_string);
            put("age", age);
            let dead = it.get("deceasedBoolean").and_then(Value::as_bool);
            put("living", dead.map(|it| if it { "dead" } else { "living" }.to_owned()));
        }
        List::Smoking => put("smoking", by_code(&SMOKING, code(&["valueCodeableConcept"]).as_deref())),
        List::Social => {
            put("topic", by_code(&TOPICS, code(&["code"]).as_deref()).or_else(|| Some("other".into())));
            put("answer", owned(it, &["valueString"]).or_else(|| it.get("valueCodeableConcept").and_then(named)));
        }
        List::Needs => {
            put("need", by_code(&NEEDS, code(&["code"]).as_deref()));
            put("risk", by_code(&RISKS, code(&["valueCodeableConcept"]).as_deref()));
        }
        List::Devices => {
            put("device", it.get("type").and_then(named));
            put("udi", owned(it, &["udiCarrier", "deviceIdentifier"]));
            put("maker", owned(it, &["manufacturer"]));
            put("lot", owned(it, &["lotNumber"]));
            put("serial", owned(it, &["serialNumber"]));
            put("expires", day(it, &["expirationDate"]));
        }
        List::Goals => {
            put("goal", it.get("description").and_then(named));
            put("since", day(it, &["startDate"]));
            put("due", day(it, &["target", "dueDate"]));
            put("progress", code(&["achievementStatus"]));
        }
        List::Plans => {
            put("title", owned(it, &["title"]));
            put("plan", owned(it, &["description"]));
            put("since", day(it, &["period", "start"]));
        }
        List::Team => {}
    }
    put("note", list(it, "note").first().and_then(|it| owned(it, &["text"])));
    typed
}

/// The day of a date or a moment.
fn day(it: &Value, path: &[&str]) -> Option<String> {
    text(it, path).map(|it| it.split('T').next().unwrap_or(it).to_owned())
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
