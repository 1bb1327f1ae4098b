//! Escape sequences (2.7): how a delimiter, a line break or a byte stands in text. What we do not know stays as it
//! was written, so that nothing is lost by reading.

use super::message::Delimiters;
use std::borrow::Cow;

/// Text as a person reads it. Changes of the character set (`\C..\`, `\M..\`), local sequences (`\Z..\`) and everything
/// unknown or unfinished stay as written.
pub fn unescape<'a>(raw: &'a str, delimiters: &Delimiters) -> Cow<'a, str> {
    let mark = delimiters.escape;
    if !raw.contains(mark) {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(mark) {
        text.push_str(&rest[..at]);
        let after = &rest[at + mark.len_utf8()..];
        let meaning = after.find(mark).and_then(|end| Some((meaning(&after[..end], delimiters)?, end)));
        match meaning {
            Some((said, end)) => {
                text.push_str(&said);
                rest = &after[end + mark.len_utf8()..];
            }
            None => {
                text.push(mark);
                rest = after;
            }
        }
    }
    text.push_str(rest);
    Cow::Owned(text)
}

fn meaning(sequence: &str, delimiters: &Delimiters) -> Option<String> {
    let said = match sequence {
        "F" => delimiters.field.to_string(),
        "S" => delimiters.component.to_string(),
        "R" => delimiters.repetition.to_string(),
        "T" => delimiters.subcomponent.to_string(),
        "E" => delimiters.escape.to_string(),
        "P" => delimiters.truncation.unwrap_or('#').to_string(),
        // Highlighting has no place in plain text.
        "H" | "N" => String::new(),
        _ => return hexadecimal(sequence).or_else(|| formatting(sequence)),
    };
    Some(said)
}

/// `\X0D0A\`: bytes, read as UTF-8; what is not that stays as it was written.
fn hexadecimal(sequence: &str) -> Option<String> {
    let digits = sequence.strip_prefix('X')?;
    if digits.is_empty() || digits.len() % 2 != 0 || !digits.bytes().all(|it| it.is_ascii_hexdigit()) {
        return None;
    }
    let bytes: Option<Vec<u8>> =
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect();
    String::from_utf8(bytes?).ok()
}

/// Formatting of FT (2.7.6): line breaks are kept as such, the rest is layout.
fn formatting(sequence: &str) -> Option<String> {
    let command = sequence.strip_prefix('.')?;
    let (name, count) = command.split_at_checked(2)?;
    let count = count.trim().trim_start_matches('+').parse::<usize>().unwrap_or(1).clamp(1, 20);
    match name {
        "br" | "ce" => Some("\n".to_owned()),
        "sp" => Some("\n".repeat(count)),
        "sk" => Some(" ".repeat(count)),
        "fi" | "nf" | "in" | "ti" => Some(String::new()),
        _ => None,
    }
}

/// Text as it may stand in a message with these delimiters.
pub fn escape<'a>(text: &'a str, delimiters: &Delimiters) -> Cow<'a, str> {
    let sequence = |it: char| match it {
        it if it == delimiters.escape => Some("E"),
        it if it == delimiters.field => Some("F"),
        it if it == delimiters.component => Some("S"),
        it if it == delimiters.repetition => Some("R"),
        it if it == delimiters.subcomponent => Some("T"),
        '\n' => Some(".br"),
        '\r' => Some("X0D"),
        _ => None,
    };
    if !text.chars().any(|it| sequence(it).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut raw = String::with_capacity(text.len() + 8);
    let text = text.replace("\r\n", "\n");
    for character in text.chars() {
        match sequence(character) {
            Some(said) => {
                raw.push(delimiters.escape);
                raw.push_str(said);
                raw.push(delimiters.escape);
            }
            None => raw.push(character),
        }
    }
    Cow::Owned(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_mean_what_the_standard_says_and_the_unknown_stays() {
        let usual = Delimiters::default();
        for (raw, text) in [
            ("plain", "plain"),
            (r"a\F\b\S\c\T\d\R\e\E\f", r"a|b^c&d~e\f"),
            (r"first\.br\second", "first\nsecond"),
            (r"gap\.sp2\end", "gap\n\nend"),
            (r"\H\loud\N\", "loud"),
            (r"\X4772C3B6C39F65\", "Größe"),
            (r"\XFF\", r"\XFF\"),
            (r"\XGG\", r"\XGG\"),
            (r"\C2842\x", r"\C2842\x"),
            (r"\Z12\", r"\Z12\"),
            (r"C:\path", r"C:\path"),
            (r"end\", r"end\"),
            (r"A\T\E hospital", "A&E hospital"),
        ] {
            assert_eq!(unescape(raw, &usual), text, "{raw}");
        }
    }

    #[test]
    fn what_is_escaped_reads_as_it_was() {
        let usual = Delimiters::default();
        for text in ["a|b^c&d~e\\f", "two\nlines", "plain", "\\F\\"] {
            assert_eq!(unescape(&escape(text, &usual), &usual), text);
        }
    }
}
