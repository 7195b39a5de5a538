//! The provider: its configuration and everything it offers.

use std::sync::Arc;

use async_trait::async_trait;
use framework::{
    AnyDataSource, AnyFunction, AnyResource, Context, Diagnostic, Diagnostics, Provider, Schema,
};

use crate::{
    data_sources::{
        compose_stack::StackDataSource, compose_stacks::StacksDataSource, container_logs::LogsDataSource,
        host::HostDataSource,
    },
    functions,
    hosted::{Hosted, Hosts, OnHost},
    resources::{
        command::HostCommand, compose_stack::ComposeStack, directory::HostDirectory,
        docker_network::DockerNetwork, docker_volume::DockerVolume, file::HostFile, host::HostResource,
        image::HostImage,
    },
    settings::{self, ProviderModel, Settings},
};

/// The Windlass provider.
#[derive(Default)]
pub struct Windlass {
    hosts: Arc<Hosts>,
}

impl Windlass {
    fn on_host<K: Hosted>(&self) -> AnyResource {
        AnyResource::new(OnHost::<K>::new(self.hosts.clone()))
    }
}

#[async_trait]
impl Provider for Windlass {
    type Model = ProviderModel;

    fn schema(&self) -> Schema {
        settings::schema()
    }

    async fn configure(&self, _cx: &Context, config: ProviderModel) -> Result<(), Diagnostics> {
        let settings = Settings::new(&config, |name| std::env::var(name).ok()).map_err(|error| {
            Diagnostic::error("Could not configure provider \"windlass\"").detail(format!("{error}."))
        })?;
        self.hosts.configure(settings);
        Ok(())
    }

    fn remarks(&self) -> Diagnostics {
        self.hosts.remarks()
    }

    fn resources(&self) -> Vec<AnyResource> {
        vec![
            self.on_host::<HostCommand>(),
            self.on_host::<ComposeStack>(),
            self.on_host::<HostDirectory>(),
            self.on_host::<DockerNetwork>(),
            self.on_host::<DockerVolume>(),
            self.on_host::<HostFile>(),
            AnyResource::new(HostResource::new(self.hosts.clone())),
            self.on_host::<HostImage>(),
        ]
    }

    fn data_sources(&self) -> Vec<AnyDataSource> {
        vec![
            AnyDataSource::new(StackDataSource::new(self.hosts.clone())),
            AnyDataSource::new(StacksDataSource::new(self.hosts.clone())),
            AnyDataSource::new(LogsDataSource::new(self.hosts.clone())),
            AnyDataSource::new(HostDataSource::new(self.hosts.clone())),
        ]
    }

    fn functions(&self) -> Vec<AnyFunction> {
        functions::all()
    }
}
