//! A copy of tripleo-common: its templates, and the layout of its release.

use std::path::{Path, PathBuf};

use minijinja::Environment;
use minijinja::syntax::SyntaxConfig;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::site::reading;

/// The arrangement of the files of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Queens (8.x): the names of deployments are in `group_vars/ROLE`.
    ByRole,
    /// Rocky to Train (9.x to 11.x): the names of deployments are in `host_vars/HOST`.
    ByHost,
}

/// A copy of tripleo-common.
#[derive(Debug)]
pub struct TripleoCommon {
    directory: PathBuf,
    layout: Layout,
    environment: Environment<'static>,
}

/// The template of one deployment.
const DEPLOYMENT: &str = "deployment.j2";

/// Files that are copied as they are: in the project, and in tripleo-common's templates.
pub(super) const COPIED: [(&str, &str); 2] = [
    ("deployments.yaml", "deployments.yaml"),
    ("templates/heat-config.j2", "heat-config.j2"),
];

impl Layout {
    /// The template of the list of deployments.
    const fn list(self) -> &'static str {
        match self {
            Layout::ByRole => "group_var_role.j2",
            Layout::ByHost => "host_var_server.j2",
        }
    }
}

impl TripleoCommon {
    /// Opens the source of tripleo-common, or the directory of its package.
    ///
    /// # Errors
    /// The directory has no templates of a known release.
    pub fn open(path: &Path) -> Result<Self> {
        let places = ["tripleo_common/templates", "templates"];
        let mut places = places.iter().map(|place| path.join(place));
        let Some(directory) = places.find(|place| place.join(DEPLOYMENT).is_file()) else {
            return Err(Error::NoTripleoCommon {
                path: path.to_owned(),
                reason: format!("there is no tripleo_common/templates/{DEPLOYMENT}"),
            });
        };
        let layouts = [Layout::ByRole, Layout::ByHost];
        let mut layouts = layouts.into_iter();
        let Some(layout) = layouts.find(|layout| directory.join(layout.list()).is_file()) else {
            return Err(Error::NoTripleoCommon {
                path: path.to_owned(),
                reason: "its templates have no list of deployments".to_owned(),
            });
        };
        let mut common = Self {
            directory,
            layout,
            environment: Environment::new(),
        };
        slipway_jinja::install(&mut common.environment);
        common.environment.set_syntax(syntax());
        for name in [DEPLOYMENT, layout.list()] {
            common.add(name)?;
        }
        Ok(common)
    }

    /// The layout of the release.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    fn add(&mut self, name: &'static str) -> Result<()> {
        let text = self.text(name)?;
        let template = slipway_jinja::adapt(&text).text;
        let added = self.environment.add_template_owned(name, template);
        added.map_err(|error| self.wrong(name, &error))
    }

    /// Reads a file of the templates.
    pub(super) fn text(&self, name: &str) -> Result<String> {
        let path = self.directory.join(name);
        slipway_files::read_input(&path).map_err(|source| reading(&path, source))
    }

    /// Renders one deployment.
    pub(super) fn deployment(&self, context: &Value) -> Result<String> {
        self.render(DEPLOYMENT, context)
    }

    /// Renders the list of the deployments of a role or of a host.
    pub(super) fn list(&self, context: &Value) -> Result<String> {
        self.render(self.layout.list(), context)
    }

    fn render(&self, name: &str, context: &Value) -> Result<String> {
        let template = self.environment.get_template(name);
        template
            .and_then(|template| template.render(slipway_jinja::data(context)))
            .map_err(|error| self.wrong(name, &error))
    }

    fn wrong(&self, name: &str, error: &minijinja::Error) -> Error {
        Error::Render {
            path: self.directory.join(name),
            reason: error.to_string(),
        }
    }
}

/// Returns the syntax with which tripleo-common reads its templates: a newline after a block goes.
fn syntax() -> SyntaxConfig {
    let mut syntax = SyntaxConfig::builder();
    // Only delimiters can be invalid.
    syntax.trim_blocks(true).build().unwrap_or_default()
}
