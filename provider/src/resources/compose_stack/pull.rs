//! Fetching images, before anything is changed.

use std::collections::{BTreeMap, BTreeSet};

use docker::{Engine, Error, Registry, registry::for_image};
use framework::{Diagnostic, Diagnostics};
use tokio::task::JoinSet;

use super::{deploy::Deployment, failure::Failure, prediction::Prediction};
use crate::{diagnose::docker_error, registries};

/// What the world looks like after pulling failed.
const NOTHING: &str = "Nothing was changed: images are fetched before anything else is done.";

/// Fetches what the stack needs, with the provider's credentials, which go to the daemon with each
/// request and are left nowhere.
pub(super) async fn pull(deployment: &Deployment<'_>, prediction: &Prediction) -> Result<(), Failure> {
    let policy = deployment.planned.pull.as_str().unwrap_or("missing").to_owned();
    let registries = registries::known(&deployment.resource.hosts);
    let mut tasks = JoinSet::new();
    let jobs = &deployment.inputs.jobs;
    for (image, platform) in images(prediction, jobs) {
        let registry = for_image(&registries, &image).cloned();
        let (engine, policy) = (deployment.engine.clone(), policy.clone());
        let host = deployment.site.executor().name().to_owned();
        tasks.spawn(async move { fetch(&engine, &policy, &image, &platform, registry.as_ref(), host).await });
    }
    let mut problems = Diagnostics::new();
    if let Some(problem) = unbuilt(deployment.title, &deployment.engine, prediction, jobs).await? {
        problems.push(problem);
    }
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

/// The images that come from registries, each once.
fn images(prediction: &Prediction, jobs: &BTreeMap<String, usize>) -> BTreeSet<(String, String)> {
    let fetched = prediction.used(jobs).filter(|(_, one)| prediction.is_fetched(one));
    fetched.map(|(_, one)| (one.image.clone(), one.platform.clone())).collect()
}

/// The images that the files only say how to build, that nobody has built, and that we are not to
/// build either.
pub(super) async fn unbuilt(
    title: &str,
    engine: &Engine,
    prediction: &Prediction,
    jobs: &BTreeMap<String, usize>,
) -> Result<Option<Diagnostic>, Failure> {
    let unbuilt = prediction.used(jobs).filter(|(_, one)| one.is_unbuilt());
    let unbuilt: BTreeMap<_, _> = unbuilt.map(|(name, one)| (one.image.clone(), name.clone())).collect();
    let there = engine.images(unbuilt.keys().cloned().collect()).await?;
    Ok(not_built(title, &unbuilt, |image| there.contains_key(image)))
}

/// The diagnostic for the images of `unbuilt` (image to service) that are not there.
fn not_built(
    title: &str,
    unbuilt: &BTreeMap<String, String>,
    is_there: impl Fn(&str) -> bool,
) -> Option<Diagnostic> {
    let missing = unbuilt.iter().filter(|(image, _)| !is_there(image));
    let missing: Vec<String> = missing.map(|(image, service)| format!("{service} ({image})")).collect();
    if missing.is_empty() {
        return None;
    }
    let happened = format!(
        "The Compose files only say how to build the image of these services, and the host does not have it: {}.",
        missing.join(", ")
    );
    let next = "Set `build = true` to build it there, or name an image for the service in `images`.";
    Some(Diagnostic::error(title).detail(happened).detail("Nothing was changed.").detail(next).at("build"))
}

async fn fetch(
    engine: &Engine,
    policy: &str,
    image: &str,
    platform: &str,
    registry: Option<&Registry>,
    host: String,
) -> Result<(), Error> {
    // What a digest names stays the same, also where its registry does not have it any more.
    if policy != "always" || image.contains('@') {
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

/// What a registry says may repeat what it was told.
fn scrubbed(error: Error, deployment: &Deployment<'_>) -> Error {
    match error {
        Error::Pull { host, reference, reason } => {
            Error::Pull { host, reference, reason: deployment.scrubber.scrub(&reason) }
        }
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_nobody_built_is_told_at_the_attribute_that_would() {
        let unbuilt = BTreeMap::from([("web-app".to_owned(), "app".to_owned())]);
        assert_eq!(not_built("T", &unbuilt, |_| true), None);
        let problem = not_built("T", &unbuilt, |_| false).unwrap();
        assert_eq!(problem.path.as_ref().map(ToString::to_string).as_deref(), Some("build"));
        assert!(problem.detail.contains("the host does not have it: app (web-app)."), "{problem}");
        assert!(problem.detail.contains("Set `build = true`"), "{problem}");
    }
}
