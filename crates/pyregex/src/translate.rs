//! A pattern of Python's as the engine takes it.

use crate::class::class;
use crate::escape::{Escape, Source, escape, literal};
use crate::{Flags, PatternError};

/// The groups that may lie inside one another.
const MAX_DEPTH: usize = 200;

/// Translates a pattern, its flags put in front.
pub fn translate(pattern: &str, flags: Flags) -> Result<String, PatternError> {
    let mut translation = Translation {
        source: Source::new(pattern),
        out: String::with_capacity(pattern.len() + 8),
        scopes: vec![Scope {
            multi_line: flags.multi_line,
            verbose: false,
            look_around: None,
        }],
        last: Last::Nothing,
    };
    let letters = flags.letters();
    if !letters.is_empty() {
        translation.out.push_str(&format!("(?{letters})"));
    }
    translation.run()?;
    Ok(translation.out)
}

/// The item that a quantifier would repeat.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Nothing that can be repeated.
    Nothing,
    /// A character, class or group.
    Item,
    /// A look-around, which begins here in the output.
    LookAround(usize),
    /// Something that is repeated already.
    Repeated,
}

/// The flags inside a group that the translation depends on.
#[derive(Clone, Copy)]
struct Scope {
    multi_line: bool,
    verbose: bool,
    /// The position in the output of the look-around that this group is, if it is one.
    look_around: Option<usize>,
}

struct Translation<'p> {
    source: Source<'p>,
    out: String,
    /// The groups that are open, the whole pattern first.
    scopes: Vec<Scope>,
    last: Last,
}

