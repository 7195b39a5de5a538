//! A project and what is done to it, step by step.

use std::collections::BTreeMap;

use crate::fate::{Fate, Fates};

/// A Compose project of `tests/fixtures/fidelity`, and the steps it goes through.
#[derive(Debug)]
pub struct Case {
    /// The name of its folder and of its stack.
    pub name: &'static str,
    /// What is done before the stack is made.
    pub first: Vec<Action>,
    /// The Compose files that are handed over as texts instead of `source_dir`.
    pub texts: Vec<&'static str>,
    /// What is done to it, one after the other.
    pub steps: Vec<Step>,
}

/// Something done to a project, followed by a plan and an apply.
#[derive(Debug)]
pub struct Step {
    /// What it is, in words.
    pub title: &'static str,
    /// What is done.
    pub actions: Vec<Action>,
    /// What must happen to the services; those that are not named are kept.
    expected: Fates,
    /// The same where a current Compose does something else.
    expected_now: Fates,
}

/// Which Compose a host has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compose {
    /// The one of the lab's distribution.
    Packaged,
    /// A current one.
    Current,
}

/// One thing done. Paths are relative to the project's folder.
#[derive(Clone, Debug)]
pub enum Action {
    /// Replaces a text that is in a file exactly once.
    Replace(&'static str, &'static str, &'static str),
    /// Adds text to the end of a file.
    Append(&'static str, &'static str),
    /// Writes a file.
    Write(&'static str, &'static str),
    /// Writes so many files into a folder: `1.html`, `2.html`, …
    Many(&'static str, usize),
    /// Removes a file.
    Delete(&'static str),
    /// Renames a file.
    Rename(&'static str, &'static str),
    /// Sets the permission bits of a file.
    Mode(&'static str, u32),
    /// Makes a symbolic link: path, target.
    Link(&'static str, &'static str),
    /// Sets a value of `environment`.
    Env(&'static str, &'static str),
    /// Removes a value of `environment`.
    NoEnv(&'static str),
    /// Sets a value of `secrets_wo`.
    Secret(&'static str, &'static str),
    /// Sets an entry of `secret_files_wo`.
    SecretFile(&'static str, &'static str),
    /// Sets an attribute to an expression of the configuration language.
    Set(&'static str, &'static str),
    /// Sets an entry of `files_content`.
    Overlay(&'static str, &'static str),
    /// Lets the moving tag of the registry stand for another tag.
    MoveTag(&'static str),
    /// Runs words on the host, as a person would behind Windlass's back.
    OnHost(&'static [&'static str]),
}

/// The attributes of a stack besides its name, host and files.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    environment: BTreeMap<&'static str, &'static str>,
    secrets: BTreeMap<&'static str, &'static str>,
    secret_files: BTreeMap<&'static str, &'static str>,
    overlay: BTreeMap<&'static str, &'static str>,
    others: BTreeMap<&'static str, &'static str>,
}

/// A project whose stack is made from its folder as it is.
pub fn case(name: &'static str) -> Case {
    Case { name, first: Vec::new(), texts: Vec::new(), steps: Vec::new() }
}

/// A step in which nothing is done yet and nothing must happen.
pub fn step(title: &'static str) -> Step {
    Step { title, actions: Vec::new(), expected: Fates::new(), expected_now: Fates::new() }
}

impl Case {
    /// Does something before the stack is made.
    pub fn first(mut self, action: Action) -> Self {
        self.first.push(action);
        self
    }

    /// Hands the Compose files over as texts.
    pub fn texts(mut self, files: &[&'static str]) -> Self {
        self.texts = files.to_vec();
        self
    }

    /// Adds a step.
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

impl Step {
    /// Does something in the step.
    pub fn doing(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    /// The containers of these services must be replaced.
    pub fn recreates(self, services: &str) -> Self {
        self.expecting(services, Fate::Recreated)
    }

    /// These services must come.
    pub fn creates(self, services: &str) -> Self {
        self.expecting(services, Fate::Created)
    }

    /// These services must go.
    pub fn removes(self, services: &str) -> Self {
        self.expecting(services, Fate::Removed)
    }

    /// These services must get more or fewer containers.
    pub fn scales(self, services: &str) -> Self {
        self.expecting(services, Fate::Scaled)
    }

    /// With a current Compose, nothing happens to these services.
    pub fn keeps_now(self, services: &str) -> Self {
        self.expecting_now(services, Fate::Kept)
    }

    /// With a current Compose, these services must start again.
    pub fn restarts_now(self, services: &str) -> Self {
        self.expecting_now(services, Fate::Restarted)
    }

    /// With a current Compose, the containers of these services must be replaced.
    pub fn recreates_now(self, services: &str) -> Self {
        self.expecting_now(services, Fate::Recreated)
    }

    /// What must happen to the services with this Compose.
    pub fn expected(&self, compose: Compose) -> Fates {
        let mut expected = self.expected.clone();
        if compose == Compose::Current {
            expected.extend(self.expected_now.clone());
        }
        expected
    }

    fn expecting(mut self, services: &str, fate: Fate) -> Self {
        self.expected.extend(services.split_whitespace().map(|name| (name.to_owned(), fate)));
        self
    }

    fn expecting_now(mut self, services: &str, fate: Fate) -> Self {
        self.expected_now.extend(services.split_whitespace().map(|name| (name.to_owned(), fate)));
        self
    }
}

impl Attributes {
    /// Takes over what an action changes in the configuration; the others change no attribute.
    pub fn apply(&mut self, action: &Action) {
        match action {
            Action::Env(name, value) => drop(self.environment.insert(name, value)),
            Action::NoEnv(name) => drop(self.environment.remove(name)),
            Action::Secret(name, value) => drop(self.secrets.insert(name, value)),
            Action::SecretFile(path, text) => drop(self.secret_files.insert(path, text)),
            Action::Overlay(path, text) => drop(self.overlay.insert(path, text)),
            Action::Set(name, expression) => drop(self.others.insert(name, expression)),
            _ => {}
        }
    }

    /// The resource's block.
    pub fn block(&self, case: &Case, folder: &str) -> String {
        let name = case.name;
        let source = if case.texts.is_empty() {
            format!("source_dir = {}", quote(folder))
        } else {
            let files: Vec<_> = case
                .texts
                .iter()
                .map(|file| format!("file({})", quote(&format!("{folder}/{file}"))))
                .collect();
            format!("config = [{}]", files.join(", "))
        };
        let mut block = format!(
            "resource \"windlass_compose_stack\" \"{name}\" {{\n  host = windlass_host.this.connection\n  \
             name = \"{name}\"\n  {source}\n"
        );
        let maps = [
            ("environment", &self.environment),
            ("secrets_wo", &self.secrets),
            ("secret_files_wo", &self.secret_files),
            ("files_content", &self.overlay),
        ];
        for (attribute, entries) in maps.into_iter().filter(|(_, entries)| !entries.is_empty()) {
            let entries: Vec<_> =
                entries.iter().map(|(name, value)| format!("{} = {}", quote(name), quote(value))).collect();
            block += &format!("  {attribute} = {{ {} }}\n", entries.join(", "));
        }
        for (attribute, expression) in &self.others {
            block += &format!("  {attribute} = {expression}\n");
        }
        block + "}\n"
    }
}

/// A string of the configuration language that means just this text.
fn quote(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_says_what_was_done() {
        let case = case("web");
        let mut attributes = Attributes::default();
        for action in [
            Action::Env("A", "1"),
            Action::Env("B", "a \"${x}\""),
            Action::Env("C", "3"),
            Action::NoEnv("C"),
            Action::Delete("x"),
            Action::Set("pull", "\"always\""),
        ] {
            attributes.apply(&action);
        }
        assert_eq!(
            attributes.block(&case, "stacks/web"),
            "resource \"windlass_compose_stack\" \"web\" {\n  host = windlass_host.this.connection\n  \
             name = \"web\"\n  source_dir = \"stacks/web\"\n  \
             environment = { \"A\" = \"1\", \"B\" = \"a \\\"$${x}\\\"\" }\n  pull = \"always\"\n}\n"
        );
    }

    #[test]
    fn texts_are_read_by_the_configuration() {
        let case = case("web").texts(&["a.yaml", "b.yaml"]);
        let block = Attributes::default().block(&case, "s");
        assert!(block.contains("config = [file(\"s/a.yaml\"), file(\"s/b.yaml\")]"), "{block}");
    }
}
