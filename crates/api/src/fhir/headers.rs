//! The headers that carry FHIR's conditions and preferences: `If-Match`, `If-None-Match`,
//! `If-Modified-Since`, `If-None-Exist`, `Prefer`; and the moments and version tags answers carry.
//! The same conditions come as `Bundle.entry.request` members.
//!
//! FHIR R4, http.html#concurrency, #cread, #ccreate, #prefer.

use crate::refusal::{Answer, Refusal};
use crate::settings::Return;
use http::{HeaderMap, HeaderName, header};
use jiff::Timestamp;
use store::Expect;

const IF_NONE_EXIST: HeaderName = HeaderName::from_static("if-none-exist");
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// How to treat search parameters that are not understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Handling {
    #[default]
    Strict,
    Lenient,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) if_match: Option<String>,
    pub(crate) if_none_match: Option<String>,
    pub(crate) if_modified_since: Option<String>,
    pub(crate) if_none_exist: Option<String>,
    pub(crate) returns: Option<Return>,
    pub(crate) handling: Handling,
}

impl Conditions {
    pub(crate) fn of(headers: &HeaderMap) -> Answer<Conditions> {
        let text = |name: HeaderName| match headers.get(&name) {
            None => Ok(None),
            Some(value) => match std::str::from_utf8(value.as_bytes()) {
                Ok(text) => Ok(Some(text.trim().to_owned())),
                Err(_) => Err(Refusal::invalid(format!("the header {name} is not readable text"))),
            },
        };
        let mut conditions = Conditions {
            if_match: text(header::IF_MATCH)?,
            if_none_match: text(header::IF_NONE_MATCH)?,
            if_modified_since: text(header::IF_MODIFIED_SINCE)?,
            if_none_exist: text(IF_NONE_EXIST)?,
            ..Conditions::default()
        };
        for value in headers.get_all(PREFER) {
            conditions.prefer(value.to_str().unwrap_or(""))?;
        }
        Ok(conditions)
    }

    /// Preferences nobody knows are ignored (RFC 7240, 2); a known one with an unknown value is a mistake.
    fn prefer(&mut self, text: &str) -> Answer<()> {
        for part in text.split([',', ';']) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match (name.trim(), value.trim().trim_matches('"')) {
                ("return", "minimal") => self.returns = Some(Return::Minimal),
                ("return", "representation") => self.returns = Some(Return::Representation),
                ("return", "OperationOutcome") => self.returns = Some(Return::OperationOutcome),
                ("return", _) => {
                    return Err(Refusal::invalid("Prefer: return must be minimal, representation or OperationOutcome"));
                }
                ("handling", "strict") => self.handling = Handling::Strict,
                ("handling", "lenient") => self.handling = Handling::Lenient,
                ("handling", _) => return Err(Refusal::invalid("Prefer: handling must be strict or lenient")),
                _ => {}
            }
        }
        Ok(())
    }

    /// What the write expects to find, as `If-Match` says it; `None` without the header.
    pub(crate) fn expected(&self) -> Answer<Option<Expect>> {
        let Some(text) = &self.if_match else { return Ok(None) };
        if text == "*" {
            return Ok(Some(Expect::Present));
        }
        match tag(text).parse() {
            Ok(version) => Ok(Some(Expect::Version(version))),
            // Versions here are numbers: another text is a version this resource never had.
            Err(_) => Err(Refusal::condition(
                ::fhir::IssueCode::Conflict,
                "If-Match must hold one version as the ETag gave it, for example W/\"3\"",
            )),
        }
    }

    /// Whether the reader already holds this version (conditional read).
    pub(crate) fn already_has(&self, version: u64, at: i64) -> bool {
        if let Some(tags) = &self.if_none_match {
            let version = version.to_string();
            return tags.split(',').any(|it| it.trim() == "*" || tag(it) == version);
        }
        let since = self.if_modified_since.as_deref().and_then(read_http_date);
        // The header has whole seconds.
        since.is_some_and(|since| at.div_euclid(1_000_000) <= since)
    }
}

/// `W/"3"`, `"3"` or `3` → `3`.
fn tag(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix("W/").unwrap_or(text).trim_matches('"')
}

pub(crate) fn etag(version: u64) -> String {
    format!("W/\"{version}\"")
}

pub(crate) use store::instant;

/// `Sun, 22 Nov 2026 13:20:53 GMT`.
pub(crate) fn http_date(at: i64) -> String {
    let moment = Timestamp::from_second(at.div_euclid(1_000_000)).unwrap_or(Timestamp::UNIX_EPOCH);
    jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&moment)
        .expect("every moment of the calendar can be printed")
}

/// Seconds since 1970 of an HTTP date; `None` for what is none (RFC 9110 has us ignore it then).
fn read_http_date(text: &str) -> Option<i64> {
    let text = text.trim().replace("GMT", "+0000");
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.as_bytes()).ok().map(|it| it.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_printed_and_read() {
        let at = 1_795_354_853_123_456;
        assert_eq!(instant(at), "2026-11-22T13:40:53.123Z");
        assert_eq!(http_date(at), "Sun, 22 Nov 2026 13:40:53 GMT");
        assert_eq!(read_http_date(&http_date(at)), Some(at / 1_000_000));
        assert_eq!(read_http_date("yesterday"), None);
    }

    #[test]
    fn a_version_tag_may_be_weak_strong_or_bare() {
        for text in ["W/\"3\"", "\"3\"", "3", " W/\"3\" "] {
            let conditions = Conditions { if_match: Some(text.into()), ..Conditions::default() };
            assert_eq!(conditions.expected().unwrap(), Some(Expect::Version(3)), "{text}");
        }
    }

    #[test]
    fn preferences_are_read_in_any_order_and_unknown_ones_ignored() {
        let mut conditions = Conditions::default();
        conditions.prefer("respond-async, handling=lenient; return=minimal").unwrap();
        assert_eq!((conditions.returns, conditions.handling), (Some(Return::Minimal), Handling::Lenient));
        assert!(conditions.prefer("return=everything").is_err());
    }
}
