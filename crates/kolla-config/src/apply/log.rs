//! The lines of the container's log.

use std::cell::RefCell;
use std::fmt::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

/// Writes lines as Kolla's script does: time, level, message. The time is UTC.
///
/// Lines name paths and never show the content of a file.
pub struct Log<'a> {
    write: &'a dyn Fn(&str),
    line: RefCell<Line>,
}

/// The buffer of the last line: the next one often begins with the same second.
#[derive(Default)]
struct Line {
    text: String,
    /// The second that the line begins with, and the length of its text.
    second: u64,
    stamp: usize,
}

impl<'a> Log<'a> {
    /// Makes a log whose lines go to `write`, one at a time, each with its line break.
    pub fn new(write: &'a dyn Fn(&str)) -> Log<'a> {
        Log {
            write,
            line: RefCell::default(),
        }
    }

    /// Logs an action.
    pub fn info(&self, message: fmt::Arguments) {
        self.line("INFO", message);
    }

    /// Logs that something was skipped.
    pub fn warning(&self, message: fmt::Arguments) {
        self.line("WARNING", message);
    }

    /// Logs an error.
    pub fn error(&self, message: fmt::Arguments) {
        self.line("ERROR", message);
    }

    fn line(&self, level: &str, message: fmt::Arguments) {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let mut line = self.line.borrow_mut();
        if line.stamp == 0 || line.second != now.as_secs() {
            line.text = date_time(i64::try_from(now.as_secs()).unwrap_or_default());
            (line.second, line.stamp) = (now.as_secs(), line.text.len());
        }
        let Line { text, stamp, .. } = &mut *line;
        text.truncate(*stamp);
        let millis = now.subsec_millis();
        // Writing to a string does not fail.
        let _ = writeln!(text, ".{millis:03} {level} {message}");
        (self.write)(text);
    }
}

/// Returns seconds since 1970 as date and time.
fn date_time(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right() {
        assert_eq!(date_time(0), "1970-01-01 00:00:00");
        assert_eq!(date_time(951_782_399), "2000-02-28 23:59:59");
        assert_eq!(date_time(951_782_400), "2000-02-29 00:00:00");
        assert_eq!(date_time(1_709_251_199), "2024-02-29 23:59:59");
        assert_eq!(date_time(4_107_542_400), "2100-03-01 00:00:00");
        assert_eq!(date_time(1_767_225_599), "2025-12-31 23:59:59");
    }

    #[test]
    fn lines_are_those_of_kollas_script() {
        let lines = std::cell::RefCell::new(String::new());
        Log::new(&|line| lines.borrow_mut().push_str(line)).info(format_args!("Creating files"));
        let line = lines.into_inner();
        assert_eq!(&line[23..], " INFO Creating files\n");
        assert_eq!(&line[19..20], ".");
    }
}
