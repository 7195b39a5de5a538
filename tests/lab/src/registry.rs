//! The lab's registry: filled once with the workload images, then one container per lab whose
//! changes are its own.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::command::check_interrupt;
use crate::engine::{Engine, EngineLock};
use crate::error::{Error, Result};
use crate::files::FileEntry;
use crate::host::{common_words, container_of, fill_and_start};
use crate::http;
use crate::image;
use crate::network::{REGISTRY, Subnet};
use crate::recipe::{self, short_hash};
use crate::state::{Paths, PrivateRegistry};

/// Name of the registry among the containers of a lab.
const NAME: &str = "registry";

/// Changes when the way the registry is filled changes.
const FILL_VERSION: &str = "2";

/// Media types of manifests, as clients send them.
const MANIFEST_TYPES: &str = "application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json";

/// The open registry of a lab, to look things up and to move tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    address: String,
}

impl Registry {
    /// The registry at `address:port`.
    #[must_use]
    pub fn at(address: &str) -> Self {
        Self { address: address.to_owned() }
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<http::Answer> {
        let failed = |answer: String| Error::Registry {
            address: self.address.clone(),
            request: format!("{method} {path}"),
            answer,
        };
        let answer = http::request(&self.address, method, path, headers, body)
            .map_err(|error| failed(error.to_string()))?;
        if answer.status >= 300 {
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            return Err(failed(format!("status {} {}", answer.status, body.trim())));
        }
        Ok(answer)
    }

    /// Digest (`sha256:…`) that a tag stands for.
    ///
    /// # Errors
    /// When there is no such image or the registry does not answer.
    pub fn digest(&self, repository: &str, tag: &str) -> Result<String> {
        let path = format!("/v2/{repository}/manifests/{tag}");
        let answer = self.request("HEAD", &path, &[("Accept", MANIFEST_TYPES)], &[])?;
        digest_of(&answer).ok_or_else(|| Error::Registry {
            address: self.address.clone(),
            request: format!("HEAD {path}"),
            answer: "no digest".to_owned(),
        })
    }

    /// Makes `tag` (new or not) stand for what `source` (a tag or a digest) stands for; returns
    /// its digest.
    ///
    /// # Errors
    /// When there is no such source or the registry does not answer.
    pub fn set_tag(&self, repository: &str, source: &str, tag: &str) -> Result<String> {
        let path = format!("/v2/{repository}/manifests/{source}");
        let manifest = self.request("GET", &path, &[("Accept", MANIFEST_TYPES)], &[])?;
        let kind = manifest.header("content-type").unwrap_or(MANIFEST_TYPES);
        let path = format!("/v2/{repository}/manifests/{tag}");
        self.request("PUT", &path, &[("Content-Type", kind)], &manifest.body)?;
        self.digest(repository, tag)
    }

    /// Removes what `tag` stands for, by all its tags.
    ///
    /// # Errors
    /// When there is no such image or the registry does not answer.
    pub fn remove(&self, repository: &str, tag: &str) -> Result<()> {
        let digest = self.digest(repository, tag)?;
        self.request("DELETE", &format!("/v2/{repository}/manifests/{digest}"), &[], &[]).map(drop)
    }
}

fn digest_of(answer: &http::Answer) -> Option<String> {
    answer.header("docker-content-digest").map(str::to_owned)
}

/// What the registry is filled with: name, tag and image in the engine.
fn content(engine: &Engine, lock: &EngineLock, report: &dyn Fn(&str)) -> Result<Vec<(String, String)>> {
    let mut content = Vec::new();
    for (tag, image) in image::ensure_busybox(engine, lock, report)? {
        content.push((format!("busybox:{tag}"), image));
    }
    for workload in recipe::workloads() {
        let image = image::ensure(engine, lock, &workload.recipe, report)?;
        content.push((format!("{}:{}", workload.recipe.name, workload.tag), image));
    }
    Ok(content)
}

/// The image of a filled registry; the engine's lock must be held.
pub(crate) fn ensure_filled(engine: &Engine, lock: &EngineLock, report: &dyn Fn(&str)) -> Result<String> {
    let mut parts = FILL_VERSION.to_owned() + &recipe::registry().tag() + &recipe::busybox_tag();
    for workload in recipe::workloads() {
        parts += &workload.recipe.tag();
        parts += workload.tag;
    }
    let image = format!("windlass-lab/registry-filled:{}", short_hash(&parts));
    if image::exists(engine, &image) {
        return Ok(image);
    }
    let registry = recipe::registry();
    let empty = image::ensure(engine, lock, &registry, report)?;
    let content = content(engine, lock, report)?;
    report("filling the registry");
    let container = "windlass-lab-build-registry";
    let _ = engine.docker(&["rm", "-f", "-v", container]);
    let filled = fill(engine, container, &empty, &content)
        .and_then(|()| image::commit(engine, container, &image, registry.changes));
    let _ = engine.docker(&["rm", "-f", "-v", container]);
    filled?;
    image::remove_other_tags(engine, &image);
    Ok(image)
}

/// Pushes images through the machine's loopback, the one network where plain HTTP needs no setting.
fn fill(engine: &Engine, container: &str, empty: &str, content: &[(String, String)]) -> Result<()> {
    let port = free_port()?;
    let address = format!("127.0.0.1:{port}");
    // Settings in the environment would be committed with the image.
    engine.docker(&[
        "create",
        "--name",
        container,
        "--network",
        "host",
        "--entrypoint",
        "docker-registry",
        empty,
        "serve",
        "/run/fill.yml",
    ])?;
    let config = recipe::registry_config(&address, false);
    fill_and_start(engine, container, &[FileEntry::file("run/fill.yml", 0o644, config)])?;
    wait_answer(&address)?;
    for (name, image) in content {
        check_interrupt()?;
        let pushed = format!("{address}/{name}");
        engine.docker(&["tag", image, &pushed])?;
        let result = engine.docker(&["push", &pushed]);
        engine.docker(&["rmi", &pushed])?;
        result?;
    }
    engine.docker(&["stop", container]).map(drop)
}

fn free_port() -> Result<u16> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|source| Error::Spawn { command: "bind 127.0.0.1".to_owned(), source })
}

