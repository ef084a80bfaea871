//! Parses files on all cores.
//!
//! In: files. Out: the objects of each, in the order of the file. One thread cuts files into documents and hands out
//! batches; the others decode them. Memory holds a few batches, never a whole folder.

use super::scan::Found;
use super::split::{Piece, Pieces};
use crate::model::fact::{Fact, Kind, ObjectKey};
use crate::model::finding::Finding;
use crate::source::object::{
    Collect, Context, Decoded, Document, FieldPath, Outcome, decode_json_reader, decode_json_text, decode_yaml,
};
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

/// Larger JSON files are not held in memory; their findings carry no lines.
const LARGE_JSON: u64 = 4 << 20;
/// Entries of a batch at most.
const ENTRIES: usize = 4_096;
/// Fingerprint of an object whose document's text is to make it.
const SINGLE: u64 = 0;

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
    work: Work,
}

enum Work {
    Pieces(Vec<Piece>),
    /// A large JSON file: one document, decoded as it is read.
    Stream(File),
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
        for mut batch in part.entries {
            match batch.pop() {
                Some(only) if batch.is_empty() => self.push(only),
                last => {
                    batch.extend(last);
                    self.entries.push(batch);
                }
            }
        }
        self.rejected.extend(part.rejected);
        self.findings.extend(part.findings);
        self.broken |= part.broken;
        self.vanished |= part.vanished;
    }
}

/// What a file named `path` holds whose octets are these, as in a folder.
pub fn parse_octets(path: &Arc<str>, octets: &[u8], context: &Context<'static>) -> Contents {
    let mut contents = Contents::default();
    // Reading from memory does not fail.
    for piece in Pieces::new(octets).flatten() {
        let mut document = Contents::default();
        decode_piece(piece, path, context, &mut document);
        contents.append(document);
    }
    contents
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
    let mut send = |work: Work| {
        number += 1;
        sender.send(Batch { file, number, work }).map_err(|_| io::Error::other("the decoding threads ended"))
    };
    let opened = File::open(&found.path)?;
    if is_json(&found.shown) && found.stamp.octets() > LARGE_JSON {
        return send(Work::Stream(opened));
    }
    for piece in Pieces::new(BufReader::with_capacity(BATCH, opened)) {
        let piece = piece?;
        octets += piece.text.len();
        pieces.push(piece);
        if octets >= BATCH {
            octets = 0;
            send(Work::Pieces(std::mem::take(&mut pieces)))?;
        }
    }
    if pieces.is_empty() { Ok(()) } else { send(Work::Pieces(pieces)) }
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
        let Ok(Batch { file, number, work }) = batch else { return parts };
        let path = &files[file].shown;
        let mut contents = Contents::default();
        match work {
            Work::Pieces(pieces) => {
                pieces.into_iter().for_each(|piece| decode_piece(piece, path, context, &mut contents))
            }
            Work::Stream(opened) => {
                let octets = usize::try_from(files[file].stamp.octets()).unwrap_or(usize::MAX);
                let context = context.in_file(path, 1, None);
                let reader = BufReader::with_capacity(BATCH, opened);
                let decoded = decode_json_reader(reader, octets, &context);
                contents.add_document(decoded, 1, || stamp_fingerprint(&files[file]));
            }
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
    contents.add_document(decode_text(&text, path, &context), line, || text_fingerprint(&text, line));
}

/// JSON is read as such: faster than through the YAML reader, which takes it too.
fn decode_text(text: &str, path: &str, context: &Context<'_>) -> Result<Contents, Box<Finding>> {
    if !text.trim_ascii_start().starts_with('{') {
        return decode_yaml(text, context);
    }
    match decode_json_text(text, context) {
        Err(_) if !is_json(path) => decode_yaml(text, context),
        decoded => decoded,
    }
}

fn is_json(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("json"))
}

impl Contents {
    /// Takes over a document that starts at `line`; `fingerprint` is that of one which is a single object.
    fn add_document(&mut self, decoded: Result<Contents, Box<Finding>>, line: u32, fingerprint: impl Fn() -> u64) {
        match decoded {
            Ok(mut document) => {
                for entry in document.entries.iter_mut().flatten() {
                    entry.line = line;
                    if entry.fingerprint == SINGLE {
                        entry.fingerprint = fingerprint();
                    }
                }
                self.append(document);
            }
            Err(finding) => {
                self.findings.push(*finding);
                self.broken = true;
            }
        }
    }

    fn push(&mut self, entry: Entry) {
        match self.entries.last_mut() {
            Some(batch) if batch.len() < ENTRIES => batch.push(entry),
            _ => self.entries.push(vec![entry]),
        }
    }
}

impl Collect for Contents {
    fn collect(&mut self, object: Decoded, is_item: bool) {
        match object.outcome {
            Outcome::Object { fact, findings } => {
                let fingerprint = if is_item { fact_fingerprint(&fact, &findings) } else { SINGLE };
                self.push(Entry { kind: fact.kind(), key: fact.key(), line: 0, fingerprint, fact, findings });
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

/// For a large file of one object, which is over the size limit anyway.
fn stamp_fingerprint(found: &Found) -> u64 {
    found.stamp.octets()
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
