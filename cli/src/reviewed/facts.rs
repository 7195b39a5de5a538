//! What a plan was made from, and in what it differs from what is there now.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// All that decides what a plan is. Everything in it is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The version of this program.
    pub windlass: String,
    /// The core and its version, as `OpenTofu v1.12.6`.
    pub core: String,
    /// The system and the processor that it runs on.
    pub platform: String,
    /// The workspace of the core, and that of `--workspace`.
    pub workspaces: (String, Option<String>),
    /// Where the core keeps its state, as a digest of what `init` wrote down.
    pub backend: String,
    /// Digests of the configuration's files, modules included, by path.
    pub configuration: BTreeMap<String, String>,
    /// The digest of the lock file.
    pub lock_file: Option<String>,
    /// Digests of the programs that are the providers, by path.
    pub providers: BTreeMap<String, String>,
    /// The state; `None` where there is none yet.
    pub state: Option<StateFacts>,
}

/// What of a state is compared by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateFacts {
    /// Which infrastructure it is of.
    pub lineage: String,
    /// How often it was changed.
    pub serial: i64,
}

impl Facts {
    /// The same, without files of the configuration that these facts do not have and that `may_be_read` does not
    /// take for a part of it.
    #[must_use]
    pub fn but_unrelated(mut self, then: &Self, may_be_read: impl Fn(&str) -> bool) -> Self {
        self.configuration.retain(|path, _| then.configuration.contains_key(path) || may_be_read(path));
        self
    }

    /// In what it differs now, as sentences.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |what: &str, then: &str, now: &str| {
            if then != now {
                found.push(format!("{what} was {then}, and is {now}."));
            }
        };
        compare("The version of windlass", &self.windlass, &now.windlass);
        compare("The core", &self.core, &now.core);
        compare("The platform", &self.platform, &now.platform);
        compare("The workspace", &quoted(&self.workspaces.0), &quoted(&now.workspaces.0));
        let of_option = |name: &Option<String>| name.as_deref().map_or_else(|| "none".into(), quoted);
        compare(
            "The workspace of `--workspace`",
            &of_option(&self.workspaces.1),
            &of_option(&now.workspaces.1),
        );
        if self.backend != now.backend {
            found.push("The backend is another one, or has other settings.".into());
        }
        found.extend(of_files("configuration", &self.configuration, &now.configuration));
        found.extend(match (&self.lock_file, &now.lock_file) {
            (then, now) if then == now => None,
            (Some(_), None) => Some("The lock file (.terraform.lock.hcl) is gone.".to_owned()),
            (None, Some(_)) => Some("There is a lock file (.terraform.lock.hcl) now.".to_owned()),
            _ => Some("The lock file (.terraform.lock.hcl) is another one.".to_owned()),
        });
        found.extend(of_files("provider", &self.providers, &now.providers));
        found.extend(of_state(self.state.as_ref(), now.state.as_ref()));
        found
    }
}

fn quoted(text: &str) -> String {
    format!("`{text}`")
}

fn of_files(what: &str, then: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = Vec::new();
    for (path, digest) in then {
        match now.get(path) {
            None => found.push(format!("Of the {what}, {path} is gone.")),
            Some(other) if other != digest => found.push(format!("Of the {what}, {path} is another one.")),
            Some(_) => {}
        }
    }
    let new = now.keys().filter(|path| !then.contains_key(*path));
    found.extend(new.map(|path| format!("Of the {what}, {path} is new.")));
    found
}

fn of_state(then: Option<&StateFacts>, now: Option<&StateFacts>) -> Option<String> {
    match (then, now) {
        (None, None) => None,
        (None, Some(_)) => Some("There was no state, and now there is one.".into()),
        (Some(_), None) => Some("There was a state, and now there is none.".into()),
        (Some(then), Some(now)) if then.lineage != now.lineage => {
            Some("The state is of another infrastructure (its lineage is another one).".into())
        }
        (Some(then), Some(now)) if then.serial != now.serial => Some(format!(
            "The state's serial was {}, and is {}: something has changed it.",
            then.serial, now.serial
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let files = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "a".to_owned())).collect();
        Facts {
            windlass: "0.1.0".into(),
            core: "OpenTofu v1.12.6".into(),
            platform: "linux_amd64".into(),
            workspaces: ("default".into(), None),
            backend: "b".into(),
            configuration: files(&["main.tf", "modules/a/main.tf"]),
            lock_file: Some("l".into()),
            providers: files(&["p"]),
            state: Some(StateFacts { lineage: "x".into(), serial: 3 }),
        }
    }

    #[test]
    fn every_difference_is_told_by_itself() {
        let change = |change: fn(&mut Facts)| {
            let mut now = facts();
            change(&mut now);
            facts().differences(&now).join(" ")
        };
        assert_eq!(change(|_| {}), "");
        assert_eq!(
            change(|f| f.windlass = "0.2.0".into()),
            "The version of windlass was 0.1.0, and is 0.2.0."
        );
        assert_eq!(
            change(|f| f.core = "Terraform v1.15.0".into()),
            "The core was OpenTofu v1.12.6, and is Terraform v1.15.0."
        );
        assert_eq!(
            change(|f| f.platform = "darwin_arm64".into()),
            "The platform was linux_amd64, and is darwin_arm64."
        );
        assert_eq!(
            change(|f| f.workspaces.0 = "drill".into()),
            "The workspace was `default`, and is `drill`."
        );
        assert_eq!(
            change(|f| f.workspaces.1 = Some("x".into())),
            "The workspace of `--workspace` was none, and is `x`."
        );
        assert_eq!(change(|f| f.backend = "c".into()), "The backend is another one, or has other settings.");
        assert_eq!(
            change(|f| drop(f.configuration.remove("main.tf"))),
            "Of the configuration, main.tf is gone."
        );
        assert_eq!(
            change(|f| drop(f.configuration.insert("main.tf".into(), "b".into()))),
            "Of the configuration, main.tf is another one."
        );
        assert_eq!(
            change(|f| drop(f.configuration.insert("new.tf".into(), "b".into()))),
            "Of the configuration, new.tf is new."
        );
        assert_eq!(change(|f| f.lock_file = None), "The lock file (.terraform.lock.hcl) is gone.");
        assert_eq!(
            change(|f| f.lock_file = Some("m".into())),
            "The lock file (.terraform.lock.hcl) is another one."
        );
        assert_eq!(
            change(|f| drop(f.providers.insert("p".into(), "b".into()))),
            "Of the provider, p is another one."
        );
        assert_eq!(change(|f| f.state = None), "There was a state, and now there is none.");
        assert_eq!(
            change(|f| f.state.as_mut().unwrap().serial = 4),
            "The state's serial was 3, and is 4: something has changed it."
        );
        assert_eq!(
            change(|f| f.state.as_mut().unwrap().lineage = "y".into()),
            "The state is of another infrastructure (its lineage is another one)."
        );
    }
}
