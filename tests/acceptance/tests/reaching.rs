//! Reaching every kind of host: the conformance suite and the soak against each variant.
//!
//! In a test target of its own, because the soak cuts connections that other tests would miss:
//! test targets that run at the same time have a lab each.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

use std::sync::Arc;

use acceptance_tests::{executor, is_full_run};
use lab::{Host, Lab, Variant};
use remote::conformance::{self, suite};
use ssh::{Pool, soak::soak};

/// The suite holds on every variant; what a variant cannot do is part of what makes it one.
async fn conforms(variant: Variant) {
    let lab = Lab::current().unwrap();
    let pool = Pool::with_agent(None);
    let exec = executor(&pool, &lab, lab.host(variant).unwrap());
    suite(&conformance::Host { exec, echo: None }).await;
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn root_conforms() {
    conforms(Variant::Root).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deploy_conforms() {
    conforms(Variant::Deploy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sudo_conforms() {
    conforms(Variant::Sudo).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_forward_conforms() {
    conforms(Variant::NoForward).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jump_conforms() {
    conforms(Variant::Jump).await;
}

/// As on Alpine: `sh` is BusyBox, and so are the programs.
#[tokio::test(flavor = "multi_thread")]
async fn busybox_conforms() {
    conforms_anew(Variant::Busybox).await;
}

/// The user may run docker by sudo, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn sudo_for_docker_alone_conforms() {
    conforms_anew(Variant::SudoDocker).await;
}

/// As on current Ubuntu: the Rust coreutils, and sudo-rs.
#[tokio::test(flavor = "multi_thread")]
async fn uutils_conform() {
    conforms_anew(Variant::Uutils).await;
}

/// The suite on a host of its own, of a variant that the lab starts none of.
async fn conforms_anew(variant: Variant) {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(variant).unwrap();
    let pool = Pool::with_agent(None);
    suite(&conformance::Host { exec: executor(&pool, &lab, &host), echo: None }).await;
    pool.close().await;
}

/// Fifty operations at once beside slow readers, and the connections killed in the middle: all of
/// it ends in time and says what became of it, on hosts of their own.
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_ends_everything_on_every_variant() {
    let lab = Arc::new(Lab::current().unwrap());
    // What an end has most to get through is the last of them.
    let variants = [Variant::Root, Variant::Deploy, Variant::NoForward, Variant::Sudo];
    for variant in if is_full_run() { &variants[..] } else { &variants[3..] } {
        let variant = *variant;
        let host = lab.add_host(variant).unwrap();
        let pool = Pool::with_agent(None);
        let exec = executor(&pool, &lab, &host);
        let report = soak(exec, || async { cut(&lab, &host).await }).await;
        eprintln!("{variant:?}: {report:?}");
        pool.close().await;
    }
}

/// The same behind a jump host, again on a host of its own: the one that conforms is not cut.
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_ends_everything_behind_a_jump_host() {
    let lab = Arc::new(Lab::current().unwrap());
    let host = lab.add_host(Variant::Jump).unwrap();
    let pool = Pool::with_agent(None);
    let exec = executor(&pool, &lab, &host);
    let report = soak(exec, || async { cut(&lab, &host).await }).await;
    eprintln!("{report:?}");
    pool.close().await;
}

async fn cut(lab: &Arc<Lab>, host: &Host) {
    let (lab, host) = (lab.clone(), host.clone());
    let killed = tokio::task::spawn_blocking(move || lab.kill_connections(&host).unwrap()).await.unwrap();
    assert!(killed > 0, "there was no connection to kill");
}
