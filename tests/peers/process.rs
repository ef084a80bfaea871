//! Child processes of the tests: started on free loopback ports, logged to a file, signalled by pid, killed on drop.

use std::fs::File;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// The folder of the built peers, or `None` when this run leaves the peers out (plain `cargo test`).
///
/// Panics when the folder is named but a peer is missing in it.
pub fn peers() -> Option<PathBuf> {
    static SAID: Once = Once::new();
    let Some(named) = std::env::var_os("CLUSTERSET_DNS_PEERS") else {
        SAID.call_once(|| {
            say("skipped: CLUSTERSET_DNS_PEERS is not set; `tests/run peers` builds and runs them");
        });
        return None;
    };
    let folder = PathBuf::from(named);
    for peer in ["coredns", "etcd", "kube-apiserver"] {
        let path = folder.join(peer);
        assert!(
            path.is_file(),
            "{} is missing: `tests/run peers` builds the peers, then runs these tests",
            path.display()
        );
    }
    Some(folder)
}

/// Prints one line, also from a test that passes: the test harness holds back what `println` writes.
pub fn say(line: &str) {
    let _ = std::io::stderr().write_all(format!("peers: {line}\n").as_bytes());
}

/// Skips the test when this run leaves the peers out; otherwise gives their folder.
macro_rules! peers_or_skip {
    () => {
        match crate::process::peers() {
            Some(folder) => folder,
            None => return,
        }
    };
}
pub(crate) use peers_or_skip;

/// A port free for both TCP and UDP on 127.0.0.1, never handed out twice by this process.
///
/// Taken from below the ephemeral range, so that no outgoing connection can sit on it.
pub fn free_port() -> u16 {
    const FIRST: u16 = 12_000;
    const COUNT: u16 = 20_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let offset = (std::process::id().wrapping_mul(251) % u32::from(COUNT)) as u16;
    for _ in 0..COUNT {
        let port = FIRST + (offset + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT;
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
            && UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        if free {
            return port;
        }
    }
    panic!("no free port on 127.0.0.1 from {FIRST} to {}", FIRST + COUNT);
}

/// One running child process. Dropping it kills it.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with both outputs appended to `<folder>/<name>.log`.
    pub fn start(name: &str, folder: &Path, command: &mut Command) -> Process {
        let log = folder.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log).expect("open the log of a child process");
        let second = file.try_clone().expect("clone a log handle");
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(second)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Process { name: name.to_owned(), child, log }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal (`TERM`, `STOP`, `CONT`, `HUP`) to this process alone.
    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let done = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", signal, &pid]).status();
        assert!(done.is_ok_and(|status| status.success()), "cannot send SIG{signal} to {} ({pid})", self.name);
    }

    /// Kills the process and waits for its end.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for the process to end by itself; its exit code, `None` when a signal ended it.
    pub fn wait(&mut self, limit: Duration) -> Option<i32> {
        let started = Instant::now();
        while started.elapsed() < limit {
            if let Some(status) = self.child.try_wait().expect("wait for a child process") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{} still runs after {limit:?}\n{}", self.name, self.log_tail());
    }

    /// Everything the process has written so far.
    pub fn log(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The last lines of the log, for the message of a failed test.
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        format!("--- last lines of {} ---\n{}", self.name, lines[lines.len().saturating_sub(25)..].join("\n"))
    }

    /// Polls until `ready` holds; fails at once when the process ends, and after `limit`.
    pub fn wait_until(&mut self, what: &str, limit: Duration, mut ready: impl FnMut() -> bool) {
        let started = Instant::now();
        while !ready() {
            if let Some(status) = self.child.try_wait().expect("wait for a child process") {
                panic!("{} ended ({status}) before: {what}\n{}", self.name, self.log_tail());
            }
            assert!(started.elapsed() < limit, "{}: not within {limit:?}: {what}\n{}", self.name, self.log_tail());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Polls every 20 ms until `done` gives `Ok`; its value and the time it took. Fails with the last `Err` after `limit`.
pub fn eventually<T>(limit: Duration, mut done: impl FnMut() -> Result<T, String>) -> (T, Duration) {
    let started = Instant::now();
    loop {
        match done() {
            Ok(value) => return (value, started.elapsed()),
            Err(last) => assert!(started.elapsed() < limit, "not within {limit:?}: {last}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
