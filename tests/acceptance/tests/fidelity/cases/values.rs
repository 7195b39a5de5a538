//! Values: environments, interpolation, quoting, secrets.

use crate::case::{
    Action::{Append, Delete, Env, NoEnv, Replace, Secret, SecretFile, Set, Write},
    Case, case, step,
};

const COMPOSE: &str = "compose.yaml";

pub fn cases() -> Vec<Case> {
    vec![
        env_files(),
        env_optional(),
        env_of_stack(),
        interpolation(),
        escapes(),
        commands(),
        secret_values(),
        secret_files(),
        anchors(),
        extensions(),
    ]
}

fn env_files() -> Case {
    case("env-files")
        .step(
            step("a value that one service uses")
                .doing(Replace("env/api/api.env", "0.0.0.0:80", "0.0.0.0:81"))
                .recreates("api"),
        )
        .step(
            step("a value that two services use")
                .doing(Replace("env/common.env", "NAME=world", "NAME='wor ld'"))
                .recreates("api worker"),
        )
        .step(step("a comment").doing(Append("env/common.env", "# more words\n")))
        .step(
            step("other quotes, same values")
                .doing(Replace(
                    "env/common.env",
                    "RAW='costs $5 # not a comment'",
                    "RAW=\"costs \\$5 # not a comment\"",
                ))
                .doing(Replace("env/common.env", "LEVEL=info", "LEVEL=\"info\"")),
        )
        .step(
            step("an overridden value and an unused file")
                .doing(Replace("env/common.env", "LEVEL=\"info\"", "LEVEL=warn"))
                .doing(Write("env/unused.env", "NOBODY=still\n"))
                .recreates("worker"),
        )
}

fn env_optional() -> Case {
    case("env-optional")
        .step(step("the optional file comes").doing(Write("local.env", "LOCAL=1\n")).recreates("api"))
        .step(step("the optional file overrides").doing(Write("local.env", "BASE=2\n")).recreates("api"))
        .step(step("the overridden value").doing(Write("base.env", "BASE=3\n")))
        .step(step("the optional file goes").doing(Delete("local.env")).recreates("api"))
        .step(step("the value moves into the Compose file").doing(Write("base.env", "# nothing\n")).doing(
            Replace(
                COMPOSE,
                "    env_file:\n      - path: base.env\n",
                "    environment:\n      BASE: \"3\"\n    env_file:\n      - path: base.env\n",
            ),
        ))
}

fn env_of_stack() -> Case {
    case("env-of-stack")
        .step(step("a value of .env").doing(Replace(".env", "TAG=1", "TAG=2")).recreates("all some"))
        .step(step("a value that only env_file sees").doing(Append(".env", "MORE=1\n")).recreates("all"))
        .step(step("environment wins").doing(Env("MODE", "it's \"fancy\" $HOME\n#2")).recreates("some"))
        .step(
            step("a comment in .env, and another profile")
                .doing(Append(".env", "\n# words\n"))
                .doing(Set("profiles", "[\"x\"]")),
        )
        .step(
            step("the overridden value, then the same one")
                .doing(Replace(".env", "MODE=plain", "MODE=hidden"))
                .doing(Env("TAG", "2"))
                .doing(NoEnv("MODE"))
                .recreates("all some"),
        )
}

fn interpolation() -> Case {
    case("interpolation")
        .first(Env("MUST", "be"))
        .first(Env("IMAGE", "BUSYBOX_1"))
        .step(step("the default's own value").doing(Env("A", "one")).recreates("defaults"))
        .step(step("empty values").doing(Env("B", "")).doing(Env("C", "")).recreates("defaults"))
        .step(step("a value in the name of a label").doing(Env("MUST", "have")).recreates("required"))
        .step(step("another image by its variable").doing(Env("IMAGE", "BUSYBOX_2")).recreates("image"))
        .step(
            step("a value that nobody uses, and a default")
                .doing(Env("NOBODY", "uses this"))
                .doing(Replace(COMPOSE, ":-86400", ":-86401"))
                .recreates("image"),
        )
}

fn escapes() -> Case {
    case("escapes")
        .first(Env("PASSED", "a $b ${c} $$d 'e' \"f\" \\g"))
        .step(step("one more dollar").doing(Replace(COMPOSE, "$$5 and", "$$$$5 and")).recreates("shell"))
        .step(step("a passed value").doing(Env("PASSED", "ends with \\")).recreates("shell"))
        .step(step("a passed value of lines").doing(Env("PASSED", "one\ntwo\n\tthree's")).recreates("shell"))
        .step(step("the same value in other quotes").doing(Replace(
            "dollars.env",
            "'a $b ${c}'",
            "\"a \\$b \\${c}\"",
        )))
        .step(
            step("a dollar in an env file")
                .doing(Replace("dollars.env", "\"a \\$b\"", "\"a \\$c\""))
                .recreates("plain"),
        )
}

