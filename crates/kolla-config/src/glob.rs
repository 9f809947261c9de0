//! Python's `fnmatch` patterns, the components of a glob.

/// Tells whether `path` is a glob, as Python's `glob.has_magic` does.
pub(crate) fn has_magic(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// Tells whether `name` matches one component of a glob. Only a pattern with a leading dot matches a
/// name with one.
pub(crate) fn matches(pattern: &str, name: &[u8]) -> bool {
    if name.starts_with(b".") && !pattern.starts_with('.') {
        return false;
    }
    fnmatch(&tokens(pattern), &characters(name))
}

/// Returns the characters of a name. A byte that is not UTF-8 counts as one that equals no other.
fn characters(name: &[u8]) -> Vec<u32> {
    /// Such bytes become surrogates, as in Python.
    const BYTES: u32 = 0xdc00;
    let mut characters = Vec::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        characters.extend(chunk.valid().chars().map(u32::from));
        characters.extend(chunk.invalid().iter().map(|byte| BYTES + u32::from(*byte)));
    }
    characters
}

enum Token {
    Star,
    Any,
    One(u32),
    Set {
        negated: bool,
        ranges: Vec<(u32, u32)>,
    },
}

impl Token {
    fn matches(&self, c: u32) -> bool {
        match self {
            Token::Star => false,
            Token::Any => true,
            Token::One(one) => *one == c,
            Token::Set { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

fn tokens(pattern: &str) -> Vec<Token> {
    let pattern: Vec<char> = pattern.chars().collect();
    let mut tokens = Vec::new();
    let mut rest = pattern.as_slice();
    while let [first, after @ ..] = rest {
        rest = after;
        tokens.push(match first {
            '*' => Token::Star,
            '?' => Token::Any,
            '[' => match set_end(after) {
                Some(end) => {
                    rest = &after[end + 1..];
                    set(&after[..end])
                }
                // A bracket that is never closed stands for itself.
                None => Token::One('['.into()),
            },
            c => Token::One(u32::from(*c)),
        });
    }
    tokens
}

/// Returns the end of the set that starts here: a bracket right at its start is a member of it.
fn set_end(set: &[char]) -> Option<usize> {
    let negation = usize::from(set.first() == Some(&'!'));
    let first = negation + usize::from(set.get(negation) == Some(&']'));
    set.iter()
        .skip(first)
        .position(|c| *c == ']')
        .map(|at| at + first)
}

fn set(body: &[char]) -> Token {
    let (negated, mut rest) = match body {
        ['!', rest @ ..] => (true, rest),
        body => (false, body),
    };
    let mut ranges = Vec::new();
    loop {
        rest = match rest {
            [low, '-', high, after @ ..] => {
                ranges.push((u32::from(*low), u32::from(*high)));
                after
            }
            [c, after @ ..] => {
                ranges.push((u32::from(*c), u32::from(*c)));
                after
            }
            [] => return Token::Set { negated, ranges },
        };
    }
}

/// Matches without recursion: on a mismatch the last star takes one more character.
fn fnmatch(pattern: &[Token], name: &[u32]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut retry = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(Token::Star) => {
                retry = Some((p + 1, n));
                p += 1;
            }
            Some(token) if token.matches(name[n]) => {
                p += 1;
                n += 1;
            }
            _ => match retry {
                Some((after_star, taken)) => {
                    p = after_star;
                    n = taken + 1;
                    retry = Some((after_star, n));
                }
                None => return false,
            },
        }
    }
    pattern[p..]
        .iter()
        .all(|token| matches!(token, Token::Star))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_pythons_do() {
        for (pattern, name, expected) in [
            ("*", "a", true),
            ("*", "", true),
            ("*", ".a", false),
            (".*", ".a", true),
            ("?", ".", false),
            ("[.]a", ".a", false),
            ("*.conf", "a.conf", true),
            ("*.conf", ".conf", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("a?c", "abc", true),
            ("a?c", "aéc", true),
            ("[ab]x", "bx", true),
            ("[!ab]x", "bx", false),
            ("[!ab]x", "cx", true),
            ("[a-c]", "b", true),
            ("[c-a]", "b", false),
            ("[a-]", "-", true),
            ("[-a]", "-", true),
            ("[]]", "]", true),
            ("[!]]", "]", false),
            ("[!]]", "a", true),
            ("[", "[", true),
            ("[a", "[a", true),
            ("[!", "[!", true),
            ("a[]", "a[]", true),
            ("[^a]", "^", true),
            ("[\\]", "\\", true),
            ("**", "ab", true),
            ("a\nb", "a\nb", true),
            ("a*", "a\n", true),
        ] {
            assert_eq!(
                matches(pattern, name.as_bytes()),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn names_need_not_be_text() {
        assert!(matches("a?b", b"a\xffb"));
        assert!(matches("*", b"\xff\xfe"));
        assert!(!matches("a\u{fffd}b", b"a\xffb"));
    }

    #[test]
    fn many_stars_match_in_bounded_time() {
        let name = vec![b'a'; 4000];
        assert!(!matches(&"*a".repeat(200).replace("*a", "*a*b"), &name));
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_panics(pattern in r"[\[\]!*?a-cé-]{0,12}", name in proptest::collection::vec(0u8..=255, 0..12)) {
            matches(&pattern, &name);
        }

        #[test]
        fn a_literal_matches_itself_only(name in "[a-z.]{1,8}", other in "[a-z.]{1,8}") {
            proptest::prop_assert!(matches(&name, name.as_bytes()));
            proptest::prop_assert_eq!(matches(&name, other.as_bytes()), name == other);
        }
    }
}
