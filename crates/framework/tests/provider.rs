//! A whole provider through the server: what is not a managed resource's life.
#![allow(clippy::unwrap_used)]

mod shelf;

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use framework::server::{
    ConfigureRequest, Dynamic, MoveRequest, OpenRequest, ReadDataSourceRequest, UpgradeRequest,
    ValidateRequest,
};
use framework::{
    AnyDataSource, AnyEphemeral, AnyFunction, AnyResource, Attribute, Capabilities, Context, DataSource,
    Diagnostic, Diagnostics, Documentation, EphemeralResource, Field, Function, FunctionError, Model, Opened,
    Provider, Schema, Server, Type, Value, Variadic, async_trait, testing, validate,
};
use secret::Secret;
use shelf::Shelf;

/// What the provider's parts share, as a real one would.
#[derive(Clone, Default)]
struct Library {
    town: Arc<Mutex<Option<Field<String>>>>,
    closed: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Model)]
struct LibraryModel {
    town: Field<String>,
}

#[async_trait]
impl Provider for Library {
    type Model = LibraryModel;

    fn schema(&self) -> Schema {
        let town = Attribute::string("town").validate(validate::non_empty()).describe("Where it is.");
        Schema::new(0).attribute(town)
    }

    async fn configure(&self, cx: &Context, config: LibraryModel) -> Result<(), Diagnostics> {
        cx.warn(Diagnostic::warning(format!("Told by {}", cx.terraform_version())));
        *self.town.lock().unwrap() = Some(config.town);
        Ok(())
    }

    fn resources(&self) -> Vec<AnyResource> {
        vec![AnyResource::new(Shelf::default())]
    }

    fn data_sources(&self) -> Vec<AnyDataSource> {
        vec![AnyDataSource::new(Opening)]
    }

    fn ephemerals(&self) -> Vec<AnyEphemeral> {
        vec![AnyEphemeral::new(Key(self.clone()))]
    }

    fn functions(&self) -> Vec<AnyFunction> {
        vec![AnyFunction::new(Join)]
    }
}

struct Opening;

#[derive(Clone, Model)]
struct OpeningModel {
    day: Field<String>,
    hours: Field<i64>,
}

#[async_trait]
impl DataSource for Opening {
    type Model = OpeningModel;

    fn type_name(&self) -> &'static str {
        "test_opening"
    }

    fn schema(&self) -> Schema {
        Schema::new(0)
            .attribute(Attribute::string("day").default("monday").describe("The day."))
            .attribute(Attribute::number("hours").computed().describe("How long it is open."))
    }

    async fn read(&self, _: &Context, mut config: OpeningModel) -> Result<OpeningModel, Diagnostics> {
        match config.day.as_str() {
            Some("sunday") => return Err(Diagnostic::error("Closed on sunday").at("day").into()),
            Some("holiday") => {}
            _ => config.hours = 8.into(),
        }
        Ok(config)
    }
}

#[derive(Clone)]
struct Key(Library);

#[derive(Clone, Model)]
struct KeyModel {
    name: Field<String>,
    code: Field<Secret>,
}

#[async_trait]
impl EphemeralResource for Key {
    type Model = KeyModel;
    type Private = String;

    fn type_name(&self) -> &'static str {
        "test_key"
    }

    fn schema(&self) -> Schema {
        Schema::new(0)
            .attribute(Attribute::string("name").required().describe("Whose key it is."))
            .attribute(Attribute::string("code").computed().sensitive().describe("The code."))
    }

    async fn open(&self, _: &Context, mut config: KeyModel) -> Result<Opened<Self>, Diagnostics> {
        let name = config.name.clone().known_or_default();
        config.code = Field::Known(Secret::new("1234"));
        let renew_at = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(60));
        Ok(Opened { model: config, private: name, renew_at })
    }

    async fn renew(&self, _: &Context, private: &mut String) -> Result<Option<SystemTime>, Diagnostics> {
        private.push_str(" again");
        Ok(None)
    }

    async fn close(&self, cx: &Context, private: String) -> Result<(), Diagnostics> {
        assert!(!cx.is_cancelled(), "closing is done even after a stop");
        self.0.closed.lock().unwrap().push(private);
        Ok(())
    }
}

struct Join;

#[async_trait]
impl Function for Join {
    type Arguments = (String, Variadic<String>);
    type Output = String;

    fn name(&self) -> &'static str {
        "join"
    }

    fn documentation(&self) -> Documentation {
        Documentation::new("Joins words.")
            .argument("between", "What stands between.")
            .argument("word", "A word.")
    }

    async fn call(&self, (between, Variadic(words)): Self::Arguments) -> Result<String, FunctionError> {
        if between.is_empty() {
            return Err(FunctionError::argument(0, "There must be something between."));
        }
        Ok(words.join(&between))
    }
}

