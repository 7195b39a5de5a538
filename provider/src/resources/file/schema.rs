//! The schema of `windlass_file`.

use framework::{Attribute, Rule, Schema, Timeouts, validate};

use crate::host_path::{check_mode, check_path};

/// What happens to the file when the resource is destroyed.
pub(super) const ON_DESTROY: [&str; 2] = ["delete", "keep"];

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "A file on a host. What it holds is compared by hash, mode and owner, so a change made by hand is seen \
             and repaired. The old content stays until the new one is on the host and verified.",
        )
        .attributes(content())
        .attributes(access())
        .attribute(
            Attribute::string("on_destroy").default("delete").validate(validate::one_of(ON_DESTROY)).describe(
                "What happens to the file when the resource is destroyed: `delete` (default) or `keep`.",
            ),
        )
        .rule(Rule::exactly_one_of(["content", "source", "content_wo"]))
        .rule(Rule::required_with("content_wo", ["content_wo_version"]))
        .rule(Rule::required_with("content_wo_version", ["content_wo"]))
        .timeouts(Timeouts::new().create(10).update(10).delete(5).read(5))
}

fn content() -> [Attribute; 6] {
    [
        Attribute::string("path")
            .required()
            .requires_replace()
            .check(|path: &String| check_path(path))
            .describe(
                "Absolute path of the file on the host. A file that is there already and holds something else is not \
                 overwritten: adopt it by an import, or move it out of the way.",
            ),
        Attribute::string("content").describe("What the file holds. Stored in the state; for secrets use `content_wo`."),
        Attribute::string("source").describe("A file on the machine that runs tofu, to be copied as it is."),
        Attribute::string("content_wo").write_only().describe(
            "What the file holds, as a write-only value: it is in neither plan nor state. A change is noticed by \
             `content_wo_version`.",
        ),
        Attribute::string("content_wo_version")
            .describe("A version of your choice for the value of `content_wo`, such as `3`: change it with the value, and the file \
                 is written again."),
        Attribute::string("content_hash").computed().describe(
            "`sha256:<hex>` of what is in the file; for `content_wo` `version:<content_wo_version>`, or `changed` when \
             somebody else wrote the file since.",
        ),
    ]
}

fn access() -> [Attribute; 4] {
    [
        Attribute::string("mode")
            .default("0644")
            .check(|mode: &String| check_mode(mode))
            .describe("Permission bits in octal. Default: `0644`; for `content_wo` say `0600`."),
        Attribute::string("owner")
            .optional()
            .computed()
            .keep_on_update()
            .validate(validate::non_empty())
            .describe(
                "The file's owner, by name or number. Default: who logs in, or who owns the file that is there. Another one \
                 needs root or `sudo`.",
            ),
        Attribute::string("group")
            .optional()
            .computed()
            .keep_on_update()
            .validate(validate::non_empty())
            .describe("The file's group, by name or number. Default: that of who logs in, or of the file that is there."),
        Attribute::string("directory_mode")
            .default("0755")
            .check(|mode: &String| check_mode(mode))
            .describe("Permission bits of the directories that have to be made. Default: `0755`."),
    ]
}
