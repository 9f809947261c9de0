//! Any bytes as plugins' archives: plain ones, such as have proper headers around any names, links,
//! kinds and sizes, and any bytes behind the first ones of each compression. The merged archive
//! holds nothing that leads out of its directory.
#![no_main]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, PathBuf};

use tar::{Archive, EntryType, Header};

/// The header of a gzip member.
const GZIP: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

/// The header of a bzip2 stream.
const BZIP2: &[u8] = b"BZh9";

/// The header of an xz stream whose blocks have no checksums.
const XZ: &[u8] = &[
    0xfd, b'7', b'z', b'X', b'Z', 0, 0, 0, 0xff, 0x12, 0xd9, 0x41,
];

/// Kinds of members, by a byte of the input.
const KINDS: [u8; 13] = *b"0123456 7SLKx";

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((&how, rest)) = input.split_first() else {
        return;
    };
    let bytes = match how % 8 {
        0 => rest.to_vec(),
        1..=4 => with_headers(rest),
        5 => [GZIP, rest].concat(),
        6 => [BZIP2, rest].concat(),
        _ => [XZ, rest].concat(),
    };
    let Ok(dir) = tempfile::tempdir() else {
        return;
    };
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    if fs::write(&from, bytes).is_err()
        || slipway_image::merge_archives(&[from.as_path(), from.as_path()], "plugins", &to).is_err()
    {
        return;
    }
    check(Archive::new(fs::File::open(&to).unwrap()));
});

/// An archive of members that the input describes: a kind, a size, a name, a link's target, with
/// 0xff between them.
fn with_headers(input: &[u8]) -> Vec<u8> {
    let mut archive = Vec::new();
    for member in input.split(|byte| *byte == 0xfe) {
        let mut parts = member.split(|byte| *byte == 0xff);
        let mut part = || parts.next().unwrap_or_default();
        let (kind, name, target, contents, sparse) = (part(), part(), part(), part(), part());
        let mut header = Header::new_gnu();
        let kind_at = usize::from(kind.first().copied().unwrap_or_default()) % KINDS.len();
        header.set_entry_type(EntryType::new(KINDS[kind_at]));
        header.set_mode(0o644);
        header.set_size(match kind.get(1) {
            // A size that is not the contents'.
            Some(odd) if *odd > 0x80 => {
                u64::from(*odd) << (kind.get(2).copied().unwrap_or_default() % 56)
            }
            _ => contents.len() as u64,
        });
        let old = header.as_old_mut();
        let end = name.len().min(old.name.len());
        old.name[..end].copy_from_slice(&name[..end]);
        let end = target.len().min(old.linkname.len());
        old.linkname[..end].copy_from_slice(&target[..end]);
        if let Some(gnu) = header.as_gnu_mut() {
            let fields = sparse.chunks(12);
            for (at, digits) in fields.take(3).enumerate() {
                let field = match at {
                    0 => &mut gnu.realsize,
                    1 => &mut gnu.sparse[0].offset,
                    _ => &mut gnu.sparse[0].numbytes,
                };
                field[..digits.len()].copy_from_slice(digits);
            }
        }
        header.set_cksum();
        archive.extend_from_slice(header.as_bytes());
        archive.extend_from_slice(contents);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

fn check(mut archive: Archive<fs::File>) {
    let mut not_directories = BTreeSet::new();
    let mut all = BTreeSet::new();
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        let path = PathBuf::from(entry.path().unwrap());
        assert!(path.starts_with("plugins"), "{path:?}");
        assert!(
            path.components()
                .all(|part| matches!(part, Component::Normal(_))),
            "{path:?}"
        );
        assert!(
            path.ancestors()
                .skip(1)
                .all(|above| !not_directories.contains(above)),
            "{path:?}"
        );
        assert!(all.insert(path.clone()), "{path:?} twice");
        let header = entry.header();
        assert_eq!(
            (
                header.uid().unwrap(),
                header.gid().unwrap(),
                header.mtime().unwrap()
            ),
            (0, 0, 0)
        );
        match header.entry_type() {
            EntryType::Directory => {}
            EntryType::Regular | EntryType::Symlink => {
                not_directories.insert(path);
            }
            other => panic!("{path:?} is a {other:?}"),
        }
    }
}
