//! Which registry an image comes from, and the credentials for it.
//!
//! Credentials go to the daemon in the header of one pull (`X-Registry-Auth`), over the connection
//! to it: nothing is written on the host, as `docker login` or a configuration directory would.

use secret::Secret;

/// The registry of images that name none.
const HUB: &str = "docker.io";

/// Credentials for one registry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Registry {
    /// Its address: `ghcr.io`, `registry.example.org:5000`; a scheme or path is ignored.
    pub address: String,
    pub username: String,
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

/// The address under which docker's client looks for the login to a registry.
pub(crate) fn login_address(address: &str) -> String {
    match canonical(address) {
        HUB => "https://index.docker.io/v1/".to_owned(),
        address => address.to_owned(),
    }
}

/// The image that `reference` names, by `digest`: `registry.example.org/app@sha256:…`.
pub fn by_digest(reference: &str, digest: &str) -> String {
    format!("{}@{digest}", split_tag(reference).0)
}

/// The name and the tag of a reference, of which a digest is no part.
pub fn split_tag(reference: &str) -> (&str, Option<&str>) {
    let name = reference.split('@').next().unwrap_or(reference);
    match name.rsplit_once(':') {
        // Else the colon is that of a port.
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (name, None),
    }
}

/// The registry that a reference names: its first component, if that looks like a host.
fn registry_of(reference: &str) -> &str {
    match reference.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => canonical(first),
        _ => HUB,
    }
}

/// The reference as the daemon lists it: with a tag, without a digest and without what Docker Hub
/// needs not be told.
pub fn tagged(reference: &str) -> String {
    let name = reference.split('@').next().unwrap_or(reference);
    let name = with_tag(name);
    let name =
        name.strip_prefix("docker.io/").or_else(|| name.strip_prefix("index.docker.io/")).unwrap_or(&name);
    name.strip_prefix("library/").unwrap_or(name).to_owned()
}

/// The repository of a reference, as the daemon lists it.
fn repository(reference: &str) -> String {
    let tagged = tagged(reference);
    match tagged.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name.to_owned(),
        _ => tagged,
    }
}

/// The digest that a reference names by itself, with its repository: `repo@sha256:…`.
pub fn pinned(reference: &str) -> Option<String> {
    let (name, digest) = reference.split_once('@')?;
    let last = name.rfind('/').map_or(0, |at| at + 1);
    let end = name[last..].find(':').map_or(name.len(), |at| last + at);
    Some(format!("{}@{digest}", &name[..end]))
}

/// Of the `digests` of an image (`repo@sha256:…`) the one by which it can be had again: that of the
/// repository that `reference` names, where there is one.
pub fn digest_of<'d>(reference: &str, digests: &'d [String]) -> Option<&'d String> {
    let repository = repository(reference);
    let own = digests.iter().find(|digest| digest.split('@').next() == Some(repository.as_str()));
    own.or_else(|| digests.iter().min())
}

/// Whether the registry means another image by `reference` than the host, which has one with these
/// `digests`, if `remote` is what the registry says.
pub fn has_moved(reference: &str, digests: &[String], remote: &str) -> bool {
    let wanted = format!("{}@{remote}", repository(reference));
    !remote.is_empty() && !digests.contains(&wanted)
}

/// The reference with the tag that is meant when it has neither tag nor digest: the Engine would
/// else fetch all tags.
pub fn with_tag(reference: &str) -> String {
    let last = reference.rsplit('/').next().unwrap_or(reference);
    if last.contains([':', '@']) { reference.to_owned() } else { format!("{reference}:latest") }
}

/// The two parts of a reference without a digest.
pub(crate) fn name_and_tag(reference: &str) -> (&str, &str) {
    match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (reference, "latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(address: &str) -> Registry {
        Registry { address: address.into(), username: "u".into(), password: Secret::from("p") }
    }

    #[test]
    fn a_port_is_no_tag() {
        for (reference, parts) in [
            ("app", ("app", "latest")),
            ("app:1", ("app", "1")),
            ("registry:5000/app", ("registry:5000/app", "latest")),
            ("registry:5000/app:1", ("registry:5000/app", "1")),
        ] {
            assert_eq!(name_and_tag(reference), parts);
        }
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
    fn digests_are_those_of_the_repository() {
        let digests = ["b.io/app@sha256:2", "a.io/app@sha256:1", "nginx@sha256:3"].map(str::to_owned);
        for (reference, found) in [
            ("b.io/app:1", "b.io/app@sha256:2"),
            ("docker.io/library/nginx", "nginx@sha256:3"),
            ("localhost:5000/x", "a.io/app@sha256:1"),
        ] {
            assert_eq!(digest_of(reference, &digests).unwrap(), found);
        }
        assert_eq!(digest_of("x", &[]), None);
        assert!(!has_moved("b.io/app:1", &digests, "sha256:2"));
        assert!(has_moved("b.io/app:1", &digests, "sha256:1"));
        assert!(has_moved("new", &[], "sha256:1") && !has_moved("new", &[], ""));
    }

    #[test]
    fn a_pinned_reference_tells_its_digest() {
        assert_eq!(pinned("h:5000/a/b:1@sha256:x").as_deref(), Some("h:5000/a/b@sha256:x"));
        assert_eq!(pinned("nginx@sha256:x").as_deref(), Some("nginx@sha256:x"));
        assert_eq!(pinned("h:5000/nginx:1"), None);
        assert_eq!(tagged("docker.io/library/nginx@sha256:x"), "nginx:latest");
    }

    #[test]
    fn a_digest_takes_the_place_of_a_tag() {
        for (reference, expected) in [
            ("app", "app@sha256:1"),
            ("app:1", "app@sha256:1"),
            ("h:5000/app", "h:5000/app@sha256:1"),
            ("h:5000/a/app:1", "h:5000/a/app@sha256:1"),
            ("app:1@sha256:2", "app@sha256:1"),
        ] {
            assert_eq!(by_digest(reference, "sha256:1"), expected);
        }
        assert_eq!(split_tag("h:5000/app"), ("h:5000/app", None));
        assert_eq!(split_tag("h:5000/app:v1"), ("h:5000/app", Some("v1")));
    }

    #[test]
    fn a_reference_without_tag_means_latest() {
        assert_eq!(with_tag("nginx"), "nginx:latest");
        assert_eq!(with_tag("host:5000/nginx"), "host:5000/nginx:latest");
        assert_eq!(with_tag("host:5000/nginx:1"), "host:5000/nginx:1");
        assert_eq!(with_tag("nginx@sha256:aa"), "nginx@sha256:aa");
    }
}
