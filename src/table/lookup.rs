//! Reading: one guard for a batch of look-ups.
//!
//! In: a [`Table`]. Out: Blocks and the Frame, valid while the guard is held; no lock, no allocation.

use super::block::Block;
use super::frame::Frame;
use super::store::{KeyHash, Table, key};
use arc_swap::Guard;
use papaya::{HashMapRef, LocalGuard};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The table, opened for one batch. Memory that the writer retires is kept until it is dropped.
pub struct Pinned<'t> {
    table: &'t Table,
    blocks: HashMapRef<'t, u64, Block, KeyHash, LocalGuard<'t>>,
    frame: Guard<Arc<Frame>>,
}

impl<'t> Pinned<'t> {
    #[inline]
    pub(super) fn new(table: &'t Table) -> Self {
        Pinned { table, blocks: table.blocks.pin(), frame: table.frame.load() }
    }

    /// The Frame of this batch.
    #[inline]
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The hash of a lower-cased wire name, for [`Pinned::lookup_hashed`].
    #[inline]
    pub fn hash(&self, name: &[u8]) -> u64 {
        self.table.hash(name)
    }

    /// The Block of a lower-cased wire name.
    #[inline]
    pub fn lookup(&self, name: &[u8]) -> Option<&Block> {
        self.lookup_hashed(self.hash(name), name)
    }

    /// The Block of a lower-cased wire name whose hash is known.
    #[inline]
    pub fn lookup_hashed(&self, hash: u64, name: &[u8]) -> Option<&Block> {
        if let Some(block) = self.blocks.get(&hash)
            && block.is_of(name)
        {
            return Some(block);
        }
        match self.table.steps.load(Ordering::Acquire) {
            0 => None,
            steps => self.lookup_collided(hash, name, steps),
        }
    }

    /// The keys after collisions (`store.rs`).
    #[cold]
    fn lookup_collided(&self, hash: u64, name: &[u8], steps: u32) -> Option<&Block> {
        (1..=steps).find_map(|step| self.blocks.get(&key(hash, step)).filter(|block| block.is_of(name)))
    }
}
