//! Reading the containers of a step.

use std::io::Read;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use slipway_service::{ContainerConfig, ServiceError, Tolerated, UnknownKeys};

/// The result of reading a step.
pub type Result<T, E = StepError> = std::result::Result<T, E>;

/// The reason why the containers of a step cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// A file or directory cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// The system's own words.
        source: std::io::Error,
    },
    /// A configuration is wrong. Names file, line, container and key.
    #[error(transparent)]
    Invalid(#[from] ServiceError),
    /// A directory without a single configuration. Taken for an empty step, it would delete every
    /// container of the step.
    #[error("no configurations in {}: expected hashed-<container>.json", path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
    },
}

/// The prefix of the file of one container in a directory.
const PREFIX: &str = "hashed-";

/// Reads a step as [`Reader::read`] does. Unknown keys are errors.
///
/// # Errors
/// See [`StepError`].
pub fn read(path: &Path) -> Result<IndexMap<String, ContainerConfig>> {
    Reader::new(UnknownKeys::Refused).read(path)
}

/// Reads a step from text; `path` is for messages. Unknown keys are errors.
///
/// # Errors
/// See [`StepError`].
pub fn parse(path: &Path, text: &str) -> Result<IndexMap<String, ContainerConfig>> {
    Ok(ContainerConfig::parse_all(path, text)?)
}

/// Reads steps, and collects their unknown keys.
#[derive(Debug)]
pub struct Reader {
    unknown: UnknownKeys,
    unknown_keys: Vec<ServiceError>,
}

impl Reader {
    /// A reader that treats unknown keys so.
    pub fn new(unknown: UnknownKeys) -> Reader {
        Reader {
            unknown,
            unknown_keys: Vec::new(),
        }
    }

    /// The unknown keys that were passed over: an error for each, with its place.
    pub fn unknown_keys(&self) -> &[ServiceError] {
        &self.unknown_keys
    }

    /// Reads a step from a file (`{name: config}` in YAML or JSON, or one container's configuration
    /// in `hashed-<name>.json` or `<name>.yaml`) or from a directory of `hashed-<name>.json`.
    ///
    /// # Errors
    /// See [`StepError`].
    pub fn read(&mut self, path: &Path) -> Result<IndexMap<String, ContainerConfig>> {
        let metadata = std::fs::metadata(path).map_err(|source| cannot_read(path, source))?;
        if metadata.is_dir() {
            return self.read_dir(path);
        }
        let text = read_text(path)?;
        match container_of(path).filter(|_| is_one_container(path, &text)) {
            Some(name) => Ok([(name, self.container(path, &text)?)].into()),
            None => self.set(path, &text),
        }
    }

    /// Reads a step from a stream such as standard input; errors call it `name`.
    ///
    /// # Errors
    /// See [`StepError`].
    pub fn read_from(
        &mut self,
        name: &Path,
        input: impl Read,
    ) -> Result<IndexMap<String, ContainerConfig>> {
        let text = slipway_files::read_stream(input).map_err(|source| cannot_read(name, source))?;
        self.set(name, &text)
    }

    fn read_dir(&mut self, dir: &Path) -> Result<IndexMap<String, ContainerConfig>> {
        let files = files_of(dir)?;
        files
            .into_iter()
            .map(|(name, path)| Ok((name, self.container(&path, &read_text(&path)?)?)))
            .collect()
    }

    fn set(&mut self, path: &Path, text: &str) -> Result<IndexMap<String, ContainerConfig>> {
        let read = ContainerConfig::parse_all_with(path, text, self.unknown)?;
        Ok(self.collect(read))
    }

    fn container(&mut self, path: &Path, text: &str) -> Result<ContainerConfig> {
        let read = ContainerConfig::parse_with(path, text, self.unknown)?;
        Ok(self.collect(read))
    }

    fn collect<T>(&mut self, read: Tolerated<T>) -> T {
        self.unknown_keys.extend(read.unknown_keys);
        read.value
    }
}

/// Returns the files of a directory that hold a container's configuration, by the container's name.
fn files_of(dir: &Path) -> Result<Vec<(String, PathBuf)>> {
    let entries = std::fs::read_dir(dir).map_err(|source| cannot_read(dir, source))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|source| cannot_read(dir, source))?.path();
        let is_hashed = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        if is_hashed && let Some(name) = container_of(&path) {
            files.push((name, path));
        }
    }
    if files.is_empty() {
        return Err(StepError::Empty {
            path: dir.to_owned(),
        });
    }
    files.sort();
    Ok(files)
}

