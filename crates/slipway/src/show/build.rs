//! A build of images: its events.

use std::sync::Arc;

use slipway_image::{Event, Events};

use crate::output::{Level, Output};

const TOPIC: &str = "build";

/// Events that are shown on the output.
pub fn events(output: &Arc<Output>) -> Events<Event> {
    let output = Arc::clone(output);
    Events::new(move |event| show(&event, &output))
}

fn show(event: &Event, output: &Output) {
    let level = match event {
        Event::Line { .. } => Level::Everything,
        _ => Level::Quiet,
    };
    output.event(level, TOPIC, event);
    match event {
        Event::Waiting => output.line(
            Level::Normal,
            "another build of this namespace and tag is running: waiting for it",
        ),
        Event::Pulling { reference } => output.about(Level::Normal, TOPIC, reference, "pulling"),
        Event::Started { decision } => output.started(TOPIC, &decision.image, &decision.why()),
        Event::Line { image, line } => {
            output.progress(TOPIC, image, line);
            output.about(Level::Everything, TOPIC, image, line);
        }
        Event::Silent {
            image,
            since,
            limit,
        } => output.warning(&format!(
            "{image}: the engine has said nothing for {} min; the build ends after {} min of silence \
             (--timeout sets this limit)",
            since.as_secs() / 60,
            limit.as_secs() / 60
        )),
        Event::LogLost { image, path, error } => output.warning(&format!(
            "{image}: its log {} ends here: {error}",
            path.display()
        )),
        Event::Retrying {
            image,
            error,
            after,
        } => {
            output.warning(&format!(
                "{image}: {error}; trying again in {} s",
                after.as_secs()
            ));
        }
        Event::Finished { image, took, .. } => {
            output.finished(
                TOPIC,
                image,
                &format!("built in {:.1} s", took.as_secs_f64()),
            );
        }
        Event::Pushing { image } => output.started("push", image, "begins"),
        Event::Pushed { image, digest } => output.finished("push", image, digest),
        Event::Skipped { decision } => {
            output.advance(1);
            output.about(Level::Normal, TOPIC, &decision.image, &decision.why())
        }
        Event::Failed { failure } => output.failed(TOPIC, &failure.image, "failed"),
        Event::ParentFailed { image, parent } => {
            output.advance(1);
            output.about(
                Level::Normal,
                TOPIC,
                image,
                &format!("not built, because {parent} was not"),
            );
        }
        _ => {}
    }
}
