//! Streams to sockets on the host.

use std::path::Path;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixListener},
    task::JoinHandle,
};

use crate::{Dial, Error, Executor, Stream};

use super::Host;

/// Servers on this machine that send back what they receive; they end when this is dropped.
#[derive(Debug)]
pub struct EchoServers {
    tasks: [JoinHandle<()>; 2],
    port: u16,
    socket: String,
}

impl EchoServers {
    /// Listens on the loopback interface and on a unix socket in `directory`.
    ///
    /// # Errors
    /// When one of the sockets cannot be made.
    pub async fn start(directory: &Path) -> std::io::Result<Self> {
        let socket = directory.join("echo.sock");
        let unix = UnixListener::bind(&socket)?;
        let tcp = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = tcp.local_addr()?.port();
        let unix = tokio::spawn(async move {
            while let Ok((stream, _)) = unix.accept().await {
                tokio::spawn(send_back(stream.into_split()));
            }
        });
        let tcp = tokio::spawn(async move {
            while let Ok((stream, _)) = tcp.accept().await {
                tokio::spawn(send_back(stream.into_split()));
            }
        });
        Ok(Self { tasks: [unix, tcp], port, socket: socket.display().to_string() })
    }

    /// Their addresses, for [`Host::echo`].
    pub fn addresses(&self) -> (String, (String, u16)) {
        (self.socket.clone(), ("127.0.0.1".to_owned(), self.port))
    }
}

impl Drop for EchoServers {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn send_back<R, W>((mut reader, mut writer): (R, W))
where
    R: tokio::io::AsyncRead + Unpin,
    W: tokio::io::AsyncWrite + Unpin,
{
    if tokio::io::copy(&mut reader, &mut writer).await.is_ok() {
        let _ = writer.shutdown().await;
    }
}

/// Sockets that answer are reached, both ways and to their end; those that do not are told apart
/// from a host that does not.
pub async fn sockets(host: &Host) {
    let exec = host.exec.as_ref();
    if let Some((unix, (address, port))) = &host.echo {
        echo(exec, &Dial::Unix(unix.clone())).await;
        echo(exec, &Dial::Tcp(address.clone(), *port)).await;
    }
    let missing = Dial::Unix("/windlass/has/no/such.sock".to_owned());
    // Port 1 (tcpmux) is served by nobody.
    let closed = Dial::Tcp("127.0.0.1".to_owned(), 1);
    for target in [missing, closed] {
        for dialled in [exec.dial(&target).await, exec.dial_bulk(&target).await] {
            let Err(error) = dialled else { panic!("{target} answered") };
            assert!(
                matches!(&error, Error::Dial { target: told, .. } if *told == target.to_string()),
                "{error:?}"
            );
        }
    }
}

async fn echo(exec: &dyn Executor, target: &Dial) {
    let sent: Vec<u8> =
        (0..1_u32 << 20).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for dialled in [exec.dial(target).await, exec.dial_bulk(target).await] {
        echoed(dialled.expect("the echo server answers"), target, &sent).await;
    }
}

async fn echoed(stream: Box<dyn Stream>, target: &Dial, sent: &[u8]) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let write = async {
        writer.write_all(sent).await.expect("the stream takes bytes");
        writer.shutdown().await.expect("the stream can be shut down");
    };
    let mut received = Vec::new();
    let (read, ()) = tokio::join!(reader.read_to_end(&mut received), write);
    read.expect("the stream ends well");
    assert!(received == sent, "{} bytes came back from {target}, not the ones sent", received.len());
}
