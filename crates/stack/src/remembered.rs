//! What Compose has made of the same files a moment ago.
//!
//! The core plans twice, in two processes: for the plan, and again within the apply that follows.
//! What Compose said the first time lies on the host for the second, under a name that is the digest
//! of all that went in. Only projects whose answer depends on nothing else are remembered: a file
//! that Compose reads although it is not shipped could be another one by then.

use std::collections::BTreeSet;

use compose::{inside_directory, layout::ENV_FILE, outline::references};
use remote::{Command, Input, run};
use tree::TreeFile;

use crate::{
    answers::Answers, context::Context, desired::DesiredStack, error::Error, host::Host, host_env::HostEnv,
    resolve::resolve, spec::StackSpec,
};

/// What lets Compose read more files than those that it is told.
const READING_MORE: [&str; 4] = ["env_file", "label_file", "extends", "include"];

/// Larger files are not looked through.
const LARGEST: u64 = 1 << 20;

/// Prints the answers that are as new as the apply of a plan that somebody looked at for a while: a line
/// for each, behind the name and a colon. `grep` names a file only beside another.
const LOOK: &str = r#"
cd -- "${HOME:?}/.windlass/resolved" 2>/dev/null || exit 0
find . ! -name . -type f -mmin -60 -exec grep '' /dev/null {} + 2>/dev/null
exit 0
"#;

/// Leaves stdin as the answer `$1`, and removes what is too old to be looked at.
const LEAVE: &str = r#"
umask 077
mkdir -p -- "${HOME:?}/.windlass/resolved" && cd -- "$HOME/.windlass/resolved" || exit
find . ! -name . -type f -mmin +60 -exec rm -f -- {} +
cat >"$1.$$" && mv -f -- "$1.$$" "$1"
"#;

/// As [`resolve`], which is asked when nobody has done so for the same inputs just now.
///
/// # Errors
/// As [`resolve`].
pub async fn resolve_once(
    cx: &Context,
    host: &Host,
    spec: &StackSpec,
    directory: &str,
) -> Result<DesiredStack, Error> {
    // What does not tell one `.env` of the server from another is no name for an answer, nor is what does
    // not tell who asks to know services again.
    let unnamed = !spec.keys.is_empty() || spec.host_env.as_ref().is_some_and(HostEnv::is_unkeyed);
    if unnamed || !is_self_contained(spec) {
        return resolve(cx, host, spec, directory).await;
    }
    let digest = spec.digest(directory, &host.compose_version().await?);
    // What another version of Windlass has left may mean something else.
    let name = format!("{digest}-{}", env!("CARGO_PKG_VERSION"));
    if let Some(known) = answers(host).await.answer(&name, &digest) {
        tracing::debug!(stack = spec.name, "Compose was asked the same just now");
        return Ok(known);
    }
    let desired = resolve(cx, host, spec, directory).await?;
    // Plain fields cannot fail.
    let json = serde_json::to_vec(&desired).unwrap_or_default();
    run_script(host, LEAVE, &name, json).await;
    Ok(desired)
}

/// What lies on `host`; nothing where that cannot be told.
async fn answers(host: &Host) -> &Answers {
    let look = || async {
        let text = run_script(host, LOOK, "", Vec::new()).await.unwrap_or_default();
        Answers::parse(&String::from_utf8_lossy(&text))
    };
    host.known().answers.get_or_init(look).await
}

/// Runs a script that may as well fail: then Compose is asked again.
async fn run_script(host: &Host, script: &str, name: &str, input: Vec<u8>) -> Option<Vec<u8>> {
    let command = Command::new(["sh", "-c", script, "windlass-remember", name]);
    match run(host.executor(), &command, Input::bytes(input)).await {
        Ok(output) => Some(output.stdout),
        Err(error) => {
            tracing::debug!(host = host.name(), %error, "could not remember what Compose says");
            None
        }
    }
}

/// Whether Compose reads nothing but the Compose files themselves, all of which are shipped.
fn is_self_contained(spec: &StackSpec) -> bool {
    let plain = |file: &TreeFile| {
        file.size <= LARGEST
            && file.read().is_ok_and(|bytes| {
                let text = String::from_utf8_lossy(&bytes);
                !READING_MORE.iter().any(|word| text.contains(word))
            })
    };
    !spec.files.is_empty() && spec.files.iter().all(|path| spec.source.files.get(path).is_some_and(plain))
}

/// Whether Compose reads a file that is not shipped, so that its answer may be another one although
/// everything is as it was here. What cannot be told counts as read.
#[must_use]
pub fn reads_the_host(spec: &StackSpec) -> bool {
    let mut open: Vec<String> = spec.files.clone();
    let mut seen = BTreeSet::new();
    while let Some(path) = open.pop() {
        let Some(file) = spec.source.files.get(&path).filter(|file| file.size <= LARGEST) else {
            return true;
        };
        let Ok(text) = file.read().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()) else {
            return true;
        };
        if !seen.insert(path.clone()) || !READING_MORE.iter().any(|word| text.contains(word)) {
            continue;
        }
        let Ok(named) = references(&text) else { return true };
        for name in named {
            match shipped(spec, &path, &name) {
                Some(Shipped::Compose(path)) => open.push(path),
                Some(Shipped::Other) => {}
                None => return true,
            }
        }
    }
    false
}

