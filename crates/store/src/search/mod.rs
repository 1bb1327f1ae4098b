//! Running a search: plan it in numbers, find resource numbers by SQL, fetch one page of bodies, and what
//! they bring along. Everything of one answer is read in one transaction, so a page is of one moment.

pub(crate) mod alike;
mod canonical;
mod contained;
pub(crate) mod cursor;
pub(crate) mod fetch;
mod include;
pub(crate) mod judge;
mod kept;
mod leaf;
mod owners;
mod plan;
mod reach;
mod sort;
mod spans;
pub(crate) mod sql;
mod terms;

pub(crate) use alike::Borne;
pub(crate) use kept::Kept;
pub(crate) use plan::Planner;
pub(crate) use reach::Reach;

use crate::db::Session;
use crate::error::{StoreError, StoreResult};
use crate::lane::LIVE;
use crate::place;
use crate::rights::Action;
use crate::stored::{Match, Page, PageCursor, PageQuery, Role};
use cursor::{Place, Seal};
use fhir::search::Registry;
use fhir::search::query::{Contained, Filter, Query, Summary, Total};
use fhir::search::row::BaseUrls;
use fhir::{Key, ResourceType};
use kept::List;
use plan::Plan;
use sql::Sql;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// More than this many are not sorted or listed at once.
const MOST_KEPT: usize = 1_000_000;

async fn planned<S: Session>(session: &mut S, registry: &Registry, filter: &Filter) -> StoreResult<Plan> {
    Planner::of(session, registry).plan(filter).await
}

/// The keys a condition finds of what the caller may see, at most `limit`, in the order of creation.
pub(crate) async fn find<S: Session>(
    session: &mut S,
    reach: Reach<'_>,
    query: &Query,
    limit: usize,
) -> StoreResult<Vec<Key>> {
    if query.contained != Contained::False {
        return Err(plan::unsupported("_contained in a condition; it chooses top-level resources"));
    }
    let filter = reach.narrowed(session, &query.filter, &query.kinds, Action::Search).await?;
    let plan = planned(session, reach.registry, &filter).await?;
    let rids = numbers(session, &plan, &query.kinds, Place::After(0), limit).await?;
    fetch::keys(session, &rids).await
}

/// Numbers that pass, ascending from a place (or the last ones before it, still ascending).
async fn numbers<S: Session>(
    session: &mut S,
    plan: &Plan,
    kinds: &[ResourceType],
    place: Place,
    limit: usize,
) -> StoreResult<Vec<i64>> {
    if matches!(plan, Plan::Nothing) {
        return Ok(Vec::new());
    }
    if let (Place::After(after), [kind]) = (place, kinds)
        && let Some(found) = first_of_many(session, plan, *kind, after, limit).await?
    {
        return Ok(found);
    }
    let mut sql = Sql::new(session.dialect());
    sql.push(if unique(plan) { "SELECT rid FROM (" } else { "SELECT DISTINCT rid FROM (" });
    sql.set(plan, kinds);
    sql.push(") r WHERE rid ");
    let backwards = match place {
        Place::Before(rid) => {
            sql.push("< ").value(rid).push(" ORDER BY rid DESC LIMIT ");
            true
        }
        Place::After(rid) => {
            sql.push("> ").value(rid).push(" ORDER BY rid LIMIT ");
            false
        }
        Place::At { .. } => return Err(StoreError::BadCursor),
    };
    sql.value(limit as i64);
    let rows = session.query(&sql.text, &sql.values).await?;
    let mut rids: Vec<i64> = rows.iter().map(|row| row[0].int()).collect();
    if backwards {
        rids.reverse();
    }
    Ok(rids)
}

/// Resources looked at one after the other before the whole set is made.
const LOOKED_AT: i64 = 2_000;

