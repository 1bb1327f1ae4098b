//! Search of AuditEvent: what clients sent, then the log.

use super::resource::{SORTS, sort};
use super::{readable, tree};
use crate::fhir::Ask;
use crate::fhir::pages::{self, Writer};
use crate::fhir::query::{self, Pairs};
use crate::fhir::search::{Scope, searchset, understand};
use crate::fhir::subset::Shape;
use crate::refusal::{Answer, Refusal};
use crate::reply::{Reply, json_text};
use ::fhir::issue::operation_outcome;
use ::fhir::search::query::Summary;
use ::fhir::{Id, Issue, IssueCode, Key, ResourceType};
use store::audit::{LOG, Outcome, Query};
use store::{Action, PageCursor, PageQuery};

/// A cursor that begins so goes on in the log; alone it begins it.
const IN_LOG: &str = "log:";
/// Entries counted at most for `_summary=count`, as pages of this size.
const COUNTED: u32 = 1_000;
const PAGES: u32 = 100;

pub(crate) async fn search(ask: Ask<'_>, pairs: Pairs, cursor: Option<PageCursor>) -> Answer<Reply> {
    let kind = ResourceType::parse("AuditEvent").expect("a type of R4");
    let in_log = cursor.as_ref().and_then(|it| it.0.strip_prefix(IN_LOG).map(str::to_owned));
    let asked = match readable(&ask, Action::Search) {
        Some(query) => asked(query, &pairs, ask.door.store().bases())?,
        None => Asked::Nothing,
    };
    let (query, mut issues) = understand(ask.door, Scope::Kind(kind), pairs, ask.conditions.handling)?;
    let settings = &ask.door.settings;
    let size = query.count.unwrap_or(settings.default_count).min(settings.max_count);
    let counted = query.summary == Summary::Count || query.count == Some(0);
    let stored = match &in_log {
        Some(_) => store::Page::default(),
        None => {
            let (default_count, max_count) = (settings.default_count, settings.max_count);
            let wanted = PageQuery { query: query.clone(), default_count, max_count, cursor: cursor.clone() };
            ask.door.store().search(ask.caller, &wanted).await?
        }
    };
    if let Asked::NotOfLog(name) = &asked {
        let text = format!("the audit log is not searched by {name}; these are the AuditEvents that clients have sent");
        issues.push(Issue::warning(IssueCode::NotSupported, "", text));
    }
    let log = if let Asked::Log(log) = asked { Some(*log) } else { None };
    if counted {
        let mut total = stored.total.unwrap_or(0);
        if let Some(log) = log {
            total += count(&ask, log).await?;
        }
        let page = store::Page { total: Some(total), ..store::Page::default() };
        return Ok(searchset(ask.door, "AuditEvent", &query, cursor.as_ref(), page, &issues));
    }
    let room = size.saturating_sub(stored.entries.len() as u32);
    let Some(log) = log.filter(|_| stored.next.is_none()) else {
        return Ok(searchset(ask.door, "AuditEvent", &query, cursor.as_ref(), stored, &issues));
    };
    let found = if room == 0 {
        store::audit::Page { entries: Vec::new(), next: Some(PageCursor(String::new())) }
    } else {
        let from = in_log.filter(|it| !it.is_empty()).map(PageCursor);
        let log = Query { count: room, cursor: from, ..log };
        ask.door.store().audit_page(ask.caller, &log, ask.door.now()).await?
    };
    let encoded = query::encode(&query.understood);
    let mut links =
        vec![("self", pages::link(&ask.door.base, "AuditEvent", &encoded, cursor.as_ref().map(|it| &*it.0)))];
    if let Some(next) = &found.next {
        let next = format!("{IN_LOG}{}", next.0);
        links.push(("next", pages::link(&ask.door.base, "AuditEvent", &encoded, Some(&next))));
    }
    if let Some(previous) = &stored.previous {
        links.push(("previous", pages::link(&ask.door.base, "AuditEvent", &encoded, Some(&previous.0))));
    }
    let shape = Shape::of(&query);
    let mut writer = Writer::new(ask.door, "searchset", None, &links, 4096);
    for found in &stored.entries {
        let cut = shape.as_ref().map(|shape| shape.cut(&found.stored));
        writer.found(&ask.door.base, found, cut.as_ref().unwrap_or(&found.stored.body));
    }
    for entry in &found.entries {
        let value = tree(&ask, entry);
        let value = match &shape {
            Some(shape) => shape.cut_value(&value),
            None => value,
        };
        let url = format!("{}/AuditEvent/{}{}", ask.door.base, LOG, entry.sequence);
        writer.matching(&url, &json_text(&value));
    }
    if !issues.is_empty() {
        writer.outcome(&json_text(&operation_outcome(&issues)));
    }
    Ok(Reply::resource(writer.finish()))
}

async fn count(ask: &Ask<'_>, log: Query) -> Answer<u64> {
    let mut query = Query { count: COUNTED, ..log };
    let mut total = 0;
    for _ in 0..PAGES {
        let page = ask.door.store().audit_page(ask.caller, &query, ask.door.now()).await?;
        total += page.entries.len() as u64;
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => return Ok(total),
        }
    }
    Err(Refusal::new(
        http::StatusCode::UNPROCESSABLE_ENTITY,
        IssueCode::TooCostly,
        "there are very many such events; narrow the count by date, patient or agent",
    ))
}

