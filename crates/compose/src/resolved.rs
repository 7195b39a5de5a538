//! What `docker compose up` will do, told before it does it.
//!
//! Compose recreates a container when the hash of its service differs from the label it wrote
//! last time. `config --hash` on the files alone gives another hash than that label (it does not
//! resolve `env_file`), but on the *resolved* project it gives the very label, so the prediction
//! takes two calls:
//!
//! 1. `config --format json` over the files, staged in a private directory on the host that stands
//!    for its root, see [`staged`](super::staged);
//! 2. [`Resolved::new`] adds the labels that stand for what a service uses and Compose's hash does not
//!    see: the content of shipped files, and see [`resources`];
//! 3. `config --hash '*'` over that document from stdin, with the final directory as its own.
//!
//! Services that share something with another one's container (`network_mode: service:x`,
//! `volumes_from`) get that container's id into their hash when `up` runs: for them step 3 gives
//! a value that only says whether their own configuration changed (see
//! [`Service::shares`](super::project::Service::shares)).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    behaviour::Behaviour,
    env_files::EnvFile,
    paths::{below, followed},
    project::{Config, retain_dependencies},
    resources::{self, LABEL_RESOURCES, Values},
    secret_label::{SecretLabel, unversioned},
    volumes_from,
};
use docker::Error;
use tree::FileDigest;

/// The label of an image that says what it was built from.
pub const LABEL_CONTEXT: &str = "windlass.context-hash";
/// The label that stands for the content of the shipped files that a service uses: Compose's own
/// hash does not look into them.
pub const LABEL_FILES: &str = "windlass.files-hash";

/// The mode of a secret file.
pub const SECRET_MODE: u32 = 0o600;

/// A project resolved in its final directory, ready to be hashed.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The project; its document has the labels of `files`.
    pub config: Config,
    /// Service to the hash of the shipped files it uses; services that use none are not there.
    pub files: BTreeMap<String, String>,
    /// Service to the shipped files it uses, by their paths.
    pub uses: BTreeMap<String, BTreeSet<String>>,
    /// Service to the labels that we add to it.
    pub labels: BTreeMap<String, BTreeMap<String, String>>,
    /// Service to those of its labels that stand for secrets, and what an apply makes of them.
    pub secret_labels: BTreeMap<String, BTreeMap<String, SecretLabel>>,
}

/// What is shipped to the directory of a stack, by paths relative to it.
#[derive(Clone, Copy, Debug)]
pub struct ShippedFiles<'a> {
    /// The files.
    pub digests: &'a BTreeMap<String, FileDigest>,
    /// The targets of those that are symbolic links.
    pub links: &'a BTreeMap<String, String>,
    /// Service to those that its running containers take in by a command of their own: their content
    /// recreates nothing.
    pub reloaded: &'a BTreeMap<String, BTreeSet<String>>,
}

impl ShippedFiles<'_> {
    /// Those of the files that a service uses whose content recreates its containers.
    fn recreating(&self, service: &str, used: &BTreeSet<String>) -> BTreeSet<String> {
        match self.reloaded.get(service) {
            Some(reloaded) => used.difference(reloaded).cloned().collect(),
            None => used.clone(),
        }
    }
}

impl Resolved {
    /// A project as its own files say it, without anything of ours.
    pub fn plain(config: Config) -> Self {
        Self {
            config,
            files: BTreeMap::new(),
            uses: BTreeMap::new(),
            labels: BTreeMap::new(),
            secret_labels: BTreeMap::new(),
        }
    }

