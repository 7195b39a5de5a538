//! The soak and the conformance suite against an sshd with its default limits.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use remote::conformance::{EchoServers, Host, patiently, suite};
use ssh::{
    Pool,
    soak::{Outcome, locked, soak},
};
use tokio::runtime::Handle;

use crate::server::Sshd;

#[tokio::test(flavor = "multi_thread")]
async fn the_executor_conforms() {
    let sshd = Sshd::start(&[]);
    let servers = EchoServers::start(&sshd.path("")).await.unwrap();
    suite(&Host { exec: sshd.executor(), echo: Some(servers.addresses()) }).await;
}

/// Locks have connections of their own, so that none of the holders has to wait for another one.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_operations_that_each_hold_a_lock() {
    let sshd = Sshd::start(&[]);
    let pool = Pool::with_agent(None);
    locked(&pool, pool.executor(&sshd.connection(""), &sshd.credentials())).await;
}

/// Everything ends with a clear result within a bound, the host works again, no task is left.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_operations_slow_readers_and_a_cut() {
    for restart in [false, true] {
        let tasks_before = Handle::current().metrics().num_alive_tasks();
        let sshd = Arc::new(Mutex::new(Sshd::start(&[])));
        let pool = Pool::with_agent(None);
        let exec = {
            let sshd = sshd.lock().unwrap();
            pool.executor(&sshd.connection(""), &sshd.credentials())
        };
        let cut = sshd.clone();
        let report = soak(exec, || async move {
            let cutting = move || {
                let mut sshd = cut.lock().unwrap();
                if restart {
                    sshd.kill();
                    sshd.run();
                } else {
                    sshd.kill_sessions();
                }
            };
            tokio::task::spawn_blocking(cutting).await.unwrap();
        })
        .await;
        eprintln!("restart: {restart}, {report:?}, {} connections", pool.handshakes());
        assert!(
            report.outcomes.get(&Outcome::Lost).is_some_and(|lost| *lost > 0),
            "nothing was cut: {report:?}"
        );
        pool.close().await;
        patiently("the end of all tasks", async {
            while Handle::current().metrics().num_alive_tasks() > tasks_before {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }
}
