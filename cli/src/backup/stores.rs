//! From the name of a store, or its URL, to the store.

use std::sync::Arc;

use backup::Store;
use backup::store::{Access, AccessError, Reached, StoreUrl};

use remote::connection::SshConnection;

use super::settings::{StoreSettings, secret};
use crate::exit::Failure;
use crate::settings::Settings;

/// The store that `text` means: a name of `[backup.store]`, or a URL.
///
/// # Errors
/// When it means none, or there is no key for it.
pub fn open(settings: &Settings, text: &str) -> Result<Arc<dyn Store>, Failure> {
    let failed = || Failure::new(format!("Could not open the store {text:?}"));
    let stores = &settings.backup.store;
    let named = stores.get(text);
    let spelled = named.map_or(text, |store| &store.url);
    let url: StoreUrl = spelled.parse().map_err(|error: backup::store::UrlError| {
        let names: Vec<&str> = stores.keys().map(String::as_str).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        failed().because(&error).with(format!(
            "It is not the name of a store either: `[backup.store]` of windlass.toml has {names}."
        ))
    })?;
    let access = named.map(|store| access(store, text)).transpose()?.unwrap_or_default();
    // Its connections live as long as the process.
    let reach =
        |to: &SshConnection| -> Reached { Ok(ssh::Pool::default().executor(to, &settings.credentials(to)?)) };
    let opened = access.open(&url, text, (&|name| std::env::var(name).ok(), &reach));
    opened.map_err(|error| match error {
        AccessError::NoKey { .. } => failed().because(&error).with(
            "Set `access_key_id` and `secret_access_key_env` in its table of windlass.toml, or AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY in the environment.",
        ),
        AccessError::NoToken { .. } => failed().because(&error).with(
            "Set `token_env` in its table of windlass.toml, or GITHUB_TOKEN in the environment.",
        ),
        AccessError::NoLogin { .. } => failed().because(&error),
        AccessError::Store(error) => failed().because(&error),
    })
}

fn access(store: &StoreSettings, name: &str) -> Result<Access, Failure> {
    let variable = store.secret_access_key_env.as_deref();
    let key = variable.map(|variable| secret(variable, &format!("the key of the store {name:?}")));
    let token = store.token_env.as_deref();
    let token = token.map(|variable| secret(variable, &format!("the token of the store {name:?}")));
    Ok(Access {
        said_by: format!("`[backup.store.{name}]` of windlass.toml"),
        endpoint: store.endpoint.clone(),
        region: store.region.clone(),
        access_key_id: store.access_key_id.clone(),
        secret_access_key: key.transpose()?,
        session_token: None,
        token: token.transpose()?,
    })
}
