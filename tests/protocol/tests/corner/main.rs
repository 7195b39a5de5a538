//! The wire layer, tested through a real process that has nothing else: the corner provider.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod by_hand;
mod debug;
mod handshake;
mod lifetime;
mod logging;
mod messages;
mod mutual_tls;

use tfplugin5::pb::{get_provider_schema, provider_client::ProviderClient};
use tonic::{Code, transport::Channel};

/// The corner provider.
const BINARY: &str = env!("CARGO_BIN_EXE_corner-provider");

/// Whether the provider answers a simple call; otherwise the status code.
async fn answers(mut client: ProviderClient<Channel>) -> Result<(), Code> {
    match client.get_schema(get_provider_schema::Request {}).await {
        Ok(response) => {
            assert!(response.into_inner().provider.is_some());
            Ok(())
        }
        Err(status) => Err(status.code()),
    }
}
