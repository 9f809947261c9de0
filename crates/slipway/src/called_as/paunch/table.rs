//! Tables as cliff prints them: fitted to a width, with cells of several lines.

use unicode_width::UnicodeWidthStr;

/// The minimum width of a column. A table overflows before a column becomes narrower.
const NARROWEST: usize = 8;

/// Returns a table with its frame; nothing without rows, unless `print_empty`. Narrows columns if the
/// table is wider than `fit`.
pub fn table(
    heading: &[String],
    rows: &[Vec<String>],
    print_empty: bool,
    fit: Option<usize>,
) -> String {
    if rows.is_empty() && !print_empty {
        return String::new();
    }
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| printable(cell)).collect())
        .collect();
    let names: Vec<usize> = heading.iter().map(|name| name.width()).collect();
    let natural: Vec<usize> = names
        .iter()
        .enumerate()
        .map(|(column, &name)| {
            let lines = rows.iter().flat_map(|row| row[column].split('\n'));
            lines.map(UnicodeWidthStr::width).fold(name, usize::max)
        })
        .collect();
    // A column is never narrower than its name.
    let widths: Vec<usize> = fitted(&natural, fit)
        .into_iter()
        .zip(names)
        .map(|(width, name)| width.max(name))
        .collect();
    let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
    let rule = format!("+{}+", dashes.join("+"));
    let names: Vec<Vec<String>> = heading.iter().map(|name| vec![name.clone()]).collect();
    let mut lines = vec![rule.clone(), framed(&names, &widths), rule.clone()];
    for row in &rows {
        let cells: Vec<Vec<String>> = row
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| {
                cell.split('\n')
                    .flat_map(|line| wrapped(line, width))
                    .collect()
            })
            .collect();
        lines.push(framed(&cells, &widths));
    }
    lines.push(rule);
    lines.join("\n")
}

/// Normalises line ends, and drops characters that would move the cells after them.
fn printable(cell: &str) -> String {
    cell.replace("\r\n", "\n").replace('\r', " ")
}

