//! Values that no core would send, in every field of every call that has a value.
//!
//! Each must be answered: with an error diagnostic when the bytes are no value of the type, and by
//! a process that is still there afterwards, without a panic, and did not grow without bound.

use proptest::{
    collection::vec,
    prelude::{Strategy as _, any},
    strategy::ValueTree as _,
    test_runner::TestRunner,
};
use protocol_tests::{Mode, Planned, Problem, Shape, Stored, failed};
use tfplugin5::pb::{self, DynamicValue};
use tfvalue::Value;

use crate::subject::{Subject, plan};

/// A field of a call that carries a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Prepare,
    Configure,
    ValidateResource,
    ValidateDataSource,
    ValidateEphemeral,
    Read,
    PlanPrior,
    PlanProposed,
    PlanConfig,
    ApplyPrior,
    ApplyPlanned,
    ApplyConfig,
    ReadDataSource,
    OpenEphemeral,
    FunctionArgument,
    /// `provider_meta` of the four calls that have it; ours is none, so nobody reads it.
    Meta,
}

const FIELDS: [Field; 16] = [
    Field::Prepare,
    Field::Configure,
    Field::ValidateResource,
    Field::ValidateDataSource,
    Field::ValidateEphemeral,
    Field::Read,
    Field::PlanPrior,
    Field::PlanProposed,
    Field::PlanConfig,
    Field::ApplyPrior,
    Field::ApplyPlanned,
    Field::ApplyConfig,
    Field::ReadDataSource,
    Field::OpenEphemeral,
    Field::FunctionArgument,
    Field::Meta,
];

/// A provider, and calls to it of which one field at a time is hostile.
struct Victim {
    subject: Subject,
    provider: Shape,
    file: Shape,
    host: Shape,
    planned: Planned,
    stored: Stored,
}

impl Victim {
    async fn new(mode: Mode) -> Self {
        let subject = Subject::configured(mode).await;
        let config = subject.file_config("a", [("content", Value::from("x"))]);
        let stored = subject.make(&subject.file(), &Stored::default(), &config).await;
        let planned = plan(&subject.file(), &stored, &config).await;
        let (provider, host) = (subject.provider().unwrap(), subject.data_source("windlass_host").unwrap());
        Self { file: (*subject.file()).clone(), subject, provider, host, planned, stored }
    }

    /// The type of a field's value and a value that belongs there, if the provider reads it.
    fn valid(&self, field: Field) -> Option<(&Shape, Value)> {
        Some(match field {
            Field::Prepare | Field::Configure => {
                (&self.provider, self.provider.config([("on_unreachable", "keep")]).unwrap())
            }
            Field::ValidateDataSource | Field::ReadDataSource => {
                (&self.host, self.host.config([("host", "local://")]).unwrap())
            }
            Field::ValidateResource | Field::PlanConfig | Field::ApplyConfig => {
                (&self.file, self.planned.config.clone())
            }
            Field::PlanProposed | Field::ApplyPlanned => (&self.file, self.planned.planned.value.clone()),
            Field::Read | Field::PlanPrior | Field::ApplyPrior => (&self.file, self.stored.value.clone()),
            Field::ValidateEphemeral | Field::OpenEphemeral | Field::FunctionArgument | Field::Meta => {
                return None;
            }
        })
    }

