//! Keeps the files that config files replace, and restores them before the next copy.
//!
//! The state file holds, for each destination, the path of its kept default, or that it had none. It
//! is upstream's, byte for byte.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::entry::Entry;
use super::value::{items, object, text};
use super::{ApplyError, Result, Run};
use crate::fs::{Last, Links, Node, show};
use crate::parse::MAX_SIZE;
use crate::write::dumps;

const DEFAULTS: &str = "/etc/kolla/defaults";
const STATE: &str = "/etc/kolla/defaults/state";

type State = Map<String, Value>;

impl Run<'_> {
    pub(super) fn handle_defaults(&self, config: &Value) -> Result<()> {
        let mut state = self.defaults_state()?;
        for (path, kept) in &mut state {
            self.remove_or_restore(path, kept)?;
        }
        for file in items(config, "config_files")? {
            self.back_up(object(file, "config_files")?, &mut state)?;
        }
        Ok(self.root.write(
            Path::new(STATE),
            dumps(&Value::Object(state)).as_bytes(),
            0o666,
        )?)
    }

    /// Returns the content of the state file; it is empty at the first start.
    pub(super) fn defaults_state(&self) -> Result<State> {
        self.root.make_dirs(Path::new(DEFAULTS))?;
        if !self.root.exists(Path::new(STATE)) {
            return Ok(State::new());
        }
        let text = self.root.read(Path::new(STATE), MAX_SIZE)?;
        serde_json::from_slice(&text).map_err(|error| {
            ApplyError::Unexpected(format!("{STATE} is not what was written there: {error}"))
        })
    }

    /// Undoes an earlier copy to `path`: removes it, or restores the default.
    fn remove_or_restore(&self, path: &str, kept: &mut Value) -> Result<()> {
        let damaged = || {
            ApplyError::Unexpected(format!(
                "{STATE}: the entry of {} is damaged",
                show(Path::new(path))
            ))
        };
        let kept = kept.as_object_mut().ok_or_else(damaged)?;
        let dest = kept.get("dest").ok_or_else(damaged)?;
        if dest.is_null() {
            return self.remove(Path::new(path));
        }
        swap_source_and_dest(kept).ok_or_else(damaged)?;
        let mut entry = Entry::from_object(kept)?;
        entry.ignore_globs = true;
        // The entry has been swapped at every start so far: whichever of the two is not the
        // configured path is where the default is.
        if entry.source == path {
            std::mem::swap(&mut entry.source, &mut entry.dest);
        }
        self.copy(&entry)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        let Ok(target) = self.root.find(path, Links::Any, Last::Follow) else {
            return Ok(());
        };
        let Some(target) = target.node else {
            return Ok(());
        };
        let place = self.root.find(path, Links::Trusted, Last::Keep)?;
        let is_link = place.node.as_ref().is_some_and(Node::is_link);
        // A source such as `/src/.` makes such a destination, and no directory has it as an entry.
        let is_entry = !path.as_os_str().as_bytes().ends_with(b"/.");
        if target.is_file() || (target.is_dir() && !is_link && is_entry) {
            return Ok(place.remove(path)?);
        }
        Err(ApplyError::Unexpected(format!(
            "cannot delete {}: it is not the name of a file or a directory",
            show(path)
        )))
    }

    /// Keeps the file at an entry's destination, unless a default is kept already.
    fn back_up(&self, file: &Map<String, Value>, state: &mut State) -> Result<()> {
        let (source, dest) = (text(file, "source")?, text(file, "dest")?);
        let name = source.rsplit('/').next().unwrap_or_default();
        let path = if dest.ends_with('/') {
            format!("{dest}{name}")
        } else {
            dest.to_owned()
        };
        // A glob is not a source that exists, so what a glob replaces is not kept.
        if state.contains_key(dest)
            || state.contains_key(&path)
            || !self.root.exists(Path::new(source))
        {
            return Ok(());
        }
        let kept = self
            .root
            .exists(Path::new(&path))
            .then(|| format!("{DEFAULTS}{path}"));
        if let Some(kept) = &kept {
            self.copy(&Entry::exact(path.clone(), kept.clone()))?;
        }
        let entry = json!({"source": path, "preserve_properties": true, "dest": kept});
        state.insert(path, entry);
        Ok(())
    }
}

fn swap_source_and_dest(entry: &mut Map<String, Value>) -> Option<()> {
    let (source, dest) = (entry.get("source")?.clone(), entry.get("dest")?.clone());
    entry.insert("source".to_owned(), dest);
    entry.insert("dest".to_owned(), source);
    Some(())
}
