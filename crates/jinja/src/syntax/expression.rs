//! Tokens → expressions, by Jinja2's grammar. Only places are kept: an expression is not evaluated
//! here, but rewritten where minijinja would take it for something else.

use std::ops::Range;

use super::tokens::{Kind, Token};

/// The most levels that expressions may nest, operators not counted: minijinja's own limit.
const MAX_DEPTH: usize = 150;

/// An expression and its place, parentheses included.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub at: Range<usize>,
    pub node: Node,
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// A number or a constant.
    Plain,
    Float,
    Integer,
    /// Strings that follow one another are one.
    Text(Vec<Range<usize>>),
    Name,
    List(Vec<Expr>),
    /// With its parentheses, if it has any.
    Tuple(Vec<Expr>, bool),
    Dict(Vec<(Expr, Expr)>),
    /// `-x`
    Negative(Box<Expr>),
    /// `+x`
    Positive(Range<usize>, Box<Expr>),
    Not(Box<Expr>),
    /// `and`, `or`: both sides.
    Logic(Box<Expr>, Box<Expr>),
    /// Operators that bind alike, from left to right: each with its place and right side.
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

/// A mistake: its place, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub at: usize,
    pub message: String,
}

pub(crate) type Result<T> = std::result::Result<T, Mistake>;

/// Reads expressions from a tag's tokens.
pub(crate) struct Parser<'a> {
    source: &'a str,
    tokens: &'a [Token],
    next: usize,
    /// The position of the end of the tag.
    end: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub fn new(source: &'a str, tokens: &'a [Token], end: usize) -> Self {
        Parser {
            source,
            tokens,
            next: 0,
            end,
            depth: 0,
        }
    }

    pub fn is_done(&self) -> bool {
        self.next >= self.tokens.len()
    }

    fn current(&self) -> Option<&'a Token> {
        self.tokens.get(self.next)
    }

    /// Returns the place of the next token.
    pub fn at(&self) -> usize {
        self.current().map_or(self.end, |token| token.at.start)
    }

    fn last_end(&self) -> usize {
        match self
            .next
            .checked_sub(1)
            .and_then(|last| self.tokens.get(last))
        {
            Some(token) => token.at.end,
            None => self.at(),
        }
    }

    pub fn mistake<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(Mistake {
            at: self.at(),
            message: message.into(),
        })
    }

    fn unexpected<T>(&self) -> Result<T> {
        match self.current() {
            Some(token) => {
                let text = &self.source[token.at.clone()];
                self.mistake(format!("unexpected {text:?}"))
            }
            None => self.mistake("unexpected end of the tag"),
        }
    }

    /// Returns the next token if it is this word.
    fn is_word(&self, word: &str) -> bool {
        self.current()
            .is_some_and(|token| token.kind == Kind::Name && self.source[token.at.clone()] == *word)
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.current(), Some(token) if matches!(token.kind, Kind::Sign(s) if s == sign))
    }

    pub fn take_word(&mut self, word: &str) -> bool {
        let is_there = self.is_word(word);
        self.next += usize::from(is_there);
        is_there
    }

    pub fn take_sign(&mut self, sign: &str) -> Option<Range<usize>> {
        let at = self.current()?.at.clone();
        self.is_sign(sign).then(|| {
            self.next += 1;
            at
        })
    }

    pub fn expect_sign(&mut self, sign: &str) -> Result<Range<usize>> {
        match self.take_sign(sign) {
            Some(at) => Ok(at),
            None => self.unexpected(),
        }
    }

    pub fn name(&mut self) -> Result<Range<usize>> {
        match self.current() {
            Some(token) if token.kind == Kind::Name => {
                self.next += 1;
                Ok(token.at.clone())
            }
            _ => self.unexpected(),
        }
    }

    pub fn finish(&self) -> Result<()> {
        if self.is_done() {
            Ok(())
        } else {
            self.unexpected()
        }
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.mistake("expressions nest too deep");
        }
        let read = read(self);
        self.depth -= 1;
        read
    }

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
        let first = self.math1()?;
        let mut operations = Vec::new();
        loop {
            let start = self.at();
            let Some(operator) = self.comparison() else {
                break;
            };
            let at = start..self.last_end();
            let right = self.math1()?;
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

    fn math1(&mut self) -> Result<Expr> {
        self.math(&["+", "-"], Self::concatenation)
    }

    fn concatenation(&mut self) -> Result<Expr> {
        self.math(&["~"], Self::math2)
    }

    fn math2(&mut self) -> Result<Expr> {
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

    fn primary(&mut self) -> Result<Expr> {
        let Some(token) = self.current() else {
            return self.unexpected();
        };
        let start = token.at.start;
        let word = &self.source[token.at.clone()];
        let node = match token.kind {
            Kind::Name if matches!(word, "true" | "True" | "false" | "False" | "none" | "None") => {
                self.next += 1;
                Node::Plain
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

    fn postfix(&mut self, mut expr: Expr) -> Result<Expr> {
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

    fn filters(&mut self, mut expr: Expr) -> Result<Expr> {
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

    fn optional_arguments(&mut self) -> Result<Vec<Argument>> {
        if self.is_sign("(") {
            self.arguments()
        } else {
            Ok(Vec::new())
        }
    }

    /// Reads `name(…) | name(…)`, what `{% filter %}` and `{% set x | … %}` have.
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

    /// Reads the target of an assignment: the names that it gives values to.
    pub fn targets(&mut self) -> Result<Vec<Range<usize>>> {
        let mut names = Vec::new();
        loop {
            if self.take_sign("(").is_some() {
                names.extend(self.targets()?);
                self.expect_sign(")")?;
            } else {
                let mut name = self.name()?;
                while self.take_sign(".").is_some() {
                    name.end = self.name()?.end;
                }
                names.push(name);
            }
            if self.take_sign(",").is_none() || self.ends_targets() {
                return Ok(names);
            }
        }
    }

    fn ends_targets(&self) -> bool {
        self.is_done() || self.is_sign("=") || self.is_sign(")") || self.is_word("in")
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
