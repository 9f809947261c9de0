//! The effects of a config.json on a directory that stands for a container's root.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::cell::RefCell;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use slipway_kolla_config::apply::{ApplyError, Environment, Log, apply, check_applied};

const CONFIG: &str = "var/lib/kolla/config_files/config.json";

/// A container, as far as files go. Its `me` is whoever runs the tests, so that they need not be root.
struct Container {
    root: tempfile::TempDir,
    environment: Environment,
    log: RefCell<String>,
}

impl Container {
    fn new() -> Container {
        let root = tempfile::tempdir().unwrap();
        let (uid, gid) = (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        );
        let environment = Environment {
            config: None,
            config_file: None,
            strategy: Some("COPY_ALWAYS".to_owned()),
            cwd: PathBuf::from("/"),
        };
        let container = Container {
            root,
            environment,
            log: RefCell::default(),
        };
        container.write("etc/passwd", &format!("me:x:{uid}:{gid}::/:\n"));
        container.write("etc/group", &format!("me:x:{gid}:\n"));
        container.write("src/a.conf", "a");
        container
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn exists(&self, path: &str) -> bool {
        self.path(path).symlink_metadata().is_ok()
    }

    fn mode(&self, path: &str) -> u32 {
        self.path(path).metadata().unwrap().mode() & 0o7777
    }

    fn link(&self, target: &str, path: &str) {
        symlink(target, self.path(path)).unwrap();
    }

    fn declare(&self, sections: Value) {
        let mut config = json!({"command": "/usr/bin/service --flag"});
        config
            .as_object_mut()
            .unwrap()
            .extend(sections.as_object().unwrap().clone());
        self.write(CONFIG, &config.to_string());
    }

    fn run(
        &self,
        work: fn(&Path, &Environment, &Log) -> Result<(), ApplyError>,
    ) -> Result<(), ApplyError> {
        self.log.borrow_mut().clear();
        let write = |line: &str| self.log.borrow_mut().push_str(line);
        work(self.root.path(), &self.environment, &Log::new(&write))
    }

    fn apply(&self, sections: Value) -> Result<(), ApplyError> {
        self.declare(sections);
        self.run(apply)
    }

    fn check(&self) -> Result<(), ApplyError> {
        self.run(check_applied)
    }
}

fn copy(source: &str, dest: &str) -> Value {
    json!({"config_files": [{"source": source, "dest": dest, "owner": "me", "perm": "0640"}]})
}

fn code(result: Result<(), ApplyError>) -> u8 {
    result.unwrap_err().exit_code()
}

#[test]
fn a_file_is_copied_with_its_mode_and_the_command_written() {
    let container = Container::new();
    container
        .apply(copy("/src/a.conf", "/etc/service/b.conf"))
        .unwrap();
    assert_eq!(container.read("etc/service/b.conf"), "a");
    assert_eq!(container.mode("etc/service/b.conf"), 0o640);
    assert_eq!(container.read("run_command"), "/usr/bin/service --flag");
    assert_eq!(container.mode("run_command"), 0o644);
    container.check().unwrap();
}

#[test]
fn globs_go_into_a_directory() {
    let container = Container::new();
    container.write("src/b.conf", "b");
    container.write("src/.c.conf", "c");
    container.write("src/d", "d");
    container.apply(copy("/src/*.conf", "/dest/")).unwrap();
    let mut names: Vec<_> = fs::read_dir(container.path("dest"))
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["a.conf", "b.conf"]);
}

#[test]
fn a_directory_replaces_the_old_one_unless_merged() {
    let container = Container::new();
    container.write("dest/old", "old");
    container.apply(copy("/src", "/dest")).unwrap();
    assert!(!container.exists("dest/old"));
    assert_eq!(container.mode("dest"), 0o750);

    container.write("dest/old", "old");
    let mut merged = copy("/src", "/dest");
    merged["config_files"][0]["merge"] = json!(true);
    container.apply(merged).unwrap();
    assert_eq!(
        container.read("dest/a.conf") + &container.read("dest/old"),
        "aold"
    );
}

#[test]
fn preserved_properties_are_the_sources() {
    let container = Container::new();
    fs::set_permissions(container.path("src/a.conf"), Permissions::from_mode(0o604)).unwrap();
    container.link("a.conf", "src/link");
    let entry =
        json!({"source": "/src", "dest": "/dest", "preserve_properties": true, "merge": true});
    container.apply(json!({"config_files": [entry]})).unwrap();
    let modified = |path: &str| container.path(path).metadata().unwrap().modified().unwrap();
    assert_eq!(container.mode("dest/a.conf"), 0o604);
    assert_eq!(modified("dest/a.conf"), modified("src/a.conf"));
    assert_eq!(
        fs::read_link(container.path("dest/link")).unwrap(),
        Path::new("a.conf")
    );
}

