//! Targets of assignments.

use std::ops::Range;

use super::Parser;
use crate::syntax::expression::Result;

impl Parser<'_> {
    /// Reads the target of an assignment: the names that get values.
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
