//! The interactions of FHIR's REST API. Each takes an [`Ask`] and gives a reply or a refusal; whether the
//! ask came by HTTP or in an entry of a bundle makes no difference to it.

pub(crate) mod audit_event;
pub(crate) mod bundle;
pub(crate) mod conditional;
pub(crate) mod content;
pub(crate) mod headers;
pub(crate) mod history;
pub(crate) mod negotiate;
pub(crate) mod pages;
pub(crate) mod patch;
pub(crate) mod query;
pub(crate) mod read;
pub(crate) mod search;
pub(crate) mod subset;
pub(crate) mod write;

use crate::door::Door;
use crate::operations;
use crate::refusal::{Answer, Refusal};
use crate::reply::Reply;
use crate::routes::{Interaction, Matched};
use futures::future::BoxFuture;
use headers::Conditions;
use negotiate::Content;
use query::Pairs;
use store::Caller;

/// One interaction asked for.
pub(crate) struct Ask<'a> {
    pub(crate) door: &'a Door,
    pub(crate) caller: &'a Caller,
    pub(crate) matched: Matched,
    pub(crate) pairs: Pairs,
    pub(crate) conditions: Conditions,
    pub(crate) content: Content,
}

pub(crate) async fn answer(ask: Ask<'_>) -> Answer<Reply> {
    use Interaction::{Delete, Patch, Read, Update, VersionRead};
    if let Read | VersionRead | Update | Patch | Delete = ask.matched.interaction
        && let Some(sequence) = audit_event::entry_of(&ask.matched.key())
    {
        return match ask.matched.interaction {
            Read | VersionRead => audit_event::read(ask, sequence).await,
            _ => Err(audit_event::refuse_writing()),
        };
    }
    match ask.matched.interaction {
        Interaction::Read => read::read(ask).await,
        Interaction::VersionRead => read::version_read(ask).await,
        Interaction::SearchKind | Interaction::SearchSystem | Interaction::SearchCompartment => {
            search::search(ask).await
        }
        Interaction::Create => write::create(ask).await,
        Interaction::Update => write::update(ask).await,
        Interaction::Delete => write::delete(ask).await,
        Interaction::Patch => patch::patch(ask).await,
        Interaction::ConditionalUpdate => conditional::update(ask).await,
        Interaction::ConditionalPatch => conditional::patch(ask).await,
        Interaction::ConditionalDelete => conditional::delete(ask).await,
        Interaction::HistoryInstance | Interaction::HistoryKind | Interaction::HistorySystem => {
            history::history(ask).await
        }
        Interaction::Bundle => bundle::bundle(ask).await,
        Interaction::Operation => {
            let operation = ask.matched.operation.expect("this route names an operation");
            operations::run(operation, ask).await
        }
        Interaction::Capabilities => Ok(Reply::resource(crate::capability::statement(ask.door))),
    }
}

/// The same for the entries of bundles, which are asks within an ask: boxed, or the future would contain itself.
pub(crate) fn answer_entry(ask: Ask<'_>) -> BoxFuture<'_, Answer<Reply>> {
    Box::pin(answer(ask))
}

/// Parameters that an interaction does not know are refused, never silently ignored.
pub(crate) fn refuse_rest(pairs: &[(String, String)]) -> Answer<()> {
    match pairs.first() {
        None => Ok(()),
        Some((name, _)) => {
            let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            Err(Refusal::not_supported(format!("the parameter {name} means nothing here; leave it out")))
        }
    }
}
