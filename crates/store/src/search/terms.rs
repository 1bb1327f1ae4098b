//! Codes asked for, as numbers of terms.

use super::plan::Planner;
use crate::db::Session;
use crate::error::{StoreError, StoreResult};
use crate::intern::space;
use fhir::search::query::TokenTest;
use fhir::search::row::code_key;
use fhir::{Key, Value};

/// Which terms pass.
#[derive(Clone, Debug)]
pub(crate) enum Terms {
    Any,
    List(Vec<i64>),
    OfSystem(i64),
}

/// More codes than this in one value set are refused rather than searched slowly.
const LARGEST_SET: usize = 5_000;

pub(crate) async fn token_terms<S: Session>(planner: &mut Planner<'_, S>, test: &TokenTest) -> StoreResult<Terms> {
    Ok(match test {
        TokenTest::Code(code) => Terms::List(any_system(planner, code).await?),
        TokenTest::Coding { system, code } => {
            let system = match system {
                None => Some(space::NONE),
                Some(url) => system_number(planner, url).await?,
            };
            match system {
                Some(system) => Terms::List(in_system(planner, system, code).await?),
                None => Terms::List(Vec::new()),
            }
        }
        TokenTest::System(url) => match system_number(planner, url).await? {
            Some(system) => Terms::OfSystem(system),
            None => Terms::List(Vec::new()),
        },
        TokenTest::Text(text) => Terms::List(with_text(planner, text).await?),
        TokenTest::In(value_set) => {
            let mut terms = Vec::new();
            for (system, code) in expand(planner, value_set).await? {
                if let Some(system) = system_number(planner, &system).await? {
                    terms.extend(in_system(planner, system, &code).await?);
                }
            }
            Terms::List(terms)
        }
        TokenTest::Below { system, code } => related(planner, system, code, true).await?,
        TokenTest::Above { system, code } => related(planner, system, code, false).await?,
    })
}

async fn system_number<S: Session>(planner: &mut Planner<'_, S>, url: &str) -> StoreResult<Option<i64>> {
    if let Some(known) = planner.systems.get(url) {
        return Ok(*known);
    }
    let sql = format!("SELECT id FROM system s WHERE {} url = ?", planner.session.dialect().here("s"));
    let rows = planner.session.query(&sql, &[crate::physical::cut(url).into()]).await?;
    let found = rows.first().map(|row| row[0].int());
    planner.systems.insert(url.to_owned(), found);
    Ok(found)
}

/// Codes are compared without regard to case, as R4 advises where a code system does not say.
async fn any_system<S: Session>(planner: &mut Planner<'_, S>, code: &str) -> StoreResult<Vec<i64>> {
    let sql = format!(
        "SELECT id FROM term m WHERE {} key = ? AND (system = {} OR system >= {})",
        planner.session.dialect().here("m"),
        space::NONE,
        space::FIRST_SYSTEM
    );
    let rows = planner.session.query(&sql, &[code_key(code).into_owned().into()]).await?;
    Ok(rows.iter().map(|row| row[0].int()).collect())
}

async fn in_system<S: Session>(planner: &mut Planner<'_, S>, system: i64, code: &str) -> StoreResult<Vec<i64>> {
    planner.terms_named(system, code).await
}

/// Texts that start with this, or that have it at the start of a word.
async fn with_text<S: Session>(planner: &mut Planner<'_, S>, text: &str) -> StoreResult<Vec<i64>> {
    let sql = format!(
        "SELECT id, folded FROM term m WHERE {} folded IS NOT NULL AND folded LIKE ? ESCAPE '!'",
        planner.session.dialect().here("m")
    );
    let escaped = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
    let rows = planner.session.query(&sql, &[format!("%{escaped}%").into()]).await?;
    let begins_word = |folded: &str| {
        let mut places = folded.char_indices().map(|(at, _)| at);
        places.any(|at| folded[at..].starts_with(text) && !folded[..at].ends_with(char::is_alphanumeric))
    };
    Ok(rows.iter().filter(|row| row[1].text().is_some_and(begins_word)).map(|row| row[0].int()).collect())
}

/// The resource of this type with this canonical address, as stored here.
async fn canonical<S: Session>(planner: &mut Planner<'_, S>, kind: &str, url: &str) -> StoreResult<Option<Value>> {
    let kind = fhir::ResourceType::parse(kind).expect("a type of R4");
    let by_id = Key::parse(url).filter(|key| key.kind == kind);
    let rid = match by_id {
        Some(key) => planner.rid(&key).await?,
        None => {
            let Some(slot) = planner.slot_named(&format!("{kind}.url")).await? else { return Ok(None) };
            let terms = planner.terms_named(space::URI, url.split('|').next().unwrap_or(url)).await?;
            let mut found = None;
            for term in terms {
                let here = planner.session.dialect().here("t");
                let sql = format!("SELECT max(rid) FROM token t WHERE {here} slot = ? AND term = ?");
                let rows = planner.session.query(&sql, &[slot.into(), term.into()]).await?;
                if let crate::db::Value::Int(rid) = rows[0][0] {
                    found = Some(rid);
                }
            }
            found
        }
    };
    let Some(rid) = rid else { return Ok(None) };
    let stored = super::fetch::resources(planner.session, &[rid]).await?;
    Ok(stored.first().map(|it| it.value()))
}

