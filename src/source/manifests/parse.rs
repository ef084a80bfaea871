//! Parses files on all cores.
//!
//! In: files. Out: the objects of each, in the order of the file. One thread cuts files into documents and hands out
//! batches; the others decode them. Memory holds a few batches, never a whole folder.

use super::scan::Found;
use super::split::{Piece, Pieces};
use crate::model::fact::{Fact, Kind, ObjectKey};
use crate::model::finding::Finding;
use crate::source::object::{Context, Decoded, Document, FieldPath, Outcome, decode_json_text, decode_yaml};
use foldhash::quality::FixedState;
use std::fmt::{self, Write};
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, BufReader};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Octets of documents handed to a thread at a time.
const BATCH: usize = 256 << 10;

/// One object of a file.
#[derive(Debug)]
pub struct Entry {
    pub kind: Kind,
    pub key: ObjectKey,
    /// First line of its document.
    pub line: u32,
    /// Changes when the fact or a finding does.
    pub fingerprint: u64,
    pub fact: Fact,
    pub findings: Vec<Finding>,
}

/// What a file, or a part of one, holds.
#[derive(Debug, Default)]
pub struct Contents {
    /// In batches, so that those of a large file are never moved together.
    pub entries: Vec<Vec<Entry>>,
    /// Objects that cannot be used in their present state.
    pub rejected: Vec<(Kind, ObjectKey)>,
    /// Findings that belong to no entry.
    pub findings: Vec<Finding>,
    /// True when something in it could not be read at all: objects that no longer appear may be in there.
    pub broken: bool,
    /// The file vanished before it could be opened.
    pub vanished: bool,
}

struct Batch {
    file: usize,
    number: usize,
    pieces: Vec<Piece>,
}

/// Part `number` of the file with this index.
type Part = (usize, usize, Contents);

/// Parses `files`; the result has one entry per file.
pub fn parse_files(files: &[Found], context: &Context<'static>) -> Vec<Contents> {
    let small = files.iter().map(|file| file.stamp.octets()).sum::<u64>() < BATCH as u64;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = if small { 1 } else { cores };
    let (sender, receiver) = sync_channel(threads);
    let receiver = Mutex::new(receiver);
    let mut parts: Vec<Part> = thread::scope(|scope| {
        let work = || decode_batches(&receiver, files, context);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut parts = cut_files(files, &sender, context);
        drop(sender);
        for worker in workers {
            match worker.join() {
                Ok(decoded) => parts.extend(decoded),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        parts
    });
    parts.sort_by_key(|(file, number, _)| (*file, *number));
    let mut contents: Vec<Contents> = files.iter().map(|_| Contents::default()).collect();
    for (file, _, part) in parts {
        contents[file].append(part);
    }
    contents
}

impl Contents {
    fn append(&mut self, part: Contents) {
        self.entries.extend(part.entries);
        self.rejected.extend(part.rejected);
        self.findings.extend(part.findings);
        self.broken |= part.broken;
        self.vanished |= part.vanished;
    }
}

/// Sends the documents of all files; returns parts for files that cannot be read.
fn cut_files(files: &[Found], sender: &SyncSender<Batch>, context: &Context<'static>) -> Vec<Part> {
    let mut failures = Vec::new();
    for (file, found) in files.iter().enumerate() {
        if let Err(error) = cut_file(file, found, sender) {
            let vanished = error.kind() == io::ErrorKind::NotFound;
            let finding = unreadable(&found.shown, &error, context);
            let findings = if vanished { Vec::new() } else { vec![finding] };
            failures.push((file, usize::MAX, Contents { findings, broken: true, vanished, ..Contents::default() }));
        }
    }
    failures
}

fn cut_file(file: usize, found: &Found, sender: &SyncSender<Batch>) -> io::Result<()> {
    let (mut number, mut octets, mut pieces) = (0, 0, Vec::new());
    let mut send = |pieces: Vec<Piece>| {
        number += 1;
        sender.send(Batch { file, number, pieces }).map_err(|_| io::Error::other("the decoding threads ended"))
    };
    for piece in Pieces::new(BufReader::with_capacity(BATCH, File::open(&found.path)?)) {
        let piece = piece?;
        octets += piece.text.len();
        pieces.push(piece);
        if octets >= BATCH {
            octets = 0;
            send(std::mem::take(&mut pieces))?;
        }
    }
    if pieces.is_empty() { Ok(()) } else { send(pieces) }
}

/// A file or folder that exists and cannot be read.
pub fn unreadable(path: &Arc<str>, error: &io::Error, context: &Context<'static>) -> Finding {
    let message = format!("cannot be read: {error}; what it held before stays; check its permissions");
    context.in_file(path, 0, None).finding("unreadable-file", None, "", &FieldPath::default(), message)
}

fn decode_batches(receiver: &Mutex<Receiver<Batch>>, files: &[Found], context: &Context<'static>) -> Vec<Part> {
    let mut parts = Vec::new();
    loop {
        let batch = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Batch { file, number, pieces }) = batch else { return parts };
        let mut contents = Contents { entries: vec![Vec::with_capacity(pieces.len())], ..Contents::default() };
        for piece in pieces {
            decode_piece(piece, &files[file].shown, context, &mut contents);
        }
        parts.push((file, number, contents));
    }
}

fn decode_piece(piece: Piece, path: &Arc<str>, context: &Context<'static>, contents: &mut Contents) {
    let line = piece.line;
    let text = match String::from_utf8(piece.text) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("the document is no UTF-8: {error}; it is left out, what it held before stays");
            let context = context.in_file(path, line, None);
            contents.findings.push(context.finding("bad-document", None, "", &FieldPath::default(), message));
            contents.broken = true;
            return;
        }
    };
    let document = Document::new(&text);
    let context = context.in_file(path, line, Some(&document));
    match decode_text(&text, path, &context) {
        Ok(objects) => {
            let whole = if objects.len() == 1 { Some(text_fingerprint(&text, line)) } else { None };
            objects.into_iter().for_each(|object| contents.add(object, line, whole));
        }
        Err(finding) => {
            contents.findings.push(*finding);
            contents.broken = true;
        }
    }
}

