//! Reads JSON strictly (RFC 8259; FHIR R4, json.html): a member name that stands twice in an object is
//! refused rather than one of the two silently lost, depth is limited, and a byte order mark is skipped.
//! Decimals keep their digits and members their order.

use crate::issue::{Issue, IssueCode};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// How serde_json hands over a number with all its digits: as a map with this one key.
const NUMBER: &str = "$serde_json::private::Number";

/// Reads one JSON value; the issue says where it is broken.
pub fn read(bytes: &[u8], depth: usize) -> Result<Value, Issue> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Issue::error(IssueCode::Structure, "", format!("the content is not UTF-8 in line {line}"))
    })?;
    if text.trim().is_empty() {
        return Err(Issue::error(IssueCode::Structure, "", "the content is empty: a JSON resource was expected"));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict { left: depth }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| {
        let code = if error.to_string().starts_with(TOO_DEEP) { IssueCode::TooLong } else { IssueCode::Structure };
        Issue::error(code, "", format!("the content is not JSON: {error}{}", hint(&error)))
    })
}

const TOO_DEEP: &str = "nested too deep";

/// What usually is the matter when JSON cannot be read.
fn hint(error: &serde_json::Error) -> &'static str {
    let text = error.to_string();
    match text {
        _ if text.contains("trailing comma") => " (remove the comma before the closing bracket)",
        _ if text.contains("expected value") => " (NaN, Infinity, single quotes and comments are not JSON)",
        _ if text.contains("surrogate") || text.contains("hex escape") => {
            " (a character above U+FFFF needs both halves: \\uD83D\\uDE00)"
        }
        _ if text.contains("EOF") => " (a closing bracket or quote is missing)",
        _ => "",
    }
}

/// Reads one value that may still hold `left` levels.
#[derive(Clone, Copy)]
struct Strict {
    left: usize,
}

impl Strict {
    fn inner<E: Error>(self) -> Result<Strict, E> {
        match self.left.checked_sub(1) {
            Some(left) => Ok(Strict { left }),
            None => Err(E::custom(TOO_DEEP)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let Some(first) = members.next_key::<String>()? else {
            self.inner::<A::Error>()?;
            return Ok(Value::Object(Map::new()));
        };
        if first == NUMBER {
            let digits: String = members.next_value()?;
            return digits.parse::<Number>().map(Value::Number).map_err(A::Error::custom);
        }
        let inner = self.inner()?;
        let mut map = Map::new();
        map.insert(first, members.next_value_seed(inner)?);
        while let Some(name) = members.next_key::<String>()? {
            if map.contains_key(&name) {
                let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
                return Err(A::Error::custom(format!("the member {shown} stands twice in one object, keep one")));
            }
            let value = members.next_value_seed(inner)?;
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}
