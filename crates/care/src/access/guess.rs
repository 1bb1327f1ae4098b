//! Whether a password is among the first that someone would try. It is taken apart into what guessing programs know:
//! common words (with digits for letters), keyboard walks, sequences, repetitions, years, names of the user and the
//! place. Such a piece, however long, is worth little; what is left over is worth its length.

use std::sync::LazyLock;

static COMMON: LazyLock<Vec<Vec<char>>> = LazyLock::new(|| {
    let lines = include_str!("../../../../content/passwords/common.txt").lines();
    let words = lines.map(str::trim).filter(|it| !it.starts_with('#') && it.chars().count() >= 3);
    words.map(|it| it.chars().collect()).collect()
});

/// Rows that fingers walk along; they are walked backwards too.
const WALKS: [&str; 12] = [
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "!@#$%^&*()",
    "147258369",
];

/// What a piece that programs know is worth, in characters nobody knows.
const PIECE: usize = 2;
/// A password must be worth as much as this.
const ENOUGH: usize = 8;

/// Whether little of a password is left when everything known is taken out of it.
pub(super) fn is_easy(password: &str, about: &[&str]) -> bool {
    let lower: Vec<char> = password.chars().flat_map(char::to_lowercase).collect();
    let own: Vec<Vec<char>> = about.iter().flat_map(|it| words_of(it)).collect();
    worth(&lower, &own) < ENOUGH
}

/// The words of a name that are long enough to be one: `Riverside Family Practice`, `a.okafor@example.org`.
fn words_of(text: &str) -> Vec<Vec<char>> {
    let lower = text.to_lowercase();
    let words = lower.split(|it: char| !it.is_alphanumeric()).map(|it| it.chars().collect::<Vec<_>>());
    words.filter(|it| it.len() >= 3).collect()
}

fn worth(password: &[char], own: &[Vec<char>]) -> usize {
    // The least worth of each beginning, so that no way to take it apart is overlooked.
    let mut least = vec![usize::MAX; password.len() + 1];
    least[0] = 0;
    for at in 0..password.len() {
        let here = least[at];
        let mut reach = |length: usize, value: usize| {
            let it = &mut least[at + length];
            *it = (*it).min(here + value);
        };
        // What only separates words adds nothing.
        reach(1, usize::from(!matches!(password[at], ' ' | '-' | '_' | '.')));
        let rest = &password[at..];
        for length in pieces(rest, own) {
            reach(length, PIECE);
        }
        // Saying something again adds nothing either.
        for length in 2..=rest.len().min(at) {
            if password[at - length..at] == rest[..length] {
                reach(length, 0);
            }
        }
    }
    least[password.len()]
}

/// The lengths of the pieces with which this begins.
fn pieces(rest: &[char], own: &[Vec<char>]) -> Vec<usize> {
    let mut lengths: Vec<usize> = COMMON.iter().chain(own).filter(|it| begins(rest, it)).map(Vec::len).collect();
    lengths.extend(WALKS.iter().filter_map(|walk| walked(rest, walk)));
    let same = rest.iter().take_while(|it| **it == rest[0]).count();
    lengths.extend((same >= 3).then_some(same));
    if rest.len() >= 4 && rest[..4].iter().all(char::is_ascii_digit) && matches!(rest[0], '1' | '2') {
        lengths.extend((matches!(rest[..2], ['1', '9'] | ['2', '0'])).then_some(4));
    }
    lengths
}

fn begins(rest: &[char], word: &[char]) -> bool {
    rest.len() >= word.len() && word.iter().zip(rest).all(|(letter, given)| letter == given || is_for(*given, *letter))
}

/// Digits and signs that people write for letters.
fn is_for(given: char, letter: char) -> bool {
    matches!(
        (given, letter),
        ('0', 'o') | ('1' | '!' | '|', 'i' | 'l') | ('3', 'e') | ('4' | '@', 'a') | ('5' | '$', 's') | ('7' | '+', 't')
    )
}

/// How far this follows a walk, forwards or backwards, if at least four steps.
fn walked(rest: &[char], walk: &str) -> Option<usize> {
    let forwards: Vec<char> = walk.chars().collect();
    let backwards: Vec<char> = forwards.iter().rev().copied().collect();
    let follow = |walk: &[char]| {
        let from = (0..walk.len()).filter(|at| walk[*at] == rest[0]);
        from.map(|at| walk[at..].iter().zip(rest).take_while(|(a, b)| a == b).count()).max().unwrap_or(0)
    };
    let far = follow(&forwards).max(follow(&backwards));
    (far >= 4).then_some(far)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str, easy: bool) {
        let about = ["a.okafor", "Amara Okafor", "Riverside Family Practice"];
        let lower: Vec<char> = password.to_lowercase().chars().collect();
        let own: Vec<_> = about.iter().flat_map(|it| words_of(it)).collect();
        assert_eq!(is_easy(password, &about), easy, "{password} is worth {}", worth(&lower, &own));
    }

    #[test]
    fn what_everybody_would_try_is_easy() {
        for password in [
            "password",
            "P4$$w0rd2026!",
            "passwordpassword",
            "Password123456789",
            "qwertyuiopasdfghjkl",
            "1q2w3e4r5t6y7u8i",
            "poiuytrewqlkjhgf",
            "aaaaaaaaaaaaaaaaaaaa",
            "12345678901234567890",
            "abcabcabcabcabcabc",
            "Summer2026Summer2026",
            "correct horse battery staple",
            "Welcome-Hospital-2026!",
            "letmeinletmeinletmein",
        ] {
            check(password, true);
        }
    }

    #[test]
    fn names_of_the_user_and_the_place_are_easy() {
        check("Okafor-Riverside-2026", true);
        check("continuocontinuo1", true);
        check("amara.okafor.family", true);
        assert!(!is_easy("zyxwabbleplonk", &[]));
        assert!(is_easy("zyxwabbleplonk", &["Zyxwabble Plonk"]));
    }

    #[test]
    fn unrelated_words_and_chance_are_not() {
        for password in [
            "otter velvet canyon",
            "anchor-birch-mocha-delta-quill-fern",
            "vq8#kzt2",
            "Der Igel trinkt 3 Liter Tee",
            "日本語のパスワードは長いです",
            "my neighbour's tortoise is older than me",
        ] {
            check(password, false);
        }
    }
}