    /// Takes what `config --format json` wrote for a stack in `directory`, under which are the `shipped`
    /// files; `values` are those that were interpolated, and what stands for secrets; `behaviour` is
    /// that of the host's Compose. Secret files count as shipped.
    ///
    /// # Errors
    /// [`Error::Parse`] when the document is not one.
    pub fn new(
        json: &[u8],
        directory: &str,
        shipped: ShippedFiles<'_>,
        values: Values<'_>,
        behaviour: Behaviour,
    ) -> Result<Self, Error> {
        let mut document = Config::parse(json)?.document;
        volumes_from::without_modes(&mut document);
        let config = Config::from_document(document)?;
        let secret = |sha256: &str| FileDigest { sha256: sha256.to_owned(), mode: SECRET_MODE };
        let (mut all, mut base) = (shipped.digests.clone(), shipped.digests.clone());
        for (path, placeholder) in values.secrets.files {
            all.insert(path.clone(), secret(placeholder));
            base.insert(path.clone(), secret(&unversioned(path)));
        }
        let uses: BTreeMap<_, _> = config
            .services
            .iter()
            .map(|(name, service)| {
                (name.clone(), used_files(&service.sources, directory, &all, shipped.links))
            })
            .filter(|(_, used)| !used.is_empty())
            .collect();
        let files: BTreeMap<_, _> =
            uses.iter().map(|(name, used)| (name.clone(), files_hash(used, &all))).collect();
        let mut labels: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let mut add = |service: &str, label: &str, hash: &str| {
            labels.entry(service.to_owned()).or_default().insert(label.to_owned(), hash.to_owned());
        };
        let mut secret_labels: BTreeMap<String, BTreeMap<String, SecretLabel>> = BTreeMap::new();
        let mut seal = |service: &str, label: &str, seal: SecretLabel| {
            secret_labels.entry(service.to_owned()).or_default().insert(label.to_owned(), seal);
        };
        for name in config.services.keys() {
            let labelled = uses.get(name).map(|used| shipped.recreating(name, used)).unwrap_or_default();
            if !labelled.is_empty() {
                add(name, LABEL_FILES, &files_hash(&labelled, &all));
                let is_secret = |path: &&String| values.secrets.files.contains_key(*path);
                let secrets: BTreeSet<String> = labelled.iter().filter(is_secret).cloned().collect();
                if !secrets.is_empty() {
                    seal(name, LABEL_FILES, SecretLabel { base: files_hash(&labelled, &base), secrets });
                }
            }
            if let Some((hash, sealed)) = resources::hash(&config.document, name, values, behaviour) {
                add(name, LABEL_RESOURCES, &hash);
                if let Some(sealed) = sealed {
                    seal(name, LABEL_RESOURCES, sealed);
                }
            }
        }
        let config = labelled(config, &labels)?;
        Ok(Self { config, files, uses, labels, secret_labels })
    }

    /// The project as `up --no-deps` hashes it: services that are started lose their dependencies on
    /// those that are `unmanaged`.
    ///
    /// # Errors
    /// None that is not a bug: the document was read before.
    pub fn without_unmanaged(self, unmanaged: &BTreeSet<String>) -> Result<Self, Error> {
        if unmanaged.is_empty() {
            return Ok(self);
        }
        let Config { mut document, .. } = self.config;
        retain_dependencies(&mut document, |name, needed| {
            unmanaged.contains(name) || !unmanaged.contains(needed)
        });
        Ok(Self { config: Config::from_document(document)?, ..self })
    }

    /// What goes to the stdin of `config --hash '*'`.
    pub fn document(&self) -> Vec<u8> {
        self.config.document.to_string().into_bytes()
    }
}

/// What we add to a service of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addition {
    /// Labels of its containers.
    pub labels: BTreeMap<String, String>,
    /// The image that it runs instead of the one in the files.
    pub image: Option<String>,
    /// What it is built from, as [`build`](super::build) hashes it; none where it is not built.
    pub context: Option<String>,
    /// Its env files instead of those in the files; none where these stand.
    pub env_files: Option<Vec<EnvFile>>,
}

/// The Compose file that says to `up`, and to a person, what we add: JSON, but for the tags of lists
/// that take the place of the files' own.
pub fn override_file(additions: &BTreeMap<String, Addition>) -> String {
    let services: Map<_, _> = additions
        .iter()
        .map(|(name, addition)| (name.clone(), addition.document()))
        .filter(|(_, service)| service.as_object().is_some_and(|service| !service.is_empty()))
        .collect();
    let text = format!("{:#}\n", json!({ "services": services }));
    // Lists are added to each other unless a tag says otherwise, for which JSON has no place. Within a
    // text of JSON there is a backslash before a quote, so that this is a key.
    text.replace("\"env_file\": [", "\"env_file\": !override [")
}

impl Addition {
    fn document(&self) -> Value {
        let mut service = Map::new();
        if let Some(image) = &self.image {
            service.insert("image".to_owned(), json!(image));
        }
        if let Some(context) = &self.context {
            service.insert("build".to_owned(), json!({ "labels": { LABEL_CONTEXT: context } }));
        }
        if let Some(files) = &self.env_files {
            service.insert("env_file".to_owned(), json!(files));
        }
        if !self.labels.is_empty() {
            service.insert("labels".to_owned(), json!(self.labels));
        }
        Value::Object(service)
    }
}

