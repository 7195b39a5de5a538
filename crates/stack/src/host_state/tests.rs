use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    time::{SystemTime, UNIX_EPOCH},
};

use remote::{Local, conformance::Tools};
use tree::{link_digest, null_separated};

use crate::{host_env::HostEnv, kept_release::make_by};

use super::*;

fn lines(name: &str, bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).lines().map(|line| format!("{name}:{line}\n")).collect()
}

fn state(env_sha256: &str, mode: u32) -> HostState {
    let key = Key::from_random([7; 32]);
    let sum = |digits: &str| digits.repeat(32);
    let files = BTreeMap::from([
        ("a".to_owned(), FileDigest { sha256: sum("11"), mode: 0o644 }),
        ("b c".to_owned(), link_digest("a")),
    ]);
    let sent = Shipped::new("source".into(), ".env".into(), &sum("22"), &key);
    let listing = format!(
        "\0{}  .windlass/override.json\n{}  ./a\n{}  ./b c\n{}  ./.env\n\
         @81a4 ./a\n@a1ff ./b c\n@{:x} ./.env\n>./b c\n<a\n",
        sum("44"),
        sum("11"),
        sum("11"),
        sum(env_sha256),
        0o100_000 | mode,
    );
    let text = [
        lines("/etc/machine-id", b"abc\n"),
        lines("manifest.json", &Manifest { files }.to_json()),
        lines("source.json", &sent.to_json()),
        lines("key", key.to_text().expose().as_bytes()),
        listing,
    ];
    state_of(Listed::of(&text.concat())).unwrap()
}

#[test]
fn files_as_they_were_sent_keep_the_hash() {
    let state = state("22", 0o600);
    assert_eq!(
        (state.machine_id.as_str(), state.override_sum.as_deref()),
        ("abc", Some("44".repeat(32).as_str()))
    );
    assert_eq!(state.source_hash().as_deref(), Some("source"));
    assert_eq!(state.paths(), ["a", "b c", ".env"]);
}

#[test]
fn what_an_apply_left_that_failed_or_was_cut_off_is_a_change() {
    let with = |unfinished: bool, shipped: &str| {
        let mut state = state("22", 0o600);
        let record = Record { unfinished, shipped: shipped.into(), ..Record::new("web", "2.26.1") };
        state.record = Some(record);
        state
    };
    let sent = state("22", 0o600).shipped.unwrap();
    assert_eq!(with(false, &sent).source_hash().as_deref(), Some("source"));
    assert_eq!(with(false, "").source_hash().as_deref(), Some("source"));
    assert_eq!(with(true, &sent).source_hash().as_deref(), Some("changed"));
    assert_eq!(with(false, "another").source_hash().as_deref(), Some("changed"));
}

#[test]
fn an_env_file_that_was_changed_or_opened_is_seen() {
    assert_eq!(state("23", 0o600).source_hash().as_deref(), Some("changed"));
    assert_eq!(state("22", 0o644).source_hash().as_deref(), Some("changed"));
}

#[test]
fn the_servers_own_env_counts_by_its_mark() {
    let key = Key::from_random([7; 32]);
    let hash = |digit: &str| digit.repeat(64);
    let shown = |env: Option<&HostEnv>, sums: &str| {
        let sent = Shipped::new("source".into(), ".windlass/given.env".into(), &hash("2"), &key);
        let sent = sent.with_host_env(".env".into(), env);
        let facts = "@8180 ./.windlass/given.env\n@81a0 ./.env\n";
        let text = [
            lines("manifest.json", &Manifest::default().to_json()),
            lines("source.json", &sent.to_json()),
            lines("key", key.to_text().expose().as_bytes()),
            format!("\0{}  ./.windlass/given.env\n{sums}{facts}", hash("2")),
        ];
        state_of(Listed::of(&text.concat())).unwrap()
    };
    let content = tree::sha256(b"A=1\n");
    let mut env = HostEnv::marked(host_env::mark(&key, &content));
    let same = shown(Some(&env), &format!("{content}  ./.env\n"));
    assert_eq!((same.source_hash().as_deref(), same.other_host_env()), (Some("source"), None));
    assert!(!same.found.contains_key(".env") && same.has_values_apart());
    assert_eq!(same.paths(), [".windlass/given.env"]);
    let other = shown(Some(&env), &format!("{}  ./.env\n", hash("3")));
    assert_eq!(other.source_hash().as_deref(), Some("changed"));
    assert_eq!((other.other_host_env(), other.differing()), (Some((".env", false)), Vec::new()));
    assert_eq!(shown(Some(&env), "").other_host_env(), Some((".env", true)));
    env = HostEnv::marked(ABSENT);
    assert_eq!(shown(Some(&env), "").other_host_env(), None);
    assert_eq!(shown(None, &format!("{}  ./.env\n", hash("3"))).host_env, None);
}

