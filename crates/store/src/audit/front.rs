//! The front of the store for whoever looks: each look is answered, then written down with whose data it showed, then
//! given out. An answer that cannot be written down is not given.

use super::chain;
use super::event::{Event, Outcome};
use super::page::{self, Query as AuditQuery};
use super::queue::{Look, Shown};
use super::verify::{self, Report};
use super::{Anchor, Page as AuditPage};
use crate::caller::Caller;
use crate::error::{StoreError, StoreResult};
use crate::maintain::Progress;
use crate::rights::Action;
use crate::special::Everything;
use crate::store::{Store, reading, searching};
use crate::stored::{HistoryPage, HistoryQuery, HistoryScope, Page, PageQuery, Stored};
use fhir::search::query::Query;
use fhir::{Key, ResourceType};

impl Store {
    /// The current version.
    pub async fn read(&self, caller: &Caller, key: &Key) -> StoreResult<Stored> {
        let answer = self.quiet_read(caller, key).await;
        self.looked(Look { about: Some(key.clone()), ..self.look(caller, "read") }, answer).await
    }

    /// One version, current or not.
    pub async fn vread(&self, caller: &Caller, key: &Key, version: &str) -> StoreResult<Stored> {
        let answer = self.quiet_vread(caller, key, version).await;
        let detail = format!("{key}/_history/{version}");
        self.looked(Look { about: Some(key.clone()), detail, ..self.look(caller, "vread") }, answer).await
    }

    /// Versions, newest first.
    pub async fn history(&self, caller: &Caller, query: &HistoryQuery) -> StoreResult<HistoryPage> {
        let answer = self.quiet_history(caller, query).await;
        let mut look = self.look(caller, "history");
        match &query.scope {
            HistoryScope::Instance(key) => look.about = Some(key.clone()),
            HistoryScope::Kind(kind) => look.kind = Some(*kind),
            HistoryScope::System => {}
        }
        self.looked(look, answer).await
    }

    pub async fn search(&self, caller: &Caller, query: &PageQuery) -> StoreResult<Page> {
        let answer = self.quiet_search(caller, query).await;
        self.looked(self.search_look(caller, "search", &query.query), answer).await
    }

    /// The keys that a condition finds, at most `limit`.
    pub async fn find(&self, caller: &Caller, query: &Query, limit: usize) -> StoreResult<Vec<Key>> {
        let answer = self.quiet_find(caller, query, limit).await;
        self.looked(self.search_look(caller, "find", query), answer).await
    }

    /// The compartment of a patient or an encounter, and what it refers to (`$everything`).
    pub async fn everything(&self, caller: &Caller, query: &Everything) -> StoreResult<Page> {
        let answer = self.quiet_everything(caller, query).await;
        let about = Some(query.owner.clone());
        self.looked(Look { about, ..self.look(caller, "everything") }, answer).await
    }

    /// The last `n` of each code (`Observation/$lastn`).
    pub async fn last_n(&self, caller: &Caller, query: &Query, n: u32) -> StoreResult<Page> {
        let answer = self.quiet_last_n(caller, query, n).await;
        self.looked(self.search_look(caller, "lastn", query), answer).await
    }

    /// The resources of a type that share one of these numbers ([`Likeness`](crate::Likeness)), those that share what
    /// few do first; at most `most`. The detail is what the log says was asked.
    pub async fn alike(
        &self,
        caller: &Caller,
        kind: ResourceType,
        keys: &[i64],
        most: usize,
        action: &'static str,
    ) -> StoreResult<Vec<Stored>> {
        let answer = self.quiet_alike(caller, kind, keys, most).await;
        self.looked(Look { kind: Some(kind), ..self.look(caller, action) }, answer).await
    }

    /// Writes down what happened.
    pub async fn record(&self, caller: &Caller, event: Event, now: i64) -> StoreResult<()> {
        let look = Look {
            at: now,
            outcome: event.outcome,
            about: event.about,
            named: event.patients,
            rule: event.rule,
            detail: event.detail,
            ..self.look(caller, event.action)
        };
        self.note(look).await
    }

    /// A page of the log, newest first. For those who may read it, and for each patient as far as it concerns them.
    pub async fn audit_page(&self, caller: &Caller, asked: &AuditQuery, now: i64) -> StoreResult<AuditPage> {
        let own = asked.patient.is_some() && asked.patient == caller.patient;
        let answer = if own || caller.rights.may("audit.read") {
            self.settled().await?;
            searching!(self, session => page::page(&mut session, &self.0.seal, caller, asked).await)
        } else {
            self.refused(caller, asked, Action::Search, "audit.read");
            Err(StoreError::Forbidden)
        };
        let look = Look {
            at: now,
            kind: ResourceType::parse("AuditEvent"),
            named: asked.patient.iter().cloned().collect(),
            detail: asked.to_string(),
            ..self.look(caller, "search")
        };
        self.looked(look, answer).await
    }

