//! The rules of the house (docs/architecture.md), read off the sources: who imports whom, sizes, unsafe, doc comments.

use std::path::{Path, PathBuf};

/// Room, the rooms of this crate that it may import, and the crates that it must not.
const ROOMS: &[(&str, &[&str], &[&str])] = &[
    ("dns", &[], &["kube", "tokio", "tracing", "serde", "hickory_proto", "arc_swap", "papaya"]),
    ("model", &[], &["kube", "tokio", "tracing", "serde", "hickory_proto", "arc_swap", "papaya"]),
    ("config", &["model"], &["kube", "tokio"]),
    ("compile", &["dns", "model", "table"], &["kube", "tokio"]),
    ("table", &["dns"], &["kube", "tokio", "tracing"]),
    ("responder", &["dns", "table"], &["kube", "tokio", "tracing", "prometheus"]),
    ("transport", &["dns", "responder", "table", "telemetry::counters"], &["kube"]),
    ("source", &["model"], &["hickory_proto"]),
    ("publish", &["dns", "model", "compile", "table"], &["kube"]),
    ("snapshot", &["model", "source::object"], &["kube", "tokio", "hickory_proto"]),
    ("resolve", &["dns", "model", "table"], &["kube"]),
    ("probe", &["model"], &["kube", "hyper"]),
    ("explain", &["dns", "model", "compile", "table", "responder"], &["kube"]),
    ("telemetry", &["explain", "table", "responder", "model", "dns"], &["kube"]),
];

/// Every production source file of a folder or of one module file.
fn files(room: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let single = root.join(format!("{room}.rs"));
    if single.is_file() {
        found.push(single);
    }
    let mut folders = vec![root.join(room)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The production lines of a file: up to its first test module, without comments.
fn production(path: &Path) -> Vec<(usize, String)> {
    let text = std::fs::read_to_string(path).expect("a source file is readable");
    let is_test_file = path.file_stem().is_some_and(|stem| stem == "tests")
        || path.components().any(|part| part.as_os_str() == "tests");
    if is_test_file {
        return Vec::new();
    }
    let lines = text.lines().enumerate().take_while(|(_, line)| !line.starts_with("#[cfg(test)]"));
    lines
        .map(|(number, line)| (number + 1, line.split("//").next().unwrap_or_default().to_string()))
        .filter(|(_, line)| !line.trim().is_empty())
        .collect()
}

#[test]
fn every_room_imports_only_what_the_picture_allows() {
    let mut wrong = Vec::new();
    for (room, allowed, forbidden) in ROOMS {
        for file in files(room) {
            for (number, line) in production(&file) {
                let place = || format!("{}:{number}: {}", file.display(), line.trim());
                for path in crate_paths(&line) {
                    let own = path.starts_with(room);
                    if !own && !allowed.iter().any(|allowed| path.starts_with(allowed)) {
                        wrong.push(format!("{room} must not import {path}: {}", place()));
                    }
                }
                for name in *forbidden {
                    if line.contains(&format!("{name}::")) || line.trim().starts_with(&format!("use {name}")) {
                        wrong.push(format!("{room} must not use {name}: {}", place()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The paths behind `crate::` in a line (`crate::{a, b::c}` too).
fn crate_paths(line: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for rest in line.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(list) => {
                paths.extend(list.split('}').next().unwrap_or_default().split(',').map(|p| p.trim().to_string()))
            }
            None => paths.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':').collect()),
        }
    }
    paths.retain(|path| !path.is_empty());
    paths
}

#[test]
fn the_responder_and_what_it_copies_from_never_read_the_clock() {
    for room in ["dns", "table", "responder", "model", "compile"] {
        for file in files(room) {
            for (number, line) in production(&file) {
                let clock = ["Instant::now", "SystemTime::now", "std::time::Instant", "std::time::SystemTime"];
                assert!(!clock.iter().any(|word| line.contains(word)), "{}:{number}: {line}", file.display());
            }
        }
    }
}

/// A query goes through these rooms and files; the table's lock is that of its writers, who stand in `store.rs`.
#[test]
fn no_lock_stands_on_the_way_of_a_query() {
    const LOCKS: [&str; 4] = ["Mutex", "RwLock", "Condvar", ".lock()"];
    let transport = ["answerer", "phase", "udp", "mmsg"].map(|name| format!("transport/{name}"));
    let rooms = ["dns", "responder", "table"].map(str::to_owned).into_iter().chain(transport);
    let mut files: Vec<PathBuf> = rooms.flat_map(|room| files(&room)).collect();
    assert!(files.len() > 20);
    files.retain(|file| !file.ends_with("table/store.rs"));
    for file in files {
        for (number, line) in production(&file) {
            assert!(!LOCKS.iter().any(|lock| line.contains(lock)), "{}:{number}: {line}", file.display());
        }
    }
    let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/table/store.rs");
    let pin = production(&store).into_iter().skip_while(|(_, line)| !line.contains("pub fn pin(&self)"));
    assert!(!pin.take(5).any(|(_, line)| line.contains("lock")), "a reader would wait for a writer");
}

#[test]
fn unsafe_stands_in_one_file_only() {
    for file in files("") {
        let is_the_one = file.ends_with("transport/mmsg.rs");
        for (number, line) in production(&file) {
            let word = line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe");
            assert!(is_the_one || !word, "{}:{number}: {line}", file.display());
        }
    }
}

#[test]
fn files_are_small_and_say_what_they_are() {
    let roots = ["src", "tests", "bench"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tracked = std::process::Command::new("git").args(["ls-files", "*.rs"]).current_dir(root).output();
    let tracked = tracked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    for file in tracked.lines().filter(|file| roots.iter().any(|root| file.starts_with(root))) {
        let Ok(text) = std::fs::read_to_string(root.join(file)) else { continue };
        let generated = text.starts_with("// This file is @generated");
        assert!(generated || text.lines().count() <= 500, "{file}: {} lines", text.lines().count());
        assert!(
            generated || !file.starts_with("src/") || file.ends_with("tests.rs") || text.starts_with("//!"),
            "{file}: no module doc"
        );
    }
}
