//! What becomes of everything in public documents.

use super::{documents, whole};
use formats::ccda::{self, Became};
use std::collections::{BTreeMap, BTreeSet};

const ARCHIVES: [&str; 4] = ["ccda-vendors", "ccda-onc-2015-testdata", "ccda-hl7-examples", "ccda-fhir-pairs"];

#[test]
fn every_public_document_is_read_and_nearly_every_entry_of_it_becomes_fhir() {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    let mut statements: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut resources: BTreeMap<String, usize> = BTreeMap::new();
    let mut notes: BTreeMap<String, usize> = BTreeMap::new();
    let (mut seen, mut mapped, mut nothing, mut examples) = (0, 0, 0, 0);
    let mut files = 0;
    for name in ARCHIVES {
        let Some(folder) = testkit::unpacked(name) else { return };
        for path in documents(&folder) {
            files += 1;
            let bytes = std::fs::read(&path).expect("a file can be read");
            let read = ccda::read(&bytes).or_else(|refusal| {
                let text = String::from_utf8_lossy(&bytes);
                let Some(text) = whole(&text) else { return Err(refusal) };
                examples += 1;
                ccda::read(text.as_bytes())
            });
            let document = match read {
                Ok(document) => document,
                Err(refusal) => {
                    let line = format!("{refusal}");
                    let line = line.split(':').next().unwrap_or_default().to_owned();
                    *refused.entry(line).or_default() += 1;
                    continue;
                }
            };
            *kinds.entry(document.head.kind.unwrap_or("no template of C-CDA").to_owned()).or_default() += 1;
            let known: BTreeSet<&str> = document.read.resources.iter().map(|(address, _)| address.as_str()).collect();
            assert_eq!(known.len(), document.read.resources.len(), "addresses are unique: {}", path.display());
            for (_, resource) in &document.read.resources {
                let kind = resource["resourceType"].as_str().expect("has a type");
                *resources.entry(kind.to_owned()).or_default() += 1;
                let issues: Vec<_> =
                    fhir::validate::validate(resource).into_iter().filter(fhir::Issue::is_error).collect();
                assert!(issues.is_empty(), "{}: {kind} {issues:?}", path.display());
            }
            for note in &document.read.notes {
                *notes.entry(format!("{:?}: {}", note.fate, note.says)).or_default() += 1;
            }
            for entry in &document.entries {
                let counts = statements.entry(entry.statement.clone()).or_default();
                match &entry.became {
                    Became::Nothing(_) => nothing += 1,
                    Became::Resources(_) => {
                        seen += 1;
                        mapped += 1;
                        counts.0 += 1;
                        counts.1 += 1;
                    }
                    Became::Narrative(reason) => {
                        seen += 1;
                        counts.0 += 1;
                        *reasons.entry(format!("{reason} ({})", entry.statement)).or_default() += 1;
                    }
                }
            }
            let again = ccda::read(&bytes);
            if let Ok(again) = again {
                assert_eq!(again.read, document.read, "the same twice: {}", path.display());
            }
        }
    }
    println!("{files} files, of which {examples} are parts of documents");
    println!("documents: {kinds:#?}\nrefused: {refused:#?}\nresources: {resources:#?}");
    println!("notes: {notes:#?}\nstay narrative: {reasons:#?}");
    for (statement, (seen, mapped)) in statements.iter().filter(|(_, (seen, mapped))| seen != mapped) {
        println!("{mapped} of {seen}: {statement}");
    }
    let share = 100.0 * f64::from(mapped) / f64::from(seen);
    println!("entries: {seen} with content, {mapped} mapped ({share:.2} %), {nothing} that say there is nothing");
    assert!(share >= 98.0, "{share:.2} % of the entries became FHIR");
}