/// Returns one row: the first lines of its cells, then the second lines, until every cell has ended.
fn framed(cells: &[Vec<String>], widths: &[usize]) -> String {
    let height = cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let lines = (0..height).map(|number| {
        let parts: Vec<String> = cells
            .iter()
            .zip(widths)
            .map(|(cell, &width)| {
                let text = cell.get(number).map_or("", String::as_str);
                format!(" {text}{} ", " ".repeat(width.saturating_sub(text.width())))
            })
            .collect();
        format!("|{}|", parts.join("|"))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the widths of columns that fit, with frame and padding, into `fit`: columns wider than
/// their share become narrower, and the last column takes the rest.
fn fitted(natural: &[usize], fit: Option<usize>) -> Vec<usize> {
    let frame = 3 * natural.len() + 1;
    let Some(fit) = fit.filter(|fit| natural.iter().sum::<usize>() + frame > *fit) else {
        return natural.to_vec();
    };
    let usable = fit.saturating_sub(frame);
    let share = usable / natural.len().max(1);
    let narrow: usize = natural.iter().filter(|width| **width <= share).sum();
    let wide = natural.iter().filter(|width| **width > share).count();
    let mut remaining = usable.saturating_sub(narrow);
    let each = remaining / wide.max(1);
    let mut number = 0;
    let shrunk = natural.iter().map(|&width| {
        if width <= share {
            return width;
        }
        number += 1;
        let target = if number == wide { remaining } else { each };
        remaining = remaining.saturating_sub(each);
        width.min(target.max(NARROWEST))
    });
    shrunk.collect()
}

/// Breaks a line into lines of at most this width, as Python's textwrap does: at whitespace, after
/// hyphens between letters, and inside words that are too long.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    if line.width() <= width {
        return vec![line.to_owned()];
    }
    let line = line.replace(char::is_whitespace, " ");
    let mut rest: Vec<String> = pieces(&line);
    rest.reverse();
    let mut lines: Vec<String> = Vec::new();
    while let Some(first) = rest.pop() {
        // Whitespace at the start of a line is dropped, except at the first.
        if lines.is_empty() || !first.trim().is_empty() {
            rest.push(first);
        }
        let mut current = String::new();
        while let Some(piece) = rest.pop_if(|piece| current.width() + piece.width() <= width) {
            current.push_str(&piece);
        }
        if let Some(long) = rest.pop_if(|piece| piece.width() > width) {
            let (here, later) = broken(&long, width - current.width());
            current.push_str(&here);
            rest.push(later);
        }
        let kept = current.trim_end_matches(' ');
        if !kept.is_empty() {
            lines.push(kept.to_owned());
        }
    }
    lines
}

/// Returns the pieces of a line that are broken only if they are too long.
fn pieces(line: &str) -> Vec<String> {
    let letters: Vec<char> = line.chars().collect();
    let is_letter = |at: usize| {
        let letter = letters.get(at);
        letter.is_some_and(|letter| letter.is_alphabetic() || *letter == '_')
    };
    let is_hyphen = |at: usize| letters.get(at) == Some(&'-');
    let breaks_after = |at: usize| {
        let before = at >= 1 && is_letter(at - 1);
        let two_before = at >= 2 && is_letter(at - 2);
        let hyphenated = at >= 3 && is_hyphen(at - 2) && is_letter(at - 3);
        let after =
            is_letter(at + 1) && (is_letter(at + 2) || (is_hyphen(at + 2) && is_letter(at + 3)));
        is_hyphen(at) && before && (two_before || hyphenated) && after
    };
    let mut pieces = vec![String::new()];
    for (at, letter) in letters.iter().enumerate() {
        let turns = at > 0 && (letters[at - 1] == ' ') != (*letter == ' ');
        if turns || (at > 0 && breaks_after(at - 1)) {
            pieces.push(String::new());
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(*letter);
        }
    }
    pieces
}

/// Returns the part of a word that fits, up to its last hyphen if there is one.
fn broken(word: &str, room: usize) -> (String, String) {
    let mut end = 0;
    let mut taken = 0;
    for (at, letter) in word.char_indices() {
        let mut buffer = [0; 4];
        taken += letter.encode_utf8(&mut buffer).width();
        // A line that starts with this word takes at least one letter of it.
        if taken > room.max(1) && at > 0 {
            break;
        }
        end = at + letter.len_utf8();
    }
    if room == 0 {
        end = 0;
    }
    let hyphen = word[..end].rfind('-');
    if let Some(at) = hyphen.filter(|&at| word[..at].contains(|letter| letter != '-')) {
        end = at + 1;
    }
    (word[..end].to_owned(), word[end..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_where_pythons_textwrap_breaks_them() {
        for (text, width, lines) in [
            ("debian:trixie", 10, vec!["debian:tri", "xie"]),
            ("sh -c 'sleep 3600'", 10, vec!["sh -c", "'sleep", "3600'"]),
            ("well-known-name", 8, vec!["well-", "known-", "name"]),
            ("a-b-c-d-e-f", 8, vec!["a-b-c-d-", "e-f"]),
            ("x1-2-33333333", 8, vec!["x1-2-", "33333333"]),
            ("aaa bbbbbbbbbbbb", 8, vec!["aaa bbbb", "bbbbbbbb"]),
            ("kurz", 8, vec!["kurz"]),
        ] {
            assert_eq!(wrapped(text, width), lines, "{text}");
        }
    }

    #[test]
    fn wide_columns_give_way_to_narrow_ones() {
        assert_eq!(fitted(&[6, 10, 13, 18, 7], None), [6, 10, 13, 18, 7]);
        assert_eq!(fitted(&[6, 10, 13, 18, 7], Some(60)), [6, 10, 10, 11, 7]);
        assert_eq!(fitted(&[6, 30, 30], Some(10)), [6, 8, 8]);
    }

    #[test]
    fn a_cell_of_several_lines_stays_in_its_column() {
        let heading = ["a", "b"].map(str::to_owned);
        let rows = [["one\ntwo", "x"].map(str::to_owned).to_vec()];
        assert_eq!(
            table(&heading, &rows, false, None),
            "+-----+---+\n| a   | b |\n+-----+---+\n| one | x |\n| two |   |\n+-----+---+"
        );
        assert_eq!(table(&heading, &[], false, None), "");
    }
}
