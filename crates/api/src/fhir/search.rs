//! Search of a type, a compartment or everything, by GET or POST. Matches go out as the stored bytes; the
//! parameters are understood by `fhir::search` and nothing is ever silently ignored.
//!
//! FHIR R4, search.html.

use super::audit_event;
use super::headers::Handling;
use super::negotiate::{self, Content, wrong_content};
use super::pages::{self, CURSOR, Writer};
use super::query::Pairs;
use super::subset::Shape;
use super::{Ask, query};
use crate::door::Door;
use crate::refusal::{Answer, Refusal};
use crate::reply::{Reply, json_text};
use crate::routes::{Interaction, Members, Verb};
use ::fhir::issue::operation_outcome;
use ::fhir::search as asked;
use ::fhir::search::query::{Query, Summary};
use ::fhir::{Issue, Key, ResourceType};
use http::{HeaderMap, StatusCode};
use store::{Page, PageCursor, PageQuery, Role};

/// Where is searched.
#[derive(Clone, Debug)]
pub(crate) enum Scope {
    System,
    Kind(ResourceType),
    Compartment(Key, Members),
}

impl Scope {
    /// The path of page links.
    fn path(&self) -> String {
        match self {
            Scope::System => String::new(),
            Scope::Kind(kind) => kind.to_string(),
            Scope::Compartment(owner, Members::All) => format!("{owner}/*"),
            Scope::Compartment(owner, Members::Of(kind)) => format!("{owner}/{kind}"),
        }
    }
}

/// Turns parameters into a query; what was not understood comes back as issues (lenient) or refuses the
/// whole search (strict).
pub(crate) fn understand(door: &Door, scope: Scope, pairs: Pairs, handling: Handling) -> Answer<(Query, Vec<Issue>)> {
    let registry = door.store().registry();
    let scope = match scope {
        Scope::System => asked::Scope::System,
        Scope::Kind(kind) => asked::Scope::Type(kind),
        Scope::Compartment(owner, Members::All) => asked::Scope::Compartment { owner, kind: None },
        Scope::Compartment(owner, Members::Of(kind)) => {
            if kind != owner.kind && registry.compartment_slots(owner.kind.name(), kind).is_empty() {
                return Err(Refusal::not_supported(format!(
                    "{kind} is not part of the {} compartment; search it by its own parameters",
                    owner.kind
                )));
            }
            asked::Scope::Compartment { owner, kind: Some(kind) }
        }
    };
    let reading = asked::Reading {
        registry: &registry,
        base: door.store().bases(),
        limits: asked::Limits::default(),
        now: door.now().div_euclid(1000),
    };
    let handling = match handling {
        Handling::Strict => asked::Handling::Strict,
        Handling::Lenient => asked::Handling::Lenient,
    };
    reading.query(&scope, &pairs, handling).map_err(|issues| Refusal::of(StatusCode::BAD_REQUEST, issues))
}

pub(crate) async fn search(mut ask: Ask<'_>) -> Answer<Reply> {
    let scope = match ask.matched.interaction {
        Interaction::SearchKind => Scope::Kind(ask.matched.kind()),
        Interaction::SearchCompartment => {
            Scope::Compartment(ask.matched.key(), ask.matched.members.expect("this route names members"))
        }
        _ => Scope::System,
    };
    let mut pairs = std::mem::take(&mut ask.pairs);
    if ask.matched.verb == Verb::Post {
        match &ask.content {
            Content::None => {}
            Content::Form(bytes) => {
                let text = std::str::from_utf8(bytes).map_err(|_| Refusal::invalid("the form is not UTF-8"))?;
                pairs.extend(query::parse(text)?);
                // A form may say the form of the answer too; one that we do not speak is refused.
                negotiate::wanted(&HeaderMap::new(), &mut pairs)?;
            }
            other => return Err(wrong_content(other, "parameters as application/x-www-form-urlencoded")),
        }
    }
    let cursor = take_cursor(&mut pairs)?;
    if matches!(scope, Scope::Kind(kind) if kind.name() == "AuditEvent") {
        return audit_event::search(ask, pairs, cursor).await;
    }
    let path = scope.path();
    let (query, issues) = understand(ask.door, scope, pairs, ask.conditions.handling)?;
    let settings = &ask.door.settings;
    let wanted = PageQuery {
        query,
        default_count: settings.default_count,
        max_count: settings.max_count,
        cursor: cursor.clone(),
    };
    let page = ask.door.store().search(ask.caller, &wanted).await?;
    Ok(searchset(ask.door, &path, &wanted.query, cursor.as_ref(), page, &issues))
}

pub(crate) fn take_cursor(pairs: &mut Pairs) -> Answer<Option<PageCursor>> {
    let Some(at) = pairs.iter().position(|(name, _)| name == CURSOR) else { return Ok(None) };
    let (_, text) = pairs.remove(at);
    if pairs.iter().any(|(name, _)| name == CURSOR) {
        return Err(Refusal::invalid("a page link has one _cursor"));
    }
    Ok(Some(PageCursor(text)))
}

/// The bundle of one page.
pub(crate) fn searchset(
    door: &Door,
    path: &str,
    query: &Query,
    cursor: Option<&PageCursor>,
    page: Page,
    issues: &[Issue],
) -> Reply {
    let encoded = query::encode(&query.understood);
    let mut links = vec![("self", pages::link(&door.base, path, &encoded, cursor.map(|it| it.0.as_str())))];
    for (relation, cursor) in [("next", &page.next), ("previous", &page.previous)] {
        if let Some(cursor) = cursor {
            links.push((relation, pages::link(&door.base, path, &encoded, Some(&cursor.0))));
        }
    }
    let shape = Shape::of(query);
    let size = page.entries.iter().map(|it| it.stored.body.len() + 200).sum();
    let mut writer = Writer::new(door, "searchset", page.total, &links, size);
    let counted = query.summary == Summary::Count;
    for found in page.entries.iter().filter(|_| !counted) {
        // `_elements` is about what was searched; what came along stays whole.
        let cut = match (&shape, found.role) {
            (None, _) | (Some(Shape::Elements(_)), Role::Include) => None,
            (Some(shape), _) => Some(shape.cut(&found.stored)),
        };
        writer.found(&door.base, found, cut.as_ref().unwrap_or(&found.stored.body));
    }
    if !issues.is_empty() {
        writer.outcome(&json_text(&operation_outcome(issues)));
    }
    Reply::resource(writer.finish())
}
