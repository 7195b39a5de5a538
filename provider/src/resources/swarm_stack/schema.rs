//! The schema of `windlass_swarm_stack`.

use std::collections::BTreeMap;

use framework::{
    Attribute, Field, Model as _, Rule, Schema, Timeouts, Type, schema::parse_duration, validate,
};
use secret::Secret;
use tree::{Modes, check_relative};

use super::model::{CHANGED, DOWN, ROLLBACK, Service, UNDEFINED_ERROR, UNDEFINED_WARN};
use crate::{
    failure::left_out_in_words,
    require,
    stacks::{
        blocks::{JobWords, ProbeWords, job_block, probe_block},
        check_name, image_reference, sealed_attribute,
    },
};

/// When registries may be asked what an image stands for.
const RESOLVE: [&str; 3] = [CHANGED, "always", "never"];
/// What may become of a stack whose apply fails.
const ON_FAILURE: [&str; 2] = [ROLLBACK, "keep"];
/// What destroying a stack does.
const ON_DESTROY: [&str; 2] = [DOWN, "abandon"];
/// What is said of jobs.
const JOB: JobWords = JobWords {
    block: "A one-shot run of a service: a migration, or provisioning that may be repeated. It is a service of its own \
            for as long as it runs (a replicated job of one task, which no restart policy runs again), on the networks \
            of the service and with its secrets, configs and volumes, on any node that fits; without its ports, its \
            names on networks and its health check. Repeatable; jobs run in the order in which they are written. One \
            that fails stops the apply, with its exit status and its last lines: before the services are updated \
            nothing that runs has been changed then, but what `needs` names. The service of a job is removed once it has \
            ended, that of an apply that was cut off by the next one. The outcome is not stored; a job that failed is \
            due again.",
    name: "What messages call the job; each has its own. Its service, `<stack>_run-…`, has the label `windlass.run` with \
           it.",
    service: "The service whose image, environment, networks, secrets, configs and volumes the job has. It may belong to \
              a profile that is not switched on: then it runs as a job only. It is checked by `require` like the others.",
    when: "`before` (default): once networks, secrets and configs are there, and before services are updated. `after`: \
           once the services are well and the probes have passed.",
    run_on: "`change` (default): when the stack is created, when an apply makes, updates or removes services, and when \
             the job's own block is new or does something else, or the service that only it runs. `apply`: whenever an \
             apply touches the swarm. Neither makes a difference by itself, and an apply that only changes how later \
             ones go about it (`timeout`, `run_on`, `on_failure` and the like) touches no swarm and runs no job.",
};
/// What is said of probes.
const PROBE: ProbeWords = ProbeWords {
    block: "A check that the stack answers, made after its services are well, on every create and on every update that \
            touches the swarm. One that does not pass in time fails the apply. HTTP, TLS and TCP are spoken by Windlass \
            itself through the connection: the host needs no `curl`. Repeatable; probes are made in the order in which \
            they are written. Exactly one of `url` and `tcp` is set.",
    from: "From where the probe is made: `host` (default), the manager that is asked, through its SSH connection, for \
           which the SSH server must allow TCP forwarding; or `here`, the machine that runs tofu. From a manager, \
           `127.0.0.1` reaches what is published in `mode: ingress`, and what is published in `mode: host` only where a \
           task is on that manager.",
};
/// How long a name may be, so that names of its services, networks and secrets have room beside it.
const LONGEST_NAME: usize = 40;

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "A stack on a Docker Swarm, from the same Compose files that run on one host: a manager's own \
             `docker compose config` resolves them, and they become what `docker stack deploy` would make of them. The \
             plan shows service by service what will change and why. Only services that change are updated, all are \
             waited for, and an update that Swarm pauses or rolls back fails the apply with what its tasks say; the \
             stack then returns to the last good apply. A service that was scaled, updated or removed by hand is a \
             difference that the next apply repairs. Files are not shipped anywhere: what a service reads goes into \
             `configs` and `secrets`, which get another name with another content, so that they may change.",
        )
        .attributes(place())
        .attributes(files())
        .attributes(values())
        .attributes(images())
        .attributes(behaviour())
        .attributes(computed())
        .block(require::block())
        .block(job_block(&JOB))
        .block(probe_block(&PROBE))
        .rule(Rule::exactly_one_of(["source_dir", "config"]))
        .rule(Rule::required_with("files", ["source_dir"]))
        .rule(Rule::required_with("secrets_wo", ["secrets_wo_version"]))
        .rule(Rule::required_with("secret_files_wo", ["secret_files_wo_version"]))
        .timeouts(Timeouts::new().create(20).update(20).delete(10).read(5))
}

