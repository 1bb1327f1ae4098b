//! `_filter`: conditions as an expression, `given eq "peter" and birthdate ge 2014-10-10`
//! (FHIR R4, search_filter.html). `and` and `or` are taken from left to right; brackets group.

use super::ask::{Asking, coding, date_of, folded, number_of, quantity_of, references, token};
use super::parse::{Asked, Reading, Steps, invalid};
use super::query::{DateTest, Filter, Prefix, StringTest, Test, TokenTest, UriTest};
use crate::issue::{Issue, IssueCode};
use crate::resource::{Id, ResourceType};
use crate::tables::SearchKind;

/// The comparisons (FHIR R4, search_filter.html#ops).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Ordered(Prefix),
    Contains,
    Starts,
    Ends,
    Present,
    PeriodOverlaps,
    Subsumes,
    SubsumedBy,
    In,
    NotIn,
    References,
}

const OPS: [(&str, Op); 20] = [
    ("eq", Op::Ordered(Prefix::Eq)),
    ("ne", Op::Ordered(Prefix::Ne)),
    ("gt", Op::Ordered(Prefix::Gt)),
    ("lt", Op::Ordered(Prefix::Lt)),
    ("ge", Op::Ordered(Prefix::Ge)),
    ("le", Op::Ordered(Prefix::Le)),
    ("ap", Op::Ordered(Prefix::Ap)),
    ("sa", Op::Ordered(Prefix::Sa)),
    ("eb", Op::Ordered(Prefix::Eb)),
    ("co", Op::Contains),
    ("sw", Op::Starts),
    ("ew", Op::Ends),
    ("pr", Op::Present),
    ("po", Op::PeriodOverlaps),
    ("ss", Op::Subsumes),
    ("sb", Op::SubsumedBy),
    ("in", Op::In),
    ("ni", Op::NotIn),
    ("re", Op::References),
    // An older spelling of `eb` that the standard's table still carries in places.
    ("be", Op::Ordered(Prefix::Eb)),
];

/// Reads a whole `_filter` for resources of these types.
pub(super) fn read(reading: &Reading<'_>, kinds: &[ResourceType], text: &str) -> Result<Filter, Issue> {
    let mut reader = Reader { reading, text, at: 0, terms: 0, open: 0 };
    let filter = reader.expression(kinds)?;
    reader.blank();
    if reader.at < text.len() {
        return Err(reader.wrong("expected and, or, or the end"));
    }
    Ok(filter)
}

struct Reader<'a> {
    reading: &'a Reading<'a>,
    text: &'a str,
    at: usize,
    terms: usize,
    open: usize,
}

