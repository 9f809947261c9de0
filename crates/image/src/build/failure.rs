//! The report of a failed build: the instruction, its place in the templates, the last output.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::error::ImageError;
use crate::graph::dockerfile::Instruction;

/// Characters of a long instruction that are shown.
const SHOWN: usize = 160;

/// The failure of one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The image's name in the tree.
    pub image: String,
    /// The engine's message.
    pub message: String,
    /// The instruction that failed, where the engine got that far.
    pub instruction: Option<FailedInstruction>,
    /// The last lines of its log.
    pub log_tail: Vec<String>,
    /// The whole log, where logs are kept.
    pub log_file: Option<PathBuf>,
    /// The command that builds this image alone, where an instruction failed.
    pub rebuild_command: Option<String>,
}

/// The instruction that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedInstruction {
    /// Its text, continuation lines joined.
    pub text: String,
    /// Its line in the rendered Dockerfile, from 1.
    pub line: usize,
    /// The template it came from and the line there, where that can be told.
    pub template: Option<(PathBuf, usize)>,
}

impl Failure {
    fn without_log(image: &str, message: String) -> Failure {
        Failure {
            image: image.to_owned(),
            message,
            instruction: None,
            log_tail: Vec::new(),
            log_file: None,
            rebuild_command: None,
        }
    }

    /// An image that cannot be built, for a reason outside of its instructions.
    pub(crate) fn of_image(image: &str, error: &ImageError) -> Failure {
        Failure::without_log(image, error.to_string())
    }

