//! Templates and overrides → Dockerfiles.

mod customizable;
mod functions;
mod overrides;
mod published;
mod repos;
mod variables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minijinja::{Environment, Value};

use crate::config::BuildConfig;
use crate::error::{Result, TemplateError};
use crate::tree::Tree;
use overrides::Overrides;
use repos::Repositories;
use slipway_files::AtPath;
use slipway_jinja::{adapt, bounds};
use slipway_kolla_release::Release;
use slipway_kolla_release::users;

/// The name under which the joined overrides are loaded. No file of a tree can have it.
const OVERRIDE: &str = "\0override";

/// Renders every image of a tree: image → text of its Dockerfile. The result depends only on the tree
/// and the options.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let tree = dir.path().join("images");
/// # std::fs::create_dir_all(tree.join("hello"))?;
/// std::fs::write(tree.join("hello/Dockerfile.j2"), "FROM {{ base_image }}:{{ base_distro_tag }}\n")?;
/// let options = slipway_image::BuildConfig::new(&tree)?;
/// let tree = slipway_image::Tree::open(&options.tree, &options.docker_dirs)?;
/// assert_eq!(slipway_image::render(&tree, &options)?["hello"], "FROM debian:trixie");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn render(tree: &Tree, options: &BuildConfig) -> Result<BTreeMap<String, String>> {
    let rendered = Renderer::new(tree, options)?.render_all();
    let rendered = rendered.into_iter();
    rendered
        .map(|(image, dockerfile)| Ok((image, dockerfile?)))
        .collect()
}

/// Renders one image of a tree: the text of its Dockerfile.
pub fn render_image(tree: &Tree, options: &BuildConfig, image: &str) -> Result<String> {
    let renderer = Renderer::new(tree, options)?;
    Ok(renderer.render(&renderer.environment(), image)?)
}

/// The text of a Dockerfile, or the reason why its template does not render.
pub(crate) type Dockerfile = Result<String, Box<TemplateError>>;

/// A rendered tree.
pub(crate) struct Rendered {
    /// Image → its Dockerfile.
    pub dockerfiles: BTreeMap<String, Dockerfile>,
    /// The texts that all Dockerfiles are rendered from, by name: variables, apart from the
    /// caller's environment, template overrides, and the files that templates share.
    pub sources: BTreeMap<String, String>,
}

/// Renders every image of a tree, and collects the texts that they are rendered from. A template that
/// does not render is its image's failure. When none renders, the first reason is the error: it is one
/// of them all.
pub(crate) fn render_tree(tree: &Tree, options: &BuildConfig) -> Result<Rendered> {
    let renderer = Renderer::new(tree, options)?;
    let mut dockerfiles = renderer.render_all();
    if dockerfiles.values().all(Result::is_err)
        && let Some((_, Err(error))) = dockerfiles.pop_first()
    {
        return Err(error.into());
    }
    Ok(Rendered {
        dockerfiles,
        sources: renderer.sources(options)?,
    })
}

/// A tree's templates, ready to be rendered.
#[derive(Debug)]
pub(crate) struct Renderer<'a> {
    tree: &'a Tree,
    release: Release,
    repositories: Arc<Repositories>,
    files: Arc<BTreeMap<String, PathBuf>>,
    overrides: Option<Overrides>,
    variables: BTreeMap<&'static str, Value>,
    pip_arguments: Vec<&'static str>,
}

impl<'a> Renderer<'a> {
    pub(crate) fn new(tree: &'a Tree, options: &BuildConfig) -> Result<Self> {
        let overrides = Overrides::read(&options.template_overrides)?;
        let users = match (&options.kolla, tree.file("users.yaml")) {
            (Some(kolla), _) => kolla.users().clone(),
            (None, Some(path)) => users::read(path)?,
            (None, None) => BTreeMap::new(),
        };
        let users = users::changed(users, &options.users);
        let release = match &options.kolla {
            Some(kolla) => kolla.release().clone(),
            None => Release::default(),
        };
        Ok(Renderer {
            tree,
            repositories: Arc::new(Repositories::read(&release, tree, options)?),
            files: tree.shared_files(),
            overrides,
            variables: variables::variables(options, &users)?,
            pip_arguments: pip_arguments(&release, options),
            release,
        })
    }

    fn sources(&self, options: &BuildConfig) -> Result<BTreeMap<String, String>> {
        let variables = self.variables.iter();
        let mut sources: BTreeMap<String, String> = variables
            .filter(|(name, _)| **name != "env")
            .map(|(name, value)| ((*name).to_owned(), value.to_string()))
            .collect();
        let is_of_an_image = |inside: &str| inside.contains('/');
        let shared = self.tree.files();
        let shared = shared.filter(|(inside, _)| !is_of_an_image(inside));
        let shared = shared.map(|(inside, path)| (inside.to_owned(), path));
        let overrides = options.template_overrides.iter();
        let overrides = overrides.map(|path| (path.display().to_string(), path.as_path()));
        for (name, path) in shared.chain(overrides) {
            let text = slipway_files::read_input_bytes(path).at(path)?;
            sources.insert(name, String::from_utf8_lossy(&text).into_owned());
        }
        Ok(sources)
    }

    pub(crate) fn render_all(&self) -> BTreeMap<String, Dockerfile> {
        // One after another: all of Kolla's take 20 ms, and each thread would have templates that
        // all images share, and a heap, of its own.
        let mut environment = self.environment();
        let mut dockerfiles = BTreeMap::new();
        for image in self.tree.image_names() {
            dockerfiles.insert(image.to_owned(), self.render(&environment, image));
            // Parsed, it is many times its size, and no other image is made of it.
            environment.remove_template(&self.tree.template(image).unwrap_or_default());
        }
        dockerfiles
    }

