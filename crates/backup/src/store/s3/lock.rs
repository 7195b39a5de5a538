//! Object lock: objects that nobody removes for a while, whatever key he has.
//!
//! A bucket has it from its birth, with versions of all objects, and may say for how long each new object is locked. A
//! store may say that itself; it goes with every upload then, in headers. Either way the server wants to be told a
//! checksum of what it is sent. What is locked is one version of an object: removing the object only hides it behind a
//! marker. So what is removed here are versions, which a lock refuses and which leave nothing.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use object_store::{
    aws::{AwsAuthorizer, AwsCredential},
    client::{HttpClient, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService},
    path::Path,
};
use reqwest::{
    Method,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
};
use serde::Deserialize;

use super::{
    S3Store,
    refusal::{Cause, Refusal},
};
use crate::{
    manifest::MANIFEST,
    moment::Moment,
    name::SnapshotId,
    store::{Held, Store as _, StoreError},
};

const MODE: HeaderName = HeaderName::from_static("x-amz-object-lock-mode");
const UNTIL: HeaderName = HeaderName::from_static("x-amz-object-lock-retain-until-date");
const LEGAL_HOLD: HeaderName = HeaderName::from_static("x-amz-object-lock-legal-hold");
const CONTENT_HASH: &str = "x-amz-content-sha256";

/// The seconds of a day.
const DAY: u64 = 86_400;

/// Who may end a lock before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// Keys that are allowed that by name.
    Governance,
    /// Nobody.
    Compliance,
}

impl LockMode {
    /// The words of both.
    pub const WORDS: [&str; 2] = ["governance", "compliance"];

    /// The one with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "governance" => Some(Self::Governance),
            "compliance" => Some(Self::Compliance),
            _ => None,
        }
    }
}

impl fmt::Display for LockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Governance => "GOVERNANCE",
            Self::Compliance => "COMPLIANCE",
        })
    }
}

/// How each new object is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Who may end it.
    pub mode: LockMode,
    /// For how many days it lasts from the upload on.
    pub days: u32,
}

/// Puts a lock on what is uploaded. The headers for that have to be signed, and the client knows nothing of them.
#[derive(Debug)]
pub(super) struct Locking {
    pub(super) inner: HttpClient,
    pub(super) lock: Lock,
    pub(super) region: String,
    pub(super) credential: Arc<AwsCredential>,
}

#[async_trait]
impl HttpService for Locking {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if makes_object(request.method(), request.uri().query()) {
            self.put_on(&mut request, Moment::now())
                .map_err(|cause| HttpError::new(HttpErrorKind::Unknown, std::io::Error::other(cause)))?;
        }
        self.inner.execute(request).await
    }
}

impl Locking {
    fn put_on(&self, request: &mut HttpRequest, now: Moment) -> Result<(), Cause> {
        let until = now.after(std::time::Duration::from_secs(u64::from(self.lock.days) * DAY));
        let digest = request.headers().get(CONTENT_HASH).and_then(|hash| digest(hash.to_str().ok()?));
        let headers = request.headers_mut();
        headers.remove(AUTHORIZATION);
        headers.insert(MODE, HeaderValue::from_str(&self.lock.mode.to_string())?);
        headers.insert(UNTIL, HeaderValue::from_str(&until.to_string())?);
        let authorizer = AwsAuthorizer::new(&self.credential, "s3", &self.region);
        Ok(authorizer.try_authorize(request, digest.as_deref())?)
    }
}

/// Whether a request makes an object, at once or in parts that come later: locks go with these.
fn makes_object(method: &Method, query: Option<&str>) -> bool {
    match query {
        None | Some("") => method == Method::PUT,
        Some(query) => {
            method == Method::POST && query.split('&').any(|word| matches!(word, "uploads" | "uploads="))
        }
    }
}

