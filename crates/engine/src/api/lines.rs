//! Lines of the engine's output, which comes in pieces.

use bollard::container::LogOutput;

use crate::LogLine;

/// Longer lines of container output are cut, so that output without a line end stays bounded.
const LONGEST_LINE: usize = 64 * 1024;

/// Collects pieces of output and returns complete lines.
#[derive(Debug)]
pub(super) struct LineCutter {
    rest: Vec<u8>,
    longest: usize,
}

impl Default for LineCutter {
    fn default() -> Self {
        LineCutter::up_to(LONGEST_LINE)
    }
}

impl LineCutter {
    /// Cuts lines that are longer than this many bytes.
    pub(super) fn up_to(longest: usize) -> LineCutter {
        LineCutter {
            rest: Vec::new(),
            longest,
        }
    }

    /// Takes a piece and returns the lines that it completes, without their ends. The iterator must
    /// be read to its end; it makes each line when it is asked for, because one piece may hold
    /// thousands.
    pub(super) fn push<'a>(&'a mut self, piece: &'a [u8]) -> impl Iterator<Item = String> + 'a {
        let mut rest = piece;
        std::iter::from_fn(move || {
            let room = self.longest - self.rest.len();
            let end = rest.iter().take(room + 1).position(|byte| *byte == b'\n');
            let is_cut = end.is_none() && rest.len() > room;
            let (line, after) = match end {
                Some(end) => (&rest[..end], &rest[end + 1..]),
                None => rest.split_at(rest.len().min(room)),
            };
            rest = after;
            let is_complete = end.is_some() || is_cut;
            if self.rest.is_empty() && is_complete {
                return Some(text(line));
            }
            self.rest.extend_from_slice(line);
            is_complete.then(|| text(&std::mem::take(&mut self.rest)))
        })
    }

    /// Returns the unfinished line after the last piece.
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

    #[test]
    fn output_without_a_line_end_is_cut() {
        let mut cutter = LineCutter::up_to(4);
        let lines: Vec<String> = cutter.push(b"abcdefghij").collect();
        assert_eq!(lines, ["abcd", "efgh"]);
        let lines: Vec<String> = cutter.push(b"k\nabcd\n").collect();
        assert_eq!(lines, ["ijk", "abcd"]);
        let mut cutter = LineCutter::default();
        for _ in 0..1000 {
            assert!(
                cutter
                    .push(&[b'x'; 4096])
                    .all(|line| line.len() == LONGEST_LINE)
            );
        }
        assert!(cutter.rest.len() <= LONGEST_LINE);
    }
}
