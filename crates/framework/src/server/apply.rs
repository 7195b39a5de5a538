//! ApplyResourceChange.

use tfvalue::{Type, Value};

use super::{Dynamic, Server, decode, encode, limits};
use crate::erased::{AnyResource, Applied, Stored, could_not, private_of_prior};
use crate::rules::{self, Violation, check_apply, check_state, without_unknown, without_write_only};
use crate::schema::{Body, Operation};
use crate::{Context, Diagnostics};

/// What is to be done.
#[derive(Clone, Debug, Default)]
pub struct ApplyRequest {
    /// The type of the resource.
    pub type_name: String,
    /// What there is; null for a create.
    pub prior_state: Dynamic,
    /// What was planned; null for a destruction.
    pub planned_state: Dynamic,
    /// What the person wrote, write-only attributes included.
    pub config: Dynamic,
    /// What the plan answered.
    pub planned_private: Vec<u8>,
}

/// What was reached, whether or not it succeeded.
#[derive(Clone, Debug, Default)]
pub struct ApplyResponse {
    /// What exists now; null only if nothing does.
    pub new_state: Dynamic,
    /// What the resource remembers.
    pub private: Vec<u8>,
    /// Problems and warnings.
    pub diagnostics: Diagnostics,
}

impl Server {
    /// Creates, updates or destroys.
    pub async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        let fallback = ApplyResponse {
            new_state: request.prior_state.clone(),
            private: private_of_prior(&request.planned_private),
            diagnostics: Diagnostics::new(),
        };
        let resource = match self.resource(&request.type_name, "apply") {
            Ok(resource) => resource,
            Err(diagnostics) => return ApplyResponse { diagnostics, ..fallback },
        };
        let values = match Values::decode(resource, &request) {
            Ok(values) => values,
            Err(diagnostics) => return ApplyResponse { diagnostics, ..fallback },
        };
        let schema = resource.0.schema();
        let (operation, limits_from) = match (values.prior.is_null(), values.planned.is_null()) {
            (_, true) => (Operation::Delete, &values.prior),
            (true, false) => (Operation::Create, &values.planned),
            (false, false) => (Operation::Update, &values.planned),
        };
        let cx = self.context(operation, &request.type_name, limits(schema, limits_from), None);
        let mut response = if operation == Operation::Delete {
            delete(resource, &cx, values, request, fallback).await
        } else {
            create_or_update(resource, &cx, values, request, fallback).await
        };
        response.diagnostics = self.all(&cx, response.diagnostics);
        response
    }
}

struct Values {
    ty: Type,
    prior: Value,
    planned: Value,
    config: Value,
}

impl Values {
    fn decode(resource: &AnyResource, request: &ApplyRequest) -> Result<Self, Diagnostics> {
        let ty = resource.0.schema().value_type();
        let summary = could_not("apply", &request.type_name);
        let prior = decode(&request.prior_state, &ty, &summary)?;
        let planned = decode(&request.planned_state, &ty, &summary)?;
        let config = decode(&request.config, &ty, &summary)?;
        Ok(Self { ty, prior, planned, config })
    }
}

async fn delete(
    resource: &AnyResource,
    cx: &Context,
    values: Values,
    request: ApplyRequest,
    fallback: ApplyResponse,
) -> ApplyResponse {
    let summary = could_not("delete", &request.type_name);
    if !values.prior.is_null() {
        let stored = Stored { value: values.prior, private: request.planned_private };
        if let Err(diagnostics) = resource.0.delete(cx, stored).await {
            return ApplyResponse { diagnostics, ..fallback };
        }
    }
    match encode(&Value::Null, &values.ty, &summary) {
        Ok(new_state) => ApplyResponse { new_state, ..ApplyResponse::default() },
        Err(diagnostics) => ApplyResponse { diagnostics, ..fallback },
    }
}

async fn create_or_update(
    resource: &AnyResource,
    cx: &Context,
    values: Values,
    request: ApplyRequest,
    fallback: ApplyResponse,
) -> ApplyResponse {
    let Values { ty, prior, planned, config } = values;
    let verb = if prior.is_null() { "create" } else { "update" };
    let summary = could_not(verb, &request.type_name);
    let body = &resource.0.schema().body;
    let prior = (!prior.is_null()).then_some(prior);
    let wanted = Stored { value: planned.clone(), private: request.planned_private };
    let Applied { state, mut problems } = resource.0.apply(cx, prior, wanted, config).await;

    // The rules are for success; after a failure the state is whatever was reached.
    if !problems.has_errors() {
        problems.append(rules::diagnostics(&summary, violations(body, &planned, state.as_ref())));
    }
    let Some(Stored { value, private }) = state else {
        // Nothing was created; an update without a state is a bug that must not forget what there was.
        return ApplyResponse { diagnostics: problems, ..fallback };
    };
    let value = without_unknown(without_write_only(body, value));
    let encoded = encode(&value, &ty, &summary).or_else(|more| {
        problems.append(more);
        // Better a state that is only roughly right than something that exists and is not recorded.
        encode(&without_unknown(planned), &ty, &summary)
    });
    match encoded {
        Ok(new_state) => ApplyResponse { new_state, private, diagnostics: problems },
        Err(more) => {
            problems.append(more);
            ApplyResponse { diagnostics: problems, ..fallback }
        }
    }
}

fn violations(body: &Body, planned: &Value, state: Option<&Stored>) -> Vec<Violation> {
    let Some(Stored { value, .. }) = state else {
        let what = "the operation succeeded without recording a state";
        return vec![Violation { path: tfvalue::Path::root(), what }];
    };
    let mut violations = check_state(body, value);
    for violation in check_apply(body, planned, value) {
        if violations.iter().all(|known| known.path != violation.path) {
            violations.push(violation);
        }
    }
    violations
}
