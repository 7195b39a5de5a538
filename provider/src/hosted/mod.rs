//! The kernel of what lives on a host.
//!
//! A resource that lives on a host says what it owns and how that is observed, created, updated and
//! deleted ([`Hosted`]); [`OnHost`] makes a resource of the framework of it and owns what all of them
//! have in common: the attribute `host` and its spelling, hosts that do not let us in, hosts that do
//! not answer, the same machine by another connection, another machine, a machine that was replaced,
//! import ids.
//!
//! What is reached otherwise (an API, without a host) gets a kernel of its own beside this one.

mod access;
mod attribute;
mod bootstraps;
mod host;
mod hosts;
mod logins;
mod object;
mod on_host;
mod relocation;
mod servers;
#[cfg(test)]
pub(crate) mod testing;
mod turns;
mod unreachable;
mod vacancy;

pub(crate) use attribute::{check_connection, import_id, is_same_connection};
pub(crate) use bootstraps::{Refused, keeps_out};
pub(crate) use host::{Host, Login};
pub(crate) use hosts::{Hosts, credentials};
pub(crate) use object::{
    Creation, Departure, Hosted, Import, MachinePrivate, OnHost, OnMachine, Placed, Planning, Words,
    placed_on_machine,
};
pub(crate) use servers::ControlServers;
pub(crate) use unreachable::not_known_yet;
pub(crate) use vacancy::warn_of_occupant;
