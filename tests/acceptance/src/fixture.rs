//! What a test stands on: a CLI in a workspace, a host, a name, and somebody who cleans up.

use lab::{Host, Lab};

use crate::{Workspace, compose_file, hcl, unique};

/// The line of shell that takes everything of this name off a host. It must also succeed where
/// there is nothing.
pub type CleanUp = fn(name: &str) -> String;

/// A workspace with the provider's block, a host of the lab, and a name that no other test has.
///
/// What the test leaves on its hosts goes when this is dropped, also when the test fails: whoever
/// makes a fixture says how. Tests of one kind of thing put their own words around it, as
/// [`crate::Stack`] does.
pub struct Fixture<'a> {
    /// The lab of the host.
    pub lab: &'a Lab,
    /// Where the test works.
    pub host: Host,
    /// What the test calls all that it makes; other names may begin with it.
    pub name: String,
    /// The configuration, and the CLI that the test's name has chosen.
    pub workspace: Workspace,
    others: Vec<Host>,
    clean_up: CleanUp,
}

impl<'a> Fixture<'a> {
    /// One on `host`, where `clean_up` removes what is left at the end.
    pub fn on(lab: &'a Lab, host: &Host, clean_up: CleanUp) -> Self {
        let workspace = Workspace::for_test();
        workspace.write("provider.tf", &hcl::provider_block(lab, ""));
        let (host, name) = (host.clone(), unique("test"));
        Self { lab, host, name, workspace, others: Vec::new(), clean_up }
    }

    /// Another host that the test works on, to be cleaned up as well.
    pub fn also_on(&mut self, host: &Host) {
        self.others.push(host.clone());
    }

    /// Writes the provider's block: `outer` goes into it as it is, `inner` into its `ssh` block.
    pub fn provider(&self, outer: &str, inner: &str) {
        let block = hcl::provider_block(self.lab, outer);
        self.workspace.write("provider.tf", &block.replace("ssh {", &format!("ssh {{\n    {inner}")));
    }

    /// The image `name` of the lab, by digest.
    ///
    /// # Panics
    /// When the lab has none of this name.
    pub fn image(&self, name: &str) -> &str {
        self.lab.image(name).unwrap()
    }

    /// A Compose file of `tests/fixtures/compose`, filled in: see [`compose_file`].
    ///
    /// # Panics
    /// As [`compose_file`].
    #[track_caller]
    pub fn compose_file(&self, file: &str, values: &[(&str, &str)]) -> String {
        compose_file(self.lab, file, values)
    }

    /// The connection to the host, as an expression.
    pub fn connection(&self) -> String {
        hcl::quoted(&hcl::connection(&self.host))
    }

    /// The id for an import of what has this name on the host.
    pub fn import_id(&self) -> String {
        format!("{}|{}", hcl::connection(&self.host), self.name)
    }

    /// Runs words as root on the host.
    ///
    /// # Panics
    /// When they fail.
    #[track_caller]
    pub fn root_runs(&self, words: &[&str]) -> String {
        self.lab.exec_ok(&self.host, words).unwrap()
    }

    /// Runs a line of shell as root on the host.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn shell(&self, line: &str) -> String {
        self.root_runs(&["sh", "-c", line])
    }

    /// Whether there is anything at `path` on the host.
    pub fn exists(&self, path: &str) -> bool {
        self.lab.exec(&self.host, &["test", "-e", path]).unwrap().status.success()
    }

    /// Writes a file as root on the host, past the code under test, in place.
    ///
    /// # Panics
    /// When it cannot be written.
    #[track_caller]
    pub fn write_on_host(&self, path: &str, text: &str) {
        let output = self.lab.exec_with_input(&self.host, &["tee", "--", path], text.as_bytes()).unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

impl Drop for Fixture<'_> {
    fn drop(&mut self) {
        let line = (self.clean_up)(&self.name);
        for host in self.others.iter().chain([&self.host]) {
            // A host may be gone, or broken on purpose.
            let _ = self.lab.exec(host, &["sh", "-c", &line]);
        }
    }
}
