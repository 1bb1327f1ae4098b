//! Notes that nobody has signed yet. A draft belongs to a note, not to a person: everybody who may write notes about
//! the patient can open it and go on. It lies on the server from the moment a save is answered and survives a restart.
//!
//! Nobody overwrites anybody: a save says which edition was on the screen, and when that is not the latest any more,
//! both texts come back side by side with a merge (screen C-11). Every edition is kept until the note is signed.

use super::content::{self, Phrase, Template};
use super::kinds::{self, Kind};
use super::links;
use super::merge::merge;
use super::text::{self, Gap, TokenKind};
use super::{NoteError, phrases};
use crate::act::Pen;
use crate::ask;
use crate::chart::{Problem, Standing};
use fhir::Id;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use store::audit::Event;
use store::{Action, Item, ItemChange, ItemExpect, StoreError, StoreResult};

/// Notes under way, by `patient/note`, owned by who began them.
pub(super) const SHELF: &str = "note";
/// Every edition of them, by `patient/note/edition`.
pub(super) const EDITIONS: &str = "note-edition";
/// Editions that are kept of one note.
const KEPT: u32 = 200;
/// What one section may hold, in bytes, and how many there may be.
const SECTION: usize = 60_000;
const SECTIONS: usize = 60;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub id: String,
    pub patient: String,
    /// A key of [`kinds::KINDS`].
    pub kind: String,
    pub title: String,
    /// The visit it tells of.
    #[serde(default)]
    pub encounter: Option<String>,
    /// `en` or `es`: letters to patients may be in Spanish.
    pub language: String,
    /// Who began it (`user/7f3c`), by name, and everybody who wrote since.
    pub author: String,
    pub author_name: String,
    pub hands: Vec<String>,
    pub parts: Vec<Part>,
    /// Values that were taken from the chart.
    #[serde(default)]
    pub taken: Vec<Taken>,
    pub edition: u32,
    pub begun: i64,
    pub saved: i64,
    pub saved_by: String,
    pub saved_by_name: String,
    /// A signed note that this one adds to or replaces.
    #[serde(default)]
    pub amends: Option<Amends>,
}

/// A section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub key: String,
    pub title: String,
    /// LOINC.
    #[serde(default)]
    pub code: Option<String>,
    /// The problem it is about (Condition).
    #[serde(default)]
    pub problem: Option<String>,
    pub text: String,
}

/// A value that stood for a link, when it was taken and from what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    pub part: String,
    pub link: String,
    pub text: String,
    pub at: i64,
    pub sources: Vec<Source>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// `Observation/7`.
    pub reference: String,
    pub name: String,
    /// When it was measured or written, as people read it.
    pub when: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amends {
    /// DocumentReference.
    pub document: String,
    pub title: String,
    pub how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// An addendum: the other stays as it is.
    Appends,
    /// A correction: the other is superseded.
    Replaces,
}

/// What a new note begins with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beginning<'a> {
    pub template: &'a str,
    pub encounter: Option<&'a str>,
    pub spanish: bool,
}

/// What was on somebody's screen.
#[derive(Clone, Debug, Default)]
pub struct Saving {
    pub edition: u32,
    /// Section → its text.
    pub texts: Vec<(String, String)>,
}

/// A piece of text that was replaced while saving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expanded {
    pub part: String,
    /// `@age`, `.normalros`.
    pub token: String,
    pub text: String,
}

#[derive(Debug)]
pub enum Saved {
    Kept {
        note: Box<Note>,
        expanded: Vec<Expanded>,
    },
    /// Somebody saved meanwhile; nothing was written.
    Clash(Box<Clash>),
}

/// Two texts of one note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// What lies on the server now.
    pub theirs: Note,
    /// Section by section, those that differ.
    pub parts: Vec<Difference>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub key: String,
    pub title: String,
    pub mine: String,
    pub theirs: String,
    /// Both put together.
    pub merged: String,
    /// Neither touched what the other did.
    pub clean: bool,
}

