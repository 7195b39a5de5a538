//! Projects in the shapes that public repositories have, whatever Windlass is told of their files.
//!
//! None of them is anybody's: what is in them was seen in many. The most expensive one is the second.

use crate::case::{
    Action::{Link, Many, Replace, Set, Write},
    Case, case, step,
};

pub fn cases() -> Vec<Case> {
    vec![includes(), forty(), dotenv(), fragments()]
}

/// A folder for every application, each with a Compose file and values of its own.
fn includes() -> Case {
    case("public-includes")
        .step(
            step("a value of one folder")
                .doing(Write("apps/notes/.env", "COLOUR=green\n"))
                .recreates("notes"),
        )
        .step(
            step("a value that all share")
                .doing(Replace(".env", "example.org", "example.net"))
                .recreates("dashboard proxy blog notes"),
        )
        .step(
            step("a mounted file and an env file")
                .doing(Replace("proxy/conf/proxy.conf", "80", "81"))
                .doing(Replace("apps/blog/blog.env", "My blog", "Our blog"))
                .recreates("proxy blog"),
        )
        .step(
            step("the files by their names")
                .doing(Set("files", "[\"./docker-compose.yml\", \"docker-compose.override.yml\"]")),
        )
        .step(
            step("the override file is left out")
                .doing(Set("files", "[\"docker-compose.yml\"]"))
                .recreates("dashboard"),
        )
}

/// Forty services.
fn forty() -> Case {
    const FILE: &str = "docker-compose.yml";
    case("public-forty")
        .step(
            step("a value of ten")
                .doing(Write(".env", "DOMAIN=example.net\n"))
                .recreates("app-04 app-08 app-12 app-16 app-20 app-24 app-28 app-32 app-36 app-40"),
        )
        .step(
            step("a mounted file, and a label")
                .doing(Write("conf/app-10.conf", "name = ten\n"))
                .doing(Replace(FILE, "last: \"yes\"", "last: \"no\""))
                .recreates("app-10 app-40"),
        )
}

/// `.env` is a link to the values of a stage, hundreds of files are shipped, and profiles need values.
fn dotenv() -> Case {
    case("public-dotenv")
        .first(Link(".env", "envs/prod.env"))
        .first(Many("site/pages", 300))
        .step(step("one page of many").doing(Write("site/pages/7.html", "new\n")).recreates("web"))
        .step(
            step("a value for interpolation and containers")
                .doing(Replace("envs/prod.env", "QUEUES=default,mail", "QUEUES=mail"))
                .recreates("web worker"),
        )
        .step(
            step("the link leads to another stage, without its profile")
                .doing(Link(".env", "envs/stage.env"))
                .recreates("web worker")
                .removes("metrics"),
        )
        .step(
            step("values of another file, containers keep theirs")
                .doing(Set("env_file", "\"envs/prod.env\""))
                .recreates("worker")
                .creates("metrics"),
        )
        .step(step("the example").doing(Write(".env.example", "# Nothing to fill in.\n")))
}

/// A project in a folder that `.env` above it names, made of fragments.
fn fragments() -> Case {
    case("public-fragments")
        .step(
            step("a level that was not set")
                .doing(Write("env/local.env", "LOCAL=1\n"))
                .doing(Replace(".env", "STAGE=prod\n", "STAGE=prod\nLOG_LEVEL=debug\n"))
                .recreates("api jobs"),
        )
        .step(step("a fragment's value").doing(Replace(".env", "TEAM=core", "TEAM=edge")).recreates("api"))
        .step(
            step("one file less")
                .doing(Replace(".env", ":deploy/docker-compose.prod.yml", ""))
                .recreates("jobs"),
        )
}
