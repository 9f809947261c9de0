//! The syntax tree of an expression.

use std::sync::Arc;

/// An expression's tree. It can be shared between threads; values cannot.
#[derive(Debug)]
pub(super) enum Expr {
    Literal(Literal),
    /// A word without quotes: a key after a dot, a name before `=>`, otherwise a string.
    Keyword(Arc<str>),
    /// `$` or `$name`. The name is stored without the dollar, and `$` as `1`.
    Variable(Arc<str>),
    /// `name(…)`, which becomes a method call after a dot.
    Call {
        name: Arc<str>,
        args: Vec<Arc<Expr>>,
    },
    /// An operator, an index, a list, a map: a call of one of YAQL's own functions.
    Operator {
        name: &'static str,
        args: Vec<Arc<Expr>>,
    },
    /// `receiver.member`, or `receiver?.member`.
    Dot {
        receiver: Arc<Expr>,
        member: Arc<Expr>,
        unless_null: bool,
    },
    /// `(…)`.
    Wrap(Arc<Expr>),
    /// `key => value` among arguments.
    Rule(Arc<Expr>, Arc<Expr>),
    /// An argument omitted between two commas.
    Skipped,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(Arc<str>),
}
