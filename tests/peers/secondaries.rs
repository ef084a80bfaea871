//! Real secondaries of the server's zones: Knot DNS and NSD, which know of them by NOTIFY and copy them by AXFR or IXFR.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{Process, free_port};

/// The zones of every server under test.
pub const ZONES: [&str; 2] = ["clusterset.local", "global"];

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// knotd of the Debian package `knot`.
    Knot,
    /// nsd of the Debian package `nsd`.
    Nsd,
}

/// A running secondary. Dropping it kills it.
pub struct Secondary {
    /// Which program it is.
    pub kind: Kind,
    /// UDP and TCP port.
    pub port: u16,
    process: Process,
    _folder: TempDir,
}

impl Secondary {
    /// Starts a secondary at `port` of the primary at 127.0.0.1 and `primary`.
    pub fn start(kind: Kind, port: u16, primary: u16) -> Secondary {
        let folder = tempfile::tempdir().expect("create a folder for a secondary");
        let (program, configuration) = match kind {
            Kind::Knot => ("knotd", knot(folder.path(), port, primary)),
            Kind::Nsd => ("nsd", nsd(folder.path(), port, primary)),
        };
        let path = folder.path().join("secondary.conf");
        std::fs::write(&path, configuration).expect("write the configuration of a secondary");
        // Debian keeps them outside the PATH of plain users.
        let mut command = Command::new(format!("/usr/sbin/{program}"));
        if kind == Kind::Nsd {
            command.arg("-d");
        }
        command.arg("-c").arg(&path);
        let process = Process::start(program, folder.path(), &mut command);
        Secondary { kind, port, process, _folder: folder }
    }

    /// Waits until `ready` holds; fails at once when the secondary ends.
    pub fn wait_until(&mut self, what: &str, ready: impl FnMut() -> bool) {
        self.process.wait_until(what, Duration::from_secs(60), ready);
    }
}

/// Ports for both, before the server that notifies them starts.
pub fn ports() -> [(Kind, u16); 2] {
    [(Kind::Knot, free_port()), (Kind::Nsd, free_port())]
}

fn knot(folder: &Path, port: u16, primary: u16) -> String {
    let folder = folder.display();
    let zones: String = ZONES.iter().map(|zone| format!("  - domain: {zone}\n")).collect();
    format!(
        "server:\n    listen: 127.0.0.1@{port}\n    rundir: \"{folder}\"\n    udp-workers: 1\n    tcp-workers: 1\n    \
         background-workers: 2\n    async-start: on\ndatabase:\n    storage: \"{folder}\"\nlog:\n  - target: stderr\n    any: info\n\
         remote:\n  - id: primary\n    address: 127.0.0.1@{primary}\nacl:\n  - id: notify\n    address: 127.0.0.1\n    \
         action: notify\ntemplate:\n  - id: default\n    storage: \"{folder}\"\n    master: primary\n    acl: notify\n    \
         zonefile-sync: -1\nzone:\n{zones}"
    )
}

fn nsd(folder: &Path, port: u16, primary: u16) -> String {
    let folder = folder.display();
    let zone = |zone: &&str| {
        format!(
            "zone:\n    name: {zone}\n    zonefile: {zone}.zone\n    allow-notify: 127.0.0.1 NOKEY\n    \
             request-xfr: 127.0.0.1@{primary} NOKEY\n"
        )
    };
    let zones: String = ZONES.iter().map(zone).collect();
    format!(
        "server:\n    ip-address: 127.0.0.1@{port}\n    username: \"\"\n    server-count: 1\n    verbosity: 2\n    rrl-ratelimit: 0\n    database: \"\"\n    \
         zonesdir: \"{folder}\"\n    pidfile: \"{folder}/nsd.pid\"\n    xfrdfile: \"{folder}/xfrd.state\"\n    xfrdir: \"{folder}\"\n    \
         zonelistfile: \"{folder}/zone.list\"\n    xfrd-reload-timeout: 0\nremote-control:\n    control-enable: no\n{zones}"
    )
}