    /// Whether the log is as it was written: each entry follows from the one before, agrees with what it is found by
    /// and with the change log, and with the anchors that are given. Tells the first entry that does not.
    pub async fn audit_verify(
        &self,
        caller: &Caller,
        anchors: &[Anchor],
        progress: &Progress<'_>,
    ) -> StoreResult<Report> {
        if !caller.rights.may("audit.read") {
            self.refused(caller, &"AuditEvent", Action::Search, "audit.read");
            self.keep_pace().await?;
            return Err(StoreError::Forbidden);
        }
        // A log that is damaged may take no entries any more; what is on disk is verified all the same.
        if let Err(error) = self.settled().await {
            tracing::warn!(%error, "not all that was looked at is in the audit log yet");
        }
        let answer = reading!(self, session => verify::verify(&mut session, anchors, progress).await)?;
        let detail = match &answer.bad {
            None => format!("{} entries, all well", answer.entries),
            Some(bad) => format!("entry {}: {}", bad.sequence, bad.what),
        };
        if let Err(error) = self.note(Look { detail, ..self.look(caller, "audit-verify") }).await {
            tracing::error!(%error, "that the audit log was verified could not be written down");
        }
        Ok(answer)
    }

    /// The end of the log as it is on disk: to be signed and kept elsewhere. `None` while the log is empty.
    pub async fn audit_head(&self) -> StoreResult<Option<(u64, i64, String)>> {
        self.settled().await?;
        let head = reading!(self, session => page::head(&mut session).await)?;
        Ok(head.map(|(sequence, at, hash)| (sequence as u64, at, chain::hex(&hash))))
    }

    /// Waits until what has been looked at so far is on disk.
    async fn settled(&self) -> StoreResult<()> {
        self.0.shared.queue.settled(&self.0.lane).await
    }

    /// Before an answer is given that was written down without waiting.
    pub(crate) async fn keep_pace(&self) -> StoreResult<()> {
        self.0.shared.queue.keep_pace(&self.0.lane).await
    }

    pub(crate) fn look(&self, caller: &Caller, action: &'static str) -> Look {
        Look {
            caller: caller.clone(),
            at: self.0.shared.clock.now(),
            action,
            outcome: Outcome::Success,
            about: None,
            kind: None,
            version: None,
            shown: Shown::default(),
            named: Vec::new(),
            rule: None,
            detail: String::new(),
        }
    }

    fn search_look(&self, caller: &Caller, action: &'static str, query: &Query) -> Look {
        let kind = if let [only] = query.kinds.as_slice() { Some(*only) } else { None };
        Look { kind, detail: asked(query), ..self.look(caller, action) }
    }

    async fn note(&self, look: Look) -> StoreResult<()> {
        self.0.shared.queue.add(look, &self.0.lane).await
    }

    /// Writes a look down with what came of it, and gives the answer out.
    async fn looked<T: Shows>(&self, mut look: Look, answer: StoreResult<T>) -> StoreResult<T> {
        match &answer {
            Ok(answer) => {
                answer.show(&mut look.shown);
                look.version = answer.version();
            }
            // Who refuses writes it down, with the rule.
            Err(StoreError::Forbidden) => return self.keep_pace().await.and(answer),
            Err(error) => match error.kind() {
                // Nothing is there, or nothing that the caller may see.
                (404, _) => {}
                _ if matches!(error, StoreError::Gone { .. }) => {}
                (status, code) => {
                    look.outcome = if status < 500 { Outcome::Refused } else { Outcome::Failed };
                    look.rule = Some(code.code().into());
                }
            },
        }
        match self.note(look).await {
            Err(unwritten) if answer.is_ok() => Err(unwritten),
            _ => answer,
        }
    }
}

/// What a search asked: its types and parameters.
pub(crate) fn asked(query: &Query) -> String {
    let kinds: Vec<&str> = query.kinds.iter().map(|kind| kind.name()).collect();
    let mut asked = kinds.join(",");
    for (at, (name, value)) in query.understood.iter().enumerate() {
        asked.push(if at == 0 { '?' } else { '&' });
        asked.push_str(name);
        asked.push('=');
        asked.push_str(value);
    }
    asked
}

/// An answer that tells whose data it holds.
trait Shows {
    fn show(&self, to: &mut Shown);

    /// The version, where it is one resource.
    fn version(&self) -> Option<i64> {
        None
    }
}

impl Shows for Stored {
    fn show(&self, to: &mut Shown) {
        to.add(self.rid, self.owner);
    }

    fn version(&self) -> Option<i64> {
        Some(self.version as i64)
    }
}

impl Shows for HistoryPage {
    fn show(&self, to: &mut Shown) {
        self.versions.iter().for_each(|it| it.show(to));
    }
}

impl Shows for Page {
    fn show(&self, to: &mut Shown) {
        self.entries.iter().for_each(|it| it.stored.show(to));
    }
}

impl Shows for Vec<Stored> {
    fn show(&self, to: &mut Shown) {
        self.iter().for_each(|it| it.show(to));
    }
}

/// Names alone show nothing.
impl Shows for Vec<Key> {
    fn show(&self, _: &mut Shown) {}
}

/// What is in the log concerns the patients asked for, who are named already.
impl Shows for AuditPage {
    fn show(&self, _: &mut Shown) {}
}
