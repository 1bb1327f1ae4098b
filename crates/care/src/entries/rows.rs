//! Entries as a list shows them: what it is, whether it holds, when it began, and on each row who said it, when and
//! where it came from.

use super::fields::{List, RELATIONS};
use super::key;
use crate::act::Pen;
use crate::ask::{self, Row as Stored};
use crate::chart::element::{Names, at, code_in, concept, list, notes, owned, text};
use crate::chart::{Allergy, Criticality, Immunization, Medication, Problem, Section, Standing, When};
use crate::versions::author;
use fhir::{Id, Key, Value};
use std::collections::{BTreeSet, HashMap};
use store::{Action, StoreResult};

const MOST: u32 = 300;

/// One entry of a list.
#[derive(Clone, Debug)]
pub struct Row {
    pub key: Key,
    pub title: String,
    pub code: Option<String>,
    /// Typed freely: no list of terms stands behind it, so nothing is checked against it.
    pub free: bool,
    pub standing: Standing,
    /// Plainly active entries have none.
    pub status: Option<String>,
    /// What else is known, in the order in which it is shown: (name of the field, words).
    pub more: Vec<(&'static str, String)>,
    /// A risk that must be seen first.
    pub critical: bool,
    /// It says that there is none.
    pub none: bool,
    /// When it began, was done, given or observed.
    pub since: Option<When>,
    pub ended: Option<When>,
    pub recorded: Option<When>,
    pub who: Option<String>,
    /// Where it came from, when that is not here.
    pub source: Option<String>,
    /// It came from another record and nobody here has decided about it.
    pub apart: bool,
    pub note: Option<String>,
    pub version: u64,
    /// Made here by its own form; prescriptions and the like are changed elsewhere.
    pub may_change: bool,
    /// Of a care team: which participant.
    pub nth: Option<usize>,
}

impl Row {
    /// Whether it counts now.
    pub fn holds(&self) -> bool {
        matches!(self.standing, Standing::Active | Standing::OnHold) && !self.none
    }
}

pub(super) async fn of(pen: &Pen<'_>, patient: &Id, of: List) -> StoreResult<Section<Row>> {
    let chart = pen.chart(patient);
    let mut stored = chart.rows(of.kind(), query(of), MOST).await?;
    stored.rows.retain(|it| belongs(of, &it.value));
    stored.apart.retain(|it| belongs(of, &it.value));
    let mut kinds = vec![stored];
    if of == List::Medications {
        let mut requests = chart.rows("MedicationRequest", &[("_sort", "-authoredon")], MOST).await?;
        requests.rows.retain(|it| crate::chart::is_ordered(&it.value));
        kinds.push(requests);
    }
    let all: Vec<&ask::Rows> = kinds.iter().collect();
    // Members of a team stand in a list of their own; they are named like authors.
    let members: Vec<Value> = kinds[0]
        .rows
        .iter()
        .flat_map(|it| list(&it.value, "participant"))
        .filter_map(|it| Some(serde_json::json!({ "author": it.get("member")? })))
        .collect();
    let names = chart.names(&all, &members.iter().collect::<Vec<_>>()).await?;
    let everything: Vec<&Stored> = kinds.iter().flat_map(|it| &it.rows).collect();
    let mut rows: Vec<Row> = match of {
        List::Team => everything.iter().flat_map(|it| team(&it.value, &names)).collect(),
        _ => everything.iter().map(|it| row(of, &it.value, &names)).collect(),
    };
    let apart = kinds.iter().flat_map(|it| &it.apart).map(|it| row(of, &it.value, &names));
    let mut apart: Vec<Row> =
        apart.filter(|it| it.standing != Standing::Mistaken).map(|it| Row { may_change: false, ..it }).collect();
    let origins = origins(pen, &rows).await?;
    for row in &mut rows {
        if let Some(origin) = origins.get(&row.key.to_string()) {
            row.who = row.who.take().or_else(|| origin.who.clone());
            row.source = row.source.take().or_else(|| origin.from.clone());
        }
    }
    let since = |it: &Row| std::cmp::Reverse(it.since.as_ref().or(it.recorded.as_ref()).map_or(i64::MIN, When::at));
    for rows in [&mut rows, &mut apart] {
        rows.sort_by(|a, b| {
            let order = |it: &Row| (it.standing, !it.critical, since(it));
            order(a).cmp(&order(b)).then_with(|| a.title.cmp(&b.title))
        });
    }
    Ok(Section {
        updated: kinds.iter().filter_map(ask::Rows::updated).max().map(When::of_micros),
        more: kinds.iter().any(|it| it.more),
        refused: kinds.iter().all(|it| it.refused),
        sources: rows.iter().filter_map(|it| it.source.clone()).collect::<BTreeSet<_>>().into_iter().collect(),
        rows,
        apart,
    })
}

fn query(of: List) -> &'static [(&'static str, &'static str)] {
    match of {
        List::Smoking => &[("code", "72166-2"), ("_sort", "-date")],
        List::Social => &[("category", "social-history"), ("_sort", "-date")],
        List::Needs => &[("category", "sdoh"), ("_sort", "-date")],
        List::Immunizations => &[("_sort", "-date")],
        _ => &[],
    }
}

