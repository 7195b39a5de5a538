//! Building, pushing and untagging.

use std::collections::BTreeSet;

use async_trait::async_trait;
use docker::registry::by_digest;
use framework::{Apply, Diagnostic, Diagnostics, Field, Plan, Schema, State};
use remote::files::random_name;

use super::{
    HostImage, ImagePrivate,
    make::{Maker, directory_of, is_ours, remove_all},
    model::ImageModel,
    plan, read, schema,
};
use crate::{
    failure::{Explain as _, Failure, IF_REPLACED, Stop, as_warning},
    host_path::claims,
    hosted::{Hosted, Import, OnHost, OnMachine, Placed as _, Planning, Words},
};

/// What the world looks like after a push failed.
const NOT_PUSHED: &str =
    "The image is built and tagged on the host; it is not, or not by all its names, in the registry.";

/// What the host calls the objects whose owners it remembers.
const KIND: &str = "image";

type Resource = OnHost<HostImage>;

#[async_trait]
impl Hosted for HostImage {
    type Model = ImageModel;
    type Private = ImagePrivate;

    const TYPE: &'static str = "windlass_image";
    const HOST: &'static str = "It builds the image. Another connection to the same machine changes nothing; another \
         machine is a move: the image is built there first, then its tags are removed here.";
    const WORDS: Words = Words {
        create: "build",
        update: "build",
        delete: "remove",
        unchanged: "What the tags stand for on the host is as it was before, and nothing was pushed.",
        remains: "Its tags, or some of them, are still on the host.",
        relocated: "The image is in its new place",
    };

    fn schema() -> Schema {
        schema::schema()
    }

    fn subject(model: &ImageModel) -> String {
        model.subject()
    }

    fn import() -> Import<ImageModel> {
        Import::Never {
            why: "An image does not say what it was built from, so it would be built again anyway.",
            instead: "Write the resource and apply: with BuildKit's cache on the host that is cheap, and the tags move \
                      to it.",
        }
    }

    async fn plan(on: &Planning<'_>, plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
        plan::plan(on.cx, plan)
    }

    fn needs_host(prior: &State<Resource>, apply: &Apply<Resource>) -> bool {
        pushes(prior, &apply.planned) || apply.planned.host != prior.model.host
    }

    fn instance(state: &State<Resource>) -> &str {
        state.model.id.as_str().unwrap_or_default()
    }

    async fn is_there(on: &OnMachine<'_>, state: &State<Resource>) -> Result<Option<bool>, Failure> {
        let (Some(id), Some(name)) = (state.model.id.known(), state.model.name.known()) else {
            return Ok(None);
        };
        let owner = claims(on.host, KIND).await?.owner(name).await?;
        Ok(owner.map(|owner| owner == *id))
    }

    async fn observe(on: &OnMachine<'_>, state: State<Resource>) -> Result<Option<State<Resource>>, Failure> {
        read::observe(on, state).await
    }

    async fn expect_vacant(
        on: &OnMachine<'_>,
        planned: &ImageModel,
        _config: &ImageModel,
    ) -> Result<(), Failure> {
        expect_vacant(on, planned, planned.id.as_str().unwrap_or_default()).await
    }

    async fn create(on: &OnMachine<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
        let id = match &apply.prior {
            Some(prior) => prior.model.id.clone().known_or_default(),
            None => random_name()?,
        };
        expect_vacant(on, &apply.planned, &id).await?;
        make(on, apply, ImagePrivate::default(), &id).await
    }

    async fn update(
        on: &OnMachine<'_>,
        prior: State<Resource>,
        apply: &mut Apply<Resource>,
    ) -> Result<(), Failure> {
        if builds(&prior, &apply.planned) {
            let id = prior.model.id.clone().known_or_default();
            expect_vacant(on, &apply.planned, &id).await?;
            make(on, apply, prior.private.clone(), &id).await?;
            if let Err(failure) = tidy(on, &prior, apply.state.as_ref()).await {
                let title = format!("Could not remove old images from {}", on.host.name());
                let world = "The new image is there; old ones take up space.";
                failure
                    .into_diagnostics(&title, world)
                    .into_iter()
                    .for_each(|one| on.cx.warn(as_warning(one)));
            }
            return Ok(());
        }
        if pushes(&prior, &apply.planned) {
            return push_again(on, apply, prior.private).await;
        }
        let mut model = apply.planned.clone();
        (model.image_id, model.digest, model.reference) =
            (prior.model.image_id, prior.model.digest, prior.model.reference);
        on.record(apply, model, prior.private);
        Ok(())
    }

