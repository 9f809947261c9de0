//! The syntax of a file.

/// One `key = value` with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The section, as it is written.
    pub section: String,
    /// The key.
    pub key: String,
    /// The value: continuation lines joined by newlines, one pair of quotes taken off.
    pub value: String,
    /// The line it begins on, from 1.
    pub line: usize,
}

/// An invalid line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}: {text:?}")]
pub struct SyntaxError {
    /// The line, from 1.
    pub line: usize,
    /// The reason.
    pub message: &'static str,
    /// The line's text.
    pub text: String,
}

/// The part of a file that has been read.
#[derive(Default)]
struct Reader {
    sections: Vec<String>,
    assignments: Vec<Assignment>,
    /// The assignment that a continuation line would continue.
    open: Option<(String, Vec<String>, usize)>,
}

/// Returns the sections of a file, each once, and its assignments, in order.
///
/// ```
/// let text = "[DEFAULT]\ntemplate_override = a.j2\ntemplate_override = b.j2\n";
/// let (sections, assignments) = slipway_oslo_config::parse(text)?;
/// assert_eq!(sections, ["DEFAULT"]);
/// assert_eq!(assignments[1].value, "b.j2");
/// # Ok::<(), slipway_oslo_config::SyntaxError>(())
/// ```
pub fn parse(text: &str) -> Result<(Vec<String>, Vec<Assignment>), SyntaxError> {
    let mut reader = Reader::default();
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for (index, line) in text.split('\n').enumerate() {
        reader.line(index + 1, line.trim_end_matches(is_space))?;
    }
    reader.close()?;
    Ok((reader.sections, reader.assignments))
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<(), SyntaxError> {
        let fault = |message| SyntaxError {
            line: number,
            message,
            text: line.to_owned(),
        };
        if line.is_empty() {
            return self.close();
        }
        if line.starts_with([' ', '\t']) {
            let Some((_, lines, _)) = &mut self.open else {
                return Err(fault("a continuation line without an assignment before it"));
            };
            lines.push(line.trim_start_matches(is_space).to_owned());
            return Ok(());
        }
        self.close()?;
        if let Some(rest) = line.strip_prefix('[') {
            match rest.strip_suffix(']') {
                None => return Err(fault("a section that does not end with ]")),
                Some("") => return Err(fault("a section without a name")),
                Some(name) if self.sections.iter().any(|section| section == name) => {
                    // The lines that follow belong to the section that is opened again.
                    self.sections.retain(|section| section != name);
                    self.sections.push(name.to_owned());
                }
                Some(name) => self.sections.push(name.to_owned()),
            }
        } else if !line.starts_with(['#', ';']) {
            let Some((key, value)) = line.split_once([':', '=']) else {
                return Err(fault("neither '=' nor ':' in an assignment"));
            };
            let key = key.trim_matches(is_space);
            if key.is_empty() {
                return Err(fault("an assignment without a key"));
            }
            let value = unquoted(value.trim_matches(is_space)).to_owned();
            self.open = Some((key.to_owned(), vec![value], number));
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), SyntaxError> {
        let Some((key, lines, line)) = self.open.take() else {
            return Ok(());
        };
        let Some(section) = self.sections.last() else {
            return Err(SyntaxError {
                line,
                message: "an assignment before the first section, such as [DEFAULT]",
                text: key,
            });
        };
        self.assignments.push(Assignment {
            section: section.clone(),
            key,
            value: lines.join("\n"),
            line,
        });
        Ok(())
    }
}

/// Returns whether Python calls a character whitespace.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// Returns a value without its quotes, where the same kind is at both ends.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if value.len() == 1 && value.starts_with(quote) {
            return "";
        }
        if let Some(inner) = value
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
        {
            return inner;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(text: &str) -> Vec<(String, String, String)> {
        let (_, assignments) = parse(text).unwrap();
        assignments
            .into_iter()
            .map(|a| (a.section, a.key, a.value))
            .collect()
    }

    fn value(text: &str) -> String {
        values(&format!("[a]\n{text}")).remove(0).2
    }

    #[test]
    fn values_keep_their_text() {
        assert_eq!(value("k = v ; w # x"), "v ; w # x");
        assert_eq!(value("k: a=b"), "a=b");
        assert_eq!(value("k = a:b"), "a:b");
        assert_eq!(value("k = \"v \""), "v ");
        assert_eq!(value("k = 'v\""), "'v\"");
        assert_eq!(value("k = \""), "");
        assert_eq!(value("k ="), "");
        assert_eq!(value("k = a,\n  b,\n\t# c"), "a,\nb,\n# c");
    }

    #[test]
    fn sections_may_be_opened_again() {
        let found = values("[a]\nk=1\r\n[b]\rk=2\n[a]\nk=3\n");
        let found: Vec<_> = found
            .iter()
            .map(|(s, _, v)| (s.as_str(), v.as_str()))
            .collect();
        assert_eq!(found, [("a", "1"), ("b", "2"), ("a", "3")]);
    }

    #[test]
    fn errors_name_the_line() {
        for (text, line, part) in [
            ("k = v", 1, "before the first section"),
            ("[a]\n  b", 2, "continuation line without"),
            ("[a]\nk=1\n\n  b", 4, "continuation line without"),
            ("[a]\nk=1\n# c\n  b", 4, "continuation line without"),
            ("[a", 1, "does not end with ]"),
            ("[a] # b", 1, "does not end with ]"),
            ("[]", 1, "without a name"),
            ("[a]\nword", 2, "neither"),
            ("[a]\n= v", 2, "without a key"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text}");
            assert!(error.to_string().contains(part), "{text}: {error}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        /// Assignments are read as they are written, in order, with their lines.
        #[test]
        fn files_keep_their_text(
            written in prop::collection::vec(
                ("[a-z][a-z-]{0,8}", "[a-z_]{1,8}", "[!-&(-~]([ -~]{0,12}[!-&(-~])?"), 1..12,
            ),
        ) {
            let mut text = String::new();
            for (section, key, value) in &written {
                text += &format!("# {value}\n[{section}]\n{key} = {value}\n\n");
            }
            let (_, read) = parse(&text).unwrap();
            prop_assert_eq!(read.len(), written.len());
            for (index, (found, (section, key, value))) in read.iter().zip(&written).enumerate() {
                prop_assert_eq!((&found.section, &found.key), (section, key));
                prop_assert_eq!(found.value.as_str(), unquoted(value));
                prop_assert_eq!(found.line, index * 4 + 3);
            }
        }

        /// Any text is read, or refused with a line that it has.
        #[test]
        fn any_text_is_read_or_refused(text in "[\\[\\]=:#; \t\r\na-c\"'$]{0,60}") {
            if let Err(error) = parse(&text) {
                prop_assert!(error.line >= 1 && error.line <= text.len() + 1);
            }
        }
    }
}
