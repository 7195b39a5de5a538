//! What will change of a policy, and whether it may.

use framework::{Context, Diagnostic, Diagnostics, Field, Path, Plan};
use tailnet::{
    Control, Error, Verdict,
    policy::{Finding, Level, Lockout, Policy, changes},
};

use super::{TailnetPolicy, model::PolicyModel, reading::read_policy};
use crate::{
    controlled::OnTailnet,
    failure::{Failure, UNCHANGED, as_warning},
};

/// The most lines that a diagnostic lists.
const LINES: usize = 30;

/// The rule by which everybody reaches everything.
const OPEN: [&str; 2] = ["accept * -> *:*", "* -> * ip=*"];

/// What can be said of a configuration alone: whether the text can be read.
pub(super) fn validate(config: &PolicyModel, problems: &mut Diagnostics) {
    let Some(text) = config.policy.as_str() else { return };
    if let Err(error) = read_policy(text) {
        problems.push(
            Diagnostic::error("Invalid policy")
                .detail(format!("It is not valid HuJSON. At {error}."))
                .detail(
                    "Correct it there: HuJSON is JSON with comments and trailing commas, and nothing else.",
                )
                .at("policy"),
        );
    }
}

pub(super) async fn plan(
    cx: &Context,
    control: Option<&dyn Control>,
    title: &str,
    plan: &mut Plan<OnTailnet<TailnetPolicy>>,
) -> Result<(), Diagnostics> {
    let Some(text) = plan.config.policy.as_str().map(str::to_owned) else {
        plan.planned.rules = Field::Unknown;
        return Ok(());
    };
    let Ok(read) = read_policy(&text) else {
        let mut problems = Diagnostics::new();
        validate(&plan.config, &mut problems);
        return Err(problems);
    };
    let (policy, rules) = (&read.policy, read.rules());
    let before = plan.prior.as_ref().and_then(|prior| prior.model.policy.as_str());
    let before = before.and_then(|text| read_policy(text).ok());
    let before = before.as_ref().map(|before| before.rules());
    let is_same = before == Some(rules);
    if is_same {
        plan.keep_spelling("policy")?;
    }
    plan.planned.rules = Field::Known(rules.clone());
    let mut problems = lockouts(title, policy, &plan.config);
    if is_same {
        return problems.into_result();
    }
    if let Some(control) = control {
        let (errors, warnings): (Vec<_>, Vec<_>) =
            policy.check(control.kind()).into_iter().partition(|finding| finding.level == Level::Error);
        problems.append(found(title, &errors));
        if let Some(warning) = found("The policy may not do what it says", &warnings) {
            cx.warn(as_warning(warning));
        }
    }
    let is_open = |lines: &Vec<String>| lines.iter().any(|line| OPEN.contains(&line.as_str()));
    if rules.values().any(is_open) && !before.is_some_and(|before| before.values().any(is_open)) {
        cx.warn(
            Diagnostic::warning("The policy lets everybody reach everything")
                .detail("It has a rule from `*` to everything.")
                .at("policy"),
        );
    }
    if !problems.has_errors()
        && let Some(control) = control
    {
        ask_server(cx, control, title, &text).await?;
    }
    problems.into_result()
}

/// What was found, as one diagnostic.
fn found(title: &str, findings: &[Finding]) -> Option<Diagnostic> {
    if findings.is_empty() {
        return None;
    }
    let lines: Vec<String> = findings.iter().map(|finding| format!("{finding}.")).collect();
    Some(Diagnostic::error(title).detail(listed(&lines)).detail(UNCHANGED).at("policy"))
}

