//! The schema of `windlass_corpus_backup`.

use backup::Compress;
use framework::{Attribute, Block, Rule, Schema, Timeouts, Type, validate};

use crate::{
    corpora::{
        PostgresWords, Use, copies_attribute, duration_attribute, exec_block, links_attribute,
        name_attribute, postgres_block, quiesce_block, sections_block, store_attribute, volume_attribute,
    },
    host_path::check_path,
};

/// What becomes of the snapshots when the resource is destroyed.
const ON_DESTROY: [&str; 2] = ["keep", "delete"];

/// The longest pattern, and the most of them: they go to the host as words of a command.
const PATTERNS: usize = 200;

/// The most options of a server.
const WORDS: usize = 100;

/// The most recipients.
const RECIPIENTS: usize = 100;

/// What the block `postgres` means here.
const POSTGRES: PostgresWords<'static> = PostgresWords {
    block: "Instead of `path` or `volume`: a database of a Postgres (13 or newer) that runs in a container, or that the host \
            reaches by a URI. It is dumped by the container's own `pg_dump` (or that of `image`), in the custom format, as of \
            one moment and beside all that goes on. A dump that did not end well, is empty or is none makes no snapshot. What \
            belongs to the database alone (`ALTER DATABASE … SET`, and who may connect) is not in it. `format`, `links` and \
            `exclude` mean nothing here.",
    globals: "Whether roles and tablespaces are dumped too (`pg_dumpall --globals-only`). Default: `true`. With them go the \
              hashes of passwords, where the role that logs in is a superuser: who can read the store can read these.",
    version: "Another one takes a new snapshot.",
};

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "Snapshots of a directory, a Docker volume or a Postgres database on a host, the data that a product cannot lose, in a store. A snapshot is a folder \
             `snapshot-<name>-<UTC time>-<short hash>` with an archive and `snapshot.manifest.json`, which has the size, \
             mode, owner, time and SHA-256 of every file. It is taken as a stream (`tar` on the host; nothing is written \
             down on the way), read back from the store, and only then is its manifest written: a folder without one is \
             not a snapshot. \
             \n\nA new snapshot is taken when the resource is created, and whenever `triggers`, `path`, `volume`, `exclude`, \
             `store`, `engine`, `format`, `links`, `postgres`, `exec` or the machine changes. A directory or volume without files is an error, because a disk that is \
             not mounted looks like one; so are files that change while they are read, where the host has GNU tar. \
             \n\nAn archive holds files, directories, symbolic and hard links with their modes, times in seconds, and owners \
             as numbers. Sparse files are stored without their holes, and have them again where they are restored, as far as both hosts \
             have GNU tar; by BusyBox, and by a container into a volume, they come back with zeros in their place. Extended attributes of users (`user.*`) \
             and ACLs, by numbers, are kept in the same way, as far as both hosts have GNU tar 1.27 or newer, and a restore warns of those that \
             it could not set; capabilities, labels of SELinux and other attributes are not in it. Devices, named pipes and files with set-user-id \
             or set-group-id are refused: what is taken can be restored.",
        )
        .rule(Rule::exactly_one_of(["path", "volume", "postgres", "exec"]))
        .attributes(what())
        .attributes(how())
        .block(postgres_block(&POSTGRES))
        .block(exec_block(
            "Instead of `path`, `volume` or `postgres`: what a command in a container writes, for any other database. Its exit \
             status counts, and a stream without a byte is an error. `format`, `links` and `exclude` mean nothing here. \
             \n\nRecipes, in images as the usual ones: MariaDB `[\"sh\", \"-c\", \"MYSQL_PWD=$MARIADB_ROOT_PASSWORD exec \
             mariadb-dump --single-transaction --routines --events -uroot shop\"]`, verified by `[\"sh\", \"-c\", \"tail -n 1 | \
             grep -q '^-- Dump completed'\"]`, because a dump that was cut off has no such line; SQLite `[\"sh\", \"-c\", \
             \"sqlite3 'file:/data/app.db?mode=rw' '.backup /tmp/app.db' && cat /tmp/app.db && rm /tmp/app.db\"]`, which takes \
             what is in the log beside the file along, and makes no database where there is none, verified by `[\"sh\", \"-c\", \
             \"cat >/tmp/check.db && test \\\"$(sqlite3 /tmp/check.db 'PRAGMA integrity_check')\\\" = ok\"]`; Redis \
             `[\"sh\", \"-c\", \"redis-cli --rdb /tmp/dump.rdb >&2 && cat /tmp/dump.rdb\"]`, verified by \
             `[\"sh\", \"-c\", \"cat >/tmp/check.rdb && redis-check-rdb /tmp/check.rdb\"]`.",
            Use::Source,
        ))
        .block(
            Block::list("check")
                .describe(
                    "With `verify = \"restore\"` of a database: a question to what was restored. With another answer than \
                     the expected one, there is no snapshot.",
                )
                .attributes([
                    Attribute::string("sql").required().describe("The question, in SQL."),
                    Attribute::string("expect").required().describe(
                        "The answer as `psql` prints it: a line for each row, with a tab between fields. Spaces around it \
                         do not count.",
                    ),
                ]),
        )
        .block(sections_block(
            "With `verify = \"restore\"` of a database: SQL that runs while it is restored for the proof, such as what makes \
             extensions as a restore would. A change of this takes no snapshot.",
        ))
        .block(quiesce_block(
            "Services of a stack that hold still for the time of the copy, so that what they write is whole in it; the copy is verified when \
             they go on again. A change of this takes no snapshot.",
            "pause",
        ))
        .block(
            Block::single("retention")
                .describe(
                    "How many snapshots of this name stay in the store; the others go when a new one has been taken, and \
                     the plan says which. A snapshot stays when one of the numbers keeps it, when it is held \
                     (`keep_for`), and when it is the newest that was verified. Days, weeks (from Monday), months and years \
                     are those of UTC; of each the newest snapshot counts. Without this block, or with zeros \
                     alone, all stay.",
                )
                .attributes([
                    count("last", "the newest ones, whenever they were taken"),
                    count("daily", "days"),
                    count("weekly", "weeks"),
                    count("monthly", "months"),
                    count("yearly", "years"),
                ]),
        )
        .attributes(outputs())
        .timeouts(Timeouts::new().create(120).update(120).delete(20).read(5))
}

