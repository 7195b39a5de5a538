//! What can go wrong with snapshots.

use remote::{files::FileError, lock::LockError};

use crate::{
    archive::ArchiveError, manifest::ManifestError, moment::Moment, owner::Owner, postgres::UriError,
    restic_error::ResticError, store::StoreError, subject::Subject,
};

/// A snapshot that was not taken, not verified or not restored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The host, or the way there.
    #[error(transparent)]
    Host(#[from] remote::Error),
    /// restic there.
    #[error(transparent)]
    Restic(#[from] ResticError),
    /// Docker there.
    #[error(transparent)]
    Docker(#[from] docker::Error),
    /// A stack there, or its lock.
    #[error(transparent)]
    Stack(#[from] stack::Error),
    /// Somebody else restores to the same place.
    #[error(transparent)]
    Lock(LockError),
    /// The login cannot give what it restores to somebody else.
    #[error("the login {host} is not root, and cannot give what it restores to {owner}")]
    CannotOwn {
        /// To whom it was to be given.
        owner: Owner,
        /// The host.
        host: String,
    },
    /// A file of the host.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The archive: what is in it, or that it is none.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The manifest could not be written.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// What a snapshot was to be taken of is not there.
    #[error("there is no {} on {host}", subject.missing())]
    SourceMissing {
        /// What it is.
        subject: Subject,
        /// The host.
        host: String,
    },
    /// What is at the path is no directory.
    #[error("{path} on {host} is {kind}, not a directory")]
    NotDirectory {
        /// The path.
        path: String,
        /// The host.
        host: String,
        /// What it is instead.
        kind: String,
    },
    /// A task of a swarm's service runs on another machine.
    #[error("service {service:?} does not run on {host}, but on node {nodes}")]
    Elsewhere {
        /// The service, with its stack.
        service: String,
        /// The host that was asked.
        host: String,
        /// The nodes that it runs on, by their names.
        nodes: String,
    },
    /// A task of a swarm's service may run on another machine.
    #[error(
        "service {service:?} does not run on {host}, and only a manager of its swarm knows where it does"
    )]
    Nowhere {
        /// The service, with its stack.
        service: String,
        /// The host that was asked, a worker.
        host: String,
    },
    /// What says where a server is does not.
    #[error("the URI of the server of {subject} does not say where that is")]
    Uri {
        /// The database.
        subject: Subject,
        /// Why not.
        #[source]
        source: UriError,
    },
    /// The image whose programs were to be used is not there.
    #[error("there is no image {image:?} on {host}")]
    NoImage {
        /// The image.
        image: String,
        /// The host.
        host: String,
    },
    /// SQL of somebody's own, between the sections of a dump.
    #[error("the SQL that comes {place} of {subject} on {host} failed")]
    OwnSql {
        /// Where that is.
        place: &'static str,
        /// The database.
        subject: Subject,
        /// The host.
        host: String,
        /// Why it did.
        #[source]
        source: Box<Error>,
    },
    /// What packs the files there knows no way to leave something out.
    #[error("{version} on {host} cannot leave files out")]
    CannotExclude {
        /// What it calls itself.
        version: String,
        /// The host.
        host: String,
    },
    /// It is to be compressed there, and nothing there does that.
    #[error("there is no `{program}` on {host}, and `compress` is `host`")]
    CannotCompress {
        /// What would do it.
        program: &'static str,
        /// The host.
        host: String,
    },
    /// There is no file in it: a disk that is not mounted looks like that.
    #[error("there is no file in {subject} on {host}")]
    Empty {
        /// What it is.
        subject: Subject,
        /// The host.
        host: String,
    },
    /// Files changed while they were read, so that a copy of them may be half old and half new.
    #[error("files in {subject} on {host} changed while they were read")]
    Changed {
        /// What they are in.
        subject: Subject,
        /// The host.
        host: String,
        /// What tar said about them.
        said: String,
    },
    /// A command that should write a stream wrote nothing.
    #[error("{subject} on {host} is nothing: it ended well, without a byte")]
    NoOutput {
        /// What it is.
        subject: Subject,
        /// The host.
        host: String,
    },
    /// Nobody knows whether data are there that a command would replace.
    #[error("whether there are data that would go for {subject} on {host} is not known")]
    Unconfirmed {
        /// The target.
        subject: Subject,
        /// The host.
        host: String,
    },
    /// A command that puts data back had begun, so that a part of them may be there.
    #[error(
        "a command in container {container:?} on {host} had begun to put the data back, and did not end well"
    )]
    Unfinished {
        /// The container.
        container: String,
        /// The host.
        host: String,
        /// Why it did not.
        #[source]
        source: Box<Error>,
    },
    /// Nobody here can open it.
    #[error(
        "{snapshot} is encrypted for {recipients}, and none of the {identities} private keys at hand opens it"
    )]
    Locked {
        /// The snapshot.
        snapshot: String,
        /// For whom it is.
        recipients: String,
        /// How many keys were tried.
        identities: usize,
    },
    /// Other recipients were asked for of something that everybody can read.
    #[error("{snapshot} is not encrypted")]
    NotEncrypted {
        /// The snapshot.
        snapshot: String,
    },
    /// It could not be encrypted for somebody.
    #[error("could not encrypt for the recipients")]
    Recipients(#[source] sops::Error),
    /// A file that was to be taken in.
    #[error("{artefact} cannot become a snapshot: {what}")]
    Foreign {
        /// What it is called.
        artefact: String,
        /// Why not.
        what: String,
    },
    /// Packing or unpacking failed.
    #[error("could not {operation} the archive")]
    Pack {
        /// Which of both.
        operation: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The clock of this machine is behind that of a snapshot that is there.
    #[error("the snapshot {newest} is of a later time than {now}, which the clock of this machine tells")]
    Clock {
        /// The snapshot.
        newest: String,
        /// What the clock says.
        now: Moment,
    },
    /// What a store gave back is not what was stored.
    #[error("{file} of {snapshot} is not what was stored: {what}")]
    Corrupt {
        /// The part.
        file: String,
        /// The snapshot.
        snapshot: String,
        /// What is different.
        what: String,
    },
    /// A copy that would be where the snapshot is already.
    #[error("{store} is the store that the snapshot is in: a copy has to be in another one")]
    SamePlace {
        /// The store.
        store: String,
    },
    /// There is no snapshot to restore.
    #[error("there is no snapshot of {name} in {store}")]
    NoSnapshot {
        /// Whose.
        name: String,
        /// Where.
        store: String,
    },
    /// What is at the target would be replaced.
    #[error("{subject} on {host} is not empty")]
    NotEmpty {
        /// The target.
        subject: Subject,
        /// The host.
        host: String,
    },
    /// Containers that run have the volume open.
    #[error("volume {volume:?} on {host} is used by containers that run: {containers}")]
    InUse {
        /// The volume.
        volume: String,
        /// The host.
        host: String,
        /// Their names.
        containers: String,
    },
    /// Nobody but root can put something else into the place of a volume's data.
    #[error("only root can replace what is in volume {volume:?} on {host}")]
    NeedsRoot {
        /// The volume.
        volume: String,
        /// The host.
        host: String,
    },
    /// What came of a restore that failed is still in a volume that was empty.
    #[error("could not empty volume {volume:?} on {host} again, into which nothing was restored")]
    LeftOver {
        /// The volume.
        volume: String,
        /// The host.
        host: String,
        /// Why the restore failed, and why that.
        #[source]
        source: Box<Error>,
    },
    /// A snapshot of one kind of corpus cannot become another one.
    #[error("{snapshot} is of {of}, which cannot become {target}")]
    WrongKind {
        /// The snapshot.
        snapshot: String,
        /// What it is of.
        of: &'static str,
        /// What it was to become.
        target: &'static str,
    },
    /// Roles and tablespaces could not be restored.
    #[error("roles or tablespaces of {subject} on {host} could not be restored: {said}")]
    Globals {
        /// The database.
        subject: Subject,
        /// The host.
        host: String,
        /// Which statements failed, with the codes of their errors.
        said: String,
    },
    /// What was extracted could not be put into its place.
    #[error("what was restored could not be moved to {path} on {host}: {said}")]
    Swap {
        /// The target.
        path: String,
        /// The host.
        host: String,
        /// What the host said.
        said: String,
        /// Where what was there is now, if it could not be moved back.
        stranded_at: Option<String>,
    },
    /// What changes the data before they take their place has failed.
    #[error("the command of `transform`, {program:?}, has failed")]
    Transform {
        /// The program.
        program: String,
        /// How it ended.
        #[source]
        source: remote::Error,
    },
    /// No command on the host reaches what is in a volume.
    #[error(
        "no command on {host} reaches what is restored to volume {volume:?}, because that goes through Docker"
    )]
    CannotTransform {
        /// The volume.
        volume: String,
        /// The host.
        host: String,
    },
    /// What was restored of it for a proof is something else than was dumped.
    #[error("what a restore of {subject} on {host} gives is not what was dumped: {what}")]
    NotProven {
        /// The database.
        subject: Subject,
        /// The host.
        host: String,
        /// What is different.
        what: String,
    },
    /// A service that was to hold still has no container.
    #[error("stack {stack:?} on {host} has no service {service:?}")]
    NoService {
        /// The service.
        service: String,
        /// The stack.
        stack: String,
        /// The host.
        host: String,
    },
    /// What runs the command that copies was to hold still.
    #[error("container {container:?} of stack {stack:?} on {host} cannot hold still: the copy is made in it")]
    QuiescesItself {
        /// The container.
        container: String,
        /// The stack.
        stack: String,
        /// The host.
        host: String,
    },
    /// Services went on before the copy was complete.
    #[error(
        "services of stack {stack:?} on {host} went on before it was done, because it took longer than {seconds} s"
    )]
    QuiesceExpired {
        /// The stack.
        stack: String,
        /// The host.
        host: String,
        /// How long they were to hold still.
        seconds: u64,
    },
    /// Services that held still do not go on.
    #[error("services of stack {stack:?} on {host} do not go on: {said}")]
    NotResumed {
        /// The stack.
        stack: String,
        /// The host.
        host: String,
        /// Which ones, or why nobody knows.
        said: String,
    },
    /// Services may hold still, because nobody could tell them to go on.
    #[error(
        "services of stack {stack:?} on {host} may hold still for up to {seconds} s more, until a timer there ends that"
    )]
    StillQuiesced {
        /// The stack.
        stack: String,
        /// The host.
        host: String,
        /// How long they hold still at most.
        seconds: u64,
        /// What went wrong first.
        #[source]
        source: Box<Error>,
    },
    /// A thread of ours was ended.
    #[error("a thread that worked on the archive did not end well")]
    Thread(#[source] tokio::task::JoinError),
}

