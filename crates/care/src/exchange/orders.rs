//! Whose order a result answers: the sender gives back the number under which the order left here, and the order of this
//! patient that bears it is meant. It is only added to. A number that is somebody else's leads nowhere.

use super::origin;
use crate::Organisation;
use crate::ask;
use crate::chart::element::{has_code, list, text};
use crate::imaging::{self, ACCESSION};
use fhir::{Id, Key, Value};
use store::{Caller, StoreResult};

/// The order of ours that a request of a message repeats. Only numbers that can be ours are looked for, so that messages
/// of others cost nothing.
pub(super) async fn ours(
    organisation: &Organisation,
    reader: &Caller,
    patient: &Id,
    request: &Value,
) -> StoreResult<Option<Key>> {
    let given = |it: &Value, code: &str| it.get("type").is_some_and(|it| has_code(it, code));
    let identifiers = list(request, "identifier");
    let values = |code: &'static str| {
        let all = identifiers.iter().filter(move |it| given(it, code));
        all.filter_map(|it| text(it, &["value"])).map(str::to_owned)
    };
    let mut numbers: Vec<String> = values(ACCESSION).collect();
    numbers.extend(values("PLAC").filter(|it| imaging::is_accession_of_ours(it)));
    let mut keys = imaging::orders(organisation, patient, &numbers).await?;
    let named = values("PLAC").filter(|it| is_name_of_ours(it));
    keys.extend(named.filter_map(|it| Key::parse(&format!("ServiceRequest/{it}"))));
    for stored in organisation.store.current_of(reader, &keys).await?.into_iter().filter(|it| !it.deleted) {
        let value = stored.value();
        if ask::is_about(&value, patient) && origin::of(&value).is_none() {
            return Ok(Some(stored.key));
        }
    }
    Ok(None)
}

/// Our names of things are UUIDs (RFC 9562).
fn is_name_of_ours(text: &str) -> bool {
    text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}
