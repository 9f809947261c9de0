use std::io::Cursor;

use proptest::prelude::*;

use super::super::pack::directory;
use super::*;

/// An archive of (name, contents); names are written as they are, unchecked.
fn tar_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o640);
        header.set_entry_type(match name.ends_with('/') {
            true => EntryType::Directory,
            false => EntryType::Regular,
        });
        header.set_cksum();
        archive.append(&header, *bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

fn link(name: &str, target: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(EntryType::Symlink);
    header.set_size(0);
    header.set_mode(0o777);
    archive.append_link(&mut header, name, target).unwrap();
    let mut bytes = archive.into_inner().unwrap();
    // The two empty blocks of its end, so that another archive can follow.
    bytes.truncate(bytes.len() - 1024);
    bytes
}

/// Merges archives with these bytes: name, mode, contents.
fn merged(archives: &[Vec<u8>]) -> Result<Vec<(String, u32, String)>, SourceError> {
    let dir = tempfile::tempdir().unwrap();
    let paths: Vec<_> = archives
        .iter()
        .enumerate()
        .map(|(index, bytes)| {
            let path = dir.path().join(format!("{index}.tar"));
            std::fs::write(&path, bytes).unwrap();
            path
        })
        .collect();
    let paths: Vec<&Path> = paths.iter().map(|path| path.as_path()).collect();
    let to = dir.path().join("plugins-archive");
    merge(&paths, "plugins", &to)?;
    let bytes = std::fs::read(&to).unwrap();
    let mut archive = tar::Archive::new(Cursor::new(bytes));
    let members = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let header = entry.header().clone();
        assert_eq!((header.uid().unwrap(), header.mtime().unwrap()), (0, 0));
        assert_eq!(header.username().unwrap(), Some("root"));
        let name = entry.path().unwrap().display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (name, header.mode().unwrap(), text)
    });
    Ok(members.collect())
}

