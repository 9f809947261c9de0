//! Rewrites a template so that minijinja does what Jinja2 does.
//!
//! minijinja reads nearly the same syntax. Only these parts, which it reads differently, are changed:
//!
//! | in the template | for minijinja | because |
//! |---|---|---|
//! | `[a]`, `{a: b}` | `([a]\|_list)`, `({a: b}\|_dict)` | lists and dictionaries change in place |
//! | `(a, b)` | `((a, b)\|_tuple)` | tuples that nest without end are refused |
//! | `a + b`, `a * b`, `a % b`, `a ~ b` | `_math(a, "+", b)` | Python's types decide; results are bounded |
//! | `a < b`, `a in b` | `_compare(a, "<", b)` | values of different types are not ordered |
//! | `a[1:2]` | `_slice(a, 1, 2, none)` | the same |
//! | `for x in a` | `for x in _items(a)` | some values cannot be iterated over |
//! | string and number literals | their value | Python's escapes, other notations |
//! | `{% include a %}` | in a `with` | variables that it sets stay inside |
//! | a block inside another scope | a `with` around it that gives names their outer values | it does not see that scope's variables |
//! | a macro that uses `varargs` or `kwargs` | `_variadic(…)` around it | minijinja refuses further arguments |
//! | `{{ … }}` behind a top-level `extends` | a comment | Jinja2 does not evaluate it |
//! | whitespace beyond ASCII in a tag | spaces | minijinja reads ASCII whitespace only |
//!
//! Every line keeps its number, and [`Adapted::original`] finds the original column.

mod expressions;
mod scopes;
mod statements;

use std::borrow::Cow;
use std::ops::Range;

use crate::syntax::expression::Mistake;
use crate::syntax::statement::statement;
use crate::syntax::tags::{Tag, tags};
use scopes::Scope;

/// A template's text, rewritten for minijinja.
#[derive(Debug, Default)]
pub struct Adapted {
    /// The text.
    pub text: String,
    /// A syntax error that minijinja may not detect: its place and its message.
    pub mistake: Option<(usize, String)>,
    edits: Vec<Edit>,
}

#[derive(Debug)]
struct Edit {
    /// The part of the original that it replaces, which may be empty.
    at: Range<usize>,
    inserted: Cow<'static, str>,
}

impl Adapted {
    /// Returns the place in the original text that a place in the adapted text came from.
    pub fn original(&self, adapted: usize) -> usize {
        let (mut original, mut position) = (0, 0);
        for edit in &self.edits {
            let untouched = edit.at.start - original;
            if adapted < position + untouched {
                break;
            }
            position += untouched + edit.inserted.len();
            original = edit.at.end;
            if adapted < position {
                return edit.at.start;
            }
        }
        original + (adapted - position)
    }
}

/// Rewrites a template for minijinja. Line ends become `\n`, as Jinja2 has them.
pub fn adapt(source: &str) -> Adapted {
    let mut rewriting = Rewriting {
        source,
        edits: Vec::new(),
        scopes: Vec::new(),
        extends: false,
        mistake: None,
    };
    for tag in tags(source).all {
        rewriting.tag(&tag);
    }
    rewriting.finish()
}

struct Rewriting<'s> {
    source: &'s str,
    edits: Vec<Edit>,
    scopes: Vec<Scope>,
    /// A top-level `extends` was seen.
    extends: bool,
    mistake: Option<Mistake>,
}

impl Rewriting<'_> {
    fn tag(&mut self, tag: &Tag) {
        self.white_space(tag);
        match statement(self.source, tag) {
            Ok(statement) => self.statement(tag, statement),
            Err(mistake) => {
                self.mistake.get_or_insert(mistake);
            }
        }
    }

    /// Whitespace beyond ASCII, outside of strings, as a space.
    fn white_space(&mut self, tag: &Tag) {
        let inner = &self.source[tag.inner.clone()];
        if inner.is_ascii() {
            return;
        }
        let mut gap = tag.inner.start;
        let ends = tag.tokens.iter().map(|token| token.at.clone());
        let gaps: Vec<Range<usize>> = ends
            .chain(std::iter::once(tag.inner.end..tag.inner.end))
            .map(|token| std::mem::replace(&mut gap, token.end)..token.start)
            .collect();
        for gap in gaps {
            for (offset, c) in self.source[gap.clone()].char_indices() {
                if c.is_whitespace() && !c.is_ascii() {
                    let at = gap.start + offset;
                    self.edit(at..at + c.len_utf8(), " ");
                }
            }
        }
    }

    fn insert(&mut self, at: usize, text: impl Into<Cow<'static, str>>) {
        self.edit(at..at, text);
    }

    fn edit(&mut self, at: Range<usize>, text: impl Into<Cow<'static, str>>) {
        self.edits.push(Edit {
            at,
            inserted: text.into(),
        });
    }

    fn finish(mut self) -> Adapted {
        self.line_ends();
        self.edits.sort_by_key(|edit| (edit.at.start, edit.at.end));
        let mut text = String::with_capacity(self.source.len() + self.edits.len() * 8);
        let mut done = 0;
        for edit in &self.edits {
            text.push_str(&self.source[done..edit.at.start]);
            text.push_str(&edit.inserted);
            done = edit.at.end;
        }
        text.push_str(&self.source[done..]);
        Adapted {
            text,
            mistake: self.mistake.map(|mistake| (mistake.at, mistake.message)),
            edits: self.edits,
        }
    }

    /// `\r\n` and `\r` become `\n` wherever nothing else is changed.
    fn line_ends(&mut self) {
        if !self.source.contains('\r') {
            return;
        }
        let changed: Vec<Range<usize>> = self.edits.iter().map(|edit| edit.at.clone()).collect();
        for (at, _) in self.source.match_indices('\r') {
            if changed.iter().any(|range| range.contains(&at)) {
                continue;
            }
            let is_pair = self.source[at + 1..].starts_with('\n');
            self.edit(at..at + 1, if is_pair { "" } else { "\n" });
        }
    }
}
