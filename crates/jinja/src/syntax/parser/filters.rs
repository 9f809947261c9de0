//! Filters and tests.

use super::Parser;
use crate::syntax::expression::{Argument, Expr, Node, Result};
use crate::syntax::tokens::{Kind, Token};

impl Parser<'_> {
    pub(super) fn filters(&mut self, mut expr: Expr) -> Result<Expr> {
        loop {
            let start = expr.at.start;
            let node = if self.take_sign("|").is_some() {
                self.dotted()?;
                Node::Filter(Some(Box::new(expr)), self.optional_arguments()?)
            } else if self.take_word("is") {
                self.take_word("not");
                self.dotted()?;
                let arguments = match self.current() {
                    Some(_) if self.is_sign("(") => self.arguments()?,
                    Some(token) if self.is_operand(token) => {
                        let operand = self.primary()?;
                        let value = self.postfix(operand)?;
                        vec![Argument { value }]
                    }
                    _ => Vec::new(),
                };
                Node::Test(Box::new(expr), arguments)
            } else if self.is_sign("(") {
                // A filter's result may be called.
                Node::Call(Box::new(expr), self.arguments()?)
            } else {
                return Ok(expr);
            };
            expr = Expr {
                at: start..self.last_end(),
                node,
            };
        }
    }

    fn is_operand(&self, token: &Token) -> bool {
        match token.kind {
            Kind::Name => {
                let word = &self.source[token.at.clone()];
                !matches!(
                    word,
                    "else" | "or" | "and" | "is" | "if" | "in" | "not" | "recursive"
                )
            }
            Kind::Text | Kind::Integer | Kind::Float => true,
            Kind::Sign(sign) => matches!(sign, "[" | "{"),
        }
    }

    fn dotted(&mut self) -> Result<()> {
        self.name()?;
        while self.take_sign(".").is_some() {
            self.name()?;
        }
        Ok(())
    }

    /// Reads `name(…) | name(…)`, the filters of `{% filter %}` and `{% set x | … %}`.
    pub fn filter_chain(&mut self) -> Result<Expr> {
        let start = self.at();
        self.dotted()?;
        let node = Node::Filter(None, self.optional_arguments()?);
        let first = Expr {
            at: start..self.last_end(),
            node,
        };
        self.filters(first)
    }
}
