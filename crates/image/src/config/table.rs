//! kolla-build's options, of every release, and those of the sections of sources and users.

use slipway_oslo_config::{Kind, OptionDef};

/// Options under one heading of the help.
struct Group {
    heading: &'static str,
    options: &'static [OptionDef],
}

const fn text(name: &'static str, help: &'static str) -> OptionDef {
    OptionDef::new(name, Kind::Text, help)
}

const fn choice(
    name: &'static str,
    choices: &'static [&'static str],
    help: &'static str,
) -> OptionDef {
    OptionDef::new(name, Kind::Choice(choices), help)
}

/// A switch that is off by default.
const fn off(name: &'static str, help: &'static str) -> OptionDef {
    OptionDef::new(name, Kind::Bool, help).default("false")
}

/// A switch that is on by default.
const fn on(name: &'static str, help: &'static str) -> OptionDef {
    OptionDef::new(name, Kind::Bool, help).default("true")
}

const fn number(name: &'static str, min: i64, help: &'static str) -> OptionDef {
    OptionDef::new(name, Kind::Int { min: Some(min) }, help)
}

const fn multi(name: &'static str, help: &'static str) -> OptionDef {
    OptionDef::new(name, Kind::Multi, help)
}

const fn list(name: &'static str, help: &'static str) -> OptionDef {
    OptionDef::new(name, Kind::List, help)
}

const SELECTION: Group = Group {
    heading: "Selection",
    options: &[
        multi("regex", "Regular expressions on image names; parents of matching images are built too [default: all images]").positional(),
        multi("profile", "Build the images of a profile, a key of the configuration's section [profiles]").short('p'),
        off("skip-parents", "Do not build images that other selected images are built from"),
        off("skip-existing", "Do not build images whose reference the engine has, whatever their contents"),
        off("enable-unbuildable", "Also build images that are known not to build on this distribution").since(10),
        list("allowed-to-fail", "Images whose failure does not fail the build").default("").file_only().since(12),
    ],
};

const INPUTS: Group = Group {
    heading: "Inputs",
    options: &[
        text("base", "Distribution of the images").short('b').release_default(Some("debian")),
        text("base-image", "Image that `base` is built FROM [default: the distribution's official image]").value("IMAGE"),
        text("base-tag", "Tag of that image [default: the distribution's current one]").value("TAG"),
        choice("base-arch", &["x86_64", "aarch64", "ppc64le"], "Architecture of the images [default: this machine's]").default(std::env::consts::ARCH),
        choice("debian-arch", &["amd64", "arm64"], "Debian's name of the architecture, for packages from elsewhere [default: from --base-arch]").since(18),
        choice("type", &["binary", "source", "rdo", "rhos"], "Install OpenStack from packages or from sources").dest("install_type").short('t').release_default(None).until(15).where_released(),
        multi("template-override", "Template override: rendered in place of each Dockerfile.j2, which it extends. Repeatable").value("FILE"),
        multi("docker-dir", "Directory with more images; an image of the same name replaces the tree's. Repeatable").short('D').release_default(None),
        text("patches-path", "Directory of patches, with one directory for each patched image").value("DIR").since(20),
        text("locals-base", "Directory that sources of type local are relative to").value("DIR").default("./").since(16),
        text("tarballs-base", "Address of OpenStack's tarballs").value("ADDRESS").release_default(Some("https://tarballs.opendev.org")),
        text("openstack-release", "OpenStack release of the sources").release_default(Some("2025.1")).since(9),
        text("openstack-release-codename", "Name of that release in the package repositories of Debian and Ubuntu").release_default(Some("Epoxy")).since(23).where_released(),
        text("openstack-branch", "Branch of the sources [default: from --openstack-release]").release_default(None).since(10),
        text("openstack-branch-slashed", "The same branch with a slash [default: from --openstack-release]").since(13),
        text("repos-yaml", "Package repositories that are laid over the tree's repos.yaml").value("FILE").default("").since(12).where_released(),
        list("rpm_setup_config", "Files or addresses of .rpm and .repo to install first").release_default(Some("")).file_only().where_released(),
        text("apt_sources_list", "File that becomes the base image's sources.list").file_only(),
        text("apt_preferences", "File that becomes the base image's apt_preferences").file_only(),
        text("distro_package_manager", "Package manager [default: the distribution's]").file_only().since(8).where_released(),
        text("base_package_type", "Package type, deb or rpm [default: the distribution's]").file_only().since(8).where_released(),
        on("use-dumb-init", "Start containers through dumb-init").since(6).where_released(),
        on("docker-healthchecks", "Put the healthcheck scripts into the images").since(10).where_released(),
        on("clean_package_cache", "Leave no package cache behind").file_only().since(8).where_released(),
        text("pip_index_url", "Index of Python packages (ARG PIP_INDEX_URL)").file_only().since(23),
        text("pip_trusted_host", "Host that pip trusts (ARG PIP_TRUSTED_HOST)").file_only().since(23),
        text("pip_extra_index_url", "Further index of Python packages (ARG PIP_EXTRA_INDEX_URL)").file_only().since(23),
    ],
};

