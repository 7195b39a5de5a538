//! Whether a stack keeps to what is required of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use compose::{
    dotenv,
    policy::{Rule, Subject, Violation},
};
use framework::{Diagnostic, Diagnostics, Field, Path};

use crate::{
    hosted::Hosts,
    require::{ENV_TEMPLATE, NAME, RequireBlock},
    stacks::{RESERVED, Sources, sealed},
};

/// Services, also those that only jobs run, as the rules see them.
type Subjects<'a> = BTreeMap<String, Subject<'a>>;

/// What is required of one stack.
pub(crate) struct Required {
    /// What the stack's own block says.
    own: RequireBlock,
    /// That, and the provider's defaults.
    all: RequireBlock,
}

/// What is known of a stack's own `.env`.
pub(crate) enum OwnEnv<'a> {
    /// Nothing yet: it may set anything.
    Unknown,
    /// Its text, where there is one.
    Known(Option<&'a str>),
}

impl Required {
    /// What is required of the stack with these `blocks`. While the provider's settings are not known,
    /// its defaults wait for the apply.
    pub(crate) fn of(hosts: &Hosts, blocks: &Field<Vec<RequireBlock>>) -> Self {
        let own = RequireBlock::of(blocks);
        let default = hosts.settings().map(|settings| settings.require.clone());
        Self { all: own.clone().or(default.unwrap_or_default()), own }
    }

    /// Fails where `services` or the variables of the stack do not keep to it, with all of it in
    /// one diagnostic.
    pub(crate) fn check(
        &self,
        title: &str,
        config: &Sources<'_>,
        dotenv: &OwnEnv<'_>,
        services: Option<&Subjects<'_>>,
    ) -> Result<(), Diagnostics> {
        let missing = self.missing(title, config, dotenv)?;
        let violations =
            services.map(|services| self.all.policies().violations(services)).unwrap_or_default();
        if violations.is_empty() && missing.is_empty() {
            return Ok(());
        }
        Err(self.diagnostic(title, &violations, &missing).into())
    }

    /// Whether anything is required of variables.
    pub(crate) fn has_template(&self) -> bool {
        self.all.template().is_some()
    }

    /// The variables of the template that have no value.
    fn missing(
        &self,
        title: &str,
        config: &Sources<'_>,
        own: &OwnEnv<'_>,
    ) -> Result<BTreeSet<String>, Diagnostics> {
        let Some(template) = self.all.template() else { return Ok(BTreeSet::new()) };
        let names = read(config, template).map_err(|problem| {
            let diagnostic = Diagnostic::error(title)
                .detail(format!("`{ENV_TEMPLATE}` of `{NAME}` is {template:?}: {problem}."))
                .detail("Nothing was changed.")
                .detail(
                    "Correct the file or its path: a relative one starts from `source_dir`, where there is one, else \
                     from where tofu runs.",
                );
            self.at_template(diagnostic)
        })?;
        let Some(given) = given(config, own) else { return Ok(BTreeSet::new()) };
        Ok(names.into_keys().filter(|name| !given.contains(name)).collect())
    }

    fn at_template(&self, diagnostic: Diagnostic) -> Diagnostic {
        if self.own.env_template.is_known() { diagnostic.at(rule_path(ENV_TEMPLATE)) } else { diagnostic }
    }

    fn diagnostic(&self, title: &str, violations: &[Violation], missing: &BTreeSet<String>) -> Diagnostic {
        let mut diagnostic = Diagnostic::error(title);
        if !violations.is_empty() {
            diagnostic = diagnostic.detail(listed(violations));
        }
        if !missing.is_empty() {
            let names = missing.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let template = self.all.template().unwrap_or_default();
            diagnostic = diagnostic.detail(format!(
                "{template} names variables that have no value: {names} ({ENV_TEMPLATE}). Set them in `environment`, in \
                 `secrets_wo` or in the stack's own .env file."
            ));
        }
        let rules: BTreeSet<Rule> = violations.iter().map(|violation| violation.rule).collect();
        diagnostic = diagnostic.detail("Nothing was changed.").detail(self.next_step(&rules, missing));
        match self.blamed(&rules, missing) {
            Some(path) => diagnostic.at(path),
            None => diagnostic,
        }
    }

