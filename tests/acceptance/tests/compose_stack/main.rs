//! `windlass_compose_stack` on real hosts.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod adoption;
mod beside;
mod build;
mod contexts;
mod dotenv;
mod drift;
mod ending;
mod files;
mod host_env;
mod images;
mod jobs;
mod life;
mod newer;
mod ownership;
mod places;
mod policies;
mod probes;
mod reload;
mod rollback;
mod rollback_adopted;
mod rollback_around;
mod rollback_steps;
mod secret_files;
mod selection;
mod shipped;
mod values;
mod waiting;