#[test]
fn sources_are_read_through_links() {
    let container = Container::new();
    container.link("a.conf", "src/link");
    container.link("/src", "linked");
    container.apply(copy("/linked/link", "/dest")).unwrap();
    assert!(container.path("dest").symlink_metadata().unwrap().is_file());
    assert_eq!(container.read("dest"), "a");
}

#[test]
fn a_missing_source_is_an_error_unless_optional() {
    let container = Container::new();
    let error = container.apply(copy("/src/nope", "/dest")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "MissingRequiredSource: /src/nope file is not found"
    );
    assert_eq!(error.exit_code(), 1);
    let mut optional = copy("/src/nope", "/dest");
    optional["config_files"][0]["optional"] = json!(true);
    container.apply(optional).unwrap();
}

#[test]
fn excluded_files_are_not_copied() {
    let container = Container::new();
    container.write("src/x[1]", "x");
    let mut entry = copy("/src", "/dest");
    entry["config_files"][0]["exclude"] = json!([r"\.conf$"]);
    container.apply(entry).unwrap();
    assert!(container.exists("dest/x[1]") && !container.exists("dest/a.conf"));
    let mut entry = copy("/src/x[1]", "/dest");
    entry["config_files"][0]["ignore_globs"] = json!(true);
    container.apply(entry).unwrap();
    assert_eq!(container.read("dest"), "x");
}

#[test]
fn no_file_is_made_for_an_owner_or_a_mode_that_is_not_one() {
    let container = Container::new();
    for (key, value) in [("owner", "nobody"), ("perm", "u=rw")] {
        let mut entry = copy("/src/a.conf", "/dest");
        entry["config_files"][0][key] = json!(value);
        assert_eq!(code(container.apply(entry)), 2);
        assert!(!container.exists("dest"));
    }
}