/// Returns the name of the container whose configuration a file of this name holds.
fn container_of(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let (name, _) = name
        .rsplit_once('.')
        .filter(|(_, extension)| ["json", "yaml", "yml"].contains(extension))?;
    Some(name.strip_prefix(PREFIX).unwrap_or(name).to_owned())
}

/// Returns `true` when this is one container's configuration rather than several by name, whose values are all
/// mappings. Where one of these is not, only the file's name or a container's own key tells.
fn is_one_container(path: &Path, text: &str) -> bool {
    const OWN_KEYS: [&str; 3] = ["image", "command", "action"];
    let Ok(slipway_yaml::Node {
        data: slipway_yaml::Data::Map(entries),
        ..
    }) = slipway_yaml::read(text)
    else {
        return false;
    };
    let is_named_so = path
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
    let is_map = |value: &slipway_yaml::Node| matches!(value.data, slipway_yaml::Data::Map(_));
    let mut settings = entries.iter().filter(|(_, value)| !is_map(value));
    settings.any(|(key, _)| is_named_so || OWN_KEYS.contains(&key.as_str()))
}

fn read_text(path: &Path) -> Result<String> {
    slipway_files::read_input(path).map_err(|source| cannot_read(path, source))
}

fn cannot_read(path: &Path, source: std::io::Error) -> StepError {
    StepError::Read {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_a_step_read_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let directory = dir.path().join("step_1");
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("hashed-a.json"), r#"{"image": "i"}"#).unwrap();
        std::fs::write(directory.join("a.json"), r#"{"image": "not this one"}"#).unwrap();
        let json = dir.path().join("step_1.json");
        std::fs::write(&json, r#"{"a": {"image": "i"}}"#).unwrap();
        let yaml = dir.path().join("step_1.yaml");
        std::fs::write(&yaml, "a:\n  image: i\n").unwrap();
        for path in [&directory, &json, &yaml, &directory.join("hashed-a.json")] {
            let step = read(path).unwrap();
            assert_eq!(step.len(), 1, "{}", path.display());
            assert_eq!(step["a"].keys().image.as_deref(), Some("i"));
        }
    }

    #[test]
    fn errors_name_container_and_line() {
        let error = parse(Path::new("s.yaml"), "a:\n  image: i\nb:\n  imag: i\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "s.yaml:4:3: b.imag: unknown key; did you mean `image`?"
        );
        let text = "{\"a\": {\n  \"image\": \"i\",\n  \"tty\": 4}}";
        let error = parse(Path::new("s.json"), text).unwrap_err().to_string();
        assert!(error.starts_with("s.json:3:"), "{error}");
        assert!(error.contains("a.tty: expected true or false"), "{error}");
    }

    #[test]
    fn a_container_that_is_no_mapping_does_not_make_a_set_one_container() {
        let dir = tempfile::tempdir().unwrap();
        let set = dir.path().join("step_1.yaml");
        std::fs::write(&set, "a:\n  image: i\nb: 5\n").unwrap();
        let error = read(&set).unwrap_err().to_string();
        assert!(
            error.contains("step_1.yaml:3") && error.contains("b: "),
            "{error}"
        );
        let one = dir.path().join("a.yaml");
        std::fs::write(&one, "image: i\nhealthcheck: {test: t}\n").unwrap();
        assert_eq!(read(&one).unwrap()["a"].keys().image.as_deref(), Some("i"));
    }

    #[test]
    fn unknown_keys_can_be_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("hashed-a.json");
        std::fs::write(&file, "{\"image\": \"i\",\n \"imag\": 1}").unwrap();
        for path in [dir.path(), file.as_path()] {
            assert!(read(path).is_err());
            let mut reader = Reader::new(UnknownKeys::PassedOver);
            assert!(
                reader.read(path).unwrap()["a"]
                    .declared()
                    .contains_key("imag")
            );
            let named = reader.unknown_keys()[0].to_string();
            assert!(
                named.ends_with(":2:2: imag: unknown key; did you mean `image`?"),
                "{named}"
            );
        }
    }

    #[test]
    fn a_file_without_end_is_refused() {
        let error = read(Path::new("/dev/zero")).unwrap_err().to_string();
        assert_eq!(error, "cannot read /dev/zero: it is a device, not a file");
    }

    #[test]
    fn an_empty_directory_is_no_empty_step() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(read(dir.path()), Err(StepError::Empty { .. })));
    }
}
