//! `require`: what a stack does not keep to fails its plan, or its apply where no plan could know.

use acceptance_tests::{STACK, Stack, hcl};
use lab::{Lab, Variant};

/// What the service of [`text`] keeps to; it publishes nothing and has a health check.
const KEPT: &str = "require {\n    pinned_images = \"digest\"\n    healthchecks = true\n    memory_limits = true\n    \
                    no_privileged = true\n    host_ports_allowed = []\n  }";

/// A Compose file of one good service, and of one that keeps to nothing.
fn text(stack: &Stack<'_>, with_bad: bool) -> String {
    let good = stack.compose_file("policies/good.yaml", &[]);
    if with_bad { good + &stack.compose_file("policies/bad.part.yaml", &[]) } else { good }
}

fn configure(stack: &Stack<'_>, with_bad: bool, more: &str) {
    stack.configure_text_with(&text(stack, with_bad), more);
}

#[test]
fn rules_are_about_what_runs_already_and_touch_nothing() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    configure(&stack, true, "");
    stack.workspace.apply().expect_success();
    let before = stack.containers();

    // Nothing but the rules is new, and everything that breaks them is told at once.
    configure(&stack, true, KEPT);
    let error = stack.workspace.plan().expect_error();
    assert_eq!(error.summary, stack.could_not("plan"));
    error.says(
        "One service does not keep to what is required:\nbad:\n  services.bad.healthcheck is missing (healthchecks)\n  \
         services.bad.deploy.resources.limits.memory is not set (memory_limits)\n  \
         services.bad.privileged is true (no_privileged)\n  \
         services.bad.ports publishes 80/tcp on a port that Docker chooses, on 127.0.0.1 (host_ports_allowed)",
    );
    assert!(!error.detail.contains("services.app"), "{error:#?}");
    assert_eq!(stack.containers(), before);

    // Rules that are kept are a change of the configuration and of nothing else.
    let kept =
        "require {\n    pinned_images = \"tag\"\n    host_ports_allowed = [\"127.0.0.1:1-65535\"]\n  }";
    configure(&stack, true, kept);
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"], change.after["services"]);
    stack.workspace.converge_as_planned();
    assert_eq!(stack.containers(), before);

    // The provider's rules are for all stacks, and a stack can switch one off.
    stack.provider("require {\n    no_privileged = true\n    memory_limits = true\n  }", "");
    let error = stack.workspace.plan().expect_error();
    error.says("What the provider's `require` block asks for: memory_limits, no_privileged.");
    configure(&stack, true, "require {\n    no_privileged = false\n    memory_limits = false\n  }");
    stack.workspace.apply().expect_success();

    configure(&stack, false, KEPT);
    stack.workspace.converge();
    assert_eq!(stack.containers().keys().collect::<Vec<_>>(), ["app"]);
}

#[test]
fn what_a_plan_cannot_know_is_checked_before_anything_is_done() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    stack.workspace.write("host.tf", &hcl::host_block("new", &stack.host, ""));
    stack.workspace.write("app/compose.yaml", &text(&stack, true));
    stack.workspace.write("app/.env.example", "# what it needs\nNAME=\nID=\nOTHER=x\n");
    let attributes = |more: &str| {
        format!(
            "source_dir = \"${{path.module}}/app\"\n  environment = {{ ID = windlass_host.new.machine_id }}\n  \
             require {{\n    healthchecks = true\n    env_template = \".env.example\"\n  }}\n  {more}"
        )
    };
    stack.configure_on("windlass_host.new.connection", &attributes(""));
    // A value that is not known counts as given; one that nobody gives is known to be missing.
    let error = stack.workspace.plan().expect_error();
    error.says(".env.example names variables that have no value: NAME, OTHER (env_template).");

    stack.workspace.write("app/.env", "NAME=n\nOTHER=\n");
    stack.workspace.plan().expect_error().says("have no value: OTHER (");
    stack.workspace.write("app/.env", "NAME=n\nOTHER=o\n");
    stack.workspace.plan().expect_success();
    let error = stack.workspace.apply_planned().expect_error();
    error.says("services.bad.healthcheck is missing (healthchecks)").says("Nothing was changed.");
    assert!(stack.containers().is_empty());
    assert!(!stack.exists(&format!("/root/windlass/{}", stack.name)));

    stack.workspace.write("app/compose.yaml", &text(&stack, false));
    stack.workspace.converge();
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
}

#[test]
fn what_only_a_job_runs_keeps_to_the_rules_too() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let configure = |file: &str, jobs: &str| {
        let rules =
            "require {\n    memory_limits = true\n    healthchecks = false\n    host_ports_allowed = []\n  }";
        stack.configure_text_with(&stack.compose_file(file, &[]), &format!("{rules}\n  {jobs}"));
    };
    let job = "job {\n    name = \"migrate\"\n    service = \"migrate\"\n  }";
    configure("policies/jobs.yaml", job);
    let error = stack.workspace.plan().expect_error();
    error.says(
        "One service does not keep to what is required:\n\
         migrate:\n  services.migrate.deploy.resources.limits.memory is not set (memory_limits)\n\n",
    );
    configure("policies/limited-jobs.yaml", job);
    stack.workspace.converge();

    // What nobody brings to the host is nobody's business.
    configure("policies/jobs.yaml", "");
    stack.workspace.converge();
}