/// What the server itself says, its warnings as such.
async fn ask_server(cx: &Context, control: &dyn Control, title: &str, text: &str) -> Result<(), Diagnostics> {
    let verdict = match control.check_policy(text).await {
        Ok(verdict) => verdict,
        Err(error @ (Error::Unreachable { .. } | Error::Lost { .. } | Error::Busy { .. })) => {
            let later =
                "The policy is planned without the server's word; it is checked again when it is applied.";
            for problem in Failure::from(error).into_diagnostics("Could not check the policy", later) {
                cx.warn(as_warning(problem));
            }
            return Ok(());
        }
        Err(error) => return Err(Failure::from(error).into_diagnostics(title, UNCHANGED)),
    };
    let server = control.kind().name();
    if !verdict.warnings.is_empty() {
        let warning = Diagnostic::warning("The policy may not do what it says");
        cx.warn(warning.detail(format!("{server} warns:\n{}", listed(&verdict.warnings))).at("policy"));
    }
    if verdict.is_fine() {
        return Ok(());
    }
    let words = format!("{server} would not take the policy:\n{}", listed(&verdict.errors));
    if is_about_others(&verdict) {
        let later = "That may be made in the same run, so the plan goes on; if it is not there by then, the apply fails \
                     and changes nothing.";
        cx.warn(
            Diagnostic::warning("The policy names something that is not there yet")
                .detail(words)
                .detail(later)
                .at("policy"),
        );
        return Ok(());
    }
    Err(Diagnostic::error(title)
        .detail(words)
        .detail(UNCHANGED)
        .detail("Correct what it names.")
        .at("policy")
        .into())
}

/// Whether all that is wrong is that something outside of the policy is not there: what is in it has
/// been checked already.
fn is_about_others(verdict: &Verdict) -> bool {
    let absent = |text: &String| {
        let text = text.to_lowercase();
        ["not found", "does not exist", "no such", "unknown user", "undefined", "no ip addresses"]
            .iter()
            .any(|words| text.contains(words))
    };
    verdict.errors.iter().all(absent)
}

/// Deployers that the policy would not let in.
fn lockouts(title: &str, policy: &Policy, config: &PolicyModel) -> Diagnostics {
    let blocks = config.deployer.known().map(Vec::as_slice).unwrap_or_default();
    let known = blocks.iter().enumerate().filter_map(|(index, block)| Some((index, block.deployer()?)));
    let locked_out =
        known.filter_map(|(index, deployer)| Some((index, policy.locks_out(&deployer)?, deployer)));
    locked_out
        .map(|(index, lockout, deployer)| {
            let tag = &deployer.tag;
            let (missing, rule) = match &lockout {
                Lockout::NoOwner { tag: missing } => (
                    format!("{missing} is not in \"tagOwners\", so nothing can have it"),
                    format!("\"tagOwners\": {{\"{missing}\": [\"autogroup:admin\"]}}"),
                ),
                Lockout::NoNetwork { to } => (
                    format!("no rule certainly lets {tag} reach {to} at port {}", deployer.port),
                    format!(
                        "\"acls\": [{{\"action\": \"accept\", \"src\": [\"{tag}\"], \"dst\": [\"{to}:{}\"]}}]",
                        deployer.port
                    ),
                ),
                Lockout::NoLogin { to, user } => (
                    format!("no rule in \"ssh\" lets {tag} log in to {to} as {user} without a person"),
                    format!(
                        "\"ssh\": [{{\"action\": \"accept\", \"src\": [\"{tag}\"], \"dst\": [\"{to}\"], \"users\": [\"{user}\"]}}]"
                    ),
                ),
            };
            Diagnostic::error(title)
                .detail(format!("This policy would lock the deployer out: {missing}."))
                .detail(UNCHANGED)
                .detail(format!("Keep such a rule:\n{rule}"))
                .at(Path::root().attribute("deployer").index(index).attribute("tag"))
        })
        .collect()
}

/// The first of the lines, and how many more there are.
pub(super) fn listed(lines: &[String]) -> String {
    let mut text = lines.iter().take(LINES).map(String::as_str).collect::<Vec<_>>().join("\n");
    if lines.len() > LINES {
        text.push_str(&format!("\nand {} more", lines.len() - LINES));
    }
    text
}

/// What one policy says and the other does not, as lines.
pub(super) fn difference(old: &str, new: &str) -> String {
    match (read_policy(old), read_policy(new)) {
        (Ok(old), Ok(new)) => {
            let lines: Vec<String> =
                changes(old.rules(), new.rules()).iter().map(ToString::to_string).collect();
            if lines.is_empty() { "(only comments, order or format)".to_owned() } else { listed(&lines) }
        }
        _ => "(one of both cannot be read as HuJSON)".to_owned(),
    }
}
