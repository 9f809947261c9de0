//! Reads what Kolla keeps in its Python files: literals, and the few conditions that choose
//! between them.
//!
//! Users, sources and defaults of a release are Python dictionaries, and point releases change
//! them; so they are read where they are. This is no Python: an expression that is more than
//! literals, names, attributes, `+` and simple comparisons has no value, and a statement that is
//! neither an assignment nor an `if` is passed over.

mod expression;
mod statements;
mod tokens;

use std::collections::BTreeMap;

use serde_json::Value;
use slipway_pyvalue::truth;

pub(crate) use expression::Expression;
use statements::{Block, Statement};

/// A Python file, read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Module {
    block: Block,
}

/// Names and their values; attributes by their dotted name (`self.base`).
pub(crate) type Names = BTreeMap<String, Value>;

impl Module {
    /// Reads a file's text. What it does not understand, it leaves out.
    pub(crate) fn read(text: &str) -> Module {
        Module {
            block: statements::block(tokens::tokens(text)),
        }
    }

    /// The assignments at the outermost level of the file that have a known value, in order.
    pub(crate) fn constants(&self) -> Names {
        let mut names = Names::new();
        run(&self.block, &mut names);
        names
    }

    /// The expression that is assigned to a name at the file's outermost level.
    pub(crate) fn assigned(&self, name: &str) -> Option<&Expression> {
        self.block.iter().find_map(|statement| match statement {
            Statement::Assign(target, value) if target == name => Some(value),
            _ => None,
        })
    }

    /// The body of a class's method.
    pub(crate) fn method(&self, class: &str, name: &str) -> Option<Function<'_>> {
        find(find(&self.block, class)?, name).map(Function)
    }
}

/// A function's body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function<'m>(&'m Block);

impl Function<'_> {
    /// Follows assignments and the branches of `if` whose conditions hold, from these names on. A
    /// condition without a value does not hold.
    pub(crate) fn run(&self, mut names: Names) -> Names {
        run(self.0, &mut names);
        names
    }

    /// The keys of the first dictionary that is assigned to a name inside.
    pub(crate) fn keys_of(&self, name: &str) -> Option<Vec<String>> {
        keys_of(self.0, name)
    }
}

fn find<'m>(block: &'m Block, name: &str) -> Option<&'m Block> {
    block.iter().find_map(|statement| match statement {
        Statement::Define(defined, body) if defined == name => Some(body),
        _ => None,
    })
}

fn run(block: &Block, names: &mut Names) {
    for statement in block {
        match statement {
            Statement::Assign(target, expression) => match expression.value(names) {
                Some(value) => {
                    names.insert(target.clone(), value);
                }
                None => {
                    names.remove(target);
                }
            },
            Statement::If(branches) => {
                let chosen = branches.iter().find(|(condition, _)| match condition {
                    Some(condition) => condition.value(names).is_some_and(|value| truth(&value)),
                    None => true,
                });
                if let Some((_, block)) = chosen {
                    run(block, names);
                }
            }
            Statement::Define(..) | Statement::Within(_) => {}
        }
    }
}

fn keys_of(block: &Block, name: &str) -> Option<Vec<String>> {
    block.iter().find_map(|statement| match statement {
        Statement::Assign(target, Expression::Dict(items)) if target == name => Some(
            items
                .iter()
                .filter_map(|(key, _)| match key {
                    Expression::Literal(Value::String(key)) => Some(key.clone()),
                    _ => None,
                })
                .collect(),
        ),
        Statement::Within(inner) => keys_of(inner, name),
        Statement::If(branches) => branches.iter().find_map(|(_, inner)| keys_of(inner, name)),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