fn wait_answer(address: &str) -> Result<()> {
    let started = Instant::now();
    loop {
        if http::request(address, "GET", "/v2/", &[], &[]).is_ok() {
            return Ok(());
        }
        check_interrupt()?;
        if started.elapsed() > Duration::from_secs(30) {
            return Err(Error::Timeout {
                what: format!("the registry at {address}"),
                seconds: 30,
                log: String::new(),
            });
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// `address:port` of the open registry of a subnet.
pub(crate) fn open_address(subnet: Subnet) -> String {
    format!("{}:5000", subnet.address(REGISTRY))
}

/// The registry of a subnet that asks for this password.
pub(crate) fn private(subnet: Subnet, password: String) -> PrivateRegistry {
    PrivateRegistry {
        address: format!("{}:5001", subnet.address(REGISTRY)),
        username: "lab".to_owned(),
        password,
    }
}

/// Starts the registry of a lab and returns its images, each pinned by digest.
pub(crate) fn start(
    engine: &Engine,
    lab: &Paths,
    subnet: Subnet,
    image: &str,
    private: &PrivateRegistry,
) -> Result<BTreeMap<String, String>> {
    let mut line = common_words(lab, NAME, &subnet.address(REGISTRY));
    line.push(image.to_owned());
    engine.docker(&line)?;
    let credentials = format!("{}:{}\n", private.username, private.password);
    let files = [FileEntry::file("etc/lab/credentials", 0o600, credentials)];
    fill_and_start(engine, &container_of(lab, NAME), &files)?;
    let address = open_address(subnet);
    wait_answer(&address)?;
    wait_answer(&private.address)?;
    pinned_images(&Registry::at(&address))
}

/// `nginx` and `nginx:1.26` → `address:port/nginx:1.26@sha256:…`; a bare name is its first tag.
fn pinned_images(registry: &Registry) -> Result<BTreeMap<String, String>> {
    let busybox = recipe::BUSYBOX_TAGS.map(|tag| ("busybox", tag));
    let workloads = recipe::workloads();
    let workloads = workloads.iter().map(|workload| (workload.recipe.name, workload.tag));
    let mut images = BTreeMap::new();
    for (name, tag) in busybox.into_iter().chain(workloads) {
        let digest = registry.digest(name, tag)?;
        let pinned = format!("{}/{name}:{tag}@{digest}", registry.address);
        images.entry(name.to_owned()).or_insert_with(|| pinned.clone());
        images.insert(format!("{name}:{tag}"), pinned);
    }
    Ok(images)
}