/// An edition, for the list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edition {
    pub number: u32,
    pub at: i64,
    pub by: String,
    /// How many words it had.
    pub words: usize,
}

impl Note {
    pub fn kind(&self) -> &'static Kind {
        kinds::kind(&self.kind).unwrap_or(&kinds::KINDS[0])
    }

    pub fn is_letter(&self) -> bool {
        !self.kind().clinical
    }

    /// What must be filled in before it can be signed: section and gap.
    pub fn gaps(&self) -> Vec<(&Part, Gap)> {
        self.parts.iter().flat_map(|part| text::gaps(&part.text).into_iter().map(move |gap| (part, gap))).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|it| it.text.trim().is_empty())
    }

    fn words(&self) -> usize {
        self.parts.iter().map(|it| it.text.split_whitespace().count()).sum()
    }

    fn part(&self, key: &str) -> Option<&Part> {
        self.parts.iter().find(|it| it.key == key)
    }

    fn name(&self) -> String {
        name(&self.patient, &self.id)
    }

    fn body(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("text and numbers can be written")
    }
}

fn name(patient: &str, note: &str) -> String {
    format!("{patient}/{note}")
}

fn edition_name(patient: &str, note: &str, edition: u32) -> String {
    format!("{patient}/{note}/{edition:08}")
}

fn read(item: &Item) -> StoreResult<Note> {
    // The message of serde_json may quote what it read.
    serde_json::from_slice(&item.body)
        .map_err(|_| StoreError::Damaged(format!("an entry of {} cannot be read", item.shelf)))
}

/// Whoever may write documents about a patient they can reach may open what is being written about them.
pub(super) async fn admit(pen: &Pen<'_>, patient: &Id) -> Result<(), NoteError> {
    if !pen.may(Action::Create, "DocumentReference") {
        return Err(StoreError::Forbidden.into());
    }
    ask::read(pen.store(), pen.caller, "Patient", patient).await?;
    Ok(())
}

async fn load(pen: &Pen<'_>, patient: &Id, note: &str) -> Result<(Note, u64), NoteError> {
    let item = pen.store().item(SHELF, &name(patient.as_str(), note), pen.now).await?.ok_or(NoteError::Absent)?;
    Ok((read(&item)?, item.version))
}

/// The draft as it lies there now, with the version of its record.
pub(super) async fn open_for_signing(pen: &Pen<'_>, patient: &Id, note: &str) -> Result<(Note, u64), NoteError> {
    admit(pen, patient).await?;
    load(pen, patient, note).await
}

/// The draft as it lies there now.
pub async fn open(pen: &Pen<'_>, patient: &Id, note: &str) -> Result<Note, NoteError> {
    admit(pen, patient).await?;
    Ok(load(pen, patient, note).await?.0)
}

/// Begins a note from an outline.
pub async fn begin(pen: &Pen<'_>, patient: &Id, beginning: Beginning<'_>) -> Result<Note, NoteError> {
    admit(pen, patient).await?;
    let template = content::template(beginning.template).ok_or(NoteError::Absent)?;
    if let Some(encounter) = beginning.encounter {
        let id = Id::parse(encounter).ok_or(NoteError::Absent)?;
        let visit = ask::read(pen.store(), pen.caller, "Encounter", &id).await?.value;
        if crate::chart::element::text(&visit, &["subject", "reference"]) != Some(&format!("Patient/{patient}")) {
            return Err(NoteError::Absent);
        }
    }
    let mut note = blank(pen, patient, template.kind());
    note.title = template.name.clone();
    note.encounter = beginning.encounter.map(str::to_owned);
    note.language = if beginning.spanish && template.in_spanish() { "es".into() } else { "en".into() };
    note.parts = parts(pen, patient, template, note.language == "es").await?;
    let texts = note.parts.iter().map(|it| (it.key.clone(), it.text.clone())).collect();
    expand_into(pen, patient, &mut note, texts).await?;
    first(pen, note).await
}

