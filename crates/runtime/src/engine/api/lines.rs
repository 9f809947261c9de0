//! Cutting the engine's chunks of output into lines.

use bollard::container::LogOutput;

use crate::engine::LogLine;

/// Collects pieces of text and gives complete lines.
#[derive(Debug, Default)]
pub(super) struct LineCutter {
    rest: Vec<u8>,
}

impl LineCutter {
    /// Takes a piece and gives the lines it completes, without their ends.
    pub(super) fn push(&mut self, piece: &[u8]) -> Vec<String> {
        self.rest.extend_from_slice(piece);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            return Vec::new();
        };
        let tail = self.rest.split_off(end + 1);
        let complete = std::mem::replace(&mut self.rest, tail);
        complete[..end]
            .split(|byte| *byte == b'\n')
            .map(text)
            .collect()
    }

    /// What is left after the last piece.
    pub(super) fn finish(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.rest);
        (!rest.is_empty()).then(|| text(&rest))
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line)
        .trim_end_matches('\r')
        .to_owned()
}

/// The two streams of a container's output.
#[derive(Debug, Default)]
pub(super) struct LogCutter {
    out: LineCutter,
    err: LineCutter,
}

impl LogCutter {
    pub(super) fn push(&mut self, output: LogOutput) -> Vec<LogLine> {
        match output {
            LogOutput::StdErr { message } => self
                .err
                .push(&message)
                .into_iter()
                .map(LogLine::Err)
                .collect(),
            LogOutput::StdOut { message }
            | LogOutput::StdIn { message }
            | LogOutput::Console { message } => self
                .out
                .push(&message)
                .into_iter()
                .map(LogLine::Out)
                .collect(),
        }
    }

    pub(super) fn finish(&mut self) -> Vec<LogLine> {
        let out = self.out.finish().map(LogLine::Out);
        let err = self.err.finish().map(LogLine::Err);
        out.into_iter().chain(err).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_across_pieces() {
        let mut cutter = LineCutter::default();
        assert!(cutter.push(b"one").is_empty());
        assert_eq!(cutter.push(b" line\r\ntwo\n\nth"), ["one line", "two", ""]);
        assert_eq!(cutter.finish().as_deref(), Some("th"));
        assert_eq!(cutter.finish(), None);
    }
}
