//! The differences between the two databases, all in one place.

/// Which SQL is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    /// Every table has the distribution key (organisation, patient shard) first.
    Postgres {
        organisation: i64,
    },
}

/// Longer words are found by their start: neither database keeps them whole.
pub(crate) const LONGEST_WORD: usize = 200;

/// What stands between words, as the list of characters of a pattern: a closing bracket first, no range.
const BETWEEN_WORDS: &str = "] !\"#$%&'()*+,./:;<=>?@[\\^_`{|}~\u{ad}¡§«»¿·‐‑‒–—‘’‚“”„•…‹›、。・，：；（）-";

impl Dialect {
    /// The part of WHERE that keeps to this organisation, with a trailing AND.
    pub(crate) fn here(self, alias: &str) -> String {
        match self {
            Dialect::Sqlite => String::new(),
            Dialect::Postgres { organisation } => format!("{alias}.org = {organisation} AND {alias}.shard = 0 AND "),
        }
    }

    /// Follows a column of numbers: it is one of many, which come as one value, with commas between them.
    pub(crate) fn among(self) -> &'static str {
        match self {
            Dialect::Sqlite => " IN (SELECT value FROM json_each('[' || ? || ']'))",
            Dialect::Postgres { .. } => " = ANY (CAST('{' || CAST(? AS text) || '}' AS bigint[]))",
        }
    }

    /// What a column is called: in SQLite, a row of full text is named by its rowid.
    pub(crate) fn column(self, table: &str, column: &'static str) -> &'static str {
        match self {
            Dialect::Sqlite if table == "words" && column == "rid" => "rowid",
            _ => column,
        }
    }

    /// A condition on `words` (with `{t}` for the alias and `?` for the value) and its value: of each term, one of
    /// the alternatives begins a word.
    pub(crate) fn full_text(self, column: &str, terms: &[&[String]]) -> (String, String) {
        let word = |word: &String| {
            let letters: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
            let letters = &letters[..letters.floor_char_boundary(LONGEST_WORD)];
            match self {
                Dialect::Sqlite => format!("\"{letters}\"*"),
                Dialect::Postgres { .. } => format!("'{letters}':*"),
            }
        };
        let (or, and) = match self {
            Dialect::Sqlite => (" OR ", " AND "),
            Dialect::Postgres { .. } => (" | ", " & "),
        };
        let term = |any: &&[String]| format!("({})", any.iter().map(word).collect::<Vec<_>>().join(or));
        let asked = terms.iter().map(term).collect::<Vec<_>>().join(and);
        match self {
            Dialect::Sqlite => ("words MATCH ?".to_owned(), format!("{{{column}}} : ({asked})")),
            Dialect::Postgres { .. } => (format!("{{t}}.{column} @@ CAST(? AS tsquery)"), asked),
        }
    }

    /// A condition on a text column (with `?` for values): this folded word begins a word there.
    pub(crate) fn begins_word(self, column: &str, word: &str) -> (String, Vec<String>) {
        let word: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
        match self {
            Dialect::Sqlite => (
                format!("({column} GLOB ? OR {column} GLOB ?)"),
                vec![format!("{word}*"), format!("*[{BETWEEN_WORDS}]{word}*")],
            ),
            // A bracket closes the list for both, unless it stands first; the backslash is an escape here only.
            Dialect::Postgres { .. } => {
                (format!("{column} ~ ?"), vec![format!("(^|[{}]){word}", BETWEEN_WORDS.replace('\\', "\\\\"))])
            }
        }
    }

    /// The statement as this database wants its values marked: SQLite takes `?`, PostgreSQL `$1`.
    pub(crate) fn marked(self, sql: &str) -> String {
        match self {
            Dialect::Sqlite => sql.to_owned(),
            Dialect::Postgres { .. } => numbered(sql),
        }
    }
}

/// `?` becomes `$1`, `$2` … in order, `?7` becomes `$7`; what stands in quotes stays.
fn numbered(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    let mut count = 0;
    let mut quote = None;
    let mut letters = sql.chars().peekable();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (None, '?') => {
                out.push('$');
                if !letters.peek().is_some_and(char::is_ascii_digit) {
                    count += 1;
                    out.push_str(&count.to_string());
                }
                continue;
            }
            _ => {}
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_numbered_outside_of_quotes() {
        for (sql, expected) in [
            ("a = ? AND b IN (?, ?)", "a = $1 AND b IN ($2, $3)"),
            ("a >= ?1 AND a < ?2", "a >= $1 AND a < $2"),
            ("a LIKE ? ESCAPE '!' AND b = '?' AND c = ?", "a LIKE $1 ESCAPE '!' AND b = '?' AND c = $2"),
            ("a = 'it''s ?' AND \"b?\" = ?", "a = 'it''s ?' AND \"b?\" = $1"),
            ("é ?", "é $1"),
        ] {
            assert_eq!(numbered(sql), expected);
        }
    }

    #[test]
    fn full_text_asks_for_the_beginnings_of_words() {
        let (blood, sugar) = (vec!["blood".to_owned()], vec!["sugar".to_owned(), "it's".to_owned()]);
        let terms = [&blood[..], &sugar[..]];
        assert_eq!(
            Dialect::Sqlite.full_text("content", &terms),
            ("words MATCH ?".to_owned(), r#"{content} : (("blood"*) AND ("sugar"* OR "its"*))"#.to_owned())
        );
        let (condition, value) = Dialect::Postgres { organisation: 1 }.full_text("content", &terms);
        assert_eq!(condition, "{t}.content @@ CAST(? AS tsquery)");
        assert_eq!(value, "('blood':*) & ('sugar':* | 'its':*)");
    }
}
