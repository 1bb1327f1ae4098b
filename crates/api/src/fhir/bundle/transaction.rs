//! A transaction: every write of the bundle in one commit, or none. Names within the bundle become names
//! here, conditions are searched first and guarded in the commit, and when others interfere the whole is
//! prepared again from the bytes that came.
//!
//! FHIR R4, http.html#trules.

use super::super::conditional::{self, Criteria};
use super::super::headers::Conditions;
use super::super::{self as rest, Ask, content, patch, write};
use super::entry::{self, Entry, rank};
use super::references::{self, Names};
use crate::refusal::{Answer, Refusal};
use crate::reply::{Answered, Reply};
use crate::routes::{Interaction, Matched};
use crate::settings::Return;
use ::fhir::search::query::Filter;
use ::fhir::{Checked, IssueCode, Key, ResourceType};
use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use store::{Batch, Change, Expect, Guard, Outcome, StoreError, Write};

pub(super) async fn transaction(ask: Ask<'_>, tree: Value, bytes: Bytes) -> Answer<Reply> {
    let mut tree = Some(tree);
    for _ in 0..ask.door.settings.attempts {
        let fresh = match tree.take() {
            Some(tree) => tree,
            None => content::tree_of_any_size(ask.door, super::Content::Fhir(bytes.clone())).await?,
        };
        if let Some(reply) = attempt(&ask, fresh, bytes.len()).await? {
            return Ok(reply);
        }
    }
    Err(Refusal::busy())
}

/// What an entry does, once its target is known.
enum Plan {
    /// The resource, not yet renamed and checked.
    Put {
        key: Key,
        expect: Expect,
        value: Value,
    },
    Delete {
        keys: Vec<Key>,
        expect: Expect,
    },
    /// A conditional create that found one.
    Found(Key),
    /// A read, done after the writes.
    Read(Matched, rest::query::Pairs, Conditions, Option<Value>),
}

struct Planned {
    at: usize,
    full_url: Option<String>,
    plan: Plan,
}

/// Conditions of this transaction, and what they found or made.
#[derive(Default)]
struct Conditional {
    guards: Vec<Guard>,
    /// Conditional creates and updates that make a new resource: another entry may refer to it by the
    /// same condition before it exists.
    made: Vec<(ResourceType, Filter, Key)>,
    /// Whether anything was read that the commit depends on.
    depends: bool,
}

/// `None`: others interfered, try again.
async fn attempt(ask: &Ask<'_>, tree: Value, size: usize) -> Answer<Option<Reply>> {
    let read: Vec<Entry> = entry::entries(ask.door, tree).into_iter().collect::<Answer<_>>()?;
    let count = read.len();
    // Planned in the order of the standard; answered in the order of the bundle.
    let mut order: Vec<Entry> = read;
    order.sort_by_key(|entry| rank(&entry.matched));

    let mut conditions = Conditional::default();
    let mut planned = Vec::with_capacity(count);
    for entry in order {
        let at = entry.at;
        let place = format!("Bundle.entry[{at}]");
        planned.push(plan(ask, entry, &mut conditions).await.map_err(|refusal| refusal.within(&place))?);
    }
    refuse_twice(&planned)?;

    let mut names = Names { entries: names(&planned)?, ..Names::default() };
    names.conditional = resolve(ask, &planned, &mut conditions).await?;

    let (writes, told, answers) = content::aside(size, move || check(planned, &names)).await?;
    let Conditional { guards, depends, .. } = conditions;
    let batch = Batch { writes, guards, action: "transaction", ..Batch::default() };
    let outcomes = match batch.writes.is_empty() {
        true => Vec::new(),
        false => match ask.door.store().commit(ask.caller, batch, ask.door.now()).await {
            Ok(outcomes) => outcomes,
            Err(StoreError::GuardFailed { .. }) => return Ok(None),
            Err(StoreError::Conflict { .. }) if depends => return Ok(None),
            Err(error) => return Err(error.into()),
        },
    };
    let replies = replies(ask, count, outcomes, told, answers).await?;
    Ok(Some(entry::answer(ask.door, "transaction-response", &replies)))
}

