//! The schema of `windlass_command`.

use std::collections::BTreeMap;

use framework::{Attribute, Rule, Schema, Timeouts, Type, validate};

use super::{model::check_variable, model::check_words, run::MOST_OUTPUT};

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "Commands on a host, for what no resource covers: one that makes something, and others that look at it, \
             change it and take it down. Each is a list of words that reaches the program as it is, without a shell; \
             where a shell is wanted, it is the first word: `[\"sh\", \"-c\", \"…\"]`. On a host with `sudo` they run \
             as root. A command that ends with a status other than 0 has failed.\n\n\
             A change of `create`, of `update` from one command to another, of `environment`, `working_directory`, \
             `triggers` or `stdin_wo_version`, and an output of `read` that is not the one that the last apply left, \
             is made by `update`; without an `update` the resource is replaced (`destroy`, then `create`). Other \
             changes run nothing.",
        )
        .attributes(commands())
        .attributes(inputs())
        .attributes(outputs())
        .rule(Rule::required_with("stdin_wo", ["stdin_wo_version"]))
        .rule(Rule::required_with("stdin_wo_version", ["stdin_wo"]))
        .rule(Rule::required_with("gone_statuses", ["read"]))
        .timeouts(Timeouts::new().create(20).update(20).delete(20).read(5))
}

fn words(name: &str) -> Attribute {
    Attribute::list(name, Type::String).check(|words: &Vec<String>| check_words(words))
}

fn commands() -> [Attribute; 5] {
    [
        words("create").required().describe(
            "The command that makes it, when the resource is created. When it fails and there is a `destroy`, the resource is recorded as tainted: the next \
             apply runs `destroy`, then `create` again. Without a `destroy` nothing is recorded, and the next apply \
             runs `create` again; it should then bear to be repeated.",
        ),
        words("read").describe(
            "The command that looks at it, at every plan and after `create` and `update`: it must change nothing. What it prints \
             is the output; another output than the last apply left is a difference, which the next apply repairs.",
        ),
        words("update").describe("The command that changes it in place. Without one, a change replaces it."),
        words("destroy").describe(
            "The command that takes it down, when the resource is destroyed. It is read from the state: a new one counts once it was applied. Without one, \
             destroying the resource contacts nothing.",
        ),
        Attribute::list("gone_statuses", Type::Number)
            .validate(validate::length(1, 16))
            .validate(validate::each(validate::between(1, 255)))
            .describe(
                "The exit statuses with which `read` says that there is nothing (any more): the resource is then \
                 created again. `[1]` fits `[\"test\", \"-e\", \"/path\"]`. Every other status but 0 is a failure, \
                 of which nothing follows.",
            ),
    ]
}

fn inputs() -> [Attribute; 5] {
    [
        Attribute::string("working_directory")
            .validate(validate::pattern("an absolute path", |path| path.starts_with('/') && !path.contains('\0')))
            .describe("The directory that all of them start in, an absolute path. Default: the home directory of who logs in."),
        Attribute::map("environment", Type::String)
            .check(|variables: &BTreeMap<String, String>| variables.iter().try_for_each(check_variable))
            .describe(
                "Variables for all of them, beside those of a login without a terminal. They are in the state and, \
                 for a moment, in the host's list of processes: secrets go through `stdin_wo`.",
            ),
        Attribute::map("triggers", Type::String)
            .describe("Values that what the commands make depends on, such as the hash of a file: when one changes, it is changed too."),
        Attribute::string("stdin_wo").write_only().describe(
            "What `create` and `update` read from stdin, write-only: it is in neither plan nor state, and where they \
             print it, `[secret]` takes its place. Changes are noticed by `stdin_wo_version`.",
        ),
        Attribute::string("stdin_wo_version").describe("A version of your choice for the value of `stdin_wo`, such as `3`: change it with the value, and the resource \
             is changed."),
    ]
}

fn outputs() -> [Attribute; 4] {
    [
        Attribute::bool("sensitive").default(false).describe(
            "Whether the output is not for everybody's eyes: it is then in `sensitive_output` and errors do not show \
             it. The state holds it in clear either way. Default: `false`.",
        ),
        Attribute::string("id").computed().keep_on_update().describe("A random text that stays for its life."),
        Attribute::string("output").computed().describe(format!(
            "What `read` printed or, without one, `create` or `update`; without the line breaks at its end. At most \
             {} KiB of UTF-8 text: a command that prints more, or something else, counts as failed. Null when \
             `sensitive`.",
            MOST_OUTPUT >> 10
        )),
        Attribute::string("sensitive_output").computed().sensitive().describe("The same when `sensitive`, else null."),
    ]
}
