//! What every diagnostic of a failure has.

use acceptance_tests::{Diagnostic, Run};

/// Fails unless the run failed with this title and its detail tells at least what happened, what
/// the world looks like now and what to do next, with all of `parts` in it.
#[track_caller]
pub fn expect_story(run: &Run, title: &str, parts: &[&str]) -> Diagnostic {
    let diagnostic = run.expect_error();
    assert_eq!(diagnostic.summary, title, "{diagnostic:#?}");
    let paragraphs = diagnostic.detail.split("\n\n").count();
    assert!(paragraphs >= 3, "something is missing in {diagnostic:#?}");
    for part in parts {
        diagnostic.says(part);
    }
    diagnostic
}

/// Fails unless the first error of the run points at a line of the configuration with `attribute`.
#[track_caller]
pub fn expect_blame(run: &Run, attribute: &str) {
    let line = run.lines().find(|line| line["diagnostic"]["severity"] == "error").unwrap();
    let code = line["diagnostic"]["snippet"]["code"].as_str().unwrap_or_default();
    assert!(code.contains(attribute), "{attribute} is not to blame in {line:#}");
}

/// Whether the resource is marked as broken in the state.
pub fn is_tainted(workspace: &acceptance_tests::Workspace, address: &str) -> bool {
    let shown = workspace.run(&["show", "-json"]).expect_success();
    let json: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    let resources = json["values"]["root_module"]["resources"].as_array().cloned().unwrap_or_default();
    let found = resources.iter().find(|resource| resource["address"] == address);
    found.unwrap_or_else(|| panic!("{address} is not in the state"))["tainted"] == true
}
