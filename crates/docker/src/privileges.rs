//! What a plugin may do on its host.

use std::collections::{BTreeMap, BTreeSet};

/// What a plugin may do beyond a container's rights: `network` to `host`, `mount` to the paths,
/// `device` to the devices, `capabilities` to their names.
pub type Privileges = BTreeMap<String, BTreeSet<String>>;

/// What of `asked` is not `granted`.
pub fn missing(asked: &Privileges, granted: &Privileges) -> Privileges {
    let nothing = BTreeSet::new();
    let of_kind = |(kind, values): (&String, &BTreeSet<String>)| {
        let rest: BTreeSet<String> =
            values.difference(granted.get(kind).unwrap_or(&nothing)).cloned().collect();
        (!rest.is_empty()).then(|| (kind.clone(), rest))
    };
    asked.iter().filter_map(of_kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_granted_is_told() {
        let privileges = |all: &[(&str, &[&str])]| -> Privileges {
            let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
            all.iter().map(|(name, all)| ((*name).to_owned(), values(all))).collect()
        };
        let asked = privileges(&[("mount", &["/a", "/b"]), ("network", &["host"])]);
        assert!(missing(&asked, &asked).is_empty());
        let granted = privileges(&[("mount", &["/a"]), ("network", &["host"]), ("device", &["/dev/fuse"])]);
        assert_eq!(missing(&asked, &granted), privileges(&[("mount", &["/b"])]));
        assert_eq!(missing(&asked, &Privileges::new()), asked);
    }
}