const ENGINE: Group = Group {
    heading: "Engine",
    options: &[
        choice(
            "engine",
            &["docker", "podman"],
            "Kind of the container engine [default: the one that answers]",
        )
        .since(16),
        text("podman_base_url", "Address of Podman's socket")
            .value("ADDRESS")
            .default("unix:///run/podman/podman.sock")
            .since(17),
        OptionDef::new(
            "build-args",
            Kind::Dict,
            "Build arguments, NAME:VALUE separated by commas",
        ),
        text("network_mode", "Network of RUN instructions, such as host")
            .value("MODE")
            .release_default(None)
            .since(7),
        text(
            "platform",
            "Build for another platform, such as linux/arm64; set --base-arch as well",
        )
        .since(18),
        off(
            "buildkit",
            "Build with BuildKit instead of the engine's classic builder",
        )
        .since(23),
        text(
            "buildkit-builder",
            "Builder of docker buildx; not used, because the engine's own BuildKit builds",
        )
        .since(23)
        .ignored("the engine's own BuildKit builds, not a builder of docker buildx"),
        on("cache", "Use the engine's layer cache"),
        on(
            "pull",
            "Pull the distribution's image where the engine does not have it",
        ),
        off("squash", "Squash each image into one layer").since(6),
        on(
            "squash-cleanup",
            "Remove the squashed layers; not used, because the engine squashes",
        )
        .file_only()
        .since(6)
        .ignored("the engine squashes, not docker-squash"),
        text(
            "squash-tmp-dir",
            "Directory for docker-squash; not used, because the engine squashes",
        )
        .file_only()
        .since(6)
        .ignored("the engine squashes, not docker-squash"),
        off("keep", "Keep the containers of failed instructions"),
        number("threads", 1, "Images that are built at once")
            .short('T')
            .release_default(Some("8")),
        number(
            "retries",
            0,
            "Retries of a build after the engine or a download failed",
        )
        .short('r')
        .release_default(Some("3")),
        number("timeout", 1, "Seconds after which a stalled download fails")
            .value("SECONDS")
            .default("120"),
    ],
};

const OUTPUT: Group = Group {
    heading: "Output",
    options: &[
        text("namespace", "Namespace of the images")
            .short('n')
            .release_default(Some("slipway")),
        text(
            "registry",
            "Registry of the images, put in front of the namespace",
        ),
        text("tag", "Tag of the images"),
        text("image-name-prefix", "Prefix of every image's name")
            .value("PREFIX")
            .default("")
            .since(15),
        off(
            "infra-rename",
            "Give images of infrastructure their short names",
        )
        .since(11)
        .until(14)
        .where_released(),
        text("maintainer", "Text of the maintainer label")
            .release_default(Some("Slipway"))
            .file_only(),
        off("push", "Push each image when it is built"),
        number("push-threads", 1, "Images that are pushed at once").default("1"),
        off(
            "template-only",
            "Render the tree into DIR/docker, and build nothing (see --work-dir)",
        ),
        text("work-dir", "Directory of the rendered tree").value("DIR"),
        off("list-images", "List the images, and build nothing"),
        off(
            "list-dependencies",
            "Print each image with the images built from it, and build nothing",
        )
        .short('l'),
        text(
            "save-dependency",
            "Write the graph of images to a file for Graphviz, and build nothing",
        )
        .value("FILE"),
        choice(
            "format",
            &["json", "none"],
            "Print the summary as JSON, or not at all",
        )
        .short('f')
        .default("json"),
        text(
            "summary-json-file",
            "Write the summary to a file instead of standard output",
        )
        .value("FILE")
        .since(18),
        on("summary", "Print the result of each image at the end").since(11),
        text("logs-dir", "Directory of the logs, one file per image").value("DIR"),
        off("debug", "Print more detail").short('d'),
        off("quiet", "Do not print the output of builds")
            .short('q')
            .since(10),
        text(
            "shell_completion",
            "Shell to print a completion script for; not available",
        )
        .value("SHELL")
        .since(23)
        .refused("slipway completions SHELL prints the completion script of slipway"),
    ],
};

const GROUPS: [Group; 4] = [SELECTION, INPUTS, ENGINE, OUTPUT];

const COUNT: usize = {
    let (mut count, mut group) = (0, 0);
    while group < GROUPS.len() {
        count += GROUPS[group].options.len();
        group += 1;
    }
    count
};

/// All options, each with the heading of its group.
const ALL: [OptionDef; COUNT] = {
    let mut all = [OptionDef::new("", Kind::Text, ""); COUNT];
    let (mut count, mut group) = (0, 0);
    while group < GROUPS.len() {
        let Group { heading, options } = GROUPS[group];
        let mut option = 0;
        while option < options.len() {
            all[count] = options[option].under(heading);
            count += 1;
            option += 1;
        }
        group += 1;
    }
    all
};

/// kolla-build's options.
///
/// One line here defines an option on the command line, in files and in the environment. Its value
/// is a field of [`BuildConfig`](super::BuildConfig).
pub const OPTIONS: &[OptionDef] = &ALL;

/// The options of a source's section: an image's, a plugin's or an addition's.
pub const SOURCE_OPTIONS: &[OptionDef] = &[
    choice("type", &["local", "git", "url"], "Kind of the source"),
    text("location", "Its address or path"),
    text("reference", "Commit, tag or branch of a git repository"),
    on("enabled", "Use it"),
    text("version", "Its version, for ${version} in the location"),
    OptionDef::new(
        "sha256",
        Kind::Dict,
        "Digest of the archive, for each architecture",
    ),
];

/// The options of a section `[<name>-user]`.
pub const USER_OPTIONS: &[OptionDef] = &[
    OptionDef::new("uid", Kind::Int { min: None }, "Id of the user"),
    OptionDef::new("gid", Kind::Int { min: None }, "Id of the group"),
    text("group", "Name of the group"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_keys_and_letters_are_each_used_once() {
        let mut names = BTreeSet::new();
        let mut keys = BTreeSet::new();
        let mut letters = BTreeSet::new();
        for option in OPTIONS {
            assert!(names.insert(option.name), "{}", option.name);
            assert!(keys.insert(option.key()), "{}", option.key());
            assert!(
                option.short.is_none_or(|short| letters.insert(short)),
                "{}",
                option.name
            );
            assert!(!option.heading.is_empty(), "{}", option.name);
        }
    }
}
