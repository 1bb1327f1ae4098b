//! Names that sound alike: Smith and Smyth, Katherine and Catherine, Jonson and Johnson. For when no name is
//! written as it was typed. A code of consonants in the manner of Metaphone (L. Philips, 1990), our own and simpler:
//! equal codes sound alike to an English ear; it decides nothing, it only offers.

use fhir::search::fold;

/// Spellings → how they sound; the longest that fits at a place counts.
const SOUNDS: [(&str, &str); 46] = [
    ("tsch", "x"),
    ("tch", "x"),
    ("sch", "s"),
    ("ght", "t"),
    ("kn", "n"),
    ("gn", "n"),
    ("wr", "r"),
    ("ph", "f"),
    ("pf", "f"),
    ("ck", "k"),
    ("ch", "x"),
    ("cz", "x"),
    ("sh", "s"),
    ("sc", "s"),
    ("th", "t"),
    ("dt", "t"),
    ("gh", "k"),
    ("rh", "r"),
    ("wh", "w"),
    ("qu", "k"),
    ("dg", "j"),
    ("ce", "s"),
    ("ci", "s"),
    ("cy", "s"),
    ("ge", "j"),
    ("gi", "j"),
    ("gy", "j"),
    ("x", "ks"),
    ("b", "b"),
    ("c", "k"),
    ("d", "t"),
    ("f", "f"),
    ("g", "k"),
    ("j", "j"),
    ("k", "k"),
    ("l", "l"),
    ("m", "m"),
    ("n", "n"),
    ("p", "p"),
    ("q", "k"),
    ("r", "r"),
    ("s", "s"),
    ("t", "t"),
    ("v", "f"),
    ("w", "f"),
    ("z", "s"),
];

const VOWELS: &str = "aeiouy";

/// Ways in which the beginning of a name may be written that sound the same.
const ONSETS: [&[&str]; 13] = [
    &["ph", "f", "v", "pf", "w"],
    &["kn", "n", "gn"],
    &["wr", "r", "rh"],
    &["ch", "c", "k", "q", "ck", "kh", "g"],
    &["sch", "sh", "s", "z", "sc", "c", "cz"],
    &["j", "g", "y", "h", "dj"],
    &["th", "t", "d", "dt"],
    &["x", "z", "s"],
    &["i", "y", "e", "ei", "j"],
    &["o", "u", "ou", "au"],
    &["a", "e", "ae", "o"],
    &["m", "mc", "mac"],
    &["h", ""],
];

/// How a name sounds: its consonants, and whether it begins with a vowel.
pub fn code(name: &str) -> String {
    let folded: String = fold(name).chars().filter(char::is_ascii_alphabetic).collect();
    let mut code = String::new();
    let mut rest = folded.as_str();
    if rest.starts_with(|c| VOWELS.contains(c)) {
        code.push('a');
    }
    while !rest.is_empty() {
        match SOUNDS.iter().find(|(spelled, _)| rest.starts_with(spelled)) {
            Some((spelled, sound)) => {
                for c in sound.chars() {
                    if !code.ends_with(c) {
                        code.push(c);
                    }
                }
                // The vowel that made the consonant soft is heard by itself too.
                let soft = spelled.len() == 2 && spelled.ends_with(|c| VOWELS.contains(c)) && *spelled != "qu";
                rest = &rest[if soft { 1 } else { spelled.len() }..];
            }
            None => rest = &rest[1..],
        }
    }
    code
}

/// Beginnings under which a name that sounds like this one may be filed, few enough to ask for at once.
pub fn beginnings(name: &str) -> Vec<String> {
    let folded: String = fold(name).chars().filter(char::is_ascii_alphabetic).collect();
    let consonants = folded.chars().take_while(|c| !VOWELS.contains(*c)).count();
    let onset = if consonants == 0 { &folded[..folded.len().min(1)] } else { &folded[..consonants.min(2)] };
    let mut all: Vec<String> = vec![onset.to_owned()];
    for class in ONSETS {
        for written in class.iter().filter(|it| !it.is_empty() && folded.starts_with(**it)) {
            let rest: String = folded[written.len()..].chars().take_while(|c| !VOWELS.contains(*c)).take(1).collect();
            let single = |it: &&&str| !it.is_empty();
            all.extend(
                class.iter().filter(single).map(|it| format!("{it}{}", if consonants == 0 { "" } else { &rest })),
            );
        }
    }
    all.retain(|it| !it.is_empty());
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_sound_alike_have_one_code_and_are_filed_under_a_beginning_that_is_asked_for() {
        for (one, other) in [
            ("Smith", "Smyth"),
            ("Smith", "Schmidt"),
            ("Katherine", "Catherine"),
            ("Philips", "Fillips"),
            ("Okafor", "Okaphor"),
            ("Meier", "Mayer"),
            ("Nguyen", "Nguyên"),
            ("Knight", "Nite"),
            ("Stephen", "Steven"),
            ("Rodriguez", "Rodrigues"),
            ("Jackson", "Jaxon"),
            ("Wagner", "Vagner"),
        ] {
            assert_eq!(code(one), code(other), "{one} and {other}");
            let filed = fold(other);
            assert!(beginnings(one).iter().any(|it| filed.starts_with(it.as_str())), "{one}: {:?}", beginnings(one));
        }
    }

    #[test]
    fn names_that_sound_different_have_different_codes() {
        for (one, other) in [("Smith", "Jones"), ("Okafor", "Oduya"), ("Meier", "Beyer"), ("Ana", "Bea")] {
            assert_ne!(code(one), code(other), "{one} and {other}");
        }
        assert_eq!(code("…"), "");
    }
}
