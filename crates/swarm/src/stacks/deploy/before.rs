//! What services need is made before them.

use std::collections::HashMap;

use serde_json::Value;

use super::{Deployment, Names, Touched};
use crate::{
    spec::Spec,
    stacks::{
        FileContent, FileKind, LiveStack, NewFile, NewNetwork, StackError,
        api::{Api, Object, parsed},
        translate::{LABEL_NETWORK, LABEL_STACK},
    },
};

/// How much of a hash goes into a name.
const SHORT: usize = 8;

impl Deployment<'_> {
    /// Looks for everything that would stop us half-way. Nothing is changed.
    pub(super) async fn check(&self, api: &Api, before: &LiveStack) -> Result<Names, StackError> {
        let mut names = Names::default();
        let mut missing = Vec::new();
        let networks = api.networks(None).await?;
        for network in self.wanted.networks.values() {
            let found = networks.iter().find(|one| one.name == network.name);
            match found {
                None if network.external => missing.push(format!("network {:?}", network.name)),
                None => {}
                Some(_) if network.external => {}
                Some(found) => self.check_network(api, network, found, &networks, &mut names).await?,
            }
        }
        for kind in [FileKind::Secret, FileKind::Config] {
            let found = api.files(kind, None).await?;
            for ((_, name), file) in self.wanted.files.iter().filter(|((one, _), _)| *one == kind) {
                let what = || format!("{} {name:?}", kind.word());
                match found.iter().find(|one| one.name == *name) {
                    Some(one) if file.content == FileContent::External || self.is_ours(one) => {
                        names.files.insert((kind, name.clone()), one.id.clone());
                    }
                    Some(_) => return Err(self.taken(what())),
                    None if file.content == FileContent::External => missing.push(what()),
                    None => {}
                }
            }
        }
        if missing.is_empty() {
            self.check_names(api, before).await?;
            return Ok(names);
        }
        Err(StackError::Missing { stack: self.name.to_owned(), missing })
    }

    /// Another stack may have a service whose name in the swarm is one of ours.
    async fn check_names(&self, api: &Api, before: &LiveStack) -> Result<(), StackError> {
        if self.wanted.services.keys().all(|name| before.services.contains_key(name)) {
            return Ok(());
        }
        for service in api.services(None).await? {
            let name = service.spec.and_then(|spec| spec.name.clone()).unwrap_or_default();
            let short =
                name.strip_prefix(self.name).and_then(|rest| rest.strip_prefix('_')).unwrap_or_default();
            if self.wanted.services.contains_key(short) && !before.services.contains_key(short) {
                return Err(self.taken(format!("service {name:?}")));
            }
        }
        Ok(())
    }

    /// A network of this name is there. Networks do not change: where it is to be another one, that gets
    /// another name, and this one goes at the end.
    async fn check_network(
        &self,
        api: &Api,
        network: &NewNetwork,
        found: &Object,
        all: &[Object],
        names: &mut Names,
    ) -> Result<(), StackError> {
        if !self.is_ours(found) {
            return Err(self.taken(format!("network {:?}", network.name)));
        }
        // One that was made by `docker stack deploy` says nothing.
        let is_same = found.labels.get(LABEL_NETWORK).is_none_or(|hash| *hash == network.hash);
        if is_same {
            return Ok(());
        }
        if network.named {
            return Err(StackError::NamedNetwork { network: network.name.clone() });
        }
        let other = format!("{}-{}", network.name, &network.hash[..SHORT]);
        if !all.iter().any(|one| one.name == other) {
            let users = self.others_on(api, found).await?;
            if !users.is_empty() {
                return Err(StackError::NetworkInUse { network: network.name.clone(), users });
            }
        }
        names.networks.insert(network.name.clone(), other);
        Ok(())
    }

    /// Services of others on a network of ours.
    async fn others_on(&self, api: &Api, network: &Object) -> Result<Vec<String>, StackError> {
        let services = api.services(None).await?.into_iter().filter_map(|service| service.spec);
        let is_on = |spec: &Spec| {
            let task = spec.task_template.as_ref().and_then(|task| task.networks.as_ref());
            let all = task.into_iter().chain(spec.networks.as_ref()).flatten();
            let mut targets = all.filter_map(|one| one.target.as_ref());
            targets.any(|target| *target == network.id || *target == network.name)
        };
        let is_ours = |spec: &Spec| {
            spec.labels
                .as_ref()
                .and_then(|labels| labels.get(LABEL_STACK))
                .is_some_and(|stack| stack == self.name)
        };
        Ok(services
            .filter(|spec| is_on(spec) && !is_ours(spec))
            .filter_map(|spec| spec.name.clone())
            .collect())
    }

    pub(super) async fn make_networks(
        &self,
        api: &Api,
        before: &LiveStack,
        names: &mut Names,
        touched: &mut Touched,
    ) -> Result<(), StackError> {
        for network in self.wanted.networks.values().filter(|network| !network.external) {
            let name = names.networks.get(&network.name).unwrap_or(&network.name);
            if before.networks.iter().any(|one| one.name == *name) {
                continue;
            }
            let mut spec = network.spec.clone();
            spec["Name"] = Value::from(name.as_str());
            api.create_network(parsed_network(spec)).await?;
            touched.networks.push(name.clone());
        }
        Ok(())
    }

    pub(super) async fn make_files(
        &self,
        api: &Api,
        before: &LiveStack,
        names: &mut Names,
        touched: &mut Touched,
    ) -> Result<(), StackError> {
        let known: HashMap<&str, &Object> =
            before.files.values().flatten().map(|one| (one.name.as_str(), one)).collect();
        for ((kind, name), file) in &self.wanted.files {
            let id = (*kind, name.clone());
            if names.files.contains_key(&id) || known.contains_key(name.as_str()) {
                continue;
            }
            let made = api.create_file(name, file, &self.content(file)?).await?;
            names.files.insert(id.clone(), made);
            touched.files.push(id);
        }
        Ok(())
    }

    /// What goes into a secret or a config.
    fn content(&self, file: &NewFile) -> Result<Vec<u8>, StackError> {
        let secret = |secrets: &std::collections::BTreeMap<String, secret::Secret>, name: &str| {
            secrets.get(name).map(|secret| secret.expose().as_bytes().to_vec()).unwrap_or_default()
        };
        Ok(match &file.content {
            FileContent::External | FileContent::Driver => Vec::new(),
            // A config may have secrets interpolated into it.
            FileContent::Text(text) => match self.tokens.fill(Value::from(text.as_str())) {
                Value::String(text) => text.into_bytes(),
                _ => Vec::new(),
            },
            FileContent::Secret(name) => secret(&self.options.secrets.values, name),
            FileContent::SecretFile(path) => secret(&self.options.secrets.files, path),
            FileContent::Shipped(path) => match self.source.files.get(path) {
                Some(file) => {
                    file.read().map_err(|error| StackError::Unreadable { path: path.clone(), error })?
                }
                None => Vec::new(),
            },
        })
    }

    fn is_ours(&self, one: &Object) -> bool {
        one.labels.get(LABEL_STACK).is_some_and(|stack| stack == self.name)
    }

    fn taken(&self, what: String) -> StackError {
        StackError::Taken { stack: self.name.to_owned(), what }
    }
}

/// A request without a name is none; ours have one.
fn parsed_network(spec: Value) -> bollard::models::NetworkCreateRequest {
    parsed(spec)
}
