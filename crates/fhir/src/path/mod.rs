//! FHIRPath (N1, 2.0.0, with the functions and variables that FHIR R4 adds): an expression is parsed and
//! compiled once and evaluated over borrowed JSON. It never copies a resource, reads a clock or fetches
//! anything: the time, other resources and value sets are brought by the [`Context`].
//!
//! ```
//! use fhir::path::{Context, Expression};
//! let patient = serde_json::json!({ "resourceType": "Patient", "name": [{ "family": "Chalmers" }] });
//! let expression = Expression::parse("Patient.name.family").expect("a path of the standard");
//! let found = expression.evaluate(&Context::of(&patient)).expect("it stays within the default budget");
//! assert_eq!(found[0].as_str(), Some("Chalmers"));
//! assert_eq!(found[0].type_name(), "string");
//! ```

pub mod ast;
mod check;
mod collections;
mod context;
mod conversions;
mod elements;
mod evaluate;
mod functions;
mod lexer;
mod location;
mod node;
mod numbers;
mod operators;
mod parser;
mod plan;
mod quantity;
mod strings;
mod temporal;

pub use context::{Context, Profiles, Resolver, Terminology};
pub use location::Location;
pub use node::Node;
pub(crate) use operators::deep_equal;
pub use quantity::Quantity;
pub use temporal::{Precision, Shape, Temporal};

use plan::Plan;
use std::borrow::Cow;

/// Why an expression cannot be read or has no result. Names no values of a resource.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("at character {at}: {message}")]
    Syntax { at: usize, message: Cow<'static, str> },
    #[error("the expression nests too deep or is too long")]
    TooDeep,
    #[error("the function {0}() is unknown or was given the wrong number of arguments")]
    Function(String),
    #[error("the type {0} is unknown")]
    Type(String),
    #[error("{0} is no element of {1}")]
    Element(String, String),
    #[error("the variable %{0} has no value")]
    Variable(String),
    #[error("{0}")]
    Evaluation(&'static str),
    #[error("the expression asks for the time, which was not given")]
    NoTime,
    #[error("the evaluation takes more steps than allowed")]
    TooCostly,
}

/// An expression, ready to run as often as wanted and from any thread.
#[derive(Debug)]
pub struct Expression {
    text: String,
    ast: ast::Expr,
    plan: Plan,
}

impl Expression {
    pub fn parse(text: &str) -> Result<Expression, PathError> {
        let ast = parser::parse(text)?;
        let plan = plan::compile(&ast)?;
        Ok(Expression { text: text.to_owned(), ast, plan })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its shape, for those who split unions or look for a pattern.
    pub fn ast(&self) -> &ast::Expr {
        &self.ast
    }

    /// An expression of its own from a part of another: one side of a union, for example.
    pub fn of_part(part: &ast::Expr) -> Result<Expression, PathError> {
        Ok(Expression { text: String::new(), ast: part.clone(), plan: plan::compile(part)? })
    }

    /// What the expression finds, in order.
    pub fn evaluate<'a>(&'a self, context: &Context<'a>) -> Result<Vec<Node<'a>>, PathError> {
        evaluate::run(&self.plan, context).map(node::Collection::into_vec)
    }

    /// The one truth value it finds (singleton evaluation, FHIRPath N1, 4.5): nothing is `None`, one item
    /// that is no boolean is `true`, several are an error.
    pub fn evaluate_bool<'a>(&'a self, context: &Context<'a>) -> Result<Option<bool>, PathError> {
        evaluate::truth(&evaluate::run(&self.plan, context)?)
    }

    /// Whether every element it names exists in the standard, when it starts at this type; finds misspelt
    /// paths before any data do. What the types leave open passes.
    pub fn check(&self, type_name: &str) -> Result<(), PathError> {
        check::check(&self.ast, type_name)
    }
}
