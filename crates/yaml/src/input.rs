//! The text of a document, as the parser reads it.
//!
//! It does what the parser's own input for strings does, and makes smaller steps: that one reserves
//! 128 bytes for each plain scalar, most of which are words. It also accepts comments where PyYAML
//! does: directly after brackets, commas in brackets and quoted scalars.

use std::iter;

use saphyr_parser::Input;
use saphyr_parser::input::{
    SkipTabs, is_blank, is_blank_or_breakz, is_break, is_breakz, is_flow, is_z,
};

/// Number of characters that the parser may look ahead; all of them are there from the start.
const STEP: usize = 16;

/// The rest of the text. After its end there are NULs.
pub(crate) struct Text<'a> {
    rest: &'a str,
    whole: &'a str,
}

impl<'a> Text<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            whole: text,
        }
    }

    /// Returns whether the token before ends by its own character, so that a comment may follow without
    /// a blank. After `:`, `|` or a plain scalar, `#` is no comment.
    fn follows_closed_token(&self) -> bool {
        let consumed = self.whole.len() - self.rest.len();
        let last = consumed.checked_sub(1).map(|at| self.whole.as_bytes()[at]);
        matches!(last, Some(b'[' | b']' | b'{' | b'}' | b',' | b'\'' | b'"'))
    }

    #[inline]
    fn byte(&self, n: usize) -> u8 {
        self.rest.as_bytes().get(n).copied().unwrap_or(0)
    }

    /// Returns whether these three bytes come next, and then a blank, a line break or the end.
    #[inline]
    fn next_is_marker(&self, marker: [u8; 3]) -> bool {
        self.byte(0) == marker[0]
            && self.rest.as_bytes().starts_with(&marker)
            && is_blank_or_breakz(char::from(self.byte(3)))
    }
}

impl Input for Text<'_> {
    #[inline]
    fn lookahead(&mut self, _: usize) {}

    #[inline]
    fn buflen(&self) -> usize {
        STEP
    }

    #[inline]
    fn bufmaxlen(&self) -> usize {
        STEP
    }

    #[inline]
    fn raw_read_ch(&mut self) -> char {
        let next = self.peek();
        self.skip();
        next
    }

    #[inline]
    fn raw_read_non_breakz_ch(&mut self) -> Option<char> {
        let next = self.rest.chars().next().filter(|next| !is_breakz(*next))?;
        self.skip();
        Some(next)
    }

    #[inline]
    fn skip(&mut self) {
        let mut rest = self.rest.chars();
        rest.next();
        self.rest = rest.as_str();
    }

    #[inline]
    fn skip_n(&mut self, count: usize) {
        iter::repeat_n((), count).for_each(|()| self.skip());
    }

    #[inline]
    fn peek(&self) -> char {
        self.rest.chars().next().unwrap_or('\0')
    }

    #[inline]
    fn peek_nth(&self, n: usize) -> char {
        self.rest.chars().nth(n).unwrap_or('\0')
    }

    // These look for ASCII characters, whose bytes are part of no other character.

    #[inline]
    fn next_is_document_indicator(&self) -> bool {
        self.next_is_document_start() || self.next_is_document_end()
    }

    #[inline]
    fn next_is_document_start(&self) -> bool {
        self.next_is_marker(*b"---")
    }

    #[inline]
    fn next_is_document_end(&self) -> bool {
        self.next_is_marker(*b"...")
    }

    #[inline(always)]
    #[allow(clippy::inline_always)]
    fn next_can_be_plain_scalar(&self, in_flow: bool) -> bool {
        match char::from(self.byte(0)) {
            ':' => {
                let then = char::from(self.byte(1));
                !(is_blank_or_breakz(then) || in_flow && is_flow(then))
            }
            next => !(in_flow && is_flow(next)),
        }
    }

    #[inline]
    fn next_is_blank_or_break(&self) -> bool {
        self.next_is_blank() || self.next_is_break()
    }

    #[inline]
    fn next_is_blank_or_breakz(&self) -> bool {
        is_blank_or_breakz(char::from(self.byte(0)))
    }

    #[inline]
    fn next_is_blank(&self) -> bool {
        is_blank(char::from(self.byte(0)))
    }

    #[inline]
    fn next_is_break(&self) -> bool {
        is_break(char::from(self.byte(0)))
    }

    #[inline]
    fn next_is_breakz(&self) -> bool {
        is_breakz(char::from(self.byte(0)))
    }

    #[inline]
    fn next_is_z(&self) -> bool {
        is_z(char::from(self.byte(0)))
    }

    #[inline]
    fn skip_while_non_breakz(&mut self) -> usize {
        let line = match self.rest.find(is_breakz) {
            Some(end) => &self.rest[..end],
            None => self.rest,
        };
        self.rest = &self.rest[line.len()..];
        line.chars().count()
    }

    #[inline]
    fn skip_while_blank(&mut self) -> usize {
        let rest = self.rest.trim_start_matches([' ', '\t']);
        let blanks = self.rest.len() - rest.len();
        self.rest = rest;
        blanks
    }

    fn skip_ws_to_eol(&mut self, skip_tabs: SkipTabs) -> (usize, Result<SkipTabs, &'static str>) {
        let follows_closed_token = self.follows_closed_token();
        let is_skipped = |c: char| c == ' ' || c == '\t' && skip_tabs != SkipTabs::No;
        let after = self.rest.trim_start_matches(is_skipped);
        let blanks = &self.rest[..self.rest.len() - after.len()];
        self.rest = after;
        let mut skipped = blanks.len();
        if after.starts_with('#') {
            if blanks.is_empty() && !follows_closed_token {
                let message = "comments must be separated from other tokens by whitespace";
                return (skipped, Err(message));
            }
            skipped += self.skip_while_non_breakz();
        }
        let skips = SkipTabs::Result(blanks.contains('\t'), blanks.contains(' '));
        (skipped, Ok(skips))
    }
}

