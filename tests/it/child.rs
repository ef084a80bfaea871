//! The program as a child process: its log kept line by line, signalled by name, killed when dropped.

use std::io::{BufRead, BufReader};
use std::process::{Child as Process, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

/// A running program and what it has logged so far.
pub struct Child {
    process: Process,
    log: Arc<Mutex<String>>,
}

impl Child {
    /// Starts it; its log is what it writes to standard error.
    pub fn start(command: &mut Command) -> Self {
        let piped = command.env_remove("RUST_LOG").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = piped.spawn().expect("the program runs");
        let log = Arc::new(Mutex::new(String::new()));
        let (errors, kept) = (process.stderr.take().expect("piped"), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                kept.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        Child { process, log }
    }

    /// What it prints; nobody else reads it.
    pub fn printed(&mut self) -> BufReader<ChildStdout> {
        BufReader::new(self.process.stdout.take().expect("asked for once"))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.pid().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits for its end.
    pub fn wait_end(&mut self) -> ExitStatus {
        self.process.wait().expect("it ends")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
