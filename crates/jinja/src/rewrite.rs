//! Rewrites a template so that minijinja does what Jinja2 does.
//!
//! minijinja reads nearly the same syntax, so only what it would take for something else is changed:
//!
//! | in the template | as minijinja is given it | because |
//! |---|---|---|
//! | `[a]`, `{a: b}` | `([a]\|_list)`, `({a: b}\|_dict)` | lists and dictionaries change in place |
//! | `(a, b)` | `((a, b)\|_tuple)` | tuples that nest without end are refused |
//! | `a + b`, `a * b`, `a % b`, `a ~ b` | `_math(a, "+", b)` | Python's types decide; results are bounded |
//! | `a < b`, `a in b` | `_compare(a, "<", b)` | values of different types are not ordered |
//! | `a[1:2]` | `_slice(a, 1, 2, none)` | the same |
//! | `for x in a` | `for x in _items(a)` | not everything can be walked through |
//! | string and number literals | their value | Python's escapes, other notations |
//! | `{% include a %}` | in a `with` | what it sets stays in it |
//! | a block inside another scope | a `with` around it that gives names their outer values | it does not see that scope's variables |
//! | a macro that uses `varargs` or `kwargs` | `_variadic(…)` around it | minijinja refuses further arguments |
//! | `{{ … }}` behind a top-level `extends` | a comment | Jinja2 does not evaluate it |
//! | whitespace beyond ASCII in a tag | spaces | minijinja reads ASCII whitespace only |
//!
//! Every line keeps its number, and [`Adapted::original`] finds the original column.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use crate::syntax::expression::{Argument, Expr, Mistake, Node, Operation, Slice};
use crate::syntax::statement::{Signature, Statement, statement};
use crate::syntax::strings;
use crate::syntax::tags::{Tag, tags};

/// A template's text as minijinja is given it.
#[derive(Debug, Default)]
pub struct Adapted {
    /// The text.
    pub text: String,
    /// A mistake of the syntax that minijinja may not see: its place and what is wrong.
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

/// A statement that has an end, while it is open.
#[derive(Debug)]
struct Scope {
    kind: &'static str,
    /// The names that are assigned inside.
    names: BTreeSet<String>,
    /// A macro's name, parameters and the place of `)`, until `varargs` or `kwargs` are seen.
    signature: Option<Signature>,
    uses_varargs: bool,
    uses_kwargs: bool,
    /// A block that was put into a `with`.
    is_wrapped: bool,
    /// The position at which outer values are saved for the blocks inside.
    entry: Entry,
    /// The names that are kept.
    kept: BTreeSet<String>,
}

/// The place at which a scope is entered.
#[derive(Clone, Copy, Debug)]
enum Entry {
    /// Before the tag: after its opening delimiter.
    Before(usize),
    /// After the tag: before its closing delimiter.
    After(usize),
}

impl Scope {
    fn new(kind: &'static str, tag: &Tag) -> Self {
        Scope {
            kind,
            names: BTreeSet::new(),
            signature: None,
            uses_varargs: false,
            uses_kwargs: false,
            is_wrapped: false,
            entry: match kind {
                "block" => Entry::After(tag.inner.end),
                _ => Entry::Before(tag.inner.start),
            },
            kept: BTreeSet::new(),
        }
    }

    /// Returns true if variables that are set inside do not exist outside.
    fn has_variables(&self) -> bool {
        matches!(self.kind, "for" | "with" | "block" | "macro" | "call")
    }
}

impl<'s> Rewriting<'s> {
    fn tag(&mut self, tag: &Tag) {
        self.white_space(tag);
        match statement(self.source, tag) {
            Ok(statement) => self.statement(tag, statement),
            Err(mistake) => {
                self.mistake.get_or_insert(mistake);
            }
        }
    }

