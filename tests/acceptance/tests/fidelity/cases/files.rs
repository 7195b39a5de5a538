//! Files: included, extended, mounted, laid over, oddly named.

use crate::case::{
    Action::{Append, Delete, Env, Link, Mode, Overlay, Rename, Replace, Set, Write},
    Case, case, step,
};

const COMPOSE: &str = "compose.yaml";

pub fn cases() -> Vec<Case> {
    vec![
        include(),
        extends(),
        configs(),
        secrets(),
        binds(),
        links(),
        overlay(),
        texts(),
        merged(),
        subfolder(),
        odd_names(),
    ]
}

fn include() -> Case {
    case("include")
        .step(
            step("the env file of an included project")
                .doing(Write("parts/cache/cache.env", "SIZE=11\n"))
                .recreates("cache"),
        )
        .step(step("an env file inside").doing(Write("parts/db/db.env", "DB=other\n")).recreates("db"))
        .step(
            step("a file mounted inside")
                .doing(Append("parts/db/conf/db.conf", "more = 1\n"))
                .recreates("db"),
        )
        .step(
            step("one more included")
                .doing(Replace(COMPOSE, "include:\n", "include:\n  - parts/mail/compose.yaml\n"))
                .creates("mail"),
        )
        .step(
            step("a comment inside, a value outside")
                .doing(Append("parts/db/compose.yaml", "# words\n"))
                .doing(Env("SIZE", "big"))
                .recreates("app cache"),
        )
}

fn extends() -> Case {
    case("extends")
        .step(
            step("the env file of the base")
                .doing(Write("common/base.env", "FROM_BASE=2\n"))
                .recreates("api worker local"),
        )
        .step(
            step("a value that one inherits")
                .doing(Replace("common/base.yaml", "QUEUE: jobs", "QUEUE: mail"))
                .recreates("worker"),
        )
        .step(
            step("a file mounted by the base").doing(Append("common/data/list", "two\n")).recreates("worker"),
        )
        .step(
            step("a value all override but one")
                .doing(Replace("common/base.yaml", "ROLE: none", "ROLE: base"))
                .recreates("worker"),
        )
        .step(step("a chain inside").doing(Replace(COMPOSE, "ROLE: api", "ROLE: front")).recreates("api"))
}

fn configs() -> Case {
    case("configs")
        .first(Env("LEVEL", "info"))
        .step(step("the file of a config").doing(Append("conf/app.conf", "b = 2\n")).recreates("file"))
        .step(
            step("the text of a config")
                .doing(Replace(COMPOSE, "fixed = 1", "fixed = 2"))
                .recreates("content"),
        )
        .step(step("a value in text and config").doing(Env("LEVEL", "debug")).recreates("content env"))
        .step(
            step("another file of the same content")
                .doing(Rename("conf/app.conf", "conf/other.conf"))
                .doing(Replace(COMPOSE, "app.conf\n  from_text", "other.conf\n  from_text"))
                .recreates("file"),
        )
        .step(
            step("where it is mounted")
                .doing(Replace(COMPOSE, "mode: 0440", "mode: 0400"))
                .recreates("content"),
        )
}

fn secrets() -> Case {
    case("secrets")
        .first(Env("PASSWORD", "plain"))
        .step(
            step("the file of a secret").doing(Write("secrets/password.txt", "new\n")).recreates("file both"),
        )
        .step(step("the variable of a secret").doing(Env("PASSWORD", "other")).recreates("env both"))
        .step(step("a file nobody uses").doing(Write("secrets/old.txt", "old\n")))
        .step(
            step("where one is mounted")
                .doing(Replace(COMPOSE, "target: password", "target: pw"))
                .recreates("file"),
        )
        .step(step("the mode of the file").doing(Mode("secrets/password.txt", 0o700)).recreates("file both"))
}

fn binds() -> Case {
    case("binds")
        .step(step("a mounted file").doing(Append("app.conf", "b = 2\n")).recreates("file"))
        .step(
            step("a new file in a mounted folder").doing(Write("site/new.html", "new\n")).recreates("folder"),
        )
        .step(step("a file nobody uses").doing(Append("README.md", "More.\n")))
        .step(
            step("a mode, and a file less")
                .doing(Mode("app.conf", 0o700))
                .doing(Delete("site/deep/page.html"))
                .recreates("file folder"),
        )
        .step(
            step("a first file in an empty folder, other places and rights")
                .doing(Write("data/seed", "1\n"))
                .doing(Replace(COMPOSE, "target: /www", "target: /site\n        read_only: true"))
                .recreates("data folder"),
        )
}

