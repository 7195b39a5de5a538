//! A corpus with everything that a file system allows, taken and restored by whatever tar a host has.

#![allow(clippy::unwrap_used, reason = "what fails in a test fails it")]

mod world;

use std::{
    fs,
    os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, symlink},
    path::Path,
};

use backup::{
    ArchiveError, Compress, Corpus, Error, Format, Hole, Links, MANIFEST, Moment, Overwrite, Why, latest,
    verify,
};
use remote::{Executor as _, conformance::Tools};
use world::{World, raw, tree};

/// Puts everything into a directory that may be in a snapshot.
fn fill(root: &Path) {
    fs::create_dir_all(root.join("deep/er/empty")).unwrap();
    fs::write(root.join("a.txt"), "text").unwrap();
    fs::write(root.join("deep/er/nothing"), "").unwrap();
    fs::write(
        root.join("deep/large"),
        (0..3_000_000_u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect::<Vec<_>>(),
    )
    .unwrap();
    fs::write(root.join("line\nbreak"), "odd").unwrap();
    fs::write(root.join("- option"), "odd").unwrap();
    fs::write(root.join(raw(b"latin-\xe9")), "not UTF-8").unwrap();
    let long = format!("{}/{}\n/{}", "l".repeat(120), "o".repeat(120), "n\u{e9}".repeat(60));
    fs::create_dir_all(root.join(&long)).unwrap();
    fs::write(root.join(&long).join("x".repeat(200)), "long").unwrap();
    symlink("../a.txt", root.join("deep/link")).unwrap();
    symlink("nowhere", root.join(raw(b"dang\xff"))).unwrap();
    symlink(format!("{long}/{}", "x".repeat(200)), root.join("long link")).unwrap();
    fs::hard_link(root.join("a.txt"), root.join("deep/again")).unwrap();
    fs::set_permissions(root.join("a.txt"), fs::Permissions::from_mode(0o440)).unwrap();
    fs::set_permissions(root.join("deep/er"), fs::Permissions::from_mode(0o2750)).unwrap();
    // A hole of 8 MiB.
    fs::File::create(root.join("sparse")).unwrap().set_len(8 << 20).unwrap();
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(root.join("sparse")).unwrap().set_modified(old).unwrap();
}

#[tokio::test]
async fn what_is_restored_is_what_was_there_whatever_tar_a_host_has() {
    let tools = Tools::all();
    for (from, to, format) in [
        (&tools[0], &tools[2], Format::TarZst),
        (&tools[2], &tools[0], Format::Tgz),
        (&tools[1], &tools[1], Format::Tar),
    ] {
        let world = World::new();
        fill(&world.source());
        let taken = world.taking(from).with(|taking| taking.format = format).take().await.unwrap();
        assert_eq!((taken.totals.files, taken.totals.symlinks), (9, 3), "{from:?}");
        assert_eq!(taken.totals.stored_bytes, taken.parts[0].size);
        let restored = world.restore(to, &taken, Overwrite::Never).await.unwrap();
        assert_eq!(restored.replaced_left_at, None);
        let times = to.name() != "BusyBox";
        assert_eq!(tree(&world.target(), times), tree(&world.source(), times), "{from:?} {to:?}");
        let (first, second) = (world.target().join("a.txt"), world.target().join("deep/again"));
        assert_eq!(fs::metadata(first).unwrap().ino(), fs::metadata(second).unwrap().ino());
        assert_eq!(world.beside_target(), ["source", "store", "target"]);
    }
}

/// How much room a file takes.
fn room(path: &Path) -> u64 {
    fs::metadata(path).unwrap().blocks() * 512
}

/// Makes a file of this size that has 100 bytes at each of these places, and holes between them.
fn sparse(path: &Path, size: u64, places: impl IntoIterator<Item = u64>) {
    let file = fs::File::create(path).unwrap();
    file.set_len(size).unwrap();
    places.into_iter().for_each(|place| file.write_all_at(&[7; 100], place).unwrap());
}

#[tokio::test]
async fn holes_stay_holes_where_a_host_has_gnu_tar() {
    let world = World::new();
    let (source, target) = (world.source(), world.target());
    let mib = 1 << 20;
    sparse(&source.join("ends-with-one"), 64 * mib, [0, 20 * mib]);
    sparse(&source.join("begins-with-one"), 40 * mib + 5, [40 * mib - 95]);
    sparse(&source.join("nothing-else"), 32 * mib, []);
    // More than there is room for in the first header of an archive, under a name that has none there either.
    let many = format!("{}-holes", "many".repeat(40));
    sparse(&source.join(&many), 40 * mib, (0..60).map(|number| number * mib / 2 + mib / 4));
    fs::write(source.join("written"), vec![0; 8 << 20]).unwrap();
    let names = ["ends-with-one", "begins-with-one", "nothing-else", &many];
    assert!(names.iter().all(|name| room(&source.join(name)) < mib), "there are no holes here");

    let taken = world.taking(&Tools::here()).take().await.unwrap();
    let of = |name: &str| taken.entries.iter().find(|entry| entry.path == name.into()).unwrap();
    assert!(taken.totals.stored_bytes < 100_000, "{}", taken.totals.stored_bytes);
    assert_eq!(taken.totals.size_bytes, 184 * mib + 5);
    assert_eq!(of("nothing-else").holes, [Hole(0, 32 * mib)]);
    assert_eq!(of(&many).holes.len(), 61);
    assert_eq!(of("written").holes, [], "what somebody wrote is written");
    world.restore(&Tools::here(), &taken, Overwrite::Never).await.unwrap();
    assert_eq!(tree(&target, true), tree(&source, true));
    for name in names {
        // What is written is written by 64 KiB.
        let room = room(&target.join(name));
        assert!(room < if name == many { 4 * mib } else { mib }, "{name} takes {room}");
    }
    assert!(room(&target.join("written")) >= 8 * mib);
    // A tar that does not know them writes their zeros.
    let [.., busybox] = Tools::all();
    fs::remove_dir_all(&target).unwrap();
    world.restore(&busybox, &taken, Overwrite::Never).await.unwrap();
    assert_eq!(tree(&target, false), tree(&source, false));

    // What is no hole in the archive is none in its manifest.
    let mut wrong = taken.clone();
    let entry = wrong.entries.iter_mut().find(|entry| entry.path == "written".into()).unwrap();
    entry.holes = vec![Hole(0, 8 * mib)];
    fs::remove_dir_all(&target).unwrap();
    world.restore(&Tools::here(), &wrong, Overwrite::Never).await.unwrap();
    let entry = wrong.entries.iter_mut().find(|entry| entry.path == "ends-with-one".into()).unwrap();
    entry.holes = vec![Hole(0, 64 * mib)];
    fs::remove_dir_all(&target).unwrap();
    let refused = world.restore(&Tools::here(), &wrong, Overwrite::Never).await.unwrap_err();
    assert!(matches!(refused, Error::Archive(ArchiveError::Differs { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_snapshot_says_what_is_in_it() {
    let world = World::new();
    fill(&world.source());
    let taken = world.taking(&Tools::here()).take().await.unwrap();
    assert!(taken.verified_at.is_some() && taken.tools["tar"].contains("tar"));
    let of = |path: &str| taken.entries.iter().find(|entry| entry.path == path.into()).unwrap();
    assert_eq!(of("a.txt").sha256.as_deref(), Some(tree::sha256(b"text").as_str()));
    assert_eq!((of("a.txt").mode.as_str(), of("a.txt").size), ("0440", Some(4)));
    assert_eq!(of("sparse").mtime, 1_000_000_000);
    assert_eq!(of("deep/again").target, Some("a.txt".into()));
    let (found, broken) = latest(&world.store(), &world.name).await.unwrap();
    assert_eq!((&found, broken.len()), (&taken, 0));
    verify(&world.store(), &found).await.unwrap();
    let folder = world.root().join("store").join(taken.snapshot.to_string());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join(MANIFEST))), (0o700, 0o600));
}

#[tokio::test]
async fn it_is_the_same_wherever_it_is_compressed() {
    let tools = Tools::here();
    let mut snapshots = Vec::new();
    for (compress, format) in [
        (Compress::Local, Format::TarZst),
        (Compress::Auto, Format::TarZst),
        (Compress::Host, Format::Tgz),
        (Compress::None, Format::TarZst),
    ] {
        let world = World::new();
        fill(&world.source());
        let taking =
            world.taking(&tools).with(|taking| (taking.compress, taking.format) = (compress, format));
        let taken = taking.take().await.unwrap();
        assert_eq!(taken.format == Format::Tar, compress == Compress::None);
        assert_eq!(taken.parts[0].file, format!("snapshot.{}", taken.format.word()));
        world.restore(&tools, &taken, Overwrite::Never).await.unwrap();
        assert_eq!(tree(&world.source(), true), tree(&world.target(), true), "{compress:?}");
        let path = world.root().join("store").join(taken.snapshot.to_string()).join(&taken.parts[0].file);
        snapshots.push(fs::read(path).unwrap());
    }
    let begins = |snapshot: usize, bytes: &[u8]| snapshots[snapshot].starts_with(bytes);
    assert!(begins(0, b"\x28\xb5\x2f\xfd") && begins(1, b"\x28\xb5\x2f\xfd"));
    // The tenth byte is the system that has compressed it, which the library here leaves open (255).
    assert!(begins(2, b"\x1f\x8b") && snapshots[2][9] == 3 && begins(3, b"./"));
}

#[tokio::test]
async fn what_is_excluded_is_left_out_alike_by_each_tar() {
    for tools in Tools::all() {
        let world = World::new();
        for path in
            ["cache/a", "keep/cache/b", "keep/x.tmp", "keep/tmp/x.txt", "logs/deep/a.log", "log", "keep/a b"]
        {
            let path = world.source().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let exclude = ["/cache", "*.tmp", "a.log", "keep/tmp", "/lo"].map(str::to_owned).to_vec();
        let taken = match world.taking(&tools).with(|taking| taking.exclude = &exclude).take().await {
            Err(Error::CannotExclude { .. }) if tools.name() == "BusyBox" => continue,
            taken => taken.unwrap(),
        };
        let mut files: Vec<String> = taken
            .entries
            .iter()
            .filter(|entry| entry.sha256.is_some())
            .map(|entry| entry.path.to_string())
            .collect();
        files.sort();
        assert_eq!(files, ["keep/a b", "keep/cache/b", "log"], "{tools:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_corpus_is_refused_and_leaves_nothing() {
    for tools in Tools::all() {
        let world = World::new();
        let take = async |path: &Path| {
            let corpus = Corpus::Path(path.to_str().unwrap().to_owned());
            world.taking(&tools).with(|taking| taking.corpus = &corpus).take().await.unwrap_err()
        };
        let missing = take(&world.root().join("missing")).await;
        assert!(matches!(missing, Error::SourceMissing { .. }), "{missing:?}");
        let empty = take(&world.source()).await;
        assert!(matches!(empty, Error::Empty { .. }), "an unmounted disk looks like this: {empty:?}");
        fs::write(world.source().join("file"), "x").unwrap();
        let file = take(&world.source().join("file")).await;
        assert!(matches!(file, Error::NotDirectory { .. }), "{file:?}");
        symlink("/etc", world.source().join("out")).unwrap();
        let link = take(&world.source()).await;
        assert!(world::refusal(&link) == Some(("out".into(), Why::LinkOutside)), "{link:?}");
        world.taking(&tools).with(|taking| taking.links = Links::Any).take().await.unwrap();
        fs::remove_file(world.source().join("out")).unwrap();
        fs::set_permissions(world.source().join("file"), fs::Permissions::from_mode(0o4755)).unwrap();
        let set_id = take(&world.source()).await;
        assert!(world::refusal(&set_id) == Some(("file".into(), Why::SetId)), "{set_id:?}");
        fs::set_permissions(world.source().join("file"), fs::Permissions::from_mode(0o644)).unwrap();
        let pipe = world.source().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let pipe = take(&world.source()).await;
        assert!(world::refusal(&pipe) == Some(("pipe".into(), Why::Kind)), "{pipe:?}");
        let folders = world.folders().await;
        assert_eq!((folders.len(), folders[0].1), (1, true), "only the one that was taken");
    }
}

#[tokio::test]
async fn the_newest_is_the_last_that_was_taken_whatever_the_clock_says() {
    let world = World::new();
    fs::write(world.source().join("file"), "1").unwrap();
    let now = Moment::now();
    let tools = Tools::here();
    let first = world.taking(&tools).take_at(now).await.unwrap();
    // The clock jumps back a minute.
    let second = world.taking(&tools).take_at(Moment::from_unix(now.unix() - 60).unwrap()).await.unwrap();
    assert!(second.snapshot > first.snapshot);
    let (newest, _) = latest(&world.store(), &world.name).await.unwrap();
    assert_eq!(newest.snapshot, second.snapshot);
    let hour_back = Moment::from_unix(now.unix() - 3600).unwrap();
    let error = world.taking(&tools).take_at(hour_back).await.unwrap_err();
    assert!(matches!(error, Error::Clock { .. }), "{error:?}");
}

#[tokio::test]
async fn what_was_changed_before_1970_comes_back() {
    use std::time::{Duration, UNIX_EPOCH};

    let world = World::new();
    let tools = Tools::here();
    fs::write(world.source().join("old"), "text").unwrap();
    for seconds in [1, 86_400, 1_000_000_000] {
        let then = UNIX_EPOCH - Duration::from_secs(seconds);
        fs::File::options().write(true).open(world.source().join("old")).unwrap().set_modified(then).unwrap();
        let taken = world.taking(&tools).take().await.unwrap();
        assert_eq!(
            taken.entries.iter().find(|one| one.path == "old".into()).unwrap().mtime,
            -(seconds as i64)
        );
        world.restore(&tools, &taken, Overwrite::Yes).await.unwrap();
        let restored = fs::metadata(world.target().join("old")).unwrap();
        assert_eq!(restored.modified().unwrap(), then);
        // Two of the same second would have the same id.
        fs::write(world.source().join(seconds.to_string()), "").unwrap();
    }
}