#[cfg(test)]
mod tests {
    use saphyr_parser::Parser;

    use super::*;

    const PIECES: &[&str] = &[
        "a: plain words that are longer than one step of sixteen, and then some\n",
        "b: [x, {y: z}, 'it''s', \"\\u00e9\\\n  more\", a:b, -]\n",
        "c: |\n  one\n\n    two\n  three\n",
        "                    deep: >2-\n                      folded to\n                      one line\n",
        "? - key\n: value # comment é\n",
        "é: ünïcödé ✓ 😀 text that goes on and on and on\n",
        "d: &anchor !!str 1\ne: *anchor\r\nf:\r\n  - g\r\n",
        "--- |+\n  end\n\n...\n",
        "\tx: 1\n",
        "%TAG ! tag:example.com,2000:\n---\n",
        "h: {a, b: }\n- i\n",
        "j: \0 k\n",
        "l: 'not closed\n",
        "m: x:y#z # w\n#: n\nno end",
        "\u{feff}o: p\n  q\n\n  r\n",
    ];

    /// Returns the parser's events, up to the end or the first error.
    fn events<T: Input>(mut parser: Parser<'_, T>) -> Vec<String> {
        let mut events = Vec::new();
        while let Some(event) = parser.next_event() {
            let wrong = event.is_err();
            events.push(format!("{event:?}"));
            if wrong {
                break;
            }
        }
        events
    }

    #[test]
    fn events_are_those_of_the_parsers_own_input() {
        for first in PIECES {
            for second in PIECES {
                let both = format!("{first}{second}");
                for text in [both.as_str(), both.trim_end(), &both.replace('\n', "\n  ")] {
                    assert_eq!(
                        events(Parser::new(Text::new(text))),
                        events(Parser::new_from_str(text)),
                        "{text:?}"
                    );
                }
            }
        }
    }
}
