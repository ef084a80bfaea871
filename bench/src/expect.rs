//! Questions with their expected answers, as lines of text.
//!
//! ```text
//! # NAME TYPE RCODE NEAREST / REST       data of the nearest tier, a slash, data of the others
//! web-1.ns-0.svc.clusterset.local A NOERROR 10.0.0.8 10.0.0.9 / 10.0.1.3
//! web-1.ns-0.svc.clusterset.local AAAA NOERROR
//! nope.ns-0.svc.clusterset.local A NXDOMAIN
//! _http._tcp.web-1.ns-0.svc.clusterset.local SRV NOERROR 8080:web-1.ns-0.svc.clusterset.local
//! ```
//! Order inside a tier does not matter (answers rotate); priority and weight of SRV are not looked at.

use crate::wire::{query, wire_name};
use anyhow::{Context, bail};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::path::Path;

const A: u16 = 1;
const AAAA: u16 = 28;
const SRV: u16 = 33;

/// What a reply must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    pub rcode: u8,
    pub answers: u16,
    /// Records of the nearest tier, which come first.
    pub nearest: u16,
    /// Sum of the digests of those.
    pub first: u64,
    /// Sum of the digests of all.
    pub all: u64,
}

/// All questions, their octets in one piece.
#[derive(Debug, Default)]
pub struct Questions {
    octets: Vec<u8>,
    entries: Vec<(u32, u16, Expected)>,
}

impl Questions {
    /// Reads a file of lines; empty ones and those with `#` are skipped.
    pub fn read(path: &Path, edns: bool) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("{}: run `generate` first", path.display()))?;
        let mut questions = Questions::default();
        for (number, line) in BufReader::new(file).lines().enumerate() {
            let line = line?;
            if !line.is_empty() && !line.starts_with('#') {
                questions.push(&line, edns).with_context(|| format!("{}:{}", path.display(), number + 1))?;
            }
        }
        if questions.entries.is_empty() {
            bail!("{}: no question", path.display());
        }
        Ok(questions)
    }

    /// Adds one line.
    pub fn push(&mut self, line: &str, edns: bool) -> anyhow::Result<()> {
        let mut words = line.split(' ');
        let (Some(name), Some(rtype), Some(rcode)) = (words.next(), words.next(), words.next()) else {
            bail!("a line is NAME TYPE RCODE [DATA... [/ DATA...]]: {line:?}");
        };
        let rtype = match rtype {
            "A" => A,
            "AAAA" => AAAA,
            "SRV" => SRV,
            other => bail!("type {other}: only A, AAAA and SRV are asked"),
        };
        let rcode = match rcode {
            "NOERROR" => 0,
            "NXDOMAIN" => 3,
            other => bail!("rcode {other}: only NOERROR and NXDOMAIN are expected"),
        };
        let mut expected = Expected { rcode, answers: 0, nearest: 0, first: 0, all: 0 };
        let mut in_nearest = true;
        for word in words {
            if word == "/" {
                in_nearest = false;
                continue;
            }
            let sum = digest(rtype, &data(rtype, word)?);
            expected.answers += 1;
            expected.all = expected.all.wrapping_add(sum);
            if in_nearest {
                expected.nearest += 1;
                expected.first = expected.first.wrapping_add(sum);
            }
        }
        let octets = query(name, rtype, edns);
        self.entries.push((self.octets.len() as u32, octets.len() as u16, expected));
        self.octets.extend_from_slice(&octets);
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The octets of a query.
    pub fn query(&self, index: usize) -> &[u8] {
        let (start, length, _) = self.entries[index];
        &self.octets[start as usize..start as usize + usize::from(length)]
    }

    /// Writes the id into a query before it is sent.
    pub fn set_id(&mut self, index: usize, id: u16) {
        let start = self.entries[index].0 as usize;
        self.octets[start..start + 2].copy_from_slice(&id.to_be_bytes());
    }

    pub fn expected(&self, index: usize) -> &Expected {
        &self.entries[index].2
    }
}

/// RDATA of a word of a line; SRV with priority and weight 0.
fn data(rtype: u16, word: &str) -> anyhow::Result<Vec<u8>> {
    if rtype == SRV {
        let (port, target) = word.split_once(':').context("SRV data is PORT:TARGET")?;
        let port: u16 = port.parse()?;
        return Ok([&[0; 4], &port.to_be_bytes()[..], &wire_name(target)].concat());
    }
    Ok(match word.parse()? {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    })
}

/// A digest of RDATA: FNV-1a, stirred so that sums of digests tell sets apart. SRV from its port on.
pub fn digest(rtype: u16, data: &[u8]) -> u64 {
    let data = if rtype == SRV { data.get(4..).unwrap_or_default() } else { data };
    let fold = |hash: u64, octet: &u8| (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3);
    stir(data.iter().fold(0xcbf2_9ce4_8422_2325, fold))
}

/// The finalizer of SplitMix64: every bit of the input moves every bit of the output.
pub fn stir(mut value: u64) -> u64 {
    value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