/// The codes of a value set: those it lists, those of code systems stored here, or those of the standard.
pub(super) async fn expand<S: Session>(planner: &mut Planner<'_, S>, url: &str) -> StoreResult<Vec<(String, String)>> {
    let Some(set) = canonical(planner, "ValueSet", url).await? else {
        let address = url.split('|').next().unwrap_or(url);
        if let Some(codes) = fhir::tables::code_set(address) {
            let listed =
                codes.systems.iter().flat_map(|(system, codes)| codes.iter().map(move |code| (*system, *code)));
            return Ok(listed.map(|(system, code)| (system.to_owned(), code.to_owned())).collect());
        }
        return Err(StoreError::NotSupported(format!("the value set {url} is not known here; store it first")));
    };
    let mut codes = Vec::new();
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    if let Some(contains) = set["expansion"]["contains"].as_array() {
        codes.extend(contains.iter().map(|it| (text(it, "system"), text(it, "code"))));
        return Ok(codes);
    }
    for (part, keeps) in [("include", true), ("exclude", false)] {
        for include in set["compose"][part].as_array().into_iter().flatten() {
            let mut listed = Vec::new();
            let system = text(include, "system");
            match include["concept"].as_array() {
                Some(concepts) => listed.extend(concepts.iter().map(|it| (system.clone(), text(it, "code")))),
                None if include.get("filter").is_some() => {
                    return Err(StoreError::NotSupported(format!(
                        "the value set {url} uses filters; store its expansion"
                    )));
                }
                None if !system.is_empty() => {
                    let system = text(include, "system");
                    let Some(codes) = canonical(planner, "CodeSystem", &system).await? else {
                        return Err(StoreError::NotSupported(format!(
                            "the value set {url} takes all of {system}, which is not stored here"
                        )));
                    };
                    walk(
                        &codes["concept"],
                        &mut |code, _| listed.push((system.clone(), code.to_owned())),
                        &mut Vec::new(),
                    );
                }
                None => {}
            }
            for other in include["valueSet"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                let theirs = Box::pin(expand(planner, other)).await?;
                if system.is_empty() {
                    listed.extend(theirs);
                } else {
                    listed.retain(|it| theirs.contains(it));
                }
            }
            if keeps {
                codes.extend(listed);
            } else {
                codes.retain(|it| !listed.contains(it));
            }
        }
    }
    if codes.len() > LARGEST_SET {
        return Err(StoreError::TooCostly(format!("the value set {url} has more than {LARGEST_SET} codes")));
    }
    Ok(codes)
}

/// Visits every concept with those above it.
fn walk<'a>(concepts: &'a Value, visit: &mut dyn FnMut(&'a str, &[&'a str]), above: &mut Vec<&'a str>) {
    for concept in concepts.as_array().into_iter().flatten() {
        let Some(code) = concept["code"].as_str() else { continue };
        visit(code, above);
        above.push(code);
        walk(&concept["concept"], visit, above);
        above.pop();
    }
}

/// Each pair of codes of a code system of which the first subsumes the second.
pub(super) async fn hierarchy<S: Session>(
    planner: &mut Planner<'_, S>,
    system: &str,
) -> StoreResult<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    if let Some(stored) = canonical(planner, "CodeSystem", system).await? {
        let mut visit = |code: &str, above: &[&str]| {
            pairs.extend(above.iter().map(|above| ((*above).to_owned(), code.to_owned())));
        };
        walk(&stored["concept"], &mut visit, &mut Vec::new());
    }
    Ok(pairs)
}

/// The code itself and those below (or above) it in the code system's own hierarchy.
async fn related<S: Session>(
    planner: &mut Planner<'_, S>,
    system: &str,
    code: &str,
    below: bool,
) -> StoreResult<Terms> {
    let mut codes = vec![code.to_owned()];
    if let Some(stored) = canonical(planner, "CodeSystem", system).await? {
        let mut visit = |it: &str, above: &[&str]| {
            if below && above.contains(&code) {
                codes.push(it.to_owned());
            }
            if !below && it == code {
                codes.extend(above.iter().map(|it| (*it).to_owned()));
            }
        };
        walk(&stored["concept"], &mut visit, &mut Vec::new());
    }
    let Some(number) = system_number(planner, system).await? else { return Ok(Terms::List(Vec::new())) };
    let mut terms = Vec::new();
    for code in codes {
        terms.extend(in_system(planner, number, &code).await?);
    }
    Ok(Terms::List(terms))
}
