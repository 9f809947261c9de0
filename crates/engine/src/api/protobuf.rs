//! The part of protocol buffers that BuildKit's traces need.

/// The fields of a message that are bytes, texts or messages: number and contents. What is cut
/// off or broken ends the list.
pub(super) fn fields(mut bytes: &[u8]) -> Vec<(u64, &[u8])> {
    let mut fields = Vec::new();
    while let Some((field, rest)) = field(bytes) {
        fields.extend(field);
        bytes = rest;
    }
    fields
}

type Field<'a> = Option<(u64, &'a [u8])>;

/// The first field, `None` inside when it is a number, and what follows it.
fn field(bytes: &[u8]) -> Option<(Field<'_>, &[u8])> {
    let (tag, rest) = varint(bytes)?;
    match tag & 7 {
        0 => Some((None, varint(rest)?.1)),
        1 => Some((None, rest.get(8..)?)),
        2 => {
            let (length, rest) = varint(rest)?;
            let (value, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            Some((Some((tag >> 3, value)), rest))
        }
        5 => Some((None, rest.get(4..)?)),
        _ => None,
    }
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_passed_over() {
        let bytes = [
            0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i', 0x1d, 1, 2, 3, 4, 0x22, 0x00,
        ];
        assert_eq!(fields(&bytes), [(2, &b"hi"[..]), (4, &b""[..])]);
    }

    #[test]
    fn invalid_bytes_end_the_message() {
        assert_eq!(fields(&[0x12, 0x7f, b'x']), []);
        assert_eq!(fields(&[0xff; 20]), []);
    }
}
