//! `Patient/$match`: who of the record may be this person, with how likely it is. Whoever may search patients may ask;
//! who is hidden from a search is hidden here.
//!
//! FHIR R4, patient-operation-match.html; ValueSet match-grade.

use super::input::Input;
use crate::fhir::{Ask, content};
use crate::refusal::{Answer, Refusal};
use crate::reply::Reply;
use ::fhir::Draft;
use care::identity::{self, Grade};
use http::StatusCode;
use serde_json::{Value, json};

const GRADE: &str = "http://hl7.org/fhir/StructureDefinition/match-grade";
/// As many are answered unless fewer are asked for.
const MOST: usize = 20;

pub(super) async fn find_match(mut ask: Ask<'_>) -> Answer<Reply> {
    let mut input = Input::take(&mut ask).await?;
    let only_certain = match input.text("onlyCertainMatches")?.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Refusal::invalid("onlyCertainMatches is true or false")),
    };
    let count = match input.text("count")? {
        None => MOST,
        Some(text) => {
            let count = text.parse().ok().filter(|count| (1..=MOST).contains(count));
            count.ok_or_else(|| Refusal::invalid(format!("count is a whole number from 1 to {MOST}")))?
        }
    };
    let sent = input.tree("resource")?;
    input.finish()?;
    let sent = sent.ok_or_else(|| Refusal::invalid("send the Patient, alone or as the parameter resource"))?;
    content::of_type(&sent, ask.matched.kind())?;
    let patient = Draft::from_value(sent).check().map_err(|issues| Refusal::of(StatusCode::BAD_REQUEST, issues))?;

    let thresholds = ask.door.organisation.surroundings.matching();
    let store = ask.door.store();
    let found = identity::candidates(store, ask.caller, patient.value(), &thresholds, "match").await?;
    // A number that two people bear is no certain match of either.
    let certain = found.iter().filter(|it| it.grade == Grade::Certain).count();
    let base = ask.door.organisation.fhir_base();
    let entries: Vec<Value> = found
        .into_iter()
        .filter(|it| !only_certain || (it.grade == Grade::Certain && certain == 1))
        .take(count)
        .map(|it| {
            let score = (it.score.probability * 10_000.0).round() / 10_000.0;
            json!({
                "fullUrl": format!("{base}/Patient/{}", it.id),
                "resource": it.patient,
                "search": {
                    "extension": [{ "url": GRADE, "valueCode": it.grade.code() }],
                    "mode": "match",
                    "score": score,
                },
            })
        })
        .collect();
    let mut bundle = json!({
        "resourceType": "Bundle",
        "id": ask.door.organisation.surroundings.new_id(),
        "type": "searchset",
        "total": entries.len(),
    });
    if !entries.is_empty() {
        bundle["entry"] = Value::Array(entries);
    }
    Ok(Reply::tree(&bundle))
}