fn encode(value: &Value, ty: &Type) -> Dynamic {
    Dynamic::encode(value, ty).unwrap()
}

fn single(name: &str, value: Value) -> Value {
    Value::map_of([(name, value)])
}

#[test]
fn everything_offered_is_sound() {
    testing::check_provider(&Server::new(Library::default()));
    let server = Server::new(Library::default());
    let schema = server.schema();
    assert_eq!(Vec::from_iter(schema.resources.keys()), [&"test_book"]);
    assert_eq!(schema.functions["join"].variadic.as_ref().unwrap().name, "word");
}

#[tokio::test]
async fn configured_also_with_unknown_values() {
    let library = Library::default();
    let server = Server::new(library.clone());
    let ty = server.schema().provider.value_type();
    for town in [Value::from("x"), Value::Unknown, Value::Null] {
        let config = encode(&single("town", town.clone()), &ty);
        assert!(server.prepare_provider_config(config.clone()).await.diagnostics.is_empty());
        let request =
            ConfigureRequest { terraform_version: "1.11.4".to_owned(), config, ..Default::default() };
        let diagnostics = server.configure(request).await;
        assert_eq!(diagnostics.iter().next().unwrap().summary, "Told by 1.11.4");
        let known = library.town.lock().unwrap().clone().unwrap();
        assert_eq!((known.is_unknown(), known.as_str()), (town.is_unknown(), town.as_str()));
    }
    let empty = encode(&single("town", "".into()), &ty);
    assert!(server.prepare_provider_config(empty).await.diagnostics.has_errors());
}

#[tokio::test]
async fn a_data_source_gets_defaults_and_must_know_everything() {
    let server = Server::new(Library::default());
    let ty = server.schema().data_sources["test_opening"].value_type();
    let ask = async |day: Value| {
        let config = encode(&Value::map_of([("day", day), ("hours", Value::Null)]), &ty);
        let request =
            ReadDataSourceRequest { type_name: "test_opening".to_owned(), config, ..Default::default() };
        server.read_data_source(request).await
    };
    let found = ask(Value::Null).await;
    assert!(found.diagnostics.is_empty(), "{}", found.diagnostics);
    let expected = Value::map_of([("day", Value::from("monday")), ("hours", 8.into())]);
    assert_eq!(found.state.decode(&ty).unwrap(), expected);
    assert!(ask("sunday".into()).await.diagnostics.to_string().contains("Closed on sunday"));
    let problems = ask("holiday".into()).await.diagnostics.to_string();
    assert!(
        problems.contains("hours: the value is still unknown") && problems.contains("report"),
        "{problems}"
    );
}

#[tokio::test]
async fn an_ephemeral_resource_is_opened_renewed_and_closed_even_after_a_stop() {
    let library = Library::default();
    let server = Server::new(library.clone());
    let ty = server.schema().ephemerals["test_key"].value_type();
    let config = encode(&Value::map_of([("name", Value::from("ann")), ("code", Value::Null)]), &ty);
    let validation =
        ValidateRequest { type_name: "test_key".into(), config: config.clone(), ..Default::default() };
    assert!(server.validate_ephemeral(validation).await.is_empty());
    let opened = server
        .open_ephemeral(OpenRequest { type_name: "test_key".to_owned(), config, ..Default::default() })
        .await;
    assert!(opened.diagnostics.is_empty(), "{}", opened.diagnostics);
    assert_eq!(opened.result.decode(&ty).unwrap().attribute("code").unwrap().as_str(), Some("1234"));
    assert!(opened.renew_at.is_some());
    let renewed = server.renew_ephemeral("test_key", &opened.private).await;
    assert!(renewed.diagnostics.is_empty() && renewed.renew_at.is_none());
    server.stop();
    assert!(server.close_ephemeral("test_key", &renewed.private).await.is_empty());
    assert_eq!(*library.closed.lock().unwrap(), ["ann again"]);
}

#[tokio::test]
async fn a_function_is_called_with_typed_arguments() {
    let server = Server::new(Library::default());
    let text = |text: &str| encode(&text.into(), &Type::String);
    let call = async |arguments: &[Dynamic]| server.call_function("join", arguments).await;
    let joined = call(&[text("-"), text("a"), text("b")]).await.unwrap();
    assert_eq!(joined.decode(&Type::String).unwrap().as_str(), Some("a-b"));
    let unknown = encode(&Value::Unknown, &Type::String);
    assert!(call(&[text("-"), unknown]).await.unwrap().decode(&Type::String).unwrap().is_unknown());
    let error = call(&[text("")]).await.unwrap_err();
    assert_eq!((error.argument, error.text.as_str()), (Some(0), "There must be something between."));
    assert_eq!(call(&[]).await.unwrap_err().text, "Argument 1 is missing.");
    let null = encode(&Value::Null, &Type::String);
    assert_eq!(call(&[text("-"), null]).await.unwrap_err().argument, Some(1));
    assert!(server.call_function("none", &[]).await.unwrap_err().text.contains("no function"));
}

