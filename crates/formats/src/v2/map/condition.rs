//! When a rule holds: a small language of tests on fields, in the words of HL7's mapping tables (`IF PID-25 NOT VALUED`,
//! `OBX-2 IN ("ST", "TX")`, `PID-7 LENGTH GREATER THAN 8`, `PID-11 LST.COUNT EQUALS 1`). It can look at the message and
//! compare; it cannot count in circles, call anything or change anything. Length and depth are bounded when it is read,
//! so that every test ends.

/// Longer conditions are refused.
const LONGEST: usize = 600;
/// Deeper ones too.
const DEEPEST: usize = 12;

/// What a test looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// `PID-3.4.2`: segment, field, component, subcomponent (zero: not said).
    Field(String, [usize; 3]),
    /// `CX.4.2` or `HD-3` in the rules of a data type: component, subcomponent.
    Part([usize; 2]),
    /// What the rule takes its value from.
    Own,
}

/// What is known about a subject: the texts of its repetitions; empty when it is not valued.
pub(super) type Look<'a> = &'a dyn Fn(&Subject) -> Vec<String>;

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Valued,
    In(Vec<Operand>),
    Count(Order, usize),
    Length(Order, usize),
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Text(String),
    Other(Subject),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    Less,
    AtMost,
    Equal,
    AtLeast,
    Greater,
}

/// A condition that was understood.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Is(Subject, TestOf),
}

/// A test, hidden so that only this file takes it apart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TestOf(Test);

impl Condition {
    /// Reads a condition; `own` are the names that mean the part at hand (`CX` in the rules of CX).
    pub(super) fn read(text: &str, is_datatype: bool) -> Result<Condition, String> {
        if text.len() > LONGEST {
            return Err("a condition may have 600 characters".to_owned());
        }
        let mut reader = Reader { words: words(text)?, at: 0, depth: 0, is_datatype };
        let condition = reader.either()?;
        match reader.peek() {
            None => Ok(condition),
            Some(word) => Err(format!("what does {word:?} mean here?")),
        }
    }

    pub(super) fn holds(&self, look: Look<'_>) -> bool {
        match self {
            Condition::And(one, other) => one.holds(look) && other.holds(look),
            Condition::Or(one, other) => one.holds(look) || other.holds(look),
            Condition::Not(it) => !it.holds(look),
            Condition::Is(subject, test) => test.0.holds(&look(subject), look),
        }
    }
}

impl Test {
    fn holds(&self, texts: &[String], look: Look<'_>) -> bool {
        match self {
            Test::Valued => !texts.is_empty(),
            Test::In(choices) => texts.first().is_some_and(|text| {
                choices.iter().any(|it| match it {
                    Operand::Text(other) => text == other,
                    Operand::Other(subject) => look(subject).first() == Some(text),
                })
            }),
            Test::Count(order, number) => order.holds(texts.len(), *number),
            Test::Length(order, number) => order.holds(texts.first().map_or(0, |it| it.chars().count()), *number),
        }
    }
}

