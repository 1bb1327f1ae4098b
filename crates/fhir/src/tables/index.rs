//! Finding a row by its name with one hash: the tables are asked for every member of every resource.

/// Names to their place in a list kept beside it. Built once; holds no names itself.
pub(super) struct NameIndex {
    mask: usize,
    slots: Box<[u16]>,
}

const EMPTY: u16 = u16::MAX;

impl NameIndex {
    /// An index of `names` in their order. The first of equal names wins.
    pub(super) fn of<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> NameIndex {
        let size = (names.len() * 2).next_power_of_two().max(4);
        let mut slots = vec![EMPTY; size].into_boxed_slice();
        let mask = size - 1;
        let mut placed: Vec<&str> = Vec::with_capacity(names.len());
        for (place, name) in names.enumerate() {
            let mut slot = hash(name) & mask;
            while slots[slot] != EMPTY && placed[slots[slot] as usize] != name {
                slot = (slot + 1) & mask;
            }
            if slots[slot] == EMPTY {
                slots[slot] = u16::try_from(place).expect("no table has 65,535 rows");
            }
            placed.push(name);
        }
        NameIndex { mask, slots }
    }

    /// The place of `name`; `name_at` says which name is at a place.
    #[inline]
    pub(super) fn find<'a>(&self, name: &str, name_at: impl Fn(usize) -> &'a str) -> Option<usize> {
        let mut slot = hash(name) & self.mask;
        loop {
            match self.slots[slot] {
                EMPTY => return None,
                place if name_at(place as usize) == name => return Some(place as usize),
                _ => slot = (slot + 1) & self.mask,
            }
        }
    }
}

/// Fast rather than strong: the names in a table are the standard's, so nobody can choose collisions in it.
#[inline]
fn hash(name: &str) -> usize {
    const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut state = name.len() as u64;
    let mut chunks = name.as_bytes().chunks_exact(8);
    for chunk in &mut chunks {
        let word = u64::from_le_bytes(chunk.try_into().expect("a chunk is eight bytes"));
        state = (state ^ word).wrapping_mul(MIX).rotate_left(29);
    }
    let mut word = 0u64;
    for byte in chunks.remainder() {
        word = (word << 8) | u64::from(*byte);
    }
    state = (state ^ word).wrapping_mul(MIX);
    (state >> 32) as usize
}
