//! Work that is not done yet: what somebody typed into a form about a patient and has neither signed nor sent. Drafts
//! lie on the server alone, on disk from the moment a save is answered, and only their writer reads them. They do not
//! expire: work that nobody signed must not vanish.

use crate::act::Pen;
use bytes::Bytes;
use fhir::{Id, Value};
use serde::{Deserialize, Serialize};
use store::audit::Event;
use store::{Caller, Item, ItemChange, ItemExpect, Store, StoreError, StoreResult};

const SHELF: &str = "draft";
/// What one form may hold.
const MOST: usize = 512 * 1024;

#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// `note/<id>`, `vitals`, `basket`.
    pub form: String,
    pub patient: Id,
    pub body: Value,
    /// For the next save: whoever has another version on the screen is told.
    pub version: u64,
    /// When it was saved, in microseconds since 1970.
    pub at: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// It was saved from elsewhere meanwhile; this is what lies there now, if anything.
    #[error("the draft was changed from another window meanwhile")]
    Conflict(Option<Box<Draft>>),
    #[error("a draft holds at most {MOST} bytes")]
    TooLong,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The drafts of one person.
#[derive(Clone, Copy)]
pub struct Drafts<'a> {
    store: &'a Store,
    caller: &'a Caller,
    now: i64,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct Kept {
    form: String,
    patient: String,
    body: Value,
    at: i64,
}

impl<'a> Drafts<'a> {
    pub fn of(pen: &Pen<'a>) -> Drafts<'a> {
        Drafts { store: pen.store(), caller: pen.caller, now: pen.now }
    }

    fn name(&self, form: &str, patient: &Id) -> String {
        format!("{}/{patient}/{form}", self.caller.who)
    }

    pub async fn read(&self, form: &str, patient: &Id) -> StoreResult<Option<Draft>> {
        match self.store.item(SHELF, &self.name(form, patient), self.now).await? {
            Some(item) if item.owner == *self.caller.who => draft(&item).map(Some),
            _ => Ok(None),
        }
    }

    /// Saves it over the version that was on the screen; `None` where there was none yet.
    pub async fn keep(&self, form: &str, patient: &Id, body: Value, version: Option<u64>) -> Result<Draft, DraftError> {
        let kept = Kept { form: form.to_owned(), patient: patient.to_string(), body, at: self.now };
        let bytes = serde_json::to_vec(&kept).expect("a tree of JSON can be written");
        if bytes.len() > MOST {
            return Err(DraftError::TooLong);
        }
        let expect = version.map_or(ItemExpect::Absent, ItemExpect::Version);
        let change = ItemChange::put(SHELF, self.name(form, patient), Bytes::from(bytes.clone()));
        let change = change.owned_by(&*self.caller.who).expecting(expect);
        match self.store.keep(self.caller, self.event(patient), vec![change], self.now).await {
            Ok(()) => {}
            Err(StoreError::ItemConflict { .. }) => {
                return Err(DraftError::Conflict(self.read(form, patient).await?.map(Box::new)));
            }
            Err(other) => return Err(other.into()),
        }
        // The version is given when it is written; if another window was quicker than this look, it must be told.
        match self.store.item(SHELF, &self.name(form, patient), self.now).await? {
            Some(item) if item.body == bytes => Ok(draft(&item)?),
            Some(item) => Err(DraftError::Conflict(Some(Box::new(draft(&item)?)))),
            None => Err(DraftError::Conflict(None)),
        }
    }

    /// Throws it away.
    pub async fn discard(&self, form: &str, patient: &Id) -> StoreResult<()> {
        self.store.keep(self.caller, self.event(patient), vec![self.done(form, patient)], self.now).await
    }

    /// For [`Act::keep`](crate::act::Act::keep): the draft goes with what became of it.
    pub fn done(&self, form: &str, patient: &Id) -> ItemChange {
        ItemChange::delete(SHELF, self.name(form, patient))
    }

    /// For [`Act::keep`](crate::act::Act::keep): what is left of the draft when a part of it is done with. Whoever uses
    /// this says which version they read.
    pub(crate) fn rest(&self, form: &str, patient: &Id, body: Value) -> ItemChange {
        let kept = Kept { form: form.to_owned(), patient: patient.to_string(), body, at: self.now };
        let bytes = serde_json::to_vec(&kept).expect("a tree of JSON can be written");
        ItemChange::put(SHELF, self.name(form, patient), Bytes::from(bytes)).owned_by(&*self.caller.who)
    }

    /// All of them, the latest first: the unsigned work.
    pub async fn mine(&self) -> StoreResult<Vec<Draft>> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.store.items(SHELF, Some(&self.caller.who), after.as_deref(), 200, self.now).await?;
            after = page.last().map(|it| it.name.clone());
            for item in &page {
                all.push(draft(item)?);
            }
            if page.len() < 200 {
                all.sort_by_key(|it| std::cmp::Reverse(it.at));
                return Ok(all);
            }
        }
    }

    fn event(&self, patient: &Id) -> Event {
        Event::of("draft").patient(patient.clone())
    }
}

