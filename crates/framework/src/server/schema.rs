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

    /// Every mistake in the schemas, and every difference between a schema and its model, one line
    /// each. For a test of the provider; a provider with mistakes still works as far as it can.
    pub fn mistakes(&self) -> Vec<String> {
        let mut mistakes = self.duplicates.clone();
        let mut add = |name: &str, found: Vec<String>| {
            mistakes.extend(found.into_iter().map(|mistake| format!("{name}: {mistake}")));
        };
        add("provider", self.provider.mistakes());
        self.resources.iter().for_each(|(name, one)| add(name, one.0.mistakes()));
        self.data_sources.iter().for_each(|(name, one)| add(name, one.0.mistakes()));
        self.ephemerals.iter().for_each(|(name, one)| add(name, one.0.mistakes()));
        self.functions.iter().for_each(|(name, one)| add(name, one.0.signature().mistakes()));
        mistakes
    }
}
