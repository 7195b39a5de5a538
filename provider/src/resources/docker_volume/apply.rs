//! How the volume is made and removed, and when it is kept.

use async_trait::async_trait;
use docker::{
    Error,
    engine::{Container, Engine, Volume},
};
use framework::{Diagnostic, Diagnostics, Schema};

use super::{
    DockerVolume,
    model::{self, VolumeModel},
};
use crate::{
    docker_objects::{DaemonObject, FieldTexts, ObjectWords, check_name},
    failure::UNCHANGED,
    hosted::Departure,
};

#[async_trait]
impl DaemonObject for DockerVolume {
    type Model = VolumeModel;

    const TYPE: &'static str = "windlass_docker_volume";
    const HOST: &'static str = "Another connection to the same machine changes nothing; another machine is a move: an \
         empty volume is made there, and this one stays where it is, with its data, whatever `remove_on_destroy` says. \
         **Data does not move.**";
    const WORDS: ObjectWords = ObjectWords {
        kind: "volume",
        name: "name of the volume",
        uses: "use it",
        release: "Destroy the stacks that use it, or remove those containers (`docker rm`), then run the same command \
             again.",
        remains: "The volume and its data are still there.",
        relocated: "An empty volume is in its new place",
    };
    const FIELDS: FieldTexts = FieldTexts {
        check_name,
        default_driver: "local",
        driver: "What keeps the data: `local` (default) or the name of a plugin.",
        options: "`type`, `o` and `device` of a mount. They are in clear in the state and in `docker volume inspect`, the \
                  password of a network share included",
    };

    fn schema() -> Schema {
        model::schema()
    }

    /// Refuses what could only be done by losing data that is to be kept.
    fn check_replacement(
        title: &str,
        planned: &VolumeModel,
        prior: &VolumeModel,
        changed: &[&'static str],
    ) -> Result<(), Diagnostics> {
        if planned.object.name == prior.object.name && Self::is_kept(prior) && !changed.is_empty() {
            return Err(changed.iter().map(|name| refused(title, name)).collect());
        }
        Ok(())
    }

    async fn inspect(engine: &Engine, name: &str) -> Result<Option<Volume>, Error> {
        engine.volume(name).await
    }

    async fn make(engine: &Engine, planned: &VolumeModel) -> Result<Volume, Error> {
        engine.create_volume(&planned.spec()).await
    }

    async fn users(engine: &Engine, found: &Volume) -> Result<Vec<Container>, Error> {
        engine.containers_of_volume(&found.spec.name).await
    }

    async fn remove(engine: &Engine, name: &str) -> Result<(), Error> {
        engine.remove_volume(name).await
    }

    fn is_kept(model: &VolumeModel) -> bool {
        !model.remove_on_destroy.is_true()
    }

    fn kept(model: &VolumeModel, departure: Departure) -> Option<Diagnostic> {
        let name = model.object.name();
        Some(match departure {
            Departure::Destroyed => Diagnostic::warning(format!("Docker volume {name:?} was kept"))
                .detail("It stays on the host with all its data and is no longer recorded, because `remove_on_destroy` was not set.")
                .detail(format!(
                    "Adopt it again by an import, or remove it there when nobody needs its data: `docker volume rm {name}`."
                )),
            Departure::Relocated => {
                Diagnostic::warning(format!("Docker volume {name:?} was kept on the machine it was on"))
                    .detail("An empty volume was made in its new place; data does not move.")
                    .detail("Copy what is needed, then remove the old one there by `docker volume rm`.")
            }
        })
    }

    fn left_by_move(model: &VolumeModel) -> Option<Diagnostic> {
        let name = model.object.name();
        Some(
            Diagnostic::warning(format!("The data of docker volume {name:?} does not move with it"))
                .detail(
                    "With another `host` an empty volume is made on the new machine. The old one stays where it is with \
                     all its data, whatever `remove_on_destroy` says: a move is not a destroy. If both connections lead \
                     to the same machine, nothing changes.",
                )
                .detail("Copy what is needed, then remove the old one there by `docker volume rm`."),
        )
    }
}

fn refused(title: &str, attribute: &'static str) -> Diagnostic {
    Diagnostic::error(title)
        .detail(format!(
            "Docker cannot change `{attribute}` of a volume, and it cannot be replaced either: the volume and its data \
             are kept, because the state does not say `remove_on_destroy`, and so its name stays taken."
        ))
        .detail(UNCHANGED)
        .detail(format!(
            "Take the change of `{attribute}` back, or choose another `name`: a new, empty volume is made then and this \
             one stays on the host. If its data may go, set `remove_on_destroy = true` and apply that first."
        ))
        .at(attribute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_says_what_can_be_done() {
        let problem = refused("Could not plan docker volume \"data\"", "labels");
        assert_eq!(problem.path.unwrap().to_string(), "labels");
        for words in ["cannot change `labels`", UNCHANGED, "another `name`", "remove_on_destroy = true"] {
            assert!(problem.detail.contains(words), "{words} is not in {}", problem.detail);
        }
    }
}
