//! What counts in a build, and what does not.

use serde_json::json;

use super::*;
use crate::secret_label::Placeholders;

const DIRECTORY: &str = "/srv/web";

fn files(entries: &[(&str, &str)]) -> BTreeMap<String, FileDigest> {
    let digest = |text: &str| FileDigest { sha256: text.to_owned(), mode: 0o644 };
    entries.iter().map(|(path, text)| ((*path).to_owned(), digest(text))).collect()
}

fn usual() -> Vec<(&'static str, &'static str)> {
    vec![
        ("compose.yaml", "x"),
        ("app/Dockerfile", "FROM scratch"),
        ("app/.dockerignore", "*.log\n"),
        ("app/main", "1"),
        ("app/debug.log", "2"),
        ("lib/a", "3"),
        ("token", "4"),
    ]
}

fn document(build: Value) -> Value {
    json!({
        "name": "web",
        "secrets": {"env": {"environment": "TOKEN"}, "file": {"file": "/srv/web/token"}},
        "services": {"app": {"build": build}, "db": {"image": "pg"}}
    })
}

fn plain() -> Value {
    json!({"context": "/srv/web/app", "dockerfile": "Dockerfile"})
}

fn hash_in(
    directory: &str,
    build: Value,
    entries: &[(&str, &str)],
    token: &str,
) -> Result<String, BuildError> {
    let files = files(entries);
    let texts: BTreeMap<String, String> =
        entries.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let read = |path: &str| texts.get(path).cloned();
    let links = BTreeMap::from([("current".to_owned(), "app".to_owned())]);
    let shipped = Shipped { directory, files: &files, links: &links, read: &read };
    let known = BTreeMap::from([("TOKEN".to_owned(), token.to_owned())]);
    let names = ["app", "db"].map(str::to_owned).into();
    let found = contexts(
        &document(build),
        &names,
        shipped,
        Values { known: &known, own: None, secrets: Placeholders::NONE },
    )?;
    assert_eq!(found.keys().collect::<Vec<_>>(), ["app"]);
    Ok(found["app"].clone())
}

fn hash(build: Value, entries: &[(&str, &str)]) -> String {
    hash_in(DIRECTORY, build, entries, "TOKEN#1").unwrap()
}

fn edited(path: &str, text: &'static str) -> Vec<(&'static str, &'static str)> {
    usual().into_iter().map(|(name, old)| if name == path { (name, text) } else { (name, old) }).collect()
}

#[test]
fn what_goes_into_the_image_counts_and_nothing_else_does() {
    let before = hash(plain(), &usual());
    for path in ["app/Dockerfile", "app/main", "app/.dockerignore"] {
        assert_ne!(hash(plain(), &edited(path, "y")), before, "{path}");
    }
    for path in ["app/debug.log", "lib/a", "compose.yaml", "token"] {
        assert_eq!(hash(plain(), &edited(path, "y")), before, "{path}");
    }
}

#[test]
fn the_dockerfile_counts_also_where_it_is_excluded() {
    let mut entries = usual();
    entries.push(("app/Dockerfile.dockerignore", "*\n!debug.log"));
    let before = hash(plain(), &entries);
    let with = |path: &str| {
        let edit = |(name, old)| if name == path { (name, "y") } else { (name, old) };
        hash(plain(), &entries.clone().into_iter().map(edit).collect::<Vec<_>>())
    };
    assert_ne!(with("app/Dockerfile"), before);
    assert_ne!(with("app/debug.log"), before);
    assert_eq!(with("app/main"), before);
}

#[test]
fn everything_that_says_what_to_build_counts() {
    let mut hashes = BTreeSet::new();
    for (key, value) in [
        ("target", json!("x")),
        ("args", json!({"A": "1"})),
        ("args", json!({"A": "2"})),
        ("dockerfile_inline", json!("FROM scratch")),
        ("additional_contexts", json!({"lib": "/srv/web/lib"})),
        ("additional_contexts", json!({"lib": "docker-image://busybox"})),
        ("secrets", json!([{"source": "env"}])),
        ("secrets", json!([{"source": "file"}])),
        ("context", json!("https://example.org/app.git#main")),
        ("context", json!("https://example.org/app.git#v2")),
        ("cache_from", json!(["x"])),
    ] {
        let mut build = plain();
        build[key] = value;
        hashes.insert(hash(build, &usual()));
    }
    assert_eq!(hashes.len(), 11);
    let mut cached = plain();
    cached["cache_from"] = json!(["x"]);
    assert_eq!(hash(cached, &usual()), hash(plain(), &usual()));
}

#[test]
fn secrets_count_by_what_stands_for_them() {
    let mut build = plain();
    build["secrets"] = json!([{"source": "env"}, {"source": "file"}]);
    let with = |token: &str| hash_in(DIRECTORY, build.clone(), &usual(), token).unwrap();
    assert_ne!(with("TOKEN#1"), with("TOKEN#2"));
    assert_ne!(hash(build.clone(), &edited("token", "y")), with("TOKEN#1"));
}

