//! The attributes of `windlass_tailnet_key`, and what has become of a key.

use std::time::Duration;

use framework::{Field, Model, schema::parse_duration};
use secret::Secret;
use tailnet::{KeyInfo, KeyStatus, Moment, parse_moment};

use crate::tailnet_keys::KeyFields;

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct KeyModel {
    pub(crate) tailnet: Field<String>,
    #[model(flatten)]
    pub(crate) asked: KeyFields,
    pub(crate) renew_before: Field<String>,
    pub(crate) keep_when_spent: Field<bool>,
    pub(crate) id: Field<String>,
    pub(crate) key: Field<Secret>,
    pub(crate) created_at: Field<String>,
    pub(crate) expires_at: Field<String>,
    pub(crate) status: Field<String>,
}

/// A key by which machines can join.
pub(super) const USABLE: &str = "usable";

impl KeyModel {
    /// Takes over what the server says of a key that has just been made.
    pub(super) fn set_made(&mut self, secret: Secret, info: KeyInfo) {
        self.id = Field::Known(info.id);
        self.key = Field::Known(secret);
        self.created_at = Field::Known(info.created);
        self.expires_at = Field::Known(info.expires);
        self.status = USABLE.into();
    }

    /// What has become of the key, by what the server says of it; `None` is that it knows nothing.
    pub(super) fn status_of(&self, info: Option<&KeyInfo>, now: Moment) -> &'static str {
        let end = self.expires_at.as_str().and_then(parse_moment);
        let is_over = end.is_some_and(|end| end <= now);
        match info.map(|info| info.status) {
            // Headscale takes a key back by ending its time.
            Some(KeyStatus::Expired) if !is_over => "revoked",
            Some(KeyStatus::Expired) => "expired",
            Some(KeyStatus::Spent) => "spent",
            Some(KeyStatus::Revoked) => "revoked",
            None if is_over => "expired",
            // Tailscale forgets a key some time after it was used.
            None if !self.asked.reusable.is_true() => "spent",
            None => "revoked",
            Some(KeyStatus::Usable) => {
                let before = self.renew_before.as_str().and_then(|text| parse_duration(text).ok());
                let is_due = |before: Duration| end.is_some_and(|end| end - now <= before);
                if before.is_some_and(is_due) { "due" } else { USABLE }
            }
        }
    }

    /// Whether another key is to be made for what has become of this one.
    pub(super) fn is_to_be_replaced(&self, keep_when_spent: bool) -> bool {
        let is_for_one = !self.asked.reusable.is_true();
        match self.status.as_str().unwrap_or(USABLE) {
            "due" | "revoked" => true,
            "spent" => !keep_when_spent,
            "expired" => !(is_for_one && keep_when_spent) || self.renew_before.is_known(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(reusable: bool, renew_before: Option<&str>) -> KeyModel {
        KeyModel {
            asked: KeyFields { reusable: Field::Known(reusable), ..KeyFields::default() },
            renew_before: Field::from(renew_before.map(str::to_owned)),
            expires_at: "2026-12-01T00:00:00Z".into(),
            ..KeyModel::default()
        }
    }

    fn status(model: &KeyModel, status: Option<KeyStatus>, now: &str) -> &'static str {
        let info = status.map(|status| KeyInfo { status, ..KeyInfo::default() });
        model.status_of(info.as_ref(), parse_moment(now).unwrap())
    }

    #[test]
    fn what_has_become_of_a_key_is_one_word() {
        let (early, late) = ("2026-11-20T00:00:00Z", "2026-12-02T00:00:00Z");
        let (single, many) = (model(false, None), model(true, None));
        assert_eq!(status(&single, Some(KeyStatus::Usable), early), "usable");
        assert_eq!(status(&single, Some(KeyStatus::Spent), early), "spent");
        assert_eq!(status(&single, Some(KeyStatus::Expired), early), "revoked");
        assert_eq!(status(&single, Some(KeyStatus::Expired), late), "expired");
        assert_eq!(status(&single, None, early), "spent");
        assert_eq!(status(&many, None, early), "revoked");
        assert_eq!(status(&many, None, late), "expired");
    }

    #[test]
    fn a_key_is_due_within_its_window() {
        let renewed = model(true, Some("48h"));
        assert_eq!(status(&renewed, Some(KeyStatus::Usable), "2026-11-28T00:00:00Z"), "usable");
        assert_eq!(status(&renewed, Some(KeyStatus::Usable), "2026-11-29T12:00:00Z"), "due");
    }

    #[test]
    fn a_key_that_has_served_is_no_change() {
        let with = |mut model: KeyModel, status: &str| {
            model.status = status.into();
            model
        };
        for (model, keep, expected) in [
            (with(model(false, None), "usable"), true, false),
            (with(model(false, None), "spent"), true, false),
            (with(model(false, None), "spent"), false, true),
            (with(model(false, None), "expired"), true, false),
            (with(model(false, Some("1h")), "expired"), true, true),
            (with(model(true, None), "expired"), true, true),
            (with(model(false, None), "revoked"), true, true),
            (with(model(true, Some("1h")), "due"), true, true),
        ] {
            assert_eq!(model.is_to_be_replaced(keep), expected, "{:?} {keep}", model.status);
        }
    }
}
