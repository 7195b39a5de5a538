//! The shape of services: images, counts, labels, health checks, rights, profiles.

use crate::case::{
    Action::{Append, MoveTag, OnHost, Replace, Set, Write},
    Case, case, step,
};

const COMPOSE: &str = "compose.yaml";

pub fn cases() -> Vec<Case> {
    vec![
        profiles(),
        life(),
        digest(),
        moved_tag(),
        moved_tag_pull(),
        scale(),
        labels(),
        health(),
        limits(),
        runtime(),
    ]
}

fn profiles() -> Case {
    case("profiles")
        .step(step("a profile").doing(Set("profiles", "[\"debug\"]")).creates("debug"))
        .step(step("another profile").doing(Set("profiles", "[\"all\"]")).removes("debug").creates("tools"))
        .step(step("a service of a profile that is off").doing(Replace(
            COMPOSE,
            "profiles: [debug]",
            "profiles: [debug]\n    hostname: unseen",
        )))
        .step(
            step("both, and another list of profiles")
                .doing(Set("profiles", "[\"tools\", \"debug\"]"))
                .doing(Replace(COMPOSE, "[tools, all]", "[tools]"))
                .creates("debug")
                .recreates("tools")
                .keeps_now("tools"),
        )
        .step(step("none").doing(Set("profiles", "[]")).removes("debug tools"))
}

fn life() -> Case {
    case("life")
        .step(step("one more service").doing(Append(COMPOSE, "  three:\n    <<: *idle\n")).creates("three"))
        .step(
            step("another name")
                .doing(Replace(COMPOSE, "  two:\n", "  zwei:\n"))
                .removes("two")
                .creates("zwei"),
        )
        .step(step("a comment").doing(Append(COMPOSE, "# words\n")))
        .step(step("one service less").doing(Replace(COMPOSE, "  one:\n    <<: *idle\n", "")).removes("one"))
        .step(step("a file nobody uses").doing(Write("notes.txt", "words\n")))
}

fn digest() -> Case {
    case("digest")
        .step(
            step("another digest")
                .doing(Replace(COMPOSE, "    image: BUSYBOX_1\n", "    image: BUSYBOX_2\n"))
                .recreates("other"),
        )
        .step(
            step("another digest for the rest")
                .doing(Replace(COMPOSE, "  image: BUSYBOX_1\n", "  image: BUSYBOX_2\n"))
                .recreates("old"),
        )
        .step(step("a pull policy").doing(Replace(
            COMPOSE,
            "  other:\n",
            "  other:\n    pull_policy: missing\n",
        )))
        .step(step("the same image, always pulled").doing(Set("pull", "\"always\"")))
        .step(
            step("back, always pulled")
                .doing(Replace(COMPOSE, "    image: BUSYBOX_2\n", "    image: BUSYBOX_1\n"))
                .recreates("other"),
        )
}

/// The tag moves on the host: someone pulled it.
fn moved_tag() -> Case {
    case("moved-tag")
        .first(OnHost(&["docker", "pull", "-q", "BUSYBOX_1"]))
        .first(OnHost(&["docker", "tag", "BUSYBOX_1", "fidelity:tag"]))
        .first(Replace(COMPOSE, "BUSYBOX_MOVING", "fidelity:tag"))
        .step(
            step("another image behind the tag")
                .doing(OnHost(&["docker", "pull", "-q", "BUSYBOX_2"]))
                .doing(OnHost(&["docker", "tag", "BUSYBOX_2", "fidelity:tag"]))
                .recreates("moving"),
        )
        .step(step("the same image again").doing(OnHost(&["docker", "tag", "BUSYBOX_2", "fidelity:tag"])))
        .step(
            step("another image and another service changed")
                .doing(OnHost(&["docker", "tag", "BUSYBOX_1", "fidelity:tag"]))
                .doing(Replace(COMPOSE, "  pinned:\n", "  pinned:\n    hostname: changed\n"))
                .recreates("moving pinned"),
        )
}

/// The tag moves in the registry.
fn moved_tag_pull() -> Case {
    case("moved-tag-pull")
        .first(MoveTag("1"))
        .step(step("another image in the registry, not pulled").doing(MoveTag("2")))
        .step(step("all images are pulled").doing(Set("pull", "\"always\"")).recreates("moving"))
        .step(
            step("another image in the registry, and another service changed")
                .doing(MoveTag("1"))
                .doing(Replace(COMPOSE, "  pinned:\n", "  pinned:\n    hostname: changed\n"))
                .recreates("moving pinned"),
        )
        .step(
            step("another service changed, same image")
                .doing(Replace(COMPOSE, "hostname: changed", "hostname: again"))
                .recreates("pinned"),
        )
}

