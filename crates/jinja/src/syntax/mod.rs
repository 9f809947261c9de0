//! The part of Jinja2's syntax that the rewriting needs.

pub(crate) mod expression;
pub(crate) mod parser;
pub(crate) mod statement;
pub(crate) mod strings;
pub(crate) mod tags;
pub(crate) mod tokens;