/// Whether a resource of the type belongs to the list, where a type serves several.
pub(super) fn belongs(of: List, value: &Value) -> bool {
    let code = value.get("code").and_then(|it| code_in(it, crate::shapes::LOINC));
    let is_need = || list(value, "category").iter().any(|it| crate::chart::element::has_code(it, "sdoh"));
    match of {
        List::Smoking => code == Some("72166-2"),
        List::Needs => is_need(),
        List::Social => {
            let social = list(value, "category").iter().any(|it| crate::chart::element::has_code(it, "social-history"));
            social && code != Some("72166-2") && !is_need()
        }
        _ => true,
    }
}

fn blank(of: List, value: &Value) -> Row {
    let id = text(value, &["id"]).and_then(Id::parse).expect("a stored resource has an id");
    let of_kind = text(value, &["resourceType"]).and_then(fhir::ResourceType::parse);
    Row {
        key: of_kind.map_or_else(|| key(of, &id), |kind| Key::new(kind, id.clone())),
        title: String::new(),
        code: None,
        free: false,
        standing: Standing::Active,
        status: None,
        more: Vec::new(),
        critical: false,
        none: false,
        since: None,
        ended: None,
        recorded: None,
        who: None,
        source: crate::chart::source(value),
        apart: crate::exchange::origin::is_unreconciled(value),
        note: notes(value),
        version: ask::version(value),
        may_change: true,
        nth: None,
    }
}

fn date(value: &Value, path: &[&str]) -> Option<When> {
    When::parse(text(value, path)?)
}

/// Whether a concept was typed rather than chosen.
fn is_free(value: Option<&Value>) -> bool {
    value.is_some_and(|it| list(it, "coding").is_empty())
}

