//! The plugin protocol on one side, the framework's server on the other: decode, call, encode.
//!
//! The only module that names the wire's types. There is no logic here.

mod convert;
mod schema;

use framework::server::{
    ApplyRequest, ConfigureRequest, MoveRequest, OpenRequest, PlanRequest, ReadDataSourceRequest,
    ReadRequest, Server, UpgradeRequest, ValidateRequest,
};
use tfplugin5::pb::{self, provider_server::Provider as Wire};
use tonic::{Request, Response, Status, async_trait};

use convert::{capabilities, diagnostics, dynamic, path, time, wire};

/// Serves the framework's server over the plugin protocol.
pub struct Adapter(Server);

impl Adapter {
    /// An adapter for `server`.
    pub fn new(server: Server) -> Self {
        Self(server)
    }
}

type Answer<T> = Result<Response<T>, Status>;

fn answer<T>(message: T) -> Answer<T> {
    Ok(Response::new(message))
}

#[async_trait]
impl Wire for Adapter {
    async fn get_schema(
        &self,
        _: Request<pb::get_provider_schema::Request>,
    ) -> Answer<pb::get_provider_schema::Response> {
        answer(schema::provider(&self.0.schema()))
    }

    async fn get_functions(
        &self,
        _: Request<pb::get_functions::Request>,
    ) -> Answer<pb::get_functions::Response> {
        answer(pb::get_functions::Response {
            functions: schema::functions(&self.0.functions()),
            diagnostics: Vec::new(),
        })
    }

    async fn prepare_provider_config(
        &self,
        request: Request<pb::prepare_provider_config::Request>,
    ) -> Answer<pb::prepare_provider_config::Response> {
        let prepared = self.0.prepare_provider_config(dynamic(request.into_inner().config)).await;
        answer(pb::prepare_provider_config::Response {
            prepared_config: wire(prepared.config),
            diagnostics: diagnostics(prepared.diagnostics),
        })
    }

    async fn configure(&self, request: Request<pb::configure::Request>) -> Answer<pb::configure::Response> {
        let request = request.into_inner();
        let problems = self
            .0
            .configure(ConfigureRequest {
                terraform_version: request.terraform_version,
                config: dynamic(request.config),
                capabilities: capabilities(request.client_capabilities),
            })
            .await;
        answer(pb::configure::Response { diagnostics: diagnostics(problems) })
    }

    async fn validate_resource_type_config(
        &self,
        request: Request<pb::validate_resource_type_config::Request>,
    ) -> Answer<pb::validate_resource_type_config::Response> {
        let request = request.into_inner();
        let problems = self
            .0
            .validate_resource(ValidateRequest {
                type_name: request.type_name,
                config: dynamic(request.config),
                capabilities: capabilities(request.client_capabilities),
            })
            .await;
        answer(pb::validate_resource_type_config::Response { diagnostics: diagnostics(problems) })
    }

