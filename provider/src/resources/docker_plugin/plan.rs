//! What a change of `windlass_docker_plugin` means, and whether it asks for more than it is granted.

use std::fmt::Write as _;

use docker::{Privileges, missing, registry::for_image};
use framework::{Diagnostics, Field, Plan};

use super::{
    DockerPlugin,
    model::{PluginModel, is_same_reference},
};
use crate::{
    failure::{Failure, Stop, UNCHANGED, as_warning, in_words},
    hosted::{OnHost, Planning, is_same_connection},
    registries,
};

/// What becomes of a plan that cannot tell what a plugin asks for.
const LATER: &str =
    "The plan goes on; if it is still so when the plugin is installed, that fails and changes nothing.";

type Resource = OnHost<DockerPlugin>;

/// Decides whether it is replaced, and refuses one that asks for more than it is granted.
pub(super) async fn plan(on: &Planning<'_>, plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
    let prior = plan.prior.as_ref().map(|prior| prior.model.clone());
    let Some(prior) = prior else {
        plan.planned.name = plan.planned.local_name().map_or(Field::Unknown, Field::Known);
        return check_grant(on, &plan.planned).await;
    };
    // Another spelling of the same one changes nothing.
    if is_same_reference(prior.reference(), plan.planned.reference()) {
        plan.planned.reference = prior.reference.clone();
    }
    let is_other = plan.planned.reference != prior.reference;
    if is_other && plan.planned.alias.is_null() {
        plan.require_replace("reference");
    }
    if !is_same_connection(&prior.host, &plan.planned.host) {
        plan.planned.id = Field::Unknown;
    }
    if is_other || plan.planned.grant != prior.grant {
        return check_grant(on, &plan.planned).await;
    }
    Ok(())
}

/// Asks the host what the plugin asks for, where both are known and can be reached; the apply asks
/// again.
async fn check_grant(on: &Planning<'_>, planned: &PluginModel) -> Result<(), Diagnostics> {
    let (Some(reference), false) = (planned.reference.known(), planned.grant.is_unknown()) else {
        return Ok(());
    };
    let Ok(Some(host)) = on.hosts.reach(&planned.host).await else { return Ok(()) };
    let Ok(engine) = host.engine().await else { return Ok(()) };
    let known = registries::known(on.hosts);
    let asked = match engine.plugin_privileges(reference, for_image(&known, reference)).await {
        Ok(asked) => asked,
        // It may be brought there in the same run.
        Err(error @ docker::Error::Pull { .. }) => {
            let title = format!("Could not see what the plugin {reference} asks for");
            for problem in Failure::from(error).into_diagnostics(&title, LATER) {
                on.cx.warn(as_warning(problem.at("reference")));
            }
            return Ok(());
        }
        Err(_) => return Ok(()),
    };
    let missing = missing(&asked, &planned.granted());
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::from(not_granted(reference, &asked, &missing)).into_diagnostics(on.title, UNCHANGED))
}

/// That a plugin asks for more than it is granted, with what to write where one agrees.
fn not_granted(reference: &str, asked: &Privileges, missing: &Privileges) -> Stop {
    Stop::new(
        format!("The plugin {reference} asks for more than it is granted: {}.", in_words(missing)),
        format!("If you accept all that it asks for, set:\n\n{}", as_hcl(asked)),
    )
    .at("grant")
}

/// The attribute `grant` that accepts them.
fn as_hcl(privileges: &Privileges) -> String {
    let mut text = "grant = {\n".to_owned();
    for (name, values) in privileges {
        let plain = name.chars().all(|letter| letter.is_ascii_lowercase());
        let name = if plain { name.clone() } else { format!("{name:?}") };
        let _ = writeln!(text, "  {name} = {values:?}", values = values.iter().collect::<Vec<_>>());
    }
    text + "}"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_write_is_shown() {
        let privileges = |all: &[(&str, &[&str])]| -> Privileges {
            let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
            all.iter().map(|(name, all)| ((*name).to_owned(), values(all))).collect()
        };
        let asked = privileges(&[("host pid namespace", &["true"]), ("mount", &["/a", "/b"])]);
        assert_eq!(in_words(&asked), "host pid namespace true, mount /a and /b");
        let text = as_hcl(&asked);
        assert_eq!(text, "grant = {\n  \"host pid namespace\" = [\"true\"]\n  mount = [\"/a\", \"/b\"]\n}");
    }
}
