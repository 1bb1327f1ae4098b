//! Tokens into an expression, by operator precedence (FHIRPath N1, 6.8 and the grammar). Nesting is
//! limited, so that no text, however built, can exhaust the stack here or when it is evaluated.

use super::PathError;
use super::ast::{Expr, Literal, Operator, Sign, TypeName};
use super::lexer::{Located, Token, tokens};
use super::temporal::CalendarUnit;
use rust_decimal::Decimal;

/// How deep an expression may nest. The deepest of the standard's own stays under 20.
pub(super) const MAX_DEPTH: usize = 100;
/// How long an expression may be, in bytes. The longest of the standard's own has about 3,000.
const MAX_LENGTH: usize = 64 * 1024;

pub(super) fn parse(text: &str) -> Result<Expr, PathError> {
    if text.len() > MAX_LENGTH {
        return Err(PathError::TooDeep);
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0 };
    let (expr, _) = parser.expression(0)?;
    match parser.peek() {
        Token::End => Ok(expr),
        _ => Err(parser.error("the expression should end here")),
    }
}

/// Binary operators: the word or mark, how tightly it binds, and what it means.
const OPERATORS: [(&str, u8, Operator); 21] = [
    ("implies", 1, Operator::Implies),
    ("or", 2, Operator::Or),
    ("xor", 2, Operator::Xor),
    ("and", 3, Operator::And),
    ("in", 4, Operator::In),
    ("contains", 4, Operator::Contains),
    ("=", 5, Operator::Equal),
    ("~", 5, Operator::Equivalent),
    ("!=", 5, Operator::NotEqual),
    ("!~", 5, Operator::NotEquivalent),
    ("<=", 6, Operator::LessOrEqual),
    ("<", 6, Operator::Less),
    (">", 6, Operator::Greater),
    (">=", 6, Operator::GreaterOrEqual),
    ("+", 9, Operator::Plus),
    ("-", 9, Operator::Minus),
    ("&", 9, Operator::Concatenate),
    ("*", 10, Operator::Multiply),
    ("/", 10, Operator::Divide),
    ("div", 10, Operator::Div),
    ("mod", 10, Operator::Mod),
];
const UNION: u8 = 7;
const TYPE: u8 = 8;
const SIGN: u8 = 11;

/// An expression and how deep it is.
type Grown = (Expr, usize);

