//! Whose the thing at a path of a host is: the host remembers the id of the resource that made it.

use framework::Diagnostic;
use remote::{
    claims::Claims,
    files::{FileError, random_name},
};

use crate::hosted::{Host, OnMachine};

/// The things of one kind of resource.
pub(crate) struct Ownership {
    /// What the host calls them. Resources that make the same kind of thing share it.
    pub(crate) kind: &'static str,
    /// What a person calls one: `directory`.
    pub(crate) what: &'static str,
}

impl Ownership {
    /// The id for a thing: the one that it has, or a new one for what was made before there were ids.
    ///
    /// # Errors
    /// When this machine gives no random numbers.
    pub(crate) fn instance(known: &str) -> Result<String, FileError> {
        if known.is_empty() { random_name() } else { Ok(known.to_owned()) }
    }

    /// Whether what is at `path` belongs to the resource with the id `instance`; `None` where that has
    /// none.
    ///
    /// # Errors
    /// When the host cannot be asked.
    pub(crate) async fn is_ours(
        &self,
        on: &OnMachine<'_>,
        path: &str,
        instance: &str,
    ) -> Result<Option<bool>, FileError> {
        if instance.is_empty() {
            return Ok(None);
        }
        let owner = claims(on.host, self.kind).await?.owner(path).await?;
        Ok(Some(owner.as_deref() == Some(instance)))
    }

    /// Has the host remember that what is at `path` belongs to `instance`; the resource was `before` it
    /// was changed, where the host knows it already.
    ///
    /// # Errors
    /// When the host cannot take note of it.
    pub(crate) async fn take(
        &self,
        on: &OnMachine<'_>,
        path: &str,
        instance: &str,
        before: Option<&str>,
    ) -> Result<(), FileError> {
        if before == Some(instance) {
            return Ok(());
        }
        claims(on.host, self.kind).await?.claim(path, instance).await
    }

    /// Has the host forget the owner, so that whoever makes such a thing at `path` may take this one up.
    ///
    /// # Errors
    /// When the host cannot take note of it.
    pub(crate) async fn let_go(
        &self,
        on: &OnMachine<'_>,
        path: &str,
        instance: &str,
    ) -> Result<(), FileError> {
        claims(on.host, self.kind).await?.let_go(path, instance).await
    }

    /// Where the host remembers what is at `path`, for somebody who removes that; `None`, and a warning,
    /// where it is another resource's by now.
    ///
    /// # Errors
    /// When the host cannot be asked.
    pub(crate) async fn to_remove<'h>(
        &self,
        on: &OnMachine<'h>,
        path: &str,
        instance: &str,
    ) -> Result<Option<Claims<'h>>, FileError> {
        let claims = claims(on.host, self.kind).await?;
        if claims.is_of_another(path, instance).await? {
            on.cx.warn(belongs_to_another(self.what, path, on.host.name()));
            return Ok(None);
        }
        Ok(Some(claims))
    }
}

/// Whose the objects of `kind` on `host` are.
///
/// # Errors
/// When the host cannot be asked for the user's home directory.
pub(crate) async fn claims<'h>(host: &'h Host, kind: &'static str) -> Result<Claims<'h>, FileError> {
    Ok(Claims::on(host.executor.as_ref(), host.home().await?, kind))
}

/// The warning that what is at `path` is another resource's by now.
fn belongs_to_another(what: &str, path: &str, host: &str) -> Diagnostic {
    Diagnostic::warning(format!("Left {what} {path:?} on {host}"))
        .detail("Another resource has made it anew, or has taken it over, since this one was recorded.")
        .detail("It was left as it is; this resource is no longer recorded.")
}