#[test]
fn a_failed_copy_leaves_the_old_file_and_nothing_beside_it() {
    let container = Container::new();
    container.write("dest/b.conf", "old");
    fs::remove_file(container.path("src/a.conf")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        container.path("src/a.conf"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    assert_eq!(
        code(container.apply(copy("/src/a.conf", "/dest/b.conf"))),
        2
    );
    assert_eq!(container.read("dest/b.conf"), "old");
    assert_eq!(fs::read_dir(container.path("dest")).unwrap().count(), 1);
}

#[test]
fn a_source_is_never_deleted_to_make_room_for_itself() {
    let container = Container::new();
    for (source, dest) in [
        ("/src/a.conf", "/src/a.conf"),
        ("/src", "/src"),
        ("/src/a.conf", "/src"),
        ("/src/a.conf", "/"),
    ] {
        assert_eq!(
            code(container.apply(copy(source, dest.trim_end_matches('/')))),
            2,
            "{source} {dest}"
        );
        assert_eq!(container.read("src/a.conf"), "a");
    }
}

#[test]
fn directories_and_files_are_created_with_owner_and_mode() {
    let container = Container::new();
    container.write("kept", "kept");
    container
        .apply(json!({
            "directories": [{"path": "/d/e", "owner": "me", "perm": "0700"}],
            "files": [{"path": "/d/e/f", "owner": "me", "perm": "0600"}, {"path": "/kept", "owner": "me", "perm": "600"}],
        }))
        .unwrap();
    assert_eq!(
        (
            container.mode("d/e"),
            container.mode("d/e/f"),
            container.mode("kept")
        ),
        (0o700, 0o600, 0o600)
    );
    assert_eq!(container.read("d/e/f") + &container.read("kept"), "kept");
    for path in ["/nope/f", "/d", "/d/new/"] {
        let files = json!({"files": [{"path": path, "owner": "me", "perm": "0600"}]});
        assert_eq!(code(container.apply(files)), 2, "{path}");
    }
}

#[test]
fn permissions_recurse_and_skip_excluded_paths() {
    let container = Container::new();
    for file in ["log/a", "log/snapshot/b", "log/c"] {
        container.write(file, "");
        fs::set_permissions(container.path(file), Permissions::from_mode(0o600)).unwrap();
    }
    let permission = json!({"path": "/log", "owner": "me", "perm": "0644", "recurse": true, "exclude": ["/snapshot"]});
    container
        .apply(json!({"permissions": [permission]}))
        .unwrap();
    assert_eq!(
        (container.mode("log"), container.mode("log/a")),
        (0o755, 0o644)
    );
    assert_eq!(container.mode("log/snapshot/b"), 0o600);
    assert!(
        container
            .log
            .borrow()
            .contains(" INFO Setting permission for /log/a\n")
    );
}

#[test]
fn copied_once_means_once() {
    let mut container = Container::new();
    container.environment.strategy = Some("COPY_ONCE".to_owned());
    container.apply(copy("/src/a.conf", "/dest")).unwrap();
    container.write("src/a.conf", "new");
    let error = container.run(apply).unwrap_err();
    assert!(matches!(error, ApplyError::ImmutableConfig));
    assert_eq!(error.exit_code(), 0);
    assert_eq!(container.read("dest"), "a");
}

#[test]
fn without_a_strategy_nothing_is_done() {
    let mut container = Container::new();
    container.environment.strategy = None;
    let error = container.apply(copy("/src/a.conf", "/dest")).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("InvalidConfig: KOLLA_CONFIG_STRATEGY"),
        "{error}"
    );
    assert!(!container.exists("dest") && !container.exists("run_command"));
}

#[test]
fn the_environment_may_hold_the_config_or_its_path() {
    let mut container = Container::new();
    container.write("other.json", r#"{"command": "other"}"#);
    container.environment.config_file = Some("/other.json".to_owned());
    container.run(apply).unwrap();
    assert_eq!(container.read("run_command"), "other");
    container.environment.config = Some(r#"{"command": "given"}"#.to_owned());
    container.run(apply).unwrap();
    assert_eq!(container.read("run_command"), "given");
    container.environment.config = Some("{".to_owned());
    assert_eq!(code(container.run(apply)), 1);
}

#[test]
fn a_yaml_config_comes_first() {
    let container = Container::new();
    container.declare(json!({}));
    container.write(
        "var/lib/kolla/config_files/config.yaml",
        "command: from yaml\n",
    );
    container.run(apply).unwrap();
    assert_eq!(container.read("run_command"), "from yaml");
}

#[test]
fn a_missing_config_is_named() {
    let error = Container::new().run(apply).unwrap_err();
    assert!(
        error.to_string().starts_with(
            "InvalidConfig: Could not read file /var/lib/kolla/config_files/config.json"
        )
    );
}

#[test]
fn defaults_come_back_however_often_the_container_restarts() {
    let container = Container::new();
    container.write("etc/service.conf", "default");
    for _ in 0..4 {
        container
            .apply(copy("/src/a.conf", "/etc/service.conf"))
            .unwrap();
        assert_eq!(container.read("etc/service.conf"), "a");
        assert_eq!(
            container.read("etc/kolla/defaults/etc/service.conf"),
            "default"
        );
    }
    container.apply(json!({})).unwrap();
    assert_eq!(container.read("etc/service.conf"), "default");
}

#[test]
fn files_without_a_default_are_removed() {
    let container = Container::new();
    container
        .apply(copy("/src/a.conf", "/etc/new.conf"))
        .unwrap();
    assert_eq!(
        container.read("etc/kolla/defaults/state"),
        "{\n    \"/etc/new.conf\": {\n        \"source\": \"/etc/new.conf\",\n        \"preserve_properties\": true,\n        \"dest\": null\n    }\n}"
    );
    container.declare(json!({}));
    assert!(
        matches!(container.check().unwrap_err(), ApplyError::StateMismatch(paths) if paths == "/etc/new.conf")
    );
    container.run(apply).unwrap();
    assert!(!container.exists("etc/new.conf"));
}

#[test]
fn a_check_reports_differences_and_changes_nothing() {
    let container = Container::new();
    container.apply(copy("/src/a.conf", "/dest")).unwrap();
    container.write("dest", "edited");
    let error = container.check().unwrap_err();
    assert_eq!(
        error.to_string(),
        "ConfigFileBadState: Following files are in bad state: /src/a.conf"
    );
    assert_eq!(container.read("dest"), "edited");
    assert!(!container.log.borrow().contains("edited"));

    container.apply(copy("/src/a.conf", "/dest")).unwrap();
    fs::set_permissions(container.path("dest"), Permissions::from_mode(0o600)).unwrap();
    assert_eq!(code(container.check()), 1);

    container.write("run_command", "another");
    assert!(matches!(
        container.check().unwrap_err(),
        ApplyError::ConfigFileCommandDiffers
    ));
}

#[test]
fn names_cannot_forge_log_lines() {
    let container = Container::new();
    container.write("src/x\nERROR forged", "");
    container.apply(copy("/src", "/dest")).unwrap();
    assert!(container.log.borrow().contains(r"/src/x\nERROR forged"));
}

/// Only root can make links that belong to someone else, as a service's user would.
fn as_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn a_link_that_a_services_user_planted_directs_no_write() {
    if !as_root() {
        return;
    }
    let planted = || {
        let container = Container::new();
        container.write("etc/shadow", "secret");
        container.write("victim/keep", "keep");
        fs::create_dir(container.path("home")).unwrap();
        for (target, link) in [("/etc/shadow", "home/file"), ("/victim", "home/dir")] {
            container.link(target, link);
            lchown(container.path(link), Some(1001), Some(1001)).unwrap();
        }
        container
    };
    let mut merge = copy("/src", "/home/dir");
    merge["config_files"][0]["merge"] = json!(true);
    for through in [
        merge,
        copy("/src", "/home/dir"),
        copy("/src/a.conf", "/home/dir/"),
    ] {
        let container = planted();
        assert_eq!(code(container.apply(through)), 2);
        assert_eq!(fs::read_dir(container.path("victim")).unwrap().count(), 1);
    }

    // Replaced, not written through.
    let container = planted();
    container.apply(copy("/src/a.conf", "/home/file")).unwrap();
    assert!(
        container
            .path("home/file")
            .symlink_metadata()
            .unwrap()
            .is_file()
    );
    assert_eq!(container.read("etc/shadow"), "secret");
}

#[test]
fn a_planted_link_hands_over_no_file() {
    if !as_root() {
        return;
    }
    let container = Container::new();
    container.write("etc/passwd", "svc:x:1001:1001::/:\n");
    container.write("etc/group", "svc:x:1001:\n");
    container.write("etc/shadow", "secret");
    container.write("log/own", "");
    chown(container.path("log"), Some(1001), Some(1001)).unwrap();
    container.link("/etc/shadow", "log/link");
    lchown(container.path("log/link"), Some(1001), Some(1001)).unwrap();
    for path in ["/log", "/log/*", "/log/link"] {
        let permission = json!({"path": path, "owner": "svc", "perm": "0666", "recurse": true});
        container
            .apply(json!({"permissions": [permission]}))
            .unwrap();
        assert_eq!(
            container.path("etc/shadow").metadata().unwrap().uid(),
            0,
            "{path}"
        );
        assert!(container.log.borrow().contains("WARNING"), "{path}");
    }
    assert_eq!(container.path("log/own").metadata().unwrap().uid(), 1001);
}

#[test]
fn roots_own_links_are_followed() {
    let container = Container::new();
    fs::create_dir_all(container.path("run")).unwrap();
    fs::create_dir_all(container.path("var")).unwrap();
    container.link("/run", "var/run");
    container
        .apply(copy("/src/a.conf", "/var/run/service/a"))
        .unwrap();
    assert_eq!(container.read("run/service/a"), "a");
}

#[test]
fn the_next_run_removes_files_of_a_killed_one() {
    let container = Container::new();
    container.write("etc/.kolla-b.conf", "half of it");
    container.apply(copy("/src/a.conf", "/etc/b.conf")).unwrap();
    assert_eq!(container.read("etc/b.conf"), "a");
    assert!(!container.exists("etc/.kolla-b.conf"));
}

#[test]
fn a_name_may_be_as_long_as_names_are() {
    let container = Container::new();
    let name = "n".repeat(255);
    container
        .apply(copy("/src/a.conf", &format!("/etc/{name}")))
        .unwrap();
    assert_eq!(container.read(&format!("etc/{name}")), "a");
}

#[test]
fn a_full_disk_leaves_the_old_file_whole() {
    if !as_root() {
        eprintln!("SKIPPED: only root can mount a disk to fill");
        return;
    }
    let container = Container::new();
    fs::create_dir(container.path("small")).unwrap();
    let small = container.path("small");
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(&small)
        .status()
        .unwrap();
    if !mounted.success() {
        eprintln!("SKIPPED: nothing can be mounted here");
        return;
    }
    container.write("small/b.conf", "old");
    container.write("src/large", &"x".repeat(1 << 20));
    let result = container.apply(copy("/src/large", "/small/b.conf"));
    let kept = container.read("small/b.conf");
    let names: Vec<_> = fs::read_dir(&small)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    let unmounted = std::process::Command::new("umount")
        .arg(&small)
        .status()
        .unwrap();
    assert!(unmounted.success());
    assert_eq!(code(result), 2);
    assert_eq!(kept, "old");
    assert_eq!(names, ["b.conf"]);
}
