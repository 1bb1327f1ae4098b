//! The parameters of an operation: from the address (GET, POST) and from a Parameters body.
//!
//! FHIR R4, operations.html#request.

use crate::fhir::negotiate::{Content, wrong_content};
use crate::fhir::{Ask, content};
use crate::refusal::{Answer, Refusal};
use serde_json::Value;

/// One parameter: a primitive as text, or a complex value or resource as a tree.
pub(super) enum Given {
    Text(String),
    Tree(Value),
}

pub(super) struct Input {
    given: Vec<(String, Given)>,
}

impl Input {
    /// Takes the parameters out of the ask.
    pub(super) async fn take(ask: &mut Ask<'_>) -> Answer<Input> {
        let pairs = std::mem::take(&mut ask.pairs);
        let mut given: Vec<_> = pairs.into_iter().map(|(name, value)| (name, Given::Text(value))).collect();
        match std::mem::replace(&mut ask.content, Content::None) {
            Content::None => {}
            content @ (Content::Fhir(_) | Content::Tree(_)) => {
                let body = content::tree_of_any_size(ask.door, content).await?;
                if body.get("resourceType").and_then(Value::as_str) == Some("Parameters") {
                    given.extend(parts(body)?);
                } else {
                    // An operation with one resource parameter may be sent that resource alone.
                    given.push(("resource".into(), Given::Tree(body)));
                }
            }
            other => return Err(wrong_content(&other, "a Parameters resource as application/fhir+json")),
        }
        Ok(Input { given })
    }

    /// Every text of this name.
    pub(super) fn texts(&mut self, name: &str) -> Answer<Vec<String>> {
        let mut found = Vec::new();
        let mut kept = Vec::with_capacity(self.given.len());
        for (given, value) in self.given.drain(..) {
            match value {
                Given::Text(text) if given == name => found.push(text),
                Given::Tree(_) if given == name => {
                    return Err(Refusal::invalid(format!("the parameter {name} is a plain value")));
                }
                value => kept.push((given, value)),
            }
        }
        self.given = kept;
        Ok(found)
    }

    pub(super) fn text(&mut self, name: &str) -> Answer<Option<String>> {
        let mut texts = self.texts(name)?;
        if texts.len() > 1 {
            return Err(Refusal::invalid(format!("give the parameter {name} once")));
        }
        Ok(texts.pop())
    }

    pub(super) fn tree(&mut self, name: &str) -> Answer<Option<Value>> {
        let Some(at) = self.given.iter().position(|(given, _)| given == name) else { return Ok(None) };
        match self.given.remove(at).1 {
            Given::Tree(value) => Ok(Some(value)),
            Given::Text(_) => Err(Refusal::invalid(format!("the parameter {name} is sent in a Parameters body"))),
        }
    }

    /// What is left, all of it text: search parameters.
    pub(super) fn rest(self) -> Answer<Vec<(String, String)>> {
        self.given
            .into_iter()
            .map(|(name, value)| match value {
                Given::Text(text) => Ok((name, text)),
                Given::Tree(_) => Err(Refusal::not_supported(format!("the parameter {name} means nothing here"))),
            })
            .collect()
    }

    /// Nothing may be left over.
    pub(super) fn finish(self) -> Answer<()> {
        match self.given.first() {
            None => Ok(()),
            Some((name, _)) => {
                let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
                Err(Refusal::not_supported(format!("this operation has no parameter {name}")))
            }
        }
    }
}

fn parts(mut body: Value) -> Answer<Vec<(String, Given)>> {
    let Some(Value::Array(parts)) = body.get_mut("parameter").map(Value::take) else { return Ok(Vec::new()) };
    parts
        .into_iter()
        .map(|mut part| {
            let name = part.get("name").and_then(Value::as_str).map(str::to_owned);
            let name = name.ok_or_else(|| Refusal::invalid("every parameter has a name"))?;
            let Value::Object(members) = &mut part else { return Err(Refusal::invalid("a parameter is an object")) };
            let value = members.iter_mut().find(|(member, _)| *member == "resource" || member.starts_with("value"));
            let value = match value.map(|(_, value)| value.take()) {
                Some(Value::String(text)) => Given::Text(text),
                Some(Value::Number(number)) => Given::Text(number.to_string()),
                Some(Value::Bool(flag)) => Given::Text(flag.to_string()),
                Some(tree) => Given::Tree(tree),
                None => return Err(Refusal::invalid(format!("the parameter {name} has no value"))),
            };
            Ok((name, value))
        })
        .collect()
}
