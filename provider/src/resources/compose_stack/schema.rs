//! The schema of `windlass_compose_stack`.

use std::collections::BTreeMap;

use framework::{
    Attribute, Diagnostics, Field, Model as _, Rule, Schema, Timeouts, Type, schema::parse_duration, validate,
};
use secret::Secret;
use stack::WaitFor;
use tree::{Modes, check_parts, check_relative};

use super::{
    blocks::{job_block, probe_block, reload_block, validate_reloads},
    model::{KEEP_IMAGES, MERGE, REFUSE, ROLLBACK, Service, StackModel, UNDEFINED_ERROR, UNDEFINED_WARN},
};
use crate::{
    failure::left_out_in_words,
    require,
    stacks::{
        self,
        blocks::{validate_jobs, validate_probes},
        check_name, image_reference, sealed_attribute,
    },
};

/// What may become of a stack whose apply fails.
const ON_FAILURE: [&str; 2] = [ROLLBACK, "keep"];
/// Whose the values of a `.env` on the server are.
const HOST_ENV: [&str; 2] = [REFUSE, MERGE];
/// What may be pulled.
const PULL: [&str; 3] = ["missing", "always", "never"];
/// What destroying a stack does.
const ON_DESTROY: [&str; 2] = ["down", "abandon"];

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "A Docker Compose project on a host: its files are shipped there, its images pulled, its services started \
             and waited for. The plan shows service by service what will change, as the host's own \
             `docker compose config` says it; a service that is stopped, missing, unhealthy or was changed by hand \
             is a difference that the next apply repairs.",
        )
        .attributes(place())
        .attributes(files())
        .attributes(values())
        .attributes(selection())
        .attributes(images())
        .attributes(behaviour())
        .attributes(computed())
        .block(require::block())
        .block(job_block())
        .block(probe_block())
        .block(reload_block())
        .rule(Rule::exactly_one_of(["source_dir", "config"]))
        .rule(Rule::required_with("files", ["source_dir"]))
        .rule(Rule::required_with("secrets_wo", ["secrets_wo_version"]))
        .rule(Rule::required_with("secret_files_wo", ["secret_files_wo_version"]))
        .timeouts(Timeouts::new().create(20).update(20).delete(10).read(5))
}

fn place() -> [Attribute; 2] {
    [
        Attribute::string("name").required().requires_replace().check(|name: &String| check_name(name)).describe(
            "The name of the Compose project: lower-case letters, digits, `-` and `_`.",
        ),
        Attribute::string("directory").optional().computed().keep_on_update().check(|path: &String| check_directory(path)).describe(
            "The stack's directory on the host, an absolute path. Default: `windlass/<name>` in the home directory of \
             who logs in. Files there that were not shipped, such as a `./data` that a service writes to, are never \
             touched, and stay where they are when the directory changes; where one is in the way of what is shipped, \
             nothing is done. Those of an imported project are kept in `.windlass/before`, and put back by a destroy.",
        ),
    ]
}

