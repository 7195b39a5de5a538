//! What goes wrong leaves what was there, and is never taken for a snapshot.

#![allow(clippy::unwrap_used, reason = "what fails in a test fails it")]

mod world;

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use backup::{
    ArchiveError, Compress, Entry, EntryKind, Error, Format, MANIFEST, Manifest, Moment, Overwrite, Part,
    SnapshotId, Store, Totals, Why, latest,
    store::{Content, FileStore, Folder, StoreError},
    verify,
};
use remote::conformance::Tools;
use tar::{Builder, EntryType, Header};
use tokio::io::AsyncReadExt as _;
use world::{HostWithTar, World, refusal};

/// Where it is compressed: here, and on the host, behind a pipe that would lose how tar ends.
const WAYS: [(Compress, Format); 2] = [(Compress::Local, Format::TarZst), (Compress::Host, Format::Tgz)];

fn part(world: &World, manifest: &Manifest) -> PathBuf {
    world.root().join("store").join(manifest.snapshot.to_string()).join(&manifest.parts[0].file)
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// A world with a corpus and something else at the target.
async fn taken() -> (World, Manifest) {
    let world = World::new();
    for number in 0..20_u32 {
        let content: Vec<u8> = (0..20_000_u32).map(|n| (n.wrapping_mul(n ^ number) >> 5) as u8).collect();
        fs::write(world.source().join(format!("{number}")), content).unwrap();
    }
    let manifest = world.taking(&Tools::here()).take().await.unwrap();
    fs::create_dir(world.target()).unwrap();
    fs::write(world.target().join("live"), "data").unwrap();
    (world, manifest)
}

/// That the live data are as they were, and nothing lies beside them.
fn assert_untouched(world: &World) {
    assert_eq!(fs::read(world.target().join("live")).unwrap(), b"data");
    assert_eq!(fs::read_dir(world.target()).unwrap().count(), 1);
    assert_eq!(world.beside_target(), ["source", "store", "target"]);
}

#[tokio::test]
async fn one_bit_of_an_archive_is_enough() {
    let (world, manifest) = taken().await;
    let (part, tools) = (part(&world, &manifest), Tools::here());
    let size = fs::metadata(&part).unwrap().len() as usize;
    for at in (0..10).map(|tenth| size * tenth / 10).chain([size - 1]) {
        flip(&part, at);
        let error = verify(&world.store(), &manifest).await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{at}: {error:?}");
        world.restore(&tools, &manifest, Overwrite::Yes).await.unwrap_err();
        assert_untouched(&world);
        flip(&part, at);
    }
    fs::File::options().write(true).open(&part).unwrap().set_len(size as u64 - 1).unwrap();
    let error = world.restore(&tools, &manifest, Overwrite::Yes).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    fs::remove_file(&part).unwrap();
    let error = world.restore(&tools, &manifest, Overwrite::Yes).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert_untouched(&world);
}

#[tokio::test]
async fn a_folder_whose_manifest_was_changed_is_no_snapshot() {
    let (world, first) = taken().await;
    let second = world.taking(&Tools::here()).take().await.unwrap();
    let path = world.root().join("store").join(second.snapshot.to_string()).join(MANIFEST);
    let size = fs::metadata(&path).unwrap().len() as usize;
    for at in (0..40).map(|step| size * step / 40).chain([size - 1]) {
        flip(&path, at);
        let (found, broken) = latest(&world.store(), &world.name).await.unwrap();
        assert_eq!((found.snapshot, broken.len()), (first.snapshot.clone(), 1), "{at}");
        flip(&path, at);
    }
    // That of another snapshot is none of this one.
    fs::copy(world.root().join("store").join(first.snapshot.to_string()).join(MANIFEST), &path).unwrap();
    assert_eq!(latest(&world.store(), &world.name).await.unwrap().0.snapshot, first.snapshot);
}

#[tokio::test]
async fn live_data_go_only_when_that_was_said() {
    let (world, manifest) = taken().await;
    let tools = Tools::all();
    let error = world.restore(&tools[0], &manifest, Overwrite::Never).await.unwrap_err();
    assert!(matches!(error, Error::NotEmpty { .. }), "{error:?}");
    assert_untouched(&world);
    for tools in &tools {
        fs::write(world.target().join("live"), "data").unwrap();
        world.restore(tools, &manifest, Overwrite::Yes).await.unwrap();
        assert_eq!(world::tree(&world.target(), false), world::tree(&world.source(), false));
        assert_eq!(world.beside_target(), ["source", "store", "target"]);
        fs::remove_dir_all(world.target()).unwrap();
        fs::create_dir(world.target()).unwrap();
        world.restore(tools, &manifest, Overwrite::Never).await.expect("an empty directory is no data");
        fs::remove_dir_all(world.target()).unwrap();
        symlink(world.source(), world.target()).unwrap();
        let error = world.restore(tools, &manifest, Overwrite::Yes).await.unwrap_err();
        assert!(matches!(error, Error::NotDirectory { .. }), "{error:?}");
        fs::remove_file(world.target()).unwrap();
        fs::create_dir(world.target()).unwrap();
    }
}

/// An archive that somebody has put into the store, with a manifest that fits it.
async fn forged(world: &World, entry: Entry, kind: EntryType) -> Manifest {
    let manifest =
        world.taking(&Tools::here()).with(|taking| taking.format = Format::Tar).take().await.unwrap();
    world.store().remove(&manifest.snapshot).await.unwrap();
    let mut builder = Builder::new(Vec::new());
    let mut entries = manifest.entries.clone();
    entries.push(entry);
    for entry in &entries {
        let mut header = Header::new_gnu();
        let is_last = entry == entries.last().unwrap();
        header.set_entry_type(match entry.kind {
            _ if is_last => kind,
            EntryKind::Directory => EntryType::Directory,
            _ => EntryType::Regular,
        });
        let (name, mode) = (&entry.path.0, u32::from_str_radix(&entry.mode, 8).unwrap());
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name);
        let target = entry.target.clone().unwrap_or_default().0;
        header.as_gnu_mut().unwrap().linkname[..target.len()].copy_from_slice(&target);
        header.set_mode(mode);
        header.set_uid(entry.uid);
        header.set_gid(entry.gid);
        header.set_mtime(entry.mtime.cast_unsigned());
        header.set_size(entry.size.unwrap_or_default());
        header.set_cksum();
        builder
            .append(&header, &vec![b'x'; usize::try_from(entry.size.unwrap_or_default()).unwrap()][..])
            .unwrap();
    }
    let archive = builder.into_inner().unwrap();
    let part =
        Part { size: archive.len() as u64, sha256: tree::sha256(&archive), ..manifest.parts[0].clone() };
    let store = world.store();
    store.put(&manifest.snapshot, &part.file, Box::new(std::io::Cursor::new(archive))).await.unwrap();
    let parts = vec![part.clone()];
    let totals = Totals::of(&entries, &parts);
    let forged = Manifest { parts, totals, entries, sha256: part.sha256, ..manifest };
    let document = forged.to_json().unwrap();
    store.seal(&forged.snapshot, &document).await.unwrap();
    Manifest::from_json(&document).unwrap()
}