    /// Calls with `hostile` in `field` and the rest as it should be.
    async fn call(&self, field: Field, hostile: DynamicValue) -> Vec<Problem> {
        let mut client = self.subject.client();
        let type_name = "windlass_file".to_owned();
        let config = Some(hostile.clone());
        macro_rules! answer {
            ($method:ident($request:expr)) => {{
                let answer = client.$method($request).await;
                let answer = answer.unwrap_or_else(|status| panic!("{field:?} {hostile:?}: {status}"));
                Problem::all(answer.into_inner().diagnostics)
            }};
        }
        match field {
            Field::Prepare => {
                answer!(prepare_provider_config(pb::prepare_provider_config::Request { config }))
            }
            Field::Configure => {
                answer!(configure(pb::configure::Request { config, ..Default::default() }))
            }
            Field::ValidateResource => {
                answer!(validate_resource_type_config(pb::validate_resource_type_config::Request {
                    type_name,
                    config,
                    client_capabilities: None
                }))
            }
            Field::ValidateDataSource => {
                let type_name = "windlass_host".to_owned();
                answer!(validate_data_source_config(pb::validate_data_source_config::Request {
                    type_name,
                    config
                }))
            }
            Field::ValidateEphemeral => {
                answer!(validate_ephemeral_resource_config(pb::validate_ephemeral_resource_config::Request {
                    type_name,
                    config
                }))
            }
            Field::Read => answer!(read_resource(pb::read_resource::Request {
                type_name,
                current_state: config,
                ..Default::default()
            })),
            Field::PlanPrior | Field::PlanProposed | Field::PlanConfig => {
                answer!(plan_resource_change(self.plan_request(field, hostile.clone())))
            }
            Field::ApplyPrior | Field::ApplyPlanned | Field::ApplyConfig => {
                answer!(apply_resource_change(self.apply_request(field, hostile.clone())))
            }
            Field::ReadDataSource => {
                let type_name = "windlass_host".to_owned();
                answer!(read_data_source(pb::read_data_source::Request {
                    type_name,
                    config,
                    ..Default::default()
                }))
            }
            Field::OpenEphemeral => {
                let client_capabilities = None;
                answer!(open_ephemeral_resource(pb::open_ephemeral_resource::Request {
                    type_name,
                    config,
                    client_capabilities
                }))
            }
            Field::FunctionArgument => {
                let request = pb::call_function::Request { name: "f".to_owned(), arguments: vec![hostile] };
                assert!(client.call_function(request).await.unwrap().into_inner().error.is_some());
                Vec::new()
            }
            Field::Meta => {
                let request = self.plan_request(field, hostile.clone());
                answer!(plan_resource_change(request))
            }
        }
    }

    fn value(&self, value: &Value) -> Option<DynamicValue> {
        Some(self.file.encode(value).unwrap())
    }

    fn plan_request(&self, field: Field, hostile: DynamicValue) -> pb::plan_resource_change::Request {
        let mut request = pb::plan_resource_change::Request {
            type_name: "windlass_file".to_owned(),
            prior_state: self.value(&self.stored.value),
            proposed_new_state: self.value(&self.planned.planned.value),
            config: self.value(&self.planned.config),
            ..Default::default()
        };
        match field {
            Field::PlanPrior => request.prior_state = Some(hostile),
            Field::PlanProposed => request.proposed_new_state = Some(hostile),
            Field::PlanConfig => request.config = Some(hostile),
            _ => request.provider_meta = Some(hostile),
        }
        request
    }

    fn apply_request(&self, field: Field, hostile: DynamicValue) -> pb::apply_resource_change::Request {
        let mut request = pb::apply_resource_change::Request {
            type_name: "windlass_file".to_owned(),
            prior_state: self.value(&self.stored.value),
            planned_state: self.value(&self.planned.planned.value),
            config: self.value(&self.planned.config),
            planned_private: self.planned.planned.private.clone(),
            ..Default::default()
        };
        match field {
            Field::ApplyPrior => request.prior_state = Some(hostile),
            Field::ApplyPlanned => request.planned_state = Some(hostile),
            _ => request.config = Some(hostile),
        }
        request
    }

    /// Calls, and demands an error for what is no value of the field's type.
    async fn attack(&self, field: Field, msgpack: Vec<u8>) {
        let is_value = match self.valid(field) {
            Some((shape, _)) => tfvalue::msgpack::decode(&msgpack, &shape.ty).is_ok(),
            None => true,
        };
        // No bytes at all mean null, as from a core.
        let is_value = is_value || msgpack.is_empty();
        let shown: Vec<u8> = msgpack.iter().take(40).copied().collect();
        let problems = self.call(field, DynamicValue { msgpack, json: Vec::new() }).await;
        assert!(is_value || failed(&problems), "{field:?} took {shown:02x?} for a value");
    }

    async fn end(self) {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.subject.pid().unwrap())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kilobytes: u64 = peak.split_whitespace().next().unwrap().parse().unwrap();
        assert!(kilobytes < 300 << 10, "the provider grew to {kilobytes} KB");
        self.subject.end().await;
    }
}

