//! The files that a build writes besides images. That they can be written is known before it begins.

use std::path::PathBuf;

use slipway_image::{BuildConfig, Summary};

use super::summary;
use crate::cli;
use crate::output::Output;
use crate::report_file::ReportFile;

/// The reports of a build.
pub struct Reports {
    timeline: Option<ReportFile>,
    /// There is a summary as JSON, on standard output where it has no file.
    has_summary: bool,
    summary: Option<ReportFile>,
}

impl Reports {
    pub fn new(args: &cli::Build, config: &BuildConfig) -> anyhow::Result<Reports> {
        let has_summary = config.summary && config.format != "none";
        let report = |option, path: Option<&PathBuf>| {
            path.map(|path| ReportFile::new(option, path)).transpose()
        };
        let file = config.summary_json_file.as_ref();
        Ok(Reports {
            timeline: report("timeline", args.timeline.as_ref())?,
            has_summary,
            summary: report("summary-json-file", file.filter(|_| has_summary))?,
        })
    }

    pub fn write(
        &self,
        args: &cli::Build,
        summary: &Summary,
        output: &Output,
    ) -> anyhow::Result<()> {
        let timeline = self.timeline.as_ref();
        let drawn = timeline.map_or(Ok(()), |report| report.write(&summary.timeline()));
        if !self.has_summary {
            return drawn;
        }
        let written = match &self.summary {
            Some(report) => report.write(&summary::indented(summary)?),
            None => Ok(()),
        };
        if self.summary.is_none() && args.as_kolla_build {
            output.result(&summary::line(summary)?);
        }
        if output.is_json() {
            output.json(summary)?;
        }
        drawn.and(written)
    }
}
