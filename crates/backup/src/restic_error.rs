//! What can go wrong with restic.

/// Why restic did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ResticError {
    /// It is not there.
    #[error("there is no restic on {host}")]
    Missing {
        /// Where.
        host: String,
    },
    /// It does not tell what happened.
    #[error("restic on {host} is {version}, and the oldest that tells what happened is 0.17.1")]
    TooOld {
        /// Where.
        host: String,
        /// Its version, in its own words.
        version: String,
    },
    /// There is no repository.
    #[error("there is no repository of restic at {repository}, as {host} sees it")]
    NoRepository {
        /// Where it would be.
        repository: String,
        /// Who looked.
        host: String,
    },
    /// The password does not open it.
    #[error("the password from {password_from} does not open the repository {repository}")]
    WrongPassword {
        /// The repository.
        repository: String,
        /// Where the password was found.
        password_from: String,
    },
    /// Others work with it.
    #[error("the repository {repository} is locked: {by}")]
    Locked {
        /// The repository.
        repository: String,
        /// Who they are.
        by: String,
    },
    /// Not all of the corpus could be read.
    #[error("restic on {host} could not read all of {path}: {said}")]
    Incomplete {
        /// The host.
        host: String,
        /// The directory.
        path: String,
        /// What it could not read, and why.
        said: String,
    },
    /// It was stopped.
    #[error("restic on {host} was interrupted")]
    Interrupted {
        /// The host.
        host: String,
    },
    /// It failed for another reason.
    #[error("restic on {host} could not {operation} ({repository}, status {status}): {said}")]
    Failed {
        /// The host.
        host: String,
        /// What it was to do, as a verb phrase.
        operation: String,
        /// With which repository.
        repository: String,
        /// How it ended.
        status: u32,
        /// Its own words.
        said: String,
    },
    /// What it answers is not what its version answers.
    #[error("what restic on {host} answered cannot be understood: {what}")]
    Answer {
        /// The host.
        host: String,
        /// What is wrong with it.
        what: String,
    },
    /// There is no such snapshot.
    #[error("there is no snapshot {id} in the repository {repository}")]
    NoSnapshot {
        /// Which one, or whose.
        id: String,
        /// Where.
        repository: String,
    },
    /// A snapshot is of several directories.
    #[error("the snapshot {id} is of several directories, and one is restored: {paths}")]
    SeveralPaths {
        /// Which one.
        id: String,
        /// They.
        paths: String,
    },
    /// A corpus that restic cannot read by itself.
    #[error(
        "restic takes snapshots of directories, and of volumes that root finds in one, and {subject} on {host} is neither"
    )]
    NotFiles {
        /// The corpus, in words.
        subject: String,
        /// The host.
        host: String,
    },
}
