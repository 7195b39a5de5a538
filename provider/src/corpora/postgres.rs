//! The block `postgres` of backups and restores.

use backup::{Corpus, Error, Postgres, Subject};
use docker::engine::{Container, State};
use framework::{Attribute, Block, Field, Model, Rule};
use secret::Secret;
use stack::containers::{LABEL_SERVICE, is_of_service};

use crate::hosted::Host;

/// Who logs in where nobody says.
const USER: &str = "postgres";

/// A database of a Postgres in a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct PostgresModel {
    pub(crate) container: Field<String>,
    pub(crate) stack: Field<String>,
    pub(crate) service: Field<String>,
    pub(crate) database: Field<String>,
    pub(crate) user: Field<String>,
    pub(crate) password_wo: Field<Secret>,
    pub(crate) globals: Field<bool>,
}

/// The block; `globals` says what that attribute means there.
pub(crate) fn postgres_block(description: &str, globals: &str) -> Block {
    let name = |name: &str| {
        Attribute::string(name).check(|text: &String| {
            let fits = !text.is_empty() && text.len() <= 200 && !text.contains(|c: char| c.is_control());
            if fits {
                Ok(())
            } else {
                Err("must have 1 to 200 characters, none of them a control character".to_owned())
            }
        })
    };
    Block::single("postgres")
        .describe(description)
        .rule(Rule::exactly_one_of(["container", "stack"]))
        .rule(Rule::required_with("service", ["stack"]))
        .rule(Rule::required_with("stack", ["service"]))
        .attributes([
            name("container").describe("The name of the container."),
            name("stack").describe("Instead of `container`: the name of the Compose project on the host that it belongs to."),
            name("service").describe("The service of that project; one container of it has to run."),
            name("database").required().describe("The name of the database."),
            name("user").default(USER).describe(
                "The role that logs in, in the container itself. Default: `postgres`. It has to be a superuser, for what \
                 belongs to others and for `globals`.",
            ),
            Attribute::string("password_wo").write_only().describe(
                "Its password, where the server asks also its own container for one (the usual image does not). Write-only: \
                 it is in neither plan nor state, and goes to the container by stdin.",
            ),
            Attribute::bool("globals").default(true).describe(globals),
        ])
}

impl PostgresModel {
    /// Where the database is, whoever logs in there.
    pub(crate) fn place(&self) -> [&Field<String>; 4] {
        [&self.container, &self.stack, &self.service, &self.database]
    }

    /// The corpus that it means, if that container runs. `config` has the password.
    pub(crate) async fn corpus(&self, host: &Host, config: Option<&Self>) -> Result<Corpus, Error> {
        let text = |field: &Field<String>| field.as_str().unwrap_or_default().to_owned();
        let engine = host.engine().await?;
        let found = match self.container.as_str() {
            Some(name) => engine.container(name).await?,
            None => {
                let service = text(&self.service);
                let all = engine.containers(&text(&self.stack)).await?;
                all.into_iter().find(|container| runs_service(container, &service))
            }
        };
        let database = text(&self.database);
        let Some(container) = found else {
            let subject = Subject::Database(database);
            return Err(Error::SourceMissing { subject, host: host.name().to_owned() });
        };
        Ok(Corpus::Postgres(Postgres {
            cli: host.cli().await?,
            container: container.name,
            database,
            user: self.user.as_str().unwrap_or(USER).to_owned(),
            password: config.and_then(|config| config.password_wo.known().cloned()),
            globals: self.globals.is_true(),
        }))
    }
}

fn runs_service(container: &Container, service: &str) -> bool {
    container.state == State::Running
        && is_of_service(container)
        && container.label(LABEL_SERVICE) == Some(service)
}
