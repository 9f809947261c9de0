//! The durations of work in the last run, which a terminal shows beside the work in progress.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The number of durations that are kept. A file with more begins anew.
const MOST: usize = 5000;

/// The durations of the last run of each item, in seconds.
#[derive(Debug, Default)]
pub struct Durations {
    file: Option<PathBuf>,
    seconds: BTreeMap<String, f64>,
    is_changed: bool,
}

impl Durations {
    /// Reads the user's durations.
    pub fn of_user() -> Durations {
        let state = slipway_files::state_directory().ok();
        Durations::load(state.map(|state| state.join("durations.json")))
    }

    /// Reads a file of durations. A missing or invalid file has none: it is only a help for the reader.
    pub fn load(file: Option<PathBuf>) -> Durations {
        let text = file
            .as_ref()
            .and_then(|file| slipway_files::read_input(file).ok());
        let seconds = text.and_then(|text| serde_json::from_str(&text).ok());
        Durations {
            file,
            seconds: seconds.unwrap_or_default(),
            is_changed: false,
        }
    }

    /// Returns the duration of an item.
    pub fn get(&self, item: &str) -> Option<f64> {
        self.seconds.get(item).copied()
    }

    /// Sets the duration of an item.
    pub fn set(&mut self, item: &str, seconds: f64) {
        if self.seconds.len() >= MOST {
            self.seconds.clear();
        }
        self.seconds.insert(item.to_owned(), seconds);
        self.is_changed = true;
    }

    /// Writes the file, if a duration was set. An error is ignored.
    pub fn save(&mut self) {
        if let (true, Some(file)) = (self.is_changed, &self.file)
            && let Ok(text) = serde_json::to_string(&self.seconds)
        {
            let _ = slipway_files::write_private(file, text.as_bytes());
            self.is_changed = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_file_has_no_durations_and_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("durations.json");
        std::fs::write(&file, "{").unwrap();
        let mut durations = Durations::load(Some(file.clone()));
        assert_eq!(durations.get("a"), None);
        durations.save();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "{");
        durations.set("a", 1.5);
        durations.save();
        assert_eq!(Durations::load(Some(file)).get("a"), Some(1.5));
    }
}
