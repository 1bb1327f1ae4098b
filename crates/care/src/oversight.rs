//! The audit log as people read it: for a patient, who looked at their record; for an accounting of disclosures
//! (45 CFR 164.528), what left the organisation about one patient in a period. Nothing here decides who may read the
//! log: the store does.

use crate::chart::When;
use fhir::Id;
use std::collections::BTreeSet;
use store::audit::{Entry, Outcome, Query};
use store::{Caller, Store, StoreResult};

/// Entries read for one report; who needs more narrows the period.
const MOST: usize = 20_000;
const PAGE: u32 = 500;

/// One person at one day.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    pub day: String,
    pub who: String,
    pub display: String,
    pub role: String,
    /// Through this app.
    pub client: Option<String>,
    /// The patient themself.
    pub own: bool,
    pub emergency: bool,
    /// The types that were looked at and changed, by name.
    pub seen: BTreeSet<String>,
    pub changed: BTreeSet<String>,
    /// Something was exported or printed.
    pub taken: bool,
    pub times: usize,
    /// The first and the last moment, in microseconds.
    pub first: i64,
    pub last: i64,
}

/// What a report found, and whether there was more than it reads.
#[derive(Clone, Debug)]
pub struct Report<T> {
    pub rows: Vec<T>,
    pub more: bool,
}

/// Who looked at this patient's record in a period, newest day first, each person once a day.
pub async fn looks(
    store: &Store,
    caller: &Caller,
    patient: &Id,
    from: Option<i64>,
    to: Option<i64>,
    now: i64,
) -> StoreResult<Report<Look>> {
    let entries = entries(store, caller, patient, from, to, now).await?;
    let own = format!("patient/{patient}");
    Ok(Report { rows: grouped(&entries.rows, &caller.who, &own), more: entries.more })
}

/// What left about this patient in a period, oldest last. Without `all`, what is for treatment, payment or operations is
/// left out, as 45 CFR 164.528(a)(1)(i) has it; what the patient got or asked for is always (ii, iv).
pub async fn disclosures(
    store: &Store,
    caller: &Caller,
    patient: &Id,
    from: Option<i64>,
    to: Option<i64>,
    all: bool,
    now: i64,
) -> StoreResult<Report<Entry>> {
    let mut entries = entries(store, caller, patient, from, to, now).await?;
    entries.rows.retain(|entry| is_disclosure(entry, all));
    Ok(entries)
}

async fn entries(
    store: &Store,
    caller: &Caller,
    patient: &Id,
    from: Option<i64>,
    to: Option<i64>,
    now: i64,
) -> StoreResult<Report<Entry>> {
    let mut asked = Query { patient: Some(patient.clone()), from, to, count: PAGE, ..Query::default() };
    let mut all = Report { rows: Vec::new(), more: false };
    loop {
        let page = store.audit_page(caller, &asked, now).await?;
        all.rows.extend(page.entries);
        match page.next {
            Some(next) if all.rows.len() < MOST => asked.cursor = Some(next),
            next => {
                all.more = next.is_some();
                return Ok(all);
            }
        }
    }
}

const TAKING: [&str; 5] = ["export", "print", "download", "transmit", "send"];
const WRITING: [&str; 6] = ["create", "update", "patch", "delete", "transaction", "batch"];

/// Whether something left the organisation: an app or program got it, or it was exported or printed.
pub fn is_disclosure(entry: &Entry, all: bool) -> bool {
    let left = entry.agent.client.is_some()
        || entry.agent.who.starts_with("client/")
        || TAKING.contains(&entry.action.as_str());
    let wrote = WRITING.contains(&entry.action.as_str());
    let to_the_patient = entry.agent.purpose == "PATRQT";
    let usual = matches!(entry.agent.purpose.as_str(), "TREAT" | "HPAYMT" | "HOPERAT" | "ETREAT");
    entry.outcome == Outcome::Success && left && !wrote && !to_the_patient && (all || !usual)
}

