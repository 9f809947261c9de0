//! DER, as far as an encrypted message of PKCS7 needs it.

/// The tag of a sequence.
pub const SEQUENCE: u8 = 0x30;
/// The tag of a set.
pub const SET: u8 = 0x31;
/// The tag of an integer.
pub const INTEGER: u8 = 0x02;
/// The tag of an object identifier.
pub const OBJECT: u8 = 0x06;
/// The tag of a string of bytes.
pub const OCTETS: u8 = 0x04;
/// The tag of an element `[0]` that has other elements.
pub const EXPLICIT: u8 = 0xa0;
/// The tag of an element `[0]` that has bytes.
pub const IMPLICIT: u8 = 0x80;

/// Reads elements one after another.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// Returns the content of the next element, which has this tag.
    pub fn read(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, content) = self.element()?;
        (found == tag).then_some(content)
    }

    /// Returns a reader of the next element's content.
    pub fn enter(&mut self, tag: u8) -> Option<Reader<'a>> {
        self.read(tag).map(Reader)
    }

    fn element(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // The number of bytes of the length; more than four are no value of hiera.
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
                let length = bytes
                    .iter()
                    .fold(0, |length, byte| length << 8 | usize::from(*byte));
                (length, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_that_is_cut_off_is_none() {
        assert_eq!(Reader(&[INTEGER, 1, 7]).read(INTEGER), Some(&[7][..]));
        assert_eq!(Reader(&[INTEGER, 0x81, 1, 7]).read(INTEGER), Some(&[7][..]));
        for broken in [
            &[INTEGER][..],
            &[INTEGER, 2, 7],
            &[INTEGER, 0x82, 1],
            &[INTEGER, 0x80, 7],
        ] {
            assert_eq!(Reader(broken).read(INTEGER), None, "{broken:?}");
        }
        assert_eq!(Reader(&[OBJECT, 1, 7]).read(INTEGER), None);
    }
}
