//! One watch request: its lines, each with the moment its octets arrived.
//!
//! In: a collection's path and a resourceVersion. Out: [`Line`]s until the clean end or a [`Fault`].

use super::Limits;
use super::client::{Connection, Encoding, Frames, short};
use super::counters::Verb;
use super::fault::Fault;
use crate::model::Kind;
use crate::source::object::{Context, Event, decode_event};
use std::ops::Range;
use std::time::Instant;

/// The response body of a watch, cut into lines.
pub(super) struct Lines {
    frames: Frames,
    octets: Vec<u8>,
    /// Octets of `octets` before this are used up.
    used: usize,
    /// Octets of `octets` before this hold no line end.
    searched: usize,
    /// When the last frame came.
    arrived: Instant,
    most: usize,
}

/// What a body yields.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// One line, at this range of the buffer; see [`Lines::line`].
    Whole(Range<usize>),
    /// A frame came and did not finish a line: a sign of life.
    Part,
    /// The clean end.
    End,
}

impl Lines {
    /// Starts the watch and waits for its head.
    ///
    /// # Errors
    /// Every fault before the first octet of the body.
    pub async fn start(connection: &Connection, path: &str, version: u64, limits: &Limits) -> Result<Self, Fault> {
        let seconds = connection.timing().watch_seconds();
        let query = format!("watch=1&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion={version}");
        let frames = connection.get(Verb::Watch, &super::list::with_query(path, &query), Encoding::Plain).await?;
        let arrived = Instant::now();
        Ok(Lines { frames, octets: Vec::new(), used: 0, searched: 0, arrived, most: limits.line_octets })
    }

    /// The next line that is in the buffer, else the outcome of waiting for one more frame.
    ///
    /// # Errors
    /// Silence, a cut, a line that is too long, or an end in the middle of a line.
    pub async fn next(&mut self) -> Result<Line, Fault> {
        if let Some(line) = self.buffered() {
            return self.bounded(line);
        }
        self.octets.drain(..self.used);
        self.searched -= self.used;
        self.used = 0;
        self.bounded(0..self.octets.len())?;
        let more = self.frames.next(&mut self.octets).await?;
        self.arrived = Instant::now();
        match (more, self.buffered()) {
            (_, Some(line)) => self.bounded(line),
            (true, None) => Ok(Line::Part),
            (false, None) if self.octets.is_empty() => Ok(Line::End),
            (false, None) => Err(Fault::Cut("the last line is not complete".to_owned())),
        }
    }

    /// The octets of a line.
    pub fn line(&self, range: Range<usize>) -> &[u8] {
        &self.octets[range]
    }

    /// When the frame that completed the current line arrived.
    pub fn arrived(&self) -> Instant {
        self.arrived
    }

    fn bounded(&self, line: Range<usize>) -> Result<Line, Fault> {
        if line.len() > self.most {
            return Err(Fault::TooLarge("a line of the watch", self.most));
        }
        Ok(Line::Whole(line))
    }

    fn buffered(&mut self) -> Option<Range<usize>> {
        loop {
            let Some(length) = self.octets[self.searched..].iter().position(|octet| *octet == b'\n') else {
                self.searched = self.octets.len();
                return None;
            };
            let line = self.used..self.searched + length;
            self.used = line.end + 1;
            self.searched = self.used;
            // A blank line may keep a connection open; it is no event.
            if !self.octets[line.clone()].trim_ascii().is_empty() {
                return Some(line);
            }
        }
    }
}

/// Decodes a line; an ERROR event is a fault.
///
/// # Errors
/// The status the server sent in the stream, or a line that is no event.
pub(super) fn event(connection: &Connection, kind: Kind, line: &[u8], context: &Context<'_>) -> Result<Event, Fault> {
    match decode_event(kind, line, context) {
        Ok(Event::Error(status)) => Err(Fault::Status {
            code: if status.code == 0 { 500 } else { status.code },
            text: format!("{}: {}", status.reason, short(&status.message)),
            retry_after: connection.bounded(status.retry_after_seconds),
        }),
        Ok(event) => Ok(event),
        Err(error) => Err(Fault::Garbled(short(&error.to_string()))),
    }
}
