//! A network namespace of the test's own, with an /etc/resolv.conf of its own: only loopback, every port free.
//!
//! It lives as long as one process of the test, which holds it; nothing is written below /etc or /run.

use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::process::Process;

/// Gives the namespace addresses of both families that are no cluster's, and a way to every address, so that the rules
/// of RFC 6724 find a source address for each answer; then puts the test's own files in place.
const SET_UP: &str = "ip link set lo up && ip address add 192.168.77.5/24 dev lo && ip address add fd00:77::5/64 dev lo && \
    ip route add default dev lo && ip -6 route add default dev lo && \
    mount --bind \"$0/resolv.conf\" /etc/resolv.conf && \
    { [ ! -e /etc/nsswitch.conf ] || mount --bind \"$0/nsswitch.conf\" /etc/nsswitch.conf; } && \
    echo is set up && exec sleep 900";

/// A network namespace. Dropping it ends the process that holds it.
pub struct Network {
    holder: Process,
    folder: TempDir,
}

impl Network {
    /// Makes one; `Err` says why this user or this machine may not.
    pub fn new() -> Result<Network, String> {
        let trial = Command::new("unshare").args(["--net", "--mount", "true"]).output();
        let trial = trial.map_err(|error| format!("unshare: {error}"))?;
        if !trial.status.success() {
            return Err(String::from_utf8_lossy(&trial.stderr).trim().to_owned());
        }
        let folder = tempfile::tempdir().expect("create a folder for a network namespace");
        std::fs::write(folder.path().join("resolv.conf"), "").expect("write a resolv.conf");
        std::fs::write(folder.path().join("nsswitch.conf"), "hosts: files dns\n").expect("write a nsswitch.conf");
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount", "sh", "-c", SET_UP]).arg(folder.path());
        let holder = Process::start("network", folder.path(), &mut command);
        let mut network = Network { holder, folder };
        let log = network.folder.path().join("network.log");
        network.holder.wait_until(
            "the namespace is set up (tests/run installs iproute2)",
            Duration::from_secs(30),
            || std::fs::read_to_string(&log).is_ok_and(|text| text.contains("is set up")),
        );
        Ok(network)
    }

    /// A command that runs inside.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.holder.pid().to_string(), "--net", "--mount", program]);
        command
    }

    /// What a program prints inside, line by line, with resolvers pointed at `nameserver`. It must succeed.
    pub fn lines(&self, nameserver: &str, program: &str, arguments: &[&str]) -> Vec<String> {
        // Written in place: the file is mounted.
        let text = format!(
            "nameserver {nameserver}\nsearch shop.svc.cluster.local svc.clusterset.local\noptions ndots:5 timeout:5 attempts:2\n"
        );
        std::fs::write(self.folder.path().join("resolv.conf"), text).expect("write a resolv.conf");
        let output = self.command(program).args(arguments).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {}\n{said}{errors}", output.status);
        said.lines().map(str::to_owned).collect()
    }
}
