//! A resource as nested lists that a person can read: members and values, references as links.

use crate::door::Door;
use bytes::Bytes;
use maud::{Markup, PreEscaped, html};
use serde_json::Value;

pub(super) fn of_text(door: &Door, text: &Bytes) -> Markup {
    of_value(door, &serde_json::from_slice(text).unwrap_or(Value::Null))
}

pub(super) fn of_value(door: &Door, value: &Value) -> Markup {
    match value {
        Value::Object(members) => html! {
            dl.tree {
                @for (name, value) in members {
                    dt { (name) }
                    dd { @if name == "div" { span.text { "(shown above)" } } @else { (member(door, name, value)) } }
                }
            }
        },
        Value::Array(items) => html! { ol.tree { @for item in items { li { (of_value(door, item)) } } } },
        other => scalar(other),
    }
}

fn member(door: &Door, name: &str, value: &Value) -> Markup {
    match (name, value) {
        ("reference" | "fullUrl" | "url" | "location", Value::String(text)) => match address(door, text) {
            Some(to) => html! { a href=(to) { (text) } },
            None => html! { span.text { (text) } },
        },
        _ => of_value(door, value),
    }
}

fn scalar(value: &Value) -> Markup {
    match value {
        Value::String(text) => html! { span.text { (text) } },
        other => html! { code { (other.to_string()) } },
    }
}

/// Where a reference leads, if it leads to us: others' addresses are shown, not linked.
fn address(door: &Door, text: &str) -> Option<String> {
    if let Some(rest) = text.strip_prefix(door.base.as_str()) {
        return (rest.is_empty() || rest.starts_with(['/', '?'])).then(|| text.to_owned());
    }
    let resource = text.split_once("/_history/").map_or(text, |(resource, _)| resource);
    ::fhir::Key::parse(resource).map(|_| format!("{}/{text}", door.base))
}

/// Links to the pages before and after, of a bundle that has them.
pub(super) fn pages(bundle: &Value) -> Markup {
    let link = |relation: &str| {
        let links = bundle.get("link")?.as_array()?;
        let one = links.iter().find(|link| link.get("relation").and_then(Value::as_str) == Some(relation))?;
        one.get("url")?.as_str()
    };
    let is_bundle = bundle.get("resourceType").and_then(Value::as_str) == Some("Bundle");
    let (previous, next) = if is_bundle { (link("previous"), link("next")) } else { (None, None) };
    html! {
        @if previous.is_some() || next.is_some() {
            nav.pages aria-label="Pages" {
                @if let Some(to) = previous { a rel="prev" href=(to) { "Previous page" } }
                @if let Some(to) = next { a rel="next" href=(to) { "Next page" } }
            }
        }
    }
}

/// XHTML written elsewhere: only the elements FHIR allows in narrative, no styles, no scripts, no images
/// from other places.
pub(super) fn narrative(text: &str) -> Markup {
    let clean = ammonia::Builder::default()
        .rm_tags(["img"])
        .rm_generic_attributes(["style", "class", "id"])
        .url_schemes(["http", "https"].into())
        .link_rel(Some("noopener noreferrer nofollow"))
        .clean(text)
        .to_string();
    PreEscaped(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrative_keeps_its_words_and_loses_what_runs() {
        let clean = narrative(
            "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p onclick=\"x()\">Well <b>today</b></p>\
             <script>alert(1)</script><img src=\"http://spy.example/x.png\"/><a href=\"javascript:x()\">a</a></div>",
        )
        .into_string();
        assert!(clean.contains("Well <b>today</b>"), "{clean}");
        for bad in ["script", "onclick", "javascript", "img", "alert"] {
            assert!(!clean.contains(bad), "{clean}");
        }
    }
}
