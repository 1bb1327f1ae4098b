//! The block of scopes: 3 contexts × types × 5 letters × 4 states. A token never gives more than its scopes, nor more
//! than the person behind it may do (SMART App Launch 2.2, section 3.0.2; docs/security/roles.md).
//!
//! One token carries the scopes of many types, so that a hundred tokens serve thousands of cells: for *granted* and
//! *narrowed* one half of the types has the letter and the other half nothing; for *absent* one half lacks the letter
//! and has the other four, while the other half has all five.

use super::ask::{self, Cell, Expect, Tally};
use super::policy::{self, Reach};
use super::world::World;
use serde_json::{Value, json};
use std::rc::Rc;

const LETTERS: [char; 5] = ['c', 'r', 'u', 'd', 's'];
const STATES: [&str; 4] = ["granted", "absent", "narrowed", "wildcard"];

/// Who is behind a token of a context.
pub struct Context<'a> {
    /// `patient`, `user`, `system`.
    pub name: &'static str,
    /// The role of the oracle; `system` is a client of its own.
    pub role: &'static str,
    /// Header lines with a token of these scopes.
    pub token: &'a dyn Fn(&str) -> Result<String, String>,
}

/// The mark by which scopes are narrowed.
const NARROW: &str = "_tag=urn:matrix|narrow";

fn tagged(mut resource: Value) -> Value {
    resource["meta"] = json!({ "tag": [{ "system": "urn:matrix", "code": "narrow" }] });
    resource
}

/// Half of the types.
fn half(nth: usize, which: usize) -> bool {
    nth % 2 == which
}

fn id(world: &World, kind: &str, narrow: bool) -> String {
    match (kind, narrow) {
        ("Patient", false) => world.near.own.clone(),
        (_, false) => format!("scoped-{kind}"),
        (_, true) => format!("narrow-{kind}"),
    }
}

fn doomed(context: &str, state: &str, kind: &str, narrow: bool) -> String {
    format!("gone-{context}-{state}-{}-{kind}", if narrow { "n" } else { "o" })
}

/// Types that scopes are asked about. The log cannot be planted; sequences bear a label by rule, which hides them from
/// some whatever their scopes are.
fn kinds(world: &World) -> Vec<String> {
    let judged = |kind: &&String| *kind != "AuditEvent" && *kind != "MolecularSequence";
    world.tables.kinds.iter().filter(judged).cloned().collect()
}

