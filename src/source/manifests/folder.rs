//! One cluster's folder: who owns which object, and what changed since the last reading.
//!
//! In: the files as they are now. Out: [`Change`]s. The first reading, and one that would take away many objects at
//! once, gives whole lists, so that the deletion brake (RESILIENCE.md rule 6) can judge them; others give single changes.

use super::owners::{Owner, Owners};
use super::parse::{Contents, Entry, parse_files, unreadable};
use super::scan::{Found, Scan, Stamp, scan};
use crate::model::Change;
use crate::model::fact::{Fact, Kind, ObjectKey};
use crate::model::finding::Finding;
use crate::model::id::ClusterId;
use crate::source::object::{Context, FieldPath};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// More deletions than this in one reading are given as whole lists, unless `brake.services` says otherwise.
const MANY_DELETIONS: usize = 20;
/// How often whole lists are repeated afterwards, one per periodic reading, so that the brake can confirm.
const CONFIRMATIONS: u8 = 2;

const KINDS: usize = Kind::ALL.len();

type Object = (Kind, ObjectKey);
type Hashing = foldhash::fast::RandomState;

/// Why a folder is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// At start, or because something seems to have changed.
    Event,
    /// The regular reading, every 30 s.
    Periodic,
    /// The brake wants whole lists.
    Requested,
}

/// A folder and what was read from it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    context: Context<'static>,
    loaded: bool,
    /// Device and inode of the folder when it was last read.
    root: (u64, u64),
    files: BTreeMap<Arc<str>, FileState>,
    owners: Owners,
    confirmations: u8,
    many_deletions: usize,
    /// The findings of the last `Unreadable`.
    reported: Vec<Finding>,
}

#[derive(Debug, Default)]
struct FileState {
    /// `None`: to be parsed again at the next reading.
    stamp: Option<Stamp>,
    /// Findings that belong to no owned object.
    findings: Vec<Finding>,
    /// It defines objects that an earlier file owns.
    has_duplicates: bool,
}

impl Folder {
    /// A folder that has not been read yet.
    pub fn new(cluster: ClusterId, path: PathBuf) -> Self {
        Folder {
            path,
            context: Context::api(cluster),
            loaded: false,
            root: (0, 0),
            files: BTreeMap::new(),
            owners: Owners::default(),
            confirmations: 0,
            many_deletions: MANY_DELETIONS,
            reported: Vec::new(),
        }
    }

    /// Tells the ids of the registry, which find the source cluster in a Karmada slice name.
    pub fn with_known_clusters(mut self, known: Arc<[ClusterId]>) -> Self {
        self.context.known_clusters = known;
        self
    }

    /// More deletions than this in one reading are given as whole lists, so that the brake can judge them.
    pub fn with_whole_lists_above(mut self, deletions: usize) -> Self {
        self.many_deletions = deletions;
        self
    }

    /// The folder.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Reads the folder once, or again; as a change would make it be read.
    pub fn load(&mut self) -> Vec<Change> {
        self.read(Reason::Event)
    }

    /// Reads what changed since the last reading. Everything is kept while the folder cannot be read: then each kind
    /// is `Failed`. Blocks; parses on all cores.
    pub(super) fn read(&mut self, reason: Reason) -> Vec<Change> {
        let changes = self.read_now(reason);
        self.context.interner.clear();
        changes
    }

    fn read_now(&mut self, reason: Reason) -> Vec<Change> {
        match self.look() {
            Ok(scan) => {
                let mut changes = self.read_files(scan, reason);
                let whole = matches!(changes.first(), Some(Change::Replace { .. }));
                self.report_unreadable(&mut changes);
                if !whole {
                    changes.extend(Kind::ALL.map(|kind| Change::Contact { kind }));
                }
                changes
            }
            Err(error) => {
                let shown = self.path.display();
                let error = format!("{shown}: the folder cannot be read: {error}; its objects stay as they were");
                Kind::ALL.map(|kind| Change::Failed { kind, error: error.clone() }).into()
            }
        }
    }

    /// Scans; an empty folder in the place of a full one is an unmounted one, not an empty list.
    fn look(&self) -> io::Result<Scan> {
        let scan = scan(&self.path)?;
        if self.loaded && scan.root != self.root && scan.files.is_empty() && !self.files.is_empty() {
            return Err(io::Error::other("it was replaced by an empty one (unmounted?)"));
        }
        Ok(scan)
    }

