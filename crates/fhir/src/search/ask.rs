//! The values of a search: text of a URL becomes tests over rows. Escapes, `|`, `$`, prefixes and precision as
//! FHIR R4, 3.1.1.4 says. Errors say what would be right; the value asked for is not repeated in them.

use super::fold::{fold, words};
use super::query::{
    DateTest, Prefix, QuantityTest, ReferenceTest, StringTest, Test, TokenTest, UnitTest, UriTest, Words, WordsTerm,
};
use super::registry::Component;
use super::row::{BaseUrls, Span, Target};
use super::values::of_type_system;
use crate::resource::{Id, ResourceType};
use crate::tables::SearchKind;

/// What is wrong with a value: a sentence that ends an issue.
pub(super) type Wrong = String;

/// What the tests of a value need to know besides its text.
pub(super) struct Asking<'a> {
    pub(super) kind: SearchKind,
    pub(super) targets: &'a [ResourceType],
    pub(super) canonical: bool,
    pub(super) components: &'a [Component],
    pub(super) base: &'a BaseUrls,
    /// Milliseconds since 1970: `ap` of a date is a tenth of its distance from now.
    pub(super) now: i64,
}

/// Splits at a separator that is not escaped; escapes stay.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, character) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == separator {
            parts.push(&text[start..at]);
            start = at + character.len_utf8();
        }
    }
    parts.push(&text[start..]);
    parts
}

/// `\,`, `\$`, `\|` and `\\` mean the character itself; any other backslash is a backslash.
pub(super) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            ('\\', Some(next @ (',' | '$' | '|' | '\\'))) => {
                plain.push(*next);
                characters.next();
            }
            _ => plain.push(character),
        }
    }
    plain
}

impl Asking<'_> {
    /// The tests of one value without a modifier. Several are alternatives.
    pub(super) fn tests(&self, value: &str) -> Result<Vec<Test>, Wrong> {
        Ok(match self.kind {
            SearchKind::Token => vec![Test::Token(token(value)?)],
            SearchKind::String => vec![Test::String(StringTest::Starts(folded(value)?))],
            SearchKind::Reference => references(value, self)?.into_iter().map(Test::Reference).collect(),
            SearchKind::Date => vec![Test::Date(date(value, self.now)?)],
            SearchKind::Number => vec![Test::Quantity(number(value)?)],
            SearchKind::Quantity => vec![Test::Quantity(quantity(value)?)],
            SearchKind::Uri => vec![Test::Uri(UriTest::Is(filled(value)?))],
            SearchKind::Composite => self.composite(value)?,
            SearchKind::Special => return Err("it cannot be asked this way".to_owned()),
        })
    }

    fn composite(&self, value: &str) -> Result<Vec<Test>, Wrong> {
        let parts = split(value, '$');
        if parts.len() != self.components.len() {
            let names: Vec<&str> = self.components.iter().map(|part| part.code.as_str()).collect();
            return Err(format!("write its {} parts as {}", names.len(), names.join("$")));
        }
        let of = |at: usize| -> Result<Vec<Test>, Wrong> {
            let part = &self.components[at];
            let asking = Asking {
                kind: part.kind,
                targets: &part.targets,
                canonical: part.canonical,
                components: &[],
                base: self.base,
                now: self.now,
            };
            asking.tests(parts[at]).map_err(|wrong| format!("in the part `{}` {wrong}", part.code))
        };
        let first = token(parts[0]).map_err(|wrong| format!("in the part `{}` {wrong}", self.components[0].code))?;
        let thirds = if parts.len() > 2 { of(2)?.into_iter().map(Some).collect() } else { vec![None] };
        let mut tests = Vec::new();
        for second in of(1)? {
            for third in &thirds {
                tests.push(Test::Composite {
                    first: first.clone(),
                    second: Box::new(second.clone()),
                    third: third.clone().map(Box::new),
                });
            }
        }
        Ok(tests)
    }
}

