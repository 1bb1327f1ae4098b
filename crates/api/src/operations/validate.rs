//! `$validate`: what a write would say, without writing. Profiles beyond the base specification are not
//! checked yet, and the answer says so rather than calling a resource valid against them.
//!
//! FHIR R4, resource-operation-validate.html.

use super::input::Input;
use crate::fhir::{Ask, content};
use crate::refusal::{Answer, Refusal};
use crate::reply::Reply;
use ::fhir::{Draft, Issue, IssueCode};
use http::StatusCode;

pub(super) async fn validate(mut ask: Ask<'_>) -> Answer<Reply> {
    let mut input = Input::take(&mut ask).await?;
    let mode = input.text("mode")?;
    let mode = match mode.as_deref() {
        None | Some("create" | "update" | "delete") => mode,
        Some("profile") => return Err(Refusal::not_supported("mode=profile is not supported: no profiles are loaded")),
        Some(_) => return Err(Refusal::invalid("mode is create, update or delete")),
    };
    if let Some(_profile) = input.text("profile")? {
        return Err(Refusal::not_supported(
            "validation against a profile is not supported yet; without the parameter the resource is validated \
             against the base specification",
        ));
    }
    let sent = input.tree("resource")?;
    input.finish()?;

    let on_instance = ask.matched.id.is_some();
    if mode.as_deref() == Some("delete") {
        if !on_instance {
            return Err(Refusal::invalid("mode=delete is asked of one resource: [type]/[id]/$validate"));
        }
        ask.door.store().read(ask.caller, &ask.matched.key()).await?;
        return Ok(fine(vec![Issue::information(IssueCode::Informational, "the resource may be deleted")]));
    }
    let value = match sent {
        Some(value) => value,
        None if on_instance => ask.door.store().read(ask.caller, &ask.matched.key()).await?.value(),
        None => return Err(Refusal::invalid("send the resource, alone or as the parameter resource")),
    };
    content::of_type(&value, ask.matched.kind())?;
    if on_instance && mode.as_deref() == Some("update") {
        content::same_id(&value, &ask.matched.key().id)?;
    }
    // An invalid resource is a successful answer to the question (200).
    Ok(match Draft::from_value(value).check() {
        Ok(checked) if checked.warnings().is_empty() => {
            let says = "the resource is valid against the base specification of FHIR R4";
            fine(vec![Issue::information(IssueCode::Informational, says)])
        }
        Ok(checked) => fine(checked.warnings().to_vec()),
        Err(issues) => fine(issues),
    })
}

fn fine(issues: Vec<Issue>) -> Reply {
    Reply::outcome(StatusCode::OK, issues)
}
