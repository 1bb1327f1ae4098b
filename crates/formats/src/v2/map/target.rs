//! Where a value goes in a resource: `name[].family`, `participant[-].type`, `extension{url=…}.valueString`. `[]` adds
//! one to a list, `[-]` is the last of it, `{key=value}` is the one that has this member; what is missing is made.

use serde_json::{Map, Value};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    Append(String),
    Last(String),
    Keyed(String, String, String),
}

/// A place in a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target(Vec<Step>);

impl Target {
    /// `$this` and nothing are the element itself.
    pub(super) fn read(text: &str) -> Result<Target, String> {
        let mut steps = Vec::new();
        let mut rest = if text == "$this" { "" } else { text };
        while !rest.is_empty() {
            let end = rest.find(['.', '[', '{']).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            let name = name.to_owned();
            if name.is_empty() {
                return Err(format!("{text}: a name is missing"));
            }
            let (step, after) = if let Some(after) = after.strip_prefix("[]") {
                (Step::Append(name), after)
            } else if let Some(after) = after.strip_prefix("[-]") {
                (Step::Last(name), after)
            } else if let Some(after) = after.strip_prefix('{') {
                let (pair, after) = after.split_once('}').ok_or(format!("{text}: }} is missing"))?;
                let (key, value) = pair.split_once('=').ok_or(format!("{text}: = is missing"))?;
                (Step::Keyed(name, key.to_owned(), value.to_owned()), after)
            } else {
                (Step::Member(name), after)
            };
            steps.push(step);
            rest = match after.strip_prefix('.') {
                Some("") => return Err(format!("{text}: it ends with a point")),
                Some(after) => after,
                None if after.is_empty() => after,
                None => return Err(format!("{text}: a point is missing")),
            };
        }
        Ok(Target(steps))
    }

    /// Whether each repetition gets an element of its own.
    pub(super) fn is_list(&self) -> bool {
        self.0.iter().any(|it| matches!(it, Step::Append(_)))
    }

    /// Whether there is something already.
    pub(super) fn is_filled(&self, root: &Value) -> bool {
        let mut here = root;
        for step in &self.0 {
            let next = match step {
                Step::Member(name) => here.get(name),
                Step::Append(name) | Step::Last(name) => here.get(name).and_then(|it| it.as_array()?.last()),
                Step::Keyed(name, key, value) => here
                    .get(name)
                    .and_then(|it| it.as_array()?.iter().find(|it| it.get(key).and_then(Value::as_str) == Some(value))),
            };
            match next {
                Some(next) => here = next,
                None => return false,
            }
        }
        !self.0.is_empty() || here.as_object().is_some_and(|it| !it.is_empty())
    }

    /// Puts a value there. An object joins the object that is there.
    pub(super) fn put(&self, root: &mut Value, value: Value) {
        let mut here = root;
        for step in &self.0 {
            if !here.is_object() {
                *here = Value::Object(Map::new());
            }
            let Value::Object(members) = here else { return };
            here = match step {
                Step::Member(name) => members.entry(name).or_insert(Value::Null),
                Step::Append(name) => last(members, name, true),
                Step::Last(name) => last(members, name, false),
                Step::Keyed(name, key, value) => keyed(members, name, key, value),
            };
        }
        join(here, value);
    }
}

fn list<'a>(members: &'a mut Map<String, Value>, name: &str) -> &'a mut Vec<Value> {
    let entry = members.entry(name).or_insert_with(|| Value::Array(Vec::new()));
    if !entry.is_array() {
        *entry = Value::Array(vec![entry.take()]);
    }
    entry.as_array_mut().expect("it was just made a list")
}

fn last<'a>(members: &'a mut Map<String, Value>, name: &str, fresh: bool) -> &'a mut Value {
    let list = list(members, name);
    if fresh || list.is_empty() {
        list.push(Value::Null);
    }
    list.last_mut().expect("the list has one")
}

fn keyed<'a>(members: &'a mut Map<String, Value>, name: &str, key: &str, value: &str) -> &'a mut Value {
    let list = list(members, name);
    let found = list.iter().position(|it| it.get(key).and_then(Value::as_str) == Some(value));
    let at = found.unwrap_or_else(|| {
        list.push(serde_json::json!({ key: value }));
        list.len() - 1
    });
    &mut list[at]
}

/// Objects become one, lists become longer, everything else is replaced.
fn join(here: &mut Value, value: Value) {
    match (here, value) {
        (Value::Object(members), Value::Object(more)) => {
            for (name, value) in more {
                join(members.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(list), Value::Array(more)) => {
            for value in more {
                if !list.contains(&value) {
                    list.push(value);
                }
            }
        }
        (here, value) => *here = value,
    }
}

/// What `more` has and `here` has not.
pub(super) fn complete(here: &mut Value, more: Value) {
    match (here, more) {
        (Value::Object(members), Value::Object(more)) => {
            for (name, value) in more {
                match members.get_mut(&name) {
                    Some(known) => complete(known, value),
                    None => {
                        members.insert(name, value);
                    }
                }
            }
        }
        (Value::Array(list), Value::Array(more)) => {
            for value in more {
                if !list.contains(&value) {
                    list.push(value);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_find_their_places() {
        let mut root = json!({});
        for (target, value) in [
            ("name[].family", json!("One")),
            ("name[].family", json!("Two")),
            ("name[-].given[]", json!("A")),
            ("extension{url=http://x.y/z}.valueString", json!("e")),
            ("extension{url=http://x.y/z}.valueString", json!("f")),
            ("valueQuantity", json!({ "value": 1 })),
            ("valueQuantity", json!({ "unit": "g" })),
        ] {
            Target::read(target).expect(target).put(&mut root, value);
        }
        let expected = json!({
            "name": [{ "family": "One" }, { "family": "Two", "given": ["A"] }],
            "extension": [{ "url": "http://x.y/z", "valueString": "f" }],
            "valueQuantity": { "value": 1, "unit": "g" },
        });
        assert_eq!(root, expected);
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in [".a", "a.", "a[x]", "a[]b", "a{url}", "a{url=x"] {
            assert!(Target::read(text).is_err(), "{text}");
        }
    }
}