    fn statement(&mut self, tag: &Tag, statement: Statement) {
        match statement {
            Statement::Print(_) if self.is_never_printed() => self.comment_out(tag),
            Statement::Print(expr) => {
                self.bare_tuple(&expr);
                self.expr(&expr);
            }
            Statement::Set(targets, value) => {
                self.assign(&targets);
                self.bare_tuple(&value);
                self.expr(&value);
            }
            Statement::SetBlock(targets, filter) => {
                self.assign(&targets);
                if let Some(filter) = filter {
                    self.expr(&filter);
                }
                self.scopes.push(Scope::new("set", tag));
            }
            Statement::For {
                targets,
                items,
                condition,
            } => {
                self.insert(items.at.start, "_items(");
                self.bare_tuple(&items);
                self.expr(&items);
                self.insert(items.at.end, ")");
                if let Some(condition) = condition {
                    self.expr(&condition);
                }
                self.scopes.push(Scope::new("for", tag));
                self.assign(&targets);
            }
            Statement::If(condition) => {
                self.bare_tuple(&condition);
                self.expr(&condition);
                self.scopes.push(Scope::new("if", tag));
            }
            Statement::Elif(condition) => {
                self.bare_tuple(&condition);
                self.expr(&condition);
            }
            Statement::With(assignments) => {
                self.scopes.push(Scope::new("with", tag));
                for (targets, value) in assignments {
                    self.assign(&targets);
                    self.expr(&value);
                }
            }
            Statement::Block { is_scoped } => self.block(tag, is_scoped),
            Statement::Extends(name) => {
                self.expr(&name);
                self.extends |= self.scopes.is_empty();
            }
            Statement::Include(name) => {
                self.expr(&name);
                // What an included template sets stays in it.
                let close = &self.source[tag.inner.end..tag.outer.end];
                self.insert(tag.inner.start, " with %}{%");
                self.insert(tag.inner.end, format!("%}}{{% endwith {close}"));
                self.edit(tag.inner.end..tag.outer.end, "");
            }
            Statement::Import(name) => self.expr(&name),
            Statement::Macro(signature) => {
                self.defaults(&signature);
                let mut scope = Scope::new("macro", tag);
                scope.names = self.parameters(&signature);
                scope.signature = Some(signature);
                self.scopes.push(scope);
            }
            Statement::Call(signature, call) => {
                let mut scope = Scope::new("call", tag);
                if let Some(signature) = signature {
                    self.defaults(&signature);
                    scope.names = self.parameters(&signature);
                }
                self.expr(&call);
                self.scopes.push(scope);
            }
            Statement::FilterBlock(filter) => {
                self.expr(&filter);
                self.scopes.push(Scope::new("filter", tag));
            }
            Statement::Do(call) => self.expr(&call),
            Statement::End(kind) => self.end(tag, kind),
            Statement::Other => {}
        }
    }

    /// Output of a template that extends another is not evaluated outside of blocks.
    fn is_never_printed(&self) -> bool {
        let is_top_level = |scope: &Scope| matches!(scope.kind, "if" | "for" | "with" | "filter");
        self.extends && self.scopes.iter().all(is_top_level)
    }

    fn comment_out(&mut self, tag: &Tag) {
        let text = &self.source[tag.outer.clone()];
        let keep = |c: char| matches!(c, '\n' | '\r');
        let lines: String = text.chars().filter(|c| keep(*c)).collect();
        let mark = |text: Option<char>| text.filter(|c| matches!(c, '-' | '+'));
        let open = mark(text.chars().nth(2)).map_or(String::new(), String::from);
        let close = mark(text.chars().rev().nth(2)).map_or(String::new(), String::from);
        let comment = format!("{{#{open}{lines} {close}#}}");
        // What was changed inside is gone.
        self.edits.retain(|edit| edit.at.start < tag.outer.start);
        self.edit(tag.outer.clone(), comment);
    }

    /// A block sees the variables of the scopes around it only if it says so. Its names are kept at
    /// the entry of the outermost of these scopes, and given back around the block.
    fn block(&mut self, tag: &Tag, is_scoped: bool) {
        let mut scope = Scope::new("block", tag);
        let around = self.scopes.iter().filter(|scope| scope.has_variables());
        let names: BTreeSet<String> = around
            .flat_map(|scope| scope.names.iter().cloned())
            .collect();
        if !is_scoped && !names.is_empty() {
            self.keep(&names);
            let outer = |name: &String| format!("{name} = _outer_{name}");
            let names: Vec<String> = names.iter().map(outer).collect();
            self.insert(
                tag.inner.start,
                format!(" with {} %}}{{%", names.join(", ")),
            );
            scope.is_wrapped = true;
        }
        self.scopes.push(scope);
    }

