//! A message as XML, element by element in the order of the mapping. Every text is escaped; names come from the mapping,
//! which takes none that could be markup.

use super::mapping::{Mapping, PartMap};
use super::path::Step;
use super::{HEADER, Message, Part};
use crate::ccda::write::escape;

/// An element while it is made.
#[derive(Debug, Default)]
struct Tree {
    name: String,
    attributes: Vec<(String, String)>,
    text: Option<String>,
    kids: Vec<Tree>,
    /// Child and text that say which of several it is; written last.
    mark: Option<(String, String)>,
}

impl Tree {
    fn new(name: &str) -> Tree {
        Tree { name: name.to_owned(), ..Tree::default() }
    }

    /// The child of a step, made if it is not there.
    fn kid(&mut self, names: &[String], with: Option<&(String, String)>) -> &mut Tree {
        let name = names.first().map_or("", String::as_str);
        let there = self.kids.iter().position(|it| it.name == name && it.mark.as_ref() == with);
        let at = there.unwrap_or_else(|| {
            self.kids.push(Tree { mark: with.cloned(), ..Tree::new(name) });
            self.kids.len() - 1
        });
        &mut self.kids[at]
    }

    fn put(&mut self, steps: &[Step], chosen: Option<&str>, value: Option<&str>) {
        match (steps, chosen) {
            ([], _) => {
                if let Some(value) = value {
                    self.text = Some(value.to_owned());
                }
            }
            ([Step::Attribute(name), ..], _) => {
                self.attributes.push((name.clone(), value.unwrap_or_default().to_owned()));
            }
            ([Step::Element { names, with }, rest @ ..], _) => {
                self.kid(names, with.as_ref()).put(rest, chosen, value);
            }
            ([Step::Choice, rest @ ..], Some(name)) => self.kid(&[name.to_owned()], None).put(rest, chosen, value),
            // A note to an outcome that nobody named.
            ([Step::Choice, ..], None) => {}
        }
    }

    fn written(&self, out: &mut String) {
        out.push('<');
        out.push_str(&self.name);
        for (name, value) in &self.attributes {
            out.push(' ');
            out.push_str(name);
            out.push_str("=\"");
            escape(value, true, out);
            out.push('"');
        }
        if self.text.is_none() && self.kids.is_empty() && self.mark.is_none() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        if let Some(text) = &self.text {
            escape(text, false, out);
        }
        for kid in &self.kids {
            kid.written(out);
        }
        if let Some((name, text)) = &self.mark {
            let mark = Tree { text: Some(text.clone()), ..Tree::new(name) };
            mark.written(out);
        }
        out.push_str("</");
        out.push_str(&self.name);
        out.push('>');
    }
}

/// The message as bytes. A kind or part that the mapping does not have is not written.
pub fn write(message: &Message, mapping: &Mapping) -> Vec<u8> {
    let mut root = Tree::new(&mapping.root);
    if let Some(namespace) = &mapping.namespace {
        root.attributes.push(("xmlns".to_owned(), namespace.clone()));
    }
    root.attributes.extend(mapping.attributes.iter().cloned());
    for part in message.each(HEADER) {
        place(&mut root, &mapping.parts[HEADER], part);
    }
    let mut transaction = Tree::new(&message.kind);
    for name in mapping.messages.get(&message.kind).into_iter().flatten() {
        for part in message.each(name) {
            place(&mut transaction, &mapping.parts[name], part);
        }
    }
    let mut body = Tree::new(&mapping.body);
    if mapping.messages.contains_key(&message.kind) {
        body.kids.push(transaction);
    }
    root.kids.push(body);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    root.written(&mut out);
    out.push('\n');
    out.into_bytes()
}

fn place(under: &mut Tree, map: &PartMap, part: &Part) {
    let mut here = under;
    for (at, step) in map.at.iter().enumerate() {
        let Step::Element { names, with } = step else { return };
        // Each of many has an element of its own.
        if map.many && at + 1 == map.at.len() {
            here.kids.push(Tree { mark: with.clone(), ..Tree::new(names.first().map_or("", String::as_str)) });
            let last = here.kids.len() - 1;
            here = &mut here.kids[last];
        } else {
            here = here.kid(names, with.as_ref());
        }
    }
    let chosen = map.facts.iter().find(|it| it.at.last() == Some(&Step::Choice)).and_then(|it| part.get(&it.fact));
    let chosen = chosen.and_then(|it| map.choice.get(it)).map(String::as_str);
    let mut said: Vec<&str> = Vec::new();
    for fact in &map.facts {
        let Some(value) = part.get(&fact.fact) else { continue };
        if let Some(constant) = &fact.constant {
            here.put(&fact.at, chosen, Some(constant));
            continue;
        }
        // Elsewhere it may be read as well; it is written once.
        if said.contains(&fact.fact.as_str()) {
            continue;
        }
        said.push(&fact.fact);
        if fact.at.last() == Some(&Step::Choice) {
            here.put(&fact.at, chosen, None);
            continue;
        }
        let code = fact.codes.get(value).or_else(|| fact.codes.get("*"));
        here.put(&fact.at, chosen, Some(code.map_or(value, String::as_str)));
    }
}
