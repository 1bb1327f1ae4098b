//! The block of orders: who may write one that counts. An order that somebody signed is for those whose role signs; who
//! prepares orders for the signature of others writes drafts and proposals, and makes none of them count.

use super::ask::{self, Cell, Expect, Tally};
use super::world::{Principal, World};
use serde_json::Value;
use std::rc::Rc;

const KINDS: [&str; 2] = ["MedicationRequest", "ServiceRequest"];

/// (name, status, intent, somebody signed it)
const STANDINGS: [(&str, &str, &str, bool); 4] = [
    ("signed", "active", "order", true),
    ("ended", "revoked", "order", true),
    ("draft", "draft", "order", false),
    ("proposal", "active", "proposal", false),
];

/// From what to what it is changed: places in `STANDINGS`; new where there is no first.
const CHANGES: [(Option<usize>, usize); 6] =
    [(None, 0), (None, 2), (None, 3), (Some(2), 0), (Some(0), 1), (Some(2), 3)];

fn order(world: &World, kind: &str, id: &str, standing: usize) -> Value {
    let (_, status, intent, _) = STANDINGS[standing];
    let mut it = world.tables.sample(kind, id, &format!("Patient/{}", world.near.other));
    let status = if kind == "MedicationRequest" && status == "revoked" { "cancelled" } else { status };
    it["status"] = status.into();
    it["intent"] = intent.into();
    it
}

/// Whether this role may write from the one to the other.
fn may(role: &str, from: Option<usize>, to: usize) -> bool {
    let signed = |at: usize| STANDINGS[at].3;
    match role {
        "system" | "clinician" => true,
        "nurse" => !signed(to) && !from.is_some_and(signed),
        _ => false,
    }
}

pub fn run(world: &World, principals: &[Principal], keep: &dyn Fn(&str) -> bool) -> Result<Tally, String> {
    let mut planted = Vec::new();
    let mut cells = Vec::new();
    for kind in KINDS {
        for principal in principals {
            for (from, to) in CHANGES {
                let word = |at: usize| STANDINGS[at].0;
                let name = format!("orders/{}/{kind}/{} to {}", principal.key, from.map_or("nothing", word), word(to));
                if !keep(&name) {
                    continue;
                }
                let id = format!("order-{}-{}-{}", principal.key, from.map_or("new", word), word(to));
                let mut body = order(world, kind, &id, to);
                let (method, path) = match from {
                    None => {
                        body.as_object_mut().expect("a resource is an object").remove("id");
                        ("POST", kind.to_owned())
                    }
                    Some(from) => {
                        planted.push(order(world, kind, &id, from));
                        ("PUT", format!("{kind}/{id}"))
                    }
                };
                let expect = match principal.role {
                    "anonymous" => Expect::Unknown,
                    role if may(role, from, to) => Expect::Done,
                    _ => Expect::Hidden,
                };
                cells.push(Cell {
                    name,
                    method,
                    path: world.near.fhir(&path),
                    headers: principal.headers.clone(),
                    content: "",
                    body: Some(Rc::from(body.to_string())),
                    expect,
                });
            }
        }
    }
    world.plant(&world.near, planted)?;
    ask::ask(&world.root, cells)
}
