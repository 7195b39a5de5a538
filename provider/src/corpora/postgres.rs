//! The block `postgres` of backups and restores.

use backup::{Container, Database, POSTGRES_USER, Server, ServerUri, Wanted};
use framework::{Attribute, Block, Field, Model, Rule};
use secret::Secret;

/// A database of a Postgres.
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct PostgresModel {
    pub(crate) container: Field<String>,
    pub(crate) stack: Field<String>,
    pub(crate) service: Field<String>,
    pub(crate) uri_wo: Field<Secret>,
    pub(crate) uri_wo_version: Field<String>,
    pub(crate) image: Field<String>,
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
            "Instead of `container`: the name of the Compose project on the host that it belongs to, or of the stack of a \
             swarm.",
        ),
        name("service").describe(
            "The service of that project or stack; one container of it has to run on the host. Where a swarm runs it on \
             another node, the error says which: let `host` be that one, and have a placement constraint keep the service \
             there. A worker of a swarm cannot tell, so that a service that does not run on it is an error, whatever \
             `if_missing` says.",
        ),
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

/// What such a block means in one of the resources.
pub(crate) struct PostgresWords<'a> {
    /// The block.
    pub(crate) block: &'a str,
    /// The attribute `globals`.
    pub(crate) globals: &'a str,
    /// Another `uri_wo_version`.
    pub(crate) version: &'a str,
}

/// The block.
pub(crate) fn postgres_block(words: &PostgresWords<'_>) -> Block {
    Block::single("postgres")
        .describe(words.block)
        .rule(Rule::exactly_one_of(["container", "stack", "uri_wo"]))
        .rule(Rule::required_with("service", ["stack"]))
        .rule(Rule::required_with("stack", ["service"]))
        .rule(Rule::required_with("uri_wo", ["uri_wo_version"]))
        .rule(Rule::required_with("uri_wo_version", ["uri_wo"]))
        .attributes(container_attributes())
        .attributes([
            Attribute::string("uri_wo")
                .write_only()
                .check(|uri: &Secret| {
                    let parsed = ServerUri::parse(uri).map(drop);
                    parsed.map_err(|error| format!("must be the URI of a Postgres server: {error}"))
                })
                .describe(
                    "Instead of `container`: the URI of a server that the host reaches, such as a managed database: \
                     `postgresql://user:password@db.example.org:5432/defaultdb?sslmode=verify-full`. What it says takes \
                     precedence over `user`; the database in it is the one that we connect to while something happens to \
                     `database` (without it: `postgres`). Parameters: `sslmode`, `sslrootcert`, `sslnegotiation`, \
                     `channel_binding`, `gssencmode`, `connect_timeout`, `target_session_attrs`, `application_name` and \
                     `options`; without `sslmode=verify-full`, nobody has looked whose server it is. Write-only: it is in \
                     neither plan nor state nor snapshot, and goes to the programs by stdin. A role that is not a \
                     superuser, as those of managed databases, is shown no hashes of passwords, so that `globals` go \
                     without them; and to restore `globals` takes a superuser.",
                ),
            Attribute::string("uri_wo_version")
                .describe(format!("A version of your choice for `uri_wo`: change it with that. {}", words.version)),
            name("image").describe(
                "The image on the host whose programs (`pg_dump`, `pg_restore`, `psql`) are used, none of which may be \
                 older than the server; nothing is pulled. Each runs in a container of its own, with `uri_wo` in the \
                 network of the host, else in that of the container, by its loopback. A proof (`verify = \"restore\"`) runs \
                 a server of it. Default: what is in the container itself; with `uri_wo` the host's own programs, which \
                 have to be on its `PATH`.",
            ),
            name("database").required().describe("The name of the database."),
            name("user").default(POSTGRES_USER).describe(
                "The role that logs in, in the container itself. Default: `postgres`. It has to be a superuser, for what \
                 belongs to others and for `globals`.",
            ),
            Attribute::string("password_wo").write_only().describe(
                "Its password, where the server asks also its own container for one (the usual image does not), and where \
                 it is not in `uri_wo`. Write-only: it is in neither plan nor state, and goes to the programs by stdin.",
            ),
            Attribute::bool("globals").default(true).describe(words.globals),
        ])
}

impl PostgresModel {
    /// Whether a URI leads to the server, as far as is known: the URI itself is in no plan.
    pub(crate) fn is_by_uri(&self) -> bool {
        self.container.is_null() && self.stack.is_null()
    }

    /// Where the database is, whoever logs in there.
    pub(crate) fn place(&self) -> [&Field<String>; 4] {
        [&self.container, &self.stack, &self.service, &self.database]
    }

    /// The database that it means. `config` has what is write-only.
    pub(crate) fn wanted(&self, config: Option<&Self>) -> Wanted {
        let text = |field: &Field<String>| field.as_str().unwrap_or_default().to_owned();
        Wanted::Database(Database {
            server: match self.is_by_uri() {
                true => Server::Uri(config.and_then(|config| config.uri_wo.known().cloned())),
                false => Server::Container(container([&self.container, &self.stack, &self.service])),
            },
            image: self.image.known().cloned(),
            database: text(&self.database),
            user: self.user.as_str().unwrap_or(POSTGRES_USER).to_owned(),
            password: config.and_then(|config| config.password_wo.known().cloned()),
            globals: self.globals.is_true(),
        })
    }
}
