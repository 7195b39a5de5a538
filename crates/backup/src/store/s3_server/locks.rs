//! Object lock and versions, as the specification of S3 has them: what the server beneath does not know.
//!
//! The bucket keeps every version of an object. An object that is removed is hidden by a marker; a version that is
//! removed is gone, unless a lock says no. What is under a lock has to come with a checksum.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use hyper::{HeaderMap, Request, Response, header::HeaderName};
use s3s::Body;

use super::{Asked, BUCKET};
use crate::moment::Moment;

/// How the bucket locks new objects by itself: the mode, and for how many days.
pub type ByDefault = Option<(&'static str, u32)>;

const MODE: &str = "x-amz-object-lock-mode";
const UNTIL: &str = "x-amz-object-lock-retain-until-date";

/// A version of an object.
#[derive(Clone, Debug)]
struct Version {
    id: String,
    /// Its mode, and until when.
    lock: Option<(String, Moment)>,
    is_marker: bool,
}

#[derive(Debug, Default)]
struct Kept {
    /// By their keys, the newest last.
    versions: BTreeMap<String, Vec<Version>>,
    /// Of uploads in parts, by their keys: what the object will be locked by.
    uploads: BTreeMap<String, Option<(String, Moment)>>,
    count: usize,
}

/// A bucket with object lock.
#[derive(Debug)]
pub(super) struct Locks {
    objects: PathBuf,
    default: ByDefault,
    kept: Mutex<Kept>,
}

/// What comes of a request.
pub(super) enum Verdict {
    /// The server beneath does it; then [`Locks::done`] is told.
    Its,
    /// This.
    Answer(Response<Body>),
}

fn answer(status: u16, document: String) -> Verdict {
    Verdict::Answer(Response::builder().status(status).body(Body::from(document)).unwrap())
}

fn error(status: u16, code: &str, message: &str) -> Verdict {
    answer(status, format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"))
}

/// What a query has of that name.
fn query<'a>(asked: &'a Asked, name: &str) -> Option<&'a str> {
    let pairs = asked.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

impl Locks {
    pub(super) fn new(objects: PathBuf, default: ByDefault) -> Self {
        Self { objects, default, kept: Mutex::default() }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all locks, as the owner of the account may those of governance.
    pub(super) fn end(&self) {
        for versions in self.kept().versions.values_mut() {
            versions.iter_mut().for_each(|version| version.lock = None);
        }
    }

    /// How many versions and markers there are.
    pub(super) fn count(&self) -> usize {
        self.kept().versions.values().map(Vec::len).sum()
    }

    /// The locks of the newest versions, by their keys.
    pub(super) fn locked(&self) -> BTreeMap<String, (String, Moment)> {
        let newest =
            |(key, versions): (&String, &Vec<Version>)| Some((key.clone(), versions.last()?.lock.clone()?));
        self.kept().versions.iter().filter_map(newest).collect()
    }

    /// What the bucket says to a request before the server beneath sees it.
    pub(super) fn check<B>(&self, asked: &Asked, request: &Request<B>) -> Verdict {
        let key = key(asked);
        if let Some(name) = unsigned(request.headers()) {
            return error(403, "AccessDenied", &format!("There were headers which were not signed: {name}"));
        }
        match (asked.method.as_str(), query(asked, "versionId")) {
            ("GET", _) if query(asked, "object-lock").is_some() => answer(200, self.configuration()),
            ("GET", _) if query(asked, "versions").is_some() => self.list(asked),
            ("DELETE", Some(version)) => self.remove(&key, version),
            ("DELETE", None) if query(asked, "uploadId").is_none() => self.hide(&key),
            ("PUT" | "POST", _) => self.upload(asked, &key, request.headers()),
            _ => Verdict::Its,
        }
    }

    fn configuration(&self) -> String {
        let rule = self.default.map_or_else(String::new, |(mode, days)| {
            format!(
                "<Rule><DefaultRetention><Mode>{mode}</Mode><Days>{days}</Days></DefaultRetention></Rule>"
            )
        });
        format!(
            "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>{rule}</ObjectLockConfiguration>"
        )
    }

    fn upload(&self, asked: &Asked, key: &str, headers: &HeaderMap) -> Verdict {
        let is_part = query(asked, "partNumber").is_some();
        let begins = asked.method == "POST" && query(asked, "uploads").is_some();
        let is_whole = asked.method == "PUT" && !is_part;
        if !(is_part || begins || is_whole) {
            return Verdict::Its;
        }
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let now = Moment::now();
        let lock = match (text(MODE), text(UNTIL)) {
            (None, None) => self.default.map(|(mode, days)| {
                (mode.to_owned(), now.after(std::time::Duration::from_secs(u64::from(days) * 86_400)))
            }),
            (Some(mode), Some(until)) => match Moment::parse(&until).filter(|until| *until > now) {
                Some(until) if ["GOVERNANCE", "COMPLIANCE"].contains(&mode.as_str()) => Some((mode, until)),
                _ => return error(400, "InvalidArgument", "The mode or the date means nothing"),
            },
            _ => return error(400, "InvalidArgument", "The mode and the date go together"),
        };
        if is_part && (text(MODE).is_some() || text(UNTIL).is_some()) {
            return error(400, "InvalidArgument", "A part has no lock");
        }
        let mut kept = self.kept();
        let is_locked =
            if is_part { kept.uploads.get(key).is_some_and(Option::is_some) } else { lock.is_some() };
        let has_checksum = headers.keys().any(|name| {
            let name = name.as_str();
            name == "content-md5"
                || (name.starts_with("x-amz-checksum-") && name != "x-amz-checksum-algorithm")
        });
        if is_locked && !begins && !has_checksum {
            let message = "Content-MD5 OR x-amz-checksum- HTTP header is required for requests with Object Lock parameters";
            return error(400, "InvalidRequest", message);
        }
        if begins || is_whole {
            kept.uploads.insert(key.to_owned(), lock);
        }
        Verdict::Its
    }

    /// What the server beneath has done.
    pub(super) fn done(&self, asked: &Asked, answer: &mut Response<Body>) {
        if !answer.status().is_success() {
            return;
        }
        let (key, mut kept) = (key(asked), self.kept());
        let is_object = match asked.method.as_str() {
            "PUT" => query(asked, "partNumber").is_none(),
            "POST" => query(asked, "uploadId").is_some(),
            _ => false,
        };
        if is_object {
            kept.count += 1;
            let id = format!("v{}", kept.count);
            let lock = kept.uploads.remove(&key).flatten();
            kept.versions.entry(key).or_default().push(Version { id, lock, is_marker: false });
            return;
        }
        let newest = kept.versions.get(&key).and_then(|versions| versions.last());
        if let Some((mode, until)) = newest.and_then(|version| version.lock.clone()) {
            let headers = answer.headers_mut();
            headers.insert(HeaderName::from_static(MODE), mode.parse().unwrap());
            headers.insert(HeaderName::from_static(UNTIL), until.to_string().parse().unwrap());
        }
    }

    fn hide(&self, key: &str) -> Verdict {
        let mut kept = self.kept();
        kept.count += 1;
        let id = format!("v{}", kept.count);
        kept.versions.entry(key.to_owned()).or_default().push(Version { id, lock: None, is_marker: true });
        // The content of what is hidden is nothing that tests ask for.
        let _ = fs::remove_file(self.objects.join(key));
        answer(204, String::new())
    }

    fn remove(&self, key: &str, id: &str) -> Verdict {
        let mut kept = self.kept();
        let Some(versions) = kept.versions.get_mut(key) else { return answer(204, String::new()) };
        let Some(index) = versions.iter().position(|version| version.id == id) else {
            return answer(204, String::new());
        };
        if versions[index].lock.as_ref().is_some_and(|(_, until)| *until > Moment::now()) {
            return error(403, "AccessDenied", "Access Denied because object protected by object lock.");
        }
        let is_newest = index + 1 == versions.len();
        if versions.remove(index).is_marker {
            return answer(204, String::new());
        }
        if is_newest {
            let _ = fs::remove_file(self.objects.join(key));
        }
        if versions.is_empty() {
            kept.versions.remove(key);
        }
        answer(204, String::new())
    }

    fn list(&self, asked: &Asked) -> Verdict {
        let prefix = query(asked, "prefix").unwrap_or_default().replace("%2F", "/");
        let mut list = String::new();
        for (key, versions) in self.kept().versions.iter().filter(|(key, _)| key.starts_with(&prefix)) {
            for Version { id, is_marker, .. } in versions {
                let kind = if *is_marker { "DeleteMarker" } else { "Version" };
                list += &format!("<{kind}><Key>{key}</Key><VersionId>{id}</VersionId></{kind}>");
            }
        }
        answer(
            200,
            format!("<ListVersionsResult><IsTruncated>false</IsTruncated>{list}</ListVersionsResult>"),
        )
    }
}

/// The key of what is asked for.
fn key(asked: &Asked) -> String {
    asked.path.trim_start_matches(&format!("/{BUCKET}")).trim_start_matches('/').to_owned()
}

/// A header of Amazon's that the signature does not count.
fn unsigned(headers: &HeaderMap) -> Option<String> {
    let authorization = headers.get("authorization")?.to_str().ok()?;
    let signed = authorization.split("SignedHeaders=").nth(1)?.split(',').next()?;
    let signed: Vec<&str> = signed.split(';').collect();
    let names = headers.keys().map(HeaderName::as_str);
    names.filter(|name| name.starts_with("x-amz-")).find(|name| !signed.contains(name)).map(str::to_owned)
}
