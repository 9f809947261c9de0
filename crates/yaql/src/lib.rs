//! YAQL, the language of Heat's `yaql` function: queries over data.
//!
//! ```
//! use slipway_yaql::Expression;
//! use serde_json::json;
//!
//! let expression = Expression::parse("$.data.where($ != null).select($.name).join(',')")?;
//! let data = json!({"data": [{"name": "a"}, null, {"name": "b"}]});
//! assert_eq!(expression.evaluate(&data)?, json!("a,b"));
//!
//! let error = Expression::parse("$.data.slect($.name)")?.evaluate(&data).unwrap_err();
//! assert_eq!(error.to_string(), "unknown method `slect` of a list; did you mean `select`?");
//! # Ok::<(), slipway_yaql::Error>(())
//! ```
//!
//! The language is that of Python's yaql 3 with the options that Heat sets: no delegates, keyword
//! arguments by `=>`, tuples become lists. As in YAQL, the types of the arguments choose the function,
//! and collections are evaluated lazily. Equality, truth and text are Python's; regular expressions are
//! those of [`slipway_pyregex`]. Functions of dates and random numbers are missing.
//!
//! [`Limits`] bound every evaluation in time and memory.

mod call;
mod context;
mod convert;
mod error;
mod evaluate;
mod function;
mod iterate;
mod lexer;
mod library;
mod machine;
mod overload;
mod parser;
mod python;
mod syntax;
mod value;

use std::sync::Arc;

pub use error::Error;
pub use machine::Limits;

/// The stack that the deepest calls and values need, in bytes.
pub const STACK: usize = 64 << 20;

/// A parsed expression.
#[derive(Debug, Clone)]
pub struct Expression(Arc<syntax::Expr>);

impl Expression {
    /// Parses an expression.
    pub fn parse(text: &str) -> Result<Self, Error> {
        parser::parse(text).map(Expression)
    }

    /// Evaluates it with `$` being the data.
    pub fn evaluate(&self, data: &serde_json::Value) -> Result<serde_json::Value, Error> {
        self.evaluate_within(data, Limits::default())
    }

    /// Evaluates it within other limits.
    pub fn evaluate_within(
        &self,
        data: &serde_json::Value,
        limits: Limits,
    ) -> Result<serde_json::Value, Error> {
        stacker::maybe_grow(STACK, STACK, || {
            let machine = machine::Machine::new(limits);
            let context = context::Context::new(convert::value(data, &machine)?)?;
            let value = evaluate::evaluate(&machine, &self.0, &context)?;
            convert::data(&value, &machine)
        })
    }
}

#[cfg(test)]
mod tests;
