//! Faults of disks and of processes: what is loaded is whole, or is not loaded.

use super::*;
use crate::model::ClusterId;
use crate::model::fact::{ExportFact, NamespaceFact, Origin};
use crate::model::{Fact, ServiceKey};
use std::fs::{self, Permissions};
use std::io::Cursor;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

const NOW: UnixMillis = 1_800_000_000_000;

fn facts(name: &str, count: usize) -> Vec<Fact> {
    let name = &*name.replace('.', "-");
    let namespace = Fact::Namespace(NamespaceFact { name: name.into(), origin: Origin::Api { resource_version: 4 } });
    let export = |number: usize| {
        Fact::Export(Box::new(ExportFact {
            key: ServiceKey::new(name, &format!("web-{number}")),
            created: Some(1_700_000_000),
            deleting: false,
            exported: Default::default(),
            own: Default::default(),
            origin: Origin::Api { resource_version: 1 + number as u64 },
        }))
    };
    std::iter::once(namespace).chain((0..count).map(export)).collect()
}

fn section(cluster: &str, count: usize) -> Section {
    Section {
        cluster: ClusterId::new(cluster),
        uid: format!("uid of {cluster}"),
        contact: NOW - 5_000,
        facts: facts(cluster, count),
    }
}

fn serials() -> Vec<(String, u32)> {
    vec![("clusterset.local.".to_owned(), 1_799_999_999), ("global.".to_owned(), 7)]
}

fn write<W: std::io::Write + std::io::Seek>(encoder: &mut Encoder<W>, section: &Section) -> std::io::Result<()> {
    encoder.begin(&section.cluster, &section.uid)?;
    let (first, rest) = section.facts.split_at(1);
    encoder.add(first)?;
    encoder.add(rest)?;
    encoder.end(section.contact)
}

fn octets(sections: &[Section]) -> Vec<u8> {
    let mut encoder = Encoder::new(Cursor::new(Vec::new()), NOW, &serials()).unwrap();
    sections.iter().for_each(|section| write(&mut encoder, section).unwrap());
    let (out, length) = encoder.finish().unwrap();
    let mut octets = out.into_inner();
    octets.truncate(length as usize);
    octets
}

fn loaded(octets: &[u8]) -> Result<Loaded, Ignored> {
    read(Cursor::new(octets), |_| true, NOW, None)
}

fn three() -> [Section; 3] {
    [section("east", 2), section("north", 0), section("west.prod", 3)]
}

#[test]
fn reads_what_was_written() {
    let loaded = loaded(&octets(&three())).unwrap();
    assert_eq!(loaded, Loaded { written: NOW, serials: serials(), sections: three().into(), damaged: Vec::new() });
}

#[test]
fn a_flipped_octet_costs_one_cluster_or_the_whole() {
    let (good, three) = (octets(&three()), three());
    for at in 0..good.len() {
        for mask in [1, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[at] ^= mask;
            match loaded(&bad) {
                Err(Ignored::NoSnapshot | Ignored::Version(_) | Ignored::Damaged) => assert!(at < 60, "{at}"),
                Err(other) => panic!("{at}: {other}"),
                Ok(found) => {
                    assert_eq!((found.serials, found.written), (serials(), NOW), "{at}");
                    assert_eq!(found.sections.len(), 2, "{at}: exactly one section is lost");
                    assert!(found.sections.iter().all(|section| three.contains(section)), "{at}");
                    assert!(found.damaged.len() <= 1, "{at}");
                }
            }
        }
    }
}

#[test]
fn a_cut_file_keeps_what_is_whole() {
    let good = octets(&three());
    let first = good.windows(4).position(|window| window == MARKER).unwrap();
    for length in 0..good.len() {
        match loaded(&good[..length]) {
            Err(_) => assert!(length < first, "{length}"),
            Ok(found) => {
                assert!(length >= first && found.sections.len() < 3, "{length}");
                assert!(found.sections.iter().zip(&three()).all(|(section, whole)| section == whole), "{length}");
            }
        }
    }
}

#[test]
fn octets_in_between_and_behind_are_passed_over() {
    let mut bad = octets(&three());
    bad.extend_from_slice(b"\xff\xffSEC\xffSE");
    let second = bad.windows(4).enumerate().filter(|(_, window)| window == MARKER).nth(1).unwrap().0;
    bad.splice(second..second, b"\xffSEC\x04junk".iter().copied());
    assert_eq!(loaded(&bad).unwrap().sections, three());
}

#[test]
fn other_versions_and_old_files_are_ignored_whole() {
    let mut newer = octets(&three());
    newer[11] = 2;
    assert_eq!(loaded(&newer).unwrap_err().to_string(), "its format has version 2, this program reads 1");
    assert_eq!(loaded(b"").unwrap_err().to_string(), "it is no snapshot");
    let at = |now, most: u64| read(Cursor::new(octets(&three())), |_| true, now, Some(Duration::from_secs(most)));
    let error = at(NOW + 61_000, 60).unwrap_err();
    assert_eq!(error.to_string(), "it is 61 s old, more than snapshot.maxAge of 60 s");
    assert!(at(NOW + 60_000, 60).is_ok() && at(NOW - 900_000, 60).is_ok(), "a clock that was set back");
}

#[test]
fn only_wanted_clusters_are_loaded_each_once() {
    let twice = [section("east", 1), section("east", 2), section("gone", 1)];
    let found = read(Cursor::new(octets(&twice)), |id| id.as_str() != "gone", NOW, None).unwrap();
    assert_eq!(found.sections, [section("east", 1)]);
}

