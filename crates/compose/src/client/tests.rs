//! Tests of the client.

use super::*;
use remote::{Fake, fake::Reply};
use secret::Secret;

fn cli() -> Cli {
    Cli::new("/s", "/root")
}

fn compose(fake: &Fake) -> Compose<'_> {
    let scrubber = Scrubber::new([Secret::from("hunter2")]);
    Compose::new(fake, cli(), scrubber, CancellationToken::new()).staged(Staged::new("/tmp/s1"))
}

fn expect(fake: &Fake, command: &Command, reply: Reply) {
    fake.expect(command.words().to_vec(), reply);
}

async fn version(reply: Reply, v1: Option<Reply>) -> Result<ComposeVersion, Error> {
    let fake = Fake::new("web");
    expect(&fake, &command::version(&cli()), reply);
    if let Some(reply) = v1 {
        expect(&fake, &command::version_1(), reply);
    }
    compose(&fake).version().await
}

/// A project of one file in `/srv/web`.
fn web() -> Project {
    Project {
        name: "web".into(),
        directory: "/srv/web".into(),
        files: vec!["/srv/web/compose.yaml".into()],
        profiles: Vec::new(),
        env_file: "/srv/web/.env".into(),
    }
}

#[tokio::test]
async fn versions_that_will_do_are_reported() {
    let found = version(Reply::ok(r#"{"version":"2.26.1-4"}"#), None).await.unwrap();
    assert_eq!(found.to_string(), "2.26.1");
}

#[tokio::test]
async fn what_is_missing_is_told_apart() {
    let help = "docker: 'compose' is not a docker command.\nSee 'docker --help'\n";
    let old = version(Reply::ok(r#"{"version":"2.23.3"}"#), None).await.unwrap_err();
    assert!(matches!(old, Error::ComposeTooOld { found, .. } if found == "2.23.3"));
    let v1 = version(Reply::failure(1, help), Some(Reply::ok("1.29.2\n"))).await.unwrap_err();
    assert!(matches!(v1, Error::ComposeMissing { v1: Some(v1), .. } if v1 == "1.29.2"));
    let none = version(Reply::failure(1, help), None).await.unwrap_err();
    assert!(matches!(none, Error::ComposeMissing { v1: None, .. }));
    let no_docker = version(Reply::failure(127, "env: 'docker': No such file"), None).await.unwrap_err();
    assert!(matches!(no_docker, Error::Missing { .. }));
}

#[test]
fn variables_that_nothing_sets_are_known_by_the_warnings() {
    let said = "time=\"2026-01-01T00:00:00Z\" level=warning msg=\"The \\\"FOO\\\" variable is not set. \
                Defaulting to a blank string.\"\nThe \"B_2\" variable is not set. Defaulting to a blank string.\n\
                something else\n";
    let found = unset_variables(said);
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["B_2", "FOO"]);
}

#[tokio::test]
async fn failures_name_final_files_and_no_secrets() {
    let staged = |path: &str| Staged::new("/tmp/s1").of(path);
    let fake = Fake::new("web");
    let project = Project {
        name: "web".into(),
        directory: staged("/srv/web"),
        files: vec![staged("/srv/web/compose.yaml")],
        profiles: Vec::new(),
        env_file: staged("/srv/web/.env"),
    };
    let said = format!("yaml: line 3: {}: bad hunter2\n\n", staged("/srv/web/compose.yaml"));
    expect(&fake, &project.config(&cli()), Reply::failure(15, said));
    let error = compose(&fake).config(&project).await.unwrap_err();
    let Error::Command { status, output, .. } = error else { panic!("{error}") };
    assert_eq!((status, output.as_str()), (15, "yaml: line 3: /srv/web/compose.yaml: bad [secret]"));
}

#[tokio::test]
async fn a_compose_that_cannot_leave_env_files_out_reads_them() {
    let fake = Fake::new("web");
    let project = web();
    let structure = project.config_without_env_files(&cli());
    expect(&fake, &structure, Reply::failure(16, "unknown flag: --no-env-resolution"));
    expect(&fake, &project.config(&cli()), Reply::ok("{}"));
    assert_eq!(compose(&fake).resolve_structure(&project).await.unwrap().0, b"{}");
    expect(&fake, &structure, Reply::failure(15, "yaml: line 3"));
    assert_eq!(compose(&fake).resolve_structure(&project).await.unwrap_err().output(), Some("yaml: line 3"));
    assert_eq!(fake.unmet(), Vec::<Vec<String>>::new());
}

#[test]
fn what_others_use_stays_and_is_reported() {
    let said = " Container web-a-1  Removed\n Network web_default  Removing\n \
                Network web_default  Resource is still in use\n";
    assert_eq!(still_in_use(said).into_iter().collect::<Vec<_>>(), ["network web_default"]);
}

#[test]
fn progress_makes_way_for_what_says_something() {
    let text = " Network p_default  Creating\n Container p-a-1  Creating\n\nError response: bad\n";
    assert_eq!(telling_lines(text, 9), "Error response: bad");
    assert_eq!(telling_lines(" Container p-a-1  Creating\n", 9), " Container p-a-1  Creating");
    assert_eq!(telling_lines("a\nb\nc\n", 2), "b\nc");
}

#[tokio::test]
async fn a_failed_build_tells_its_last_words() {
    let fake = Fake::new("web");
    let project = web();
    let command = project.build(&cli(), "app", false, None);
    expect(&fake, &command, Reply::failure(17, "#8 0.3 boom hunter2\nfailed to solve: exit code: 1\n"));
    let error = compose(&fake).build(&project, "app", false, None).await.unwrap_err();
    assert_eq!(error.to_string(), "could not build the image of service \"app\" on web (status 17)");
    let Error::Command { output, .. } = error else { panic!() };
    assert_eq!(output, "#8 0.3 boom [secret]\nfailed to solve: exit code: 1");
    expect(&fake, &command, Reply::failure(1, "the classic builder doesn't support secrets"));
    let error = compose(&fake).build(&project, "app", false, None).await.unwrap_err();
    assert!(matches!(error, Error::NoBuildKit { .. }));
}

#[tokio::test]
async fn hashes_are_read_from_the_document_alone() {
    let fake = Fake::new("web");
    let hash = "a".repeat(64);
    let words = "--ansi never --progress plain --project-name web --project-directory /srv/web \
                 --env-file /dev/null --file - --profile * config --hash *";
    let command = cli().compose_without_daemon(&[("PWD", "/srv/web")]).args(words.split(' '));
    expect(&fake, &command, Reply::ok(format!("app {hash}\n")));
    let found = compose(&fake).hashes("web", "/srv/web", b"{}".to_vec(), |command| command).await.unwrap();
    assert_eq!(found, BTreeMap::from([("app".to_owned(), hash)]));
    assert_eq!(fake.unmet(), Vec::<Vec<String>>::new());
}
