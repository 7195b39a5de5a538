use std::collections::{BTreeMap, BTreeSet};

use framework::{Field, State};
use secret::Secret;
use stack::StackSpec;

use super::StackModel;
use crate::resources::compose_stack::{ChosenProject, StackPrivate, model::prior};

/// A directory with these files, and a configuration that ships it.
fn shipping(files: &[(&str, &str)]) -> (tempfile::TempDir, StackModel) {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let config = StackModel {
        name: "web".into(),
        source_dir: Field::Known(dir.path().display().to_string()),
        ..StackModel::default()
    };
    (dir, config)
}

fn files(names: &[&str]) -> Field<Vec<String>> {
    Field::Known(names.iter().map(|name| (*name).to_owned()).collect())
}

fn environment(name: &str, value: Field<String>) -> Field<BTreeMap<String, Field<String>>> {
    Field::Known([(name.to_owned(), value)].into())
}

fn spec(config: &StackModel) -> StackSpec {
    config.spec().unwrap().unwrap()
}

fn refused(config: &StackModel) -> String {
    config.spec().err().unwrap().to_string()
}

#[test]
fn what_compose_finds_by_itself_is_taken_and_the_rest_is_told() {
    let all = [
        ("compose.yml", ""),
        ("docker-compose.yml", ""),
        ("docker-compose.override.yml", ""),
        ("sub/compose.yaml", ""),
    ];
    let (_dir, config) = shipping(&all);
    let (found, unused) = config.files_spec().unwrap().unwrap();
    assert_eq!(found.files, ["compose.yml", "docker-compose.override.yml"]);
    assert_eq!(unused, ["docker-compose.yml"]);
    assert_eq!(spec(&config).files, found.files);
    let named = StackModel { files: files(&["./compose.yml", "sub/../docker-compose.yml"]), ..config };
    let (found, unused) = named.files_spec().unwrap().unwrap();
    assert_eq!(found.files, ["compose.yml", "docker-compose.yml"]);
    assert!(unused.is_empty());
}

#[test]
fn to_name_what_is_found_anyway_is_the_same_stack() {
    let (_dir, config) = shipping(&[("docker-compose.yml", ""), (".env", "A=1\n")]);
    let digest = |config: &StackModel| spec(config).digest("/srv/web", "2.26.1");
    for same in [
        StackModel { files: files(&["docker-compose.yml"]), ..config.clone() },
        StackModel { files: files(&["./docker-compose.yml"]), ..config.clone() },
        StackModel { env_file: "./.env".into(), ..config.clone() },
    ] {
        assert_eq!(digest(&same), digest(&config));
        assert_eq!(spec(&same).source_hash(), spec(&config).source_hash());
    }
}

#[test]
fn the_own_file_names_files_and_profiles() {
    let env = "COMPOSE_FILE=compose.yaml:${PWD}/compose.$STAGE.yaml\nCOMPOSE_PROFILES=debug,a\n";
    let (_dir, config) = shipping(&[
        ("compose.yaml", ""),
        ("compose.override.yaml", ""),
        ("compose.prod.yaml", ""),
        ("compose.dev.yaml", ""),
        (".env", env),
        ("other.env", "COMPOSE_FILE=compose.dev.yaml\n"),
    ]);
    let config = StackModel { environment: environment("STAGE", "prod".into()), ..config };
    let found = spec(&config);
    assert_eq!(found.files, ["compose.yaml", "compose.prod.yaml"]);
    assert_eq!(found.profiles, ["a", "debug"]);
    let chosen = StackModel { profiles: Field::Known(["b".to_owned()].into()), ..config.clone() };
    assert_eq!(spec(&chosen).profiles, ["b"]);
    let none = StackModel { profiles: Field::Known(BTreeSet::new()), ..config.clone() };
    assert_eq!(spec(&none).profiles, Vec::<String>::new());
    let named = StackModel { files: files(&["compose.yaml"]), ..config.clone() };
    assert_eq!((spec(&named).files, spec(&named).profiles), (vec!["compose.yaml".into()], found.profiles));
    let other = StackModel { env_file: "other.env".into(), ..config };
    let other = spec(&other);
    assert_eq!((other.files, other.profiles), (vec!["compose.dev.yaml".to_owned()], Vec::new()));
    assert_eq!(other.own_env.as_deref(), Some(env));
}

