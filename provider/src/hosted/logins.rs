//! Logins that write by themselves.
//!
//! An executor keeps what a login writes out of the output of commands, so nothing is wrong with
//! that; other programs that use this login will stumble over it, and a person can mend it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use framework::{Diagnostic, Diagnostics};
use remote::{Executor, Noise};

use crate::failure::{StartUp, start_up_file};

/// The most of a login's words that a title quotes, in characters.
const QUOTED: usize = 60;

/// The logins that commands were run by, and whether their words were told.
#[derive(Default)]
pub(super) struct Logins(Mutex<HashMap<String, Met>>);

struct Met {
    executor: Arc<dyn Executor>,
    told: bool,
}

impl Logins {
    /// Takes note of a login, by whatever connection.
    pub(super) fn met(&self, executor: &Arc<dyn Executor>) {
        let mut logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        logins
            .entry(executor.name().to_owned())
            .or_insert_with(|| Met { executor: executor.clone(), told: false });
    }

    /// A warning for every login that was found to write by itself, once.
    pub(super) fn remarks(&self) -> Diagnostics {
        let mut logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut remarks = Diagnostics::new();
        for (name, met) in logins.iter_mut().filter(|(_, met)| !met.told) {
            if let Some(noise) = met.executor.noise() {
                met.told = true;
                remarks.push(remark(name, &noise));
            }
        }
        remarks
    }
}

fn remark(host: &str, noise: &Noise) -> Diagnostic {
    let first = noise.said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let mut quoted: String = first.chars().filter(|c| !c.is_control()).take(QUOTED).collect();
    if first.chars().count() > QUOTED {
        quoted.push('…');
    }
    let StartUp { file, only } = start_up_file(&noise.shell);
    let shell = if noise.shell.is_empty() { String::new() } else { format!(" ({})", noise.shell) };
    Diagnostic::warning(format!("The login of {host} prints {quoted:?} before every command"))
        .detail(
            "It was kept out of the output of commands, so what was read and done is right. Other programs that use \
             this login (scp, rsync, git, Docker's own ssh://) may take it for their own data.",
        )
        .detail(format!("A start-up file of the login shell{shell}, such as {file}, does that: let it print only {only}."))
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use remote::{Command, Dial, Error, Process, Stream};

    use super::*;

    #[derive(Debug)]
    struct Noisy(&'static str, Option<Noise>);

    #[async_trait]
    impl Executor for Noisy {
        async fn start(&self, _: &Command) -> Result<Process, Error> {
            Err(Error::Cancelled)
        }

        async fn dial(&self, _: &Dial) -> Result<Box<dyn Stream>, Error> {
            Err(Error::Cancelled)
        }

        fn name(&self) -> &str {
            self.0
        }

        fn noise(&self) -> Option<Noise> {
            self.1.clone()
        }

        fn sudo(&self) -> remote::connection::Sudo {
            remote::connection::Sudo::Nothing
        }
    }

    fn noise(said: &str, shell: &str) -> Noise {
        Noise { said: said.into(), shell: shell.into() }
    }

    #[test]
    fn a_login_that_prints_is_told_once_by_whatever_connection() {
        let logins = Logins::default();
        let loud: Arc<dyn Executor> = Arc::new(Noisy("deploy@web:22", Some(noise("\n Hi\n", "/bin/bash"))));
        let quiet: Arc<dyn Executor> = Arc::new(Noisy("root@web:22", None));
        for executor in [&loud, &quiet, &loud] {
            logins.met(executor);
        }
        let told = logins.remarks().to_string();
        assert_eq!(
            told,
            "The login of deploy@web:22 prints \"Hi\" before every command\n\
             It was kept out of the output of commands, so what was read and done is right. Other programs that use \
             this login (scp, rsync, git, Docker's own ssh://) may take it for their own data.\n\n\
             A start-up file of the login shell (/bin/bash), such as ~/.bashrc, does that: let it print only for \
             interactive shells, behind `case $- in *i*) ;; *) return ;; esac`."
        );
        logins.met(&loud);
        assert!(logins.remarks().to_string().is_empty());
    }

    #[test]
    fn every_shell_has_a_file_to_mend() {
        for (shell, file) in [
            ("/usr/bin/zsh", "~/.zshenv"),
            ("/usr/bin/fish", "config.fish"),
            ("/bin/tcsh", "~/.tcshrc"),
            ("/bin/dash", "~/.ssh/rc"),
            ("", "~/.ssh/rc"),
        ] {
            let told = remark("web", &noise(&"x".repeat(200), shell));
            assert!(told.detail.contains(file) && told.summary.len() < 120, "{told:?}");
        }
    }
}
