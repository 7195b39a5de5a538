//! A provider that has nothing but corners: it tests the wire layer alone, without framework
//! or resources. What it does depends on the type's name in ReadResource and on its input.

use std::{process::ExitCode, time::Duration};

use tfplugin5::{
    Options,
    pb::{
        self, DynamicValue, configure, get_provider_schema, prepare_provider_config,
        provider_server::Provider, read_resource, stop,
    },
};
use tonic::{Request, Response, Status};

struct Corners;

#[tonic::async_trait]
impl Provider for Corners {
    async fn get_schema(
        &self,
        _: Request<get_provider_schema::Request>,
    ) -> Result<Response<get_provider_schema::Response>, Status> {
        let provider = pb::Schema { block: Some(pb::schema::Block::default()), version: 0 };
        Ok(Response::new(get_provider_schema::Response { provider: Some(provider), ..Default::default() }))
    }

    /// Echoes the configuration, whatever its size.
    async fn prepare_provider_config(
        &self,
        request: Request<prepare_provider_config::Request>,
    ) -> Result<Response<prepare_provider_config::Response>, Status> {
        Ok(Response::new(prepare_provider_config::Response {
            prepared_config: request.into_inner().config,
            diagnostics: Vec::new(),
        }))
    }

    /// Logs on every level, under its own target and under another one.
    async fn configure(
        &self,
        request: Request<configure::Request>,
    ) -> Result<Response<configure::Response>, Status> {
        let version = request.into_inner().terraform_version;
        tracing::trace!(version, "first line\nsecond line");
        tracing::info!(version, long = "x".repeat(100_000), "configured");
        tracing::info!(target: "h2::codec", "chatter");
        tracing::warn!(target: "h2::codec", "trouble");
        Ok(Response::new(configure::Response::default()))
    }

    async fn read_resource(
        &self,
        request: Request<read_resource::Request>,
    ) -> Result<Response<read_resource::Response>, Status> {
        let request = request.into_inner();
        match request.type_name.as_str() {
            // Longer than any test waits.
            "slow" => tokio::time::sleep(Duration::from_secs(3600)).await,
            // Longer than any test waits, and not even cancellable.
            "blocked" => {
                let _ = tokio::task::spawn_blocking(|| {
                    std::thread::sleep(Duration::from_secs(3600));
                })
                .await;
            }
            "panic" => std::panic::panic_any("a corner".to_owned()),
            _ => {}
        }
        let new_state = Some(DynamicValue { msgpack: vec![0xc0], json: Vec::new() });
        Ok(Response::new(read_resource::Response { new_state, ..Default::default() }))
    }

    async fn stop(&self, _: Request<stop::Request>) -> Result<Response<stop::Response>, Status> {
        tracing::info!("stopped");
        Ok(Response::new(stop::Response::default()))
    }
}

fn main() -> ExitCode {
    let debug = std::env::args().nth(1).as_deref() == Some("--debug");
    tfplugin5::serve(
        Corners,
        Options {
            started_by_hand: "This is the corner provider.\nIt cannot be installed.".to_owned(),
            addresses: vec!["registry.example/tests/corner".to_owned()],
            log_targets: vec!["corner_provider".to_owned()],
            debug,
        },
        async {},
    )
}
