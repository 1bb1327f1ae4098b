//! How bodies lie on disk: the JSON text without what the row says already (type, id, version, time),
//! compressed with a dictionary that all resources share. Reading joins a fresh head to the stored
//! tail; no JSON is parsed.

use crate::error::{StoreError, StoreResult};
use bytes::{BufMut, Bytes, BytesMut};
use fhir::Key;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, Write};
use zstd::bulk::{Compressor, Decompressor};

/// Dictionaries ever shipped; the place is the number in the first byte of a body, so the list only grows.
/// Trained on resources of the demo population (`cargo run --release -p care --example dictionary`).
const DICTIONARIES: [&[u8]; 1] = [include_bytes!("dictionaries/1.dict")];

/// First byte: the tail as it is, without compression.
const PLAIN: u8 = 0;
/// First byte: compressed without a dictionary.
const BARE: u8 = 1;
/// First byte of the first dictionary.
const FIRST_DICTIONARY: u8 = 2;
/// Slower levels win little on texts of this size (docs/decisions/0004).
const LEVEL: i32 = 3;

/// What is stored of a body, before it is packed: everything after `"lastUpdated":"…"`.
pub fn tail(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(2048);
    write_tail(value, &mut out).expect("writing to memory cannot fail");
    out
}

fn write_tail(value: &Value, out: &mut impl Write) -> io::Result<()> {
    let members = value.as_object().expect("a checked resource is an object");
    let member = |out: &mut dyn Write, name: &str, value: &Value| -> io::Result<()> {
        out.write_all(b",")?;
        serde_json::to_writer(&mut *out, name)?;
        out.write_all(b":")?;
        Ok(serde_json::to_writer(out, value)?)
    };
    if let Some(meta) = members.get("meta").and_then(Value::as_object) {
        for (name, value) in meta.iter().filter(|(name, _)| *name != "versionId" && *name != "lastUpdated") {
            member(out, name, value)?;
        }
    }
    out.write_all(b"}")?;
    for (name, value) in members {
        if !matches!(name.as_str(), "resourceType" | "id" | "meta") {
            member(out, name, value)?;
        }
    }
    out.write_all(b"}")
}

/// A moment in microseconds as FHIR writes it, to the millisecond: `2026-11-22T13:26:36.123Z`.
pub fn instant(at: i64) -> String {
    let time = jiff::Timestamp::from_microsecond(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{time:.3}")
}

/// The whole JSON text of a version.
pub(crate) fn whole(key: &Key, version: i64, at: i64, packed: &[u8]) -> StoreResult<Bytes> {
    let (tag, length, data) = open(packed)?;
    let mut out = BytesMut::with_capacity(length + 160);
    out.put_slice(b"{\"resourceType\":\"");
    out.put_slice(key.kind.name().as_bytes());
    out.put_slice(b"\",\"id\":\"");
    out.put_slice(key.id.as_str().as_bytes());
    out.put_slice(b"\",\"meta\":{\"versionId\":\"");
    out.put_slice(version.to_string().as_bytes());
    out.put_slice(b"\",\"lastUpdated\":\"");
    out.put_slice(instant(at).as_bytes());
    out.put_u8(b'"');
    let mut out: Vec<u8> = out.into();
    unpack_into(tag, length, data, &mut out)?;
    Ok(out.into())
}

pub(crate) fn pack(tail: &[u8]) -> Bytes {
    pack_as(FIRST_DICTIONARY + (DICTIONARIES.len() - 1) as u8, tail)
}

/// The tail of a value, packed while it is written: for what is too large to lie in memory twice.
pub(crate) fn pack_value(value: &Value) -> Bytes {
    const WHY: &str = "memory suffices for one resource";
    let tag = FIRST_DICTIONARY + (DICTIONARIES.len() - 1) as u8;
    let mut packing = zstd::stream::Encoder::with_dictionary(Vec::new(), LEVEL, dictionary(tag)).expect(WHY);
    packing.include_dictid(false).expect("a known setting");
    packing.include_contentsize(false).expect("a known setting");
    let mut counting = Counting { to: packing, count: 0 };
    {
        // Many small writes are dear to the compressor.
        let mut buffered = io::BufWriter::with_capacity(64 << 10, &mut counting);
        write_tail(value, &mut buffered).expect(WHY);
        buffered.flush().expect(WHY);
    }
    let mut out = head(tag, counting.count);
    out.extend_from_slice(&counting.to.finish().expect(WHY));
    out.into()
}

struct Counting<W> {
    to: W,
    count: usize,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.count += written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn head(tag: u8, mut length: usize) -> Vec<u8> {
    let mut out = vec![tag];
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out
}

fn pack_as(tag: u8, tail: &[u8]) -> Bytes {
    let mut out = head(tag, tail.len());
    let packed = COMPRESSORS.with_borrow_mut(|them| {
        them.entry(tag).or_insert_with(|| compressor(tag)).compress(tail).expect("memory suffices for one resource")
    });
    if packed.len() < tail.len() {
        out.extend_from_slice(&packed);
    } else {
        out[0] = PLAIN;
        out.extend_from_slice(tail);
    }
    out.into()
}

pub(crate) fn unpack(packed: &[u8]) -> StoreResult<Vec<u8>> {
    let (tag, length, data) = open(packed)?;
    let mut out = Vec::with_capacity(length);
    unpack_into(tag, length, data, &mut out)?;
    Ok(out)
}

fn open(packed: &[u8]) -> StoreResult<(u8, usize, &[u8])> {
    let broken = || StoreError::Damaged("a body has no length".to_owned());
    let (&tag, mut rest) = packed.split_first().ok_or_else(broken)?;
    let (mut length, mut shift) = (0usize, 0);
    loop {
        let (&byte, after) = rest.split_first().ok_or_else(broken)?;
        rest = after;
        length |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            break;
        }
        if shift > 28 {
            return Err(broken());
        }
    }
    Ok((tag, length, rest))
}

fn unpack_into(tag: u8, length: usize, data: &[u8], out: &mut Vec<u8>) -> StoreResult<()> {
    if tag == PLAIN {
        out.extend_from_slice(data);
        return Ok(());
    }
    if usize::from(tag) >= usize::from(FIRST_DICTIONARY) + DICTIONARIES.len() {
        return Err(StoreError::Damaged(format!("a body was packed with the unknown dictionary {tag}")));
    }
    let plain = DECOMPRESSORS
        .with_borrow_mut(|them| them.entry(tag).or_insert_with(|| decompressor(tag)).decompress(data, length));
    let plain = plain.map_err(|source| StoreError::Damaged(format!("a body cannot be unpacked: {source}")))?;
    if plain.len() != length {
        return Err(StoreError::Damaged("a body is shorter than it should be".to_owned()));
    }
    out.extend_from_slice(&plain);
    Ok(())
}

thread_local! {
    static COMPRESSORS: RefCell<HashMap<u8, Compressor<'static>>> = RefCell::default();
    static DECOMPRESSORS: RefCell<HashMap<u8, Decompressor<'static>>> = RefCell::default();
}

fn dictionary(tag: u8) -> &'static [u8] {
    if tag == BARE { &[] } else { DICTIONARIES[usize::from(tag - FIRST_DICTIONARY)] }
}

