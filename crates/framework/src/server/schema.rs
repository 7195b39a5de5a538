//! GetProviderSchema and GetFunctions.

use std::collections::BTreeMap;

use super::Server;
use crate::{Schema, Signature};

/// Everything that the provider offers.
#[derive(Clone, Debug)]
pub struct ProviderSchema<'a> {
    /// The provider's own configuration.
    pub provider: &'a Schema,
    /// By type name.
    pub resources: BTreeMap<&'static str, &'a Schema>,
    /// By type name.
    pub data_sources: BTreeMap<&'static str, &'a Schema>,
    /// By type name.
    pub ephemerals: BTreeMap<&'static str, &'a Schema>,
    /// By name.
    pub functions: BTreeMap<&'static str, &'a Signature>,
}

impl Server {
    /// All schemas and signatures.
    pub fn schema(&self) -> ProviderSchema<'_> {
        ProviderSchema {
            provider: self.provider.schema(),
            resources: self.resources.iter().map(|(name, one)| (*name, one.0.schema())).collect(),
            data_sources: self.data_sources.iter().map(|(name, one)| (*name, one.0.schema())).collect(),
            ephemerals: self.ephemerals.iter().map(|(name, one)| (*name, one.0.schema())).collect(),
            functions: self.functions(),
        }
    }

    /// The signatures of all functions.
    pub fn functions(&self) -> BTreeMap<&'static str, &Signature> {
        self.functions.iter().map(|(name, one)| (*name, one.0.signature())).collect()
    }
}
