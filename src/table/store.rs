//! The Table: names to Blocks, written by one thread, read by many.
//!
//! In: changes in bulk or one by one. Out: [`Pinned`] look-ups, figures.
//!
//! **Keys and collisions.** The map is keyed by a seeded 64-bit hash of the lower-cased wire name; the name itself is
//! checked in the Block. Two names with one hash are told apart by *steps*: a name may stand under the keys
//! `hash`, `hash + STEP`, `hash + 2 STEP` ... up to the number of steps that the table has ever needed (zero in all
//! likelihood: about 3e-8 at a million names). A name keeps the key it was first given for as long as it exists, a
//! look-up tries every key up to that number, so neither an insert nor a removal of the other name hides it. The
//! number is raised before the Block that needs it is inserted, and never lowered.

use super::block::Block;
use super::frame::Frame;
use super::lookup::Pinned;
use crate::dns::Name;
use arc_swap::ArcSwap;
use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;
use papaya::{HashMap, HashMapRef, LocalGuard};
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Distance between the keys of one name; odd, so that all keys differ.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
/// Octets that the map keeps per name beside the Block's own: key and pointer, what the allocator rounds two allocations up
/// by or writes in front of them, a slot, and the Block's length and the number of those who share it.
const PER_NAME: u64 = 8 + 8 + 16 + 12 + 16;

/// Changes one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableChange {
    /// The name has this Block from now on.
    Put(Block),
    /// The name exists no longer.
    Remove(Name),
}

/// How much the table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Owner names.
    pub names: u64,
    /// Octets of memory, the map's own share estimated.
    pub bytes: u64,
}

/// Keys are hashes already.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KeyHash;

/// Hands the key on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KeyHasher(u64);

impl BuildHasher for KeyHash {
    type Hasher = KeyHasher;

    #[inline]
    fn build_hasher(&self) -> KeyHasher {
        KeyHasher(0)
    }
}

impl Hasher for KeyHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    #[inline]
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.0 = self.0.rotate_left(8) ^ u64::from(*octet);
        }
    }
}

/// The Blocks, opened for one bulk of changes.
type Held<'t> = HashMapRef<'t, u64, Block, KeyHash, LocalGuard<'t>>;

/// Every answer, by name.
pub struct Table {
    pub(super) blocks: HashMap<u64, Block, KeyHash>,
    pub(super) frame: ArcSwap<Frame>,
    pub(super) steps: AtomicU32,
    seed: Seed,
    names: AtomicU64,
    bytes: AtomicU64,
    writer: Mutex<()>,
}

/// How names are hashed.
#[derive(Debug, Clone)]
pub(super) struct Seed {
    per_table: u64,
    shared: &'static SharedSeed,
    /// Bits of the hash that are kept; all of them but in tests of collisions.
    mask: u64,
}

impl Seed {
    fn random() -> Self {
        // The standard library's seed comes from the operating system; foldhash's own comes from addresses and time.
        let per_table = std::hash::RandomState::new().build_hasher().finish();
        Seed { per_table, shared: SharedSeed::global_random(), mask: u64::MAX }
    }

    /// The hash of a lower-cased wire name.
    #[inline]
    pub(super) fn hash(&self, name: &[u8]) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.per_table, self.shared);
        hasher.write(name);
        hasher.finish() & self.mask
    }
}

/// The key of a name after `step` collisions.
#[inline]
pub(super) fn key(hash: u64, step: u32) -> u64 {
    hash.wrapping_add(STEP.wrapping_mul(u64::from(step)))
}

impl Default for Table {
    fn default() -> Self {
        Table::new(Frame::default())
    }
}

impl Table {
    /// An empty table.
    pub fn new(frame: Frame) -> Self {
        Table::with_seed(frame, Seed::random())
    }

    /// A table whose hashes have only the bits of `mask`, so that names collide.
    #[cfg(test)]
    pub(super) fn with_narrow_hash(frame: Frame, mask: u64) -> Self {
        Table::with_seed(frame, Seed { mask, ..Seed::random() })
    }

    fn with_seed(frame: Frame, seed: Seed) -> Self {
        Table {
            blocks: HashMap::builder().hasher(KeyHash).build(),
            frame: ArcSwap::from_pointee(frame),
            steps: AtomicU32::new(0),
            seed,
            names: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            writer: Mutex::new(()),
        }
    }

