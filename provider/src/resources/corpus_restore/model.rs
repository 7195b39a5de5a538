//! The attributes of `windlass_corpus_restore`.

use std::collections::BTreeMap;

use backup::{Chosen, Overwrite, Owner, SnapshotId};
use framework::{Attribute, Field, Model, Rule, Schema, Timeouts, Type, validate};

use crate::{
    corpora::{
        ExecModel, PostgresModel, PostgresWords, QuiesceModel, SectionsModel, Use, copies_attribute,
        exec_block, links_attribute, name_attribute, postgres_block, quiesce_block, sections_block,
        store_attribute, volume_attribute,
    },
    host_path::check_path,
};

/// The most words of a command.
const WORDS: usize = 200;

/// The word for the newest snapshot.
pub(super) const LATEST: &str = "latest";

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct RestoreModel {
    pub(crate) host: Field<String>,
    pub(crate) store: Field<String>,
    pub(crate) copies: Field<Vec<String>>,
    pub(crate) name: Field<String>,
    pub(crate) snapshot: Field<String>,
    pub(crate) path: Field<String>,
    pub(crate) volume: Field<String>,
    pub(crate) postgres: Option<PostgresModel>,
    pub(crate) exec: Option<ExecModel>,
    pub(crate) sections: Option<SectionsModel>,
    pub(crate) owner: Field<String>,
    pub(crate) transform: Field<Vec<String>>,
    pub(crate) quiesce: Option<QuiesceModel>,
    pub(crate) overwrite: Field<bool>,
    pub(crate) confirm: Field<String>,
    pub(crate) links: Field<String>,
    pub(crate) triggers: Field<BTreeMap<String, String>>,
    pub(crate) snapshot_id: Field<String>,
    pub(crate) restored_from: Field<String>,
    pub(crate) restored_at: Field<String>,
    pub(crate) file_count: Field<u64>,
    pub(crate) size_bytes: Field<u64>,
    pub(crate) duration_seconds: Field<u64>,
}

/// What the block `postgres` means here.
const POSTGRES: PostgresWords<'static> = PostgresWords {
    block: "Instead of `path` or `volume`: the database that it becomes, of a Postgres (13 or newer) that runs in a \
            container, or that the host reaches by a URI. It is restored into a database of another name, by the container's \
            own `pg_restore` (or that of `image`), which stops at the first error; then both change their names in one \
            transaction, and the old one is dropped. Connections to the old one are ended for that. Another container or \
            database is another restore; what was restored before stays.",
    globals: "Whether roles and tablespaces are restored too, before the database. Default: `true`. Roles that are there \
              already get the passwords and rights that they had then, but for the one that logs in. With `false`, all that \
              is restored belongs to the role that logs in, and nobody else gets rights.",
    version: "Another one restores nothing, because it may be the same server: `triggers` do.",
};

