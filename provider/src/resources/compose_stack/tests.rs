//! The resource through the framework's own rules, without a host.

use std::{collections::BTreeMap, sync::Arc};

use framework::{
    ModelValue as _, Value,
    testing::{Harness, Matrix, check_resource},
};

use super::ComposeStack;
use crate::{
    hosted::{Hosts, OnHost},
    require::RequireBlock,
};

fn resource() -> OnHost<ComposeStack> {
    OnHost::new(Arc::new(Hosts::default()))
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
    std::fs::write(directory.path().join(".env.production"), "A=1\n").unwrap();
    let sealed = directory.path().join("sealed.env");
    std::fs::write(&sealed, "SEALED=ENC[]\nsops_version=3.13.3\n").unwrap();
    let report = Matrix::new(resource())
        .sample("host", ["local://", "ssh://root@web"])
        .sample("name", ["web"])
        .sample("directory", ["/srv/web"])
        .sample("source_dir", [directory.path().to_str().unwrap()])
        .sample("files", [list(&["compose.yaml"])])
        .sample("env_file", [".env.production"])
        .sample("undefined_variables", ["error", "warn"])
        .sample("host_env", ["refuse", "merge"])
        .sample("config", [list(&["services: {}"]), list(&["services: {}", "volumes: {}"])])
        .sample("files_content", [map(&[("conf/app.conf", "x")])])
        .sample("environment", [map(&[("TAG", "1")])])
        .sample("secrets_wo", [map(&[("TOKEN", "s")])])
        .sample("secrets_sops_file", [sealed.to_str().unwrap()])
        .sample("require", [require(&RequireBlock { healthchecks: true.into(), ..RequireBlock::default() })])
        .sample("secret_files_wo", [map(&[("secrets/key", "s")])])
        .sample("pull", ["missing", "always", "never"])
        .sample("images", [map(&[("app", "app:1")])])
        .sample("keep_images", [1_u64, 3])
        .sample("on_destroy", ["down", "abandon"])
        .sample("on_failure", ["rollback", "keep"])
        .sample("job.name", ["migrate"])
        .sample("job.service", ["app"])
        .sample("job.command", [list(&["migrate", "--all"])])
        .sample("job.needs", [list(&["db"])])
        .sample("job.when", ["before", "after"])
        .sample("job.run_on", ["change", "apply"])
        .sample("job.timeout", ["90s"])
        .sample("job.environment", [map(&[("MODE", "1")])])
        .sample("probe.url", ["http://127.0.0.1:8080/health"])
        .sample("probe.expect_status", ["200-399"])
        .sample("probe.expect_body", ["ok"])
        .sample("probe.tcp", ["127.0.0.1:5432"])
        .sample("probe.from", ["host", "here"])
        .sample("probe.timeout", ["90s"])
        .sample("probe.interval", ["500ms"])
        // Most combinations of so many attributes are refused.
        .rounds(600)
        .run()
        .await;
    assert!(report.planned > 20, "{report:?}");
}

/// A block with these attributes, the others null.
fn block(name: &'static str, attributes: &[(&str, Value)]) -> (&'static str, Value) {
    let schema = framework::Resource::schema(&resource());
    let body = &schema.body.block(name).unwrap().body;
    let value =
        |name: &str| attributes.iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone());
    let all = body.attributes.iter().map(|one| (one.name.as_str(), value(&one.name).unwrap_or_default()));
    (name, Value::List(vec![Value::map_of(all)]))
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
        (base(vec![("source_dir", "a".into()), ("files", list(&["../a.yaml"]))]), "files"),
        (base(vec![text(), ("env_file", "a/../../.env".into())]), "env_file"),
        (base(vec![text(), ("undefined_variables", "blank".into())]), "warn"),
        (base(vec![text(), ("environment", map(&[("PATH", "x")]))]), "itself runs with"),
        (base(vec![text(), ("secrets_wo", map(&[("A", "x")]))]), "secrets_wo_version"),
        (base(vec![text(), ("secret_files_wo", map(&[("a", "x")]))]), "secret_files_wo_version"),
        (base(vec![text(), ("secrets_sops_file", "values.enc".into())]), ".yaml, .yml, .json or .env"),
        (base(vec![text(), ("secret_files_wo", map(&[("../a", "x")]))]), "`..`"),
        (base(vec![text(), ("environment", map(&[("COMPOSE_FILE", "x")]))]), "COMPOSE_FILE"),
        (base(vec![text(), ("files_content", map(&[("../x", "x")]))]), "`..`"),
        (base(vec![text(), ("require", require(&ports))]), "\"http\""),
        (base(vec![text(), ("require", require(&images))]), "digest"),
        (base(vec![text(), ("pull", "sometimes".into())]), "missing"),
        (base(vec![text(), ("directory", "srv".into())]), "absolute"),
        (base(vec![text(), block("job", &[("name", "a".into())])]), "job.service"),
        (
            base(vec![text(), block("job", &[("name", "a b".into()), ("service", "app".into())])]),
            "job[0].name",
        ),
        (base(vec![text(), block("job", &[("when", "later".into())])]), "job[0].when"),
        (base(vec![text(), block("job", &[("run_on", "plan".into())])]), "job[0].run_on"),
        (base(vec![text(), block("job", &[("timeout", "10".into())])]), "job[0].timeout"),
        (base(vec![text(), block("probe", &[("timeout", "1m".into())])]), "probe[0]"),
        (
            base(vec![text(), block("probe", &[("url", "http://a".into()), ("tcp", "a:1".into())])]),
            "probe[0]",
        ),
        (base(vec![text(), block("probe", &[("url", "ftp://a".into())])]), "probe[0].url"),
        (base(vec![text(), block("probe", &[("tcp", "a".into())])]), "probe[0].tcp"),
        (base(vec![text(), block("probe", &[("expect_status", "2xx".into())])]), "probe[0].expect_status"),
        (base(vec![text(), block("probe", &[("from", "there".into())])]), "probe[0].from"),
        (base(vec![text(), block("probe", &[("interval", "0s".into())])]), "probe[0].interval"),
    ] {
        let problems = core.validate(&config).await;
        assert!(problems.to_string().contains(words), "{words:?} is not in {problems}");
    }
    let dotted =
        vec![("source_dir", "a".into()), ("files", list(&["./a.yaml"])), ("env_file", "./.env".into())];
    assert!(!core.validate(&base(dotted)).await.has_errors());
    assert!(!core.validate(&base(vec![text()])).await.has_errors());
}
