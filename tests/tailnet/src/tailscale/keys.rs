//! Keys by which machines join.

use serde_json::{Value, json};
use tailnet::{Moment, moment_after};

use super::{
    Request,
    answer::Answer,
    state::{Key, State},
};

impl State {
    pub(super) fn key_mut(&mut self, id: &str) -> &mut Value {
        &mut self.keys.iter_mut().find(|key| key.told["id"] == id).expect("there is such a key").told
    }

    pub(super) fn create_key(&mut self, request: &Request) -> Answer {
        let Ok(body) = serde_json::from_str::<Value>(&request.body) else {
            return self.complain(request, "the body is no JSON");
        };
        let known = ["keyType", "capabilities", "expirySeconds", "description"];
        if let Some(name) =
            body.as_object().and_then(|body| body.keys().find(|name| !known.contains(&name.as_str())))
        {
            return self.complain(request, &format!("json: unknown field {name:?}"));
        }
        let create = &body["capabilities"]["devices"]["create"];
        let tags: Vec<&str> =
            create["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let description = body["description"].as_str().unwrap_or_default();
        let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == ' ';
        if description.len() > 50 || !description.chars().all(fits) {
            return self.complain(request, "the description is not valid");
        }
        let seconds = body["expirySeconds"].as_u64().unwrap_or(90 * 24 * 3600);
        if !(1..=90 * 24 * 3600).contains(&seconds) {
            return self.complain(request, "the expiry is not valid");
        }
        let is_client = self.is_client(request);
        let permitted = |tag: &str| tag == "tag:deployer" || self.policy.contains(&format!("{tag:?}"));
        if (is_client && tags.is_empty()) || !tags.iter().all(|tag| permitted(tag)) {
            return Answer::refusal(
                400,
                &format!("requested tags [{}] are invalid or not permitted", tags.join(" ")),
            );
        }
        let id = format!("k{}CNTRL", self.keys.len() + 1);
        let now = Moment::now_utc();
        let told = json!({
            "id": id,
            "keyType": "auth",
            "created": moment_after(now, Default::default()),
            "expires": moment_after(now, std::time::Duration::from_secs(seconds)),
            "description": description,
            "capabilities": {"devices": {"create": create}},
        });
        self.keys.push(Key { told: told.clone() });
        let mut answer = told;
        answer["key"] = format!("tskey-auth-{id}-hunter5hunter5").into();
        Answer::json(&answer)
    }

    pub(super) fn list_keys(&self) -> Answer {
        Answer::json(&json!({"keys": self.keys.iter().map(|key| &key.told).collect::<Vec<_>>()}))
    }

    pub(super) fn get_key(&self, id: &str) -> Answer {
        match self.keys.iter().find(|key| key.told["id"] == id) {
            Some(key) => Answer::json(&key.told),
            None => Answer::refusal(404, "key not found"),
        }
    }

    pub(super) fn delete_key(&mut self, id: &str) -> Answer {
        match self.keys.iter_mut().find(|key| key.told["id"] == id) {
            Some(key) => {
                key.told["invalid"] = true.into();
                key.told["revoked"] = moment_after(Moment::now_utc(), Default::default()).into();
                Answer::nothing()
            }
            None => Answer::refusal(404, "key not found"),
        }
    }
}
