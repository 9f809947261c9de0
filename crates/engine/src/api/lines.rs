//! Cutting the engine's chunks of output into lines.

use bollard::container::LogOutput;

use crate::LogLine;

/// Collects pieces of text and gives complete lines.
#[derive(Debug, Default)]
pub(super) struct LineCutter {
    rest: Vec<u8>,
}

impl LineCutter {
    /// Takes a piece and gives the lines it completes, without their ends, each when it is asked
    /// for: an engine may tell thousands at once. All of them have to be.
    pub(super) fn push<'a>(&'a mut self, piece: &'a [u8]) -> impl Iterator<Item = String> + 'a {
        let mut left = piece;
        std::iter::from_fn(move || {
            let end = left.iter().position(|byte| *byte == b'\n');
            let (line, after) = match end {
                Some(end) => (&left[..end], &left[end + 1..]),
                None => (left, &left[left.len()..]),
            };
            left = after;
            if self.rest.is_empty() && end.is_some() {
                return Some(text(line));
            }
            self.rest.extend_from_slice(line);
            end.is_some().then(|| text(&std::mem::take(&mut self.rest)))
        })
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
            LogOutput::StdErr { message } => self.err.push(&message).map(LogLine::Err).collect(),
            LogOutput::StdOut { message }
            | LogOutput::StdIn { message }
            | LogOutput::Console { message } => self.out.push(&message).map(LogLine::Out).collect(),
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
        assert_eq!(cutter.push(b"one").next(), None);
        let lines: Vec<String> = cutter.push(b" line\r\ntwo\n\nth").collect();
        assert_eq!(lines, ["one line", "two", ""]);
        assert_eq!(cutter.finish().as_deref(), Some("th"));
        assert_eq!(cutter.finish(), None);
    }
}