fn place() -> [Attribute; 1] {
    [Attribute::string("name")
        .required()
        .requires_replace()
        .check(|name: &String| {
            check_name(name)?;
            if name.len() > LONGEST_NAME {
                return Err(format!("must have at most {LONGEST_NAME} characters"));
            }
            Ok(())
        })
        .describe("The name of the stack: lower-case letters, digits, `-` and `_`, at most 40 of them.")]
}

fn files() -> [Attribute; 7] {
    [
        Attribute::string("source_dir").validate(validate::non_empty()).describe(format!(
            "A directory on the machine that runs tofu, such as `\"${{path.module}}/app\"`, with the Compose files and \
             what they name: `configs`, `secrets`, `env_file`. What `.windlassignore` files in it name (in the syntax of \
             `.gitignore`) is left out. {}",
            left_out_in_words()
        )),
        Attribute::string("file_modes").default(Modes::WORDS[0]).validate(validate::one_of(Modes::WORDS)).describe(
            "Which permission bits of the files in `source_dir` count: `git` (default), whether the owner may run a \
             file, or `exact`, all of them. In a task, files have the mode that `configs` and `secrets` give them.",
        ),
        Attribute::list("files", Type::String)
            .validate(validate::length(1, 64))
            .validate(validate::each(validate::non_empty()))
            .describe(
                "The Compose files in `source_dir`, in the order in which they are merged. Default: those that Docker \
                 Compose itself takes there, as for `windlass_compose_stack`.",
            ),
        Attribute::string("env_file").validate(validate::non_empty()).describe(
            "The file in `source_dir` that variables take their values from, such as `.env.production`, in the place of \
             the `.env` beside the first Compose file.",
        ),
        Attribute::list("config", Type::String)
            .validate(validate::length(1, 64))
            .describe("The texts of the Compose files, in the order in which they are merged, instead of `source_dir`."),
        Attribute::map("files_content", Type::String)
            .check(|files: &BTreeMap<String, String>| files.keys().try_for_each(|path| check_relative(path)))
            .describe(
                "More files, path beside the Compose files to text: for rendered templates, as `configs: { x: { file: \
                 ./path } }`. They win over those of `source_dir`.",
            ),
        Attribute::set("profiles", Type::String).validate(validate::each(validate::non_empty())).describe(
            "The Compose profiles that are switched on. Default: those that `COMPOSE_PROFILES` names in the stack's own \
             `.env` (or in `env_file`).",
        ),
    ]
}

fn values() -> [Attribute; 7] {
    [
        Attribute::map("environment", Type::String).describe(
            "Values for the `${NAME}` in the Compose files. Together with `secrets_wo` and the stack's own `.env` they \
             are all that is seen there.",
        ),
        Attribute::string("undefined_variables")
            .default(UNDEFINED_ERROR)
            .validate(validate::one_of([UNDEFINED_ERROR, UNDEFINED_WARN]))
            .describe(
                "What becomes of a `${NAME}` that has no value where a service needs it: `error` (default) fails the plan, \
                 `warn` takes it for empty, as plain Compose does, and lists it.",
            ),
        Attribute::map("secrets_wo", Type::String).write_only().older_cores_use("secrets_sops_file").describe(
            "Secret values, write-only: they are in neither plan nor state. For `secrets: { x: { environment: NAME } }` \
             in the Compose files, which becomes a secret of the swarm whose name carries the version, such as \
             `web_x-v3`: another version is another secret, and a service that uses several gets all of them in one \
             update. A `${NAME}` in a service's `environment` works too, but then everybody who may ask a manager can \
             read the value there.",
        ),
        Attribute::string("secrets_wo_version").describe(
            "A version of your choice for the values of `secrets_wo`, such as `2026-11` or `3`: change it with them. All \
             services that use one of them are updated then.",
        ),
        sealed_attribute(
            "All services that use one of its values are updated then.",
        ),
        Attribute::map("secret_files_wo", Type::String)
            .write_only()
            .check(|files: &BTreeMap<String, Field<Secret>>| files.keys().try_for_each(|path| check_relative(path)))
            .describe(
                "Secret files, path beside the Compose files to content, write-only: for `secrets: { x: { file: ./path } \
                 }`. They become secrets of the swarm, by the same rule.",
            ),
        Attribute::string("secret_files_wo_version").describe(
            "A version of your choice for the contents of `secret_files_wo`: change it with them. All services that use \
             one of them are updated then.",
        ),
    ]
}

