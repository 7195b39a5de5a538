//! ValidateDataSourceConfig and ReadDataSource.

use tfvalue::Value;

use crate::{
    apply::closed_port,
    subject::{MODES, Subject, assert_says, only_error, text},
};

#[tokio::test]
async fn this_machine_tells_its_facts() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let shape = subject.data_source("windlass_host").unwrap();
        let config = shape.config([("host", "local://")]).unwrap();
        assert_eq!(subject.validate_data_source(&shape, &config).await.unwrap(), []);
        let (state, problems) = subject.read_data_source(&shape, &config).await.unwrap();
        assert_eq!(problems, []);
        let uname = std::process::Command::new("uname").arg("-m").output().unwrap();
        assert_eq!(text(&state, "arch"), String::from_utf8(uname.stdout).unwrap().trim());
        let machine_id = std::fs::read_to_string("/etc/machine-id").unwrap();
        assert_eq!(text(&state, "machine_id"), machine_id.trim());
        assert!(state.is_wholly_known());
        subject.end().await;
    }
}

#[tokio::test]
async fn a_wrong_connection_blames_the_attribute() {
    for mode in MODES {
        let subject = Subject::start(mode).await;
        let shape = subject.data_source("windlass_host").unwrap();
        let config = shape.config([("host", "http://web")]).unwrap();
        let problems = subject.validate_data_source(&shape, &config).await.unwrap();
        assert_eq!(only_error(&problems).path, "host");
        let config = shape.config([("host", Value::Unknown)]).unwrap();
        assert_eq!(subject.validate_data_source(&shape, &config).await.unwrap(), []);
        subject.end().await;
    }
}

#[tokio::test]
async fn a_machine_that_does_not_answer_is_an_error() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let shape = subject.data_source("windlass_host").unwrap();
        let connection = format!("ssh://root@127.0.0.1:{}", closed_port());
        let config = shape.config([("host", connection)]).unwrap();
        let (state, problems) = subject.read_data_source(&shape, &config).await.unwrap();
        assert_eq!(state, Value::Null);
        assert_says(only_error(&problems), &["Could not read host", "did not answer", "Nothing was changed"]);
        subject.end().await;
    }
}
