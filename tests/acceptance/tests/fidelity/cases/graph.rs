//! Services that have to do with each other: dependencies, jobs, networks, volumes, shared spaces.

use crate::case::{
    Action::{Append, Env, OnHost, Replace, Secret, Set, Write},
    Case, case, step,
};

const COMPOSE: &str = "compose.yaml";

pub fn cases() -> Vec<Case> {
    vec![depends(), jobs(), shares(), networks(), default_network(), ports(), volumes(), mixture()]
}

fn depends() -> Case {
    case("depends")
        .step(
            step("the last one")
                .doing(Replace(COMPOSE, "depends_on: [api]", "depends_on: [api]\n    hostname: w"))
                .recreates("web"),
        )
        .step(
            step("the first one")
                .doing(Replace(COMPOSE, "  db:\n    <<: *idle\n", "  db:\n    <<: *idle\n    hostname: d\n"))
                .recreates("db api web asks")
                .keeps_now("api web")
                .restarts_now("asks"),
        )
        // The hash of Compose 2.26 covers what a service depends on, and how.
        .step(
            step("another condition")
                .doing(Replace(COMPOSE, "condition: service_healthy", "condition: service_started"))
                .recreates("api web")
                .keeps_now("api web"),
        )
        .step(
            step("one more dependency")
                .doing(Append(COMPOSE, "    depends_on: [db]\n"))
                .recreates("alone")
                .keeps_now("alone"),
        )
        .step(
            step("the one in the middle")
                .doing(Replace(
                    COMPOSE,
                    "  api:\n    <<: *idle\n",
                    "  api:\n    <<: *idle\n    hostname: a\n",
                ))
                .recreates("api web")
                .keeps_now("web"),
        )
}

fn jobs() -> Case {
    case("jobs")
        .step(
            step("a value of the job")
                .doing(Replace(COMPOSE, "VERSION: \"1\"", "VERSION: \"2\""))
                .recreates("migrate app")
                .keeps_now("app"),
        )
        .step(step("a job by its label").doing(Replace(COMPOSE, "exit 0", "true; exit 0")).recreates("seed"))
        .step(step("a comment").doing(Append(COMPOSE, "# words\n")))
        .step(step("a service beside").doing(Append(COMPOSE, "    hostname: o\n")).recreates("other"))
        .step(
            step("one that waits")
                .doing(Replace(
                    COMPOSE,
                    "  app:\n    <<: *idle\n",
                    "  app:\n    <<: *idle\n    hostname: a\n",
                ))
                .recreates("app"),
        )
}

fn shares() -> Case {
    case("shares")
        // Compose drops the mode of volumes_from.
        .step(step("one that shares").doing(Replace(
            COMPOSE,
            "volumes_from: [\"main:ro\"]",
            "volumes_from: [\"main\"]",
        )))
        .step(
            step("the one that is shared")
                .doing(Replace(COMPOSE, "data:/data", "data:/var/data"))
                .recreates("main net vol pid"),
        )
        .step(step("a comment").doing(Append(COMPOSE, "# words\n")))
        .step(
            step("one that has nothing to do with them")
                .doing(Replace(
                    COMPOSE,
                    "  alone:\n    <<: *idle\n",
                    "  alone:\n    <<: *idle\n    hostname: alone\n",
                ))
                .recreates("alone"),
        )
        .step(
            step("no longer shared").doing(Replace(COMPOSE, "    pid: service:main\n", "")).recreates("pid"),
        )
}

fn networks() -> Case {
    case("networks")
        .first(OnHost(&["docker", "network", "create", "fidelity-shared"]))
        .step(step("an address").doing(Replace(COMPOSE, "10.91.1.11", "10.91.1.12")).recreates("db"))
        .step(step("an alias").doing(Replace(COMPOSE, "[backend]", "[backend, api2]")).recreates("api"))
        .step(
            step("another network")
                .doing(Replace(COMPOSE, "networks: [front]", "networks: [back]"))
                .recreates("web"),
        )
        .step(
            step("one more network, a comment")
                .doing(Replace(COMPOSE, "networks: [shared]", "networks: [shared, front] # both"))
                .recreates("outside"),
        )
        // Compose 2.26 leaves a network as it was made.
        .step(
            step("another definition of a network")
                .doing(Replace(
                    COMPOSE,
                    "    driver: bridge\n",
                    "    driver: bridge\n    labels: { kind: test }\n",
                ))
                .recreates_now("api outside"),
        )
        .step(step("a network that nobody uses").doing(Append(COMPOSE, "  unused:\n    driver: bridge\n")))
}