fn more(parts: &[(&'static str, Option<String>)]) -> Vec<(&'static str, String)> {
    parts.iter().filter_map(|(name, it)| Some((*name, it.clone()?))).collect()
}

pub(super) fn row(of: List, value: &Value, names: &Names) -> Row {
    let it = blank(of, value);
    match of {
        List::Problems => {
            let problem = Problem::of(value, names);
            let status = problem.course.or_else(|| problem.of_visit.then(|| "visit diagnosis".to_owned()));
            Row {
                title: problem.name,
                code: problem.code,
                free: is_free(value.get("code")),
                standing: problem.standing,
                status,
                more: more(&[("severity", problem.severity), ("certainty", problem.doubt)]),
                since: problem.onset,
                ended: problem.ended,
                recorded: problem.recorded,
                who: problem.recorder,
                ..it
            }
        }
        List::Medications => {
            let medication = Medication::of(value, names);
            let statement = it.key.kind.name() == "MedicationStatement";
            Row {
                title: medication.name,
                code: medication.code,
                free: statement && is_free(value.get("medicationCodeableConcept")),
                standing: medication.standing,
                status: Some(medication.status).filter(|it| it != "active"),
                more: more(&[
                    ("directions", medication.directions),
                    ("reason", medication.reason),
                    ("refills", medication.refills.map(|it| it.to_string())),
                ]),
                since: medication.started,
                ended: medication.ended,
                recorded: date(value, &["dateAsserted"]).or_else(|| date(value, &["authoredOn"])),
                who: medication.prescriber,
                may_change: statement,
                ..it
            }
        }
        List::Allergies => {
            let allergy = Allergy::of(value, names);
            Row {
                title: allergy.substance,
                code: allergy.code,
                free: is_free(value.get("code")),
                standing: allergy.standing,
                status: allergy.intolerance.then(|| "intolerance".to_owned()),
                more: more(&[
                    ("reaction", Some(allergy.reactions.join("; ")).filter(|it| !it.is_empty())),
                    ("certainty", allergy.doubt),
                    ("category", Some(allergy.category.join(", ")).filter(|it| !it.is_empty())),
                ]),
                critical: allergy.criticality == Criticality::High,
                none: allergy.none_known,
                since: allergy.onset,
                recorded: allergy.recorded,
                who: allergy.recorder,
                may_change: !allergy.none_known,
                ..it
            }
        }
        List::Immunizations => {
            let given = Immunization::of(value, names);
            Row {
                title: given.vaccine,
                code: given.code,
                free: is_free(value.get("vaccineCode")),
                standing: if given.mistaken { Standing::Mistaken } else { Standing::Active },
                status: given.not_done.or_else(|| given.reported.then(|| "reported".to_owned())),
                more: more(&[("dose", given.dose), ("lot", given.lot), ("site", given.site)]),
                since: given.given,
                recorded: date(value, &["recorded"]),
                who: given.performer,
                ..it
            }
        }
        List::Procedures => Row {
            title: value.get("code").and_then(concept).unwrap_or_default(),
            code: crate::chart::code_of(value.get("code")),
            free: is_free(value.get("code")),
            standing: by_status(value),
            status: owned(value, &["status"]).filter(|it| it != "completed"),
            since: date(value, &["performedDateTime"]).or_else(|| date(value, &["performedPeriod", "start"])),
            who: names.at(value, &["performer", "actor"]).or_else(|| names.at(value, &["recorder"])),
            ..it
        },
        List::Family => family(value, it),
        List::Smoking | List::Social | List::Needs => {
            let answer = value.get("valueCodeableConcept").and_then(concept).or_else(|| owned(value, &["valueString"]));
            let title = value.get("code").and_then(concept).unwrap_or_default();
            Row {
                title: answer.map_or(title.clone(), |answer| format!("{title}: {answer}")),
                standing: by_status(value),
                since: date(value, &["effectiveDateTime"]),
                recorded: date(value, &["issued"]),
                who: names.at(value, &["performer"]),
                // What was sent as numbers or in parts has no form here.
                may_change: value.get("component").is_none() && value.get("valueQuantity").is_none(),
                ..it
            }
        }
        List::Devices => Row {
            title: value
                .get("type")
                .and_then(concept)
                .or_else(|| owned(value, &["deviceName", "name"]))
                .unwrap_or_default(),
            standing: by_status(value),
            status: owned(value, &["status"]).filter(|it| it != "active"),
            more: more(&[
                ("udi", owned(value, &["udiCarrier", "deviceIdentifier"])),
                ("maker", owned(value, &["manufacturer"])),
                ("lot", owned(value, &["lotNumber"])),
                ("serial", owned(value, &["serialNumber"])),
                ("expires", date(value, &["expirationDate"]).map(|it| it.date())),
            ]),
            ..it
        },
        List::Goals => Row {
            title: value.get("description").and_then(concept).unwrap_or_default(),
            standing: by_status(value),
            status: owned(value, &["lifecycleStatus"]).filter(|it| it != "active"),
            more: more(&[
                ("progress", value.get("achievementStatus").and_then(concept)),
                ("due", date(value, &["target", "dueDate"]).map(|it| it.date())),
            ]),
            since: date(value, &["startDate"]),
            who: names.at(value, &["expressedBy"]),
            ..it
        },
        List::Plans => Row {
            title: owned(value, &["title"]).unwrap_or_else(|| "Plan of care".to_owned()),
            standing: by_status(value),
            status: owned(value, &["status"]).filter(|it| it != "active"),
            more: more(&[("plan", owned(value, &["description"]))]),
            since: date(value, &["period", "start"]),
            ended: date(value, &["period", "end"]),
            recorded: date(value, &["created"]),
            who: names.at(value, &["author"]),
            ..it
        },
        List::Team => it,
    }
}

fn by_status(value: &Value) -> Standing {
    match text(value, &["status"]).or_else(|| text(value, &["lifecycleStatus"])) {
        Some("entered-in-error") => Standing::Mistaken,
        Some("on-hold") => Standing::OnHold,
        Some("inactive" | "revoked" | "cancelled" | "rejected" | "stopped" | "not-done") => Standing::Past,
        Some("completed") if matches!(text(value, &["resourceType"]), Some("Goal" | "CarePlan")) => Standing::Past,
        _ => Standing::Active,
    }
}

fn family(value: &Value, it: Row) -> Row {
    let code = at(value, &["relationship"]).and_then(|it| code_in(it, ""));
    let known =
        RELATIONS.iter().find(|(_, relation, ..)| Some(*relation) == code).map(|(.., words, _)| (*words).to_owned());
    let who = value.get("relationship").and_then(concept).or(known).unwrap_or_default();
    let what: Vec<String> = list(value, "condition").iter().filter_map(|it| concept(it.get("code")?)).collect();
    let age = at(value, &["condition", "onsetAge", "value"]).map(Value::to_string);
    let dead = value.get("deceasedBoolean").and_then(Value::as_bool);
    Row {
        title: if what.is_empty() { who } else { format!("{who}: {}", what.join(", ")) },
        code: crate::chart::code_of(at(value, &["condition", "code"])),
        free: is_free(at(value, &["condition", "code"])),
        standing: by_status(value),
        more: more(&[("age", age), ("living", dead.map(|it| if it { "dead" } else { "living" }.to_owned()))]),
        recorded: date(value, &["date"]),
        // Several conditions of one relative came from elsewhere; the form holds one.
        may_change: list(value, "condition").len() <= 1,
        ..it
    }
}

/// A care team is shown by who is in it.
fn team(value: &Value, names: &Names) -> Vec<Row> {
    let active = text(value, &["status"]).is_none_or(|it| it == "active");
    let member = |(nth, it): (usize, &Value)| {
        let name = it.get("member").and_then(|it| names.of(it))?;
        let ended = date(it, &["period", "end"]);
        let role = list(it, "role").first().and_then(concept);
        Some(Row {
            title: name,
            standing: if active && ended.is_none() { Standing::Active } else { Standing::Past },
            more: more(&[("role", role)]),
            since: date(it, &["period", "start"]),
            ended,
            may_change: active && ended.is_none(),
            nth: Some(nth),
            ..blank(List::Team, value)
        })
    };
    list(value, "participant").iter().enumerate().filter_map(member).collect()
}

struct Origin {
    who: Option<String>,
    from: Option<String>,
}

/// Who wrote each entry and where it came from, as the Provenance about it says.
async fn origins(pen: &Pen<'_>, rows: &[Row]) -> StoreResult<HashMap<String, Origin>> {
    let mut origins: HashMap<String, Origin> = HashMap::new();
    if !pen.may(Action::Search, "Provenance") {
        return Ok(origins);
    }
    let keys: Vec<String> = rows.iter().map(|it| it.key.to_string()).collect();
    for keys in keys.chunks(60) {
        let asked = [("target", keys.join(",")), ("_sort", "-recorded".to_owned())];
        let found = ask::Rows::or_refused(ask::matches(pen.store(), pen.caller, "Provenance", &asked, MOST).await)?;
        for row in &found.rows {
            let sender = list(&row.value, "agent")
                .iter()
                .find(|it| text(it, &["type", "coding", "code"]) == Some("transmitter"))
                .and_then(|it| owned(it, &["who", "display"]));
            let who = author(&row.value).and_then(|it| owned(it, &["who", "display"]));
            for target in list(&row.value, "target") {
                let Some(target) = text(target, &["reference"]) else { continue };
                let target = target.split("/_history/").next().unwrap_or(target);
                // The newest speaks for who; who sent it first stays known.
                let origin = origins
                    .entry(target.to_owned())
                    .or_insert_with(|| Origin { who: who.clone().filter(|_| sender.is_none()), from: None });
                origin.from = origin.from.take().or_else(|| sender.clone());
            }
        }
    }
    Ok(origins)
}
