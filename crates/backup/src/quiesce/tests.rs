//! What the script does, with a directory in the place of Docker.

use std::{fs, path::Path, thread::sleep, time::Instant};

use remote::{Local, Output};
use tempfile::TempDir;

use super::*;

/// Knows containers by files that hold their states.
const DOCKER: &str = r#"
case $1 in
  inspect) for id; do :; done; cat "$PLACE/$id" 2>/dev/null ;;
  version) [ ! -e "$PLACE/down" ] ;;
  unpause | start) [ ! -e "$PLACE/refuses" ] && echo running >"$PLACE/$2" ;;
  update) echo "$3 $4" >"$PLACE/policy" ;;
esac
"#;

/// A place with containers `p`, which is paused, and `s`, which is stopped.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.set("p", "paused");
        place.set("s", "exited");
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn set(&self, file: &str, text: &str) {
        fs::write(self.path().join(file), text).unwrap();
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path().join(file)).unwrap_or_default().trim().to_owned()
    }

    fn command(&self, start: Command, action: &str, word: &str, seconds: u32) -> Command {
        let (place, seconds) = (self.path().to_str().unwrap(), seconds.to_string());
        let variable = format!("PLACE={place}");
        start
            .args([action, place, place, "shop", word, &seconds])
            .args(["env", &variable, "sh", "-c", DOCKER, "docker"])
    }

    async fn run(&self, action: &str, word: &str, list: &str) -> Output {
        let command = self.command(Command::new(["sh", "-c", SCRIPT, NAME]), action, word, 60);
        run(&Local::default(), &command, Input::bytes(list.as_bytes().to_vec())).await.unwrap()
    }

    async fn watch(&self, word: &str, seconds: u32) {
        let command = self.command(detached_command(SCRIPT, NAME), "watch", word, seconds);
        run_checked(&Local::default(), &command, Input::Nothing).await.unwrap();
        assert_eq!(self.run("watched", word, "").await.status, 0);
    }

    /// What is left of lists.
    fn left(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path().join("quiesced/shop")) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn until(&self, file: &str, text: &str) {
        let began = Instant::now();
        while self.read(file) != text {
            assert!(began.elapsed() < Duration::from_secs(20), "{file} is {:?}", self.read(file));
            sleep(Duration::from_millis(50));
        }
    }
}

const LIST: &str = "unpause p\nstart s\npolicy s unless-stopped\nunpause gone\n";

#[tokio::test]
async fn what_is_told_to_go_on_does_and_nothing_is_left() {
    let place = Place::new();
    assert_eq!(place.run("arm", "w", LIST).await.status, 0);
    place.watch("w", 60).await;
    assert_eq!((place.read("p"), place.read("s")), ("paused".into(), "exited".into()));
    let told = place.run("resume", "w", "").await;
    assert_eq!(told.status, 0, "{told:?}");
    assert_eq!((place.read("p"), place.read("s")), ("running".into(), "running".into()));
    assert_eq!(place.read("policy"), "unless-stopped s");
    assert!(place.left().is_empty(), "{:?}", place.left());
}

#[tokio::test]
async fn the_timer_has_them_go_on_where_nobody_does() {
    let place = Place::new();
    place.run("arm", "w", LIST).await;
    place.watch("w", 1).await;
    place.until("policy", "unless-stopped s");
    assert_eq!((place.read("p"), place.read("s")), ("running".into(), "running".into()));
    // Whoever comes later is told so.
    assert_eq!(place.run("resume", "w", "").await.status, FIRED);
    assert!(place.left().is_empty(), "{:?}", place.left());
}

#[tokio::test]
async fn a_daemon_that_refuses_is_told_and_the_timer_tries_again() {
    let place = Place::new();
    place.run("arm", "w", LIST).await;
    place.watch("w", 3).await;
    place.set("refuses", "");
    assert_eq!(place.run("resume", "w", "").await.status, 1);
    assert_eq!(place.read("p"), "paused");
    fs::remove_file(place.path().join("refuses")).unwrap();
    place.until("p", "running");
}

#[tokio::test]
async fn what_a_start_of_the_machine_left_is_done_by_the_next_one() {
    let place = Place::new();
    // Its timer is gone.
    place.run("arm", "old", LIST).await;
    assert_eq!(place.run("recover", "new", "").await.status, 0);
    assert_eq!((place.read("p"), place.read("s")), ("running".into(), "running".into()));
    assert!(place.left().is_empty(), "{:?}", place.left());
    // Nothing is lost where Docker does not answer.
    place.run("arm", "old", LIST).await;
    place.set("down", "");
    assert_eq!(place.run("recover", "new", "").await.status, 1);
    assert_eq!(place.left(), ["old.armed"]);
}

#[tokio::test]
async fn another_ones_timer_leaves_it_alone() {
    let place = Place::new();
    place.run("arm", "first", LIST).await;
    place.watch("first", 2).await;
    place.run("resume", "first", "").await;
    place.set("p", "paused");
    place.run("arm", "second", LIST).await;
    sleep(Duration::from_secs(4));
    assert_eq!(place.read("p"), "paused");
    assert_eq!(place.run("resume", "second", "").await.status, 0);
}

#[test]
fn only_a_busy_moment_is_waited_out() {
    let failed = |stderr: &str| remote::Error::Failed {
        program: "docker".into(),
        host: "web".into(),
        status: 1,
        stderr: stderr.into(),
    };
    let busy = "Error response from daemon: cannot pause container 5b: OCI runtime pause failed: unable to freeze: unknown";
    assert!(is_of_a_busy_moment(&failed(busy)));
    for other in ["Error response from daemon: No such container: 5b", ""] {
        assert!(!is_of_a_busy_moment(&failed(other)));
    }
    assert!(!is_of_a_busy_moment(&remote::Error::Cancelled));
    assert!(says(&failed("Error response from daemon: Container 5b is already paused"), PAUSED));
}
