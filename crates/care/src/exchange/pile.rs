//! Many resources at little cost: those that wait lie compressed, and are taken out a few hundred at a time, as often as
//! somebody looks. A tree of JSON takes ten times the memory of its text, and the text ten times that of the pile.

use fhir::Value;
use std::collections::HashSet;

/// The text that is compressed together, in bytes.
const BLOCK: usize = 256 << 10;
/// Text of resources repeats itself so much that more effort wins nothing.
const LEVEL: i32 = 1;

/// Resources under their addresses, in the order in which they were put there.
#[derive(Default)]
pub struct Pile {
    blocks: Vec<(usize, Vec<u8>)>,
    /// An address and a resource in turn, a line each.
    open: Vec<u8>,
    /// References to these mean nothing.
    lost: HashSet<String>,
}

impl Pile {
    pub fn push(&mut self, address: &str, resource: &Value) {
        self.open.extend_from_slice(address.as_bytes());
        self.open.push(b'\n');
        serde_json::to_writer(&mut self.open, resource).expect("writing to memory cannot fail");
        self.open.push(b'\n');
        if self.open.len() >= BLOCK {
            self.close();
        }
    }

    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.open.is_empty()
    }

    fn close(&mut self) {
        let packed = zstd::bulk::compress(&self.open, LEVEL).expect("memory suffices for one block");
        self.blocks.push((self.open.len(), packed));
        self.open.clear();
        self.open.shrink_to(2 * BLOCK);
    }

    /// Forgets references to what is not there after all.
    pub fn forget(&mut self, lost: HashSet<String>) {
        self.lost = lost;
    }

    /// Everything, a block at a time.
    pub fn blocks(&self) -> impl Iterator<Item = Vec<(String, Value)>> {
        let closed = self.blocks.iter().map(|(length, packed)| {
            zstd::bulk::decompress(packed, *length).expect("what was packed here can be unpacked here")
        });
        let open = (!self.open.is_empty()).then(|| self.open.clone());
        closed.chain(open).map(|text| self.read(&text))
    }

    fn read(&self, text: &[u8]) -> Vec<(String, Value)> {
        let mut lines = text.split(|it| *it == b'\n');
        let mut found = Vec::new();
        while let (Some(address), Some(resource)) = (lines.next(), lines.next()) {
            let address = String::from_utf8_lossy(address).into_owned();
            let mut resource = serde_json::from_slice(resource).expect("what was written here can be read here");
            if !self.lost.is_empty() {
                formats::ccda::prune(&mut resource, &self.lost);
            }
            found.push((address, resource));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_put_on_the_pile_is_taken_out_as_it_was() {
        let resource =
            |nth: usize| json!({ "resourceType": "Basic", "n": nth, "words": "line\nline \u{1F600}", "x": [1.50, {}] });
        let mut pile = Pile::default();
        for nth in 0..9_000 {
            pile.push(&format!("urn:{nth}"), &resource(nth));
        }
        assert!(pile.blocks.len() > 1 && pile.blocks.iter().map(|it| it.1.len()).sum::<usize>() < 9_000 * 20);
        for _ in 0..2 {
            let all: Vec<(String, Value)> = pile.blocks().flatten().collect();
            assert_eq!(all.len(), 9_000);
            assert!(
                all.iter()
                    .enumerate()
                    .all(|(nth, (address, it))| *address == format!("urn:{nth}") && *it == resource(nth))
            );
        }
    }
}
