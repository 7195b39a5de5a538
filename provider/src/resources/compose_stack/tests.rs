//! The resource through the framework's own rules, without a host.

use std::{collections::BTreeMap, sync::Arc};

use framework::{
    ModelValue as _, Value,
    testing::{Harness, Matrix, check_resource},
};

use super::StackResource;
use crate::{engines::Engines, hosts::Hosts, require::RequireBlock};

fn resource() -> StackResource {
    StackResource::new(Arc::new(Hosts::default()), Arc::new(Engines::default()))
}

fn map(entries: &[(&str, &str)]) -> Value {
    let entries = entries.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
    Value::Map(entries.collect::<BTreeMap<_, _>>())
}

fn list(items: &[&str]) -> Value {
    Value::List(items.iter().map(|item| Value::from(*item)).collect())
}

/// A `require` block.
fn require(block: &RequireBlock) -> Value {
    Value::List(vec![block.to_value()])
}

#[test]
fn the_schema_is_sound() {
    check_resource(&resource());
}

#[tokio::test]
async fn configurations_that_nobody_thinks_of_are_planned() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("compose.yaml"), "services: {}\n").unwrap();
    let report = Matrix::new(resource())
        .sample("host", ["local://", "ssh://root@web"])
        .sample("name", ["web"])
        .sample("directory", ["/srv/web"])
        .sample("source_dir", [directory.path().to_str().unwrap()])
        .sample("files", [list(&["compose.yaml"])])
        .sample("config", [list(&["services: {}"]), list(&["services: {}", "volumes: {}"])])
        .sample("files_content", [map(&[("conf/app.conf", "x")])])
        .sample("environment", [map(&[("TAG", "1")])])
        .sample("secrets_wo", [map(&[("TOKEN", "s")])])
        .sample("require", [require(&RequireBlock { healthchecks: true.into(), ..RequireBlock::default() })])
        .sample("pull", ["missing", "always", "never"])
        .run()
        .await;
    assert!(report.planned > 20, "{report:?}");
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_before_anything_is_done() {
    let core = Harness::new(resource());
    let base = |more: Vec<(&'static str, Value)>| {
        let all = [("host", Value::from("ssh://root@web")), ("name", Value::from("web"))];
        core.config(all.into_iter().chain(more))
    };
    let ports =
        RequireBlock { host_ports_allowed: vec!["http".to_owned()].into(), ..RequireBlock::default() };
    let images = RequireBlock { pinned_images: "yes".into(), ..RequireBlock::default() };
    let text = || ("config", list(&["services: {}"]));
    for (config, words) in [
        (base(vec![]), "source_dir"),
        (base(vec![text(), ("source_dir", "a".into())]), "source_dir"),
        (base(vec![text(), ("files", list(&["a.yaml"]))]), "source_dir"),
        (base(vec![text(), ("secrets_wo", map(&[("A", "x")]))]), "secrets_wo_version"),
        (base(vec![text(), ("environment", map(&[("COMPOSE_FILE", "x")]))]), "COMPOSE_FILE"),
        (base(vec![text(), ("files_content", map(&[("../x", "x")]))]), "`..`"),
        (base(vec![text(), ("require", require(&ports))]), "\"http\""),
        (base(vec![text(), ("require", require(&images))]), "digest"),
        (base(vec![text(), ("pull", "sometimes".into())]), "missing"),
        (base(vec![text(), ("directory", "srv".into())]), "absolute"),
    ] {
        let problems = core.validate(&config).await;
        assert!(problems.to_string().contains(words), "{words:?} is not in {problems}");
    }
    assert!(!core.validate(&base(vec![text()])).await.has_errors());
}
