//! The schema of the `provider "windlass"` block.

use framework::{Attribute, Block, Rule, Schema, schema::parse_duration, validate};

use super::{OnUnreachable, sops, store, tailnet};
use crate::require;

/// The schema of the provider's configuration.
pub(crate) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "Builds and deploys what a small team runs on a few Linux servers: files, Compose stacks and the hosts \
             they live on. Hosts are reached over SSH; nothing has to be installed on them but Docker.",
        )
        .attribute(
            Attribute::string("on_unreachable")
                .validate(validate::one_of(OnUnreachable::WORDS))
                .describe(
                    "What happens when a host that something lives on cannot be reached: `error` (default) fails; \
                     `keep` plans with the last known state and a warning; `forget` drops what lived there from the \
                     state, with a warning: for a machine that is gone for good. Environment: \
                     `WINDLASS_ON_UNREACHABLE`.",
                ),
        )
        .block(ssh())
        .block(registry())
        .block(tailnet::block())
        .block(sops::block())
        .block(store::block())
        .block(require::provider_block())
}

fn ssh() -> Block {
    Block::list("ssh")
        .describe(
            "How to log in to hosts. Repeatable: the block without a `name` is the default, the others are chosen by \
             `identity` of a `windlass_host`. What the unnamed block leaves out is taken from the environment \
             (`WINDLASS_SSH_USER`, `WINDLASS_SSH_PORT`, `WINDLASS_SSH_PRIVATE_KEY`, `WINDLASS_SSH_PRIVATE_KEY_FILE`, \
             `WINDLASS_SSH_PASSPHRASE`, `WINDLASS_SSH_AGENT`, `WINDLASS_SSH_KNOWN_HOSTS_FILE`, \
             `WINDLASS_SSH_CONNECT_TIMEOUT`). `~/.ssh/config` is not read.",
        )
        .attribute(Attribute::string("name").describe("What `identity` calls this block."))
        .attribute(Attribute::string("user").describe("Who logs in, where the connection does not say. Default: `root`."))
        .attribute(Attribute::number("port").validate(validate::between(1, 65535)).describe("The port of sshd, where the connection does not say."))
        .attribute(
            Attribute::string("private_key").sensitive().describe("A private key, OpenSSH or PEM: ed25519, ECDSA or RSA."),
        )
        .attribute(Attribute::string("private_key_file").describe("The file of a private key."))
        .attribute(Attribute::string("passphrase").sensitive().describe("What the private key is encrypted with."))
        .attribute(Attribute::bool("agent").describe(
            "Whether the SSH agent is asked for keys. By default it is asked when it is there and no key is given.",
        ))
        .attribute(Attribute::string("known_hosts_file").describe(
            "The known_hosts file to use in place of `~/.ssh/known_hosts` and `/etc/ssh/ssh_known_hosts`.",
        ))
        .attribute(
            Attribute::string("connect_timeout")
                .check(|text: &String| parse_duration(text).map(|_| ()).map_err(|error| error.to_string()))
                .describe("How long connecting may take, such as `30s`. Default: `30s`."),
        )
        .rule(Rule::at_most_one_of(["private_key", "private_key_file"]))
}

fn registry() -> Block {
    Block::list("registry")
        .describe(
            "How to log in to a registry of container images, to pull from it and to push to it. Never left on a host. \
             Repeatable.",
        )
        .attribute(
            Attribute::string("address").required().describe(
                "The registry as image references name it: `ghcr.io`, `registry.example.org:5000`.",
            ),
        )
        .attribute(Attribute::string("username").required().describe("The user who logs in."))
        .attribute(Attribute::string("password").required().sensitive().describe("The password of that user, or a token."))
}
