//! The images that builds start from: the distributions', and skipped parents.

use std::collections::BTreeMap;

use slipway_engine::{Engine, ImageSummary};
use slipway_events::Events;

use super::Event;
use crate::decide::RunState;
use crate::error::{BaseImageFault, Error, Result};
use crate::graph::Images;

/// Pulls missing images of distributions and skipped parents. Returns the reasons why some cannot
/// be had, by reference.
pub(super) async fn fetch(
    images: &Images,
    engine: &dyn Engine,
    events: &Events<Event>,
    state: &mut RunState,
) -> BTreeMap<String, BaseImageFault> {
    let options = &images.options;
    let missing = state.missing_bases();
    let wanted = match options.pull_always {
        true => state.bases().map(str::to_owned).collect(),
        false => missing.clone(),
    };
    let mut faults = BTreeMap::new();
    for reference in wanted {
        if !options.pull {
            faults.insert(reference, BaseImageFault::Missing);
            continue;
        }
        match pull(engine, events, &reference).await {
            Ok(image) => state.add_base(&reference, image.id),
            Err(reason) => {
                let fault = match missing.contains(&reference) {
                    true => BaseImageFault::NotPulled(reason),
                    false => BaseImageFault::NotPulledAgain(reason),
                };
                faults.insert(reference, fault);
            }
        }
    }
    if options.pull {
        // Another builder may have pushed a newer one.
        let always = options.pull_always && options.no_parents;
        for reference in state.skipped_parents(images, always) {
            let pulled = pull(engine, events, &reference).await;
            state.add_parent(&reference, pulled);
        }
    }
    faults
}

/// Checks that the distribution's images are for the requested platform. Docker's
/// classic builder takes any that have the name.
pub(super) async fn check_platform(
    images: &Images,
    engine: &dyn Engine,
    state: &RunState,
) -> Result<()> {
    let options = &images.options;
    let is_unchecked = !engine.info().capabilities().checks_platform && !options.buildkit;
    let Some(wanted) = options.platform.as_ref().filter(|_| is_unchecked) else {
        return Ok(());
    };
    for reference in state.bases() {
        let image = engine.find_image(reference).await?;
        let found = image.and_then(|image| image.platform);
        if let Some(found) = found.filter(|found| !is_for(found, wanted)) {
            return Err(Error::Platform {
                wanted: wanted.clone(),
                reference: reference.to_owned(),
                found,
            });
        }
    }
    Ok(())
}

/// True when an image for one platform serves where another is wanted. A variant, such as arm's v8,
/// is not looked at.
fn is_for(found: &str, wanted: &str) -> bool {
    let parts = |platform: &str| {
        let mut parts = platform.splitn(3, '/').map(str::to_lowercase);
        let (os, architecture) = (parts.next().unwrap_or_default(), parts.next());
        let architecture = architecture.map(|name| match name.as_str() {
            "x86_64" => "amd64".to_owned(),
            "aarch64" => "arm64".to_owned(),
            _ => name,
        });
        (os, architecture)
    };
    let (wanted_os, wanted_architecture) = parts(wanted);
    let (os, architecture) = parts(found);
    match wanted_architecture {
        None => wanted_os == os || Some(wanted_os) == architecture,
        Some(_) => wanted_os == os && wanted_architecture == architecture,
    }
}

async fn pull(
    engine: &dyn Engine,
    events: &Events<Event>,
    reference: &str,
) -> Result<ImageSummary, String> {
    events.send(Event::Pulling {
        reference: reference.to_owned(),
    });
    let pulled = slipway_engine::pull(engine, reference, &|_line| {}).await;
    pulled.map_err(|error| error.reason())?;
    match engine.find_image(reference).await {
        Ok(Some(image)) => Ok(image),
        Ok(None) => Err("the engine says it is pulled and does not have it".to_owned()),
        Err(error) => Err(error.reason()),
    }
}

#[cfg(test)]
mod tests {
    use super::is_for;

    #[test]
    fn platforms_have_several_names() {
        for wanted in [
            "linux/arm64",
            "linux/arm64/v8",
            "linux/aarch64",
            "arm64",
            "linux",
        ] {
            assert!(is_for("linux/arm64", wanted), "{wanted}");
        }
        for wanted in ["linux/amd64", "amd64", "foo/bar", "", "windows/arm64"] {
            assert!(!is_for("linux/arm64", wanted), "{wanted}");
        }
    }
}
