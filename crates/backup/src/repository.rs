//! Where a repository of restic is, and what opens it.

use std::{fmt, str::FromStr, time::Duration};

use secret::Secret;

/// For how long others may have a repository locked before that is a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// What restic calls the kinds of repositories that are not directories.
const KINDS: [&str; 8] = ["azure", "b2", "gs", "rclone", "rest", "s3", "sftp", "swift"];

/// Where a repository is, as restic on the host spells it: `/srv/restic`, `sftp:user@host:/path`,
/// `s3:https://server/bucket/prefix`, `rest:https://server/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RepositoryPlace(String);

impl FromStr for RepositoryPlace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains(|c: char| c.is_control()) {
            return Err("there is no control character in the place of a repository");
        }
        if text.starts_with('/') {
            return match text.trim_matches('/') {
                "" => Err("the root directory is not a repository"),
                _ => Ok(Self(text.trim_end_matches('/').to_owned())),
            };
        }
        let Some((kind, rest)) = text.split_once(':') else {
            return Err("`restic:` is followed by an absolute path, or by a kind such as `s3:` and a place");
        };
        if !KINDS.contains(&kind) || rest.is_empty() {
            return Err(
                "`restic:` is followed by an absolute path, or by azure:, b2:, gs:, rclone:, rest:, s3:, sftp: or \
                 swift: and a place, as restic spells it",
            );
        }
        let authority = rest.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
        let user = authority.and_then(|authority| authority.rsplit_once('@'));
        if user.is_some_and(|(user, _)| user.contains(':')) {
            return Err("there is no password in the place of a repository");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RepositoryPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl RepositoryPlace {
    /// The names of the two variables that its server takes a name and a key by.
    pub fn key_variables(&self) -> Option<[&'static str; 2]> {
        match self.0.split_once(':') {
            Some(("s3", _)) => Some(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]),
            Some(("rest", _)) => Some(["RESTIC_REST_USERNAME", "RESTIC_REST_PASSWORD"]),
            Some(("b2", _)) => Some(["B2_ACCOUNT_ID", "B2_ACCOUNT_KEY"]),
            _ => None,
        }
    }
}

/// A repository, and what opens it.
#[derive(Clone, Debug)]
pub struct Repository {
    /// Where it is.
    pub place: RepositoryPlace,
    /// Its password, of one line.
    pub password: Secret,
    /// Where the password was found, for messages: a noun.
    pub password_from: String,
    /// Variables that restic needs besides: keys for the server. Of one line as well.
    pub environment: Vec<(String, Secret)>,
    /// For how long others may have it locked before that is a failure.
    pub patience: Duration,
}

impl Repository {
    /// One at `place`.
    pub fn new(place: RepositoryPlace, password: Secret, password_from: impl Into<String>) -> Self {
        let password_from = password_from.into();
        Self { place, password, password_from, environment: Vec::new(), patience: PATIENCE }
    }

    /// Where it is, as a store's URL.
    pub fn url(&self) -> String {
        format!("restic:{}", self.place)
    }

    /// What the script reads: the password, and the variables.
    pub(crate) fn input(&self) -> Vec<u8> {
        let mut lines = vec![
            self.password.expose().to_owned(),
            format!("RESTIC_REPOSITORY={}", self.place),
            // A line now and then, and not sixty in a second.
            "RESTIC_PROGRESS_FPS=0.2".to_owned(),
        ];
        lines.extend(self.environment.iter().map(|(name, value)| format!("{name}={}", value.expose())));
        let mut text = lines.join("\n");
        text.push('\n');
        text.into_bytes()
    }

    /// The setting that has more than one line, if one has.
    pub fn not_a_line(&self) -> Option<&str> {
        let is_wrong = |secret: &Secret| secret.expose().contains(['\n', '\r', '\0']);
        if is_wrong(&self.password) || self.password.expose().is_empty() {
            return Some("the password");
        }
        self.environment.iter().find(|(_, value)| is_wrong(value)).map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_what_restic_calls_it() {
        for (text, place) in [
            ("/srv/restic/", "/srv/restic"),
            ("sftp:backup@box:/srv/restic", "sftp:backup@box:/srv/restic"),
            ("s3:https://s3.example.org/bucket/prefix", "s3:https://s3.example.org/bucket/prefix"),
            ("rest:https://user@server:8000/", "rest:https://user@server:8000/"),
        ] {
            assert_eq!(text.parse::<RepositoryPlace>().unwrap().to_string(), place);
        }
        for text in ["", "/", "srv/restic", "ftp:box", "s3:", "rest:https://user:word@server/", "/srv\n"] {
            text.parse::<RepositoryPlace>().unwrap_err();
        }
    }

    #[test]
    fn secrets_go_by_stdin_line_by_line() {
        let mut repository = Repository::new("/srv/restic".parse().unwrap(), Secret::new("p w"), "the test");
        repository.environment.push(("AWS_SECRET_ACCESS_KEY".to_owned(), Secret::new("key")));
        assert_eq!(
            String::from_utf8(repository.input()).unwrap(),
            "p w\nRESTIC_REPOSITORY=/srv/restic\nRESTIC_PROGRESS_FPS=0.2\nAWS_SECRET_ACCESS_KEY=key\n"
        );
        assert_eq!(repository.not_a_line(), None);
        repository.environment.push(("X".to_owned(), Secret::new("a\nPATH=/evil")));
        assert_eq!(repository.not_a_line(), Some("X"));
        assert!(!format!("{repository:?}").contains("p w"));
    }
}
