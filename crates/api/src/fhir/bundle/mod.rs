//! POST to the base: a batch, whose entries stand each alone, or a transaction, which happens as a whole.
//!
//! FHIR R4, http.html#transaction.

mod batch;
mod entry;
mod references;
mod transaction;

use super::negotiate::Content;
use super::{Ask, content, refuse_rest};
use crate::refusal::{Answer, Refusal};
use crate::reply::Reply;
use ::fhir::{Issue, IssueCode};
use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

pub(crate) async fn bundle(mut ask: Ask<'_>) -> Answer<Reply> {
    refuse_rest(&ask.pairs)?;
    let content = std::mem::replace(&mut ask.content, Content::None);
    let bytes = match &content {
        Content::Fhir(bytes) => bytes.clone(),
        _ => Bytes::new(),
    };
    if matches!(content, Content::Tree(_)) {
        return Err(Refusal::not_supported("a bundle inside a batch is not processed; send it by itself"));
    }
    let tree = content::tree_of_any_size(ask.door, content).await?;
    content::of_type(&tree, ::fhir::ResourceType::parse("Bundle").expect("Bundle is a type"))?;
    let entries = match tree.get("entry") {
        None => 0,
        Some(Value::Array(entries)) => entries.len(),
        Some(_) => return Err(place("Bundle.entry", IssueCode::Structure, "entry is a list")),
    };
    let limit = ask.door.settings.entry_limit;
    if entries > limit {
        return Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            IssueCode::TooCostly,
            format!("a bundle may have {limit} entries; send it in parts"),
        ));
    }
    match tree.get("type").and_then(Value::as_str) {
        Some("batch") => batch::batch(ask, tree).await,
        Some("transaction") => transaction::transaction(ask, tree, bytes).await,
        Some("document" | "message" | "collection" | "searchset" | "history") => Err(place(
            "Bundle.type",
            IssueCode::NotSupported,
            "the base takes bundles of type batch and transaction; POST others to Bundle to store them",
        )),
        _ => Err(place("Bundle.type", IssueCode::Required, "type must be batch or transaction")),
    }
}

fn place(expression: &str, code: IssueCode, says: &str) -> Refusal {
    Refusal::of(StatusCode::BAD_REQUEST, vec![Issue::error(code, expression, says)])
}
