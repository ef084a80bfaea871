//! Row "old and new version side by side" (RESILIENCE.md section 5): two servers on the same manifests give equal answers.
//!
//! `CLUSTERSET_DNS_OLD=/path/to/clusterset-dns` names the program of the version before; every scenario is compared then.
//! Without it the program stands beside itself, on some of them.

use super::query;
use super::questions::{self, Question};
use crate::daemon::{Daemon, LISTEN};
use crate::wire;
use hickory_proto::op::Message;
use hickory_proto::rr::Record;
use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Of so many scenarios one is compared when there is no other version.
const SAMPLE: usize = 4;

#[test]
fn two_versions_side_by_side_give_equal_answers() {
    let new = PathBuf::from(env!("CARGO_BIN_EXE_clusterset-dns"));
    let old = std::env::var_os("CLUSTERSET_DNS_OLD").map(PathBuf::from);
    let step = if old.is_some() { 1 } else { SAMPLE };
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")).expect("scenarios");
    let mut folders: Vec<PathBuf> = folders.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    let programs = [old.as_ref().unwrap_or(&new), &new];
    let (mut asked, mut different) = (0, Vec::new());
    for folder in folders.iter().step_by(step) {
        let (count, lines) = compare(folder, programs);
        asked += count;
        different.extend(lines);
    }
    assert!(asked >= 40, "{asked} questions were compared");
    assert!(different.is_empty(), "{} of {asked} differ:\n{}", different.len(), different.join("\n"));
}

/// Both programs on one scenario: how many questions, and those with unequal answers.
fn compare(scenario: &Path, programs: [&PathBuf; 2]) -> (usize, Vec<String>) {
    let copy = tempfile::tempdir().unwrap();
    copy_all(scenario, copy.path());
    let config = copy.path().join("config.yaml");
    let text = fs::read_to_string(&config).unwrap_or_default();
    // Listeners of its own cannot stand twice, and API servers there are none.
    if ["listen:", "kubeconfig:", "inCluster"].iter().any(|word| text.contains(word)) {
        return (0, Vec::new());
    }
    fs::write(&config, format!("{LISTEN}{text}")).unwrap();
    let manifests = (!text.contains("source:")).then(|| copy.path().join("clusters"));
    let servers = programs.map(|program| Daemon::start_program(program, &config, manifests.as_deref()));
    let questions = questions::read(&scenario.join("questions.txt"));
    let mut different = Vec::new();
    let mut asked = 0;
    for question in questions.iter().filter(|question| question.status != "DROPPED") {
        let [old, new] = [&servers[0], &servers[1]].map(|server| answer(server.dns(), question));
        asked += 1;
        if old != new {
            different.push(format!("{}: {} {}\n  {old:?}\n  {new:?}", question.place, question.name, question.rtype));
        }
    }
    (asked, different)
}

/// What does not turn with each query: the header without its id, and each section as a set.
type Answer = (Vec<u8>, [BTreeSet<String>; 3]);

fn answer(server: SocketAddr, question: &Question) -> Answer {
    let (_, query) = query::asked(question, &|_| Some(0), 0);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket.send_to(&query, server).unwrap();
    let mut reply = [0; 65_535];
    let length = socket.recv(&mut reply).unwrap_or_else(|error| panic!("{}: {error}", question.place));
    let message = Message::from_vec(&reply[..length]).unwrap_or_else(|error| panic!("{}: {error}", question.place));
    // Of a set that is cut, other records come each time.
    let is_cut = reply[2] & 2 != 0 || question.count.is_some();
    let set = |records: &[Record]| records.iter().map(without_serial).collect();
    let sections = match is_cut {
        true => Default::default(),
        false => [set(&message.answers), set(&message.authorities), set(&message.additionals)],
    };
    (reply[2..if is_cut { 8 } else { 12 }].to_vec(), sections)
}

/// The serial is that of each server's own changes.
fn without_serial(record: &Record) -> String {
    let line = wire::presentation(record);
    let words: Vec<&str> = line.split(' ').collect();
    match words.iter().position(|word| *word == "SOA") {
        Some(at) => words.iter().enumerate().filter(|(i, _)| *i != at + 3).map(|(_, word)| *word).collect(),
        None => line,
    }
}

fn copy_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&target).unwrap();
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
