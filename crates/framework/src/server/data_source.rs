//! ReadDataSource.

use tfvalue::Value;

use super::{Dynamic, Server, decode, encode, limits, unsupported};
use crate::erased::could_not;
use crate::rules::{self, check_plan, check_state};
use crate::schema::{Body, Operation};
use crate::{Capabilities, Diagnostics};

/// What is to be looked up.
#[derive(Clone, Debug, Default)]
pub struct ReadDataSourceRequest {
    /// The type of the data source.
    pub type_name: String,
    /// Its configuration, wholly known.
    pub config: Dynamic,
    /// What the core can do.
    pub capabilities: Capabilities,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct ReadDataSourceResponse {
    /// The configuration and everything computed.
    pub state: Dynamic,
    /// Problems and warnings.
    pub diagnostics: Diagnostics,
}

impl Server {
    /// Looks something up.
    pub async fn read_data_source(&self, request: ReadDataSourceRequest) -> ReadDataSourceResponse {
        let failed = |diagnostics| ReadDataSourceResponse { state: Dynamic::default(), diagnostics };
        let ReadDataSourceRequest { type_name, config, capabilities } = request;
        let Some(source) = self.data_sources.get(type_name.as_str()) else {
            return failed(unsupported("data source", &type_name, "read"));
        };
        let schema = source.0.schema();
        let ty = schema.value_type();
        let summary = could_not("read", &type_name);
        let config = match decode(&config, &ty, &summary) {
            Ok(config) => config,
            Err(problems) => return failed(problems),
        };
        let cx = self.context(Operation::Read, &type_name, limits(schema, &config), Some(capabilities));
        let outcome = match source.0.read(&cx, &config).await {
            Ok(found) => check_result(&schema.body, &config, &found, &summary)
                .and_then(|()| encode(&found, &ty, &summary)),
            Err(problems) => Err(problems),
        };
        match outcome {
            Ok(state) => ReadDataSourceResponse { state, diagnostics: self.all(&cx, Diagnostics::new()) },
            Err(problems) => failed(self.all(&cx, problems)),
        }
    }
}

/// The rules for what is computed in one go from a configuration: it says what the configuration
/// says, and everything is known.
pub(super) fn check_result(
    body: &Body,
    config: &Value,
    found: &Value,
    summary: &str,
) -> Result<(), Diagnostics> {
    let mut violations = check_plan(body, None, config, found);
    for violation in check_state(body, found) {
        if violations.iter().all(|known| known.path != violation.path) {
            violations.push(violation);
        }
    }
    rules::diagnostics(summary, violations).into_result()
}
