//! Trains the dictionary that bodies are packed with, on demo people, and writes it where it is told:
//! `cargo run --release -p care --example dictionary -- crates/store/src/dictionaries/1.dict`.
//! Only for a dictionary that has not been released: stores keep the number of the one they used.
#![allow(clippy::print_stdout)]

use care::demo::{Org, Population};
use std::collections::HashMap;

/// Bytes of the dictionary: more wins little and costs memory in each thread.
const SIZE: usize = 64 * 1024;
/// At most this many samples of one type, so that observations do not fill it alone.
const OF_ONE_TYPE: usize = 1_500;

fn main() {
    let to = std::env::args().nth(1).expect("where to write it");
    let population = Population::new(7, 120, jiff::civil::date(2026, 11, 22));
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut samples = Vec::new();
    for org in Org::ALL {
        let people = population.people(org).flat_map(|record| record.resources);
        for resource in population.organisation(org).into_iter().chain(people) {
            let count = counts.entry(resource["resourceType"].as_str().unwrap_or_default().to_owned()).or_default();
            *count += 1;
            if *count <= OF_ONE_TYPE {
                samples.push(store::stored_text(&resource));
            }
        }
    }
    let dictionary = zstd::dict::from_samples(&samples, SIZE).expect("there are samples enough");
    let total: usize = samples.iter().map(Vec::len).sum();
    let packed = |dictionary: &[u8]| -> usize {
        let mut compressor = zstd::bulk::Compressor::with_dictionary(3, dictionary).expect("a dictionary");
        samples.iter().map(|it| compressor.compress(it).expect("memory").len()).sum()
    };
    println!(
        "{} samples, {total} bytes; without dictionary {}, with {}",
        samples.len(),
        packed(&[]),
        packed(&dictionary)
    );
    std::fs::write(&to, dictionary).expect("the file can be written");
}
