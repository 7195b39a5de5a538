//! `windlass_sops_file` as an ephemeral resource: what is in an encrypted file, for the time of one run.

use std::sync::Arc;

use async_trait::async_trait;
use framework::{
    Attribute, Context, Diagnostics, EphemeralResource, Field, Model, Opened, Schema, Type, Value,
};
use secret::Secret;

use crate::{
    failure::{Failure, UNCHANGED, sops_stop},
    sops_files::{Document, Keyring, document_attributes, document_rules, typed},
};

/// The ephemeral resource `windlass_sops_file`.
pub(crate) struct SopsFile {
    keyring: Arc<Keyring>,
}

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct SopsFileModel {
    #[model(flatten)]
    document: Document,
    value: Field<Value>,
    raw: Field<Secret>,
}

impl SopsFile {
    /// The ephemeral resource, with the keys that the provider knows.
    pub(crate) fn new(keyring: Arc<Keyring>) -> Self {
        Self { keyring }
    }
}

#[async_trait]
impl EphemeralResource for SopsFile {
    type Model = SopsFileModel;
    type Private = ();

    fn type_name(&self) -> &'static str {
        "windlass_sops_file"
    }

    fn schema(&self) -> Schema {
        let schema = Schema::new(0).describe(
            "What is in a file that SOPS has encrypted for age, for the time of one run: it is in no plan and no state. The \
             file's MAC is always verified. The private key comes from the provider's `sops` block or from where SOPS \
             looks for it. Needs OpenTofu or Terraform 1.11; with older ones, `secrets_sops_file` of a stack reads such a \
             file.\n\nThe core opens it for a plan as well as for an apply. To have a change of the file noticed where its \
             values go to write-only attributes, let `windlass_sops_metadata` give their `*_wo_version`.",
        );
        let schema = schema.attributes(document_attributes()).attributes([
            Attribute::new("value", Type::Dynamic).computed().sensitive().describe(
                "What is in it, with its types: objects, tuples, texts, exact numbers, truth values and null. A point in time \
                 is a text; of a `dotenv` file it is an object of texts, of a `binary` one a text.",
            ),
            Attribute::string("raw").computed().sensitive().describe("The decrypted file as one text, as `sops decrypt` prints it."),
        ]);
        document_rules().into_iter().fold(schema, Schema::rule)
    }

    async fn open(&self, _cx: &Context, config: SopsFileModel) -> Result<Opened<Self>, Diagnostics> {
        let title = format!("Could not open {}", config.document.subject());
        let opened = async {
            let (format, tree) = config.document.clone().open(self.keyring.clone()).await?;
            let stop = |error: sops::Error| Failure::from(sops_stop(&error, "format"));
            let raw = Secret::new(format.write_plain(&tree).map_err(stop)?.as_str());
            Ok((typed(&tree, format).map_err(stop)?, raw))
        };
        let opened = opened.await.map_err(|failure: Failure| failure.into_diagnostics(&title, UNCHANGED));
        let (value, raw) = opened?;
        let model = SopsFileModel { value: Field::Known(value), raw: Field::Known(raw), ..config };
        Ok(Opened { model, private: (), renew_at: None })
    }
}