fn count(name: &str, of: &str) -> Attribute {
    let description = if name == "last" {
        format!("How many of {of} stay. Default: `0`.")
    } else {
        format!("Of how many {of} the newest snapshot stays. Default: `0`.")
    };
    Attribute::number(name).validate(validate::between(0, 100_000)).describe(description)
}

fn what() -> [Attribute; 7] {
    [
        name_attribute(
            "Whose snapshots these are, such as `prod`: it is in their names, and retention removes no others. Two \
             resources with one name share their snapshots. Changing it replaces the resource, and the snapshots of the \
             old name stay or go as `on_destroy` says.",
        )
        .requires_replace(),
        Attribute::string("path")
            .check(|path: &String| check_path(path))
            .describe("Absolute path of the directory on the host. What is below it is in the snapshot, whatever is mounted there."),
        volume_attribute(
            "Name of the Docker volume on the host, instead of `path`. Root (also by `sudo`) reads it where Docker has it; \
             who may only use Docker reads it through a container that is never started, of an empty image \
             `windlass-helper:empty` that is made there and not pulled. So do all with a volume that a plugin or an \
             option of its driver mounts. That way nothing can be left out (`exclude`), and nobody notices files that \
             change while they are read.",
        ),
        Attribute::list("exclude", Type::String)
            .validate(validate::length(0, PATTERNS))
            .validate(validate::each(validate::pattern(
                "a pattern of 1 to 1000 characters on one line, whose brackets are closed",
                |text| backup::check_pattern(text).is_ok(),
            )))
            .describe(
                "Patterns of what is left out, with `*`, `?` and `[…]`, none of which matches a `/`. One that begins with \
                 `/` is meant from the directory on (`/cache`), any other one from the beginning of any name \
                 (`*.tmp`, `node_modules`). What is below something that is left out is left out too.",
            ),
        Attribute::string("if_missing").default("error").validate(validate::one_of(["error", "skip"])).describe(
            "What a directory or volume means that is not there: `error` (default), or `skip`, which takes no snapshot, with a \
             warning; so a first release can depend on the backup before it.",
        ),
        store_attribute("Where the snapshots go. Those in a store that it leaves stay there"),
        copies_attribute(
            "More stores that each snapshot goes to, once it is whole in `store`: it is copied from there, and read back from \
             each of them by itself. A copy that could not be made is an error, and the snapshot stays; the next apply \
             makes what is missing. `retention` and `on_destroy` count for each of them too. Copies in a store that is \
             taken off the list stay there.",
        ),
    ]
}

