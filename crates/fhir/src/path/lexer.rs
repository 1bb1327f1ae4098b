//! Text into tokens (FHIRPath N1, section 7 and the grammar). Every token keeps where it began, so
//! that an error can point there.

use super::PathError;
use super::temporal::Temporal;
use rust_decimal::Decimal;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A word; keywords are words until the parser asks.
    Word(String),
    /// `` `a word in backticks` `` is never a keyword.
    Delimited(String),
    Text(String),
    Integer(i64),
    Decimal(Decimal),
    Temporal(Temporal),
    /// `%name`
    Variable(String),
    /// `$this`, `$index`, `$total`
    Dollar(String),
    Mark(&'static str),
    End,
}

#[derive(Clone, Debug)]
pub(super) struct Located {
    pub(super) token: Token,
    pub(super) at: usize,
}

/// Longest first: `<=` before `<`.
const MARKS: [&str; 22] =
    ["<=", ">=", "!=", "!~", "(", ")", "[", "]", "{", "}", ".", ",", "+", "-", "*", "/", "&", "|", "<", ">", "=", "~"];

pub(super) fn tokens(text: &str) -> Result<Vec<Located>, PathError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut found = Vec::new();
    loop {
        lexer.skip_blank()?;
        let at = lexer.at;
        let token = lexer.token()?;
        let end = token == Token::End;
        found.push(Located { token, at });
        if end {
            return Ok(found);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn error(&self, at: usize, message: &'static str) -> PathError {
        PathError::Syntax { at, message: message.into() }
    }

    /// White space, `// to the end of the line`, `/* between */`.
    fn skip_blank(&mut self) -> Result<(), PathError> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("//") {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                let end = trimmed.find("*/").ok_or_else(|| self.error(self.at, "a comment is not closed"))?;
                self.at += end + 2;
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Token, PathError> {
        let start = self.at;
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Token::End) };
        match first {
            'a'..='z' | 'A'..='Z' | '_' => Ok(Token::Word(self.take_word().to_owned())),
            '0'..='9' => self.number(),
            '\'' => Ok(Token::Text(self.quoted('\'')?)),
            '`' => Ok(Token::Delimited(self.quoted('`')?)),
            // Older expressions of the standard quote identifiers with double quotes.
            '"' => Ok(Token::Delimited(self.quoted('"')?)),
            '@' => self.temporal(),
            '$' => {
                self.at += 1;
                Ok(Token::Dollar(self.take_word().to_owned()))
            }
            '%' => {
                self.at += 1;
                match self.rest().chars().next() {
                    Some(quote @ ('`' | '\'' | '"')) => Ok(Token::Variable(self.quoted(quote)?)),
                    // `%vs-name` and `%ext-name` appear without their backticks in older profiles.
                    _ if self.rest().starts_with("vs-") || self.rest().starts_with("ext-") => {
                        Ok(Token::Variable(self.take_while(|it| it.is_ascii_alphanumeric() || it == '-').to_owned()))
                    }
                    Some('a'..='z' | 'A'..='Z' | '_') => Ok(Token::Variable(self.take_word().to_owned())),
                    _ => Err(self.error(start, "a variable needs a name after %")),
                }
            }
            _ => match MARKS.iter().find(|mark| rest.starts_with(**mark)) {
                Some(mark) => {
                    self.at += mark.len();
                    Ok(Token::Mark(mark))
                }
                None => Err(self.error(start, "this character has no meaning here")),
            },
        }
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let length = rest.find(|it| !accept(it)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn take_word(&mut self) -> &'t str {
        self.take_while(|it| it.is_ascii_alphanumeric() || it == '_')
    }

    fn number(&mut self) -> Result<Token, PathError> {
        let start = self.at;
        self.take_while(|it| it.is_ascii_digit());
        let rest = self.rest().as_bytes();
        let fraction = rest.first() == Some(&b'.') && rest.get(1).is_some_and(u8::is_ascii_digit);
        if fraction {
            self.at += 1;
            self.take_while(|it| it.is_ascii_digit());
        }
        let text = &self.text[start..self.at];
        let token = if fraction {
            text.parse().ok().map(Token::Decimal)
        } else {
            text.parse().map(Token::Integer).ok().or_else(|| text.parse().ok().map(Token::Decimal))
        };
        token.ok_or_else(|| self.error(start, "this number has too many digits"))
    }

    fn quoted(&mut self, quote: char) -> Result<String, PathError> {
        let start = self.at;
        let mut out = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((offset, it)) = chars.next() {
            if it == quote {
                self.at = start + offset + 1;
                return Ok(out);
            }
            if it != '\\' {
                out.push(it);
                continue;
            }
            let at = start + offset;
            match chars.next().map(|(_, it)| it) {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some('f') => out.push('\u{c}'),
                Some(same @ ('\'' | '"' | '`' | '\\' | '/')) => out.push(same),
                Some('u') => {
                    let mut code =
                        hex4(&mut chars).ok_or_else(|| self.error(at, "\\u needs four hexadecimal digits"))?;
                    // A character beyond the basic plane is written as two halves.
                    if (0xd800..0xdc00).contains(&code) {
                        let low = (chars.next().map(|it| it.1) == Some('\\')
                            && chars.next().map(|it| it.1) == Some('u'))
                        .then(|| hex4(&mut chars))
                        .flatten()
                        .filter(|low| (0xdc00..0xe000).contains(low))
                        .ok_or_else(|| self.error(at, "\\u names half a character"))?;
                        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                    }
                    out.push(char::from_u32(code).ok_or_else(|| self.error(at, "\\u names no character"))?);
                }
                _ => return Err(self.error(at, "this escape is unknown; a backslash itself is written \\\\")),
            }
        }
        Err(self.error(start, "a quotation is not closed"))
    }

    fn temporal(&mut self) -> Result<Token, PathError> {
        let start = self.at;
        self.at += 1;
        let bytes = self.rest().as_bytes();
        let digits = |from: usize, count: usize| {
            bytes.len() >= from + count && bytes[from..from + count].iter().all(u8::is_ascii_digit)
        };
        let is = |at: usize, mark: u8| bytes.get(at) == Some(&mark);
        let mut length = 0;
        if digits(0, 4) {
            length = 4;
            while length < 10 && is(length, b'-') && digits(length + 1, 2) {
                length += 3;
            }
        }
        let date_length = length;
        let clocked = is(length, b'T');
        if clocked {
            length += 1;
            if digits(length, 2) {
                length += 2;
                let mut parts = 1;
                while parts < 3 && is(length, b':') && digits(length + 1, 2) {
                    length += 3;
                    parts += 1;
                }
                if parts == 3 && is(length, b'.') && digits(length + 1, 1) {
                    length += 1;
                    while digits(length, 1) {
                        length += 1;
                    }
                }
                if is(length, b'Z') {
                    length += 1;
                } else if (is(length, b'+') || is(length, b'-')) && digits(length + 1, 2) && is(length + 3, b':') {
                    length += 6;
                }
            }
        }
        let text = self.rest().get(..length).unwrap_or_default();
        let read = match (date_length, clocked) {
            (0, true) => Temporal::parse_time(&text[1..]),
            (_, true) => Temporal::parse_date_time(text),
            (_, false) => Temporal::parse_date(text),
        };
        self.at += length;
        read.map(Token::Temporal).ok_or_else(|| self.error(start, "this is no date, date and time, or time of day"))
    }
}

fn hex4(chars: &mut impl Iterator<Item = (usize, char)>) -> Option<u32> {
    (0..4).try_fold(0, |sum, _| Some(sum * 16 + chars.next()?.1.to_digit(16)?))
}
