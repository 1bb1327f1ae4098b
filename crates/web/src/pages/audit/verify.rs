//! Whether the log is as it was written. Checking walks all of it, so it is begun by hand.

use crate::components::form::act;
use crate::components::shell;
use crate::request::{Answer, Visitor};
use maud::{Markup, html};
use store::audit::Report;

pub(crate) async fn page(visitor: Visitor) -> Answer {
    let head = visitor.store().audit_head().await?;
    let main = html! {
        header.section-head { h1 { "Check the chain" } p { a href=(visitor.at("admin/audit")) { "Back to the log" } } }
        (about())
        @if let Some((sequence, at, hash)) = &head {
            dl.handed {
                dt { "Entries" } dd { (sequence) }
                dt { "Last entry" } dd { (crate::components::table::moment(*at)) }
                dt { "Its hash" } dd { code { (hash) } }
            }
        }
        (act(&visitor.at("admin/audit/verify"), &[], "Check now", Some("primary")))
    };
    Ok(shell::administration(&visitor, "audit", "Check the chain", main))
}

fn about() -> Markup {
    html! { p { "Each entry carries a digest of the one before. Whoever changes, inserts or removes one breaks the chain at that place." } }
}

pub(crate) async fn submit(visitor: Visitor) -> Answer {
    let report = visitor.store().audit_verify(&visitor.caller, &[], &|_, _| {}).await?;
    let main = html! {
        header.section-head { h1 { "Check the chain" } p { a href=(visitor.at("admin/audit")) { "Back to the log" } } }
        (about())
        (told(&visitor, &report))
        (act(&visitor.at("admin/audit/verify"), &[], "Check again", None))
    };
    Ok(shell::administration(&visitor, "audit", "Check the chain", main))
}

fn told(visitor: &Visitor, report: &Report) -> Markup {
    html! {
        @match &report.bad {
            None => p.notice.good role="status" {
                (crate::components::icon::icon("check")) "All " (report.entries) " entries are as they were written."
            },
            Some(bad) => div.error role="alert" {
                p { strong { "Entry " (bad.sequence) " " (bad.what) "." } }
                p { "The " (report.entries) " entries before it are as they were written. Keep a copy of the data and look at the anchors outside it." }
                p { a href={ (visitor.at("admin/audit/")) (bad.sequence) } { "Show the entry" } }
            },
        }
    }
}
