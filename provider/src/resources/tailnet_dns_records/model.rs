//! The attributes of `windlass_tailnet_dns_records`, and how they become a file and come back.

use std::{collections::BTreeSet, net::IpAddr};

use framework::{Diagnostic, Diagnostics, Field, Model};
use remote::files::Facts;
use tailnet::dns_records::{self, Record};

use crate::host_path::{bits, octal};

#[derive(Clone, Debug, Default, PartialEq, Model)]
pub(crate) struct RecordsModel {
    pub(crate) host: Field<String>,
    pub(crate) path: Field<String>,
    pub(crate) mode: Field<String>,
    pub(crate) on_destroy: Field<String>,
    pub(crate) record: Field<Vec<RecordBlock>>,
}

#[derive(Clone, Debug, Default, PartialEq, Model)]
pub(crate) struct RecordBlock {
    pub(crate) name: Field<String>,
    #[model(name = "type")]
    pub(crate) kind: Field<String>,
    pub(crate) value: Field<String>,
}

impl RecordBlock {
    fn record(&self) -> Record {
        let text = |field: &Field<String>| field.clone().known_or_default();
        Record { name: text(&self.name), kind: text(&self.kind), value: text(&self.value) }
    }
}

impl RecordsModel {
    pub(super) fn path(&self) -> &str {
        self.path.as_str().unwrap_or_default()
    }

    /// Whether it is known what the file will say.
    pub(super) fn is_text_known(&self) -> bool {
        let is_known = |block: &RecordBlock| {
            ![&block.name, &block.kind, &block.value].iter().any(|field| field.is_unknown())
        };
        !self.record.is_unknown() && self.record.known().into_iter().flatten().all(is_known)
    }

    /// What the file says.
    pub(super) fn text(&self) -> String {
        let blocks = self.record.known().map(Vec::as_slice).unwrap_or_default();
        dns_records::text(&blocks.iter().map(RecordBlock::record).collect())
    }

    /// Takes over the file as it is; one that cannot be read has no record.
    pub(super) fn observe(&mut self, facts: &Facts, text: &str) {
        let records: BTreeSet<Record> = dns_records::parse(text).unwrap_or_default();
        let block = |record: Record| RecordBlock {
            name: record.name.into(),
            kind: record.kind.into(),
            value: record.value.into(),
        };
        self.record = Field::Known(records.into_iter().map(block).collect());
        if self.mode.as_str().and_then(bits) != Some(facts.mode) {
            self.mode = octal(facts.mode).into();
        }
        self.on_destroy = std::mem::take(&mut self.on_destroy).or("empty".into());
    }

    /// Checks that each address is of the kind that its record says.
    pub(super) fn validate(&self, problems: &mut Diagnostics) {
        for block in self.record.known().into_iter().flatten() {
            let (kind, value) = (block.kind.as_str(), block.value.as_str());
            let Some(address) = value.and_then(|text| text.parse::<IpAddr>().ok()) else { continue };
            let expected = if address.is_ipv4() { "A" } else { "AAAA" };
            if kind.is_some_and(|kind| kind != expected) {
                let name = block.name.as_str().unwrap_or_default();
                problems.push(
                    Diagnostic::error("Invalid value for type")
                        .detail(format!("The record of {name:?} has the address {address}, which needs the type {expected}."))
                        .at("record"),
                );
            }
        }
    }
}
