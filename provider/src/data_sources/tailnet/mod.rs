//! The machines of a tailnet: all that fit, or exactly one.
//!
//! One list tells everything; nothing is changed.

mod device;
mod devices;
mod facts;

pub(crate) use device::DeviceDataSource;
pub(crate) use devices::DevicesDataSource;
