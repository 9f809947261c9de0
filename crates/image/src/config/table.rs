//! kolla-build's options, of every release, and what files say of sources and users.

use slipway_oslo_config::{Kind, OptionDef};

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

const fn flag(name: &'static str, help: &'static str) -> OptionDef {
    OptionDef::new(name, Kind::Bool, help).default("false")
}

const fn switch(name: &'static str, help: &'static str) -> OptionDef {
    OptionDef::new(name, Kind::Bool, help).default("true")
}

const fn number(
    name: &'static str,
    min: i64,
    default: &'static str,
    help: &'static str,
) -> OptionDef {
    OptionDef::new(name, Kind::Int { min: Some(min) }, help).default(default)
}

const fn multi(name: &'static str, help: &'static str) -> OptionDef {
    OptionDef::new(name, Kind::Multi, help)
}

/// The option of this key.
pub fn option(key: &str) -> Option<&'static OptionDef> {
    OPTIONS.iter().find(|option| option.key() == key)
}

/// kolla-build's options.
pub const OPTIONS: &[OptionDef] = &[
    multi(
        "regex",
        "Images to build: regular expressions on image names; parents are built too. All when none is given",
    )
    .positional(),
    // What is built.
    text("base", "The distribution the images are built on").short('b'),
    text(
        "base-image",
        "The image the base image starts from; the distribution's own when not given",
    ),
    text(
        "base-tag",
        "Its tag; the distribution's current one when not given",
    ),
    choice(
        "base-arch",
        &["x86_64", "aarch64", "ppc64le"],
        "The architecture of the images; this machine's when not given",
    ),
    choice(
        "debian-arch",
        &["amd64", "arm64"],
        "The architecture as Debian calls it, for packages from elsewhere; follows --base-arch",
    ),
    choice(
        "type",
        &["binary", "source", "rdo", "rhos"],
        "Whether services come from packages or sources, in releases that have both",
    )
    .short('t'),
    multi(
        "profile",
        "Build the images of a profile, a key of the configuration's section [profiles]",
    )
    .short('p'),
    flag(
        "skip-parents",
        "Do not build images that others asked for are built from",
    ),
    flag(
        "skip-existing",
        "Do not build images whose name the engine knows, whatever they are made of",
    ),
    flag(
        "enable-unbuildable",
        "Build also what is known not to build on this distribution",
    ),
    flag(
        "infra-rename",
        "Give images of infrastructure their short names (releases 11 to 14)",
    ),
    // What they are called.
    text("namespace", "Namespace of the images built").short('n'),
    text(
        "registry",
        "Registry of the images built, put in front of the namespace",
    ),
    text("tag", "Tag of the images built"),
    text("image-name-prefix", "Put in front of every image's name").default(""),
    text("maintainer", "Text of the maintainer label").file_only(),
    // What they are made of.
    multi(
        "template-override",
        "Template override: rendered in place of each Dockerfile.j2, which it extends. Repeatable",
    ),
    multi(
        "docker-dir",
        "Folder with more images; one of the same name wins over the tree's. Repeatable",
    )
    .short('D'),
    text(
        "patches-path",
        "Folder with one folder of patches for each image that is patched",
    ),
    text(
        "locals-base",
        "Folder that sources of type local are relative to",
    )
    .default("./"),
    text("tarballs-base", "Where OpenStack's tarballs are").default("https://tarballs.opendev.org"),
    text(
        "openstack-release",
        "The OpenStack release that sources are taken of",
    ),
    text(
        "openstack-release-codename",
        "Its name, in Debian's and Ubuntu's package repositories",
    ),
    text(
        "openstack-branch",
        "The branch that sources are taken of; follows --openstack-release",
    ),
    text(
        "openstack-branch-slashed",
        "The same with a slash; follows --openstack-release",
    ),
    text(
        "repos-yaml",
        "Package repositories, laid over the tree's repos.yaml",
    )
    .default(""),
    OptionDef::new(
        "rpm_setup_config",
        Kind::List,
        "Files or addresses of .rpm and .repo to install first",
    )
    .default("")
    .file_only(),
    text("apt_sources_list", "A sources.list for the base image").file_only(),
    text(
        "apt_preferences",
        "An apt preferences file for the base image",
    )
    .file_only(),
    text(
        "distro_package_manager",
        "The package manager, where it is not the distribution's",
    )
    .file_only(),
    text(
        "base_package_type",
        "The package type, deb or rpm, where it is not the distribution's",
    )
    .file_only(),
    switch("use-dumb-init", "Start containers through dumb-init"),
    switch(
        "docker-healthchecks",
        "Put the healthcheck scripts into the images",
    ),
    switch("clean_package_cache", "Leave no package cache behind").file_only(),
    text(
        "pip_index_url",
        "Index of Python packages (ARG PIP_INDEX_URL)",
    )
    .file_only(),
    text(
        "pip_trusted_host",
        "Host that pip trusts (ARG PIP_TRUSTED_HOST)",
    )
    .file_only(),
    text(
        "pip_extra_index_url",
        "Further index of Python packages (ARG PIP_EXTRA_INDEX_URL)",
    )
    .file_only(),
    // How they are built.
    choice(
        "engine",
        &["docker", "podman"],
        "The kind of engine to build on; whichever answers when not given",
    ),
    text("podman_base_url", "Where Podman listens").default("unix:///run/podman/podman.sock"),
    OptionDef::new(
        "build-args",
        Kind::Dict,
        "Build arguments: NAME:VALUE with commas between them",
    ),
    text("network_mode", "Network of the RUN steps, such as host"),
    text(
        "platform",
        "Build for another platform, such as linux/arm64; goes with --base-arch",
    ),
    OptionDef::new(
        "buildkit",
        Kind::Bool,
        "Build with BuildKit instead of the engine's classic builder",
    ),
    text(
        "buildkit-builder",
        "A builder of docker buildx; cannot be honoured, since buildx is not used",
    ),
    switch("cache", "Use the engine's layer cache"),
    switch(
        "pull",
        "Pull the distribution's image, where it is not there",
    ),
    flag("squash", "Make one layer of each image"),
    switch("squash-cleanup", "Remove the layers that were squashed").file_only(),
    text(
        "squash-tmp-dir",
        "Folder for docker-squash; has no meaning here, since the engine squashes",
    )
    .file_only(),
    flag("keep", "Keep the containers of failed steps"),
    number("threads", 1, "8", "How many images are built at once").short('T'),
    number(
        "retries",
        0,
        "3",
        "How often a build is tried again after the engine or a download failed",
    )
    .short('r'),
    number(
        "timeout",
        1,
        "120",
        "Seconds after which a download that stands still is given up",
    ),
    OptionDef::new(
        "allowed-to-fail",
        Kind::List,
        "Images whose failure is no failure of the whole",
    )
    .default("")
    .file_only(),
    // What becomes of them.
    flag("push", "Push the images when they are built"),
    number("push-threads", 1, "1", "How many images are pushed at once"),
    // What is said.
    flag(
        "template-only",
        "Render only; the tree is left in DIR/docker (see --work-dir)",
    ),
    text("work-dir", "Where the rendered tree is left"),
    flag("list-images", "List the images, and build nothing"),
    flag(
        "list-dependencies",
        "Print which image is built from which, and build nothing",
    )
    .short('l'),
    text(
        "save-dependency",
        "Write which image is built from which to a file for Graphviz, and build nothing",
    ),
    choice(
        "format",
        &["json", "none"],
        "Whether the summary is printed as JSON",
    )
    .short('f')
    .default("json"),
    text(
        "summary-json-file",
        "Write the summary to a file instead of standard output",
    ),
    switch("summary", "Say at the end what became of each image"),
    text("logs-dir", "Folder for one log file per image built"),
    flag("debug", "Say more").short('d'),
    flag("quiet", "Do not show what builds say").short('q'),
    text(
        "shell_completion",
        "A shell to print a completion script for; cannot be honoured, since there is none",
    ),
];

/// What a section says of a source: an image's, a plugin's or an addition's.
pub const SOURCE_OPTIONS: &[OptionDef] = &[
    choice("type", &["local", "git", "url"], "Where it comes from"),
    text("location", "The address, or the path"),
    text(
        "reference",
        "What to take of a git repository: a commit, tag or branch",
    ),
    switch("enabled", "Whether it is used"),
    text("version", "Its version, for ${version} in the location"),
    OptionDef::new(
        "sha256",
        Kind::Dict,
        "The archive's digest, for each architecture",
    ),
];

/// What a section `[<name>-user]` says.
pub const USER_OPTIONS: &[OptionDef] = &[
    OptionDef::new("uid", Kind::Int { min: None }, "The user's id"),
    OptionDef::new("gid", Kind::Int { min: None }, "The group's id"),
    text("group", "The group's name"),
];
