//! Reads a rendered Dockerfile, as far as ordering and explaining builds needs it.

use std::collections::BTreeMap;

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

/// Returns the instructions of a Dockerfile in order, without comments and empty lines.
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

/// The images a Dockerfile starts from or copies from, in order, without its own stages. What
/// stands before its first `FROM` as an `ARG` may be a part of their names.
pub(crate) fn parents(
    instructions: &[Instruction],
    build_args: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut arguments: BTreeMap<&str, &str> = BTreeMap::new();
    let mut stages: Vec<String> = Vec::new();
    let mut parents: Vec<String> = Vec::new();
    let mut is_before_from = true;
    for instruction in instructions {
        let mut words = instruction.arguments.split_whitespace();
        let parent = match instruction.name.as_str() {
            "ARG" if is_before_from => {
                arguments.extend(words.map(|word| argument(word, build_args)));
                continue;
            }
            "FROM" => {
                is_before_from = false;
                let parent = words.find(|word| !word.starts_with("--"));
                parent.map(|parent| substituted(parent, &arguments))
            }
            // Which of its stages a number means does not matter.
            "COPY" => words
                .find_map(|word| word.strip_prefix("--from="))
                .filter(|from| from.parse::<usize>().is_err())
                .map(str::to_owned),
            _ => continue,
        };
        let Some(parent) = parent else { continue };
        let is_stage = stages.contains(&parent.to_lowercase());
        if !is_stage && !parents.contains(&parent) && parent != "scratch" {
            parents.push(parent);
        }
        if instruction.name == "FROM" && words.next().is_some_and(|w| w.eq_ignore_ascii_case("as"))
        {
            stages.extend(words.next().map(str::to_lowercase));
        }
    }
    parents
}

/// Returns the name and the value of an `ARG`.
fn argument<'a>(word: &'a str, build_args: &'a BTreeMap<String, String>) -> (&'a str, &'a str) {
    let (name, default) = word.split_once('=').unwrap_or((word, ""));
    let value = build_args.get(name).map(String::as_str);
    (name, value.unwrap_or(default.trim_matches(['"', '\''])))
}

/// A text with arguments in place of `$name`, `${name}` and `${name:-default}`. Those that there
/// are not stay.
fn substituted(text: &str, arguments: &BTreeMap<&str, &str>) -> String {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        done.push_str(before);
        let (inner, end) = match after
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'))
        {
            Some(split) => split,
            None => after.split_at(after.find(|c| !is_of_name(c)).unwrap_or(after.len())),
        };
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        let value = arguments.get(name).copied();
        match value
            .filter(|value| !value.is_empty())
            .or(default)
            .or(value)
        {
            Some(value) => done.push_str(value),
            None => done.push_str(&rest[before.len()..rest.len() - end.len()]),
        }
        rest = end;
    }
    done + rest
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
        assert_eq!(started_from(TEXT), ["ns/base:1", "debian:trixie"]);
        assert_eq!(started_from("FROM scratch\n"), Vec::<String>::new());
        let stages = "FROM a AS One\nFROM b\nCOPY --from=0 x y\nCOPY --from=one x y\n\
                      COPY --chown=1 --from=ns/tools:1 x y\n";
        assert_eq!(started_from(stages), ["a", "b", "ns/tools:1"]);
    }

    #[test]
    fn arguments_before_the_first_from_are_a_part_of_its_name() {
        let text = "ARG base=debian tag=\"13\" given=1\nARG none\nFROM $base:${tag}\n\
                    ARG late=x\nFROM r/${given}:${none:-d}-$late$none$\n";
        assert_eq!(started_from(text), ["debian:13", "r/2:d-$late$"]);
    }

    fn started_from(text: &str) -> Vec<String> {
        let build_args = BTreeMap::from([("given".to_owned(), "2".to_owned())]);
        parents(&instructions(text), &build_args)
    }

    #[test]
    fn copied_names_are_those_that_must_be_files() {
        assert_eq!(copied(&instructions(TEXT)), ["a", "b", "d", "g h"]);
    }
}
