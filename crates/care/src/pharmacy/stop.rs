//! Stopping a medicine that was prescribed here. What it means for the pharmacy follows by itself.

use crate::act::{Act, Pen, Written};
use crate::chart::element::text;
use crate::orders::{OrderError, may_sign};
use fhir::{Id, Key};
use serde_json::json;

/// Ends a prescription, with the reason.
pub async fn stop(
    pen: &Pen<'_>,
    patient: &Id,
    prescription: &Id,
    reason: &str,
    once: &str,
) -> Result<Written, OrderError> {
    if !may_sign(pen) {
        return Err(OrderError::MayNotSign);
    }
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(OrderError::Reason);
    }
    let mut act = Act::new("prescription.stop", patient).once(once).reason(reason);
    let key = Key::parse(&format!("MedicationRequest/{prescription}")).ok_or(OrderError::Unknown)?;
    let stored = pen.store().read(pen.caller, &key).await?;
    let mut value = stored.value();
    if text(&value, &["subject", "reference"]) != Some(&format!("Patient/{patient}")) {
        return Err(OrderError::Unknown);
    }
    if pen.written_before(once).await?.is_none() && !matches!(text(&value, &["status"]), Some("active" | "on-hold")) {
        return Err(OrderError::Changed);
    }
    value["status"] = "stopped".into();
    value["statusReason"] = json!({ "text": reason });
    act.update(key, stored.version, value);
    Ok(pen.commit(act).await?)
}
