//! Reads a snapshot: what is whole, nothing else, whatever the octets are.

use super::{MAGIC, MARKER, UnixMillis, VERSION};
use crate::model::{ClusterId, Fact};
use crate::source::object::{Context, Outcome, decode_json};
use std::collections::HashSet;
use std::fmt;
use std::io::{self, BufRead, Seek, SeekFrom};
use std::time::Duration;

/// Why a snapshot is ignored whole.
#[derive(Debug)]
pub enum Ignored {
    /// There is none.
    Missing,
    /// It cannot be read.
    Unreadable(io::Error),
    /// It does not begin as a snapshot does.
    NoSnapshot,
    /// Another format.
    Version(u32),
    /// Its head does not match its checksum.
    Damaged,
    /// Written longer ago than `snapshot.maxAge`.
    TooOld { age: Duration, most: Duration },
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ignored::Missing => f.write_str("there is none"),
            Ignored::Unreadable(error) => write!(f, "it cannot be read: {error}"),
            Ignored::NoSnapshot => f.write_str("it is no snapshot"),
            Ignored::Version(version) => write!(f, "its format has version {version}, this program reads {VERSION}"),
            Ignored::Damaged => f.write_str("its head is damaged"),
            Ignored::TooOld { age, most } => {
                write!(f, "it is {} s old, more than snapshot.maxAge of {} s", age.as_secs(), most.as_secs())
            }
        }
    }
}

impl From<io::Error> for Ignored {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Ignored::Missing,
            io::ErrorKind::UnexpectedEof => Ignored::Damaged,
            _ => Ignored::Unreadable(error),
        }
    }
}

/// What a snapshot holds.
#[derive(Debug, PartialEq)]
pub struct Loaded {
    pub written: UnixMillis,
    /// Zones with their SOA serials.
    pub serials: Vec<(String, u32)>,
    /// Those of wanted clusters that are whole.
    pub sections: Vec<Section>,
    /// Wanted clusters whose section is damaged.
    pub damaged: Vec<ClusterId>,
}

/// One cluster.
#[derive(Debug, PartialEq)]
pub struct Section {
    pub cluster: ClusterId,
    /// Of its kube-system Namespace; empty: not known.
    pub uid: String,
    /// Its last sign of life.
    pub contact: UnixMillis,
    pub facts: Vec<Fact>,
}

/// Reads the sections of the clusters that are `wanted`. `now` and `most` bound the age; a clock that was set back
/// makes nothing older.
///
/// # Errors
/// Why it is ignored whole. A damaged section costs its cluster only.
pub fn read(
    mut input: impl BufRead + Seek,
    wanted: impl Fn(&ClusterId) -> bool,
    now: UnixMillis,
    most: Option<Duration>,
) -> Result<Loaded, Ignored> {
    let mut loaded = head(&mut input)?;
    let age = Duration::from_millis(now.saturating_sub(loaded.written));
    if let Some(most) = most.filter(|most| age > *most) {
        return Err(Ignored::TooOld { age, most });
    }
    let mut seen = HashSet::new();
    while let Some(start) = find_marker(&mut input)? {
        let Some(head) = section_head(&mut input)? else {
            // No head: perhaps the marker was none. The next may stand anywhere behind it.
            input.seek(SeekFrom::Start(start))?;
            continue;
        };
        let body = input.stream_position()?;
        if wanted(&head.cluster) && seen.insert(head.cluster.clone()) {
            match facts(&mut input, &head)? {
                Some(facts) => loaded.sections.push(head.section(facts)),
                None => loaded.damaged.push(head.cluster.clone()),
            }
        }
        let Some(next) = body.checked_add(head.octets) else { break };
        input.seek(SeekFrom::Start(next))?;
    }
    Ok(loaded)
}

/// A reader that sums up what it reads.
struct Summed<'r, R> {
    input: &'r mut R,
    crc: u32,
}

