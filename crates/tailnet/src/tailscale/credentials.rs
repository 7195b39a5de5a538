//! Who we are: a key, an OAuth client, or a workload that its own platform vouches for.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secret::{Scrubber, Secret};
use serde::Deserialize;

use super::segment;
use crate::{
    Direct, Error,
    transport::{Call, Wire},
};

/// A token is not used in its last minute.
const MARGIN: Duration = Duration::from_secs(60);

/// What the server is asked for access with.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A key of the interface, or an access token.
    ApiKey(Secret),
    /// An OAuth client.
    OAuth {
        /// Its id, where it is not part of the secret.
        client_id: String,
        /// Its secret.
        client_secret: Secret,
    },
    /// A federated identity: the platform's word for the workload, and no stored secret.
    Identity {
        /// The id of the federated identity.
        client_id: String,
        /// Where the platform's word comes from.
        token: TokenSource,
    },
}

/// Where an identity token comes from.
#[derive(Clone, Debug)]
pub enum TokenSource {
    /// It is given.
    Given(Secret),
    /// GitHub Actions hands one out, at this address to who has this token, for this audience.
    GitHub {
        /// The address.
        url: String,
        /// The token that is asked with.
        bearer: Secret,
        /// For whom it shall be.
        audience: String,
    },
}

impl Credentials {
    /// Whether a token is got for them.
    pub(super) fn are_exchanged(&self) -> bool {
        !matches!(self, Self::ApiKey(_))
    }

    /// Every secret in them.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        match self {
            Self::ApiKey(secret)
            | Self::OAuth { client_secret: secret, .. }
            | Self::Identity {
                token: TokenSource::Given(secret) | TokenSource::GitHub { bearer: secret, .. },
                ..
            } => {
                vec![secret.clone()]
            }
        }
    }
}

/// A token of the server's.
pub(super) struct Token {
    pub(super) secret: Secret,
    until: Instant,
}

impl Token {
    pub(super) fn is_good(&self) -> bool {
        Instant::now() < self.until
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: Sealed,
    #[serde(default)]
    expires_in: Option<u64>,
}

/// A secret in an answer.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Sealed(String);

impl Sealed {
    pub(super) fn into_secret(self) -> Secret {
        Secret::new(self.0)
    }
}

/// Asks for a token. Tokens are short-lived and nobody counts them, so asking twice does no harm.
pub(super) async fn exchange(
    wire: &Wire,
    credentials: &Credentials,
    secrets: &Scrubber,
) -> Result<Token, Error> {
    const OPERATION: &str = "grant a token";
    let (path, form) = match credentials {
        Credentials::ApiKey(key) => {
            return Ok(Token { secret: key.clone(), until: Instant::now() + Duration::from_secs(3600) });
        }
        Credentials::OAuth { client_id, client_secret } => (
            "/api/v2/oauth/token",
            format!(
                "grant_type=client_credentials&client_id={}&client_secret={}",
                segment(client_id),
                segment(client_secret.expose())
            ),
        ),
        Credentials::Identity { client_id, token } => {
            let jwt = identity_token(token, secrets).await?;
            let form = format!("client_id={}&jwt={}", segment(client_id), segment(jwt.expose()));
            ("/api/v2/oauth/token-exchange", form)
        }
    };
    let call = Call::with_method("POST", OPERATION, path)
        .content("application/x-www-form-urlencoded", form)
        .repeatable();
    let asked = Instant::now();
    let reply = wire.demand(&call, None, secrets).await.map_err(|error| match error {
        // Of the endpoint that grants tokens, every refusal is one of the credentials.
        Error::Refused { server, answered } | Error::Forbidden { server, answered }
            if answered.status < 500 =>
        {
            Error::Credentials { server, answered }
        }
        error => error,
    })?;
    let granted: Granted = wire.read(&call, &reply)?;
    let lifetime = Duration::from_secs(granted.expires_in.unwrap_or(3600));
    // One that is granted for less than a minute is good for the next request.
    Ok(Token { secret: granted.access_token.into_secret(), until: asked + lifetime.saturating_sub(MARGIN) })
}

async fn identity_token(source: &TokenSource, secrets: &Scrubber) -> Result<Secret, Error> {
    let token = match source {
        TokenSource::Given(token) => token.clone(),
        TokenSource::GitHub { url, bearer, audience } => {
            #[derive(Deserialize)]
            struct Word {
                value: Sealed,
            }
            let wire = Wire::new(Arc::new(Direct::new(url)));
            let mark = if url.contains('?') { '&' } else { '?' };
            let call =
                Call::get("hand out an identity token", format!("{mark}audience={}", segment(audience)));
            let reply = wire.demand(&call, Some(bearer), secrets).await?;
            wire.read::<Word>(&call, &reply)?.value.into_secret()
        }
    };
    check_expiry(&token)?;
    Ok(token)
}

/// Refuses a token whose time is over, which the server would only call invalid.
fn check_expiry(token: &Secret) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Claims {
        exp: Option<u64>,
    }
    let wrong = |what: &str| Error::Configuration { what: format!("the identity token {what}") };
    let payload = token.expose().split('.').nth(1).ok_or_else(|| wrong("is not a JWT"))?;
    let payload =
        BASE64_URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).map_err(|_| wrong("is not a JWT"))?;
    let claims: Claims = serde_json::from_slice(&payload).map_err(|_| wrong("is not a JWT"))?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    match claims.exp {
        Some(end) if end > now => Ok(()),
        Some(_) => Err(wrong("has expired; it has to be fetched anew for each run")),
        None => Err(wrong("does not say when it expires")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> Secret {
        Secret::new(format!("e30.{}.x", BASE64_URL_SAFE_NO_PAD.encode(claims)))
    }

    #[test]
    fn an_identity_token_that_cannot_be_accepted_is_not_sent() {
        assert!(check_expiry(&jwt(r#"{"exp":99999999999}"#)).is_ok());
        for (token, part) in [
            (jwt(r#"{"exp":1}"#), "has expired"),
            (jwt("{}"), "does not say"),
            (Secret::from("hunter2"), "is not a JWT"),
            (Secret::from("a.!!.c"), "is not a JWT"),
        ] {
            let error = check_expiry(&token).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains("hunter2"), "{error}");
        }
    }
}