/// How a joined run of conditions is joined.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Join {
    And,
    Or,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn blank(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn wrong(&self, what: &str) -> Issue {
        let at = self.text[..self.at].chars().count() + 1;
        Issue::error(IssueCode::Value, "_filter", format!("The filter cannot be read at character {at}: {what}."))
    }

    /// The next word, without taking it.
    fn word(&self) -> &'a str {
        let rest = self.rest();
        &rest[..rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']')).unwrap_or(rest.len())]
    }

    fn counted(&mut self) -> Result<(), Issue> {
        self.terms += 1;
        let most = self.reading.limits.filter_terms;
        if self.terms + self.open > most {
            let what = format!("A filter may have {most} conditions and brackets.");
            return Err(Issue::error(IssueCode::TooCostly, "_filter", what));
        }
        Ok(())
    }

    fn expression(&mut self, kinds: &[ResourceType]) -> Result<Filter, Issue> {
        let mut filter = self.term(kinds)?;
        loop {
            self.blank();
            let join = match self.word() {
                "and" => Join::And,
                "or" => Join::Or,
                _ => return Ok(filter),
            };
            self.at += self.word().len();
            let next = self.term(kinds)?;
            filter = match (join, filter) {
                (Join::And, Filter::All(mut all)) if !all.is_empty() => {
                    all.push(next);
                    Filter::All(all)
                }
                (Join::Or, Filter::Any(mut any)) if !any.is_empty() => {
                    any.push(next);
                    Filter::Any(any)
                }
                (Join::And, first) => Filter::All(vec![first, next]),
                (Join::Or, first) => Filter::Any(vec![first, next]),
            };
        }
    }

    fn term(&mut self, kinds: &[ResourceType]) -> Result<Filter, Issue> {
        self.blank();
        self.counted()?;
        if self.rest().starts_with('(') {
            return self.bracket(kinds);
        }
        if self.word() == "not" {
            self.at += 3;
            self.blank();
            if !self.rest().starts_with('(') {
                return Err(self.wrong("expected ( after not"));
            }
            return Ok(Filter::Not(Box::new(self.bracket(kinds)?)));
        }
        self.condition(kinds)
    }

    fn bracket(&mut self, kinds: &[ResourceType]) -> Result<Filter, Issue> {
        self.at += 1;
        self.open += 1;
        // Brackets nest by calls: far fewer than the stack holds.
        if self.open > 50 {
            return Err(Issue::error(IssueCode::TooCostly, "_filter", "A filter may nest 50 brackets."));
        }
        let inner = self.expression(kinds)?;
        self.blank();
        if !self.rest().starts_with(')') {
            return Err(self.wrong("expected )"));
        }
        self.at += 1;
        self.open -= 1;
        // A run inside brackets is not joined with what follows.
        Ok(match inner {
            inner @ (Filter::All(_) | Filter::Any(_)) => Filter::All(vec![inner]),
            inner => inner,
        })
    }

    fn condition(&mut self, kinds: &[ResourceType]) -> Result<Filter, Issue> {
        let path = self.word();
        if path.is_empty() {
            return Err(self.wrong("expected the name of a search parameter"));
        }
        self.at += path.len();
        if self.rest().starts_with('[') {
            let what = "Conditions in square brackets are not supported in `_filter`; use a composite parameter.";
            return Err(Issue::error(IssueCode::NotSupported, "_filter", what));
        }
        self.blank();
        let word = self.word();
        let Some((_, op)) = OPS.iter().find(|(name, _)| *name == word) else {
            let all: Vec<&str> = OPS[..19].iter().map(|(name, _)| *name).collect();
            return Err(self.wrong(&format!("expected one of {}", all.join(" "))));
        };
        self.at += word.len();
        self.blank();
        let value = self.value()?;
        let reading = self.reading;
        let end = |kinds: &[ResourceType], code: &str| compare(reading, kinds, code, *op, &value);
        reading.along(kinds, path, "_filter", &Steps::default(), &end)
    }

    /// A JSON string, or a run without blanks and brackets.
    fn value(&mut self) -> Result<String, Issue> {
        let rest = self.rest();
        if !rest.starts_with('"') {
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ')' | ']')).unwrap_or(rest.len());
            if end == 0 {
                return Err(self.wrong("expected a value"));
            }
            self.at += end;
            return Ok(rest[..end].to_owned());
        }
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        match values.next() {
            Some(Ok(text)) => {
                self.at += values.byte_offset();
                Ok(text)
            }
            _ => Err(self.wrong("expected a string as JSON writes it, with \" at its end")),
        }
    }
}

