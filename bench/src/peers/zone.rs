//! The zone as the peers read it: copied from our server by `dig AXFR`, so that names and answers are the same.

use crate::clusterset::ZONE;
use anyhow::{Context, ensure};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// Copies the zone from a server on loopback into a zone file; how many records it holds.
pub fn copy(port: u16, to: &Path) -> anyhow::Result<usize> {
    let output = File::create(to).with_context(|| to.display().to_string())?;
    let status = Command::new("dig")
        .args(["@127.0.0.1", "-p", &port.to_string(), "+tcp", "+noall", "+answer", "+onesoa", ZONE, "AXFR"])
        .stdin(Stdio::null())
        .stdout(output)
        .status()
        .context("dig does not start: install bind9-dnsutils")?;
    ensure!(status.success(), "dig AXFR: {status}");
    let mut records = 0;
    for line in BufReader::new(File::open(to)?).lines() {
        let line = line?;
        ensure!(!line.starts_with(';'), "the transfer failed: {line}");
        records += usize::from(!line.is_empty());
    }
    ensure!(records > 2, "the transfer holds {records} records");
    Ok(records)
}

/// The A and AAAA records of a zone file as a hosts file.
pub fn hosts(zone: &Path, to: &Path) -> anyhow::Result<()> {
    let mut hosts = BufWriter::new(File::create(to).with_context(|| to.display().to_string())?);
    for line in BufReader::new(File::open(zone)?).lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [name, _ttl, "IN", "A" | "AAAA", address] = words.as_slice() {
            writeln!(hosts, "{address} {}", name.trim_end_matches('.'))?;
        }
    }
    Ok(hosts.flush()?)
}