/// What a file that is named by another one is.
enum Shipped {
    /// It may name more.
    Compose(String),
    Other,
}

/// The shipped file that `name` means in the Compose file at `path`.
fn shipped(spec: &StackSpec, path: &str, name: &str) -> Option<Shipped> {
    if name.contains('$') || name.starts_with(['/', '~']) {
        return None;
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let target = inside_directory(&format!("./{folder}/{name}"))?;
    let is_compose = [".yaml", ".yml"].iter().any(|end| target.ends_with(end));
    let is_there = spec.source.files.contains_key(&target) || spec.secret_files.contains_key(&target);
    match (is_there, is_compose) {
        (true, true) => Some(Shipped::Compose(target)),
        (true, false) => Some(Shipped::Other),
        // The stack's own `.env` is always made.
        (false, _) => (target == ENV_FILE && spec.host_env.is_none()).then_some(Shipped::Other),
    }
}

#[cfg(test)]
mod tests {
    use remote::conformance::Tools;
    use tree::Tree;

    use super::*;

    fn spec(text: &str) -> StackSpec {
        let (source, files) = Tree::texts(&[text.to_owned()]);
        StackSpec { files, source, ..StackSpec::default() }
    }

    #[test]
    fn what_reads_other_files_is_not_remembered() {
        assert!(is_self_contained(&spec("services: { app: { image: a } }")));
        for more in ["env_file: /etc/app.env", "extends: { file: x }", "label_file: l"] {
            assert!(!is_self_contained(&spec(&format!("services: {{ app: {{ {more} }} }}"))), "{more}");
        }
        assert!(!is_self_contained(&spec("include: [other.yaml]")));
        let missing = StackSpec { files: vec!["absent.yaml".into()], ..spec("services: {}") };
        assert!(!is_self_contained(&missing) && !is_self_contained(&StackSpec::default()));
    }

    #[test]
    fn a_project_that_reads_files_of_the_host_is_asked_about_each_time() {
        let more = |text: &str| {
            let mut spec = spec(text);
            spec.source.lay_over("base/b.yaml", "services: { x: { env_file: ../x.env } }");
            spec.source.lay_over("x.env", "A=1");
            reads_the_host(&spec)
        };
        for inside in [
            "services: { app: { image: a, volumes: [/srv:/srv] } }",
            "services: { app: { image: a, env_file: [.env, ./x.env] } }",
            "include: [base/b.yaml]",
            "services: { app: { extends: { file: ./base/b.yaml, service: x } } }",
        ] {
            assert!(!more(inside), "{inside}");
        }
        for outside in [
            "services: { app: { image: a, env_file: [/srv/web.env] } }",
            "services: { app: { image: a, env_file: [{path: late.env, required: false}] } }",
            "include: [../common/compose.yaml]",
            "services: { app: { extends: { file: '${BASE}', service: x } } }",
            "services: { app: { label_file: ~/labels } }",
        ] {
            assert!(more(outside), "{outside}");
        }
    }

    #[test]
    fn answers_are_found_again_while_they_are_new() {
        for tools in Tools::all() {
            let home = tempfile::tempdir().unwrap();
            let ask = |script: &str, name: &str, input: &[u8]| {
                let script = format!("HOME=$2\n{script}");
                let found = tools.run(&script, &[name.as_ref(), home.path().as_os_str()], input).1;
                Answers::parse(&found)
            };
            let answers = |all: &[(&str, &str)]| {
                Answers::parse(
                    &all.iter().map(|(name, json)| format!("./{name}:{json}\n")).collect::<String>(),
                )
            };
            assert_eq!(ask(LOOK, "", b""), answers(&[]));
            ask(LEAVE, "d-1", b"{\"a:b\": 1}");
            assert_eq!(ask(LOOK, "", b""), answers(&[("d-1", "{\"a:b\": 1}")]), "{tools:?}");
            ask(LEAVE, "d-2", b"{}");
            let both = answers(&[("d-1", "{\"a:b\": 1}"), ("d-2", "{}")]);
            assert_eq!(ask(LOOK, "", b""), both, "{tools:?}");
            let old = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 60 * 60);
            for name in ["d-1", "d-2"] {
                let file = home.path().join(".windlass/resolved").join(name);
                std::fs::File::open(&file).unwrap().set_modified(old).unwrap();
            }
            assert_eq!(ask(LOOK, "", b""), answers(&[]), "{tools:?}");
        }
    }
}
