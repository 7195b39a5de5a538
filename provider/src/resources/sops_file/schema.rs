//! The schema of `windlass_sops_file`.

use framework::{Attribute, Rule, Schema, Type, validate};
use sops::{Format, Recipient};

/// What happens to the file when the resource is destroyed.
const ON_DESTROY: [&str; 2] = ["delete", "keep"];
/// The rules of what is encrypted, of which a file has one at most.
pub(super) const RULES: [&str; 4] =
    ["unencrypted_suffix", "encrypted_suffix", "unencrypted_regex", "encrypted_regex"];

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "A file encrypted for age recipients on the machine that runs tofu, such as one in the repository: a real file \
             of SOPS, which `sops decrypt` and `sops edit` open. Its content is in neither plan nor state. When the \
             recipients change, it is encrypted anew with another data key; when only values change, what stays the same \
             keeps its ciphertext where the provider has the key to see that. No key is needed to write one. A change by \
             hand (`sops edit`) is seen and undone: let such a file be read by the ephemeral `windlass_sops_file` instead. \
             Needs OpenTofu or Terraform 1.11.",
        )
        .attributes(content())
        .attributes(rules())
        .attributes([
            Attribute::string("on_destroy").default("delete").validate(validate::one_of(ON_DESTROY)).describe(
                "What happens to the file when the resource is destroyed: `delete` (default) or `keep`.",
            ),
            Attribute::string("sha256").computed().describe("SHA-256 of the encrypted file, in hexadecimal."),
            Attribute::string("last_modified").computed().describe("When it was written last (RFC 3339)."),
        ])
        .rule(Rule::at_most_one_of(RULES))
}

fn content() -> [Attribute; 5] {
    [
        Attribute::string("path").required().requires_replace().validate(validate::non_empty()).describe(
            "The file on the machine that runs tofu, such as `\"${path.module}/prod.sops.yaml\"`. One that is there already \
             is not overwritten: adopt it by an import, whose id is the path.",
        ),
        Attribute::new("content_wo", Type::Dynamic).required().write_only().describe(
            "What is in it, as a write-only value: an object (names and values of any type; of a `dotenv` file, texts, \
             numbers and truth values), or the plain file as a text. A change is noticed by `content_wo_version`.",
        ),
        Attribute::string("content_wo_version").required().describe(
            "A version of your choice for `content_wo`, such as `3`: change it with the value, and the file is written again.",
        ),
        Attribute::string("format").validate(validate::one_of(Format::WORDS)).describe(
            "How it is written down: `yaml`, `json`, `dotenv`, or `binary` for any text. Default: by the ending of `path`, as \
             SOPS chooses it (`.yaml`, `.yml`, `.json`, `.env`, else `binary`).",
        ),
        Attribute::set("recipients", Type::String)
            .required()
            .check(|all: &std::collections::BTreeSet<String>| {
                if all.is_empty() {
                    return Err("must name somebody who can read the file".to_owned());
                }
                all.iter().try_for_each(|one| one.parse::<Recipient>().map(drop).map_err(|error| error.to_string()))
            })
            .describe("For whom it is encrypted: public keys of age (`age1…`) or SSH (`ssh-ed25519 …`, `ssh-rsa …`)."),
    ]
}

fn rules() -> [Attribute; 5] {
    let rule =
        |name: &str, text: &str| Attribute::string(name).validate(validate::non_empty()).describe(text);
    [
        rule("unencrypted_suffix", "Values below a name that ends in this stay readable. Default, where no other rule is given: `_unencrypted`."),
        rule("encrypted_suffix", "Only values below a name that ends in this are encrypted."),
        rule("unencrypted_regex", "Values below a name that matches this regular expression stay readable."),
        rule("encrypted_regex", "Only values below a name that matches this regular expression are encrypted."),
        Attribute::bool("mac_only_encrypted")
            .default(false)
            .describe("Whether readable values may be edited without SOPS: its MAC leaves them out then. Default: `false`."),
    ]
}
