//! What a kind of thing at a control server says of itself.

use std::{marker::PhantomData, sync::Arc};

use async_trait::async_trait;
use framework::{
    Apply, Attribute, Context, Diagnostic, Diagnostics, Field, Model, ModelValue, Plan, Private, Schema,
    State, Value,
};
use tailnet::{Control, Kind};

use super::Tailnets;
use crate::failure::{Failure, UNCHANGED};

/// The name of the attribute.
pub(super) const TAILNET: &str = "tailnet";

/// A kind of thing that lives at a control server, such as the policy. Its model has the attribute
/// `tailnet`; the schema gets it from the kernel. Where a method fails, the kernel gives the title,
/// and the world as [`ControlWords`] have it.
#[async_trait]
pub(crate) trait Controlled: Sized + Send + Sync + 'static {
    /// The attributes.
    type Model: Model;
    /// What is remembered besides.
    type Private: Private;

    /// The type of the resource.
    const TYPE: &'static str;
    /// How operations are called.
    const WORDS: ControlWords;

    /// The schema, without `tailnet`.
    fn schema() -> Schema;

    /// What the resource manages, for titles.
    fn subject(model: &Self::Model) -> String;

    /// What Read needs to find an existing one, from the id of an import; `None` where it cannot be
    /// adopted, or the id has not the form [`ControlWords::import`].
    fn import(id: &str) -> Option<Self::Model>;

    /// As [`framework::Resource::validate`].
    fn validate(_config: &Self::Model, _problems: &mut Diagnostics) {}

    /// Decides what will change. There is no server while it is not known.
    async fn plan(
        cx: &Context,
        control: Option<&dyn Control>,
        title: &str,
        plan: &mut Plan<OnTailnet<Self>>,
    ) -> Result<(), Diagnostics>;

    /// Looks at a planned destruction.
    fn plan_destroy(_cx: &Context, _state: &State<OnTailnet<Self>>) {}

    /// Finds out what there is now. `None` when it is gone.
    async fn observe(
        control: &dyn Control,
        state: State<OnTailnet<Self>>,
    ) -> Result<Option<State<OnTailnet<Self>>>, Failure>;

    /// Makes it, and records it as soon as it exists.
    async fn create(control: &dyn Control, apply: &mut Apply<OnTailnet<Self>>) -> Result<(), Failure>;

    /// Whether an update has to work with the server, or only changes what later operations go by.
    fn needs_server(prior: &State<OnTailnet<Self>>, apply: &Apply<OnTailnet<Self>>) -> bool;

    /// Changes it, and records it. Only called where that needs the server; what cannot be changed
    /// there is replaced, and never gets here.
    async fn update(
        _control: &dyn Control,
        _prior: State<OnTailnet<Self>>,
        apply: &mut Apply<OnTailnet<Self>>,
    ) -> Result<(), Failure> {
        let subject = Self::subject(&apply.planned);
        Err(Failure::bug(format!("The server was to change {subject}, which it cannot.")))
    }

    /// Whether it stays when the resource goes.
    fn is_kept(_model: &Self::Model) -> bool {
        false
    }

    /// Removes it; already gone is success.
    async fn delete(control: &dyn Control, state: &State<OnTailnet<Self>>) -> Result<(), Failure>;
}

/// A kind of thing at a control server, as a resource of the framework.
pub(crate) struct OnTailnet<K> {
    pub(super) tailnets: Arc<Tailnets>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Controlled> OnTailnet<K> {
    /// The resource, at the servers that the provider knows.
    pub(crate) fn new(tailnets: Arc<Tailnets>) -> Self {
        Self { tailnets, kind: PhantomData }
    }
}

/// How a person reads of operations.
pub(crate) struct ControlWords {
    /// The verb of creating: `Could not <create> <subject>`.
    pub(crate) create: &'static str,
    /// The verb of updating.
    pub(crate) update: &'static str,
    /// The verb of deleting.
    pub(crate) delete: &'static str,
    /// What the world looks like when it could not be deleted.
    pub(crate) remains: &'static str,
    /// The form of the id of an import, or why there is none.
    pub(crate) import: &'static str,
}

/// The attribute.
pub(crate) fn tailnet_attribute() -> Attribute {
    Attribute::string(TAILNET).describe(
        "Which tailnet: the `name` of one of the provider's `tailnet` blocks. By default the block without a name, or \
         the only one.",
    )
}

/// The form of an import id where a tailnet has just one of the kind.
pub(crate) const TAILNET_IMPORT: &str =
    "The import id is the `name` of the provider's `tailnet` block, or `-` for the default one.";

/// The attribute that such an id stands for.
pub(crate) fn import_of_tailnet(id: &str) -> Option<Field<String>> {
    (!id.is_empty()).then(|| Field::from(Some(id.to_owned()).filter(|id| id != "-")))
}

/// What a tailnet has just one of, for titles.
pub(crate) fn of_tailnet(what: &str, tailnet: &Field<String>) -> String {
    match tailnet.as_str() {
        Some(tailnet) => format!("the {what} of tailnet {tailnet:?}"),
        None => format!("the tailnet's {what}"),
    }
}

/// Refuses a plan of what Headscale has no interface for; `instead` says what to do there.
pub(crate) fn only_at_tailscale(
    control: Option<&dyn Control>,
    title: &str,
    instead: &str,
) -> Result<(), Diagnostics> {
    match control.map(Control::kind) {
        Some(Kind::Headscale) => Err(Diagnostic::error(title)
            .detail("The tailnet's control server is Headscale, which has no interface for that.")
            .detail(UNCHANGED)
            .detail(instead)
            .into()),
        _ => Ok(()),
    }
}

/// What the attribute holds in `model`.
pub(super) fn tailnet_of(model: &impl ModelValue) -> Field<String> {
    match model.to_value().attribute(TAILNET) {
        Some(Value::String(text)) => Field::Known(text.clone()),
        Some(Value::Unknown) => Field::Unknown,
        _ => Field::Null,
    }
}
