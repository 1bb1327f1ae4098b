//! Documents: the patient summary (`$summary`, HL7 IPS 1.1.0), the documents of a patient (`$docref`, US Core 6.1.0),
//! and taking in a document of another record (`$import-document`, ours).

use super::input::Input;
use crate::fhir::pages::Writer;
use crate::fhir::{Ask, query};
use crate::refusal::{Answer, Refusal};
use crate::reply::Reply;
use ::fhir::search::{Handling, Limits, Reading, Scope};
use ::fhir::{Id, Issue, IssueCode, ResourceType};
use base64::Engine;
use care::exchange::documents::{self, TakeError};
use care::exchange::door::DoorError;
use http::StatusCode;
use store::PageQuery;

/// `Patient/[id]/$summary`.
pub(super) async fn summary(mut ask: Ask<'_>) -> Answer<Reply> {
    let patient = ask.matched.key();
    let mut input = Input::take(&mut ask).await?;
    if input.text("profile")?.is_some_and(|it| !it.starts_with("http://hl7.org/fhir/uv/ips/")) {
        return Err(Refusal::not_supported("the summary follows HL7 IPS 1.1.0 and no other profile"));
    }
    let _ = input.text("persist")?;
    input.finish()?;
    let now = ask.door.organisation.now();
    let bundle = documents::summary(&ask.door.organisation, ask.caller, &patient.id, now).await?;
    Ok(Reply::tree(&bundle))
}

/// `DocumentReference/$docref?patient=…`: what is kept of the patient; without a type, and when there is none, nothing
/// is made up: `Patient/[id]/$summary` makes a new one.
pub(super) async fn docref(mut ask: Ask<'_>) -> Answer<Reply> {
    let mut input = Input::take(&mut ask).await?;
    let patient = input.text("patient")?.ok_or_else(|| Refusal::invalid("the parameter patient is needed"))?;
    let patient = patient.strip_prefix("Patient/").unwrap_or(&patient).to_owned();
    if Id::parse(&patient).is_none() {
        return Err(Refusal::invalid("patient is the id of a patient of this server"));
    }
    let mut asked: query::Pairs =
        vec![("patient".into(), patient), ("status".into(), "current".into()), ("_sort".into(), "-date".into())];
    if let Some(start) = input.text("start")? {
        asked.push(("period".into(), format!("ge{start}")));
    }
    if let Some(end) = input.text("end")? {
        asked.push(("period".into(), format!("le{end}")));
    }
    if let Some(kind) = input.text("type")? {
        asked.push(("type".into(), kind));
    }
    if input.text("on-demand")?.as_deref() == Some("true") {
        return Err(Refusal::not_supported(
            "no document is made on demand here: Patient/[id]/$summary makes one of now",
        ));
    }
    let _ = input.text("profile")?;
    input.finish()?;
    // What is asked by a period of service is asked by the date of the document where no period is told.
    for (name, _) in asked.iter_mut().filter(|(name, _)| name == "period") {
        *name = "date".into();
    }
    let store = ask.door.store();
    let registry = store.registry();
    let now = ask.door.organisation.now() / 1000;
    let reading = Reading { registry: &registry, base: store.bases(), limits: Limits::default(), now };
    let kind = ResourceType::parse("DocumentReference").expect("a type of R4");
    let (query, _) = reading
        .query(&Scope::Type(kind), &asked, Handling::Strict)
        .map_err(|issues| Refusal::of(StatusCode::BAD_REQUEST, issues))?;
    let most = ask.door.settings.max_count;
    let page =
        store.search(ask.caller, &PageQuery { query, default_count: most, max_count: most, cursor: None }).await?;
    let base = &ask.door.base;
    let links = vec![("self", format!("{base}/DocumentReference/$docref?{}", query::encode(&asked)))];
    let size = page.entries.iter().map(|it| it.stored.body.len() + 200).sum();
    let mut writer = Writer::new(ask.door, "searchset", page.total, &links, size);
    for found in &page.entries {
        writer.found(base, found, &found.stored.body);
    }
    Ok(Reply::resource(writer.finish()))
}

/// `Patient/$import-document` and `Patient/[id]/$import-document`: a Binary with a C-CDA, or a Bundle that is a document.
pub(super) async fn import(mut ask: Ask<'_>) -> Answer<Reply> {
    let patient = ask.matched.id.clone();
    let mut input = Input::take(&mut ask).await?;
    let sent = input.tree("resource")?;
    input.finish()?;
    let sent = sent.ok_or_else(|| Refusal::invalid("send the document: a Binary, or a Bundle of the type document"))?;
    let bytes = match sent["resourceType"].as_str() {
        Some("Binary") => {
            let data = sent["data"].as_str().unwrap_or_default();
            let plain: String = data.chars().filter(|it| !it.is_whitespace()).collect();
            let decoded = base64::engine::general_purpose::STANDARD.decode(plain);
            decoded.map_err(|_| Refusal::invalid("the data of the Binary are not base64"))?
        }
        Some("Bundle") => sent.to_string().into_bytes(),
        _ => return Err(Refusal::invalid("a document is a Binary, or a Bundle of the type document")),
    };
    let organisation = &ask.door.organisation;
    let taken = documents::take(organisation, ask.caller, &bytes, patient.as_ref(), organisation.now()).await;
    let taken = taken.map_err(refused)?;
    let (became, words) = taken.entries;
    let patient = taken.patient.as_ref().map(|it| format!(" of Patient/{it}")).unwrap_or_default();
    let says = match taken.is_new() {
        true => format!(
            "DocumentReference/{}{patient}: {became} entries became resources, {words} stay in words; {} written, {} said nothing new",
            taken.document,
            taken.received.keys.len(),
            taken.received.unchanged
        ),
        false => format!("DocumentReference/{}{patient}: nothing new", taken.document),
    };
    Ok(Reply::outcome(StatusCode::OK, vec![Issue::information(IssueCode::Informational, says)]))
}

fn refused(error: TakeError) -> Refusal {
    match error {
        TakeError::Unreadable(_) | TakeError::AnotherPatient => {
            Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, IssueCode::Invalid, error.to_string())
        }
        TakeError::Store(error) | TakeError::Door(DoorError::Store(error)) => error.into(),
        TakeError::Door(DoorError::Invalid(issues)) => Refusal::of(StatusCode::UNPROCESSABLE_ENTITY, issues),
        TakeError::Door(DoorError::Busy) => Refusal::new(
            StatusCode::CONFLICT,
            IssueCode::Conflict,
            "others wrote the same at the same time; send it again".to_owned(),
        ),
    }
}