impl<R: BufRead> Summed<'_, R> {
    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut octets = [0; N];
        self.input.read_exact(&mut octets)?;
        self.crc = crc32c::crc32c_append(self.crc, &octets);
        Ok(octets)
    }

    /// A text with its length; octets that are no text become other ones, which the sum finds.
    fn text(&mut self) -> io::Result<String> {
        let [length] = self.take()?;
        let mut octets = vec![0; usize::from(length)];
        self.input.read_exact(&mut octets)?;
        self.crc = crc32c::crc32c_append(self.crc, &octets);
        Ok(String::from_utf8_lossy(&octets).into_owned())
    }

    /// True when the sum that follows is that of what was read.
    fn is_whole(&mut self) -> io::Result<bool> {
        let expected = self.crc;
        Ok(u32::from_be_bytes(self.take()?) == expected)
    }
}

fn head(input: &mut impl BufRead) -> Result<Loaded, Ignored> {
    let mut input = Summed { input, crc: 0 };
    if input.take().ok().as_ref() != Some(MAGIC) {
        return Err(Ignored::NoSnapshot);
    }
    let version = u32::from_be_bytes(input.take()?);
    if version != VERSION {
        return Err(Ignored::Version(version));
    }
    let written = u64::from_be_bytes(input.take()?);
    let zones = u16::from_be_bytes(input.take()?);
    let mut serials = Vec::new();
    for _ in 0..zones {
        serials.push((input.text()?, u32::from_be_bytes(input.take()?)));
    }
    if !input.is_whole()? {
        return Err(Ignored::Damaged);
    }
    Ok(Loaded { written, serials, sections: Vec::new(), damaged: Vec::new() })
}

struct SectionHead {
    cluster: ClusterId,
    uid: String,
    contact: UnixMillis,
    octets: u64,
    crc: u32,
}

impl SectionHead {
    fn section(&self, facts: Vec<Fact>) -> Section {
        Section { cluster: self.cluster.clone(), uid: self.uid.clone(), contact: self.contact, facts }
    }
}

/// Goes behind the next marker; `None` at the end.
fn find_marker(input: &mut (impl BufRead + Seek)) -> io::Result<Option<u64>> {
    loop {
        if input.skip_until(MARKER[0])? == 0 {
            return Ok(None);
        }
        let start = input.stream_position()?;
        let mut rest = [0; 3];
        match input.read_exact(&mut rest) {
            Ok(()) if rest == MARKER[1..] => return Ok(Some(start)),
            Ok(()) => drop(input.seek(SeekFrom::Start(start))?),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

/// The head of a section; `None` when it is damaged or cut.
fn section_head(input: &mut impl BufRead) -> io::Result<Option<SectionHead>> {
    let read = |input: &mut Summed<'_, _>| -> io::Result<Option<SectionHead>> {
        let cluster = ClusterId::new(&input.text()?);
        let uid = input.text()?;
        let contact = u64::from_be_bytes(input.take()?);
        let octets = u64::from_be_bytes(input.take()?);
        let crc = u32::from_be_bytes(input.take()?);
        Ok(input.is_whole()?.then_some(SectionHead { cluster, uid, contact, octets, crc }))
    };
    match read(&mut Summed { input, crc: 0 }) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        read => read,
    }
}

/// The facts of a body; `None` when an octet is wrong or missing, or an object cannot be read.
fn facts(input: &mut impl BufRead, head: &SectionHead) -> io::Result<Option<Vec<Fact>>> {
    let context = Context::api(head.cluster.clone());
    let mut body = io::Read::take(input, head.octets);
    let (mut facts, mut line, mut octets, mut crc) = (Vec::new(), Vec::new(), 0, 0);
    loop {
        line.clear();
        let length = body.read_until(b'\n', &mut line)? as u64;
        if length == 0 {
            break;
        }
        octets += length;
        crc = crc32c::crc32c_append(crc, &line);
        let Outcome::Object { fact, .. } = decode_json(None, &line, &context).outcome else { return Ok(None) };
        facts.push(fact);
    }
    Ok((octets == head.octets && crc == head.crc).then_some(facts))
}