    /// Keeps what names stand for outside of all scopes.
    fn keep(&mut self, names: &BTreeSet<String>) {
        let Some(outermost) = self.scopes.iter_mut().find(|scope| scope.has_variables()) else {
            return;
        };
        let new: Vec<String> = names.difference(&outermost.kept).cloned().collect();
        outermost.kept.extend(new.iter().cloned());
        let entry = outermost.entry;
        for name in new {
            match entry {
                Entry::Before(at) => self.insert(at, format!(" set _outer_{name} = {name} %}}{{%")),
                Entry::After(at) => self.insert(at, format!("%}}{{% set _outer_{name} = {name} ")),
            }
        }
    }

    fn end(&mut self, tag: &Tag, kind: &'static str) {
        let Some(scope) = self.scopes.pop_if(|scope| scope.kind == kind) else {
            return;
        };
        let end = tag.inner.end;
        let close = &self.source[end..tag.outer.end];
        if scope.is_wrapped {
            self.insert(end, format!("%}}{{% endwith {close}"));
            // The tag's own end follows what was put in.
            self.edit(end..tag.outer.end, "");
        }
        let Some(signature) = scope.signature else {
            return;
        };
        if !(scope.uses_varargs || scope.uses_kwargs) {
            return;
        }
        let name = &self.source[signature.name.clone()];
        let separator = if signature.parameters.is_empty() {
            ""
        } else {
            ", "
        };
        let parameters = format!("{separator}varargs=none, kwargs=none");
        self.insert(signature.close, parameters);
        let (args, kwargs) = (scope.uses_varargs, scope.uses_kwargs);
        let wrapped = format!("%}}{{% set {name} = _variadic({name}, {args}, {kwargs}) {close}");
        self.insert(end, wrapped);
        self.edit(end..tag.outer.end, "");
    }

    fn parameters(&self, signature: &Signature) -> BTreeSet<String> {
        let names = signature.parameters.iter();
        names
            .map(|(name, _)| self.source[name.clone()].to_owned())
            .collect()
    }

    fn defaults(&mut self, signature: &Signature) {
        for (_, default) in &signature.parameters {
            if let Some(default) = default {
                self.expr(default);
            }
        }
    }

