//! Which call does what.

use super::{
    Request,
    answer::Answer,
    state::{DEFAULT, State},
};

impl State {
    pub(super) fn answer(&mut self, request: &Request) -> Answer {
        self.requests.push(request.clone());
        let line = request.line();
        let fault = self.faults.iter().position(|(start, _)| line.starts_with(start.as_str()));
        match fault.map(|index| self.faults.remove(index).1) {
            Some(fault) => {
                let answer = fault.is_done().then(|| self.carry_out(request));
                fault.instead_of(answer)
            }
            None => self.carry_out(request),
        }
    }

    pub(super) fn carry_out(&mut self, request: &Request) -> Answer {
        if self.policy.is_empty() {
            self.policy = DEFAULT.to_owned();
        }
        if let Some(answer) = self.grant(request) {
            return answer;
        }
        if let Err(answer) = self.authenticate(request) {
            return answer;
        }
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        if let Some(rest) = path.strip_prefix("/api/v2/device/") {
            return self.of_device(request, rest, query);
        }
        let Some(rest) = path.strip_prefix("/api/v2/tailnet/") else {
            return self.complain(request, "no such path");
        };
        let (tailnet, rest) = rest.split_once('/').unwrap_or((rest, ""));
        if !["-", "example.org"].contains(&tailnet) {
            return Answer::refusal(404, "tailnet not found");
        }
        match (request.method.as_str(), rest) {
            ("GET", "acl") => self.get_policy(request),
            ("POST", "acl") => self.post_policy(request),
            ("POST", "acl/validate") => self.validate(request),
            (_, "settings") => self.of_settings(request),
            (_, rest) if rest.starts_with("dns/") => self.of_dns(request, &rest[4..]),
            ("POST", "keys") => self.create_key(request),
            ("GET", "keys") => self.list_keys(),
            ("GET", rest) if rest.starts_with("keys/") => self.get_key(&rest[5..]),
            ("DELETE", rest) if rest.starts_with("keys/") => self.delete_key(&rest[5..]),
            ("GET", "devices") => self.list_devices(request, query),
            _ => self.complain(request, "there is no such call"),
        }
    }
}
