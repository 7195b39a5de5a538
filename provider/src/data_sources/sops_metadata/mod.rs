//! `windlass_sops_metadata`: what an encrypted file tells without a key.

use async_trait::async_trait;
use framework::{Attribute, Context, DataSource, Diagnostics, Field, Model, Schema, Type};

use crate::{
    failure::{Failure, UNCHANGED},
    sops_files::{Document, document_attributes, document_rules},
};

/// The data source `windlass_sops_metadata`.
pub(crate) struct MetadataDataSource;

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct MetadataFacts {
    #[model(flatten)]
    document: Document,
    last_modified: Field<String>,
    recipients: Field<Vec<String>>,
    sha256: Field<String>,
}

#[async_trait]
impl DataSource for MetadataDataSource {
    type Model = MetadataFacts;

    fn type_name(&self) -> &'static str {
        "windlass_sops_metadata"
    }

    fn schema(&self) -> Schema {
        let schema = Schema::new(0).describe(
            "What a file that SOPS has encrypted for age tells to who cannot open it: no key is needed, and nothing here is \
             a secret. Its MAC is not verified. `sha256` and `last_modified` are good versions for `*_wo_version`: they \
             change with every change of the file.",
        );
        let schema = schema.attributes(document_attributes()).attributes([
            Attribute::string("last_modified")
                .computed()
                .describe("When SOPS has last written it (RFC 3339)."),
            Attribute::list("recipients", Type::String)
                .computed()
                .describe("For whom it is encrypted: public keys of age and SSH, in the order of the file."),
            Attribute::string("sha256").computed().describe("SHA-256 of the encrypted file, in hexadecimal."),
        ]);
        document_rules().into_iter().fold(schema, Schema::rule)
    }

    async fn read(&self, _cx: &Context, config: MetadataFacts) -> Result<MetadataFacts, Diagnostics> {
        let about = config.document.about().map_err(|stop| {
            let title = format!("Could not read {}", config.document.subject());
            Failure::from(stop).into_diagnostics(&title, UNCHANGED)
        })?;
        Ok(MetadataFacts {
            last_modified: Field::Known(about.last_modified),
            recipients: Field::Known(about.recipients),
            sha256: Field::Known(about.sha256),
            ..config
        })
    }
}