fn filled(value: &str) -> Result<String, Wrong> {
    let plain = unescape(value);
    if plain.trim().is_empty() { Err("the value is empty".to_owned()) } else { Ok(plain) }
}

pub(super) fn folded(value: &str) -> Result<String, Wrong> {
    let folded = fold(&unescape(value));
    if folded.is_empty() { Err("the value is empty".to_owned()) } else { Ok(folded) }
}

pub(super) fn exact(value: &str) -> Result<StringTest, Wrong> {
    Ok(StringTest::Exact { folded: folded(value)?, exact: unescape(value) })
}

/// `code`, `system|code`, `|code`, `system|`.
pub(super) fn token(value: &str) -> Result<TokenTest, Wrong> {
    let parts: Vec<String> = split(value, '|').into_iter().map(unescape).collect();
    match parts.as_slice() {
        [code] if !code.is_empty() => Ok(TokenTest::Code(code.clone())),
        [system, code] if system.is_empty() && !code.is_empty() => {
            Ok(TokenTest::Coding { system: None, code: code.clone() })
        }
        [system, code] if code.is_empty() && !system.is_empty() => Ok(TokenTest::System(system.clone())),
        [system, code] if !code.is_empty() => {
            Ok(TokenTest::Coding { system: Some(system.clone()), code: code.clone() })
        }
        [] | [_] | [_, _] => Err("the value is empty".to_owned()),
        _ => Err("write code, system|code, |code or system| (a `|` within a part is written `\\|`)".to_owned()),
    }
}

/// `system|code`, both needed.
pub(super) fn coding(value: &str) -> Result<(String, String), Wrong> {
    match token(value)? {
        TokenTest::Coding { system: Some(system), code } => Ok((system, code)),
        _ => Err("write system|code: a hierarchy belongs to a code system".to_owned()),
    }
}

/// `:of-type=system|code|value`.
pub(super) fn of_type(value: &str) -> Result<TokenTest, Wrong> {
    let parts: Vec<String> = split(value, '|').into_iter().map(unescape).collect();
    match parts.as_slice() {
        [system, code, value] if parts.iter().all(|part| !part.is_empty()) => {
            Ok(TokenTest::Coding { system: Some(of_type_system(system, code)), code: value.clone() })
        }
        _ => Err("write system|code|value, where system and code are those of the identifier's type".to_owned()),
    }
}

/// `7`, `Patient/7`, an address of a resource, or the canonical address of a definition.
pub(super) fn references(value: &str, asking: &Asking<'_>) -> Result<Vec<ReferenceTest>, Wrong> {
    let value = filled(value)?;
    let mut tests = Vec::new();
    if let Some(id) = Id::parse(&value) {
        tests.push(ReferenceTest::ToId { id, kinds: asking.targets.to_vec() });
        return Ok(tests);
    }
    let absolute = value.contains("://") || value.starts_with("urn:");
    let target = Target::read(&value, None, asking.base);
    if matches!(target, Target::Local { .. }) || (absolute && !value.contains('|')) {
        tests.push(ReferenceTest::To(target));
    }
    if asking.canonical {
        let target = Target::read_canonical(&value, asking.base);
        if !tests.contains(&ReferenceTest::To(target.clone())) {
            tests.push(ReferenceTest::To(target));
        }
    }
    if tests.is_empty() {
        return Err("write an id, Type/id, or the whole address of a resource".to_owned());
    }
    Ok(tests)
}

/// The two letters before a value that is ordered.
fn prefix(value: &str) -> Result<(Prefix, &str), Wrong> {
    if !value.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Ok((Prefix::Eq, value));
    }
    let found = match value.get(..2) {
        Some("eq") => Prefix::Eq,
        Some("ne") => Prefix::Ne,
        Some("gt") => Prefix::Gt,
        Some("lt") => Prefix::Lt,
        Some("ge") => Prefix::Ge,
        Some("le") => Prefix::Le,
        Some("sa") => Prefix::Sa,
        Some("eb") => Prefix::Eb,
        Some("ap") => Prefix::Ap,
        _ => return Err("the prefix must be one of eq, ne, gt, lt, ge, le, sa, eb, ap".to_owned()),
    };
    Ok((found, &value[2..]))
}

