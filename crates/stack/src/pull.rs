//! Fetching images, before anything is changed.

use std::collections::{BTreeMap, BTreeSet};

use docker::{Engine, Error as DockerError, Registry, registry::for_image};
use secret::Scrubber;
use tokio::task::JoinSet;

use crate::{
    context::Context, desired::DesiredStack, error::Error, host::Host, options::PullPolicy, spec::StackSpec,
};

/// How images are fetched.
pub(crate) struct Pull<'a> {
    pub(crate) policy: PullPolicy,
    pub(crate) registries: &'a [Registry],
    /// What registries say may repeat what they were told.
    pub(crate) scrubber: &'a Scrubber,
}

/// Fetches what the stack needs, with our credentials, which go to the daemon with each request and
/// are left nowhere.
pub(crate) async fn pull(
    cx: &Context,
    host: &Host,
    spec: &StackSpec,
    desired: &DesiredStack,
    how: &Pull<'_>,
) -> Result<(), Error> {
    let mut tasks = JoinSet::new();
    for (image, platform) in images(desired, &spec.job_services) {
        let registry = for_image(how.registries, &image).cloned();
        let (engine, policy, host) = (host.engine.clone(), how.policy, host.name().to_owned());
        tasks.spawn(async move { fetch(&engine, policy, &image, &platform, registry.as_ref(), host).await });
    }
    let unbuilt = unbuilt(&host.engine, spec, desired).await?;
    let mut failed = Vec::new();
    loop {
        let done = tokio::select! {
            biased;
            () = cx.cancelled() => return Err(remote::Error::Cancelled.into()),
            done = tasks.join_next() => done,
        };
        match done {
            None => break,
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error @ DockerError::Remote(_)))) => return Err(error.into()),
            Some(Ok(Err(error))) => failed.push(scrubbed(error, how.scrubber)),
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    if failed.is_empty() && unbuilt.is_empty() {
        return Ok(());
    }
    let buildable = desired.used(&spec.job_services).filter(|(_, one)| one.buildable);
    let buildable = buildable.map(|(name, one)| (one.image.clone(), name.clone())).collect();
    Err(Error::Images { failed, buildable, unbuilt })
}

/// The images that come from registries, each once, with their platforms.
fn images(desired: &DesiredStack, jobs: &BTreeMap<String, usize>) -> BTreeSet<(String, String)> {
    let fetched = desired.used(jobs).filter(|(_, one)| desired.is_fetched(one));
    fetched.map(|(_, one)| (one.image.clone(), one.platform.clone())).collect()
}

/// The images that the files only say how to build, that nobody has built, and that we are not to
/// build either: image to service.
///
/// # Errors
/// When the daemon cannot be asked.
pub async fn unbuilt(
    engine: &Engine,
    spec: &StackSpec,
    desired: &DesiredStack,
) -> Result<BTreeMap<String, String>, Error> {
    let unbuilt = desired.used(&spec.job_services).filter(|(_, one)| one.is_unbuilt());
    let mut unbuilt: BTreeMap<_, _> = unbuilt.map(|(name, one)| (one.image.clone(), name.clone())).collect();
    let there = engine.images(unbuilt.keys().cloned().collect()).await?;
    unbuilt.retain(|image, _| !there.contains_key(image));
    Ok(unbuilt)
}

async fn fetch(
    engine: &Engine,
    policy: PullPolicy,
    image: &str,
    platform: &str,
    registry: Option<&Registry>,
    host: String,
) -> Result<(), DockerError> {
    // What a digest names stays the same, also where its registry does not have it any more.
    if policy != PullPolicy::Always || image.contains('@') {
        if engine.image(image).await?.is_some() {
            return Ok(());
        }
        if policy == PullPolicy::Never {
            return Err(DockerError::NotPulled { host, reference: image.to_owned() });
        }
    }
    engine.pull(image, platform, registry).await.map(drop)
}

fn scrubbed(error: DockerError, scrubber: &Scrubber) -> DockerError {
    match error {
        DockerError::Pull { host, reference, reason } => {
            DockerError::Pull { host, reference, reason: scrubber.scrub(&reason) }
        }
        error => error,
    }
}