fn files() -> [Attribute; 7] {
    [
        Attribute::string("source_dir").validate(validate::non_empty()).describe(
            format!(
                "A directory on the machine that runs tofu, such as `\"${{path.module}}/app\"`; all of it is shipped, with the \
                 symbolic links that stay inside. What `.windlassignore` files in it name (in the syntax of `.gitignore`) is \
                 left out. {} A shipped file that the login may not read on the host, because a container has made its \
                 directory its own, counts as it was shipped, with a warning; a destroy leaves it there and says so.",
                left_out_in_words()
            ),
        ),
        Attribute::string("file_modes").default("git").validate(validate::one_of(Modes::WORDS)).describe(
            "Which permission bits of the files in `source_dir` count and are shipped. `git` (default): what version \
             control keeps, 0755 for a file that its owner may run and 0644 for every other, so that the umask of \
             whoever checks out makes no difference. `exact`: all bits, as the files have them here.",
        ),
        Attribute::list("seed_files", Type::String)
            .validate(validate::length(1, 64))
            .validate(validate::each(validate::non_empty()))
            .describe(
                "Files that the product writes itself, such as `[\"acme/acme.json\"]`: patterns in the syntax of `.gitignore`. \
                 What they fit is shipped while there is nothing in its place on the host, and is the host's from then on: \
                 it is never compared, overwritten or deleted, also not by a destroy. It is in no build context, and no \
                 Compose file can be one. Of any other shipped file that was changed on the host the plan warns, by name; \
                 the next apply puts back what was shipped, and keeps what it replaces in `.windlass/replaced/<time>/` in \
                 the stack's directory, for the last 10 times that it did, until the stack is destroyed.",
            ),
        Attribute::list("files", Type::String)
            .validate(validate::length(1, 64))
            .validate(validate::each(validate::non_empty()))
            .describe(
                "The Compose files in `source_dir`, in the order in which they are merged. Default: those that Docker \
                 Compose itself takes there. These are the ones that `COMPOSE_FILE` names in the stack's own `.env`, with \
                 `COMPOSE_PATH_SEPARATOR` (default `:`) between them; else the first of `compose.yaml`, `compose.yml`, \
                 `docker-compose.yml` and `docker-compose.yaml` that is there, and on top of it the first of \
                 `compose.override.yml`, `compose.override.yaml`, `docker-compose.override.yml` and \
                 `docker-compose.override.yaml`. The plan warns of others of these that are there too. Relative paths in \
                 them begin in the folder of the first one.",
            ),
        Attribute::string("env_file").validate(validate::non_empty()).describe(
            "The file in `source_dir` that variables take their values from, such as `.env.production`, in the place of \
             the `.env` beside the first Compose file: what `docker compose --env-file` is. `COMPOSE_FILE` and \
             `COMPOSE_PROFILES` count where they stand in it. What a service reads by `env_file: .env` stays what it is.",
        ),
        Attribute::list("config", Type::String)
            .validate(validate::length(1, 64))
            .describe("The texts of the Compose files, in the order in which they are merged, instead of `source_dir`."),
        Attribute::map("files_content", Type::String)
            .check(|files: &BTreeMap<String, String>| {
                files.keys().try_for_each(|path| check_relative(path))
            })
            .describe(
                "More files, path in the stack's directory to text: for rendered templates. They win over those of \
                 `source_dir`, whose mode they keep.",
            ),
    ]
}

fn selection() -> [Attribute; 3] {
    [
        Attribute::set("profiles", Type::String)
            .validate(validate::each(validate::non_empty()))
            .describe(
                "The Compose profiles that are switched on. Default: those that `COMPOSE_PROFILES` names in the stack's own \
                 `.env` (or in `env_file`), as with plain `docker compose`; an empty set switches on none. The services of one that is switched off are stopped and \
                 removed, whatever `remove_orphans` says.",
            ),
        Attribute::set("start_services", Type::String)
            .validate(validate::each(validate::non_empty()))
            .describe(
                "The services that are started. The others are checked and their images are pulled, but they are left \
                 alone: their `status` is `idle`, and containers that the product itself makes of them, by \
                 `docker compose run` or `up`, are not a difference and are never started, changed or removed, until the \
                 stack is destroyed. A service that is taken out is stopped once, and its containers are removed. A \
                 service that is started must not need one that is not. Default: all services.",
            ),
        Attribute::map("wait_for", Type::String)
            .validate(validate::each(validate::one_of(WaitFor::WORDS)))
            .describe(
                "What a service is waited for to become, where the default does not fit: `{ web = \"running\" }`. An \
                 apply waits until it is `healthy`, `running` (its health check is not asked), `completed` (it has \
                 ended with 0), or not at all with `ignore` (it may be anything, as long as it has its containers; its \
                 `status` is `ignored`); what it is otherwise later is repaired. Default, by service: `completed` for \
                 what another service awaits as `service_completed_successfully` or what has the label \
                 `windlass.job=true`, `healthy` with a health check, else `running`. Services that are not started are \
                 not waited for.",
            ),
    ]
}

