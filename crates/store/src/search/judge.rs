//! Judging one version of a resource that the index does not know: an old one, or one about to be written. What it
//! says itself is judged by [`brute`]; what lies elsewhere (chains, `_has`, lists) is asked of the index as it is.

use super::contained::{One, Sets};
use super::cursor::Place;
use super::{numbers, planned};
use crate::db::Session;
use crate::error::StoreResult;
use fhir::search::Registry;
use fhir::search::Texts;
use fhir::search::brute;
use fhir::search::query::{Filter, Source, Test, TokenTest, UriTest};
use fhir::search::row::{Row, RowValue, Target};
use fhir::{Key, ResourceType};
use futures::future::BoxFuture;
use std::borrow::Cow;

/// What a version is found by.
#[derive(Clone, Copy)]
pub(crate) struct Version<'a> {
    pub(crate) key: &'a Key,
    pub(crate) rows: &'a [Row],
    pub(crate) texts: &'a Texts,
    /// When it was written, in microseconds.
    pub(crate) at: i64,
}

/// Whether the version passes.
pub(crate) async fn passes<S: Session>(
    session: &mut S,
    registry: &Registry,
    filter: &Filter,
    version: Version<'_>,
) -> StoreResult<bool> {
    let sets = Sets::of(session, registry, filter).await?;
    part(session, registry, filter, version, &sets).await
}

fn part<'f, S: Session>(
    session: &'f mut S,
    registry: &'f Registry,
    filter: &'f Filter,
    version: Version<'f>,
    sets: &'f Sets,
) -> BoxFuture<'f, StoreResult<bool>> {
    Box::pin(async move {
        match filter {
            Filter::All(parts) => {
                for it in parts {
                    if !part(session, registry, it, version, sets).await? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Filter::Any(parts) => {
                for it in parts {
                    if part(session, registry, it, version, sets).await? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Filter::Not(inner) => Ok(!part(session, registry, inner, version, sets).await?),
            Filter::Chain { sources, kind, inner } => {
                let targets = pointed_at(registry, sources, *kind, version.rows);
                if targets.is_empty() {
                    return Ok(false);
                }
                let asked = Filter::All(vec![Filter::Any(targets), (**inner).clone()]);
                exists(session, registry, &asked, *kind).await
            }
            Filter::Has { .. } | Filter::List(_) => {
                let asked = Filter::All(vec![Filter::Keys([version.key.clone()].into()), filter.clone()]);
                exists(session, registry, &asked, version.key.kind).await
            }
            own => {
                let (rows, texts) = (Cow::Borrowed(version.rows), Cow::Borrowed(version.texts));
                let one = One { rows, texts, at: version.at.div_euclid(1000), sets };
                Ok(brute::matches(own, version.key, &one))
            }
        }
    })
}

async fn exists<S: Session>(
    session: &mut S,
    registry: &Registry,
    filter: &Filter,
    kind: ResourceType,
) -> StoreResult<bool> {
    let plan = planned(session, registry, filter).await?;
    Ok(!numbers(session, &plan, &[kind], Place::After(0), 1).await?.is_empty())
}

/// The resources of a type that the version points at, as filters that find them.
fn pointed_at(registry: &Registry, sources: &[Source], kind: ResourceType, rows: &[Row]) -> Vec<Filter> {
    let fits = |row: &&Row| sources.iter().any(|it| it.slot == row.slot && it.only.is_none_or(|only| only == kind));
    let mut keys = Vec::new();
    let mut found = Vec::new();
    for row in rows.iter().filter(fits) {
        match &row.value {
            RowValue::Reference(Target::Local { key, .. }) if key.kind == kind => keys.push(key.clone()),
            RowValue::Reference(Target::Canonical { url, version }) => {
                found.extend(named(registry, kind, url, version.as_deref()));
            }
            _ => {}
        }
    }
    if !keys.is_empty() {
        found.push(Filter::Keys(keys.into()));
    }
    found
}

/// What has this canonical address.
fn named(registry: &Registry, kind: ResourceType, url: &str, version: Option<&str>) -> Option<Filter> {
    let row = |code: &str, test: Test| {
        let sources = registry.param(kind, code)?.sources.clone();
        Some(Filter::Row { sources, tests: vec![test] })
    };
    let mut all = vec![row("url", Test::Uri(UriTest::Is(url.to_owned())))?];
    if let Some(version) = version {
        all.push(row("version", Test::Token(TokenTest::Code(version.to_owned())))?);
    }
    Some(Filter::All(all))
}