/// What passes among the next resources of a type, when very many pass: a page is filled soon by testing one
/// resource after the other, while the set of all that pass would be made and sorted for nothing. `None` when that
/// does not fill the page.
async fn first_of_many<S: Session>(
    session: &mut S,
    plan: &Plan,
    kind: ResourceType,
    after: i64,
    limit: usize,
) -> StoreResult<Option<Vec<i64>>> {
    if limit as i64 > LOOKED_AT || unique(plan) || !plan.is_cheap_test() {
        return Ok(None);
    }
    let mut passing = plan.cost();
    if passing == 0 {
        let mut sql = Sql::new(session.dialect());
        sql.push("SELECT count(*) FROM (SELECT 1 FROM (");
        sql.set(plan, &[kind]);
        sql.push(") a LIMIT ").value(plan::COUNTED as i64 + 1).push(") b");
        passing = session.query(&sql.text, &sql.values).await?[0][0].int() as u64;
    }
    if passing <= plan::COUNTED as u64 {
        return Ok(None);
    }
    let from = after.max(place::first_of(kind));
    let mut sql = Sql::new(session.dialect());
    sql.push("SELECT t1.rid");
    let alias = sql.from("resource");
    sql.push(&format!("{alias}.state = {LIVE} AND {alias}.rid > ")).value(from);
    sql.push(&format!(" AND {alias}.rid <= ")).value((from + LOOKED_AT).min(place::end_of(kind) - 1)).push(" AND ");
    sql.test(plan, &format!("{alias}.rid"));
    sql.push(&format!(" ORDER BY {alias}.rid LIMIT ")).value(limit as i64);
    let rows = session.query(&sql.text, &sql.values).await?;
    Ok((rows.len() == limit).then(|| rows.iter().map(|row| row[0].int()).collect()))
}

/// Whether the set names no resource twice.
fn unique(plan: &Plan) -> bool {
    match plan {
        Plan::Leaf(leaf) => leaf.ordered,
        Plan::All(parts) if parts.iter().any(Plan::can_drive) => unique(Plan::driver(parts).0),
        Plan::All(_) | Plan::Not(_) | Plan::Kinds(_) | Plan::Nothing => true,
        Plan::Any(parts) => !parts.iter().all(Plan::can_drive),
        Plan::Chain { .. } | Plan::Has { .. } => false,
    }
}

async fn count<S: Session>(session: &mut S, plan: &Plan, kinds: &[ResourceType]) -> StoreResult<u64> {
    if matches!(plan, Plan::Nothing) {
        return Ok(0);
    }
    if plan.is_everything() {
        let sql = format!("SELECT kind, live FROM tally t WHERE {} kind >= 0", session.dialect().here("t"));
        let rows = session.query(&sql, &[]).await?;
        let counts = |kind: i64| kinds.is_empty() || kinds.iter().any(|it| i64::from(it.number()) == kind);
        return Ok(rows.iter().filter(|row| counts(row[0].int())).map(|row| row[1].int() as u64).sum());
    }
    let mut sql = Sql::new(session.dialect());
    sql.push(if unique(plan) { "SELECT count(*) FROM (" } else { "SELECT count(DISTINCT rid) FROM (" });
    sql.set(plan, kinds);
    sql.push(") r");
    Ok(session.query(&sql.text, &sql.values).await?[0][0].int() as u64)
}

/// What a search needs beside a connection.
pub(crate) struct Searcher<'a> {
    pub(crate) reach: Reach<'a>,
    pub(crate) bases: &'a BaseUrls,
    pub(crate) seal: &'a Seal,
    pub(crate) kept: &'a Kept,
}

