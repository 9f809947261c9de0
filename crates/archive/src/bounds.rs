//! The bounds of an archive, and the reader that keeps them.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use crate::error::{ArchiveError, Bound};
use crate::path::MemberPath;

/// Unpacked bytes that any archive may have, however small it is packed.
const RATIO_FREE: u64 = 64 << 20;

/// Bytes of headers and extended names that may precede one member.
const HEADERS: u64 = 1 << 20;

/// The limits of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all members' contents together.
    pub total: u64,
    /// Bytes of one member's contents.
    pub member: u64,
    /// Number of members.
    pub entries: u64,
    /// Directories that a path may nest.
    pub depth: usize,
    /// Bytes of a path.
    pub path: usize,
    /// Unpacked bytes for each packed byte. Applies to archives that unpack to more than 64 MiB.
    pub ratio: u64,
}

impl Default for Limits {
    /// Limits that the largest source archives stay well within.
    fn default() -> Self {
        Limits {
            total: 8 << 30,
            member: 4 << 30,
            entries: 500_000,
            depth: 128,
            path: 4096,
            ratio: 200,
        }
    }
}

/// The bytes that may still be read of one archive. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Rc<Remaining>);

#[derive(Debug)]
struct Remaining {
    content_limit: u64,
    contents: Cell<u64>,
    /// Of the whole stream, headers and padding included.
    stream: Cell<u64>,
    /// Of the headers before the next member; `None` while contents are read.
    headers: Cell<Option<u64>>,
}

impl Budget {
    pub(crate) fn new(limits: &Limits, packed: u64) -> Budget {
        let content_limit = limits
            .total
            .min(packed.saturating_mul(limits.ratio).max(RATIO_FREE));
        Budget(Rc::new(Remaining {
            content_limit,
            contents: Cell::new(content_limit),
            stream: Cell::new(content_limit.saturating_mul(2).saturating_add(RATIO_FREE)),
            headers: Cell::new(Some(HEADERS)),
        }))
    }

    pub(crate) fn content_limit(&self) -> u64 {
        self.0.content_limit
    }

    pub(crate) fn begin_header(&self) {
        self.0.headers.set(Some(HEADERS));
    }

    pub(crate) fn begin_contents(&self) {
        self.0.headers.set(None);
    }

    /// Counts a member's contents before they are read.
    pub(crate) fn add_contents(
        &self,
        path: &MemberPath,
        size: u64,
        limits: &Limits,
    ) -> Result<(), ArchiveError> {
        if size > limits.member {
            return Err(Bound::Member { size }.error(Some(path), limits.member));
        }
        match self.0.contents.get().checked_sub(size) {
            Some(rest) => {
                self.0.contents.set(rest);
                Ok(())
            }
            None => Err(Bound::Total.error(Some(path), self.0.content_limit)),
        }
    }

    /// A reader that draws on this budget.
    pub(crate) fn meter<R: Read>(&self, inner: R) -> Metered<R> {
        Metered {
            inner,
            budget: self.clone(),
        }
    }

    fn spend(&self, count: u64) -> Result<(), ArchiveError> {
        let remaining = &self.0;
        if let Some(headers) = remaining.headers.get() {
            let rest = headers.checked_sub(count);
            let rest = rest.ok_or_else(|| Bound::Headers.error(None, HEADERS))?;
            remaining.headers.set(Some(rest));
        }
        let rest = remaining.stream.get().checked_sub(count);
        let rest = rest.ok_or_else(|| Bound::Total.error(None, remaining.content_limit))?;
        remaining.stream.set(rest);
        Ok(())
    }
}

/// A reader whose bytes count against a budget.
pub(crate) struct Metered<R> {
    inner: R,
    budget: Budget,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.budget.spend(count as u64).map_err(io::Error::other)?;
        Ok(count)
    }
}
