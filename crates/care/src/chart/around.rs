//! What is under way around a patient: orders and referrals that are still open, and who takes part in the care
//! (FHIR R4: ServiceRequest 12.4, CareTeam 9.5; US Core ServiceRequest and CareTeam). And what the banner tells of wishes
//! for the end of life: code status and advance directives, as Observations (LOINC 100822-6, 75320-2) have them.

use super::element::{Names, at, concept, concepts, first_code, has_code, list, owned, text};
use super::when::When;
use fhir::Value;

/// Something that was asked for and is not done.
#[derive(Clone, Debug)]
pub struct OpenOrder {
    pub id: String,
    pub name: String,
    pub when: Option<When>,
    pub by: Option<String>,
    /// `stat`, `urgent`; nothing for routine.
    pub urgency: Option<String>,
    pub standing: OrderStanding,
    pub referral: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStanding {
    Draft,
    Active,
    OnHold,
}

impl OpenOrder {
    pub(crate) fn of(value: &Value, names: &Names) -> Option<OpenOrder> {
        let standing = match text(value, &["status"])? {
            "draft" => OrderStanding::Draft,
            "active" => OrderStanding::Active,
            "on-hold" => OrderStanding::OnHold,
            _ => return None,
        };
        // SNOMED CT 3457005, patient referral, and the words of those who send text alone.
        let referral = list(value, "category")
            .iter()
            .any(|it| has_code(it, "3457005") || concept(it).is_some_and(|it| it.to_lowercase().contains("referral")));
        Some(OpenOrder {
            id: owned(value, &["id"]).unwrap_or_default(),
            name: value.get("code").and_then(concept)?,
            when: text(value, &["authoredOn"]).or_else(|| text(value, &["occurrenceDateTime"])).and_then(When::parse),
            by: names.at(value, &["requester"]),
            urgency: owned(value, &["priority"]).filter(|it| it != "routine"),
            standing,
            referral,
        })
    }
}

/// Someone who takes part in the care.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub role: Option<String>,
}

/// The members of all teams that are at work, each once.
pub(crate) fn members<'a>(teams: impl Iterator<Item = &'a Value>, names: &Names) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    for team in teams.filter(|it| !matches!(text(it, &["status"]), Some("inactive" | "entered-in-error"))) {
        for participant in list(team, "participant") {
            let Some(name) = participant.get("member").and_then(|it| names.of(it)) else { continue };
            let roles = concepts(participant, "role");
            let member = Member { name, role: (!roles.is_empty()).then(|| roles.join(", ")) };
            if !members.contains(&member) {
                members.push(member);
            }
        }
    }
    members
}

/// LOINC: code status; advance directive.
pub(crate) const WISHES: &str = "http://loinc.org|100822-6,http://loinc.org|75320-2";

/// What the patient wishes when life ends, the latest of each kind, as it was recorded.
pub(crate) fn wishes<'a>(newest_first: impl Iterator<Item = &'a Value>) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    let mut wishes = Vec::new();
    for it in newest_first.filter(|it| matches!(text(it, &["status"]), Some("final" | "amended" | "corrected"))) {
        let kind = it.get("code").and_then(first_code).unwrap_or_default().to_owned();
        let said = it.get("valueCodeableConcept").and_then(concept).or_else(|| owned(it, &["valueString"]));
        let held = at(it, &["valueBoolean"]).and_then(Value::as_bool);
        let name = it.get("code").and_then(concept);
        let told = said.or_else(|| name.filter(|_| held == Some(true)));
        if let (Some(told), false) = (told, kinds.contains(&kind)) {
            kinds.push(kind);
            wishes.push(told);
        }
    }
    wishes
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_still_open_is_an_open_order() {
        let order = |status: &str, category: &str| {
            let value = json!({"id": "o", "status": status, "code": {"text": "Cardiology"}, "priority": "urgent",
                "category": [{"text": category}]});
            OpenOrder::of(&value, &Names::default())
        };
        let open = order("active", "Referral").expect("it is open");
        assert!(open.referral && open.standing == OrderStanding::Active && open.urgency.as_deref() == Some("urgent"));
        assert!(order("completed", "Referral").is_none() && order("revoked", "").is_none());
        assert!(!order("draft", "Laboratory").expect("a draft is open").referral);
    }

    #[test]
    fn who_is_in_two_teams_is_named_once() {
        let team = json!({"status": "active", "participant": [
            {"member": {"display": "Dr. Okafor"}, "role": [{"text": "Cardiologist"}]},
            {"member": {"display": "Grace Hall"}}]});
        let over = json!({"status": "inactive", "participant": [{"member": {"display": "Dr. Gone"}}]});
        let found = members([&team, &team, &over].into_iter(), &Names::default());
        assert_eq!(found.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["Dr. Okafor", "Grace Hall"]);
    }

    #[test]
    fn the_latest_wish_of_each_kind_counts() {
        let wish = |code: &str, said: &str, status: &str| json!({"status": status, "code": {"coding": [{"code": code}]}, "valueCodeableConcept": {"text": said}});
        let all = [
            wish("100822-6", "Do not resuscitate", "final"),
            wish("100822-6", "Full code", "final"),
            wish("75320-2", "Living will on file", "final"),
            wish("75320-2", "A mistake", "entered-in-error"),
        ];
        assert_eq!(wishes(all.iter()), ["Do not resuscitate", "Living will on file"]);
        let held = json!({"status": "final", "valueBoolean": true,
            "code": {"text": "Advance directive", "coding": [{"code": "75320-2"}]}});
        assert_eq!(wishes([held].iter()), ["Advance directive"]);
    }
}
