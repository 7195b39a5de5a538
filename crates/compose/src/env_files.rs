//! Which services get their environment from the stack's own `.env`, and the lists of env files that
//! lead them to the user's.
//!
//! `.env` on a host is not the user's alone (see [`layout`](super::layout)). Compose resolves
//! `env_file` away before it tells what it has read, so that two things are asked of it: the staged
//! `.env` sets a variable of ours at its end, [`MARK`], which shows in the environment of every
//! service that has read it; and `config --no-interpolate` (seen with 2.26.1 and 5.5.1) still has the
//! lists, with what `extends` and `include` add. They are written anew, `.env` replaced, as the user
//! wrote them: with their interpolations, and with `required` and `format`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    layout::{ENV_FILE, Layout, OWN_ENV},
    paths::{below, followed},
};
use docker::Error;

/// The variable that the staged `.env` sets beside the user's.
pub const MARK: &str = "WINDLASS_OWN_ENV";

/// One file of a service's `env_file`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvFile {
    /// Its path, relative to the project's directory or absolute; variables in it are not filled in.
    pub path: String,
    /// Whether it has to be there.
    #[serde(default = "yes")]
    pub required: bool,
    /// How it is to be read, where it is not read as a dotenv text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

fn yes() -> bool {
    true
}

/// A project as `config --no-interpolate` tells it.
#[derive(Debug)]
pub struct RawProject {
    document: Value,
}

impl RawProject {
    /// Reads its JSON.
    ///
    /// # Errors
    /// [`Error::Parse`] when it is none.
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        let unreadable = |source: serde_json::Error| Error::Parse {
            what: "the output of \"docker compose config --no-interpolate\"".to_owned(),
            source: source.into(),
        };
        Ok(Self { document: serde_json::from_slice(json).map_err(unreadable)? })
    }

    /// The document.
    pub(super) fn document(&self) -> &Value {
        &self.document
    }

    /// The env files of each service that has some, as the document names them.
    pub fn env_files(&self) -> BTreeMap<&str, Vec<EnvFile>> {
        let services = self.document["services"].as_object().into_iter().flatten();
        let lists = services.map(|(name, service)| (name.as_str(), listed(&service["env_file"])));
        lists.filter(|(_, files)| !files.is_empty()).collect()
    }

    /// The services that may take a value of one of the variables `names`: they name it, or have files
    /// or objects whose content may come from it.
    pub fn services_naming(&self, names: &BTreeSet<&str>) -> BTreeSet<String> {
        let services = self.document["services"].as_object().into_iter().flatten();
        let takes = |service: &Value| {
            let text = service.to_string();
            ["env_file", "configs", "secrets"].iter().any(|key| !service[*key].is_null())
                || names.iter().any(|name| text.contains(name))
        };
        services.filter(|(_, service)| takes(service)).map(|(name, _)| name.clone()).collect()
    }

    /// The env files of each service that has `.env` of the project's directory among them, with the
    /// user's own in its place. The document names paths below `layout`; `links` are the symbolic links
    /// there, by their paths relative to its root.
    pub fn with_own_env(
        &self,
        layout: &Layout,
        links: &BTreeMap<String, String>,
    ) -> BTreeMap<String, Vec<EnvFile>> {
        let (own, env) = (layout.in_compose_files(OWN_ENV), layout.env_path());
        let inside = |file: &EnvFile| below(&file.path, layout.root()).map(str::to_owned);
        let is_env = |path: &String| followed(path, links).contains(&env);
        let path = |file: &EnvFile| match inside(file) {
            Some(inside) if is_env(&inside) => own.clone(),
            Some(inside) => layout.in_compose_files(&inside),
            None => file.path.clone(),
        };
        let names_env = |files: &[EnvFile]| files.iter().filter_map(inside).any(|inside| is_env(&inside));
        let lists = self.env_files().into_iter().filter(|(_, files)| names_env(files));
        let moved = |files: Vec<EnvFile>| {
            files.into_iter().map(|file| EnvFile { path: path(&file), ..file }).collect()
        };
        lists.map(|(name, files)| (name.to_owned(), moved(files))).collect()
    }
}

/// The entries of an `env_file`, short or long.
fn listed(value: &Value) -> Vec<EnvFile> {
    let one = |value: &Value| match value {
        Value::String(path) => Some(EnvFile { path: path.clone(), required: true, format: None }),
        value => EnvFile::deserialize(value).ok(),
    };
    match value {
        Value::Array(files) => files.iter().filter_map(one).collect(),
        value => one(value).into_iter().collect(),
    }
}

