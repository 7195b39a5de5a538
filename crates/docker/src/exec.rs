//! Running one command to its end.

use remote::{Command, Error, Executor, Output, Process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Runs `command`, feeds it `input`, and returns all it wrote.
pub(crate) async fn collect(
    executor: &dyn Executor,
    command: &Command,
    input: Option<&[u8]>,
) -> Result<Output, Error> {
    let Process { mut stdin, mut stdout, mut stderr, mut control } = executor.start(command).await?;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let io_error = |source| Error::Io {
        operation: format!("read the output of {:?}", command.words().first().map_or("", String::as_str)),
        host: executor.name().to_owned(),
        source,
    };
    let feed = async {
        if let Some(input) = input {
            // A command that ends without reading its input says so by its status.
            drop(stdin.write_all(input).await);
        }
        drop(stdin.shutdown().await);
        drop(stdin);
    };
    let (_, stdout, stderr, status) =
        tokio::join!(feed, stdout.read_to_end(&mut out), stderr.read_to_end(&mut err), control.wait());
    stdout.map_err(io_error)?;
    stderr.map_err(io_error)?;
    Ok(Output { status: status?, stdout: out, stderr: err })
}
