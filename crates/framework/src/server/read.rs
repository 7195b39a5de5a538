//! ReadResource.

use tfvalue::Value;

use super::{Dynamic, Server, decode, encode, limits};
use crate::erased::{AnyResource, Stored, could_not};
use crate::rules::{self, check_state};
use crate::schema::Operation;
use crate::{Capabilities, Diagnostics};

/// What is to be looked at again.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct ReadRequest {
    /// The type of the resource.
    pub type_name: String,
    pub current_state: Dynamic,
    /// What the resource remembers.
    pub private: Vec<u8>,
    /// What the core can do.
    pub capabilities: Capabilities,
}

/// What there is now.
#[derive(Clone, Debug, Default)]
pub struct ReadResponse {
    /// Null when it is gone; the state as it was when reading failed.
    pub new_state: Dynamic,
    /// What the resource remembers.
    pub private: Vec<u8>,
    /// Problems and warnings.
    pub diagnostics: Diagnostics,
}

impl Server {
    /// Finds out what there is now.
    pub async fn read(&self, request: ReadRequest) -> ReadResponse {
        let unchanged = |diagnostics| ReadResponse {
            new_state: request.current_state.clone(),
            private: request.private.clone(),
            diagnostics,
        };
        let resource = match self.resource(&request.type_name, "read") {
            Ok(resource) => resource,
            Err(problems) => return unchanged(problems),
        };
        let summary = could_not("read", &request.type_name);
        let schema = resource.0.schema();
        let value = match decode(&request.current_state, &schema.value_type(), &summary) {
            Ok(Value::Null) => return unchanged(Diagnostics::new()),
            Ok(value) => value,
            Err(problems) => return unchanged(problems),
        };
        let limits = limits(schema, &value);
        let cx = self.context(Operation::Read, &request.type_name, limits, Some(request.capabilities));
        let stored = Stored { value, private: request.private.clone() };
        let outcome = match resource.0.read(&cx, stored).await {
            Ok(found) => answer(resource, found, &summary),
            Err(problems) => Err(problems),
        };
        let mut response = outcome.unwrap_or_else(unchanged);
        response.diagnostics = self.all(&cx, response.diagnostics);
        response
    }
}

fn answer(resource: &AnyResource, found: Option<Stored>, summary: &str) -> Result<ReadResponse, Diagnostics> {
    let schema = resource.0.schema();
    let (value, private) = found.map_or((Value::Null, Vec::new()), |found| (found.value, found.private));
    if !value.is_null() {
        rules::diagnostics(summary, check_state(&schema.body, &value)).into_result()?;
    }
    let new_state = encode(&value, &schema.value_type(), summary)?;
    Ok(ReadResponse { new_state, private, diagnostics: Diagnostics::new() })
}
