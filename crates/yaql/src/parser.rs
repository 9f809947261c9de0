//! The parser: from tokens to a syntax tree, by the precedence of YAQL's operators.

use std::sync::Arc;

use super::error::{Error, Result};
use super::lexer::{self, Placed, Token};
use super::syntax::{Expr, Literal};

/// The depth to which an expression may nest. Real ones stay below thirty.
const DEPTH: usize = 200;

/// Binary operators: symbol, looseness of the binding, function. All but `->` are left-associative.
const BINARY: [(&str, u8, &str); 19] = [
    (".", 1, ""),
    ("?.", 1, ""),
    ("=~", 4, "#operator_=~"),
    ("!~", 4, "#operator_!~"),
    ("*", 5, "#operator_*"),
    ("/", 5, "#operator_/"),
    ("mod", 5, "#operator_mod"),
    ("+", 6, "#operator_+"),
    ("-", 6, "#operator_-"),
    (">", 7, "#operator_>"),
    ("<", 7, "#operator_<"),
    (">=", 7, "#operator_>="),
    ("<=", 7, "#operator_<="),
    ("!=", 7, "*not_equal"),
    ("=", 7, "*equal"),
    ("in", 7, "#operator_in"),
    ("and", 9, "#operator_and"),
    ("or", 10, "#operator_or"),
    ("->", SEND, "#operator_->"),
];
const UNARY: [(&str, u8, &str); 3] = [
    ("+", 3, "#unary_operator_+"),
    ("-", 3, "#unary_operator_-"),
    ("not", 8, "#unary_operator_not"),
];
const INDEX: u8 = 2;
const SEND: u8 = 11;
const LOOSEST: u8 = 12;

pub(super) fn parse(text: &str) -> Result<Arc<Expr>> {
    let mut parser = Parser {
        tokens: lexer::tokens(text)?,
        at: 0,
    };
    let (expr, _) = parser.expression(LOOSEST, 0)?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => Err(parser.unexpected()),
    }
}

struct Parser {
    tokens: Vec<Placed>,
    at: usize,
}

/// A tree and its height.
type Tree = (Arc<Expr>, usize);

impl Parser {
    /// Parses an expression of operators that bind tighter than `limit`.
    fn expression(&mut self, limit: u8, depth: usize) -> Result<Tree> {
        if depth > DEPTH {
            return Err(too_deep());
        }
        let mut left = self.prefix(depth)?;
        loop {
            if INDEX < limit && self.eat("[") {
                let (mut args, height) = self.arguments("]", depth)?;
                args.insert(0, left.0);
                left = tree(
                    Expr::Operator {
                        name: "#indexer",
                        args,
                    },
                    left.1.max(height),
                )?;
                continue;
            }
            let Some((sign, binds, name)) = self.binary().filter(|(_, binds, _)| *binds < limit)
            else {
                return Ok(left);
            };
            self.at += 1;
            let right = self.expression(if binds == SEND { LOOSEST } else { binds }, depth + 1)?;
            let height = left.1.max(right.1);
            left = match sign {
                "." | "?." => tree(
                    Expr::Dot {
                        receiver: left.0,
                        member: right.0,
                        unless_null: sign == "?.",
                    },
                    height,
                )?,
                _ => tree(
                    Expr::Operator {
                        name,
                        args: vec![left.0, right.0],
                    },
                    height,
                )?,
            };
        }
    }

