//! Statements.

use std::collections::BTreeSet;

use super::Rewriting;
use super::scopes::Scope;
use crate::syntax::statement::{Signature, Statement};
use crate::syntax::tags::Tag;

impl Rewriting<'_> {
    pub(super) fn statement(&mut self, tag: &Tag, statement: Statement) {
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
}