/// The schema.
pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "A snapshot that comes back as a directory, a Docker volume or a Postgres database on a host: after a disaster, for a drill on another machine, or to \
             seed a machine for tests. It is read from the store, compared with its manifest, part by part and file by file, and \
             extracted beside its place; only when all of it has its hashes, it takes that place. What was there \
             goes after that, so whatever fails leaves it as it was. What was a directory may become a volume, and the other \
             way round. \
             \n\nWhat comes out of the store is not trusted: paths that leave the directory, devices, files with set-user-id, \
             links that lead out, and whatever the manifest does not list are refused before `tar` on the host sees them. \
             \n\nFrom then on the data are the product's. Plans do not look at them, and **destroying the resource deletes \
             nothing**. It is restored again when `snapshot` or `triggers` change, over data only with `overwrite`.",
        )
        .rule(Rule::exactly_one_of(["path", "volume", "postgres", "exec"]))
        .attributes(what())
        .attributes(place())
        .attributes(outputs())
        .block(postgres_block(&POSTGRES))
        .block(sections_block(
            "With `postgres`: SQL that runs while the database is restored, before it takes its place. A change of this \
             restores nothing.",
        ))
        .block(exec_block(
            "Instead of `path`, `volume` or `postgres`: a command in a container that reads what another one wrote. Whether there \
             are data that go for it nobody knows, so that it takes `overwrite`, and `confirm` with the name of the \
             container or of the service. It is read once from the store before the command begins, because nothing can \
             be taken back from then on. \
             \n\nRecipes: MariaDB `[\"sh\", \"-c\", \"MYSQL_PWD=$MARIADB_ROOT_PASSWORD exec mariadb -uroot shop\"]`, into a database \
             that is there; SQLite `[\"sh\", \"-c\", \"cat >/tmp/new.db && sqlite3 /data/app.db '.restore /tmp/new.db' && rm \
             /tmp/new.db\"]`, all at once, also while others have it open; Redis, with a restart policy that starts it again, \
             `[\"sh\", \"-c\", \"cat >/data/dump.rdb && { (sleep 1; redis-cli shutdown nosave) >/dev/null 2>&1 </dev/null & }\"]`.",
            Use::Target,
        ))
        .block(quiesce_block(
            "Services of a stack that hold still while the data change places, and for no longer: all else is done before. What has a \
             directory or a volume mounted would go on with the old data, so that `pause` is for databases alone. A \
             change of this restores nothing.",
            "stop",
        ))
        .timeouts(Timeouts::new().create(120).update(120).delete(5).read(5))
}

fn what() -> [Attribute; 6] {
    [
        store_attribute("Where the snapshot is"),
        copies_attribute(
            "More stores that have the snapshot. The first one is used, `store` before these and these in their order, that \
             can be reached and whose snapshot is whole; a warning says why another one was passed over, and \
             `restored_from` which one it was. `latest` is the newest of the store that is used. Another list restores nothing.",
        ),
        name_attribute("Whose snapshot it is: the `name` of the windlass_corpus_backup that took it."),
        Attribute::string("snapshot")
            .default(LATEST)
            .check(|text: &String| match text.as_str() {
                LATEST => Ok(()),
                id if id.parse::<Chosen>().is_ok() => Ok(()),
                id => id.parse::<SnapshotId>().map(drop).map_err(|error| format!("must be `latest` or an id: {error}")),
            })
            .describe(
                "The id of the snapshot, or `latest` (default): the newest one of this name, as of when it is restored. A \
                 newer one that comes later changes nothing.",
            ),
        links_attribute("it is not restored"),
        Attribute::map("triggers", Type::String)
            .describe("Values of your choice: when one changes, it is restored again, `latest` as of then."),
    ]
}

fn place() -> [Attribute; 6] {
    [
        Attribute::string("owner")
            .check(|text: &String| text.parse::<Owner>().map(drop).map_err(|error| error.to_string()))
            .describe(
                "Whose all files become, as two numbers (`1000:1000`): users have other numbers on another host. Default: \
                 whose they were. It is for `path` and `volume`; a change of this restores nothing.",
            ),
        Attribute::list("transform", Type::String).validate(validate::length(1, WORDS)).describe(
            "The words of a command on the host that changes the data before they take their place, such as one that masks \
             what a machine for tests must not have; no shell takes them apart. It runs as root, where the connection may \
             be that. Of `path` and `volume` it is started in the directory, which is also WINDLASS_DIRECTORY; of \
             `postgres` it gets WINDLASS_CONTAINER and WINDLASS_DATABASE, the name that the database has until then (with \
             `uri_wo`, in the place of the container the variables of libpq, so that `psql` there gets in); of `exec` it \
             comes after the command, with WINDLASS_CONTAINER. When it fails, nothing takes its place. A change of \
             this restores nothing.",
        ),
        Attribute::string("path").requires_replace().check(|path: &String| check_path(path)).describe(
            "Absolute path of the directory on the host that the snapshot becomes, with the owner and mode that it had. \
             Those above it are made where they are missing, with mode 0755. Another path is another restore; the \
             data at the old one stay. It cannot be a place that something is mounted on, but one below it.",
        ),
        volume_attribute(
            "Name of the Docker volume that it becomes, instead of `path`; one that is not there is made, with the driver \
             `local`. No container that runs may use it. Who may only use Docker restores to a volume that is new or \
             empty; to put data into the place of others takes root (also by `sudo`). Another name is another restore; the \
             volume of the old one stays.",
        )
        .requires_replace(),
        Attribute::bool("overwrite").default(false).describe(
            "Whether data that are there already may go for it. Default: `false`, which takes an empty directory or \
             volume, or none.",
        ),
        Attribute::string("confirm").describe(
            "With `overwrite`: the same as `path`, `volume`, `postgres.database`, `exec.container` or `exec.service`, so that nobody overwrites by copying a line.",
        ),
    ]
}

