//! `windlass.toml`: what a repository says of its states.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use remote::connection::SshConnection;
use remote::credentials::{Credentials, CredentialsError, choose};
use serde::Deserialize;
use sops::Recipient;

use crate::backup::BackupSettings;
use crate::check::CheckSettings;
use crate::drill::DrillSettings;
use crate::exit::Failure;
use crate::store::Layout;

/// The file's name; it lies in the working directory or above it.
pub const NAME: &str = "windlass.toml";

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where states lie and for whom.
    pub state: StateSettings,
    /// What has to be so before a state is opened.
    pub guard: Guard,
    /// What `windlass drift` passes over.
    pub drift: DriftSettings,
    /// Whom `windlass report` tells.
    pub report: ReportSettings,
    /// What `windlass check` looks at.
    pub check: CheckSettings,
    /// What `windlass doctor` looks at.
    pub doctor: DoctorSettings,
    /// How to log in to hosts.
    pub ssh: Vec<SshSettings>,
    /// Which corpora are backed up, and where to.
    pub backup: BackupSettings,
    /// Drills by their names.
    pub drill: BTreeMap<String, DrillSettings>,
    /// Where it lies, for paths in it.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// `[state]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StateSettings {
    /// The file of a state; `{workspace}` is the workspace.
    pub file: Option<String>,
    /// age recipients and SSH public keys.
    pub recipients: Vec<String>,
    /// `structured` or `binary`.
    pub layout: Layout,
}

/// `[report]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportSettings {
    /// The repository of the issue, as `owner/name`.
    pub issue: Option<String>,
    /// The variable that holds the webhook's address.
    pub webhook_variable: Option<String>,
    /// A command that gets the text on stdin.
    pub command: Vec<String>,
    /// The folder where it is remembered what was sent last.
    pub memory: Option<PathBuf>,
}

/// `[doctor]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DoctorSettings {
    /// Hosts, as connections.
    pub hosts: Vec<String>,
    /// Servers whose certificates are looked at: `name` or `name:port`.
    pub certificates: Vec<String>,
}

/// `[drift]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DriftSettings {
    /// Attributes that change by themselves, as `type.attribute` or `address.attribute`, and outputs as
    /// `output.name`; `*` stands for anything.
    pub volatile: Vec<String>,
}

/// `[guard]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Guard {
    /// The branch that has to be checked out.
    pub branch: Option<String>,
    /// Variables and their values.
    pub environment: BTreeMap<String, String>,
    /// What HMACs are made with.
    pub key: Option<String>,
    /// Variables and the HMACs of their values.
    pub hmac: BTreeMap<String, String>,
    /// The same for single workspaces.
    pub workspace: BTreeMap<String, WorkspaceGuard>,
}

/// `[guard.workspace.NAME]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkspaceGuard {
    /// The branch that has to be checked out.
    pub branch: Option<String>,
    /// Variables and their values.
    pub environment: BTreeMap<String, String>,
    /// Variables and the HMACs of their values.
    pub hmac: BTreeMap<String, String>,
}

/// `[[ssh]]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SshSettings {
    /// What `identity=` of a connection calls it; the one without a name counts for all others.
    pub name: Option<String>,
    /// Who logs in.
    pub user: Option<String>,
    /// The port of sshd.
    pub port: Option<u16>,
    /// The file of a private key; `~/` is the home directory.
    pub private_key_file: Option<String>,
    /// Whether the SSH agent is asked for keys.
    pub agent: Option<bool>,
    /// The known_hosts file in place of the usual ones; `~/` is the home directory.
    pub known_hosts_file: Option<String>,
}

impl SshSettings {
    fn block(&self) -> remote::credentials::SshSettings {
        let Self { name, user, port, private_key_file, agent, known_hosts_file } = self.clone();
        remote::credentials::SshSettings {
            name,
            user,
            port,
            private_key_file,
            agent,
            known_hosts_file,
            ..remote::credentials::SshSettings::default()
        }
    }
}

impl Settings {
    /// Those of the working directory.
    ///
    /// # Errors
    /// When the file cannot be read or says what is not known.
    pub fn find() -> Result<Self, Failure> {
        let here = std::env::current_dir()
            .map_err(|error| Failure::new("Could not find the working directory").because(&error))?;
        let Some(folder) = here.ancestors().find(|folder| folder.join(NAME).is_file()) else {
            return Ok(Self { folder: here, ..Self::default() });
        };
        let path = folder.join(NAME);
        let failed = || Failure::new(format!("Could not read {}", path.display()));
        let text = std::fs::read_to_string(&path).map_err(|error| failed().because(&error))?;
        let settings: Self = toml::from_str(&text).map_err(|error| failed().because(&error))?;
        Ok(Self { folder: folder.to_owned(), ..settings })
    }

    /// How to log in to a host.
    ///
    /// # Errors
    /// When nothing says it.
    pub fn credentials(&self, connection: &SshConnection) -> Result<Credentials, CredentialsError> {
        let blocks: Vec<_> = self.ssh.iter().map(SshSettings::block).collect();
        choose(connection, &blocks, |name| std::env::var(name).ok())
    }

    /// The file of a workspace's state: what was asked for, else what the settings say.
    ///
    /// # Errors
    /// When nothing says it, or a workspace is asked for that it has no place for.
    pub fn state_file(&self, given: Option<&Path>, workspace: Option<&str>) -> Result<PathBuf, Failure> {
        let pattern = match given {
            Some(path) => path.display().to_string(),
            None => {
                let file = self.state.file.as_deref().unwrap_or("{workspace}.tfstate.sops.json");
                self.folder.join(file).display().to_string()
            }
        };
        if workspace.is_some() && !pattern.contains("{workspace}") {
            return Err(Failure::new("Could not choose the state of a workspace")
                .with(format!("The file `{pattern}` is the same for every workspace; nothing was read."))
                .with("Put `{workspace}` into its name."));
        }
        let name = workspace.unwrap_or("default");
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        if !is_name {
            return Err(Failure::new(format!("Could not choose the state of the workspace `{name}`"))
                .with("The name of a workspace has letters, digits, `-` and `_`."));
        }
        Ok(PathBuf::from(pattern.replace("{workspace}", name)))
    }

    /// For whom states are: the settings, else `SOPS_AGE_RECIPIENTS`.
    ///
    /// # Errors
    /// When one cannot be encrypted for.
    pub fn recipients(&self) -> Result<Vec<Recipient>, Failure> {
        let of_environment = std::env::var("SOPS_AGE_RECIPIENTS").unwrap_or_default();
        let texts: Vec<&str> = if self.state.recipients.is_empty() {
            of_environment.split([',', '\n']).map(str::trim).filter(|text| !text.is_empty()).collect()
        } else {
            self.state.recipients.iter().map(String::as_str).collect()
        };
        let parsed: Result<Vec<Recipient>, sops::Error> = texts.into_iter().map(str::parse).collect();
        parsed.map_err(|error| Failure::new("Could not read the recipients of the state").because(&error))
    }
}