fn commands() -> Case {
    case("commands")
        .step(step("a text becomes the same list").doing(Replace(
            COMPOSE,
            "command: sleep 1d",
            "command: [\"sleep\", \"1d\"]",
        )))
        .step(step("one more word").doing(Replace(COMPOSE, "[\"1d\"]", "[\"1d\", \"1s\"]")).recreates("list"))
        .step(step("other quotes, same words").doing(Replace(
            COMPOSE,
            "sh -c \"sleep 1d\"",
            "sh -c 'sleep 1d'",
        )))
        .step(
            step("entrypoint in words of its own")
                .doing(Replace(COMPOSE, "sh -c 'sleep 1d'", "[\"sh\", \"-c\", \"sleep 2d\"]"))
                .recreates("shell"),
        )
        .step(step("a comment and empty lines").doing(Replace(
            COMPOSE,
            "services:\n",
            "# All of them.\n\nservices:\n\n",
        )))
}

fn secret_values() -> Case {
    case("secret-values")
        .first(Secret("PASSWORD", "first $1 'one'"))
        .first(Secret("TOKEN", "t1"))
        .first(Set("secrets_wo_version", "\"1\""))
        .first(Env("MODE", "a"))
        .step(
            step("another version with another value")
                .doing(Secret("PASSWORD", "second"))
                .doing(Secret("TOKEN", "t2"))
                .doing(Set("secrets_wo_version", "\"2\""))
                .recreates("app mounted"),
        )
        .step(step("another value of the same version").doing(Secret("PASSWORD", "unseen")))
        .step(step("a value that is no secret").doing(Env("MODE", "b")).recreates("open"))
        .step(
            step("another version with the same value")
                .doing(Secret("PASSWORD", "second"))
                .doing(Set("secrets_wo_version", "\"3\"")),
        )
        .step(step("a secret that nobody uses").doing(Secret("NOBODY", "uses this")))
}

fn secret_files() -> Case {
    case("secret-files")
        .first(SecretFile("private/key", "first $1 'one'"))
        .first(SecretFile("private/app.env", "NAME=one\n"))
        .first(SecretFile("private/tls/cert", "cert 1"))
        .first(Set("secret_files_wo_version", "\"1\""))
        .step(
            step("another version with another key")
                .doing(SecretFile("private/key", "second"))
                .doing(Set("secret_files_wo_version", "\"2\""))
                .recreates("mounted"),
        )
        .step(
            step("another version with other values of the others")
                .doing(SecretFile("private/app.env", "NAME=two\n"))
                .doing(SecretFile("private/tls/cert", "cert 2"))
                .doing(Set("secret_files_wo_version", "\"3\""))
                .recreates("listed bound"),
        )
        .step(step("another value of the same version").doing(SecretFile("private/key", "unseen")))
        .step(
            step("another version with the same values")
                .doing(SecretFile("private/key", "second"))
                .doing(Set("secret_files_wo_version", "\"4\"")),
        )
        .step(
            step("one more where one service looks")
                .doing(SecretFile("private/tls/more", "more"))
                .recreates("bound"),
        )
        .step(step("one that nobody uses").doing(SecretFile("private/nobody", "uses this")))
}

fn anchors() -> Case {
    case("anchors")
        .step(step("a value of the anchor").doing(Replace(COMPOSE, "LEVEL: info", "LEVEL: debug")).recreates("api worker"))
        .step(step("a value that one overrides").doing(Replace(COMPOSE, "REGION: eu", "REGION: asia")).recreates("api"))
        .step(step("the order of keys").doing(Replace(
            COMPOSE,
            "  LEVEL: debug\n  REGION: asia\n",
            "  REGION: asia\n  LEVEL: debug\n",
        )))
        .step(step("the anchor that all use").doing(Replace(COMPOSE, "sleep 1d", "sleep 2d")).recreates("api worker plain"))
        .step(step("the merged keys written out").doing(Replace(
            COMPOSE,
            "  plain:\n    <<: *idle\n",
            "  plain:\n    image: BUSYBOX_1\n    command: sleep 2d\n    network_mode: none\n    stop_signal: SIGKILL\n",
        )))
}

fn extensions() -> Case {
    case("extensions")
        .step(step("an extension of the project").doing(Replace(COMPOSE, "x-note: one", "x-note: [two]")))
        .step(step("an extension of a service").doing(Replace(COMPOSE, "x-owner: core", "x-owner: web")))
        .step(step("a value beside it").doing(Replace(COMPOSE, "A: \"1\"", "A: 2")).recreates("app"))
        .step(step("the same value in other types").doing(Replace(COMPOSE, "A: 2", "A: \"2\"")))
        .step(step("an extension goes").doing(Replace(COMPOSE, "    x-owner: web\n", "")))
}
