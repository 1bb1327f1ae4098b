//! What makes a page keep itself as the record is: where to listen, and what is said when a part was renewed. Parts of the
//! page that shall follow carry `data-live` with the types they show, and an id; without JavaScript the page is as it was
//! when it was asked for.

use crate::assets;
use crate::request::Visitor;
use fhir::Id;
use maud::{Markup, html};

/// Types that the first page of a chart is made of.
pub(crate) const SUMMARY: &str = "AllergyIntolerance Condition DiagnosticReport DocumentReference Encounter Immunization \
    MedicationRequest MedicationStatement Observation";

/// Once on a page.
pub(crate) fn source(visitor: &Visitor, patient: Option<&Id>) -> Markup {
    let mut address = visitor.at("live");
    if let Some(patient) = patient {
        address.push_str(&format!("?patient={patient}"));
    }
    source_at(visitor, &address)
}

/// The same, of a page that listens elsewhere.
pub(crate) fn source_at(visitor: &Visitor, address: &str) -> Markup {
    html! {
        div hidden data-stream=(address) data-said=(visitor.words.say("results-live")) {}
        p.spoken role="status" {}
        script type="module" src=(assets::address("live.js")) {}
    }
}