/// One comparison on resources of these types.
fn compare(reading: &Reading<'_>, kinds: &[ResourceType], code: &str, op: Op, value: &str) -> Result<Filter, Issue> {
    let bad = |wrong: String| invalid("_filter", format!("at `{code}` {wrong}"));
    let unsuited = |kind: &str| {
        let name = OPS.iter().find(|(_, known)| *known == op).map_or("", |(name, _)| *name);
        let what = format!("`{name}` cannot be asked of `{code}`, which is a {kind} parameter.");
        Issue::error(IssueCode::NotSupported, "_filter", what)
    };
    match (code, op) {
        ("_id", Op::Ordered(prefix @ (Prefix::Eq | Prefix::Ne))) => {
            let id = Id::parse(value).ok_or_else(|| bad("write an id".to_owned()))?;
            let ids = Filter::Ids(vec![id]);
            return Ok(if prefix == Prefix::Eq { ids } else { Filter::Not(Box::new(ids)) });
        }
        ("_lastUpdated", Op::Ordered(prefix)) => {
            let test = date_of(prefix, value, reading.now).map_err(bad)?;
            return Ok(Filter::LastUpdated(vec![test]));
        }
        ("_lastUpdated", Op::PeriodOverlaps) => {
            return Ok(Filter::LastUpdated(vec![overlap(value).map_err(bad)?]));
        }
        _ => {}
    }
    let asked: Asked<'_> = reading.asked(kinds, code, "_filter")?;
    if asked.sources.is_empty() {
        return Err(unsuited("special"));
    }
    let row = |tests: Vec<Test>| Filter::Row { sources: asked.sources.clone(), tests };
    let asking: Asking<'_> = reading.asking(&asked);
    if op == Op::Present {
        let present = row(vec![Test::Present]);
        return match value {
            "true" => Ok(present),
            "false" => Ok(Filter::Not(Box::new(present))),
            _ => Err(bad("write true or false".to_owned())),
        };
    }
    let other = |test: Test| Test::Not(Box::new(test));
    let tests = match (asked.kind, op) {
        (SearchKind::String, Op::Ordered(Prefix::Eq)) => {
            vec![Test::String(StringTest::Equals(whole(value).map_err(bad)?))]
        }
        (SearchKind::String, Op::Ordered(Prefix::Ne)) => {
            vec![other(Test::String(StringTest::Equals(whole(value).map_err(bad)?)))]
        }
        (SearchKind::String, Op::Contains) => vec![Test::String(StringTest::Contains(whole(value).map_err(bad)?))],
        (SearchKind::String, Op::Starts) => vec![Test::String(StringTest::Starts(whole(value).map_err(bad)?))],
        (SearchKind::String, Op::Ends) => vec![Test::String(StringTest::Ends(whole(value).map_err(bad)?))],
        (SearchKind::Token, Op::Ordered(Prefix::Eq)) => vec![Test::Token(token(value).map_err(bad)?)],
        (SearchKind::Token, Op::Ordered(Prefix::Ne)) => vec![other(Test::Token(token(value).map_err(bad)?))],
        // The value subsumes what was recorded: the record is the value or below it.
        (SearchKind::Token, Op::Subsumes) => {
            let (system, code) = coding(value).map_err(bad)?;
            vec![Test::Token(TokenTest::Below { system, code })]
        }
        (SearchKind::Token, Op::SubsumedBy) => {
            let (system, code) = coding(value).map_err(bad)?;
            vec![Test::Token(TokenTest::Above { system, code })]
        }
        (SearchKind::Token, Op::In) => vec![Test::Token(TokenTest::In(value.to_owned()))],
        (SearchKind::Token, Op::NotIn) => {
            return Ok(Filter::Not(Box::new(row(vec![Test::Token(TokenTest::In(value.to_owned()))]))));
        }
        (SearchKind::Reference, Op::Ordered(Prefix::Eq) | Op::References) => {
            references(value, &asking).map_err(bad)?.into_iter().map(Test::Reference).collect()
        }
        (SearchKind::Reference, Op::Ordered(Prefix::Ne)) => match references(value, &asking).map_err(bad)?.as_slice() {
            [only] => vec![other(Test::Reference(only.clone()))],
            _ => return Err(unsuited("canonical reference")),
        },
        (SearchKind::Date, Op::Ordered(prefix)) => {
            vec![Test::Date(date_of(prefix, value, reading.now).map_err(bad)?)]
        }
        (SearchKind::Date, Op::PeriodOverlaps) => vec![Test::Date(overlap(value).map_err(bad)?)],
        (SearchKind::Number, Op::Ordered(prefix)) => vec![Test::Quantity(number_of(prefix, value).map_err(bad)?)],
        (SearchKind::Quantity, Op::Ordered(prefix)) => vec![Test::Quantity(quantity_of(prefix, value).map_err(bad)?)],
        (SearchKind::Uri, Op::Ordered(Prefix::Eq)) => vec![Test::Uri(UriTest::Is(value.to_owned()))],
        (SearchKind::Uri, Op::Ordered(Prefix::Ne)) => vec![other(Test::Uri(UriTest::Is(value.to_owned())))],
        (SearchKind::Uri, Op::Starts) => vec![Test::Uri(UriTest::Below(value.to_owned()))],
        (SearchKind::Composite, Op::Ordered(Prefix::Eq)) => asking.tests(value).map_err(bad)?,
        (kind, _) => return Err(unsuited(kind.code())),
    };
    Ok(row(tests))
}

/// Values of a filter have no escapes: JSON has its own.
fn whole(value: &str) -> Result<String, String> {
    folded(&value.replace('\\', "\\\\"))
}

/// `po`: the two have a moment in common.
fn overlap(value: &str) -> Result<DateTest, String> {
    Ok(DateTest { prefix: Prefix::Ap, ..date_of(Prefix::Eq, value, 0)? })
}
