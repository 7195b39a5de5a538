//! Which secrets and configs nobody needs any more.

use bollard::models::{ServiceSpec, ServiceUpdateStatusStateEnum as UpdateState};

use super::SUPERSEDED;
use crate::{
    Error,
    spec::ApiService as Service,
    stacks::{
        FileKind,
        api::{Api, Object},
        record::Record,
    },
};

/// Removes what another one has taken the place of, once nothing needs it: no service, none that its
/// swarm may still roll back, and no stack that may return to its last good apply. That something could
/// not be removed is for the log, and the next one tries again.
pub(in crate::stacks) async fn forget_unneeded(api: &Api) {
    if let Err(error) = try_forget(api).await {
        tracing::warn!(%error, "secrets and configs that are not needed any more stay");
    }
}

async fn try_forget(api: &Api) -> Result<(), Error> {
    let mut old: Vec<(FileKind, Object)> = Vec::new();
    for kind in [FileKind::Secret, FileKind::Config] {
        let found = api.files(kind, None).await?;
        old.extend(
            found.into_iter().filter(|one| one.labels.contains_key(SUPERSEDED)).map(|one| (kind, one)),
        );
    }
    if old.is_empty() {
        return Ok(());
    }
    let (services, records) = (api.services(None).await?, Record::all(api).await?);
    for (kind, one) in old {
        if is_needed(&one.id, &services, &records) {
            continue;
        }
        // Between the question and this, somebody may have begun to use it: the swarm does not let it go.
        match api.remove_file(kind, &one.id).await {
            Ok(()) => tracing::info!(name = one.name, "removed what is not needed any more"),
            Err(error) => tracing::debug!(name = one.name, %error, "something that was superseded stays"),
        }
    }
    Ok(())
}

/// Whether anything needs the secret or config `id`, or may in a moment.
fn is_needed(id: &str, services: &[Service], records: &[Record]) -> bool {
    let specs = services.iter().filter_map(|service| service.spec.as_ref());
    let released = records.iter().flat_map(|record| record.services.values());
    services.iter().any(may_return) || specs.chain(released).any(|spec| uses(spec, id))
}

/// Whether the swarm itself may give a service its last spec back, which it does not tell.
fn may_return(service: &Service) -> bool {
    let state = service.update_status.as_ref().and_then(|status| status.state);
    !matches!(
        state,
        None | Some(UpdateState::EMPTY | UpdateState::COMPLETED | UpdateState::ROLLBACK_COMPLETED)
    )
}

/// Whether tasks of a service get the secret or config `id`.
pub(super) fn uses(spec: &ServiceSpec, id: &str) -> bool {
    let Some(container) = spec.task_template.as_ref().and_then(|task| task.container_spec.as_ref()) else {
        return false;
    };
    let secrets = container.secrets.iter().flatten().filter_map(|one| one.secret_id.as_deref());
    let configs = container.configs.iter().flatten().filter_map(|one| one.config_id.as_deref());
    secrets.chain(configs).any(|one| one == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::spec::Spec;

    fn spec(secret: &str) -> Spec {
        let task = json!({"ContainerSpec": {
            "Secrets": [{"SecretID": secret, "SecretName": "x"}],
            "Configs": [{"ConfigID": format!("{secret}-conf"), "ConfigName": "x"}],
        }});
        serde_json::from_value(json!({"Name": "web_api", "TaskTemplate": task})).unwrap()
    }

    fn service(secret: &str, state: UpdateState) -> Service {
        let status = json!({"State": state});
        Service {
            spec: Some(spec(secret)),
            update_status: Some(serde_json::from_value(status).unwrap()),
            ..Service::default()
        }
    }

    #[test]
    fn what_a_service_has_is_needed() {
        let services = [service("s2", UpdateState::COMPLETED)];
        assert!(is_needed("s2", &services, &[]) && is_needed("s2-conf", &services, &[]));
        assert!(!is_needed("s1", &services, &[]) && !is_needed("s", &services, &[]));
    }

    #[test]
    fn while_a_service_may_return_to_what_it_was_everything_is_needed() {
        for state in [UpdateState::UPDATING, UpdateState::PAUSED, UpdateState::ROLLBACK_STARTED] {
            assert!(is_needed("s1", &[service("s2", state)], &[]), "{state}");
        }
        assert!(!is_needed("s1", &[service("s2", UpdateState::ROLLBACK_COMPLETED)], &[]));
        let never_updated = Service { update_status: None, ..service("s2", UpdateState::UPDATING) };
        assert!(!is_needed("s1", &[never_updated], &[]));
    }

    #[test]
    fn what_a_stack_may_return_to_is_needed() {
        let record = Record { instance: "i".into(), services: BTreeMap::from([("api".into(), spec("s1"))]) };
        assert!(is_needed("s1", &[service("s2", UpdateState::COMPLETED)], &[record]));
    }
}
