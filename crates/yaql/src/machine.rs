//! One evaluation and its limits.

use std::cell::Cell;

use super::error::{Error, Result};
use super::value::Level;

/// The deepest nesting of calls and iterators.
const DEPTH: u32 = 600;

/// The limits of an expression. The defaults leave room for every template that Heat evaluates.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The number of items of a collection. TripleO sets Heat's limit to 1000, later to 10000.
    pub items: usize,
    /// The number of steps of an evaluation. An item, a call, and a byte of a new string are a step each.
    pub steps: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            items: 10_000,
            steps: 20_000_000,
        }
    }
}

pub(super) struct Machine {
    limits: Limits,
    remaining: Cell<usize>,
    depth: Cell<u32>,
}

impl Machine {
    pub fn new(limits: Limits) -> Self {
        Machine {
            limits,
            remaining: Cell::new(limits.steps),
            depth: Cell::new(0),
        }
    }

    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Counts steps before they are done.
    pub fn spend(&self, steps: usize) -> Result<()> {
        match self.remaining.get().checked_sub(steps) {
            Some(remaining) => {
                self.remaining.set(remaining);
                Ok(())
            }
            None => Err(Error::new(format!(
                "the expression takes more than {} steps",
                self.limits.steps
            ))),
        }
    }

    /// Enters one level of nesting, until the result is dropped.
    pub fn deeper(&self) -> Result<Level<'_>> {
        Level::enter(&self.depth, DEPTH)
    }
}