#[test]
fn archives_are_put_together_sorted_and_normalised() {
    let one = tar_of(&[("b-1/z", b"z"), ("b-1/", b""), ("./b-1/a/x", b"x")]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed
        .write_all(&tar_of(&[("a-1/f", b"f"), ("b-1/z", b"later")]))
        .unwrap();
    let members = merged(&[one, packed.finish().unwrap()]).unwrap();
    let names: Vec<_> = members
        .iter()
        .map(|m| (m.0.as_str(), m.1, m.2.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            ("plugins", 0o755, ""),
            ("plugins/a-1", 0o755, ""),
            ("plugins/a-1/f", 0o640, "f"),
            ("plugins/b-1", 0o640, ""),
            ("plugins/b-1/a", 0o755, ""),
            ("plugins/b-1/a/x", 0o640, "x"),
            ("plugins/b-1/z", 0o640, "later"),
        ]
    );
}

#[test]
fn no_files_give_an_empty_directory() {
    let members = merged(&[]).unwrap();
    assert_eq!(members, [("plugins".to_owned(), 0o755, String::new())]);
}

#[test]
fn bzip2_and_xz_are_read() {
    let plain = tar_of(&[("f", b"f")]);
    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bz.write_all(&plain).unwrap();
    let options = lzma_rust2::XzOptions::with_preset(0);
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    xz.write_all(&plain).unwrap();
    for packed in [bz.finish().unwrap(), xz.finish().unwrap()] {
        assert_eq!(merged(&[packed]).unwrap()[1].0, "plugins/f");
    }
}

#[test]
fn members_that_lead_out_are_refused() {
    let through = [link("out", "/etc"), tar_of(&[("out/passwd", b"x")])].concat();
    let mut turned = tar_of(&[("out/passwd", b"x")]);
    turned.truncate(turned.len() - 1024);
    for bytes in [
        [turned, link("out", "/etc"), vec![0; 1024]].concat(),
        tar_of(&[("../f", b"f")]),
        tar_of(&[("a/../../f", b"f")]),
        tar_of(&[("/f", b"f")]),
        through,
    ] {
        let error = merged(&[bytes]).unwrap_err();
        assert!(matches!(error, SourceError::Escapes { .. }), "{error}");
    }
    let members = merged(&[tar_of(&[("a/../f", b"f")])]).unwrap();
    assert_eq!(members[1].0, "plugins/f");
}

#[test]
fn a_directory_that_is_also_a_file_is_refused() {
    for members in [
        [("a", b"".as_slice()), ("a/f", b"f")],
        [("a/f", b"f"), ("a", b"")],
    ] {
        let error = merged(&[tar_of(&members)]).unwrap_err().to_string();
        assert!(error.contains("\"a\" is a directory, and also"), "{error}");
    }
}

#[test]
fn a_few_bytes_do_not_become_a_full_disk() {
    let mut header = tar::Header::new_gnu();
    header.set_path("holes").unwrap();
    header.set_entry_type(EntryType::GNUSparse);
    header.set_size(0);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.realsize.copy_from_slice(b"77777777777\0");
    gnu.sparse[0].offset.copy_from_slice(b"77777777777\0");
    gnu.sparse[0].numbytes.copy_from_slice(b"00000000000\0");
    header.set_cksum();
    let bytes = [header.as_bytes().as_slice(), &[0; 1024]].concat();
    let error = merged(&[bytes]).unwrap_err().to_string();
    assert!(
        error.contains("it would have 8589934591 bytes with its member \"holes\""),
        "{error}"
    );
}

/// The error of merging an archive with these members, which must be one of a limit.
fn refused(build: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> String {
    let mut builder = tar::Builder::new(Vec::new());
    build(&mut builder);
    merged(&[builder.into_inner().unwrap()])
        .unwrap_err()
        .to_string()
}

#[test]
fn a_tree_of_deep_directories_is_refused_before_it_fills_the_memory() {
    let began = std::time::Instant::now();
    let error = refused(|builder| {
        for number in 0..2_000 {
            let path = format!("{number}/{}", vec!["d".repeat(30); 120].join("/"));
            let mut header = tar::Header::new_gnu();
            header.set_size(0);
            header.set_mode(0o644);
            builder.append_data(&mut header, path, io::empty()).unwrap();
        }
    });
    assert!(
        error.contains("the paths of its members have more than 67108864 bytes"),
        "{error}"
    );
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[test]
fn a_file_with_many_names_does_not_become_a_full_disk() {
    let error = refused(|builder| {
        let contents = vec![7; 1 << 20];
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, "file", contents.as_slice())
            .unwrap();
        header.set_size(0);
        header.set_entry_type(EntryType::Link);
        for number in 0..300 {
            let name = format!("name-{number}");
            builder.append_link(&mut header, name, "file").unwrap();
        }
    });
    assert!(error.contains("it unpacks to more than"), "{error}");
}

#[test]
fn invalid_archives_are_errors() {
    let error = merged(&[b"<html>not found</html>".repeat(100)]).unwrap_err();
    assert!(error.to_string().contains("0.tar: "), "{error}");
}

#[test]
fn a_directory_is_packed_as_kolla_build_packs_it() {
    let dir = tempfile::tempdir().unwrap();
    let nova = dir.path().join("nova");
    std::fs::create_dir_all(nova.join("b")).unwrap();
    std::fs::write(nova.join("b/read-only"), "x").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o444);
    std::fs::set_permissions(nova.join("b/read-only"), mode).unwrap();
    std::os::unix::fs::symlink("b/read-only", nova.join("a")).unwrap();
    let to = dir.path().join("nova-archive");
    directory(&nova, "nova", &to).unwrap();
    let mut archive = tar::Archive::new(File::open(&to).unwrap());
    let members: Vec<_> = archive
        .entries()
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.path().unwrap().display().to_string();
            (name, entry.header().mode().unwrap() & 0o777)
        })
        .collect();
    let members: Vec<_> = members.iter().map(|m| (m.0.as_str(), m.1)).collect();
    assert_eq!(
        members[1..],
        [
            ("nova/a", 0o777),
            ("nova/b", 0o755),
            ("nova/b/read-only", 0o644)
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever bytes an archive has, it is read or refused, and nothing is written elsewhere.
    #[test]
    fn broken_archives_are_read_or_refused(
        cut in 0usize..3000, at in 0usize..3000, value in any::<u8>(),
    ) {
        let mut bytes = tar_of(&[("a/", b""), ("a/f", &[7; 700]), ("g", b"g")]);
        bytes.truncate(bytes.len().saturating_sub(cut));
        if let Some(byte) = bytes.get_mut(at) {
            *byte = value;
        }
        if let Ok(members) = merged(&[bytes]) {
            prop_assert!(members.iter().all(|member| member.0.starts_with("plugins")));
        }
    }
}
