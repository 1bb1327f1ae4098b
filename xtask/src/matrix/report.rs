//! What was asked and what came of it, for people and for programs: `docs/assurance/authorisation.md` and `.json`.

use super::ask::Tally;
use serde_json::{Value, json};
use std::path::Path;

/// One block as it is told.
pub struct Told {
    pub name: &'static str,
    pub what: &'static str,
    pub store: String,
    pub tally: Tally,
}

const WRONG: [&str; 3] = ["unexpected allow", "unexpected refusal", "odd answer"];

pub fn write(folder: &Path, blocks: &[Told], mutants: &[(String, usize)]) -> Result<(), String> {
    let page = markdown(blocks, mutants);
    crate::step::write(&folder.join("authorisation.md"), page)?;
    crate::step::write(&folder.join("authorisation.json"), format!("{:#}\n", value(blocks, mutants)))
}

fn markdown(blocks: &[Told], mutants: &[(String, usize)]) -> String {
    let mut page = String::from(
        "# Who may do what, asked cell by cell\n\n\
         Written by `cargo xtask matrix`. It starts the program with two organisations, signs everybody in, plants resources, and\n\
         asks every cell over HTTP. What must come is decided by an oracle that shares nothing with the code that decides: the\n\
         roles of `xtask/src/matrix/policy.rs` are written from the description of the roles, the rows of consents and labels from\n\
         [consent.md](../security/consent.md), types and compartments from `spec/`.\n\n\
         *Unexpected allow*: something was shown or done that must not be. *Unexpected refusal*: something was refused that must be\n\
         given. *Odd*: neither, for example an error of the server. *Must be given*: how many cells expect success, so that\n\
         refusing everything does not pass.\n\n\
         | block | store | cells | must be given | requests | unexpected allows | unexpected refusals | odd | seconds |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    let mut all = Tally::default();
    let line = |name: &str, store: &str, it: &Tally| {
        let [allows, refusals, odd] = WRONG.map(|word| it.count(word));
        format!(
            "| {name} | {store} | {} | {} | {} | {allows} | {refusals} | {odd} | {:.1} |\n",
            it.cells, it.given, it.requests, it.seconds
        )
    };
    for block in blocks {
        page.push_str(&line(&format!("{}: {}", block.name, block.what), &block.store, &block.tally));
        all.add(block.tally.clone());
    }
    page.push_str(&line("**all**", "", &all));
    if !mutants.is_empty() {
        page.push_str(
            "\n## When a check is left out\n\n`cargo xtask matrix --mutants` leaves out one check at a time in a copy of the source, builds it and asks a sample.\n\n\
             | left out | cells that differ |\n|---|---|\n",
        );
        for (name, wrong) in mutants {
            page.push_str(&format!("| {name} | {wrong} |\n"));
        }
    }
    let examples: Vec<&String> = blocks.iter().flat_map(|block| &block.tally.examples).take(40).collect();
    if !examples.is_empty() {
        page.push_str("\n## Differences\n\nRepeat one with `cargo xtask matrix --cell 'NAME'`.\n\n");
        for example in examples {
            page.push_str(&format!("- {}\n", example.replace('|', "\\|")));
        }
    }
    page.push_str(&format!("\nMachine: `{}`\n", crate::machine::description()));
    page
}

fn value(blocks: &[Told], mutants: &[(String, usize)]) -> Value {
    let block = |it: &Told| {
        json!({
            "name": it.name,
            "store": it.store,
            "cells": it.tally.cells,
            "must_be_given": it.tally.given,
            "requests": it.tally.requests,
            "seconds": (it.tally.seconds * 10.0).round() / 10.0,
            "unexpected_allows": it.tally.count("unexpected allow"),
            "unexpected_refusals": it.tally.count("unexpected refusal"),
            "odd": it.tally.count("odd answer"),
        })
    };
    let mutants: Vec<Value> =
        mutants.iter().map(|(name, wrong)| json!({ "left_out": name, "differ": wrong })).collect();
    json!({
        "blocks": blocks.iter().map(block).collect::<Vec<_>>(),
        "mutants": mutants,
        "machine": crate::machine::description(),
    })
}
