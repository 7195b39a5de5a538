//! What one command on a host costs, on a connection that is there.

use anyhow::{Context as _, Result};
use remote::{
    Command, Input,
    collect::run,
    connection::{Connection, SshConnection},
    credentials::{Credentials, choose},
};
use ssh::Pool;

use crate::{Bench, place::Place, samples::Samples, table::Row};

const COMMANDS: usize = 100;

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let (connection, credentials) = route(&bench.place)?;
    let pool = Pool::with_agent(None);
    let executor = pool.executor(&connection, &credentials);
    let [mut connecting, mut ours, mut openssh] = std::array::from_fn(|_| Samples::default());
    let nothing = Command::new(["true"]);
    connecting.of(run(executor.as_ref(), &nothing, Input::Nothing)).await?;
    for _ in 0..COMMANDS {
        ours.of(run(executor.as_ref(), &nothing, Input::Nothing)).await?;
        openssh.of(bench.place.typed("true")).await?;
    }
    pool.close().await;
    Ok(vec![
        Row::median("exec on a host", &ours, "ms")?
            .limit(3.0)
            .beside(format!("OpenSSH with ControlMaster {:.2} ms", openssh.median()?)),
        Row::median("connect and first exec", &connecting, "ms")?,
    ])
}

/// The way to the host, as the provider finds it.
fn route(place: &Place) -> Result<(SshConnection, Credentials)> {
    let Connection::Ssh(connection) = place.connection().parse()? else {
        anyhow::bail!("the host is not reached over SSH");
    };
    let environment = place.environment();
    let variable =
        |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let credentials = choose(&connection, &[], variable).context("choose credentials")?;
    Ok((*connection, credentials))
}
