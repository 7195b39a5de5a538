//! Who may ask.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use super::{Request, TailscaleServer, answer::Answer, state::State};

impl State {
    /// The endpoints that grant tokens; `None` for all others.
    pub(super) fn grant(&mut self, request: &Request) -> Option<Answer> {
        let exchange = match request.path.as_str() {
            "/api/v2/oauth/token" => false,
            "/api/v2/oauth/token-exchange" => true,
            _ => return None,
        };
        let is_form = request.header("content-type") == Some("application/x-www-form-urlencoded");
        if request.method != "POST" || !is_form {
            return Some(self.complain(request, "a token is asked for by POST with a form"));
        }
        let field = |name: &str| {
            let pairs = request.body.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .into_iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.to_owned())
                .unwrap_or_default()
        };
        let accepted = if exchange {
            field("client_id") == TailscaleServer::CLIENT_ID && field("jwt").split('.').count() == 3
        } else {
            field("client_secret") == TailscaleServer::CLIENT_SECRET
        };
        if !accepted {
            let body = json!({"message": "invalid client credentials"}).to_string();
            return Some(Answer::Whole { status: 401, headers: Vec::new(), body });
        }
        self.granted += 1;
        let token = format!("tskey-token-{}-hunter4", self.granted);
        self.tokens.push(token.clone());
        Some(Answer::json(
            &json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": "all"}),
        ))
    }

    pub(super) fn authenticate(&self, request: &Request) -> Result<(), Answer> {
        let given = request.header("authorization").unwrap_or_default();
        let bearer = given.strip_prefix("Bearer ").map(str::to_owned);
        let basic = given.strip_prefix("Basic ").and_then(|text| BASE64_STANDARD.decode(text).ok());
        let basic = basic
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .map(|text| text.trim_end_matches(':').to_owned());
        let given = bearer.or(basic).unwrap_or_default();
        if given == TailscaleServer::API_KEY || self.tokens.contains(&given) {
            return Ok(());
        }
        // A careless proxy repeats what it was given.
        Err(Answer::refusal(401, &format!("API token invalid: {given}")))
    }

    /// Whether who asks is an OAuth client.
    pub(super) fn is_client(&self, request: &Request) -> bool {
        let given = request.header("authorization").unwrap_or_default().trim_start_matches("Bearer ");
        self.tokens.iter().any(|token| token == given)
    }
}