    async fn validate_data_source_config(
        &self,
        request: Request<pb::validate_data_source_config::Request>,
    ) -> Answer<pb::validate_data_source_config::Response> {
        let request = request.into_inner();
        let request = ValidateRequest {
            type_name: request.type_name,
            config: dynamic(request.config),
            capabilities: capabilities(None),
        };
        let problems = self.0.validate_data_source(request).await;
        answer(pb::validate_data_source_config::Response { diagnostics: diagnostics(problems) })
    }

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<pb::validate_ephemeral_resource_config::Request>,
    ) -> Answer<pb::validate_ephemeral_resource_config::Response> {
        let request = request.into_inner();
        let request = ValidateRequest {
            type_name: request.type_name,
            config: dynamic(request.config),
            capabilities: capabilities(None),
        };
        let problems = self.0.validate_ephemeral(request).await;
        answer(pb::validate_ephemeral_resource_config::Response { diagnostics: diagnostics(problems) })
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<pb::upgrade_resource_state::Request>,
    ) -> Answer<pb::upgrade_resource_state::Response> {
        let request = request.into_inner();
        let upgraded = self
            .0
            .upgrade(UpgradeRequest {
                type_name: request.type_name,
                version: request.version,
                json: request.raw_state.unwrap_or_default().json,
            })
            .await;
        answer(pb::upgrade_resource_state::Response {
            upgraded_state: wire(upgraded.upgraded_state),
            diagnostics: diagnostics(upgraded.diagnostics),
        })
    }

    async fn read_resource(
        &self,
        request: Request<pb::read_resource::Request>,
    ) -> Answer<pb::read_resource::Response> {
        let request = request.into_inner();
        let read = self
            .0
            .read(ReadRequest {
                type_name: request.type_name,
                current_state: dynamic(request.current_state),
                private: request.private,
                capabilities: capabilities(request.client_capabilities),
            })
            .await;
        answer(pb::read_resource::Response {
            new_state: wire(read.new_state),
            diagnostics: diagnostics(read.diagnostics),
            private: read.private,
            ..Default::default()
        })
    }

    async fn plan_resource_change(
        &self,
        request: Request<pb::plan_resource_change::Request>,
    ) -> Answer<pb::plan_resource_change::Response> {
        let request = request.into_inner();
        let plan = self
            .0
            .plan(PlanRequest {
                type_name: request.type_name,
                prior_state: dynamic(request.prior_state),
                proposed_new_state: dynamic(request.proposed_new_state),
                config: dynamic(request.config),
                prior_private: request.prior_private,
                capabilities: capabilities(request.client_capabilities),
            })
            .await;
        answer(pb::plan_resource_change::Response {
            planned_state: wire(plan.planned_state),
            requires_replace: plan.requires_replace.iter().map(path).collect(),
            planned_private: plan.planned_private,
            diagnostics: diagnostics(plan.diagnostics),
            ..Default::default()
        })
    }

    async fn apply_resource_change(
        &self,
        request: Request<pb::apply_resource_change::Request>,
    ) -> Answer<pb::apply_resource_change::Response> {
        let request = request.into_inner();
        let applied = self
            .0
            .apply(ApplyRequest {
                type_name: request.type_name,
                prior_state: dynamic(request.prior_state),
                planned_state: dynamic(request.planned_state),
                config: dynamic(request.config),
                planned_private: request.planned_private,
            })
            .await;
        answer(pb::apply_resource_change::Response {
            new_state: wire(applied.new_state),
            private: applied.private,
            diagnostics: diagnostics(applied.diagnostics),
            ..Default::default()
        })
    }

    async fn import_resource_state(
        &self,
        request: Request<pb::import_resource_state::Request>,
    ) -> Answer<pb::import_resource_state::Response> {
        let request = request.into_inner();
        let import = self.0.import(&request.type_name, &request.id).await;
        let imported = import.imported.into_iter().map(|one| pb::import_resource_state::ImportedResource {
            type_name: one.type_name,
            state: wire(one.state),
            private: one.private,
            identity: None,
        });
        answer(pb::import_resource_state::Response {
            imported_resources: imported.collect(),
            diagnostics: diagnostics(import.diagnostics),
            deferred: None,
        })
    }

    async fn move_resource_state(
        &self,
        request: Request<pb::move_resource_state::Request>,
    ) -> Answer<pb::move_resource_state::Response> {
        let request = request.into_inner();
        let problems = self.0.move_state(&MoveRequest {
            source_type_name: request.source_type_name,
            target_type_name: request.target_type_name,
        });
        answer(pb::move_resource_state::Response { diagnostics: diagnostics(problems), ..Default::default() })
    }

    async fn read_data_source(
        &self,
        request: Request<pb::read_data_source::Request>,
    ) -> Answer<pb::read_data_source::Response> {
        let request = request.into_inner();
        let read = self
            .0
            .read_data_source(ReadDataSourceRequest {
                type_name: request.type_name,
                config: dynamic(request.config),
                capabilities: capabilities(request.client_capabilities),
            })
            .await;
        answer(pb::read_data_source::Response {
            state: wire(read.state),
            diagnostics: diagnostics(read.diagnostics),
            deferred: None,
        })
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<pb::open_ephemeral_resource::Request>,
    ) -> Answer<pb::open_ephemeral_resource::Response> {
        let request = request.into_inner();
        let opened = self
            .0
            .open_ephemeral(OpenRequest {
                type_name: request.type_name,
                config: dynamic(request.config),
                capabilities: capabilities(request.client_capabilities),
            })
            .await;
        answer(pb::open_ephemeral_resource::Response {
            result: wire(opened.result),
            private: Some(opened.private),
            renew_at: opened.renew_at.map(time),
            diagnostics: diagnostics(opened.diagnostics),
            deferred: None,
        })
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<pb::renew_ephemeral_resource::Request>,
    ) -> Answer<pb::renew_ephemeral_resource::Response> {
        let request = request.into_inner();
        let renewed = self.0.renew_ephemeral(&request.type_name, &request.private.unwrap_or_default()).await;
        answer(pb::renew_ephemeral_resource::Response {
            private: Some(renewed.private),
            renew_at: renewed.renew_at.map(time),
            diagnostics: diagnostics(renewed.diagnostics),
        })
    }

    async fn close_ephemeral_resource(
        &self,
        request: Request<pb::close_ephemeral_resource::Request>,
    ) -> Answer<pb::close_ephemeral_resource::Response> {
        let request = request.into_inner();
        let problems = self.0.close_ephemeral(&request.type_name, &request.private.unwrap_or_default()).await;
        answer(pb::close_ephemeral_resource::Response { diagnostics: diagnostics(problems) })
    }

    async fn call_function(
        &self,
        request: Request<pb::call_function::Request>,
    ) -> Answer<pb::call_function::Response> {
        let request = request.into_inner();
        let arguments: Vec<_> =
            request.arguments.into_iter().map(|argument| dynamic(Some(argument))).collect();
        answer(match self.0.call_function(&request.name, &arguments).await {
            Ok(result) => pb::call_function::Response { result: wire(result), error: None },
            Err(error) => {
                pb::call_function::Response { result: None, error: Some(convert::function_error(error)) }
            }
        })
    }

    async fn stop(&self, _: Request<pb::stop::Request>) -> Answer<pb::stop::Response> {
        self.0.stop();
        answer(pb::stop::Response::default())
    }
}
