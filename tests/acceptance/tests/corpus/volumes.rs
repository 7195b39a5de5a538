//! Docker volumes: by root's directory, and by a container where Docker is all that a login may use.

use std::fs;

use acceptance_tests::{Scratch, unique};
use lab::{Lab, Variant};
use serde_json::json;

use crate::{Corpus, MAKE};

const BACKUP: &str = "windlass_corpus_backup.it";

/// A volume of a test, removed when dropped.
struct Volume<'a> {
    place: &'a Scratch<'a>,
    name: String,
}

impl<'a> Volume<'a> {
    /// Names one, and makes it if that is said.
    fn on(place: &'a Scratch<'a>, is_made: bool) -> Self {
        let name = unique("corpus");
        if is_made {
            place.root_runs(&["docker", "volume", "create", &name]);
        }
        Self { place, name }
    }

    /// Where its data are.
    fn data(&self) -> String {
        let words = ["docker", "volume", "inspect", "-f", "{{.Mountpoint}}", &self.name];
        self.place.root_runs(&words).trim().to_owned()
    }

    fn tree(&self) -> String {
        Corpus::tree(self.place, &self.data())
    }

    fn remove(&self) {
        self.place.root_runs(&["docker", "volume", "rm", "-f", &self.name]);
    }
}

impl Drop for Volume<'_> {
    fn drop(&mut self) {
        self.remove();
    }
}

fn attribute(volume: &Volume<'_>, more: &str) -> String {
    format!("volume = \"{}\"\n  {more}", volume.name)
}

#[test]
fn a_volume_is_backed_up_and_comes_back_by_root_and_by_docker_alone() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::new(&lab);
    let deploy = Scratch::on(&lab, lab.host(Variant::Deploy).unwrap());
    let (by_root, by_docker) = (Volume::on(&corpus.from, true), Volume::on(&deploy, true));

    for (volume, other) in [(&by_root, &by_docker), (&by_docker, &by_root)] {
        volume.place.root_runs(&["sh", "-c", MAKE, "make", &volume.data()]);
        volume.place.root_runs(&["chown", "70:71", &volume.data()]);
        volume.place.root_runs(&["chmod", "2750", &volume.data()]);
        corpus.back_up_from(volume.place.host(), &attribute(volume, ""));
        corpus.workspace.converge();
        assert_eq!(corpus.workspace.state(BACKUP)["file_count"], json!(8));
        // To the other kind of login: a volume that is new, and one that is empty.
        for is_made in [false, true] {
            let target = Volume::on(other.place, is_made);
            corpus.restore_to(other.place.host(), &attribute(&target, ""));
            corpus.workspace.converge();
            assert_eq!(target.tree(), volume.tree(), "{is_made}");
            fs::remove_file(corpus.workspace.path().join("restore.tf")).unwrap();
            corpus.workspace.apply().expect_success();
            assert!(target.data().starts_with('/'), "destroying deletes nothing");
        }
        fs::remove_file(corpus.workspace.path().join("backup.tf")).unwrap();
        corpus.workspace.apply().expect_success();
    }
    // Nothing but the empty image is left.
    for volume in [&by_root, &by_docker] {
        let words = ["docker", "ps", "-aq", "--filter", &format!("volume={}", volume.name)];
        assert_eq!(volume.place.root_runs(&words).trim(), "");
    }
}

#[test]
fn data_of_a_volume_go_only_where_that_was_said_and_nobody_uses_it() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::new(&lab);
    let deploy = Scratch::on(&lab, lab.host(Variant::Deploy).unwrap());
    let source = Volume::on(&corpus.from, true);
    source.place.root_runs(&["sh", "-c", MAKE, "make", &source.data()]);
    corpus.back_up_from(source.place.host(), &attribute(&source, ""));
    corpus.workspace.apply().expect_success();

    let (by_root, by_docker) = (Volume::on(&corpus.to, true), Volume::on(&deploy, true));
    for volume in [&by_root, &by_docker] {
        volume.place.write(&format!("{}/live", volume.data()), "data");
        let live = || volume.place.read(&format!("{}/live", volume.data()));
        corpus.restore_to(volume.place.host(), &attribute(volume, ""));
        corpus.workspace.apply().expect_error().says("is not empty").says("as it was");
        assert_eq!(live().as_deref(), Some("data"));
    }
    let overwrite = |volume: &Volume<'_>| {
        attribute(volume, &format!("overwrite = true\n  confirm = \"{}\"", volume.name))
    };
    corpus.restore_to(deploy.host(), &overwrite(&by_docker));
    corpus.workspace.apply().expect_error().says("root can replace").says("as it was");
    assert_eq!(deploy.read(&format!("{}/live", by_docker.data())).as_deref(), Some("data"));

    // A container that runs has the old data open.
    let image = lab.image("busybox").unwrap();
    let run = format!("{}:/data", by_root.name);
    let container = corpus.to.root_runs(&["docker", "run", "-d", "-v", &run, image, "sleep", "1000"]);
    corpus.restore_to(corpus.to.host(), &overwrite(&by_root));
    corpus.workspace.apply().expect_error().says("containers that run").says("as it was");
    assert_eq!(corpus.to.read(&format!("{}/live", by_root.data())).as_deref(), Some("data"));
    corpus.to.root_runs(&["docker", "rm", "-f", container.trim()]);
    corpus.workspace.converge();
    assert_eq!(by_root.tree(), source.tree());

    // What is corrupt leaves an empty volume empty, and a new one is none.
    let archive = corpus.store().join(&corpus.snapshots()[0]).join("snapshot.tar.zst");
    let mut bytes = fs::read(&archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&archive, &bytes).unwrap();
    let (empty, new) = (Volume::on(&deploy, true), Volume::on(&deploy, false));
    for target in [&empty, &new] {
        corpus.restore_to(deploy.host(), &attribute(target, ""));
        corpus.workspace.apply().expect_error().says("not what was stored").says("as it was");
    }
    assert_eq!(deploy.root_runs(&["ls", "-A", &empty.data()]).trim(), "");
    let names = deploy.root_runs(&["docker", "volume", "ls", "-q"]);
    assert!(!names.contains(&new.name), "{names}");
}