    fn read_files(&mut self, scan: Scan, reason: Reason) -> Vec<Change> {
        self.root = scan.root;
        let hidden = |path: &str| scan.unreadable.iter().any(|(below, _)| path.starts_with(&**below));
        let present: HashSet<&str> = scan.files.iter().map(|found| &*found.shown).collect();
        let gone: Vec<Arc<str>> =
            self.files.keys().filter(|path| !present.contains(&***path) && !hidden(path)).cloned().collect();
        for (path, error) in &scan.unreadable {
            let findings = vec![unreadable(path, error, &self.context)];
            self.files.entry(path.clone()).or_default().findings = findings;
        }
        let confirm = reason == Reason::Periodic && self.confirmations > 0;
        if !self.loaded || confirm || reason == Reason::Requested {
            self.confirmations = self.confirmations.saturating_sub(1);
            return self.read_whole(&scan.files, gone);
        }
        let is_dirty = |found: &&Found| self.files.get(&found.shown).is_none_or(|file| file.stamp != Some(found.stamp));
        let mut dirty: Vec<Found> = scan.files.iter().filter(is_dirty).cloned().collect();
        if dirty.is_empty() && gone.is_empty() {
            return Vec::new();
        }
        // A changed file may have held back another's objects, or do so now.
        let duplicates = |found: &&Found| self.files.get(&found.shown).is_some_and(|file| file.has_duplicates);
        let more: Vec<Found> = scan.files.iter().filter(duplicates).filter(|found| !is_dirty(found)).cloned().collect();
        dirty.extend(more);
        dirty.sort_by(|a, b| a.shown.cmp(&b.shown));
        let contents = parse_files(&dirty, &self.context);
        if self.would_delete(&dirty, &contents, &gone) > self.many_deletions {
            self.confirmations = CONFIRMATIONS;
            return self.read_whole(&scan.files, gone);
        }
        self.apply(dirty, contents, gone)
    }

    /// Whole lists; once loaded, only if nothing has to be kept from an earlier reading.
    fn read_whole(&mut self, files: &[Found], gone: Vec<Arc<str>>) -> Vec<Change> {
        let contents = parse_files(files, &self.context);
        if self.loaded && contents.iter().any(|contents| contents.broken || !contents.rejected.is_empty()) {
            return self.apply(files.to_vec(), contents, gone);
        }
        self.loaded = true;
        self.owners.clear();
        let round = Round { whole: true, ..Round::default() };
        let Round { facts, findings, .. } = self.take_over(files.to_vec(), contents, &gone, round);
        let lists = Kind::ALL.into_iter().zip(facts).zip(findings);
        lists.map(|((kind, facts), findings)| Change::Replace { kind, facts, findings }).collect()
    }

    /// How many owned objects would vanish.
    fn would_delete(&self, files: &[Found], contents: &[Contents], gone: &[Arc<str>]) -> usize {
        let kept: HashSet<&str> =
            files.iter().zip(contents).filter(|(_, c)| c.broken).map(|(found, _)| &*found.shown).collect();
        let touched: HashSet<&str> = files.iter().map(|found| &*found.shown).chain(gone.iter().map(|p| &**p)).collect();
        let lost = |file: &str| touched.contains(file) && !kept.contains(file);
        if self.owners.len() <= self.many_deletions {
            return 0;
        }
        let shown: HashSet<(Kind, &ObjectKey)> = contents
            .iter()
            .flat_map(|contents| {
                let rejected = contents.rejected.iter().map(|(kind, key)| (*kind, key));
                contents.entries.iter().flatten().map(|entry| (entry.kind, &entry.key)).chain(rejected)
            })
            .collect();
        self.owners.iter().filter(|(kind, key, file)| lost(file) && !shown.contains(&(*kind, *key))).count()
    }

    /// Takes over what `files` hold now, and forgets what they and the `gone` ones no longer hold.
    fn apply(&mut self, files: Vec<Found>, contents: Vec<Contents>, gone: Vec<Arc<str>>) -> Vec<Change> {
        let mut round = self.take_over(files, contents, &gone, Round::default());
        let deletions = self.forget(&round);
        round.changes.extend(deletions);
        round.changes
    }