/// What is asked of the log.
enum Asked {
    Log(Box<Query>),
    /// It cannot have what is asked.
    Nothing,
    /// A parameter that only resources are searched by.
    NotOfLog(String),
}

/// Parameters about the answer, not about what is sought.
const RESULT: &[&str] =
    &["_count", "_summary", "_elements", "_total", "_format", "_pretty", "_contained", "_containedType"];

fn asked(mut log: Query, pairs: &Pairs, bases: &::fhir::search::row::BaseUrls) -> Answer<Asked> {
    let mut actions: Option<Vec<String>> = None;
    // Of several conditions on actions, all must hold.
    let mut only = |wanted: &dyn Fn(&str) -> bool| {
        let all = || SORTS.iter().map(|(name, _)| (*name).to_owned()).collect();
        actions.get_or_insert_with(all).retain(|name| wanted(name));
    };
    for (name, value) in pairs {
        match name.as_str() {
            "date" => {
                if dates(&mut log, value).is_none() {
                    return Ok(Asked::NotOfLog(format!("{name}={}", short(value))));
                }
            }
            "agent-name" => log.name = Some(value.clone()),
            "agent" | "agent:identifier" | "altid" => log.who = Some(value.trim_start_matches('|').to_owned()),
            "patient" | "patient:Patient" => match key(value, "Patient", bases) {
                Some(key) if log.patient.as_ref().is_none_or(|own| *own == key.id) => log.patient = Some(key.id),
                _ => return Ok(Asked::Nothing),
            },
            "entity" => match Key::parse(value).or_else(|| local(value, bases)) {
                Some(key) => log.about = Some(key),
                None => return Ok(Asked::Nothing),
            },
            "action" => {
                let letters: Vec<&str> = value.split(',').map(code).collect();
                only(&|name| letters.contains(&sort(name).letter));
            }
            "type" => {
                let codes: Vec<&str> = value.split(',').map(code).collect();
                only(&|name| codes.contains(&sort(name).code));
            }
            "subtype" => {
                let codes: Vec<&str> = value.split(',').map(code).collect();
                only(&|name| codes.contains(&name) || sort(name).subtype.is_some_and(|it| codes.contains(&it.1)));
            }
            "outcome" => match code(value).parse().ok().and_then(Outcome::from_number) {
                Some(outcome) => log.outcome = Some(outcome),
                None => return Ok(Asked::Nothing),
            },
            "_id" => {
                let sequence =
                    Id::parse(value).and_then(|id| super::entry_of(&Key::new(ResourceType::parse("AuditEvent")?, id)));
                match sequence {
                    Some(sequence) => log.sequence = Some(sequence),
                    None => return Ok(Asked::Nothing),
                }
            }
            "_sort" => match value.as_str() {
                "-date" | "-_lastUpdated" => log.ascending = false,
                "date" | "_lastUpdated" => log.ascending = true,
                _ => return Ok(Asked::NotOfLog(format!("_sort={}", short(value)))),
            },
            name if RESULT.contains(&name) => {}
            name => return Ok(Asked::NotOfLog(short(name))),
        }
    }
    if let Some(actions) = actions {
        if actions.is_empty() {
            return Ok(Asked::Nothing);
        }
        log.actions = actions;
    }
    Ok(Asked::Log(Box::new(log)))
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// The code of a token; systems are ours and known.
fn code(token: &str) -> &str {
    token.rsplit_once('|').map_or(token, |(_, code)| code)
}

fn key(value: &str, kind: &str, bases: &::fhir::search::row::BaseUrls) -> Option<Key> {
    let whole = if value.contains('/') { local(value, bases)? } else { Key::parse(&format!("{kind}/{value}"))? };
    (whole.kind.name() == kind).then_some(whole)
}

fn local(value: &str, bases: &::fhir::search::row::BaseUrls) -> Option<Key> {
    match ::fhir::search::row::Target::read(value, None, bases) {
        ::fhir::search::row::Target::Local { key, .. } => Some(key),
        _ => None,
    }
}

/// A span of time: `ge2026-11`, `2026-11-22`, `lt2026-11-22T12:00:00Z`.
fn dates(log: &mut Query, value: &str) -> Option<()> {
    let at = value.find(|c: char| c.is_ascii_digit())?;
    let (prefix, text) = value.split_at(at);
    let span = ::fhir::search::row::Span::parse(text)?;
    let (low, high) = (span.low.checked_mul(1000)?, span.high.checked_mul(1000)?);
    let (from, to) = match prefix {
        "" | "eq" => (Some(low), Some(high)),
        "ge" => (Some(low), None),
        "gt" | "sa" => (Some(high), None),
        "le" => (None, Some(high)),
        "lt" | "eb" => (None, Some(low)),
        _ => return None,
    };
    log.from = log.from.max(from);
    log.to = match (log.to, to) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    Some(())
}
