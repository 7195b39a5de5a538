//! Finding out what the tags of an image stand for.

use std::collections::BTreeMap;

use docker::engine::{Answer, Image};
use framework::{Diagnostic, Field, State};
use tree::Modes;

use super::{HostImage, model::ImageModel};
use crate::{
    failure::Failure,
    hosted::{OnHost, OnMachine},
    registries,
};

type Resource = OnHost<HostImage>;

/// Asks the host, and the registries that it was pushed to. One of these that does not answer is taken
/// to have it, with a warning.
pub(super) async fn observe(
    on: &OnMachine<'_>,
    mut state: State<Resource>,
) -> Result<Option<State<Resource>>, Failure> {
    let engine = on.host.engine().await?;
    let pushed = pushed(&state);
    let known = registries::known(on.hosts);
    let (found, answers) = tokio::join!(
        engine.images(state.model.names().into_iter().collect()),
        engine.ask_each(&known, pushed.keys().cloned()),
    );
    if let Some(warning) = silent(&state.model, on.host.name(), &answers) {
        on.cx.warn(warning);
    }
    set_observed(&mut state, &found?, &pushed, &answers);
    if state.model.file_modes.is_null() {
        // A state of before this attribute.
        state.model.file_modes = Modes::WORDS[0].into();
    }
    Ok(Some(state))
}

/// The digests of what was pushed, by name.
fn pushed(state: &State<Resource>) -> BTreeMap<String, String> {
    let ImageModel { name, digest, push, .. } = &state.model;
    let mut pushed = state.private.pushed.clone();
    // A state from before they were all remembered.
    if let (true, true, Some(name), Some(digest)) =
        (push.is_true(), pushed.is_empty(), name.known(), digest.known())
    {
        pushed.insert(name.clone(), digest.clone());
    }
    pushed
}

/// The one place where what a host and registries have becomes attributes.
fn set_observed(
    state: &mut State<Resource>,
    found: &BTreeMap<String, Image>,
    pushed: &BTreeMap<String, String>,
    answers: &BTreeMap<String, Answer>,
) {
    let names = state.model.names();
    let built = state.private.image_id.clone();
    let lacks = |(name, digest): (&String, &String)| match answers.get(name) {
        Some(Answer::Has(other)) => other != digest,
        Some(Answer::Gone) => true,
        Some(Answer::Silent(_)) | None => false,
    };
    state.private.unpushed = pushed.iter().any(lacks);
    if let Some(name) = names.first().filter(|name| pushed.contains_key(*name)) {
        match answers.get(name) {
            Some(Answer::Has(digest)) => state.model.digest = Field::Known(digest.clone()),
            Some(Answer::Gone) => state.model.digest = Field::Null,
            Some(Answer::Silent(_)) | None => {}
        }
    }
    // A registry has it still: a host that was tidied up is no reason to build again.
    if found.is_empty() && !pushed.is_empty() && !state.private.unpushed {
        state.private.moved = false;
        state.model.image_id = Field::Known(built);
        return;
    }
    let id = |name: &String| found.get(name).map(|image| image.id.clone());
    state.private.moved = names.iter().any(|name| id(name).as_deref() != Some(built.as_str()));
    state.model.image_id = Field::from(names.first().and_then(id));
}

