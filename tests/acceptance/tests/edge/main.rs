//! Compose stacks at their edges: odd files, many services, many stacks, many hosts, and engines that
//! are not Docker as most people run it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod adopted;
mod containerd_store;
mod engines;
mod examples;
mod files;
mod hosts;
mod many;
mod names;
mod networks;

use acceptance_tests::Stack;

/// A service that stays, with these further lines of six spaces or YAML in braces.
fn service(stack: &Stack<'_>, name: &str, more: &[&str]) -> String {
    let mut text = format!(
        "  {name}:\n    image: {}\n    command: [sleep, infinity]\n    stop_grace_period: 0s\n",
        stack.image("busybox")
    );
    for line in more {
        text += &format!("    {line}\n");
    }
    text
}
