//! Bytes to characters and back for the character sets of MSH-18 (table 0211). A byte that its set does not have
//! becomes a private character that stands for it (U+F780 to U+F7FF for bytes 80 to FF), is counted, and is written
//! back as the byte it was.

use super::charset_table::PARTS;

/// Where bytes that mean nothing are kept: byte `b` is U+F700 + b.
const KEPT: u32 = 0xF700;

/// How the characters of a message are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    Utf8,
    /// UTF-16 with a byte order mark; only in files, MLLP cannot carry it.
    Utf16Le,
    Utf16Be,
    /// One part of ISO 8859, an index of the table.
    Latin(usize),
}

impl Charset {
    /// The set that MSH-18 names. Nothing when it names none, or one that we do not have.
    pub fn named(name: &str) -> Option<Charset> {
        let name = name.trim().to_ascii_uppercase().replace(['_', '-'], " ");
        match name.as_str() {
            "UNICODE UTF 8" | "UTF 8" | "UTF8" | "UNICODE" => return Some(Charset::Utf8),
            // ASCII is a part of UTF-8, and many who say ASCII send that.
            "ASCII" | "US ASCII" | "ISO IR6" => return Some(Charset::Utf8),
            _ => {}
        }
        let part = name.strip_prefix("ISO ").unwrap_or(&name).replace(' ', "/");
        PARTS.iter().position(|(known, _)| *known == part).map(Charset::Latin)
    }

    /// The characters, and how many bytes had no meaning in this set.
    pub fn decode(self, bytes: &[u8]) -> (String, usize) {
        match self {
            Charset::Utf8 => utf8(bytes),
            Charset::Utf16Le => utf16(bytes, u16::from_le_bytes),
            Charset::Utf16Be => utf16(bytes, u16::from_be_bytes),
            Charset::Latin(part) => latin(bytes, PARTS[part].1),
        }
    }

    /// The bytes of these characters, and how many characters this set does not have (each is written as `?`).
    pub fn encode(self, text: &str) -> (Vec<u8>, usize) {
        let mut bytes = Vec::with_capacity(text.len());
        let mut missing = 0;
        let units = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect();
        match self {
            Charset::Utf16Le => return (units(u16::to_le_bytes), 0),
            Charset::Utf16Be => return (units(u16::to_be_bytes), 0),
            Charset::Utf8 | Charset::Latin(_) => {}
        }
        for character in text.chars() {
            let known = match self {
                Charset::Latin(part) if u32::from(character) >= 0xA0 => {
                    PARTS[part].1.chars().position(|it| it == character).and_then(|at| u8::try_from(at + 0xA0).ok())
                }
                _ => None,
            };
            match (kept(character), known, self) {
                (Some(byte), _, _) | (None, Some(byte), _) => bytes.push(byte),
                (None, None, Charset::Latin(_)) => match u8::try_from(u32::from(character)) {
                    Ok(byte) if byte < 0xA0 => bytes.push(byte),
                    _ => {
                        missing += 1;
                        bytes.push(b'?');
                    }
                },
                _ => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        (bytes, missing)
    }
}

/// The byte that this character keeps.
fn kept(character: char) -> Option<u8> {
    let code = u32::from(character);
    ((KEPT + 0x80)..=(KEPT + 0xFF)).contains(&code).then(|| (code - KEPT) as u8)
}

fn keep(byte: u8) -> char {
    char::from_u32(KEPT + u32::from(byte)).unwrap_or('\u{FFFD}')
}

fn utf8(bytes: &[u8]) -> (String, usize) {
    let mut text = String::with_capacity(bytes.len());
    let mut bad = 0;
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            // A real private character would come back as one byte: its bytes are kept one by one instead.
            if kept(character).is_some() {
                text.extend(character.encode_utf8(&mut [0; 4]).bytes().map(keep));
            } else {
                text.push(character);
            }
        }
        bad += chunk.invalid().len();
        text.extend(chunk.invalid().iter().map(|byte| keep(*byte)));
    }
    (text, bad)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> (String, usize) {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let mut bad = bytes.len() % 2;
    let text = char::decode_utf16(units)
        .map(|it| {
            it.unwrap_or_else(|_| {
                bad += 2;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect();
    (text, bad)
}

fn latin(bytes: &[u8], upper: &str) -> (String, usize) {
    let upper: Vec<char> = upper.chars().collect();
    let mut bad = 0;
    let text = bytes
        .iter()
        .map(|&byte| match byte {
            0..0xA0 => char::from(byte),
            _ => match upper.get(usize::from(byte) - 0xA0) {
                Some(&known) if known != char::REPLACEMENT_CHARACTER => known,
                _ => {
                    bad += 1;
                    keep(byte)
                }
            },
        })
        .collect();
    (text, bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_were_whatever_they_mean() {
        let all: Vec<u8> = (0..=255).chain("Größe \u{F790} ☃".bytes()).collect();
        for charset in [Charset::Utf8, Charset::Latin(0), Charset::Latin(5), Charset::Latin(10)] {
            let (text, _) = charset.decode(&all);
            assert_eq!(charset.encode(&text), (all.clone(), 0), "{charset:?}");
        }
    }

    #[test]
    fn the_names_of_table_0211_are_known() {
        for (name, bytes, text) in [
            ("8859/1", &b"Gr\xF6\xDFe"[..], "Größe"),
            ("8859/5", b"\xBF\xE0\xD8", "При"),
            ("8859/15", b"5 \xA4", "5 €"),
            ("UNICODE UTF-8", "Größe".as_bytes(), "Größe"),
            ("ASCII", b"plain", "plain"),
        ] {
            let charset = Charset::named(name).expect(name);
            assert_eq!(charset.decode(bytes), (text.to_owned(), 0), "{name}");
        }
        assert_eq!(Charset::named("ISO IR87"), None);
        assert_eq!(Charset::named(""), None);
    }

    #[test]
    fn bytes_without_meaning_are_counted() {
        assert_eq!(Charset::Utf8.decode(b"a\xFFb").1, 1);
        assert_eq!(Charset::Utf16Le.decode(b"a\0b").1, 1);
    }
}
