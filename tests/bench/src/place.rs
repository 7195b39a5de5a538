//! The host that is measured on, and a person's way there: OpenSSH with a connection kept open.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use lab::{Host, Lab};
use tempfile::TempDir;

/// A host of the lab.
#[derive(Debug)]
pub(crate) struct Place {
    lab: Lab,
    host: Host,
    /// Where OpenSSH's control socket is.
    control: TempDir,
}

impl Place {
    /// The first host of the lab with this state file; OpenSSH connects to it.
    pub(crate) fn new(state: &Path) -> Result<Self> {
        let lab = Lab::load(state).context("load the lab")?;
        let host = lab.hosts().first().context("the lab has no host")?.clone();
        Self::at(lab, host)
    }

    /// The first `count` hosts of that lab.
    pub(crate) fn several(state: &Path, count: usize) -> Result<Vec<Self>> {
        let lab = || Lab::load(state).context("load the lab");
        let hosts = lab()?.hosts().to_vec();
        ensure!(hosts.len() >= count, "{count} hosts are needed, and the lab has {}", hosts.len());
        hosts.into_iter().take(count).map(|host| Self::at(lab()?, host)).collect()
    }

    fn at(lab: Lab, host: Host) -> Result<Self> {
        let place = Self { lab, host, control: TempDir::with_prefix_in("bench-", "/tmp")? };
        let mut master = place.ssh();
        master.args(["-M", "-N", "-f"]);
        master.arg(place.target());
        // A master that stays behind holds what it inherited open.
        let status = master.stdout(Stdio::null()).stderr(Stdio::null()).status().context("start ssh")?;
        ensure!(status.success(), "ssh does not get to {}: {status}", place.target());
        Ok(place)
    }

    /// The connection, without secrets.
    pub(crate) fn connection(&self) -> String {
        let Host { user, address, port, .. } = &self.host;
        format!("ssh://{user}@{address}:{port}")
    }

    /// What the host calls itself.
    pub(crate) fn name(&self) -> &str {
        &self.host.name
    }

    /// The address of the host.
    pub(crate) fn address(&self) -> &str {
        &self.host.address
    }

    /// What a person's script writes before a command for the host: OpenSSH, which connects anew each time.
    pub(crate) fn script_words(&self) -> String {
        let ssh = self.plain_ssh();
        let words = std::iter::once(ssh.get_program()).chain(ssh.get_args());
        let words: Vec<_> = words.map(|word| word.to_string_lossy().into_owned()).collect();
        format!("{} {}", words.join(" "), self.target())
    }

    /// What a provider has to be told to log in.
    pub(crate) fn environment(&self) -> [(&'static str, String); 2] {
        let text = |path: &Path| path.display().to_string();
        [
            ("WINDLASS_SSH_PRIVATE_KEY_FILE", text(&self.host.private_key_file)),
            ("WINDLASS_SSH_KNOWN_HOSTS_FILE", text(&self.lab.state().known_hosts_file)),
        ]
    }

    /// An image by digest that the registry of the lab has.
    pub(crate) fn image(&self, name: &str) -> Result<String> {
        Ok(self.lab.image(name)?.to_owned())
    }

    /// What a person types, over the connection that is open already.
    pub(crate) async fn typed(&self, line: &str) -> Result<()> {
        let mut command = tokio::process::Command::from(self.ssh());
        command.arg(self.target()).arg(line);
        let output = command.output().await.context("start ssh")?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`{line}` failed: {}: {}", output.status, complaint.trim());
        Ok(())
    }

    /// Starts a line of shell, over the connection that is open already, and leaves it running.
    pub(crate) fn begin(&self, line: &str) -> Result<Child> {
        let mut command = self.ssh();
        command.arg(self.target()).arg(line).stdout(Stdio::piped());
        command.spawn().context("start ssh")
    }

    /// What a line of shell prints on the host, asked past SSH.
    pub(crate) fn asked(&self, line: &str) -> Result<String> {
        Ok(self.lab.exec_ok(&self.host, &["sh", "-c", line])?)
    }

    /// Writes a file of the host, past SSH.
    pub(crate) fn put(&self, path: &str, content: &[u8]) -> Result<()> {
        let output = self.lab.exec_with_input(&self.host, &["tee", "--", path], content)?;
        ensure!(output.status.success(), "{path} could not be written: {}", output.status);
        Ok(())
    }

    /// The address of this machine that the host reaches.
    pub(crate) fn own_address(&self) -> Result<String> {
        Ok(self.lab.own_address()?)
    }

    /// The bytes that have come to the host over the network, whatever they were for.
    pub(crate) fn received(&self) -> Result<u64> {
        let text = self.asked("cat /sys/class/net/eth0/statistics/rx_bytes")?;
        text.trim().parse().context("read what the host has received")
    }

    /// `program`, which copies over SSH as scp and rsync do, on its way to `path` on the host.
    pub(crate) fn copying(&self, program: &str, path: &str) -> (Command, String) {
        let ssh = self.ssh();
        let mut command = Command::new(program);
        if program == "rsync" {
            let words: Vec<_> = std::iter::once(ssh.get_program()).chain(ssh.get_args()).collect();
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
            command.arg("-e").arg(words.join(" "));
        } else {
            // scp spells the port and the control socket in its own way.
            command.args(["-q", "-F", "none", "-o", "BatchMode=yes", "-P", &self.host.port.to_string()]);
            command.arg("-o").arg(format!("ControlPath={}", self.control.path().join("control").display()));
        }
        command.stdin(Stdio::null());
        (command, format!("{}:{path}", self.target()))
    }

    /// Says goodbye.
    pub(crate) fn close(&self) {
        let mut command = self.ssh();
        command.args(["-O", "exit"]).arg(self.target());
        // The lab goes down next anyway.
        let _ = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }

    fn target(&self) -> String {
        format!("{}@{}", self.host.user, self.host.address)
    }

    /// `ssh` over the connection that is open already.
    fn ssh(&self) -> Command {
        let mut command = self.plain_ssh();
        command.arg("-S").arg(self.control.path().join("control"));
        command
    }

    /// What a person's script starts: `ssh` to the host, which connects anew, with the line still to come.
    pub(crate) fn connecting(&self) -> Command {
        let mut command = self.plain_ssh();
        command.arg(self.target());
        command
    }

    /// `ssh` with what it needs for this host, none of it from the person's own configuration.
    fn plain_ssh(&self) -> Command {
        let mut command = Command::new("ssh");
        command.args(["-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"]);
        command.arg("-o").arg(format!("UserKnownHostsFile={}", self.lab.state().known_hosts_file.display()));
        command.arg("-i").arg(&self.host.private_key_file);
        command.arg("-p").arg(self.host.port.to_string());
        command.stdin(Stdio::null());
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.close();
    }
}