/// The project with our labels, which are hexadecimal and so mean the same in every quoting.
fn labelled(config: Config, ours: &BTreeMap<String, BTreeMap<String, String>>) -> Result<Config, Error> {
    let Config { mut document, .. } = config;
    for (name, added) in ours {
        let service = document.pointer_mut("/services").and_then(|services| services.get_mut(name));
        if let Some(Value::Object(service)) = service {
            let labels = service.entry("labels").or_insert_with(|| json!({}));
            if let Value::Object(labels) = labels {
                labels.extend(added.iter().map(|(label, hash)| (label.clone(), json!(hash))));
            }
        }
    }
    Config::from_document(document)
}

/// The shipped files at or under any of `sources`; where the way there leads through symbolic
/// links, these and what is behind them.
fn used_files(
    sources: &BTreeSet<String>,
    directory: &str,
    shipped: &BTreeMap<String, FileDigest>,
    links: &BTreeMap<String, String>,
) -> BTreeSet<String> {
    let relative = sources.iter().filter_map(|source| below(source, directory));
    let ways: BTreeSet<String> = relative.flat_map(|source| followed(source, links)).collect();
    shipped
        .keys()
        .filter(|path| ways.iter().any(|way| way.is_empty() || below(path, way).is_some()))
        .cloned()
        .collect()
}

/// One hash over names, modes and contents; every field is preceded by its length, so that no two
/// different sets of files look alike.
pub fn files_hash(used: &BTreeSet<String>, shipped: &BTreeMap<String, FileDigest>) -> String {
    let mut hash = Sha256::new();
    for path in used {
        if let Some(file) = shipped.get(path) {
            for field in [path.as_str(), &file.sha256, &format!("{:o}", file.mode)] {
                hash.update((field.len() as u64).to_be_bytes());
                hash.update(field);
            }
        }
    }
    secret::hex(&hash.finalize())
}

