//! Puppet runs: their events, their report.

use slipway_puppet::{Event, Outcome, Report};
use slipway_suggest::count;

use crate::output::{Level, Output};

const TOPIC: &str = "puppet";

/// Shows an event.
pub fn show(event: &Event, output: &Output) {
    let level = match event {
        Event::Line { .. } => Level::Everything,
        _ => Level::Quiet,
    };
    output.event(level, TOPIC, event);
    match event {
        Event::Waiting { holder } => {
            output.line(
                Level::Normal,
                &format!("waiting for another run on this deployment ({holder})"),
            );
        }
        Event::Warning { text } => output.warning(text),
        Event::Pulling { image } => output.about(Level::Normal, TOPIC, image, "pulling"),
        Event::Started { subject, reason } => output.started(TOPIC, subject, reason),
        Event::Line { subject, line } => {
            output.progress(TOPIC, subject, line);
            output.about(Level::Everything, TOPIC, subject, line);
        }
        // With JSON, the report has it.
        Event::Diff { text, .. } if !output.is_json() => output.result(text.trim_end()),
        Event::Skipped { subject, reason } => {
            output.advance(1);
            output.about(Level::Verbose, TOPIC, subject, reason);
        }
        Event::Finished {
            subject,
            seconds,
            changed,
            ..
        } => {
            let result = if *changed {
                ""
            } else {
                ", nothing in the result changed"
            };
            output.finished(TOPIC, subject, &format!("done in {seconds:.1} s{result}"));
        }
        // The error that ends the command has the reason.
        Event::Failed { subject, .. } => output.failed(TOPIC, subject, "failed"),
        _ => {}
    }
}

/// Returns a report in one line; `what` names the kind of runs.
pub fn summary_line(report: &Report, noun: &str) -> String {
    let skipped = report
        .runs
        .iter()
        .filter(|run| matches!(run.outcome, Outcome::Skipped))
        .count();
    let ran = report.runs.len() - skipped;
    match ran {
        0 => format!("{} as they were", count(skipped, noun)),
        _ => format!("{} generated, {skipped} as they were", count(ran, noun)),
    }
}
