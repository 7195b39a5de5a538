//! Copying what a command on a host writes into a store, looking at it as it passes by.

use std::io::Read;

use remote::{
    Command, Executor, Input,
    collect::{Limits, Streamed, stream},
};
use sha2::Sha256;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::{
    archive::ArchiveError,
    compress::Compress,
    crypt::SnapshotKey,
    error::Error,
    manifest::Format,
    name::SnapshotId,
    pack::{Packed, pack, unpacked},
    pipe::{Tee, pipe},
    store::Store,
};

/// A copy from a host to a store.
pub(crate) struct Copying<'a> {
    pub(crate) exec: &'a dyn Executor,
    pub(crate) store: &'a dyn Store,
    pub(crate) id: &'a SnapshotId,
    /// What it is encrypted with.
    pub(crate) key: Option<&'a SnapshotKey>,
    /// Where it is compressed.
    pub(crate) compress: Compress,
    pub(crate) cancel: &'a CancellationToken,
}

impl Copying<'_> {
    /// Copies all that `command` writes to the new file `file`, packed as `format` says, behind files that
    /// `before` has hashed already. `inspect` reads it too, as it was before, and `check` says what the
    /// command's end means; neither is passed over.
    pub(crate) async fn copy<L: Send + 'static>(
        &self,
        (command, input): (&Command, Input<'_>),
        (file, format): (&str, Format),
        before: Option<Sha256>,
        inspect: impl FnOnce(Box<dyn Read>) -> Result<L, ArchiveError> + Send + 'static,
        check: impl Fn(Streamed) -> Result<(), Error> + Send + Sync,
    ) -> Result<(L, Packed), Error> {
        let limits = Limits::cancelled_by(self.cancel);
        let compressor = self.compress.on_host(self.exec, format).await?;
        let compressing = compressor.map(|compressor| compressor.behind(command));
        let running = compressing.as_ref().unwrap_or(command);
        let form = Form { format, comes_packed: compressor.is_some() };
        let source = async |tee: &mut Tee| match stream(self.exec, running, input, tee, &limits).await {
            Ok(ended) => check(ended),
            Err(error) => Err(error.into()),
        };
        let to = (self.store, self.id, file);
        pass(source, to, ((form, self.key.cloned()), before), inspect).await
    }
}

/// How something is stored, and how it comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// How it is stored.
    pub(crate) format: Format,
    /// Whether it comes so.
    pub(crate) comes_packed: bool,
}

impl Form {
    /// How it comes, and what becomes of that here.
    fn steps(self) -> (Format, Format) {
        if self.comes_packed { (self.format, Format::Raw) } else { (Format::Raw, self.format) }
    }
}

/// Passes what `source` writes on to the new file `file` of a snapshot, as [`Copying::copy`] does.
pub(crate) async fn pass<L: Send + 'static>(
    source: impl AsyncFnOnce(&mut Tee) -> Result<(), Error>,
    (store, id, file): (&dyn Store, &SnapshotId, &str),
    ((form, key), before): ((Form, Option<SnapshotKey>), Option<Sha256>),
    inspect: impl FnOnce(Box<dyn Read>) -> Result<L, ArchiveError> + Send + 'static,
) -> Result<(L, Packed), Error> {
    let (mut tee, [inspected, packed]) = Tee::new();
    let (out, stored) = pipe();
    let (comes_as, becomes) = form.steps();
    let inspecting =
        spawn_blocking(move || inspect(unpacked(inspected, comes_as).map_err(ArchiveError::Read)?));
    let packing = spawn_blocking(move || pack(packed, (becomes, key), out, before));
    let source = async {
        let ended = source(&mut tee).await;
        let is_ours = tee.is_broken;
        if ended.is_ok() {
            tee.end().await;
        } else {
            drop(tee);
        }
        (ended, is_ours)
    };
    let (source, inspecting, packing, stored) =
        tokio::join!(source, inspecting, packing, store.put(id, file, Box::new(stored)));
    let (inspected, packing) = (inspecting.map_err(Error::Thread)?, packing.map_err(Error::Thread)?);
    // One end that fails takes the others with it, so the first cause is looked for.
    if let Err(error @ ArchiveError::Refused(_)) = inspected {
        return Err(error.into());
    }
    let (ended, is_ours) = source;
    if !is_ours {
        ended?;
    }
    stored?;
    let packed = packing.map_err(|source| Error::Pack { operation: "pack", source })?;
    Ok((inspected?, packed))
}
