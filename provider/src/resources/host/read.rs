//! Finding out what a machine looks like now.

use framework::{Context, Diagnostics, Field, State};
use remote::Connection;
use tokio::time::Instant;

use super::{HostModel, HostResource, TYPE, bootstrap, plan};
use crate::{
    failure::Failure,
    hosted::{Host, Hosts, credentials, import_id},
    machine::inspect,
};

/// Looks at the machine. A machine that was replaced behind the same address shows another
/// `machine_id`, so that everything that refers to it plans again.
pub(super) async fn read(
    resource: &HostResource,
    cx: &Context,
    state: State<HostResource>,
) -> Result<Option<State<HostResource>>, Diagnostics> {
    let (title, connection) = (title("read", &state.model), state.model.connection.clone());
    bootstrap::teach(&resource.hosts, &state.model);
    let observe = |host, state: State<HostResource>| refreshed(&resource.hosts, host, state.model);
    resource.hosts.read(cx, &title, &connection, state, observe).await
}

async fn refreshed(
    hosts: &Hosts,
    host: Host,
    mut model: HostModel,
) -> Result<Option<State<HostResource>>, Failure> {
    model.machine = inspect(&host).await?.into();
    model.login = Field::Known(host.login.word().to_owned());
    if model.host_public_key.is_null() {
        adopt_key(hosts, &host, &mut model).await?;
    }
    Ok(Some(State::new(model)))
}

/// Pins the key of a machine that was imported: known_hosts, or the connection it was imported by,
/// has vouched for it.
async fn adopt_key(hosts: &Hosts, host: &Host, model: &mut HostModel) -> Result<(), Failure> {
    let (Connection::Ssh(ssh), Some(settings)) = (&host.connection, hosts.settings()) else { return Ok(()) };
    let credentials = credentials(ssh, &settings)?;
    let key = hosts.pool().verified_host_key(ssh, &credentials, Instant::now()).await?;
    model.host_public_key = Field::Known(key.openssh);
    if model.host_key.is_null() {
        model.host_key = Field::Known(key.fingerprint.to_string());
        if let Some(pinned) = plan::connection(model) {
            model.connection = Field::Known(Connection::from(pinned).to_string());
        }
    }
    Ok(())
}

/// Adopts the machine behind the connection `id`: the parts of it become the attributes.
pub(super) fn import(id: &str) -> Result<State<HostResource>, Diagnostics> {
    let title = format!("Could not import {TYPE} {id:?}");
    // The address inside the connection is the name: there is nothing behind the bar.
    let (connection, _) =
        import_id(&title, &format!("{id}|host"), "<connection>, such as ssh://root@web?host_key=…")?;
    let Connection::Ssh(ssh) = &connection else {
        return Err(framework::Diagnostic::error(title)
            .detail("local:// is the machine that runs tofu; it needs no windlass_host.")
            .into());
    };
    let model = HostModel {
        address: Field::Known(ssh.target.host.clone()),
        port: Field::from(ssh.target.port.map(u64::from)),
        user: Field::from(ssh.target.user.clone()),
        host_key: Field::from(ssh.host_keys.first().map(ToString::to_string)),
        trust_on_first_use: Field::Known(false),
        jump: Field::from(
            (!ssh.jump.is_empty())
                .then(|| ssh.jump.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
        ),
        proxy: Field::from(ssh.proxy.as_ref().map(ToString::to_string)),
        identity: Field::from(ssh.identity.clone()),
        docker_socket: Field::from(ssh.docker.clone()),
        sudo: Field::Known(plan::sudo_word(ssh.sudo).to_owned()),
        wait_for_cloud_init: Field::Known(true),
        connection: Field::Known(connection.to_string()),
        ..HostModel::default()
    };
    Ok(State::new(model))
}

/// The title of a failed operation on the host.
pub(super) fn title(operation: &str, model: &HostModel) -> String {
    format!("Could not {operation} host {:?}", model.address.known().map_or("", String::as_str))
}
