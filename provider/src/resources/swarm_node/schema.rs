//! The schema of `windlass_swarm_node`.

use framework::{Attribute, Schema, Timeouts, Type, schema::parse_duration, validate};

use crate::hosted::check_connection;

const ROLES: [&str; 2] = ["worker", "manager"];
const AVAILABILITIES: [&str; 3] = ["active", "pause", "drain"];
const LABELS_MODES: [&str; 2] = ["exact", "merge"];
const DRAINS: [&str; 2] = ["graceful", "fast"];

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "A machine as a node of a Docker Swarm. It joins with a token that is read from a manager at that moment and \
             is never in plan, state or logs, at the address by which the managers know each other, private ones first. \
             **It leaves without taking work along**: its tasks move to other nodes, it is demoted, leaves, and is taken \
             off the list, and never so that the other managers lose their majority. Steps that would are waited with, \
             and refused before they begin. The last manager stays until `windlass_swarm` is destroyed.",
        )
        .attributes(membership())
        .attributes(role())
        .attributes(ending())
        .attributes(computed())
        .timeouts(Timeouts::new().create(10).update(15).delete(15).read(2))
}

fn membership() -> [Attribute; 5] {
    let address = |name: &str| Attribute::string(name).validate(validate::non_empty());
    [
        Attribute::string("swarm").required().validate(validate::non_empty()).describe(
            "The id of the swarm: `windlass_swarm.<name>.id`. With another one the node leaves the old swarm, and joins \
             the new one, in place.",
        ),
        Attribute::string("host").required().check(check_connection).describe(
            "The machine, as a connection: usually `windlass_host.<name>.connection`. Another connection to the same \
             machine changes nothing; another machine joins first, then this one leaves. A machine that is a node of \
             this swarm already is adopted; one of another swarm is refused.",
        ),
        address("advertise_addr").describe(
            "The address or interface by which others reach the node, `10.0.0.2` or `eth1`. Needed where the machine has \
             several. It counts when the node joins, as do the next two.",
        ),
        address("listen_addr").describe("Where it listens as a manager. Default: `0.0.0.0:2377`."),
        address("data_path_addr").describe(
            "The address or interface for the traffic between containers. Default: the advertised one.",
        ),
    ]
}

fn role() -> [Attribute; 4] {
    let one_of = |name: &str, default: &str| Attribute::string(name).default(default);
    [
        one_of("role", "worker").validate(validate::one_of(ROLES)).describe(
            "`worker` (default) or `manager`. It is promoted or demoted in place. A demotion waits until no job of a \
             service is unfinished, because Swarm may run such a job again when its leader changes.",
        ),
        one_of("availability", "active").validate(validate::one_of(AVAILABILITIES)).describe(
            "`active` (default), `pause` (keeps its tasks and gets no others) or `drain` (its tasks move elsewhere, as \
             `drain` says).",
        ),
        Attribute::map("labels", Type::String).describe(
            "Labels of the node, for `placement.constraints` of services: `node.labels.<key>`. Tasks whose constraints \
             are no longer met move.",
        ),
        one_of("labels_mode", "exact").validate(validate::one_of(LABELS_MODES)).describe(
            "`exact` (default): the node has these labels and no others. `merge`: labels that are not named here are \
             left alone.",
        ),
    ]
}

fn ending() -> [Attribute; 3] {
    [
        Attribute::string("drain").default("graceful").validate(validate::one_of(DRAINS)).describe(
            "How work leaves the node. `graceful` (default): each service with tasks here is told to avoid this node, so \
             that only those tasks are replaced, in the service's own way; with `update_config.order: start-first` the \
             new task runs, and is healthy, before the old one stops: nobody who asks the service notices, as long as \
             it has a health check (without one it counts as running before it listens), finishes what it has begun when \
             it is told to stop, and is found by its name anew for every connection, because the old task leaves name \
             resolution two seconds before it is told. Refused where no other node may or can run them. \
             Meanwhile the service's previous spec is one with that constraint, so that `docker service rollback` leads \
             there. `fast`: tasks stop here, then others start elsewhere. Both wait for jobs on the node to finish, and \
             neither moves containers that no service made. Read from the state when the node is destroyed.",
        ),
        Attribute::string("drain_timeout").default("5m").check(|text: &String| parse_duration(text).map(drop)).describe(
            "How long that may take. What has moved by then stays moved, and the next try goes on there. Default: `5m`.",
        ),
        Attribute::bool("force_remove_unreachable").default(false).describe(
            "Destroy the node although its machine does not answer: it is taken off the list without leaving, and its \
             tasks are started elsewhere. Read from the state: set it, apply, then destroy. Default: `false`.",
        ),
    ]
}

fn computed() -> [Attribute; 7] {
    [
        Attribute::string("id").computed().keep_on_update().describe("The id of the node."),
        Attribute::string("hostname").computed().keep_on_update().describe("What its machine calls itself."),
        Attribute::string("state").computed().describe(
            "What the managers hear of it: `ready`, `down`, `disconnected` or `unknown`.",
        ),
        Attribute::string("address").computed().describe("Its address, as the managers see it."),
        Attribute::string("engine_version").computed().describe("The version of its Docker Engine."),
        Attribute::bool("leader").computed().describe("Whether it leads the managers."),
        Attribute::string("reachability").computed().describe(
            "Whether the other managers hear from it: `reachable`, `unreachable` or `unknown`; null for a worker.",
        ),
    ]
}
