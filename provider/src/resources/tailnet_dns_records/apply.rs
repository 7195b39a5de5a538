//! Writing the file, and letting go of it.

use async_trait::async_trait;
use framework::{Apply, Diagnostics, Field, Plan, Schema, State};
use remote::files::{Content, FileError, Kind, WriteOptions, random_name};

use super::{
    DnsRecords, KIND, OWNERSHIP, RecordsPrivate,
    model::RecordsModel,
    read::{self, inspect},
    schema,
};
use crate::{
    failure::{Explain as _, Failure, IF_REPLACED},
    host_path::{Ownership, bits, claims, keep_bits, occupied},
    hosted::{Hosted, Import, OnHost, OnMachine, Planning, Words},
};

/// What the world looks like after something behind the write failed.
const WRITTEN: &str = "The records are in place on the host.";

type Resource = OnHost<DnsRecords>;

#[async_trait]
impl Hosted for DnsRecords {
    type Model = RecordsModel;
    type Private = RecordsPrivate;

    const TYPE: &'static str = "windlass_tailnet_dns_records";
    const HOST: &'static str = "The host that Headscale runs on. Another connection to the same machine changes nothing; \
         another machine is a move: the file is written there first, then let go of here as its destruction would.";
    const WORDS: Words = Words {
        create: "write",
        unchanged: "The file on the host is as it was before.",
        remains: "The file is still there.",
        relocated: "The file is in its new place",
        ..Words::USUAL
    };

    fn schema() -> Schema {
        schema::schema()
    }

    fn subject(model: &RecordsModel) -> String {
        format!("DNS records {:?}", model.path())
    }

    fn import() -> Import<RecordsModel> {
        let model = |host: String, path: String| RecordsModel {
            host: host.into(),
            path: path.into(),
            ..RecordsModel::default()
        };
        Import::ByName { what: "absolute path", model }
    }

    fn validate(config: &RecordsModel, problems: &mut Diagnostics) {
        config.validate(problems);
    }

    async fn plan(_on: &Planning<'_>, plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
        if let Some(prior) = &plan.prior {
            keep_bits(&mut plan.planned.mode, &prior.model.mode);
        }
        Ok(())
    }

    fn needs_host(prior: &State<Resource>, apply: &Apply<Resource>) -> bool {
        let without_flag = |model: &RecordsModel| RecordsModel { on_destroy: Field::Null, ..model.clone() };
        without_flag(&prior.model) != without_flag(&apply.planned)
    }

    fn instance(state: &State<Resource>) -> &str {
        &state.private.instance
    }

    async fn is_there(on: &OnMachine<'_>, state: &State<Resource>) -> Result<Option<bool>, Failure> {
        Ok(OWNERSHIP.is_ours(on, state.model.path(), &state.private.instance).await?)
    }

    async fn observe(on: &OnMachine<'_>, state: State<Resource>) -> Result<Option<State<Resource>>, Failure> {
        read::observe(on, state).await
    }

    async fn expect_vacant(
        on: &OnMachine<'_>,
        planned: &RecordsModel,
        _config: &RecordsModel,
    ) -> Result<(), Failure> {
        if planned.path.is_unknown() || !planned.is_text_known() {
            return Ok(());
        }
        expect_vacant(on, planned).await
    }

    async fn create(on: &OnMachine<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
        expect_vacant(on, &apply.planned).await?;
        write(on, apply, random_name()?).await
    }

    async fn update(
        on: &OnMachine<'_>,
        prior: State<Resource>,
        apply: &mut Apply<Resource>,
    ) -> Result<(), Failure> {
        let instance = Ownership::instance(&prior.private.instance)?;
        write(on, apply, instance).await
    }

    fn is_kept(model: &RecordsModel) -> bool {
        model.on_destroy.as_str() == Some("keep")
    }

    async fn let_go(on: &OnMachine<'_>, state: &State<Resource>) -> Result<(), Failure> {
        Ok(OWNERSHIP.let_go(on, state.model.path(), &state.private.instance).await?)
    }

    async fn delete(on: &OnMachine<'_>, state: &State<Resource>) -> Result<(), Failure> {
        let (path, instance) = (state.model.path(), &state.private.instance);
        let Some(claims) = OWNERSHIP.to_remove(on, path, instance).await? else { return Ok(()) };
        if inspect(on.host, path).await?.is_some_and(|(_, text)| text.is_some()) {
            if state.model.on_destroy.as_str() == Some("delete") {
                on.host.files().remove_file(path).await?;
            } else {
                let nothing = RecordsModel { record: Field::Null, ..state.model.clone() };
                put(on, &nothing).await?;
            }
        }
        Ok(claims.release(path).await?)
    }
}

/// Checks that nobody's file is in the way: only an empty list, or what an apply has left that was cut
/// off, may be taken over.
async fn expect_vacant(on: &OnMachine<'_>, planned: &RecordsModel) -> Result<(), Failure> {
    let path = planned.path();
    let claims = claims(on.host, KIND).await?;
    let (found, owner) = tokio::join!(inspect(on.host, path), claims.owner(path));
    let (Some((facts, text)), owner) = (found?, owner?) else { return Ok(()) };
    let nothing = RecordsModel { record: Field::Null, ..planned.clone() };
    let is_ours = |text: &String| [planned.text(), nothing.text()].contains(text);
    let host = on.host.name();
    let happened = match owner {
        Some(_) => {
            format!("There is such a file on {host} already that another resource has made. {IF_REPLACED}")
        }
        None if facts.kind != Kind::File => {
            let (path, host, kind) = (path.to_owned(), host.to_owned(), facts.kind);
            return Err(FileError::Occupied { path, host, kind }.into());
        }
        None if text.as_ref().is_some_and(is_ours) => return Ok(()),
        None => format!("There is such a file on {host} already that was not made by this configuration."),
    };
    Err(occupied(on.host, path, happened).into())
}

async fn put(on: &OnMachine<'_>, model: &RecordsModel) -> Result<(), Failure> {
    let options = WriteOptions {
        mode: model.mode.as_str().and_then(bits).unwrap_or(0o644),
        owner: None,
        group: None,
        directory_mode: 0o755,
    };
    let writer = on.host.files().cancelled_by(on.cx.token());
    writer.write(model.path(), Content::from(model.text().into_bytes()), &options).await?;
    Ok(())
}

/// Writes what is planned, records it, and has the host remember whose it is.
async fn write(on: &OnMachine<'_>, apply: &mut Apply<Resource>, instance: String) -> Result<(), Failure> {
    put(on, &apply.planned).await?;
    let path = apply.planned.path().to_owned();
    let before = apply.prior.as_ref().map(|prior| prior.private.instance.clone());
    let private = RecordsPrivate { instance: instance.clone(), ..RecordsPrivate::default() };
    on.record(apply, apply.planned.clone(), private);
    OWNERSHIP.take(on, &path, &instance, before.as_deref()).await.with_world(WRITTEN)
}
