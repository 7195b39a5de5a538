//! A spec with the server's own `.env`, read from the host.

use compose::dotenv;

use crate::{
    context::Context,
    error::Error,
    host::Host,
    host_env::HostEnv,
    host_state::{self, HostState},
    record::Key,
    spec::StackSpec,
};

/// `spec` with the server's own `.env` as it is now, where that counts.
///
/// # Errors
/// When it may not be read, or is none.
pub async fn with_host_env(
    cx: &Context,
    host: &Host,
    spec: &StackSpec,
    directory: &str,
) -> Result<StackSpec, Error> {
    if spec.host_env.is_none() {
        return Ok(spec.clone());
    }
    let state = host_state::inspect(host.executor(), cx.token(), directory).await?;
    // A stack that was not made by us has no key of its own yet.
    let key = state.key.as_ref().or(spec.keys.last());
    with_env_of(host, spec, directory, &state, key).await
}

/// As [`with_host_env`], where `state` is what the host has, and `key` is or will be the key there.
pub(crate) async fn with_env_of(
    host: &Host,
    spec: &StackSpec,
    directory: &str,
    state: &HostState,
    key: Option<&Key>,
) -> Result<StackSpec, Error> {
    let layout = spec.layout(directory);
    let path = layout.env_path();
    // One that is ours is none of the server's.
    let ours = state.sent.as_ref().is_some_and(|sent| sent.env_path == path);
    let bytes = if ours { None } else { read(host, &format!("{directory}/{path}")).await? };
    let env = HostEnv::of(bytes.as_deref(), key);
    if let Some(bad) = dotenv::statements(env.text().unwrap_or_default()).1 {
        // Compose would quote the line.
        let (file, message) = (format!("{directory}/{path} on {}", host.name()), bad.reason.to_owned());
        return Err(Error::InvalidEnv { file, line: Some(bad.line), message });
    }
    Ok(StackSpec { host_env: Some(env), ..spec.clone() })
}

async fn read(host: &Host, path: &str) -> Result<Option<Vec<u8>>, Error> {
    match host.files().download_short(path).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(remote::files::FileError::Absent { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
