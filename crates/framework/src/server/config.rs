//! PrepareProviderConfig and Configure.

use super::{Core, Dynamic, Server, decode, validate};
use crate::schema::{Operation, Timeouts};
use crate::{Capabilities, Diagnostics};

/// The answer to PrepareProviderConfig.
#[derive(Clone, Debug)]
pub struct PreparedConfig {
    /// The configuration as it came; cores ignore it.
    pub config: Dynamic,
    /// What is wrong with it.
    pub diagnostics: Diagnostics,
}

/// What Configure is called with.
#[derive(Clone, Debug, Default)]
pub struct ConfigureRequest {
    /// The core's version, such as `1.11.4`.
    pub terraform_version: String,
    /// The provider's configuration; may hold unknown values.
    pub config: Dynamic,
    /// What the core can do.
    pub capabilities: Capabilities,
}

const NAME: &str = "the provider";

impl Server {
    /// Validates the provider's configuration.
    pub async fn prepare_provider_config(&self, config: Dynamic) -> PreparedConfig {
        let schema = self.provider.schema();
        let cx = self.context(Operation::Validate, NAME, Timeouts::default(), None);
        let diagnostics = match decode(&config, &schema.value_type(), "Could not validate the provider") {
            Ok(value) => {
                let mut problems = validate::by_schema(&schema.body, &value);
                problems.append(self.provider.validate(&cx, &value).await);
                self.all(&cx, problems)
            }
            Err(problems) => problems,
        };
        PreparedConfig { config, diagnostics }
    }

    /// Configures the provider.
    pub async fn configure(&self, request: ConfigureRequest) -> Diagnostics {
        let ConfigureRequest { terraform_version, config, capabilities } = request;
        self.set_core(Core { version: terraform_version, capabilities });
        let cx = self.context(Operation::Configure, NAME, Timeouts::default(), Some(capabilities));
        let schema = self.provider.schema();
        let outcome = match decode(&config, &schema.value_type(), "Could not configure the provider") {
            Ok(value) => self.provider.configure(&cx, &value).await,
            Err(problems) => Err(problems),
        };
        self.all(&cx, outcome.err().unwrap_or_default())
    }
}