/// The warning about registries that do not tell.
fn silent(model: &ImageModel, host: &str, answers: &BTreeMap<String, Answer>) -> Option<Diagnostic> {
    let lines = answers.iter().filter_map(|(name, answer)| match answer {
        Answer::Silent(problem) => Some(format!("{name}: {problem}")),
        Answer::Has(_) | Answer::Gone => None,
    });
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        return None;
    }
    Some(
        Diagnostic::warning(format!(
            "The registry does not tell of image {:?}",
            model.name.as_str().unwrap_or_default()
        ))
        .detail(format!("Asked from {host} what it has:\n{}", lines.join("\n")))
        .detail("It is taken to be there as it was pushed.")
        .detail("Plan again when the registry answers, or see to the provider's `registry` block for it."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::image::ImagePrivate;

    const HAS: &str = "sha256:d";

    fn state(push: bool) -> State<Resource> {
        let model = ImageModel {
            name: "app:1".into(),
            tags: Field::Known(["app:2".to_owned()].into()),
            push: Field::Known(push),
            digest: if push { HAS.into() } else { Field::Null },
            ..ImageModel::default()
        };
        State { model, private: ImagePrivate { image_id: "sha256:1".into(), ..ImagePrivate::default() } }
    }

    fn found(images: &[(&str, &str)]) -> BTreeMap<String, Image> {
        let image = |id: &str| Image { id: id.to_owned(), ..Image::default() };
        images.iter().map(|(name, id)| ((*name).to_owned(), image(id))).collect()
    }

    fn taken(mut state: State<Resource>, images: &[(&str, &str)], answer: Answer) -> State<Resource> {
        let pushed = pushed(&state);
        let answers = pushed.keys().map(|name| (name.clone(), answer.clone())).collect();
        set_observed(&mut state, &found(images), &pushed, &answers);
        state
    }

    #[test]
    fn a_tag_that_moved_or_went_is_seen() {
        let one: Field<String> = "sha256:1".into();
        let taken = |push: bool, images: &[(&str, &str)]| {
            let state = taken(state(push), images, Answer::Has(HAS.to_owned()));
            assert!(!state.private.unpushed);
            (state.private.moved, state.model.image_id)
        };
        assert_eq!(taken(false, &[("app:1", "sha256:1"), ("app:2", "sha256:1")]), (false, one.clone()));
        assert_eq!(taken(false, &[("app:1", "sha256:9"), ("app:2", "sha256:1")]), (true, "sha256:9".into()));
        assert_eq!(taken(true, &[("app:1", "sha256:1"), ("app:2", "sha256:9")]), (true, one.clone()));
        assert_eq!(taken(false, &[]), (true, Field::Null));
        assert_eq!(taken(true, &[]), (false, one), "the registry has it");
    }

    #[test]
    fn what_a_registry_lost_is_pushed_again_and_built_where_the_host_lost_it_too() {
        let both = [("app:1", "sha256:1"), ("app:2", "sha256:1")];
        let look = |images: &[(&str, &str)], answer: Answer| {
            let state = taken(state(true), images, answer);
            (state.private.unpushed, state.private.moved, state.model.digest)
        };
        let has: Field<String> = HAS.into();
        assert_eq!(look(&both, Answer::Has(HAS.into())), (false, false, has.clone()));
        assert_eq!(look(&both, Answer::Has("sha256:x".into())), (true, false, "sha256:x".into()));
        assert_eq!(look(&both, Answer::Gone), (true, false, Field::Null));
        assert_eq!(look(&[], Answer::Gone), (true, true, Field::Null));
        assert_eq!(look(&[], Answer::Silent("no".into())), (false, false, has.clone()));
        assert_eq!(look(&both, Answer::Silent("no".into())), (false, false, has));
    }

    #[test]
    fn every_name_counts_by_its_own_digest() {
        let mut state = state(true);
        state.private.pushed = [("app:1", HAS), ("app:2", "sha256:e")]
            .map(|(name, digest)| (name.to_owned(), digest.to_owned()))
            .into();
        let pushed = pushed(&state);
        let answers = [("app:1", HAS), ("app:2", "sha256:f")]
            .map(|(name, digest)| (name.to_owned(), Answer::Has(digest.to_owned())))
            .into();
        set_observed(&mut state, &found(&[("app:1", "sha256:1"), ("app:2", "sha256:1")]), &pushed, &answers);
        assert!(state.private.unpushed && !state.private.moved);
        assert_eq!(state.model.digest.as_str(), Some(HAS));
    }

    #[test]
    fn a_registry_that_does_not_tell_is_a_warning() {
        let model = state(true).model;
        let answers = |answer| BTreeMap::from([("app:1".to_owned(), answer)]);
        assert_eq!(silent(&model, "root@web", &answers(Answer::Gone)), None);
        let warning =
            silent(&model, "root@web", &answers(Answer::Silent("connection refused".into()))).unwrap();
        assert_eq!(
            warning.to_string(),
            "The registry does not tell of image \"app:1\"\n\
             Asked from root@web what it has:\napp:1: connection refused\n\n\
             It is taken to be there as it was pushed.\n\n\
             Plan again when the registry answers, or see to the provider's `registry` block for it."
        );
    }
}
