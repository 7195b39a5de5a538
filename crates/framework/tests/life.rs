//! One resource through a whole life, as the core would drive it.
#![allow(clippy::unwrap_used)]

mod shelf;

use framework::testing::{Action, Harness, Matrix, check_resource};
use framework::{Field, Value};
use shelf::{BookModel, Shelf};

fn config(core: &Harness, title: &str, pages: &[i64]) -> Value {
    let chapters =
        pages.iter().map(|pages| Value::map_of([("pages", Value::from(*pages)), ("url", Value::Null)]));
    core.config([("title", Value::from(title)), ("chapter", Value::List(chapters.collect()))])
}

fn with(mut config: Value, name: &str, value: impl Into<Value>) -> Value {
    config.set(&framework::Path::root().attribute(name), value.into()).unwrap();
    config
}

#[test]
fn the_schema_is_sound() {
    check_resource(&Shelf::default());
}

#[tokio::test]
async fn created_updated_replaced_and_destroyed() {
    let shelf = Shelf::default();
    let mut core = Harness::new(shelf.clone());
    let first = config(&core, "a", &[3, 4]);

    let change = core.apply(&first).await.unwrap();
    assert_eq!(change.action, Action::Create);
    assert!(change.planned("id").is_unknown(), "planned before it exists");
    let book: BookModel = core.model();
    assert_eq!((book.id.as_str(), book.pages), (Some("book/a"), Field::Known(7)));
    assert_eq!(book.chapter[1].url.as_str(), Some("a/1"));
    core.refresh().await.unwrap();
    core.assert_no_changes(&first).await;

    let second = config(&core, "a", &[3, 5]);
    let change = core.apply(&second).await.unwrap();
    assert_eq!(change.action, Action::Update);
    assert_eq!(change.planned("id").as_str(), Some("book/a"), "kept on update");
    assert_eq!(core.model::<BookModel>().pages, Field::Known(8));

    let change = core.apply(&config(&core, "b", &[3, 5])).await.unwrap();
    assert_eq!(change.action, Action::Replace);
    assert_eq!(change.requires_replace[0].to_string(), "title");
    assert_eq!(shelf.titles(), ["b"]);

    core.destroy().await.unwrap();
    assert_eq!((core.state(), shelf.titles().len()), (None, 0));
}

#[tokio::test]
async fn drift_is_found_and_repaired() {
    let shelf = Shelf::default();
    let mut core = Harness::new(shelf.clone());
    let wanted = config(&core, "a", &[1]);
    core.apply(&wanted).await.unwrap();

    shelf.tear_out_pages("a");
    core.refresh().await.unwrap();
    assert_eq!(core.plan(&wanted).await.unwrap().action, Action::Update);
    core.apply(&wanted).await.unwrap();
    core.assert_no_changes(&wanted).await;

    shelf.steal("a");
    core.refresh().await.unwrap();
    assert_eq!(core.state(), None);
    assert_eq!(core.plan(&wanted).await.unwrap().action, Action::Create);
}

#[tokio::test]
async fn imported_by_its_id() {
    let shelf = Shelf::default();
    let mut core = Harness::new(shelf.clone());
    let wanted = config(&core, "a", &[]);
    core.apply(&wanted).await.unwrap();

    let mut other = Harness::new(shelf);
    other.import("book/a").await.unwrap();
    assert_eq!(other.model::<BookModel>().id.as_str(), Some("book/a"));
    other.assert_no_changes(&wanted).await;
    let error = other.import("nonsense").await.unwrap_err().to_string();
    assert!(error.contains("Could not import book \"nonsense\""), "{error}");
    assert!(Harness::new(Shelf::default()).import("book/z").await.is_err());
}

#[tokio::test]
async fn unknown_until_apply() {
    let shelf = Shelf::default();
    let mut core = Harness::new(shelf);
    let last = config(&core, "a", &[2]);
    let first = with(last.clone(), "title", Value::Unknown);
    core.apply_after(&first, &last).await.unwrap();
    assert_eq!(core.model::<BookModel>().title.as_str(), Some("a"));

    // A list in which one element is unknown, and a dynamic block that is unknown as a whole.
    let tags = |tag: Value| Value::List(vec!["x".into(), tag]);
    let last = with(config(&core, "b", &[2]), "tags", tags("y".into()));
    let first = with(with(last.clone(), "tags", tags(Value::Unknown)), "chapter", Value::Unknown);
    let planned = core.plan(&first).await.unwrap();
    assert_eq!(planned.planned("tags"), &tags(Value::Unknown), "goes back as it came");
    core.apply_after(&first, &last).await.unwrap();
    assert_eq!(core.model::<BookModel>().chapter.len(), 1);
}

#[tokio::test]
async fn a_write_only_value_arrives_and_is_stored_nowhere() {
    let shelf = Shelf::default();
    let mut core = Harness::new(shelf.clone());
    let wanted = with(with(config(&core, "a", &[]), "lock_wo", "hunter2"), "lock_version", "1");
    let change = core.apply(&wanted).await.unwrap();
    assert_eq!(shelf.lock_of("a").as_deref(), Some("hunter2"));
    let stored = format!("{:?}{:?}{:?}", core.state(), change, String::from_utf8_lossy(core.private()));
    assert!(!stored.contains("hunter2"), "{stored}");
    core.assert_no_changes(&with(wanted.clone(), "lock_wo", "another")).await;
    let change = core.apply(&with(wanted, "lock_version", "2")).await.unwrap();
    assert_eq!(change.action, Action::Update);
}

#[tokio::test]
async fn timeouts_are_read_and_kept() {
    let shelf = Shelf::default();
    let mut core = Harness::new(shelf.clone());
    let limit = |text: &str| Value::map_of([("create", Value::from(text)), ("delete", Value::Null)]);
    let wanted = with(config(&core, "a", &[]), "timeouts", limit("90s"));
    core.apply(&wanted).await.unwrap();
    assert_eq!(shelf.last_limit(), Some(std::time::Duration::from_secs(90)));
    core.assert_no_changes(&wanted).await;
    core.destroy().await.unwrap();
    assert_eq!(shelf.last_limit(), Some(std::time::Duration::from_secs(60)), "the default of delete");

    let problems = core.validate(&with(config(&core, "a", &[]), "timeouts", limit("soon"))).await;
    assert_eq!(problems.iter().next().unwrap().path.as_ref().unwrap().to_string(), "timeouts.create");
}

#[tokio::test]
async fn configurations_nobody_thinks_of() {
    let report = Matrix::new(Shelf::default())
        .sample("title", ["a", "b"])
        .sample("chapter.pages", [1, 20])
        .applying()
        .run()
        .await;
    assert!(report.planned > 50 && report.applied > 20 && report.invalid > 0, "{report:?}");
}
