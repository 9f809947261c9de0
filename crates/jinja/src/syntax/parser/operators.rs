//! Operators, from the loosest binding to the tightest.

use std::ops::Range;

use super::Parser;
use crate::syntax::expression::{Expr, Node, Operation, Result};

impl Parser<'_> {
    /// Reads an expression, or several with commas between them, which are a tuple.
    pub fn tuple(&mut self, with_choice: bool) -> Result<Expr> {
        let start = self.at();
        let mut items = Vec::new();
        let mut is_tuple = false;
        loop {
            if !items.is_empty() && self.ends_tuple() {
                break;
            }
            let item = if with_choice {
                self.expression()?
            } else {
                self.or()?
            };
            items.push(item);
            if self.take_sign(",").is_none() {
                break;
            }
            is_tuple = true;
        }
        match items.pop() {
            Some(only) if !is_tuple => Ok(only),
            last => {
                items.extend(last);
                let at = start..self.last_end();
                Ok(Expr {
                    at,
                    node: Node::Tuple(items, false),
                })
            }
        }
    }

    fn ends_tuple(&self) -> bool {
        self.is_done() || self.is_sign(")") || self.is_word("if") || self.is_word("recursive")
    }

    /// Reads one expression.
    pub fn expression(&mut self) -> Result<Expr> {
        self.deeper(|parser| {
            let start = parser.at();
            let mut parts = vec![parser.or()?];
            while parser.take_word("if") {
                parts.push(parser.or()?);
                if parser.take_word("else") {
                    parts.push(parser.expression()?);
                }
            }
            if parts.len() == 1 {
                return Ok(parts.remove(0));
            }
            let at = start..parser.last_end();
            Ok(Expr {
                at,
                node: Node::Choice(parts),
            })
        })
    }

    pub fn or(&mut self) -> Result<Expr> {
        let mut left = self.and()?;
        while self.take_word("or") {
            left = logic(left, self.and()?);
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr> {
        let mut left = self.not()?;
        while self.take_word("and") {
            left = logic(left, self.not()?);
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expr> {
        let mut starts = Vec::new();
        while self.is_word("not") {
            starts.push(self.at());
            self.next += 1;
        }
        let mut expr = self.compare()?;
        for start in starts.into_iter().rev() {
            expr = Expr {
                at: start..expr.at.end,
                node: Node::Not(Box::new(expr)),
            };
        }
        Ok(expr)
    }

    fn compare(&mut self) -> Result<Expr> {
        let first = self.sum()?;
        let mut operations = Vec::new();
        loop {
            let start = self.at();
            let Some(operator) = self.comparison() else {
                break;
            };
            let at = start..self.last_end();
            let right = self.sum()?;
            operations.push(Operation {
                operator,
                at,
                right,
            });
        }
        Ok(chain(first, operations, Node::Compare))
    }

    fn comparison(&mut self) -> Option<&'static str> {
        for sign in ["==", "!=", "<=", ">=", "<", ">"] {
            if self.take_sign(sign).is_some() {
                return Some(sign);
            }
        }
        if self.take_word("in") {
            return Some("in");
        }
        let follows = self.tokens.get(self.next + 1);
        let is_in = follows.is_some_and(|token| self.source[token.at.clone()] == *"in");
        if self.is_word("not") && is_in {
            self.next += 2;
            return Some("not in");
        }
        None
    }

    fn sum(&mut self) -> Result<Expr> {
        self.math(&["+", "-"], Self::concatenation)
    }

    fn concatenation(&mut self) -> Result<Expr> {
        self.math(&["~"], Self::product)
    }

    fn product(&mut self) -> Result<Expr> {
        self.math(&["*", "//", "/", "%"], Self::power)
    }

    fn power(&mut self) -> Result<Expr> {
        self.math(&["**"], |parser| parser.unary(true))
    }

    fn math(
        &mut self,
        signs: &[&'static str],
        operand: fn(&mut Self) -> Result<Expr>,
    ) -> Result<Expr> {
        let first = operand(self)?;
        let mut operations = Vec::new();
        while let Some((operator, at)) = self.any_sign(signs) {
            let right = operand(self)?;
            operations.push(Operation {
                operator,
                at,
                right,
            });
        }
        Ok(chain(first, operations, Node::Math))
    }

    fn any_sign(&mut self, signs: &[&'static str]) -> Option<(&'static str, Range<usize>)> {
        let sign = signs.iter().find(|sign| self.is_sign(sign))?;
        Some((sign, self.take_sign(sign)?))
    }

    fn unary(&mut self, with_filter: bool) -> Result<Expr> {
        self.deeper(|parser| {
            let start = parser.at();
            let mut expr = if parser.take_sign("-").is_some() {
                let operand = parser.unary(false)?;
                Expr {
                    at: start..operand.at.end,
                    node: Node::Negative(Box::new(operand)),
                }
            } else if let Some(sign) = parser.take_sign("+") {
                let operand = parser.unary(false)?;
                Expr {
                    at: start..operand.at.end,
                    node: Node::Positive(sign, Box::new(operand)),
                }
            } else {
                parser.primary()?
            };
            expr = parser.postfix(expr)?;
            if with_filter {
                parser.filters(expr)
            } else {
                Ok(expr)
            }
        })
    }
}

fn logic(left: Expr, right: Expr) -> Expr {
    Expr {
        at: left.at.start..right.at.end,
        node: Node::Logic(Box::new(left), Box::new(right)),
    }
}

fn chain(
    first: Expr,
    operations: Vec<Operation>,
    node: fn(Box<Expr>, Vec<Operation>) -> Node,
) -> Expr {
    match operations.last() {
        None => first,
        Some(last) => Expr {
            at: first.at.start..last.right.at.end,
            node: node(Box::new(first), operations),
        },
    }
}
