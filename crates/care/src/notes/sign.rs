//! A draft becomes a signed note: a DocumentReference for everybody, a Composition with its sections, a Provenance with
//! the signature, and, where it needs one, a Task for whoever must co-sign. All of it in one commit, with the draft gone.
//!
//! FHIR R4: DocumentReference 2.42, Composition 2.43, Provenance 6.3, Task 12.2, Signature 2.24.0.14;
//! US Core 6.1 DocumentReference.

use super::NoteError;
use super::draft::{self, Amends, How, Note};
use super::kinds::Kind;
use super::signed;
use crate::act::{Act, ActError, Pen, Signature};
use crate::ask;
use crate::chart::When;
use crate::chart::element::text;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fhir::{Id, Key, Value};
use serde_json::json;
use std::collections::BTreeSet;
use store::StoreError;

pub(crate) const LOINC: &str = "http://loinc.org";
const CATEGORY: &str = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category";
const PROFILE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-documentreference";
/// What a note was called while it was written; its resources bear it.
pub(super) const NOTE: &str = "urn:continuo:note";
/// Work that we ask of people.
pub const TASK: &str = "urn:continuo:task";
pub const CO_SIGN: &str = "co-sign";
/// On a note that nobody may correct any more.
pub(super) const STATE: &str = "urn:continuo:note-state";
pub(super) const LOCKED: &str = "locked";

/// How it is signed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signing<'a> {
    /// The edition that was read.
    pub edition: u32,
    /// Nobody corrects it afterwards; only addenda are possible.
    pub lock: bool,
    /// Who must co-sign (Practitioner).
    pub supervisor: Option<&'a Key>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The DocumentReference.
    pub document: Id,
    pub encounter: Option<String>,
}

/// Signs a draft. The same draft signed twice is signed once.
pub async fn sign(pen: &Pen<'_>, patient: &Id, id: &str, signing: Signing<'_>) -> Result<Signed, NoteError> {
    let (note, version) = match draft::open_for_signing(pen, patient, id).await {
        // The second of two clicks: what the first made.
        Err(NoteError::Absent) => return became(pen, patient, id).await,
        other => other?,
    };
    if note.edition != signing.edition {
        return Err(NoteError::Changed);
    }
    if note.is_empty() {
        return Err(NoteError::Empty);
    }
    match note.gaps().len() {
        0 => {}
        gaps => return Err(NoteError::Gaps(gaps)),
    }
    if signing.supervisor.is_some_and(|it| Some(it) == pen.author) {
        return Err(NoteError::NotYours);
    }
    if note.kind().needs_cosigner(&pen.caller.role) && signing.supervisor.is_none() {
        return Err(NoteError::NeedsCosigner);
    }
    let document = match commit(pen, patient, &note, version, &signing, true).await {
        // A value of the chart that the note was made from is gone meanwhile: the words stay, the pointer does not.
        Err(ActError::Store(StoreError::UnknownReference { .. })) => {
            commit(pen, patient, &note, version, &signing, false).await?
        }
        // Somebody else was faster, with a save or a signature.
        Err(ActError::Store(StoreError::ItemConflict { .. })) => return Err(NoteError::Changed),
        other => other?,
    };
    Ok(Signed { document, encounter: note.encounter })
}

/// What became of a draft that was signed.
pub async fn became(pen: &Pen<'_>, patient: &Id, id: &str) -> Result<Signed, NoteError> {
    let asked = [("identifier", format!("{NOTE}|{}", ask::escaped(id))), ("patient", format!("Patient/{patient}"))];
    let found = ask::matches(pen.store(), pen.caller, "DocumentReference", &asked, 1).await?;
    let document = found.rows.first().ok_or(NoteError::Absent)?;
    let encounter = text(&document.value, &["context", "encounter", "reference"]);
    Ok(Signed {
        document: text(&document.value, &["id"]).and_then(Id::parse).ok_or(NoteError::Absent)?,
        encounter: encounter.and_then(|it| it.strip_prefix("Encounter/")).map(str::to_owned),
    })
}