    fn render(&self, environment: &Environment<'static>, image: &str) -> Dockerfile {
        let template = self.tree.template(image).unwrap_or_default();
        let mut variables = self.variables.clone();
        variables.insert("image_name", image.into());
        variables.insert("parent_template", template.as_str().into());
        let start = if self.overrides.is_some() {
            OVERRIDE
        } else {
            template.as_str()
        };
        environment
            .get_template(start)
            .and_then(|template| template.render(Value::from_pairs(variables)))
            .map(|text| self.with_pip_arguments(text))
            .map_err(|error| Box::new(self.explain(environment, image, &template, &error)))
    }

    fn environment(&self) -> Environment<'static> {
        let mut environment = Environment::new();
        environment.set_debug(true);
        slipway_jinja::install(&mut environment);
        published::install(&mut environment);
        if let Some(overrides) = &self.overrides {
            // Only printed: calls of `self.block()` are minijinja's own.
            let reference = format!("<TemplateReference '{}'>", overrides.name());
            environment.add_global("self", reference);
        }
        functions::install(&mut environment, &self.release);
        repos::install(&self.repositories, &mut environment);
        customizable::install(&mut environment);
        let files = Arc::clone(&self.files);
        let overrides = self.overrides.clone();
        environment.set_loader(move |name| {
            let (source, path) = match (name, &overrides) {
                (OVERRIDE, Some(overrides)) => (overrides.text.clone(), Path::new("")),
                _ => match files.get(name) {
                    Some(path) => (read_template(path)?, path.as_path()),
                    None => return Ok(None),
                },
            };
            let place = |line: usize| {
                let of_override = overrides.as_ref().filter(|_| name == OVERRIDE);
                let origin = of_override.and_then(|overrides| overrides.origin(line));
                let (path, line) = origin.unwrap_or((path, line));
                format!("{}:{line}", path.display())
            };
            let refused = |message| {
                Err(minijinja::Error::new(
                    minijinja::ErrorKind::InvalidOperation,
                    message,
                ))
            };
            if let Some(line) = bounds::overgrown(&source) {
                return refused(bounds::too_many_operators(&place(line)));
            }
            let adapted = adapt(&source);
            if let Some((at, mistake)) = adapted.mistake
                && Environment::new().template_from_str(&source).is_ok()
            {
                let line = source[..at].matches('\n').count() + 1;
                return refused(format!("{}: syntax error: {mistake}", place(line)));
            }
            Ok(Some(adapted.text))
        });
        environment
    }

    /// Pip's options as arguments of the build, after the first `FROM`.
    fn with_pip_arguments(&self, dockerfile: String) -> String {
        if self.pip_arguments.is_empty() {
            return dockerfile;
        }
        let is_from = |line: &str| {
            let (word, rest) = line.split_at_checked(4).unwrap_or((line, ""));
            word.eq_ignore_ascii_case("FROM") && rest.starts_with(char::is_whitespace)
        };
        let mut lines: Vec<&str> = dockerfile.split('\n').collect();
        if let Some(from) = lines.iter().position(|line| is_from(line)) {
            lines.splice(from + 1..from + 1, self.pip_arguments.iter().copied());
        }
        lines.join("\n")
    }

    /// The innermost place of an error, in terms of the files on disk.
    fn explain(
        &self,
        environment: &Environment<'static>,
        image: &str,
        template: &str,
        error: &minijinja::Error,
    ) -> TemplateError {
        let mut chain = Vec::new();
        let mut innermost = error;
        while let Some(inner) = std::error::Error::source(innermost)
            .and_then(|source| source.downcast_ref::<minijinja::Error>())
        {
            chain.push(innermost);
            innermost = inner;
        }
        // The rewritten text must not show, so the original text is parsed for its syntax error.
        let with_syntax_error = innermost
            .name()
            .filter(|_| innermost.kind() == minijinja::ErrorKind::SyntaxError);
        let original_error = with_syntax_error.and_then(|name| {
            let original = self.original_text(name)?;
            environment.template_from_named_str(name, &original).err()
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
                Some(overrides.text.strip_suffix(published::PUBLISH)?.to_owned())
            }
            _ => slipway_files::read_input(self.tree.file(name)?).ok(),
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
            let adapted = adapt(&source);
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

/// Returns the message of a template error, in one line.
fn message(error: &minijinja::Error) -> String {
    match error.detail() {
        _ if error.kind() == minijinja::ErrorKind::OutOfFuel => bounds::used_up(),
        Some(detail) if error.kind() == minijinja::ErrorKind::SyntaxError => {
            format!("syntax error: {detail}")
        }
        Some(detail) => detail.to_owned(),
        None => error.kind().to_string(),
    }
}

fn pip_arguments(release: &Release, options: &BuildConfig) -> Vec<&'static str> {
    let arguments = [
        ("ARG PIP_INDEX_URL", &options.pip_index_url),
        ("ARG PIP_TRUSTED_HOST", &options.pip_trusted_host),
        ("ARG PIP_EXTRA_INDEX_URL", &options.pip_extra_index_url),
    ];
    let is_given = |value: &Option<String>| value.as_ref().is_some_and(|text| !text.is_empty());
    let arguments = arguments.into_iter().filter(|(_, value)| is_given(value));
    match release.has_pip_args {
        true => arguments.map(|(argument, _)| argument).collect(),
        false => Vec::new(),
    }
}

fn read_template(path: &Path) -> Result<String, minijinja::Error> {
    slipway_files::read_input(path).map_err(|error| {
        minijinja::Error::new(
            minijinja::ErrorKind::InvalidOperation,
            format!("{}: {error}", path.display()),
        )
    })
}

#[cfg(test)]
mod tests;