fn images() -> [Attribute; 3] {
    [
        Attribute::map("images", Type::String).validate(validate::each(image_reference())).describe(
            "Images by service, instead of the ones in the Compose files: for example those that another stack runs \
             (`windlass_swarm_stack.staging.image_digests`). A swarm builds none.",
        ),
        Attribute::string("resolve_image").default(CHANGED).validate(validate::one_of(RESOLVE)).describe(
            "When a registry is asked which image a tag stands for, so that all nodes run the same: `changed` (default), \
             where a service is new or its reference is another one; `always`, at each read, so that a moved tag is a \
             change in the plan; `never`, each node pulls what it finds. A registry that does not answer within 3 \
             seconds leaves that to the nodes.",
        ),
        Attribute::bool("registry_auth").default(false).describe(
            "Leave the credentials of the provider's `registry` blocks in the swarm with the services whose images need \
             them: nodes pull with them, also those that join later. **They stay there as long as the service does**, \
             encrypted on the managers' disks, and where they expire, tasks that move to another node later do not \
             start. Default: `false`: nodes pull without credentials.",
        ),
    ]
}

fn behaviour() -> [Attribute; 6] {
    [
        Attribute::set("keep_replicas", Type::String).validate(validate::each(validate::non_empty())).describe(
            "Services whose number of replicas something else decides while they run, such as an autoscaler: what the \
             files say counts only when one is made.",
        ),
        Attribute::set("ignore_keys", Type::String).validate(validate::each(validate::non_empty())).describe(
            "Keys that a swarm does not know and that may be lost although something else runs without them: \
             `privileged`, or `app.privileged` for one service. Keys whose loss changes little (`build`, \
             `container_name`, `depends_on`, …) are never an error, and are listed in one warning of the plan.",
        ),
        Attribute::string("on_failure").default(ROLLBACK).validate(validate::one_of(ON_FAILURE)).describe(
            "What becomes of the stack when an apply fails after something was changed. `rollback` (default): all \
             services return to what they were after the last good apply, and are waited for; secrets and configs of \
             that time are still there. A job is not run again for that, and stays as it failed. A first apply that \
             fails is taken down again, and not recorded. `keep`: what was reached stays, and is a difference in the \
             next plan. After an interrupt (Ctrl-C) nothing is rolled back.",
        ),
        Attribute::string("start_timeout").check(|text: &String| parse_duration(text).map(drop)).describe(
            "How long a service whose tasks fail, or find no node, has until they run, before the apply fails with what \
             they say. An update that Swarm pauses or rolls back fails at once. Default: `60s`.",
        ),
        Attribute::bool("remove_orphans").default(true).describe(
            "Remove services of the stack that have left the files, once the others are well, and then the networks, \
             secrets and configs that nothing uses any more. With `false` these services stay, and are not in \
             `services`. Default: `true`.",
        ),
        Attribute::string("on_destroy").default(DOWN).validate(validate::one_of(ON_DESTROY)).describe(
            "What destroying the stack does: `down` (default) removes it and waits until its tasks and networks are gone; \
             volumes stay on their nodes. `abandon` contacts nothing and leaves it as it is. It is read from the state: \
             set it, apply, then destroy.",
        ),
    ]
}

fn computed() -> [Attribute; 5] {
    [
        Attribute::string("id").computed().keep_on_update().describe("The name of the stack."),
        Attribute::string("swarm").computed().keep_on_update().describe("The id of the swarm that it is on."),
        Attribute::string("secrets_sops_hash").computed().describe(
            "SHA-256 of the encrypted file that `secrets_sops_file` names, as its values were last applied; null without one.",
        ),
        Attribute::map("image_digests", Type::String).computed().describe(
            "The images that are deployed, by service, as references with a digest (`repository@sha256:…`), where they \
             have one.",
        ),
        Attribute::map("services", Service::object_type()).computed().describe(
            "The services, by name. Every reason why one is changed is a field of its own: `image` and `image_digest`, \
             `mode`, `replicas` (null where the nodes decide), `environment_hash`, `files_hash` (its secrets and \
             configs), `config_hash` (everything else; `changed` when it is not what was deployed), `ports`, and \
             `status`: `running` or `job` when all is well, `paused` or `rollback paused` when an update stands still, \
             which the next apply un-sticks. How many tasks run at the moment is not there, because it moves by itself.",
        ),
    ]
}
