//! What the filters show, as a table for other programs (RFC 4180). Formulas that a spreadsheet would run are made
//! harmless. That it was taken is in the log.

use super::Asked;
use crate::request::{Answer, Visitor};
use axum::extract::Query;
use axum::http::header;
use axum::response::IntoResponse;
use care::cohorts::quoted;
use store::audit::{Entry, Event, Outcome};

/// Entries in one file; who needs more takes it by periods, or from the command line.
const MOST: usize = 50_000;

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let mut query = asked.query(1_000);
    query.cursor = None;
    let mut text = String::from(
        "sequence,time,who,display,role,purpose,app,action,type,resource,version,patients,outcome,rule,request,detail,hash\r\n",
    );
    let mut count = 0;
    loop {
        let page = visitor.store().audit_page(&visitor.caller, &query, visitor.now).await?;
        count += page.entries.len();
        page.entries.iter().for_each(|entry| line(&mut text, entry));
        match page.next {
            Some(next) if count < MOST => query.cursor = Some(next),
            _ => break,
        }
    }
    let event = Event::of("export").detail(format!("{count} entries of the audit log: {}", asked.address()));
    visitor.store().record(&visitor.caller, event, visitor.now).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.csv\""),
    ];
    Ok((headers, text).into_response())
}

fn line(text: &mut String, entry: &Entry) {
    let at = jiff::Timestamp::from_microsecond(entry.at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let patients: Vec<&str> = entry.patients.iter().map(fhir::Id::as_str).collect();
    let outcome = match entry.outcome {
        Outcome::Success => "done",
        Outcome::Refused => "refused",
        Outcome::Failed => "failed",
    };
    let or_none = |it: Option<&String>| it.cloned().unwrap_or_default();
    let cells = [
        entry.sequence.to_string(),
        at.to_string(),
        entry.agent.who.clone(),
        entry.agent.display.clone(),
        entry.agent.role.clone(),
        entry.agent.purpose.clone(),
        or_none(entry.agent.client.as_ref()),
        entry.action.clone(),
        entry.kind.map_or(String::new(), |it| it.name().to_owned()),
        entry.about.as_ref().map_or(String::new(), ToString::to_string),
        entry.version.map_or(String::new(), |it| it.to_string()),
        patients.join(" "),
        outcome.to_owned(),
        or_none(entry.rule.as_ref()),
        or_none(entry.request.as_ref()),
        or_none(entry.detail.as_ref()),
        entry.hash.clone(),
    ];
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(&quoted(cell));
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a,b"), "\"a,b\"");
        assert_eq!(quoted("say \"hi\""), "\"say \"\"hi\"\"\"");
        assert_eq!(quoted("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(quoted("two\nlines"), "\"two\nlines\"");
    }
}
