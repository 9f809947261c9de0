//! Reads expressions from the tokens of a tag, by Jinja2's grammar.
//!
//! This module walks through the tokens. [`operators`] has the grammar's levels of precedence,
//! [`operands`] what operators stand between, [`filters`] what follows `|` and `is`, and [`targets`]
//! the left side of an assignment.

mod filters;
mod operands;
mod operators;
mod targets;

use std::ops::Range;

use super::expression::{Mistake, Result};
use super::tokens::{Kind, Token};

/// The most levels that expressions may nest, operators not counted: minijinja's own limit.
const MAX_DEPTH: usize = 150;

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

    /// Returns true if the next token is this word.
    fn is_word(&self, word: &str) -> bool {
        self.current()
            .is_some_and(|token| token.kind == Kind::Name && self.source[token.at.clone()] == *word)
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.current(), Some(token) if matches!(token.kind, Kind::Sign(s) if s == sign))
    }

    pub fn take_word(&mut self, word: &str) -> bool {
        let is_next = self.is_word(word);
        self.next += usize::from(is_next);
        is_next
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
}