#[test]
fn what_was_generated_elsewhere_is_named_until_it_is_gone() {
    let key = Key::from_random([7; 32]);
    let old = Shipped::new("source".into(), ".env".into(), "22", &key);
    let new = Shipped::new("source".into(), ".windlass/given.env".into(), "22", &key);
    let between = new.clone().and_still(&old, &Manifest::default());
    assert_eq!(between.secret_paths().collect::<Vec<_>>(), [".windlass/given.env", ".env"]);
    assert_eq!(new.clone().and_still(&new, &Manifest::default()), new);
}

#[test]
fn secrets_are_known_while_their_file_is_as_it_was_sent() {
    let mut state = state("22", 0o600);
    let names = ["A".to_owned(), "B".to_owned()];
    state.sent = state.sent.map(|sent| sent.with_secrets(names.iter(), "2"));
    let sent = state.proven_env().unwrap();
    assert_eq!((sent.secrets.len(), sent.secrets_version.as_str()), (2, "2"));
    let json: Shipped = serde_json::from_slice(&sent.to_json()).unwrap();
    assert_eq!(&json, sent);
    state.key = Some(Key::from_random([8; 32]));
    assert!(state.proven_env().is_none());
}

#[test]
fn secret_files_count_by_what_stands_for_them() {
    let mut state = state("22", 0o600);
    let file = FileDigest { sha256: "33".into(), mode: 0o600 };
    let files = BTreeMap::from([("s/k".to_owned(), file.clone())]);
    let key = state.key.clone().unwrap();
    state.sent = state.sent.map(|sent| sent.with_secret_files(&files, "2", &key));
    assert_eq!(state.paths(), ["a", "b c", ".env", "s/k"]);
    assert_eq!(state.source_hash().as_deref(), Some("changed"), "the file is not there");
    state.found.insert("s/k".into(), file.clone());
    assert_eq!(state.source_hash().as_deref(), Some("source"));
    assert_eq!(state.seen()["s/k"].sha256, "s/k#2");
    let text = String::from_utf8(state.sent.as_ref().unwrap().to_json()).unwrap();
    assert!(!text.contains("\"33\""), "{text}");
    for other in [FileDigest { mode: 0o644, ..file.clone() }, FileDigest { sha256: "34".into(), ..file }] {
        state.found.insert("s/k".into(), other);
        assert_eq!(state.source_hash().as_deref(), Some("changed"));
        assert_eq!(state.seen()["s/k"].sha256, "changed");
    }
}

#[test]
fn an_apply_that_did_not_come_to_its_end_reads_as_a_change() {
    let mut state = state("22", 0o600);
    state.record = Some(Record::new("web", "2.26.1"));
    assert_eq!(state.source_hash().as_deref(), Some("source"));
    state.record = state.record.map(|record| Record { unfinished: true, ..record });
    assert_eq!(state.source_hash().as_deref(), Some("changed"));
}

#[tokio::test]
async fn the_script_tells_what_lies_there() {
    for tools in Tools::all() {
        tells_what_lies_there(&tools).await;
    }
}

