//! Terms for a field that offers them while one types (`combo.js`): a piece of a page, nothing about any patient.

use crate::components::combo;
use crate::request::{Answer, Visitor, html as piece};
use axum::extract::Query;
use care::terms::{self, Kind};
use serde::Deserialize;

/// How many are offered.
const OFFERED: usize = 12;

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    q: String,
}

pub(crate) async fn fragment(_: Visitor, Query(asked): Query<Asked>) -> Answer {
    let found = Kind::parse(&asked.kind).map_or_else(Vec::new, |kind| terms::search(kind, &asked.q, OFFERED));
    Ok(piece(combo::options(&found)))
}
