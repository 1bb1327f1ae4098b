//! Documents that are brought (screen C-19): a file with what it is, when and by whom; and the mark that somebody has
//! looked at a document. What the file really is, is found out by `care::filing`.

use crate::components::form::{Errors, act, choice, field};
use crate::components::shell;
use crate::locale::Words;
use crate::pages::notes::SHEET;
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::extract::{Multipart, Path};
use axum::http::StatusCode;
use axum::response::Response;
use care::exchange::documents::{self, TakeError};
use care::exchange::door::DoorError;
use care::filing::{self, Brought, Ccda, FilingError, LARGEST, TYPES};
use fhir::Id;
use maud::{Markup, html};

/// Kinds of documents by their keys → what pages call them.
const NAMES: [(&str, &str); 11] = [
    ("consult", "filing-consult"),
    ("discharge", "filing-discharge"),
    ("laboratory", "filing-laboratory"),
    ("imaging", "filing-imaging"),
    ("pathology", "filing-pathology"),
    ("referral", "filing-referral"),
    ("progress", "filing-progress"),
    ("directive", "filing-directive"),
    ("insurance", "filing-insurance"),
    ("photo", "filing-photo"),
    ("other", "filing-other"),
];

/// What a form of several parts may hold beside the file.
pub(crate) const BODY: usize = LARGEST + 64 * 1024;

#[derive(Default)]
struct Given {
    title: String,
    kind: String,
    date: String,
    author: String,
    once: String,
    file_name: String,
    bytes: Vec<u8>,
}

pub(crate) async fn page(visitor: Visitor, Path((_, patient)): Path<(String, String)>) -> Answer {
    let patient = id(&patient)?;
    if !super::notes::writes(&visitor) {
        return Err(Refusal::NotFound);
    }
    let given = Given { once: visitor.once(), kind: "other".into(), ..Given::default() };
    show(&visitor, &patient, &given, &Errors::none()).await
}

