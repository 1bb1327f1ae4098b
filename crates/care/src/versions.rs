//! What became of one entry of a chart over time: each version with when it was written, by whom and why, as the
//! Provenance resources about it say (FHIR R4, 3.1.0.7 history; 6.3 Provenance).

use crate::act::Pen;
use crate::ask;
use crate::chart::When;
use crate::chart::element::{list, owned, text};
use fhir::{Id, Key, Value};
use store::{Action, HistoryQuery, HistoryScope, StoreError, StoreResult};

/// More versions than anybody reads.
const SHOWN: u32 = 50;

#[derive(Clone, Debug)]
pub struct Version {
    pub number: u64,
    pub when: When,
    /// `Dr. Amara Okafor`; nobody is known of what came without Provenance.
    pub who: Option<String>,
    pub why: Option<String>,
    /// The resource as it was, for whoever shows what changed.
    pub value: Value,
}

/// The versions of a resource of this patient, the newest first.
pub async fn of(pen: &Pen<'_>, patient: &Id, key: &Key) -> StoreResult<Vec<Version>> {
    let (store, caller) = (pen.store(), pen.caller);
    let query =
        HistoryQuery { scope: HistoryScope::Instance(key.clone()), since: None, at: None, count: SHOWN, cursor: None };
    let page = store.history(caller, &query).await?;
    let told = told(pen, key).await?;
    let live = page.versions.iter().filter(|it| !it.deleted).map(|it| (it.version, it.at, it.value()));
    let all: Vec<Version> = live
        .map(|(number, at, value)| {
            let by = told.iter().find(|it| it.version == Some(number));
            // What somebody else wrote about the whole entry speaks for its first version.
            let by = by.or_else(|| told.iter().find(|it| it.version.is_none() && number == 1));
            Version {
                number,
                when: When::of_micros(at),
                who: by.and_then(|it| it.who.clone()),
                why: by.and_then(|it| it.why.clone()),
                value,
            }
        })
        .collect();
    match all.first() {
        Some(newest) if ask::is_about(&newest.value, patient) => Ok(all),
        _ => Err(StoreError::NotFound(key.clone())),
    }
}

struct Told {
    version: Option<u64>,
    who: Option<String>,
    why: Option<String>,
}

async fn told(pen: &Pen<'_>, key: &Key) -> StoreResult<Vec<Told>> {
    if !pen.may(Action::Search, "Provenance") {
        return Ok(Vec::new());
    }
    let asked = [("target", key.to_string()), ("_sort", "-recorded".to_owned())];
    let found = ask::matches(pen.store(), pen.caller, "Provenance", &asked, 200).await;
    let rows = ask::Rows::or_refused(found)?;
    let whole = key.to_string();
    let mut all = Vec::new();
    for row in &rows.rows {
        for target in list(&row.value, "target") {
            let Some(rest) = text(target, &["reference"]).and_then(|it| it.strip_prefix(&whole)) else { continue };
            let version = rest.strip_prefix("/_history/").and_then(|it| it.parse().ok());
            if version.is_none() && !rest.is_empty() {
                continue;
            }
            let agent = author(&row.value);
            all.push(Told {
                version,
                who: agent.and_then(|it| owned(it, &["who", "display"])),
                why: owned(&row.value, &["reason", "text"]),
            });
        }
    }
    Ok(all)
}

/// The author among the agents, else whoever is named first.
pub(crate) fn author(provenance: &Value) -> Option<&Value> {
    let agents = list(provenance, "agent");
    let is_author = |it: &&Value| text(it, &["type", "coding", "code"]) == Some("author");
    agents.iter().find(is_author).or(agents.first())
}
