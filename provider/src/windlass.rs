//! The provider: its configuration and everything it offers.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use framework::{
    AnyDataSource, AnyEphemeral, AnyFunction, AnyResource, Context, Diagnostic, Diagnostics, Provider, Schema,
};

use crate::{
    clustered::{Clustered, Clusters, InCluster},
    controlled::{Controlled, OnTailnet, Tailnets},
    data_sources::{
        compose_stack::StackDataSource,
        compose_stacks::StacksDataSource,
        container_logs::LogsDataSource,
        corpus_snapshots::SnapshotsDataSource,
        host::HostDataSource,
        sops_metadata::MetadataDataSource,
        swarm::SwarmDataSource,
        swarm_nodes::NodesDataSource,
        swarm_stacks::SwarmStacksDataSource,
        tailnet::{DeviceDataSource, DevicesDataSource},
    },
    ephemerals::{sops_file::SopsFile, tailnet_key::EphemeralKey},
    functions,
    hosted::{ControlServers, Hosted, Hosts, OnHost},
    resources::{
        command::HostCommand, compose_stack::ComposeStack, corpus_backup::CorpusBackup,
        corpus_restore::CorpusRestore, directory::HostDirectory, docker_network::DockerNetwork,
        docker_plugin::DockerPlugin, docker_volume::DockerVolume, file::HostFile, host::HostResource,
        image::HostImage, sops_file::EncryptedFile, swarm::SwarmCluster, swarm_config::SwarmConfig,
        swarm_node::SwarmNode, swarm_secret::SwarmSecret, swarm_stack::SwarmStack,
        tailnet_device::TailnetDevice, tailnet_dns::TailnetDns, tailnet_dns_records::DnsRecords,
        tailnet_key::TailnetKey, tailnet_member::TailnetMember, tailnet_policy::TailnetPolicy,
        tailnet_settings::TailnetSettings, tailscale_serve::TailscaleServe,
    },
    settings::{self, ProviderModel, Settings},
};

/// The Windlass provider.
pub struct Windlass {
    hosts: Arc<Hosts>,
    clusters: Arc<Clusters>,
    tailnets: Arc<Tailnets>,
}

impl Default for Windlass {
    fn default() -> Self {
        let hosts = Arc::new(Hosts::default());
        let tailnets = Arc::new(Tailnets::new(hosts.clone()));
        let servers: Weak<dyn ControlServers> = Arc::<Tailnets>::downgrade(&tailnets);
        hosts.know_servers(servers);
        Self { clusters: Arc::new(Clusters::new(hosts.clone())), tailnets, hosts }
    }
}

impl Windlass {
    /// What is to be done when the process ends, after the last call: giving back what was taken for
    /// its time alone.
    pub fn closing(&self) -> impl Future<Output = ()> + Send + 'static {
        let tailnets = self.tailnets.clone();
        async move { tailnets.close().await }
    }

    fn on_tailnet<K: Controlled>(&self) -> AnyResource {
        AnyResource::new(OnTailnet::<K>::new(self.tailnets.clone()))
    }

    fn on_host<K: Hosted>(&self) -> AnyResource {
        AnyResource::new(OnHost::<K>::new(self.hosts.clone()))
    }

    fn in_cluster<K: Clustered>(&self) -> AnyResource {
        AnyResource::new(InCluster::<K>::new(self.clusters.clone()))
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
        self.hosts.keyring().configure(config.sops);
        self.tailnets.configure(config.tailnet);
        Ok(())
    }

    fn remarks(&self) -> Diagnostics {
        self.hosts.remarks()
    }

    fn resources(&self) -> Vec<AnyResource> {
        vec![
            self.on_host::<HostCommand>(),
            self.on_host::<ComposeStack>(),
            self.on_host::<CorpusBackup>(),
            self.on_host::<CorpusRestore>(),
            self.on_host::<HostDirectory>(),
            self.on_host::<DockerNetwork>(),
            self.on_host::<DockerPlugin>(),
            self.on_host::<DockerVolume>(),
            self.on_host::<HostFile>(),
            AnyResource::new(HostResource::new(self.hosts.clone())),
            self.on_host::<HostImage>(),
            AnyResource::new(EncryptedFile::new(self.hosts.keyring())),
            self.in_cluster::<SwarmCluster>(),
            self.in_cluster::<SwarmConfig>(),
            self.in_cluster::<SwarmNode>(),
            self.in_cluster::<SwarmSecret>(),
            self.in_cluster::<SwarmStack>(),
            self.on_tailnet::<TailnetDevice>(),
            self.on_tailnet::<TailnetDns>(),
            self.on_host::<DnsRecords>(),
            self.on_tailnet::<TailnetKey>(),
            self.on_host::<TailnetMember>(),
            self.on_tailnet::<TailnetPolicy>(),
            self.on_tailnet::<TailnetSettings>(),
            self.on_host::<TailscaleServe>(),
        ]
    }

    fn data_sources(&self) -> Vec<AnyDataSource> {
        vec![
            AnyDataSource::new(StackDataSource::new(self.hosts.clone())),
            AnyDataSource::new(StacksDataSource::new(self.hosts.clone())),
            AnyDataSource::new(SnapshotsDataSource::new(self.hosts.clone())),
            AnyDataSource::new(LogsDataSource::new(self.hosts.clone())),
            AnyDataSource::new(HostDataSource::new(self.hosts.clone())),
            AnyDataSource::new(MetadataDataSource),
            AnyDataSource::new(SwarmDataSource::new(self.clusters.clone())),
            AnyDataSource::new(NodesDataSource::new(self.clusters.clone())),
            AnyDataSource::new(SwarmStacksDataSource::new(self.clusters.clone())),
            AnyDataSource::new(DeviceDataSource::new(self.tailnets.clone())),
            AnyDataSource::new(DevicesDataSource::new(self.tailnets.clone())),
        ]
    }

    fn ephemerals(&self) -> Vec<AnyEphemeral> {
        vec![
            AnyEphemeral::new(SopsFile::new(self.hosts.keyring())),
            AnyEphemeral::new(EphemeralKey::new(self.tailnets.clone())),
        ]
    }

    fn functions(&self) -> Vec<AnyFunction> {
        functions::all()
    }
}
