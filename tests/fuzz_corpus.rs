//! Replays the checked-in fuzz corpora: what was found once stays found.

use std::path::Path;

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&folder).expect("the corpus of the target is checked in");
    let mut inputs = 0;
    for entry in entries {
        let path = entry.expect("the corpus can be listed").path();
        println!("{}", path.display());
        check(&std::fs::read(&path).expect("the corpus can be read"));
        inputs += 1;
    }
    assert!(inputs > 0, "{} holds no input", folder.display());
}

#[cfg(feature = "kubernetes")]
#[test]
fn kubeconfig() {
    replay("kubeconfig", fuzz::kubeconfig::check);
}

#[test]
fn manifest() {
    replay("manifest", fuzz::manifest::check);
}

#[test]
fn merge_algebra() {
    replay("merge_algebra", fuzz::merge_algebra::check);
}

#[test]
fn query_vs_hickory() {
    replay("query_vs_hickory", fuzz::query_vs_hickory::check);
}

#[test]
fn respond() {
    replay("respond", fuzz::respond::check);
}

#[test]
fn snapshot() {
    replay("snapshot", fuzz::snapshot::check);
}

#[test]
fn tcp_frames() {
    replay("tcp_frames", fuzz::tcp_frames::check);
}

#[test]
fn watch_line() {
    replay("watch_line", fuzz::watch_line::check);
}
