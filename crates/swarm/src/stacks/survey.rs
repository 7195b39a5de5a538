//! What runs of all stacks of a swarm, asked at once: who looks at ten of them asks as often as who looks
//! at one.

use std::collections::BTreeMap;

use docker::Engine;

use super::{LiveStack, StackError, api::Api, overview::by_stack, record::Record};
use crate::spec::ApiService as Service;

/// Services by stack, and what good applies have left.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    services: BTreeMap<String, Vec<Service>>,
    records: BTreeMap<String, Record>,
}

impl Survey {
    /// What the swarm of the manager `engine` runs.
    ///
    /// # Errors
    /// When it does not tell.
    pub async fn of(engine: &Engine) -> Result<Self, StackError> {
        let api = Api::of(engine.clone());
        let (services, records) = tokio::join!(api.services(None), Record::newest(&api));
        Ok(Self { services: by_stack(services?), records: records? })
    }

    /// What runs of the stack `name`. Nobody has asked for its networks and files: it is looked at, and
    /// not worked on.
    pub fn stack(&self, name: &str) -> LiveStack {
        let services = self.services.get(name).cloned().unwrap_or_default();
        LiveStack::running(name, services, self.records.get(name).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_stack_is_its_services_and_its_record() {
        let service = |name: &str, stack: &str| -> Service {
            let labels = json!({"com.docker.stack.namespace": stack});
            serde_json::from_value(json!({"ID": name, "Spec": {"Name": name, "Labels": labels}})).unwrap()
        };
        let alone: Service = serde_json::from_value(json!({"ID": "x", "Spec": {"Name": "web_x"}})).unwrap();
        let record = Record { instance: "i1".to_owned(), ..Record::default() };
        let survey = Survey {
            services: by_stack(vec![service("web_api", "web"), service("web2_api", "web2"), alone]),
            records: BTreeMap::from([("web".to_owned(), record)]),
        };
        let web = survey.stack("web");
        assert_eq!((web.service_names(), web.instance()), (vec!["api".to_owned()], Some("i1")));
        let other = survey.stack("web2");
        assert_eq!((other.service_names(), other.instance()), (vec!["api".to_owned()], None));
        assert!(survey.stack("we").is_absent());
    }
}
