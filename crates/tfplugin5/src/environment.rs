//! What a core tells a provider through environment variables.

use std::{ffi::OsString, path::PathBuf};

/// The variables of go-plugin's handshake, read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Environment {
    /// A core started us: the magic cookie is there and right.
    pub started_by_core: bool,
    /// The certificate that the core will show, as PEM. `None` means plain connections:
    /// the core leaves it out when `TF_DISABLE_PLUGIN_TLS` is set.
    pub client_certificate: Option<String>,
    /// Where the directory of the socket is made.
    pub socket_parent: PathBuf,
    /// Name or number of a group that may use the socket too.
    pub socket_group: Option<String>,
    /// The core reads a seventh field of the handshake line.
    pub expects_multiplex_field: bool,
}

impl Environment {
    /// Reads the variables of this process.
    pub fn of_process() -> Self {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    /// Reads the variables through `lookup`; empty ones count as absent, as in go-plugin.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let value = |name: &str| lookup(name).filter(|value| !value.is_empty());
        // A certificate that is not UTF-8 must stay "there, but broken", never "absent".
        let text = |name: &str| value(name).map(|value| value.to_string_lossy().into_owned());
        Self {
            started_by_core: value("TF_PLUGIN_MAGIC_COOKIE")
                .is_some_and(|cookie| cookie == crate::MAGIC_COOKIE),
            client_certificate: text("PLUGIN_CLIENT_CERT"),
            socket_parent: value("PLUGIN_UNIX_SOCKET_DIR")
                .or_else(|| value("TMPDIR"))
                .map_or_else(|| PathBuf::from("/tmp"), PathBuf::from),
            socket_group: text("PLUGIN_UNIX_SOCKET_GROUP"),
            expects_multiplex_field: value("PLUGIN_MULTIPLEX_GRPC").is_some(),
        }
    }
}

/// The line that tells the core how to reach us, without its newline.
///
/// Fields: core protocol, provider protocol, network, address, "grpc", our certificate as
/// base64 without padding (empty without TLS), and, only for cores that announced that they
/// read it, whether streams are multiplexed (they are not).
pub(crate) fn handshake_line(socket: &str, certificate: Option<&[u8]>, multiplex_field: bool) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
    let certificate = certificate.map_or_else(String::new, |der| STANDARD_NO_PAD.encode(der));
    let tail = if multiplex_field { "|false" } else { "" };
    format!(
        "{}|{}|unix|{socket}|grpc|{certificate}{tail}",
        crate::CORE_PROTOCOL_VERSION,
        crate::PROTOCOL_VERSION,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;
    use std::os::unix::ffi::OsStringExt as _;

    fn read(pairs: &[(&str, &str)]) -> Environment {
        let map: HashMap<&str, &str> = pairs.iter().copied().collect();
        Environment::from_lookup(|name| map.get(name).map(OsString::from))
    }

    #[test]
    fn nothing_set_is_a_start_by_hand_in_tmp() {
        let environment = read(&[]);
        assert!(!environment.started_by_core);
        assert_eq!(environment.client_certificate, None);
        assert_eq!(environment.socket_parent, PathBuf::from("/tmp"));
    }

    #[test]
    fn the_socket_directory_goes_before_tmpdir_and_empty_counts_as_absent() {
        let both = [("PLUGIN_UNIX_SOCKET_DIR", "/run/x"), ("TMPDIR", "/var/tmp")];
        assert_eq!(read(&both).socket_parent, PathBuf::from("/run/x"));
        let empty = [("PLUGIN_UNIX_SOCKET_DIR", ""), ("TMPDIR", "/var/tmp")];
        assert_eq!(read(&empty).socket_parent, PathBuf::from("/var/tmp"));
        assert_eq!(read(&[("PLUGIN_CLIENT_CERT", "")]).client_certificate, None);
    }

    #[test]
    fn only_the_exact_cookie_counts() {
        assert!(read(&[("TF_PLUGIN_MAGIC_COOKIE", crate::MAGIC_COOKIE)]).started_by_core);
        assert!(!read(&[("TF_PLUGIN_MAGIC_COOKIE", "d602")]).started_by_core);
    }

    #[test]
    fn the_line_has_the_fields_of_go_plugin() {
        assert_eq!(handshake_line("/tmp/s", None, false), "1|5|unix|/tmp/s|grpc|");
        assert_eq!(handshake_line("/tmp/s", Some(&[1, 2, 3, 4]), true), "1|5|unix|/tmp/s|grpc|AQIDBA|false");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(values in proptest::array::uniform6(
            proptest::option::of(proptest::collection::vec(any::<u8>(), 0..64))
        )) {
            let names = [
                "TF_PLUGIN_MAGIC_COOKIE", "PLUGIN_CLIENT_CERT", "PLUGIN_UNIX_SOCKET_DIR",
                "TMPDIR", "PLUGIN_UNIX_SOCKET_GROUP", "PLUGIN_MULTIPLEX_GRPC",
            ];
            let environment = Environment::from_lookup(|name| {
                let index = names.iter().position(|n| *n == name)?;
                values[index].clone().map(OsString::from_vec)
            });
            prop_assert!(!environment.started_by_core);
            // A certificate that was given is never read as "no TLS".
            let given = values[1].as_ref().is_some_and(|bytes| !bytes.is_empty());
            prop_assert_eq!(environment.client_certificate.is_some(), given);
        }
    }
}