/// The bytes of hexadecimal digits.
fn digest(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes().chunks(2);
    bytes.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Configuration {
    #[serde(default)]
    object_lock_enabled: String,
}

/// A version of an object, or a marker that hides it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Version {
    key: String,
    version_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Versions {
    #[serde(default)]
    version: Vec<Version>,
    #[serde(default)]
    delete_marker: Vec<Version>,
    #[serde(default)]
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_version_id_marker: Option<String>,
}

impl S3Store {
    /// Whether objects of the bucket may be locked. A server that does not say so, or not to us, has no locks that we
    /// could meet but as refusals.
    pub(super) async fn has_lock(&self) -> bool {
        let asking = async {
            if self.is_locking {
                return Ok(true);
            }
            let query = vec![("object-lock", String::new())];
            match self.ask::<Configuration>(&Path::default(), query).await {
                Ok(found) => Ok(found.object_lock_enabled == "Enabled"),
                Err(error) if error.is::<Refusal>() => Ok(false),
                Err(error) => Err(error),
            }
        };
        match self.has_lock.get_or_try_init(|| asking).await {
            Ok(has_lock) => *has_lock,
            Err(error) => {
                tracing::debug!(%error, "whether objects of the bucket may be locked is not known");
                false
            }
        }
    }

    /// Why a snapshot cannot be removed now: its manifest is locked, which was written last.
    pub(super) async fn hold_of(&self, id: &SnapshotId) -> Result<Option<Held>, Cause> {
        let head = self.send(Method::HEAD, &self.place(id, MANIFEST), Vec::new()).await;
        match head {
            Ok((headers, _)) => Ok(held(&headers, Moment::now())),
            // There is nothing to remove either.
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes every version of what is in a folder, its manifest first.
    pub(super) async fn remove_versions(&self, id: &SnapshotId) -> Result<(), StoreError> {
        let told = |error: Cause| self.told(format!("remove {id}"), error);
        if let Some(held) = self.hold_of(id).await.map_err(told)? {
            return Err(self.held(id, held));
        }
        let mut versions = self.versions(id).await.map_err(told)?;
        versions.sort_by_key(|version| !version.key.ends_with(MANIFEST));
        for Version { key, version_id } in versions {
            let place = Path::parse(&key).map_err(|error| told(error.into()))?;
            match self.send(Method::DELETE, &place, vec![("versionId", version_id)]).await {
                Ok(_) => {}
                Err(error) if is_absent(&error) => {}
                // Not all servers, nor all keys, can tell of a lock beforehand.
                Err(error) if error.downcast_ref().is_some_and(Refusal::is_denied) => {
                    return Err(self.held(id, Held::Refused(error.to_string())));
                }
                Err(error) => return Err(told(error)),
            }
        }
        Ok(())
    }

    fn held(&self, id: &SnapshotId, held: Held) -> StoreError {
        StoreError::Held { id: id.to_string(), store: self.url(), held }
    }

    async fn versions(&self, id: &SnapshotId) -> Result<Vec<Version>, Cause> {
        let prefix = format!("{}/", self.folder(id));
        let (mut versions, mut from) = (Vec::new(), None);
        loop {
            let mut query = vec![("versions", String::new()), ("prefix", prefix.clone())];
            if let Some((key, version)) = from.take() {
                query.extend([("key-marker", key), ("version-id-marker", version)]);
            }
            let page: Versions = self.ask(&Path::default(), query).await?;
            versions.extend(page.version.into_iter().chain(page.delete_marker));
            from = page.next_key_marker.zip(page.next_version_id_marker).filter(|_| page.is_truncated);
            if from.is_none() {
                return Ok(versions);
            }
        }
    }
}

fn is_absent(error: &Cause) -> bool {
    error.downcast_ref().is_some_and(Refusal::is_absent)
}

/// What the headers of an object say of its lock.
fn held(headers: &HeaderMap, now: Moment) -> Option<Held> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if text(LEGAL_HOLD) == Some("ON") {
        return Some(Held::LegalHold);
    }
    let until = text(UNTIL).and_then(Moment::parse)?;
    (until > now).then_some(Held::Until(until))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_go_with_requests_that_make_objects_and_no_others() {
        for (method, query, makes) in [
            (Method::PUT, None, true),
            (Method::POST, Some("uploads="), true),
            (Method::POST, Some("uploads"), true),
            (Method::PUT, Some("partNumber=1&uploadId=x"), false),
            (Method::POST, Some("uploadId=uploads"), false),
            (Method::GET, None, false),
            (Method::DELETE, None, false),
        ] {
            assert_eq!(makes_object(&method, query), makes, "{method} {query:?}");
        }
    }

    #[test]
    fn a_lock_is_read_from_headers() {
        let now = Moment::parse("2026-11-30T12:00:00Z").unwrap();
        let told = |pairs: &[(HeaderName, &str)]| {
            let pairs =
                pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
            held(&pairs.collect(), now)
        };
        let later = "2026-12-30T12:00:00Z";
        assert_eq!(told(&[]), None);
        assert_eq!(told(&[(UNTIL, "2026-11-30T11:59:59Z")]), None);
        assert_eq!(told(&[(UNTIL, later)]), Some(Held::Until(Moment::parse(later).unwrap())));
        assert_eq!(told(&[(LEGAL_HOLD, "ON")]), Some(Held::LegalHold));
        assert_eq!(told(&[(LEGAL_HOLD, "OFF")]), None);
    }

    #[test]
    fn digits_are_bytes() {
        assert_eq!(digest("00ff1a"), Some(vec![0, 255, 26]));
        assert_eq!(digest("UNSIGNED-PAYLOAD"), None);
    }
}
