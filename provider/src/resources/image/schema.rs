//! The schema of `windlass_image`.

use std::collections::BTreeSet;

use framework::{Attribute, Rule, Schema, Timeouts, Type, validate};

use super::model::{check_git, check_tag};
use crate::failure::left_out_in_words;
use tree::{Modes, check_parts};

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "An image that is built on a host with BuildKit, from a directory here or from a git repository, and \
             pushed to a registry where that is asked for. It is built again when what it is built from has changed, or \
             when one of its tags stands for another image on the host; BuildKit's cache makes that cheap. It is pushed \
             again when its registry has lost it.\n\n\
             Its `reference` always stands for just this image, so that a stack with it in `images` changes when the \
             image does.",
        )
        .attributes(names())
        .attributes(sources())
        .attributes(values())
        .attributes(behaviour())
        .attributes(computed())
        .rule(Rule::exactly_one_of(["context", "git"]))
        .rule(Rule::required_with("secrets_wo", ["secrets_wo_version"]))
        .timeouts(Timeouts::new().create(60).update(60).delete(5).read(5))
}

fn names() -> [Attribute; 2] {
    [
        Attribute::string("name")
            .required()
            .requires_replace()
            .check(|name: &String| check_tag(name))
            .describe(
                "The image's name, with the registry that it is pushed to and a tag (`latest` without one): \
             `registry.example.org/team/app:1`.",
            ),
        Attribute::set("tags", Type::String)
            .check(|tags: &BTreeSet<String>| tags.iter().try_for_each(|tag| check_tag(tag)))
            .describe("More names of it, in full, which are pushed as well."),
    ]
}

fn sources() -> [Attribute; 6] {
    [
        Attribute::string("context").validate(validate::non_empty()).describe(
            format!(
                "A directory on the machine that runs tofu, such as `\"${{path.module}}/app\"`. Without what `.dockerignore` and \
                 `.windlassignore` name, it is sent to the host; after the first time only files that have changed. What \
                 these name is left out. {}",
                left_out_in_words()
            ),
        ),
        Attribute::string("file_modes").default("git").validate(validate::one_of(Modes::WORDS)).describe(
            "Which permission bits of the files in `context` count and get into the image. `git` (default): what version \
             control keeps, 0755 for a file that its owner may run and 0644 for every other, so that the umask of \
             whoever checks out makes no other image. `exact`: all bits, as the files have them here.",
        ),
        Attribute::string("git").check(|url: &String| check_git(url)).describe(
            "The URL of a git repository that the host can fetch without a password, with a branch, tag or commit and a \
             directory behind it: `https://example.org/app.git#v1.2:docker`. What is behind the URL is not looked at: \
             name a commit, or let `triggers` tell.",
        ),
        Attribute::string("dockerfile").check(|path: &String| check_parts(path)).describe(
            "The Dockerfile, relative to the context. Default: `Dockerfile`.",
        ),
        Attribute::string("target").validate(validate::non_empty()).describe(
            "The stage of the Dockerfile to build. Default: the last one.",
        ),
        Attribute::string("platform").validate(validate::non_empty()).describe(
            "The platform to build for, such as `linux/arm64`. Default: the host's own; another one needs an emulator there.",
        ),
    ]
}

fn values() -> [Attribute; 5] {
    [
        Attribute::map("args", Type::String).describe(
            "Values for the `ARG`s of the Dockerfile. They show in the image's history: secrets go through `secrets_wo`.",
        ),
        Attribute::map("labels", Type::String).describe("Labels of the image."),
        Attribute::map("secrets_wo", Type::String)
            .write_only()
            .validate(validate::keys("a name of letters, digits, `-`, `_` and `.`", |name| {
                let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
                !name.is_empty() && !name.starts_with('.') && name.chars().all(plain)
            }))
            .describe(
                "Build secrets, by the id that `RUN --mount=type=secret,id=…` names, write-only: they are in neither plan \
                 nor state, nor in the image's layers or its history. On the host they are in a private directory while \
                 it builds. Changes are noticed by `secrets_wo_version`.",
            ),
        Attribute::string("secrets_wo_version")
            .describe(
                "A version of your choice for the values of `secrets_wo`, such as `3`: change it with them, and the image is \
                 built again with them. BuildKit does not repeat a step only \
                 because a secret has another value: where the value gets into what the step makes, let an `ARG` before \
                 it change as well.",
            ),
        Attribute::map("triggers", Type::String).describe("Values that the image depends on besides, such as a date: when one changes, it is built again."),
    ]
}

fn behaviour() -> [Attribute; 4] {
    let cache = |list: &Vec<String>| {
        let empty = list.iter().any(|entry| entry.is_empty());
        if empty { Err("must have no empty entries".to_owned()) } else { Ok(()) }
    };
    [
        Attribute::list("cache_from", Type::String).check(cache).describe(
            "Where steps that were built before come from: references of images that were built with an inline cache, or \
             what BuildKit calls an import (`type=registry,ref=…`). A change builds nothing by itself.",
        ),
        Attribute::list("cache_to", Type::String).check(cache).describe(
            "Where steps go to for the builds of others: `[\"type=inline\"]` puts them into the image, which `push` takes \
             along; `type=registry,ref=…` needs a host with Docker's containerd image store or with another builder. A \
             change builds nothing by itself.",
        ),
        Attribute::bool("push").default(false).describe(
            "Push all names to their registries, with the provider's `registry` blocks. A plan asks them, through the \
             host, what they have by these names: what is gone, or stands for something else, is pushed again. One that \
             does not tell within 3 seconds is taken to have it, with a warning. Default: `false`.",
        ),
        Attribute::bool("keep_on_destroy").default(false).describe(
            "Leave the image and its tags on the host when the resource is destroyed. Nothing is ever removed from a \
             registry. Default: `false`.",
        ),
    ]
}

fn computed() -> [Attribute; 5] {
    [
        Attribute::string("id").computed().keep_on_update().describe("A random text that stays for its life."),
        Attribute::string("source_hash").computed().describe(
            "A hash over what it is built from: paths, modes and contents of the context, or the `git` URL.",
        ),
        Attribute::string("image_id").computed().describe(
            "The id of what `name` stands for on the host (`sha256:…`); null while there is nothing.",
        ),
        Attribute::string("digest").computed().describe("What `name` stands for in its registry (`sha256:…`); null when it is not pushed, or gone there."),
        Attribute::string("reference").computed().describe(
            "What stands for just this image: `<name>@<digest>` when it is pushed, for every host; else its id, for this host.",
        ),
    ]
}