async fn plan(ask: &Ask<'_>, entry: Entry, conditions: &mut Conditional) -> Answer<Planned> {
    let Entry { at, full_url, matched, pairs, conditions: asked, resource } = entry;
    let free = if ask.door.settings.update_as_create { Expect::Anything } else { Expect::Present };
    let expected = asked.expected()?;
    let done = |plan| Ok(Planned { at, full_url: full_url.clone(), plan });
    let (door, caller) = (ask.door, ask.caller);
    let body = |resource: Option<Value>, kind| {
        let value = resource.expect("an entry that writes has a resource");
        content::of_type(&value, kind).map(|()| value)
    };
    match matched.interaction {
        Interaction::Create => {
            let kind = matched.kind();
            let mut value = body(resource, kind)?;
            let key = Key::new(kind, door.new_id());
            if let Some(text) = &asked.if_none_exist {
                let criteria = Criteria::parse(door, kind, text)?;
                if let Some(found) = criteria.find_one(door, caller).await? {
                    conditions.guards.push(criteria.guard(vec![found.clone()]));
                    return done(Plan::Found(found));
                }
                if conditions.made.iter().any(|(of, filter, _)| *of == kind && *filter == criteria.query.filter) {
                    return Err(Refusal::new(
                        StatusCode::BAD_REQUEST,
                        IssueCode::Duplicate,
                        "another entry creates under the same condition; name the resource once and refer to it",
                    ));
                }
                conditions.guards.push(criteria.guard(Vec::new()));
                conditions.made.push((kind, criteria.query.filter, key.clone()));
            }
            content::set_id(&mut value, &key.id);
            done(Plan::Put { key, expect: Expect::New, value })
        }
        Interaction::Update => {
            let key = matched.key();
            let value = body(resource, key.kind)?;
            content::same_id(&value, &key.id)?;
            done(Plan::Put { key, expect: expected.unwrap_or(free), value })
        }
        Interaction::ConditionalUpdate => {
            let kind = matched.kind();
            let mut value = body(resource, kind)?;
            let criteria = Criteria::of(door, kind, pairs)?;
            let found = criteria.find_one(door, caller).await?;
            let (key, absent) = conditional::update_target(door, kind, &value, found.as_ref())?;
            conditions.guards.push(criteria.guard(found.clone().into_iter().collect()));
            match found {
                None => conditions.made.push((kind, criteria.query.filter, key.clone())),
                Some(_) => conditions.depends |= expected.is_none(),
            }
            content::set_id(&mut value, &key.id);
            done(Plan::Put { key, expect: expected.or(absent).unwrap_or(Expect::Present), value })
        }
        Interaction::Patch | Interaction::ConditionalPatch => {
            let key = if matched.interaction == Interaction::Patch {
                matched.key()
            } else {
                let criteria = Criteria::of(door, matched.kind(), pairs)?;
                let Some(found) = criteria.find_one(door, caller).await? else {
                    let says = "the condition finds nothing to patch";
                    return Err(Refusal::new(StatusCode::NOT_FOUND, IssueCode::NotFound, says));
                };
                conditions.guards.push(criteria.guard(vec![found.clone()]));
                found
            };
            let change = patch::Change::of(door, entry::content(matched.verb, resource)?)?;
            let stored = door.store().read(caller, &key).await?;
            if let Some(Expect::Version(version)) = expected
                && version != stored.version
            {
                let (expected, actual) = (version.to_string(), stored.version.to_string());
                return Err(StoreError::Conflict { key, expected, actual }.into());
            }
            conditions.depends |= expected.is_none();
            let value = change.apply(&key, stored.value())?;
            done(Plan::Put { key, expect: Expect::Version(stored.version), value })
        }
        Interaction::Delete => {
            done(Plan::Delete { keys: vec![matched.key()], expect: expected.unwrap_or(Expect::Anything) })
        }
        Interaction::ConditionalDelete => {
            let criteria = Criteria::of(door, matched.kind(), pairs)?;
            let most = door.settings.delete_many.unwrap_or(1);
            let found = criteria.find(door, caller, most + 1).await?;
            if found.len() > most {
                return Err(conditional::many());
            }
            conditions.guards.push(criteria.guard(found.clone()));
            done(Plan::Delete { keys: found, expect: expected.unwrap_or(Expect::Anything) })
        }
        Interaction::Bundle | Interaction::Operation => Err(Refusal::not_supported(
            "a transaction holds reads, searches and writes; send bundles and operations by themselves",
        )),
        _ => done(Plan::Read(matched, pairs, asked, resource)),
    }
}

