//! The block `postgres` of backups and restores.

use backup::{Container, Database, POSTGRES_USER, Wanted};
use framework::{Attribute, Block, Field, Model, Rule};
use secret::Secret;

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

/// An attribute that is a name in Docker or in Postgres.
fn name(name: &str) -> Attribute {
    Attribute::string(name).check(|text: &String| {
        let fits = !text.is_empty() && text.len() <= 200 && !text.contains(|c: char| c.is_control());
        if fits {
            Ok(())
        } else {
            Err("must have 1 to 200 characters, none of them a control character".to_owned())
        }
    })
}

/// The attributes that name a container.
pub(super) fn container_attributes() -> [Attribute; 3] {
    [
        name("container").describe("The name of the container."),
        name("stack").describe(
            "Instead of `container`: the name of the Compose project on the host that it belongs to.",
        ),
        name("service").describe("The service of that project; one container of it has to run."),
    ]
}

/// The container that they name.
pub(super) fn container([name, stack, service]: [&Field<String>; 3]) -> Container {
    let text = |field: &Field<String>| field.as_str().unwrap_or_default().to_owned();
    match name.as_str() {
        Some(name) => Container::Named(name.to_owned()),
        None => Container::Service { stack: text(stack), service: text(service) },
    }
}

/// The block; `globals` says what that attribute means there.
pub(crate) fn postgres_block(description: &str, globals: &str) -> Block {
    Block::single("postgres")
        .describe(description)
        .rule(Rule::exactly_one_of(["container", "stack"]))
        .rule(Rule::required_with("service", ["stack"]))
        .rule(Rule::required_with("stack", ["service"]))
        .attributes(container_attributes())
        .attributes([
            name("database").required().describe("The name of the database."),
            name("user").default(POSTGRES_USER).describe(
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

    /// The database that it means. `config` has the password.
    pub(crate) fn wanted(&self, config: Option<&Self>) -> Wanted {
        let text = |field: &Field<String>| field.as_str().unwrap_or_default().to_owned();
        Wanted::Database(Database {
            container: container([&self.container, &self.stack, &self.service]),
            database: text(&self.database),
            user: self.user.as_str().unwrap_or(POSTGRES_USER).to_owned(),
            password: config.and_then(|config| config.password_wo.known().cloned()),
            globals: self.globals.is_true(),
        })
    }
}