    fn next_step(&self, rules: &BTreeSet<Rule>, missing: &BTreeSet<String>) -> String {
        let mut inherited: Vec<&str> =
            rules.iter().filter(|rule| !self.own.says(**rule)).map(|rule| rule.name()).collect();
        if !missing.is_empty() && !self.own.env_template.is_known() {
            inherited.push(ENV_TEMPLATE);
        }
        let correct = "Correct the stack, or say in its `require` block what it is exempt from.";
        if inherited.is_empty() {
            return correct.to_owned();
        }
        format!("{correct} What the provider's `require` block asks for: {}.", inherited.join(", "))
    }

    /// The one rule that is not kept, else the block. Where the stack has none, nothing in it is
    /// to blame.
    fn blamed(&self, rules: &BTreeSet<Rule>, missing: &BTreeSet<String>) -> Option<Path> {
        let own: Vec<&str> =
            rules.iter().filter(|rule| self.own.says(**rule)).map(|rule| rule.name()).collect();
        let template = (!missing.is_empty() && self.own.env_template.is_known()).then_some(ENV_TEMPLATE);
        match own.into_iter().chain(template).collect::<Vec<_>>()[..] {
            [] => None,
            [rule] => Some(rule_path(rule)),
            _ => Some(block_path()),
        }
    }
}

fn block_path() -> Path {
    Path::root().attribute(NAME).index(0)
}

fn rule_path(rule: &str) -> Path {
    block_path().attribute(rule)
}

/// What is not kept, service by service.
fn listed(violations: &[Violation]) -> String {
    let mut services: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for violation in violations {
        services.entry(&violation.service).or_default().push(format!("  {violation}"));
    }
    let count = match services.len() {
        1 => "One service does".to_owned(),
        count => format!("{count} services do"),
    };
    let services = services.into_iter().map(|(name, lines)| format!("{name}:\n{}", lines.join("\n")));
    format!("{count} not keep to what is required:\n{}", services.collect::<Vec<_>>().join("\n"))
}

/// The variables that the template names.
fn read(config: &Sources<'_>, template: &str) -> Result<BTreeMap<String, bool>, String> {
    let start = config.source_dir.as_str().map(PathBuf::from).unwrap_or_default();
    let path = start.join(template);
    let text = std::fs::read_to_string(&path)
        .map_err(|error| format!("{:?} cannot be read: {error}", path.display().to_string()))?;
    dotenv::variables(&text).map_err(|error| error.to_string())
}

/// The variables that have a value, or may turn out to have one; `None` while that can be any.
fn given(config: &Sources<'_>, own: &OwnEnv<'_>) -> Option<BTreeSet<String>> {
    let OwnEnv::Known(own) = own else { return None };
    let environment = config.environment.decided().ok()?.into_iter().flatten();
    let environment = environment.filter(|(_, value)| value.as_str().is_none_or(|text| !text.is_empty()));
    let secrets = config.secrets_wo.decided().ok()?.into_iter().flatten();
    let secrets = secrets.filter(|(_, value)| value.known().is_none_or(|secret| !secret.is_empty()));
    // What Compose does not understand is for Compose to say.
    let own = own.map(|text| dotenv::variables(text).unwrap_or_default()).unwrap_or_default();
    let own = own.into_iter().filter(|(_, given)| *given).map(|(name, _)| name);
    let known = environment.map(|(name, _)| name.clone()).chain(secrets.map(|(name, _)| name.clone()));
    // Whether one of these is empty, only a key would tell.
    let sealed = sealed(config).ok()?.decided().ok()?.map(|one| one.names().clone()).unwrap_or_default();
    Some(known.chain(own).chain(sealed).chain(RESERVED.map(str::to_owned)).collect())
}

#[cfg(test)]
mod tests {
    use compose::{ReadyState, policy::Facts};
    use secret::Secret;
    use stack::{DesiredService, DesiredStack, ImageSource, JobService};