impl Error {
    /// What a restore that ended with it has left of the target, as a sentence.
    pub fn left_behind(&self) -> &'static str {
        match self {
            Self::Unfinished { .. } => "A part of the data may be restored: the command had begun.",
            Self::QuiesceExpired { .. } | Self::NotResumed { .. } => {
                "The data were restored before that was noticed."
            }
            Self::StillQuiesced { source, .. } => source.left_behind(),
            _ => "What is there on the host is as it was.",
        }
    }

    /// What a program on the host wrote before it failed, whatever came of that.
    pub fn said_by_host(&self) -> Option<&str> {
        match self {
            Self::Host(remote::Error::Failed { stderr, .. })
            | Self::Transform { source: remote::Error::Failed { stderr, .. }, .. } => {
                Some(stderr.trim()).filter(|said| !said.is_empty())
            }
            Self::OwnSql { source, .. }
            | Self::Unfinished { source, .. }
            | Self::LeftOver { source, .. }
            | Self::StillQuiesced { source, .. } => source.said_by_host(),
            _ => None,
        }
    }

    /// Whether it is the store's: another store may have, whole, what this one has not.
    pub fn is_of_store(&self) -> bool {
        match self {
            Self::Store(_) | Self::NoSnapshot { .. } | Self::Corrupt { .. } | Self::Locked { .. } => true,
            Self::Archive(error) => !matches!(error, ArchiveError::Refused(_)),
            _ => false,
        }
    }
}

/// An error with all of its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