fn draft(item: &Item) -> StoreResult<Draft> {
    let damaged = || StoreError::Damaged(format!("an entry of {SHELF} cannot be read"));
    let kept: Kept = serde_json::from_slice(&item.body).map_err(|_| damaged())?;
    let patient = Id::parse(&kept.patient).ok_or_else(damaged)?;
    Ok(Draft { form: kept.form, patient, body: kept.body, version: item.version, at: kept.at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ward::{SECOND, Ward};
    use serde_json::json;

    #[tokio::test]
    async fn a_draft_is_there_again_for_who_wrote_it_and_for_nobody_else() {
        let mut ward = Ward::open().await;
        let first = Drafts::of(&ward.pen()).keep("note/7", &ward.patient, json!({"text": "Came"}), None).await.unwrap();
        ward.later(SECOND);
        let drafts = Drafts::of(&ward.pen());
        let next = drafts.keep("note/7", &ward.patient, json!({"text": "Came with"}), Some(first.version)).await;
        let next = next.unwrap();
        assert!(next.version > first.version && next.at > first.at);
        assert_eq!(drafts.read("note/7", &ward.patient).await.unwrap(), Some(next.clone()));
        drafts.keep("vitals", &ward.patient, json!({}), None).await.unwrap();
        let mine: Vec<_> = drafts.mine().await.unwrap().into_iter().map(|it| it.form).collect();
        assert_eq!(mine.len(), 2);
        let others = ward.pen_of(&ward.nurse);
        assert_eq!(Drafts::of(&others).read("note/7", &ward.patient).await.unwrap(), None);
        assert!(Drafts::of(&others).mine().await.unwrap().is_empty());
        drafts.discard("note/7", &ward.patient).await.unwrap();
        assert_eq!(drafts.read("note/7", &ward.patient).await.unwrap(), None);
    }

    #[tokio::test]
    async fn two_windows_on_one_draft_never_overwrite_each_other() {
        let ward = Ward::open().await;
        let drafts = Drafts::of(&ward.pen());
        let opened = drafts.keep("note/7", &ward.patient, json!("a"), None).await.unwrap();
        drafts.keep("note/7", &ward.patient, json!("from one window"), Some(opened.version)).await.unwrap();
        let late = drafts.keep("note/7", &ward.patient, json!("from the other"), Some(opened.version)).await;
        let Err(DraftError::Conflict(Some(there))) = late else { panic!("{late:?}") };
        assert_eq!(there.body, json!("from one window"));
        let again = drafts.keep("note/7", &ward.patient, json!("a new one"), None).await;
        assert!(matches!(again, Err(DraftError::Conflict(Some(_)))));
        let long = Value::String("x".repeat(MOST));
        assert!(matches!(drafts.keep("other", &ward.patient, long, None).await, Err(DraftError::TooLong)));
    }
}