async fn commit(
    pen: &Pen<'_>,
    patient: &Id,
    note: &Note,
    version: u64,
    signing: &Signing<'_>,
    sources: bool,
) -> Result<Id, ActError> {
    let mut act = Act::new("note.sign", patient).once(format!("note/{}/{}", note.id, note.edition));
    let before = match &note.amends {
        Some(amends) => Some(signed::read_for_change(pen, patient, amends).await?),
        None => None,
    };
    let composition = composition(pen, note, signing, before.as_ref().and_then(|it| it.composition.as_ref()), sources);
    act.create(pen, composition);
    let document = act.create(pen, document(pen, note, signing, sources));
    if let (Some(Amends { how: How::Replaces, .. }), Some(before)) = (&note.amends, before) {
        let mut value = before.document;
        value["status"] = json!("superseded");
        act.update(before.key, before.version, value);
    }
    if let Some(supervisor) = signing.supervisor {
        act.create(pen, co_sign_task(pen, note, &document, supervisor));
    }
    act.signed(Signature::Author);
    for change in draft::gone(pen, note, version).await? {
        act.keep(change);
    }
    let written = pen.commit(act).await?;
    let document = written.keys.into_iter().map(|(key, _)| key).find(|key| key.kind.name() == "DocumentReference");
    Ok(document.expect("a signed note has a document").id)
}

fn subject(note: &Note) -> Value {
    json!({ "reference": format!("Patient/{}", note.patient) })
}

pub(crate) fn coded(kind: &Kind) -> Value {
    json!({ "coding": [{ "system": LOINC, "code": kind.code, "display": kind.display }], "text": kind.display })
}

/// What US Core asks for, for a clinical note; for a letter its own kind.
pub(crate) fn category(kind: &Kind) -> Value {
    match kind.clinical {
        true => json!([{ "coding": [{ "system": CATEGORY, "code": "clinical-note", "display": "Clinical Note" }] }]),
        false => json!([coded(kind)]),
    }
}

fn document(pen: &Pen<'_>, note: &Note, signing: &Signing<'_>, sources: bool) -> Value {
    let kind = note.kind();
    let now = pen.moment();
    let body = plain(pen, note, signing);
    let mut it = json!({
        "resourceType": "DocumentReference",
        "meta": { "profile": [PROFILE] },
        "identifier": [{ "system": NOTE, "value": note.id }],
        "status": "current",
        "docStatus": status(note, signing),
        "type": coded(kind),
        "category": category(kind),
        "subject": subject(note),
        "date": now,
        "author": [pen.who()],
        "description": note.title,
        "content": [{ "attachment": {
            "contentType": "text/plain; charset=utf-8",
            "language": language(note),
            "data": STANDARD.encode(&body),
            "size": body.len(),
            "title": note.title,
            "creation": now,
        }}],
    });
    if signing.supervisor.is_none() {
        it["authenticator"] = pen.who();
    }
    if signing.lock {
        it["meta"]["tag"] = json!([{ "system": STATE, "code": LOCKED }]);
    }
    let mut context = serde_json::Map::new();
    if let Some(encounter) = &note.encounter {
        context.insert("encounter".into(), json!([{ "reference": format!("Encounter/{encounter}") }]));
    }
    let related = related(note);
    if sources && !related.is_empty() {
        context.insert("related".into(), related.iter().map(|it| json!({ "reference": it })).collect());
    }
    if !context.is_empty() {
        it["context"] = Value::Object(context);
    }
    if let Some(amends) = &note.amends {
        it["relatesTo"] = json!([{ "code": code(amends.how), "target": { "reference": format!("DocumentReference/{}", amends.document) } }]);
    }
    it
}

fn language(note: &Note) -> &'static str {
    if note.language == "es" { "es-US" } else { "en-US" }
}

fn code(how: How) -> &'static str {
    match how {
        How::Appends => "appends",
        How::Replaces => "replaces",
    }
}

