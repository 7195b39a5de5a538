//! Uploading: in one request what is small, in parts what is not.

use std::{io, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use object_store::{
    Error as ObjectError, MultipartUpload, ObjectStore as _, ObjectStoreExt as _, PutMultipartOptions,
    client::HttpErrorKind,
    path::Path,
    retry::{RetryContext, RetryFailure, RetryPolicy},
};
use tokio::io::AsyncReadExt as _;

use super::{S3Store, refusal::Cause};
use crate::store::Content;

/// How large a part of an upload is. Some servers want all of them alike; two of them are in memory.
pub(super) const PART: usize = 32 << 20;

/// How many parts servers take, which makes 335 GB the largest file.
const PARTS: usize = 10_000;

/// How often a part is begun at most. Each time, its requests have the patience of all others.
const TRIES: usize = 3;

impl S3Store {
    /// Uploads `content` to `place`, where nothing is yet.
    pub(super) async fn upload(&self, place: &Path, mut content: Content) -> Result<(), Cause> {
        if self.has(place).await? {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists).into());
        }
        let first = next_part(&mut content, self.part).await?;
        let client = self.writer().await;
        if first.len() < self.part {
            client.put(place, first.into()).await?;
            return Ok(());
        }
        let again = Again { pause: self.patience / 60 };
        let options = PutMultipartOptions::default().with_retry_policy(Arc::new(again));
        let mut upload = client.put_multipart_opts(place, options).await?;
        let sent = send(upload.as_mut(), first, content).await;
        if sent.is_err()
            && let Err(error) = upload.abort().await
        {
            tracing::warn!(%place, %error, "could not end an upload; its parts stay in the bucket");
        }
        sent
    }
}

/// Sends all parts, each as large as the first, one while the next one is read.
async fn send(upload: &mut dyn MultipartUpload, first: Bytes, mut content: Content) -> Result<(), Cause> {
    let size = first.len();
    let (mut sending, mut count) = (upload.put_part(first.into()), 1);
    loop {
        let (sent, next) = tokio::join!(sending, next_part(&mut content, size));
        sent.map_err(in_parts)?;
        let next = next?;
        if next.is_empty() {
            break;
        }
        if count == PARTS {
            let most = PARTS * size / 1_000_000_000;
            return Err(format!("it is larger than {most} GB, the most that is stored in a bucket").into());
        }
        sending = upload.put_part(next.into());
        count += 1;
    }
    upload.complete().await.map_err(in_parts)?;
    Ok(())
}

/// What is not there while parts are sent is the upload: the bucket was there when it began.
fn in_parts(error: ObjectError) -> Cause {
    match error {
        ObjectError::NotFound { .. } => "somebody has ended the upload while it was under way".into(),
        error => error.into(),
    }
}

/// The next part: `size` bytes, but for the last one.
async fn next_part(content: &mut Content, size: usize) -> io::Result<Bytes> {
    // What nobody writes to takes no memory.
    let mut part = Vec::with_capacity(size);
    while part.len() < size {
        let left = (size - part.len()) as u64;
        if (&mut *content).take(left).read_buf(&mut part).await? == 0 {
            break;
        }
    }
    Ok(part.into())
}

/// Begins a part again that a slow connection has lost: its requests may have used up their time then.
#[derive(Debug)]
struct Again {
    pause: Duration,
}

#[async_trait]
impl RetryPolicy for Again {
    async fn retry(&self, context: RetryContext) -> bool {
        let may_pass = match context.failure {
            RetryFailure::Status(status) => status.is_server_error(),
            RetryFailure::Transport(kind) => !matches!(kind, HttpErrorKind::Unknown | HttpErrorKind::Decode),
            _ => false,
        };
        if !may_pass || context.attempt >= TRIES {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        true
    }
}
