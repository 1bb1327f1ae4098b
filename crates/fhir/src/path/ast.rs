//! The shape of a FHIRPath expression as written (FHIRPath N1, grammar), for those who want to look
//! at one before running it: search splits unions here and recognises `where(resolve() is Patient)`.
//! It never evaluates anything; [`crate::path::Expression`] does.

use super::temporal::Temporal;
use rust_decimal::Decimal;

/// One expression. The input of a chain is `of`/`on`; `None` means the focus (`$this`).
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    Literal(Literal),
    This,
    Index,
    Total,
    /// `%name`, without the percent sign.
    Variable(String),
    /// `of.name`
    Member {
        of: Option<Box<Expr>>,
        name: String,
    },
    /// `on.name(arguments)`
    Call {
        on: Option<Box<Expr>>,
        name: String,
        arguments: Vec<Expr>,
    },
    /// `of[index]`
    Item {
        of: Box<Expr>,
        index: Box<Expr>,
    },
    Unary {
        sign: Sign,
        operand: Box<Expr>,
    },
    Binary {
        operator: Operator,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `a | b | c`, flat however many there are.
    Union(Vec<Expr>),
    /// `operand is kind`
    Is {
        operand: Box<Expr>,
        kind: TypeName,
    },
    /// `operand as kind`
    As {
        operand: Box<Expr>,
        kind: TypeName,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `{}`
    Empty,
    Boolean(bool),
    Integer(i64),
    Decimal(Decimal),
    String(String),
    Temporal(Temporal),
    /// `4 'mg'`, or with `calendar` the words: `4 days`.
    Quantity {
        value: Decimal,
        unit: String,
        calendar: bool,
    },
}

/// A type as written: `Patient`, `FHIR.Patient`, `System.String`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeName {
    pub namespace: Option<String>,
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Plus,
    Minus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Multiply,
    Divide,
    Div,
    Mod,
    Plus,
    Minus,
    Concatenate,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    Equivalent,
    NotEquivalent,
    In,
    Contains,
    And,
    Or,
    Xor,
    Implies,
}

impl Expr {
    /// The parts of a union; an expression that is none is its own only part.
    pub fn union_parts(&self) -> &[Expr] {
        match self {
            Expr::Union(parts) => parts,
            other => std::slice::from_ref(other),
        }
    }

    /// The target types of `X.where(resolve() is Patient)` together with `X`.
    pub fn resolved_type(&self) -> Option<(&Expr, &TypeName)> {
        let Expr::Call { on: Some(on), name, arguments } = self else { return None };
        let (true, [Expr::Is { operand, kind }]) = (name == "where", arguments.as_slice()) else { return None };
        match operand.as_ref() {
            Expr::Call { on: None, name, arguments } if name == "resolve" && arguments.is_empty() => Some((on, kind)),
            _ => None,
        }
    }

    /// Reads `Patient`, `FHIR.Patient` where the grammar gives an expression but a type is meant: `is(Patient)`.
    pub fn as_type_name(&self) -> Option<TypeName> {
        match self {
            Expr::Member { of: None, name } => Some(TypeName { namespace: None, name: name.clone() }),
            Expr::Member { of: Some(of), name } => match of.as_ref() {
                Expr::Member { of: None, name: namespace } => {
                    Some(TypeName { namespace: Some(namespace.clone()), name: name.clone() })
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The resource type a simple path starts with: `Patient` of `Patient.name.where(use = 'usual').family`.
    pub fn starts_with_type(&self) -> Option<&str> {
        match self {
            Expr::Member { of: None, name } => {
                name.starts_with(|first: char| first.is_ascii_uppercase()).then_some(name)
            }
            Expr::Member { of: Some(of), .. } | Expr::Call { on: Some(of), .. } | Expr::Item { of, .. } => {
                of.starts_with_type()
            }
            Expr::As { operand, .. } | Expr::Is { operand, .. } => operand.starts_with_type(),
            _ => None,
        }
    }
}