/// JSON is read as such: much faster than through the YAML reader, which takes it too.
fn decode_text(text: &str, path: &str, context: &Context<'_>) -> Result<Vec<Decoded>, Box<Finding>> {
    if !text.trim_ascii_start().starts_with('{') {
        return decode_yaml(text, context);
    }
    match decode_json_text(text, context) {
        Err(_) if !path.ends_with(".json") => decode_yaml(text, context),
        decoded => decoded,
    }
}

impl Contents {
    fn add(&mut self, object: Decoded, line: u32, whole: Option<u64>) {
        match object.outcome {
            Outcome::Object { fact, findings } => {
                let fingerprint = whole.unwrap_or_else(|| fact_fingerprint(&fact, &findings));
                let entry = Entry { kind: fact.kind(), key: fact.key(), line, fingerprint, fact, findings };
                match self.entries.last_mut() {
                    Some(batch) => batch.push(entry),
                    None => self.entries.push(vec![entry]),
                }
            }
            Outcome::Rejected { kind, key, finding } => {
                self.broken |= key.is_none() && finding.code == "bad-object";
                self.rejected.extend(kind.zip(key));
                self.findings.push(finding);
            }
            Outcome::Ignored { .. } => {}
        }
    }
}

/// For a document of one object: its text and line decide.
fn text_fingerprint(text: &str, line: u32) -> u64 {
    FixedState::default().hash_one((text, line))
}

/// For an item of a list, whose own text is not at hand.
fn fact_fingerprint(fact: &Fact, findings: &[Finding]) -> u64 {
    struct Hashing<H>(H);
    impl<H: Hasher> Write for Hashing<H> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.write(text.as_bytes());
            Ok(())
        }
    }
    let mut hashing = Hashing(FixedState::default().build_hasher());
    write!(hashing, "{fact:?}{findings:?}").map_or(0, |()| hashing.0.finish())
}