/// Begins what adds to a signed note or corrects it.
pub(super) async fn amend(
    pen: &Pen<'_>,
    patient: &Id,
    amends: Amends,
    kind: &'static Kind,
    encounter: Option<String>,
    parts: Vec<Part>,
) -> Result<Note, NoteError> {
    admit(pen, patient).await?;
    let mut note = blank(pen, patient, kind);
    note.title = amends.title.clone();
    note.encounter = encounter;
    note.parts = parts;
    note.amends = Some(amends);
    first(pen, note).await
}

fn blank(pen: &Pen<'_>, patient: &Id, kind: &'static Kind) -> Note {
    let (who, display) = (pen.caller.who.to_string(), pen.caller.display.to_string());
    Note {
        id: pen.organisation.surroundings.new_id(),
        patient: patient.to_string(),
        kind: kind.key.to_owned(),
        title: String::new(),
        encounter: None,
        language: "en".to_owned(),
        author: who.clone(),
        author_name: display.clone(),
        hands: vec![display.clone()],
        parts: Vec::new(),
        taken: Vec::new(),
        edition: 1,
        begun: pen.now,
        saved: pen.now,
        saved_by: who,
        saved_by_name: display,
        amends: None,
    }
}

async fn parts(pen: &Pen<'_>, patient: &Id, template: &Template, spanish: bool) -> Result<Vec<Part>, NoteError> {
    let mut parts = Vec::new();
    for outline in &template.sections {
        let title = outline.title_es.as_ref().filter(|_| spanish).unwrap_or(&outline.title).clone();
        let text = outline.text_es.as_ref().filter(|_| spanish).unwrap_or(&outline.text).clone();
        parts.push(Part { key: outline.key.clone(), title, code: outline.code.clone(), problem: None, text });
        if outline.per_problem {
            // The problems of the visit come by hand: nobody speaks about all of them each time.
            let of_visit = visit_problems(pen, patient).await?;
            parts.extend(of_visit.iter().map(|it| for_problem(it, outline.code.as_deref())));
        }
    }
    Ok(parts)
}

/// What the visit is about, as far as it is a problem of the chart.
async fn visit_problems(pen: &Pen<'_>, patient: &Id) -> StoreResult<Vec<Problem>> {
    let problems = pen.chart(patient).problems().await?;
    Ok(problems.rows.into_iter().filter(|it| it.standing == Standing::Active && it.of_visit).take(5).collect())
}

fn for_problem(problem: &Problem, code: Option<&str>) -> Part {
    Part {
        key: format!("problem-{}", problem.id),
        title: problem.name.clone(),
        code: code.map(str::to_owned),
        problem: Some(problem.id.clone()),
        text: String::new(),
    }
}

async fn first(pen: &Pen<'_>, note: Note) -> Result<Note, NoteError> {
    write(pen, &note, ItemExpect::Absent).await?;
    Ok(note)
}

/// The note and its edition, in one commit.
async fn write(pen: &Pen<'_>, note: &Note, expect: ItemExpect) -> StoreResult<()> {
    let patient = Id::parse(&note.patient).expect("drafts are about patients with an id");
    let body = note.body();
    let edition = edition_name(&note.patient, &note.id, note.edition);
    let mut changes = vec![
        ItemChange::put(SHELF, note.name(), body.clone()).owned_by(&note.author).expecting(expect),
        ItemChange::put(EDITIONS, edition, body).owned_by(note.name()),
    ];
    if let Some(old) = note.edition.checked_sub(KEPT).filter(|it| *it > 0) {
        changes.push(ItemChange::delete(EDITIONS, edition_name(&note.patient, &note.id, old)));
    }
    pen.store().keep(pen.caller, Event::of("note.draft").patient(patient), changes, pen.now).await
}