pub(super) fn date(value: &str, now: i64) -> Result<DateTest, Wrong> {
    let plain = unescape(value);
    let (prefix, rest) = prefix(&plain)?;
    date_of(prefix, rest, now)
}

pub(super) fn date_of(prefix: Prefix, value: &str, now: i64) -> Result<DateTest, Wrong> {
    let asked = Span::parse(value).ok_or_else(|| {
        "write a date as 2015, 2015-02, 2015-02-07 or 2015-02-07T13:28:17+02:00 (`+` in a URL is `%2B`)".to_owned()
    })?;
    let asked = match prefix {
        Prefix::Ap => asked.widened(now.saturating_sub(asked.low).unsigned_abs().div_euclid(10) as i64),
        _ => asked,
    };
    Ok(DateTest { prefix, asked })
}

pub(super) fn number(value: &str) -> Result<QuantityTest, Wrong> {
    let plain = unescape(value);
    let (prefix, rest) = prefix(&plain)?;
    number_of(prefix, rest)
}

pub(super) fn number_of(prefix: Prefix, value: &str) -> Result<QuantityTest, Wrong> {
    let wrong = || "write a number as 5, 5.40 or 5.4e-3".to_owned();
    let (value, low, high) = precision(value).ok_or_else(wrong)?;
    let (low, high) = match prefix {
        Prefix::Ap => {
            let tenth = value.abs() / 10.0;
            (low.min(value - tenth), high.max(value + tenth))
        }
        _ => (low, high),
    };
    Ok(QuantityTest { prefix, value, low, high, unit: UnitTest::Any })
}

/// `5.4`, `5.4|system|code`, `5.4||unit`.
pub(super) fn quantity(value: &str) -> Result<QuantityTest, Wrong> {
    let first = split(value, '|')[0];
    let (prefix, rest) = prefix(first)?;
    quantity_of(prefix, &format!("{rest}{}", &value[first.len()..]))
}

pub(super) fn quantity_of(prefix: Prefix, value: &str) -> Result<QuantityTest, Wrong> {
    let parts: Vec<String> = split(value, '|').into_iter().map(unescape).collect();
    let test = number_of(prefix, parts.first().map_or("", String::as_str))?;
    let unit = match &parts[1..] {
        [] => UnitTest::Any,
        [system, code] if system.is_empty() && code.is_empty() => UnitTest::Any,
        [system, code] if system.is_empty() => UnitTest::Printed(code.clone()),
        [system, code] if !code.is_empty() => UnitTest::Coded { system: system.clone(), code: code.clone() },
        _ => return Err("write value, value|system|code or value||unit".to_owned()),
    };
    Ok(QuantityTest { unit, ..test })
}

/// A number and the range its digits imply: half a unit of the last digit to either side. `1e2` is read like `1.0e2`,
/// which gives the range that FHIR R4, 3.1.1.4.6, states for it (95 up to 105).
fn precision(text: &str) -> Option<(f64, f64, f64)> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.parse::<i32>().ok()?)),
        None => (rest, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || (mantissa.contains('.') && fraction.is_empty()) {
        return None;
    }
    let mut units: i128 = format!("{whole}{fraction}").get(..).filter(|text| text.len() <= 30)?.parse().ok()?;
    let mut scale = exponent.unwrap_or(0).checked_sub(i32::try_from(fraction.len()).ok()?)?;
    if exponent.is_some() && (-9..=9).contains(&units) {
        (units, scale) = (units * 10, scale.checked_sub(1)?);
    }
    // By way of decimal text, so that the edges are the floats nearest to the decimals: 5.395, not 5.39499….
    let float = |units: i128, scale: i32| format!("{units}e{scale}").parse::<f64>().ok().filter(|it| it.is_finite());
    let value = float(units, scale)? * sign;
    let scale = scale.checked_sub(1)?;
    let (near, far) = (float(units * 10 - 5, scale)? * sign, float(units * 10 + 5, scale)? * sign);
    // More digits than a float has leave no room around the value, but the value itself is within.
    Some((value, near.min(far), near.max(far).max(value.next_up())))
}

