//! Stop: running work ends and says what it reached.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use protocol_tests::{Mode, Planned, Reached, Resource, Signal, Stored, failed};
use remote::conformance::patiently;
use tfvalue::Value;
use tokio::task::JoinHandle;

use crate::{
    apply::closed_port,
    subject::{MODES, Subject, launch, plan, with},
};

/// A provider on whose machine `tar`, by which files are written, can be made to hang.
async fn with_slow_tar(mode: Mode) -> (Subject, SlowTar) {
    let home = tempfile::tempdir().unwrap();
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let slow = SlowTar { switch: home.path().join("hang"), begun: home.path().join("begun") };
    let script = format!(
        "#!/bin/sh\nif [ -e '{}' ]; then echo $$ > '{}'; exec sleep 3600; fi\nexec /bin/tar \"$@\"\n",
        slow.switch.display(),
        slow.begun.display()
    );
    fs::write(bin.join("tar"), script).unwrap();
    fs::set_permissions(bin.join("tar"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let launch = launch(mode).env("PATH", path).env("HOME", home.path());
    let subject = Subject::launched(launch, home).await;
    subject.configure_with([("on_unreachable", Value::Null)]).await;
    (subject, slow)
}

struct SlowTar {
    switch: PathBuf,
    begun: PathBuf,
}

impl SlowTar {
    /// The id of the process that hangs.
    async fn hangs(&self) -> u32 {
        appears(&self.begun).await.trim().parse().unwrap()
    }
}

/// Waits for a file with something in it.
async fn appears(path: &Path) -> String {
    patiently(&format!("{}", path.display()), async {
        loop {
            match fs::read_to_string(path) {
                Ok(text) if text.ends_with('\n') => return text,
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    })
    .await
}

fn start(resource: &Resource, planned: Planned) -> JoinHandle<Reached> {
    let resource = resource.clone();
    tokio::spawn(async move { resource.apply(&planned).await.unwrap() })
}

/// Stops the provider; `work`, which would go on for an hour, must come back.
async fn stop(subject: &Subject, work: JoinHandle<Reached>) -> Reached {
    assert_eq!(subject.stop().await.unwrap(), "");
    let reached = patiently("the end of work that was stopped", work).await.unwrap();
    assert!(failed(&reached.problems), "{reached:?}");
    reached
}

#[tokio::test]
async fn an_update_that_is_stopped_gives_back_what_there_is() {
    for mode in MODES {
        let (subject, slow) = with_slow_tar(mode).await;
        let file = subject.file();
        let config = subject.file_config("a", [("content", Value::from("good"))]);
        let stored = subject.make(&file, &Stored::default(), &config).await;
        fs::write(&slow.switch, "").unwrap();
        let work = start(&file, plan(&file, &stored, &with(&config, "content", "new")).await);
        let process = slow.hangs().await;
        let reached = stop(&subject, work).await;
        assert_eq!(reached.stored.value, stored.value);
        assert_eq!(fs::read_to_string(subject.path("a")).unwrap(), "good");
        // What it started on the machine is gone too.
        assert!(!Path::new(&format!("/proc/{process}")).exists());
        subject.end().await;
    }
}

/// Ctrl-C reaches the provider as a signal first, which changes nothing, and then as a call.
#[tokio::test]
async fn a_create_that_is_stopped_by_ctrl_c_leaves_nothing() {
    for mode in MODES {
        let (subject, slow) = with_slow_tar(mode).await;
        let file = subject.file();
        fs::write(&slow.switch, "").unwrap();
        let config = subject.file_config("a", [("content", Value::from("x"))]);
        let work = start(&file, plan(&file, &Stored::default(), &config).await);
        slow.hangs().await;
        subject.signal(Signal::INT).unwrap();
        let reached = stop(&subject, work).await;
        assert_eq!(reached.stored.value, Value::Null);
        assert!(!subject.path("a").exists());
        subject.end().await;
    }
}

#[tokio::test]
async fn waiting_for_a_machine_that_does_not_answer_is_stopped() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let host = subject.host();
        let address = [("address", Value::from("127.0.0.1")), ("port", Value::from(closed_port()))];
        let planned = plan(&host, &Stored::default(), &host.config(address).unwrap()).await;
        let work = start(&host, planned);
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!work.is_finished(), "it did not wait for the machine");
        let reached = stop(&subject, work).await;
        assert_eq!(reached.stored.value, Value::Null);
        subject.end().await;
    }
}

#[tokio::test]
async fn what_begins_after_a_stop_does_nothing() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let file = subject.file();
        let config = subject.file_config("a", [("content", Value::from("x"))]);
        let planned = plan(&file, &Stored::default(), &config).await;
        assert_eq!(subject.stop().await.unwrap(), "");
        let reached = file.apply(&planned).await.unwrap();
        assert!(failed(&reached.problems) && reached.stored.value.is_null(), "{reached:?}");
        assert!(!subject.path("a").exists());
        subject.end().await;
    }
}
