//! `volumes_from`, as `up` hashes it.
//!
//! `up` puts the id of the container in the place of what is named, and drops the mode behind it (all
//! versions to 5.5, `resolveVolumeFrom` in `convergence.go`): `db:ro` is the same to it as `db`, and
//! the container gets its volumes with the rights that the other one has. `config --hash` sees the
//! mode. It is taken away before, so that a plan does not tell a change that `up` does not make.

use serde_json::Value;

/// Before the name of a container that no service of the project is.
const CONTAINER: &str = "container:";

/// Takes the modes out of `volumes_from` of every service of a resolved project.
pub fn without_modes(document: &mut Value) {
    let services = document.pointer_mut("/services").and_then(Value::as_object_mut);
    for service in services.into_iter().flat_map(|services| services.values_mut()) {
        let named = service.pointer_mut("/volumes_from").and_then(Value::as_array_mut);
        for one in named.into_iter().flatten() {
            if let Value::String(text) = one {
                *text = without_mode(text);
            }
        }
    }
}

/// `db:ro` is `db`, and `container:db:ro` is `container:db`.
fn without_mode(text: &str) -> String {
    let (kind, name) = match text.strip_prefix(CONTAINER) {
        Some(name) => (CONTAINER, name),
        None => ("", text),
    };
    let name = name.split(':').next().unwrap_or_default();
    format!("{kind}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn modes_are_nothing_to_up() {
        let mut document = json!({"services": {
            "app": {"volumes_from": ["db:ro", "db", "container:old:rw", "container:old"], "volumes": ["a:b:ro"]},
            "db": {"image": "db:1"}
        }});
        without_modes(&mut document);
        assert_eq!(
            document,
            json!({"services": {
                "app": {"volumes_from": ["db", "db", "container:old", "container:old"], "volumes": ["a:b:ro"]},
                "db": {"image": "db:1"}
            }})
        );
        let mut empty = json!({"name": "web"});
        without_modes(&mut empty);
        assert_eq!(empty, json!({"name": "web"}));
    }
}