fn values() -> [Attribute; 8] {
    [
        Attribute::map("environment", Type::String).describe(
            "Values for the `${NAME}` in the Compose files. Together with `secrets_wo` and the stack's own `.env` they \
             are all that is seen there: neither the environment of the machine that runs tofu nor the host's counts. \
             Four variables always mean the same: `${HOME}`, and `~`, the home directory on the host of who logs in (with \
             `sudo=1` and `sudo=docker`, root's), `${PATH}` the host's usual directories of programs, `${PWD}` the \
             directory of the first Compose file on the host, and `${DOCKER_HOST}` Docker's socket there. (The latter two \
             have no value with `sudo=docker`, because sudo does not pass them on.)",
        ),
        Attribute::string("undefined_variables")
            .default(UNDEFINED_ERROR)
            .validate(validate::one_of([UNDEFINED_ERROR, UNDEFINED_WARN]))
            .describe(
                "What becomes of a `${NAME}` that has no value where a service needs it that is started: its profile is \
                 switched on, and `start_services` does not leave it out. `error` (default): the plan fails and names the \
                 service, the file and the line. `warn`: it is empty, as with plain `docker compose`, and the plan lists \
                 it. `${NAME:-}` and `${NAME:+…}` need no value.",
            ),
        Attribute::string("host_env").default(REFUSE).validate(validate::one_of(HOST_ENV)).describe(
            "What becomes of a `.env` in the stack's directory that the server has of its own. `refuse` (default): nothing \
             is done while one is in the way. `merge`: its values count wherever neither `environment` nor `secrets_wo` \
             gives one, for `${NAME}` in the Compose files and for a service that says `env_file: .env`. The file is only \
             read, never written: it stays as it is, its mode and owner too, also after a destroy, and does not move with \
             the stack. Its values are in neither plan nor state (but for what Docker shows of a container, such as its image \
             and ports), and a change of the file is a change of the stack. What the first plan cannot know without them is \
             known after the apply. All values, these included, lie in `.windlass/given.env`, mode 0600: by hand, type \
             `docker compose --env-file .windlass/given.env ps` in the stack's directory.",
        ),
        Attribute::map("secrets_wo", Type::String).write_only().older_cores_use("secrets_sops_file").describe(
            "Secret values for the `${NAME}` in the Compose files, write-only: they are in neither plan nor state, and \
             on the host in the stack's `.env`, mode 0600. Changes are noticed by `secrets_wo_version`.",
        ),
        Attribute::string("secrets_wo_version")
            .describe(
                "A version of your choice for the values of `secrets_wo`, such as `2026-11` or `3`: change it with them, and \
                 they are brought to the host again. Only services for which a \
                 value is really another one are recreated, which only the apply can tell.",
            ),
        sealed_attribute(
            "Only services for which a value is really another one are recreated.",
        ),
        Attribute::map("secret_files_wo", Type::String)
            .write_only()
            .check(|files: &BTreeMap<String, Field<Secret>>| files.keys().try_for_each(|path| check_relative(path)))
            .describe(
                "Secret files, path in the stack's directory to content, write-only: they are in neither plan nor state, \
                 and on the host with mode 0600. For `secrets: { x: { file: ./path } }`, bind mounts and `env_file` in \
                 the Compose files. Compose mounts them as they are: a container whose process is neither root nor the \
                 owner of the file on the host cannot read them; give such a service the secret by `secrets_wo` and \
                 `secrets: { x: { environment: NAME } }`, which Compose writes into the container with the `uid`, `gid` \
                 and `mode` that are asked for. Changes are noticed by `secret_files_wo_version`; files that are taken \
                 out are deleted. They are in no build context.",
            ),
        Attribute::string("secret_files_wo_version").describe(
            "A version of your choice for the contents of `secret_files_wo`, such as `2026-11` or `3`: change it with them, \
             and they are brought to the host again. Only services for which a \
             content is really another one are recreated, which only the apply can tell.",
        ),
    ]
}

