//! Making, changing and removing the directory.

use async_trait::async_trait;
use framework::{Apply, Diagnostics, Field, Plan, Schema, State};
use remote::files::{Facts, FileError, Kind, random_name};

use super::{
    DirectoryPrivate, HostDirectory, KIND, OWNERSHIP,
    model::{self, DirectoryModel},
    plan::{self, inspect},
};
use crate::{
    failure::{Explain as _, Failure, IF_REPLACED, Stop},
    host_path::{Ownership, claims, occupied},
    hosted::{Hosted, Import, OnHost, OnMachine, Planning, Words},
};

/// What the world looks like after something behind the making failed.
const MADE: &str = "The directory is on the host.";
/// How many names an error lists.
const LISTED: usize = 10;

type Resource = OnHost<HostDirectory>;

#[async_trait]
impl Hosted for HostDirectory {
    type Model = DirectoryModel;
    type Private = DirectoryPrivate;

    const TYPE: &'static str = "windlass_directory";
    const HOST: &'static str = "Another connection to the same machine changes nothing; another machine is a move: the \
         directory is made there first, then left or removed here as its destruction would. **What is in it does not \
         move.**";
    const WORDS: Words = Words {
        delete: "delete",
        remains: "The directory is still there.",
        relocated: "The directory is in its new place",
        ..Words::USUAL
    };

    fn schema() -> Schema {
        model::schema()
    }

    fn subject(model: &DirectoryModel) -> String {
        format!("directory {:?}", model.path())
    }

    fn import() -> Import<DirectoryModel> {
        let model = |host: String, path: String| DirectoryModel {
            host: Field::Known(host),
            path: Field::Known(path),
            on_destroy: "keep".into(),
            ..DirectoryModel::default()
        };
        Import::ByName { what: "absolute path", model }
    }

    async fn plan(_on: &Planning<'_>, plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
        plan::plan(plan);
        Ok(())
    }

    fn needs_host(prior: &State<Resource>, apply: &Apply<Resource>) -> bool {
        let DirectoryModel { host, mode, owner, group, .. } = &prior.model;
        let planned = &apply.planned;
        (host, mode, owner, group) != (&planned.host, &planned.mode, &planned.owner, &planned.group)
    }

    fn instance(state: &State<Resource>) -> &str {
        &state.private.instance
    }

    async fn is_there(on: &OnMachine<'_>, state: &State<Resource>) -> Result<Option<bool>, Failure> {
        Ok(OWNERSHIP.is_ours(on, state.model.path(), &state.private.instance).await?)
    }

    async fn observe(on: &OnMachine<'_>, state: State<Resource>) -> Result<Option<State<Resource>>, Failure> {
        plan::observe(on, state).await
    }

    async fn expect_vacant(
        on: &OnMachine<'_>,
        planned: &DirectoryModel,
        _config: &DirectoryModel,
    ) -> Result<(), Failure> {
        if planned.path.is_unknown() || planned.mode.is_unknown() {
            return Ok(());
        }
        expect_vacant(on, planned).await
    }

    async fn create(on: &OnMachine<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
        expect_vacant(on, &apply.planned).await?;
        make(on, apply, random_name()?).await
    }

    async fn update(
        on: &OnMachine<'_>,
        prior: State<Resource>,
        apply: &mut Apply<Resource>,
    ) -> Result<(), Failure> {
        let instance = Ownership::instance(&prior.private.instance)?;
        make(on, apply, instance).await
    }

    fn is_kept(model: &DirectoryModel) -> bool {
        model.on_destroy.as_str() != Some("delete")
    }

    async fn let_go(on: &OnMachine<'_>, state: &State<Resource>) -> Result<(), Failure> {
        Ok(OWNERSHIP.let_go(on, state.model.path(), &state.private.instance).await?)
    }

    async fn delete(on: &OnMachine<'_>, state: &State<Resource>) -> Result<(), Failure> {
        let (path, instance) = (state.model.path(), &state.private.instance);
        let Some(claims) = OWNERSHIP.to_remove(on, path, instance).await? else { return Ok(()) };
        if inspect(on.host, path).await?.is_some_and(|facts| facts.kind == Kind::Directory) {
            let names = on.host.files().entries(path).await?;
            if !names.is_empty() {
                return Err(not_empty(&names, on.host.name()).into());
            }
            on.host.files().remove_directory(path).await?;
        }
        Ok(claims.release(path).await?)
    }
}

/// Checks that nobody's directory would be changed by making it.
async fn expect_vacant(on: &OnMachine<'_>, planned: &DirectoryModel) -> Result<(), Failure> {
    let path = planned.path();
    let claims = claims(on.host, KIND).await?;
    let (found, owner) = tokio::join!(inspect(on.host, path), claims.owner(path));
    let (Some(found), owner) = (found?, owner?) else { return Ok(()) };
    let host = on.host.name();
    let happened = match owner {
        Some(_) => format!(
            "There is such a directory on {host} already that another resource has made. {IF_REPLACED}"
        ),
        None if found.kind != Kind::Directory => {
            let (path, host, kind) = (path.to_owned(), host.to_owned(), found.kind);
            return Err(FileError::Occupied { path, host, kind }.into());
        }
        None if planned.is_met_by(&found) => return Ok(()),
        None => format!(
            "There is such a directory on {host} already, with mode {:04o}, owner {} and group {}, which this \
             configuration would change.",
            found.mode, found.owner, found.group
        ),
    };
    Err(occupied(on.host, path, happened).into())
}

/// Makes it what is planned, records it, and has the host remember whose it is.
async fn make(on: &OnMachine<'_>, apply: &mut Apply<Resource>, instance: String) -> Result<(), Failure> {
    let path = apply.planned.path().to_owned();
    on.host.files().make_directory(&path, &apply.planned.options()).await?;
    let facts: Option<Facts> = inspect(on.host, &path).await.with_world(MADE)?;
    let facts = facts.ok_or_else(|| {
        Stop::new(
            "It was made, but a moment later it was gone.",
            "Find out what removes it, then apply again.",
        )
    })?;
    let mut model = apply.planned.clone();
    model.set_observed(&facts);
    let before = apply.prior.as_ref().map(|prior| prior.private.instance.clone());
    let (owner, group) = (facts.owner, facts.group);
    let private =
        DirectoryPrivate { instance: instance.clone(), owner, group, ..DirectoryPrivate::default() };
    on.record(apply, model, private);
    OWNERSHIP.take(on, &path, &instance, before.as_deref()).await.with_world(MADE)
}

fn not_empty(names: &[String], host: &str) -> Stop {
    let more = if names.len() > LISTED { ", …" } else { "" };
    let list = names.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    Stop::new(
        format!("It is not empty on {host}; in it are: {list}{more}."),
        "Remove what nobody needs there, or set `on_destroy = \"keep\"`, apply, then destroy.",
    )
}
