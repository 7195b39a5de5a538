//! Looking at the file, writing it, and taking it away.

use std::{io::ErrorKind, path::Path, sync::Arc};

use async_trait::async_trait;
use framework::{Apply, Context, Diagnostic, Diagnostics, Field, Plan, Resource, Schema, State, Value};
use sops::{File, Format, ReplaceError, replace};

use super::{
    EncryptedFile, FilePrivate,
    content::content,
    model::{FileModel, WRITTEN},
    schema,
};
use crate::{
    failure::{Failure, Stop, UNCHANGED, could_not, sops_stop},
    sops_files::{Keyring, sha256_of},
};

#[async_trait]
impl Resource for EncryptedFile {
    type Model = FileModel;
    type Private = FilePrivate;

    fn type_name(&self) -> &'static str {
        "windlass_sops_file"
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    async fn read(&self, _cx: &Context, state: State<Self>) -> Result<Option<State<Self>>, Diagnostics> {
        let title = could_not("read", &subject(&state.model));
        match std::fs::read(state.model.path()) {
            Ok(bytes) => Ok(Some(observed(state, &String::from_utf8_lossy(&bytes)))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::from(disk(&error)).into_diagnostics(&title, UNCHANGED)),
        }
    }

    async fn plan(&self, _cx: &Context, plan: &mut Plan<Self>) -> Result<(), Diagnostics> {
        let Some(prior) = plan.prior.clone() else { return Ok(()) };
        let is_of_another = prior.model.sha256.as_str() != Some(prior.private.written.as_str());
        if is_of_another {
            plan.expect_changes()?;
        } else if !WRITTEN.iter().any(|name| plan.changes(name)) {
            plan.planned.sha256 = prior.model.sha256;
            plan.planned.last_modified = prior.model.last_modified;
        }
        Ok(())
    }

    async fn create(&self, _cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        let title = could_not("create", &subject(&apply.planned));
        let path = apply.planned.path().to_owned();
        if Path::new(&path).exists() {
            let stop = Stop::new(
                format!("{path:?} is there already, and was not made by this configuration."),
                "Adopt it by an import, whose id is the path, or move it out of the way.",
            );
            return Err(Failure::from(stop.at("path")).into_diagnostics(&title, UNCHANGED));
        }
        self.write(apply, &title).await
    }

    async fn update(&self, _cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        if !apply.planned.sha256.is_unknown() {
            apply.record(apply.planned.clone(), apply.private.clone());
            return Ok(());
        }
        self.write(apply, &could_not("update", &subject(&apply.planned))).await
    }

    async fn delete(&self, _cx: &Context, state: State<Self>) -> Result<(), Diagnostics> {
        if state.model.on_destroy.as_str() == Some("keep") {
            return Ok(());
        }
        match std::fs::remove_file(state.model.path()) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                let title = could_not("delete", &subject(&state.model));
                Err(Failure::from(disk(&error)).into_diagnostics(&title, "It is still there."))
            }
            _ => Ok(()),
        }
    }

    async fn import(&self, _cx: &Context, id: &str) -> Result<State<Self>, Diagnostics> {
        if !Path::new(id).is_file() {
            let title = format!("Could not import windlass_sops_file {id:?}");
            let next = "The id is the path of the encrypted file, from where tofu runs.";
            return Err(Diagnostic::error(title)
                .detail("There is no file at this path.")
                .detail(next)
                .into());
        }
        Ok(State::new(FileModel {
            path: id.into(),
            mac_only_encrypted: Field::Known(false),
            on_destroy: "delete".into(),
            ..FileModel::default()
        }))
    }
}

