//! Files that options such as `--report` name.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use slipway_files::StagedFile;

use crate::exit::bad_input;

/// A file that an option names.
#[derive(Debug)]
pub struct ReportFile {
    option: &'static str,
    path: PathBuf,
}

impl ReportFile {
    /// Checks that the file can be written.
    pub fn new(option: &'static str, path: &Path) -> anyhow::Result<ReportFile> {
        let report = ReportFile {
            option,
            path: path.to_owned(),
        };
        let checked = match path.is_dir() {
            true => Err(anyhow!("it is a directory")),
            false => report.open().map(drop),
        };
        checked
            .map_err(|error| bad_input(anyhow!("{}: {error:#}", report.description())))
            .map(|()| report)
    }

    /// Writes the file: it has the old contents, or all of the new ones.
    pub fn write(&self, text: &str) -> anyhow::Result<()> {
        let write = || match self.open()? {
            Target::Staged(mut file) => {
                file.write_all(text.as_bytes())?;
                file.persist(&self.path)?;
                Ok(())
            }
            Target::Itself(mut file) => Ok::<_, anyhow::Error>(file.write_all(text.as_bytes())?),
        };
        write().with_context(|| self.description())
    }

    fn description(&self) -> String {
        format!("--{} {}", self.option, self.path.display())
    }

    fn open(&self) -> anyhow::Result<Target> {
        let there = std::fs::symlink_metadata(&self.path).ok();
        // A link, a pipe or a terminal stays what it is.
        if there.is_some_and(|there| !there.is_file()) {
            let file = OpenOptions::new().write(true).open(&self.path)?;
            return Ok(Target::Itself(file));
        }
        let directory = self
            .path
            .parent()
            .filter(|directory| *directory != Path::new(""));
        let directory = directory.unwrap_or(Path::new("."));
        if !directory.is_dir() {
            bail!("missing directory {}", directory.display());
        }
        Ok(Target::Staged(StagedFile::public_in(directory)?))
    }
}

/// The file that is written to.
enum Target {
    /// A file that takes its place.
    Staged(StagedFile),
    Itself(std::fs::File),
}

#[cfg(test)]
mod tests {
    use super::ReportFile;

    #[test]
    fn an_unwritable_report_is_an_error_before_the_work() {
        let dir = tempfile::tempdir().unwrap();
        let error = |path| ReportFile::new("timeline", path).unwrap_err().to_string();
        assert!(error(dir.path()).ends_with(": it is a directory"));
        let missing = dir.path().join("missing/page.html");
        assert!(
            error(&missing).starts_with("--timeline "),
            "{}",
            error(&missing)
        );
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("target", &link).unwrap();
        assert!(ReportFile::new("timeline", &link).is_err());

        let path = dir.path().join("page.html");
        let report = ReportFile::new("timeline", &path).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        report.write("one and more").unwrap();
        report.write("two").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        std::fs::write(dir.path().join("target"), "").unwrap();
        ReportFile::new("timeline", &link)
            .unwrap()
            .write("x")
            .unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&link).unwrap(), "x");
    }
}