async fn show(visitor: &Visitor, patient: &Id, given: &Given, errors: &Errors) -> Answer {
    let words = visitor.words;
    let banner = visitor.chart(patient).banner().await?;
    let base = visitor.address_of(patient.as_str());
    let kinds: Vec<(&str, String)> = TYPES.iter().map(|(key, ..)| (*key, kind(words, key))).collect();
    let kinds: Vec<(&str, &str)> = kinds.iter().map(|(key, name)| (*key, name.as_str())).collect();
    let main = html! {
        header.section-head {
            h1 { (words.say("filing-add")) }
            p { a href={ (base) "/documents" } { (words.say("notes-to-documents")) } }
        }
        (errors.summary())
        form.stacked.narrow-form method="post" enctype="multipart/form-data" action={ (base) "/documents/upload" } data-commit="" {
            input type="hidden" name="once" value=(given.once);
            (field("file", &words.say("filing-file")).kind("file").hint(&words.say("filing-file-hint")).show(words, errors))
            (choice("kind", &words.say("filing-kind"), &kinds, &given.kind))
            (field("title", &words.say("filing-title")).value(&given.title).maxlength(200).optional().show(words, errors))
            (field("date", &words.say("filing-date")).kind("date").value(&given.date).optional().show(words, errors))
            (field("author", &words.say("filing-author")).value(&given.author).maxlength(200).hint(&words.say("filing-author-hint")).optional().show(words, errors))
            div.buttons {
                button.primary type="submit" { (words.with("filing-file-for", &[("patient", banner.person.name().into())])) }
                a href={ (base) "/documents" } { (words.say("filing-cancel")) }
            }
        }
    };
    let title = errors.title(words, &words.say("filing-add"));
    let mut response = shell::chart(visitor, &banner, "documents", (title, SHEET), main);
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

fn kind(words: &Words, key: &str) -> String {
    NAMES.iter().find(|(it, _)| *it == key).map_or_else(|| key.to_owned(), |(_, name)| words.say(name))
}

/// The parts of the form; a broken one says nothing.
async fn read(mut form: Multipart) -> Option<Given> {
    let mut given = Given::default();
    while let Some(part) = form.next_field().await.ok()? {
        let name = part.name().unwrap_or_default().to_owned();
        if name == "file" {
            given.file_name =
                part.file_name().unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
            given.bytes = part.bytes().await.ok()?.to_vec();
            continue;
        }
        let text = part.text().await.ok()?;
        match name.as_str() {
            "title" => given.title = text,
            "kind" => given.kind = text,
            "date" => given.date = text,
            "author" => given.author = text,
            "once" => given.once = text,
            _ => {}
        }
    }
    Some(given)
}

pub(crate) async fn submit(visitor: Visitor, Path((_, patient)): Path<(String, String)>, form: Multipart) -> Answer {
    let (words, patient) = (visitor.words, id(&patient)?);
    if !super::notes::writes(&visitor) {
        return Err(Refusal::NotFound);
    }
    let Some(given) = read(form).await else {
        let given = Given { once: visitor.once(), kind: "other".into(), ..Given::default() };
        return show(&visitor, &patient, &given, &Errors::one("file", words.say("filing-error-size"))).await;
    };
    if filing::sniff(&given.bytes) == Some(filing::Kind::Ccda) {
        match take(&visitor, &patient, &given.bytes).await {
            Ok(answer) => return Ok(answer),
            Err(TakeError::AnotherPatient) => {
                let errors = Errors::one("file", words.say("exchange-error-another"));
                return show(&visitor, &patient, &given, &errors).await;
            }
            // What only looks like a document of C-CDA is filed as it is.
            Err(TakeError::Unreadable(_) | TakeError::Door(DoorError::Invalid(_))) => {}
            Err(TakeError::Store(error) | TakeError::Door(DoorError::Store(error))) => {
                return Err(Refusal::from(error));
            }
            Err(TakeError::Door(DoorError::Busy)) => {
                let errors = Errors::one("file", words.say("filing-error-nothing"));
                return show(&visitor, &patient, &given, &errors).await;
            }
        }
    }
    let brought = Brought {
        bytes: &given.bytes,
        file_name: &given.file_name,
        title: &given.title,
        kind: &given.kind,
        date: &given.date,
        author: &given.author,
        once: &given.once,
    };
    let (at, key) = match filing::file(&visitor.pen(), &patient, &brought).await {
        Ok(document) => {
            return Ok(see_other(&format!("{}/documents/{document}?done=filed", visitor.address_of(patient.as_str()))));
        }
        Err(FilingError::Nothing) => ("file", "filing-error-nothing"),
        Err(FilingError::TooLarge) => ("file", "filing-error-size"),
        Err(FilingError::Unknown) => ("file", "filing-error-unknown"),
        Err(FilingError::NoKind) => ("kind", "filing-error-kind"),
        Err(FilingError::NoDate) => ("date", "filing-error-date"),
        Err(FilingError::Act(error)) => return Err(Refusal::from(error)),
        Err(FilingError::Store(error)) => return Err(Refusal::from(error)),
    };
    show(&visitor, &patient, &given, &Errors::one(at, words.say(key))).await
}

/// A clinical document is taken in whole: kept as it came, its entries read.
async fn take(visitor: &Visitor, patient: &Id, bytes: &[u8]) -> Result<Response, TakeError> {
    let pen = visitor.pen();
    let taken = documents::take(pen.organisation, pen.caller, bytes, Some(patient), pen.now).await?;
    let done = if taken.is_new() { "taken" } else { "known" };
    Ok(see_other(&format!("{}/documents/{}?done={done}", visitor.address_of(patient.as_str()), taken.document)))
}

/// Marks a document as looked at.
pub(crate) async fn review(visitor: Visitor, Path((_, patient, document)): Path<(String, String, String)>) -> Answer {
    let (patient, document) = (id(&patient)?, id(&document)?);
    match filing::review(&visitor.pen(), &patient, &document).await {
        Ok(()) => Ok(see_other(&format!("{}/documents/{document}?done=seen", visitor.address_of(patient.as_str())))),
        Err(FilingError::Act(error)) => Err(Refusal::from(error)),
        Err(FilingError::Store(error)) => Err(Refusal::from(error)),
        Err(_) => Err(Refusal::NotFound),
    }
}

/// Who has looked at a document that others wrote, and the button for who has.
pub(crate) fn reviewed(visitor: &Visitor, address: &str, by: Option<&str>) -> Markup {
    let words = visitor.words;
    html! {
        @match by {
            Some(by) => { p.quiet { (words.with("filing-reviewed-by", &[("who", by.into())])) } }
            None => { @if super::notes::writes(visitor) { (act(&format!("{address}/review"), &[], &words.say("filing-review"), Some("primary"))) } }
        }
    }
}

/// The readable part of a clinical document that was sent as a file.
pub(crate) fn clinical(words: &Words, document: &Ccda) -> Markup {
    html! {
        section.narrative.ccda aria-label=(words.say("filing-ccda")) {
            dl.details {
                @if let Some(title) = &document.title { div { dt { (words.say("filing-ccda-title")) } dd { (title) } } }
                @if let Some(patient) = &document.patient {
                    div { dt { (words.say("filing-ccda-patient")) } dd { (patient) @if let Some(born) = &document.born { ", " (born) } } }
                }
                @if let Some(author) = &document.author { div { dt { (words.say("filing-ccda-author")) } dd { (author) } } }
                @if let Some(custodian) = &document.custodian { div { dt { (words.say("filing-ccda-custodian")) } dd { (custodian) } } }
            }
            @for section in &document.sections {
                h2 { (section.title) }
                div.scroll tabindex="0" { (super::documents::clean(&section.html)) }
            }
        }
    }
}