fn compressor(tag: u8) -> Compressor<'static> {
    let mut it = Compressor::with_dictionary(LEVEL, dictionary(tag)).expect("the dictionary is well-formed");
    it.include_dictid(false).expect("a known setting");
    it.include_contentsize(false).expect("a known setting");
    it
}

fn decompressor(tag: u8) -> Decompressor<'static> {
    Decompressor::with_dictionary(dictionary(tag)).expect("the dictionary is well-formed")
}

/// Ids on disk: a lower-case UUID takes 17 bytes instead of 36, anything else is its text.
pub(crate) fn pack_id(id: &str) -> Bytes {
    match uuid::Uuid::try_parse(id) {
        Ok(uuid) if uuid.hyphenated().to_string() == id => {
            let mut out = BytesMut::with_capacity(17);
            out.put_u8(1);
            out.put_slice(uuid.as_bytes());
            out.freeze()
        }
        _ => Bytes::copy_from_slice(id.as_bytes()),
    }
}

pub(crate) fn unpack_id(packed: &[u8]) -> StoreResult<fhir::Id> {
    let text = match packed {
        [1, rest @ ..] => uuid::Uuid::from_slice(rest).ok().map(|it| it.hyphenated().to_string()),
        other => std::str::from_utf8(other).ok().map(str::to_owned),
    };
    let id = text.as_deref().and_then(fhir::Id::parse);
    id.ok_or_else(|| StoreError::Damaged("an id is not well-formed".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_body_comes_back_with_the_version_and_time_of_its_row() {
        let value = json!({
            "resourceType": "Patient", "id": "7",
            "meta": {"versionId": "9", "lastUpdated": "2001-01-01T00:00:00Z", "profile": ["http://p"]},
            "name": [{"family": "Núñez"}],
        });
        let packed = pack(&tail(&value));
        let key = Key::parse("Patient/7").unwrap();
        let text = whole(&key, 2, 1_700_000_000_123_456, &packed).unwrap();
        let expected = r#"{"resourceType":"Patient","id":"7","meta":{"versionId":"2","lastUpdated":"2023-11-14T22:13:20.123Z","profile":["http://p"]},"name":[{"family":"Núñez"}]}"#;
        assert_eq!(std::str::from_utf8(&text).unwrap(), expected);
        let bare = json!({"resourceType": "Basic", "id": "7"});
        let text = whole(&Key::parse("Basic/7").unwrap(), 1, 0, &pack(&tail(&bare))).unwrap();
        assert_eq!(
            text,
            r#"{"resourceType":"Basic","id":"7","meta":{"versionId":"1","lastUpdated":"1970-01-01T00:00:00.000Z"}}"#
        );
    }

    #[test]
    fn every_way_of_packing_can_be_unpacked() {
        let text = br#"},"name":[{"family":"Chalmers","given":["Peter","James"]}],"gender":"male"}"#.repeat(20);
        for tag in [BARE, FIRST_DICTIONARY] {
            assert_eq!(unpack(&pack_as(tag, &text)).unwrap(), text);
        }
        let value = serde_json::json!({ "resourceType": "Binary", "id": "7", "data": "QUJD".repeat(200_000) });
        assert_eq!(unpack(&pack_value(&value)).unwrap(), tail(&value));
        assert_eq!(unpack(&pack(b"}}")).unwrap(), b"}}");
        assert!(unpack(&[]).is_err());
        assert!(unpack(&[99, 4, 1, 2, 3]).is_err());
        assert!(unpack(&[BARE, 4, 1, 2, 3]).is_err());
    }

    #[test]
    fn ids_keep_their_text() {
        for id in ["7", "0123-abc.DEF", "e925b0f3-8006-43f6-aa31-94bd215e55e7", "E925b0f3-8006-43f6-aa31-94bd215e55e7"]
        {
            assert_eq!(unpack_id(&pack_id(id)).unwrap().as_str(), id);
        }
        assert_eq!(pack_id("e925b0f3-8006-43f6-aa31-94bd215e55e7").len(), 17);
    }
}
