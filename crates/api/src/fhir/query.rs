//! The query part of an address and the body of a form: names and values, percent-encoded.

use crate::refusal::{Answer, Refusal};

pub(crate) type Pairs = Vec<(String, String)>;

/// Reads `a=1&b=x%20y`. Order and repetition are kept, both mean something in a search.
pub(crate) fn parse(text: &str) -> Answer<Pairs> {
    text.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

/// Undoes percent-encoding and `+` for a space.
pub(crate) fn decode(text: &str) -> Answer<String> {
    if !text.bytes().any(|b| b == b'%' || b == b'+') {
        return Ok(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => match (rest.next().and_then(hex), rest.next().and_then(hex)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(Refusal::invalid("the address has a % that two hexadecimal digits do not follow")),
            },
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| Refusal::invalid("the address is not UTF-8 after percent-decoding"))
}

fn hex(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

/// Writes pairs as a query part. The characters searches are made of (`:|,/$`) stay readable.
pub(crate) fn encode<'a>(pairs: impl IntoIterator<Item = &'a (String, String)>) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        push_encoded(&mut text, name);
        text.push('=');
        push_encoded(&mut text, value);
    }
    text
}

pub(crate) fn push_encoded(text: &mut String, part: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:|,/$@*".contains(&byte) {
            text.push(byte as char);
        } else {
            text.push('%');
            text.push(HEX[(byte >> 4) as usize] as char);
            text.push(HEX[(byte & 15) as usize] as char);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_read_back() {
        let pairs: Pairs = [("name:exact", "José & Ana+1%"), ("_id", ""), ("code", "http://loinc.org|8480-6,x\\,y")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(parse(&encode(&pairs)).unwrap(), pairs);
    }

    #[test]
    fn a_broken_percent_is_refused() {
        assert!(parse("a=%4").is_err());
        assert!(parse("a=%zz").is_err());
        assert!(parse("a=%ff").is_err());
        assert_eq!(parse("a&&b=c+d").unwrap(), [("a".into(), String::new()), ("b".into(), "c d".into())]);
    }
}
