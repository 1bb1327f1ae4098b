//! Whether the log is as it was written. Checking walks all of it, so it is begun by hand.

use crate::components::form::act;
use crate::components::shell;
use crate::locale::Words;
use crate::request::{Answer, Visitor};
use maud::{Markup, html};
use store::audit::Report;

pub(crate) async fn page(visitor: Visitor) -> Answer {
    let head = visitor.store().audit_head().await?;
    let main = html! {
        header.section-head { h1 { (visitor.words.say("audit-check-the-chain")) } p { a href=(visitor.at("admin/audit")) { (visitor.words.say("audit-back-to-the-log")) } } }
        (about(visitor.words))
        @if let Some((sequence, at, hash)) = &head {
            dl.handed {
                dt { (visitor.words.say("audit-entries")) } dd { (sequence) }
                dt { (visitor.words.say("audit-last-entry")) } dd { (crate::components::table::moment(*at)) }
                dt { (visitor.words.say("audit-its-hash")) } dd { code { (hash) } }
            }
        }
        (act(&visitor.at("admin/audit/verify"), &[], &visitor.words.say("audit-check-now"), Some("primary")))
    };
    Ok(shell::administration(&visitor, "audit", visitor.words.say("audit-check-the-chain"), main))
}

fn about(words: &Words) -> Markup {
    html! { p { (words.say("audit-each-entry-carries-a-digest")) } }
}

pub(crate) async fn submit(visitor: Visitor) -> Answer {
    let organisation = &visitor.organisation;
    let anchors = organisation.surroundings.anchors(&organisation.slug);
    let kept = anchors.as_deref().unwrap_or_default();
    let report = visitor.store().audit_verify(&visitor.caller, kept, &|_, _| {}).await?;
    let main = html! {
        header.section-head { h1 { (visitor.words.say("audit-check-the-chain")) } p { a href=(visitor.at("admin/audit")) { (visitor.words.say("audit-back-to-the-log")) } } }
        (about(visitor.words))
        (told(&visitor, &report))
        @match &anchors {
            Ok(_) => p { (visitor.words.with("audit-anchors-agree", &[("count", report.anchors.into())])) },
            Err(why) => div.error role="alert" { p { (visitor.words.say("audit-anchors-wrong")) } p { (why) } },
        }
        (act(&visitor.at("admin/audit/verify"), &[], &visitor.words.say("audit-check-again"), None))
    };
    Ok(shell::administration(&visitor, "audit", visitor.words.say("audit-check-the-chain"), main))
}

fn told(visitor: &Visitor, report: &Report) -> Markup {
    html! {
        @match &report.bad {
            None => p.notice.good role="status" {
                (crate::components::icon::icon("check")) (visitor.words.with("audit-all-well", &[("count", report.entries.into())]))
            },
            Some(bad) => div.error role="alert" {
                p { strong { (visitor.words.say("audit-entry")) " " (bad.sequence) " " (bad.what) "." } }
                p { (visitor.words.with("audit-well-before", &[("count", report.entries.into())])) }
                p { a href={ (visitor.at("admin/audit/")) (bad.sequence) } { (visitor.words.say("audit-show-the-entry")) } }
            },
        }
    }
}
