//! Who writes a state to the backend on loopback, as a core does: this program again, as the command of
//! `windlass run`, which alone knows the address and the password.

use std::{
    env,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};

use super::sample;

/// The word that makes this program the writer.
pub(crate) const WRITER: &str = "write-states";

/// Writes as many states as the environment allows for, and prints how many milliseconds each took.
pub(crate) fn write(rounds: usize) -> Result<()> {
    let backend = Backend::of_environment()?;
    backend.ask("LOCK", "", LOCK)?;
    for serial in 1..=rounds {
        let state = sample::state(serial);
        let begun = Instant::now();
        backend.ask("POST", "?ID=bench", &state)?;
        let took = begun.elapsed().as_secs_f64() * 1000.0;
        writeln!(std::io::stdout(), "{took}")?;
    }
    backend.ask("UNLOCK", "", LOCK)
}

const LOCK: &str = r#"{"ID":"bench","Operation":"bench","Who":"bench"}"#;

struct Backend {
    /// `host:port`
    address: String,
    path: String,
    authorization: String,
}

impl Backend {
    fn of_environment() -> Result<Self> {
        let variable = |name: &str| env::var(name).with_context(|| format!("{name} is not set"));
        let url = variable("TF_HTTP_ADDRESS")?;
        let (address, path) = url
            .strip_prefix("http://")
            .and_then(|rest| rest.split_once('/'))
            .context("TF_HTTP_ADDRESS is no address")?;
        let login = format!("{}:{}", variable("TF_HTTP_USERNAME")?, variable("TF_HTTP_PASSWORD")?);
        let authorization = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, login);
        Ok(Self { address: address.to_owned(), path: format!("/{path}"), authorization })
    }

    fn ask(&self, method: &str, query: &str, body: &str) -> Result<()> {
        let Self { address, path, authorization } = self;
        let mut stream = TcpStream::connect(address).context("connect to the backend")?;
        let head = format!(
            "{method} {path}{query} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Basic {authorization}\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let status = answer.lines().next().unwrap_or_default();
        ensure!(status.contains(" 200 "), "{method}: {status}");
        Ok(())
    }
}
