//! Uploads that nobody finished: what they left costs money, and shows nowhere but here.

use std::collections::BTreeMap;

use bytes::Bytes;
use object_store::{
    Error as ObjectError,
    client::{HttpRequest, HttpRequestBody},
    multipart::MultipartStore as _,
    path::Path,
    signer::{SignedUrlOptions, Signer as _},
};
use quick_xml::de;
use reqwest::{Method, header::HeaderMap};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    S3Store,
    refusal::{Cause, Refusal},
};
use crate::{moment::Moment, name::SnapshotId, store::Folder};

/// For how long a request that is signed in its address is good.
const SIGNED: std::time::Duration = std::time::Duration::from_secs(300);

/// An upload that is under way, or was cut off.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Upload {
    key: String,
    upload_id: String,
    initiated: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Uploads {
    #[serde(default)]
    upload: Vec<Upload>,
    #[serde(default)]
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_upload_id_marker: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    last_modified: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parts {
    #[serde(default)]
    part: Vec<Part>,
    #[serde(default)]
    is_truncated: bool,
    next_part_number_marker: Option<String>,
}

impl S3Store {
    /// Adds what uploads have left below the prefix to `folders`. A server that does not list them, or not
    /// for us, has none that we could end.
    pub(super) async fn add_uploads(&self, folders: &mut BTreeMap<SnapshotId, Folder>) {
        let uploads = match self.uploads("").await {
            Ok(uploads) => uploads,
            Err(error) => return tracing::debug!(%error, "the server lists no unfinished uploads"),
        };
        for upload in uploads {
            let Some(id) = self.folder_of(&upload.key) else { continue };
            let changed_at = self.last_part(&upload).await;
            let folder = folders.entry(id.clone()).or_insert(Folder { id, is_sealed: false, changed_at });
            folder.changed_at = folder.changed_at.max(changed_at);
        }
    }

    /// Ends the uploads to a folder.
    pub(super) async fn end_uploads(&self, id: &SnapshotId) -> Result<(), ObjectError> {
        let Ok(uploads) = self.uploads(&id.to_string()).await else { return Ok(()) };
        for upload in uploads.iter().filter(|upload| self.folder_of(&upload.key).as_ref() == Some(id)) {
            match self.client.abort_multipart(&Path::parse(&upload.key)?, &upload.upload_id).await {
                Err(error) if !matches!(error, ObjectError::NotFound { .. }) => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// The uploads to folders whose names begin with `begin`.
    async fn uploads(&self, begin: &str) -> Result<Vec<Upload>, Cause> {
        let prefix = match self.prefix.as_ref() {
            "" => begin.to_owned(),
            prefix => format!("{prefix}/{begin}"),
        };
        let (mut uploads, mut from) = (Vec::new(), None);
        loop {
            let mut query = vec![("uploads", String::new()), ("prefix", prefix.clone())];
            if let Some((key, upload)) = from.take() {
                query.extend([("key-marker", key), ("upload-id-marker", upload)]);
            }
            let page: Uploads = self.ask(&Path::default(), query).await?;
            uploads.extend(page.upload);
            from = page.next_key_marker.zip(page.next_upload_id_marker).filter(|_| page.is_truncated);
            if from.is_none() {
                return Ok(uploads);
            }
        }
    }

    /// When the last part of an upload came; now, where that cannot be told: nobody ends it then.
    async fn last_part(&self, upload: &Upload) -> Moment {
        let parse = |text: &str| Moment::parse(text).unwrap_or_else(Moment::now);
        let Ok(place) = Path::parse(&upload.key) else { return Moment::now() };
        let (mut last, mut from) = (parse(&upload.initiated), None);
        loop {
            let mut query = vec![("uploadId", upload.upload_id.clone())];
            query.extend(from.take().map(|marker| ("part-number-marker", marker)));
            let Ok(page) = self.ask::<Parts>(&place, query).await else { return Moment::now() };
            last = page.part.iter().map(|part| parse(&part.last_modified)).fold(last, Moment::max);
            from = page.next_part_number_marker.filter(|_| page.is_truncated);
            if from.is_none() {
                return last;
            }
        }
    }

    /// What the server answers to a question that the client knows nothing of.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        place: &Path,
        query: Vec<(&str, String)>,
    ) -> Result<T, Cause> {
        let (_, body) = self.send(Method::GET, place, query).await?;
        Ok(de::from_str(std::str::from_utf8(&body)?)?)
    }

    /// Sends a request without a body that the client knows nothing of: the headers and the body of its answer. One that
    /// the server refuses is a [`Refusal`].
    pub(super) async fn send(
        &self,
        method: Method,
        place: &Path,
        query: Vec<(&str, String)>,
    ) -> Result<(HeaderMap, Bytes), Cause> {
        let options = SignedUrlOptions::default().with_query(query);
        let address = self.client.signed_url_opts(method.clone(), place, SIGNED, &options).await?;
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.method_mut() = method;
        *request.uri_mut() = address.as_str().parse()?;
        let (head, body) = self.web.execute(request).await?.into_parts();
        let body = body.bytes().await?;
        match Refusal::of_answer(head.status, &body) {
            Some(refusal) => Err(refusal.into()),
            None => Ok((head.headers, body)),
        }
    }
}
