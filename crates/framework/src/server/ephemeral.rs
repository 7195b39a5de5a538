//! OpenEphemeralResource, RenewEphemeralResource and CloseEphemeralResource.

use std::time::SystemTime;

use tokio_util::sync::CancellationToken;

use super::data_source::check_result;
use super::{Dynamic, Server, decode, encode, unsupported};
use crate::erased::{AnyEphemeral, OpenedValue, could_not};
use crate::schema::{Operation, Timeouts};
use crate::{Capabilities, Context, Diagnostics};

/// What is to be opened.
#[derive(Clone, Debug, Default)]
pub struct OpenRequest {
    /// The type of the ephemeral resource.
    pub type_name: String,
    /// Its configuration, wholly known.
    pub config: Dynamic,
    /// What the core can do.
    pub capabilities: Capabilities,
}

/// What was opened.
#[derive(Clone, Debug, Default)]
pub struct OpenResponse {
    /// The configuration and everything computed.
    pub result: Dynamic,
    /// What renew and close are called with.
    pub private: Vec<u8>,
    /// When to renew.
    pub renew_at: Option<SystemTime>,
    /// Problems and warnings.
    pub diagnostics: Diagnostics,
}

/// What was renewed.
#[derive(Clone, Debug, Default)]
pub struct RenewResponse {
    /// What renew and close are called with from now on.
    pub private: Vec<u8>,
    /// When to renew again.
    pub renew_at: Option<SystemTime>,
    /// Problems and warnings.
    pub diagnostics: Diagnostics,
}

impl Server {
    fn ephemeral(&self, type_name: &str, operation: &str) -> Result<&AnyEphemeral, Diagnostics> {
        self.ephemerals.get(type_name).ok_or_else(|| unsupported("ephemeral resource", type_name, operation))
    }

    /// Opens an ephemeral resource.
    pub async fn open_ephemeral(&self, request: OpenRequest) -> OpenResponse {
        let failed = |diagnostics| OpenResponse { diagnostics, ..OpenResponse::default() };
        let ephemeral = match self.ephemeral(&request.type_name, "open") {
            Ok(ephemeral) => ephemeral,
            Err(problems) => return failed(problems),
        };
        let cx = self.context(
            Operation::Ephemeral,
            &request.type_name,
            Timeouts::default(),
            Some(request.capabilities),
        );
        let mut response = open(ephemeral, &cx, &request).await.unwrap_or_else(failed);
        response.diagnostics = self.all(&cx, response.diagnostics);
        response
    }

    /// Renews an ephemeral resource.
    pub async fn renew_ephemeral(&self, type_name: &str, private: &[u8]) -> RenewResponse {
        let cx = self.context(Operation::Ephemeral, type_name, Timeouts::default(), None);
        let outcome = match self.ephemeral(type_name, "renew") {
            Ok(ephemeral) => ephemeral.0.renew(&cx, private).await,
            Err(problems) => Err(problems),
        };
        let (renewed, problems) = match outcome {
            Ok(renewed) => (renewed, Diagnostics::new()),
            Err(problems) => ((private.to_vec(), None), problems),
        };
        RenewResponse { private: renewed.0, renew_at: renewed.1, diagnostics: self.all(&cx, problems) }
    }

    /// Closes an ephemeral resource, also after [`Server::stop`].
    pub async fn close_ephemeral(&self, type_name: &str, private: &[u8]) -> Diagnostics {
        let token = CancellationToken::new();
        let cx = self.context_under(token, Operation::Ephemeral, type_name, Timeouts::default(), None);
        let outcome = match self.ephemeral(type_name, "close") {
            Ok(ephemeral) => ephemeral.0.close(&cx, private).await,
            Err(problems) => Err(problems),
        };
        self.all(&cx, outcome.err().unwrap_or_default())
    }
}

async fn open(
    ephemeral: &AnyEphemeral,
    cx: &Context,
    request: &OpenRequest,
) -> Result<OpenResponse, Diagnostics> {
    let schema = ephemeral.0.schema();
    let ty = schema.value_type();
    let summary = could_not("open", &request.type_name);
    let config = decode(&request.config, &ty, &summary)?;
    let OpenedValue { value, private, renew_at } = ephemeral.0.open(cx, &config).await?;
    // Once it is open, the core must be able to close it: a broken rule comes with the private state.
    let mut response = OpenResponse { private, renew_at, ..OpenResponse::default() };
    let checked = check_result(&schema.body, &config, &value, &summary);
    match checked.and_then(|()| encode(&value, &ty, &summary)) {
        Ok(result) => response.result = result,
        Err(problems) => response.diagnostics = problems,
    }
    Ok(response)
}
