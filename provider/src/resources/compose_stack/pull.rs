//! Fetching images, before anything is changed.

use std::collections::{BTreeMap, BTreeSet};

use docker::{Engine, Error, Registry, registry::for_image};
use framework::Diagnostics;
use tokio::task::JoinSet;

use super::{
    deploy::Deployment,
    failure::Failure,
    prediction::{Prediction, Wanted},
};
use crate::diagnose::docker_error;

/// What the world looks like after pulling failed.
const NOTHING: &str = "Nothing was changed: images are fetched before anything else is done.";

/// Fetches what the stack needs, with the provider's credentials, which go to the daemon with each
/// request and are left nowhere.
pub(super) async fn pull(deployment: &Deployment<'_>, prediction: &Prediction) -> Result<(), Failure> {
    let policy = deployment.planned.pull.as_str().unwrap_or("missing").to_owned();
    let registries = registries(deployment);
    let mut tasks = JoinSet::new();
    for (image, platform) in images(prediction, &deployment.inputs.jobs) {
        let registry = for_image(&registries, &image).cloned();
        let (engine, policy) = (deployment.engine.clone(), policy.clone());
        let host = deployment.site.executor().name().to_owned();
        tasks.spawn(async move { fetch(&engine, &policy, &image, &platform, registry.as_ref(), host).await });
    }
    let mut problems = Diagnostics::new();
    loop {
        let done = tokio::select! {
            biased;
            () = deployment.cx.cancelled() => return Err(remote::Error::Cancelled.into()),
            done = tasks.join_next() => done,
        };
        match done {
            None => break,
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error @ Error::Remote(_)))) => return Err(error.into()),
            Some(Ok(Err(error))) => {
                problems.push(docker_error(deployment.title, &scrubbed(error, deployment), NOTHING))
            }
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    Ok(problems.into_result()?)
}

/// The images of the services that are not built, each once; of those that are to have containers,
/// whose containers the product itself makes, or that are run by jobs.
fn images(prediction: &Prediction, jobs: &BTreeMap<String, usize>) -> BTreeSet<(String, String)> {
    let used = |name: &String, one: &Wanted| one.replicas > 0 || one.left_alone || jobs.contains_key(name);
    let services = prediction.services.iter().filter(|(name, one)| !one.built && used(name, one));
    let services = services.map(|(_, one)| (one.image.clone(), one.platform.clone()));
    let runs = prediction.runs.values().filter(|run| !run.built);
    services.chain(runs.map(|run| (run.image.clone(), run.platform.clone()))).collect()
}

async fn fetch(
    engine: &Engine,
    policy: &str,
    image: &str,
    platform: &str,
    registry: Option<&Registry>,
    host: String,
) -> Result<(), Error> {
    if policy != "always" {
        if engine.image(image).await?.is_some() {
            return Ok(());
        }
        if policy == "never" {
            let reason = "the host does not have it, and `pull` is \"never\"".to_owned();
            return Err(Error::Pull { host, reference: image.to_owned(), reason });
        }
    }
    engine.pull(image, platform, registry).await.map(drop)
}

fn registries(deployment: &Deployment<'_>) -> Vec<Registry> {
    let settings = deployment.resource.hosts.settings();
    let all = settings.iter().flat_map(|settings| settings.registries.iter());
    all.map(|registry| Registry {
        address: registry.address.clone(),
        username: registry.username.clone(),
        password: registry.password.clone(),
    })
    .collect()
}

/// What a registry says may repeat what it was told.
fn scrubbed(error: Error, deployment: &Deployment<'_>) -> Error {
    match error {
        Error::Pull { host, reference, reason } => {
            Error::Pull { host, reference, reason: deployment.scrubber.scrub(&reason) }
        }
        error => error,
    }
}
