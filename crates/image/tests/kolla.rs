//! Images of an upstream Kolla: its defaults, variables and tables at work.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;

use std::collections::BTreeMap;
use std::path::Path;

use slipway_image::{BuildConfig, Error, ImageSet};
use slipway_kolla_release::{DefaultSource, Kolla, UserChange};

/// A Kolla of these files, each under a prefix as pip installs them.
struct Prefix(tempfile::TempDir);

const PACKAGE: &str = "lib/python3.11/site-packages";

impl Prefix {
    fn new() -> Prefix {
        let prefix = Prefix(tempfile::tempdir().unwrap());
        prefix.write(
            &format!("{PACKAGE}/kolla-9.9.1.dist-info/METADATA"),
            "Name: kolla\nVersion: 9.9.1\n",
        );
        prefix.package("common/config.py", CONFIG);
        prefix.package("image/build.py", BUILD);
        prefix.package(
            "template/methods.py",
            "def debian_package_install(packages):\n    pass\n",
        );
        prefix.package("version.py", "");
        prefix.template(
            "base",
            "FROM {{ base_image }}:{{ base_distro_tag }}\n\
             {% for n, u in users | dictsort %}{{ n }}={{ u.uid }}:{{ u.gid }} {% endfor %}\n\
             {{ install_type }} {{ install_metatype }} {{ distro_package_manager }} \
             {{ supported_distro_release }} {{ kolla_version }} {{ repos_yaml is defined }} {{ env is defined }}",
        );
        prefix
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn package(&self, path: &str, text: &str) {
        self.write(&format!("{PACKAGE}/kolla/{path}"), text);
    }

    fn template(&self, image: &str, text: &str) {
        self.write(&format!("share/kolla/docker/{image}/Dockerfile.j2"), text);
    }

    fn open(&self) -> Kolla {
        Kolla::open(self.0.path()).unwrap()
    }

    fn options(&self, base: Option<&str>) -> BuildConfig {
        BuildConfig::of(self.open().into(), base).unwrap()
    }
}

const CONFIG: &str = "
BASE_OS_DISTRO = ['centos', 'ubuntu']
DEFAULT_BASE_TAGS = {'centos': '7', 'ubuntu': {'name': 'registry/ubuntu', 'tag': '18.04'}}
DISTRO_RELEASE = {'centos': '7', 'ubuntu': '18.04'}
INSTALL_TYPE_CHOICES = ['binary', 'source', 'rdo', 'rhos']
_PROFILE_OPTS = [cfg.ListOpt('main', default=['keystone', 'nova-'], help='x')]
_CLI_OPTS = [
    cfg.StrOpt('base', short='b', default='centos', choices=BASE_OS_DISTRO),
    cfg.StrOpt('namespace', default='kolla'),
    cfg.StrOpt('tag', default=version.cached_version_string()),
    cfg.StrOpt('type', default='binary', dest='install_type'),
]
SOURCES = {
    'keystone-base': {
        'type': 'url',
        'location': ('$tarballs_base/keystone/'
                     'keystone-13.tar.gz'),
        'sha256': {'amd64': 'abc'}},
}
USERS = {
    'keystone-user': {'uid': 42425, 'gid': 42425},
    'nova-user': {'uid': 42436, 'gid': 42436, 'group': 'qemu'},
}
";

const BUILD: &str = "
UNBUILDABLE_IMAGES = {'ubuntu': {'web'}, 'centos+source': {'none'}, 'aarch64': {'none'}}
class KollaWorker(object):
    def __init__(self, conf):
        self.base = conf.base
        if self.base in ['centos']:
            self.distro_package_manager = 'yum'
        else:
            self.distro_package_manager = 'apt'
    def create_dockerfiles(self):
        for path in self.paths:
            values = {'base_distro': self.base, 'base_image': 1, 'base_distro_tag': 1,
                      'install_type': 1, 'install_metatype': 1, 'namespace': 1, 'image_prefix': 1,
                      'distro_package_manager': 1, 'supported_distro_release': 1, 'tag': 1,
                      'kolla_version': 1, 'users': self.get_users()}
";

#[test]
fn a_kolla_release_is_read() {
    let kolla = Prefix::new().open();
    assert_eq!(kolla.version(), "9.9.1");
    assert_eq!(kolla.shown_version(), "9.9.1");
    assert_eq!(kolla.bases(), ["centos", "ubuntu"]);
    assert_eq!(kolla.install_types(), ["binary", "source", "rdo", "rhos"]);
    assert_eq!(kolla.profiles()["main"], ["keystone", "nova-"]);
    assert_eq!(kolla.users()["nova"].group, "qemu");
    assert!(kolla.has_option("tag") && kolla.default("tag").is_none());
    assert_eq!(
        kolla.sources()["keystone-base"],
        DefaultSource {
            kind: Some("url".to_owned()),
            location: Some("$tarballs_base/keystone/keystone-13.tar.gz".to_owned()),
            enabled: true,
            sha256: BTreeMap::from([("amd64".to_owned(), "abc".to_owned())]),
            ..DefaultSource::default()
        }
    );
}

#[test]
fn a_default_list_keeps_its_empty_item() {
    let prefix = Prefix::new();
    let option = "cfg.ListOpt('rpm_setup_config', default=[DELOREAN_DEPS])";
    let options = format!("DELOREAN_DEPS = ''\n_CLI_OPTS = [\n    {option},");
    prefix.package(
        "common/config.py",
        &CONFIG.replace("_CLI_OPTS = [", &options),
    );
    assert_eq!(prefix.options(None).rpm_setup_config, [""]);
}

#[test]
fn defaults_are_the_kollas_and_for_the_distribution() {
    let prefix = Prefix::new();
    let options = prefix.options(None);
    assert_eq!(options.reference("base"), "kolla/centos-binary-base:9.9.1");
    assert_eq!(options.base_reference(), "centos:7");
    assert_eq!(
        prefix.options(Some("ubuntu")).base_reference(),
        "registry/ubuntu:18.04"
    );
    let error = BuildConfig::of(prefix.open().into(), Some("ubunt")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "--base ubunt: Kolla 9.9.1 has centos, ubuntu; did you mean ubuntu?"
    );
}

#[test]
fn templates_see_only_the_variables_of_the_worker() {
    let prefix = Prefix::new();
    let mut options = prefix.options(Some("centos"));
    options.install_type = Some("rhos".to_owned());
    options.users.insert(
        "keystone".to_owned(),
        UserChange {
            uid: Some(7),
            ..UserChange::default()
        },
    );
    options
        .users
        .insert("mine".to_owned(), UserChange::default());
    let images = ImageSet::load(options).unwrap();
    assert_eq!(
        images.dockerfile("base").unwrap(),
        "FROM centos:7\nkeystone=7:42425 mine=None:None nova=42436:42436 \n\
         binary rhos yum 7 9.9.1 False False"
    );
}

#[test]
fn children_of_unbuildable_images_are_unbuildable() {
    let prefix = Prefix::new();
    let child = "FROM {{ namespace }}/{{ image_prefix }}";
    prefix.template("web", &format!("{child}base:{{{{ tag }}}}\n"));
    prefix.template("web-api", &format!("{child}web:{{{{ tag }}}}\n"));
    let load = |base, enable| {
        let mut options = prefix.options(Some(base));
        options.enable_unbuildable = enable;
        options.regex = vec!["^web".to_owned()];
        let images = ImageSet::load(options).unwrap();
        images.unbuildable().join(" ")
    };
    assert_eq!(load("ubuntu", false), "web web-api");
    assert_eq!(load("ubuntu", true), "");
    assert_eq!(load("centos", false), "");
}

#[test]
fn the_whole_tree_is_written_beside_the_templates_alone() {
    let prefix = Prefix::new();
    let child = "FROM {{ namespace }}/{{ image_prefix }}base:{{ tag }}\n";
    prefix.template("cron", child);
    prefix.template("web", child);
    let mut options = prefix.options(Some("centos"));
    options.regex = vec!["^web$".to_owned()];
    let images = ImageSet::load(options).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let out = images.write_all(dir.path()).unwrap();
    assert!(out.join("cron/Dockerfile").is_file() && out.join("web/Dockerfile").is_file());

    let tree = &images.options().tree;
    for work_dir in [tree.parent().unwrap(), tree, &tree.join("web/none")] {
        let error = images.write_templates(work_dir).unwrap_err();
        assert!(matches!(error, Error::WorkDirInTree { .. }), "{error}");
    }
    assert!(!tree.join("web/Dockerfile").exists());
}

#[test]
fn a_type_must_be_one_that_the_distribution_has() {
    let prefix = Prefix::new();
    let mut options = prefix.options(Some("ubuntu"));
    options.install_type = Some("rdo".to_owned());
    let error = ImageSet::load(options).unwrap_err().to_string();
    assert_eq!(error, "--type rdo: Kolla 9.9.1 has binary, source");
}

#[test]
fn an_invalid_kolla_directory_names_the_missing_part() {
    let dir = tempfile::tempdir().unwrap();
    let reason = |path: &Path| Kolla::open(path).unwrap_err().to_string();
    assert!(
        reason(&dir.path().join("x"))
            .ends_with("this is not a Kolla release: there is no such directory")
    );
    assert!(reason(dir.path()).contains("it has neither kolla/common/config.py"));
    let prefix = Prefix::new();
    fs::remove_dir_all(prefix.0.path().join("share")).unwrap();
    assert!(reason(prefix.0.path()).contains("templates are neither in its docker directory"));
}

#[test]
fn patches_and_apts_files_are_part_of_the_tree() {
    let prefix = Prefix::new();
    prefix.package(
        "image/build.py",
        &format!("{BUILD}\n# create_patch_files\n"),
    );
    prefix.write(
        "patches/base/series",
        "# none\none.patch\n\nmissing.patch\n",
    );
    prefix.write("patches/base/one.patch", "1");
    prefix.write("patches/base/two.patch", "2");
    prefix.write("sources", "deb x\n");
    let mut options = prefix.options(None);
    options.patches_path = Some(prefix.0.path().join("patches").display().to_string());
    options.apt_sources_list = Some(prefix.0.path().join("sources"));
    let images = ImageSet::load(options).unwrap();
    let out = images
        .write_templates(&prefix.0.path().join("out"))
        .unwrap();
    let mut names: Vec<String> = walk(&out);
    names.sort();
    assert_eq!(
        names,
        [
            "base/Dockerfile",
            "base/Dockerfile.j2",
            "base/patches/one.patch",
            "base/patches/series",
            "base/sources.list"
        ]
    );
}

fn walk(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        match entry.path().is_dir() {
            true => found.extend(
                walk(&entry.path())
                    .iter()
                    .map(|inside| format!("{name}/{inside}")),
            ),
            false => found.push(name),
        }
    }
    found
}
