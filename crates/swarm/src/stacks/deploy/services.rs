//! Telling the swarm of services.

use std::collections::{BTreeMap, BTreeSet};

use bollard::auth::DockerCredentials;
use docker::{
    engine::{Answer, credentials},
    registry::for_image,
};
use serde_json::{Value, json};

use super::{Deployment, Names, Touched};
use crate::{
    spec::Spec,
    stacks::{
        FileKind, LiveStack, NewService, PlannedService, ResolveImage, StackError,
        api::Api,
        live::LiveService,
        plan::{is_changed, plan},
    },
};

/// What the swarm is to be told of services.
pub(super) struct Sending<'a> {
    planned: BTreeMap<String, PlannedService>,
    /// Those that are to be another than they are.
    changed: BTreeMap<&'a String, &'a NewService>,
    /// The images that have a digest by then, with it, also those of jobs' services.
    images: BTreeMap<String, String>,
}

impl Sending<'_> {
    /// Whether no service is to be another than it is.
    pub(super) fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    /// Names the image of `service` by its digest, where it has one.
    pub(super) fn set_image(&self, service: &str, spec: &mut Value) {
        if let Some(image) = self.images.get(service) {
            spec["TaskTemplate"]["ContainerSpec"]["Image"] = json!(image);
        }
    }
}

impl Deployment<'_> {
    /// Finds out which services are to be another than they are, and which images are meant.
    pub(super) async fn sending(&self, before: &LiveStack) -> Sending<'_> {
        let observed = before.observed();
        let planned = plan(&observed, &self.wanted.remembered(String::new()), &self.plan_options());
        let changed: BTreeMap<_, _> = self
            .wanted
            .services
            .iter()
            .filter(|(name, _)| {
                let planned = &planned[*name];
                observed.get(*name).is_none_or(|observed| is_changed(observed, planned))
            })
            .collect();
        let mut used = changed.clone();
        for one in &self.options.jobs {
            let service = self.wanted.run_of(&one.job.service);
            used.extend(service.map(|service| (&one.job.service, service)));
        }
        let images = self.digests(&used, before).await;
        Sending { planned, changed, images }
    }

    /// Makes and updates those services, as far as they are in `only` and that is not done yet.
    pub(super) async fn send(
        &self,
        api: &Api,
        before: &LiveStack,
        names: &Names,
        (sending, only): (&Sending<'_>, Option<&BTreeSet<String>>),
        touched: &mut Touched,
    ) -> Result<(), StackError> {
        for (&name, &service) in &sending.changed {
            if touched.services.contains(name) || only.is_some_and(|only| !only.contains(name)) {
                continue;
            }
            self.lock.still_held()?;
            let live = before.services.get(name);
            let mut spec = self.spec(service, names);
            if let Some(replicas) =
                sending.planned[name].replicas.filter(|_| self.options.keep_replicas.contains(name))
            {
                set_replicas(&mut spec, replicas);
            }
            sending.set_image(name, &mut spec);
            let spec = Spec::of(spec);
            let credentials = self.credentials(service);
            touched.services.insert(name.clone());
            match live {
                Some(live) if live.mode() == service.wanted.mode => {
                    // An update without a change starts nothing again: a job that failed runs by it, since
                    // every update is another run.
                    api.update_service(&live.id, live.version, &spec, credentials.as_ref()).await?;
                }
                Some(live) => {
                    api.remove_service(&live.id).await?;
                    api.create_service(&spec, credentials).await?;
                }
                None => drop(api.create_service(&spec, credentials).await?),
            }
        }
        Ok(())
    }

    /// What the swarm is told of a service.
    pub(super) fn spec(&self, service: &NewService, names: &Names) -> Value {
        let mut spec = self.tokens.fill(service.spec.clone());
        for (list, name_of, id_of, kind) in [
            ("Secrets", "SecretName", "SecretID", FileKind::Secret),
            ("Configs", "ConfigName", "ConfigID", FileKind::Config),
        ] {
            let place = format!("/TaskTemplate/ContainerSpec/{list}");
            for one in spec.pointer_mut(&place).and_then(Value::as_array_mut).into_iter().flatten() {
                let name = one[name_of].as_str().unwrap_or_default().to_owned();
                if let Some(id) = names.files.get(&(kind, name)) {
                    one[id_of] = Value::from(id.as_str());
                }
            }
        }
        let networks = spec.pointer_mut("/TaskTemplate/Networks").and_then(Value::as_array_mut);
        for one in networks.into_iter().flatten() {
            if let Some(other) = one["Target"].as_str().and_then(|target| names.networks.get(target)) {
                one["Target"] = Value::from(other.as_str());
            }
        }
        spec
    }

    /// The image of each of these services with the digest that it has, or is to have, where there is one.
    async fn digests(
        &self,
        services: &BTreeMap<&String, &NewService>,
        before: &LiveStack,
    ) -> BTreeMap<String, String> {
        let (mut digests, mut asked) = (BTreeMap::new(), BTreeMap::new());
        // What the files name by its digest is that.
        let movable = services.iter().filter(|(_, service)| !service.wanted.image.contains('@'));
        for (name, service) in movable {
            let image = &service.wanted.image;
            let live = before.services.get(*name).map(LiveService::image);
            let same =
                live.filter(|(live, _)| docker::registry::tagged(live) == docker::registry::tagged(image));
            let moved =
                self.options.moved.get(image).filter(|_| self.options.resolve == ResolveImage::Always);
            match (moved, same) {
                (Some(digest), _) => drop(digests.insert((*name).clone(), format!("{image}@{digest}"))),
                (None, Some((_, digest))) if !digest.is_empty() => {
                    digests.insert((*name).clone(), format!("{image}@{digest}"));
                }
                (None, Some(_)) => {}
                (None, None) if self.options.resolve == ResolveImage::Never => {}
                (None, None) => drop(asked.insert((*name).clone(), image.clone())),
            }
        }
        let answers = self.engine.ask_each(&self.options.registries, asked.values().cloned()).await;
        for (name, image) in asked {
            // A registry that says nothing is asked again by each node.
            if let Some(Answer::Has(digest)) = answers.get(&image) {
                digests.insert(name, format!("{}@{digest}", docker::registry::with_tag(&image)));
            }
        }
        digests
    }

    /// What is left in the swarm to pull with.
    pub(super) fn credentials(&self, service: &NewService) -> Option<DockerCredentials> {
        let registry = for_image(&self.options.registries, &service.wanted.image);
        credentials(registry.filter(|_| self.options.registry_auth))
    }
}

fn set_replicas(spec: &mut Value, replicas: u64) {
    if let Some(replicated) = spec.pointer_mut("/Mode/Replicated") {
        replicated["Replicas"] = json!(replicas);
    }
}