    fn take_over(&mut self, files: Vec<Found>, contents: Vec<Contents>, gone: &[Arc<str>], mut round: Round) -> Round {
        let now = SystemTime::now();
        round.touched.extend(gone.iter().cloned());
        round.touched.extend(files.iter().map(|found| found.shown.clone()));
        for (found, contents) in files.into_iter().zip(contents) {
            if contents.vanished {
                self.files.remove(&found.shown);
                continue;
            }
            let stamp = Some(found.stamp).filter(|stamp| stamp.is_settled(now));
            let mut state = FileState { stamp, findings: contents.findings, has_duplicates: false };
            let kept = contents.rejected.into_iter().map(|object| (object, found.shown.clone()));
            round.kept.extend(kept);
            if contents.broken {
                round.broken.insert(found.shown.clone());
            }
            for entry in contents.entries.into_iter().flatten() {
                self.claim(entry, &found.shown, &mut state, &mut round);
            }
            self.files.insert(found.shown, state);
        }
        for path in gone {
            self.files.remove(path);
        }
        round
    }

    /// Gives the object to the file, unless one that comes first by path has it.
    fn claim(&mut self, entry: Entry, path: &Arc<str>, state: &mut FileState, round: &mut Round) {
        let object = (entry.kind, entry.key.clone());
        if let Some(owner) = self.owners.get(object.0, &object.1) {
            let holds = round.whole || round.claimed.contains(&object) || !round.touched.contains(&owner.file);
            if holds && owner.file <= *path {
                state.has_duplicates = true;
                state.findings.push(duplicate(&entry, path, &owner.file, &self.context));
                return;
            }
            if holds && let Some(loser) = self.files.get_mut(&owner.file) {
                // The later file is parsed again at the next reading, and says so itself.
                loser.stamp = None;
            }
        }
        let owner = Owner { file: path.clone(), fingerprint: entry.fingerprint };
        if round.whole {
            let list = Kind::ALL.iter().position(|kind| *kind == object.0).expect("ALL holds every kind");
            round.facts[list].push(entry.fact);
            round.findings[list].extend(entry.findings);
            self.owners.insert(object.0, object.1, &owner);
            return;
        }
        let changed = self.owners.insert(object.0, object.1.clone(), &owner);
        round.claimed.insert(object);
        if changed {
            round.changes.push(Change::Apply { fact: entry.fact, findings: entry.findings });
        }
    }

    /// Deletes what a touched file owned and no longer holds.
    fn forget(&mut self, round: &Round) -> Vec<Change> {
        let mut changes = Vec::new();
        self.owners.retain(|kind, key, file| {
            let object = (kind, key.clone());
            let stays = !round.touched.contains(file)
                || round.claimed.contains(&object)
                || round.broken.contains(file)
                || round.kept.get(&object).is_some_and(|kept| kept == file);
            if !stays {
                changes.push(Change::Delete { kind, key: object.1 });
            }
            stays
        });
        changes
    }

    fn report_unreadable(&mut self, changes: &mut Vec<Change>) {
        let findings: Vec<Finding> = self.files.values().flat_map(|file| file.findings.iter().cloned()).collect();
        if findings != self.reported {
            self.reported.clone_from(&findings);
            changes.push(Change::Unreadable { findings });
        }
    }
}

/// One reading in progress.
#[derive(Default)]
struct Round {
    /// Files that were parsed or are gone.
    touched: HashSet<Arc<str>>,
    claimed: HashSet<Object, Hashing>,
    /// Rejected objects, whose last good version stays, with their file.
    kept: HashMap<Object, Arc<str>, Hashing>,
    /// Files that hold something unreadable.
    broken: HashSet<Arc<str>>,
    /// The first reading, or one that starts over: facts and findings go into lists, by the position of their kind
    /// in [`Kind::ALL`].
    whole: bool,
    facts: [Vec<Fact>; KINDS],
    findings: [Vec<Finding>; KINDS],
    changes: Vec<Change>,
}

fn duplicate(entry: &Entry, path: &Arc<str>, first: &Arc<str>, context: &Context<'static>) -> Finding {
    let message = if first == path {
        "the file defines it twice; this one is left out; remove one of them".to_owned()
    } else {
        format!("{first} defines it too and comes first by path; this one is left out; remove one of them")
    };
    let name = entry.key.as_str().trim_start_matches('/');
    let context = context.in_file(path, entry.line, None);
    context.finding("duplicate-object", Some(entry.kind), name, &FieldPath::default(), message)
}