impl EncryptedFile {
    /// Writes the file and records it. The content is in the configuration alone.
    async fn write(&self, apply: &mut Apply<Self>, title: &str) -> Result<(), Diagnostics> {
        let (model, given) = (apply.planned.clone(), apply.config.content_wo.clone());
        let keyring = self.keyring.clone();
        let rules_stay = apply.prior.as_ref().is_some_and(|prior| same_rules(&prior.model, &model));
        let written = tokio::task::spawn_blocking(move || seal(&model, &given, rules_stay, &keyring));
        let written =
            written.await.map_err(|error| Failure::bug(format!("Writing the file ended early: {error}.")));
        let text = written
            .and_then(|done| Ok(done?))
            .map_err(|failure| failure.into_diagnostics(title, UNCHANGED))?;
        let private = FilePrivate { written: sha256_of(&text) };
        let state = observed(State { model: apply.planned.clone(), private }, &text);
        apply.record(state.model, state.private);
        Ok(())
    }
}

/// What the file is called in messages.
fn subject(model: &FileModel) -> String {
    format!("encrypted file {:?}", model.path())
}

fn disk(error: &std::io::Error) -> Stop {
    Stop::new(format!("The file system says: {error}."), "Correct `path`, or the permissions there.")
        .at("path")
}

/// The state, with what the file tells without a key. What is no file of SOPS any more has no recipients.
fn observed(mut state: State<EncryptedFile>, text: &str) -> State<EncryptedFile> {
    let about = sops::about(text, state.model.format()).ok();
    let (recipients, last_modified) =
        about.map(|about| (about.recipients, about.last_modified)).unwrap_or_default();
    state.model.recipients = Field::Known(recipients.into_iter().collect());
    state.model.last_modified = Field::Known(last_modified);
    state.model.sha256 = Field::Known(sha256_of(text));
    state
}

fn same_rules(one: &FileModel, other: &FileModel) -> bool {
    let rules = |model: &FileModel| {
        (
            model.format(),
            model.unencrypted_suffix.clone(),
            model.encrypted_suffix.clone(),
            model.unencrypted_regex.clone(),
            model.encrypted_regex.clone(),
            model.mac_only_encrypted,
        )
    };
    rules(one) == rules(other)
}

/// Encrypts and writes; the text that is there now. Where the file opens and follows the same rules, what has
/// not changed keeps its ciphertext; for other recipients it gets another data key.
fn seal(
    model: &FileModel,
    given: &Field<Value>,
    rules_stay: bool,
    keyring: &Arc<Keyring>,
) -> Result<String, Stop> {
    let (path, format) = (model.path(), model.format());
    let tree = content(given.known().unwrap_or(&Value::Null), format)
        .map_err(|error| sops_stop(&error, "content_wo"))?;
    let recipients = model.recipients().map_err(|error| sops_stop(&error, "recipients"))?;
    let known = std::fs::read_to_string(path).ok().filter(|_| rules_stay);
    let known = known.and_then(|text| reopened(&text, format, keyring));
    let mut file = match known {
        Some(mut file) => {
            let is_for: std::collections::BTreeSet<String> = file.recipients().map(str::to_owned).collect();
            if Some(&is_for) != model.recipients.known() {
                file.rotate(&recipients).map_err(|error| sops_stop(&error, "recipients"))?;
            }
            file
        }
        None => {
            let rules = model.rules().map_err(|error| sops_stop(&error, "encrypted_regex"))?;
            File::new(format, &recipients, rules).map_err(|error| sops_stop(&error, "recipients"))?
        }
    };
    let text = file.write(&tree).map_err(|error| sops_stop(&error, "content_wo"))?;
    let written = replace(Path::new(path), text.as_bytes(), |written| written == text.as_bytes());
    written.map_err(|error| match error {
        ReplaceError::Disk(error) => disk(&error),
        ReplaceError::ReadBack => {
            Stop::new("What was written reads back as something else.", "Look at the file system there.")
                .at("path")
        }
    })?;
    Ok(text)
}

/// The file that is there, where a key at hand opens it; none is needed to write it anew.
fn reopened(text: &str, format: Format, keyring: &Keyring) -> Option<File> {
    let mut identities = keyring.identities().ok()?;
    File::open(text, format, &mut identities).ok().map(|(file, _)| file)
}
