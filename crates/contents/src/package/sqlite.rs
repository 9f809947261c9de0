//! Reads one table of an SQLite database: as much of the format as RPM's database needs.
//!
//! The database comes from an image, so nothing in it is trusted: every page is visited at most once,
//! and every offset is checked.

/// The first bytes of a database.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// The bytes of the database's header, before the first page's own.
const HEADER: usize = 100;

/// Returns the last column of each row of a table, where it is a blob or a string.
pub(super) fn blobs(bytes: &[u8], table: &str) -> Result<Vec<Vec<u8>>, String> {
    let database = Database::open(bytes).ok_or("it is not an SQLite database")?;
    let read = || {
        let root = database.root_of(table)?;
        let rows = database.rows(root)?;
        Some(
            rows.iter()
                .filter_map(|row| Some(columns(row)?.pop()?.to_vec()))
                .collect(),
        )
    };
    read().ok_or_else(|| format!("the SQLite database is broken, or has no table {table}"))
}

struct Database<'a> {
    bytes: &'a [u8],
    page_size: usize,
    /// The bytes of a page without its reserved end.
    usable: usize,
}

impl Database<'_> {
    fn open(bytes: &[u8]) -> Option<Database<'_>> {
        if !bytes.starts_with(MAGIC) || bytes.len() < HEADER {
            return None;
        }
        let page_size = match u16_at(bytes, 16)? {
            1 => 65536,
            size => usize::from(size),
        };
        let usable = page_size.checked_sub(usize::from(*bytes.get(20)?))?;
        (page_size >= 512 && usable >= 480).then_some(Database {
            bytes,
            page_size,
            usable,
        })
    }

    /// Returns a page; the first has number 1.
    fn page(&self, number: u32) -> Option<&[u8]> {
        let start = usize::try_from(number.checked_sub(1)?).ok()?;
        let start = start.checked_mul(self.page_size)?;
        self.bytes.get(start..start.checked_add(self.page_size)?)
    }

    /// Returns the root page of a table, which the first page lists.
    fn root_of(&self, table: &str) -> Option<u32> {
        let rows = self.rows(1)?;
        rows.iter().find_map(|row| {
            let columns = columns(row)?;
            let [kind, name, _, root, ..] = columns.as_slice() else {
                return None;
            };
            if *kind != b"table" || *name != table.as_bytes() {
                return None;
            }
            // A number of as many bytes as it needs.
            let root = root
                .iter()
                .fold(0u64, |sum, &byte| sum << 8 | u64::from(byte));
            u32::try_from(root).ok()
        })
    }

    /// Returns the rows of the table whose root is this page.
    fn rows(&self, root: u32) -> Option<Vec<Vec<u8>>> {
        let mut rows = Vec::new();
        let mut pages = vec![root];
        let mut visits = self.bytes.len() / self.page_size + 1;
        // Each byte belongs to one row.
        let mut budget = self.bytes.len();
        while let Some(number) = pages.pop() {
            visits = visits.checked_sub(1)?;
            let page = self.page(number)?;
            let start = if number == 1 { HEADER } else { 0 };
            let count = usize::from(u16_at(page, start + 3)?);
            match page.get(start)? {
                // An inner page: children, and the last of them in the header.
                0x05 => {
                    pages.push(u32_at(page, start + 8)?);
                    for cell in (0..count).rev() {
                        let at = usize::from(u16_at(page, start + 12 + cell * 2)?);
                        pages.push(u32_at(page, at)?);
                    }
                }
                0x0d => {
                    for cell in 0..count {
                        let at = usize::from(u16_at(page, start + 8 + cell * 2)?);
                        let row = self.row(page, at, budget)?;
                        budget -= row.len();
                        rows.push(row);
                    }
                }
                _ => return None,
            }
        }
        Some(rows)
    }

    /// Returns the record of a cell, of at most `limit` bytes, with the part that does not fit into its
    /// page.
    fn row(&self, page: &[u8], at: usize, limit: usize) -> Option<Vec<u8>> {
        let (size, at) = varint(page, at)?;
        let (_id, at) = varint(page, at)?;
        let size = usize::try_from(size).ok()?;
        if size > limit {
            return None;
        }
        let local = self.local(size);
        let mut row = page.get(at..at.checked_add(local)?)?.to_vec();
        if local == size {
            return Some(row);
        }
        let mut next = u32_at(page, at + local)?;
        while row.len() < size {
            let page = self.page(next)?;
            let rest = page.get(4..self.usable)?;
            row.extend_from_slice(&rest[..rest.len().min(size - row.len())]);
            next = u32_at(page, 0)?;
        }
        Some(row)
    }

    /// Returns the bytes of a record that are in its own page.
    fn local(&self, size: usize) -> usize {
        let usable = self.usable;
        let most = usable - 35;
        let least = (usable - 12) * 32 / 255 - 23;
        let fitting = least + size.saturating_sub(least) % (usable - 4);
        match (size <= most, fitting <= most) {
            (true, _) => size,
            (false, true) => fitting,
            (false, false) => least,
        }
    }
}