/// Words of `_text` and `_content`: all are required, `OR` joins alternatives, `NOT` excludes.
pub(super) fn full_text(value: &str) -> Result<Words, Wrong> {
    let plain = unescape(value);
    let mut terms: Vec<WordsTerm> = Vec::new();
    let (mut join, mut exclude) = (false, false);
    for piece in plain.split(|c: char| c.is_whitespace() || matches!(c, '"' | '(' | ')')).filter(|it| !it.is_empty()) {
        match piece {
            "AND" | "and" => continue,
            "OR" | "or" => join = !terms.is_empty(),
            "NOT" | "not" => exclude = true,
            _ => {
                for word in words(piece) {
                    match terms.last_mut() {
                        Some(last) if join && !last.excluded && !exclude => last.any_of.push(word),
                        _ => terms.push(WordsTerm { any_of: vec![word], excluded: exclude }),
                    }
                    join = false;
                }
                exclude = false;
            }
        }
    }
    if terms.iter().all(|term| term.excluded) {
        return Err("write at least one word to look for".to_owned());
    }
    Ok(Words(terms))
}

/// Words of `:text` on a string: each starts a word of the value.
pub(super) fn plain_words(value: &str) -> Result<Words, Wrong> {
    let terms: Vec<WordsTerm> =
        words(&unescape(value)).map(|word| WordsTerm { any_of: vec![word], excluded: false }).collect();
    if terms.is_empty() { Err("write at least one word to look for".to_owned()) } else { Ok(Words(terms)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_keep_separators_as_characters() {
        assert_eq!(split(r"a\,b,c\\,d", ','), [r"a\,b", r"c\\", "d"]);
        assert_eq!(unescape(r"a\,b\$c\|d\\e\n"), r"a,b$c|d\e\n");
    }

    #[test]
    fn the_digits_of_a_number_tell_its_range() {
        let check = |text: &str, value: f64, low: f64, high: f64| {
            assert_eq!(precision(text), Some((value, low, high)), "{text}");
        };
        check("100", 100.0, 99.5, 100.5);
        check("100.00", 100.0, 99.995, 100.005);
        check("1e2", 100.0, 95.0, 105.0);
        check("5.40", 5.4, 5.395, 5.405);
        check("-5.40", -5.4, -5.405, -5.395);
        check("5.4e-3", 0.0054, 0.00535, 0.00545);
        check("0", 0.0, -0.5, 0.5);
        check("66.89999999999999", 66.89999999999999, 66.89999999999999, 66.89999999999999f64.next_up());
        for text in ["", "-", "5.", ".5", "5,4", "1e", "e2", "0x10", "NaN", "inf", "1e999", "5 4"] {
            assert_eq!(precision(text), None, "{text}");
        }
    }

    #[test]
    fn words_may_be_joined_and_excluded() {
        let words = full_text("Liver OR hepatic NOT metastasis (Cancer)").expect("words");
        let told: Vec<(Vec<String>, bool)> = words.0.into_iter().map(|it| (it.any_of, it.excluded)).collect();
        let term = |any_of: &[&str], excluded| (any_of.iter().map(|it| (*it).to_owned()).collect(), excluded);
        assert_eq!(told, [term(&["liver", "hepatic"], false), term(&["metastasis"], true), term(&["cancer"], false)]);
        assert!(full_text("NOT x").is_err());
        assert!(full_text(" ;; ").is_err());
    }
}