impl Searcher<'_> {
    pub(crate) async fn page<S: Session>(&self, session: &mut S, asked: &PageQuery) -> StoreResult<Page> {
        let query = &asked.query;
        let size = query.count.unwrap_or(asked.default_count).min(asked.max_count) as usize;
        let id = search_id(query);
        let place = match &asked.cursor {
            Some(cursor) => Some(self.seal.open(self.reach.caller, id, cursor)?),
            None => None,
        };
        if let Some(Place::At { kept, offset }) = place {
            let list = self.kept.get(kept).ok_or(StoreError::BadCursor)?;
            return self.kept_page(session, query, id, (kept, &list), offset as usize, size).await;
        }
        if query.contained != Contained::False {
            return self.with_contained(session, query, id, size).await;
        }
        let filter = self.reach.narrowed(session, &query.filter, &query.kinds, Action::Search).await?;
        let plan = planned(session, self.reach.registry, &filter).await?;
        if query.summary == Summary::Count || query.count == Some(0) {
            let total = count(session, &plan, &query.kinds).await?;
            return Ok(Page { total: Some(total), ..Page::default() });
        }
        if !query.sort.is_empty() {
            let rids = sort::sorted(session, self.reach.registry, &plan, &query.kinds, &query.sort, MOST_KEPT).await?;
            return self.listed(session, query, id, rids, size).await;
        }
        self.plain_page(session, query, id, &plan, place.unwrap_or(Place::After(0)), size).await
    }

    /// What passes itself, if that is asked too, then what passes by what it contains.
    async fn with_contained<S: Session>(
        &self,
        session: &mut S,
        query: &Query,
        id: u64,
        size: usize,
    ) -> StoreResult<Page> {
        let inner = self.contained(session, query).await?;
        let mut rids = match query.contained {
            Contained::Both => self.numbers(session, &query.filter, &query.kinds).await?,
            Contained::True | Contained::False => Vec::new(),
        };
        let outer: HashSet<i64> = rids.iter().copied().collect();
        rids.extend(inner.into_iter().filter(|rid| !outer.contains(rid)));
        if query.summary == Summary::Count {
            return Ok(Page { total: Some(rids.len() as u64), ..Page::default() });
        }
        self.listed(session, query, id, rids, size).await
    }

    /// A page in the order of numbers: nothing is kept, the link says where to go on.
    async fn plain_page<S: Session>(
        &self,
        session: &mut S,
        query: &Query,
        id: u64,
        plan: &Plan,
        place: Place,
        size: usize,
    ) -> StoreResult<Page> {
        let mut rids = numbers(session, plan, &query.kinds, place, size + 1).await?;
        let more = rids.len() > size;
        let (first_page, backwards) = (place == Place::After(0), matches!(place, Place::Before(_)));
        if more {
            if backwards {
                rids.remove(0);
            } else {
                rids.pop();
            }
        }
        let total = if first_page && !more {
            Some(rids.len() as u64)
        } else if query.total != Total::None {
            Some(count(session, plan, &query.kinds).await?)
        } else {
            None
        };
        let seal = |place| self.seal.seal(self.reach.caller, id, place).map(Some);
        let next = match rids.last() {
            Some(last) if more || backwards => seal(Place::After(*last))?,
            _ => None,
        };
        let previous = match rids.first() {
            Some(first) if !first_page && (more || !backwards) => seal(Place::Before(*first))?,
            _ => None,
        };
        let entries = self.with_included(session, query, &rids).await?;
        Ok(Page { entries, total, next, previous })
    }

    /// The first page of a list that is complete; the rest is kept for the links.
    pub(crate) async fn listed<S: Session>(
        &self,
        session: &mut S,
        query: &Query,
        id: u64,
        rids: Vec<i64>,
        size: usize,
    ) -> StoreResult<Page> {
        if rids.len() <= size {
            let entries = self.with_included(session, query, &rids).await?;
            return Ok(Page { entries, total: Some(rids.len() as u64), next: None, previous: None });
        }
        let number = self.seal.number()?;
        let list = self.kept.keep(number, rids, &self.reach.caller.rights);
        self.kept_page(session, query, id, (number, &list), 0, size).await
    }

    async fn kept_page<S: Session>(
        &self,
        session: &mut S,
        query: &Query,
        id: u64,
        (number, list): (u64, &List),
        offset: usize,
        size: usize,
    ) -> StoreResult<Page> {
        let rids = &list.rids;
        let end = (offset + size).min(rids.len());
        let page = rids.get(offset..end).ok_or(StoreError::BadCursor)?;
        // The list was made a while ago: what the caller may see now counts, of what is there now.
        let page = self.reach.among(session, page.to_vec(), Action::Search).await?;
        let entries = self.with_included(session, query, &page).await?;
        let at = |offset: usize| {
            let place = Place::At { kept: number, offset: offset as u64 };
            self.seal.seal(self.reach.caller, id, place).map(Some)
        };
        Ok(Page {
            entries,
            // Counted under other rights, it would tell what is hidden now.
            total: list.counts_for(&self.reach.caller.rights).then_some(rids.len() as u64),
            next: if end < rids.len() { at(end)? } else { None },
            previous: if offset > 0 { at(offset.saturating_sub(size))? } else { None },
        })
    }

    async fn with_included<S: Session>(&self, session: &mut S, query: &Query, rids: &[i64]) -> StoreResult<Vec<Match>> {
        let mut entries = contained::matches(session, rids).await?;
        if !query.includes.is_empty() {
            let seen = include::included(session, self.reach, &query.includes, rids).await?;
            let included = fetch::resources(session, &seen).await?;
            entries.extend(included.into_iter().map(|stored| Match::of(Role::Include, stored)));
        }
        Ok(entries)
    }

    /// The page a link names, when there is one.
    pub(crate) async fn go_on<S: Session>(
        &self,
        session: &mut S,
        id: u64,
        cursor: Option<&PageCursor>,
        size: usize,
    ) -> StoreResult<Option<Page>> {
        let Some(cursor) = cursor else { return Ok(None) };
        let Place::At { kept, offset } = self.seal.open(self.reach.caller, id, cursor)? else {
            return Err(StoreError::BadCursor);
        };
        let list = self.kept.get(kept).ok_or(StoreError::BadCursor)?;
        self.kept_page(session, &Query::default(), id, (kept, &list), offset as usize, size).await.map(Some)
    }

    /// All numbers that pass and that the caller may see.
    pub(crate) async fn numbers<S: Session>(
        &self,
        session: &mut S,
        filter: &Filter,
        kinds: &[ResourceType],
    ) -> StoreResult<Vec<i64>> {
        let filter = self.reach.narrowed(session, filter, kinds, Action::Search).await?;
        let plan = planned(session, self.reach.registry, &filter).await?;
        numbers(session, &plan, kinds, Place::After(0), MOST_KEPT).await
    }

    /// All numbers that pass, in the order the query asks.
    pub(crate) async fn sorted<S: Session>(&self, session: &mut S, query: &Query) -> StoreResult<Vec<i64>> {
        let filter = self.reach.narrowed(session, &query.filter, &query.kinds, Action::Search).await?;
        let plan = planned(session, self.reach.registry, &filter).await?;
        sort::sorted(session, self.reach.registry, &plan, &query.kinds, &query.sort, MOST_KEPT).await
    }

    /// What these refer to.
    pub(crate) async fn referred<S: Session>(&self, session: &mut S, rids: &[i64]) -> StoreResult<Vec<i64>> {
        include::referred(session, rids).await
    }

    /// Those that were written at or after a moment, in the same order.
    pub(crate) async fn live_since<S: Session>(
        &self,
        session: &mut S,
        rids: Vec<i64>,
        since: Option<i64>,
    ) -> StoreResult<Vec<i64>> {
        fetch::live_since(session, rids, since).await
    }
}

/// Ties a page link to the question it came from.
fn search_id(query: &Query) -> u64 {
    let mut hasher = DefaultHasher::new();
    query.kinds.hash(&mut hasher);
    for (name, value) in &query.understood {
        name.hash(&mut hasher);
        value.hash(&mut hasher);
    }
    hasher.finish()
}
