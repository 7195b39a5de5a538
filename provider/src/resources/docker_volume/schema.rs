//! The schema of `windlass_docker_volume`.

use framework::{Attribute, Schema, Timeouts, Type, validate};

use crate::{daemon::check_name, hosts::check_connection};

/// The schema.
pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "A Docker volume on a host, for stacks to share or to outlive them: their Compose files name it as \
             `external: true`. **Its data is kept**: destroying the resource leaves the volume on the host and says \
             so, unless `remove_on_destroy` is in the state. A volume that containers use, also stopped ones, is \
             never removed: the error names them. Docker changes nothing of a volume; where a change would need \
             another volume of the same name and this one has to be kept, the plan is refused.",
        )
        .attributes(place())
        .attributes(kind())
        .attribute(Attribute::bool("remove_on_destroy").default(false).describe(
            "Remove the volume, **with all data in it**, when the resource is destroyed or replaced. It is read from \
             the state: set it, apply, then destroy. Default: `false`. A change contacts nothing.",
        ))
        .attributes(computed())
        .timeouts(Timeouts::new().create(5).update(5).delete(5).read(5))
}

fn place() -> [Attribute; 2] {
    [
        Attribute::string("host").required().check(check_connection).describe(
            "The host, as a connection: usually `windlass_host.<name>.connection`. Another connection to the same \
             machine changes nothing; another machine is a move: an empty volume is made there, and this one is left \
             or removed as its destruction would. **Data does not move.**",
        ),
        Attribute::string("name").required().requires_replace().check(|name: &String| check_name(name)).describe(
            "The name of the volume on the host, and in `volumes: { <key>: { name: …, external: true } }` of the \
             stacks that share it. Another one replaces the volume.",
        ),
    ]
}

fn kind() -> [Attribute; 3] {
    [
        Attribute::string("driver").default("local").validate(validate::non_empty()).describe(
            "What keeps the data: `local` (default) or the name of a plugin. Another one replaces the volume.",
        ),
        Attribute::map("options", Type::String).describe(
            "Options of the driver, such as `type`, `o` and `device` of a mount. They are in clear in the state and in \
             `docker volume inspect`, the password of a network share included. Other ones replace the volume.",
        ),
        Attribute::map("labels", Type::String).describe(
            "Labels of the volume. Other ones replace it. Labels that Docker or Compose set (`com.docker.…`) count \
             only where they are named here.",
        ),
    ]
}

fn computed() -> [Attribute; 2] {
    [
        Attribute::string("id").computed().keep_on_update().describe("The name of the volume."),
        Attribute::string("mountpoint").computed().keep_on_update().describe(
            "Where the data is on the host; empty where the driver does not tell before it is used.",
        ),
    ]
}