#[tokio::test]
async fn what_somebody_put_into_an_archive_stays_in_it() {
    let entry = |path: &str, kind, mode: &str, target: Option<&str>, size| Entry {
        path: path.into(),
        kind,
        mode: mode.to_owned(),
        uid: 0,
        gid: 0,
        mtime: 1,
        size,
        holes: Vec::new(),
        sha256: size.map(|size| tree::sha256(&vec![b'x'; usize::try_from(size).unwrap()])),
        target: target.map(Into::into),
        attributes: None,
    };
    use EntryKind::{Directory, File, Hardlink, Symlink};
    for (entry, kind, why) in [
        (entry("../evil", File, "0644", None, Some(1)), EntryType::Regular, Why::Traversal),
        (entry("/tmp/evil", File, "0644", None, Some(1)), EntryType::Regular, Why::Traversal),
        (entry("a/../../evil", Directory, "0755", None, None), EntryType::Directory, Why::Traversal),
        (entry("evil", Symlink, "0777", Some("/etc"), None), EntryType::Symlink, Why::LinkOutside),
        (entry("evil", Hardlink, "0644", Some("../../etc/passwd"), None), EntryType::Link, Why::Traversal),
        (entry("evil", Hardlink, "0644", Some("nothing"), None), EntryType::Link, Why::HardLink),
        (entry("evil", File, "0644", None, None), EntryType::Char, Why::Kind),
        (entry("evil", File, "0644", None, None), EntryType::Fifo, Why::Kind),
        (entry("evil", File, "4755", None, Some(1)), EntryType::Regular, Why::SetId),
        (entry("x", File, "0644", None, Some(1)), EntryType::Regular, Why::Twice),
        (entry("x/y", File, "0644", None, Some(1)), EntryType::Regular, Why::BelowLink),
    ] {
        let world = World::new();
        fs::write(world.source().join("x"), "x").unwrap();
        let forged = forged(&world, entry.clone(), kind).await;
        let error = world.restore(&Tools::here(), &forged, Overwrite::Never).await.unwrap_err();
        assert_eq!(refusal(&error).map(|(_, why)| why), Some(why), "{entry:?}: {error:?}");
        assert_eq!(world.beside_target(), ["source", "store"], "{entry:?}");
    }
    // The forger's way is right: what may be there is restored.
    let world = World::new();
    fs::write(world.source().join("x"), "x").unwrap();
    let fine = forged(&world, entry("y", File, "0644", None, Some(7)), EntryType::Regular).await;
    world.restore(&Tools::here(), &fine, Overwrite::Never).await.unwrap();
    assert_eq!(fs::read(world.target().join("y")).unwrap(), b"xxxxxxx");
    // What the manifest does not say of an archive is not restored.
    let more = Manifest { entries: fine.entries[..2].to_vec(), ..fine.clone() };
    fs::remove_dir_all(world.target()).unwrap();
    let error = world.restore(&Tools::here(), &more, Overwrite::Never).await.unwrap_err();
    assert!(matches!(error, Error::Archive(ArchiveError::Unknown { .. })), "{error:?}");
    assert_eq!(world.beside_target(), ["source", "store"]);
}

