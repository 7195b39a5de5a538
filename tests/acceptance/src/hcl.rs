//! Configuration as text, and what the hosts of the lab are called in it.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use lab::{Host, Lab};

/// `text` as a quoted string of HCL, whatever is in it.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '$' | '%' if letters.peek() == Some(&'{') => quoted.extend([letter, letter]),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// The `provider` block that can log in to every host of the lab; `more` goes into it as it is.
pub fn provider_block(lab: &Lab, more: &str) -> String {
    let key = &lab.hosts()[0].private_key_file;
    format!(
        "provider \"windlass\" {{\n  {more}\n  ssh {{\n    private_key_file = {}\n    known_hosts_file = {}\n  }}\n}}\n",
        quoted(&key.to_string_lossy()),
        quoted(&lab.state().known_hosts_file.to_string_lossy()),
    )
}

/// A `windlass_host` named `name` for `host`, its key pinned; `more` goes into it as it is.
pub fn host_block(name: &str, host: &Host, more: &str) -> String {
    let mut lines = vec![
        format!("address = {}", quoted(&host.address)),
        format!("user = {}", quoted(&host.user)),
        format!("host_key = {}", quoted(&host.host_key)),
        more.to_owned(),
    ];
    if let Some(jump) = &host.jump {
        lines.push(format!("jump = {}", quoted(jump)));
    }
    lines.extend(host.variant.sudo().map(|sudo| match sudo {
        "1" => "sudo = true".to_owned(),
        word => format!("sudo = {}", quoted(word)),
    }));
    format!("resource \"windlass_host\" {} {{\n  {}\n}}\n", quoted(name), lines.join("\n  "))
}

/// A resource of the type `kind` with the label `label`: its `host` is an expression, `attributes`
/// go into it as they are.
pub fn resource_block(kind: &str, label: &str, host: &str, name: &str, attributes: &str) -> String {
    let (kind, label, name) = (quoted(kind), quoted(label), quoted(name));
    format!("resource {kind} {label} {{\n  host = {host}\n  name = {name}\n  {attributes}\n}}\n")
}

/// The setting of the provider that logs in to the lab's private registry.
pub fn registry_block(lab: &Lab) -> String {
    registry_block_with(lab, &quoted(&lab.state().private_registry.password))
}

/// As [`registry_block`], with an expression for the password.
pub fn registry_block_with(lab: &Lab, password: &str) -> String {
    let registry = &lab.state().private_registry;
    format!(
        "registry {{\n    address = {}\n    username = {}\n    password = {password}\n  }}",
        quoted(&registry.address),
        quoted(&registry.username)
    )
}

/// The connection to `host`, its key pinned.
pub fn connection(host: &Host) -> String {
    let key = format!("ssh-ed25519:{}", fingerprint(&host.host_key).replace('+', "-").replace('/', "_"));
    let jump =
        host.jump.as_ref().map(|jump| format!("&jump={}", jump.trim_end_matches(":22"))).unwrap_or_default();
    let sudo = host.variant.sudo().map(|sudo| format!("&sudo={sudo}")).unwrap_or_default();
    // In the form that Windlass itself writes it: without what is the default anyway.
    let port = if host.port == 22 { String::new() } else { format!(":{}", host.port) };
    format!("ssh://{}@{}{port}?host_key={key}{jump}{sudo}", host.user, host.address)
}

/// `SHA256:…` of a public key, as `ssh-keygen` computes it.
pub fn fingerprint(public_key: &str) -> String {
    listed(public_key).split_whitespace().nth(1).unwrap().to_owned()
}

/// The line of `ssh-keygen -l` for a public key.
pub fn listed(public_key: &str) -> String {
    let mut keygen = Command::new("ssh-keygen")
        .args(["-l", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    keygen.stdin.take().unwrap().write_all(public_key.as_bytes()).unwrap();
    let output = keygen.wait_with_output().unwrap();
    assert!(output.status.success(), "ssh-keygen does not know {public_key:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_text_means_itself() {
        assert_eq!(quoted("a\"b\\c\n${x} %{y} $z"), r#""a\"b\\c\n$${x} %%{y} $z""#);
    }
}
