//! What changed between two versions: every element that was added, removed or says something else.

use maud::{Markup, html};
use serde_json::Value;
use std::fmt::Write as _;

#[derive(Debug, PartialEq)]
pub(super) struct Difference {
    /// `name[0].given[1]`.
    pub(super) path: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

pub(super) fn between(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    walk(String::new(), Some(before), Some(after), &mut found);
    // Every version has its own.
    found.retain(|it| it.path != "meta.versionId" && it.path != "meta.lastUpdated");
    found
}

fn walk(path: String, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Difference>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let added = b.keys().filter(|name| !a.contains_key(*name));
            for name in a.keys().chain(added) {
                let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                walk(inner, a.get(name), b.get(name), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for at in 0..a.len().max(b.len()) {
                let mut inner = path.clone();
                write!(inner, "[{at}]").expect("text can be written");
                walk(inner, a.get(at), b.get(at), found);
            }
        }
        _ => found.push(Difference { path, before: before.map(plain), after: after.map(plain) }),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

pub(super) fn table(before: &Value, after: &Value) -> Markup {
    let differences = between(before, after);
    html! {
        @if differences.is_empty() { p { "The two versions say the same." } }
        @else {
            table.differences {
                thead { tr { th scope="col" { "Element" } th scope="col" { "Before" } th scope="col" { "After" } } }
                tbody {
                    @for one in &differences {
                        tr {
                            th scope="row" { (one.path) }
                            td { @if let Some(text) = &one.before { del { (text) } } @else { "–" } }
                            td { @if let Some(text) = &one.after { ins { (text) } } @else { "–" } }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_name_the_element_and_both_values() {
        let before = json!({ "meta": { "versionId": "1" }, "name": [{ "given": ["Ana", "Bo"] }], "active": true });
        let after = json!({ "meta": { "versionId": "2" }, "name": [{ "given": ["Ana"] }], "gender": "female", "active": false });
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            between(&before, &after),
            [
                Difference { path: "name[0].given[1]".into(), before: text("Bo"), after: None },
                Difference { path: "active".into(), before: text("true"), after: text("false") },
                Difference { path: "gender".into(), before: None, after: text("female") },
            ]
        );
        assert!(between(&before, &before).is_empty());
    }
}