/// Saves what was on a screen: expands phrases and links, and keeps the result as the next edition.
pub async fn save(pen: &Pen<'_>, patient: &Id, id: &str, saving: &Saving) -> Result<Saved, NoteError> {
    admit(pen, patient).await?;
    let (note, version) = load(pen, patient, id).await?;
    let texts = tidied(&note, saving);
    if note.edition != saving.edition {
        // The same screen again, because its answer was lost on the way.
        let same = note.saved_by == *pen.caller.who
            && texts.iter().all(|(key, it)| note.part(key).is_some_and(|part| part.text == *it));
        if same {
            return Ok(Saved::Kept { note: note.into(), expanded: Vec::new() });
        }
        return Ok(Saved::Clash(Box::new(clash(pen, note, saving.edition, &texts).await?)));
    }
    let mut next = note.clone();
    let expanded = expand_into(pen, patient, &mut next, texts).await?;
    if next == note {
        return Ok(Saved::Kept { note: note.into(), expanded });
    }
    stamp(pen, &mut next);
    match write(pen, &next, ItemExpect::Version(version)).await {
        Ok(()) => Ok(Saved::Kept { note: next.into(), expanded }),
        // Somebody was faster between our look and our write.
        Err(StoreError::ItemConflict { .. }) => {
            let (theirs, _) = load(pen, patient, id).await?;
            let texts = tidied(&theirs, saving);
            Ok(Saved::Clash(Box::new(clash(pen, theirs, saving.edition, &texts).await?)))
        }
        Err(other) => Err(other.into()),
    }
}

fn stamp(pen: &Pen<'_>, note: &mut Note) {
    note.edition += 1;
    note.saved = pen.now;
    note.saved_by = pen.caller.who.to_string();
    note.saved_by_name = pen.caller.display.to_string();
    if !note.hands.contains(&note.saved_by_name) {
        note.hands.push(note.saved_by_name.clone());
    }
}

/// The texts of sections there are; what the screen did not show stays.
fn tidied(note: &Note, saving: &Saving) -> Vec<(String, String)> {
    let known = saving.texts.iter().filter(|(key, _)| note.part(key).is_some());
    known.map(|(key, it)| (key.clone(), text::tidy(it, SECTION))).collect()
}

async fn clash(pen: &Pen<'_>, theirs: Note, edition: u32, mine: &[(String, String)]) -> StoreResult<Clash> {
    let name = edition_name(&theirs.patient, &theirs.id, edition);
    let base = match pen.store().item(EDITIONS, &name, pen.now).await? {
        Some(item) => Some(read(&item)?),
        None => None,
    };
    let difference = |(key, mine): &(String, String)| {
        let part = theirs.part(key)?;
        let base = base.as_ref().and_then(|it| it.part(key)).map(|it| it.text.as_str());
        let merged = merge(base, mine, &part.text);
        (*mine != part.text).then(|| Difference {
            key: key.clone(),
            title: part.title.clone(),
            mine: mine.clone(),
            theirs: part.text.clone(),
            merged: merged.text,
            clean: merged.clean,
        })
    };
    let parts = mine.iter().filter_map(difference).collect();
    Ok(Clash { theirs, parts })
}

/// Puts texts into their sections, with phrases and links replaced by what they stand for.
async fn expand_into(
    pen: &Pen<'_>,
    patient: &Id,
    note: &mut Note,
    texts: Vec<(String, String)>,
) -> Result<Vec<Expanded>, NoteError> {
    let own = if texts.iter().any(|(_, it)| text::tokens(it).iter().any(|it| it.kind == TokenKind::Phrase)) {
        phrases::own(pen).await?
    } else {
        Vec::new()
    };
    let mut expanded = Vec::new();
    let mut phrased: Vec<(String, String)> = Vec::new();
    for (part, before) in texts {
        let after = text::expand(&before, |token| {
            let phrase = (token.kind == TokenKind::Phrase).then(|| phrase(&own, &token.name)).flatten()?;
            Some(phrase.text.trim().to_owned())
        });
        phrased.push((part, after));
    }
    let links = phrased.iter().flat_map(|(_, it)| text::tokens(it)).filter(|it| it.kind == TokenKind::Link);
    let names: BTreeSet<String> = links.map(|it| it.name).filter(|it| links::is_known(it)).collect();
    let resolved = if names.is_empty() { HashMap::new() } else { links::resolve(pen, patient, &names).await? };
    for (key, before) in phrased {
        let mut used = Vec::new();
        let after = text::expand(&before, |token| {
            let found = resolved.get(&token.name).filter(|_| token.kind == TokenKind::Link)?;
            used.push((token.name.clone(), found.clone()));
            Some(found.text.clone())
        });
        let Some(part) = note.parts.iter_mut().find(|it| it.key == key) else { continue };
        part.text = text::tidy(&after, SECTION);
        // What was taken is told as long as it still stands there.
        note.taken.retain(|it| it.part != key || part.text.contains(&it.text));
        for (link, found) in used {
            expanded.push(Expanded { part: key.clone(), token: format!("@{link}"), text: found.text.clone() });
            let taken = Taken { part: key.clone(), link, text: found.text, at: pen.now, sources: found.sources };
            note.taken.retain(|it| it.part != taken.part || it.link != taken.link || it.text != taken.text);
            note.taken.push(taken);
        }
    }
    Ok(expanded)
}

