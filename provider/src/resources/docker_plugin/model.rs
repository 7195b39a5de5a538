//! The attributes of `windlass_docker_plugin`, and how a plugin becomes attributes.

use std::collections::{BTreeMap, BTreeSet};

use docker::{Privileges, Reference, engine::Plugin};
use framework::{Field, Model};
use secret::Secret;

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct PluginModel {
    pub(crate) host: Field<String>,
    pub(crate) reference: Field<String>,
    pub(crate) alias: Field<String>,
    pub(crate) grant: Field<BTreeMap<String, BTreeSet<String>>>,
    pub(crate) settings: Field<BTreeMap<String, String>>,
    pub(crate) settings_wo: Field<BTreeMap<String, Secret>>,
    pub(crate) settings_wo_version: Field<String>,
    pub(crate) enabled: Field<bool>,
    pub(crate) id: Field<String>,
    pub(crate) name: Field<String>,
}

impl PluginModel {
    /// What the plugin is called on the host: its alias, else its reference, with the tag that Docker
    /// gives it. `None` while that is unknown.
    pub(super) fn local_name(&self) -> Option<String> {
        match (&self.alias, &self.reference) {
            (Field::Known(alias), _) => familiar(alias),
            (Field::Null, Field::Known(reference)) => familiar(reference),
            _ => None,
        }
    }

    /// The recorded name, else the planned one.
    pub(super) fn shown(&self) -> String {
        self.name.known().cloned().or_else(|| self.local_name()).unwrap_or_default()
    }

    /// The reference, or nothing while it is unknown.
    pub(super) fn reference(&self) -> &str {
        self.reference.as_str().unwrap_or_default()
    }

    /// What the plugin may do.
    pub(super) fn granted(&self) -> Privileges {
        self.grant.clone().known_or_default()
    }

    /// Takes over what only the daemon knows.
    pub(super) fn set_computed(&mut self, found: &Plugin) {
        self.id = Field::Known(found.id.clone());
        self.name = Field::Known(found.name.clone());
    }

    /// Takes over all of it as it is: of the settings those that the configuration names, because the
    /// others may be secret. `told` is the reference that the daemon told last.
    pub(super) fn set_observed(&mut self, found: &Plugin, told: &str) {
        self.set_computed(found);
        self.enabled = Field::Known(found.enabled);
        if found.reference != told && !is_same_reference(self.reference(), &found.reference) {
            let shown = familiar(&found.reference).unwrap_or_else(|| found.reference.clone());
            self.reference = Field::Known(shown);
        }
        if let Field::Known(settings) = &mut self.settings {
            settings.retain(|key, _| found.settings.contains_key(key));
            for (key, value) in settings {
                value.clone_from(&found.settings[key]);
            }
        }
    }

    /// What has to be set on `found` so that it is as planned: named settings as they are given, all
    /// others as the plugin's author has them. `config` has the write-only ones.
    pub(super) fn to_set(&self, config: &Self, found: &Plugin) -> BTreeMap<String, String> {
        let mut wanted = found.defaults.clone();
        wanted.extend(self.settings.clone().known_or_default());
        let secret = config.settings_wo.clone().known_or_default();
        wanted.extend(secret.into_iter().map(|(key, value)| (key, value.expose().to_owned())));
        wanted.retain(|key, value| found.settings.get(key) != Some(value));
        wanted
    }
}

/// A reference as Docker writes it: short, with the tag that is meant.
fn familiar(text: &str) -> Option<String> {
    text.parse::<Reference>().ok().map(|reference| reference.familiar())
}

/// Whether two references are one in different spellings.
pub(super) fn is_same_reference(one: &str, other: &str) -> bool {
    one == other || familiar(one).is_some_and(|one| Some(one) == familiar(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(all: &[(&str, &str)]) -> BTreeMap<String, String> {
        all.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn found() -> Plugin {
        Plugin {
            id: "6f".into(),
            name: "data:latest".into(),
            reference: "docker.io/vieux/sshfs:latest".into(),
            enabled: true,
            keeps_volumes: true,
            settings: settings(&[("DEBUG", "1"), ("TOKEN", "t"), ("args", "")]),
            defaults: settings(&[("DEBUG", "0"), ("TOKEN", ""), ("args", "")]),
        }
    }

    #[test]
    fn a_plugin_is_called_by_its_alias_or_its_reference() {
        let mut model = PluginModel { reference: "vieux/sshfs".into(), ..PluginModel::default() };
        assert_eq!(model.local_name().as_deref(), Some("vieux/sshfs:latest"));
        model.alias = "data".into();
        assert_eq!(model.local_name().as_deref(), Some("data:latest"));
        model.alias = Field::Unknown;
        assert_eq!(model.local_name(), None);
    }

    #[test]
    fn only_named_settings_are_told() {
        let mut model = PluginModel {
            reference: "vieux/sshfs".into(),
            settings: Field::Known(settings(&[("DEBUG", "0"), ("GONE", "1")])),
            ..PluginModel::default()
        };
        model.set_observed(&found(), "");
        assert_eq!(model.settings, Field::Known(settings(&[("DEBUG", "1")])));
        assert_eq!(model.reference(), "vieux/sshfs", "another spelling changes nothing");
        model.reference = "vieux/sshfs:2".into();
        model.set_observed(&found(), "");
        assert_eq!(model.reference(), "vieux/sshfs:latest");
        model.reference = "vieux/sshfs:2".into();
        model.set_observed(&found(), "docker.io/vieux/sshfs:latest");
        assert_eq!(model.reference(), "vieux/sshfs:2", "the daemon tells the one before an upgrade");
    }

    #[test]
    fn what_is_not_named_is_as_its_author_has_it() {
        let model = PluginModel::default();
        assert_eq!(model.to_set(&model, &found()), settings(&[("DEBUG", "0"), ("TOKEN", "")]));
        let secret = BTreeMap::from([("TOKEN".to_owned(), Secret::from("t"))]);
        let config = PluginModel { settings_wo: Field::Known(secret), ..PluginModel::default() };
        let model = PluginModel { settings: Field::Known(settings(&[("DEBUG", "2")])), ..model };
        assert_eq!(model.to_set(&config, &found()), settings(&[("DEBUG", "2")]));
    }
}
