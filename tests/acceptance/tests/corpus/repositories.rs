//! Repositories of restic, by the pinned restic on real hosts.

use std::{
    fs,
    sync::{Mutex, PoisonError},
};

use acceptance_tests::{Companion, Scratch, hcl, restic_binary};
use lab::Lab;
use serde_json::{Value, json};

use crate::Corpus;

const BACKUP: &str = "windlass_corpus_backup.it";
const RESTORE: &str = "windlass_corpus_restore.it";
const LIST: &str = "data.windlass_corpus_snapshots.it";
const PASSWORD: &str = "windlass-test-passw0rd";

/// Held by whoever looks what is said without restic, and by whoever puts it there: tests share hosts.
static PRESENCE: Mutex<()> = Mutex::new(());

/// Puts restic on a host, where all users find it.
fn install(lab: &Lab, place: &Scratch<'_>) {
    let _turn = PRESENCE.lock().unwrap_or_else(PoisonError::into_inner);
    let binary = fs::read(restic_binary()).unwrap();
    let script = "cat >/usr/local/bin/.restic.$$ && chmod 755 /usr/local/bin/.restic.$$ && mv /usr/local/bin/.restic.$$ /usr/local/bin/restic";
    let put = lab.exec_with_input(place.host(), &["sh", "-c", script], &binary).unwrap();
    assert!(put.status.success(), "{put:?}");
}

/// What restic itself says to these words, as root on a host.
fn restic(place: &Scratch<'_>, repository: &str, words: &str) -> String {
    let script = format!("RESTIC_PASSWORD={PASSWORD} restic -r \"$1\" {words}");
    place.root_runs(&["sh", "-c", &script, "x", repository])
}

fn provider(lab: &Lab, corpus: &Corpus<'_>, repository: &str, password: &str) {
    let block = format!(
        "store {{\n    name = \"repository\"\n    url = \"restic:{repository}\"\n    password = \"{password}\"\n  }}\n"
    );
    corpus.workspace.write("provider.tf", &hcl::provider_block(lab, &block));
}

#[test]
fn restic_stores_what_has_changed_and_brings_it_back_on_another_machine() {
    let lab = Lab::current().unwrap();
    let mut corpus = Corpus { name: "restic", ..Corpus::new(&lab) };
    let (path, repository) = (corpus.from.path("data"), corpus.from.path("repository"));
    let (from, to) = (&corpus.from, &corpus.to);
    corpus.elsewhere = Some("repository".to_owned());
    provider(&lab, &corpus, &repository, PASSWORD);
    let release = |number: u32| {
        let more = "engine = \"restic\"\n  exclude = [\"/cache\"]\n  verify = \"restore\"\n  retention {\n    last = 2\n  }";
        corpus.back_up(&path, &format!("{more}\n  triggers = {{ release = \"{number}\" }}"));
    };

    // Without restic on the host that is told; then it makes the repository.
    release(1);
    {
        let _turn = PRESENCE.lock().unwrap_or_else(PoisonError::into_inner);
        if !from.root_runs(&["sh", "-c", "command -v restic || true"]).contains("restic") {
            corpus.workspace.apply().expect_error().says("There is no restic").says("Install restic");
        }
    }
    install(&lab, from);
    install(&lab, to);
    corpus.workspace.converge();
    let first = corpus.workspace.state(BACKUP);
    let id = |state: &Value| state["snapshot"].as_str().unwrap().to_owned();
    assert!(first["file_count"] == json!(7) && first["sha256"].is_null(), "{first}");
    assert_eq!(first["location"], json!(format!("restic:{repository}/{}", id(&first))));
    let stored = first["stored_bytes"].as_u64().unwrap();
    assert!(stored > 3_000_000, "{first}");

    // Snapshots of others in the repository are theirs.
    restic(from, &repository, "backup --tag other --host elsewhere /etc/hostname");
    from.root_runs(&["sh", "-c", "head -c 100000 /dev/urandom >\"$1\"/new", "x", &path]);
    for number in [2, 3] {
        release(number);
        corpus.workspace.apply().expect_success();
    }
    let third = corpus.workspace.state(BACKUP);
    assert!(third["stored_bytes"].as_u64().unwrap() < stored / 10, "{third}");
    let snapshots: Value = serde_json::from_str(&restic(from, &repository, "snapshots --json")).unwrap();
    let tags: Vec<&Value> = snapshots.as_array().unwrap().iter().map(|one| &one["tags"]).collect();
    assert_eq!(tags, [&json!(["other"]), &json!(["windlass:restic"]), &json!(["windlass:restic"])]);

    // Listed, and restored on another machine that sees the same repository.
    let host = hcl::quoted(&hcl::connection(from.host()));
    corpus.workspace.write(
        "list.tf",
        &format!("data \"windlass_corpus_snapshots\" \"it\" {{\n  host = {host}\n  store = \"repository\"\n  name = \"restic\"\n  max_age = \"1h\"\n}}\n"),
    );
    let archive = lab.exec(from.host(), &["tar", "-c", "-C", "/", &repository[1..]]).unwrap().stdout;
    let copied = lab.exec_with_input(to.host(), &["tar", "-x", "-C", "/"], &archive).unwrap();
    assert!(copied.status.success(), "{copied:?}");
    corpus.restore("");
    corpus.workspace.converge();
    let (list, restored) = (corpus.workspace.state(LIST), corpus.workspace.state(RESTORE));
    assert_eq!((&list["latest"], &list["stale"]), (&third["snapshot"], &json!(false)));
    assert_eq!(list["snapshots"].as_array().unwrap().len(), 2);
    assert_eq!(restored["snapshot_id"], third["snapshot"]);
    let target = to.path("restored/data");
    from.root_runs(&["rm", "-r", &format!("{path}/cache")]);
    // The directory itself has another time: something in it was removed.
    assert_eq!(Corpus::tree(to, &target), Corpus::tree(from, &path));
    to.root_runs(&["rm", "-r", &repository]);

    // No trace of the password, nor of what it was handed over in.
    let state = fs::read_to_string(corpus.workspace.path().join("terraform.tfstate")).unwrap();
    assert!(!state.contains(PASSWORD));
    let left = from.root_runs(&[
        "sh",
        "-c",
        "ls -d /dev/shm/windlass-restic.* /tmp/windlass-restic.* 2>/dev/null | wc -l",
    ]);
    assert_eq!(left.trim(), "0");
}

