//! CBOR as authenticators write it (RFC 8949, CTAP2 canonical form, section 6 of CTAP 2.1): definite lengths, integers
//! in their shortest form, no tags, no floats, text and integers as keys, no key twice. Anything else is refused.

use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cbor {
    Int(i64),
    Bytes(Vec<u8>),
    Text(String),
    List(Vec<Cbor>),
    Map(BTreeMap<Name, Cbor>),
    Switch(bool),
    Null,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Int(i64),
    Text(String),
}

/// What an authenticator nests; more is no answer of one.
const DEEPEST: usize = 8;

impl Cbor {
    /// The first item and what follows it.
    pub(super) fn first(bytes: &[u8]) -> Option<(Cbor, &[u8])> {
        item(bytes, DEEPEST)
    }

    /// Exactly one item.
    pub(super) fn read(bytes: &[u8]) -> Option<Cbor> {
        Cbor::first(bytes).and_then(|(it, rest)| rest.is_empty().then_some(it))
    }

    pub(super) fn named(&self, name: &str) -> Option<&Cbor> {
        match self {
            Cbor::Map(map) => map.get(&Name::Text(name.into())),
            _ => None,
        }
    }

    pub(super) fn numbered(&self, number: i64) -> Option<&Cbor> {
        match self {
            Cbor::Map(map) => map.get(&Name::Int(number)),
            _ => None,
        }
    }

    pub(super) fn int(&self) -> Option<i64> {
        match self {
            Cbor::Int(it) => Some(*it),
            _ => None,
        }
    }

    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Cbor::Bytes(it) => Some(it),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Cbor::Text(it) => Some(it),
            _ => None,
        }
    }
}

fn item(bytes: &[u8], deep: usize) -> Option<(Cbor, &[u8])> {
    let deep = deep.checked_sub(1)?;
    let (kind, number, mut rest) = head(bytes)?;
    let length = usize::try_from(number).ok();
    Some(match kind {
        0 => (Cbor::Int(i64::try_from(number).ok()?), rest),
        1 => (Cbor::Int(-1 - i64::try_from(number).ok()?), rest),
        2 => {
            let (it, rest) = rest.split_at_checked(length?)?;
            (Cbor::Bytes(it.to_vec()), rest)
        }
        3 => {
            let (it, rest) = rest.split_at_checked(length?)?;
            (Cbor::Text(std::str::from_utf8(it).ok()?.to_owned()), rest)
        }
        4 => {
            let mut list = Vec::new();
            for _ in 0..number {
                let (it, after) = item(rest, deep)?;
                list.push(it);
                rest = after;
            }
            (Cbor::List(list), rest)
        }
        5 => {
            let mut map = BTreeMap::new();
            for _ in 0..number {
                let (name, after) = item(rest, deep)?;
                let name = match name {
                    Cbor::Int(it) => Name::Int(it),
                    Cbor::Text(it) => Name::Text(it),
                    _ => return None,
                };
                let (it, after) = item(after, deep)?;
                if map.insert(name, it).is_some() {
                    return None;
                }
                rest = after;
            }
            (Cbor::Map(map), rest)
        }
        7 if bytes[0] == 0xf4 => (Cbor::Switch(false), rest),
        7 if bytes[0] == 0xf5 => (Cbor::Switch(true), rest),
        7 if bytes[0] == 0xf6 => (Cbor::Null, rest),
        _ => return None,
    })
}

/// Major type, argument, and what follows.
fn head(bytes: &[u8]) -> Option<(u8, u64, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (kind, short) = (first >> 5, first & 31);
    let width = match short {
        0..=23 => return Some((kind, u64::from(short), rest)),
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => return None,
    };
    let (number, rest) = rest.split_at_checked(width)?;
    let number = number.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let shorter = match width {
        1 => number < 24,
        2 => number < 1 << 8,
        4 => number < 1 << 16,
        _ => number < 1 << 32,
    };
    // What has a shorter form must be written so; a simple value in two bytes is none we know.
    (!shorter && kind != 7).then_some((kind, number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_the_standards_examples_are_read() {
        // RFC 8949, appendix A.
        let check = |bytes: &[u8], wanted: Cbor| assert_eq!(Cbor::read(bytes), Some(wanted), "{bytes:02x?}");
        check(&[0x00], Cbor::Int(0));
        check(&[0x18, 0x64], Cbor::Int(100));
        check(&[0x1a, 0x00, 0x0f, 0x42, 0x40], Cbor::Int(1_000_000));
        check(&[0x38, 0x63], Cbor::Int(-100));
        check(&[0x44, 1, 2, 3, 4], Cbor::Bytes(vec![1, 2, 3, 4]));
        check(&[0x62, 0xc3, 0xbc, 0x3f][..3], Cbor::Text("ü".into()));
        check(&[0x83, 1, 2, 3], Cbor::List(vec![Cbor::Int(1), Cbor::Int(2), Cbor::Int(3)]));
        check(&[0xf5], Cbor::Switch(true));
        let map = Cbor::read(&[0xa2, 0x61, 0x61, 0x01, 0x03, 0x26]).unwrap();
        assert_eq!(map.named("a").and_then(Cbor::int), Some(1));
        assert_eq!(map.numbered(3).and_then(Cbor::int), Some(-7));
    }

    #[test]
    fn what_no_authenticator_writes_is_refused() {
        for bytes in [
            &[][..],
            &[0x18, 0x17],             // 23 in two bytes
            &[0x19, 0x00, 0xff],       // 255 in three
            &[0x5f, 0x41, 0x01, 0xff], // indefinite length
            &[0x44, 1, 2, 3],          // cut off
            &[0x5b, 255, 255, 255, 255, 255, 255, 255, 255],
            &[0x9b, 255, 255, 255, 255, 255, 255, 255, 255, 0],
            &[0xa2, 0x01, 0x01, 0x01, 0x02], // a key twice
            &[0xa1, 0x41, 0x01, 0x01],       // bytes as a key
            &[0xc0, 0x00],                   // a tag
            &[0xf9, 0x3c, 0x00],             // a float
            &[0xf8, 0xff],
            &[0x62, 0xff, 0xff], // no UTF-8
            &[0x00, 0x00],       // two items
            &[0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x00],
        ] {
            assert_eq!(Cbor::read(bytes), None, "{bytes:02x?}");
        }
    }
}
