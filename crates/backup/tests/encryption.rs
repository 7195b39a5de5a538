//! Snapshots that only some can open.

#![allow(clippy::unwrap_used, reason = "what fails in a test fails it")]

mod world;

use std::fs;

use age::secrecy::ExposeSecret as _;
use backup::{Error, Format, MANIFEST, Manifest, Overwrite, latest, rekey, verify};
use remote::conformance::Tools;
use secret::Secret;
use sops::{Identities, Recipient};
use world::World;

/// Who can open something: the private key, and the public one.
fn somebody() -> (Identities, Recipient) {
    let identity = age::x25519::Identity::generate();
    let text = Secret::new(identity.to_string().expose_secret());
    let recipient = identity.to_public().to_string().parse().unwrap();
    (Identities::of_text(&text, "the test").unwrap(), recipient)
}

/// A world with a corpus that tells itself, and an encrypted snapshot of it.
async fn taken(format: Format, to: &[Recipient]) -> (World, Manifest) {
    let world = World::new();
    fs::write(world.source().join("tell-tale-name"), "tell-tale-content ".repeat(10_000)).unwrap();
    fs::File::create(world.source().join("tell-tale-hole")).unwrap().set_len(1 << 20).unwrap();
    let tools = Tools::here();
    let taking = world.taking(&tools).with(|taking| {
        taking.encrypt_to = to;
        taking.format = format;
    });
    let manifest = taking.take().await.unwrap();
    (world, manifest)
}

#[tokio::test]
async fn who_it_is_for_opens_it_and_nobody_else() {
    let ((one, for_one), (other, for_other), (stranger, _)) = (somebody(), somebody(), somebody());
    let to = [for_one, for_other];
    for format in Format::ARCHIVES {
        let (mut world, manifest) = taken(format, &to).await;
        let (found, _) = latest(&world.store(), &world.name).await.unwrap();
        assert_eq!(found, manifest);
        // Whoever keeps it can tell that it is whole, and no more.
        verify(&world.store(), &found).await.unwrap();
        let folder = world.root().join("store").join(found.snapshot.to_string());
        for file in fs::read_dir(folder).unwrap() {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(9).any(|window| window == b"tell-tale"), "{format:?}");
        }
        assert_eq!((found.entries.len(), found.totals.files), (0, 2));

        let error = found.unlock(&stranger).unwrap_err();
        let Error::Locked { recipients, identities: 1, .. } = &error else { panic!("{error:?}") };
        assert!(recipients.contains(to[0].as_str()) && recipients.contains(to[1].as_str()));
        let error = world.restore(&Tools::here(), &found, Overwrite::Never).await.unwrap_err();
        assert!(matches!(error, Error::Locked { .. }), "{error:?}");
        assert_eq!(world.beside_target(), ["source", "store"], "nothing was touched");
        for identities in [&one, &other] {
            world.key = found.unlock(identities).unwrap();
            assert_eq!(format!("{:?}", world.key), "Some(SnapshotKey([secret]))");
            world.restore(&Tools::here(), &found, Overwrite::Never).await.unwrap();
            assert_eq!(world::tree(&world.target(), false), world::tree(&world.source(), false));
            fs::remove_dir_all(world.target()).unwrap();
        }
    }
}

#[tokio::test]
async fn every_snapshot_has_a_key_of_its_own() {
    let (identities, recipient) = somebody();
    let (mut world, first) = taken(Format::Tar, &[recipient]).await;
    let (_, second) = taken(Format::Tar, &[somebody().1]).await;
    world.key = first.unlock(&identities).unwrap();
    second.unlock(&identities).unwrap_err();
    // What the one key opens is not what the other one has made.
    let forged = Manifest { encryption: second.encryption.clone(), ..first.clone() };
    let error = world.restore(&Tools::here(), &forged, Overwrite::Never).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert_eq!(world.beside_target(), ["source", "store"]);
}

#[tokio::test]
async fn recipients_change_and_what_is_stored_stays() {
    let ((old, for_old), (new, for_new)) = (somebody(), somebody());
    let (mut world, manifest) = taken(Format::TarZst, std::slice::from_ref(&for_old)).await;
    let folder = world.root().join("store").join(manifest.snapshot.to_string());
    let part = folder.join(&manifest.parts[0].file);
    let before = (fs::read(&part).unwrap(), fs::metadata(&part).unwrap().modified().unwrap());

    // Who cannot open it cannot give it to others, and spoils nothing.
    rekey(&world.store(), &manifest, &new, std::slice::from_ref(&for_new)).await.unwrap_err();
    assert_eq!(latest(&world.store(), &world.name).await.unwrap().0, manifest);
    rekey(&world.store(), &manifest, &old, std::slice::from_ref(&for_new)).await.unwrap();
    let (rekeyed, broken) = latest(&world.store(), &world.name).await.unwrap();
    assert_eq!(broken.len(), 0);
    assert_eq!(before, (fs::read(&part).unwrap(), fs::metadata(&part).unwrap().modified().unwrap()));
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.count(), 2, "nothing else is left");
    assert_eq!(rekeyed.encryption.as_ref().unwrap().recipients, [for_new.as_str()]);
    rekeyed.unlock(&old).unwrap_err();
    world.key = rekeyed.unlock(&new).unwrap();
    world.restore(&Tools::here(), &rekeyed, Overwrite::Never).await.unwrap();
    assert_eq!(world::tree(&world.target(), false), world::tree(&world.source(), false));

    // One that everybody can read has no envelope to change.
    let open = world.taking(&Tools::here()).take().await.unwrap();
    let error = rekey(&world.store(), &open, &new, &[for_old]).await.unwrap_err();
    assert!(matches!(error, Error::NotEncrypted { .. }), "{error:?}");
}

#[tokio::test]
async fn one_bit_or_a_missing_end_is_enough() {
    let (identities, recipient) = somebody();
    let (mut world, manifest) = taken(Format::Tar, &[recipient]).await;
    world.key = manifest.unlock(&identities).unwrap();
    let folder = world.root().join("store").join(manifest.snapshot.to_string());
    let part = folder.join(&manifest.parts[0].file);
    let whole = fs::read(&part).unwrap();
    for at in (0..10).map(|tenth| whole.len() * tenth / 10).chain([whole.len() - 1]) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&part, &bytes).unwrap();
        world.restore(&Tools::here(), &manifest, Overwrite::Never).await.unwrap_err();
        fs::write(&part, &whole[..at]).unwrap();
        world.restore(&Tools::here(), &manifest, Overwrite::Never).await.unwrap_err();
        assert_eq!(world.beside_target(), ["source", "store"]);
    }
    let document = fs::read(folder.join(MANIFEST)).unwrap();
    assert!(!document.windows(9).any(|window| window == b"tell-tale"));
}