#[tokio::test]
async fn a_tar_that_does_not_end_well_makes_no_snapshot() {
    for (script, expected) in [
        ("exec real -c -f - missing .", "status 2"),
        ("real \"$@\" | head -c 30000", "could not be read"),
        ("real \"$@\" | head -c 30208", "could not be read"),
        ("exit 0", "could not be read"),
        ("real \"$@\" | head -c 30000; kill -9 $$", "status 137"),
    ] {
        let (world, first) = taken().await;
        let host = HostWithTar::new(script);
        for way in WAYS {
            let taking = world.taking(&host).with(|taking| (taking.compress, taking.format) = way);
            let error = taking.take().await.unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(
                text.contains(expected) || (expected.contains("read") && text.contains("Read(")),
                "{script}, {way:?}: {text}"
            );
            let folders = world.folders().await;
            assert_eq!(folders, [(first.snapshot.clone(), true)], "{script}, {way:?}");
        }
    }
}

#[tokio::test]
async fn files_that_change_while_they_are_read_are_named() {
    let world = World::new();
    let file = world.source().join("growing");
    fs::write(&file, vec![1; 5_000_000]).unwrap();
    let script = format!(
        "exec bash -o pipefail -c 'real \"$@\" | {{ head -c 100000; echo more >>{}; cat; }}' x \"$@\"",
        file.display()
    );
    let host = HostWithTar::new(&script);
    for way in WAYS {
        let taking = world.taking(&host).with(|taking| (taking.compress, taking.format) = way);
        let error = taking.take().await.unwrap_err();
        let Error::Changed { said, .. } = &error else { panic!("{way:?}: {error:?}") };
        assert!(said.contains("./growing: file changed as we read it"), "{said}");
        assert_eq!(world.store().folders().await.unwrap(), []);
    }
}

/// A store whose line is cut after some bytes of a file.
#[derive(Debug)]
struct Cut {
    inner: FileStore,
    after: u64,
    seals: bool,
}

#[async_trait]
impl Store for Cut {
    fn url(&self) -> String {
        self.inner.url()
    }

    async fn folders(&self) -> Result<Vec<Folder>, StoreError> {
        self.inner.folders().await
    }

    async fn put(&self, id: &SnapshotId, name: &str, content: Content) -> Result<(), StoreError> {
        self.inner.put(id, name, Box::new(content.take(self.after))).await?;
        Err(StoreError::Failed {
            operation: format!("write {name}"),
            store: self.url(),
            source: "the line was cut".into(),
        })
    }

    async fn seal(&self, id: &SnapshotId, manifest: &[u8]) -> Result<(), StoreError> {
        assert!(self.seals, "nothing is sealed that is not whole");
        self.inner.seal(id, manifest).await
    }

    async fn reseal(&self, id: &SnapshotId, manifest: &[u8]) -> Result<(), StoreError> {
        self.inner.reseal(id, manifest).await
    }

    async fn get(&self, id: &SnapshotId, name: &str) -> Result<Option<Content>, StoreError> {
        self.inner.get(id, name).await
    }

    async fn remove(&self, id: &SnapshotId) -> Result<(), StoreError> {
        self.inner.remove(id).await
    }
}

#[tokio::test]
async fn an_upload_that_is_cut_at_any_tenth_leaves_nothing() {
    let (world, first) = taken().await;
    for tenth in 0..10 {
        let store = Cut { inner: world.store(), after: first.totals.stored_bytes * tenth / 10, seals: false };
        let error = world.taking(&Tools::here()).with_store(&store).take().await.unwrap_err();
        assert!(matches!(error, Error::Store(_)), "{tenth}: {error:?}");
        assert_eq!(world.folders().await, [(first.snapshot.clone(), true)], "{tenth}");
    }
}

