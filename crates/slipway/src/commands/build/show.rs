//! Lists, the graph and the plan, which are shown in place of a build.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::bail;
use slipway_image::{Action, Bake, ImageSet, Plan, PlanFailure};
use slipway_suggest::count;

use crate::output::{Level, Output, table};
use crate::report_file::ReportFile;

/// Prints kolla-build's numbered list (`--list-images`).
pub fn list(images: &ImageSet, output: &Output) -> anyhow::Result<()> {
    if output.is_json() {
        return output.json(&images.names());
    }
    if images.names().is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = images
        .names()
        .iter()
        .enumerate()
        .map(|(index, name)| format!("{} : {name}", index + 1))
        .collect();
    output.result(&lines.join("\n"));
    Ok(())
}

/// Prints each image with its children as JSON (`--list-dependencies`).
pub fn dependencies(images: &ImageSet, output: &Output) -> anyhow::Result<()> {
    if images.names().is_empty() && !output.is_json() {
        output.result("Nothing matched!");
        return Ok(());
    }
    output.json(&images.dependencies())
}

/// Writes the graph of images for Graphviz (`--save-dependency`). Images that the engine has are
/// shown with their sizes.
pub fn dot(
    images: &ImageSet,
    sizes: &std::collections::BTreeMap<String, u64>,
    path: &Path,
) -> anyhow::Result<()> {
    let mut text = "// Container Images Dependency\ndigraph {\nrankdir=LR\n".to_owned();
    for (image, parents) in images.edges() {
        let name = quoted(image);
        // Writing to a string cannot fail.
        let _ = match sizes.get(image) {
            Some(size) => {
                let (image, size) = (escaped(image), megabytes(*size));
                writeln!(text, "\t{name} [label=\"{image}\\n{size}\"]")
            }
            None => writeln!(text, "\t{name}"),
        };
        for parent in parents {
            let _ = writeln!(text, "\t{} -> {name}", quoted(parent));
        }
    }
    text.push_str("}\n");
    ReportFile::new("save-dependency", path)?.write(&text)
}

/// Returns a size in megabytes.
pub fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}

/// Returns a name as Graphviz reads it.
fn quoted(name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    match is_plain {
        true => name.to_owned(),
        false => format!("\"{}\"", escaped(name)),
    }
}

/// Returns a name for the inside of quotes.
fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "\\\"")
}

/// Prints the result of an export for docker buildx bake (`--bake`).
pub fn bake(bake: &Bake, output: &Output) -> anyhow::Result<()> {
    if output.is_json() {
        return output.json(bake);
    }
    let (images, file) = (count(bake.images.len(), "image"), bake.file.display());
    let directory = bake.file.parent().unwrap_or(Path::new(".")).display();
    output.line(
        Level::Normal,
        &format!("{file} has {images}; build in {directory} with docker buildx bake"),
    );
    Ok(())
}

/// Prints for each image whether it would be built, and why (`--plan`).
pub fn plan(plan: &Plan, allowed_to_fail: &[String], output: &Output) -> anyhow::Result<()> {
    if output.is_json() {
        output.json(plan)?;
        return conclude(plan, allowed_to_fail);
    }
    let mut rows = vec![["IMAGE", "ACTION", "WHY"].map(str::to_owned).to_vec()];
    rows.extend(plan.decisions.iter().map(|decision| {
        let action = match decision.action {
            Action::Build => "build",
            Action::Keep => "keep",
            Action::Skip => "skip",
        };
        vec![decision.image.clone(), action.to_owned(), decision.why()]
    }));
    rows.extend(plan.failed.iter().map(|failure| {
        let mut reason = failure.reason.lines().next().unwrap_or_default().to_owned();
        if allowed_to_fail.contains(&failure.image) {
            reason.push_str(" (allowed to fail)");
        }
        vec![failure.image.clone(), "fail".to_owned(), reason]
    }));
    output.result(&table(&rows));
    conclude(plan, allowed_to_fail)
}

/// Returns an error for images that cannot be built, except those that are allowed to fail.
pub fn conclude(plan: &Plan, allowed_to_fail: &[String]) -> anyhow::Result<()> {
    let failed = plan.failed.iter();
    let (orphans, own): (Vec<&PlanFailure>, Vec<_>) = failed
        .filter(|failure| !allowed_to_fail.contains(&failure.image))
        .partition(|failure| failure.parent.is_some());
    let own: Vec<String> = own
        .iter()
        .map(|failure| format!("image {}: {}", failure.image, failure.reason))
        .collect();
    match own.as_slice() {
        [] if orphans.is_empty() => Ok(()),
        [] => bail!(
            "{} cannot be built, because a parent cannot",
            count(orphans.len(), "image")
        ),
        [only] => bail!("an image cannot be built\n{only}"),
        several => bail!(
            "{} images cannot be built\n{}",
            several.len(),
            several.join("\n")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_stay_in_their_quotes() {
        assert_eq!(quoted("nova_api"), "nova_api");
        assert_eq!(quoted("nova-api"), r#""nova-api""#);
        assert_eq!(quoted(r#"a"b\"#), r#""a\"b\\""#);
    }
}