    /// Removes its tags, unless they shall be kept, and the copy of its context.
    async fn delete(on: &OnMachine<'_>, state: &State<Resource>) -> Result<(), Failure> {
        if let Some(id) = state.model.id.known() {
            remove_all(on.host, &directory_of(on.host.home().await?, id)).await?;
        }
        let names = release(on, state).await?;
        if state.model.keep_on_destroy.is_true() { Ok(()) } else { untag(on, state, names).await }
    }
}

/// Whether what is planned has to be built.
fn builds(prior: &State<Resource>, planned: &ImageModel) -> bool {
    prior.private.moved || !planned.is_same_build(&prior.model)
}

/// Whether it has to be pushed, where that is asked for at all.
fn pushes(prior: &State<Resource>, planned: &ImageModel) -> bool {
    builds(prior, planned) || prior.private.unpushed
}

/// Builds and pushes, and records what came of it. `private` is what is known of earlier builds there.
async fn make(
    on: &OnMachine<'_>,
    apply: &mut Apply<Resource>,
    private: ImagePrivate,
    id: &str,
) -> Result<(), Failure> {
    let (planned, config) = (apply.planned.clone(), apply.config.clone());
    let maker = Maker::open(on, &planned, &config).await?;
    let image_id = maker.build(id).await?;
    let same = image_id == private.image_id;
    let private = ImagePrivate {
        previous_id: if same { private.previous_id } else { private.image_id },
        image_id: image_id.clone(),
        ..ImagePrivate::default()
    };
    let mut model = planned.clone();
    model.id = Field::Known(id.to_owned());
    model.image_id = Field::Known(image_id);
    claim(on, apply, &model, id).await?;
    if apply.prior.is_none() {
        // It is there from here on: whatever fails below, it is recorded.
        let mut recorded = model.clone();
        (recorded.digest, recorded.reference) = (Field::Null, Field::Null);
        on.record(apply, recorded, private.clone());
    }
    publish(&maker, on, apply, model, private).await
}

/// Checks that no name of the image belongs to another resource.
async fn expect_vacant(on: &OnMachine<'_>, planned: &ImageModel, id: &str) -> Result<(), Failure> {
    let (engine, claims) = (on.host.engine().await?, claims(on.host, KIND).await?);
    for name in planned.names() {
        let owner = claims.owner(&name).await?;
        // What has no image any more is nobody's.
        if owner.is_none_or(|owner| owner == id) || engine.image(&name).await?.is_none() {
            continue;
        }
        let happened = format!("Another resource builds the image {name:?} on {} already.", on.host.name());
        let next = format!("Give one of the two another name, or destroy the other one first. {IF_REPLACED}");
        return Err(Stop::new(happened, next).at("name").into());
    }
    Ok(())
}

/// Has the host remember whose the names of the image are.
async fn claim(
    on: &OnMachine<'_>,
    apply: &Apply<Resource>,
    model: &ImageModel,
    id: &str,
) -> Result<(), Failure> {
    let known: BTreeSet<String> = match &apply.prior {
        Some(prior) if prior.private.place() == on.place => prior.model.names().into_iter().collect(),
        _ => BTreeSet::new(),
    };
    let claims = claims(on.host, KIND).await?;
    for name in model.names().into_iter().filter(|name| !known.contains(name)) {
        claims.claim(&name, id).await?;
    }
    Ok(())
}

