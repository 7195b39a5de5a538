//! `windlass_tailnet_key` as an ephemeral resource: a key for the time of one run.
//!
//! It is revoked when the run is over, and worthless after its short expiry where the run is killed.

use std::sync::Arc;

use async_trait::async_trait;
use framework::{Attribute, Context, Diagnostics, EphemeralResource, Field, Model, Opened, Schema};
use secret::Secret;
use serde::{Deserialize, Serialize};

use crate::{
    controlled::{Tailnets, tailnet_attribute},
    failure::{Failure, UNCHANGED},
    tailnet_keys::KeyFields,
};

/// The ephemeral resource `windlass_tailnet_key`.
pub(crate) struct EphemeralKey {
    tailnets: Arc<Tailnets>,
}

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct EphemeralKeyModel {
    tailnet: Field<String>,
    #[model(flatten)]
    asked: KeyFields,
    id: Field<String>,
    key: Field<Secret>,
    expires_at: Field<String>,
}

/// What closing needs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct OpenKey {
    #[serde(default)]
    tailnet: Option<String>,
    #[serde(default)]
    id: String,
}

impl EphemeralKey {
    /// The ephemeral resource, at the servers that the provider knows.
    pub(crate) fn new(tailnets: Arc<Tailnets>) -> Self {
        Self { tailnets }
    }
}

#[async_trait]
impl EphemeralResource for EphemeralKey {
    type Model = EphemeralKeyModel;
    type Private = OpenKey;

    fn type_name(&self) -> &'static str {
        "windlass_tailnet_key"
    }

    fn schema(&self) -> Schema {
        Schema::new(0)
            .describe(
                "A key by which machines join a tailnet, for the time of one run: it is in no plan and no state, is \
                 revoked when the run is over, and is worthless after `expiry` where the run was killed. Needs OpenTofu \
                 or Terraform 1.11.\n\nThe core opens it for a plan as well as for an apply, wherever its arguments are \
                 known: each makes a key of its own and revokes it.",
            )
            .attribute(tailnet_attribute())
            .attributes(KeyFields::attributes("10m"))
            .attribute(Attribute::string("id").computed().describe("The id of the key at the control server; no secret."))
            .attribute(Attribute::string("key").computed().sensitive().describe("The key itself."))
            .attribute(Attribute::string("expires_at").computed().describe("Until when a machine can join by it (RFC 3339)."))
            .rule(KeyFields::rule())
    }

    async fn validate(&self, _cx: &Context, config: &EphemeralKeyModel, problems: &mut Diagnostics) {
        config.asked.validate(problems);
    }

    async fn open(&self, _cx: &Context, config: EphemeralKeyModel) -> Result<Opened<Self>, Diagnostics> {
        let made = async {
            let control = self.tailnets.for_reading(&config.tailnet).await?;
            Ok(control.create_key(&config.asked.spec()).await?)
        };
        let made = made.await.map_err(|failure: Failure| {
            failure.into_diagnostics("Could not open a tailnet key", UNCHANGED)
        })?;
        let private = OpenKey { tailnet: config.tailnet.known().cloned(), id: made.info.id.clone() };
        let model = EphemeralKeyModel {
            id: Field::Known(made.info.id),
            key: Field::Known(made.secret),
            expires_at: Field::Known(made.info.expires),
            ..config
        };
        Ok(Opened { model, private, renew_at: None })
    }

    async fn close(&self, _cx: &Context, private: OpenKey) -> Result<(), Diagnostics> {
        let revoked = async {
            let control = self.tailnets.for_reading(&Field::from(private.tailnet)).await?;
            Ok(control.revoke_key(&private.id).await?)
        };
        revoked.await.map_err(|failure: Failure| {
            let title = format!("Could not revoke tailnet key {:?}", private.id);
            failure.into_diagnostics(&title, "A machine can join by it until it expires.")
        })
    }
}
