//! English that looks foreign: accents on letters, two fifths longer, as other languages are. What is filled in (names,
//! numbers) stays as it is. In a demonstration, to see what a page makes of it.

use std::borrow::Cow;

/// Letters → the same with something on them.
const ACCENTED: [(char, char); 16] = [
    ('a', 'á'),
    ('c', 'ç'),
    ('e', 'é'),
    ('g', 'ğ'),
    ('i', 'í'),
    ('l', 'ł'),
    ('n', 'ñ'),
    ('o', 'ö'),
    ('s', 'š'),
    ('u', 'ü'),
    ('y', 'ý'),
    ('A', 'Á'),
    ('E', 'É'),
    ('O', 'Ö'),
    ('S', 'Š'),
    ('U', 'Ü'),
];

/// A piece of text of a message, made foreign.
pub(super) fn text(plain: &str) -> Cow<'_, str> {
    if !plain.chars().any(char::is_alphabetic) {
        return Cow::Borrowed(plain);
    }
    let accented = |c: char| ACCENTED.iter().find(|(it, _)| *it == c).map_or(c, |(_, other)| *other);
    let mut foreign: String = plain.chars().map(accented).collect();
    // Longer by whole words, so that lines break as they would.
    let missing = plain.chars().count() * 2 / 5;
    let end = foreign.trim_end().len();
    let filler: String = "laŋ ěxträ ".chars().cycle().take(missing).collect();
    foreign.insert_str(end, &format!(" {}", filler.trim_end()));
    Cow::Owned(foreign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_longer_and_keeps_its_ends() {
        let foreign = text("  Sign the orders now ");
        assert!(foreign.starts_with("  Š") && foreign.ends_with(' '), "{foreign}");
        let longer = foreign.chars().count() as f64 / 22.0;
        assert!((1.3..1.5).contains(&longer), "{longer}");
        assert_eq!(text(" – "), " – ");
    }
}