impl Translation<'_> {
    fn run(&mut self) -> Result<(), PatternError> {
        while let Some(c) = self.source.next() {
            match c {
                '\\' => self.escape()?,
                '[' => {
                    class(&mut self.source, &mut self.out)?;
                    self.last = Last::Item;
                }
                '(' => self.open()?,
                ')' => self.close()?,
                '|' => self.put("|", Last::Nothing),
                '^' => self.put("^", Last::Nothing),
                '$' => self.end_of_text(),
                '.' => self.put(".", Last::Item),
                '*' | '+' | '?' => self.quantifier(&c.to_string())?,
                '{' => self.braces()?,
                '#' if self.scope().verbose => self.comment_line(),
                c if c.is_ascii_whitespace() && self.scope().verbose => {}
                c => {
                    literal(&mut self.out, c);
                    self.last = Last::Item;
                }
            }
        }
        match self.scopes.len() {
            1 => Ok(()),
            _ => Err(self.source.error("a group without its closing parenthesis")),
        }
    }

    fn put(&mut self, text: &str, last: Last) {
        self.out.push_str(text);
        self.last = last;
    }

    fn scope(&self) -> Scope {
        self.scopes.last().copied().unwrap_or(Scope {
            multi_line: false,
            verbose: false,
            look_around: None,
        })
    }

    fn escape(&mut self) -> Result<(), PatternError> {
        match escape(&mut self.source, false)? {
            Escape::Char(c) => {
                literal(&mut self.out, c);
                self.last = Last::Item;
            }
            Escape::Class(letter) => self.put(&format!("\\{letter}"), Last::Item),
            Escape::Position('Z') => self.put("\\z", Last::Nothing),
            // Python's is not in an empty text.
            Escape::Position('B') => self.put("\\B(?!\\A\\z)", Last::Nothing),
            Escape::Position(letter) => self.put(&format!("\\{letter}"), Last::Nothing),
            // In a group of its own: a digit that follows is none of its number.
            Escape::Group(number) => self.put(&format!("(?:\\{number})"), Last::Item),
        }
        Ok(())
    }

    /// Python's `$` is also before a newline at the end.
    fn end_of_text(&mut self) {
        let end = match self.scope().multi_line {
            true => "$",
            false => "(?=\\n?\\z)",
        };
        self.put(end, Last::Nothing);
    }

    fn quantifier(&mut self, quantifier: &str) -> Result<(), PatternError> {
        match self.last {
            Last::Nothing => return Err(self.source.error("nothing to repeat")),
            Last::Repeated => return Err(self.source.error("a quantifier of a quantifier")),
            // The engine repeats no look-around: once says as much as many times.
            Last::LookAround(start) if is_optional(quantifier) => {
                self.out.insert_str(start, "(?:");
                self.out.push_str("|)");
            }
            Last::LookAround(_) => {}
            Last::Item => self.out.push_str(quantifier),
        }
        // Lazy, or possessive.
        for suffix in ["?", "+"] {
            if self.source.take(suffix) {
                if self.last == Last::Item {
                    self.out.push_str(suffix);
                }
                break;
            }
        }
        self.last = Last::Repeated;
        Ok(())
    }

    /// `{m}`, `{m,}`, `{,n}` and `{m,n}` are quantifiers; any other brace is itself.
    fn braces(&mut self) -> Result<(), PatternError> {
        let Some((inner, after)) = self.source.text().split_once('}') else {
            literal(&mut self.out, '{');
            self.last = Last::Item;
            return Ok(());
        };
        let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let (least, most) = inner.split_once(',').unwrap_or((inner, inner));
        if inner.is_empty() || !is_number(least) || !is_number(most) {
            literal(&mut self.out, '{');
            self.last = Last::Item;
            return Ok(());
        }
        let taken = self.source.text().len() - after.len();
        let taken = self.source.text()[..taken].to_owned();
        self.source.take(&taken);
        let least = match least {
            "" => "0",
            least => least,
        };
        match inner.contains(',') {
            true => self.quantifier(&format!("{{{least},{most}}}")),
            false => self.quantifier(&format!("{{{least}}}")),
        }
    }

    fn comment_line(&mut self) {
        while self.source.next().is_some_and(|c| c != '\n') {}
    }

    fn open(&mut self) -> Result<(), PatternError> {
        if self.scopes.len() > MAX_DEPTH {
            return Err(self.source.error("groups nested too deeply"));
        }
        self.last = Last::Nothing;
        if !self.source.take("?") {
            return self.group("(");
        }
        for kind in ["=", "!", "<=", "<!"] {
            if self.source.take(kind) {
                let start = self.out.len();
                self.group(&format!("(?{kind}"))?;
                if let Some(innermost) = self.scopes.last_mut() {
                    innermost.look_around = Some(start);
                }
                return Ok(());
            }
        }
        for kind in [":", ">"] {
            if self.source.take(kind) {
                return self.group(&format!("(?{kind}"));
            }
        }
        if self.source.take("#") {
            return self.comment_group();
        }
        if self.source.take("P<") {
            let name = self.name('>')?;
            return self.group(&format!("(?P<{name}>"));
        }
        if self.source.take("P=") {
            let name = self.name(')')?;
            self.put(&format!("(?P={name})"), Last::Item);
            return Ok(());
        }
        if self.source.take("(") {
            return self.condition();
        }
        self.flags()
    }

    /// Opens a group with the flags of the one around it.
    fn group(&mut self, text: &str) -> Result<(), PatternError> {
        self.out.push_str(text);
        self.scopes.push(Scope {
            look_around: None,
            ..self.scope()
        });
        self.last = Last::Nothing;
        Ok(())
    }

    fn close(&mut self) -> Result<(), PatternError> {
        let closed = self.scopes.pop();
        if self.scopes.is_empty() {
            return Err(self.source.error("a closing parenthesis too many"));
        }
        let look_around = closed.and_then(|scope| scope.look_around);
        self.put(")", look_around.map_or(Last::Item, Last::LookAround));
        Ok(())
    }

    fn comment_group(&mut self) -> Result<(), PatternError> {
        loop {
            match self.source.next() {
                Some(')') => return Ok(()),
                Some(_) => {}
                None => return Err(self.source.error("a comment without its end")),
            }
        }
    }

    /// `(?(1)yes|no)`.
    fn condition(&mut self) -> Result<(), PatternError> {
        let name = self.name(')')?;
        let condition = match name.bytes().all(|b| b.is_ascii_digit()) {
            true => format!("(?({name})"),
            false => format!("(?(<{name}>)"),
        };
        self.group(&condition)
    }

    fn name(&mut self, end: char) -> Result<String, PatternError> {
        let mut name = String::new();
        loop {
            match self.source.next() {
                Some(c) if c == end && !name.is_empty() => return Ok(name),
                Some(c) if c.is_alphanumeric() || c == '_' => name.push(c),
                _ => return Err(self.source.error("an invalid name of a group")),
            }
        }
    }

    /// `(?i)` for the rest of the pattern, `(?i-s:…)` for a group.
    fn flags(&mut self) -> Result<(), PatternError> {
        let mut scope = self.scope();
        let mut letters = String::new();
        let mut is_on = true;
        loop {
            let Some(c) = self.source.next() else {
                return Err(self.source.error("flags without their end"));
            };
            match c {
                // Characters are Unicode's in either syntax.
                'a' | 'u' if is_on => {}
                'i' | 's' => letters.push(c),
                'm' => {
                    scope.multi_line = is_on;
                    letters.push(c);
                }
                // Whitespace and comments are left out by the translation.
                'x' => scope.verbose = is_on,
                '-' if is_on => {
                    is_on = false;
                    letters.push(c);
                }
                ':' => {
                    let letters = letters.strip_suffix('-').unwrap_or(&letters);
                    self.out.push_str(&format!("(?{letters}:"));
                    self.scopes.push(Scope {
                        look_around: None,
                        ..scope
                    });
                    self.last = Last::Nothing;
                    return Ok(());
                }
                ')' if is_on => {
                    if !letters.is_empty() {
                        self.out.push_str(&format!("(?{letters})"));
                    }
                    if let Some(innermost) = self.scopes.last_mut() {
                        *innermost = scope;
                    }
                    return Ok(());
                }
                _ => return Err(self.source.error("an unknown extension of a group")),
            }
        }
    }
}

