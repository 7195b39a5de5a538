//! Sizes: 64 MB of content through plan, apply and read.

use std::fs;

use protocol_tests::Stored;
use tfvalue::Value;

use crate::subject::{MODES, Subject, plan};

const MEGABYTES_64: usize = 64 << 20;

#[tokio::test]
async fn a_content_of_64_megabytes_is_planned() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let content = "0123456789abcde\n".repeat(MEGABYTES_64 / 16);
        let config = subject.file_config("big", [("content", Value::from(content))]);
        let planned = plan(&subject.file(), &Stored::default(), &config).await;
        assert_eq!(planned.planned.value.attribute("content"), config.attribute("content"));
        subject.end().await;
    }
}

#[tokio::test]
async fn a_content_of_8_megabytes_is_written_and_read() {
    let subject = Subject::configured(MODES[0]).await;
    let content = "0123456789abcde\n".repeat(MEGABYTES_64 / 8 / 16);
    let config = subject.file_config("big", [("content", Value::from(content.as_str()))]);
    let stored = subject.make(&subject.file(), &Stored::default(), &config).await;
    assert!(fs::read_to_string(subject.path("big")).unwrap() == content);
    let read = subject.file().read(&stored).await.unwrap();
    assert!(read.stored.value == stored.value && read.problems.is_empty());
    subject.end().await;
}
