//! Locks.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    Error, Executor,
    lock::{Lock, LockError, SHARED},
};

use super::shell;

pub(super) async fn lock(exec: &dyn Executor) {
    let name =
        format!("conformance-{:?}", std::time::Instant::now()).replace(|c: char| !c.is_alphanumeric(), "-");
    let never = CancellationToken::new();
    let take = |holder: &'static str, wait: u64| {
        let (name, never) = (&name, &never);
        async move { Lock::acquire(exec, name, holder, Duration::from_secs(wait), never).await }
    };

    let first = take("first\nof all", 0).await.expect("the lock is free");
    for wait in [0, 1] {
        let Err(LockError::Busy { holder, .. }) = take("second", wait).await else {
            panic!("the lock is held")
        };
        assert_eq!(holder, "first of all");
    }
    let (second, released) = tokio::join!(take("second", 30), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        first.release().await
    });
    released.expect("the lock can be released");
    let second = second.expect("a released lock is free");

    let cancel = CancellationToken::new();
    let waiting = Lock::acquire(exec, &name, "third", Duration::from_secs(600), &cancel);
    let (cancelled, ()) = tokio::join!(waiting, async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        cancel.cancel();
    });
    assert!(matches!(cancelled, Err(LockError::Remote(Error::Cancelled))));

    drop(second);
    take("fourth", 30).await.expect("a dropped lock is free").release().await.expect("the lock is released");
    shell(exec, r#"rm -f -- "$HOME/.windlass/locks/$1" "$2/$1""#, &[&name, SHARED]).await;
}
