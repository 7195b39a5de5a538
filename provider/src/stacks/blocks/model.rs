//! The blocks as Rust values.

use std::collections::{BTreeMap, BTreeSet};

use framework::{Field, Model};

#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct JobBlock {
    pub(crate) name: Field<String>,
    pub(crate) service: Field<String>,
    pub(crate) command: Field<Vec<String>>,
    pub(crate) needs: Field<BTreeSet<String>>,
    pub(crate) when: Field<String>,
    pub(crate) run_on: Field<String>,
    pub(crate) timeout: Field<String>,
    pub(crate) environment: Field<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct ProbeBlock {
    pub(crate) url: Field<String>,
    pub(crate) expect_status: Field<String>,
    pub(crate) expect_body: Field<String>,
    pub(crate) tcp: Field<String>,
    pub(crate) from: Field<String>,
    pub(crate) timeout: Field<String>,
    pub(crate) interval: Field<String>,
}
