//! Expressions of Jinja2's grammar, with their places in the template. They are not evaluated: the
//! rewriting changes those that minijinja reads differently.

use std::ops::Range;

/// An expression and its place, parentheses included.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub at: Range<usize>,
    pub node: Node,
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// `true`, `false` or `none`.
    Constant,
    Float,
    Integer,
    /// A string: one or several literals in a row.
    Text(Vec<Range<usize>>),
    Name,
    List(Vec<Expr>),
    /// The items, and true for a tuple in parentheses.
    Tuple(Vec<Expr>, bool),
    Dict(Vec<(Expr, Expr)>),
    /// `-x`
    Negative(Box<Expr>),
    /// `+x`
    Positive(Range<usize>, Box<Expr>),
    Not(Box<Expr>),
    /// `and`, `or`: both sides.
    Logic(Box<Expr>, Box<Expr>),
    /// Operators of one precedence, from left to right.
    Math(Box<Expr>, Vec<Operation>),
    Compare(Box<Expr>, Vec<Operation>),
    /// `a if b else c`
    Choice(Vec<Expr>),
    Filter(Option<Box<Expr>>, Vec<Argument>),
    Test(Box<Expr>, Vec<Argument>),
    Attribute(Box<Expr>),
    Item(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, Slice),
    Call(Box<Expr>, Vec<Argument>),
}

/// An operator with its right side.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub operator: &'static str,
    pub at: Range<usize>,
    pub right: Expr,
}

/// `[start:stop:step]`: the places of its signs and its parts.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    pub open: usize,
    pub parts: [Option<Box<Expr>>; 3],
    pub colons: Vec<usize>,
    pub close: usize,
}

/// An argument of a call, without its name.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pub value: Expr,
}

/// A syntax error and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub at: usize,
    pub message: String,
}

pub(crate) type Result<T> = std::result::Result<T, Mistake>;