#[test]
fn what_stands_in_the_way_of_restic_is_told_and_its_own_old_locks_go() {
    let lab = Lab::current().unwrap();
    let mut corpus = Corpus { name: "locked", ..Corpus::new(&lab) };
    let (path, repository) = (corpus.from.path("data"), corpus.from.path("repository"));
    let from = &corpus.from;
    install(&lab, from);
    // One that somebody else has made is used as it is.
    restic(from, &repository, "init");
    restic(from, &repository, &format!("backup --tag theirs {path}"));
    corpus.elsewhere = Some("repository".to_owned());
    let release = |number: u32, more: &str| {
        corpus.back_up(
            &path,
            &format!("engine = \"restic\"\n  triggers = {{ release = \"{number}\" }}\n  {more}"),
        );
    };
    release(1, "");
    provider(&lab, &corpus, &repository, "another");
    corpus.workspace.apply().expect_error().says("does not open").says("`store` block \"repository\"");
    provider(&lab, &corpus, &repository, PASSWORD);
    corpus.workspace.converge();

    // A process that was killed leaves its lock; here it is one of this host, with a number that no process has. A
    // lock that is still being written has another name (`….-tmp-…`), which restic never takes for one.
    let lock = "restic -r \"$1\" backup --stdin </dev/zero >/dev/null 2>&1 & child=$!; \
                until ls \"$1\"/locks | grep -qv tmp; do sleep 0.05; done; kill -9 $child; wait; ls \"$1\"/locks | wc -l";
    let locks = from.root_runs(&[
        "sh",
        "-c",
        &format!("export RESTIC_PASSWORD={PASSWORD}; {lock}"),
        "x",
        &repository,
    ]);
    assert_eq!(locks.trim(), "1");
    // Letting go of something takes the repository for itself alone.
    release(2, "retention {\n    last = 1\n  }");
    corpus.workspace.apply().expect_success();
    assert_eq!(from.root_runs(&["ls", &format!("{repository}/locks")]).trim(), "");
    let snapshots: Value = serde_json::from_str(&restic(from, &repository, "snapshots --json")).unwrap();
    assert_eq!(snapshots.as_array().unwrap().len(), 2, "theirs, and the newest: {snapshots}");

    // A repository that is gone is not made anew: it may be on a disk that is not mounted.
    from.root_runs(&["mv", &repository, &format!("{repository}.away")]);
    release(3, "");
    corpus.workspace.apply().expect_error().says("There is no repository").says("not mounted");
    from.root_runs(&["mv", &format!("{repository}.away"), &repository]);

    // The companion does the same by windlass.toml.
    let toml = format!(
        "[backup.store.r]\nurl = \"restic:{repository}\"\npassword_env = \"PASSWORD\"\n[backup.corpus.locked]\nhost = {}\npath = \"{path}\"\n\
         engine = \"restic\"\nstore = \"r\"\nmax_age = \"1h\"\nretention = {{ last = 1 }}\n",
        hcl::quoted(&hcl::connection(from.host()))
    );
    let mut companion = Companion::of(&lab, &toml);
    companion.env("PASSWORD", PASSWORD);
    let done = companion.json(&["backup", "run", "--json"]);
    assert_eq!(done[0]["removed"].as_array().unwrap().len(), 1, "{done}");
    let listed = companion.json(&["backup", "list", "--json"]);
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["snapshot"]), (1, &done[0]["snapshot"]));
    let target = from.path("again");
    let host = hcl::connection(from.host());
    companion.told(&["backup", "restore", "locked", "--host", &host, "--to-path", &target]);
    assert_eq!(Corpus::tree(from, &target), Corpus::tree(from, &path));
    companion.told(&["backup", "verify", "--all"]);
    // Whatever is damaged is found.
    from.root_runs(&["sh", "-c", "for file in $(find \"$1\"/data -type f -size +1M); do printf x | dd of=$file bs=1 seek=5000 conv=notrunc 2>/dev/null; done", "x", &repository]);
    let answer = companion.answer_to(&["backup", "verify", "--all", "--json"], "");
    assert!(answer.code == Some(2) && answer.stdout.contains("corrupt"), "{answer:?}");
}