fn outputs() -> [Attribute; 6] {
    [
        Attribute::string("snapshot_id").computed().describe("The id of the snapshot that was restored."),
        Attribute::string("restored_from").computed().describe("The URL of the store that it came from."),
        Attribute::string("restored_at").computed().describe("When it was in its place, in RFC 3339."),
        Attribute::number("file_count")
            .computed()
            .describe("How many files it has; further names of one count."),
        Attribute::number("size_bytes").computed().describe("The bytes in its files."),
        Attribute::number("duration_seconds").computed().describe("How long it took."),
    ]
}

impl RestoreModel {
    /// What it is restored to: the attribute, and the name there, which is empty while it is unknown.
    pub(super) fn target(&self) -> (&'static str, &str) {
        let (attribute, name) = match (&self.postgres, &self.exec, &self.volume) {
            (Some(postgres), ..) => ("postgres.database", &postgres.database),
            (None, Some(exec), _) if exec.container.is_null() => ("exec.service", &exec.service),
            (None, Some(exec), _) => ("exec.container", &exec.container),
            (None, None, Field::Null) => ("path", &self.path),
            (None, None, volume) => ("volume", volume),
        };
        (attribute, name.as_str().unwrap_or_default())
    }

    /// Whether it is known what that is.
    pub(super) fn has_target(&self) -> bool {
        !self.target().1.is_empty()
    }

    /// Whose all of it becomes.
    pub(super) fn owner(&self) -> Option<Owner> {
        self.owner.as_str().and_then(|text| text.parse().ok())
    }

    /// Whether data may go for it.
    pub(super) fn overwrite(&self) -> Overwrite {
        if self.overwrite.is_true() { Overwrite::Yes } else { Overwrite::Never }
    }

    /// Whether it is to be restored again.
    pub(super) fn is_another(&self, prior: &Self) -> bool {
        (&self.name, &self.snapshot, &self.triggers) != (&prior.name, &prior.snapshot, &prior.triggers)
            || self.is_elsewhere(prior)
    }

    /// Whether it is restored to another database.
    pub(super) fn is_elsewhere(&self, prior: &Self) -> bool {
        let database = |model: &'_ Self| model.postgres.clone().unwrap_or_default();
        let stream = |model: &'_ Self| model.exec.clone().unwrap_or_default();
        database(self).place() != database(prior).place() || stream(self).place() != stream(prior).place()
    }

    /// What restoring decides is not known.
    pub(super) fn expect_restore(&mut self) {
        (self.snapshot_id, self.restored_from, self.restored_at) =
            (Field::Unknown, Field::Unknown, Field::Unknown);
        (self.file_count, self.size_bytes, self.duration_seconds) =
            (Field::Unknown, Field::Unknown, Field::Unknown);
    }

    /// What the last restore decided stays.
    pub(super) fn keep_restore(&mut self, prior: &Self) {
        let old = prior.clone();
        (self.snapshot_id, self.restored_from, self.restored_at) =
            (old.snapshot_id, old.restored_from, old.restored_at);
        (self.file_count, self.size_bytes, self.duration_seconds) =
            (old.file_count, old.size_bytes, old.duration_seconds);
    }
}
