//! Replacing a tree survives a power cut: what the disk holds at that moment is mounted again.
//!
//! An ext4 file system in a file, behind a loop device, is the disk. A copy of the file holds what
//! has reached the disk and nothing of what the kernel still has in memory, just as after a power
//! cut. It needs root, `mkfs.ext4` and loop devices, and therefore has to be asked for:
//! `cargo test -p slipway-files --test power_cut -- --ignored`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail, and says so"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use slipway_files::{replace_directory, write_private};

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// A mounted disk image, unmounted when it is dropped.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn new(image: &Path, place: &'a Path) -> Mounted<'a> {
        fs::create_dir_all(place).unwrap();
        // Nothing is written in the background while the test runs.
        let options = "loop,commit=300,data=ordered,noauto_da_alloc";
        run(Command::new("mount")
            .args(["-o", options])
            .args([image, place]));
        Mounted(place)
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        run(Command::new("umount").arg(self.0));
    }
}

/// Replaces a tree, writes its record, cuts the power, and returns the tree's files and the record
/// as they are then.
fn after_a_cut(replace: impl Fn(&Path, &Path)) -> (Vec<String>, String) {
    let dir = tempfile::tempdir().unwrap();
    let [image, cut] = ["disk", "cut"].map(|name| dir.path().join(name));
    let [disk, later] = ["mounted", "later"].map(|name| dir.path().join(name));
    fs::File::create(&image).unwrap().set_len(64 << 20).unwrap();
    run(Command::new("mkfs.ext4").arg("-q").arg(&image));
    {
        let mounted = Mounted::new(&image, &disk);
        let (new, place) = (disk.join("new"), disk.join("place"));
        fs::create_dir(&place).unwrap();
        fs::create_dir(&new).unwrap();
        rustix::fs::syncfs(fs::File::open(&disk).unwrap()).unwrap();
        for number in 0..50 {
            fs::write(new.join(number.to_string()), "content").unwrap();
        }
        replace(&new, &place);
        write_private(&disk.join("record"), b"new").unwrap();
        fs::copy(&image, &cut).unwrap();
        drop(mounted);
    }
    let _mounted = Mounted::new(&cut, &later);
    let files = fs::read_dir(later.join("place")).unwrap();
    let files = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let record = fs::read_to_string(later.join("record")).unwrap_or_default();
    (files.collect(), record)
}

#[test]
#[ignore = "needs root, mkfs.ext4 and loop devices"]
fn a_recorded_tree_is_whole_after_a_power_cut() {
    let (files, record) = after_a_cut(|new, place| replace_directory(new, place).unwrap());
    assert_eq!(record, "new");
    assert_eq!(files, vec!["content"; 50]);
}

#[test]
#[ignore = "needs root, mkfs.ext4 and loop devices"]
fn without_the_order_a_recorded_tree_is_empty() {
    let (files, record) = after_a_cut(|new, place| {
        fs::remove_dir(place).unwrap();
        fs::rename(new, place).unwrap();
    });
    assert_eq!(record, "new");
    // This is the fault that the order prevents: if it cannot be seen, the other test shows nothing.
    assert!(files.iter().any(String::is_empty), "{files:?}");
}
