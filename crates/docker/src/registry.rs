//! Which registry an image comes from, and the credentials for it.
//!
//! Credentials go to the daemon in the header of one pull (`X-Registry-Auth`), over the connection
//! to it: nothing is written on the host, as `docker login` or a configuration directory would.

use secret::Secret;

/// The registry of images that name none.
const HUB: &str = "docker.io";

/// Credentials for one registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    /// Its address: `ghcr.io`, `registry.example.org:5000`; a scheme or path is ignored.
    pub address: String,
    /// The user.
    pub username: String,
    /// The password or token.
    pub password: Secret,
}

impl Registry {
    /// Whether the image `reference` comes from this registry.
    pub fn serves(&self, reference: &str) -> bool {
        canonical(&self.address) == registry_of(reference)
    }
}

/// The first of `registries` that `reference` comes from.
pub fn for_image<'r>(registries: &'r [Registry], reference: &str) -> Option<&'r Registry> {
    registries.iter().find(|registry| registry.serves(reference))
}

/// An address without scheme and path; the names that Docker Hub goes by are one.
fn canonical(address: &str) -> &str {
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = address.split('/').next().unwrap_or(address);
    match host {
        "" | "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => HUB,
        host => host,
    }
}

/// The registry that a reference names: its first component, if that looks like a host.
fn registry_of(reference: &str) -> &str {
    match reference.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => canonical(first),
        _ => HUB,
    }
}

/// The reference with the tag that is meant when it has neither tag nor digest: the Engine would
/// else fetch all tags.
pub(crate) fn with_tag(reference: &str) -> String {
    let last = reference.rsplit('/').next().unwrap_or(reference);
    if last.contains([':', '@']) { reference.to_owned() } else { format!("{reference}:latest") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(address: &str) -> Registry {
        Registry { address: address.into(), username: "u".into(), password: Secret::from("p") }
    }

    #[test]
    fn images_find_their_registry() {
        for (address, reference, serves) in [
            ("ghcr.io", "ghcr.io/org/app:1", true),
            ("https://ghcr.io/v2/", "ghcr.io/org/app@sha256:aa", true),
            ("ghcr.io", "ghcr.io.example.org/app", false),
            ("10.0.0.2:5000", "10.0.0.2:5000/app", true),
            ("10.0.0.2:5000", "10.0.0.2:5001/app", false),
            ("localhost", "localhost/app", true),
            ("https://index.docker.io/v1/", "nginx:1", true),
            ("docker.io", "library/nginx", true),
            ("docker.io", "docker.io/library/nginx", true),
            ("ghcr.io", "nginx", false),
        ] {
            assert_eq!(registry(address).serves(reference), serves, "{address} {reference}");
        }
    }

    #[test]
    fn the_first_match_counts() {
        let registries = [registry("a.example"), registry("b.example"), registry("b.example")];
        let found = for_image(&registries, "b.example/app").unwrap();
        assert!(std::ptr::eq(found, &registries[1]));
        assert!(for_image(&registries, "c.example/app").is_none());
    }

    #[test]
    fn a_reference_without_tag_means_latest() {
        assert_eq!(with_tag("nginx"), "nginx:latest");
        assert_eq!(with_tag("host:5000/nginx"), "host:5000/nginx:latest");
        assert_eq!(with_tag("host:5000/nginx:1"), "host:5000/nginx:1");
        assert_eq!(with_tag("nginx@sha256:aa"), "nginx@sha256:aa");
    }
}
