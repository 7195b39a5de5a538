//! The line that makes a core use a provider that is already running.

use serde_json::{Map, Value, json};

/// A shell line that sets `TF_REATTACH_PROVIDERS` for every address in `addresses`.
///
/// `Test: true` keeps the core from shutting the provider down after each command.
pub(crate) fn export_line(addresses: &[String], pid: u32, socket: &str) -> String {
    let entry = json!({
        "Protocol": "grpc",
        "ProtocolVersion": crate::PROTOCOL_VERSION,
        "Pid": pid,
        "Test": true,
        "Addr": { "Network": "unix", "String": socket },
    });
    let providers: Map<String, Value> =
        addresses.iter().map(|address| (address.clone(), entry.clone())).collect();
    let value = Value::Object(providers).to_string();
    format!("export TF_REATTACH_PROVIDERS={}", shell_quoted(&value))
}

/// Single quotes; a quote inside ends them, is escaped, and opens them again.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_holds_every_address() {
        let addresses = ["a.example/x/y".to_owned(), "b.example/x/y".to_owned()];
        assert_eq!(
            export_line(&addresses[..1], 7, "/tmp/s"),
            "export TF_REATTACH_PROVIDERS='{\"a.example/x/y\":{\"Addr\":{\"Network\":\"unix\",\
             \"String\":\"/tmp/s\"},\"Pid\":7,\"Protocol\":\"grpc\",\"ProtocolVersion\":5,\
             \"Test\":true}}'"
        );
        assert!(export_line(&addresses, 7, "/tmp/s").contains("b.example/x/y"));
    }

    #[test]
    fn a_quote_in_a_path_stays_inside_the_word() {
        assert_eq!(shell_quoted("it's"), r"'it'\''s'");
    }
}