fn phrase<'a>(own: &'a [Phrase], name: &str) -> Option<&'a Phrase> {
    own.iter().chain(content::phrases()).find(|it| it.key == name)
}

/// Adds a section for a problem of the chart.
pub async fn add_problem(pen: &Pen<'_>, patient: &Id, id: &str, problem: &str) -> Result<Note, NoteError> {
    let found = pen.chart(patient).problems().await?.rows.into_iter().find(|it| it.id == problem);
    let found = found.ok_or(NoteError::Absent)?;
    change(pen, patient, id, |note| {
        let code = note.parts.iter().find(|it| it.key == "plan").and_then(|it| it.code.clone());
        let part = for_problem(&found, code.as_deref());
        if note.part(&part.key).is_some() || note.parts.len() >= SECTIONS {
            return;
        }
        // After the plan and the problems that are there, so that they stand together.
        let last = note.parts.iter().rposition(|it| it.key == "plan" || it.problem.is_some());
        note.parts.insert(last.map_or(note.parts.len(), |it| it + 1), part);
    })
    .await
}

/// Changes something on the draft as it lies there, whoever saved last; text of others is never touched by it.
pub(super) async fn change(pen: &Pen<'_>, patient: &Id, id: &str, how: impl Fn(&mut Note)) -> Result<Note, NoteError> {
    admit(pen, patient).await?;
    const TRIES: usize = 5;
    for _ in 0..TRIES {
        let (note, version) = load(pen, patient, id).await?;
        let mut next = note.clone();
        how(&mut next);
        if next == note {
            return Ok(note);
        }
        stamp(pen, &mut next);
        match write(pen, &next, ItemExpect::Version(version)).await {
            Ok(()) => return Ok(next),
            Err(StoreError::ItemConflict { .. }) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(NoteError::Busy)
}

/// What texts would say about this patient now, without keeping anything.
pub async fn preview(pen: &Pen<'_>, patient: &Id, texts: impl Iterator<Item = &str>) -> StoreResult<Vec<String>> {
    let texts: Vec<&str> = texts.collect();
    let found = texts.iter().flat_map(|it| text::tokens(it)).filter(|it| it.kind == TokenKind::Link);
    let names: BTreeSet<String> = found.map(|it| it.name).filter(|it| links::is_known(it)).collect();
    let resolved = if names.is_empty() { HashMap::new() } else { links::resolve(pen, patient, &names).await? };
    let said = |token: &text::Token| {
        resolved.get(&token.name).filter(|_| token.kind == TokenKind::Link).map(|it| it.text.clone())
    };
    Ok(texts.iter().map(|it| text::expand(it, said)).collect())
}

/// Puts the line that a slash command made into its section, in the place of the command.
pub async fn answer(
    pen: &Pen<'_>,
    patient: &Id,
    id: &str,
    part: &str,
    command: text::Command,
    about: &str,
    line: &str,
) -> Result<Note, NoteError> {
    change(pen, patient, id, |note| {
        if let Some(part) = note.parts.iter_mut().find(|it| it.key == part) {
            part.text = text::tidy(&text::answer(&part.text, command, about, line), SECTION);
        }
    })
    .await
}

/// The editions of a note, the latest first.
pub async fn editions(pen: &Pen<'_>, patient: &Id, id: &str) -> Result<Vec<Edition>, NoteError> {
    let note = open(pen, patient, id).await?;
    let kept = note.edition.saturating_sub(KEPT);
    let after = edition_name(patient.as_str(), id, kept);
    let items = pen.store().items(EDITIONS, Some(&note.name()), Some(&after), KEPT as usize + 1, pen.now).await?;
    let edition = |item: &Item| -> StoreResult<Edition> {
        let note = read(item)?;
        Ok(Edition { number: note.edition, at: note.saved, by: note.saved_by_name.clone(), words: note.words() })
    };
    let mut all = items.iter().map(edition).collect::<StoreResult<Vec<_>>>()?;
    all.reverse();
    Ok(all)
}

/// The note as it was.
pub async fn edition(pen: &Pen<'_>, patient: &Id, id: &str, number: u32) -> Result<Note, NoteError> {
    admit(pen, patient).await?;
    let name = edition_name(patient.as_str(), id, number);
    Ok(read(&pen.store().item(EDITIONS, &name, pen.now).await?.ok_or(NoteError::Absent)?)?)
}

/// Makes an earlier edition the latest; what was there in between stays in the list.
pub async fn restore(pen: &Pen<'_>, patient: &Id, id: &str, number: u32) -> Result<Note, NoteError> {
    let before = edition(pen, patient, id, number).await?;
    change(pen, patient, id, |note| {
        note.parts.clone_from(&before.parts);
        note.taken.clone_from(&before.taken);
        note.title.clone_from(&before.title);
    })
    .await
}

/// Throws a draft away; only who began it can.
pub async fn discard(pen: &Pen<'_>, patient: &Id, id: &str) -> Result<(), NoteError> {
    admit(pen, patient).await?;
    let (note, version) = load(pen, patient, id).await?;
    if note.author != *pen.caller.who {
        return Err(StoreError::Forbidden.into());
    }
    let changes = gone(pen, &note, version).await?;
    let event = Event::of("note.discard").patient(patient.clone());
    Ok(pen.store().keep(pen.caller, event, changes, pen.now).await?)
}

/// What takes the draft and its editions away, for the commit in which it is signed.
pub(super) async fn gone(pen: &Pen<'_>, note: &Note, version: u64) -> StoreResult<Vec<ItemChange>> {
    let draft = ItemChange::delete(SHELF, note.name()).expecting(ItemExpect::Version(version));
    let editions = pen.store().items(EDITIONS, Some(&note.name()), None, KEPT as usize + 50, pen.now).await?;
    let editions = editions.into_iter().map(|it| ItemChange::delete(EDITIONS, it.name));
    Ok(std::iter::once(draft).chain(editions).collect())
}

/// What is being written about a patient, the latest first.
pub async fn of_patient(pen: &Pen<'_>, patient: &Id) -> Result<Vec<Note>, NoteError> {
    admit(pen, patient).await?;
    let start = format!("{patient}/");
    let items = pen.store().items(SHELF, None, Some(&start), 200, pen.now).await?;
    let mut notes =
        items.iter().take_while(|it| it.name.starts_with(&start)).map(read).collect::<StoreResult<Vec<_>>>()?;
    notes.sort_by_key(|it| std::cmp::Reverse(it.saved));
    Ok(notes)
}

/// What the caller began and nobody has signed, the oldest first.
pub async fn unsigned(pen: &Pen<'_>) -> Result<Vec<Note>, NoteError> {
    if !pen.may(Action::Create, "DocumentReference") {
        return Err(StoreError::Forbidden.into());
    }
    let items = pen.store().items(SHELF, Some(&pen.caller.who), None, 500, pen.now).await?;
    let mut notes = items.iter().map(read).collect::<StoreResult<Vec<_>>>()?;
    notes.sort_by_key(|it| it.begun);
    Ok(notes)
}
