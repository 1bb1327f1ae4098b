//! Functions on texts (FHIRPath N1, 5.6). Positions count characters, not bytes.

use super::PathError;
use super::evaluate::{Outcome, Run, Scope, single};
use super::functions;
use super::node::{Collection, Node};
use super::plan::Call;
use regex::Regex;
use std::borrow::Cow;

/// The one text of the input; anything but text is an error.
fn input_text<'a>(input: &Collection<'a>) -> Result<Option<Cow<'a, str>>, PathError> {
    match single(input)? {
        None => Ok(None),
        Some(Node::Element { value: None, .. }) => Ok(None),
        Some(node) => node.text().map(Some).ok_or(PathError::Evaluation("this function works on a text")),
    }
}

pub(super) fn change<'a>(input: &Collection<'a>, change: fn(&str) -> String) -> Outcome<'a> {
    Ok(input_text(input)?.map_or(Collection::Empty, |it| Collection::text(change(&it))))
}

pub(super) fn test<'a>(
    run: &Run<'_, 'a>,
    input: &Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
    test: fn(&str, &str) -> bool,
) -> Outcome<'a> {
    let (text, part) = (input_text(input)?, run.text_argument(call, 0, scope)?);
    Ok(Collection::perhaps(text.zip(part).map(|(text, part)| test(&text, &part))))
}

pub(super) fn position<'a>(
    run: &Run<'_, 'a>,
    input: &Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
    find: fn(&str, &str) -> Option<usize>,
) -> Outcome<'a> {
    let (Some(text), Some(part)) = (input_text(input)?, run.text_argument(call, 0, scope)?) else {
        return Ok(Collection::Empty);
    };
    let at = find(&text, &part).map_or(-1, |at| text[..at].chars().count() as i64);
    Ok(Collection::One(Node::Integer(at)))
}

pub(super) fn substring<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let (Some(text), Some(start)) = (input_text(&input)?, run.integer_argument(call, 0, scope)?) else {
        return Ok(Collection::Empty);
    };
    let length = run.integer_argument(call, 1, scope)?;
    let Ok(start) = usize::try_from(start) else { return Ok(Collection::Empty) };
    let Some((from, _)) = text.char_indices().nth(start) else { return Ok(Collection::Empty) };
    let rest = &text[from..];
    let end = match length {
        None => rest.len(),
        Some(length) => rest.char_indices().nth(usize::try_from(length).unwrap_or(0)).map_or(rest.len(), |(at, _)| at),
    };
    Ok(Collection::text(rest[..end].to_owned()))
}

pub(super) fn replace<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let (Some(text), Some(part), Some(by)) =
        (input_text(&input)?, run.text_argument(call, 0, scope)?, run.text_argument(call, 1, scope)?)
    else {
        return Ok(Collection::Empty);
    };
    let times = text.matches(&*part).count();
    spend_on(run, text.len() + times * by.len())?;
    Ok(Collection::text(text.replace(&*part, &by)))
}

/// Texts cost by their length, so that no expression can build one without bound.
fn spend_on(run: &Run<'_, '_>, bytes: usize) -> Result<(), PathError> {
    run.spend(bytes as u64 / 64 + 1)
}

fn with_pattern<T>(call: &Call, text: &str, whole: bool, then: impl FnOnce(&Regex) -> T) -> Result<T, PathError> {
    match &call.pattern {
        Some(pattern) => Ok(then(pattern)),
        None => functions::pattern(text, whole).map(|pattern| then(&pattern)),
    }
}

pub(super) fn matches<'a>(
    run: &Run<'_, 'a>,
    input: &Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
    whole: bool,
) -> Outcome<'a> {
    let (Some(text), Some(pattern)) = (input_text(input)?, run.text_argument(call, 0, scope)?) else {
        return Ok(Collection::Empty);
    };
    spend_on(run, text.len())?;
    with_pattern(call, &pattern, whole, |it| Collection::boolean(it.is_match(&text)))
}

pub(super) fn replace_matches<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let (Some(text), Some(pattern), Some(by)) =
        (input_text(&input)?, run.text_argument(call, 0, scope)?, run.text_argument(call, 1, scope)?)
    else {
        return Ok(Collection::Empty);
    };
    // An empty pattern replaces nothing, rather than between all characters.
    if pattern.is_empty() {
        return Ok(Collection::text(text));
    }
    spend_on(run, text.len() * (by.len() + 1))?;
    with_pattern(call, &pattern, false, |it| Collection::text(it.replace_all(&text, &*by).into_owned()))
}

pub(super) fn length<'a>(_: &Run<'_, 'a>, input: Collection<'a>, _: &'a Call, _: &Scope<'_, 'a>) -> Outcome<'a> {
    Ok(input_text(&input)?.map_or(Collection::Empty, |it| Collection::integer(it.chars().count())))
}

pub(super) fn to_chars<'a>(run: &Run<'_, 'a>, input: Collection<'a>, _: &'a Call, _: &Scope<'_, 'a>) -> Outcome<'a> {
    let Some(text) = input_text(&input)? else { return Ok(Collection::Empty) };
    run.spend(text.len() as u64)?;
    Ok(text.chars().map(|it| Node::String(Cow::Owned(it.to_string()))).collect())
}