fn how() -> [Attribute; 12] {
    [
        Attribute::string("engine").default("archive").validate(validate::one_of(["archive", "restic"])).describe(
            "What takes the snapshots: `archive` (default), each of which is an archive of all the data, or `restic`, which \
             stores what has changed, in a repository (`store` is a `restic:` one). restic (0.17.1 or newer) runs on the \
             host, as root where the connection has that, and reaches the repository from there by itself. A repository that \
             is there is used as it is, whoever made it; it is made when the resource is created, and not later. A \
             snapshot has the tag `windlass:<name>`, and only those with it are ever let go (`restic forget --prune`). What \
             could not be read, or changes the repository's soundness, makes no snapshot. A lock that a process of the \
             host has left goes; one of another machine does not. It is for `path`, and for `volume` with root; \
             `format`, `compress`, `links`, `copies` and `encrypt_to` are not for it (a repository is always encrypted, by its password).",
        ),
        Attribute::string("verify").default("checksum").validate(validate::one_of(["checksum", "restore"])).describe(
            "What proves a snapshot before it counts: `checksum` (default) reads all of it back from the store and compares \
             the hashes. `restore` restores it as well: files to nowhere, each of which is compared with the manifest; a \
             database to a Postgres in a container of its own on the host, of the very image that the source runs, \
             without a network, with room for it in Docker's directory, which is removed afterwards. The rows of all its tables are counted as of \
             the moment of the dump, stored with it, and compared. With `engine = \"restic\"`, the repository is checked: how it hangs \
             together and a twentieth of its data, another one each time (`restic check`), or all of its data with `restore`. A \
             change of this takes no snapshot.",
        ),
        Attribute::list("server_args", Type::String).validate(validate::length(0, WORDS)).describe(
            "With `verify = \"restore\"` of a database: more options of the Postgres that it is restored to, word by word, \
             such as `[\"-c\", \"shared_preload_libraries=timescaledb\"]`.",
        ),
        Attribute::string("format").default("tar.zst").validate(validate::one_of(["tar.zst", "tgz", "tar"])).describe(
            "How the archive is packed: `tar.zst` (default), `tgz`, which takes about five times as long, or `tar`.",
        ),
        Attribute::string("compress").validate(validate::one_of(Compress::WORDS)).describe(
            "Where the archive is packed. `auto`, as without it: on the host, by one of its processors, where `zstd` is installed there, so \
             that less passes the network; else, and for `tgz`, on the machine that runs tofu. `host` is an error where the \
             host cannot (`zstd`, or `gzip` for `tgz`), `local` spares its processors, and `none` stores what comes as it is: \
             a directory as `tar`, so leave `format` out or at that. The dump of a database is compressed by `pg_dump`, on \
             the host, whatever this says. A change of this takes no snapshot.",
        ),
        links_attribute("no snapshot is taken"),
        Attribute::map("triggers", Type::String)
            .describe("Values of your choice, such as the release that is to come: when one changes, a new snapshot is taken."),
        Attribute::list("encrypt_to", Type::String)
            .validate(validate::length(0, RECIPIENTS))
            .check(|texts: &Vec<String>| {
                let parsed = texts.iter().try_for_each(|text| text.parse::<sops::Recipient>().map(drop));
                parsed.map_err(|error| format!("has something else than recipients: {error}"))
            })
            .describe(
                "For whom the snapshots are encrypted that are taken from now on: age recipients (`age1…`) and SSH public \
                 keys. Without any, they are not. Each snapshot has a key of its own, which is in its manifest in an \
                 envelope for them, so `windlass backup rekey` gives snapshots to others without uploading them \
                 again. What is in a snapshot, names and hashes too, is encrypted; its size and what it is of are not. \
                 That it is whole can be told without a private key.",
            ),
        Attribute::string("heartbeat_url_wo").write_only().describe(
            "A URL that is asked for when a snapshot was taken, is in all stores, and what `retention` does not keep is \
             gone; and otherwise never, so that who waits for it raises the alarm. Write-only: it is in neither plan nor \
             state.",
        ),
        duration_attribute("keep_for").describe(
            "How long no retention removes the snapshots that are taken from now on, such as `720h`. It is written into \
             each of them.",
        ),
        duration_attribute("max_age").describe(
            "How old the snapshot may be, such as `26h`: every plan warns when it is older.",
        ),
        Attribute::string("on_destroy").default("keep").validate(validate::one_of(ON_DESTROY)).describe(
            "What becomes of the snapshots when the resource is destroyed: `keep` (default), or `delete`, which removes \
             all of this name from the store but those that are held (`keep_for`), or locked by it (object lock).",
        ),
    ]
}

fn outputs() -> [Attribute; 9] {
    [
        Attribute::string("snapshot")
            .computed()
            .describe("The id of the last snapshot. Null when there was nothing to take one of."),
        Attribute::string("created_at").computed().describe("When it was begun, in RFC 3339."),
        Attribute::number("size_bytes").computed().describe("The bytes in its files."),
        Attribute::number("stored_bytes").computed().describe("The bytes of its archive, as it is stored; of restic, those that were new to the repository."),
        Attribute::number("file_count")
            .computed()
            .describe("How many files it has; further names of one count."),
        Attribute::string("sha256")
            .computed()
            .describe("SHA-256 of its archive, in lower-case hexadecimal digits; null with `engine = \"restic\"`."),
        Attribute::string("location")
            .computed()
            .describe("Where it is: the store's URL and the folder in it."),
        Attribute::string("verified_at")
            .computed()
            .describe("When all of it was read back from the store and had its hashes, in RFC 3339; of restic, when the repository was checked."),
        Attribute::map("copies_verified_at", Type::String)
            .computed()
            .describe("The same for each of `copies`, by how it is written there; null without copies."),
    ]
}