async fn tells_what_lies_there(tools: &Tools) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("a stack");
    let put = |path: &str, bytes: &[u8]| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    };
    let place = root.to_str().unwrap();
    let look = || async { inspect(tools, &CancellationToken::new(), place).await.unwrap() };
    let nothing = look().await;
    assert!(!nothing.is_ours() && nothing.vacant);
    fs::create_dir_all(&root).unwrap();
    let empty = look().await;
    assert!(!empty.is_ours() && !empty.vacant && !empty.machine_id.is_empty());
    let key = Key::from_random([7; 32]);
    let odd = ["-b c", "d\ne", "f:g", "gone"];
    let content = |path: &str| if path == "f:g" { String::new() } else { format!("{path}\0\n") };
    for path in odd.iter().take(3).chain(&[".env"]) {
        put(path, content(path).as_bytes());
    }
    symlink("nowhere", root.join("link")).unwrap();
    let file = |path: &str| FileDigest { sha256: sha256(content(path).as_bytes()), mode: 0o600 };
    let mut files: BTreeMap<String, FileDigest> =
        odd.iter().map(|path| ((*path).to_owned(), file(path))).collect();
    files.insert("link".into(), link_digest("nowhere"));
    let sent = Shipped::new("source".into(), ".env".into(), &file(".env").sha256, &key).to_json();
    put(".windlass/manifest.json", &Manifest { files: files.clone() }.to_json());
    put(".windlass/source.json", &sent);
    put(".windlass/key", key.to_text().expose().as_bytes());
    put(".windlass/override.json", b"{}");
    put(".windlass/files", &null_separated(files.keys().map(String::as_str).chain([".env"])));

    fs::create_dir_all(root.join(".windlass/generations")).unwrap();
    symlink("generations/x", root.join(".windlass/good")).unwrap();

    let state = look().await;
    assert!(!state.vacant && state.folders == BTreeSet::from(["generations".into(), "good".into()]));
    let mut expected = files.clone();
    expected.insert(".env".into(), file(".env"));
    expected.remove("gone");
    assert_eq!(state.found, expected);
    assert_eq!(state.manifest.as_ref().map(|manifest| &manifest.files), Some(&files));
    assert_eq!(
        (state.shipped.as_ref(), state.override_sum.as_ref()),
        (Some(&sha256(&sent)), Some(&sha256(b"{}")))
    );
    assert!(state.proven_env().is_some() && state.record.is_none() && state.release.is_none());
    assert_eq!(state.source_hash().as_deref(), Some("changed"));
    put("gone", content("gone").as_bytes());
    assert_eq!(look().await.source_hash().as_deref(), Some("source"));

    // Somebody puts it elsewhere, and a link in its place.
    let elsewhere = fs::canonicalize(dir.path()).unwrap().join("else where");
    fs::rename(&root, &elsewhere).unwrap();
    symlink("else where", &root).unwrap();
    let moved = look().await;
    assert_eq!((moved.link.as_deref(), state.link), (elsewhere.to_str(), None));
    assert_eq!(moved.source_hash().as_deref(), Some("source"));
    fs::remove_dir_all(&elsewhere).unwrap();
    let dangling = inspect(tools, &CancellationToken::new(), place).await;
    assert!(matches!(dangling, Err(Error::Hidden { .. })), "{dangling:?}");
}

/// The output of a look at tens of thousands of files is longer than what a command may say
/// otherwise.
#[tokio::test]
async fn a_long_manifest_is_read_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let folder = format!("{}/", "f".repeat(200)).repeat(15);
    let file = FileDigest { sha256: "11".repeat(32), mode: 0o644 };
    let files = (0..6000).map(|number| (format!("{folder}{number}"), file.clone())).collect();
    let manifest = Manifest { files };
    let ours = dir.path().join(".windlass");
    fs::create_dir(&ours).unwrap();
    fs::write(ours.join("manifest.json"), manifest.to_json()).unwrap();
    fs::write(ours.join("files"), null_separated(manifest.files.keys().map(String::as_str))).unwrap();
    let token = CancellationToken::new();
    let state = inspect(&Local::new(), &token, dir.path().to_str().unwrap()).await.unwrap();
    assert!(manifest.to_json().len() > remote::collect::DEFAULT_CAP);
    assert_eq!(state.manifest, Some(manifest));
    token.cancel();
    let ended = inspect(&Local::new(), &token, dir.path().to_str().unwrap()).await;
    assert!(ended.is_err(), "{ended:?}");
}

/// No hash is made again while nothing about the files has changed, whoever looks.
#[tokio::test]
async fn an_answer_is_remembered_until_a_file_changes() {
    let [one, other, third] = Tools::all();
    tokio::join!(remembers(&one), remembers(&other), remembers(&third));
}

