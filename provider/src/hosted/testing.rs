//! What every kind of thing on a host is tested for.

use std::sync::Arc;

use framework::testing::{Matrix, check_resource};

use super::{Hosted, OnHost};

/// Checks that the schema of a kind is sound and equals its model, and begins a matrix of its
/// configurations.
pub(crate) fn matrix<K: Hosted>() -> Matrix {
    let resource = || OnHost::<K>::new(Arc::default());
    check_resource(&resource());
    Matrix::new(resource()).sample("host", ["ssh://web", "local://"])
}
