//! Templates and overrides → Dockerfiles.

mod customizable;
mod diagnostic;
mod dialect;
mod functions;
mod overrides;
mod repos;
mod scan;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use minijinja::{Environment, Value};
use rayon::prelude::*;

pub use diagnostic::TemplateError;

use crate::error::{Error, Result};
use crate::options::Options;
use crate::tree::Tree;
use crate::users::{self, User};
use overrides::Overrides;
use repos::Repositories;

/// The name under which the joined overrides are loaded. No file of a tree can have it.
const OVERRIDE: &str = "\0override";

/// Renders every image of a tree: image → text of its Dockerfile. Images are rendered in
/// parallel; the result depends on nothing but the tree and the options.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let tree = dir.path().join("images");
/// # std::fs::create_dir_all(tree.join("hello"))?;
/// std::fs::write(tree.join("hello/Dockerfile.j2"), "FROM {{ base_image }}:{{ base_distro_tag }}\n")?;
/// let options = image::Options::new(&tree);
/// let tree = image::Tree::open(&options.tree, &options.docker_dirs)?;
/// assert_eq!(image::render(&tree, &options)?["hello"], "FROM debian:trixie");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn render(tree: &Tree, options: &Options) -> Result<BTreeMap<String, String>> {
    Renderer::new(tree, options)?.render_all()
}

/// A tree's templates, ready to be rendered.
#[derive(Debug)]
pub(crate) struct Renderer<'a> {
    tree: &'a Tree,
    environment: Environment<'static>,
    overrides: Option<Overrides>,
    variables: BTreeMap<&'static str, Value>,
}

impl<'a> Renderer<'a> {
    pub(crate) fn new(tree: &'a Tree, options: &Options) -> Result<Self> {
        let overrides = Overrides::read(&options.template_overrides)?;
        let users = match tree.file("users.yaml") {
            Some(path) => users::read(path)?,
            None => BTreeMap::new(),
        };
        let repositories =
            Repositories::read(tree.file("repos.yaml"), options.repos_yaml.as_deref())?;
        Ok(Renderer {
            tree,
            environment: environment(tree, overrides.as_ref(), repositories),
            overrides,
            variables: variables(options, &users)?,
        })
    }

    pub(crate) fn render_all(&self) -> Result<BTreeMap<String, String>> {
        let names: Vec<&str> = self.tree.image_names().collect();
        let rendered: Vec<_> = names.par_iter().map(|name| self.render(name)).collect();
        // Collected first, so that of several errors always the same one is reported.
        let mut dockerfiles = BTreeMap::new();
        for (name, text) in names.into_iter().zip(rendered) {
            dockerfiles.insert(name.to_owned(), text?);
        }
        Ok(dockerfiles)
    }

    fn render(&self, image: &str) -> Result<String> {
        let template = self.tree.template(image).unwrap_or_default();
        let mut variables = self.variables.clone();
        variables.insert("image_name", image.into());
        variables.insert("parent_template", template.as_str().into());
        let start = if self.overrides.is_some() {
            OVERRIDE
        } else {
            template.as_str()
        };
        self.environment
            .get_template(start)
            .and_then(|template| template.render(Value::from_pairs(variables)))
            .map_err(|error| Error::Template(Box::new(self.explain(image, &template, &error))))
    }

    /// The innermost place of an error, in terms of the files on disk.
    fn explain(&self, image: &str, template: &str, error: &minijinja::Error) -> TemplateError {
        let mut chain = Vec::new();
        let mut innermost = error;
        while let Some(inner) = std::error::Error::source(innermost)
            .and_then(|source| source.downcast_ref::<minijinja::Error>())
        {
            chain.push(innermost);
            innermost = inner;
        }
        // What was rewritten must not show: a syntax error is found again in the original text.
        let again = innermost
            .name()
            .filter(|_| innermost.kind() == minijinja::ErrorKind::SyntaxError);
        let original_error = again.and_then(|name| {
            let original = self.original_text(name)?;
            self.environment
                .template_from_named_str(name, &original)
                .err()
        });
        let is_original = original_error.is_some();
        let shown = original_error.as_ref().unwrap_or(innermost);

        let name = shown.name().unwrap_or(template);
        let (file, line) = self.place(name, shown.line());
        let text = shown.line().and_then(|line| {
            Some(
                self.original_text(name)?
                    .lines()
                    .nth(line.checked_sub(1)?)?
                    .to_owned(),
            )
        });
        TemplateError {
            image: image.to_owned(),
            message: message(shown),
            columns: self.columns(name, shown, is_original),
            file,
            line,
            text,
            via: chain
                .iter()
                .rev()
                .filter_map(|error| self.show_place(error))
                .collect(),
        }
    }

    fn show_place(&self, error: &minijinja::Error) -> Option<String> {
        let (file, line) = self.place(error.name()?, error.line());
        Some(format!("{}:{}", file.display(), line?))
    }

    /// File and line on disk of a line of a loaded template.
    fn place(&self, name: &str, line: Option<usize>) -> (PathBuf, Option<usize>) {
        if name == OVERRIDE
            && let Some(overrides) = &self.overrides
            && let Some((path, line)) = overrides.origin(line.unwrap_or(1))
        {
            return (path.to_owned(), Some(line));
        }
        (
            self.tree.file(name).unwrap_or(Path::new(name)).to_owned(),
            line,
        )
    }

    fn original_text(&self, name: &str) -> Option<String> {
        match &self.overrides {
            Some(overrides) if name == OVERRIDE => {
                Some(overrides.text.strip_suffix(dialect::PUBLISH)?.to_owned())
            }
            _ => std::fs::read_to_string(self.tree.file(name)?).ok(),
        }
    }