    fn assign(&mut self, targets: &[Range<usize>]) {
        let Some(scope) = self
            .scopes
            .iter_mut()
            .rev()
            .find(|scope| scope.has_variables())
        else {
            return;
        };
        let names = targets.iter().map(|target| &self.source[target.clone()]);
        // An attribute of a namespace is no variable.
        scope
            .names
            .extend(names.filter(|name| !name.contains('.')).map(str::to_owned));
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

    /// Gives a tuple the parentheses that it lacks, before anything else is put around it.
    fn bare_tuple(&mut self, expr: &Expr) {
        if matches!(expr.node, Node::Tuple(_, false)) {
            self.insert(expr.at.start, "(");
            self.insert(expr.at.end, ")");
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.node {
            Node::Plain => {}
            Node::Integer => self.integer(&expr.at),
            Node::Float => self.float(&expr.at),
            Node::Text(strings) => strings.iter().for_each(|at| self.text(at)),
            Node::Name => self.name(&expr.at),
            Node::List(items) => self.around(&expr.at, "|_list", |rewriting| rewriting.all(items)),
            Node::Tuple(items, _) => {
                self.around(&expr.at, "|_tuple", |rewriting| rewriting.all(items));
            }
            Node::Dict(entries) => self.around(&expr.at, "|_dict", |rewriting| {
                for (key, value) in entries {
                    rewriting.expr(key);
                    rewriting.expr(value);
                }
            }),
            Node::Negative(operand) | Node::Not(operand) => self.expr(operand),
            Node::Positive(sign, operand) => {
                self.edit(sign.clone(), " ");
                self.expr(operand);
            }
            Node::Logic(left, right) => {
                self.expr(left);
                self.expr(right);
            }
            Node::Math(first, operations) => self.math(first, operations),
            Node::Compare(first, operations) => self.operations("_compare(", first, operations),
            Node::Choice(parts) => self.all(parts),
            Node::Filter(value, arguments) => {
                if let Some(value) = value {
                    self.expr(value);
                }
                self.arguments(arguments);
            }
            Node::Test(value, arguments) => {
                self.expr(value);
                self.arguments(arguments);
            }
            Node::Attribute(value) if matches!(value.node, Node::Integer) => {
                // `1.e3` is an attribute of an integer, and no float.
                self.insert(value.at.start, "(");
                self.expr(value);
                self.insert(value.at.end, ")");
            }
            Node::Attribute(value) => self.expr(value),
            Node::Item(value, index) => {
                self.expr(value);
                self.bare_tuple(index);
                self.expr(index);
            }
            Node::Slice(value, slice) => self.slice(value, slice),
            Node::Call(called, arguments) => {
                self.expr(called);
                self.arguments(arguments);
            }
        }
    }

    fn all(&mut self, exprs: &[Expr]) {
        for expr in exprs {
            self.expr(expr);
        }
    }

    fn arguments(&mut self, arguments: &[Argument]) {
        for argument in arguments {
            self.expr(&argument.value);
        }
    }

    /// Puts a literal in parentheses, with a filter behind it.
    fn around(&mut self, at: &Range<usize>, filter: &'static str, inside: impl FnOnce(&mut Self)) {
        self.insert(at.start, "(");
        inside(self);
        self.insert(at.end, filter);
        self.insert(at.end, ")");
    }

    /// `-`, `/`, `//` and `**` are the same in minijinja.
    fn math(&mut self, first: &Expr, operations: &[Operation]) {
        let is_native =
            |operation: &Operation| matches!(operation.operator, "-" | "/" | "//" | "**");
        if operations.iter().all(is_native) {
            self.expr(first);
            for operation in operations {
                self.expr(&operation.right);
            }
            return;
        }
        self.operations("_math(", first, operations);
    }

    /// `a + b - c` as `_math(a, "+", b, "-", c)`.
    fn operations(&mut self, function: &'static str, first: &Expr, operations: &[Operation]) {
        // Parentheses around the whole stay around the call.
        self.insert(first.at.start, function);
        self.expr(first);
        for operation in operations {
            let lines = self.source[operation.at.clone()].matches('\n').count();
            let lines = "\n".repeat(lines);
            self.edit(
                operation.at.clone(),
                format!(", \"{}\", {lines}", operation.operator),
            );
            self.expr(&operation.right);
        }
        let last = operations
            .last()
            .map_or(first, |operation| &operation.right);
        self.insert(last.at.end, ")");
    }

    fn slice(&mut self, value: &Expr, slice: &Slice) {
        self.insert(value.at.start, "_slice(");
        self.expr(value);
        self.edit(slice.open..slice.open + 1, ", ");
        for (index, part) in slice.parts.iter().enumerate() {
            match part {
                Some(part) => self.expr(part),
                None => {
                    let at = match index.checked_sub(1) {
                        None => slice.open + 1,
                        Some(colon) => slice.colons.get(colon).map_or(slice.close, |at| at + 1),
                    };
                    let separator = if index > slice.colons.len() { ", " } else { "" };
                    self.insert(at, format!("{separator}none"));
                }
            }
            if let Some(colon) = slice.colons.get(index) {
                self.edit(*colon..colon + 1, ", ");
            }
        }
        self.edit(slice.close..slice.close + 1, ")");
    }

    fn name(&mut self, at: &Range<usize>) {
        let name = &self.source[at.clone()];
        if let Some(scope) = self
            .scopes
            .iter_mut()
            .rev()
            .find(|scope| scope.kind == "macro")
        {
            scope.uses_varargs |= name == "varargs";
            scope.uses_kwargs |= name == "kwargs";
        }
    }

    fn integer(&mut self, at: &Range<usize>) {
        let text = &self.source[at.clone()];
        if text.bytes().all(|byte| byte.is_ascii_digit()) && (!text.starts_with('0') || text == "0")
        {
            return;
        }
        let number = slipway_pyvalue::number::int_of_base(text, 0);
        if let Some(number) = number {
            self.edit(at.clone(), number.to_string());
        }
    }

    fn float(&mut self, at: &Range<usize>) {
        let text = &self.source[at.clone()];
        if text.contains('_') {
            self.edit(at.clone(), text.replace('_', ""));
        }
    }

    fn text(&mut self, at: &Range<usize>) {
        let text = &self.source[at.clone()];
        if !text.contains(['\\', '\r']) {
            return;
        }
        let normalized = text.replace("\r\n", "\n").replace('\r', "\n");
        match strings::unescape(&normalized) {
            Some(value) => self.edit(at.clone(), strings::literal(&value, &normalized)),
            None => {
                let message = "an escape in this string is invalid, or \\N{…}, which is unknown";
                self.mistake.get_or_insert(Mistake {
                    at: at.start,
                    message: message.to_owned(),
                });
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
