//! What can run where.

use crate::{Availability, Node, NodeState, Service, Task};

/// Why none of `nodes` but `leaving` can take over what `service` runs there; `None` where one can.
pub fn no_place(
    service: &Service,
    leaving: &str,
    nodes: &[Node],
    services: &[Service],
    tasks: &[Task],
) -> Option<String> {
    let others: Vec<&Node> = nodes
        .iter()
        .filter(|node| node.id != leaving)
        .filter(|node| node.state == NodeState::Ready && node.availability == Availability::Active)
        .collect();
    if others.is_empty() {
        return Some(format!("{}: no other node takes tasks", service.name));
    }
    let allowed: Vec<&Node> = others.into_iter().filter(|node| allows(&service.constraints, node)).collect();
    if allowed.is_empty() {
        let constraints = service.constraints.join(", ");
        return Some(format!("{}: no other node meets its constraints ({constraints})", service.name));
    }
    let fits = |node: &&Node| has_room(service, node, services, tasks);
    if allowed.iter().any(fits) {
        return None;
    }
    Some(format!("{}: no other node that it may run on has room for what it reserves", service.name))
}

/// Whether a node meets all constraints. One that we do not know is met: the swarm decides.
pub fn allows(constraints: &[String], node: &Node) -> bool {
    constraints.iter().all(|constraint| meets(constraint, node) != Some(false))
}

fn meets(constraint: &str, node: &Node) -> Option<bool> {
    let (key, wanted, equal) = match (constraint.split_once("=="), constraint.split_once("!=")) {
        (Some((key, value)), _) => (key.trim(), value.trim(), true),
        (None, Some((key, value))) => (key.trim(), value.trim(), false),
        (None, None) => return None,
    };
    let role = node.role.to_string();
    let label = |name: &str, labels: &std::collections::BTreeMap<String, String>| {
        labels.get(name).cloned().unwrap_or_default()
    };
    let found = match key.to_ascii_lowercase().as_str() {
        "node.id" => node.id.clone(),
        "node.hostname" => node.hostname.clone(),
        "node.role" => role,
        "node.platform.os" => node.os.clone(),
        // Written in two ways, of which a service has either.
        "node.platform.arch" => {
            return Some((architecture(&node.architecture) == architecture(wanted)) == equal);
        }
        _ => {
            if let Some(name) = key.strip_prefix("node.labels.") {
                label(name, &node.labels)
            } else if let Some(name) = key.strip_prefix("engine.labels.") {
                label(name, &node.engine_labels)
            } else {
                return None;
            }
        }
    };
    Some(found.eq_ignore_ascii_case(wanted) == equal)
}

fn architecture(name: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "x86_64" => "amd64".to_owned(),
        "aarch64" => "arm64".to_owned(),
        other => other.to_owned(),
    }
}

/// Whether a node has what the service reserves, beside what others have reserved there.
fn has_room(service: &Service, node: &Node, services: &[Service], tasks: &[Task]) -> bool {
    let there = tasks.iter().filter(|task| task.node == node.id && task.wanted && task.live);
    let (mut nano_cpus, mut memory_bytes, mut replicas) = (0, 0, 0);
    for task in there {
        if let Some(other) = services.iter().find(|other| other.id == task.service) {
            nano_cpus += other.nano_cpus;
            memory_bytes += other.memory_bytes;
        }
        replicas += i64::from(task.service == service.id);
    }
    nano_cpus + service.nano_cpus <= node.nano_cpus
        && memory_bytes + service.memory_bytes <= node.memory_bytes
        && (service.max_replicas == 0 || replicas < service.max_replicas)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{node::tests::node, work::tests::service};

    fn named(id: &str) -> Node {
        Node { id: id.into(), ..node() }
    }

    fn task(service: &str, node: &str) -> Task {
        let (id, service, node) = ("t".into(), service.into(), node.into());
        Task { id, service, node, wanted: true, live: true, running: true, error: String::new() }
    }

    #[test]
    fn constraints_are_met_or_not() {
        let node = named("n1");
        for (constraint, met) in [
            ("node.id==n1", true),
            ("node.id != n1", false),
            ("node.role==worker", false),
            ("node.role == Manager", true),
            ("node.labels.tier==stateful", true),
            ("node.labels.tier!=stateful", false),
            ("node.labels.other==1", false),
            ("node.platform.arch==amd64", true),
            ("node.platform.os==windows", false),
            ("engine.labels.x!=y", true),
            ("node.moon==full", true),
        ] {
            assert_eq!(allows(&[constraint.to_owned()], &node), met, "{constraint}");
        }
    }

    #[test]
    fn work_that_fits_nowhere_else_is_named_with_why() {
        let free = Service { constraints: Vec::new(), ..service() };
        let (one, two) = (named("n1"), named("n2"));
        let why = |service: &Service, nodes: &[Node], tasks: &[Task]| {
            no_place(service, "n1", nodes, std::slice::from_ref(service), tasks)
        };
        let nodes = [one.clone(), two.clone()];
        assert_eq!(why(&free, &nodes, &[]), None);
        assert_eq!(why(&free, std::slice::from_ref(&one), &[]).unwrap(), "web: no other node takes tasks");
        let drained = Node { availability: Availability::Drain, ..two.clone() };
        assert_eq!(why(&free, &[one.clone(), drained], &[]).unwrap(), "web: no other node takes tasks");
        assert_eq!(
            why(&service(), &nodes, &[]).unwrap(),
            "web: no other node meets its constraints (node.role==worker)"
        );
        let room = "web: no other node that it may run on has room for what it reserves";
        let big = Service { memory_bytes: 5_000_000_000, ..free.clone() };
        assert_eq!(why(&big, &nodes, &[]).unwrap(), room);
        // Four halves of a processor are two processors.
        let full: Vec<Task> = (0..4).map(|_| task("s1", "n2")).collect();
        assert_eq!(why(&free, &nodes, &full).unwrap(), room);
        assert_eq!(why(&free, &nodes, &full[..3]), None);
        let one_each = Service { max_replicas: 1, ..free };
        assert_eq!(why(&one_each, &nodes, &full[..1]).unwrap(), room);
    }
}
