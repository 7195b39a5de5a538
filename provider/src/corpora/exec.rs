//! The block `exec` of backups and restores.

use backup::{Stream, Wanted};
use framework::{Attribute, Block, Field, Model, Rule, Type, validate};

use super::postgres::{container, container_attributes};

/// The most words of a command.
const WORDS: usize = 200;

/// What a command in a container writes, or reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct ExecModel {
    pub(crate) container: Field<String>,
    pub(crate) stack: Field<String>,
    pub(crate) service: Field<String>,
    pub(crate) command: Field<Vec<String>>,
    pub(crate) restore_command: Field<Vec<String>>,
    pub(crate) verify_command: Field<Vec<String>>,
    pub(crate) extension: Field<String>,
}

/// What such a block is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// A backup: `command` writes.
    Source,
    /// A restore: `restore_command` reads.
    Target,
}

/// The block.
pub(crate) fn exec_block(description: &str, for_what: Use) -> Block {
    let command = |name: &str| {
        Attribute::list(name, Type::String).validate(validate::length(1, WORDS)).validate(validate::each(
            validate::pattern("a word without the character NUL", |word| !word.contains('\0')),
        ))
    };
    let required =
        |attribute: Attribute, by: Use| if by == for_what { attribute.required() } else { attribute };
    Block::single("exec")
        .describe(description)
        .rule(Rule::exactly_one_of(["container", "stack"]))
        .rule(Rule::required_with("service", ["stack"]))
        .rule(Rule::required_with("stack", ["service"]))
        .attributes(container_attributes())
        .attributes([
            required(command("command"), Use::Source).describe(
                "What writes the data to stdout, as words: no shell takes them apart (`[\"sh\", \"-c\", \"…\"]` is one). It \
                 has to fail when it cannot; in a pipe of a shell the status of all but the last command is lost, \
                 without `set -o pipefail`.",
            ),
            required(command("restore_command"), Use::Target)
                .describe("What reads the data from stdin, and puts them into their place."),
            command("verify_command").describe(
                "What reads from stdin what the store gave back, and ends well only if it is whole. It runs when a snapshot \
                 is taken, before that counts.",
            ),
            required(
                Attribute::string("extension").validate(validate::pattern(
                    "1 to 20 letters, digits and dots",
                    |text| {
                        let plain = |c: char| c.is_ascii_alphanumeric() || c == '.';
                        (1..=20).contains(&text.len()) && text.chars().all(plain) && !text.starts_with('.')
                    },
                )),
                Use::Source,
            )
            .describe("The ending of its name, such as `sql` or `rdb`. With one of what is packed already, such as `gz`, it is stored as it is; else in Zstandard."),
        ])
}

impl ExecModel {
    /// Where the command runs.
    pub(crate) fn place(&self) -> [&Field<String>; 3] {
        [&self.container, &self.stack, &self.service]
    }

    /// What it means.
    pub(crate) fn wanted(&self) -> Wanted {
        let words = |field: &Field<Vec<String>>| field.clone().known_or_default();
        Wanted::Stream(Stream {
            container: container(self.place()),
            command: words(&self.command),
            restore_command: words(&self.restore_command),
            verify_command: words(&self.verify_command),
            extension: self.extension.as_str().unwrap_or_default().to_owned(),
        })
    }
}