/// FHIR R4 value set composition-status, which docStatus shares.
fn status(note: &Note, signing: &Signing<'_>) -> &'static str {
    match (&note.amends, signing.supervisor) {
        (_, Some(_)) => "preliminary",
        (Some(Amends { how: How::Replaces, .. }), None) => "amended",
        (_, None) => "final",
    }
}

/// The resources that values in the text were taken from, each once.
fn related(note: &Note) -> BTreeSet<&str> {
    let standing =
        |it: &&draft::Taken| note.parts.iter().any(|part| part.key == it.part && part.text.contains(&it.text));
    note.taken.iter().filter(standing).flat_map(|it| &it.sources).map(|it| it.reference.as_str()).collect()
}

/// The note as plain text: what everybody can read.
fn plain(pen: &Pen<'_>, note: &Note, signing: &Signing<'_>) -> String {
    let mut out = String::new();
    for part in note.parts.iter().filter(|it| !it.text.trim().is_empty()) {
        if !note.is_letter() {
            out.push_str(&part.title.to_uppercase());
            out.push('\n');
        }
        out.push_str(part.text.trim_end());
        out.push_str("\n\n");
    }
    if !note.is_letter() {
        let word = if signing.supervisor.is_some() { "Signed, co-signature asked for" } else { "Signed" };
        let when = When::of_micros(pen.now).date();
        out.push_str(&format!("{word}: {}, {when} {} UTC\n", pen.caller.display, &pen.moment()[11..16]));
    }
    out
}

fn composition(pen: &Pen<'_>, note: &Note, signing: &Signing<'_>, before: Option<&Key>, sources: bool) -> Value {
    let kind = note.kind();
    let now = pen.moment();
    let section = |part: &draft::Part| {
        let mut it = json!({ "title": part.title, "text": { "status": "additional", "div": division(&part.text) } });
        if let Some(code) = &part.code {
            it["code"] = json!({ "coding": [{ "system": LOINC, "code": code }], "text": part.title });
        }
        let of_problem = part.problem.as_ref().map(|it| format!("Condition/{it}"));
        let taken = note.taken.iter().filter(|it| it.part == part.key && part.text.contains(&it.text));
        let entries: BTreeSet<String> =
            taken.flat_map(|it| &it.sources).map(|it| it.reference.clone()).chain(of_problem).collect();
        if sources && !entries.is_empty() {
            it["entry"] = entries.iter().map(|it| json!({ "reference": it })).collect();
        }
        it
    };
    let sections: Vec<Value> = note.parts.iter().filter(|it| !it.text.trim().is_empty()).map(section).collect();
    let mut it = json!({
        "resourceType": "Composition",
        "language": language(note),
        "identifier": { "system": NOTE, "value": note.id },
        "status": status(note, signing),
        "type": coded(kind),
        "category": category(kind),
        "subject": subject(note),
        "date": now,
        "author": [pen.who()],
        "title": note.title,
        "attester": [{ "mode": "legal", "time": now, "party": pen.who() }],
        "section": sections,
    });
    if let Some(encounter) = &note.encounter {
        it["encounter"] = json!({ "reference": format!("Encounter/{encounter}") });
    }
    if let (Some(amends), Some(before)) = (&note.amends, before) {
        it["relatesTo"] = json!([{ "code": code(amends.how), "targetReference": { "reference": before.to_string() } }]);
    }
    it
}

const OPEN: &str = "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>";
const CLOSE: &str = "</p></div>";

/// Text as narrative; [`undivided`] leads back.
pub(crate) fn division(text: &str) -> String {
    let escaped = text.trim_end().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("{OPEN}{}{CLOSE}", escaped.replace('\n', "<br/>"))
}

/// The text of a narrative of ours; of others it is `None`.
pub(crate) fn undivided(div: &str) -> Option<String> {
    let text = div.strip_prefix(OPEN)?.strip_suffix(CLOSE)?.replace("<br/>", "\n");
    if text.contains('<') {
        return None;
    }
    Some(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

fn co_sign_task(pen: &Pen<'_>, note: &Note, document: &Key, supervisor: &Key) -> Value {
    let mut it = json!({
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": { "coding": [{ "system": TASK, "code": CO_SIGN }], "text": "Co-sign a note" },
        "description": note.title,
        "focus": { "reference": document.to_string() },
        "for": subject(note),
        "authoredOn": pen.moment(),
        "lastModified": pen.moment(),
        "requester": pen.who(),
        "owner": { "reference": supervisor.to_string() },
    });
    if let Some(encounter) = &note.encounter {
        it["encounter"] = json!({ "reference": format!("Encounter/{encounter}") });
    }
    it
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_into_a_narrative_and_comes_back_as_it_was() {
        for text in ["", "one line", "two\nlines", "a < b && c > d", "&lt;", "- list\n- of things\n\nlast"] {
            assert_eq!(undivided(&division(text)).as_deref(), Some(text));
        }
        assert_eq!(undivided("<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>a <b>c</b></p></div>"), None);
        assert_eq!(undivided("anything"), None);
    }
}