pub(super) fn split<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let (Some(text), Some(separator)) = (input_text(&input)?, run.text_argument(call, 0, scope)?) else {
        return Ok(Collection::Empty);
    };
    run.spend(text.len() as u64)?;
    if separator.is_empty() {
        return Ok(text.chars().map(|it| Node::String(Cow::Owned(it.to_string()))).collect());
    }
    Ok(text.split(&*separator).map(|it| Node::String(Cow::Owned(it.to_owned()))).collect())
}

pub(super) fn join<'a>(run: &Run<'_, 'a>, input: Collection<'a>, call: &'a Call, scope: &Scope<'_, 'a>) -> Outcome<'a> {
    let separator = if call.arguments.is_empty() { None } else { run.text_argument(call, 0, scope)? };
    let mut out = String::new();
    let mut first = true;
    for node in input.iter() {
        let Some(part) = node.text() else {
            if matches!(node, Node::Element { value: None, .. }) {
                continue;
            }
            return Err(PathError::Evaluation("join() works on texts"));
        };
        if !first {
            out.push_str(separator.as_deref().unwrap_or(""));
        }
        first = false;
        out.push_str(&part);
    }
    if input.is_empty() {
        return Ok(Collection::Empty);
    }
    spend_on(run, out.len())?;
    Ok(Collection::text(out))
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const FOR_URLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn alphabet(format: &str) -> Option<&'static [u8; 64]> {
    match format {
        "base64" => Some(STANDARD),
        "urlbase64" => Some(FOR_URLS),
        _ => None,
    }
}

pub(super) fn encode<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let (Some(text), Some(format)) = (input_text(&input)?, run.text_argument(call, 0, scope)?) else {
        return Ok(Collection::Empty);
    };
    spend_on(run, text.len())?;
    if format == "hex" {
        return Ok(Collection::text(text.bytes().map(|it| format!("{it:02x}")).collect::<String>()));
    }
    let Some(alphabet) = alphabet(&format) else { return Ok(Collection::Empty) };
    let mut out = String::with_capacity(text.len() * 4 / 3 + 4);
    for group in text.as_bytes().chunks(3) {
        let bits = group.iter().fold(0u32, |sum, it| sum << 8 | u32::from(*it)) << (8 * (3 - group.len()));
        for at in 0..4 {
            let sign = alphabet[(bits >> (18 - 6 * at) & 63) as usize] as char;
            out.push(if at <= group.len() { sign } else { '=' });
        }
    }
    Ok(Collection::text(out))
}

pub(super) fn decode<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let (Some(text), Some(format)) = (input_text(&input)?, run.text_argument(call, 0, scope)?) else {
        return Ok(Collection::Empty);
    };
    spend_on(run, text.len())?;
    let bytes = match (&*format, alphabet(&format)) {
        ("hex", _) => from_hex(&text),
        (_, Some(alphabet)) => from_base64(&text, alphabet),
        _ => return Ok(Collection::Empty),
    };
    let decoded = bytes.and_then(|it| String::from_utf8(it).ok());
    decoded.map(Collection::text).ok_or(PathError::Evaluation("this text is not encoded so"))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.chars().map(|it| it.to_digit(16).map(|it| it as u8)).collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    pairs.remainder().is_empty().then(|| digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn from_base64(text: &str, alphabet: &[u8; 64]) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text
        .trim_end_matches('=')
        .bytes()
        .map(|it| alphabet.iter().position(|known| *known == it).map(|it| it as u32))
        .collect::<Option<_>>()?;
    let mut out = Vec::with_capacity(digits.len() * 3 / 4);
    for group in digits.chunks(4) {
        if group.len() == 1 {
            return None;
        }
        let bits = group.iter().fold(0u32, |sum, it| sum << 6 | it) << (6 * (4 - group.len()));
        out.extend((0..group.len() - 1).map(|at| (bits >> (16 - 8 * at)) as u8));
    }
    Some(out)
}

const HTML: [(&str, &str); 5] = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#39;")];

pub(super) fn escape<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let (Some(text), Some(format)) = (input_text(&input)?, run.text_argument(call, 0, scope)?) else {
        return Ok(Collection::Empty);
    };
    spend_on(run, text.len())?;
    match &*format {
        "html" => {
            let escaped = HTML.iter().fold(text.into_owned(), |text, (sign, entity)| text.replace(sign, entity));
            Ok(Collection::text(escaped))
        }
        "json" => {
            let quoted = serde_json::Value::from(&*text).to_string();
            Ok(Collection::text(quoted[1..quoted.len() - 1].to_owned()))
        }
        _ => Ok(Collection::Empty),
    }
}

pub(super) fn unescape<'a>(
    run: &Run<'_, 'a>,
    input: Collection<'a>,
    call: &'a Call,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    let (Some(text), Some(format)) = (input_text(&input)?, run.text_argument(call, 0, scope)?) else {
        return Ok(Collection::Empty);
    };
    spend_on(run, text.len())?;
    match &*format {
        // The ampersand last, or `&amp;lt;` would be unescaped twice.
        "html" => {
            let plain = HTML.iter().rev().fold(text.into_owned(), |text, (sign, entity)| text.replace(entity, sign));
            Ok(Collection::text(plain))
        }
        "json" => match serde_json::from_str::<String>(&format!("\"{text}\"")) {
            Ok(plain) => Ok(Collection::text(plain)),
            // A text without escapes, quotes and all, is already plain.
            Err(_) if !text.contains('\\') => Ok(Collection::text(text)),
            Err(_) => Err(PathError::Evaluation("this text is not escaped as JSON")),
        },
        _ => Ok(Collection::Empty),
    }
}