    /// A push that a registry did not take.
    pub(crate) fn of_push(image: &str, reference: &str, reason: &str) -> Failure {
        Failure::without_log(image, format!("cannot push {reference}: {reason}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "image {}: {}", self.image, self.message)?;
        if let Some(instruction) = &self.instruction {
            write!(f, "\n  in {}", shorten(&instruction.text))?;
            if let Some((file, line)) = &instruction.template {
                write!(f, "\n  --> {}:{line}", file.display())?;
            }
            write!(
                f,
                "\n  line {} of the rendered Dockerfile",
                instruction.line
            )?;
        }
        if !self.log_tail.is_empty() {
            write!(f, "\n  its last output:")?;
            for line in &self.log_tail {
                write!(f, "\n  | {line}")?;
            }
        }
        if let Some(file) = &self.log_file {
            write!(f, "\n  all of it is in {}", file.display())?;
        }
        if let Some(command) = &self.rebuild_command {
            write!(f, "\n  to build it alone: {command}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

fn shorten(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}

/// An engine's word for the instruction it is at, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Among all.
    Classic(usize),
    /// Among those that change files, which are all that BuildKit counts.
    BuildKit(usize),
}

impl Step {
    /// The step in the engine's `Step 3/12 : RUN …`, Podman's `STEP 3/12: RUN …`, or BuildKit's
    /// `[3/12] RUN …`.
    pub(crate) fn in_line(line: &str) -> Option<Step> {
        let number = |text: &str| text.split_once('/')?.0.trim().parse().ok();
        if let Some(rest) = line.strip_prefix('[') {
            return rest
                .contains("] ")
                .then(|| number(rest))
                .flatten()
                .map(Step::BuildKit);
        }
        let rest = line
            .strip_prefix("Step ")
            .or_else(|| line.strip_prefix("STEP "))?;
        let has_instruction = rest.split_once('/')?.1.contains(':');
        has_instruction
            .then(|| number(rest))
            .flatten()
            .map(Step::Classic)
    }

    /// The position of its instruction.
    pub(crate) fn index(self, instructions: &[Instruction]) -> Option<usize> {
        let changes_files =
            |i: &Instruction| ["FROM", "RUN", "COPY", "ADD", "WORKDIR"].contains(&i.name.as_str());
        match self {
            Step::Classic(number) => number.checked_sub(1),
            Step::BuildKit(number) => {
                let counted = instructions.iter().enumerate();
                let mut counted = counted.filter(|(_, instruction)| changes_files(instruction));
                Some(counted.nth(number.checked_sub(1)?)?.0)
            }
        }
    }
}

/// A text that instructions may have come from.
pub(crate) struct Source {
    pub path: PathBuf,
    pub text: String,
}

/// The place in the templates where an instruction came from. A line that is the same in both is
/// sure; then the line that has most letters in common with it apart from its expressions, the
/// neighbours that are sure on either side; then the first line between these with an expression.
pub(crate) fn origin(
    instructions: &[Instruction],
    failed: usize,
    template: &Source,
    others: &[Source],
) -> Option<(PathBuf, usize)> {
    let lines: Vec<&str> = template.text.lines().map(str::trim).collect();
    let mut sure: Vec<(usize, usize)> = Vec::new();
    let mut from = 0;
    for (index, instruction) in instructions.iter().enumerate() {
        let first_line = instruction.first_line.trim();
        if let Some(offset) = lines[from..].iter().position(|line| *line == first_line) {
            sure.push((index, from + offset));
            from += offset + 1;
        }
    }
    let here = |line: usize| Some((template.path.clone(), line + 1));
    if let Some((_, line)) = sure.iter().find(|(index, _)| *index == failed) {
        return here(*line);
    }
    let first_line = instructions.get(failed)?.first_line.trim();
    let start = sure
        .iter()
        .rev()
        .find(|(index, _)| *index < failed)
        .map_or(0, |(_, line)| line + 1);
    let end = sure
        .iter()
        .find(|(index, _)| *index > failed)
        .map_or(lines.len(), |(_, line)| *line);
    let between = lines.get(start..end)?;
    let exact = |lines: &[&str]| lines.iter().position(|line| *line == first_line);
    // A loop comes by its lines more than once.
    if let Some(line) = exact(&lines) {
        return here(line);
    }
    let others: Vec<(&Source, Vec<&str>)> = others
        .iter()
        .map(|other| (other, other.text.lines().map(str::trim).collect()))
        .collect();
    let in_others = |find: &dyn Fn(&[&str]) -> Option<usize>| {
        let mut found = others
            .iter()
            .filter_map(|(other, lines)| Some((other.path.clone(), find(lines)? + 1)));
        found.next()
    };
    if let Some(found) = in_others(&exact) {
        return Some(found);
    }
    if let Some(line) = likest(between, first_line) {
        return here(start + line);
    }
    if let Some(found) = in_others(&|lines| likest(lines, first_line)) {
        return Some(found);
    }
    if let Some(line) = likest(&lines, first_line) {
        return here(line);
    }
    let line = between.iter().position(|line| line.contains("{{"))?;
    here(start + line)
}

/// Returns the line with expressions that a rendered line was most likely made from: that with the
/// most letters of its own.
fn likest(lines: &[&str], rendered: &str) -> Option<usize> {
    let letters = lines.iter().map(|line| letters_in_common(line, rendered));
    let found = letters.enumerate().filter(|(_, letters)| letters.is_some());
    // Of several such lines, the first.
    let found = found.rev().max_by_key(|(_, letters)| *letters);
    found.map(|(line, _)| line)
}

/// The number of letters a template's line has outside of its tags, where they are those of a rendered
/// line, in their order. An instruction's name alone says nothing.
fn letters_in_common(line: &str, rendered: &str) -> Option<usize> {
    let mut parts = Vec::new();
    let mut rest = line;
    let tags = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];
    let next = |text: &str| {
        let found = tags
            .iter()
            .filter_map(|(open, close)| Some((text.find(open)?, *close)));
        found.min()
    };
    while let Some((open, close)) = next(rest) {
        parts.push(&rest[..open]);
        rest = rest[open + 2..].split_once(close)?.1;
    }
    if parts.is_empty() {
        return None;
    }
    let (first, last) = (parts.remove(0), rest);
    let mut between = rendered.strip_prefix(first)?.strip_suffix(last)?;
    for part in &parts {
        between = &between[between.find(part)? + part.len()..];
    }
    let letters = first.len() + last.len() + parts.iter().map(|part| part.len()).sum::<usize>();
    let name = rendered.split_whitespace().next().map_or(0, str::len);
    (letters > name + 1).then_some(letters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::dockerfile::instructions;

    #[test]
    fn steps_are_read_from_every_builder() {
        assert_eq!(Step::in_line("Step 3/12 : RUN a"), Some(Step::Classic(3)));
        assert_eq!(Step::in_line("STEP 10/12: RUN a"), Some(Step::Classic(10)));
        assert_eq!(Step::in_line("[ 3/12] RUN a"), Some(Step::BuildKit(3)));
        assert_eq!(Step::in_line("[internal] load a/b"), None);
        assert_eq!(Step::in_line("Step by step/ : x"), None);
        assert_eq!(Step::in_line(" ---> 4f"), None);
        let all = instructions("FROM a\nENV b=1\nRUN c\nLABEL d=e\nCOPY f g\n");
        assert_eq!(Step::BuildKit(3).index(&all), Some(4));
        assert_eq!(Step::Classic(3).index(&all), Some(2));
    }

    #[test]
    fn instructions_are_found_in_their_templates() {
        let template = "FROM {{ base_image }}\n{% set p = ['a'] %}\n\nRUN one\n\
                        {{ macros.install(p) }}\nRUN two\n{% block footer %}{% endblock %}\n";
        let rendered = "FROM debian\nRUN one\nRUN apt-get install a\nRUN two\nRUN three\n";
        let template = Source {
            path: "t".into(),
            text: template.to_owned(),
        };
        let other = Source {
            path: "o".into(),
            text: "{% block footer %}\nRUN three\n".to_owned(),
        };
        let instructions = instructions(rendered);
        let found = |index| {
            origin(
                &instructions,
                index,
                &template,
                std::slice::from_ref(&other),
            )
        };
        assert_eq!(found(0), Some(("t".into(), 1)));
        assert_eq!(found(1), Some(("t".into(), 4)));
        assert_eq!(found(2), Some(("t".into(), 5)));
        assert_eq!(found(3), Some(("t".into(), 6)));
        assert_eq!(found(4), Some(("o".into(), 2)));
        assert_eq!(found(5), None);
    }

    #[test]
    fn instructions_of_loops_and_with_expressions_are_found() {
        let template = Source {
            path: "t".into(),
            text: "FROM {{ base }}\n{% block header %}{% endblock %}\n{% for i in l %}\nRUN same\n\
                   RUN echo {{ i }} && a {{ i }} ${b}\nRUN echo {{ i }} && c {{ i }} \\\n    && d\n\
                   {% endfor %}\n{{ macros.configure(l) }}\nRUN {{ x }}\n"
                .to_owned(),
        };
        let macros = Source {
            path: "m".into(),
            text: "{% macro configure(l) %}\nRUN useradd {{ l[0] }}{% if l %} -m{% endif %}\n"
                .to_owned(),
        };
        let rendered = "FROM debian\nRUN same\nRUN echo 1 && a 1 ${b}\nRUN echo 1 && c 1 \\\n    && d\n\
                        RUN same\nRUN echo 2 && a 2 ${b}\nRUN echo 2 && c 2 \\\n    && d\n\
                        RUN useradd k -m\nRUN other\n";
        let instructions = instructions(rendered);
        let lines: Vec<_> = (0..instructions.len())
            .map(|index| {
                let others = std::slice::from_ref(&macros);
                let (path, line) = origin(&instructions, index, &template, others).unwrap();
                format!("{}:{line}", path.display())
            })
            .collect();
        let expected = ["t:1", "t:4", "t:5", "t:6", "t:4", "t:5", "t:6", "m:2"];
        assert_eq!(lines[..8], expected);
    }

    #[test]
    fn a_failure_shows_place_and_output() {
        let failure = Failure {
            image: "web".to_owned(),
            message: "it returned 1".to_owned(),
            instruction: Some(FailedInstruction {
                text: format!("RUN a   \\ {}", "b".repeat(300)),
                line: 7,
                template: Some(("images/web/Dockerfile.j2".into(), 5)),
            }),
            log_tail: vec!["oh no".to_owned()],
            log_file: None,
            rebuild_command: Some("slipway build '^web$'".to_owned()),
        };
        let shown = failure.to_string();
        assert!(
            shown.starts_with("image web: it returned 1\n  in RUN a \\ bbb"),
            "{shown}"
        );
        assert!(
            shown.contains(" …\n  --> images/web/Dockerfile.j2:5\n  line 7 of"),
            "{shown}"
        );
        assert!(shown.contains("\n  | oh no\n"), "{shown}");
        assert!(
            shown.ends_with("\n  to build it alone: slipway build '^web$'"),
            "{shown}"
        );
    }
}
