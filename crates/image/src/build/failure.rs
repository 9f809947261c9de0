//! Explains a failed build: which instruction, from where in the templates, and what it said.

use std::fmt;
use std::path::PathBuf;

use crate::dockerfile::Instruction;
use crate::sources::SourceError;

/// How much of a long instruction is shown.
const SHOWN: usize = 160;

/// Why one image was not built.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    pub again: Option<String>,
}

/// The instruction that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
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
            again: None,
        }
    }

    /// A source that could not be had.
    pub(crate) fn of_source(image: &str, error: &SourceError) -> Failure {
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
        if let Some(again) = &self.again {
            write!(f, "\n  to build it alone: {again}")?;
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
/// sure; otherwise the first line with an expression between the neighbours that are sure.
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
    if let Some((_, line)) = sure.iter().find(|(index, _)| *index == failed) {
        return Some((template.path.clone(), line + 1));
    }
    let first_line = instructions.get(failed)?.first_line.trim();
    for other in others {
        if let Some(line) = other
            .text
            .lines()
            .position(|line| line.trim() == first_line)
        {
            return Some((other.path.clone(), line + 1));
        }
    }
    let start = sure
        .iter()
        .rev()
        .find(|(index, _)| *index < failed)
        .map_or(0, |(_, line)| line + 1);
    let end = sure
        .iter()
        .find(|(index, _)| *index > failed)
        .map_or(lines.len(), |(_, line)| *line);
    let between = lines
        .get(start..end)?
        .iter()
        .position(|line| line.contains("{{"))?;
    Some((template.path.clone(), start + between + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::instructions;

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
            again: Some("slipway build '^web$'".to_owned()),
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
