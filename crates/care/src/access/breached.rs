//! A site's own list of stolen passwords, as a Bloom filter that is looked into without a network: what is on the
//! list is always found, and about one in a thousand that is not is refused too.
//!
//! The file: the line `continuo-breached-1`, then the number of probes (4 bytes, little endian) and the number of
//! bits (8 bytes, little endian), then the bits, the lowest of each byte first. A password is known by the SHA-1 of
//! its UTF-8 text, as the public lists have it; with `a` and `b` the first and the second eight bytes of that digest
//! (big endian), probe `i` looks at bit `(a + i·b) mod bits`. SHA-1 only spreads here; nothing rests on its strength.

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

const MAGIC: &[u8] = b"continuo-breached-1\n";
const HEAD: usize = MAGIC.len() + 12;
/// Fifteen bits and ten probes for each password refuse one in about 1,300 that is not on the list.
const BITS_EACH: u64 = 15;
const PROBES: u32 = 10;

/// Passwords that must not be used.
pub struct Breached {
    probes: u32,
    bits: u64,
    bytes: Vec<u8>,
}

impl Breached {
    /// No list.
    pub fn none() -> Breached {
        Breached { probes: 0, bits: 0, bytes: Vec::new() }
    }

    /// An empty list with room for as many.
    pub fn for_about(passwords: u64) -> Breached {
        let bits = (passwords.max(64) * BITS_EACH).next_multiple_of(8);
        Breached { probes: PROBES, bits, bytes: vec![0; (bits / 8) as usize] }
    }

    /// Reads the file; what is wrong with it is said.
    pub fn read(file: &[u8]) -> Result<Breached, &'static str> {
        let head = file.get(..HEAD).filter(|head| head.starts_with(MAGIC)).ok_or("it does not begin as such a list")?;
        let probes = u32::from_le_bytes(head[MAGIC.len()..MAGIC.len() + 4].try_into().expect("four bytes"));
        let bits = u64::from_le_bytes(head[MAGIC.len() + 4..].try_into().expect("eight bytes"));
        let bytes = file[HEAD..].to_vec();
        if !(1..=64).contains(&probes) || bits == 0 || bits.div_ceil(8) != bytes.len() as u64 {
            return Err("its size does not fit what its head says");
        }
        Ok(Breached { probes, bits, bytes })
    }

    pub fn write(&self) -> Vec<u8> {
        [MAGIC, &self.probes.to_le_bytes(), &self.bits.to_le_bytes(), &self.bytes].concat()
    }

    pub fn add(&mut self, password: &str) {
        self.add_digest(&sha1(password));
    }

    /// Adds one line of a public list: forty hexadecimal digits, perhaps `:` and a count. Returns whether it was one.
    pub fn add_line(&mut self, line: &str) -> bool {
        let hex = line.split(':').next().unwrap_or_default().trim();
        if hex.len() != 40 || !hex.bytes().all(|it| it.is_ascii_hexdigit()) {
            return false;
        }
        let mut digest = [0; 20];
        for (at, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).expect("these are hexadecimal digits");
        }
        self.add_digest(&digest);
        true
    }

    fn add_digest(&mut self, digest: &[u8; 20]) {
        for bit in self.probes(digest).collect::<Vec<_>>() {
            self.bytes[(bit / 8) as usize] |= 1 << (bit % 8);
        }
    }

    pub fn has(&self, password: &str) -> bool {
        self.bits > 0 && self.probes(&sha1(password)).all(|bit| self.bytes[(bit / 8) as usize] & (1 << (bit % 8)) != 0)
    }

    fn probes(&self, digest: &[u8; 20]) -> impl Iterator<Item = u64> + use<> {
        let number = |from: usize| u64::from_be_bytes(digest[from..from + 8].try_into().expect("eight bytes"));
        let (a, b, bits) = (number(0), number(8), self.bits);
        (0..u64::from(self.probes)).map(move |i| a.wrapping_add(i.wrapping_mul(b)) % bits)
    }
}

fn sha1(password: &str) -> [u8; 20] {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    hash.as_ref().try_into().expect("SHA-1 has 20 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_the_list_is_found_after_writing_and_reading() {
        let mut list = Breached::for_about(1_000);
        (0..1_000).for_each(|n| list.add(&format!("stolen {n}")));
        let list = Breached::read(&list.write()).unwrap();
        assert!((0..1_000).all(|n| list.has(&format!("stolen {n}"))));
        let wrong = (0..10_000).filter(|n| list.has(&format!("own {n}"))).count();
        assert!(wrong < 60, "{wrong} of 10,000 are refused without being on it");
    }

    #[test]
    fn lines_of_public_lists_are_understood() {
        let mut list = Breached::for_about(10);
        assert!(list.add_line("5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:3861493"));
        assert!(!list.add_line("password"));
        assert!(list.has("password"));
        assert!(!list.has("Password of nobody else"));
    }

    #[test]
    fn a_file_that_is_something_else_is_refused() {
        let list = Breached::for_about(100).write();
        for wrong in [&b""[..], b"continuo-breached-1\n", b"PK\x03\x04 something else that is long enough", &list[1..]]
        {
            assert!(Breached::read(wrong).is_err());
        }
        assert!(Breached::read(&list[..list.len() - 1]).is_err());
        assert!(!Breached::none().has("anything"));
    }
}
