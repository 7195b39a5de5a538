//! Start-up files of login shells, which a person can mend.

/// Where a shell that is not interactive may be made to do something, and how to keep it from that.
pub(crate) struct StartUp {
    /// The file, in words.
    pub(crate) file: &'static str,
    /// When it may do so all the same, and how that is written.
    pub(crate) only: &'static str,
}

/// The start-up file of the login shell at the path `shell`.
pub(crate) fn start_up_file(shell: &str) -> StartUp {
    let (file, only) = match shell.rsplit('/').next().unwrap_or_default() {
        "bash" => ("~/.bashrc", "for interactive shells, behind `case $- in *i*) ;; *) return ;; esac`"),
        "zsh" => ("~/.zshenv", "for interactive shells, behind `[[ -o interactive ]] || return`"),
        "fish" => ("~/.config/fish/config.fish", "for interactive shells, within `if status is-interactive`"),
        "csh" | "tcsh" | "bsd-csh" => {
            ("~/.cshrc or ~/.tcshrc", "for interactive shells, within `if ($?prompt) then`")
        }
        _ => (
            "~/.ssh/rc, /etc/ssh/sshrc or a command in ~/.ssh/authorized_keys",
            "where there is a terminal, behind `[ -t 1 ]`",
        ),
    };
    StartUp { file, only }
}
