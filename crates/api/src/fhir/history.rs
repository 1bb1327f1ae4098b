//! History of a resource, a type, or everything, newest first and paged.
//!
//! FHIR R4, http.html#history.

use super::pages::{self, CURSOR, Writer};
use super::{Ask, query, refuse_rest};
use crate::refusal::{Answer, Refusal};
use crate::reply::Reply;
use crate::routes::Interaction;
use ::fhir::search::row::Span;
use store::{HistoryQuery, HistoryScope, PageCursor};

pub(crate) async fn history(mut ask: Ask<'_>) -> Answer<Reply> {
    let (scope, path) = match ask.matched.interaction {
        Interaction::HistoryInstance => {
            (HistoryScope::Instance(ask.matched.key()), format!("{}/_history", ask.matched.key()))
        }
        Interaction::HistoryKind => {
            (HistoryScope::Kind(ask.matched.kind()), format!("{}/_history", ask.matched.kind()))
        }
        _ => (HistoryScope::System, "_history".to_owned()),
    };
    let pairs = std::mem::take(&mut ask.pairs);
    let (asked, mut rest): (Vec<_>, Vec<_>) =
        pairs.into_iter().partition(|(name, _)| matches!(name.as_str(), "_since" | "_at" | "_count" | CURSOR));
    let settings = &ask.door.settings;
    let mut wanted = HistoryQuery { scope, since: None, at: None, count: settings.default_count, cursor: None };
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in &asked {
        if seen.contains(&name.as_str()) {
            return Err(Refusal::invalid(format!("give {name} once")));
        }
        seen.push(name);
        match name.as_str() {
            "_since" => wanted.since = Some(moment(value).ok_or_else(|| unreadable("_since"))?.0),
            "_at" => wanted.at = Some(moment(value).ok_or_else(|| unreadable("_at"))?),
            "_count" => {
                let count: u32 = value.parse().map_err(|_| Refusal::invalid("_count is a whole number"))?;
                wanted.count = count.min(settings.max_count);
            }
            _ => wanted.cursor = Some(PageCursor(value.clone())),
        }
    }
    // Clients repeat `_format` in odd ways; everything else unknown is refused.
    rest.retain(|(name, _)| !name.is_empty());
    refuse_rest(&rest)?;

    let page = ask.door.store().history(ask.caller, &wanted).await?;
    if page.versions.is_empty()
        && wanted.cursor.is_none()
        && let HistoryScope::Instance(key) = &wanted.scope
    {
        // A resource that never was has no history; one outside `_since` has an empty one.
        match ask.door.store().read(ask.caller, key).await {
            Ok(_) | Err(store::StoreError::Gone { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let kept: Vec<_> = asked.iter().filter(|(name, _)| name != CURSOR).cloned().collect();
    let encoded = query::encode(&kept);
    let base = &ask.door.base;
    let mut links = vec![("self", pages::link(base, &path, &encoded, wanted.cursor.as_ref().map(|it| it.0.as_str())))];
    for (relation, cursor) in [("next", &page.next), ("previous", &page.previous)] {
        if let Some(cursor) = cursor {
            links.push((relation, pages::link(base, &path, &encoded, Some(&cursor.0))));
        }
    }
    let size = page.versions.iter().map(|it| it.body.len() + 400).sum();
    let mut writer = Writer::new(ask.door, "history", page.total, &links, size);
    for stored in &page.versions {
        writer.version(base, stored);
    }
    Ok(Reply::resource(writer.finish()))
}

fn unreadable(name: &str) -> Refusal {
    Refusal::invalid(format!("{name} is a moment such as 2026-01-31T08:00:00Z, or a date, month or year"))
}

/// A moment or a part of the calendar, in microseconds, end exclusive.
pub(crate) fn moment(text: &str) -> Option<(i64, i64)> {
    // An unencoded `+01:00` arrives with a space.
    let span = Span::parse(&text.replace(' ', "+"))?;
    Some((span.low.saturating_mul(1000), span.high.saturating_mul(1000)))
}
