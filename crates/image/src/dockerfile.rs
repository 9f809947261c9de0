//! Reads a rendered Dockerfile, as far as ordering and explaining builds needs it.

/// One instruction, its continuation lines joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    /// `FROM`, `RUN`, … in upper case.
    pub name: String,
    /// The rest, with line ends as spaces.
    pub arguments: String,
    /// The line it starts on, from 1.
    pub line: usize,
    /// Its first line as it is written.
    pub first_line: String,
}

/// The instructions of a Dockerfile in order. Comments and empty lines are none.
pub(crate) fn instructions(text: &str) -> Vec<Instruction> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let mut joined = String::new();
        let mut piece = trimmed;
        while let Some(start) = piece.strip_suffix('\\') {
            joined.push_str(start);
            joined.push(' ');
            // Comments and empty lines inside a continued instruction do not end it.
            let next = lines.by_ref().map(|(_, line)| line.trim());
            piece = next
                .into_iter()
                .find(|line| !line.is_empty() && !line.starts_with('#'))
                .unwrap_or_default();
        }
        joined.push_str(piece);
        let (name, arguments) = joined
            .split_once(char::is_whitespace)
            .unwrap_or((&joined, ""));
        found.push(Instruction {
            name: name.to_uppercase(),
            arguments: arguments.trim().to_owned(),
            line: index + 1,
            first_line: line.to_owned(),
        });
    }
    found
}

/// The images a Dockerfile starts from, in order, without its own earlier stages.
pub(crate) fn parents(instructions: &[Instruction]) -> Vec<String> {
    let mut stages: Vec<&str> = Vec::new();
    let mut parents: Vec<String> = Vec::new();
    for instruction in instructions.iter().filter(|i| i.name == "FROM") {
        let mut words = instruction
            .arguments
            .split_whitespace()
            .filter(|w| !w.starts_with("--"));
        let Some(parent) = words.next() else { continue };
        if !stages.contains(&parent) && !parents.iter().any(|p| p == parent) && parent != "scratch"
        {
            parents.push(parent.to_owned());
        }
        if words
            .next()
            .is_some_and(|word| word.eq_ignore_ascii_case("as"))
        {
            stages.extend(words.next());
        }
    }
    parents
}

/// The plain file names that `COPY` and `ADD` take from the context: no patterns, addresses,
/// variables or other stages.
pub(crate) fn copied(instructions: &[Instruction]) -> Vec<String> {
    let mut names = Vec::new();
    for instruction in instructions {
        if !matches!(instruction.name.as_str(), "COPY" | "ADD") {
            continue;
        }
        let is_other_stage = instruction
            .arguments
            .split_whitespace()
            .any(|w| w.starts_with("--from"));
        if is_other_stage {
            continue;
        }
        let mut sources = operands(&instruction.arguments);
        sources.pop();
        names.extend(sources.into_iter().filter_map(|source| plain_name(&source)));
    }
    names
}

/// Sources and destination of a `COPY`, in either of its forms.
fn operands(arguments: &str) -> Vec<String> {
    let rest = arguments.trim_start();
    if rest.starts_with('[')
        && let Ok(list) = serde_json::from_str(rest)
    {
        return list;
    }
    rest.split_whitespace()
        .filter(|w| !w.starts_with("--"))
        .map(str::to_owned)
        .collect()
}

fn plain_name(source: &str) -> Option<String> {
    let is_pattern = source.contains(['*', '?', '[', '$', '\\', '"', '\'', '<']);
    let name = source.trim_start_matches("./").trim_matches('/');
    (!is_pattern && !source.contains("://") && !name.is_empty() && name != ".")
        .then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# note\nARG x\nFROM --platform=linux/amd64 ns/base:1 AS one\n\n\
        RUN a \\\n    # inside\n\n    && b\nFROM one\nFROM debian:trixie as two\n\
        COPY a ./b/ c* /dest/\nCOPY --chown=1:2 d /x\nCOPY --from=one e /f\n\
        ADD [\"g h\", \"/y\"]\nADD https://example.org/z /z\ncopy . /all";

    #[test]
    fn continued_instructions_are_one_and_keep_their_line() {
        let found = instructions(TEXT);
        let run = found.iter().find(|i| i.name == "RUN").unwrap();
        assert_eq!((run.line, run.first_line.as_str()), (5, "RUN a \\"));
        assert_eq!(
            run.arguments.split_whitespace().collect::<Vec<_>>(),
            ["a", "&&", "b"]
        );
        assert_eq!(found.len(), 11);
    }

    #[test]
    fn parents_are_the_images_of_from_without_stages() {
        assert_eq!(parents(&instructions(TEXT)), ["ns/base:1", "debian:trixie"]);
        assert_eq!(
            parents(&instructions("FROM scratch\n")),
            Vec::<String>::new()
        );
    }

    #[test]
    fn copied_names_are_those_that_must_be_files() {
        assert_eq!(copied(&instructions(TEXT)), ["a", "b", "d", "g h"]);
    }
}
