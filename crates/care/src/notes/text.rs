//! What can stand in the text of a note besides its words: smart links (`@age`), dot phrases (`.normalros`), gaps that
//! must be filled (`***`), choices (`{clear|wheezes}`) and slash commands (`/dx sinusitis`). Pure functions over text;
//! nothing here knows a patient. The same rules stand in `composer.js`, for what happens while typing.

use std::ops::Range;

/// Something to be replaced by other text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// `@labs.hba1c`: a value of the chart.
    Link,
    /// `.normalros`: a phrase that is kept.
    Phrase,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    /// In lower case, without the sign.
    pub name: String,
    pub range: Range<usize>,
}

/// What must not be left in a note that is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// `***`
    Blank,
    /// `{a|b}`
    Choice(Vec<String>),
    /// `/dx …` that nobody carried out.
    Command(Command),
}

/// What a slash command makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Diagnosis,
    Prescription,
    Test,
    Referral,
}

impl Command {
    pub const ALL: [(Command, &'static str); 4] =
        [(Command::Diagnosis, "dx"), (Command::Prescription, "rx"), (Command::Test, "lab"), (Command::Referral, "ref")];

    pub fn parse(word: &str) -> Option<Command> {
        Command::ALL.iter().find(|(_, it)| *it == word).map(|(command, _)| *command)
    }

    pub fn word(self) -> &'static str {
        Command::ALL.iter().find(|(it, _)| *it == self).map_or("", |(_, word)| word)
    }
}

/// Every link and phrase that the text may mean, from left to right; whether there is one of that name is the caller's
/// to know.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut before = None;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let kind = match c {
            '@' if before.is_none_or(|it: char| it.is_whitespace() || "(\"'[/:=".contains(it)) => Some(TokenKind::Link),
            '.' if before.is_none_or(char::is_whitespace) => Some(TokenKind::Phrase),
            _ => None,
        };
        let name = kind.map_or("", |_| name_at(&text[at + 1..]));
        if let (Some(kind), false) = (kind, name.is_empty()) {
            let range = at..at + 1 + name.len();
            found.push(Token { kind, name: name.to_ascii_lowercase(), range: range.clone() });
            before = text[..range.end].chars().next_back();
            at = range.end;
        } else {
            before = Some(c);
            at += c.len_utf8();
        }
    }
    found
}

/// `labs.hba1c` of `labs.hba1c, then`: letters, digits, dots and hyphens, beginning with a letter; a dot or hyphen at
/// the end belongs to the sentence.
fn name_at(text: &str) -> &str {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return "";
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !".-".contains(c)).unwrap_or(text.len());
    // A word that goes on in letters of another alphabet is no name of ours.
    if text[end..].starts_with(char::is_alphanumeric) || text[end..].starts_with('_') {
        return "";
    }
    text[..end].trim_end_matches(['.', '-'])
}

/// Replaces what `find` knows and leaves the rest as it is.
pub fn expand(text: &str, mut find: impl FnMut(&Token) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for token in tokens(text) {
        let Some(words) = find(&token) else { continue };
        out.push_str(&text[from..token.range.start]);
        out.push_str(&words);
        from = token.range.end;
    }
    out.push_str(&text[from..]);
    out
}

/// What is still to be filled in, in the order of the text.
pub fn gaps(text: &str) -> Vec<Gap> {
    let mut found: Vec<(usize, Gap)> = text.match_indices("***").map(|(at, _)| (at, Gap::Blank)).collect();
    found.extend(choices(text).into_iter().map(|(range, options)| (range.start, Gap::Choice(options))));
    found.extend(commands(text).into_iter().map(|it| (it.range.start, Gap::Command(it.command))));
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, gap)| gap).collect()
}

/// `{a|b|c}` on one line.
fn choices(text: &str) -> Vec<(Range<usize>, Vec<String>)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(open) = text[from..].find('{').map(|it| it + from) {
        let rest = &text[open + 1..];
        let end = rest.find(['{', '}', '\n']);
        match end {
            Some(end) if rest[end..].starts_with('}') && rest[..end].contains('|') => {
                let options = rest[..end].split('|').map(|it| it.trim().to_owned()).collect();
                found.push((open..open + end + 2, options));
                from = open + end + 2;
            }
            _ => from = open + 1,
        }
    }
    found
}

/// A slash command on a line of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slash {
    pub command: Command,
    /// What follows it: `sinusitis`.
    pub about: String,
    /// The whole line, without its end.
    pub range: Range<usize>,
}

pub fn commands(text: &str) -> Vec<Slash> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in text.split('\n') {
        let word = line.trim_start().strip_prefix('/').map(|it| it.split_whitespace().next().unwrap_or_default());
        if let Some((word, command)) = word.and_then(|word| Some((word, Command::parse(word)?))) {
            let about = line.trim_start()[1 + word.len()..].trim().to_owned();
            found.push(Slash { command, about, range: at..at + line.len() });
        }
        at += line.len() + 1;
    }
    found
}