#[test]
fn a_context_is_the_same_in_another_directory_and_behind_a_link() {
    let there = json!({"context": "/opt/x/app", "dockerfile": "Dockerfile"});
    assert_eq!(hash_in("/opt/x", there, &usual(), "").unwrap(), hash(plain(), &usual()));
    let linked = json!({"context": "/srv/web/current", "dockerfile": "Dockerfile"});
    assert_eq!(hash(linked, &usual()), hash(plain(), &usual()));
    let upward = json!({"context": "/srv/web/lib", "dockerfile": "../app/Dockerfile"});
    assert_ne!(hash(upward, &usual()), hash(plain(), &usual()));
}

#[test]
fn what_cannot_be_built_is_reported_with_its_service() {
    for (build, words) in [
        (
            json!({"context": "/opt/app"}),
            "service \"app\" is built from /opt/app, which is not in the stack's directory",
        ),
        (
            json!({"context": "/srv/web/none"}),
            "service \"app\" is built from \"none\", where there are no files",
        ),
        (
            json!({"context": "/srv/web/app", "dockerfile": "Dockerfile.dev"}),
            "service \"app\" is built by \"app/Dockerfile.dev\", which is not among the files",
        ),
    ] {
        assert_eq!(hash_in(DIRECTORY, build, &usual(), "").unwrap_err().to_string(), words);
    }
    let error = hash_in(DIRECTORY, plain(), &edited("app/.dockerignore", "a["), "").unwrap_err();
    assert_eq!(
        error.to_string(),
        "service \"app\" is built without what \"app/.dockerignore\" names, and there \"a[\" is not a valid pattern"
    );
}

#[test]
fn what_no_build_fetches_is_refused_by_its_url() {
    let words = "service \"app\" is built from file:///srv/app.git#main, and a build fetches nothing by `file://`: only git \
                 repositories by https://….git, git:// or ssh://, or files by https://";
    for build in [
        json!({"context": "file:///srv/app.git#main"}),
        json!({"context": "/srv/web/app", "additional_contexts": {"x": "file:///srv/app.git#main"}}),
    ] {
        assert_eq!(hash_in(DIRECTORY, build, &usual(), "").unwrap_err().to_string(), words);
    }
}

#[test]
fn the_image_of_another_service_counts_by_what_that_is_built_from() {
    let build = json!({"context": "/srv/web/app", "additional_contexts": {"base": "service:lib"}});
    let with = |lib: Value, entries: &[(&str, &str)]| {
        let mut document = document(build.clone());
        document["services"]["lib"] = lib;
        let files = files(entries);
        let read = |_: &str| None;
        let shipped = Shipped { directory: DIRECTORY, files: &files, links: &BTreeMap::new(), read: &read };
        let values = Values { known: &BTreeMap::new(), own: None, secrets: Placeholders::NONE };
        contexts(&document, &["app".to_owned()].into(), shipped, values).unwrap()["app"].clone()
    };
    let lib = json!({"build": {"context": "/srv/web/lib", "dockerfile_inline": "FROM scratch"}});
    let before = with(lib.clone(), &usual());
    assert_eq!(with(lib.clone(), &edited("token", "y")), before);
    assert_ne!(with(lib.clone(), &edited("lib/a", "y")), before);
    assert_ne!(with(json!({"image": "lib"}), &usual()), before);
    // From itself by way of another one: Compose is the one to refuse that.
    let mut round = lib;
    round["build"]["additional_contexts"] = json!({"x": "service:app"});
    assert_ne!(with(round, &usual()), before);
}

#[test]
fn services_may_share_an_image_that_they_build_alike() {
    assert!(agree([("a", "img", "1"), ("b", "img", "1"), ("c", "other", "2")]).is_ok());
    let clash = agree([("a", "img", "1"), ("b", "img", "2")]).unwrap_err();
    assert_eq!(clash.to_string(), "the services a and b build the same image \"img\", each in its own way");
}

#[test]
fn what_is_built_elsewhere_is_built_from_the_same_directories() {
    let service = json!({"build": {
        "context": "/srv/web/it$$s",
        "additional_contexts": {"all": "/srv/web", "lib": "/srv/web/lib", "out": "/srv/webs", "svc": "service:db"},
    }});
    let directories = Directories::of(&service, "/srv/web");
    let text = elsewhere([(&"app".to_owned(), &directories)], "/srv/web/.windlass/$b");
    let expected = json!({"services": {"app": {"build": {
        "context": "/srv/web/.windlass/$$b/it$$s",
        "additional_contexts": {"all": "/srv/web/.windlass/$$b", "lib": "/srv/web/.windlass/$$b/lib"},
    }}}});
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    let url = Directories::of(&json!({"build": {"context": "https://example.org/a.git"}}), "/srv/web");
    assert!(url.is_empty() && elsewhere([(&"app".to_owned(), &url)], "/x") == "{\"services\":{}}");
}
