//! A person's own phrases: what they keep typing, under a short name. They stand before those that ship, and nobody
//! else sees them.

use super::NoteError;
use super::content::{self, Phrase};
use super::text;
use crate::act::Pen;
use serde::{Deserialize, Serialize};
use store::audit::Event;
use store::{Action, Item, ItemChange, StoreError, StoreResult};

const SHELF: &str = "phrase";
/// Of one person.
const MOST: usize = 500;
const LONGEST: usize = 8_000;
const NAME: usize = 80;

#[derive(Serialize, Deserialize)]
struct Kept {
    key: String,
    name: String,
    text: String,
}

/// Why a phrase cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhraseError {
    /// Letters, digits, dots and hyphens, beginning with a letter, two at least.
    Key,
    Empty,
    TooMany,
}

fn shelf_name(pen: &Pen<'_>, key: &str) -> String {
    format!("{}/{key}", pen.caller.who)
}

fn read(item: &Item) -> StoreResult<Phrase> {
    let kept: Kept = serde_json::from_slice(&item.body)
        .map_err(|_| StoreError::Damaged(format!("an entry of {SHELF} cannot be read")))?;
    Ok(Phrase { key: kept.key, name: kept.name, text: kept.text })
}

/// The caller's own, by their names.
pub async fn own(pen: &Pen<'_>) -> StoreResult<Vec<Phrase>> {
    let items = pen.store().items(SHELF, Some(&pen.caller.who), None, MOST, pen.now).await?;
    items.iter().map(read).collect()
}

/// Those whose short name or name has the words, own ones first.
pub async fn find(pen: &Pen<'_>, words: &str, most: usize) -> StoreResult<Vec<Phrase>> {
    let words = words.trim().to_lowercase();
    let own = own(pen).await?;
    let shipped = content::phrases().iter().filter(|it| own.iter().all(|own| own.key != it.key)).cloned();
    let mut found: Vec<Phrase> = own.iter().cloned().chain(shipped).collect();
    let fits = |it: &Phrase| {
        it.key.starts_with(&words) || it.name.to_lowercase().split_whitespace().any(|word| word.starts_with(&words))
    };
    found.retain(fits);
    // What begins with what was typed comes first.
    found.sort_by_key(|it| !it.key.starts_with(&words));
    found.truncate(most);
    Ok(found)
}

/// Keeps a phrase under its short name, in place of the one that was there.
pub async fn keep(pen: &Pen<'_>, key: &str, name: &str, words: &str) -> Result<Result<(), PhraseError>, NoteError> {
    if !pen.may(Action::Create, "DocumentReference") {
        return Err(StoreError::Forbidden.into());
    }
    let key = key.trim().trim_start_matches('.').to_ascii_lowercase();
    let typed = format!(".{key}");
    let whole = text::tokens(&typed).first().is_some_and(|it| it.range == (0..typed.len()));
    if key.len() < 2 || key.len() > 40 || !whole {
        return Ok(Err(PhraseError::Key));
    }
    let words = text::tidy(words, LONGEST);
    if words.trim().is_empty() {
        return Ok(Err(PhraseError::Empty));
    }
    let own = own(pen).await?;
    if own.len() >= MOST && own.iter().all(|it| it.key != key) {
        return Ok(Err(PhraseError::TooMany));
    }
    let name = text::tidy(name, NAME).replace('\n', " ").trim().to_owned();
    let name = if name.is_empty() { key.clone() } else { name };
    let kept = Kept { key: key.clone(), name, text: words.trim_end().to_owned() };
    let body = serde_json::to_vec(&kept).expect("text can be written");
    let change = ItemChange::put(SHELF, shelf_name(pen, &key), body).owned_by(&*pen.caller.who);
    pen.store().keep(pen.caller, Event::of("phrase"), vec![change], pen.now).await?;
    Ok(Ok(()))
}

pub async fn remove(pen: &Pen<'_>, key: &str) -> Result<(), NoteError> {
    let change = ItemChange::delete(SHELF, shelf_name(pen, key));
    Ok(pen.store().keep(pen.caller, Event::of("phrase"), vec![change], pen.now).await?)
}