/// Reads what `config --hash '*'` writes: `<service> <hash>`, one line each.
///
/// # Errors
/// [`Error::Parse`] when a line is something else.
pub fn parse_hashes(text: &str) -> Result<BTreeMap<String, String>, Error> {
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
            [service, hash] if hash.len() == 64 => Ok((service.to_owned(), hash.to_owned())),
            _ => Err(Error::Parse {
                what: "the output of \"docker compose config --hash\"".to_owned(),
                source: format!("this line is not a service and a hash: {line:?}").into(),
            }),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{secret_label::Placeholders, version::OLDEST};

    const FINAL: &str = "/srv/web";

    const NO_VALUES: Values<'_> = Values { known: &BTreeMap::new(), own: None, secrets: Placeholders::NONE };

    const NONE: &BTreeMap<String, String> = &BTreeMap::new();
    const NO_RELOADS: &BTreeMap<String, BTreeSet<String>> = &BTreeMap::new();

    fn shipping(digests: &BTreeMap<String, FileDigest>) -> ShippedFiles<'_> {
        ShippedFiles { digests, links: NONE, reloaded: NO_RELOADS }
    }

    fn shipped() -> BTreeMap<String, FileDigest> {
        let digest = |sha256: &str| FileDigest { sha256: sha256.into(), mode: 0o644 };
        [("compose.yaml", "c"), ("conf/a", "1"), ("conf/b", "2"), ("conf2", "3"), ("key", "4")]
            .map(|(path, sha256)| (path.to_owned(), digest(sha256)))
            .into()
    }

    fn resolve(document: &Value) -> Result<Resolved, Error> {
        Resolved::new(
            document.to_string().as_bytes(),
            FINAL,
            shipping(&shipped()),
            NO_VALUES,
            Behaviour::of(OLDEST),
        )
    }

    fn document() -> Value {
        json!({
            "name": "web",
            "secrets": {"k": {"file": format!("{FINAL}/key")}},
            "services": {
                "app": {
                    "image": "a",
                    "labels": {"x": "y"},
                    "secrets": [{"source": "k"}],
                    "volumes": [{"type": "bind", "source": format!("{FINAL}/conf"), "target": "/c"}]
                },
                "all": {"image": "b", "volumes": [{"type": "bind", "source": FINAL, "target": "/all"}]},
                "none": {"image": "c", "volumes": [{"type": "bind", "source": "/srv/webby", "target": "/x"}]}
            }
        })
    }

    #[test]
    fn links_are_followed_to_what_is_used() {
        let links = [
            ("current", "releases/2"),
            ("releases/2/shared", "../../shared"),
            ("out", "../elsewhere"),
            ("loop", "loop"),
        ];
        let links = links.map(|(path, target)| (path.to_owned(), target.to_owned())).into();
        let ways = |path: &str| followed(path, &links).into_iter().collect::<BTreeSet<_>>();
        let set = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(ways("plain/file"), set(&["plain/file"]));
        assert_eq!(ways("current"), set(&["current", "releases/2"]));
        let all = ["current/shared/a", "current", "releases/2/shared/a", "releases/2/shared", "shared/a"];
        assert_eq!(ways("current/shared/a"), set(&all));
        assert_eq!(ways("out/x"), set(&["out/x", "out"]));
        assert_eq!(ways("loop"), set(&["loop"]));
        let file = FileDigest { sha256: "1".into(), mode: 0o644 };
        let shipped =
            ["current", "releases/1/a", "releases/2/a"].map(|path| (path.to_owned(), file.clone())).into();
        let sources = BTreeSet::from([format!("{FINAL}/current")]);
        assert_eq!(used_files(&sources, FINAL, &shipped, &links), set(&["current", "releases/2/a"]));
    }

    #[test]
    fn dollar_signs_in_paths_are_doubled_in_the_document_only() {
        let document = json!({"name": "web", "services": {"app": {
            "image": "a", "volumes": [{"type": "bind", "source": "/srv/$$web/a$$b", "target": "/c"}]
        }}});
        let file = FileDigest { sha256: "1".into(), mode: 0o644 };
        let shipped = BTreeMap::from([("a$b".to_owned(), file)]);
        let json = document.to_string();
        let moved =
            Resolved::new(json.as_bytes(), "/srv/$web", shipping(&shipped), NO_VALUES, Behaviour::of(OLDEST))
                .unwrap();
        assert_eq!(moved.uses["app"], BTreeSet::from(["a$b".to_owned()]));
    }

    #[test]
    fn files_count_for_the_services_that_use_them() {
        let resolved = resolve(&document()).unwrap();
        let uses = |name: &str| resolved.uses[name].iter().cloned().collect::<Vec<_>>();
        assert_eq!(uses("app"), ["conf/a", "conf/b", "key"]);
        assert_eq!(uses("all").len(), 5);
        assert!(!resolved.files.contains_key("none"));
        let hash = &resolved.files["app"];
        let labels = &resolved.config.document["services"]["app"]["labels"];
        assert_eq!(labels, &json!({"x": "y", LABEL_FILES: hash}));
        assert_eq!(&resolved.config.services["app"].labels[LABEL_FILES], hash);
    }

    #[test]
    fn what_is_started_does_not_depend_on_what_is_left_alone() {
        let needs = |names: &[&str]| -> Value {
            names
                .iter()
                .map(|name| ((*name).to_owned(), json!({"required": false})))
                .collect::<Map<_, _>>()
                .into()
        };
        let document = json!({"name": "web", "services": {
            "app": {"image": "a", "depends_on": needs(&["job"])},
            "both": {"image": "a", "depends_on": needs(&["job", "app"])},
            "job": {"image": "a", "depends_on": needs(&["other"])},
            "other": {"image": "a"}
        }});
        let alone = ["job", "other"].map(str::to_owned).into();
        let left = resolve(&document).unwrap().without_unmanaged(&alone).unwrap().config;
        assert!(left.document["services"]["app"].get("depends_on").is_none());
        assert_eq!(left.document["services"]["both"]["depends_on"], needs(&["app"]));
        assert_eq!(left.document["services"]["job"]["depends_on"], needs(&["other"]));
        assert!(left.services["app"].depends_on.is_empty());
    }

    #[test]
    fn the_override_file_says_what_we_add() {
        let labels = BTreeMap::from([(LABEL_FILES.into(), "abc".into())]);
        let app = Addition { labels, ..Addition::default() };
        assert_eq!(
            override_file(&BTreeMap::from([("app".into(), app), ("bare".into(), Addition::default())])),
            "{\n  \"services\": {\n    \"app\": {\n      \"labels\": {\n        \
             \"windlass.files-hash\": \"abc\"\n      }\n    }\n  }\n}\n"
        );
        let built = Addition { context: Some("c".into()), image: Some("i:1".into()), ..Addition::default() };
        let json: Value =
            serde_json::from_str(&override_file(&BTreeMap::from([("b".into(), built)]))).unwrap();
        let labels = json!({LABEL_CONTEXT: "c"});
        assert_eq!(json, json!({"services": {"b": {"image": "i:1", "build": {"labels": labels}}}}));
    }

    #[test]
    fn env_files_take_the_place_of_those_in_the_files() {
        let file = EnvFile { path: ".windlass/own.env".into(), required: true, format: None };
        let app = Addition { env_files: Some(vec![file]), ..Addition::default() };
        assert_eq!(
            override_file(&BTreeMap::from([("app".into(), app)])),
            "{\n  \"services\": {\n    \"app\": {\n      \"env_file\": !override [\n        {\n          \
             \"path\": \".windlass/own.env\",\n          \"required\": true\n        }\n      ]\n    }\n  }\n}\n"
        );
    }

    #[test]
    fn the_hash_of_files_sees_names_modes_and_contents() {
        let used = BTreeSet::from(["conf/a".to_owned(), "conf/b".to_owned()]);
        let hash = files_hash(&used, &shipped());
        let mut other = shipped();
        other.get_mut("conf/a").unwrap().mode = 0o755;
        assert_ne!(files_hash(&used, &other), hash);
        let mut other = shipped();
        other.get_mut("conf/b").unwrap().sha256 = "9".into();
        assert_ne!(files_hash(&used, &other), hash);
        let mut other = shipped();
        other.get_mut("key").unwrap().sha256 = "9".into();
        assert_eq!(files_hash(&used, &other), hash);
    }

    #[test]
    fn hashes_are_lines_of_two_words() {
        let hash = "3dc0ea4c44167e82e3ab9fd6fb5cbaedec670ce40ffce6888c6900b33aa3c28b";
        let text = format!("app {hash}\ndb {hash}\n");
        assert_eq!(parse_hashes(&text).unwrap().keys().collect::<Vec<_>>(), ["app", "db"]);
        assert!(parse_hashes("").unwrap().is_empty());
        assert!(parse_hashes("level=warning something").is_err());
    }

    #[test]
    fn a_file_that_is_reloaded_counts_and_recreates_nothing() {
        let reloads = |files: &[&str]| {
            BTreeMap::from([("app".to_owned(), files.iter().map(|path| (*path).to_owned()).collect())])
        };
        let resolve = |reloaded: &BTreeMap<String, BTreeSet<String>>, content: &str| {
            let mut digests = shipped();
            digests.insert("conf/a".into(), FileDigest { sha256: content.into(), mode: 0o644 });
            let shipped = ShippedFiles { reloaded, ..shipping(&digests) };
            let text = document().to_string();
            Resolved::new(text.as_bytes(), FINAL, shipped, NO_VALUES, Behaviour::of(OLDEST)).unwrap()
        };
        let some = reloads(&["conf/a"]);
        let (one, two) = (resolve(&some, "1"), resolve(&some, "2"));
        assert_ne!(one.files["app"], two.files["app"]);
        assert_eq!(one.labels["app"], two.labels["app"]);
        assert_ne!(one.labels["all"], two.labels["all"]);
        let all = resolve(&reloads(&["conf/a", "conf/b", "key"]), "1");
        assert!(all.files.contains_key("app") && !all.labels.contains_key("app"));
    }

    #[test]
    fn a_secret_file_counts_by_its_version_and_is_sealed_without() {
        let mut document = document();
        document["secrets"]["k"]["file"] = json!(format!("{FINAL}/private/key"));
        let resolve = |version: &str| {
            let files = [("private/key".to_owned(), format!("private/key#{version}"))].into();
            let secrets = Placeholders { files: &files, ..Placeholders::NONE };
            let values = Values { secrets, ..NO_VALUES };
            let text = document.to_string();
            let behaviour = Behaviour::of(OLDEST);
            Resolved::new(text.as_bytes(), FINAL, shipping(&shipped()), values, behaviour).unwrap()
        };
        let (one, two) = (resolve("1"), resolve("2"));
        assert!(one.uses["app"].contains("private/key"));
        assert_ne!(one.files["app"], two.files["app"]);
        assert_ne!(one.labels["app"], two.labels["app"]);
        assert_eq!(one.secret_labels, two.secret_labels);
        assert_eq!(one.secret_labels["app"][LABEL_FILES].secrets, BTreeSet::from(["private/key".to_owned()]));
        assert_ne!(one.secret_labels["app"][LABEL_FILES].base, one.files["app"]);
        // Who mounts the whole directory uses what is in it.
        assert!(one.secret_labels.contains_key("all") && !one.secret_labels.contains_key("none"));
    }
}
