//! Other servers with the same zone: NSD, Knot, CoreDNS, hickory-server.
//!
//! In: a zone file (see [`zone`]) or a real API server (see [`cluster`]). Out: running servers, ready to be asked, and
//! their versions.

pub mod cluster;
pub mod config;
pub mod zone;

use crate::expect::Questions;
use crate::load::Check;
use crate::manifests::Ports;
use crate::server::{Server, Stage};
use crate::wire::{fault_in_addresses, fault_in_records};
use anyhow::{Context, bail, ensure};
use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A peer with the zone of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Nsd,
    Knot,
    Hickory,
    CorednsFile,
    CorednsHosts,
}

/// Where the programs and files are.
pub struct Shelf<'a> {
    pub stage: &'a Stage,
    /// Folder of CoreDNS, etcd and kube-apiserver.
    pub built: &'a Path,
    pub zone: &'a Path,
    pub hosts: &'a Path,
}

impl Peer {
    pub fn name(self) -> &'static str {
        match self {
            Peer::Nsd => "NSD",
            Peer::Knot => "Knot",
            Peer::Hickory => "hickory-server, hash map",
            Peer::CorednsFile => "CoreDNS `file`",
            Peer::CorednsHosts => "CoreDNS `hosts`",
        }
    }

    /// What its replies are held to.
    pub fn check(self) -> Check {
        if self == Peer::CorednsHosts { Check::Addresses } else { Check::Records }
    }

    /// Starts it at `port`, in a folder of its own below the bench's.
    pub fn start(self, shelf: &Shelf<'_>, port: u16) -> anyhow::Result<Server> {
        let out = fs::canonicalize(&shelf.stage.out)?;
        let folder = out.join(format!("peer-{self:?}").to_lowercase());
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let zone = fs::canonicalize(shelf.zone)?;
        let path = folder.join("conf");
        let text = match self {
            Peer::Nsd => config::nsd(&folder, &zone, port),
            Peer::Knot => config::knot(&folder, &zone, port),
            Peer::CorednsFile => config::coredns_file(&zone, port),
            Peer::CorednsHosts => config::coredns_hosts(&fs::canonicalize(shelf.hosts)?, port),
            Peer::Hickory => String::new(),
        };
        fs::write(&path, text)?;
        let mut command = match self {
            Peer::Nsd => Command::new("/usr/sbin/nsd"),
            Peer::Knot => Command::new("/usr/sbin/knotd"),
            Peer::CorednsFile | Peer::CorednsHosts => return coredns(shelf.stage, shelf.built, &path, port),
            Peer::Hickory => Command::new(beside(shelf.stage, "clusterset-dns-bench-hickory")),
        };
        match self {
            Peer::Nsd => command.arg("-d").arg("-c").arg(&path),
            Peer::Knot => command.arg("-c").arg(&path),
            _ => command.arg(&zone).arg(format!("127.0.0.1:{port}")),
        };
        at(shelf.stage, port).spawn(command, folder.join("log"))
    }
}

/// CoreDNS with a Corefile, one thread of Go code at a time.
pub fn coredns(stage: &Stage, built: &Path, corefile: &Path, port: u16) -> anyhow::Result<Server> {
    let mut command = Command::new(built.join("coredns"));
    command.arg("-conf").arg(corefile).env("GOMAXPROCS", "1");
    at(stage, port).spawn(command, corefile.with_extension("log"))
}

/// The same stage with another port.
pub fn at(stage: &Stage, port: u16) -> Stage {
    Stage { ports: Ports::from(port), ..stage.clone() }
}

/// A program that was built with this one.
pub fn beside(stage: &Stage, name: &str) -> PathBuf {
    stage.bench.with_file_name(name)
}

/// Asks until a whole answer comes: the first question that has records.
pub fn wait_for_answer(server: &mut Server, check: Check, questions: &Questions) -> anyhow::Result<()> {
    let found = (0..questions.len()).find(|index| {
        let rtype_a = questions.query(*index).ends_with(&[0, 1, 0, 1]);
        rtype_a && questions.expected(*index).answers > 0
    });
    let index = found.context("no question for an address")?;
    let fault = if check == Check::Addresses { fault_in_addresses } else { fault_in_records };
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(server.address)?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    let (start, mut last, mut reply) = (Instant::now(), "no reply".to_owned(), [0; 2048]);
    while start.elapsed() < Duration::from_secs(240) {
        server.check_alive()?;
        let query = questions.query(index);
        let length = socket.send(query).and_then(|_| socket.recv(&mut reply));
        match length.map(|length| fault(query, &reply[..length], questions.expected(index))) {
            Ok(None) => return Ok(()),
            Ok(Some(found)) => last = found,
            Err(error) => last = error.to_string(),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("{}: no right answer in 4 minutes: {last}", server.address)
}

/// Versions of the peers, a line each; NSD says whether it was built without recvmmsg.
pub fn versions(built: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let nsd = said(Command::new("/usr/sbin/nsd").arg("-v"))?;
    let mmsg = if nsd.contains("--disable-recvmmsg") { "Debian's build, without recvmmsg" } else { "with recvmmsg" };
    let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    let knot = first(&said(Command::new("/usr/sbin/knotd").arg("-V"))?);
    let coredns = first(&said(Command::new(built.join("coredns")).arg("-version"))?);
    let hickory = include_str!("../../Cargo.lock").split("name = \"hickory-server\"\nversion = \"").nth(1);
    let hickory = hickory.and_then(|rest| rest.split('"').next()).unwrap_or("?");
    Ok(vec![
        ("NSD".to_owned(), format!("{} ({mmsg})", first(&nsd))),
        ("Knot".to_owned(), knot),
        ("CoreDNS".to_owned(), coredns),
        ("hickory-server".to_owned(), hickory.to_owned()),
    ])
}

fn said(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| {
        let program = command.get_program().display();
        format!("{program} does not start: `tests/run peers` installs NSD and Knot and builds CoreDNS")
    })?;
    let text = [output.stdout, output.stderr].concat();
    ensure!(!text.is_empty(), "{command:?} says nothing");
    Ok(String::from_utf8_lossy(&text).into_owned())
}
