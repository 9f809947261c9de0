//! A config volume's two trees: whether they are as they were generated, and putting new ones in
//! their place.

pub mod archive;
pub mod changes;
pub mod startup;
pub mod tree;

use std::path::{Path, PathBuf};

use slipway_redact::Secrets;
use tempfile::TempDir;

use crate::error::{At, Failure, Result};
use crate::files;
use crate::input::merge::Run;
use crate::plan::state::RecordedResult;
use crate::session::Session;
use crate::volume::changes::FileChange;
use crate::volume::startup::hash_file;

/// New trees of a volume, beside the old ones.
pub struct Assembled {
    out: PathBuf,
    result: RecordedResult,
    /// What is not as it was.
    pub changes: Vec<FileChange>,
    /// The same in full, where it was asked for.
    pub diff: Option<String>,
    /// Removes what is left when it is dropped.
    staging: TempDir,
}

impl Session<'_> {
    /// Whether somebody has changed a volume since it was generated. Unless it only looks, a hash
    /// that was lost between a swap and the file that tells of it is written again.
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
        let looks = self.only_looks();
        blocking(move || {
            for (place, recorded) in places {
                if !place.is_dir() {
                    return Ok(Some(format!("{} is gone", place.display())));
                }
                if tree::hash(&place)?.content != recorded.content {
                    return Ok(Some(format!("{} was changed by hand", place.display())));
                }
                if !looks {
                    let hash = format!("{}\n", recorded.config);
                    files::write(&hash_file(&place), hash.as_bytes())?;
                }
            }
            Ok(None)
        })
        .await
    }

    /// Makes a volume's new trees of what a run brought out. Nothing is in place yet.
    pub async fn assemble(
        &self,
        run: &Run,
        staging: TempDir,
        secrets: Secrets,
    ) -> Result<Assembled, Failure> {
        let paths = &self.puppet.settings.paths;
        let name = run.volume.as_str();
        let (full_place, generated_place) =
            (paths.config_data().join(name), paths.generated().join(name));
        let wants_diff = self.puppet.settings.diff;
        blocking(move || {
            let out = staging.path().join("out");
            let (full, generated) = (out.join("full"), out.join("generated"));
            let list = out.join("touched");
            let list = files::read_made(&list).at("read", &list)?;
            archive::select(&full, &list, &generated)?;
            let result = RecordedResult {
                full: (&tree::hash(&full)?).into(),
                generated: (&tree::hash(&generated)?).into(),
            };
            archive::keep_password_file(&generated, &generated_place, &full_place)?;
            archive::keep_password_file(&full, &full_place, &full_place)?;
            // Of a volume that is new, all that its image brings is nobody's news.
            let (old, new) = match full_place.is_dir() {
                true => (full_place, full),
                false => (generated_place, generated),
            };
            let changes = changes::compare(&old, &new)?;
            let diff = wants_diff.then(|| changes::unified(&old, &new, &changes, secrets));
            Ok(Assembled {
                out,
                result,
                changes,
                diff,
                staging,
            })
        })
        .await
    }

    /// Puts a volume's new trees in the place of the old ones.
    pub async fn put_in_place(
        &self,
        run: &Run,
        assembled: Assembled,
    ) -> Result<RecordedResult, Failure> {
        let paths = &self.puppet.settings.paths;
        let name = run.volume.as_str();
        let (full_place, generated_place) =
            (paths.config_data().join(name), paths.generated().join(name));
        let aside = paths.replaced();
        blocking(move || {
            let Assembled {
                out,
                result,
                staging,
                ..
            } = assembled;
            put(&out.join("full"), &full_place, &result.full.config)?;
            put(
                &out.join("generated"),
                &generated_place,
                &result.generated.config,
            )?;
            // Where the new trees were are now the old ones.
            let aside = aside.join(staging.path().file_name().unwrap_or_default());
            std::fs::rename(&out, &aside).at("set aside", &out)?;
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
