//! Logical lines → the statements that matter here.

use super::expression::{Expression, Parser};
use super::tokens::{Line, Token};

pub(super) type Block = Vec<Statement>;

/// A statement.
#[derive(Clone, Debug)]
pub(super) enum Statement {
    /// `name = value`, where the name may be dotted.
    Assign(String, Expression),
    /// `if`, its `elif`s and its `else`, which has no condition.
    If(Vec<(Option<Expression>, Block)>),
    /// A function or a class.
    Define(String, Block),
    /// `for`, `with`, `try`, …: what is inside.
    Within(Block),
}

/// The statements of a file.
pub(super) fn block(lines: Vec<Line>) -> Block {
    let mut lines = lines.as_slice();
    let mut all = Block::new();
    while let Some(first) = lines.first() {
        all.extend(indented(&mut lines, first.indent, MAX_NESTED));
    }
    all
}

/// The deepest indentation of statements. A deeper one counts as being at the deepest level.
const MAX_NESTED: usize = 64;

/// Takes the lines that are indented at least this much.
fn indented(lines: &mut &[Line], indent: usize, deeper: usize) -> Block {
    let mut block = Block::new();
    while let Some((line, rest)) = lines.split_first() {
        if line.indent < indent {
            break;
        }
        *lines = rest;
        let inner = match lines.first() {
            Some(next) if next.indent > line.indent && deeper > 0 => {
                indented(lines, next.indent, deeper - 1)
            }
            _ => Block::new(),
        };
        add(&mut block, &line.tokens, inner);
    }
    block
}

fn add(block: &mut Block, tokens: &[Token], inner: Block) {
    let keyword = match tokens.first() {
        Some(Token::Name(name)) => name.as_str(),
        _ => "",
    };
    match (keyword, tokens.get(1)) {
        ("def" | "class", Some(Token::Name(name))) => {
            block.push(Statement::Define(name.clone(), inner));
        }
        ("if", _) => block.push(Statement::If(vec![(Some(condition(tokens)), inner)])),
        ("elif", _) => add_branch(block, Some(condition(tokens)), inner),
        ("else", _) => add_branch(block, None, inner),
        _ => match assignment(tokens) {
            Some((target, value)) => block.push(Statement::Assign(target, value)),
            None if !inner.is_empty() => block.push(Statement::Within(inner)),
            None => {}
        },
    }
}

/// A branch of the `if` before it; the `else` of a loop has none.
fn add_branch(block: &mut Block, condition: Option<Expression>, inner: Block) {
    if let Some(Statement::If(branches)) = block.last_mut() {
        branches.push((condition, inner));
    }
}

fn condition(tokens: &[Token]) -> Expression {
    let end = tokens.len() - usize::from(tokens.last() == Some(&Token::Sign(":")));
    Parser::whole(tokens.get(1..end).unwrap_or_default())
}

fn assignment(tokens: &[Token]) -> Option<(String, Expression)> {
    let equals = tokens.iter().position(|token| *token == Token::Sign("="))?;
    let mut target = String::new();
    for token in &tokens[..equals] {
        match token {
            Token::Name(name) => target.push_str(name),
            Token::Sign(".") => target.push('.'),
            _ => return None,
        }
    }
    Some((target, Parser::whole(&tokens[equals + 1..])))
}
