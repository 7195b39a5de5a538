//! What a task has mounted.

use serde_json::{Value, json};

use super::{
    Files,
    json::{is_set, list, number, object, set, text, texts},
    problem::Problem,
};

/// The mounts of a service: `volumes`, then `tmpfs`.
pub(super) fn all(files: &Files<'_>, service: &str, body: &Value, problems: &mut Vec<Problem>) -> Vec<Value> {
    let volumes = list(&body["volumes"]).filter_map(|one| match mount(files, service, one) {
        Ok(mount) => Some(mount),
        Err(problem) => {
            problems.push(problem);
            None
        }
    });
    let volumes: Vec<Value> = volumes.collect();
    let one = body["tmpfs"].as_str().map(|path| vec![json!(path)]).unwrap_or_default();
    let tmpfs = list(&body["tmpfs"]).chain(&one).filter_map(Value::as_str).map(tmpfs);
    volumes.into_iter().chain(tmpfs).collect()
}

fn mount(files: &Files<'_>, service: &str, body: &Value) -> Result<Value, Problem> {
    let kind = body["type"].as_str().unwrap_or("volume");
    let source = text(&body["source"]).unwrap_or_default();
    let mut mount = object([
        ("Type", json!(kind)),
        ("Source", set(&json!(source))),
        ("Target", set(&body["target"])),
        ("ReadOnly", set(&body["read_only"])),
        ("Consistency", set(&body["consistency"])),
    ]);
    match kind {
        "bind" => {
            if source == files.root
                || files.inside(&source).is_some()
                || source.starts_with(above(files.root))
            {
                let path = match files.inside(&source) {
                    Some(path) => format!("./{path}"),
                    None => source
                        .strip_prefix(above(files.root))
                        .map_or("./".to_owned(), |path| format!("..{path}")),
                };
                return Err(Problem::BesideFiles { service: service.to_owned(), path });
            }
            let options = object([("Propagation", set(&body["bind"]["propagation"]))]);
            put(&mut mount, "BindOptions", options);
        }
        "volume" if !source.is_empty() => {
            let (name, options) = volume(files, &source, &body["volume"]);
            put(&mut mount, "Source", json!(name));
            put(&mut mount, "VolumeOptions", options);
        }
        "tmpfs" => {
            let options = object([
                ("SizeBytes", json!(number(&body["tmpfs"]["size"]))),
                ("Mode", json!(number(&body["tmpfs"]["mode"]))),
            ]);
            put(&mut mount, "TmpfsOptions", options);
        }
        "volume" | "npipe" | "cluster" => {}
        _ => {
            return Err(Problem::value(
                &format!("service {service:?}"),
                "volumes",
                &body["type"],
                "is not a type of mount that a swarm has",
            ));
        }
    }
    Ok(mount)
}

fn put(mount: &mut Value, field: &str, value: Value) {
    if is_set(&value) {
        mount[field] = value;
    }
}

/// The directory above the one of the files, which is on no node either.
fn above(root: &str) -> &str {
    root.rsplit_once('/').map_or(root, |(above, _)| above)
}

/// The name of a volume, and what it is made with where it is not there.
fn volume(files: &Files<'_>, key: &str, of_mount: &Value) -> (String, Value) {
    let body = &files.document["volumes"][key];
    let name = text(&body["name"]).unwrap_or_else(|| files.scoped(key));
    let is_external = is_set(&body["external"]);
    let labels = if is_external { Value::Null } else { files.labels(&body["labels"]) };
    let driver =
        object([("Name", set(&body["driver"])), ("Options", set(&json!(texts(&body["driver_opts"]))))]);
    let options = object([
        ("NoCopy", set(&of_mount["nocopy"])),
        ("Subpath", set(&of_mount["subpath"])),
        ("Labels", labels),
        ("DriverConfig", if is_external { Value::Null } else { set(&driver) }),
    ]);
    (name, options)
}

/// A `tmpfs` in its short form: `/path`, or `/path:size=64m,mode=1777`.
fn tmpfs(short: &str) -> Value {
    let (target, words) = short.split_once(':').unwrap_or((short, ""));
    let word = |key: &str| words.split(',').find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    let mode = word("mode").and_then(|mode| i64::from_str_radix(mode, 8).ok());
    let options = object([("SizeBytes", json!(word("size").and_then(bytes))), ("Mode", json!(mode))]);
    let read_only = words.split(',').any(|word| word == "ro");
    object([
        ("Type", json!("tmpfs")),
        ("Target", json!(target)),
        ("ReadOnly", set(&json!(read_only))),
        ("TmpfsOptions", set(&options)),
    ])
}

/// A size with a unit of the kernel: `64m`.
fn bytes(size: &str) -> Option<i64> {
    let (digits, factor) = match size.char_indices().last()? {
        (at, 'k' | 'K') => (&size[..at], 1 << 10),
        (at, 'm' | 'M') => (&size[..at], 1 << 20),
        (at, 'g' | 'G') => (&size[..at], 1 << 30),
        _ => (size, 1),
    };
    digits.parse::<i64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_tmpfs_is_a_mount() {
        assert_eq!(tmpfs("/run"), json!({"Type": "tmpfs", "Target": "/run"}));
        assert_eq!(
            tmpfs("/tmp:ro,size=64m,mode=1777"),
            json!({"Type": "tmpfs", "Target": "/tmp", "ReadOnly": true,
                "TmpfsOptions": {"SizeBytes": 64 << 20, "Mode": 0o1777}})
        );
    }
}
