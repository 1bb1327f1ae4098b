//! Folding: the form in which strings are compared.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Lower case, without accents, white space runs as one space, ends trimmed:
/// `"  José   NÚÑEZ "` is found as `"jose nunez"`. Punctuation stays: `O'Brien` is not `Obrien`.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut space = false;
    let mut push = |c: char, folded: &mut String| {
        if c.is_whitespace() {
            space = !folded.is_empty();
            return;
        }
        if space {
            folded.push(' ');
            space = false;
        }
        folded.push(c);
    };
    if text.is_ascii() {
        text.chars().for_each(|c| push(c.to_ascii_lowercase(), &mut folded));
    } else {
        // NFKD after lower case; some capitals only decompose once lowered, some the other way round.
        text.nfkd()
            .filter(|c| !is_combining_mark(*c))
            .flat_map(char::to_lowercase)
            .nfkd()
            .filter(|c| !is_combining_mark(*c))
            .for_each(|c| push(c, &mut folded));
    }
    folded
}

/// The folded words of a text: runs of letters and digits.
pub fn words(text: &str) -> impl Iterator<Item = String> {
    let folded = fold(text);
    folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_forgets_case_accents_and_extra_space() {
        let check = |text: &str, folded: &str| assert_eq!(fold(text), folded);
        check("  José   NÚÑEZ ", "jose nunez");
        check("O'Brien", "o'brien");
        check("İstanbul", "istanbul");
        check("Nguyễn", "nguyen");
        check("", "");
        check("  ", "");
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        assert_eq!(words("Type-2 Diabète, mellitus").collect::<Vec<_>>(), ["type", "2", "diabete", "mellitus"]);
    }
}