#[tokio::test]
async fn an_older_state_is_brought_to_the_current_schema() {
    let server = Server::new(Library::default());
    let ty = server.schema().resources["test_book"].value_type();
    let upgrade = async |version: i64, json: &str| {
        let json = json.as_bytes().to_vec();
        server.upgrade(UpgradeRequest { type_name: "test_book".to_owned(), version, json }).await
    };
    let old = r#"{"name":"a","color":"red","chapter":[{"pages":3}],"lock_wo":"was not write-only then"}"#;
    let upgraded = upgrade(0, old).await;
    assert!(upgraded.diagnostics.is_empty(), "{}", upgraded.diagnostics);
    let state = upgraded.upgraded_state.decode(&ty).unwrap();
    assert_eq!(state.attribute("title").unwrap().as_str(), Some("a"));
    assert!(state.attribute("id").unwrap().is_null() && state.attribute("lock_wo").unwrap().is_null());
    assert_eq!(
        state.attribute("chapter").unwrap().as_list().unwrap()[0].attribute("url"),
        Some(&Value::Null)
    );

    // At the same version: a block that came later is there and empty, numbers are not rounded.
    let same =
        upgrade(1, r#"{"title":"a","pages":9007199254740993}"#).await.upgraded_state.decode(&ty).unwrap();
    assert_eq!(same.attribute("chapter").unwrap().as_list().unwrap().len(), 0);
    assert_eq!(same.attribute("pages").unwrap().as_i64(), Some(9_007_199_254_740_993));

    for (json, message) in [("", "before 0.12"), ("{", "cannot be read"), (r#"{"title":[]}"#, "title")] {
        let problems = upgrade(1, json).await.diagnostics.to_string();
        assert!(problems.contains(message) && problems.contains("was not changed"), "{json}: {problems}");
    }
}

#[tokio::test]
async fn an_old_core_is_reported_which_version_it_needs() {
    let server = Server::new(Library::default());
    let ty = server.schema().resources["test_book"].value_type();
    let json = br#"{"title":"a","lock_wo":"s","lock_version":"1","chapter":[]}"#;
    let config = Dynamic { msgpack: Vec::new(), json: json.to_vec() };
    assert!(config.decode(&ty).is_ok());
    let check = async |write_only_attributes_allowed| {
        let capabilities = Capabilities { write_only_attributes_allowed, ..Default::default() };
        let request =
            ValidateRequest { type_name: "test_book".to_owned(), config: config.clone(), capabilities };
        server.validate_resource(request).await
    };
    assert!(check(true).await.is_empty());
    let problems = check(false).await;
    let problem = problems.iter().next().unwrap();
    assert_eq!(problem.summary, "lock_wo needs OpenTofu 1.11 or Terraform 1.11");
    assert_eq!(problem.path.as_ref().unwrap().to_string(), "lock_wo");
    assert!(problem.detail.contains("or set `kind` instead"), "{problem}");
}

#[tokio::test]
async fn what_the_provider_does_not_have_is_refused_by_name() {
    let server = Server::new(Library::default());
    let unknown = ValidateRequest { type_name: "test_none".to_owned(), ..Default::default() };
    for problems in [
        server.validate_resource(unknown.clone()).await,
        server.validate_data_source(unknown.clone()).await,
        server.validate_ephemeral(unknown).await,
        server.import("test_none", "x").await.diagnostics,
        server.close_ephemeral("test_none", b"").await,
    ] {
        assert!(problems.to_string().contains("test_none"), "{problems}");
    }
    let request = MoveRequest { source_type_name: "other_file".into(), target_type_name: "test_book".into() };
    assert!(server.move_state(&request).to_string().contains("import the new one"));
}

#[tokio::test]
async fn a_value_that_does_not_fit_the_schema_is_an_error_not_a_crash() {
    let server = Server::new(Library::default());
    for msgpack in [vec![0xc1], vec![0x80], vec![0xdb, 0xff, 0xff, 0xff, 0xff], vec![0x81]] {
        let config = Dynamic { msgpack, json: Vec::new() };
        let request = ValidateRequest { type_name: "test_book".to_owned(), config, ..Default::default() };
        let problems = server.validate_resource(request).await;
        assert!(problems.to_string().contains("does not fit the schema"), "{problems}");
    }
}
