//! What a good apply leaves in the swarm: who made the stack, and what it was told of each service.
//!
//! It is a config, so that it is where the stack is, whichever manager is asked, and goes with it, also
//! by `docker stack rm`. What is in it, everybody can read in the services themselves.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::models::Config;
use remote::files::random_name;
use serde::{Deserialize, Serialize};

use super::{
    StackError,
    api::{Api, data_of, labels_of},
    translate::LABEL_STACK,
};
use crate::{Error, spec::Spec};

/// The label of such a config; its value is the name of the stack.
const LABEL_RECORD: &str = "windlass.record";
/// The label with the id of the configuration that made something.
pub(super) const LABEL_INSTANCE: &str = "windlass.instance";

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record {
    pub(super) instance: String,
    /// Each service as it was when all was well.
    pub(super) services: BTreeMap<String, Spec>,
}

#[derive(Serialize, Deserialize)]
struct Data {
    services: BTreeMap<String, Spec>,
}

impl Record {
    /// The newest one of the stack `name`, and what it is called.
    pub(super) async fn find(api: &Api, name: &str) -> Result<Option<(String, Self)>, Error> {
        let found = in_order(api.labelled_configs(&format!("{LABEL_RECORD}={name}")).await?);
        Ok(found.last().map(|config| (config.id.clone().unwrap_or_default(), Self::of(config))))
    }

    /// Those of all stacks.
    pub(super) async fn all(api: &Api) -> Result<Vec<Self>, Error> {
        Ok(api.labelled_configs(LABEL_RECORD).await?.iter().map(Self::of).collect())
    }

    /// The names of the stacks that have one.
    pub(super) async fn stacks(api: &Api) -> Result<BTreeSet<String>, Error> {
        let found = api.labelled_configs(LABEL_RECORD).await?;
        Ok(found.iter().filter_map(|config| labels_of(config).remove(LABEL_RECORD)).collect())
    }

    /// The newest one of each stack, by the name of that.
    pub(super) async fn newest(api: &Api) -> Result<BTreeMap<String, Self>, Error> {
        Ok(newest(api.labelled_configs(LABEL_RECORD).await?))
    }

    fn of(config: &Config) -> Self {
        let data: Option<Data> = serde_json::from_slice(&data_of(config)).ok();
        Self {
            instance: labels_of(config).remove(LABEL_INSTANCE).unwrap_or_default(),
            services: data.map(|data| data.services).unwrap_or_default(),
        }
    }

    /// Leaves this one, and no other.
    pub(super) async fn leave(self, api: &Api, name: &str) -> Result<(), StackError> {
        let old = api.labelled_configs(&format!("{LABEL_RECORD}={name}")).await?;
        let labels = [(LABEL_STACK, name), (LABEL_RECORD, name), (LABEL_INSTANCE, self.instance.as_str())];
        let labels: HashMap<_, _> =
            labels.into_iter().map(|(label, value)| (label.to_owned(), value.to_owned())).collect();
        // Plain fields cannot fail.
        let data = serde_json::to_vec(&Data { services: self.services }).unwrap_or_default();
        api.create_note(
            &format!("windlass-record-{}", random_name().map_err(stack::Error::from)?),
            labels,
            &data,
        )
        .await?;
        for config in old {
            api.remove_file(super::FileKind::Config, &config.id.unwrap_or_default()).await?;
        }
        Ok(())
    }

    /// Whether a config is one of these.
    pub(super) fn is_one(labels: &HashMap<String, String>) -> bool {
        labels.contains_key(LABEL_RECORD)
    }
}

/// The newest one last.
fn in_order(mut configs: Vec<Config>) -> Vec<Config> {
    configs.sort_by_key(|config| config.version.as_ref().and_then(|version| version.index));
    configs
}

fn newest(configs: Vec<Config>) -> BTreeMap<String, Record> {
    let named = |config: Config| Some((labels_of(&config).remove(LABEL_RECORD)?, Record::of(&config)));
    in_order(configs).into_iter().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_newest_record_of_each_stack_counts() {
        let config = |stack: &str, version: u64, instance: &str| -> Config {
            let labels = json!({LABEL_RECORD: stack, LABEL_INSTANCE: instance});
            serde_json::from_value(json!({"Version": {"Index": version}, "Spec": {"Labels": labels}}))
                .unwrap()
        };
        let found =
            newest(vec![config("web", 12, "new"), config("web", 9, "old"), config("db", 10, "other")]);
        let instances: Vec<_> =
            found.iter().map(|(name, one)| (name.as_str(), one.instance.as_str())).collect();
        assert_eq!(instances, [("db", "other"), ("web", "new")]);
    }
}
