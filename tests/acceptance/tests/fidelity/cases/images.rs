//! Images: built on the host, chosen beside the files.

use crate::case::{
    Action::{Append, Env, Replace, Set, Write},
    Case, case, step,
};

const COMPOSE: &str = "compose.yaml";

pub fn cases() -> Vec<Case> {
    vec![build(), images()]
}

fn build() -> Case {
    case("build")
        .first(Set("build", "true"))
        .step(step("a file of the context").doing(Write("app/page", "two\n")).recreates("app"))
        .step(
            step("a file that is not sent, and another service")
                .doing(Append("app/notes", "more\n"))
                .doing(Append(COMPOSE, "    hostname: plain\n"))
                .recreates("plain"),
        )
        .step(step("the Dockerfile").doing(Append("app/Dockerfile", "LABEL more=1\n")).recreates("app"))
        .step(step("an argument").doing(Env("LEVEL", "debug")).recreates("app"))
        .step(
            step("a Dockerfile in the Compose file")
                .doing(Replace(COMPOSE, "LABEL other=1", "LABEL other=2"))
                .recreates("other"),
        )
}

fn images() -> Case {
    case("images")
        .first(Set("images", "{ three = \"BUSYBOX_1\" }"))
        .step(
            step("one has another")
                .doing(Set("images", "{ one = \"BUSYBOX_2\", three = \"BUSYBOX_1\" }"))
                .recreates("one"),
        )
        .step(
            step("the same for one, another for the rest")
                .doing(Replace(COMPOSE, "BUSYBOX_1", "BUSYBOX_2"))
                .recreates("two"),
        )
        .step(
            step("the image that the file has already")
                .doing(Set("images", "{ two = \"BUSYBOX_2\", three = \"BUSYBOX_1\" }")),
        )
        .step(
            step("all another")
                .doing(Set("images", "{ one = \"BUSYBOX_1\", two = \"BUSYBOX_1\", three = \"BUSYBOX_2\" }"))
                .recreates("one two three"),
        )
}