impl Order {
    fn holds(self, one: usize, other: usize) -> bool {
        match self {
            Order::Less => one < other,
            Order::AtMost => one <= other,
            Order::Equal => one == other,
            Order::AtLeast => one >= other,
            Order::Greater => one > other,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Word {
    /// Upper case: `AND`, `PID-3.1`, `>`.
    Plain(String),
    Quoted(String),
}

fn words(text: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(&next) = characters.peek() {
        match next {
            _ if next.is_whitespace() || next == ',' => {
                characters.next();
            }
            '"' | '\'' => {
                characters.next();
                let quoted: String = characters.by_ref().take_while(|it| *it != next).collect();
                words.push(Word::Quoted(quoted));
            }
            '(' | ')' => {
                characters.next();
                words.push(Word::Plain(next.to_string()));
            }
            '=' | '<' | '>' | '!' => {
                let mut sign = String::new();
                while let Some(it) = characters.next_if(|it| matches!(it, '=' | '<' | '>' | '!')) {
                    sign.push(it);
                }
                words.push(Word::Plain(sign));
            }
            _ if next.is_ascii_alphanumeric() => {
                let mut word = String::new();
                while let Some(it) =
                    characters.next_if(|it| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_'))
                {
                    word.push(it);
                }
                words.push(Word::Plain(word.to_ascii_uppercase()));
            }
            other => return Err(format!("{other:?} has no meaning in a condition")),
        }
    }
    Ok(words)
}

struct Reader {
    words: Vec<Word>,
    at: usize,
    depth: usize,
    is_datatype: bool,
}

impl Reader {
    fn peek(&self) -> Option<&str> {
        match self.words.get(self.at) {
            Some(Word::Plain(word)) => Some(word),
            Some(Word::Quoted(_)) => Some("\""),
            None => None,
        }
    }

    fn take(&mut self, word: &str) -> bool {
        let found = matches!(self.words.get(self.at), Some(Word::Plain(it)) if it == word);
        self.at += usize::from(found);
        found
    }

    /// All of these, one after the other, or none is taken.
    fn take_all(&mut self, words: &[&str]) -> bool {
        let start = self.at;
        let found = words.iter().all(|it| self.take(it));
        if !found {
            self.at = start;
        }
        found
    }

    fn either(&mut self) -> Result<Condition, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("a condition may be 12 brackets deep".to_owned());
        }
        let mut condition = self.both()?;
        while self.take("OR") {
            condition = Condition::Or(Box::new(condition), Box::new(self.both()?));
        }
        self.depth -= 1;
        Ok(condition)
    }

    fn both(&mut self) -> Result<Condition, String> {
        let mut condition = self.one(None)?;
        while self.take("AND") {
            // `IAM-15 VALUED AND NOT "SEL"` speaks of IAM-15 again.
            let again = match &condition {
                Condition::Is(subject, _) => Some(subject.clone()),
                _ => None,
            };
            condition = Condition::And(Box::new(condition), Box::new(self.one(again)?));
        }
        Ok(condition)
    }

    fn one(&mut self, again: Option<Subject>) -> Result<Condition, String> {
        while self.take("IF") {}
        if self.take("(") {
            let condition = self.either()?;
            return if self.take(")") { Ok(condition) } else { Err("a bracket is not closed".to_owned()) };
        }
        let start = self.at;
        if self.take("NOT") {
            if self.subject().is_some() || self.peek() == Some("(") {
                return Ok(Condition::Not(Box::new(self.one(None)?)));
            }
            self.at = start;
        }
        let subject = match self.subject() {
            Some(subject) => {
                self.at += 1;
                subject
            }
            None => again.unwrap_or(Subject::Own),
        };
        // `PL.1 AND PL.2 NOT VALUED`: the test comes with the last of them.
        for word in ["AND", "OR"] {
            let start = self.at;
            if self.take(word) {
                let other = self.one(None)?;
                let mut last = &other;
                while let Condition::And(one, _) | Condition::Or(one, _) | Condition::Not(one) = last {
                    last = one;
                }
                let Condition::Is(_, test) = last else {
                    self.at = start;
                    break;
                };
                let negated = matches!(other, Condition::Not(_)) || first_is_negated(&other);
                let mine = Condition::Is(subject, test.clone());
                let mine = if negated { Condition::Not(Box::new(mine)) } else { mine };
                let join = if word == "AND" { Condition::And } else { Condition::Or };
                return Ok(join(Box::new(mine), Box::new(other)));
            }
        }
        let (negated, test) = self.test()?;
        let condition = Condition::Is(subject, TestOf(test));
        Ok(if negated { Condition::Not(Box::new(condition)) } else { condition })
    }

    fn test(&mut self) -> Result<(bool, Test), String> {
        if self.take_all(&["DOES", "NOT", "EXIST"]) {
            return Ok((true, Test::Valued));
        }
        let measured = if self.take("LST.COUNT") || self.take("COUNT") {
            Some(Test::Count as fn(Order, usize) -> Test)
        } else if self.take("LENGTH") {
            Some(Test::Length as fn(Order, usize) -> Test)
        } else {
            None
        };
        if let Some(measure) = measured {
            let order = self.order()?;
            let number = self.peek().and_then(|it| it.parse().ok()).ok_or("a number is missing")?;
            self.at += 1;
            return Ok((false, measure(order, number)));
        }
        self.take("IS");
        let mut negated = self.take("NOT");
        self.take("IS");
        if self.take("VALUED") || self.take("VALUE") || self.take("EXISTS") {
            return Ok((negated, Test::Valued));
        }
        if self.take("EMPTY") {
            return Ok((!negated, Test::Valued));
        }
        if self.take("IN") {
            return Ok((negated, Test::In(self.choices()?)));
        }
        if self.take("!=") || self.take("<>") {
            negated = !negated;
        } else {
            let _ = self.take("EQUALS") || self.take("EQUAL") || self.take("=") || self.take("==");
            self.take("TO");
        }
        Ok((negated, Test::In(vec![self.choice()?])))
    }

    fn order(&mut self) -> Result<Order, String> {
        let orders: [(&[&str], Order); 12] = [
            (&["GREATER", "THAN", "OR", "EQUALS"], Order::AtLeast),
            (&["LESS", "THAN", "OR", "EQUALS"], Order::AtMost),
            (&["GREATER", "THAN"], Order::Greater),
            (&["LESS", "THAN"], Order::Less),
            (&["EQUALS"], Order::Equal),
            (&["IS"], Order::Equal),
            (&["="], Order::Equal),
            (&["=="], Order::Equal),
            (&[">="], Order::AtLeast),
            (&["<="], Order::AtMost),
            (&[">"], Order::Greater),
            (&["<"], Order::Less),
        ];
        orders.iter().find(|(words, _)| self.take_all(words)).map(|it| it.1).ok_or("a comparison is missing".to_owned())
    }

    fn choices(&mut self) -> Result<Vec<Operand>, String> {
        if !self.take("(") {
            return Ok(vec![self.choice()?]);
        }
        let mut choices = Vec::new();
        while !self.take(")") {
            choices.push(self.choice()?);
        }
        Ok(choices)
    }

    fn choice(&mut self) -> Result<Operand, String> {
        let subject = self.subject();
        let operand = match (self.words.get(self.at), subject) {
            (Some(Word::Quoted(text)), _) => Operand::Text(text.clone()),
            (_, Some(subject)) => Operand::Other(subject),
            _ => return Err("a text in quotation marks is missing".to_owned()),
        };
        self.at += 1;
        Ok(operand)
    }

    /// The subject that stands here, if one does.
    fn subject(&self) -> Option<Subject> {
        let Some(Word::Plain(word)) = self.words.get(self.at) else { return None };
        let (name, rest) = word.split_at(word.find(['-', '.'])?);
        let is_name = (2..=3).contains(&name.len()) && name.starts_with(|it: char| it.is_ascii_uppercase());
        let numbers: Option<Vec<usize>> = rest[1..].split('.').map(|it| it.parse().ok()).collect();
        let numbers = numbers.filter(|it| is_name && it.len() <= 3)?;
        let number = |at: usize| numbers.get(at).copied().unwrap_or(0);
        // `HD-3` is written for `HD.3`; and `ORC.1` for `ORC-1`.
        if name.len() == 2 || (self.is_datatype && rest.starts_with('.')) {
            return Some(Subject::Part([number(0), number(1)]));
        }
        Some(Subject::Field(name.to_owned(), [number(0), number(1), number(2)]))
    }
}

/// Whether the first test of a chain is a negation.
fn first_is_negated(condition: &Condition) -> bool {
    match condition {
        Condition::And(one, _) | Condition::Or(one, _) => first_is_negated(one),
        Condition::Not(_) => true,
        Condition::Is(..) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PID-25 is empty, OBX-2 is NM, PID-11 has two repetitions, component 1 is ISO, the rest is empty.
    fn look(subject: &Subject) -> Vec<String> {
        let texts: &[&str] = match subject {
            Subject::Field(name, [2, ..]) if name == "OBX" => &["NM"],
            Subject::Field(name, [11, ..]) if name == "PID" => &["one", "two"],
            Subject::Field(name, [7, ..]) if name == "PID" => &["198801011200"],
            Subject::Part([3, _]) => &["ISO"],
            Subject::Own => &["SEL"],
            _ => &[],
        };
        texts.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn the_words_of_the_tables_mean_what_they_say() {
        for (text, expected) in [
            ("IF PID-25 NOT VALUED", true),
            ("PID-25 IS VALUED", false),
            ("OBX-2 EQUALS \"NM\"", true),
            ("OBX-2 IN (\"ST\", \"FT\", \"TX\")", false),
            ("OBX-2 NOT IN (\"ST\", \"FT\")", true),
            ("PID-7 LENGTH GREATER THAN 8", true),
            ("PID-11 LST.COUNT EQUALS 1", false),
            ("PID-11 COUNT>1", true),
            ("HD-3 = \"ISO\" AND HD.1 NOT VALUED", true),
            ("XCN.19 DOES NOT EXIST AND IF XCN.20 DOES NOT EXIST", true),
            ("(OBX-2 = \"CE\" OR OBX-2 = \"NM\") AND NOT PID-25 VALUED", true),
            ("PL.1 AND PL.2 AND PL.7 NOT VALUED", true),
            ("PL.1 AND PL.3 NOT VALUED", false),
            ("VALUED AND NOT \"SEL\"", false),
            ("NOT VALUED", false),
            ("PID-7 = PID-8", false),
        ] {
            let condition = Condition::read(text, true).expect(text);
            assert_eq!(condition.holds(&look), expected, "{text}: {condition:?}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        let deep = format!("{}PID-3 VALUED{}", "(".repeat(40), ")".repeat(40));
        for text in ["", "PID-3", "PID-3 EQUALS", "(PID-3 VALUED", "PID-3 VALUED )", "system(\"rm\")", &deep] {
            assert!(Condition::read(text, false).is_err(), "{text}");
        }
        assert!(Condition::read(&"PID-3 VALUED AND ".repeat(100), false).is_err());
    }
}
