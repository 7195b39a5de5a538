//! PlanResourceChange.

use std::collections::BTreeSet;

use tfvalue::{Path, Value};

use super::{Dynamic, Server, decode, encode};
use crate::erased::{AnyResource, Planned, Stored, could_not};
use crate::rules::{self, check_plan, replace_paths, without_write_only};
use crate::schema::{Operation, Timeouts};
use crate::{Capabilities, Context, Diagnostics};

/// What a plan is made from.
#[derive(Clone, Debug, Default)]
pub struct PlanRequest {
    /// The type of the resource.
    pub type_name: String,
    /// What there is; null for a create.
    pub prior_state: Dynamic,
    /// The core's own proposal. Only whether it is null matters: then the plan is a destruction.
    pub proposed_new_state: Dynamic,
    /// What the person wrote, write-only attributes included.
    pub config: Dynamic,
    /// What the resource remembers.
    pub prior_private: Vec<u8>,
    /// What the core can do.
    pub capabilities: Capabilities,
}

/// A plan.
#[derive(Clone, Debug, Default)]
pub struct PlanResponse {
    /// What will be; null for a destruction.
    pub planned_state: Dynamic,
    /// The attributes that replace the resource.
    pub requires_replace: Vec<Path>,
    /// What apply is told besides.
    pub planned_private: Vec<u8>,
    /// Problems and warnings.
    pub diagnostics: Diagnostics,
}

impl Server {
    /// Plans a create, update or destruction.
    pub async fn plan(&self, request: PlanRequest) -> PlanResponse {
        let resource = match self.resource(&request.type_name, "plan") {
            Ok(resource) => resource,
            Err(diagnostics) => return PlanResponse { diagnostics, ..PlanResponse::default() },
        };
        let limits = Timeouts::default();
        let cx = self.context(Operation::Plan, &request.type_name, limits, Some(request.capabilities));
        let mut response = match plan(resource, &cx, request).await {
            Ok(response) => response,
            Err(diagnostics) => PlanResponse { diagnostics, ..PlanResponse::default() },
        };
        response.diagnostics = self.all(&cx, response.diagnostics);
        response
    }
}

async fn plan(
    resource: &AnyResource,
    cx: &Context,
    request: PlanRequest,
) -> Result<PlanResponse, Diagnostics> {
    let resource = &resource.0;
    let summary = could_not("plan", &request.type_name);
    let ty = resource.schema().value_type();
    let body = &resource.schema().body;
    let prior = decode(&request.prior_state, &ty, &summary)?;
    let proposed = decode(&request.proposed_new_state, &ty, &summary)?;
    let prior = (!prior.is_null()).then_some(prior);

    if proposed.is_null() {
        if let Some(value) = prior {
            let private = request.prior_private.clone();
            resource.plan_destroy(cx, Stored { value, private }).await?;
        }
        return Ok(PlanResponse {
            planned_state: encode(&Value::Null, &ty, &summary)?,
            planned_private: request.prior_private,
            ..PlanResponse::default()
        });
    }

    let config = decode(&request.config, &ty, &summary)?;
    let stored = prior.clone().map(|value| Stored { value, private: request.prior_private });
    let Planned { value, private, requires_replace } = resource.plan(cx, stored, config.clone()).await?;

    let violations = check_plan(body, prior.as_ref(), &config, &value);
    let mut diagnostics = rules::diagnostics(&summary, violations);
    let requires_replace = prior.map(|prior| {
        let mut paths: BTreeSet<Path> = requires_replace.into_iter().collect();
        paths.extend(replace_paths(body, &prior, &value));
        paths.into_iter().collect()
    });
    // What breaks a rule must not carry a secret into a plan file either.
    let planned_state = match encode(&without_write_only(body, value), &ty, &summary) {
        Ok(planned_state) => planned_state,
        // The rules have named the attribute already.
        Err(_) if diagnostics.has_errors() => Dynamic::default(),
        Err(more) => {
            diagnostics.append(more);
            Dynamic::default()
        }
    };
    Ok(PlanResponse {
        planned_state,
        requires_replace: requires_replace.unwrap_or_default(),
        planned_private: private,
        diagnostics,
    })
}