    /// Opens the table for one batch of look-ups. Cheap; hold it for a batch, never while waiting for one.
    #[inline]
    pub fn pin(&self) -> Pinned<'_> {
        Pinned::new(self)
    }

    /// The hash of a lower-cased wire name.
    #[inline]
    pub(super) fn hash(&self, name: &[u8]) -> u64 {
        self.seed.hash(name)
    }

    /// Applies `changes`: every Put in the order given, then every Remove, so that a name whose replacement comes in
    /// the same bulk is gone only when the replacement is there. Each name changes by one atomic store.
    pub fn apply(&self, changes: impl IntoIterator<Item = TableChange>) {
        let (mut blocks, mut vanishing) = (Vec::new(), Vec::new());
        for change in changes {
            match change {
                TableChange::Put(block) => blocks.push(block),
                TableChange::Remove(name) => vanishing.push(name),
            }
        }
        self.update(blocks, &vanishing, |_| {});
    }

    /// Puts every Block of `blocks` that does not stand there already, then takes the names of `vanishing` out, as
    /// [`Table::apply`] does. Calls `changed` with each Block that was put or taken out.
    pub fn update<'n>(
        &self,
        blocks: impl IntoIterator<Item = Block>,
        vanishing: impl IntoIterator<Item = &'n Name>,
        mut changed: impl FnMut(&Block),
    ) {
        let _writer = self.lock();
        let held = self.blocks.pin();
        for block in blocks {
            self.put(&held, block, &mut changed);
        }
        for name in vanishing {
            self.remove(&held, name, &mut changed);
        }
    }

    /// Swaps the Frame. Zones of the same name keep their serial.
    pub fn set_frame(&self, mut frame: Frame) {
        let _writer = self.lock();
        frame.adopt_state(&self.frame.load());
        let frame = Arc::new(frame);
        self.frame.store(Arc::clone(&frame));
        for block in self.blocks.pin().values() {
            note_wildcard(&frame, block);
        }
    }

    /// The Frame of now.
    pub fn frame(&self) -> Arc<Frame> {
        self.frame.load_full()
    }

    /// Moves the serial of the zone of this number to max(last + 1, `unix_seconds`) and returns it; `None`: no such
    /// zone. Call at most once a second per zone, after the change is applied (DNS.md section 4).
    pub fn bump_serial(&self, zone: u8, unix_seconds: u32) -> Option<u32> {
        let _writer = self.lock();
        Some(self.frame.load().zone(zone)?.state.bump(unix_seconds))
    }

    /// Makes the next serial of the zone of that name greater than `serial`, which an earlier process gave out.
    pub fn raise_serial(&self, zone: &Name, serial: u32) {
        let _writer = self.lock();
        let frame = self.frame.load();
        frame.zones().iter().filter(|known| known.name == *zone).for_each(|known| known.state.raise(serial));
    }

    /// How much the table holds.
    pub fn figures(&self) -> Figures {
        Figures { names: self.names.load(Ordering::Relaxed), bytes: self.bytes.load(Ordering::Relaxed) }
    }

    /// Calls `visit` with every Block, in no order. A Block that is replaced meanwhile is seen once, old or new.
    pub fn for_each(&self, mut visit: impl FnMut(&Block)) {
        for block in self.blocks.pin().values() {
            visit(block);
        }
    }

    /// Calls `visit` with every Block and the Frame between two applied changes: what they hold together is of one
    /// moment, serials included. The writer waits meanwhile.
    pub(super) fn stop_at<T>(&self, visit: impl FnOnce(&Frame, &mut dyn Iterator<Item = &Block>) -> T) -> T {
        let _writer = self.lock();
        visit(&self.frame.load(), &mut self.blocks.pin().values())
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, blocks: &Held<'_>, block: Block, changed: &mut impl FnMut(&Block)) {
        let hash = self.hash(block.name());
        let steps = self.steps.load(Ordering::Relaxed);
        let mut free = None;
        for step in 0..=steps {
            match blocks.get(&key(hash, step)) {
                Some(known) if *known == block => return,
                Some(known) if known.is_of(block.name()) => {
                    changed(&block);
                    self.bytes.fetch_sub(known.size() as u64, Ordering::Relaxed);
                    self.bytes.fetch_add(block.size() as u64, Ordering::Relaxed);
                    blocks.insert(key(hash, step), block);
                    return;
                }
                Some(_) => {}
                None => free = free.or(Some(step)),
            }
        }
        let mut step = free.unwrap_or(steps + 1);
        while blocks.contains_key(&key(hash, step)) {
            step += 1;
        }
        changed(&block);
        self.steps.fetch_max(step, Ordering::Release);
        note_wildcard(&self.frame.load(), &block);
        self.names.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(block.size() as u64 + PER_NAME, Ordering::Relaxed);
        blocks.insert(key(hash, step), block);
    }

    fn remove(&self, blocks: &Held<'_>, name: &Name, changed: &mut impl FnMut(&Block)) {
        let hash = self.hash(name.wire());
        for step in 0..=self.steps.load(Ordering::Relaxed) {
            let key = key(hash, step);
            if blocks.get(&key).is_some_and(|known| known.is_of(name.wire())) {
                if let Some(gone) = blocks.remove(&key) {
                    changed(gone);
                    self.names.fetch_sub(1, Ordering::Relaxed);
                    self.bytes.fetch_sub(gone.size() as u64 + PER_NAME, Ordering::Relaxed);
                }
                return;
            }
        }
    }
}

/// Tells the zone of a wildcard Block that it has one.
fn note_wildcard(frame: &Frame, block: &Block) {
    if !block.name().starts_with(b"\x01*") {
        return;
    }
    let Some(name) = Name::from_wire(block.name()) else { return };
    if let Some((_, zone)) = frame.zones_by_length().find(|(_, zone)| name.is_within(&zone.name)) {
        zone.state.note_wildcard(name.label_count() as u8);
    }
}