fn links() -> Case {
    case("links")
        .first(Link("current", "releases/one.txt"))
        .first(Link("latest", "releases"))
        .step(
            step("the link points elsewhere").doing(Link("current", "releases/two.txt")).recreates("current"),
        )
        .step(
            step("what the link points to")
                .doing(Append("releases/two.txt", "more\n"))
                .recreates("current folder"),
        )
        .step(
            step("what is reached through a link")
                .doing(Append("releases/one.txt", "more\n"))
                .recreates("folder through"),
        )
}

fn overlay() -> Case {
    case("overlay")
        .first(Overlay("generated/app.env", "A=1\n"))
        .first(Overlay("conf/made.conf", "from ${the} configuration\n"))
        .step(step("a laid-over env file").doing(Overlay("generated/app.env", "A=2\n")).recreates("env"))
        .step(step("a laid-over mounted file").doing(Overlay("conf/made.conf", "other\n")).recreates("app"))
        .step(
            step("over a file of the folder")
                .doing(Overlay("conf/base.conf", "laid over\n"))
                .recreates("app"),
        )
        .step(step("the file below it").doing(Write("conf/base.conf", "unseen\n")))
        .step(step("one that nobody uses").doing(Overlay("generated/other.txt", "x\n")))
}

fn texts() -> Case {
    case("texts")
        .texts(&["compose.yaml", "more.yaml"])
        .first(Overlay("generated/app.conf", "a = 1\n"))
        .step(step("a value for the second text").doing(Env("LEVEL", "warn")).recreates("app"))
        .step(step("the overridden value").doing(Replace(COMPOSE, "LEVEL: info", "LEVEL: error")))
        .step(step("the mounted file").doing(Overlay("generated/app.conf", "a = 2\n")).recreates("app"))
        .step(step("a comment").doing(Append(COMPOSE, "# words\n")))
        .step(
            step("a service of the first text")
                .doing(Append(COMPOSE, "    hostname: aside\n"))
                .recreates("side"),
        )
}

fn merged() -> Case {
    case("merged")
        .first(Set("files", "[\"compose.yaml\", \"prod.yaml\"]"))
        .step(step("the second file").doing(Replace("prod.yaml", "B: prod", "B: stage")).recreates("app"))
        .step(step("a value that the second overrides").doing(Replace(COMPOSE, "B: base", "B: none")))
        .step(
            step("a third file")
                .doing(Set("files", "[\"compose.yaml\", \"prod.yaml\", \"extra.yaml\"]"))
                .recreates("web")
                .creates("more"),
        )
        .step(
            step("another order without a difference")
                .doing(Set("files", "[\"compose.yaml\", \"extra.yaml\", \"prod.yaml\"]")),
        )
        .step(
            step("only the first")
                .doing(Set("files", "[\"compose.yaml\"]"))
                .recreates("app web")
                .removes("more"),
        )
}

fn subfolder() -> Case {
    case("subfolder")
        .first(Set("files", "[\"deploy/compose.yaml\", \"deploy/prod.yaml\"]"))
        .step(
            step("the .env beside the first file")
                .doing(Write("deploy/.env", "FROM_DOTENV=new\n"))
                .recreates("app"),
        )
        .step(step("the .env at the top").doing(Write(".env", "FROM_DOTENV=unseen\n")))
        .step(step("a file above").doing(Append("site/index.html", "<p>two</p>\n")).recreates("web"))
        .step(step("an env file above").doing(Write("env/app.env", "APP=2\n")).recreates("app"))
        .step(step("a file beside").doing(Write("deploy/local.conf", "other\n")).recreates("web"))
}

fn odd_names() -> Case {
    case("odd-names")
        .first(Set("files", "[\"stack of (odd) names.yaml\"]"))
        .step(
            step("an env file").doing(Write("env files/größe & co.env", "SIZE=klein\n")).recreates("a.b_c-d"),
        )
        .step(step("a mounted file").doing(Append("-dash/it's $HOME;.txt", "more\n")).recreates("UPPER"))
        .step(step("in a folder with a colon").doing(Append("a:b/file", "more\n")).recreates("UPPER"))
        .step(step("a comment").doing(Append("stack of (odd) names.yaml", "# words\n")))
        .step(
            step("another name of a service")
                .doing(Replace("stack of (odd) names.yaml", "a.b_c-d:", "e.f-1_:"))
                .removes("a.b_c-d")
                .creates("e.f-1_"),
        )
}