fn images() -> [Attribute; 4] {
    [
        Attribute::string("pull").default("missing").validate(validate::one_of(PULL)).describe(
            "Which images are fetched before the services are started: those that the host does not have \
             (`missing`, default), `always` all, or `never` any. With `always`, a plan also asks the registries whether \
             their tags stand for other images by now (a registry that does not answer within 3 seconds is taken to \
             have nothing new), and a moved tag changes the services that use it; images that are gone from their \
             registry are a warning. References with a digest never move: they are fetched where the host lacks them.",
        ),
        Attribute::bool("build").default(false).describe(
            "Build the services that have a `build` section, those that only jobs run included, on the host with \
             BuildKit, from a copy of the files that are shipped, without what `.dockerignore` names: neither `.env` nor secret \
             files nor what containers write is in a context. A service is built \
             again when its context, Dockerfile, arguments, target or the version of a build secret changes, or when its \
             image is gone. Contexts, `additional_contexts` among them, are directories that are shipped; git \
             repositories that the host can fetch without a password, which count by their URL alone: name a commit in \
             it; images; and other services (`service:`), which Compose 2.26 cannot. Base images from registries that \
             ask for a password need a `docker login` on the host. Compose 2.40.2 and later build with Docker's buildx \
             plugin, and ask for its version 0.17 or later on the host. Default: `false`: images are fetched, and those \
             that the files only say how to build must be on the host.",
        ),
        Attribute::map("images", Type::String).validate(validate::each(image_reference())).describe(
            "Images by service, instead of the ones in the Compose files: for example those that another stack runs \
             (`windlass_compose_stack.staging.image_digests`). A service with an image here is not built.",
        ),
        Attribute::number("keep_images").default(KEEP_IMAGES).validate(validate::between(1, 100)).describe(
            "How many generations of the stack's images stay on the host, counting the one that runs: after a good \
             apply, images that only older ones used are removed, unless any container uses them. Images that this \
             stack never used are not touched. So that what an apply may go back to is not lost when a tag moves, nor \
             to `docker image prune`, it also has a name below `windlass.invalid/kept` until it is let go, at the \
             latest when the stack is destroyed. Default: 2.",
        ),
    ]
}

fn behaviour() -> [Attribute; 5] {
    [
        Attribute::string("on_failure").default(ROLLBACK).validate(validate::one_of(ON_FAILURE)).describe(
            "What becomes of the stack when an apply fails after its files were shipped. `rollback` (default): files, \
             values and containers return to the last good apply, with the images that it ran, and are waited for; \
             networks that only the failed version had go, unless something else uses them; the state shows what runs \
             then. Going back has as much time as the operation itself. A first apply that fails is taken down again and \
             not recorded; its volumes stay. A stack that was started by hand and imported goes back to that, where its \
             own files still say what runs; the error says so where they do not. `keep`: what was reached stays, to be \
             looked into, and is a difference in the next plan. After an interrupt (Ctrl-C), and when the connection \
             breaks, nothing is rolled back.",
        ),
        Attribute::string("start_timeout").check(|text: &String| parse_duration(text).map(drop)).describe(
            "How long a service that fails at first and is started again by its restart policy (`restart`) has until it \
             stays, beyond the `start_period` of its health check: while its database comes up, for example. It has to \
             be up for 10 s after a restart. A service without a restart policy that falls fails the apply at once. \
             Default: `60s`.",
        ),
        Attribute::bool("remove_orphans").default(true).describe(
            "Remove containers of the project that belong to none of its services (any more). Containers of \
             `docker compose run` never count among them. With `false`, a service that leaves the files keeps its \
             containers and stays in `services`, as `orphaned`; set to `true` later, it goes. Default: `true`.",
        ),
        Attribute::bool("remove_volumes_on_destroy").default(false).describe(
            "Remove the project's volumes, **with all data in them**, when the stack is destroyed. It is read from the \
             state: set it, apply, then destroy. Default: `false`.",
        ),
        Attribute::string("on_destroy").default("down").validate(validate::one_of(ON_DESTROY)).describe(
            "What destroying the stack does: `down` (default) stops and removes it; `abandon` needs no \
             host and leaves it as it is, for the next stack of its name to take up, also where it is replaced or moves to another machine: for a stack on a host that is \
             thrown away with it. With `abandon`, a host that does not answer is only a warning when the stack is \
             read. It is read from the state: set it, apply, then destroy; to change only this contacts nothing.",
        ),
    ]
}