/// Puts a line in the place of the command that asked for it; at the end when there is no such command any more.
pub fn answer(text: &str, command: Command, about: &str, line: &str) -> String {
    let asked = commands(text).into_iter().find(|it| it.command == command && it.about == about.trim());
    match asked {
        Some(it) => format!("{}{line}{}", &text[..it.range.start], &text[it.range.end..]),
        None if text.trim().is_empty() => line.to_owned(),
        None => format!("{}\n{line}", text.trim_end()),
    }
}

/// Text as people send it in forms: line ends as one sign, no control characters, at most `most` bytes.
pub fn tidy(text: &str, most: usize) -> String {
    let mut out: String = text
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|c| *c == '\n' || *c == '\t' || !c.is_control())
        .collect();
    if out.len() > most {
        let end = (0..=most).rev().find(|it| out.is_char_boundary(*it)).unwrap_or(0);
        out.truncate(end);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_phrases_are_found_where_they_stand_alone() {
        let check = |text: &str, names: &[&str]| {
            let found: Vec<String> = tokens(text)
                .iter()
                .map(|it| format!("{}{}", if it.kind == TokenKind::Link { "@" } else { "." }, it.name))
                .collect();
            assert_eq!(found, names, "{text}");
            for token in tokens(text) {
                assert!(text[token.range.start + 1..token.range.end].eq_ignore_ascii_case(&token.name), "{text}");
            }
        };
        check("@age", &["@age"]);
        check("A @AGE woman", &["@age"]);
        check("HbA1c @labs.hba1c, again", &["@labs.hba1c"]);
        check("It was @labs.hba1c.", &["@labs.hba1c"]);
        check("(@age)", &["@age"]);
        check(".normalros", &[".normalros"]);
        check("ROS:\n.normalros\n", &[".normalros"]);
        check("@name @age", &["@name", "@age"]);
        check("someone@example.org", &[]);
        check("dose .5 mg", &[]);
        check("end.next", &[]);
        check("@", &[]);
        check("@agé", &[]);
        check("ünd @age", &["@age"]);
        check("@bp/@pulse", &["@bp", "@pulse"]);
    }

    #[test]
    fn what_is_known_is_replaced_and_the_rest_stays() {
        let find = |token: &Token| match (token.kind, token.name.as_str()) {
            (TokenKind::Link, "age") => Some("62 y".to_owned()),
            (TokenKind::Phrase, "well") => Some("Feels well.".to_owned()),
            _ => None,
        };
        let check = |text: &str, shown: &str| assert_eq!(expand(text, find), shown);
        check("@age, .well and .unknown @nothing", "62 y, Feels well. and .unknown @nothing");
        check("", "");
        check("no tokens", "no tokens");
        check("@age@age", "62 y@age");
    }

    #[test]
    fn gaps_are_blanks_choices_and_commands_left_behind() {
        let choice = |options: &[&str]| Gap::Choice(options.iter().map(|it| (*it).to_owned()).collect());
        let check = |text: &str, wanted: Vec<Gap>| assert_eq!(gaps(text), wanted, "{text}");
        check("all is filled in", vec![]);
        check("for *** days", vec![Gap::Blank]);
        check("***\n***", vec![Gap::Blank, Gap::Blank]);
        check("lungs {clear|wheezes}", vec![choice(&["clear", "wheezes"])]);
        check("{no choice} {", vec![]);
        check("{a|\nb}", vec![]);
        check("{x {a | b}", vec![choice(&["a", "b"])]);
        check("/dx sinusitis\ntext", vec![Gap::Command(Command::Diagnosis)]);
        check("and/or /dx later in the line", vec![]);
        check("/dxx", vec![]);
        check("{a|b} *** \n /rx", vec![choice(&["a", "b"]), Gap::Blank, Gap::Command(Command::Prescription)]);
    }

    #[test]
    fn a_command_is_answered_where_it_was_asked() {
        let check =
            |text: &str, shown: &str| assert_eq!(answer(text, Command::Diagnosis, "flu", "Influenza (J11.1)"), shown);
        check("Plan\n/dx flu\nrest", "Plan\nInfluenza (J11.1)\nrest");
        check("  /dx  flu", "Influenza (J11.1)");
        check("Plan", "Plan\nInfluenza (J11.1)");
        check("", "Influenza (J11.1)");
        check("/dx cold", "/dx cold\nInfluenza (J11.1)");
        check("/dx flu\n/dx flu", "Influenza (J11.1)\n/dx flu");
    }

    #[test]
    fn text_from_a_form_is_made_tidy() {
        assert_eq!(tidy("a\r\nb\rc\u{0}\u{7}d\te", 99), "a\nb\ncd\te");
        assert_eq!(tidy("aé", 2), "a");
    }
}
