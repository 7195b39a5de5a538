//! What is chosen beside the files: which services are started, what is waited for, what may stay.

use crate::case::{
    Action::{Append, Env, OnHost, Replace, Set},
    Case, case, step,
};

const COMPOSE: &str = "compose.yaml";

pub fn cases() -> Vec<Case> {
    vec![selection(), waiting(), orphans()]
}

fn selection() -> Case {
    case("selection")
        .first(Set("start_services", "[\"app\", \"db\"]"))
        .step(
            step("a value and a file of one that is left alone")
                .doing(Replace(COMPOSE, "TOOL: \"1\"", "TOOL: \"2\""))
                .doing(Append("tool.conf", "b = 2\n")),
        )
        .step(step("a value that it shares with one").doing(Env("LEVEL", "debug")).recreates("app"))
        .step(
            step("the product runs it while others change")
                .doing(OnHost(&[
                    "sh",
                    "-c",
                    "cd /root/windlass/selection && docker compose up -d --no-deps tool",
                ]))
                .doing(Replace(COMPOSE, "  db:\n    <<: *idle\n", "  db:\n    <<: *idle\n    hostname: d\n"))
                .recreates("db app")
                .keeps_now("app"),
        )
        .step(step("one more is left alone").doing(Set("start_services", "[\"db\"]")).removes("app"))
        .step(
            step("one is started again while the product changes its own")
                .doing(OnHost(&["sh", "-c", "cd /root/windlass/selection && docker compose rm -sf tool"]))
                .doing(Set("start_services", "[\"app\", \"db\"]"))
                .creates("app"),
        )
}

fn waiting() -> Case {
    const WAITS: &str = "{ slow = \"running\", once = \"completed\", crash = \"ignore\" }";
    case("waiting")
        .first(Set("wait_for", WAITS))
        .step(
            step("nothing is waited for")
                .doing(Set("wait_for", "{ slow = \"ignore\", once = \"ignore\", crash = \"ignore\" }")),
        )
        .step(step("a value of those that end").doing(Env("LEVEL", "debug")).recreates("once crash"))
        .step(step("as it was").doing(Set("wait_for", WAITS)))
        .step(step("one that is not asked").doing(Replace(COMPOSE, "1h", "2h")).recreates("slow"))
}

/// With `remove_orphans = false`.
fn orphans() -> Case {
    const OLD: &str = "  old:\n    <<: *idle\n";
    case("orphans")
        .first(Set("remove_orphans", "false"))
        .first(Set("profiles", "[\"debug\"]"))
        .step(step("a profile is switched off").doing(Set("profiles", "[]")).removes("debug"))
        .step(step("a service leaves the files").doing(Replace(COMPOSE, OLD, "")))
        .step(
            step("another one changes")
                .doing(Replace(
                    COMPOSE,
                    "  app:\n    <<: *idle\n",
                    "  app:\n    <<: *idle\n    hostname: a\n",
                ))
                .recreates("app"),
        )
        .step(
            step("both come back")
                .doing(Append(COMPOSE, OLD))
                .doing(Set("profiles", "[\"debug\"]"))
                .creates("debug"),
        )
        .step(step("one leaves again").doing(Replace(COMPOSE, OLD, "")))
        .step(step("orphans go after all").doing(Set("remove_orphans", "true")).removes("old"))
}
