//! Watches the process list for words that must not be in it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Reads the command line of every process, those in containers included, until
/// [`ProcessWatch::finish`].
#[derive(Debug)]
pub struct ProcessWatch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(usize, BTreeSet<String>)>,
}

impl ProcessWatch {
    /// Starts to watch for command lines with any of these words.
    pub fn start(words: Vec<String>) -> ProcessWatch {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (mut seen, mut found) = (0, BTreeSet::new());
            while !stopped.load(Ordering::Relaxed) {
                for line in command_lines() {
                    seen += 1;
                    if words.iter().any(|word| line.contains(word)) {
                        found.insert(line);
                    }
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            (seen, found)
        });
        ProcessWatch { stop, thread }
    }

    /// Ends the watch. Returns the number of command lines that were read, and those with one of the
    /// words.
    pub fn finish(self) -> (usize, BTreeSet<String>) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the watching thread")
    }
}

fn command_lines() -> Vec<String> {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(Result::ok)
        .filter(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .bytes()
                .all(|b| b.is_ascii_digit())
        })
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .filter(|line| !line.is_empty())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .collect()
}
