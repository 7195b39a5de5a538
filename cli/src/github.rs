//! GitHub's API, as far as reports and comments need it.

use reqwest::{Client, Method, header};
use secret::Secret;
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::web;

/// The version of the API that is asked for.
const VERSION: &str = "2022-11-28";
/// So many of a list are asked for at once; the API gives no more.
const PAGE: usize = 100;
/// Longer lists are not looked through.
const PAGES: usize = 50;

/// One repository, in somebody's name.
pub struct GitHub {
    base: String,
    repository: String,
    token: Secret,
    client: Client,
}

/// An issue or a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its number (an issue's) or id (a comment's).
    pub id: u64,
    /// Its text.
    pub body: String,
}

impl GitHub {
    /// The repository `owner/name`, with what the environment has: `GITHUB_TOKEN` or `GH_TOKEN`, and
    /// `GITHUB_API_URL`.
    ///
    /// # Errors
    /// When there is no token, or it would go over the network in clear.
    pub fn of_environment(repository: &str) -> Result<Self, Failure> {
        let failed = || Failure::new(format!("Could not reach the repository {repository} at GitHub"));
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let is_name = repository.split('/').filter(|part| !part.is_empty()).count() == 2
            && repository.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
        if !is_name {
            return Err(failed().with("It has to be written as `owner/name`."));
        }
        let token = variable("GITHUB_TOKEN").or_else(|| variable("GH_TOKEN")).map(Secret::from);
        let token = token.ok_or_else(|| {
            failed().with("There is no token: set GITHUB_TOKEN, with the permission to write issues (in a workflow: `permissions: { issues: write }`).")
        })?;
        let base = variable("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".into());
        let base = base.trim_end_matches('/').to_owned();
        let is_private = base.starts_with("https://") || base.starts_with("http://127.0.0.1:");
        if !is_private {
            return Err(failed().with(format!("GITHUB_API_URL is `{base}`: a token is sent by https only.")));
        }
        let client = web::client(&base).map_err(|error| failed().because(error.as_ref()))?;
        Ok(Self { base, repository: repository.to_owned(), token, client })
    }

    /// The open issue whose text begins with `start`.
    ///
    /// # Errors
    /// When GitHub cannot be asked.
    pub async fn open_issue(&self, start: &str) -> Result<Option<Found>, Failure> {
        self.found("/issues?state=open&sort=created&direction=desc", start, |one| {
            // Pull requests are issues there.
            if one.get("pull_request").is_some() { None } else { one.get("number")?.as_u64() }
        })
        .await
    }

    /// The comment of an issue or a pull request whose text begins with `start`.
    ///
    /// # Errors
    /// When GitHub cannot be asked.
    pub async fn comment(&self, number: u64, start: &str) -> Result<Option<Found>, Failure> {
        self.found(&format!("/issues/{number}/comments?sort=created"), start, |one| one.get("id")?.as_u64())
            .await
    }

    /// Opens an issue; its number.
    ///
    /// # Errors
    /// When GitHub does not.
    pub async fn create_issue(&self, title: &str, body: &str) -> Result<u64, Failure> {
        let made = self.call(Method::POST, "/issues", Some(json!({ "title": title, "body": body }))).await?;
        Ok(made.get("number").and_then(Value::as_u64).unwrap_or_default())
    }

    /// Changes an issue.
    ///
    /// # Errors
    /// When GitHub does not.
    pub async fn change_issue(&self, number: u64, change: Value) -> Result<(), Failure> {
        self.call(Method::PATCH, &format!("/issues/{number}"), Some(change)).await.map(drop)
    }

    /// Adds a comment to an issue or a pull request.
    ///
    /// # Errors
    /// When GitHub does not.
    pub async fn add_comment(&self, number: u64, body: &str) -> Result<(), Failure> {
        let path = format!("/issues/{number}/comments");
        self.call(Method::POST, &path, Some(json!({ "body": body }))).await.map(drop)
    }

    /// Replaces the text of a comment.
    ///
    /// # Errors
    /// When GitHub does not.
    pub async fn change_comment(&self, id: u64, body: &str) -> Result<(), Failure> {
        let path = format!("/issues/comments/{id}");
        self.call(Method::PATCH, &path, Some(json!({ "body": body }))).await.map(drop)
    }

    async fn found(
        &self,
        path: &str,
        start: &str,
        id: fn(&Value) -> Option<u64>,
    ) -> Result<Option<Found>, Failure> {
        for page in 1..=PAGES {
            let path = format!("{path}&per_page={PAGE}&page={page}");
            let Value::Array(list) = self.call(Method::GET, &path, None).await? else { return Ok(None) };
            for one in &list {
                let body = one.get("body").and_then(Value::as_str).unwrap_or_default();
                if let Some(id) = id(one).filter(|_| body.starts_with(start)) {
                    return Ok(Some(Found { id, body: body.to_owned() }));
                }
            }
            if list.len() < PAGE {
                break;
            }
        }
        Ok(None)
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failure> {
        let url = format!("{}/repos/{}{path}", self.base, self.repository);
        let what =
            format!("{method} /repos/{}{}", self.repository, path.split('?').next().unwrap_or_default());
        let failed = || Failure::new(format!("Could not {what} at {}", self.base));
        let mut request = self
            .client
            .request(method, url)
            .bearer_auth(self.token.expose())
            .header(header::ACCEPT, "application/vnd.github+json")
            .header("X-GitHub-Api-Version", VERSION);
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let response = request.send().await.map_err(|error| failed().because(&error.without_url()))?;
        let status = response.status();
        let text = response.text().await.map_err(|error| failed().because(&error.without_url()))?;
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        let said = answer.get("message").and_then(Value::as_str).unwrap_or("nothing else");
        let next = match status.as_u16() {
            401 => "The token is not accepted: it has ended, or belongs to another server.",
            403 => {
                "The token may not do this: it needs the permission to write issues (of pull requests, to write these), or too much was asked in a short time."
            }
            404 => "There is no such repository or issue, or the token may not see it.",
            410 => "Issues are switched off in this repository.",
            _ => "Try again later.",
        };
        Err(failed().with(format!("The answer was {}: {said}.", status.as_u16())).with(next))
    }
}
