//! All routes of a resource type laid together, so that a resource is walked once however many parameters look at
//! the same elements.

use super::route::{Hop, Pick};
use super::row::{Row, RowValue, Slot};
use super::values::{Leaf, Origin};
use serde_json::Value;

#[derive(Clone, Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// Sorted by key; the same key stands several times when different picks follow it.
    edges: Vec<Edge>,
    emits: Vec<(Slot, Leaf)>,
}

#[derive(Clone, Debug)]
struct Edge {
    hop: Hop,
    to: usize,
}

impl Default for Trie {
    fn default() -> Trie {
        Trie { nodes: vec![Node::default()] }
    }
}

impl Trie {
    pub(super) fn insert(&mut self, hops: &[Hop], slot: Slot, leaf: Leaf) {
        let mut at = 0;
        for hop in hops {
            at = match self.nodes[at].edges.iter().find(|edge| edge.hop == *hop) {
                Some(edge) => edge.to,
                None => {
                    let to = self.nodes.len();
                    self.nodes.push(Node::default());
                    let edges = &mut self.nodes[at].edges;
                    let place = edges.partition_point(|edge| edge.hop.key <= hop.key);
                    edges.insert(place, Edge { hop: hop.clone(), to });
                    to
                }
            };
        }
        self.nodes[at].emits.push((slot, leaf));
    }

    pub(super) fn rows(&self, value: &Value, from: &Origin<'_>, rows: &mut Vec<Row>) {
        self.visit(0, value, from, rows);
    }

    fn visit(&self, at: usize, value: &Value, from: &Origin<'_>, rows: &mut Vec<Row>) {
        let node = &self.nodes[at];
        for (slot, leaf) in &node.emits {
            leaf.rows(value, *slot, from, rows);
        }
        let Value::Object(members) = value else { return };
        if node.edges.is_empty() {
            return;
        }
        for (key, value) in members {
            let first = node.edges.partition_point(|edge| edge.hop.key.as_str() < key.as_str());
            for edge in node.edges[first..].iter().take_while(|edge| edge.hop.key == *key) {
                self.follow(edge, value, from, rows);
            }
        }
    }

    fn follow(&self, edge: &Edge, value: &Value, from: &Origin<'_>, rows: &mut Vec<Row>) {
        let several = match value {
            Value::Array(several) => several.as_slice(),
            one => std::slice::from_ref(one),
        };
        match &edge.hop.pick {
            Pick::All => several.iter().for_each(|value| self.visit(edge.to, value, from, rows)),
            Pick::At(place) => {
                several.get(*place).into_iter().for_each(|value| self.visit(edge.to, value, from, rows));
            }
            Pick::Where { member, is } => several
                .iter()
                .filter(|value| value.get(member).and_then(Value::as_str) == Some(is))
                .for_each(|value| self.visit(edge.to, value, from, rows)),
            Pick::Extended { url } => several
                .iter()
                .filter(|value| {
                    let extensions = value.get("extension").and_then(Value::as_array);
                    let mut urls = extensions.into_iter().flatten().filter_map(|it| it.get("url")?.as_str());
                    urls.any(|it| it == url)
                })
                .for_each(|value| self.visit(edge.to, value, from, rows)),
        }
    }
}

/// A composite: its parts lie within one element, or (with `%resource`) in the resource around it.
#[derive(Clone, Debug, Default)]
pub(super) struct Composite {
    pub(super) parts: Vec<Part>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) of_element: Trie,
    pub(super) of_resource: Trie,
}

impl Composite {
    /// Every combination of the values of the parts.
    pub(super) fn rows(&self, element: &Value, slot: Slot, from: &Origin<'_>, rows: &mut Vec<Row>) {
        let mut values: Vec<Vec<Row>> = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let mut found = Vec::new();
            part.of_element.rows(element, from, &mut found);
            part.of_resource.rows(from.resource, from, &mut found);
            if found.is_empty() {
                return;
            }
            values.push(found);
        }
        let (Some(firsts), Some(seconds)) = (values.first(), values.get(1)) else { return };
        let thirds: Vec<Option<&Row>> = match values.get(2) {
            Some(thirds) => thirds.iter().map(Some).collect(),
            None => vec![None],
        };
        for first in firsts {
            let RowValue::Token(first) = &first.value else { continue };
            for second in seconds {
                for third in &thirds {
                    rows.push(Row {
                        slot,
                        value: RowValue::Composite {
                            first: first.clone(),
                            second: Box::new(second.value.clone()),
                            third: third.map(|third| Box::new(third.value.clone())),
                        },
                    });
                }
            }
        }
    }
}
