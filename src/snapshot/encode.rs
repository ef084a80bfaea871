//! Writes a snapshot part by part: the head, then per cluster a section whose length is known only at its end.

use super::{MAGIC, MARKER, UnixMillis, VERSION};
use crate::model::{ClusterId, Fact};
use crate::source::object::encode_json;
use std::io::{self, Error, ErrorKind, Seek, SeekFrom, Write};

/// Encodes into anything that can be written and patched.
pub struct Encoder<W> {
    out: W,
    section: Option<Open>,
    line: Vec<u8>,
}

/// The section that is being written.
struct Open {
    start: u64,
    cluster: ClusterId,
    uid: String,
    octets: u64,
    crc: u32,
}

impl<W: Write + Seek> Encoder<W> {
    /// Writes the head: the time of writing, and zones with their SOA serials.
    ///
    /// # Errors
    /// Of the writer; a name over 255 octets.
    pub fn new(mut out: W, written: UnixMillis, serials: &[(String, u32)]) -> io::Result<Self> {
        let mut head = MAGIC.to_vec();
        head.extend_from_slice(&VERSION.to_be_bytes());
        head.extend_from_slice(&written.to_be_bytes());
        let zones = u16::try_from(serials.len()).map_err(|_| too_long("the list of zones"))?;
        head.extend_from_slice(&zones.to_be_bytes());
        for (zone, serial) in serials {
            text(&mut head, zone)?;
            head.extend_from_slice(&serial.to_be_bytes());
        }
        let crc = crc32c::crc32c(&head);
        head.extend_from_slice(&crc.to_be_bytes());
        out.write_all(&head)?;
        Ok(Encoder { out, section: None, line: Vec::new() })
    }

    /// Begins the section of a cluster; `uid` is that of its kube-system Namespace, empty when not known.
    ///
    /// # Errors
    /// Of the writer; an id or uid over 255 octets.
    pub fn begin(&mut self, cluster: &ClusterId, uid: &str) -> io::Result<()> {
        let open = Open {
            start: self.out.stream_position()?,
            cluster: cluster.clone(),
            uid: uid.to_owned(),
            octets: 0,
            crc: 0,
        };
        // Its place is held by a head without contents.
        self.out.write_all(&open.head(0)?)?;
        self.section = Some(open);
        Ok(())
    }

    /// Adds facts to the open section.
    ///
    /// # Errors
    /// Of the writer.
    pub fn add<'f>(&mut self, facts: impl IntoIterator<Item = &'f Fact>) -> io::Result<()> {
        let Some(open) = &mut self.section else { return Ok(()) };
        for fact in facts {
            self.line.clear();
            encode_json(fact, &mut self.line);
            self.line.push(b'\n');
            self.out.write_all(&self.line)?;
            open.octets += self.line.len() as u64;
            open.crc = crc32c::crc32c_append(open.crc, &self.line);
        }
        Ok(())
    }

    /// Ends the open section; `contact` is when the cluster last gave a sign of life.
    ///
    /// # Errors
    /// Of the writer.
    pub fn end(&mut self, contact: UnixMillis) -> io::Result<()> {
        let Some(open) = self.section.take() else { return Ok(()) };
        let end = self.out.stream_position()?;
        self.out.seek(SeekFrom::Start(open.start))?;
        self.out.write_all(&open.head(contact)?)?;
        self.out.seek(SeekFrom::Start(end))?;
        Ok(())
    }

    /// Takes the open section back: its cluster is gone. What comes next is written over it.
    ///
    /// # Errors
    /// Of the writer.
    pub fn abandon(&mut self) -> io::Result<()> {
        let Some(open) = self.section.take() else { return Ok(()) };
        self.out.seek(SeekFrom::Start(open.start)).map(drop)
    }

    /// The writer and how many octets count; what stands behind them is of an abandoned section.
    ///
    /// # Errors
    /// Of the writer.
    pub fn finish(mut self) -> io::Result<(W, u64)> {
        self.abandon()?;
        let octets = self.out.stream_position()?;
        self.out.flush()?;
        Ok((self.out, octets))
    }
}

impl Open {
    /// Marker and head of the section; always of the same length.
    fn head(&self, contact: UnixMillis) -> io::Result<Vec<u8>> {
        let mut head = Vec::with_capacity(128);
        text(&mut head, self.cluster.as_str())?;
        text(&mut head, &self.uid)?;
        head.extend_from_slice(&contact.to_be_bytes());
        head.extend_from_slice(&self.octets.to_be_bytes());
        head.extend_from_slice(&self.crc.to_be_bytes());
        let crc = crc32c::crc32c(&head);
        head.extend_from_slice(&crc.to_be_bytes());
        Ok([MARKER, &head[..]].concat())
    }
}

/// One octet of length, then the text.
fn text(into: &mut Vec<u8>, text: &str) -> io::Result<()> {
    let length = u8::try_from(text.len()).map_err(|_| too_long(text))?;
    into.push(length);
    into.extend_from_slice(text.as_bytes());
    Ok(())
}

fn too_long(what: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("{what:.40} is too long for a snapshot"))
}
