//! Any bytes as the mounts of a process: the paths of replaced config volumes are read from them.
#![no_main]

use std::cell::LazyCell;
use std::path::Path;

thread_local! {
    static DIRECTORY: LazyCell<tempfile::TempDir> = LazyCell::new(|| tempfile::tempdir_in("/dev/shm").unwrap());
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    DIRECTORY.with(|directory| {
        let process = directory.path().join("1");
        std::fs::create_dir_all(&process).unwrap();
        std::fs::write(process.join("mountinfo"), bytes).unwrap();
        let names =
            slipway_puppet::mounted_below(directory.path(), Path::new("/srv/.replaced")).unwrap();
        assert!(names.iter().all(|name| !name.contains(&b'/')));
    });
});
