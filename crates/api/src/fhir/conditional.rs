//! Create, update, patch and delete of what a search finds. The search is repeated inside the commit (a
//! guard): when others change what it finds in between, the request is prepared again, so two
//! simultaneous conditional creates make one resource.
//!
//! FHIR R4, http.html#ccreate, #cond-update, #cond-patch, #3.1.0.7.1.

use super::headers::Handling;
use super::negotiate::Content;
use super::{Ask, content, query, search, write};
use crate::door::Door;
use crate::refusal::{Answer, Refusal};
use crate::reply::{Answered, Reply};
use crate::settings::Return;
use ::fhir::search::query::{Filter, Query};
use ::fhir::{IssueCode, Key, ResourceType};
use http::StatusCode;
use serde_json::Value;
use store::{Batch, Caller, Change, Expect, Guard, StoreError, Write};

/// A condition understood: what is searched, in what type.
pub(crate) struct Criteria {
    pub(crate) query: Query,
}

impl Criteria {
    /// `identifier=http://hospital.example|123`, perhaps with the `?` or the type that clients put before it.
    pub(crate) fn parse(door: &Door, kind: ResourceType, text: &str) -> Answer<Criteria> {
        let text = text.split_once('?').map_or(text, |(_, query)| query);
        Criteria::of(door, kind, query::parse(text)?)
    }

    pub(crate) fn of(door: &Door, kind: ResourceType, pairs: query::Pairs) -> Answer<Criteria> {
        // A condition that is half understood would hit the wrong resource: always strict.
        let (query, _) = search::understand(door, search::Scope::Kind(kind), pairs, Handling::Strict)?;
        if query.filter == Filter::everything() {
            return Err(Refusal::condition(
                IssueCode::MultipleMatches,
                format!("the condition selects every {kind}; name at least one search parameter"),
            ));
        }
        Ok(Criteria { query })
    }

    /// What it finds now, at most `limit`.
    pub(crate) async fn find(&self, door: &Door, caller: &Caller, limit: usize) -> Answer<Vec<Key>> {
        Ok(door.store().find(caller, &self.query, limit).await?)
    }

    /// None or one; more is refused with 412.
    pub(crate) async fn find_one(&self, door: &Door, caller: &Caller) -> Answer<Option<Key>> {
        let mut found = self.find(door, caller, 2).await?;
        if found.len() > 1 {
            return Err(many());
        }
        Ok(found.pop())
    }

    pub(crate) fn guard(&self, found: Vec<Key>) -> Guard {
        Guard { query: self.query.clone(), found }
    }
}

pub(crate) fn many() -> Refusal {
    Refusal::condition(
        IssueCode::MultipleMatches,
        "several resources fit the condition; make it selective enough for one (an identifier usually is)",
    )
}

