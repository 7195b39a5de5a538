//! What a change of `windlass_file` means.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use framework::{Diagnostic, Diagnostics, Field, Plan, State};
use sha2::{Digest as _, Sha256};

use super::{
    HostFile,
    model::{FileModel, of_sha256, of_version},
};
use crate::{
    host_path::{keep_bits, keep_owner},
    hosted::OnHost,
};

type Resource = OnHost<HostFile>;

/// Decides what the file will hold. The hash is known as soon as the content is.
pub(super) fn plan(plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
    if let Some(prior) = &plan.prior {
        keep_bits(&mut plan.planned.mode, &prior.model.mode);
        keep_bits(&mut plan.planned.directory_mode, &prior.model.directory_mode);
        keep_owners(&mut plan.planned, &plan.config, prior);
    }
    plan.planned.content_hash = content_hash(&plan.config)?;
    Ok(())
}

/// Who owns a file whose configuration does not say.
fn keep_owners(planned: &mut FileModel, config: &FileModel, prior: &State<Resource>) {
    let elsewhere = planned.host != prior.model.host;
    keep_owner(&mut planned.owner, &config.owner, &prior.private.owner, elsewhere);
    keep_owner(&mut planned.group, &config.group, &prior.private.group, elsewhere);
}

/// `content_hash` of what the configuration asks for.
fn content_hash(config: &FileModel) -> Result<Field<String>, Diagnostic> {
    if config.content_wo.is_known() || config.content_wo.is_unknown() {
        return Ok(config.content_wo_version.as_ref().map(|version| of_version(version)));
    }
    match (&config.content, &config.source) {
        (Field::Known(text), _) => Ok(Field::Known(of_sha256(&tree::sha256(text.as_bytes())))),
        (_, Field::Known(path)) => hash_of_file(path).map(|hash| Field::Known(of_sha256(&hash))),
        _ => Ok(Field::Unknown),
    }
}

/// The hash of a file on this machine.
pub(super) fn hash_of_file(path: &str) -> Result<String, Diagnostic> {
    let hash = || -> io::Result<String> {
        // Asked before it is opened: opening a named pipe waits for somebody to write to it.
        if !Path::new(path).metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let mut file = File::open(Path::new(path))?;
        let mut hasher = Sha256::new();
        let mut chunk = vec![0; 64 << 10];
        loop {
            match file.read(&mut chunk)? {
                0 => return Ok(secret::hex(&hasher.finalize())),
                length => hasher.update(&chunk[..length]),
            }
        }
    };
    hash().map_err(|error| {
        Diagnostic::error(format!("Could not read {path:?}"))
            .detail(format!("The file on this machine cannot be read: {error}."))
            .detail("Nothing was changed.")
            .detail("Correct `source`; a relative path starts from where tofu runs, so `${path.module}/…` is safer.")
            .at("source")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::file::FilePrivate;

    #[test]
    fn the_hash_is_known_when_the_content_is() {
        let config = FileModel { content: Field::Known("hello\n".into()), ..FileModel::default() };
        // sha256sum of "hello\n"
        let hash = "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        assert_eq!(content_hash(&config).unwrap(), Field::Known(hash.into()));
        let config = FileModel { content: Field::Unknown, ..FileModel::default() };
        assert_eq!(content_hash(&config).unwrap(), Field::Unknown);
    }

    #[test]
    fn a_write_only_content_is_its_version() {
        let config = FileModel {
            content_wo: Field::Known("hunter2".into()),
            content_wo_version: Field::Known("7".into()),
            ..FileModel::default()
        };
        assert_eq!(content_hash(&config).unwrap(), Field::Known("version:7".into()));
    }

    #[test]
    fn a_source_that_is_not_there_blames_the_attribute() {
        let config = FileModel { source: Field::Known("/no/such/file".into()), ..FileModel::default() };
        let error = content_hash(&config).unwrap_err();
        assert_eq!(error.path.unwrap().to_string(), "source");
    }

    #[test]
    fn the_owner_is_restored_where_nobody_named_one_and_open_after_a_move() {
        let model = |host: &str, owner: Field<String>| FileModel {
            host: Field::Known(host.into()),
            owner,
            ..FileModel::default()
        };
        let private = FilePrivate { owner: "deploy".into(), ..FilePrivate::default() };
        let prior = State { model: model("ssh://a", "nobody".into()), private };
        let planned = |host, configured: Field<String>| {
            let start = if configured.is_null() { "nobody".into() } else { configured.clone() };
            let mut planned = model(host, start);
            keep_owners(&mut planned, &model(host, configured), &prior);
            planned.owner
        };
        assert_eq!(planned("ssh://a", Field::Null), "deploy".into());
        assert_eq!(planned("ssh://b", Field::Null), Field::Unknown);
        assert_eq!(planned("ssh://b", "app".into()), "app".into());
    }
}
