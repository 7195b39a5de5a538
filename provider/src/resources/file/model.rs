//! The attributes of `windlass_file`, and how what is on the host becomes attributes.

use framework::{Field, Model};
use remote::files::{Facts, Kind};
use secret::Secret;

use crate::host_path::{Access, has_access};

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct FileModel {
    pub(crate) host: Field<String>,
    pub(crate) path: Field<String>,
    pub(crate) content: Field<String>,
    pub(crate) source: Field<String>,
    pub(crate) content_wo: Field<Secret>,
    pub(crate) content_wo_version: Field<String>,
    pub(crate) content_hash: Field<String>,
    pub(crate) mode: Field<String>,
    pub(crate) owner: Field<String>,
    pub(crate) group: Field<String>,
    pub(crate) directory_mode: Field<String>,
    pub(crate) on_destroy: Field<String>,
}

/// What `content_hash` says of a write-only content that somebody else has changed.
const CHANGED: &str = "changed";

impl FileModel {
    /// Takes over what the host has. `untouched` tells of a write-only content whether it is still
    /// the one that was written. A content that may not be read is taken to be the one that is known.
    pub(super) fn set_observed(&mut self, facts: &Facts, untouched: Option<bool>) {
        if facts.sha256.is_some() {
            self.content_hash = Field::from(match untouched {
                None => facts.sha256.as_deref().map(of_sha256),
                Some(true) => self.content_wo_version.known().map(|version| of_version(version)),
                Some(false) => Some(CHANGED.to_owned()),
            });
        }
        let Self { mode, owner, group, .. } = self;
        Access { mode, owner, group }.set_observed(facts);
    }

    /// Whether the file that `facts` tell of is what this plan wants, except for a write-only content.
    pub(super) fn is_met_by(&self, facts: &Facts) -> bool {
        let content = facts.sha256.as_deref().map(of_sha256);
        facts.kind == Kind::File
            && (self.is_write_only() || self.content_hash.known() == content.as_ref())
            && self.has_access(facts)
    }

    /// Whether what `facts` tell of has the mode, the owner and the group of this plan.
    pub(super) fn has_access(&self, facts: &Facts) -> bool {
        has_access(facts, &self.mode, &self.owner, &self.group)
    }

    /// Whether `other` differs in nothing but what later operations go by.
    pub(super) fn is_same_file(&self, other: &Self) -> bool {
        self.host == other.host
            && self.content_hash == other.content_hash
            && self.mode == other.mode
            && self.owner == other.owner
            && self.group == other.group
    }

    /// Whether the content is a write-only value.
    pub(super) fn is_write_only(&self) -> bool {
        self.content_wo_version.is_known()
    }

    /// The path, or nothing while it is unknown.
    pub(super) fn path(&self) -> &str {
        self.path.known().map_or("", String::as_str)
    }
}

/// `content_hash` of a content that may be known.
pub(super) fn of_sha256(hex: &str) -> String {
    format!("sha256:{hex}")
}

/// `content_hash` of a write-only content.
pub(super) fn of_version(version: &str) -> String {
    format!("version:{version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            kind: Kind::File,
            mode: 0o600,
            owner: "root".into(),
            group: "adm".into(),
            uid: 0,
            gid: 4,
            size: 1,
            sha256: Some("ab".into()),
            link: None,
        }
    }

    #[test]
    fn what_is_on_the_host_becomes_attributes() {
        let mut model = FileModel::default();
        model.set_observed(&facts(), None);
        assert_eq!(model.content_hash, Field::Known("sha256:ab".into()));
        assert_eq!(
            (model.mode.known().unwrap().as_str(), model.group.known().unwrap().as_str()),
            ("0600", "adm")
        );
    }

    #[test]
    fn a_content_that_may_not_be_read_is_no_change() {
        let mut model = FileModel { content_hash: "sha256:ab".into(), ..FileModel::default() };
        model.set_observed(&Facts { sha256: None, mode: 0, ..facts() }, None);
        assert_eq!((model.content_hash, model.mode), ("sha256:ab".into(), "0000".into()));
    }

    #[test]
    fn owners_and_groups_compare_as_ids() {
        let by_number = FileModel {
            content_hash: "sha256:ab".into(),
            mode: "0600".into(),
            owner: "0".into(),
            group: "4".into(),
            ..FileModel::default()
        };
        let mut observed = by_number.clone();
        observed.set_observed(&facts(), None);
        assert_eq!((&observed.owner, &observed.group), (&by_number.owner, &by_number.group));
        assert!(by_number.is_met_by(&facts()));
        let other = Facts { owner: "nobody".into(), uid: 65534, ..facts() };
        assert!(!by_number.is_met_by(&other));
        observed.set_observed(&other, None);
        assert_eq!(observed.owner, "nobody".into());
    }

    #[test]
    fn a_write_only_content_shows_its_version_and_never_a_hash() {
        let mut model = FileModel { content_wo_version: Field::Known("3".into()), ..FileModel::default() };
        model.set_observed(&facts(), Some(true));
        assert_eq!(model.content_hash, Field::Known("version:3".into()));
        model.set_observed(&facts(), Some(false));
        assert_eq!(model.content_hash, Field::Known("changed".into()));
    }

    #[test]
    fn what_differs_from_the_plan_has_to_be_written() {
        let planned = FileModel {
            content_hash: "sha256:ab".into(),
            mode: "600".into(),
            owner: "root".into(),
            group: Field::Unknown,
            ..FileModel::default()
        };
        assert!(planned.is_met_by(&facts()));
        for other in [
            Facts { mode: 0o644, ..facts() },
            Facts { owner: "nobody".into(), uid: 65534, ..facts() },
            Facts { sha256: Some("cd".into()), ..facts() },
            Facts { sha256: None, ..facts() },
            Facts { kind: Kind::Symlink, ..facts() },
        ] {
            assert!(!planned.is_met_by(&other), "{other:?}");
        }
    }
}
