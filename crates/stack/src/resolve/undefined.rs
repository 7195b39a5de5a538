//! The variables that nothing sets: who cannot do without them, and where they are used.

use std::collections::{BTreeMap, BTreeSet};

use compose::{
    Compose, Project, dotenv,
    env_files::RawProject,
    interpolation::Known,
    needs::{Facts, Needs, mentioned, needs},
    own_variables,
    uses::{self, Use, User},
};

use super::{
    Stage,
    files::{Sent, is_yaml},
};
use crate::error::{Error, Undefined};

/// What begins the name of a variable in the path of a file.
const DOLLAR: char = '$';

impl Stage<'_> {
    /// Those of the variables `unset` that `services` cannot do without. Of what Compose does not tell
    /// with its variables as they are written, the texts decide.
    pub(super) async fn needed(
        &self,
        compose: &Compose<'_>,
        project: &Project,
        (unset, services): (&BTreeSet<String>, &BTreeSet<String>),
        sent: Sent<'_>,
    ) -> Result<Vec<Undefined>, Error> {
        if unset.is_empty() {
            return Ok(Vec::new());
        }
        let all = self.undefined(unset, sent);
        let needs = match compose.raw_config(project).await {
            Ok(raw) => self.needs(&raw, (unset, services), &all, sent),
            Err(docker::Error::Command { output, .. }) => {
                tracing::debug!(stack = self.spec.name, output, "could not tell who needs which variables");
                return Ok(by_texts(all, services));
            }
            Err(error) => return Err(error.into()),
        };
        let used = all.into_iter().filter_map(|one| {
            let services = needs.get(&one.name)?;
            Some(one.needed_by(services))
        });
        Ok(used.collect())
    }

    fn needs(
        &self,
        raw: &RawProject,
        (unset, services): (&BTreeSet<String>, &BTreeSet<String>),
        all: &[Undefined],
        sent: Sent<'_>,
    ) -> Needs {
        let own = self.spec.env_text().unwrap_or_default();
        let in_env = |name: &str| if unset.contains(name) { Known::Unset } else { self.known(name) };
        let built = dotenv::built_on_missing(own, &|name| self.is_given(name), &in_env);
        let env_texts = |path: &str| self.texts_at(path, sent);
        let facts = Facts { known: &|name| self.known(name), built: &built, env_texts: &env_texts };
        let mut needs = needs(raw, services, unset, facts);
        // What stands in no service and no part of the project decides which files are read.
        let mentioned = mentioned(raw);
        let of_files = |one: &&Undefined| {
            !mentioned.contains(&one.name)
                && (one.uses.is_empty()
                    || one.uses.iter().any(|one| !matches!(one.by, User::Variable(_) | User::Project)))
        };
        for one in all.iter().filter(of_files) {
            needs.entry(one.name.clone()).or_default();
        }
        needs
    }

    /// The texts that the env file at the absolute `path` may have.
    fn texts_at(&self, path: &str, sent: Sent<'_>) -> Vec<String> {
        let is_it = |file: &str| path.contains(DOLLAR) || format!("{}/{file}", self.end.root()) == path;
        let texts = self.env_texts(sent.contents, sent.paths).filter(|(file, _)| is_it(file));
        texts.map(|(_, text)| text).collect()
    }

    /// The variables of these names, with the places where the texts come to them.
    pub(super) fn undefined(&self, names: &BTreeSet<String>, sent: Sent<'_>) -> Vec<Undefined> {
        let known = |name: &str| if names.contains(name) { Known::Unset } else { self.known(name) };
        let mut found: BTreeMap<&String, Vec<Use>> = names.iter().map(|name| (name, Vec::new())).collect();
        let text = |path: &String| Some(String::from_utf8_lossy(sent.contents.get(path)?).into_owned());
        let mut add = |uses: Vec<(String, Use)>| {
            for (name, one) in uses {
                if let Some(uses) = found.get_mut(&name).filter(|uses| !uses.contains(&one)) {
                    uses.push(one);
                }
            }
        };
        if let Some(own) = self.spec.env_text() {
            add(uses::in_env_file(&self.spec.dotenv_path, own, &known));
        }
        for (path, text) in self.env_texts(sent.contents, sent.paths) {
            add(uses::in_env_file(&path, &text, &known));
        }
        for path in sent.paths.iter().filter(|path| is_yaml(path)) {
            add(uses::in_compose_file(path, &text(path).unwrap_or_default(), &known));
        }
        let undefined =
            |(name, uses): (&String, _)| Undefined { name: name.clone(), uses, ..Undefined::default() };
        found.into_iter().map(undefined).collect()
    }

    /// Whether the configuration gives a variable its value.
    fn is_given(&self, name: &str) -> bool {
        self.spec.environment.contains_key(name)
            || self.spec.placeholders.contains_key(name)
            || own_variables(&self.host.cli).contains(&name)
    }

    /// What is known of a variable.
    fn known(&self, name: &str) -> Known {
        if let Some(value) = self.spec.environment.get(name) {
            return if value.is_empty() { Known::Empty } else { Known::Given };
        }
        if self.is_given(name) {
            return Known::Given;
        }
        let own = self.spec.env_text().map(|text| dotenv::variables(text).unwrap_or_default());
        match own.unwrap_or_default().get(name) {
            Some(true) => Known::Given,
            Some(false) => Known::Empty,
            None => Known::Unset,
        }
    }
}

/// Those of `undefined` that a text uses elsewhere than in services that are not among `services`.
fn by_texts(undefined: Vec<Undefined>, services: &BTreeSet<String>) -> Vec<Undefined> {
    let counts = |one: &Use| match &one.by {
        User::Service(service) => services.contains(service),
        User::Project => false,
        User::Variable(_) | User::Other => true,
    };
    undefined.into_iter().filter(|one| one.uses.is_empty() || one.uses.iter().any(counts)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_that_are_off_need_nothing_by_the_texts_either() {
        let one = |name: &str, by: &[User]| Undefined {
            name: name.to_owned(),
            uses: by.iter().map(|by| Use { file: "c".into(), line: 1, by: by.clone() }).collect(),
            ..Undefined::default()
        };
        let (on, off) = (User::Service("on".into()), User::Service("off".into()));
        let all = vec![
            one("A", std::slice::from_ref(&off)),
            one("B", &[off, on]),
            one("C", &[User::Other]),
            one("D", &[]),
            one("E", &[User::Project]),
        ];
        let found = by_texts(all, &BTreeSet::from(["on".to_owned()]));
        let names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["B", "C", "D"]);
    }
}
