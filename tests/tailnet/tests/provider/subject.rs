//! A running provider that knows a tailnet.

use std::ops::Deref;

use protocol_tests::{
    CAPABILITIES, Launch, Mode, Planned, Problem, Resource, Session, Signal, Stored, failed, provider_binary,
    values,
};
use tailnet_tests::TailscaleServer;
use tempfile::TempDir;
use tfplugin5::pb;
use tfvalue::Value;

/// A provider. Derefs to its [`Session`].
pub struct Subject {
    session: Session,
    _home: TempDir,
}

impl Subject {
    /// One with a `tailnet` block of these attributes, under these variables.
    pub async fn start<'v>(
        block: &[(&str, Value)],
        variables: impl IntoIterator<Item = (&'v str, String)>,
    ) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut launch = Launch::new(provider_binary().unwrap(), Mode::Tls).unwrap().env("HOME", home.path());
        for (name, value) in variables {
            launch = launch.env(name, value);
        }
        let session = Session::open(launch.start().await.unwrap()).await.unwrap();
        let shape = session.provider().unwrap();
        let nested = shape.block.block_types.iter().find(|nested| nested.type_name == "tailnet").unwrap();
        let block = values::config(nested.block.as_ref().unwrap(), block.iter().cloned()).unwrap();
        let config = shape.config([("tailnet", Value::list_of([block]))]).unwrap();
        assert_eq!(session.configure(shape.encode(&config).unwrap()).await.unwrap(), []);
        Self { session, _home: home }
    }

    /// One that knows the tailnet of this server.
    pub async fn at(server: &TailscaleServer) -> Self {
        let block = [("base_url", server.url().into()), ("api_key", TailscaleServer::API_KEY.into())];
        Self::start(&block, []).await
    }

    pub fn policy(&self) -> Resource {
        self.resource("windlass_tailnet_policy").unwrap()
    }

    pub fn key(&self) -> Resource {
        self.resource("windlass_tailnet_key").unwrap()
    }

    /// Opens the ephemeral key: its result, and what closes it.
    pub async fn open(&self, given: &[(&str, Value)]) -> (Value, Vec<u8>, Vec<Problem>) {
        let name = "windlass_tailnet_key";
        let schema = &self.schema().ephemeral_resource_schemas[name];
        let block = schema.block.clone().unwrap();
        let ty = values::block_type(&block).unwrap();
        let config = values::config(&block, given.iter().cloned()).unwrap();
        let request = pb::open_ephemeral_resource::Request {
            type_name: name.to_owned(),
            config: Some(values::encode(&config, &ty).unwrap()),
            client_capabilities: Some(CAPABILITIES),
        };
        let response = self.client().open_ephemeral_resource(request).await.unwrap().into_inner();
        let problems = Problem::all(response.diagnostics);
        let result = if failed(&problems) {
            Value::Null
        } else {
            values::decode(response.result.as_ref(), &ty).unwrap()
        };
        (result, response.private.unwrap_or_default(), problems)
    }

    /// Closes it.
    pub async fn close(&self, private: Vec<u8>) {
        let type_name = "windlass_tailnet_key".to_owned();
        let request = pb::close_ephemeral_resource::Request { type_name, private: Some(private) };
        let response = self.client().close_ephemeral_resource(request).await.unwrap().into_inner();
        assert_eq!(Problem::all(response.diagnostics), []);
    }

    /// Ends the provider as a power cut does.
    pub async fn kill(self) {
        let mut core = self.session.into_core();
        core.signal(Signal::KILL).unwrap();
        assert!(!core.exit().await.unwrap().success());
    }

    /// Ends the provider as a core does.
    pub async fn end(self) {
        assert!(self.session.into_core().shutdown().await.unwrap().success());
    }
}

impl Deref for Subject {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

/// A plan without an error.
#[track_caller]
pub fn fine(planned: Planned) -> Planned {
    assert!(!failed(&planned.problems), "{:#?}", planned.problems);
    planned
}

/// Plans and applies what must succeed.
pub async fn make(resource: &Resource, prior: &Stored, config: &Value) -> Stored {
    let planned = fine(resource.plan(prior, config).await.unwrap());
    let reached = resource.apply(&planned).await.unwrap();
    assert_eq!(reached.problems, []);
    reached.stored
}

/// Reads what must be there.
pub async fn read(resource: &Resource, stored: &Stored) -> Stored {
    let reached = resource.read(stored).await.unwrap();
    assert_eq!(reached.problems, []);
    reached.stored
}

/// Whether the plan changes nothing.
pub async fn is_unchanged(resource: &Resource, stored: &Stored, config: &Value) -> bool {
    let planned = fine(resource.plan(stored, config).await.unwrap());
    planned.planned.value == stored.value && planned.replace.is_empty()
}

/// The only error, in title and text.
#[track_caller]
pub fn error(problems: &[Problem]) -> String {
    let errors: Vec<&Problem> = problems.iter().filter(|problem| problem.is_error).collect();
    assert_eq!(errors.len(), 1, "{problems:#?}");
    format!("{} (at {})\n{}", errors[0].summary, errors[0].path, errors[0].detail)
}

/// A text attribute.
#[track_caller]
pub fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.attribute(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no text {name} in {value:?}"))
}
