//! Storing what a command writes.

use remote::{
    Input, Output,
    collect::{Streamed, run_checked},
};

use super::Exec;
use crate::{
    archive,
    copy::Copying,
    error::Error,
    gather::Gathered,
    manifest::{Part, Source},
    postgres::entry,
};

/// Copies what the command writes to the store.
pub(crate) async fn gather(copying: &Copying<'_>, exec: &Exec) -> Result<Gathered, Error> {
    let (name, format, file) = exec.file(copying.compress);
    let command = exec.command(&exec.command);
    let check = |ended: Streamed| {
        let output = Output { status: ended.status, stdout: Vec::new(), stderr: ended.stderr };
        Ok(remote::checked(copying.exec, &command, &output)?)
    };
    let from = (&command, Input::Nothing);
    let ((size, sha256), packed) = copying.copy(from, (&file, format), None, archive::measure, check).await?;
    if size == 0 {
        let host = copying.exec.name().to_owned();
        return Err(Error::NoOutput { subject: exec.subject(), host });
    }
    let ask = exec.cli.docker(["version", "--format", "{{.Client.Version}}"]);
    let version = run_checked(copying.exec, &ask, Input::Nothing);
    let version = version.await?.stdout_text().trim().to_owned();
    let source = Source::Exec { container: exec.container.clone(), command: exec.command.clone() };
    let parts = vec![Part { file, size: packed.size, sha256: packed.sha256.clone() }];
    let entries = vec![entry(&name, size, &sha256)];
    let tool = ("docker exec", version);
    Ok(Gathered { source, format, sha256: packed.sha256, parts, entries, tool })
}
