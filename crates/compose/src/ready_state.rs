//! What a service is when all is well.

use serde::{Deserialize, Serialize};

use crate::project::Service;

/// What a service is when all is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReadyState {
    /// It runs; whether it is well nobody checks.
    Running,
    /// Its health check says so.
    Healthy,
    /// It is a job that has ended with 0.
    Completed,
    /// It has no containers of ours, on purpose.
    Idle,
    /// It runs, whatever its health check says.
    Up,
    /// Whatever its containers are.
    Ignored,
}

impl ReadyState {
    /// What `service` is when all is well.
    pub fn of(service: &Service) -> Self {
        if service.replicas == 0 {
            Self::Idle
        } else if service.job {
            Self::Completed
        } else if service.health_check {
            Self::Healthy
        } else {
            Self::Running
        }
    }

    /// The word for it in state.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running | Self::Up => "running",
            Self::Healthy => "healthy",
            Self::Completed => "completed",
            Self::Idle => "idle",
            Self::Ignored => "ignored",
        }
    }
}