#[test]
fn a_section_with_an_object_that_cannot_be_read_is_not_loaded() {
    let body = octets(&[section("east", 1)]);
    let at = body.windows(4).position(|window| window == b"kind").unwrap();
    let mut other = body.clone();
    other[at] = b'K';
    // With the right sums, as another program would write it.
    let start = body.windows(4).position(|window| window == MARKER).unwrap() + 4;
    let text = start + 1 + 4 + 1 + "uid of east".len();
    let crc = crc32c::crc32c(&other[text + 8 + 8 + 4 + 4..]);
    other[text + 16..text + 20].copy_from_slice(&crc.to_be_bytes());
    let head = crc32c::crc32c(&other[start..text + 20]);
    other[text + 20..text + 24].copy_from_slice(&head.to_be_bytes());
    let found = loaded(&other).unwrap();
    assert_eq!((found.sections, found.damaged), (Vec::new(), vec![ClusterId::new("east")]));
}

#[test]
fn an_abandoned_section_leaves_no_trace() {
    let mut encoder = Encoder::new(Cursor::new(Vec::new()), NOW, &serials()).unwrap();
    write(&mut encoder, &section("east", 1)).unwrap();
    encoder.begin(&ClusterId::new("gone"), "").unwrap();
    encoder.add(&facts("gone", 50)).unwrap();
    encoder.abandon().unwrap();
    write(&mut encoder, &section("west", 1)).unwrap();
    let (out, length) = encoder.finish().unwrap();
    assert_eq!(
        loaded(&out.into_inner()[..length as usize]).unwrap().sections,
        [section("east", 1), section("west", 1)]
    );
}

/// Writes a snapshot of one cluster into a folder.
fn save(folder: &Path, section: &Section) -> std::io::Result<u64> {
    let mut draft = Draft::create(folder, NOW, &serials())?;
    write(draft.encoder(), section)?;
    draft.finish()
}

fn sections(folder: &Path) -> Vec<Section> {
    load(folder, |_| true, NOW, None).map(|found| found.sections).unwrap_or_default()
}

#[test]
fn files_are_for_their_owner_only() {
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("a/b");
    let octets = save(&folder, &section("east", 1)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join("snapshot"))), (0o700, 0o600));
    assert_eq!(fs::metadata(folder.join("snapshot")).unwrap().len(), octets);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn links_are_not_followed() {
    let above = tempfile::tempdir().unwrap();
    let (folder, other) = (above.path().join("folder"), above.path().join("other"));
    save(&other, &section("east", 1)).unwrap();
    symlink(&other, &folder).unwrap();
    assert!(save(&folder, &section("west", 1)).unwrap_err().to_string().contains("symbolic link"));
    assert!(matches!(load(&folder, |_| true, NOW, None), Err(Ignored::Unreadable(_))));
    fs::remove_file(&folder).unwrap();

    fs::create_dir(&folder).unwrap();
    symlink(other.join("snapshot"), folder.join("snapshot")).unwrap();
    symlink(other.join("target"), folder.join("snapshot.new")).unwrap();
    assert!(matches!(load(&folder, |_| true, NOW, None), Err(Ignored::Unreadable(_))));
    save(&folder, &section("west", 1)).unwrap();
    assert_eq!((sections(&folder), sections(&other)), (vec![section("west", 1)], vec![section("east", 1)]));
    assert!(!other.join("target").exists());
}

#[test]
fn a_writer_that_dies_leaves_the_file_of_before() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (section("east", 1), section("east", 40));
    save(folder.path(), &old).unwrap();
    let whole = octets(std::slice::from_ref(&new));
    for cut in (0..=whole.len()).step_by(97) {
        // What a killed process leaves: any part of the draft, and nothing renamed.
        fs::write(folder.path().join("snapshot.new"), &whole[..cut]).unwrap();
        assert_eq!(sections(folder.path()), std::slice::from_ref(&old), "{cut}");
    }
    let mut dropped = Draft::create(folder.path(), NOW, &serials()).unwrap();
    dropped.encoder().begin(&new.cluster, "").unwrap();
    drop(dropped);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    save(folder.path(), &new).unwrap();
    assert_eq!(sections(folder.path()), [new]);
}

#[test]
fn a_full_disk_is_an_error_at_whatever_octet() {
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert!(Encoder::new(full(), NOW, &serials()).is_err());
    for count in [1, 5_000] {
        let buffered = std::io::BufWriter::new(full());
        let mut encoder = Encoder::new(buffered, NOW, &serials()).unwrap();
        let written = write(&mut encoder, &section("east", count)).and_then(|()| encoder.finish().map(drop));
        assert_eq!(written.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    }
}

#[test]
fn a_folder_that_cannot_be_written_keeps_its_file() {
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), &section("east", 1)).unwrap();
    let path = folder.path().join("snapshot.new");
    fs::create_dir(&path).unwrap();
    assert!(save(folder.path(), &section("east", 2)).is_err(), "the place of the draft is taken");
    assert_eq!(sections(folder.path()), [section("east", 1)]);
    fs::remove_dir(&path).unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o500)).unwrap();
    // Permissions do not bind root, whose write then succeeds.
    let written = save(folder.path(), &section("east", 2));
    let kept = if written.is_ok() { 2 } else { 1 };
    assert_eq!(sections(folder.path()), [section("east", kept)]);
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
}
