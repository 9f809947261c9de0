//! The header of an RPM package: an index of tags, and the data behind it.

const STRING: u32 = 6;
const TRANSLATED: u32 = 9;
const INT32: u32 = 4;

/// The bytes of an entry of the index.
const ENTRY: usize = 16;

/// A header, as the database keeps it.
pub(super) struct Header<'a> {
    index: &'a [u8],
    data: &'a [u8],
}

impl Header<'_> {
    /// Parses a header: the number of entries, the size of the data, then both.
    pub(super) fn parse(bytes: &[u8]) -> Result<Header<'_>, String> {
        let broken = || "the header of a package is broken".to_owned();
        let size = |at| usize::try_from(number_at(bytes, at)?).ok();
        let (entries, data) = size(0).zip(size(4)).ok_or_else(broken)?;
        let index = entries.checked_mul(ENTRY).ok_or_else(broken)?;
        let rest = bytes.get(8..).ok_or_else(broken)?;
        let (index, rest) = rest.split_at_checked(index).ok_or_else(broken)?;
        let data = rest.get(..data).ok_or_else(broken)?;
        Ok(Header { index, data })
    }

    /// Returns the string of a tag; of several translations, the first.
    pub(super) fn string(&self, tag: u32) -> Option<String> {
        let data = self.data_of(tag, &[STRING, TRANSLATED])?;
        let end = data.iter().position(|&byte| byte == 0)?;
        Some(String::from_utf8_lossy(&data[..end]).into_owned())
    }

    /// Returns the number of a tag.
    pub(super) fn number(&self, tag: u32) -> Option<u32> {
        number_at(self.data_of(tag, &[INT32])?, 0)
    }

    /// Returns the data from a tag's on, if it has one of the types.
    fn data_of(&self, tag: u32, types: &[u32]) -> Option<&[u8]> {
        let mut entries = self.index.chunks_exact(ENTRY);
        let entry = entries.find(|entry| number_at(entry, 0) == Some(tag))?;
        types.contains(&number_at(entry, 4)?).then_some(())?;
        self.data.get(usize::try_from(number_at(entry, 8)?).ok()?..)
    }
}

fn number_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Writes a header of strings and one number, by tag.
    fn header(strings: &[(u32, &str)], number: (u32, u32)) -> Vec<u8> {
        let (mut index, mut data) = (Vec::new(), Vec::new());
        let mut add = |tag: u32, kind: u32, value: &[u8]| {
            index.extend([tag, kind, data.len() as u32, 1]);
            data.extend_from_slice(value);
        };
        add(number.0, INT32, &number.1.to_be_bytes());
        for (tag, text) in strings {
            add(*tag, STRING, format!("{text}\0").as_bytes());
        }
        let sizes = [index.len() as u32 / 4, data.len() as u32];
        let numbers = sizes.into_iter().chain(index);
        let mut bytes: Vec<u8> = numbers.flat_map(u32::to_be_bytes).collect();
        bytes.extend(data);
        bytes
    }

    /// A header of a package.
    pub(in crate::package) fn header_of(name: &str, version: &str) -> Vec<u8> {
        header(&[(1000, name), (1001, version), (1002, "1")], (1003, 7))
    }

    #[test]
    fn tags_are_found_by_number_and_type() {
        let bytes = header_of("bash", "5");
        let header = Header::parse(&bytes).unwrap();
        assert_eq!(header.string(1000).as_deref(), Some("bash"));
        assert_eq!(header.number(1003), Some(7));
        assert_eq!(header.string(1003), None);
        assert_eq!(header.string(1022), None);
    }

    #[test]
    fn a_header_cut_short_is_an_error_and_never_a_panic() {
        let bytes = header_of("bash", "5");
        for end in 0..bytes.len() {
            assert!(Header::parse(&bytes[..end]).is_err(), "{end}");
        }
        assert!(Header::parse(&[0xff; 64]).is_err());
    }
}
