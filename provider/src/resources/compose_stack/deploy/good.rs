//! The last good apply: finding what is kept of it, and keeping this one.

use compose::{layout::Layout, record::Record};
use docker::engine::Container;
use framework::{Context, Diagnostic, State};

use super::{Deployment, Work};
use crate::resources::compose_stack::{
    StackResource,
    failure::Failure,
    generation::{self, Generation, Standing, images_of, standing},
    held::{self, Held},
    model::StackModel,
    prediction::Prediction,
};
use tree::Tree;

/// What a failure goes back to.
#[derive(Clone, Debug)]
pub(super) struct Good {
    /// The stack's directory then.
    pub(super) root: String,
    pub(super) generation: Generation,
}

/// Why there is nothing to go back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum NoneKept {
    /// There was no good apply yet, or none of it was kept.
    Never,
    /// It was started by hand, and what it was cannot be kept: why, in words that follow "because".
    ByHand(String),
}

impl Good {
    /// Where everything was.
    pub(super) fn layout(&self) -> Layout {
        Layout::new(&self.root, &self.generation.files)
    }
}

impl Deployment<'_> {
    /// What is kept of the last good apply. Where it lies on the host but is not kept yet, it is
    /// kept now; so is what was started by hand.
    async fn last_good(
        &self,
        held: &Held,
        containers: &[Container],
    ) -> Result<Result<Good, NoneKept>, Failure> {
        let elsewhere = self.old_directory();
        let looked = match elsewhere {
            Some(directory) => Some(held::look(self.site.executor(), directory).await?),
            None => None,
        };
        let (root, held) = (elsewhere.unwrap_or(&self.directory), looked.as_ref().unwrap_or(held));
        let generation = match standing(held, containers) {
            Standing::Kept => held.good.clone(),
            Standing::Here => self.adopted(root, held, containers).await,
            Standing::Nowhere if self.is_by_hand(held, containers) => {
                return Ok(self.keep_by_hand(containers).await.map_err(NoneKept::ByHand));
            }
            Standing::Nowhere => None,
        };
        let good = generation.map(|generation| Good { root: root.to_owned(), generation });
        Ok(good.ok_or(NoneKept::Never))
    }

    /// As [`Self::last_good`], with its images held: what is done from now on cannot take them away.
    pub(super) async fn held_good(
        &self,
        held: &Held,
        containers: &[Container],
    ) -> Result<Result<Good, NoneKept>, Failure> {
        let good = self.last_good(held, containers).await?;
        if let Ok(good) = &good {
            self.hold(&good.generation.images).await;
        }
        Ok(good)
    }

    /// Where the stack was on this machine before this apply moves it to another directory.
    pub(super) fn old_directory(&self) -> Option<&str> {
        let old = self.prior.filter(|_| !self.fresh)?.model.directory.as_str()?;
        Some(old).filter(|old| *old != self.directory)
    }

    /// Keeps what lies in `root`, as the state knows it.
    async fn adopted(&self, root: &str, held: &Held, containers: &[Container]) -> Option<Generation> {
        let generation = self.prior.and_then(|prior| recorded(prior, held, containers))?;
        match self.put_away(self.cx, root, generation, held).await {
            Ok(generation) => Some(generation),
            Err(error) => {
                tracing::warn!(stack = self.inputs.name, ?error, "could not keep what is there");
                None
            }
        }
    }

    /// Keeps what lies in `root`, and knows the networks that it has.
    async fn put_away(
        &self,
        cx: &Context,
        root: &str,
        generation: Generation,
        held: &Held,
    ) -> Result<Generation, Failure> {
        let networks = self.engine.networks(&self.inputs.name).await?;
        let generation = generation.with_networks(networks);
        generation::keep(self.site, cx.token(), root, &generation, held).await?;
        Ok(generation)
    }

    /// Keeps what this apply made. That it cannot be kept is no reason to fail.
    pub(super) async fn keep(&self, work: &Work, held: &Held, record: &Record, containers: &[Container]) {
        let images = images_of(&work.prediction, containers);
        self.hold(&images).await;
        self.let_go(record, &images).await;
        let layout = &work.layout;
        let generation = Generation::new(layout.files(), &work.profiles, &work.prediction, record, images);
        if let Err(failure) = self.put_away(&work.cx, layout.root(), generation, held).await {
            let title = format!("Could not keep the good state of compose stack {:?}", self.inputs.name);
            let world = "The stack is as it should be. Should the next apply fail, it is tried to go back to what runs \
                         then.";
            for problem in failure.diagnostics(&title, world) {
                self.cx.warn(Diagnostic { severity: framework::Severity::Warning, ..problem });
            }
        }
    }
}

/// The generation of the last apply that the state knows, if that is what the host holds.
fn recorded(prior: &State<StackResource>, held: &Held, containers: &[Container]) -> Option<Generation> {
    let prediction = prior.private.prediction.as_ref()?;
    let record = held.record.as_ref().filter(|record| fits(prediction, record))?;
    let files = files_of(&prior.model);
    let profiles: Vec<String> = prior.model.profiles.known().into_iter().flatten().cloned().collect();
    let images = images_of(prediction, containers);
    Some(Generation::new(&files, &profiles, prediction, record, images))
}

/// Whether the record is of an apply of this prediction.
fn fits(prediction: &Prediction, record: &Record) -> bool {
    let predicted = prediction.services.iter().map(|(name, one)| (name, &one.config_hash));
    predicted.eq(record.services.iter().map(|(name, one)| (name, &one.config_hash)))
}

/// The names of the Compose files of a state.
fn files_of(model: &StackModel) -> Vec<String> {
    match (model.config.known(), model.files.known()) {
        (Some(texts), _) => Tree::texts(texts).1,
        (None, Some(files)) => files.clone(),
        (None, None) => vec!["compose.yaml".to_owned()],
    }
}