#[test]
fn the_file_at_the_top_names_a_project_in_a_folder() {
    let top = "COMPOSE_FILE=deploy/compose.yaml\nA=1\n";
    let (_dir, config) =
        shipping(&[("deploy/compose.yaml", ""), ("deploy/.env", "A=2\nB=3\n"), (".env", top)]);
    let found = spec(&config);
    assert_eq!(found.dotenv.as_deref(), Some(&*format!("{top}\nB=3\n")));
    assert_eq!(found.own_env.as_deref(), Some("A=2\nB=3\n"));
    assert!(found.source.files.contains_key(".env") && !found.source.files.contains_key("deploy/.env"));
    let named = StackModel { files: files(&["deploy/compose.yaml"]), ..config };
    assert_eq!(spec(&named).dotenv.as_deref(), Some("A=2\nB=3\n"));
}

#[test]
fn what_a_setting_takes_from_elsewhere_may_be_unknown_but_never_secret() {
    let (_dir, config) =
        shipping(&[("compose.prod.yaml", ""), (".env", "COMPOSE_FILE=compose.$STAGE.yaml\n")]);
    for open in [
        StackModel { environment: environment("STAGE", Field::Unknown), ..config.clone() },
        StackModel { environment: Field::Unknown, ..config.clone() },
        StackModel { secrets_wo: Field::Unknown, ..config.clone() },
    ] {
        assert!(open.spec().unwrap().is_none() && open.files_spec().unwrap().is_none());
    }
    let secret = Field::Known([("STAGE".to_owned(), Field::Known(Secret::new("prod")))].into());
    let problem = refused(&StackModel { secrets_wo: secret, ..config });
    assert!(
        problem.contains("COMPOSE_FILE") && problem.contains("STAGE") && problem.contains("`files`"),
        "{problem}"
    );
    let (_dir, config) = shipping(&[("compose.yaml", ""), (".env", "COMPOSE_PROFILES=${HOME}\n")]);
    assert!(refused(&config).contains("set `profiles`"), "{}", refused(&config));
}

#[test]
fn what_is_not_there_is_named_with_what_is() {
    let (_dir, config) = shipping(&[("stack.yml", ""), (".env", "")]);
    let problem = refused(&config);
    for word in ["\"compose.yaml\"", "\"docker-compose.yml\"", "At its top there are: stack.yml", "`files`"] {
        assert!(problem.contains(word), "{word}: {problem}");
    }
    let named = StackModel { files: files(&["x.yaml"]), ..config.clone() };
    assert!(refused(&named).contains("\"x.yaml\" is not among"), "{}", refused(&named));
    let env = StackModel { env_file: ".env.production".into(), files: files(&["stack.yml"]), ..config };
    let problem = refused(&env);
    assert!(problem.contains("(at env_file)") && problem.contains("\".env.production\""), "{problem}");
    let secret = Field::Known([(".env.production".to_owned(), Field::Known(Secret::new("A=1")))].into());
    let problem = refused(&StackModel { secret_files_wo: secret, ..env });
    assert!(problem.contains("secret_files_wo"), "{problem}");
    for (setting, words) in [
        ("COMPOSE_FILE=x.yaml", "which COMPOSE_FILE names"),
        ("COMPOSE_FILE=../x.yaml", "not below the directory"),
    ] {
        let (_dir, config) = shipping(&[("compose.yaml", ""), (".env", setting)]);
        assert!(refused(&config).contains(words), "{}", refused(&config));
    }
}

#[test]
fn what_compose_reads_is_no_seed() {
    let (_dir, config) = shipping(&[("compose.yaml", ""), ("values.env", "A=1\n")]);
    let config = StackModel { env_file: "values.env".into(), ..config };
    for pattern in ["compose.yaml", "*.env"] {
        let seeds = StackModel { seed_files: files(&[pattern]), ..config.clone() };
        assert!(refused(&seeds).contains("(at seed_files)"), "{}", refused(&seeds));
    }
}

#[test]
fn what_was_made_is_remembered_and_else_read_from_the_attributes() {
    let model = StackModel {
        profiles: Field::Known(["a".to_owned()].into()),
        files: files(&["docker-compose.yml"]),
        ..StackModel::default()
    };
    let state = |private| State { model: model.clone(), private };
    let old = prior(&state(StackPrivate::default()));
    assert_eq!((old.files, old.profiles), (vec!["docker-compose.yml".to_owned()], vec!["a".to_owned()]));
    let project = ChosenProject { files: vec!["compose.yml".into()], profiles: vec!["b".into()] };
    let now = prior(&state(StackPrivate { project: Some(project.clone()), ..StackPrivate::default() }));
    assert_eq!((now.files, now.profiles), (project.files, project.profiles));
}
