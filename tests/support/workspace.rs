//! The workspace of a build test: a directory of images, a namespace, and the link `kolla-build`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use crate::{run, slipway};

/// A directory with images of its own. Removed on drop, with the images that were built.
#[derive(Debug)]
pub struct Workspace {
    /// The directory.
    pub directory: PathBuf,
    /// The images' namespace, unique to this workspace.
    pub namespace: String,
}

impl Workspace {
    /// Creates a workspace of this name, with one image: `base`.
    pub fn new(name: &str) -> Workspace {
        let namespace = format!("slipway-kolla-build-{name}-{}", std::process::id());
        let directory = std::env::temp_dir().join(&namespace);
        fs::create_dir_all(&directory).expect("a directory");
        let workspace = Workspace {
            directory,
            namespace,
        };
        workspace.write(
            "share/images/base/Dockerfile.j2",
            "FROM {{ base_image }}:{{ base_distro_tag }}\nLABEL of=\"{{ maintainer }}\"\n\
             {% block base_footer %}{% endblock %}\n",
        );
        symlink(slipway().get_program(), workspace.path("kolla-build")).expect("a link");
        workspace
    }

    /// Returns a path inside the directory.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.directory.join(inside)
    }

    /// Writes a file, and creates its parent directories.
    pub fn write(&self, inside: &str, text: &str) -> PathBuf {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(&path, text).expect("a file");
        path
    }

    /// Adds an image of this name that is built from `base`.
    pub fn image(&self, name: &str, rest: &str) {
        self.write(
            &format!("share/images/{name}/Dockerfile.j2"),
            &format!("FROM {{{{ namespace }}}}/{{{{ image_prefix }}}}base:{{{{ tag }}}}\n{rest}"),
        );
    }

    /// Returns kolla-build with this workspace's images and home, and nothing of the caller's.
    pub fn kolla_build(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path("kolla-build"));
        command
            .args(arguments)
            .current_dir(&self.directory)
            .env("SLIPWAY_SHARE", self.path("share"))
            .env("HOME", self.path("home"))
            .env("DOCKER_CONFIG", self.path("docker"))
            .env_remove("SLIPWAY_KOLLA");
        command
    }

    /// Runs a docker command, which must succeed. Returns its output.
    pub fn docker(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("docker");
        run(command.args(arguments)).exits(0).out
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        let images = Command::new("docker")
            .args(["images", "--format", "{{.Repository}}:{{.Tag}}"])
            .output();
        let images = images.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        for image in images
            .unwrap_or_default()
            .lines()
            .filter(|name| name.contains(&self.namespace))
        {
            let _ = Command::new("docker")
                .args(["rmi", "--force", image])
                .output();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Returns the names of the images in one list of a summary.
pub fn names(summary: &serde_json::Value, key: &str) -> Vec<String> {
    let images = summary[key].as_array().cloned().unwrap_or_default();
    images
        .iter()
        .filter_map(|image| Some(image["name"].as_str()?.to_owned()))
        .collect()
}
