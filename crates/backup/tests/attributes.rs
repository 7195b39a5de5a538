//! Extended attributes and access control lists, taken and restored by whatever tar a host has.

#![allow(clippy::unwrap_used, reason = "what fails in a test fails it")]

mod world;

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::Path};

use backup::{ArchiveError, Attribute, Attributes, Error, Manifest, Overwrite, Unset, prove};
use remote::conformance::Tools;
use rustix::fs::{XattrFlags, lgetxattr, llistxattr, lsetxattr};
use world::{HostWithTar, World, raw, tree};

const ACCESS: &str = "system.posix_acl_access";
const DEFAULT: &str = "system.posix_acl_default";

/// A list as the kernel has it: who may do what, as tag, bits and number.
fn acl(entries: &[(u16, u16, u32)]) -> Vec<u8> {
    let one = |(tag, bits, id): &(u16, u16, u32)| {
        [&tag.to_le_bytes()[..], &bits.to_le_bytes(), &id.to_le_bytes()].concat()
    };
    [2_u32.to_le_bytes().to_vec(), entries.iter().flat_map(one).collect()].concat()
}

/// The owner may `owner`, user 4242 may read, the group and the mask are `group`.
fn named(owner: u16, group: u16) -> Vec<u8> {
    let none = u32::MAX;
    // Number 0 has a name on every host.
    acl(&[
        (1, owner, none),
        (2, 4, 0),
        (2, 4, 4242),
        (4, 4, none),
        (8, 5, 33),
        (0x10, group, none),
        (0x20, 0, none),
    ])
}

fn set(path: &Path, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
    lsetxattr(path, raw(name.as_ref()), value.as_ref(), XattrFlags::empty()).unwrap();
}

/// All attributes that something has.
fn attributes(path: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let (mut names, mut value) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    let length = llistxattr(path, &mut names[..]).unwrap();
    let names = names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let of = |name: &[u8]| {
        let length = lgetxattr(path, raw(name), &mut value[..]).unwrap();
        (name.to_vec(), value[..length].to_vec())
    };
    names.map(of).collect()
}

const BOTH: [&str; 9] = ["odd", "again", "closed", "dir", "dir/in", "dir/sub", "sparse", "plain", "long"];

fn place(root: &Path, name: &str) -> std::path::PathBuf {
    if name == "long" { root.join("long\n".repeat(30)) } else { root.join(name) }
}

fn fill(root: &Path) {
    fs::create_dir_all(root.join("dir/sub")).unwrap();
    for name in ["odd", "closed", "dir/in", "plain"] {
        fs::write(root.join(name), name).unwrap();
    }
    fs::hard_link(root.join("odd"), root.join("again")).unwrap();
    fs::File::create(root.join("sparse")).unwrap().set_len(8 << 20).unwrap();
    fs::write(place(root, "long"), "x").unwrap();
    set(&root.join("odd"), "user.text", "line\n12 path=x\nbreak");
    set(&root.join("odd"), "user.bytes", b"\0\xff\0\n");
    set(&root.join("odd"), "user.empty", "");
    set(&root.join("odd"), b"user.odd=%3D%25\n\xff", "a=b");
    set(&root.join("odd"), "user.large", vec![b'x'; 2000]);
    set(&root.join("odd"), ACCESS, named(6, 5));
    set(&root.join("dir/in"), "user.in", "1");
    set(&root.join("dir"), "user.dir", "1");
    set(&root.join("dir"), ACCESS, named(7, 7));
    set(&root.join("dir"), DEFAULT, named(7, 5));
    set(&root.join("dir/sub"), DEFAULT, acl(&[(1, 7, !0), (4, 5, !0), (0x20, 0, !0)]));
    set(&root.join("sparse"), "user.sparse", "1");
    set(&place(root, "long"), "user.long", "1");
    set(&root.join("closed"), "user.closed", "1");
    fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o440)).unwrap();
    set(root, "user.root", "1");
}

fn of<'m>(manifest: &'m Manifest, path: &str) -> Option<&'m Attributes> {
    let entry = manifest.entries.iter().find(|entry| entry.path == path.into()).unwrap();
    entry.attributes.as_deref()
}

