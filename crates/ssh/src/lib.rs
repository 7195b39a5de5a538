//! Reaching hosts over SSH.
