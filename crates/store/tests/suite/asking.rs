//! From what a resource is found by back to the text of a search that finds it.

use fhir::search::row::{RowValue, Span, Target, Token};
use fhir::search::{Param, row::Amount};

/// A value in a URL: what would separate is escaped.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        if matches!(letter, ',' | '$' | '|' | '\\') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// The first `count` letters, without white space at the end.
pub(crate) fn start(text: &str, count: usize) -> String {
    text.chars().take(count).collect::<String>().trim_end().to_owned()
}

/// A moment as text, when it has a year of four digits.
pub(crate) fn moment(at: i64) -> Option<String> {
    let least = jiff::Timestamp::from_millisecond(at).ok()?;
    let text = format!("{least:.3}");
    (text.len() == 24).then_some(text)
}

/// Name and value of a search that finds the row; `None` where a URL cannot say it.
pub(crate) fn finding(param: &Param, value: &RowValue) -> Option<(String, String)> {
    let plain = |value: String| Some((param.code.clone(), value));
    match value {
        RowValue::Token(Token { system: None, code: None, text: Some(text) }) => {
            let text = start(&fhir::search::fold(text), 60);
            (!text.is_empty()).then(|| (format!("{}:text", param.code), escaped(&text)))
        }
        other => plain(term(other)?),
    }
}

fn term(value: &RowValue) -> Option<String> {
    Some(match value {
        RowValue::Token(it) => token(it)?,
        RowValue::String(it) => {
            let text = start(&it.folded, 60);
            (!text.is_empty()).then(|| escaped(&text))?
        }
        RowValue::Reference(it) => reference(it)?,
        RowValue::Date(it) => date(*it)?,
        RowValue::Quantity(it) => quantity(it)?,
        RowValue::Uri(it) => escaped(it),
        RowValue::Composite { first, second, third } => {
            let mut text = format!("{}${}", token(first)?, term(second)?);
            if let Some(third) = third {
                text.push('$');
                text.push_str(&term(third)?);
            }
            text
        }
    })
}

pub(crate) fn token(it: &Token) -> Option<String> {
    let code = it.code.as_deref().filter(|code| !code.is_empty()).map(escaped);
    match (&it.system, code) {
        (Some(system), Some(code)) => Some(format!("{}|{code}", escaped(system))),
        (None, Some(code)) => Some(format!("|{code}")),
        (Some(system), None) => Some(format!("{}|", escaped(system))),
        (None, None) => None,
    }
}

pub(crate) fn reference(it: &Target) -> Option<String> {
    Some(match it {
        Target::Local { key, version: None } => key.to_string(),
        Target::Local { key, version: Some(version) } => format!("{key}/_history/{version}"),
        Target::Elsewhere { url, .. } => {
            let whole = (url.contains("://") || url.starts_with("urn:")) && !url.contains('|');
            whole.then(|| escaped(url))?
        }
        // An address that looks like an id is read as one.
        Target::Canonical { url, .. } if fhir::Id::parse(url).is_some() => return None,
        Target::Canonical { url, version: None } => escaped(url),
        Target::Canonical { url, version: Some(version) } => format!("{}|{}", escaped(url), escaped(version)),
    })
}

fn date(it: Span) -> Option<String> {
    if it.low == i64::MIN {
        return Some(format!("le{}", moment(it.high)?));
    }
    let text = moment(it.low)?;
    Some(match it.high.saturating_sub(it.low) {
        1 => text,
        1000 if text.ends_with(".000Z") => format!("{}Z", &text[..19]),
        86_400_000 if text.ends_with("T00:00:00.000Z") => text[..10].to_owned(),
        _ => format!("ge{text}"),
    })
}

fn quantity(it: &Amount) -> Option<String> {
    let (prefix, number) = match (it.low.is_finite(), it.high.is_finite()) {
        (true, true) if it.low == it.high => ("", it.low),
        (true, _) => ("ge", it.low),
        (_, true) => ("le", it.high),
        _ => return None,
    };
    let number = number.to_string();
    if number.len() > 28 {
        return None;
    }
    let unit = match (&it.unit.system, &it.unit.code, &it.unit.text) {
        (Some(system), Some(code), _) => format!("|{}|{}", escaped(system), escaped(code)),
        (_, Some(unit), _) | (_, None, Some(unit)) => format!("||{}", escaped(unit)),
        _ => String::new(),
    };
    Some(format!("{prefix}{number}{unit}"))
}