    fn prefix(&mut self, depth: usize) -> Result<Tree> {
        let Some((token, _)) = self.tokens.get(self.at).cloned() else {
            return Err(Error::syntax("the expression ends too early"));
        };
        self.at += 1;
        match token {
            Token::Literal(literal) => tree(Expr::Literal(literal), 0),
            Token::Keyword(word) => tree(Expr::Keyword(word), 0),
            Token::Variable(name) => tree(Expr::Variable(name), 0),
            Token::Function(name) => {
                let (args, height) = self.arguments(")", depth)?;
                tree(Expr::Call { name, args }, height)
            }
            Token::Sign("[") => {
                let (args, height) = self.arguments("]", depth)?;
                tree(
                    Expr::Operator {
                        name: "#list",
                        args,
                    },
                    height,
                )
            }
            Token::Sign("{") => {
                let (args, height) = self.arguments("}", depth)?;
                tree(Expr::Operator { name: "#map", args }, height)
            }
            Token::Sign("(") => {
                let (inner, height) = self.expression(LOOSEST, depth + 1)?;
                self.expect(")")?;
                tree(Expr::Wrap(inner), height)
            }
            Token::Sign(sign) => {
                let Some((_, binds, name)) = UNARY.into_iter().find(|(unary, ..)| *unary == sign)
                else {
                    self.at -= 1;
                    return Err(self.unexpected());
                };
                let (operand, height) = self.expression(binds + 1, depth + 1)?;
                tree(
                    Expr::Operator {
                        name,
                        args: vec![operand],
                    },
                    height,
                )
            }
        }
    }

    /// Parses arguments up to the closing bracket: positional ones, of which some may be omitted, then keyword
    /// arguments.
    fn arguments(&mut self, close: &'static str, depth: usize) -> Result<(Vec<Arc<Expr>>, usize)> {
        let mut args = Vec::new();
        let mut tallest = 0;
        let mut named = false;
        if self.eat(close) {
            return Ok((args, tallest));
        }
        loop {
            if !named && self.eat(",") {
                args.push(Arc::new(Expr::Skipped));
                continue;
            }
            let (value, height) = self.expression(LOOSEST, depth + 1)?;
            tallest = tallest.max(height);
            if self.eat("=>") {
                if !named
                    && matches!(
                        args.first().map(|arg: &Arc<Expr>| &**arg),
                        Some(Expr::Skipped)
                    )
                    && all_skipped(&args)
                {
                    return Err(Error::syntax(
                        "an argument is left out before the first one by name",
                    ));
                }
                named = true;
                let (to, height) = self.expression(LOOSEST, depth + 1)?;
                tallest = tallest.max(height + 1);
                args.push(Arc::new(Expr::Rule(value, to)));
            } else if named {
                return Err(Error::syntax(
                    "an argument without a name follows one with a name",
                ));
            } else {
                args.push(value);
            }
            if self.eat(close) {
                return Ok((args, tallest));
            }
            self.expect(",")?;
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn binary(&self) -> Option<(&'static str, u8, &'static str)> {
        let Some(Token::Sign(sign)) = self.peek() else {
            return None;
        };
        BINARY.into_iter().find(|(binary, ..)| binary == sign)
    }

    fn eat(&mut self, sign: &'static str) -> bool {
        let found = self.peek() == Some(&Token::Sign(sign));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &'static str) -> Result<()> {
        if self.eat(sign) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn unexpected(&self) -> Error {
        let Some((token, at)) = self.tokens.get(self.at) else {
            return Error::syntax("the expression ends too early");
        };
        let what = match token {
            Token::Sign(sign) => format!("`{sign}`"),
            Token::Keyword(word) => format!("`{word}`"),
            Token::Function(name) => format!("`{name}(`"),
            Token::Variable(name) => format!("`${name}`"),
            Token::Literal(Literal::Str(text)) => format!("the string {text:?}"),
            Token::Literal(_) => "a value".to_string(),
        };
        Error::syntax(format!("unexpected {what} at position {at}"))
    }
}

fn all_skipped(args: &[Arc<Expr>]) -> bool {
    args.iter().all(|arg| matches!(**arg, Expr::Skipped))
}

fn tree(expr: Expr, below: usize) -> Result<Tree> {
    if below >= DEPTH {
        return Err(too_deep());
    }
    Ok((Arc::new(expr), below + 1))
}

fn too_deep() -> Error {
    Error::syntax(format!("the expression nests more than {DEPTH} deep"))
}
