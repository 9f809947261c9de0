//! Scopes of variables: minijinja's blocks and macros see others than Jinja2's.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Rewriting;
use crate::syntax::statement::Signature;
use crate::syntax::tags::Tag;

/// A statement that has an end, while it is open.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) kind: &'static str,
    /// The names that are assigned inside.
    pub(super) names: BTreeSet<String>,
    /// A macro's name, parameters and the place of `)`, until `varargs` or `kwargs` are seen.
    pub(super) signature: Option<Signature>,
    pub(super) uses_varargs: bool,
    pub(super) uses_kwargs: bool,
    /// A block that was put into a `with`.
    is_wrapped: bool,
    /// The position at which outer values are saved for the blocks inside.
    entry: Entry,
    /// The names whose outer values are saved.
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
    pub(super) fn new(kind: &'static str, tag: &Tag) -> Self {
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

impl Rewriting<'_> {
    /// Hides the variables of the scopes around a block that is not `scoped`. Their outer values are
    /// saved at the entry of the outermost of these scopes, and restored around the block.
    pub(super) fn block(&mut self, tag: &Tag, is_scoped: bool) {
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

    /// Saves the values that names have outside of all scopes.
    pub(super) fn keep(&mut self, names: &BTreeSet<String>) {
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

    pub(super) fn end(&mut self, tag: &Tag, kind: &'static str) {
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

    pub(super) fn assign(&mut self, targets: &[Range<usize>]) {
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
}