/// The same resource may not be written by two entries (FHIR R4, http.html#trules).
fn refuse_twice(planned: &[Planned]) -> Answer<()> {
    let mut seen: HashMap<&Key, usize> = HashMap::with_capacity(planned.len());
    for one in planned {
        let keys: &[Key] = match &one.plan {
            Plan::Put { key, .. } => std::slice::from_ref(key),
            Plan::Delete { keys, .. } => keys,
            Plan::Found(_) | Plan::Read(..) => &[],
        };
        for key in keys {
            if let Some(other) = seen.insert(key, one.at) {
                let place = format!("Bundle.entry[{}]", one.at);
                let says = format!("entries {other} and {} of this transaction write the same resource", one.at);
                let refusal = Refusal::new(StatusCode::BAD_REQUEST, IssueCode::Duplicate, says);
                return Err(refusal.within(&place));
            }
        }
    }
    Ok(())
}

/// What the entries are called in the bundle, and here.
fn names(planned: &[Planned]) -> Answer<HashMap<String, String>> {
    let mut names = HashMap::with_capacity(planned.len());
    for one in planned {
        let (Some(full_url), Plan::Put { key, .. } | Plan::Found(key)) = (&one.full_url, &one.plan) else { continue };
        if full_url.is_empty() {
            continue;
        }
        if names.insert(full_url.clone(), key.to_string()).is_some() {
            let place = format!("Bundle.entry[{}].fullUrl", one.at);
            let refusal =
                Refusal::new(StatusCode::BAD_REQUEST, IssueCode::Duplicate, "another entry has the same fullUrl");
            return Err(refusal.within(&place));
        }
    }
    Ok(names)
}

/// Finds what conditional references mean; each must find exactly one.
async fn resolve(ask: &Ask<'_>, planned: &[Planned], conditions: &mut Conditional) -> Answer<HashMap<String, String>> {
    let mut texts = HashSet::new();
    for one in planned {
        if let Plan::Put { value, .. } = &one.plan {
            references::conditional(value, &mut texts);
        }
    }
    let mut found = HashMap::with_capacity(texts.len());
    for text in texts {
        let (kind, query) = text.split_once('?').expect("a conditional reference has a question mark");
        let kind = ResourceType::parse(kind).expect("a conditional reference names a type");
        let criteria = Criteria::parse(ask.door, kind, query)?;
        let mut keys = criteria.find(ask.door, ask.caller, 2).await?;
        let made = conditions.made.iter().find(|(of, filter, _)| *of == kind && *filter == criteria.query.filter);
        let key = match (keys.pop(), made) {
            (Some(key), None) if keys.is_empty() => {
                conditions.guards.push(criteria.guard(vec![key.clone()]));
                key
            }
            (None, Some((_, _, key))) => key.clone(),
            (None, None) => match made_here(planned, kind, &criteria)? {
                Some(key) => {
                    conditions.guards.push(criteria.guard(Vec::new()));
                    key
                }
                None => {
                    return Err(Refusal::condition(
                        IssueCode::NotFound,
                        format!("a conditional reference finds no {kind}; create it first or in this transaction"),
                    ));
                }
            },
            _ => {
                return Err(Refusal::condition(
                    IssueCode::MultipleMatches,
                    format!("a conditional reference finds more than one {kind}; make its condition selective"),
                ));
            }
        };
        found.insert(text, key.to_string());
    }
    Ok(found)
}

