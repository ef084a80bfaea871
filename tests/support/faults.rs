//! A wall clock that is off and a disk that hangs, for a child process: `faults.c`, preloaded.

use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// The faults of one child process, changed while it runs.
pub struct Faults {
    folder: TempDir,
}

impl Default for Faults {
    fn default() -> Self {
        Faults::new()
    }
}

impl Faults {
    /// No fault yet.
    pub fn new() -> Self {
        let faults = Faults { folder: tempfile::tempdir().unwrap() };
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/faults.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(faults.file("faults.so"))
            .arg(source)
            .status();
        assert!(compiled.expect("cc runs").success());
        faults.set_clock(0);
        faults.hang_disk(false);
        faults
    }

    /// The program that starts another one under these faults.
    pub fn program(&self) -> Vec<String> {
        let set = |name: &str, file: &str| format!("{name}={}", self.file(file).display());
        vec!["env".to_owned(), set("LD_PRELOAD", "faults.so"), set("FAULTS_CLOCK", "clock"), set("FAULTS_DISK", "disk")]
    }

    /// Seconds that the wall clock is ahead.
    pub fn set_clock(&self, ahead: i64) {
        self.put("clock", &ahead.to_string());
    }

    /// Whether `fsync` hangs.
    pub fn hang_disk(&self, hangs: bool) {
        self.put("disk", if hangs { "1" } else { "0" });
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.file("new"), text).unwrap();
        std::fs::rename(self.file("new"), self.file(name)).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
