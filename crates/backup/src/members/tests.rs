//! What GNU tar and BusyBox write, and what was made to do harm.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::{OsStrExt as _, OsStringExt as _},
        fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, symlink},
    },
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, UNIX_EPOCH},
};

use proptest::{
    collection::{btree_map, vec},
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::*;

/// What is told of a member that was read, with the beginning of its content.
#[derive(Debug, PartialEq)]
struct Told {
    kind: EntryType,
    link: Vec<u8>,
    mode: u32,
    mtime: i64,
    size: u64,
    records: BTreeMap<Vec<u8>, Vec<u8>>,
    begin: Vec<u8>,
}

/// How much of a content is looked at: a hole may be longer than anybody waits for.
const BEGIN: u64 = 1 << 20;

fn read(archive: &[u8]) -> io::Result<BTreeMap<Vec<u8>, Told>> {
    let (mut members, mut found) = (Members::new(archive), BTreeMap::new());
    while let Some(member) = members.next()? {
        let path = member.path.to_vec();
        let records = pax::Records(member.records).map(Result::unwrap);
        let records = records.filter(|(keyword, _)| keyword.starts_with(b"SCHILY."));
        let mut told = Told {
            kind: member.kind,
            link: member.link.to_vec(),
            mode: member.mode,
            mtime: member.mtime,
            size: member.size,
            records: records.map(|(keyword, value)| (keyword.to_vec(), value.to_vec())).collect(),
            begin: Vec::new(),
        };
        members.content().take(BEGIN).read_to_end(&mut told.begin)?;
        assert!(told.begin.len() as u64 <= told.size.min(BEGIN));
        found.insert(path, told);
    }
    members.end()?;
    Ok(found)
}

fn tar(root: &Path, options: &[&str]) -> Vec<u8> {
    let mut command = Command::new("tar");
    command.env("LC_ALL", "C").args(options).args(["--sparse", "--numeric-owner", "--sort=name", "-C"]);
    let output = command.arg(root).args(["-c", "-f", "-", "."]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

const GNU: &[&str] = &["--format=gnu"];
const POSIX: &[&str] = &["--format=posix", "--xattrs", "--xattrs-include=user.*"];

/// Something in a tree.
#[derive(Clone, Debug)]
enum Thing {
    File { content: Vec<u8>, at: u64, attributes: BTreeMap<Vec<u8>, Vec<u8>> },
    Link(Vec<u8>),
}

fn thing() -> impl Strategy<Value = Thing> {
    let name = vec(1..=255_u8, 1..40).prop_map(|name| [b"user.", &name[..]].concat());
    let attributes = btree_map(name, vec(any::<u8>(), 0..90), 0..3);
    let at = prop_oneof![3 => Just(0), 1 => 0..40_u64 << 16];
    prop_oneof![
        4 => (vec(any::<u8>(), 0..1500), at, attributes)
            .prop_map(|(content, at, attributes)| Thing::File { content, at, attributes }),
        1 => vec(1..=255_u8, 1..300).prop_map(Thing::Link),
    ]
}

/// Any bytes but those that no name has; some have the length of a field, and some are longer.
fn name() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![8 => Just(b'n'), 1 => 1..=255_u8];
    let length = prop_oneof![6 => 1..20_usize, 2 => 90..110_usize, 1 => 200..255_usize];
    length.prop_flat_map(move |length| vec(byte.clone(), length)).prop_map(|mut name| {
        name.iter_mut().filter(|byte| **byte == b'/').for_each(|byte| *byte = b'\n');
        if name.iter().all(|byte| *byte == b'.') { b"dots".to_vec() } else { name }
    })
}

fn file_system(things: &BTreeMap<Vec<Vec<u8>>, (Thing, i32)>, root: &Path) -> BTreeMap<Vec<u8>, Told> {
    let mut expected = BTreeMap::new();
    for (names, (thing, seconds)) in things {
        let inside: PathBuf = names.iter().map(|name| OsStr::from_bytes(name)).collect();
        let path = root.join(&inside);
        // A name may be there already, as something else.
        if fs::create_dir_all(path.parent().unwrap()).is_err() || path.symlink_metadata().is_ok() {
            continue;
        }
        match thing {
            Thing::Link(target) => symlink(OsStr::from_bytes(target), &path).unwrap(),
            Thing::File { content, at, attributes } => {
                let file = fs::File::create(&path).unwrap();
                file.set_len(at + content.len() as u64).unwrap();
                file.write_all_at(content, *at).unwrap();
                for (name, value) in attributes {
                    let (name, none) = (OsStr::from_bytes(name), rustix::fs::XattrFlags::empty());
                    rustix::fs::lsetxattr(&path, name, value, none).unwrap();
                }
                let since = Duration::from_secs(seconds.unsigned_abs().into());
                let time = if *seconds < 0 { UNIX_EPOCH - since } else { UNIX_EPOCH + since };
                file.set_modified(time + Duration::from_millis(250)).unwrap();
                file.set_permissions(fs::Permissions::from_mode(0o400 + content.len() as u32 % 8)).unwrap();
            }
        }
        let facts = path.symlink_metadata().unwrap();
        let mut told = Told {
            kind: if facts.is_symlink() { EntryType::Symlink } else { EntryType::Regular },
            link: Vec::new(),
            mode: facts.mode() & 0o7777,
            mtime: facts.mtime(),
            size: 0,
            records: BTreeMap::new(),
            begin: Vec::new(),
        };
        match thing {
            Thing::Link(target) => told.link = target.clone(),
            Thing::File { attributes, .. } => {
                told.begin = fs::read(&path).unwrap();
                told.size = told.begin.len() as u64;
                told.begin.truncate(BEGIN as usize);
                let keyword = |name: &[u8]| {
                    let name = name.iter().flat_map(|byte| match byte {
                        b'%' => b"%25".to_vec(),
                        b'=' => b"%3D".to_vec(),
                        byte => vec![*byte],
                    });
                    b"SCHILY.xattr.".iter().copied().chain(name).collect::<Vec<_>>()
                };
                told.records =
                    attributes.iter().map(|(name, value)| (keyword(name), value.clone())).collect();
            }
        }
        expected.insert(Path::new(".").join(inside).into_os_string().into_vec(), told);
    }
    expected
}

#[test]
fn what_gnu_tar_writes_of_any_tree_is_read_back() {
    let seconds = prop_oneof![5 => 1_000_000_000..2_000_000_000_i32, 1 => any::<i32>()];
    let things = btree_map(vec(name(), 1..4), (thing(), seconds), 0..12);
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&things, |things| {
        let root = tempfile::tempdir().unwrap();
        let mut expected = file_system(&things, root.path());
        let clean = |mut found: BTreeMap<Vec<u8>, Told>| {
            found.retain(|_, told| told.kind != EntryType::Directory);
            // The old way to write a sparse file has a type of its own.
            found
                .values_mut()
                .filter(|told| told.kind == EntryType::GNUSparse)
                .for_each(|told| told.kind = EntryType::Regular);
            found
        };
        prop_assert_eq!(&clean(read(&tar(root.path(), POSIX)).unwrap()), &expected);
        expected.values_mut().for_each(|told| told.records.clear());
        prop_assert_eq!(&clean(read(&tar(root.path(), GNU)).unwrap()), &expected);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// Archives with one of everything.
fn corpus() -> Vec<Vec<u8>> {
    let root = tempfile::tempdir().unwrap();
    let file = |name: &str| {
        let path = root.path().join(name);
        fs::write(&path, name).unwrap();
        path
    };
    let attributed = file("attributed");
    rustix::fs::lsetxattr(&attributed, "user.x", b"1\n2", rustix::fs::XattrFlags::empty()).unwrap();
    fs::hard_link(&attributed, root.path().join("hard")).unwrap();
    file(&"long".repeat(40));
    symlink("target".repeat(30), root.path().join("soft")).unwrap();
    let holes = fs::File::create(root.path().join("holes")).unwrap();
    holes.set_len(2 << 20).unwrap();
    (0..8).for_each(|number| holes.write_all_at(b"data", number << 17).unwrap());
    [GNU, POSIX].map(|options| tar(root.path(), options)).into()
}

/// Makes the checksums of all that look like headers right, so that a change is looked at.
fn sealed(mut archive: Vec<u8>) -> Vec<u8> {
    for block in archive.as_chunks_mut::<BLOCK>().0 {
        if &block[257..262] == b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        }
    }
    archive
}

#[test]
fn no_archive_brings_the_reader_down() {
    let corpus = corpus();
    assert!(corpus.iter().all(|archive| read(archive).unwrap().len() == 6));
    let piece = prop_oneof![
        vec(any::<u8>(), 1..20),
        vec(b'0'..=b'9', 1..14),
        Just(vec![0xff; 12]),
        Just(vec![0; 512]),
        Just(b"x".to_vec()),
        Just(b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n".to_vec()),
        Just(b"30 size=18446744073709551615\n".to_vec()),
    ];
    let change = (any::<prop::sample::Index>(), 0..4_u8, piece);
    let input = (prop::sample::select(corpus), vec(change, 1..6), any::<bool>());
    let config = Config { cases: 4000, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&input, |(mut archive, changes, is_sealed)| {
        for (place, kind, piece) in changes {
            let at = place.index(archive.len());
            let end = (at + piece.len()).min(archive.len());
            match kind {
                0 => archive[at..end].copy_from_slice(&piece[..end - at]),
                1 => drop(archive.splice(at..at, piece)),
                2 => drop(archive.drain(at..end)),
                // The same header or data again.
                _ => {
                    let from = at / BLOCK * BLOCK;
                    let block = archive[from..(from + BLOCK).min(archive.len())].to_vec();
                    drop(archive.splice(from..from, block));
                }
            }
            if archive.is_empty() {
                archive.push(0);
            }
        }
        let archive = if is_sealed { sealed(archive) } else { archive };
        drop(read(&archive));
        let links = crate::vet::Links::Any;
        if read(&archive).is_ok_and(|found| found.values().all(|told| told.size < BEGIN * 8)) {
            drop(crate::archive::list(&archive[..], links));
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn what_was_cut_off_is_no_archive() {
    for archive in corpus() {
        // Behind the last file there are the zeros of the end, and more of them.
        let content = archive.len() - archive.iter().rev().take_while(|byte| **byte == 0).count();
        let whole = content.next_multiple_of(BLOCK) + END;
        for length in (0..whole).step_by(100).chain([whole - 1]) {
            assert!(read(&archive[..length]).is_err(), "{length} of {whole}");
        }
        assert!(read(&archive[..whole]).is_ok());
    }
    // A file that ends with zeros does not end its archive.
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("zeros"), [0; 4096]).unwrap();
    assert!(read(&tar(root.path(), GNU)[..BLOCK * 2 + 4096]).is_err());
}

/// A header of this type, which says that so much is stored.
fn header(kind: EntryType, size: u64, change: impl FnOnce(&mut Header)) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    (header.as_old_mut().uid, header.as_old_mut().gid) = (*b"0000000\0", *b"0000000\0");
    header.set_path("file").unwrap();
    change(&mut header);
    header.set_cksum();
    header.as_bytes().to_vec()
}

fn padded(mut content: Vec<u8>) -> Vec<u8> {
    content.resize(content.len().next_multiple_of(BLOCK), 0);
    content
}

fn extended(records: &[u8]) -> Vec<u8> {
    [header(EntryType::XHeader, records.len() as u64, |_| {}), padded(records.to_vec())].concat()
}

/// Why an archive that begins like this is none.
fn refused(begin: &[&[u8]]) -> Malformed {
    let archive = [&begin.concat()[..], &[0; END]].concat();
    let error = read(&archive).unwrap_err();
    *error.get_ref().unwrap_or_else(|| panic!("{error:?}")).downcast_ref().unwrap()
}

fn sparse(records: &str, map: &str) -> Vec<u8> {
    let mut all = Vec::new();
    for (keyword, value) in records.split_whitespace().map(|record| record.split_once('=').unwrap()) {
        pax::push(&mut all, format!("GNU.sparse.{keyword}").as_bytes(), value.as_bytes());
    }
    let data = padded(map.as_bytes().to_vec());
    [extended(&all), header(EntryType::Regular, data.len() as u64 + 512, |_| {}), data, vec![7; 512]].concat()
}

#[test]
fn each_rule_is_kept() {
    let file = header(EntryType::Regular, 0, |_| {});
    let mut changed = file.clone();
    changed[0] = b'F';
    assert_eq!(refused(&[&changed]), Malformed::Checksum);
    let octal = header(EntryType::Regular, 0, |header| header.as_old_mut().size = *b"0000000000x\0");
    assert_eq!(refused(&[&octal]), Malformed::Number("size"));
    let negative = header(EntryType::Regular, 0, |header| header.as_old_mut().size = [0xff; 12]);
    assert_eq!(refused(&[&negative]), Malformed::Number("size"));
    assert_eq!(refused(&[&extended(b"9 path=ab\n"), &file]), Malformed::Record);
    assert_eq!(
        refused(&[&extended(b"29 size=18446744073709551615\n"), &file, &file]),
        Malformed::Number("size")
    );
    assert_eq!(refused(&[&extended(b"29 size=18446744073709551616\n"), &file]), Malformed::Number("size"));
    assert_eq!(refused(&[&extended(b"10 path=b\n"), &extended(b"10 path=c\n"), &file]), Malformed::Twice);
    assert_eq!(refused(&[&extended(b"10 path=b\n")]), Malformed::NoMember);
    for kind in [EntryType::XHeader, EntryType::GNULongName, EntryType::GNULongLink, EntryType::XGlobalHeader]
    {
        assert_eq!(refused(&[&header(kind, MOST_BEFORE + 1, |_| {})]), Malformed::TooLong);
    }
    let global = |records: &[u8]| {
        [header(EntryType::XGlobalHeader, records.len() as u64, |_| {}), padded(records.to_vec())].concat()
    };
    assert_eq!(refused(&[&global(b"10 path=b\n"), &file]), Malformed::Global);
    let told = [&global(b"13 comment=x\n")[..], &extended(b"10 path=b\n"), &file, &[0; END]].concat();
    assert_eq!(read(&told).unwrap().keys().collect::<Vec<_>>(), [b"b"]);

    let format = "major=1 minor=0 name=s realsize=70000";
    let whole = [&sparse(format, "2\n512\n512\n70000\n0\n")[..], &[0; END]].concat();
    let told = &read(&whole).unwrap()[&b"s"[..]];
    assert_eq!(
        (told.size, told.begin.len(), told.begin[511], told.begin[512], told.begin[1024]),
        (70000, 70000, 0, 7, 0)
    );
    for map in [
        "2\n512\n512\n512\n0\n",
        "1\n512\n513\n",
        "1\n512\n511\n",
        "1\n69999\n512\n",
        "2\n0\n100\n1000\n412\n",
        "1\n18446744073709551615\n512\n",
        "1\n18446744073709551616\n512\n",
        "1000000000\n",
        "x\n",
        "\n",
        "",
    ] {
        assert_eq!(refused(&[&sparse(format, map)]), Malformed::Sparse, "{map:?}");
    }
    for other in [
        "major=0 minor=1 realsize=1",
        "major=1 minor=0",
        "name=s",
        "size=5",
        "map=0,512",
        "major=1 minor=0 realsize=1 offset=1",
    ] {
        assert_eq!(refused(&[&sparse(other, "0\n")]), Malformed::SparseVersion, "{other}");
    }
}