/// Returns the bytes of a record's columns.
fn columns(record: &[u8]) -> Option<Vec<&[u8]>> {
    let (end, mut at) = varint(record, 0)?;
    let end = usize::try_from(end).ok()?;
    let mut data = end;
    let mut columns = Vec::new();
    while at < end {
        let (kind, next) = varint(record, at)?;
        at = next;
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 | 7 => 8,
            // Blobs are even, strings odd.
            kind => usize::try_from(kind.checked_sub(12)? / 2).ok()?,
        };
        let after = data.checked_add(size)?;
        columns.push(record.get(data..after)?);
        data = after;
    }
    Some(columns)
}

/// Returns a number of one to nine bytes, and the offset behind it.
fn varint(bytes: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for count in 1..=9 {
        let byte = *bytes.get(at)?;
        at += 1;
        if count == 9 {
            return Some((value << 8 | u64::from(byte), at));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some((value, at))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(bytes.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// A database that Python's sqlite3 writes: rows of every size around the limits of pages.
    fn database(sizes: &[usize], page_size: u32) -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let script = format!(
            "import sqlite3, sys\n\
             db = sqlite3.connect(sys.argv[1])\n\
             db.execute('PRAGMA page_size={page_size}')\n\
             db.execute('CREATE TABLE Other (a)')\n\
             db.execute('CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)')\n\
             for size in {sizes:?}:\n    \
                 db.execute('INSERT INTO Packages (blob) VALUES (?)', (bytes(i % 251 for i in range(size)),))\n\
             db.commit()\n"
        );
        let status = Command::new("python3")
            .args(["-c", &script])
            .arg(&path)
            .status();
        assert!(status.unwrap().success());
        std::fs::read(path).unwrap()
    }

    #[test]
    fn rows_of_every_size_are_read() {
        let near = |size: usize| size.saturating_sub(40)..size + 40;
        for page_size in [512u32, 4096, 65536] {
            let page = page_size as usize;
            let mut sizes: Vec<usize> = [40, page, 2 * page].into_iter().flat_map(near).collect();
            sizes.push(20 * page);
            let read = blobs(&database(&sizes, page_size), "Packages").unwrap();
            assert_eq!(read.len(), sizes.len(), "{page_size}");
            for (row, size) in read.iter().zip(sizes) {
                assert_eq!(row.len(), size, "{page_size}");
                assert!(
                    row.iter()
                        .enumerate()
                        .all(|(i, &byte)| byte == (i % 251) as u8)
                );
            }
        }
    }

    #[test]
    fn a_broken_database_is_an_error_and_never_a_panic() {
        let bytes = database(&[10, 5000, 700], 512);
        assert!(blobs(&bytes, "Missing").is_err());
        for end in (0..bytes.len()).step_by(37) {
            let _ = blobs(&bytes[..end], "Packages");
        }
        for at in 0..bytes.len().min(4096) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0xff;
            let _ = blobs(&bytes, "Packages");
        }
    }
}
