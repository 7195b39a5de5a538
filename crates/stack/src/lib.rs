//! The deployment engine: Compose stacks on hosts, whoever asks for them.
//!
//! In goes a [`StackSpec`], an opened [`Host`] and a [`Context`]; out come typed results and typed
//! errors. It knows neither Terraform nor SSH.
//!
//! A plan:
//! 1. [`host_state::inspect`] and [`observe()`] tell what is there,
//! 2. [`resolve`] asks the host's own Compose what the files want: a [`DesiredStack`],
//! 3. [`plan`] tells what each service will be.
//!
//! An apply is a [`Deployment`] under the stack's [lock](Host::lock): [`Deployment::prepare`],
//! [`Deployment::fetch`], [`Deployment::carry_out`]. `.env`, the override and the files go to the
//! host first and the [record](Record) last, so that an apply that was cut off reads as a
//! change. What a good apply has made is kept on the host as a [release](Release), to which
//! one that fails goes back, and so does who [asks for it](roll_back()). [`destroy`] takes a stack down.

mod adopted;
mod answers;
mod before;
mod changes;
pub mod containers;
mod context;
mod deploy;
mod desired;
mod destroy;
mod differing;
mod error;
mod file_access;
mod host;
mod host_env;
pub mod host_state;
mod image_facts;
mod image_history;
mod image_source;
pub mod images;
mod jobs;
mod kept_images;
mod kept_release;
mod merged_env;
mod missing;
mod observe;
mod options;
mod outcome;
pub mod overview;
mod ownership;
mod plan;
mod prior;
mod probes;
mod pull;
mod record;
mod release;
mod reload;
mod remembered;
mod replaced;
mod requirements;
mod resolve;
mod selection;
mod service;
mod spec;
mod step;
mod steps;
mod unvouched;
mod upload;
mod wait;

pub use context::{Context, LogSink, Sink, Warning};
pub use deploy::{Deployment, Prepared, RolledBack, roll_back};
pub use desired::{DesiredStack, JobService};
pub use destroy::{DestroyRequest, Destroyed, abandon, destroy, remove_files};
pub use differing::differing_files;
pub use error::{Error, FailedJob, FailedProbe, RollbackError, Undefined, UnknownNeeds};
pub use host::{Host, KnownHost, StackLock, holder};
pub use host_env::HostEnv;
pub use host_state::HostState;
pub use image_facts::ImageFacts;
pub use image_source::ImageSource;
pub use images::RegistryStatus;
pub use jobs::{Due, changed_jobs, check_needs};
pub use merged_env::with_host_env;
pub use missing::{Missing, MissingKind};
pub use observe::observe;
pub use options::{
    DeployOptions, JOB_LIMIT, JobSpec, KEEP_IMAGES, OnFailure, Orphans, ProbeOrigin, ProbeSpec, PullPolicy,
    Secrets, When, has_new_probes,
};
pub use outcome::{Deployed, Failed, KeptBecause, NoRelease, Outcome, Undo};
pub use ownership::{check_no_link, check_vacant, files_in_the_way};
pub use plan::{Known, PlannedStack, plan};
pub use prior::Prior;
pub use probes::pass_probes;
pub use pull::unbuilt;
pub use record::{Key, Record};
pub use release::Release;
pub use reload::{ReloadError, ReloadSpec};
pub use remembered::{reads_the_host, resolve_once};
pub use replaced::KEPT_TIMES;
pub use requirements::missing;
pub use resolve::{ProjectDocument, resolve_project};
pub use selection::{Selection, SelectionError, WaitFor};
pub use service::{CHANGED, DesiredService, ORPHANED, ObservedService, PlannedService, Reload};
pub use spec::{Dotenv, SourceSize, StackSpec};
pub use step::Step;
pub use unvouched::{is_sealed, key_for_unvouched, login_key, seal};
pub use wait::{ContainerFailure, FailureKind, START_TIMEOUT, WaitError};
