//! A service's user who changes its directories while root copies into them gains nothing by it.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::fs;
use std::os::unix::fs::{MetadataExt, chown, lchown, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::json;
use slipway_kolla_config::apply::{Environment, Log, apply};

const SERVICE: u32 = 1001;

/// The files outside of the service's directories, which its symlinks point to: names, owners, contents.
fn outside(root: &Path) -> Vec<(String, u32, u32, String)> {
    let mut entries: Vec<_> = fs::read_dir(root.join("outside"))
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let found = entry.metadata().unwrap();
            let name = entry.file_name().into_string().unwrap();
            let text = fs::read_to_string(entry.path()).unwrap();
            (name, found.uid(), found.mode(), text)
        })
        .collect();
    let itself = fs::metadata(root.join("outside")).unwrap();
    entries.push((".".to_owned(), itself.uid(), itself.mode(), String::new()));
    entries.sort();
    entries
}

/// A link of the service's user to what is outside.
fn plant(root: &Path, path: &str) {
    symlink("/outside", root.join(path)).unwrap();
    lchown(root.join(path), Some(SERVICE), Some(SERVICE)).unwrap();
}

#[test]
fn a_directory_that_turns_into_a_link_leads_no_write_astray() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can hand files to others");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    for name in ["etc", "src/tree/sub", "srv/d", "outside"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    let passwd = format!("root:x:0:0::/:\nsvc:x:{SERVICE}:{SERVICE}::/:\n");
    fs::write(root.join("etc/passwd"), passwd).unwrap();
    fs::write(
        root.join("etc/group"),
        format!("root:x:0:\nsvc:x:{SERVICE}:\n"),
    )
    .unwrap();
    for name in ["a", "b", "sub/c", "sub/d"] {
        fs::write(root.join("src/tree").join(name), "configured").unwrap();
        let name = Path::new(name).file_name().unwrap();
        fs::write(root.join("outside").join(name), "root's").unwrap();
    }
    chown(root.join("srv/d"), Some(SERVICE), Some(SERVICE)).unwrap();
    plant(root, "srv/link");
    plant(root, "srv/d/link");
    let before = outside(root);

    let config = json!({
        "command": "true",
        "config_files": [
            {"source": "/src/tree", "dest": "/srv/d", "owner": "svc", "perm": "0600", "merge": true},
            {"source": "/src/tree/sub", "dest": "/srv/d/sub", "preserve_properties": true},
        ],
        "permissions": [
            {"path": "/srv/d", "owner": "svc", "recurse": true},
            {"path": "/srv/d/sub", "owner": "svc", "perm": "0640", "recurse": true},
        ],
    });
    let environment = Environment {
        config: Some(config.to_string()),
        config_file: None,
        strategy: Some("COPY_ALWAYS".to_owned()),
        cwd: "/".into(),
    };
    let (over, swapped) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut copied = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let swap = |one: &str, other: &str| {
                let (one, other) = (root.join(one), root.join(other));
                // One of them may just have been deleted.
                let done = renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE);
                swapped.fetch_add(usize::from(done.is_ok()), Ordering::Relaxed);
            };
            while !over.load(Ordering::Relaxed) {
                for (one, other) in [("srv/d", "srv/link"), ("srv/d/sub", "srv/d/link")] {
                    swap(one, other);
                    std::thread::yield_now();
                    swap(one, other);
                }
            }
        });
        // Longer where the other thread has not had its turn yet.
        for _ in (0..20_000).take_while(|run| *run < 400 || swapped.load(Ordering::Relaxed) == 0) {
            // It may fail, as often as it meets a link.
            let done = apply(root, &environment, &Log::new(&|_| {}));
            copied += usize::from(done.is_ok());
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(
        outside(root),
        before,
        "{copied} copied, {swapped:?} swapped"
    );
    assert!(swapped.into_inner() > 0, "nothing was swapped");
}
