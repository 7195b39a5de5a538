//! How a machine is adopted, settled and removed.

use async_trait::async_trait;
use framework::{Apply, Context, Diagnostics, Field, Plan, Schema, State};
use tailnet::{Control, Device, parse_moment};

use super::{TailnetDevice, model::DeviceModel, plan, schema};
use crate::{
    controlled::{ControlWords, Controlled, OnTailnet},
    failure::{Explain, Failure, Stop},
    tailnet_devices,
};

/// What the world looks like when settling stopped half-way.
const PARTLY: &str =
    "Some of its settings may have been changed already; the same command goes on from there.";

#[async_trait]
impl Controlled for TailnetDevice {
    type Model = DeviceModel;
    type Private = ();

    const TYPE: &'static str = "windlass_tailnet_device";
    const WORDS: ControlWords = ControlWords {
        create: "adopt",
        update: "update",
        delete: "remove",
        remains: "The machine is still in the tailnet.",
        import: "The import id is `<id of the device>`, or `<name of the provider's tailnet block>|<id of the device>`.",
    };

    fn schema() -> Schema {
        schema::schema()
    }

    fn subject(model: &DeviceModel) -> String {
        let what = [&model.hostname, &model.id].into_iter().find_map(Field::as_str);
        format!("tailnet device {:?}", what.unwrap_or_default())
    }

    fn import(id: &str) -> Option<DeviceModel> {
        let (tailnet, id) =
            id.split_once('|').map_or((None, id), |(tailnet, id)| (Some(tailnet.to_owned()), id));
        let model = DeviceModel { tailnet: Field::from(tailnet), id: id.into(), ..DeviceModel::default() };
        (!id.is_empty()).then_some(model)
    }

    fn validate(config: &DeviceModel, problems: &mut Diagnostics) {
        plan::validate(config, problems);
    }

    async fn plan(
        _cx: &Context,
        _control: Option<&dyn Control>,
        _title: &str,
        plan: &mut Plan<OnTailnet<Self>>,
    ) -> Result<(), Diagnostics> {
        plan::plan(plan);
        Ok(())
    }

    async fn observe(
        control: &dyn Control,
        mut state: State<OnTailnet<Self>>,
    ) -> Result<Option<State<OnTailnet<Self>>>, Failure> {
        let id = state.model.id.clone().known_or_default();
        let Some(device) = control.device(&id).await? else { return Ok(None) };
        state.model.observe(&device);
        Ok(Some(state))
    }

    /// Records it only when all is done: one that is recorded half-way would be tainted, and its
    /// replacement would remove a machine that lives.
    async fn create(control: &dyn Control, apply: &mut Apply<OnTailnet<Self>>) -> Result<(), Failure> {
        let device = match apply.planned.id.as_str() {
            Some(id) => control.device(id).await?.ok_or_else(|| no_such(id))?,
            None => with_hostname(control, &apply.planned, None).await?,
        };
        settle(control, device, apply).await
    }

    fn needs_server(prior: &State<OnTailnet<Self>>, apply: &Apply<OnTailnet<Self>>) -> bool {
        let (prior, planned) = (&prior.model, &apply.planned);
        let server_side = |model: &DeviceModel| DeviceModel {
            wait_for: Field::Null,
            on_destroy: Field::Null,
            instance: Field::Null,
            ..model.clone()
        };
        planned.is_made_anew(prior) || server_side(prior) != server_side(planned)
    }

    async fn update(
        control: &dyn Control,
        prior: State<OnTailnet<Self>>,
        apply: &mut Apply<OnTailnet<Self>>,
    ) -> Result<(), Failure> {
        let id = prior.model.id.clone().known_or_default();
        if !apply.planned.is_made_anew(&prior.model) {
            let device = control.device(&id).await?.ok_or_else(|| no_such(&id))?;
            return settle(control, device, apply).await;
        }
        let device = with_hostname(control, &apply.planned, Some(&prior.model)).await?;
        // The name that the new one shall have may be the dead one's.
        if !Self::is_kept(&prior.model) {
            let world = "The new machine has joined; the dead one is still in the tailnet.";
            control.remove_device(&id).await.with_world(world)?;
        }
        settle(control, device, apply).await
    }

    fn is_kept(model: &DeviceModel) -> bool {
        model.on_destroy.as_str() == Some("keep")
    }

    async fn delete(control: &dyn Control, state: &State<OnTailnet<Self>>) -> Result<(), Failure> {
        Ok(control.remove_device(&state.model.id.clone().known_or_default()).await?)
    }
}

/// The machine that calls itself so; one that is not the dead one and has joined after it.
async fn with_hostname(
    control: &dyn Control,
    planned: &DeviceModel,
    dead: Option<&DeviceModel>,
) -> Result<Device, Failure> {
    let hostname = planned.hostname.clone().known_or_default();
    let joined = dead.and_then(|dead| dead.created_at.as_str()).and_then(parse_moment);
    let is_newer = |device: &Device| match dead {
        Some(dead) => dead.id.as_str() != Some(&device.id) && parse_moment(&device.created) >= joined,
        None => true,
    };
    let fits = |device: &Device| device.hostname == hostname && is_newer(device);
    let since = dead.and_then(|dead| dead.id.as_str());
    let since = since.map(|id| format!(" and has joined after {id}, which it replaces")).unwrap_or_default();
    let what = format!("machine that calls itself {hostname:?}{since}");
    tailnet_devices::find(control, &what, &fits, Some(planned.patience())).await
}

/// Makes the machine as planned, and records it.
async fn settle(
    control: &dyn Control,
    mut device: Device,
    apply: &mut Apply<OnTailnet<TailnetDevice>>,
) -> Result<(), Failure> {
    let changes = apply.planned.changes(&device);
    for change in &changes {
        control.change_device(&device.id, change).await.with_world(PARTLY)?;
    }
    if !changes.is_empty() {
        let settled = control.device(&device.id).await.with_world(PARTLY)?;
        device = settled.ok_or_else(|| no_such(&device.id))?;
        if let Some(change) = apply.planned.changes(&device).first() {
            return Err(not_taken(change, &device)).with_world(PARTLY);
        }
    }
    let mut model = apply.planned.clone();
    model.observe(&device);
    apply.record(model, ());
    Ok(())
}

fn no_such(id: &str) -> Failure {
    let next = "Plan again; of one that has joined anew the id is another one.";
    Stop::new(format!("The tailnet has no device of the id {id:?} (any more)."), next).at("id").into()
}

fn not_taken(change: &tailnet::DeviceChange, device: &Device) -> Failure {
    Stop::new(
        format!("The control server accepted a change and did not make it: {change:?}. The device is now: {device:?}."),
        "See whether another machine has that name, or the policy's `autoApprovers` decide about these routes.",
    )
    .into()
}
