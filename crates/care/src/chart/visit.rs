//! Visits that were and that will be (FHIR R4: Encounter 8.11, Appointment 12.1).

use super::element::{Names, at, code_in, concept, concepts, list, owned, text};
use super::when::{self, When};
use fhir::Value;

#[derive(Clone, Debug)]
pub struct Visit {
    pub id: String,
    /// `Office visit`, `Emergency`, `Inpatient stay`.
    pub class: String,
    /// What it was called in detail, when that says more.
    pub kind: Option<String>,
    pub from: Option<When>,
    pub to: Option<When>,
    pub length: Option<String>,
    pub standing: VisitStanding,
    pub reasons: Vec<String>,
    pub clinician: Option<String>,
    pub place: Option<String>,
    /// From where it was sent, when it was not recorded here.
    pub source: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VisitStanding {
    Planned,
    /// They are here now.
    Ongoing,
    Done,
    Cancelled,
    Mistaken,
}

/// HL7 v3 ActEncounterCode in the words of the ward.
const CLASSES: [(&str, &str); 10] = [
    ("AMB", "Office visit"),
    ("EMER", "Emergency"),
    ("IMP", "Inpatient stay"),
    ("ACUTE", "Inpatient stay"),
    ("NONAC", "Inpatient stay"),
    ("OBSENC", "Observation stay"),
    ("HH", "Home visit"),
    ("VR", "Remote visit"),
    ("SS", "Short stay"),
    ("PRENC", "Pre-admission"),
];

impl Visit {
    pub(crate) fn of(value: &Value, names: &Names) -> Visit {
        let class = text(value, &["class", "code"]);
        let from = text(value, &["period", "start"]).and_then(When::parse);
        let to = text(value, &["period", "end"]).and_then(When::parse);
        let standing = match text(value, &["status"]) {
            Some("planned") => VisitStanding::Planned,
            Some("arrived" | "triaged" | "in-progress" | "onleave") => VisitStanding::Ongoing,
            Some("cancelled") => VisitStanding::Cancelled,
            Some("entered-in-error") => VisitStanding::Mistaken,
            _ => VisitStanding::Done,
        };
        let mut reasons = concepts(value, "reasonCode");
        reasons.extend(list(value, "reasonReference").iter().filter_map(|it| names.of(it)));
        let clinicians = list(value, "participant").iter().filter_map(|it| names.of(it.get("individual")?));
        Visit {
            id: owned(value, &["id"]).unwrap_or_default(),
            class: CLASSES
                .iter()
                .find(|(code, _)| Some(*code) == class)
                .map(|(_, name)| (*name).to_owned())
                .or_else(|| owned(value, &["class", "display"]))
                .unwrap_or_else(|| "Visit".into()),
            kind: at(value, &["type"]).and_then(concept),
            length: from.as_ref().zip(to.as_ref()).and_then(|(from, to)| when::length(from, to)),
            from,
            to,
            standing,
            reasons,
            clinician: clinicians.into_iter().next(),
            place: names.at(value, &["location", "location"]).or_else(|| names.at(value, &["serviceProvider"])),
            source: super::source(value),
        }
    }

    /// Why it was, or what it was called.
    pub fn why(&self) -> Option<&str> {
        self.reasons.first().or(self.kind.as_ref()).map(String::as_str)
    }

    /// What a list calls it: `Office visit – Hypertension follow-up`.
    pub fn title(&self) -> String {
        match self.why() {
            Some(why) => format!("{} – {why}", self.class),
            None => self.class.clone(),
        }
    }
}

/// The next thing in the diary.
#[derive(Clone, Debug)]
pub struct Booking {
    pub when: When,
    pub what: Option<String>,
}

impl Booking {
    pub(crate) fn of(value: &Value) -> Option<Booking> {
        if !matches!(text(value, &["status"]), Some("booked" | "pending" | "proposed" | "arrived" | "checked-in")) {
            return None;
        }
        let kind = value.get("appointmentType").and_then(concept);
        let service = at(value, &["serviceType"]).and_then(concept);
        Some(Booking {
            when: When::parse(text(value, &["start"])?)?,
            what: service.or(kind).or_else(|| owned(value, &["description"])),
        })
    }
}

/// Insurance, as the banner says it (FHIR R4, Coverage 13.1).
pub(crate) fn coverage(value: &Value, names: &Names) -> Option<String> {
    if text(value, &["status"]).is_some_and(|it| it != "active") {
        return None;
    }
    let payer = names.at(value, &["payor"]);
    let plan = list(value, "class")
        .iter()
        .find(|it| it.get("type").and_then(|it| code_in(it, "")) == Some("plan"))
        .and_then(|it| owned(it, &["name"]).or_else(|| owned(it, &["value"])));
    match (payer, plan) {
        (Some(payer), Some(plan)) if !plan.contains(&payer) => Some(format!("{payer}, {plan}")),
        (_, Some(plan)) => Some(plan),
        (Some(payer), None) => Some(payer),
        (None, None) => value.get("type").and_then(concept),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_visit_is_told_in_the_words_of_the_ward() {
        let visit = Visit::of(
            &json!({"id": "e1", "status": "finished", "class": {"code": "EMER"},
                "period": {"start": "2024-05-01T10:00:00Z", "end": "2024-05-01T13:00:00Z"},
                "reasonCode": [{"text": "Chest pain"}],
                "participant": [{"individual": {"reference": "Practitioner/7"}}]}),
            &Names([("Practitioner/7".to_owned(), "Dr. Okafor".to_owned())].into()),
        );
        assert_eq!(visit.title(), "Emergency – Chest pain");
        assert_eq!((visit.length.as_deref(), visit.clinician.as_deref()), (Some("3 h"), Some("Dr. Okafor")));
        assert_eq!(visit.standing, VisitStanding::Done);
    }

    #[test]
    fn a_cancelled_appointment_is_not_the_next_visit() {
        let booking = |status: &str| {
            Booking::of(&json!({"status": status, "start": "2030-01-02T09:00:00Z", "serviceType": [{"text": "Check"}]}))
        };
        assert_eq!(booking("booked").unwrap().what.as_deref(), Some("Check"));
        assert!(booking("cancelled").is_none());
    }

    #[test]
    fn coverage_names_the_payer_and_the_plan() {
        let check =
            |value: Value, shown: Option<&str>| assert_eq!(coverage(&value, &Names::default()).as_deref(), shown);
        check(
            json!({"status": "active", "payor": [{"display": "Aetna"}],
                "class": [{"type": {"coding": [{"code": "plan"}]}, "name": "Gold"}]}),
            Some("Aetna, Gold"),
        );
        check(json!({"status": "active", "payor": [{"display": "Medicare"}]}), Some("Medicare"));
        check(json!({"status": "cancelled", "payor": [{"display": "Medicare"}]}), None);
    }
}