#[tokio::test]
async fn attributes_and_lists_come_back_where_both_hosts_have_gnu_tar() {
    let world = World::new();
    let (source, target) = (world.source(), world.target());
    fill(&source);
    // What is not kept.
    set(&source.join("plain"), "trusted.x", "1");
    let tools = Tools::all();
    let taken = world.taking(&tools[0]).take().await.unwrap();
    let odd = of(&taken, "again").unwrap();
    assert_eq!(odd.user.len(), 5, "{odd:?}");
    let list = "user::rw-,user:0:r--,user:4242:r--,group::r--,group:33:r-x,mask::r-x,other::---";
    assert_eq!(odd.acl.as_ref().unwrap().to_string(), list);
    assert_eq!((of(&taken, "odd"), of(&taken, "plain")), (None, None), "it is with the first name");
    assert!(of(&taken, "dir/sub").unwrap().acl.is_none());

    let restored = world.restore(&tools[1], &taken, Overwrite::Never).await.unwrap();
    assert_eq!(restored.unset, None);
    assert_eq!(tree(&target, true), tree(&source, true));
    for name in BOTH {
        let mut expected = attributes(&place(&source, name));
        expected.remove(&b"trusted.x"[..]);
        assert_eq!(attributes(&place(&target, name)), expected, "{name}");
    }
    assert_eq!(attributes(&target), attributes(&source));
    prove(&world.store(), &taken, None).await.unwrap();
}

#[tokio::test]
async fn those_that_a_host_does_not_set_are_told() {
    let world = World::new();
    fill(&world.source());
    let [here, .., busybox] = Tools::all();
    let taken = world.taking(&here).take().await.unwrap();
    let restored = world.restore(&busybox, &taken, Overwrite::Never).await.unwrap();
    let Some(Unset::All { count: 8, by }) = restored.unset else { panic!("{restored:?}") };
    assert!(by.to_lowercase().contains("busybox"), "{by}");
    assert_eq!(attributes(&world.target().join("dir")), BTreeMap::new());
    assert_eq!(tree(&world.target(), false).len(), tree(&world.source(), false).len());

    // One that complains, and one that knows of none.
    let complains = HostWithTar::new("echo 'tar: Cannot set it' >&2; exec real \"$@\"");
    let restored = world.restore(&complains, &taken, Overwrite::Yes).await.unwrap();
    assert_eq!(restored.unset, Some(Unset::Some { said: "tar: Cannot set it".into() }));
    let plain = World::new();
    fs::write(plain.source().join("file"), "x").unwrap();
    let taken = plain.taking(&complains).take().await.unwrap();
    assert_eq!(plain.restore(&complains, &taken, Overwrite::Never).await.unwrap().unset, None);
    // BusyBox takes none.
    let taken = world.taking(&busybox).take().await.unwrap();
    assert!(taken.entries.iter().all(|entry| entry.attributes.is_none()));
    assert_eq!(world.restore(&here, &taken, Overwrite::Yes).await.unwrap().unset, None);
}

#[tokio::test]
async fn an_archive_with_other_attributes_than_its_manifest_says_is_refused() {
    let world = World::new();
    fill(&world.source());
    let tools = Tools::here();
    let taken = world.taking(&tools).take().await.unwrap();
    let changes: [fn(&mut Option<Box<Attributes>>); 3] = [
        |attributes| *attributes = None,
        |attributes| attributes.as_mut().unwrap().user[0].1 = "other".into(),
        |attributes| attributes.as_mut().unwrap().user.push(Attribute("user.z".into(), "1".into())),
    ];
    for change in changes {
        let mut wrong = taken.clone();
        let entry = wrong.entries.iter_mut().find(|entry| entry.path == "again".into()).unwrap();
        change(&mut entry.attributes);
        for refused in [
            world.restore(&tools, &wrong, Overwrite::Never).await.map(drop).unwrap_err(),
            prove(&world.store(), &wrong, None).await.unwrap_err(),
        ] {
            assert!(matches!(refused, Error::Archive(ArchiveError::Differs { .. })), "{refused:?}");
        }
    }
    assert!(!world.target().exists());
}

#[tokio::test]
async fn nothing_is_added_for_files_without_attributes() {
    let world = World::new();
    for number in 0..50 {
        fs::write(world.source().join(number.to_string()), "x").unwrap();
    }
    let with = |taking: &mut backup::Taking<'_>| taking.compress = backup::Compress::None;
    let taken = world.taking(&Tools::here()).with(with).take().await.unwrap();
    // A header and a block for each, the directory, and the end, in records of 128 blocks.
    assert_eq!(taken.totals.stored_bytes, (51_u64 * 2 + 1).next_multiple_of(128) * 512);
}
