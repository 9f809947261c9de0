//! The directories of a Kolla: it moved them twice, and each way to install it has its own.

use std::fs;
use std::path::{Path, PathBuf};

use slipway_files::AtPath;

use crate::error::{Error, Result};
use crate::python::Module;

/// The directories of a Kolla.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The Python package: `…/kolla`.
    pub package: PathBuf,
    /// The directory of `base/Dockerfile.j2`.
    pub templates: PathBuf,
    /// The checkout, where it is one.
    pub checkout: Option<PathBuf>,
}

impl Place {
    /// Finds the package and the templates in or under a directory.
    pub(crate) fn find(directory: &Path) -> Result<Place> {
        if !directory.is_dir() {
            return Err(Error::NoKolla {
                directory: directory.to_owned(),
                reason: "there is no such directory".to_owned(),
            });
        }
        let candidates = std::iter::once(directory.to_owned()).chain(site_packages(directory)?);
        let package = candidates
            .map(|site| site.join("kolla"))
            .find(|package| package.join("common/config.py").is_file())
            .ok_or_else(|| Error::NoKolla {
                directory: directory.to_owned(),
                reason: "it has neither kolla/common/config.py, as a checkout of Kolla's source, \
                         nor lib/python3*/site-packages/kolla, as a virtualenv"
                    .to_owned(),
            })?;
        let templates = [
            package.join("docker"),
            directory.join("docker"),
            directory.join("share/kolla/docker"),
            directory.join("local/share/kolla/docker"),
        ]
        .into_iter()
        .find(|templates| templates.join("base").is_dir())
        .ok_or_else(|| Error::NoKolla {
            directory: directory.to_owned(),
            reason: format!(
                "{} is there, and templates are neither in its docker directory nor in docker or \
                 share/kolla/docker here",
                package.display()
            ),
        })?;
        let is_checkout = package.parent() == Some(directory);
        Ok(Place {
            package,
            templates,
            checkout: is_checkout.then(|| directory.to_owned()),
        })
    }

    /// A file of the package.
    pub(crate) fn text(&self, inside: &str) -> Result<String> {
        let path = self.package.join(inside);
        Ok(slipway_files::read_input(&path).at(&path)?)
    }

    /// A file of the package that not every release has.
    pub(crate) fn optional_text(&self, inside: &str) -> Result<Option<String>> {
        match self.package.join(inside).is_file() {
            true => self.text(inside).map(Some),
            false => Ok(None),
        }
    }

    /// A Python file of the package.
    pub(crate) fn module(&self, inside: &str) -> Result<Module> {
        Ok(Module::read(&self.text(inside)?))
    }

    /// A Python file that not every release has.
    pub(crate) fn optional_module(&self, inside: &str) -> Result<Option<Module>> {
        let text = self.optional_text(inside)?;
        Ok(text.map(|text| Module::read(&text)))
    }

    /// The first of these files that this release has; the last must be there.
    pub(crate) fn first_module(&self, files: &[&str]) -> Result<Module> {
        let is_there = |file: &&&str| self.package.join(file).is_file();
        let file = files.iter().find(is_there).or(files.last());
        self.module(file.copied().unwrap_or_default())
    }
}

/// The directories of packages under a prefix.
fn site_packages(prefix: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for lib in ["lib", "lib64", "local/lib"] {
        let lib = prefix.join(lib);
        if !lib.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&lib).at(&lib)? {
            let python = entry.at(&lib)?.path();
            let name = python.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("python") {
                found.push(python.join("site-packages"));
                found.push(python.join("dist-packages"));
            }
        }
    }
    // The newest Python last, as its number sorts; which one is used should not depend on the
    // order of a directory.
    found.sort();
    Ok(found)
}