/// The text of the staged `.env`: the user's own, and the mark.
pub fn marked(own: &str) -> String {
    let end = if own.is_empty() || own.ends_with('\n') { "" } else { "\n" };
    format!("{own}{end}{MARK}=1\n")
}

/// Takes the mark out of a resolved project; the services that had it.
pub fn take_marks(document: &mut Value) -> BTreeSet<String> {
    let services = document.pointer_mut("/services").and_then(Value::as_object_mut);
    let mut marked = BTreeSet::new();
    for (name, service) in services.into_iter().flatten() {
        let environment = service.pointer_mut("/environment").and_then(Value::as_object_mut);
        if environment.is_some_and(|environment| environment.remove(MARK).is_some()) {
            marked.insert(name.clone());
        }
    }
    marked
}

/// Whether a Compose text may name the stack's `.env`, by the look of it.
pub fn may_name_env(text: &str) -> bool {
    text.contains("env_file") && text.contains(ENV_FILE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn raw(services: &Value) -> RawProject {
        RawProject::parse(json!({ "services": services }).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_service_may_take_a_value_by_its_name_or_by_a_file() {
        let raw = raw(&json!({
            "named": { "image": "app:${TAG}" },
            "given": { "environment": { "TAG": null } },
            "file": { "env_file": ["./more.env"] },
            "secret": { "secrets": [{ "source": "s" }] },
            "plain": { "image": "app:1", "environment": { "OTHER": "${OTHER}" } },
        }));
        let found = raw.services_naming(&BTreeSet::from(["TAG"]));
        assert_eq!(
            found.iter().map(String::as_str).collect::<Vec<_>>(),
            ["file", "given", "named", "secret"]
        );
    }

    #[test]
    fn only_lists_with_the_own_env_are_written_anew() {
        let raw = raw(&json!({
            "app": {"env_file": [
                {"path": "/s/web/.env", "required": true}, {"path": "/s/web/${MODE}.env"},
                {"path": "/s/more.env", "required": false, "format": "raw"}
            ]},
            "short": {"env_file": ["/s/web/.env"]},
            "text": {"env_file": "/s/web/.env"},
            "link": {"env_file": "/s/web/same.env"},
            "other": {"env_file": [{"path": "/s/web/sub/.env", "required": true}]},
            "none": {"image": "x"}
        }));
        let layout = Layout::new("/s/web", &["compose.yaml".to_owned()]);
        let links = BTreeMap::from([("same.env".to_owned(), "./.env".to_owned())]);
        let lists = raw.with_own_env(&layout, &links);
        assert_eq!(lists.keys().collect::<Vec<_>>(), ["app", "link", "short", "text"]);
        assert_eq!(lists["link"], lists["text"]);
        let file = |path: &str| EnvFile { path: path.into(), required: true, format: None };
        assert_eq!(
            lists["app"],
            [
                file(".windlass/own.env"),
                file("${MODE}.env"),
                EnvFile { required: false, format: Some("raw".into()), ..file("/s/more.env") }
            ]
        );
        assert_eq!((&lists["short"], &lists["text"]), (&vec![file(".windlass/own.env")], &lists["short"]));
    }

    #[test]
    fn a_project_in_a_folder_names_the_own_env_above_it() {
        let raw = raw(&json!({"app": {"env_file": ["/s/web/deploy/.env", "/s/web/.env"]}}));
        let layout = Layout::new("/s/web", &["deploy/compose.yaml".to_owned()]);
        let lists = raw.with_own_env(&layout, &BTreeMap::new());
        let paths: Vec<&str> = lists["app"].iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["../.windlass/own.env", "../.env"]);
    }

    #[test]
    fn marks_come_and_go() {
        assert_eq!(marked(""), "WINDLASS_OWN_ENV=1\n");
        assert_eq!(marked("A=1"), "A=1\nWINDLASS_OWN_ENV=1\n");
        assert_eq!(marked("A=1\r\n"), "A=1\r\nWINDLASS_OWN_ENV=1\n");
        let mut document = json!({"services": {
            "app": {"environment": {"A": "1", MARK: "1"}}, "db": {"environment": {"A": "1"}}, "x": {}
        }});
        assert_eq!(take_marks(&mut document), BTreeSet::from(["app".to_owned()]));
        assert_eq!(document["services"]["app"]["environment"], json!({"A": "1"}));
        assert!(take_marks(&mut document).is_empty());
    }
}