async fn remembers(tools: &Tools) {
    let dir = tempfile::tempdir().unwrap();
    let put = |path: &str, text: &str| fs::write(dir.path().join(path), text).unwrap();
    let remembered = || fs::read_to_string(dir.path().join(".windlass/stat")).unwrap();
    fs::create_dir(dir.path().join(".windlass")).unwrap();
    fs::create_dir(dir.path().join("c")).unwrap();
    let paths = ["a b", "c/d", "e\nf"];
    for path in paths {
        put(path, path);
    }
    put("outside", "1");
    for (link, target) in [("link", "outside"), ("folder", "c"), ("dangling", "nowhere")] {
        symlink(target, dir.path().join(link)).unwrap();
    }
    let list = null_separated(paths.into_iter().chain(["gone", "link", "folder", "dangling"]));
    fs::write(dir.path().join(".windlass/files"), list).unwrap();
    put(".windlass/override.json", "{}");
    let look = || async {
        let root = dir.path().to_str().unwrap();
        let state = inspect(tools, &CancellationToken::new(), root).await.unwrap();
        assert_eq!(state.override_sum, Some(sha256(b"{}")), "{tools:?}");
        state.found
    };
    let plain = look().await;
    assert_eq!(plain.len(), 6, "{tools:?}");
    // What is new might still change within the same tick of the clock.
    let second = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    put(".windlass/stat", "");
    // A slow machine may never do all of it in one.
    for _ in 0..20 {
        let begun = second();
        put("a b", "a b");
        put(".windlass/stat", "");
        assert_eq!(look().await, plain, "{tools:?}");
        if second() == begun {
            assert_eq!(remembered(), "", "{tools:?}");
            break;
        }
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(look().await, plain, "{tools:?}");
    let whole = remembered();

    // It is what is told.
    let hash = &plain["a b"].sha256;
    put(".windlass/stat", &whole.replace(hash, &"0".repeat(64)));
    assert_eq!(look().await["a b"].sha256, "0".repeat(64), "{tools:?}");
    // But not where a part of it is missing, or of the facts.
    let (sizes, rest) = whole.split_once('\n').unwrap();
    for less in [&whole[..whole.len() - 1], &whole[..80], rest, &format!("{sizes}\n"), sizes] {
        put(".windlass/stat", less);
        assert_eq!(look().await, plain, "{tools:?}");
        assert_eq!(remembered(), whole, "{tools:?} {less:?}");
    }
    // Nor where a file has changed, or one that a link leads to.
    for path in ["c/d", "outside", "e\nf"] {
        put(path, "changed");
    }
    let changed = look().await;
    assert_eq!((&changed["c/d"].sha256, &changed["e\nf"].sha256), (&sha256(b"changed"), &sha256(b"changed")));
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(look().await, changed, "{tools:?}");
    assert_ne!(remembered(), whole, "{tools:?}");
    assert!(remembered().contains(&sha256(b"changed")), "{tools:?}");

    // That files are linked to be kept is no change, and what is changed meanwhile is one.
    let (whole, nothing) = (remembered(), "0".repeat(64));
    put(".windlass/stat", &whole.replace(&sha256(b"changed"), &nothing));
    let keep = async |name: &str| {
        let (made, said) = make_by(tools, dir.path(), name, &["a b", "c/d", "e\nf", "link"]).await;
        assert!(made, "{tools:?} {said}");
        fs::remove_file(dir.path().join(".windlass/record.json")).unwrap();
    };
    keep("1").await;
    assert_eq!(look().await["c/d"].sha256, nothing, "{tools:?}");
    assert_ne!(remembered(), whole, "{tools:?}");
    put("c/d", "CHANGED");
    keep("2").await;
    assert_eq!(look().await["c/d"].sha256, sha256(b"CHANGED"), "{tools:?}");
    let left = fs::read_dir(dir.path().join(".windlass")).unwrap().count();
    assert_eq!(left, 5, "what was written on the way is removed");
}

/// What could not be read by one may be read by another.
#[tokio::test]
async fn only_a_whole_answer_is_remembered() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(".windlass")).unwrap();
    fs::write(dir.path().join("a"), "a").unwrap();
    fs::write(dir.path().join(".windlass/files"), "./a\0./b\0").unwrap();
    fs::write(dir.path().join(".windlass/stat"), "").unwrap();
    // A file of the kernel that is made to be written only: not even root can read it.
    symlink("/sys/bus/platform/drivers_probe", dir.path().join("b")).unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let root = dir.path().to_str().unwrap();
    let found = inspect(&Local::new(), &CancellationToken::new(), root).await.unwrap().found;
    assert_eq!(found.len(), 2);
    assert_eq!(fs::read_to_string(dir.path().join(".windlass/stat")).unwrap(), "");
}

#[test]
fn an_empty_host_holds_nothing() {
    let state = state_of(Listed::of("/etc/machine-id:abc\n")).unwrap();
    assert!(!state.is_ours() && state.source_hash().is_none());
}
