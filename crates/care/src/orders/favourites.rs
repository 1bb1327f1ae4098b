//! Orders that somebody writes again and again, kept for them alone as they last adjusted them.

use super::basket::Item;
use super::{Kind, OrderError};
use crate::act::Pen;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use store::audit::Event;
use store::{ItemChange, StoreError, StoreResult};

/// Where they lie in the store.
pub const SHELF: &str = "favourite";
/// What can be seen at a glance.
pub const MOST: usize = 40;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Favourite {
    /// Its own name on the shelf.
    #[serde(skip)]
    pub id: String,
    pub item: Item,
}

/// Those of the caller, by kind and name.
pub async fn mine(pen: &Pen<'_>) -> StoreResult<Vec<Favourite>> {
    let items = pen.store().items(SHELF, Some(&pen.caller.who), None, MOST, pen.now).await?;
    let read = |it: store::Item| -> StoreResult<Favourite> {
        let read: Favourite = serde_json::from_slice(&it.body)
            .map_err(|_| StoreError::Damaged(format!("an entry of {SHELF} cannot be read")))?;
        Ok(Favourite { id: it.name, ..read })
    };
    let mut all = items.into_iter().map(read).collect::<StoreResult<Vec<_>>>()?;
    all.sort_by(|a, b| (a.item.kind, &a.item.name).cmp(&(b.item.kind, &b.item.name)));
    Ok(all)
}

/// Remembers an order without anything that is about a patient.
pub async fn add(pen: &Pen<'_>, item: &Item) -> Result<(), OrderError> {
    if mine(pen).await?.len() >= MOST {
        return Err(OrderError::TooLong);
    }
    let mut item = item.clone().fresh(pen);
    item.note.clear();
    item.copied = None;
    if item.kind == Kind::Drug && item.sig.is_none() {
        return Err(OrderError::Unknown);
    }
    let name = format!("{}/{}-{}", pen.caller.who, item.kind.slug(), item.key.as_deref().unwrap_or(&item.id));
    let body = serde_json::to_vec(&Favourite { id: String::new(), item }).expect("an order can be written");
    let change = ItemChange::put(SHELF, name, Bytes::from(body)).owned_by(&*pen.caller.who);
    Ok(pen.store().keep(pen.caller, Event::of("favourite"), vec![change], pen.now).await?)
}

/// The caller's own, by its name on the shelf.
pub async fn one(pen: &Pen<'_>, id: &str) -> Result<Favourite, OrderError> {
    mine(pen).await?.into_iter().find(|it| it.id == id).ok_or(OrderError::Unknown)
}

pub async fn remove(pen: &Pen<'_>, id: &str) -> Result<(), OrderError> {
    one(pen, id).await?;
    let change = ItemChange::delete(SHELF, id);
    Ok(pen.store().keep(pen.caller, Event::of("favourite"), vec![change], pen.now).await?)
}
