//! Reaching a host through a SOCKS5 proxy.

use std::sync::{Arc, Mutex};

use remote::{Command, Error, Input, connection::SshConnection, credentials::Login, run};
use ssh::Pool;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use crate::server::{Sshd, me, ssh_connection};

/// A proxy (RFC 1928) that asks nobody who comes, knows one name, as that of a tailnet does, and
/// remembers whom it was asked for.
struct Proxy {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let shared = asked.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(mut client: TcpStream, asked: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let mut head = [0; 2];
    client.read_exact(&mut head).await?;
    let mut methods = vec![0; usize::from(head[1])];
    client.read_exact(&mut methods).await?;
    assert!(head[0] == 5 && methods.contains(&0), "it is no SOCKS5, or offers no way without a password");
    client.write_all(&[5, 0]).await?;
    let mut request = [0; 4];
    client.read_exact(&mut request).await?;
    assert_eq!(request[..3], [5, 1, 0]);
    let host = match request[3] {
        1 => {
            let mut address = [0; 4];
            client.read_exact(&mut address).await?;
            std::net::Ipv4Addr::from(address).to_string()
        }
        3 => {
            let length = client.read_u8().await?;
            let mut name = vec![0; usize::from(length)];
            client.read_exact(&mut name).await?;
            String::from_utf8(name).unwrap()
        }
        kind => panic!("no address of kind {kind} was expected"),
    };
    let port = client.read_u16().await?;
    asked.lock().unwrap().push(format!("{host}:{port}"));
    let host = if host == "web.tailnet.test" { "127.0.0.1".to_owned() } else { host };
    match TcpStream::connect((host, port)).await {
        Ok(mut server) => {
            client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
            copy_bidirectional(&mut client, &mut server).await.map(drop)
        }
        // Connection refused.
        Err(_) => client.write_all(&[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]).await,
    }
}

fn proxied(text: &str, proxy: u16) -> SshConnection {
    let mark = if text.contains('?') { '&' } else { '?' };
    ssh_connection(&format!("{text}{mark}proxy=socks5://127.0.0.1:{proxy}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_only_the_proxy_knows_is_reached() {
    let (proxy, target) = (Proxy::start().await, Sshd::start(&[]));
    let known = target.known_hosts_line("host").replace("127.0.0.1", "web.tailnet.test");
    std::fs::write(target.path("known_hosts"), known).unwrap();
    let mut credentials = target.credentials();
    credentials.target.host = "web.tailnet.test".to_owned();
    let connection = proxied(&format!("ssh://web.tailnet.test:{}", target.port), proxy.port);
    let pool = Pool::with_agent(None);
    let exec = pool.executor(&connection, &credentials);
    assert_eq!(run(&*exec, &Command::new(["true"]), Input::Nothing).await.unwrap().status, 0);
    assert_eq!(proxy.asked(), [format!("web.tailnet.test:{}", target.port)]);
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_host_is_reached_through_it_and_the_host_through_that() {
    let (proxy, jump, target) = (Proxy::start().await, Sshd::start(&[]), Sshd::start(&[]));
    jump.authorize(&target.path("user.pub"));
    let known = target.known_hosts_line("host") + &jump.known_hosts_line("host");
    std::fs::write(target.path("known_hosts"), known).unwrap();
    let mut credentials = target.credentials();
    credentials.jump = vec![Login { user: me(), host: "127.0.0.1".to_owned(), port: jump.port }];
    let text = format!("ssh://127.0.0.1:{}?jump=127.0.0.1:{}", target.port, jump.port);
    let pool = Pool::with_agent(None);
    let exec = pool.executor(&proxied(&text, proxy.port), &credentials);
    assert_eq!(run(&*exec, &Command::new(["true"]), Input::Nothing).await.unwrap().status, 0);
    assert_eq!(proxy.asked(), [format!("127.0.0.1:{}", jump.port)]);
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_fails_is_named() {
    let (proxy, target) = (Proxy::start().await, Sshd::prepare(&[]));
    let text = format!("ssh://127.0.0.1:{}", target.port);
    let told = async |port: u16| {
        let exec = Pool::with_agent(None).executor(&proxied(&text, port), &target.credentials());
        let error = run(&*exec, &Command::new(["true"]), Input::Nothing).await.unwrap_err();
        let Error::Unreachable { source, .. } = error else { panic!("{error:?}") };
        source.to_string()
    };
    assert_eq!(
        told(proxy.port).await,
        format!("the proxy socks5://127.0.0.1:{} could not connect to it", proxy.port)
    );
    assert_eq!(told(1).await, "the proxy socks5://127.0.0.1:1 did not answer");
}
