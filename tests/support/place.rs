//! Builds of their own: a folder of images, a name to run them under, and what was built.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use crate::{run, slipway};

/// A folder with images of its own, and what was built of them, removed in the end.
#[derive(Debug)]
pub struct Place {
    /// The folder.
    pub folder: PathBuf,
    /// The images' namespace, which nothing else has.
    pub namespace: String,
}

impl Place {
    /// A place of this name, with one image: `base`.
    pub fn new(name: &str) -> Place {
        let namespace = format!("slipway-kolla-build-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(&namespace);
        fs::create_dir_all(&folder).expect("a folder");
        let place = Place { folder, namespace };
        place.write(
            "share/images/base/Dockerfile.j2",
            "FROM {{ base_image }}:{{ base_distro_tag }}\nLABEL of=\"{{ maintainer }}\"\n\
             {% block base_footer %}{% endblock %}\n",
        );
        symlink(slipway().get_program(), place.path("kolla-build")).expect("a link");
        place
    }

    /// A path inside the folder.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.folder.join(inside)
    }

    /// Writes a file, and the folders it lies in.
    pub fn write(&self, inside: &str, text: &str) -> PathBuf {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    /// An image of this name that is built from `base`.
    pub fn image(&self, name: &str, rest: &str) {
        self.write(
            &format!("share/images/{name}/Dockerfile.j2"),
            &format!("FROM {{{{ namespace }}}}/{{{{ image_prefix }}}}base:{{{{ tag }}}}\n{rest}"),
        );
    }

    /// kolla-build with this place's images, its own home and nothing of the caller's.
    pub fn kolla_build(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path("kolla-build"));
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("SLIPWAY_SHARE", self.path("share"))
            .env("HOME", self.path("home"))
            .env("DOCKER_CONFIG", self.path("docker"))
            .env_remove("SLIPWAY_KOLLA");
        command
    }

    /// What a docker command that must succeed prints.
    pub fn docker(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("docker");
        run(command.args(arguments)).exits(0).out
    }
}

impl Drop for Place {
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
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The names of the images in one of a summary's lists.
pub fn names(summary: &serde_json::Value, key: &str) -> Vec<String> {
    let images = summary[key].as_array().cloned().unwrap_or_default();
    images
        .iter()
        .filter_map(|image| Some(image["name"].as_str()?.to_owned()))
        .collect()
}
