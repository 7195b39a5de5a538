//! What a change of `windlass_docker_volume` means.

use framework::{Diagnostic, Diagnostics, Field, Plan};

use super::{DockerVolume, model::VolumeModel};
use crate::{docker_objects::same_map, failure::UNCHANGED, hosted::OnHost};

/// Decides what replaces the volume, and refuses what could only be done by losing data that is
/// to be kept.
pub(super) fn plan(title: &str, plan: &mut Plan<OnHost<DockerVolume>>) -> Result<(), Diagnostics> {
    let Some(prior) = plan.prior.as_ref().map(|prior| prior.model.clone()) else { return Ok(()) };
    let changed = changed(&plan.planned, &prior);
    if plan.planned.name == prior.name && !prior.is_removed_on_destroy() && !changed.is_empty() {
        return Err(changed.iter().map(|name| refused(title, name)).collect());
    }
    for name in changed {
        plan.require_replace(name);
    }
    if plan.planned.host != prior.host {
        plan.planned.mountpoint = Field::Unknown;
    }
    Ok(())
}

/// The attributes that Docker cannot change.
fn changed(planned: &VolumeModel, prior: &VolumeModel) -> Vec<&'static str> {
    let driver = (planned.driver != prior.driver).then_some("driver");
    let options = (!same_map(&planned.options, &prior.options)).then_some("options");
    let labels = (!same_map(&planned.labels, &prior.labels)).then_some("labels");
    [driver, options, labels].into_iter().flatten().collect()
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
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_docker_cannot_change_is_told() {
        let map = |value: &str| Field::Known(BTreeMap::from([("a".to_owned(), value.to_owned())]));
        let prior = VolumeModel { driver: "local".into(), labels: map("1"), ..VolumeModel::default() };
        assert_eq!(changed(&prior, &prior), Vec::<&str>::new());
        let empty = VolumeModel { options: Field::Known(BTreeMap::new()), ..prior.clone() };
        assert_eq!(changed(&empty, &prior), Vec::<&str>::new());
        let other =
            VolumeModel { driver: "nfs".into(), labels: map("2"), options: Field::Unknown, ..prior.clone() };
        assert_eq!(changed(&other, &prior), ["driver", "options", "labels"]);
    }

    #[test]
    fn the_refusal_says_what_can_be_done() {
        let problem = refused("Could not plan docker volume \"data\"", "labels");
        assert_eq!(problem.path.unwrap().to_string(), "labels");
        for words in ["cannot change `labels`", UNCHANGED, "another `name`", "remove_on_destroy = true"] {
            assert!(problem.detail.contains(words), "{words} is not in {}", problem.detail);
        }
    }
}