fn scale() -> Case {
    case("scale")
        .step(
            step("one more, two more")
                .doing(Replace(COMPOSE, "replicas: 2", "replicas: 3"))
                .doing(Replace(COMPOSE, "scale: 1", "scale: 3"))
                .scales("web worker"),
        )
        .step(step("fewer").doing(Replace(COMPOSE, "replicas: 3", "replicas: 1")).scales("web"))
        .step(
            step("a count and a value")
                .doing(Replace(COMPOSE, "scale: 3", "scale: 2\n    hostname: w"))
                .recreates("worker"),
        )
        .step(
            step("from none and to none")
                .doing(Replace(COMPOSE, "replicas: 0", "replicas: 2"))
                .doing(Replace(COMPOSE, "replicas: 1", "replicas: 0"))
                .creates("idle")
                .removes("web"),
        )
        .step(
            step("a value of several")
                .doing(Replace(COMPOSE, "hostname: w", "hostname: v"))
                .recreates("worker"),
        )
}

fn labels() -> Case {
    case("labels")
        .step(
            step("a label")
                .doing(Replace(COMPOSE, "b: \"two words\"", "b: \"three words\""))
                .recreates("map"),
        )
        .step(step("a list becomes the same map").doing(Replace(
            COMPOSE,
            "      - a=1\n      - flag\n",
            "      a: \"1\"\n      flag: \"\"\n",
        )))
        .step(step("an annotation").doing(Replace(COMPOSE, "note: one", "note: two")).recreates("annotated"))
        .step(step("a label goes").doing(Replace(COMPOSE, "      flag: \"\"\n", "")).recreates("list"))
        .step(
            step("a label that looks like ours")
                .doing(Replace(
                    COMPOSE,
                    "      note: two\n",
                    "      note: two\n    labels:\n      windlass.x: \"1\"\n",
                ))
                .recreates("annotated"),
        )
}

fn health() -> Case {
    case("health")
        .step(step("the time limit").doing(Replace(COMPOSE, "timeout: 2s", "timeout: 3s")).recreates("checked"))
        .step(step("the same time in another unit").doing(Replace(COMPOSE, "timeout: 3s", "timeout: 3000ms")))
        .step(
            step("a check switched off, another one on")
                .doing(Replace(
                    COMPOSE,
                    "      test: test -e /version\n      interval: 1h\n      start_period: 1m\n      start_interval: 1s\n",
                    "      disable: true\n",
                ))
                .doing(Append(
                    COMPOSE,
                    "    healthcheck:\n      test: [\"CMD\", \"true\"]\n      interval: 1h\n      start_period: 1m\n      start_interval: 1s\n",
                ))
                .recreates("shell plain"),
        )
        .step(step("a comment").doing(Append(COMPOSE, "# words\n")))
        .step(step("the retries").doing(Replace(COMPOSE, "retries: 3", "retries: 4")).recreates("checked"))
}

fn limits() -> Case {
    case("limits")
        .step(step("a tmpfs").doing(Replace(COMPOSE, "size=1m", "size=2m")).recreates("mounts"))
        .step(step("an ulimit").doing(Replace(COMPOSE, "hard: 2048", "hard: 4096")).recreates("limits"))
        .step(step("a capability").doing(Replace(COMPOSE, "[CHOWN]", "[CHOWN, KILL]")).recreates("rights"))
        .step(step("the same size in other words").doing(Replace(
            COMPOSE,
            "shm_size: 16m",
            "shm_size: 16384k",
        )))
        .step(
            step("a limit of resources").doing(Replace(COMPOSE, "pids: 64", "pids: 65")).recreates("limits"),
        )
}

fn runtime() -> Case {
    case("runtime")
        .step(
            step("a hostname").doing(Replace(COMPOSE, "hostname: first", "hostname: second")).recreates("a"),
        )
        .step(step("a known name").doing(Replace(COMPOSE, "10.0.0.1", "10.0.0.2")).recreates("b"))
        .step(
            step("the name of a container")
                .doing(Replace(COMPOSE, "fidelity-runtime-c", "fidelity-runtime-d"))
                .recreates("c"),
        )
        .step(step("a restart policy").doing(Replace(COMPOSE, "unless-stopped", "always")).recreates("a"))
        .step(
            step("an option of the log")
                .doing(Replace(COMPOSE, "max-size: 1m", "max-size: 2m"))
                .recreates("b"),
        )
}
