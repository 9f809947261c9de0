use std::io::Write;
use std::time::Instant;

use tar::Header;

use super::*;

/// An archive whose only member is said to have `size` bytes, of which `present` zeros follow.
fn header_of(name: &str, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_path(name).unwrap();
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    header
}

/// Reads an archive of these bytes: the path and the bytes of each file, and what ended it.
fn read(bytes: Vec<u8>) -> (Vec<(String, u64)>, Result<(), ArchiveError>) {
    read_within(bytes, &Limits::default())
}

fn read_within(bytes: Vec<u8>, limits: &Limits) -> (Vec<(String, u64)>, Result<(), ArchiveError>) {
    let packed = bytes.len() as u64;
    let mut files = Vec::new();
    let archive = Archive::from_reader(io::Cursor::new(bytes), packed, limits).unwrap();
    let result = archive.members(|member| {
        let size = io::copy(member, &mut io::sink()).map_err(ArchiveError::from_reading)?;
        files.push((member.path.to_string(), size));
        Ok(())
    });
    (files, result)
}

fn refused(bytes: Vec<u8>, because: &str) {
    let (files, result) = read(bytes);
    let error = result.unwrap_err();
    assert!(matches!(error, ArchiveError::TooLarge { .. }), "{error}");
    assert!(error.to_string().contains(because), "{error}");
    assert_eq!(files, [], "nothing of it is handed over");
}

/// Writes a bomb: a member of `size` zeros.
fn bomb(size: u64, mut to: impl Write) {
    to.write_all(header_of("zeros", size).as_bytes()).unwrap();
    io::copy(&mut io::repeat(0).take(size), &mut to).unwrap();
}

/// The most memory that this process has used, in KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_small_bzip2_of_two_gigabytes_is_refused_before_any_byte_is_handed_over() {
    // The first of its 2 GiB are enough: the header alone tells its size.
    let mut packed = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    let header = header_of("zeros", 2 << 30);
    packed.write_all(header.as_bytes()).unwrap();
    io::copy(&mut io::repeat(0).take(1 << 20), &mut packed).unwrap();
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 1600, "{}", packed.len());
    let began = Instant::now();
    refused(
        packed,
        "it unpacks to more than 67108864 bytes with its member \"zeros\"",
    );
    assert!(began.elapsed().as_secs() < 5);
}

#[test]
fn xz_is_unpacked_as_it_is_read() {
    const SIZE: u64 = 16 << 20;
    let options = lzma_rust2::XzOptions::with_preset(0);
    let mut packed = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    bomb(SIZE, &mut packed);
    let packed = packed.finish().unwrap();
    let before = peak_memory();
    let (files, result) = read(packed);
    result.unwrap();
    assert_eq!(files, [("zeros".to_owned(), SIZE)]);
    let grown = peak_memory() - before;
    assert!(
        grown < SIZE / 1024 / 2,
        "its one block is not kept: {grown} KiB"
    );
}

#[test]
fn xz_with_a_dictionary_of_a_gigabyte_is_refused() {
    let mut options = lzma_rust2::XzOptions::with_preset(0);
    options.lzma_options.dict_size = 1 << 20;
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    writer.write_all(header_of("f", 0).as_bytes()).unwrap();
    let mut packed = writer.finish().unwrap();
    // The header of the first block: its size, its flags, the filter, the size of its properties,
    // and the dictionary's size as a power of two, with a checksum behind.
    let at = 12 + 4;
    assert_eq!(packed[at - 2..at], [0x21, 1]);
    packed[at] = 36; // 1 GiB
    let length = (usize::from(packed[12]) + 1) * 4;
    let sum = crc32(&packed[12..12 + length - 4]);
    packed[12 + length - 4..12 + length].copy_from_slice(&sum.to_le_bytes());
    refused(packed, "more memory than is allowed");
}

/// The checksum of xz's headers, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 * (sum & 1))
        })
    })
}

