//! Names, literals, and the attributes, items and calls that follow them.

use super::Parser;
use crate::syntax::expression::{Argument, Expr, Node, Result, Slice};
use crate::syntax::tokens::Kind;

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Result<Expr> {
        let Some(token) = self.current() else {
            return self.unexpected();
        };
        let start = token.at.start;
        let word = &self.source[token.at.clone()];
        let node = match token.kind {
            Kind::Name if matches!(word, "true" | "True" | "false" | "False" | "none" | "None") => {
                self.next += 1;
                Node::Constant
            }
            Kind::Name => {
                self.next += 1;
                Node::Name
            }
            Kind::Integer | Kind::Float => {
                self.next += 1;
                if token.kind == Kind::Integer {
                    Node::Integer
                } else {
                    Node::Float
                }
            }
            Kind::Text => {
                let mut strings = Vec::new();
                while let Some(token) = self.current().filter(|token| token.kind == Kind::Text) {
                    strings.push(token.at.clone());
                    self.next += 1;
                }
                Node::Text(strings)
            }
            Kind::Sign("(") => return self.parentheses(start),
            Kind::Sign("[") => {
                self.next += 1;
                Node::List(self.items("]")?)
            }
            Kind::Sign("{") => {
                self.next += 1;
                Node::Dict(self.entries()?)
            }
            Kind::Sign(_) => return self.unexpected(),
        };
        Ok(Expr {
            at: start..self.last_end(),
            node,
        })
    }

    fn parentheses(&mut self, start: usize) -> Result<Expr> {
        self.next += 1;
        if self.take_sign(")").is_some() {
            return Ok(Expr {
                at: start..self.last_end(),
                node: Node::Tuple(Vec::new(), true),
            });
        }
        let inside = self.tuple(true)?;
        self.expect_sign(")")?;
        let at = start..self.last_end();
        let node = match inside.node {
            // Parentheses around parentheses are a tuple's own only once.
            Node::Tuple(items, false) => Node::Tuple(items, true),
            node => node,
        };
        Ok(Expr { at, node })
    }

    fn items(&mut self, close: &str) -> Result<Vec<Expr>> {
        let mut items = Vec::new();
        while self.take_sign(close).is_none() {
            if !items.is_empty() {
                self.expect_sign(",")?;
                if self.take_sign(close).is_some() {
                    break;
                }
            }
            items.push(self.expression()?);
        }
        Ok(items)
    }

    fn entries(&mut self) -> Result<Vec<(Expr, Expr)>> {
        let mut entries = Vec::new();
        while self.take_sign("}").is_none() {
            if !entries.is_empty() {
                self.expect_sign(",")?;
                if self.take_sign("}").is_some() {
                    break;
                }
            }
            let key = self.expression()?;
            self.expect_sign(":")?;
            entries.push((key, self.expression()?));
        }
        Ok(entries)
    }

    pub(super) fn postfix(&mut self, mut expr: Expr) -> Result<Expr> {
        loop {
            let start = expr.at.start;
            let node = if self.take_sign(".").is_some() {
                match self.current() {
                    Some(token) if matches!(token.kind, Kind::Name | Kind::Integer) => {
                        self.next += 1;
                        Node::Attribute(Box::new(expr))
                    }
                    _ => return self.unexpected(),
                }
            } else if let Some(open) = self.take_sign("[") {
                self.subscript(expr, open.start)?
            } else if self.is_sign("(") {
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

    fn subscript(&mut self, expr: Expr, open: usize) -> Result<Node> {
        let mut parts: [Option<Box<Expr>>; 3] = [None, None, None];
        let mut colons = Vec::new();
        loop {
            if let Some(colon) = self.take_sign(":") {
                colons.push(colon.start);
            } else if let Some(close) = self.take_sign("]") {
                if colons.is_empty() {
                    return match parts[0].take() {
                        Some(index) => Ok(Node::Item(Box::new(expr), index)),
                        None => self.mistake("expected an index"),
                    };
                }
                let slice = Slice {
                    open,
                    parts,
                    colons,
                    close: close.start,
                };
                return Ok(Node::Slice(Box::new(expr), slice));
            } else {
                match parts.get_mut(colons.len()) {
                    Some(part @ None) => *part = Some(Box::new(self.tuple_item()?)),
                    _ => return self.unexpected(),
                }
            }
        }
    }

    /// `a[1, 2]` has a tuple as its index.
    fn tuple_item(&mut self) -> Result<Expr> {
        let start = self.at();
        let first = self.expression()?;
        if !self.is_sign(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.take_sign(",").is_some() && !self.is_sign("]") {
            items.push(self.expression()?);
        }
        Ok(Expr {
            at: start..self.last_end(),
            node: Node::Tuple(items, false),
        })
    }

    pub fn arguments(&mut self) -> Result<Vec<Argument>> {
        self.expect_sign("(")?;
        let mut arguments = Vec::new();
        while self.take_sign(")").is_none() {
            if !arguments.is_empty() {
                self.expect_sign(",")?;
                if self.take_sign(")").is_some() {
                    break;
                }
            }
            if self.take_sign("*").is_none() && self.take_sign("**").is_none() {
                let equals = self.tokens.get(self.next + 1);
                let is_named = equals.is_some_and(|token| token.kind == Kind::Sign("="));
                if is_named {
                    self.name()?;
                    self.next += 1;
                }
            }
            arguments.push(Argument {
                value: self.expression()?,
            });
        }
        Ok(arguments)
    }

    pub(super) fn optional_arguments(&mut self) -> Result<Vec<Argument>> {
        if self.is_sign("(") {
            self.arguments()
        } else {
            Ok(Vec::new())
        }
    }
}
