//! Numbers as Python reads them, indices and slices.

use crate::text::is_space;

/// Returns `int(text)`, or `None` for what Python refuses and for integers of more than 128 bits.
pub fn int(text: &str) -> Option<i128> {
    int_of_base(text, 10)
}

/// Returns `int(text, base)`. Base 0 goes by the prefix, as Python's source code does.
pub fn int_of_base(text: &str, base: u32) -> Option<i128> {
    let text = text.trim_matches(is_space);
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let prefixed = |radix: u32, letters: [char; 2]| {
        let rest = digits.strip_prefix('0')?.strip_prefix(letters)?;
        (base == 0 || base == radix).then_some((radix, rest.strip_prefix('_').unwrap_or(rest)))
    };
    let (radix, digits) = prefixed(16, ['x', 'X'])
        .or_else(|| prefixed(8, ['o', 'O']))
        .or_else(|| prefixed(2, ['b', 'B']))
        .unwrap_or((if base == 0 { 10 } else { base }, digits));
    if !(2..=36).contains(&radix) {
        return None;
    }
    let has_leading_zero = digits.len() > 1 && digits.starts_with('0');
    if base == 0 && radix == 10 && has_leading_zero && digits.contains(|c| c != '0' && c != '_') {
        return None;
    }
    let mut number = 0_i128;
    let mut after_digit = false;
    for c in digits.chars() {
        if c == '_' && after_digit {
            after_digit = false;
            continue;
        }
        let digit = i128::from(c.to_digit(radix)?);
        after_digit = true;
        number = number.checked_mul(i128::from(radix))?;
        number = if is_negative {
            number.checked_sub(digit)?
        } else {
            number.checked_add(digit)?
        };
    }
    after_digit.then_some(number)
}

/// Returns `float(text)`, infinities and NaN included.
pub fn float(text: &str) -> Option<f64> {
    let text = text.trim_matches(is_space);
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_digit)
    };
    let is_separated = |at: usize| is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
    let mut underscores = text.match_indices('_').map(|(at, _)| at);
    if !underscores.all(is_separated) {
        return None;
    }
    // Rust reads the same words for what is no number, and nothing else that Python refuses.
    text.replace('_', "").parse().ok()
}

/// Returns the place of an index, which counts from the end where it is negative.
pub fn index(length: usize, index: i128) -> Option<usize> {
    let length = i128::try_from(length).ok()?;
    let at = if index < 0 {
        index.checked_add(length)?
    } else {
        index
    };
    usize::try_from(at).ok().filter(|_| at < length)
}

/// Returns the place of a slice's bound: from the end where it is negative, and never outside.
pub fn bound(index: i128, length: usize) -> usize {
    let end = i128::try_from(length).unwrap_or(i128::MAX);
    let index = if index < 0 {
        index.saturating_add(end)
    } else {
        index
    };
    usize::try_from(index.clamp(0, end)).unwrap_or(length)
}

/// Returns the places that `[start:stop:step]` takes from something of this length, in their order;
/// `None` for a step of zero.
pub fn slice(
    length: usize,
    start: Option<i128>,
    stop: Option<i128>,
    step: i128,
) -> Option<Box<dyn Iterator<Item = usize>>> {
    if step == 0 {
        return None;
    }
    let end = i128::try_from(length).ok()?;
    let (low, high) = if step > 0 { (0, end) } else { (-1, end - 1) };
    let clamp = |index: i128| {
        let index = if index < 0 {
            index.saturating_add(end)
        } else {
            index
        };
        index.clamp(low, high)
    };
    let first = start.map_or(if step > 0 { low } else { high }, clamp);
    let last = stop.map_or(if step > 0 { high } else { low }, clamp);
    let mut next = Some(first);
    Some(Box::new(std::iter::from_fn(move || {
        let at = next.filter(|at| if step > 0 { *at < last } else { *at > last })?;
        next = at.checked_add(step);
        usize::try_from(at).ok()
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        assert_eq!(int(" -1_000\n"), Some(-1000));
        assert_eq!(int_of_base("0x1F", 16), Some(31));
        assert_eq!(int_of_base("0b11", 0), Some(3));
        assert_eq!(int_of_base("ff", 16), Some(255));
        for wrong in ["", "-", "1__0", "_1", "1_", "--1", "1.0", "0x1f"] {
            assert_eq!(int(wrong), None, "{wrong}");
        }
        assert_eq!(int_of_base("010", 0), None);
        assert_eq!(int_of_base("00", 0), Some(0));
    }

    #[test]
    fn floats() {
        assert_eq!(float(" 1_0.5e3 "), Some(10500.0));
        assert_eq!(float("inf"), Some(f64::INFINITY));
        for wrong in ["", "1_", "._5", "0x1", "1e_5"] {
            assert_eq!(float(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn slices() {
        let taken = |start, stop, step| slice(5, start, stop, step).unwrap().collect::<Vec<_>>();
        assert_eq!(taken(Some(1), Some(-1), 2), [1, 3]);
        assert_eq!(taken(None, None, -1), [4, 3, 2, 1, 0]);
        assert_eq!(taken(Some(-9), Some(9), 1), [0, 1, 2, 3, 4]);
        assert_eq!(taken(Some(3), Some(0), -2), [3, 1]);
        assert_eq!(taken(Some(3), Some(3), 1), [] as [usize; 0]);
        assert!(slice(5, None, None, 0).is_none());
        assert_eq!(
            (index(3, -1), index(3, 3), index(3, -4)),
            (Some(2), None, None)
        );
    }
}