/// Pushes what the host has to registries that have it no more.
async fn push_again(
    on: &OnMachine<'_>,
    apply: &mut Apply<Resource>,
    private: ImagePrivate,
) -> Result<(), Failure> {
    let (planned, config) = (apply.planned.clone(), apply.config.clone());
    let maker = Maker::open(on, &planned, &config).await;
    let maker = maker.with_world(NOT_PUSHED).with_title(|| push_title(&planned))?;
    publish(&maker, on, apply, planned.clone(), ImagePrivate { unpushed: false, ..private }).await
}

/// Pushes the image where that is asked for, and records it as `model`.
async fn publish(
    maker: &Maker<'_>,
    on: &OnMachine<'_>,
    apply: &mut Apply<Resource>,
    mut model: ImageModel,
    private: ImagePrivate,
) -> Result<(), Failure> {
    let pushed = maker.push(&private.image_id).await;
    let pushed = pushed.with_world(NOT_PUSHED).with_title(|| push_title(&model))?;
    let name = model.name.clone().known_or_default();
    let digest = pushed.get(&name).cloned();
    let reference = digest.as_ref().map(|digest| by_digest(&name, digest));
    model.reference = Field::Known(reference.unwrap_or_else(|| private.image_id.clone()));
    model.digest = Field::from(digest);
    on.record(apply, model, ImagePrivate { pushed, ..private });
    Ok(())
}

fn push_title(model: &ImageModel) -> String {
    format!("Could not push {}", model.subject())
}

/// Removes the names that it has no more, and the image before the last one.
async fn tidy(
    on: &OnMachine<'_>,
    prior: &State<Resource>,
    now: Option<&State<Resource>>,
) -> Result<(), Failure> {
    let Some(now) = now else { return Ok(()) };
    let engine = on.host.engine().await?;
    let kept = now.model.names();
    for name in prior.model.names().into_iter().filter(|name| !kept.contains(name)) {
        // What still runs the old image is about to be changed, and needs no name of it.
        if is_ours(&engine, &name, [&*prior.private.image_id, &now.private.image_id]).await? {
            engine.untag(&name).await?;
        }
        claims(on.host, KIND).await?.release(&name).await?;
    }
    let oldest = &prior.private.previous_id;
    if !oldest.is_empty() && *oldest != now.private.image_id && *oldest != now.private.previous_id {
        engine.remove_image(oldest).await?;
    }
    Ok(())
}

/// Lets the names go that are not another resource's by now, and tells them.
async fn release(on: &OnMachine<'_>, state: &State<Resource>) -> Result<Vec<String>, Failure> {
    let claims = claims(on.host, KIND).await?;
    let mut own = Vec::new();
    for name in state.model.names() {
        match claims.owner(&name).await? {
            Some(owner) if Some(&owner) != state.model.id.known() => continue,
            Some(_) => claims.release(&name).await?,
            None => {}
        }
        own.push(name);
    }
    Ok(own)
}

/// Removes its tags `own` and, where nothing else has or uses it, the image. Already gone is fine.
async fn untag(on: &OnMachine<'_>, state: &State<Resource>, own: Vec<String>) -> Result<(), Failure> {
    let engine = on.host.engine().await?;
    let id = &state.private.image_id;
    let mut names = Vec::new();
    for name in own {
        if is_ours(&engine, &name, [&**id]).await? {
            names.push(name);
        }
    }
    let mut left = Vec::new();
    // The engine itself refuses only the very last name, and a stack may hold the image by one.
    if !names.is_empty() && !engine.containers_of_image(id).await?.is_empty() {
        left.extend(names.pop());
    }
    for name in names {
        if !engine.remove_image(&name).await? {
            left.push(name);
        }
    }
    if !left.is_empty() {
        on.cx.warn(
            Diagnostic::warning(format!("Left image {:?} on {}", left.join(", "), on.host.name()))
                .detail("A container uses it. Nothing manages it any more.")
                .detail("Remove it by hand (docker image rm) when the container is gone."),
        );
    }
    let old = [&state.private.previous_id, &state.private.image_id];
    for id in old.into_iter().filter(|id| !id.is_empty()) {
        // Whatever has other names, or is in use, stays.
        engine.remove_image(id).await?;
    }
    Ok(())
}
