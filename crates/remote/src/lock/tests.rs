use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;

use super::*;
use crate::{Dial, Fake, Local, Noise, Stream, fake::Reply};

/// What becomes of the wish for a lock when the script ends like this.
async fn refused(reply: Reply) -> LockError {
    let fake = Fake::new("web");
    fake.expect(
        ["sh", "-c", SCRIPT, "windlass-lock", "stack", "me  here", "5", SHARED, "60", "25"],
        reply.ignores_input(),
    );
    let (wait, never) = (Duration::from_secs(5), CancellationToken::new());
    match Lock::acquire(&fake, "stack", "me\r\nhere", wait, &never).await {
        Ok(_) => panic!("the lock was taken"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn why_there_is_no_lock_is_told() {
    for (reply, expected) in [
        (
            Reply::failure(BUSY, "").stdout("busy - first\nbusy 3 se\u{1b}cond (process 1)\n"),
            "lock \"stack\" on web is still held after 5 s by se cond (process 1); unless its holder renews it, it is \
             free in 57 s",
        ),
        (
            // An earlier version does not renew it.
            Reply::failure(BUSY, "").stdout("busy - second\n"),
            "lock \"stack\" on web is still held after 5 s by second",
        ),
        (
            Reply::failure(NO_FLOCK, ""),
            "web has no flock or no timeout command; install util-linux and coreutils there",
        ),
        (Reply::failure(1, "sh: HOME: unset\n"), "could not take lock \"stack\" on web: sh: HOME: unset"),
        (Reply::lost(), "the connection to web ended before \"sh\" told its exit status"),
    ] {
        assert_eq!(refused(reply).await.to_string(), expected);
    }
}

#[tokio::test]
async fn a_name_that_is_a_path_never_reaches_the_host() {
    let (fake, never) = (Fake::default(), CancellationToken::new());
    for name in ["", "../x", "a/b", ".hidden", "a\0b"] {
        let result = Lock::acquire(&fake, name, "me", Duration::ZERO, &never).await;
        assert!(matches!(result, Err(LockError::Name { .. })), "{name:?}");
    }
    assert!(fake.calls().is_empty());
}

/// This machine as one of its users, in a home of its own. Only root can be somebody else, so
/// that the tests of several users need root, as those with real hosts do.
#[derive(Debug)]
struct User {
    id: u32,
    home: PathBuf,
}

#[async_trait]
impl Executor for User {
    async fn start(&self, command: &Command) -> Result<Process, Error> {
        let (user, group) = (format!("--reuid={}", self.id), format!("--regid={}", self.id));
        let home = format!("HOME={}", self.home.display());
        let before = ["setpriv", &user, &group, "--clear-groups", "env", &home].map(str::to_owned);
        Local::new().start(&Command::new(before.iter().chain(command.words()).cloned())).await
    }

    async fn dial(&self, target: &Dial) -> Result<Box<dyn Stream>, Error> {
        Local::new().dial(target).await
    }

    fn name(&self) -> &str {
        "this machine"
    }

    fn sudo(&self) -> crate::connection::Sudo {
        crate::connection::Sudo::Nothing
    }

    fn noise(&self) -> Option<Noise> {
        None
    }
}

/// A machine for itself: `lock` is its `/run/lock`, where everybody may write.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        allow(machine.0.path(), 0o755);
        fs::create_dir(machine.path("lock")).unwrap();
        allow(&machine.path("lock"), 0o1777);
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn user(&self, id: u32) -> User {
        let home = self.path(&id.to_string());
        fs::create_dir_all(&home).unwrap();
        chown(&home, Some(id), Some(id)).expect("this test needs root");
        User { id, home }
    }

    /// Takes the lock `web` as this user, who calls itself by its number.
    async fn take(&self, user: &User, wait: u64) -> Result<Lock, LockError> {
        self.take_on(user, wait, TERMS).await
    }

    async fn take_on(&self, user: &User, wait: u64, terms: Terms) -> Result<Lock, LockError> {
        let shared = self.path("lock/windlass");
        let (shared, never) = (shared.to_str().unwrap(), CancellationToken::new());
        let (holder, wait) = (format!("user {}", user.id), Duration::from_secs(wait));
        Lock::acquire_in(user, (shared, terms), "web", &holder, wait, &never).await
    }

    async fn is_refused(&self, user: &User, holder: &User) -> bool {
        match self.take(user, 0).await {
            Ok(lock) => lock.release().await.map(|()| false).unwrap(),
            Err(LockError::Busy { holder: told, .. }) => {
                assert_eq!(told, format!("user {}", holder.id));
                true
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn users_keep_each_other_out() {
    let machine = Machine::new();
    let (root, deploy, alice) = (machine.user(0), machine.user(2001), machine.user(2002));
    for (first, second) in [(&deploy, &alice), (&alice, &deploy), (&alice, &root), (&root, &alice)] {
        let held = machine.take(first, 0).await.unwrap();
        for user in [&root, &deploy, &alice] {
            assert!(machine.is_refused(user, first).await, "{} beside {}", user.id, first.id);
        }
        let (waited, released) = tokio::join!(machine.take(second, 30), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            held.release().await
        });
        released.unwrap();
        waited.expect("a released lock is free").release().await.unwrap();
    }
    let held = machine.take(&deploy, 0).await.unwrap();
    let file = fs::metadata(machine.path("lock/windlass/web")).unwrap();
    assert_eq!(file.mode() & 0o7777, 0o666);
    held.release().await.unwrap();
}

/// The files of locks in a directory of the machine.
fn files_in(machine: &Machine, directory: &str) -> usize {
    fs::read_dir(machine.path(directory)).unwrap().count()
}

#[tokio::test]
async fn a_lock_that_is_let_go_leaves_no_file() {
    let machine = Machine::new();
    let (root, deploy, alice) = (machine.user(0), machine.user(2001), machine.user(2002));
    for user in [&deploy, &alice, &root, &deploy] {
        machine.take(user, 0).await.unwrap().release().await.unwrap();
        assert_eq!(files_in(&machine, &format!("{}/.windlass/locks", user.id)), 0);
        assert_eq!(files_in(&machine, "lock/windlass"), 0, "after {}", user.id);
    }
    // One that another user has made stays, and is no lock.
    let (held, waited) = (machine.take(&deploy, 0).await.unwrap(), machine.take(&alice, 30));
    let (waited, released) = tokio::join!(waited, async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        held.release().await
    });
    released.unwrap();
    waited.unwrap().release().await.unwrap();
    assert_eq!(files_in(&machine, "lock/windlass"), 0, "who waited made a new one");
    fs::write(machine.path("lock/windlass/web"), "").unwrap();
    allow(&machine.path("lock/windlass/web"), 0o666);
    machine.take(&deploy, 0).await.unwrap().release().await.unwrap();
    assert_eq!(files_in(&machine, "lock/windlass"), 1);
    machine.take(&alice, 0).await.unwrap().release().await.unwrap();
}

#[tokio::test]
async fn of_many_who_take_and_let_go_one_has_it() {
    const EACH: usize = 12;
    let machine = Machine::new();
    let [deploy, alice, bob] = [2001, 2002, 2003].map(|id| machine.user(id));
    let holders = AtomicUsize::new(0);
    let work = async |user: &User| {
        for _ in 0..EACH {
            let lock = machine.take(user, 120).await.unwrap();
            assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0, "two have it");
            tokio::task::yield_now().await;
            lock.still_held().await.unwrap();
            holders.fetch_sub(1, Ordering::SeqCst);
            lock.release().await.unwrap();
        }
    };
    tokio::join!(work(&deploy), work(&deploy), work(&alice), work(&alice), work(&bob));
    assert_eq!(files_in(&machine, "lock/windlass"), 0);
}

#[tokio::test]
async fn a_link_in_place_of_the_shared_directory_costs_nobody_a_file() {
    let machine = Machine::new();
    let (deploy, mallory) = (machine.user(2001), 2003);
    let directory = machine.path("lock/windlass");
    fs::create_dir(&directory).unwrap();
    allow(&directory, 0o1777);
    chown(&directory, Some(mallory), Some(mallory)).unwrap();
    let held = machine.take(&deploy, 0).await.unwrap();
    // The very file that is held, under a name that belongs to somebody else.
    let precious = machine.path("precious");
    fs::rename(&directory, &precious).unwrap();
    symlink(&precious, &directory).unwrap();
    held.release().await.unwrap();
    assert!(precious.join("web").exists());
}

#[tokio::test]
async fn the_directory_of_another_user_is_taken_over_by_root() {
    let machine = Machine::new();
    let (root, deploy) = (machine.user(0), machine.user(2001));
    machine.take(&deploy, 0).await.unwrap().release().await.unwrap();
    let owner = || fs::symlink_metadata(machine.path("lock/windlass")).unwrap();
    assert_eq!((owner().uid(), owner().mode() & 0o7777), (2001, 0o1777));
    let held = machine.take(&root, 0).await.unwrap();
    assert_eq!((owner().uid(), owner().mode() & 0o7777), (0, 0o1777));
    assert!(machine.is_refused(&deploy, &root).await);
    held.release().await.unwrap();
}

#[tokio::test]
async fn where_nothing_is_shared_each_user_is_alone() {
    let machine = Machine::new();
    allow(&machine.path("lock"), 0o755);
    let (deploy, alice) = (machine.user(2001), machine.user(2002));
    let held = machine.take(&deploy, 0).await.unwrap();
    assert!(machine.is_refused(&deploy, &deploy).await);
    assert!(!machine.is_refused(&alice, &deploy).await);
    held.release().await.unwrap();
}

#[tokio::test]
async fn what_another_user_has_planted_is_not_followed() {
    let machine = Machine::new();
    let (root, mallory) = (machine.user(0), 2003);
    let precious = machine.path("precious");
    fs::write(&precious, "precious").unwrap();
    let untouched = || {
        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
        assert_eq!(fs::metadata(&precious).unwrap().mode() & 0o777, 0o600);
    };
    allow(&precious, 0o600);
    let (directory, file) = (machine.path("lock/windlass"), machine.path("lock/windlass/web"));

    fs::create_dir(&directory).unwrap();
    chown(&directory, Some(mallory), Some(mallory)).unwrap();
    for target in [precious.as_path(), Path::new("/dev/zero"), Path::new("/nowhere"), machine.0.path()] {
        symlink(target, &file).unwrap();
        machine.take(&root, 0).await.unwrap().release().await.unwrap();
        untouched();
        fs::remove_file(&file).unwrap();
    }
    fs::remove_dir(&directory).unwrap();

    let elsewhere = machine.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, &directory).unwrap();
    machine.take(&root, 0).await.unwrap().release().await.unwrap();
    let there = fs::metadata(&elsewhere).unwrap();
    assert_eq!((fs::read_dir(&elsewhere).unwrap().count(), there.mode() & 0o7777), (0, 0o755));
}

#[tokio::test]
async fn a_lock_of_an_earlier_version_counts() {
    let machine = Machine::new();
    let deploy = machine.user(2001);
    let locks = deploy.home.join(".windlass/locks");
    fs::create_dir_all(&locks).unwrap();
    let path = locks.join("web");
    fs::write(&path, "user 2001").unwrap();
    for path in [&deploy.home.join(".windlass"), &locks, &path] {
        chown(path, Some(2001), Some(2001)).unwrap();
    }
    let script = format!("exec 9>>{} && flock 9 && echo held && cat", path.display());
    let mut earlier = Local::new().start(&Command::new(["sh", "-c", &script])).await.unwrap();
    let mut line = String::new();
    BufReader::new(&mut earlier.stdout).read_line(&mut line).await.unwrap();
    assert_eq!(line, "held\n");
    assert!(machine.is_refused(&deploy, &deploy).await);
}

/// Nobody is heard of for longer than this, unless a test is about that.
const SHORT: Terms = Terms {
    stands: Duration::from_secs(2),
    renewal: Duration::from_secs(3600),
    patience: Duration::from_secs(1),
};

/// How the lock was lost; waits until its owner can know.
async fn lost(lock: &Lock) -> LostBecause {
    loop {
        match lock.still_held().await {
            Err(lost) => return lost.why,
            Ok(()) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

#[tokio::test]
async fn a_holder_who_is_not_heard_of_any_more_is_waited_for_until_its_time_is_over() {
    let machine = Machine::new();
    let (deploy, alice) = (machine.user(2001), machine.user(2002));
    let vanished = machine.take_on(&deploy, 0, SHORT).await.unwrap();
    let next =
        machine.take_on(&alice, 1, SHORT).await.expect("its time is over two seconds after it was taken");
    assert_eq!(lost(&vanished).await, LostBecause::Late);
    next.still_held().await.unwrap();
}

#[tokio::test]
async fn a_holder_who_is_heard_of_keeps_the_lock_for_as_long_as_it_likes() {
    let machine = Machine::new();
    let (deploy, alice) = (machine.user(2001), machine.user(2002));
    // A busy machine may not come to a renewal for some seconds.
    let terms = Terms { stands: Duration::from_secs(15), renewal: Duration::from_millis(300), ..SHORT };
    let held = machine.take_on(&deploy, 0, terms).await.unwrap();
    tokio::time::sleep(Duration::from_secs(16)).await;
    held.still_held().await.unwrap();
    let Err(LockError::Busy { free_in, .. }) = machine.take_on(&alice, 0, terms).await else {
        panic!("the lock is held")
    };
    assert!(free_in.is_some_and(|time| time <= terms.stands), "{free_in:?}");
    held.release().await.unwrap();
}

#[tokio::test]
async fn who_loses_a_lock_is_told() {
    let machine = Machine::new();
    let deploy = machine.user(2001);
    for (file, directory) in [("web", "lock/windlass"), ("web", "2001/.windlass/locks")] {
        let held = machine.take(&deploy, 0).await.unwrap();
        held.still_held().await.unwrap();
        fs::remove_file(machine.path(directory).join(file)).unwrap();
        assert_eq!(lost(&held).await, LostBecause::Removed, "{directory}");
        held.release().await.unwrap();
    }
}

#[tokio::test]
async fn a_lock_whose_process_ends_is_lost_and_free() {
    let machine = Machine::new();
    let (deploy, alice) = (machine.user(2001), machine.user(2002));
    let held = machine.take(&deploy, 0).await.unwrap();
    let place = machine.path("lock/windlass");
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let words = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        if words.contains("windlass-lock") && words.contains(place.to_str().unwrap()) {
            let pid = entry.file_name().into_string().unwrap();
            let killed = std::process::Command::new("kill").args(["-KILL", &pid]).status();
            assert!(killed.unwrap().success());
        }
    }
    assert_eq!(lost(&held).await, LostBecause::Ended);
    machine.take(&alice, 0).await.expect("nobody has it").release().await.unwrap();
}
