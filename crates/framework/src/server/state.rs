//! UpgradeResourceState, ImportResourceState and MoveResourceState.

use tfvalue::json;

use super::{Dynamic, Server, encode};
use crate::erased::{AnyResource, could_not, with_blocks};
use crate::rules::{self, check_state, without_write_only};
use crate::schema::{Operation, Timeouts};
use crate::{Context, Diagnostic, Diagnostics, error_chain};

/// A state as an older version of the provider may have written it.
#[derive(Clone, Debug, Default)]
pub struct UpgradeRequest {
    /// The type of the resource.
    pub type_name: String,
    /// The schema version under which it was written.
    pub version: i64,
    /// The state as JSON. Empty when it has the form that cores before 0.12 wrote.
    pub json: Vec<u8>,
}

/// The same state under the current schema.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct UpgradeResponse {
    pub upgraded_state: Dynamic,
    /// Problems and warnings.
    pub diagnostics: Diagnostics,
}

/// What was adopted.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// The type of the resource.
    pub type_name: String,
    /// As much of the state as Read needs to find it.
    pub state: Dynamic,
    /// What the resource remembers.
    pub private: Vec<u8>,
}

/// The answer to an import.
#[derive(Clone, Debug, Default)]
pub struct ImportResponse {
    /// What was adopted.
    pub imported: Vec<Imported>,
    /// Problems and warnings.
    pub diagnostics: Diagnostics,
}

/// A state of another resource type that a person wants to move into one of ours.
#[derive(Clone, Debug, Default)]
pub struct MoveRequest {
    /// The type of the resource as it was.
    pub source_type_name: String,
    /// The type that it shall become.
    pub target_type_name: String,
}

impl Server {
    /// Brings a stored state to the current schema.
    pub async fn upgrade(&self, request: UpgradeRequest) -> UpgradeResponse {
        let failed = |diagnostics| UpgradeResponse { upgraded_state: Dynamic::default(), diagnostics };
        let resource = match self.resource(&request.type_name, "upgrade the state of") {
            Ok(resource) => resource,
            Err(problems) => return failed(problems),
        };
        let cx = self.context(Operation::Read, &request.type_name, Timeouts::default(), None);
        match upgrade(resource, &cx, request).await {
            Ok(upgraded_state) => {
                UpgradeResponse { upgraded_state, diagnostics: self.all(&cx, Diagnostics::new()) }
            }
            Err(problems) => failed(self.all(&cx, problems)),
        }
    }

    /// Adopts what `id` names.
    pub async fn import(&self, type_name: &str, id: &str) -> ImportResponse {
        let failed = |diagnostics| ImportResponse { imported: Vec::new(), diagnostics };
        let resource = match self.resource(type_name, "import") {
            Ok(resource) => resource,
            Err(problems) => return failed(problems),
        };
        let cx = self.context(Operation::Import, type_name, Timeouts::default(), None);
        match import(resource, &cx, id).await {
            Ok(imported) => {
                ImportResponse { imported: vec![imported], diagnostics: self.all(&cx, Diagnostics::new()) }
            }
            Err(problems) => failed(self.all(&cx, problems)),
        }
    }

    /// Refuses to move a state between resource types.
    pub fn move_state(&self, request: &MoveRequest) -> Diagnostics {
        let MoveRequest { source_type_name, target_type_name } = request;
        let detail = format!(
            "{target_type_name} cannot take over the state of {source_type_name}. Remove the old one from the state \
             (`removed` block or `state rm`) and import the new one."
        );
        Diagnostic::error(format!("Could not move {source_type_name} to {target_type_name}"))
            .detail(detail)
            .into()
    }
}

async fn upgrade(
    resource: &AnyResource,
    cx: &Context,
    request: UpgradeRequest,
) -> Result<Dynamic, Diagnostics> {
    let resource = &resource.0;
    let UpgradeRequest { type_name, version, json } = request;
    let summary = could_not("upgrade the state of", &type_name);
    let schema = resource.schema();
    let unreadable = |cause: String| -> Diagnostics {
        Diagnostic::error(summary.clone())
            .detail(format!("The state of schema version {version} cannot be read: {cause}"))
            .detail("The state was not changed. Use the version of the provider that wrote it.")
            .into()
    };
    if json.is_empty() {
        return Err(unreadable("it was written by a core before 0.12".to_owned()));
    }
    let json = if version < schema.version {
        let old = serde_json::from_slice(&json).map_err(|error| unreadable(error.to_string()))?;
        let new = resource.upgrade(cx, version, old).await?;
        serde_json::to_vec(&new).map_err(|error| unreadable(error.to_string()))?
    } else {
        json
    };
    let read =
        json::decode_lenient(&json, &schema.value_type()).map_err(|error| unreadable(error_chain(&error)))?;
    if !read.dropped.is_empty() {
        let names: Vec<String> = read.dropped.iter().map(ToString::to_string).collect();
        tracing::debug!(type_name, attributes = names.join(", "), "dropped from an older state");
    }
    // An attribute may have become write-only since.
    let value = without_write_only(&schema.body, with_blocks(&schema.body, read.value));
    encode(&value, &schema.value_type(), &summary)
}

async fn import(resource: &AnyResource, cx: &Context, id: &str) -> Result<Imported, Diagnostics> {
    let resource = &resource.0;
    let summary = could_not("import", resource.type_name());
    let stored = resource.import(cx, id).await?;
    let schema = resource.schema();
    rules::diagnostics(&summary, check_state(&schema.body, &stored.value)).into_result()?;
    Ok(Imported {
        type_name: resource.type_name().to_owned(),
        state: encode(&stored.value, &schema.value_type(), &summary)?,
        private: stored.private,
    })
}
