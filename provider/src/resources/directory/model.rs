//! The attributes of `windlass_directory`.

use framework::{Attribute, Field, Model, Schema, Timeouts, validate};
use remote::files::{Facts, Kind, WriteOptions};

use crate::host_path::{Access, bits, check_mode, check_path, has_access};

/// What happens to the directory when the resource is destroyed.
const ON_DESTROY: [&str; 2] = ["keep", "delete"];

/// The attributes.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct DirectoryModel {
    pub(crate) host: Field<String>,
    pub(crate) path: Field<String>,
    pub(crate) mode: Field<String>,
    pub(crate) owner: Field<String>,
    pub(crate) group: Field<String>,
    pub(crate) on_destroy: Field<String>,
}

/// The schema.
pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "A directory on a host, with owner and mode: for data that services mount, for example. What is in it is \
             not looked at, and never changed.",
        )
        .attribute(
            Attribute::string("path")
                .required()
                .requires_replace()
                .check(|path: &String| check_path(path))
                .describe(
                    "Absolute path of the directory on the host. Those above it are made where they are missing, with \
                     mode 0755. One that is there already with another owner or mode is not changed: adopt it by an \
                     import.",
                ),
        )
        .attribute(
            Attribute::string("mode").default("0755").check(|mode: &String| check_mode(mode)).describe(
                "Permission bits in octal, of the directory alone. Default: `0755`.",
            ),
        )
        .attribute(access("owner").describe(
            "The directory's owner, by name or number. Default: who logs in. Another one needs root or `sudo`.",
        ))
        .attribute(
            access("group")
                .describe("The directory's group, by name or number. Default: that of who logs in."),
        )
        .attribute(
            Attribute::string("on_destroy").default("keep").validate(validate::one_of(ON_DESTROY)).describe(
                "What happens to the directory when the resource is destroyed: `keep` (default), or `delete`, which \
                 fails while there is anything in it.",
            ),
        )
        .timeouts(Timeouts::new().create(5).update(5).delete(5).read(5))
}

fn access(name: &str) -> Attribute {
    Attribute::string(name).optional().computed().keep_on_update().validate(validate::non_empty())
}

impl DirectoryModel {
    /// Takes over what was found on the host.
    pub(super) fn set_observed(&mut self, facts: &Facts) {
        let Self { mode, owner, group, .. } = self;
        Access { mode, owner, group }.set_observed(facts);
    }

    /// Whether what was found is what this plan wants.
    pub(super) fn is_met_by(&self, facts: &Facts) -> bool {
        facts.kind == Kind::Directory && has_access(facts, &self.mode, &self.owner, &self.group)
    }

    /// How it is made.
    pub(super) fn options(&self) -> WriteOptions {
        WriteOptions {
            mode: self.mode.known().and_then(|text| bits(text)).unwrap_or(0o755),
            owner: self.owner.known().cloned(),
            group: self.group.known().cloned(),
            directory_mode: 0o755,
        }
    }

    /// The path, or nothing while it is unknown.
    pub(super) fn path(&self) -> &str {
        self.path.as_str().unwrap_or_default()
    }
}