    /// The characters of its line that an error is about.
    fn columns(
        &self,
        name: &str,
        error: &minijinja::Error,
        is_original: bool,
    ) -> Option<std::ops::Range<usize>> {
        let source = self.original_text(name)?;
        let range = error.range()?;
        let (start, end) = if is_original {
            (range.start, range.end)
        } else {
            let adapted = dialect::adapt(&source);
            (adapted.original(range.start), adapted.original(range.end))
        };
        let line = error.line()?.checked_sub(1)?;
        let line_start = source
            .split_inclusive('\n')
            .take(line)
            .map(str::len)
            .sum::<usize>();
        let text = source.get(line_start..)?.lines().next()?;
        let column = |at: usize| {
            let bytes = at.saturating_sub(line_start).min(text.len());
            text.get(..bytes).map(|before| before.chars().count())
        };
        (start >= line_start).then_some(column(start)?..column(end)?)
    }
}

/// What is wrong, in one line.
fn message(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) if error.kind() == minijinja::ErrorKind::SyntaxError => {
            format!("syntax error: {detail}")
        }
        Some(detail) => detail.to_owned(),
        None => error.kind().to_string(),
    }
}

fn environment(
    tree: &Tree,
    overrides: Option<&Overrides>,
    repositories: Repositories,
) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_debug(true);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    dialect::install(&mut environment);
    functions::install(&mut environment);
    repositories.install(&mut environment);
    environment.add_filter("customizable", customizable::customizable);
    let files: BTreeMap<String, PathBuf> = tree
        .files()
        .map(|(inside, path)| (inside.to_owned(), path.to_owned()))
        .collect();
    let overrides = overrides.map(|overrides| overrides.text.clone());
    environment.set_loader(move |name| {
        let source = match (name, &overrides) {
            (OVERRIDE, Some(text)) => text.clone(),
            _ => match files.get(name) {
                Some(path) => read_template(path)?,
                None => return Ok(None),
            },
        };
        Ok(Some(dialect::adapt(&source).text))
    });
    environment
}

fn read_template(path: &Path) -> Result<String, minijinja::Error> {
    std::fs::read_to_string(path).map_err(|error| {
        minijinja::Error::new(
            minijinja::ErrorKind::InvalidOperation,
            format!("{}: {error}", path.display()),
        )
    })
}

/// What every template sees, apart from its own image's name. The names are kolla-build's.
fn variables(
    options: &Options,
    users: &BTreeMap<String, User>,
) -> Result<BTreeMap<&'static str, Value>> {
    let base = options.base;
    let branch = match options.openstack_release.as_str() {
        "master" => "master".to_owned(),
        release => format!("stable-{release}"),
    };
    let debian_arch = match options.base_arch.as_str() {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let package_manager = options.distro_package_manager.as_deref();
    let package_type = options.base_package_type.as_deref();
    let repos_yaml = match &options.repos_yaml {
        Some(path) => path.display().to_string(),
        None => String::new(),
    };
    Ok(BTreeMap::from([
        ("base_distro", base.name().into()),
        ("base_image", options.base_image().into()),
        ("base_distro_tag", options.base_tag().into()),
        ("base_arch", options.base_arch.as_str().into()),
        ("debian_arch", debian_arch.into()),
        (
            "base_package_type",
            package_type.unwrap_or(base.package_type()).into(),
        ),
        (
            "distro_package_manager",
            package_manager.unwrap_or(base.package_manager()).into(),
        ),
        ("supported_distro_name", base.pretty_name().into()),
        ("repos_yaml", repos_yaml.into()),
        ("use_dumb_init", options.use_dumb_init.into()),
        ("docker_healthchecks", options.docker_healthchecks.into()),
        ("clean_package_cache", options.clean_package_cache.into()),
        ("image_prefix", options.image_name_prefix.as_str().into()),
        ("namespace", options.full_namespace().into()),
        ("tag", options.tag.as_str().into()),
        ("maintainer", options.maintainer.as_str().into()),
        ("kolla_version", options.kolla_version.as_str().into()),
        (
            "openstack_release",
            options.openstack_release.as_str().into(),
        ),
        (
            "openstack_release_codename",
            options.openstack_release_codename.as_str().into(),
        ),
        ("openstack_branch", branch.as_str().into()),
        ("openstack_branch_slashed", branch.replace('-', "/").into()),
        ("rpm_setup", rpm_setup(&options.rpm_setup_config)),
        (
            "patches_path",
            options
                .patches_path
                .as_deref()
                .map_or(Value::from(()), Value::from),
        ),
        (
            "users",
            Value::from_pairs(
                users
                    .iter()
                    .map(|(name, user)| (name.as_str(), user_value(user))),
            ),
        ),
        (
            "env",
            Value::from_pairs(options.env.iter().map(|(k, v)| (k.as_str(), v.as_str()))),
        ),
    ]))
}

fn user_value(user: &User) -> Value {
    Value::from_pairs([
        ("uid", Value::from(user.uid)),
        ("gid", Value::from(user.gid)),
        ("group", Value::from(user.group.as_str())),
    ])
}

/// The instructions that install the `.rpm` and `.repo` files asked for.
fn rpm_setup(config: &[String]) -> Value {
    config
        .iter()
        .map(|file| {
            if file.ends_with(".rpm") {
                format!("RUN dnf -y install {file}")
            } else if file.starts_with("http") {
                let name = file.rsplit('/').next().unwrap_or(file);
                format!("RUN curl -L {file} -o /etc/yum.repos.d/{name}")
            } else {
                format!("COPY {file} /etc/yum.repos.d/")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
