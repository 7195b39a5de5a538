//! `windlass_tailnet_device`: exactly one machine of a tailnet, waited for where that is asked.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use framework::{
    Attribute, Context, DataSource, Diagnostics, Field, Model, Rule, Schema, Timeouts, schema::parse_duration,
};
use tailnet::Device;

use super::facts::{DeviceFacts, FIELDS, has_tags, tags_attribute};
use crate::{
    controlled::{Tailnets, tailnet_attribute},
    failure::{Failure, UNCHANGED},
    tailnet_devices,
};

/// The data source `windlass_tailnet_device`.
pub(crate) struct DeviceDataSource {
    tailnets: Arc<Tailnets>,
}

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct DeviceModel {
    tailnet: Field<String>,
    id: Field<String>,
    name: Field<String>,
    hostname: Field<String>,
    tags: Field<BTreeSet<String>>,
    wait_for: Field<String>,
    device: Field<DeviceFacts>,
}

impl DeviceDataSource {
    /// The data source, at the servers that the provider knows.
    pub(crate) fn new(tailnets: Arc<Tailnets>) -> Self {
        Self { tailnets }
    }
}

#[async_trait]
impl DataSource for DeviceDataSource {
    type Model = DeviceModel;

    fn type_name(&self) -> &'static str {
        "windlass_tailnet_device"
    }

    fn schema(&self) -> Schema {
        Schema::new(0)
            .describe(
                "One machine of a tailnet. It is an error where none fits, and where several do: a machine that was made \
                 anew leaves the dead one in the list, under the same `hostname`, until somebody removes it. `name` is of \
                 one machine only.",
            )
            .attribute(tailnet_attribute())
            .attribute(Attribute::string("id").describe("The id by which the control server knows it."))
            .attribute(Attribute::string("name").describe("Its name in the tailnet: the first label, or all of it."))
            .attribute(Attribute::string("hostname").describe("What it calls itself."))
            .attribute(tags_attribute())
            .attribute(
                Attribute::string("wait_for")
                    .check(|text: &String| parse_duration(text).map(drop))
                    .describe("How long to wait for a machine that is connected and fits, such as `2m`. Default: not at all, and also one that is not connected will do."),
            )
            .attribute(
                Attribute::new("device", DeviceFacts::object_type())
                    .computed()
                    .describe(format!("The machine: {FIELDS}.")),
            )
            .rule(Rule::exactly_one_of(["id", "name", "hostname"]))
            .timeouts(Timeouts::new().read(10))
    }

    async fn read(&self, _cx: &Context, config: DeviceModel) -> Result<DeviceModel, Diagnostics> {
        let title = format!("Could not find tailnet device {:?}", config.wanted());
        let found = async {
            let control = self.tailnets.for_reading(&config.tailnet).await?;
            let patience = config.wait_for.as_str().and_then(|text| parse_duration(text).ok());
            tailnet_devices::find(control.as_ref(), "such machine", &|device| config.fits(device), patience)
                .await
        };
        let device = found.await.map_err(|failure: Failure| failure.into_diagnostics(&title, UNCHANGED))?;
        Ok(DeviceModel { device: Field::Known(DeviceFacts::of(device)), ..config })
    }
}

impl DeviceModel {
    fn wanted(&self) -> &str {
        [&self.id, &self.name, &self.hostname].into_iter().find_map(Field::as_str).unwrap_or_default()
    }

    fn fits(&self, device: &Device) -> bool {
        let is = |field: &Field<String>, value: &str| field.as_str().is_none_or(|wanted| wanted == value);
        let name = self.name.as_str().map(|name| name.trim_end_matches('.'));
        is(&self.id, &device.id)
            && is(&self.hostname, &device.hostname)
            && name.is_none_or(|name| name == device.name || name == device.fqdn)
            && has_tags(device, &self.tags)
    }
}
