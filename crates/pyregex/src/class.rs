//! Character classes: `[…]`.

use crate::PatternError;
use crate::escape::{Escape, Source, escape, literal};

/// A member of a class.
enum Member {
    Char(char),
    /// `\d` and the like, by its letter.
    Class(char),
}

/// Translates a class; its opening bracket has been read. Python has no classes inside classes, and
/// no operators between them.
pub(crate) fn class(source: &mut Source<'_>, out: &mut String) -> Result<(), PatternError> {
    out.push('[');
    if source.take("^") {
        out.push('^');
    }
    let mut is_first = true;
    loop {
        // A bracket at the beginning is a member.
        if !is_first && source.take("]") {
            break;
        }
        is_first = false;
        let member = member(source)?;
        let is_range = source.peek() == Some('-') && !source.text().starts_with("-]");
        match member {
            Member::Char(first) if is_range => range(source, first, out)?,
            Member::Class(_) if is_range => return Err(source.error("a range of a class")),
            Member::Char(c) => literal(out, c),
            Member::Class(letter) => out.extend(['\\', letter]),
        }
    }
    out.push(']');
    Ok(())
}

fn range(source: &mut Source<'_>, first: char, out: &mut String) -> Result<(), PatternError> {
    source.take("-");
    match member(source)? {
        Member::Char(last) if first <= last => {
            literal(out, first);
            out.push('-');
            literal(out, last);
            Ok(())
        }
        Member::Char(_) => Err(source.error("a range that ends before it begins")),
        Member::Class(_) => Err(source.error("a range to a class")),
    }
}

fn member(source: &mut Source<'_>) -> Result<Member, PatternError> {
    match source.next() {
        None => Err(source.error("a class without its closing bracket")),
        Some('\\') => Ok(match escape(source, true)? {
            Escape::Char(c) => Member::Char(c),
            Escape::Class(letter) => Member::Class(letter),
            Escape::Position(_) | Escape::Group(_) => {
                return Err(source.error("an escape that no class has"));
            }
        }),
        Some(c) => Ok(Member::Char(c)),
    }
}