/// Lengths that promise four thousand million elements, texts that are no text, and nesting.
fn crafted() -> Vec<Vec<u8>> {
    let huge = [0xdf, 0xdd, 0xdb, 0xc6].map(|marker| vec![marker, 0xff, 0xff, 0xff, 0xff]);
    let mut all = huge.to_vec();
    all.push(vec![0xc9, 0xff, 0xff, 0xff, 0xff, 0x00]);
    all.push(vec![0xc9, 0xff, 0xff, 0xff, 0xff, 0x0c]);
    // {"host": <four thousand million elements>}
    all.push([&[0x81, 0xa4][..], b"host", &[0xdd, 0xff, 0xff, 0xff, 0xff]].concat());
    // {"host": <text that is not UTF-8>}
    all.push([&[0x81, 0xa4][..], b"host", &[0xa2, 0xff, 0xfe]].concat());
    all.push(vec![0xc1]);
    all.push(vec![0x91; 1 << 20]);
    all.push([0x81, 0xa1, b'a'].repeat(1 << 18));
    // An unknown value whose refinement is nonsense.
    all.push(vec![0xc7, 0x04, 0x0c, 0x81, 0x01, 0xdd, 0xff]);
    all
}

#[tokio::test]
async fn random_bytes_are_diagnostics_in_every_field() {
    for (mode, rounds) in [(Mode::Tls, 100), (Mode::Plain, 10)] {
        let victim = Victim::new(mode).await;
        // Always the same bytes, so that a failure comes again.
        let mut runner = TestRunner::deterministic();
        let bytes = vec(any::<u8>(), 0..80);
        for field in FIELDS {
            for _ in 0..rounds {
                let hostile = bytes.new_tree(&mut runner).unwrap().current();
                victim.attack(field, hostile).await;
            }
        }
        victim.end().await;
    }
}

#[tokio::test]
async fn crafted_bytes_are_diagnostics_in_every_field() {
    let victim = Victim::new(Mode::Tls).await;
    for field in FIELDS {
        for hostile in crafted() {
            victim.attack(field, hostile).await;
        }
    }
    victim.end().await;
}

#[tokio::test]
async fn values_that_end_too_early_or_late_are_diagnostics() {
    let victim = Victim::new(Mode::Tls).await;
    for field in FIELDS {
        let Some((shape, value)) = victim.valid(field) else { continue };
        let valid = shape.encode(&value).unwrap().msgpack;
        for length in (1..valid.len()).step_by(7) {
            victim.attack(field, valid[..length].to_vec()).await;
        }
        victim.attack(field, [&valid[..], &[0xc0]].concat()).await;
    }
    victim.end().await;
}

/// One bit is wrong. What comes out may be a value; only calls that do nothing are made.
#[tokio::test]
async fn values_with_a_wrong_bit_are_answered() {
    let victim = Victim::new(Mode::Tls).await;
    for field in [Field::Prepare, Field::ValidateResource, Field::ValidateDataSource, Field::PlanPrior] {
        let (shape, value) = victim.valid(field).unwrap();
        let valid = shape.encode(&value).unwrap().msgpack;
        for position in 0..valid.len() {
            let mut hostile = valid.clone();
            hostile[position] ^= 1 << (position % 8);
            victim.attack(field, hostile).await;
        }
    }
    victim.end().await;
}

#[tokio::test]
async fn hostile_json_is_diagnostics_in_every_field() {
    let victim = Victim::new(Mode::Tls).await;
    let deep = "[".repeat(1 << 20);
    for field in FIELDS {
        for text in ["{", "7", "[]", "{\"host\":", "{\"host\":{}}", "\u{1}", deep.as_str()] {
            let hostile = DynamicValue { msgpack: Vec::new(), json: text.as_bytes().to_vec() };
            let problems = victim.call(field, hostile).await;
            assert!(victim.valid(field).is_none() || failed(&problems), "{field:?} took {text:.40}");
        }
    }
    victim.end().await;
}

/// The provider's own bytes, as they come back from a state file that somebody edited.
#[tokio::test]
async fn hostile_private_state_is_diagnostics() {
    let victim = Victim::new(Mode::Tls).await;
    let file = victim.subject.file();
    let deep = "[".repeat(1 << 20).into_bytes();
    for private in [b"{".to_vec(), b"null".to_vec(), vec![0xff, 0x00], b"{\"v\":1,\"data\":7}".to_vec(), deep]
    {
        let stored = Stored { private: private.clone(), ..victim.stored.clone() };
        assert!(failed(&file.read(&stored).await.unwrap().problems), "{private:.40?}");
        let planned = file.plan(&stored, &victim.planned.config).await.unwrap();
        assert!(failed(&planned.problems));
        let mut client = victim.subject.client();
        let request =
            pb::renew_ephemeral_resource::Request { type_name: "none".to_owned(), private: Some(private) };
        assert!(failed(&Problem::all(
            client.renew_ephemeral_resource(request).await.unwrap().into_inner().diagnostics
        )));
    }
    victim.end().await;
}
