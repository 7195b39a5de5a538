//! What is done with a snapshot beside keeping it: it is restored before it counts, and changed when it comes back.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use serde_json::json;

use crate::world::World;

#[test]
fn what_comes_back_is_given_to_others_and_changed_before_it_takes_its_place() {
    let world = World::new("");
    let id = world.take();
    let back = world.path("back");
    let to = back.to_str().unwrap();
    let (uid, gid) = {
        let facts = fs::metadata(world.path("data/a")).unwrap();
        (facts.uid(), facts.gid())
    };
    // Root gives them to anybody, everybody else to themselves.
    let owner = if uid == 0 { "4242:4243".to_owned() } else { format!("{uid}:{gid}") };
    let words = ["restore", "prod", "--to-path", to, "--owner", &owner];
    let mask = ["--transform", "sh", "-c", "test $PWD = $WINDLASS_DIRECTORY && echo masked > a", ";"];
    let (done, status) = world.json(&[&words[..], &mask].concat());
    assert_eq!((status, &done["snapshot"]), (Some(0), &json!(id)));
    assert_eq!(fs::read_to_string(back.join("a")).unwrap(), "masked\n");
    for path in [back.clone(), back.join("a")] {
        let facts = fs::metadata(&path).unwrap();
        assert_eq!(format!("{}:{}", facts.uid(), facts.gid()), owner, "{}", path.display());
    }
    assert_eq!(fs::read_to_string(world.path("data/a")).unwrap(), "one");

    // Where it fails nothing takes the place of what is there.
    let failing = [
        "restore",
        "prod",
        "--to-path",
        to,
        "--overwrite",
        to,
        "--transform",
        "sh",
        "-c",
        "echo no key >&2; exit 3",
    ];
    let (_, err, status) = world.told(&failing);
    assert!(status == Some(1) && err.contains("no key"), "{err}");
    assert_eq!(fs::read_to_string(back.join("a")).unwrap(), "masked\n");
    for (more, said) in [
        (&["--owner", "www-data"][..], "an owner is two numbers"),
        (&["--quiesce-mode", "pause"], "--quiesce <STACK>"),
        (&["--quiesce", "shop", "--quiesce-timeout", "soon"], "is not a duration"),
    ] {
        let (_, err, status) = world.told(&[&["restore", "prod", "--to-path", to], more].concat());
        assert!(status == Some(64) && err.contains(said), "{err}");
    }
}

#[test]
fn what_is_to_be_restored_first_is_and_wrong_settings_are_told() {
    let world = World::new("verify = \"restore\"");
    world.take();
    let (done, status) = world.json(&["run", "--verify", "checksum"]);
    assert_eq!(status, Some(0), "{done}");
    world.settle("");
    let (done, status) = world.json(&["run", "--verify", "restore"]);
    assert_eq!(status, Some(0), "{done}");
    assert!(done[0]["verified_at"].is_string());
    for (settings, said) in [
        ("verify = \"hope\"", "`verify` is \"hope\", and has to be checksum or restore"),
        (
            "verify = \"restore\"\ncheck = [{ sql = \"select 1\", expect = \"1\" }]",
            "are for a database that is restored",
        ),
        ("server_args = [\"-c\"]", "are for a database that is restored"),
    ] {
        let world = World::new(settings);
        let (_, err, status) = world.told(&["run"]);
        assert!(status == Some(1) && err.contains(said), "{settings}: {err}");
        assert!(world.snapshots("store").is_empty());
    }
}