#[test]
fn a_deep_tree_is_refused_at_once() {
    let deep = vec!["d"; 50_000].join("/");
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = header_of("x", 0);
    builder
        .append_data(&mut header, &deep, io::empty())
        .unwrap();
    refused(
        builder.into_inner().unwrap(),
        "a path of more than 4096 bytes",
    );

    let mut builder = tar::Builder::new(Vec::new());
    let deep = vec!["d"; 129].join("/");
    builder
        .append_data(&mut header, &deep, io::empty())
        .unwrap();
    refused(
        builder.into_inner().unwrap(),
        "it nests more than 128 directories",
    );
}

#[test]
fn long_names_are_bounded_before_they_are_read_into_memory() {
    let mut header = header_of("././@LongLink", 1 << 30);
    header.set_entry_type(EntryType::GNULongName);
    header.set_cksum();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(header.as_bytes()).unwrap();
    io::copy(&mut io::repeat(b'a').take(64 << 20), &mut packed).unwrap();
    refused(
        packed.finish().unwrap(),
        "headers of a member have more than 1048576 bytes",
    );
}

#[test]
fn holes_count_as_bytes() {
    let mut header = header_of("holes", 0);
    header.set_entry_type(EntryType::GNUSparse);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.realsize.copy_from_slice(b"77777777777\0");
    gnu.sparse[0].offset.copy_from_slice(b"77777777777\0");
    gnu.sparse[0].numbytes.copy_from_slice(b"00000000000\0");
    header.set_cksum();
    let bytes = [header.as_bytes().as_slice(), &[0; 1024]].concat();
    refused(
        bytes,
        "it would have 8589934591 bytes with its member \"holes\"",
    );
}

#[test]
fn members_are_counted_and_their_total_is_bounded() {
    let mut builder = tar::Builder::new(Vec::new());
    for name in ["a", "b", "c"] {
        builder
            .append(&header_of(name, 600), &[0; 600][..])
            .unwrap();
    }
    let bytes = builder.into_inner().unwrap();
    let few = Limits {
        entries: 2,
        ..Limits::default()
    };
    let (files, result) = read_within(bytes.clone(), &few);
    assert_eq!(files.len(), 2);
    assert_eq!(
        result.unwrap_err().to_string(),
        "it has more than 2 members"
    );
    let small = Limits {
        total: 1500,
        ..Limits::default()
    };
    let (files, result) = read_within(bytes, &small);
    assert_eq!(files.len(), 2);
    assert!(
        result
            .unwrap_err()
            .to_string()
            .contains("with its member \"c\"")
    );
}

#[test]
fn ordinary_archives_of_every_kind_are_read() {
    let mut builder = tar::Builder::new(Vec::new());
    let name = format!("./a/{}/x", "long".repeat(60));
    builder
        .append_data(&mut header_of("x", 5), &name, &b"hello"[..])
        .unwrap();
    let plain = builder.into_inner().unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&plain).unwrap();
    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bz.write_all(&plain).unwrap();
    let options = lzma_rust2::XzOptions::with_preset(6);
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    xz.write_all(&plain).unwrap();
    let all = [
        plain,
        gz.finish().unwrap(),
        bz.finish().unwrap(),
        xz.finish().unwrap(),
    ];
    for bytes in all {
        let (files, result) = read(bytes);
        result.unwrap();
        assert_eq!(files, [(name[2..].to_owned(), 5)]);
    }
}

#[test]
fn paths_are_resolved_and_do_not_lead_out() {
    let limits = Limits::default();
    let parse = |path: &str| MemberPath::parse(path.as_bytes(), &limits);
    assert_eq!(parse("a/../b//./c").unwrap().to_string(), "b/c");
    assert!(parse("./").unwrap().is_empty());
    for path in ["..", "a/../../b", "/etc"] {
        assert!(
            matches!(parse(path), Err(ArchiveError::LeadsOut { .. })),
            "{path}"
        );
    }
    let path = parse("a/b/c").unwrap();
    let parents: Vec<String> = path.parents().map(|parent| parent.to_string()).collect();
    assert_eq!(parents, ["a", "a/b"]);
    assert!(path.is_in(&parse("a").unwrap()) && path.is_in(&MemberPath::default()));
    assert!(!path.is_in(&path) && !parse("ab").unwrap().is_in(&parse("a").unwrap()));
    assert!(
        parse("a/z").unwrap() < parse("a-b").unwrap(),
        "as a walk visits them"
    );
}
