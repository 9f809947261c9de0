//! The summary of a build: kolla-build's JSON, and the counts.

use std::io;

use anyhow::{Context, bail};
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter};
use serde_json::{Value, json};
use slipway_image::{FailedStatus, Summary};

use crate::output::{Level, Output};

/// Returns the summary in kolla-build's form, where an unchanged image counts as built.
pub fn of_kolla_build(summary: &Summary) -> Value {
    let mut built: Vec<(&str, Option<&str>)> = summary
        .built
        .iter()
        .map(|image| (image.name.as_str(), image.digest.as_deref()))
        .chain(
            summary
                .unchanged
                .iter()
                .map(|image| (image.name.as_str(), image.digest.as_deref())),
        )
        .collect();
    built.sort_unstable();
    let built: Vec<Value> = built
        .into_iter()
        .map(|(name, digest)| match digest {
            Some(digest) => json!({ "name": name, "digest": digest }),
            None => json!({ "name": name }),
        })
        .collect();
    let failed: Vec<Value> = summary
        .failed
        .iter()
        .map(|image| json!({ "name": image.name, "status": image.status }))
        .collect();
    let skipped = summary.skipped.iter();
    let skipped: Vec<Value> = skipped.map(|image| json!({ "name": image.name })).collect();
    json!({
        "built": built,
        "failed": failed,
        "not_matched": summary.not_matched,
        "skipped": skipped,
        "unbuildable": summary.unbuildable,
    })
}

/// Returns the summary as kolla-build indents it in a file.
pub fn indented(summary: &Summary) -> anyhow::Result<String> {
    text(
        &of_kolla_build(summary),
        PrettyFormatter::with_indent(b"    "),
    )
}

/// Returns the summary on one line, as kolla-build prints it.
pub fn line(summary: &Summary) -> anyhow::Result<String> {
    text(&of_kolla_build(summary), OneLine)
}

fn text(value: &Value, formatter: impl Formatter) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(
        &mut bytes, formatter,
    ))?;
    Ok(String::from_utf8(bytes)?)
}

/// JSON on one line with Python's spaces.
struct OneLine;

impl Formatter for OneLine {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        to.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        to.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(b": ")
    }
}

/// Returns the counts of images in words.
pub fn counts(summary: &Summary) -> String {
    let (built, unchanged) = (summary.built.len(), summary.unchanged.len());
    match (built, unchanged) {
        (0, _) if summary.is_success() => {
            format!("nothing has changed: no image built, {unchanged} as they were")
        }
        _ => format!(
            "{built} built, {unchanged} unchanged, {} failed",
            summary.failed.len()
        ),
    }
}

/// Prints the counts of images, and warns of failures that are allowed.
pub fn print(summary: &Summary, allowed_to_fail: &[String], output: &Output) {
    output.line(Level::Normal, &counts(summary));
    let failures = summary.failures.iter();
    for failure in failures.filter(|failure| allowed_to_fail.contains(&failure.image)) {
        output.warning(&format!("{failure}\n  it is allowed to fail"));
    }
}

/// Returns an error for images that failed, except those that are allowed to.
pub fn conclude(summary: &Summary, allowed_to_fail: &[String]) -> anyhow::Result<()> {
    let may_fail = |name: &String| allowed_to_fail.contains(name);
    let failures: Vec<_> = summary
        .failures
        .iter()
        .filter(|failure| !may_fail(&failure.image))
        .collect();
    let is_orphan = |status| matches!(status, FailedStatus::ParentError);
    let orphans = summary
        .failed
        .iter()
        .filter(|image| is_orphan(image.status) && !may_fail(&image.name));
    match (failures.as_slice(), orphans.count()) {
        ([], 0) => Ok(()),
        ([], 1) => bail!("1 image was not built, because a parent failed"),
        ([], number) => bail!("{number} images were not built, because a parent failed"),
        ([only], _) => Err((*only).clone()).context("an image could not be built"),
        (several, _) => {
            let all: Vec<String> = several.iter().map(ToString::to_string).collect();
            bail!(
                "{} images could not be built\n{}",
                several.len(),
                all.join("\n")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_as_python_writes_it() {
        let value = json!({ "built": [{ "name": "a" }, { "name": "b" }], "failed": [] });
        assert_eq!(
            text(&value, OneLine).unwrap(),
            r#"{"built": [{"name": "a"}, {"name": "b"}], "failed": []}"#
        );
    }
}
