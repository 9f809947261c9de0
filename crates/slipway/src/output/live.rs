//! Work in progress on a terminal: a line for each running item, and a bar of all items.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use slipway_redact::printable;

use super::durations::Durations;

/// The number of characters of an item that are shown.
const SHOWN: usize = 100;

/// Work in progress on a terminal.
#[derive(Debug)]
pub struct Live {
    bars: MultiProgress,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    running: BTreeMap<String, Running>,
    /// The bar of all items, from the time on at which their number is known.
    total: Option<ProgressBar>,
    durations: Durations,
}

#[derive(Debug)]
struct Running {
    bar: ProgressBar,
    since: Instant,
}

/// The end of the work on an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is done. The time that it took is kept for the next run.
    Done,
    /// It failed.
    Failed,
}

impl Live {
    /// Shows work on these bars, with the durations of earlier runs.
    pub fn new(bars: MultiProgress, durations: Durations) -> Live {
        Live {
            bars,
            state: Mutex::new(State {
                running: BTreeMap::new(),
                total: None,
                durations,
            }),
        }
    }

    /// Prints a line above the bars.
    pub fn print_line(&self, text: &str) {
        let _ = self.bars.println(text);
    }

    /// Shows a bar of this many items.
    pub fn expect(&self, items: usize) {
        let bar = self.bars.add(ProgressBar::new(items as u64));
        if let Ok(style) =
            ProgressStyle::with_template("[{bar:30}] {pos} of {len} {msg} ({elapsed})")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        self.state().total = Some(bar);
    }

    /// Moves the bar of all items on.
    pub fn advance(&self, items: usize) {
        if let Some(total) = &self.state().total {
            let left = total.length().unwrap_or(0).saturating_sub(total.position());
            total.inc(left.min(items as u64));
        }
    }

    /// Shows a text beside the bar of all items, such as the step.
    pub fn describe(&self, text: &str) {
        if let Some(total) = &self.state().total {
            total.set_message(printable(text).into_owned());
        }
    }

    /// Shows that work on an item starts.
    pub fn started(&self, item: &str, text: &str) {
        let mut state = self.state();
        let bar = match &state.total {
            Some(total) => self.bars.insert_before(total, ProgressBar::new_spinner()),
            None => self.bars.add(ProgressBar::new_spinner()),
        };
        let template = match state.durations.get(item) {
            Some(seconds) => format!("{{spinner}} {{msg}} ({{elapsed}}, last time {seconds:.0}s)"),
            None => "{spinner} {msg} ({elapsed})".to_owned(),
        };
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar.set_message(shortened(&format!("{item}: {text}")));
        bar.enable_steady_tick(Duration::from_millis(120));
        let running = Running {
            bar,
            since: Instant::now(),
        };
        state.running.insert(item.to_owned(), running);
    }

    /// Shows the latest line of an item.
    pub fn progress(&self, item: &str, text: &str) {
        if let Some(running) = self.state().running.get(item) {
            running
                .bar
                .set_message(shortened(&format!("{item}: {text}")));
        }
    }

    /// Shows that work on an item has ended.
    pub fn ended(&self, item: &str, ending: Ending) {
        let mut state = self.state();
        if let Some(running) = state.running.remove(item) {
            running.bar.finish_and_clear();
            if ending == Ending::Done {
                let seconds = running.since.elapsed().as_secs_f64();
                state.durations.set(item, seconds);
            }
        }
        drop(state);
        self.advance(1);
    }

    /// Removes the bars, and keeps the durations for the next run.
    pub fn close(&self) {
        let mut state = self.state();
        for bar in state.running.values().map(|running| &running.bar) {
            bar.finish_and_clear();
        }
        if let Some(total) = state.total.take() {
            total.finish_and_clear();
        }
        state.durations.save();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere does not make what is shown wrong.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shortened(text: &str) -> String {
    printable(text).chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use indicatif::{ProgressDrawTarget, TermLike};

    use super::*;

    /// A terminal that keeps everything that was written to it.
    #[derive(Clone, Debug, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl Screen {
        fn live(&self, durations: Durations) -> Live {
            let target = ProgressDrawTarget::term_like_with_hz(Box::new(self.clone()), 255);
            Live::new(MultiProgress::with_draw_target(target), durations)
        }

        fn has(&self, text: &str) -> bool {
            self.0.lock().unwrap().contains(text)
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            120
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Waits until the terminal shows a text: bars are drawn by a thread of their own.
    #[track_caller]
    fn wait_for(screen: &Screen, text: &str) {
        let begun = Instant::now();
        while !screen.has(text) {
            let shown = screen.0.lock().unwrap().clone();
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "{text}: {shown}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn the_terminal_shows_what_runs_what_is_left_and_the_last_duration() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("durations.json");
        let screen = Screen::default();
        let live = screen.live(Durations::load(Some(file.clone())));
        live.expect(3);
        live.describe("step 1");
        live.started("run a", "create");
        wait_for(&screen, "0 of 3 step 1");
        wait_for(&screen, "run a: create (0s)");
        live.progress("run a", "pulls");
        wait_for(&screen, "run a: pulls");
        live.ended("run a", Ending::Done);
        live.started("run b", "create");
        live.ended("run b", Ending::Failed);
        live.advance(9);
        wait_for(&screen, "3 of 3");
        live.close();

        let mut durations = Durations::load(Some(file.clone()));
        assert!(durations.get("run a").is_some() && durations.get("run b").is_none());
        durations.set("run a", 12.4);
        durations.save();
        let screen = Screen::default();
        let live = screen.live(Durations::load(Some(file)));
        live.started("run a", "replace");
        wait_for(&screen, "last time 12s)");
        assert!(!screen.has("\u{1b}["), "no colour");
        live.close();
    }
}
