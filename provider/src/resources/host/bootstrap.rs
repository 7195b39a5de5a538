//! The first login of a machine, which the block `bootstrap` describes.

use remote::connection::{Connection, Hop, SshConnection, Sudo};

use super::{HostModel, model::BootstrapModel, plan};
use crate::hosted::Hosts;

/// Who needs no sudo.
const ROOT: &str = "root";

/// Lets everything in this process that uses the connection of `model` in by its first login, while
/// the normal one does not work; or no longer, where the block is gone.
pub(super) fn teach(hosts: &Hosts, model: &HostModel) {
    let Some(normal) = model.connection.known().and_then(|text| text.parse::<Connection>().ok()) else {
        return;
    };
    let Connection::Ssh(ssh) = &normal else { return };
    let first = first_login(model, ssh).map(Connection::from).filter(|first| *first != normal);
    hosts.learn_bootstrap(&normal, first);
}

/// The first login to the machine of `normal`, with the same pinned key; `None` without a block, and
/// while a part of it is unknown.
pub(super) fn first_login(model: &HostModel, normal: &SshConnection) -> Option<SshConnection> {
    let block = model.bootstrap.as_ref()?;
    let user = plan::decided(&block.user)?;
    let port = plan::decided(&block.port)?.and_then(|port| u16::try_from(port).ok());
    let jump = plan::decided(&block.jump)?;
    let identity = plan::decided(&block.identity)?;
    Some(SshConnection {
        sudo: sudo(block, normal.sudo),
        target: Hop {
            user: user.or_else(|| normal.target.user.clone()),
            port: port.or(normal.target.port),
            host: normal.target.host.clone(),
        },
        jump: jump.map_or_else(|| normal.jump.clone(), |text| plan::hops(Some(&text))),
        identity: identity.or_else(|| normal.identity.clone()),
        ..normal.clone()
    })
}

/// The first user makes the normal one, and whatever else only root may make.
fn sudo(block: &BootstrapModel, normal: Sudo) -> Sudo {
    match block.user.as_str() {
        None => normal,
        Some(ROOT) => Sudo::Nothing,
        Some(_) => Sudo::All,
    }
}

#[cfg(test)]
mod tests {
    use framework::Field;

    use super::*;

    fn first(block: BootstrapModel, normal: &str) -> String {
        let Ok(Connection::Ssh(normal)) = normal.parse() else { panic!("{normal}") };
        let model = HostModel { bootstrap: Some(block), ..HostModel::default() };
        Connection::from(first_login(&model, &normal).unwrap()).to_string()
    }

    fn block() -> BootstrapModel {
        BootstrapModel { user: Field::Null, port: Field::Null, identity: Field::Null, jump: Field::Null }
    }

    #[test]
    fn what_the_block_leaves_out_is_as_in_the_normal_login() {
        let normal = "ssh://deploy@web:804?identity=ops&jump=a@gate&sudo=docker";
        assert_eq!(first(block(), normal), normal);
        let port = BootstrapModel { port: Field::Known(2222), ..block() };
        assert_eq!(first(port, normal), "ssh://deploy@web:2222?identity=ops&jump=a@gate&sudo=docker");
        let key = BootstrapModel { identity: "first".into(), jump: "b@gate".into(), ..block() };
        assert_eq!(first(key, normal), "ssh://deploy@web:804?identity=first&jump=b@gate&sudo=docker");
    }

    #[test]
    fn root_needs_no_sudo_and_any_other_first_user_has_it() {
        let user = |name: &str| BootstrapModel { user: name.into(), ..block() };
        assert_eq!(first(user("root"), "ssh://deploy@web?sudo=1"), "ssh://root@web");
        assert_eq!(first(user("admin"), "ssh://root@web"), "ssh://admin@web?sudo=1");
        assert_eq!(first(user("admin"), "ssh://deploy@web?sudo=docker"), "ssh://admin@web?sudo=1");
    }

    #[test]
    fn the_pinned_key_holds_for_both_and_an_unknown_part_makes_none() {
        let key = format!("ssh://deploy@web?host_key=ssh-ed25519:SHA256:{}", "A".repeat(43));
        let root = BootstrapModel { user: "root".into(), ..block() };
        assert!(first(root, &key).ends_with(&"A".repeat(43)));
        let Ok(Connection::Ssh(normal)) = "ssh://web".parse() else { panic!() };
        let unknown = BootstrapModel { port: Field::Unknown, ..block() };
        let model = HostModel { bootstrap: Some(unknown), ..HostModel::default() };
        assert!(first_login(&model, &normal).is_none());
        assert!(first_login(&HostModel::default(), &normal).is_none());
    }
}
