//! What every kind of thing in a cluster is tested for.

use std::sync::Arc;

use framework::testing::{Matrix, check_resource};

use super::{Clustered, Clusters, InCluster};

/// Checks that the schema of a kind is sound and equals its model, and begins a matrix of its
/// configurations.
pub(crate) fn matrix<K: Clustered>() -> Matrix {
    let resource = || InCluster::<K>::new(Arc::new(Clusters::new(Arc::default())));
    check_resource(&resource());
    Matrix::new(resource())
}