fn grouped(entries: &[Entry], who: &str, own: &str) -> Vec<Look> {
    let mut looks: Vec<Look> = Vec::new();
    for entry in entries.iter().filter(|it| it.outcome == Outcome::Success) {
        // Our own upkeep is not a look of anybody's.
        if entry.agent.who.starts_with("system/") {
            continue;
        }
        let day = When::of_micros(entry.at).date();
        let emergency = entry.agent.purpose == "ETREAT";
        let agent = &entry.agent;
        let same =
            |it: &Look| it.day == day && it.who == agent.who && it.client == agent.client && it.emergency == emergency;
        // Days follow each other, so the one sought is near the end.
        let at = match looks.iter().rposition(same) {
            Some(at) => at,
            None => {
                looks.push(Look {
                    day,
                    who: agent.who.clone(),
                    display: agent.display.clone(),
                    role: agent.role.clone(),
                    client: agent.client.clone(),
                    own: agent.who == who || agent.who == own,
                    emergency,
                    seen: BTreeSet::new(),
                    changed: BTreeSet::new(),
                    taken: false,
                    times: 0,
                    first: entry.at,
                    last: entry.at,
                });
                looks.len() - 1
            }
        };
        let look = &mut looks[at];
        look.times += 1;
        (look.first, look.last) = (look.first.min(entry.at), look.last.max(entry.at));
        look.taken |= TAKING.contains(&entry.action.as_str());
        let kind = entry.kind.or(entry.about.as_ref().map(|it| it.kind)).map(|it| it.name().to_owned());
        let to = if WRITING.contains(&entry.action.as_str()) { &mut look.changed } else { &mut look.seen };
        to.extend(kind);
    }
    looks
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhir::ResourceType;
    use store::audit::Agent;

    fn entry(who: &str, action: &str, kind: &str, purpose: &str, hour: i64) -> Entry {
        Entry {
            sequence: 1,
            at: 1_781_500_000_000_000 + hour * 3_600_000_000,
            agent: Agent {
                who: who.into(),
                role: "clinician".into(),
                display: who.into(),
                client: None,
                purpose: purpose.into(),
            },
            action: action.into(),
            outcome: Outcome::Success,
            kind: ResourceType::parse(kind),
            about: None,
            version: None,
            wrote: 0,
            patients: Vec::new(),
            rule: None,
            request: None,
            detail: None,
            hash: String::new(),
        }
    }

    #[test]
    fn each_person_is_told_once_a_day_with_all_they_saw() {
        let mut refused = entry("user/okafor", "read", "Consent", "TREAT", 0);
        refused.outcome = Outcome::Refused;
        let entries = [
            entry("user/okafor", "read", "Observation", "TREAT", 2),
            entry("user/okafor", "search", "Condition", "TREAT", 1),
            entry("user/okafor", "update", "Condition", "TREAT", 1),
            entry("user/okafor", "read", "Condition", "ETREAT", 1),
            entry("user/me", "read", "Patient", "PATRQT", 0),
            entry("system/reindex", "read", "Patient", "HSYSADMIN", 0),
            refused,
            entry("user/okafor", "read", "Condition", "TREAT", -40),
        ];
        let looks = grouped(&entries, "user/me", "patient/1");
        let told: Vec<(&str, usize, bool, bool)> =
            looks.iter().map(|it| (it.who.as_str(), it.times, it.emergency, it.own)).collect();
        assert_eq!(
            told,
            [
                ("user/okafor", 3, false, false),
                ("user/okafor", 1, true, false),
                ("user/me", 1, false, true),
                ("user/okafor", 1, false, false),
            ]
        );
        assert_eq!(looks[0].seen.iter().map(String::as_str).collect::<Vec<_>>(), ["Condition", "Observation"]);
        assert_eq!(looks[0].changed.iter().map(String::as_str).collect::<Vec<_>>(), ["Condition"]);
    }

    #[test]
    fn a_disclosure_is_what_left_for_another_purpose() {
        let through_app = |purpose: &str| {
            let mut entry = entry("user/okafor", "read", "Observation", purpose, 0);
            entry.agent.client = Some("research-app".into());
            entry
        };
        let check = |entry: &Entry, usual: bool, all: bool| {
            assert_eq!((is_disclosure(entry, false), is_disclosure(entry, true)), (usual, all), "{entry:?}");
        };
        check(&through_app("HRESCH"), true, true);
        check(&through_app("TREAT"), false, true);
        check(&through_app("PATRQT"), false, false);
        check(&entry("user/okafor", "read", "Observation", "HLEGAL", 0), false, false);
        check(&entry("user/okafor", "export", "Observation", "HLEGAL", 0), true, true);
        check(&entry("client/lab", "search", "Observation", "HOPERAT", 0), false, true);
        let mut refused = through_app("HRESCH");
        refused.outcome = Outcome::Refused;
        check(&refused, false, false);
    }
}