/// A resource of this very transaction that a conditional reference by identifier means: such references
/// are resolved after the writes (FHIR R4, http.html#trules).
fn made_here(planned: &[Planned], kind: ResourceType, criteria: &Criteria) -> Answer<Option<Key>> {
    let [(name, wanted)] = criteria.query.understood.as_slice() else { return Ok(None) };
    if name != "identifier" {
        return Ok(None);
    }
    let (system, code) = match wanted.split_once('|') {
        Some((system, code)) => (Some(system), code),
        None => (None, wanted.as_str()),
    };
    let carries = |value: &Value| {
        let identifiers = match value.get("identifier") {
            Some(Value::Array(items)) => items.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        identifiers.iter().any(|it| {
            let text = |name: &str| it.get(name).and_then(Value::as_str);
            text("value") == Some(code) && system.is_none_or(|system| text("system").unwrap_or("") == system)
        })
    };
    let mut fit = planned.iter().filter_map(|one| match &one.plan {
        Plan::Put { key, value, .. } if key.kind == kind && carries(value) => Some(key),
        _ => None,
    });
    let first = fit.next().cloned();
    if fit.next().is_some() {
        return Err(conditional::many());
    }
    Ok(first)
}

/// What each entry will be answered with once the outcomes are there.
enum Told {
    Write { at: usize, first: usize, warnings: Vec<::fhir::Issue>, delete: bool },
    NothingToDelete { at: usize },
    Found { at: usize, key: Key },
}

type Reads = Vec<(usize, Matched, rest::query::Pairs, Conditions, Option<Value>)>;

/// Renames and checks every resource. All that is wrong in any entry is said at once.
fn check(planned: Vec<Planned>, names: &Names) -> Answer<(Vec<Write>, Vec<Told>, Reads)> {
    let mut writes = Vec::with_capacity(planned.len());
    let mut told = Vec::with_capacity(planned.len());
    let mut reads = Vec::new();
    let mut wrong: Option<Refusal> = None;
    for Planned { at, full_url, plan } in planned {
        let first = writes.len();
        match plan {
            Plan::Put { key, expect, mut value } => {
                references::rename(&mut value, names, full_url.as_deref().and_then(references::base_of));
                match content::check(value) {
                    Ok(checked) => {
                        told.push(Told::Write { at, first, warnings: warnings(&checked), delete: false });
                        writes.push(Write { key, expect, change: Change::Put(checked) });
                    }
                    Err(refusal) => {
                        let refusal = refusal.within(&format!("Bundle.entry[{at}]"));
                        match &mut wrong {
                            Some(wrong) => wrong.issues.extend(refusal.issues),
                            None => wrong = Some(refusal),
                        }
                    }
                }
            }
            Plan::Delete { keys, .. } if keys.is_empty() => told.push(Told::NothingToDelete { at }),
            Plan::Delete { keys, expect } => {
                told.push(Told::Write { at, first, warnings: Vec::new(), delete: true });
                writes.extend(keys.into_iter().map(|key| Write { key, expect, change: Change::Delete }));
            }
            Plan::Found(key) => told.push(Told::Found { at, key }),
            Plan::Read(matched, pairs, conditions, resource) => {
                reads.push((at, matched, pairs, conditions, resource));
            }
        }
    }
    match wrong {
        Some(refusal) => Err(refusal),
        None => Ok((writes, told, reads)),
    }
}

fn warnings(checked: &Checked) -> Vec<::fhir::Issue> {
    checked.warnings().to_vec()
}

async fn replies(
    ask: &Ask<'_>,
    count: usize,
    outcomes: Vec<Outcome>,
    told: Vec<Told>,
    reads: Reads,
) -> Answer<Vec<Answer<Reply>>> {
    let returns = Some(ask.conditions.returns.unwrap_or(Return::Minimal));
    let mut replies: Vec<Option<Answer<Reply>>> = (0..count).map(|_| None).collect();
    for told in told {
        match told {
            Told::Write { at, first, delete: true, .. } => {
                replies[at] = Some(Ok(write::deleted(returns, &outcomes[first])));
            }
            Told::Write { at, first, warnings, .. } => {
                let outcome = outcomes[first].clone();
                replies[at] = Some(write::written(ask.door, ask.caller, returns, outcome, warnings).await);
            }
            Told::NothingToDelete { at } => {
                replies[at] = Some(Ok(Reply::new(StatusCode::NO_CONTENT, Answered::Nothing)));
            }
            Told::Found { at, key } => replies[at] = Some(found(ask, &key, returns).await),
        }
    }
    for (at, matched, pairs, mut conditions, resource) in reads {
        conditions.returns = returns;
        conditions.handling = ask.conditions.handling;
        let content = entry::content(matched.verb, resource)?;
        let one = Ask { door: ask.door, caller: ask.caller, matched, pairs, conditions, content };
        // The writes are done: a read that finds nothing says so in its own entry.
        let answer = rest::answer_entry(one).await;
        replies[at] = Some(answer.map_err(|refusal| refusal.within(&format!("Bundle.entry[{at}]"))));
    }
    Ok(replies.into_iter().map(|reply| reply.expect("every entry was planned")).collect())
}

async fn found(ask: &Ask<'_>, key: &Key, returns: Option<Return>) -> Answer<Reply> {
    let stored = ask.door.store().read(ask.caller, key).await?;
    let mut reply = Reply::new(StatusCode::OK, Answered::Nothing);
    (reply.version, reply.at) = (Some(stored.version), Some(stored.at));
    reply.location = Some(format!("{key}/_history/{}", stored.version));
    if returns == Some(Return::Representation) {
        reply.content = Answered::Resource(stored.body);
    }
    Ok(reply)
}