/// Returns whether a quantifier is satisfied by nothing.
fn is_optional(quantifier: &str) -> bool {
    let least = quantifier.trim_start_matches(['{', '0']);
    quantifier == "*"
        || quantifier == "?"
        || (quantifier.starts_with("{0") && least.starts_with([',', '}']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::{Flags, compile, compile_with};

    fn found(pattern: &str, text: &str) -> Option<(usize, usize)> {
        let regex = compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        let found = regex.find(text).unwrap();
        found.map(|found| (found.start(), found.end()))
    }

    #[test]
    fn patterns_mean_as_in_python() {
        // The results of Python 3.11's re.search.
        for (pattern, text, expected) in [
            ("^ironic(?!-neutron)", "ironic-api", Some((0, 6))),
            ("^ironic(?!-neutron)", "ironic-neutron-agent", None),
            (r"nova-api\Z", "nova-api", Some((0, 8))),
            (r"nova-api\Z", "nova-api\n", None),
            ("api$", "nova-api\n", Some((5, 8))),
            ("a{b", "a{b", Some((0, 3))),
            ("a{", "a{", Some((0, 2))),
            ("{}", "x{}", Some((1, 3))),
            ("{a,b}", "{a,b}", Some((0, 5))),
            ("a{,2}$", "aaa", Some((1, 3))),
            ("a{2,}", "aaa", Some((0, 3))),
            ("}]", "}]", Some((0, 2))),
            (r"\<a\>", "<a>", Some((0, 3))),
            (r"\101\x41\u0041", "AAA", Some((0, 3))),
            (r"[\b]", "\u{8}", Some((0, 1))),
            ("[]a]", "]", Some((0, 1))),
            ("[^]a]", "]b", Some((1, 2))),
            ("[[:a]+", "[:a", Some((0, 3))),
            ("[a&&b]+", "a&b", Some((0, 3))),
            ("[a~~b]+", "~", Some((0, 1))),
            ("[+--]+", "+,-", Some((0, 3))),
            (r"[\w-]+", "a-b", Some((0, 3))),
            (r"(a)\1", "aa", Some((0, 2))),
            (r"(?P<x>a)(?P=x)", "aa", Some((0, 2))),
            (r"(a)?(?(1)b|c)", "ab", Some((0, 2))),
            (r"(?<=nova-)api", "nova-api", Some((5, 8))),
            ("(?#why)a", "a", Some((0, 1))),
            ("(?i)A", "a", Some((0, 1))),
            ("(?x) a  b # c", "ab", Some((0, 2))),
            ("(?m)^b$", "a\nb\nc", Some((2, 3))),
            ("(?m:a$)\nb$", "a\nb\n", Some((0, 3))),
            ("(?au)a", "a", Some((0, 1))),
            ("(?i-s:A)", "a", Some((0, 1))),
            ("a|", "b", Some((0, 0))),
            ("a#b c", "a#b c", Some((0, 5))),
            ("(?=n)*a", "a", Some((0, 1))),
            ("(?=n){2,3}?n", "an", Some((1, 2))),
            (r"\B", "", None),
        ] {
            assert_eq!(found(pattern, text), expected, "{pattern} on {text:?}");
        }
    }

    #[test]
    fn patterns_that_python_refuses_are_refused() {
        for pattern in [
            "*nova*", "a**", "a{1}{2}", "{1}", "(", ")", "a)(", "[a", "[z-a]", r"[\d-z]", r"\z",
            r"\h", r"\p{L}", "\\", "(?<n>a)", "(?P<>a)", "(?z)", r"\x4", r"\400", "^*", "(?i",
            r"\2",
        ] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn flags_apply_to_the_whole() {
        let all = Flags {
            ignore_case: true,
            multi_line: true,
            dot_all: true,
        };
        let regex = compile_with("^a.B$", all).unwrap();
        assert!(regex.is_match("x\nA\nb\nc").unwrap());
    }

    proptest! {
        #[test]
        fn any_pattern_is_compiled_or_refused(pattern in r"[\\a-c0-9(){}\[\]?*+|^$.,:<>=!#PxiZwd \n-]{0,16}") {
            if let Ok(regex) = compile(&pattern) {
                let _ = regex.is_match("abc\n");
            }
        }

        #[test]
        fn any_literal_is_found(text in ".{0,8}") {
            let mut pattern = String::new();
            for c in text.chars() {
                if c.is_ascii_punctuation() { pattern.push('\\'); }
                pattern.push(c);
            }
            let (start, end) = found(&pattern, &text).unwrap();
            prop_assert_eq!(&text[start..end], text.as_str());
        }
    }
}
