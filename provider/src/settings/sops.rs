//! The `sops` block: the private key that files of SOPS are opened with.

use framework::{Attribute, Block, Field, Model, Rule, validate};
use secret::Secret;

/// The `sops` block.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct SopsBlock {
    pub(crate) age_key: Field<Secret>,
    pub(crate) age_key_file: Field<String>,
    pub(crate) passphrase: Field<Secret>,
}

pub(super) fn block() -> Block {
    Block::list("sops")
        .max(1)
        .describe(
            "The private key of age or SSH that files encrypted by SOPS are opened with. Without it, the key is where SOPS \
             itself looks for it: `SOPS_AGE_KEY`, `SOPS_AGE_KEY_FILE`, `SOPS_AGE_KEY_CMD`, \
             `SOPS_AGE_SSH_PRIVATE_KEY_FILE` (with `SOPS_AGE_KEY_PASSPHRASE` for a key that has a passphrase), \
             `~/.config/sops/age/keys.txt`, `~/.ssh/id_ed25519` and `~/.ssh/id_rsa`. With it, none of these is looked at.",
        )
        .attribute(Attribute::string("age_key").sensitive().describe(
            "The private key itself: `AGE-SECRET-KEY-1…`, one or more of them in lines, or a private key of SSH.",
        ))
        .attribute(Attribute::string("age_key_file").validate(validate::non_empty()).describe(
            "A file of private keys on the machine that runs tofu, as `age-keygen` or `ssh-keygen` writes it.",
        ))
        .attribute(Attribute::string("passphrase").sensitive().describe("What that file is encrypted with."))
        .rule(Rule::exactly_one_of(["age_key", "age_key_file"]))
        .rule(Rule::required_with("passphrase", ["age_key_file"]))
}
