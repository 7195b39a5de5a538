//! From the name of a store, or its URL, to the store.

use std::sync::Arc;

use backup::store::{Access, AccessError, Reached, StoreUrl};
use backup::{Repository, Store};

use remote::Connection;
use remote::connection::SshConnection;

use super::settings::{StoreSettings, secret};
use crate::exit::Failure;
use crate::settings::Settings;

/// The store that `text` means: a name of `[backup.store]`, or a URL.
///
/// # Errors
/// When it means none, or there is no key for it.
pub fn open(settings: &Settings, text: &str) -> Result<Arc<dyn Store>, Failure> {
    let (url, access) = meant(settings, text)?;
    // Its connections live as long as the process.
    let reach =
        |to: &SshConnection| -> Reached { Ok(ssh::Pool::default().executor(to, &settings.credentials(to)?)) };
    let opened = access.open(&url, text, (&|name| std::env::var(name).ok(), &reach));
    opened.map_err(|error| not_opened(text, &error))
}

/// The repository of restic that `text` means; `None` where it means a store of another kind.
///
/// # Errors
/// As [`open`].
pub fn repository(settings: &Settings, text: &str) -> Result<Option<Repository>, Failure> {
    let (url, access) = meant(settings, text)?;
    let StoreUrl::Restic(place) = url else { return Ok(None) };
    let opened = access.repository(&place, text, &|name| std::env::var(name).ok());
    opened.map(Some).map_err(|error| not_opened(text, &error))
}

fn failed(text: &str) -> Failure {
    Failure::new(format!("Could not open the store {text:?}"))
}

fn not_opened(text: &str, error: &AccessError) -> Failure {
    let failure = failed(text).because(error);
    match error {
        AccessError::NoKey { .. } => failure.with(
            "Set `access_key_id` and `secret_access_key_env` in its table of windlass.toml, or AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY in the environment.",
        ),
        AccessError::NoToken { .. } => {
            failure.with("Set `token_env` in its table of windlass.toml, or GITHUB_TOKEN in the environment.")
        }
        AccessError::NoPassword { .. } => failure
            .with("Set `password_env` in its table of windlass.toml, or RESTIC_PASSWORD in the environment."),
        AccessError::Repository { .. } => failure.with("Corpora whose `engine` is `restic` are in it, and no others."),
        AccessError::Store(error) => failed(text).because(error),
        AccessError::NoLogin { .. } | AccessError::NoHost { .. } | AccessError::NotALine { .. } => failure,
    }
}

/// What `text` means, and how one gets in.
fn meant(settings: &Settings, text: &str) -> Result<(StoreUrl, Access), Failure> {
    let stores = &settings.backup.store;
    let named = stores.get(text);
    let spelled = named.map_or(text, |store| &store.url);
    let url: StoreUrl = spelled.parse().map_err(|error: backup::store::UrlError| {
        let names: Vec<&str> = stores.keys().map(String::as_str).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        failed(text).because(&error).with(format!(
            "It is not the name of a store either: `[backup.store]` of windlass.toml has {names}."
        ))
    })?;
    let access = named.map(|store| access(store, text)).transpose()?.unwrap_or_default();
    if !matches!(url, StoreUrl::S3 { .. }) && (access.via.is_some() || access.lock.is_some()) {
        return Err(failed(text).with("`via` and `object_lock_mode` are settings of a bucket (`s3://`)."));
    }
    Ok((url, access))
}

fn access(store: &StoreSettings, name: &str) -> Result<Access, Failure> {
    let variable = store.secret_access_key_env.as_deref();
    let key = variable.map(|variable| secret(variable, &format!("the key of the store {name:?}")));
    let password = store.password_env.as_deref();
    let password =
        password.map(|variable| secret(variable, &format!("the password of the repository {name:?}")));
    let wrong = |why: String| {
        Failure::new(format!("Could not read `[backup.store.{name}]` of windlass.toml"))
            .with(format!("{why}."))
    };
    let via = store.via.as_deref().map(str::parse::<Connection>).transpose();
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
        via: via.map_err(|error| wrong(format!("`via`: {error}")))?,
        password: password.transpose()?,
        lock: store.lock().map_err(wrong)?,
    })
}
