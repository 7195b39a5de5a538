//! The provider's binary with tailnets, spoken to as a core speaks.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod device;
mod devices;
mod dns;
mod headscale;
mod keys;
mod member;
mod policy;
mod serve;
mod subject;
