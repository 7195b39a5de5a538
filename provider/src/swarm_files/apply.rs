//! Making a secret or a config, and letting the one before it go.

use framework::{Apply, State};
use remote::files::random_name;
use swarm::stacks::{
    FileKind,
    files::{LastingFile, LastingFiles, Marks},
};

use super::object::{FileModel as _, FilePrivate, SwarmFile};
use crate::{
    clustered::{At, InCluster, OnCluster},
    failure::{Explain as _, Failure, Stop},
};

/// Makes what is planned, records it, then lets go of what it takes the place of.
pub(super) async fn make<F: SwarmFile>(
    on: &OnCluster<'_>,
    apply: &mut Apply<InCluster<F>>,
    prior: Option<State<InCluster<F>>>,
) -> Result<(), Failure> {
    let managers = apply.planned.fields().managers.clone();
    let at = match prior.as_ref().and_then(|prior| prior.model.fields().swarm.as_str()) {
        Some(swarm) => on.manager(&managers, swarm, None).await?,
        None => on.clusters.for_data_source(&managers).await?,
    };
    let swarm = at.membership.cluster_id.clone().unwrap_or_default();
    let _turn = on.clusters.use_managers(&swarm).await;
    let files = LastingFiles::of(F::KIND, &at.host.engine().await?);
    let known = prior.as_ref().map(|prior| prior.private.instance.clone()).filter(|one| !one.is_empty());
    let instance = match known {
        Some(known) => known,
        None => random_name()?,
    };
    let id = settle::<F>(&files, &at, apply, &instance).await?;
    let mut model = apply.planned.clone();
    let fields = model.fields_mut();
    fields.swarm = swarm.as_str().into();
    fields.id = id.as_str().into();
    apply.record(model, FilePrivate { instance });
    let old = prior.as_ref().and_then(|prior| prior.model.fields().id.as_str()).filter(|old| *old != id);
    let Some(old) = old else { return Ok(()) };
    let world =
        "The new one was made. The one before it was not labelled, and stays until somebody removes it.";
    if let Some(old) = files.find(old).await.with_world(world)? {
        files.let_go(&old, apply.planned.fields().shown()).await.with_world(world)?;
    }
    Ok(())
}

/// Sees to it that the object is there as planned, and returns its id.
async fn settle<F: SwarmFile>(
    files: &LastingFiles,
    at: &At,
    apply: &Apply<InCluster<F>>,
    instance: &str,
) -> Result<String, Failure> {
    let name = apply.planned.fields().shown();
    let marks = apply.planned.fields().marks(&apply.planned.version(), instance);
    let recorded = apply.prior.as_ref().and_then(|prior| prior.model.fields().id.as_str());
    if let Some(found) = files.find(name).await? {
        match fate(&found, F::KIND, recorded, instance, apply.config.content().as_deref()) {
            Fate::Ours => {
                files.mark(&found, &marks).await?;
                return Ok(found.id);
            }
            Fate::Old => {
                let users = files.users(&found.id).await?;
                if !users.is_empty() {
                    return Err(old_in_use(F::KIND, &found.name, &users, F::DECIDES).into());
                }
                files.remove(&found).await?;
            }
            Fate::Others => return Err(taken(F::KIND, &found, at, F::DECIDES).into()),
        }
    }
    let content = content(apply)?;
    Ok(files.make(name, &marks, &content).await?)
}

fn content<F: SwarmFile>(apply: &Apply<InCluster<F>>) -> Result<Vec<u8>, Failure> {
    apply.config.content().ok_or_else(|| Failure::bug("The content is still unknown during apply."))
}

/// What the object is that has the planned name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is the planned one.
    Ours,
    /// It was to go, and gives way.
    Old,
    /// It is somebody's.
    Others,
}

/// Decides about `found`. What a secret holds, a swarm does not tell: it is the planned one where it is
/// recorded, or where this very resource made it and lets its version decide.
fn fate(
    found: &LastingFile,
    kind: FileKind,
    recorded: Option<&str>,
    instance: &str,
    content: Option<&[u8]>,
) -> Fate {
    let of_this_resource = found.marks.instance == instance;
    let same_content = kind == FileKind::Config && content == Some(found.content.as_slice());
    if recorded == Some(found.id.as_str()) || (found.superseded && (of_this_resource || same_content)) {
        Fate::Ours
    } else if found.superseded {
        Fate::Old
    } else {
        Fate::Others
    }
}

fn taken(kind: FileKind, found: &LastingFile, at: &At, decides: &str) -> Stop {
    let Marks { instance, .. } = &found.marks;
    let whose = if instance.is_empty() { "" } else { " Another resource has made it." };
    Stop::new(
        format!("The swarm has a {} {:?} already, which is not in this state.{whose}", kind.word(), found.name),
        format!(
            "Adopt it by importing {:?}, remove it if nobody needs it, or choose another `name` or `{decides}`.",
            format!("{}|{}", at.host.connection, found.name)
        ),
    )
    .at("name")
}

fn old_in_use(kind: FileKind, name: &str, users: &[String], decides: &'static str) -> Stop {
    Stop::new(
        format!(
            "The swarm has a {} {name:?} from before, which was to go and is still used by {}; what is in it cannot be \
             changed.",
            kind.word(),
            users.join(", ")
        ),
        format!("Choose another `{decides}`, or have these services stop using it first."),
    )
    .at(decides)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(instance: &str, superseded: bool) -> LastingFile {
        LastingFile {
            id: "k1".into(),
            marks: Marks { instance: instance.into(), ..Marks::default() },
            superseded,
            content: b"conf".to_vec(),
            ..LastingFile::default()
        }
    }

    #[test]
    fn what_is_recorded_is_ours() {
        assert_eq!(fate(&found("", false), FileKind::Secret, Some("k1"), "i", None), Fate::Ours);
        assert_eq!(fate(&found("", false), FileKind::Secret, Some("k2"), "i", None), Fate::Others);
        assert_eq!(fate(&found("i", false), FileKind::Config, None, "i", Some(b"conf")), Fate::Others);
    }

    #[test]
    fn what_was_to_go_comes_back_where_it_is_known_to_be_the_same() {
        assert_eq!(fate(&found("i", true), FileKind::Secret, Some("k2"), "i", None), Fate::Ours);
        assert_eq!(fate(&found("j", true), FileKind::Secret, None, "i", Some(b"conf")), Fate::Old);
        assert_eq!(fate(&found("j", true), FileKind::Config, None, "i", Some(b"conf")), Fate::Ours);
        assert_eq!(fate(&found("j", true), FileKind::Config, None, "i", Some(b"else")), Fate::Old);
    }

    #[test]
    fn one_from_before_says_who_holds_it() {
        let stop = old_in_use(FileKind::Secret, "db-v1", &["web_api".into()], "data_wo_version");
        assert_eq!(
            Failure::from(stop).into_diagnostics("Could not create", "Nothing was changed.").to_string(),
            "Could not create (at data_wo_version)\nThe swarm has a secret \"db-v1\" from before, which was to go and is still \
             used by web_api; what is in it cannot be changed.\n\nNothing was changed.\n\nChoose another \
             `data_wo_version`, or have these services stop using it first."
        );
    }
}
