//! Jinja2's syntax, as far as it has to be known to rewrite it.

pub(crate) mod expression;
pub(crate) mod statement;
pub(crate) mod strings;
pub(crate) mod tags;
pub(crate) mod tokens;