fn default_network() -> Case {
    case("default-network")
        .step(step("the linked one").doing(Append(COMPOSE, "# words\n")))
        .step(step("the name of a link").doing(Replace(COMPOSE, "b:database", "b:db")).recreates("a"))
        .step(
            step("the linked one changes")
                .doing(Replace(COMPOSE, "  b:\n    <<: *idle\n", "  b:\n    <<: *idle\n    hostname: b\n"))
                .recreates("a b")
                .restarts_now("a"),
        )
}

fn ports() -> Case {
    case("ports")
        .step(step("a published port").doing(Replace(COMPOSE, "18001:80", "18004:80")).recreates("short"))
        .step(step("a published port in long words").doing(Replace(COMPOSE, "\"18010\"", "\"18011\"")).recreates("long"))
        .step(
            step("the short form in long words")
                .doing(Replace(
                    COMPOSE,
                    "      - \"127.0.0.1:18004:80\"\n",
                    "      - target: 80\n        published: \"18004\"\n        host_ip: 127.0.0.1\n        protocol: tcp\n        mode: ingress\n",
                )),
        )
        .step(step("a first port").doing(Append(COMPOSE, "    ports: [\"18030-18031:80-81\"]\n")).recreates("none"))
        .step(step("a port of Docker's choice").doing(Replace(COMPOSE, "\"18030-18031:80-81\"", "\"80\"")).recreates("none"))
}

fn volumes() -> Case {
    case("volumes")
        .first(OnHost(&["docker", "volume", "create", "fidelity-kept"]))
        .step(
            step("where a volume is mounted")
                .doing(Replace(COMPOSE, "kept:/kept", "kept:/keep"))
                .recreates("writer"),
        )
        .step(
            step("the rights of a volume")
                .doing(Replace(COMPOSE, "read_only: true", "read_only: false"))
                .recreates("reader"),
        )
        .step(
            step("one more anonymous volume")
                .doing(Replace(COMPOSE, "- /scratch", "- /scratch\n      - /more"))
                .recreates("anonymous"),
        )
        .step(
            step("another volume")
                .doing(Replace(COMPOSE, "- data:/data", "- other:/data"))
                .doing(Append(COMPOSE, "  other: {}\n"))
                .recreates("writer"),
        )
        // A volume is never made anew: its data would be lost.
        .step(step("another definition of a volume").doing(Replace(COMPOSE, "kind: test", "kind: other")))
        .step(step("a volume that nobody uses").doing(Append(COMPOSE, "  unused: {}\n")))
}

fn mixture() -> Case {
    case("mixture")
        .first(Secret("PASSWORD", "p1 $x"))
        .first(Set("secrets_wo_version", "\"1\""))
        .step(
            step("a mounted file at the end of the chain")
                .doing(Write("proxy.conf", "other\n"))
                .recreates("proxy"),
        )
        .step(
            step("an env file in the middle")
                .doing(Write("app.env", "LEVEL=debug\n"))
                .recreates("app proxy")
                .keeps_now("proxy"),
        )
        .step(
            step("another secret")
                .doing(Secret("PASSWORD", "p2"))
                .doing(Set("secrets_wo_version", "\"2\""))
                .recreates("db migrate app proxy")
                .keeps_now("proxy"),
        )
        .step(
            step("a value that two use")
                .doing(Env("DB", "second"))
                .recreates("migrate app proxy")
                .keeps_now("proxy"),
        )
        .step(
            step("a config and a comment")
                .doing(Write("app.conf", "a = 2\n"))
                .doing(Append(COMPOSE, "# words\n"))
                .recreates("app proxy")
                .keeps_now("proxy"),
        )
}