    use super::*;

    /// The attributes that rules look at.
    #[derive(Clone, Default)]
    struct Given {
        source_dir: Field<String>,
        environment: Field<BTreeMap<String, Field<String>>>,
        secrets_wo: Field<BTreeMap<String, Field<Secret>>>,
    }

    impl Given {
        fn sources(&self) -> Sources<'_> {
            Sources {
                subject: "a stack".into(),
                source_dir: &self.source_dir,
                file_modes: &Field::Null,
                seed_files: &Field::Null,
                files: &Field::Null,
                env_file: &Field::Null,
                config: &Field::Null,
                files_content: &Field::Null,
                profiles: &Field::Null,
                environment: &self.environment,
                secrets_wo: &self.secrets_wo,
                secrets_wo_version: &Field::Null,
                secrets_sops_file: &Field::Null,
                secret_files_wo: &Field::Null,
                secret_files_wo_version: &Field::Null,
            }
        }
    }

    /// A service that runs one container of `app:1`.
    fn service() -> DesiredService {
        let json = r#"{"image": "app:1", "environment_hash": "e", "config_hash": "c", "steady": "running",
            "replicas": 1}"#;
        serde_json::from_str(json).unwrap()
    }

    fn required(own: RequireBlock, default: RequireBlock) -> Required {
        Required { all: own.clone().or(default), own }
    }

    fn desired(services: &[(&str, DesiredService)]) -> DesiredStack {
        let services = services.iter().map(|(name, one)| ((*name).to_owned(), one.clone())).collect();
        DesiredStack { digest: "d".into(), services, ..DesiredStack::default() }
    }

    fn diagnostic(
        required: &Required,
        config: &Given,
        own: &OwnEnv<'_>,
        services: &DesiredStack,
    ) -> Option<Diagnostic> {
        let subjects = services.subjects();
        let problems = required.check("Could not plan it", &config.sources(), own, Some(&subjects)).err()?;
        assert_eq!(problems.len(), 1, "{problems}");
        problems.into_iter().next()
    }

    fn strict() -> RequireBlock {
        RequireBlock {
            healthchecks: Field::Known(true),
            memory_limits: Field::Known(true),
            ..RequireBlock::default()
        }
    }

    #[test]
    fn everything_is_reported_at_once_service_by_service() {
        let limited = Facts { memory_limit: true, ..Facts::default() };
        let services = desired(&[
            ("api", service()),
            ("db", DesiredService { ready: ReadyState::Healthy, facts: limited, ..service() }),
            ("web", DesiredService { ready: ReadyState::Healthy, ..service() }),
        ]);
        let config = Given::default();
        let problem = diagnostic(
            &required(strict(), RequireBlock::default()),
            &config,
            &OwnEnv::Known(None),
            &services,
        )
        .unwrap();
        assert_eq!(
            problem.detail,
            "2 services do not keep to what is required:\n\
             api:\n  services.api.healthcheck is missing (healthchecks)\n  \
             services.api.deploy.resources.limits.memory is not set (memory_limits)\n\
             web:\n  services.web.deploy.resources.limits.memory is not set (memory_limits)\n\n\
             Nothing was changed.\n\n\
             Correct the stack, or say in its `require` block what it is exempt from."
        );
        assert_eq!(problem.path.unwrap().to_string(), "require[0]");
    }

    #[test]
    fn one_rule_is_blamed_by_itself_and_the_provider_s_not_at_all() {
        let services = desired(&[("api", DesiredService { ready: ReadyState::Healthy, ..service() })]);
        let config = Given::default();
        let own =
            diagnostic(&required(strict(), RequireBlock::default()), &config, &OwnEnv::Unknown, &services)
                .unwrap();
        assert_eq!(own.path.unwrap().to_string(), "require[0].memory_limits");
        let inherited =
            diagnostic(&required(RequireBlock::default(), strict()), &config, &OwnEnv::Unknown, &services)
                .unwrap();
        assert_eq!(inherited.path, None);
        assert!(inherited.detail.ends_with("What the provider's `require` block asks for: memory_limits."));
        let off = RequireBlock { memory_limits: Field::Known(false), ..RequireBlock::default() };
        assert!(diagnostic(&required(off, strict()), &config, &OwnEnv::Unknown, &services).is_none());
    }

    #[test]
    fn what_only_jobs_run_is_looked_at_and_needs_no_health_check() {
        let origin = ImageSource { image: "tool".into(), ..ImageSource::default() };
        let run = JobService { source: origin, facts: Facts::default(), hash: "h".into() };
        let services = DesiredStack { runs: [("tool".to_owned(), run)].into(), ..desired(&[]) };
        let rules = RequireBlock { pinned_images: "tag".into(), ..strict() };
        let problem = diagnostic(
            &required(rules, RequireBlock::default()),
            &Given::default(),
            &OwnEnv::Unknown,
            &services,
        )
        .unwrap();
        assert!(
            problem.detail.starts_with(
                "One service does not keep to what is required:\n\
                 tool:\n  services.tool.image is \"tool\", which has no tag (pinned_images)\n  \
                 services.tool.deploy.resources.limits.memory is not set (memory_limits)\n\n"
            ),
            "{problem}"
        );
    }

    #[test]
    fn what_is_built_or_not_known_yet_has_no_name_to_judge() {
        let rules = RequireBlock { pinned_images: "digest".into(), ..RequireBlock::default() };
        let required = required(rules, RequireBlock::default());
        let is_refused = |origin: ImageSource| {
            let services = desired(&[("app", DesiredService { source: origin, ..service() })]);
            diagnostic(&required, &Given::default(), &OwnEnv::Unknown, &services).is_some()
        };
        let origin = ImageSource { image: "app:1".into(), ..ImageSource::default() };
        assert!(is_refused(origin.clone()));
        assert!(!is_refused(ImageSource { open: true, chosen: true, ..origin.clone() }));
        assert!(!is_refused(ImageSource { context: Some("c".into()), ..origin.clone() }));
        assert!(!is_refused(ImageSource { built: true, ..origin }));
    }

    #[test]
    fn variables_of_the_template_need_a_value_from_somewhere() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(".env.example"), "A=1\nB=\nC=\nD=\nE=\n# F=\nCOMPOSE_PROFILES=x\n")
            .unwrap();
        let template = RequireBlock { env_template: ".env.example".into(), ..RequireBlock::default() };
        let required = required(template, RequireBlock::default());
        let value = |name: &str, value: Field<String>| (name.to_owned(), value);
        let config = Given {
            source_dir: Field::Known(dir.path().display().to_string()),
            environment: Field::Known([value("A", "".into()), value("B", Field::Unknown)].into()),
            secrets_wo: Field::Known(BTreeMap::from([("C".to_owned(), Field::Known(Secret::new("s")))])),
        };
        let none = desired(&[]);
        let problem = diagnostic(&required, &config, &OwnEnv::Known(Some("D=4\nE=\n")), &none).unwrap();
        assert!(
            problem
                .detail
                .starts_with(".env.example names variables that have no value: A, E (env_template).")
        );
        assert_eq!(problem.path.unwrap().to_string(), "require[0].env_template");
        assert!(diagnostic(&required, &config, &OwnEnv::Unknown, &none).is_none());
        let open = Given { environment: Field::Unknown, ..config.clone() };
        assert!(diagnostic(&required, &open, &OwnEnv::Known(None), &none).is_none());

        std::fs::write(dir.path().join(".env.example"), "A=1\nhello there\n").unwrap();
        let unreadable = diagnostic(&required, &config, &OwnEnv::Unknown, &none).unwrap();
        assert!(unreadable.detail.contains("line 2 has no"), "{unreadable}");
        std::fs::remove_file(dir.path().join(".env.example")).unwrap();
        assert!(
            diagnostic(&required, &config, &OwnEnv::Unknown, &none)
                .unwrap()
                .detail
                .contains("cannot be read")
        );
    }
}