pub(crate) async fn create(ask: Ask<'_>, mut value: Value, criteria: &str) -> Answer<Reply> {
    let kind = ask.matched.kind();
    let criteria = Criteria::parse(ask.door, kind, criteria)?;
    let id = ask.door.new_id();
    content::set_id(&mut value, &id);
    let key = Key::new(kind, id);
    for _ in 0..ask.door.settings.attempts {
        if let Some(found) = criteria.find_one(ask.door, ask.caller).await? {
            return existing(&ask, &found).await;
        }
        let checked = content::check(value.clone())?;
        let warnings = checked.warnings().to_vec();
        let write = Write { key: key.clone(), expect: Expect::New, change: Change::Put(checked) };
        let batch = Batch {
            writes: vec![write],
            guards: vec![criteria.guard(Vec::new())],
            action: "create",
            ..Batch::default()
        };
        match ask.door.store().commit(ask.caller, batch, ask.door.now()).await {
            Ok(mut outcomes) => {
                let outcome = outcomes.pop().expect("one write has one outcome");
                return write::written(ask.door, ask.caller, ask.conditions.returns, outcome, warnings).await;
            }
            Err(StoreError::GuardFailed { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::busy())
}

/// 200: the condition found one, nothing was created.
async fn existing(ask: &Ask<'_>, found: &Key) -> Answer<Reply> {
    let stored = ask.door.store().read(ask.caller, found).await?;
    let mut reply = Reply::new(StatusCode::OK, Answered::Nothing);
    (reply.version, reply.at) = (Some(stored.version), Some(stored.at));
    reply.location = Some(format!("{}/_history/{}", found, stored.version));
    reply.content = match ask.conditions.returns.unwrap_or(ask.door.settings.default_return) {
        Return::Minimal => Answered::Nothing,
        Return::Representation => Answered::Resource(stored.body),
        Return::OperationOutcome => Answered::Outcome(vec![::fhir::Issue::information(
            IssueCode::Informational,
            "nothing was created: the condition finds one",
        )]),
    };
    Ok(reply)
}

/// Where a conditional update writes, and what it expects there.
pub(crate) fn update_target(
    door: &Door,
    kind: ResourceType,
    value: &Value,
    found: Option<&Key>,
) -> Answer<(Key, Option<Expect>)> {
    match (found, content::id_in(value)?) {
        (Some(found), None) => Ok((found.clone(), None)),
        (Some(found), Some(id)) if found.id == id => Ok((found.clone(), None)),
        (Some(_), Some(_)) => Err(Refusal::invalid(
            "the condition finds a resource with another id than the body carries; leave the id out of the body",
        )),
        (None, None) => Ok((Key::new(kind, door.new_id()), Some(Expect::New))),
        (None, Some(_)) if !door.settings.update_as_create => Err(write::no_upsert()),
        (None, Some(id)) => Ok((Key::new(kind, id), Some(Expect::Absent))),
    }
}

pub(crate) async fn update(mut ask: Ask<'_>) -> Answer<Reply> {
    let kind = ask.matched.kind();
    let criteria = Criteria::of(ask.door, kind, std::mem::take(&mut ask.pairs))?;
    let content = std::mem::replace(&mut ask.content, Content::None);
    let value = content::tree_of_any_size(ask.door, content).await?;
    content::of_type(&value, kind)?;
    let expected = ask.conditions.expected()?;
    for _ in 0..ask.door.settings.attempts {
        let found = criteria.find_one(ask.door, ask.caller).await?;
        let (key, absent) = update_target(ask.door, kind, &value, found.as_ref())?;
        let expect = match (expected, absent) {
            (Some(expected), _) => expected,
            (None, Some(absent)) => absent,
            (None, None) => Expect::Present,
        };
        let mut value = value.clone();
        content::set_id(&mut value, &key.id);
        let checked = content::check(value)?;
        let warnings = checked.warnings().to_vec();
        let write = Write { key, expect, change: Change::Put(checked) };
        let batch = Batch {
            writes: vec![write],
            guards: vec![criteria.guard(found.into_iter().collect())],
            action: "update",
            ..Batch::default()
        };
        match ask.door.store().commit(ask.caller, batch, ask.door.now()).await {
            Ok(mut outcomes) => {
                let outcome = outcomes.pop().expect("one write has one outcome");
                return write::written(ask.door, ask.caller, ask.conditions.returns, outcome, warnings).await;
            }
            Err(StoreError::GuardFailed { .. }) => {}
            // The id in the body is taken by a resource that the condition does not find.
            Err(StoreError::Conflict { .. }) if expected.is_none() && absent.is_some() => {
                return Err(Refusal::new(
                    StatusCode::CONFLICT,
                    IssueCode::Conflict,
                    "the condition finds nothing, but the id in the body belongs to another resource",
                ));
            }
            Err(StoreError::Conflict { .. }) if expected.is_none() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::busy())
}

pub(crate) async fn patch(mut ask: Ask<'_>) -> Answer<Reply> {
    let kind = ask.matched.kind();
    let criteria = Criteria::of(ask.door, kind, std::mem::take(&mut ask.pairs))?;
    let content = std::mem::replace(&mut ask.content, Content::None);
    let change = super::patch::Change::of(ask.door, content)?;
    for _ in 0..ask.door.settings.attempts {
        let Some(found) = criteria.find_one(ask.door, ask.caller).await? else {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                IssueCode::NotFound,
                "the condition finds nothing to patch",
            ));
        };
        let guard = criteria.guard(vec![found.clone()]);
        match super::patch::attempt(&ask, &found, &change, vec![guard]).await? {
            Some(reply) => return Ok(reply),
            None => continue,
        }
    }
    Err(Refusal::busy())
}

pub(crate) async fn delete(mut ask: Ask<'_>) -> Answer<Reply> {
    let kind = ask.matched.kind();
    let criteria = Criteria::of(ask.door, kind, std::mem::take(&mut ask.pairs))?;
    let expected = ask.conditions.expected()?;
    let most = ask.door.settings.delete_many.unwrap_or(1);
    for _ in 0..ask.door.settings.attempts {
        let found = criteria.find(ask.door, ask.caller, most + 1).await?;
        if found.len() > most {
            return Err(match ask.door.settings.delete_many {
                None => many(),
                Some(most) => Refusal::condition(
                    IssueCode::TooCostly,
                    format!("the condition finds more than {most} resources; delete them in smaller parts"),
                ),
            });
        }
        let writes = found
            .iter()
            .map(|key| Write { key: key.clone(), expect: expected.unwrap_or(Expect::Present), change: Change::Delete })
            .collect();
        if found.is_empty() {
            return Ok(Reply::new(StatusCode::NO_CONTENT, Answered::Nothing));
        }
        let batch = Batch { writes, guards: vec![criteria.guard(found)], action: "delete", ..Batch::default() };
        match ask.door.store().commit(ask.caller, batch, ask.door.now()).await {
            Ok(outcomes) => return Ok(write::deleted(ask.conditions.returns, &outcomes[0])),
            Err(StoreError::GuardFailed { .. }) => {}
            Err(StoreError::Conflict { .. }) if expected.is_none() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::busy())
}