fn computed() -> [Attribute; 7] {
    [
        Attribute::string("id").computed().keep_on_update().describe("The name of the project."),
        Attribute::string("source_hash").computed().describe(
            "A hash over the paths, modes and contents of the shipped files; `changed` when they are not on the host \
             as they were shipped.",
        ),
        Attribute::number("source_files").computed().describe(
            "How many files are shipped, without seeds and secret files: a look at it, and at `source_bytes`, before an              apply shows what else may have got into `source_dir`.",
        ),
        Attribute::number("source_bytes").computed().describe("How many bytes these files have."),
        Attribute::string("secrets_sops_hash").computed().describe(
            "SHA-256 of the encrypted file that `secrets_sops_file` names, as its values were last applied; null without one.",
        ),
        Attribute::map("image_digests", Type::String).computed().describe(
            "The images that run, by service, as references with a digest (`repository@sha256:…`): with them as \
             `images`, another stack runs the same. Services without containers, and those whose image no registry \
             knows (it was built or loaded on the host), are not there.",
        ),
        Attribute::map("services", Service::object_type()).computed().describe(
            "The services, by name. Every reason why one is changed is a field of its own: `image`, `image_id`, \
             `environment_hash`, `files_hash` (the shipped files that it uses), `config_hash` (everything that Compose \
             compares), `status` (`running`, `healthy`, `completed`, `idle` or `ignored` when all is well, `orphaned` for a \
             service that has left the files and whose containers stay, else what is wrong: `stopped`, `missing`, \
             `unhealthy`, `disconnected` from one of its networks, …) \
             and `replicas`. `image_id` is the image that the containers run, whoever made them: what another tool \
             has updated stays as it is while nothing else is applied, and is replaced by the next apply, as Compose \
             does. Networks that somebody else has attached containers to are left alone. A service with \
             `provider` has neither image nor containers; what its program makes is its own, and stays when the stack is \
             destroyed. `containers` are the names of its containers, `ports` what they publish. A service that is only \
             stopped and started again, because one that it depends on is replaced, shows by its `ports` alone: they \
             are known after apply. Which services that is depends on the host's Compose: before 2.29.4 all that \
             depend on a replaced one are replaced themselves, since 2.35 only those with `restart: true` in their \
             `depends_on` start again, and the others stay as they are.",
        ),
    ]
}

/// Checks what validators of single attributes cannot.
pub(super) fn validate(config: &StackModel, problems: &mut Diagnostics) {
    validate_jobs(&config.job, problems);
    validate_reloads(config, problems);
    validate_probes(&config.probe, problems);
    stacks::validate(&config.sources(), problems);
}

/// Checks the spelling of `directory`.
pub(super) fn check_directory(path: &str) -> Result<(), String> {
    match path.strip_prefix('/') {
        Some(inside) if !inside.is_empty() => check_parts(inside),
        _ => Err("must be an absolute path of a directory".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> StackModel {
        StackModel {
            name: "web".into(),
            config: Field::Known(vec!["services: {}".to_owned()]),
            environment: Field::Known(BTreeMap::from([("TAG".to_owned(), "1".into())])),
            ..StackModel::default()
        }
    }

    fn secret(value: Field<Secret>) -> Field<BTreeMap<String, Field<Secret>>> {
        Field::Known(BTreeMap::from([("TOKEN".to_owned(), value)]))
    }

    #[test]
    fn names_of_variables_are_checked() {
        let mut problems = Diagnostics::new();
        let environment = [("COMPOSE_FILE", "x"), ("a b", "x"), ("TOKEN", "x"), ("HOME", "x"), ("FINE", "x")]
            .map(|(name, value)| (name.to_owned(), value.into()));
        let config = StackModel {
            environment: Field::Known(environment.into()),
            secrets_wo: secret(Field::Unknown),
            ..config()
        };
        validate(&config, &mut problems);
        assert_eq!(problems.len(), 4, "{problems}");
    }

    #[test]
    fn names_and_paths_have_their_rules() {
        for name in ["web", "a-1_b", "0"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "Web", "-a", "a b", "a.b"] {
            assert!(check_name(name).is_err(), "{name}");
        }
        for path in ["../a", "a//b", ".windlass/x", "/a", "a/."] {
            assert!(check_relative(path).is_err(), "{path}");
        }
        assert!(check_relative("a b/ü.conf").is_ok());
        assert!(check_directory("/srv/web").is_ok());
        assert!(check_directory("/").is_err());
        assert!(check_directory("srv").is_err());
    }
}
