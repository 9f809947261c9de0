//! A tag's tokens → a statement with its expressions.

use std::ops::Range;

use super::expression::{Expr, Result};
use super::parser::Parser;
use super::tags::Tag;

/// A statement, as far as it is rewritten.
#[derive(Clone, Debug)]
pub(crate) enum Statement {
    /// `{{ … }}`
    Print(Expr),
    /// `{% set a, b = … %}`
    Set(Vec<Range<usize>>, Expr),
    /// `{% set a | filter %}`
    SetBlock(Vec<Range<usize>>, Option<Expr>),
    For {
        targets: Vec<Range<usize>>,
        items: Expr,
        condition: Option<Expr>,
    },
    If(Expr),
    Elif(Expr),
    With(Vec<(Vec<Range<usize>>, Expr)>),
    Block {
        is_scoped: bool,
    },
    Extends(Expr),
    Include(Expr),
    Import(Expr),
    Macro(Signature),
    Call(Option<Signature>, Expr),
    FilterBlock(Expr),
    Do(Expr),
    /// `{% endfor %}` and similar tags, with the statement that they end.
    End(&'static str),
    /// A tag without an expression, or an unknown tag.
    Other,
}

/// A macro's name and parameters.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub name: Range<usize>,
    pub parameters: Vec<(Range<usize>, Option<Expr>)>,
    /// The place of the closing parenthesis.
    pub close: usize,
}

/// Reads the statement of a tag.
pub(crate) fn statement(source: &str, tag: &Tag) -> Result<Statement> {
    let mut parser = Parser::new(source, &tag.tokens, tag.mistake.unwrap_or(tag.inner.end));
    if !tag.is_statement {
        let expr = parser.tuple(true)?;
        return done(&parser, tag, Statement::Print(expr));
    }
    let keyword = tag.keyword(source);
    if !parser.take_word(keyword) {
        return Ok(Statement::Other);
    }
    let statement = match keyword {
        "set" => set(&mut parser)?,
        "for" => for_loop(&mut parser)?,
        "if" => Statement::If(parser.tuple(false)?),
        "elif" => Statement::Elif(parser.tuple(false)?),
        "with" => with(&mut parser)?,
        "block" => {
            parser.name()?;
            let mut is_scoped = false;
            loop {
                if parser.take_word("scoped") {
                    is_scoped = true;
                } else if !parser.take_word("required") {
                    break;
                }
            }
            Statement::Block { is_scoped }
        }
        "extends" => Statement::Extends(parser.expression()?),
        "include" => {
            let name = parser.expression()?;
            if parser.take_word("ignore") {
                parser.take_word("missing");
            }
            context(&mut parser);
            Statement::Include(name)
        }
        "import" => {
            let name = parser.expression()?;
            parser.take_word("as");
            parser.name()?;
            context(&mut parser);
            Statement::Import(name)
        }
        "from" => {
            // The names that follow have nothing in them to rewrite.
            return Ok(Statement::Import(parser.expression()?));
        }
        "macro" => {
            let name = parser.name()?;
            Statement::Macro(signature(&mut parser, name)?)
        }
        "call" => {
            let here = parser.at()..parser.at();
            let parameters = match parser.take_sign("(") {
                Some(_) => Some(parameters(&mut parser, here)?),
                None => None,
            };
            Statement::Call(parameters, parser.expression()?)
        }
        "filter" => Statement::FilterBlock(parser.filter_chain()?),
        "do" => Statement::Do(parser.expression()?),
        "endset" => Statement::End("set"),
        "endfor" => Statement::End("for"),
        "endif" => Statement::End("if"),
        "endwith" => Statement::End("with"),
        "endblock" => return Ok(Statement::End("block")),
        "endmacro" => Statement::End("macro"),
        "endcall" => Statement::End("call"),
        "endfilter" => Statement::End("filter"),
        _ => return Ok(Statement::Other),
    };
    done(&parser, tag, statement)
}

fn done(parser: &Parser<'_>, tag: &Tag, statement: Statement) -> Result<Statement> {
    if tag.mistake.is_some() && parser.is_done() {
        return parser.mistake("unexpected character");
    }
    parser.finish()?;
    Ok(statement)
}

fn context(parser: &mut Parser<'_>) {
    if parser.take_word("with") || parser.take_word("without") {
        parser.take_word("context");
    }
}

fn set(parser: &mut Parser<'_>) -> Result<Statement> {
    let targets = parser.targets()?;
    if parser.take_sign("=").is_some() {
        return Ok(Statement::Set(targets, parser.tuple(true)?));
    }
    let filter = match parser.take_sign("|") {
        Some(_) => Some(parser.filter_chain()?),
        None => None,
    };
    Ok(Statement::SetBlock(targets, filter))
}

fn for_loop(parser: &mut Parser<'_>) -> Result<Statement> {
    let targets = parser.targets()?;
    if !parser.take_word("in") {
        return parser.mistake("expected \"in\"");
    }
    let items = parser.tuple(false)?;
    let condition = match parser.take_word("if") {
        true => Some(parser.expression()?),
        false => None,
    };
    parser.take_word("recursive");
    Ok(Statement::For {
        targets,
        items,
        condition,
    })
}

fn with(parser: &mut Parser<'_>) -> Result<Statement> {
    let mut assignments = Vec::new();
    while !parser.is_done() {
        if !assignments.is_empty() {
            parser.expect_sign(",")?;
        }
        let target = match parser.take_sign("(") {
            Some(_) => {
                let targets = parser.targets()?;
                parser.expect_sign(")")?;
                targets
            }
            None => vec![parser.name()?],
        };
        parser.expect_sign("=")?;
        assignments.push((target, parser.expression()?));
    }
    Ok(Statement::With(assignments))
}

fn signature(parser: &mut Parser<'_>, name: Range<usize>) -> Result<Signature> {
    parser.expect_sign("(")?;
    parameters(parser, name)
}

fn parameters(parser: &mut Parser<'_>, name: Range<usize>) -> Result<Signature> {
    let mut parameters = Vec::new();
    loop {
        if let Some(close) = parser.take_sign(")") {
            return Ok(Signature {
                name,
                parameters,
                close: close.start,
            });
        }
        if !parameters.is_empty() {
            parser.expect_sign(",")?;
            if let Some(close) = parser.take_sign(")") {
                return Ok(Signature {
                    name,
                    parameters,
                    close: close.start,
                });
            }
        }
        let name = parser.name()?;
        let default = match parser.take_sign("=") {
            Some(_) => Some(parser.expression()?),
            None => None,
        };
        parameters.push((name, default));
    }
}
