//! A config volume's two trees: whether they are as they were generated, and putting new ones in
//! their place.

use std::path::Path;

use tempfile::TempDir;

use crate::error::{At, Failure, Result};
use crate::merge::Run;
use crate::session::Session;
use crate::startup::hash_file;
use crate::state::RecordedResult;
use crate::{archive, files, tree};

impl Session<'_> {
    /// Whether somebody has changed a volume since it was generated.
    pub async fn touched(
        &self,
        run: &Run,
        result: &RecordedResult,
    ) -> Result<Option<String>, Failure> {
        let paths = &self.puppet.settings.paths;
        let name = run.volume.as_str();
        let places = [
            (paths.config_data().join(name), result.full.clone()),
            (paths.generated().join(name), result.generated.clone()),
        ];
        blocking(move || {
            for (place, recorded) in places {
                if !place.is_dir() {
                    return Ok(Some(format!("{} is gone", place.display())));
                }
                if tree::hash(&place)?.content != recorded.content {
                    return Ok(Some(format!("{} was changed by hand", place.display())));
                }
                // Lost between a swap and the file that tells of it.
                let hash = format!("{}\n", recorded.config);
                files::write(&hash_file(&place), hash.as_bytes())?;
            }
            Ok(None)
        })
        .await
    }

    /// Puts what a run brought out in place of the volume's trees.
    pub async fn take_over(&self, run: &Run, staging: TempDir) -> Result<RecordedResult, Failure> {
        let paths = &self.puppet.settings.paths;
        let name = run.volume.as_str();
        let (full_place, generated_place) =
            (paths.config_data().join(name), paths.generated().join(name));
        let replaced = paths
            .replaced()
            .join(staging.path().file_name().unwrap_or_default());
        blocking(move || {
            let out = staging.path().join("out");
            let (full, generated) = (out.join("full"), out.join("generated"));
            let list = out.join("touched");
            let list = std::fs::read(&list).at("read", &list)?;
            archive::select(&full, &list, &generated)?;
            let result = RecordedResult {
                full: (&tree::hash(&full)?).into(),
                generated: (&tree::hash(&generated)?).into(),
            };
            archive::keep_password_file(&generated, &generated_place, &full_place)?;
            archive::keep_password_file(&full, &full_place, &full_place)?;
            put(&full, &full_place, &result.full.config)?;
            put(&generated, &generated_place, &result.generated.config)?;
            // Where the new trees were are now the old ones.
            std::fs::rename(&out, &replaced).at("set aside", &out)?;
            Ok(result)
        })
        .await
    }
}

/// Puts a tree in place, unless the very same is there, and says its hash beside it.
fn put(new: &Path, place: &Path, config: &str) -> Result<()> {
    let present = place.is_dir().then(|| tree::hash(place)).transpose()?;
    if present.is_none_or(|present| tree::hash(new).is_ok_and(|new| new.exact != present.exact)) {
        archive::swap(new, place)?;
    }
    files::write(&hash_file(place), format!("{config}\n").as_bytes()).map(|_| ())
}

/// Does what keeps a CPU or a disk busy where it holds up nothing else.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done?),
        Err(panic) => Err(std::io::Error::other(panic))
            .at("work on", "the config volumes")
            .map_err(Failure::from),
    }
}
