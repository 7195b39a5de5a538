//! The configuration that the demo applies: a copy of examples/demo with values for its host.

use crate::paths;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// A fresh copy of examples/demo with the values for this host. The state of an earlier demo goes:
/// its host is gone as well.
pub fn prepare(folder: &Path, lab: &Value) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    copy(&paths::root().join("examples/demo"), folder)?;
    let variables = serde_json::to_vec_pretty(&variables(lab)?)?;
    let path = folder.join("demo.auto.tfvars.json");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot create {}", path.display()))?;
    file.write_all(&variables).with_context(|| format!("cannot write {}", path.display()))
}

/// The demo's variables for the lab's first host.
fn variables(lab: &Value) -> Result<Value> {
    let host = &lab["hosts"][0];
    let text = |value: &Value, name: &str| {
        value[name].as_str().map(str::to_owned).with_context(|| format!("the lab's state has no {name}"))
    };
    let images = &lab["images"];
    Ok(json!({
        "address": text(host, "address")?,
        "host_key": text(host, "host_key")?,
        "user": text(host, "user")?,
        "private_key_file": text(host, "private_key_file")?,
        "images": {
            "NGINX_IMAGE": text(images, "nginx")?,
            "BUSYBOX_IMAGE": text(images, "busybox")?,
            "REDIS_IMAGE": text(images, "redis")?,
            "POSTGRES_IMAGE": text(images, "postgres")?,
        },
        // Made up for this demo, on a host that only this machine reaches.
        "database_password": password()?,
    }))
}

fn password() -> Result<String> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("no random bytes")?;
    Ok(secret::hex(&bytes))
}

/// Copies a folder with the modes of its files.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&source, &target)?;
        } else {
            fs::copy(&source, &target).with_context(|| format!("cannot copy {}", source.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_come_from_the_first_host() {
        let host = json!({"address": "10.0.0.1", "host_key": "k", "user": "root", "private_key_file": "/k"});
        let images = json!({"nginx": "n", "busybox": "b", "redis": "r", "postgres": "p"});
        let made = variables(&json!({"hosts": [host], "images": images})).unwrap();
        assert_eq!((&made["address"], &made["images"]["NGINX_IMAGE"]), (&json!("10.0.0.1"), &json!("n")));
        assert_ne!(
            made["database_password"],
            variables(&json!({"hosts": [host], "images": images})).unwrap()["database_password"]
        );
        assert!(variables(&json!({"hosts": []})).is_err());
    }
}
