//! The memory budget of a template's values. A template of a few lines could otherwise
//! double a list, or use a template that uses others, until there is none left.

use std::borrow::Cow;
use std::cell::Cell;

use serde_json::{Map, Value};

use crate::error::{Problem, Result};

/// The default budget in MiB. A Controller with all its services takes a
/// sixteenth of it.
pub(crate) const MOST_MIB: usize = 512;

/// Bytes that a map's entry takes besides its key's text and its value.
const ENTRY: usize = 40;
/// Bytes that a template in use takes, and each declaration in it.
const TEMPLATE: usize = 1024;
const DECLARED: usize = 128;

/// The remaining budget. Freed memory does not return to it, so the budget also bounds time.
pub(crate) struct Budget {
    mib: usize,
    remaining: Cell<usize>,
}

impl Budget {
    /// Returns a budget of this many MiB.
    pub(crate) fn new(mib: usize) -> Self {
        Self {
            mib,
            remaining: Cell::new(mib.saturating_mul(1 << 20)),
        }
    }

    /// Counts bytes.
    pub(crate) fn spend(&self, bytes: usize) -> Result<(), Problem> {
        match self.remaining.get().checked_sub(bytes) {
            Some(remaining) => {
                self.remaining.set(remaining);
                Ok(())
            }
            None => Err(Problem::TooLarge(self.mib)),
        }
    }

    /// Counts a new value.
    pub(crate) fn spend_on(&self, value: &Value) -> Result<(), Problem> {
        self.spend(weight(value))
    }

    /// Counts a string that becomes a value.
    pub(crate) fn spend_on_text(&self, text: &str) -> Result<(), Problem> {
        self.spend(size_of::<Value>() + text.len())
    }

    /// Counts this many values.
    pub(crate) fn spend_on_many(&self, values: usize) -> Result<(), Problem> {
        self.spend(values.saturating_mul(size_of::<Value>()))
    }

    /// Counts a used template with this many declarations.
    pub(crate) fn spend_on_template(&self, declared: usize) -> Result<(), Problem> {
        self.spend(TEMPLATE + declared * DECLARED)
    }

    /// Returns a copy of a value and counts it.
    pub(crate) fn copy(&self, value: &Value) -> Result<Value, Problem> {
        self.spend_on(value)?;
        Ok(value.clone())
    }

    /// Returns a copy of a map and counts it without its keys.
    pub(crate) fn copy_map(&self, map: &Map<String, Value>) -> Result<Map<String, Value>, Problem> {
        self.spend(map.values().map(weight).sum())?;
        Ok(map.clone())
    }

    /// Returns the value itself, or a counted copy if others share it.
    pub(crate) fn own(&self, value: Cow<'_, Value>) -> Result<Value, Problem> {
        match value {
            Cow::Owned(value) => Ok(value),
            Cow::Borrowed(value) => self.copy(value),
        }
    }
}

/// Returns the bytes that a value takes.
pub(crate) fn weight(value: &Value) -> usize {
    own_weight(value)
        + match value {
            Value::Array(items) => items.iter().map(weight).sum(),
            Value::Object(map) => map.values().map(weight).sum(),
            _ => 0,
        }
}

/// Returns the bytes that a value takes without its items.
fn own_weight(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::String(text) => text.len(),
            Value::Object(map) => map.keys().map(|key| key_weight(key)).sum(),
            _ => 0,
        }
}

/// Returns the bytes that a map's entry takes besides its value.
fn key_weight(key: &str) -> usize {
    ENTRY + key.len()
}
