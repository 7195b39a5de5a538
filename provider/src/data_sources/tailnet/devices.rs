//! `windlass_tailnet_devices`: every machine of a tailnet that fits.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use framework::{Attribute, Context, DataSource, Diagnostics, Field, Model, Schema, Timeouts};

use super::facts::{DeviceFacts, FIELDS, has_tags, tags_attribute};
use crate::{
    controlled::{Tailnets, tailnet_attribute},
    failure::{Failure, UNCHANGED},
    machine::READ,
};

/// The data source `windlass_tailnet_devices`.
pub(crate) struct DevicesDataSource {
    tailnets: Arc<Tailnets>,
}

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct DevicesModel {
    tailnet: Field<String>,
    tags: Field<BTreeSet<String>>,
    hostname: Field<String>,
    online: Field<bool>,
    devices: Field<Vec<DeviceFacts>>,
}

impl DevicesDataSource {
    /// The data source, at the servers that the provider knows.
    pub(crate) fn new(tailnets: Arc<Tailnets>) -> Self {
        Self { tailnets }
    }
}

#[async_trait]
impl DataSource for DevicesDataSource {
    type Model = DevicesModel;

    fn type_name(&self) -> &'static str {
        "windlass_tailnet_devices"
    }

    fn schema(&self) -> Schema {
        Schema::new(0)
            .describe("The machines of a tailnet, all of them or those that fit, for example for `address` of a `windlass_host`.")
            .attribute(tailnet_attribute())
            .attribute(tags_attribute())
            .attribute(Attribute::string("hostname").describe("Only machines that call themselves so."))
            .attribute(Attribute::bool("online").describe("Only machines that are, or are not, connected."))
            .attribute(
                Attribute::list("devices", DeviceFacts::object_type())
                    .computed()
                    .describe(format!("The machines, by name: {FIELDS}.")),
            )
            .timeouts(Timeouts { read: Some(READ), ..Timeouts::default() })
    }

    async fn read(&self, _cx: &Context, config: DevicesModel) -> Result<DevicesModel, Diagnostics> {
        let found = async {
            let control = self.tailnets.for_reading(&config.tailnet).await?;
            Ok(control.devices().await?)
        };
        let found = found.await.map_err(|failure: Failure| {
            failure.into_diagnostics("Could not read the devices of the tailnet", UNCHANGED)
        })?;
        let fitting = found.into_iter().filter(|device| {
            has_tags(device, &config.tags)
                && config.hostname.as_str().is_none_or(|hostname| device.hostname == hostname)
                && config.online.known().is_none_or(|online| device.online == *online)
        });
        Ok(DevicesModel { devices: Field::Known(fitting.map(DeviceFacts::of).collect()), ..config })
    }
}
