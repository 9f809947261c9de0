//! Expressions and literals.

use std::ops::Range;

use super::Rewriting;
use crate::syntax::expression::{Argument, Expr, Mistake, Node, Operation, Slice};
use crate::syntax::strings;

impl Rewriting<'_> {
    /// Adds the missing parentheses of a tuple, before anything else is put around it.
    pub(super) fn bare_tuple(&mut self, expr: &Expr) {
        if matches!(expr.node, Node::Tuple(_, false)) {
            self.insert(expr.at.start, "(");
            self.insert(expr.at.end, ")");
        }
    }

    pub(super) fn expr(&mut self, expr: &Expr) {
        match &expr.node {
            Node::Constant => {}
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

    /// Adds parentheses and a filter to a literal.
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
}