pub fn seed(world: &World, contexts: &[Context<'_>]) -> Result<(), String> {
    let own = format!("Patient/{}", world.near.own);
    let mut resources = Vec::new();
    for kind in kinds(world) {
        let sample = |id: &str| world.tables.sample(&kind, id, &own);
        if kind != "Patient" {
            resources.push(sample(&id(world, &kind, false)));
        }
        resources.push(tagged(sample(&id(world, &kind, true))));
        for context in contexts {
            for state in STATES {
                if role_reach(context, &kind, 'd') == Reach::Nothing {
                    continue;
                }
                resources.push(sample(&doomed(context.name, state, &kind, false)));
                if state == "narrowed" {
                    resources.push(tagged(sample(&doomed(context.name, state, &kind, true))));
                }
            }
        }
    }
    world.plant(&world.near, resources)
}

fn role_reach(context: &Context<'_>, kind: &str, letter: char) -> Reach {
    if context.role == "system" { Reach::All } else { policy::reach(context.role, kind, letter) }
}

/// Whether this resource may be reached with a letter that the token has.
fn permitted(world: &World, context: &Context<'_>, kind: &str, letter: char, narrow: bool) -> bool {
    let within = world.tables.in_compartment(kind) && (kind != "Patient" || !narrow);
    // A patient/ scope reaches the patient's own; what belongs to no patient at all it does not hide.
    let of_scope = context.name != "patient" || within || !world.tables.in_compartment(kind);
    of_scope
        && match role_reach(context, kind, letter) {
            Reach::Nothing => false,
            Reach::All => true,
            Reach::Own => within,
        }
}

/// The scopes of one token.
fn scopes(context: &str, kinds: &[String], letter: char, state: &str, which: usize) -> String {
    // What is created refers to its patient, and one may refer only to what one may read.
    let patient = if letter == 'c' && state != "absent" { format!(" {context}/Patient.r") } else { String::new() };
    if state == "wildcard" {
        return format!("{context}/*.{letter}{patient}");
    }
    let others: String = LETTERS.iter().filter(|it| **it != letter).collect();
    let scope = |(nth, kind): (usize, &String)| match (state, half(nth, which)) {
        ("granted", true) => Some(format!("{context}/{kind}.{letter}")),
        ("narrowed", true) => Some(format!("{context}/{kind}.{letter}?{NARROW}")),
        ("absent", true) => Some(format!("{context}/{kind}.{others}")),
        ("absent", false) => Some(format!("{context}/{kind}.cruds")),
        _ => None,
    };
    let all: Vec<String> = kinds.iter().enumerate().filter_map(scope).collect();
    all.join(" ") + &patient
}

pub fn run(world: &World, contexts: &[Context<'_>], keep: &dyn Fn(&str) -> bool) -> Result<Tally, String> {
    let kinds = kinds(world);
    let own = world.look(&world.near, &format!("Patient/{}", world.near.own))?;
    let mut total = Tally::default();
    // Deletions last: what they take away nobody else looks at, but order makes a fault easier to read.
    for letter in ['r', 's', 'c', 'u', 'd'] {
        let mut cells = Vec::new();
        let mut asked = 0;
        for context in contexts {
            for state in STATES {
                for which in 0..2 {
                    let names: Vec<(usize, String)> = kinds
                        .iter()
                        .enumerate()
                        .filter(|(nth, _)| half(*nth, which))
                        .map(|(nth, kind)| (nth, format!("scopes/{}/{kind}/{letter}/{state}", context.name)))
                        .filter(|(_, name)| keep(name))
                        .collect();
                    if names.is_empty() {
                        continue;
                    }
                    let headers = (context.token)(&scopes(context.name, &kinds, letter, state, which))?;
                    for (nth, name) in names {
                        asked += 1;
                        let one =
                            One { world, context, kind: &kinds[nth], letter, state, headers: &headers, own: &own };
                        cells.extend(one.cells(&name));
                    }
                }
            }
        }
        let mut tally = ask::ask(&world.root, cells)?;
        tally.cells = asked;
        total.add(tally);
    }
    Ok(total)
}

struct One<'a> {
    world: &'a World,
    context: &'a Context<'a>,
    kind: &'a str,
    letter: char,
    state: &'static str,
    headers: &'a str,
    own: &'a Value,
}

impl One<'_> {
    fn cells(&self, name: &str) -> Vec<Cell> {
        let narrows: &[bool] = if self.state == "narrowed" { &[true, false] } else { &[false] };
        narrows.iter().map(|narrow| self.cell(name, *narrow)).collect()
    }

    /// One request for a resource that bears the mark or does not.
    fn cell(&self, name: &str, narrow: bool) -> Cell {
        let (world, kind) = (self.world, self.kind);
        let scoped = match self.state {
            "absent" => false,
            "narrowed" => narrow,
            _ => true,
        };
        let given = scoped && permitted(world, self.context, kind, self.letter, narrow);
        let id = id(world, kind, narrow);
        let sample = || {
            let patient = format!("Patient/{}", world.near.own);
            let it = match (kind, narrow) {
                // A new one refers to nobody; a change keeps what they are.
                ("Patient", false) if self.letter != 'c' => self.own.clone(),
                _ => world.tables.sample(kind, &id, &patient),
            };
            if narrow { tagged(it) } else { it }
        };
        let mut body = None;
        let (method, path, shows) = match self.letter {
            'r' => ("GET", format!("{kind}/{id}"), Some(format!("\"id\":\"{id}\""))),
            's' => ("GET", format!("{kind}?_id={id}"), Some(format!("/{id}\""))),
            'c' => {
                let mut it = sample();
                it.as_object_mut().expect("a resource is an object").remove("id");
                body = Some(it);
                ("POST", kind.to_owned(), None)
            }
            'u' => {
                body = Some(sample());
                ("PUT", format!("{kind}/{id}"), None)
            }
            _ => ("DELETE", format!("{kind}/{}", doomed(self.context.name, self.state, kind, narrow)), None),
        };
        let expect = match (given, shows) {
            (true, Some(text)) => Expect::Shows(text),
            (true, None) => Expect::Done,
            // The search itself may be asked where the letter is there for others of the type.
            (false, Some(text)) if self.letter == 's' && scoped_at_all(self.state) => Expect::Without(text),
            (false, _) if self.letter == 's' => Expect::Forbidden,
            (false, _) => Expect::Hidden,
        };
        let suffix = if self.state == "narrowed" { if narrow { "/inside" } else { "/outside" } } else { "" };
        Cell {
            name: format!("{name}{suffix}"),
            method,
            path: world.near.fhir(&path),
            headers: self.headers.to_owned(),
            content: "",
            body: body.map(|it| Rc::from(it.to_string())),
            expect,
        }
    }
}

fn scoped_at_all(state: &str) -> bool {
    state != "absent"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_the_letter_for_one_half_of_the_types() {
        let kinds = ["A".to_owned(), "B".to_owned(), "C".to_owned()];
        assert_eq!(scopes("user", &kinds, 'r', "granted", 0), "user/A.r user/C.r");
        assert_eq!(scopes("user", &kinds, 'r', "granted", 1), "user/B.r");
        assert_eq!(scopes("user", &kinds, 'r', "absent", 1), "user/A.cruds user/B.cuds user/C.cruds");
        assert_eq!(scopes("user", &kinds, 'c', "granted", 1), "user/B.c user/Patient.r");
        assert_eq!(scopes("system", &kinds, 's', "wildcard", 0), "system/*.s");
        assert_eq!(scopes("system", &kinds, 's', "narrowed", 1), "system/B.s?_tag=urn:matrix|narrow");
    }
}