#[tokio::test]
async fn an_upload_that_goes_on_for_days_is_no_debris() {
    let (world, first) = taken().await;
    let three_days_ago = Moment::from_unix(Moment::now().unix() - 3 * 86_400).unwrap();
    let begun = |nonce: &str| SnapshotId::new(&world.name, three_days_ago, nonce);
    let (running, cut_off) = (begun("running"), begun("cut off"));
    for id in [&running, &cut_off] {
        world.store().put(id, "snapshot.tar", Box::new(&b"half of it"[..])).await.unwrap();
    }
    let folder = world.root().join("store").join(cut_off.to_string());
    for path in [folder.join("snapshot.tar"), folder] {
        let moment = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 86_400);
        fs::File::open(path).unwrap().set_modified(moment).unwrap();
    }
    let second = world.taking(&Tools::here()).take().await.unwrap();
    let mut expected = vec![(running, false), (first.snapshot, true), (second.snapshot, true)];
    let mut found = world.folders().await;
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_store_that_gives_back_something_else_has_no_snapshot() {
    /// A store whose disk lies.
    #[derive(Debug)]
    struct Lying(FileStore);

    #[async_trait]
    impl Store for Lying {
        fn url(&self) -> String {
            self.0.url()
        }

        async fn folders(&self) -> Result<Vec<Folder>, StoreError> {
            self.0.folders().await
        }

        async fn put(&self, id: &SnapshotId, name: &str, content: Content) -> Result<(), StoreError> {
            self.0.put(id, name, content).await
        }

        async fn seal(&self, id: &SnapshotId, manifest: &[u8]) -> Result<(), StoreError> {
            self.0.seal(id, manifest).await
        }

        async fn reseal(&self, id: &SnapshotId, manifest: &[u8]) -> Result<(), StoreError> {
            self.0.reseal(id, manifest).await
        }

        async fn get(&self, id: &SnapshotId, name: &str) -> Result<Option<Content>, StoreError> {
            let content = self.0.get(id, name).await?;
            Ok(content.map(|content| Box::new(content.chain(&b"<Error/>"[..])) as Content))
        }

        async fn remove(&self, id: &SnapshotId) -> Result<(), StoreError> {
            self.0.remove(id).await
        }
    }

    let world = World::new();
    fs::write(world.source().join("x"), "x").unwrap();
    let store = Lying(world.store());
    let error = world.taking(&Tools::here()).with_store(&store).take().await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert_eq!(world.store().folders().await.unwrap(), []);
}

#[tokio::test]
async fn what_a_restore_left_that_was_cut_off_goes_with_the_next_one() {
    let world = World::new();
    fs::write(world.source().join("a"), "a").unwrap();
    let here = Tools::here();
    let taken = world.taking(&here).take().await.unwrap();
    // As a process that is killed: nothing is cleared up.
    let waiting = ["sleep".to_owned(), "600".to_owned()];
    let restoring = world.restore_with(&here, &taken, (Overwrite::Never, &waiting));
    let cut = tokio::time::timeout(std::time::Duration::from_secs(3), restoring).await;
    assert!(cut.is_err(), "{cut:?}");
    let left = world.beside_target().into_iter().find(|name| name.starts_with(".windlass-restore-")).unwrap();

    // One that somebody waits for is not touched, nor what belongs to another target, nor what was replaced.
    let of_another = ".windlass-restore-0123456789ab-0123456789abcdef";
    let replaced = left.replace(&left[left.len() - 4..], "0000");
    for place in [of_another, &format!("{replaced}/old")] {
        fs::create_dir_all(world.root().join(place)).unwrap();
    }
    world.restore(&here, &taken, Overwrite::Never).await.unwrap();
    let mut expected =
        vec![of_another.to_owned(), replaced, "source".into(), "store".into(), "target".into()];
    expected.sort();
    assert_eq!(world.beside_target(), expected);
}

#[tokio::test]
async fn two_restores_to_one_place_do_not_meet() {
    let world = World::new();
    fs::write(world.source().join("a"), "a").unwrap();
    let here = Tools::here();
    let taken = world.taking(&here).take().await.unwrap();
    let slow = ["sleep".to_owned(), "8".to_owned()];
    let first = world.restore_with(&here, &taken, (Overwrite::Never, &slow));
    let second = async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        world.restore(&here, &taken, Overwrite::Never).await
    };
    let (first, second) = tokio::join!(first, second);
    first.unwrap();
    assert!(matches!(second, Err(Error::Lock(_))), "{second:?}");
    assert_eq!(world.beside_target(), ["source", "store", "target"]);
}
