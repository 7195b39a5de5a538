//! What a change of `windlass_swarm` means.

use framework::{Diagnostic, Diagnostics, Field, Plan};

use super::{
    SwarmCluster,
    model::{SwarmModel, duration},
};
use crate::{
    clustered::{InCluster, has_common},
    failure::UNCHANGED,
};

/// Says what is odd about a configuration, and that a certificate lives too short.
pub(super) fn validate(config: &SwarmModel, problems: &mut Diagnostics) {
    let managers = config.managers.known().map_or(0, Vec::len);
    if managers > 0 && managers.is_multiple_of(2) {
        problems.push(
            Diagnostic::warning(format!("An even number of managers ({managers}) is not safer than one less"))
                .detail(format!(
                    "Of {managers}, {} must be up for anything to be decided, so that {} may fail: as many as of {}.",
                    managers / 2 + 1,
                    managers.div_ceil(2) - 1,
                    managers - 1
                ))
                .detail("Take an odd number: 1, 3, 5 or 7.")
                .at("managers"),
        );
    }
    if duration(&config.cert_expiry).is_some_and(|expiry| expiry.as_secs() < 3600) {
        problems.push(
            Diagnostic::error("The certificates of a swarm live too short")
                .detail("The value must be at least \"1h\": Docker takes no less.")
                .at("cert_expiry"),
        );
    }
}

/// Decides what stays.
pub(super) fn plan(title: &str, plan: &mut Plan<InCluster<SwarmCluster>>) -> Result<(), Diagnostics> {
    let Some(prior) = plan.prior.as_ref().map(|prior| prior.model.clone()) else { return Ok(()) };
    if duration(&plan.config.cert_expiry).is_some_and(|expiry| duration(&prior.cert_expiry) == Some(expiry)) {
        plan.keep_spelling("cert_expiry")?;
    }
    refuse_fixed(title, &prior, &plan.planned)?;
    if !has_common(&prior.managers, &plan.planned.managers) {
        // They may be of the same swarm by now, or of none: only apply can tell.
        plan.planned.id = Field::Unknown;
        plan.planned.created_at = Field::Unknown;
    }
    Ok(())
}

/// Refuses what cannot be changed without a new swarm: everything that runs would be gone.
fn refuse_fixed(title: &str, prior: &SwarmModel, planned: &SwarmModel) -> Result<(), Diagnostics> {
    let mut problems = Diagnostics::new();
    let mut refuse = |attribute: &'static str, changed: bool| {
        if changed {
            problems.push(
                Diagnostic::error(title)
                    .detail(format!(
                        "Docker cannot change `{attribute}` of a swarm, and a new swarm would have nothing of what runs in \
                         this one."
                    ))
                    .detail(UNCHANGED)
                    .detail(format!(
                        "Take the change of `{attribute}` back; or, to begin anew on purpose, destroy the swarm first."
                    ))
                    .at(attribute),
            );
        }
    };
    let differs = |one: &Field<Vec<String>>, other: &Field<Vec<String>>| {
        one.is_known() && other.is_known() && one != other
    };
    refuse("default_addr_pool", differs(&prior.default_addr_pool, &planned.default_addr_pool));
    let (old, new) = (&prior.subnet_size, &planned.subnet_size);
    refuse("subnet_size", old.is_known() && new.is_known() && old != new);
    problems.into_result()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn managers(count: usize) -> SwarmModel {
        let managers = (0..count).map(|at| Field::Known(format!("ssh://m{at}"))).collect();
        SwarmModel { managers: Field::Known(managers), ..SwarmModel::default() }
    }

    #[test]
    fn an_even_number_of_managers_is_a_warning() {
        let told = |count| {
            let mut problems = Diagnostics::new();
            validate(&managers(count), &mut problems);
            problems.to_string()
        };
        for odd in [1, 3, 5] {
            assert_eq!(told(odd), "");
        }
        assert!(
            told(4).contains(
                "Of 4, 3 must be up for anything to be decided, so that 1 may fail: as many as of 3."
            )
        );
    }

    #[test]
    fn what_cannot_be_changed_is_refused() {
        let prior = SwarmModel {
            default_addr_pool: Field::Known(vec!["10.0.0.0/8".into()]),
            subnet_size: Field::Known(24),
            ..managers(1)
        };
        assert!(refuse_fixed("t", &prior, &prior).is_ok());
        let planned = SwarmModel { subnet_size: Field::Known(26), ..prior.clone() };
        let problems = refuse_fixed("Could not plan swarm c1", &prior, &planned).unwrap_err();
        let problem = problems.iter().next().unwrap();
        assert_eq!(problem.path.as_ref().unwrap().to_string(), "subnet_size");
        assert!(problem.detail.contains(UNCHANGED));
    }
}