struct Parser {
    tokens: Vec<Located>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.next].token
    }

    fn error(&self, message: &'static str) -> PathError {
        PathError::Syntax { at: self.tokens[self.next].at, message: message.into() }
    }

    fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        if token != Token::End {
            self.next += 1;
        }
        token
    }

    fn accept(&mut self, mark: &str) -> bool {
        let found = matches!(self.peek(), Token::Mark(it) if *it == mark);
        if found {
            self.next += 1;
        }
        found
    }

    fn expect(&mut self, mark: &'static str, message: &'static str) -> Result<(), PathError> {
        if self.accept(mark) { Ok(()) } else { Err(self.error(message)) }
    }

    fn expression(&mut self, weakest: u8) -> Result<Grown, PathError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(PathError::TooDeep);
        }
        let grown = self.operators(weakest);
        self.depth -= 1;
        grown
    }

    fn operators(&mut self, weakest: u8) -> Result<Grown, PathError> {
        let (mut left, mut height) = self.prefix()?;
        loop {
            let symbol: &str = match self.peek() {
                Token::Mark(mark) => mark,
                Token::Word(word) => word,
                _ => return Ok((left, height)),
            };
            if symbol == "|" && UNION >= weakest {
                self.next += 1;
                let (right, right_height) = self.expression(UNION + 1)?;
                height = height.max(right_height + 1);
                // The parts of a union stay flat: `a | b | c` nests no deeper than `a`.
                left = match left {
                    Expr::Union(mut parts) => {
                        parts.push(right);
                        Expr::Union(parts)
                    }
                    other => {
                        height += 1;
                        Expr::Union(vec![other, right])
                    }
                };
            } else if (symbol == "is" || symbol == "as") && TYPE >= weakest {
                let is = symbol == "is";
                self.next += 1;
                let kind = self.type_name()?;
                let operand = Box::new(left);
                left = if is { Expr::Is { operand, kind } } else { Expr::As { operand, kind } };
                height += 1;
            } else if let Some((_, strength, operator)) =
                OPERATORS.iter().find(|(name, strength, _)| *name == symbol && *strength >= weakest)
            {
                self.next += 1;
                let (right, right_height) = self.expression(strength + 1)?;
                height = height.max(right_height) + 1;
                left = Expr::Binary { operator: *operator, left: Box::new(left), right: Box::new(right) };
            } else {
                return Ok((left, height));
            }
            if height > MAX_DEPTH {
                return Err(PathError::TooDeep);
            }
        }
    }

    fn prefix(&mut self) -> Result<Grown, PathError> {
        let sign = match self.peek() {
            Token::Mark("+") => Sign::Plus,
            Token::Mark("-") => Sign::Minus,
            _ => return self.postfix(),
        };
        self.next += 1;
        let (operand, height) = self.expression(SIGN)?;
        Ok((Expr::Unary { sign, operand: Box::new(operand) }, height + 1))
    }

    /// A term with what follows it: `.member`, `.function(…)`, `[index]`.
    fn postfix(&mut self) -> Result<Grown, PathError> {
        let (mut left, mut height) = self.term()?;
        loop {
            if self.accept(".") {
                let (Token::Word(name) | Token::Delimited(name)) = self.peek().clone() else {
                    return Err(self.error("a member or function name is missing after the dot"));
                };
                self.next += 1;
                let on = Some(Box::new(left));
                let (grown, arguments_height) = self.invocation(on, name)?;
                left = grown;
                height = height.max(arguments_height) + 1;
            } else if self.accept("[") {
                let (index, index_height) = self.expression(0)?;
                self.expect("]", "a closing ] is missing")?;
                left = Expr::Item { of: Box::new(left), index: Box::new(index) };
                height = height.max(index_height) + 1;
            } else {
                return Ok((left, height));
            }
            if height > MAX_DEPTH {
                return Err(PathError::TooDeep);
            }
        }
    }

    fn invocation(&mut self, on: Option<Box<Expr>>, name: String) -> Result<Grown, PathError> {
        if !self.accept("(") {
            return Ok((Expr::Member { of: on, name }, 0));
        }
        let mut arguments = Vec::new();
        let mut height = 0;
        if !self.accept(")") {
            loop {
                let (argument, argument_height) = self.expression(0)?;
                arguments.push(argument);
                height = height.max(argument_height);
                if self.accept(")") {
                    break;
                }
                self.expect(",", "a comma or a closing ) is missing")?;
            }
        }
        Ok((Expr::Call { on, name, arguments }, height))
    }

    fn term(&mut self) -> Result<Grown, PathError> {
        let literal = |it| Ok((Expr::Literal(it), 1));
        let before = self.next;
        match self.advance() {
            Token::Mark("(") => {
                let grown = self.expression(0)?;
                self.expect(")", "a closing ) is missing")?;
                Ok(grown)
            }
            Token::Mark("{") => {
                self.expect("}", "the empty collection is written {}")?;
                literal(Literal::Empty)
            }
            Token::Text(text) => literal(Literal::String(text)),
            Token::Integer(number) => {
                let plain = Literal::Integer(number);
                literal(self.with_unit(Decimal::from(number)).unwrap_or(plain))
            }
            Token::Decimal(number) => literal(self.with_unit(number).unwrap_or(Literal::Decimal(number))),
            Token::Temporal(moment) => literal(Literal::Temporal(moment)),
            Token::Variable(name) => Ok((Expr::Variable(name), 1)),
            Token::Dollar(name) => match name.as_str() {
                "this" => Ok((Expr::This, 1)),
                "index" => Ok((Expr::Index, 1)),
                "total" => Ok((Expr::Total, 1)),
                _ => {
                    self.next = before;
                    Err(self.error("only $this, $index and $total exist"))
                }
            },
            Token::Delimited(name) => self.invocation(None, name).map(|(expr, height)| (expr, height + 1)),
            Token::Word(word) => match word.as_str() {
                "true" => literal(Literal::Boolean(true)),
                "false" => literal(Literal::Boolean(false)),
                "and" | "or" | "xor" | "implies" | "div" | "mod" => {
                    self.next = before;
                    Err(self.error("an operand is missing before this operator"))
                }
                _ => self.invocation(None, word).map(|(expr, height)| (expr, height + 1)),
            },
            _ => {
                self.next = before;
                Err(self.error("an expression is missing here"))
            }
        }
    }

    /// `4 'mg'` or `4 days`.
    fn with_unit(&mut self, value: Decimal) -> Option<Literal> {
        let (unit, calendar) = match self.peek() {
            Token::Text(unit) => (unit.clone(), false),
            Token::Word(word) if CalendarUnit::word(word).is_some() => (word.clone(), true),
            _ => return None,
        };
        self.next += 1;
        Some(Literal::Quantity { value, unit, calendar })
    }

    fn type_name(&mut self) -> Result<TypeName, PathError> {
        let part = |parser: &mut Parser| match parser.peek().clone() {
            Token::Word(name) | Token::Delimited(name) => {
                parser.next += 1;
                Ok(name)
            }
            _ => Err(parser.error("a type name is missing here")),
        };
        let name = part(self)?;
        // `x is System.String`, but not `(x as Quantity).unit`: a namespace is one of two words.
        if (name == "System" || name == "FHIR") && self.accept(".") {
            return Ok(TypeName { namespace: Some(name), name: part(self)? });
        }
        Ok(TypeName { namespace: None, name })
    }
}
