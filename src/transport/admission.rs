//! Which connections may be open: caps in total and per client address, and who gives way.
//!
//! In: accepted connections. Out: a [`Permit`] each, or a refusal. At a cap the connection that has been idle longest
//! closes to make room; only when none is idle is the new one refused. Off the answer path: a connection touches its own
//! [`Slot`] only.

#[cfg(test)]
mod tests;

use super::refusals::Refusals;
use crate::telemetry::counters::{Refusal, StreamCounters};
use dashmap::DashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;
use tokio::sync::Notify;

/// The shared state of one open connection.
#[derive(Debug)]
pub struct Slot {
    address: IpAddr,
    /// Milliseconds since the table began.
    last_active: AtomicU64,
    /// Queries being answered, or replies not yet taken by the peer.
    busy: AtomicU32,
    /// Told to close.
    closing: AtomicBool,
    wake: Notify,
}

impl Slot {
    /// One more query is under way: the connection does not give way meanwhile.
    pub fn begin(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
    }

    /// One query less is under way.
    pub fn end(&self) {
        self.busy.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether the connection shall close at once.
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Waits until the connection shall close at once.
    pub async fn told_to_close(&self) {
        while !self.is_closing() {
            self.wake.notified().await;
        }
    }

    fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.wake.notify_one();
    }
}

/// Caps of one transport.
#[derive(Debug, Clone, Copy)]
pub struct Caps {
    pub total: usize,
    pub per_client: usize,
}

/// The open connections of one transport, over all workers.
#[derive(Debug)]
pub struct Admission {
    caps: Caps,
    start: Instant,
    open: AtomicUsize,
    clients: DashMap<IpAddr, Vec<Arc<Slot>>>,
    count: fn(&crate::telemetry::counters::Counters) -> &StreamCounters,
    counters: Arc<crate::telemetry::counters::Counters>,
    refusals: Refusals,
}

/// The right to keep one connection open; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    admission: Arc<Admission>,
    slot: Arc<Slot>,
}

impl Permit {
    /// The connection's shared state.
    pub fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }

    /// Notes that the connection did something just now.
    pub fn touch(&self, now: Instant) {
        self.slot.last_active.store(self.admission.millis(now), Ordering::Relaxed);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.admission.remove(&self.slot);
        self.admission.streams().closed();
    }
}

impl Admission {
    /// No connections yet. `count` picks the counters of this transport.
    pub fn new(
        caps: Caps,
        counters: Arc<crate::telemetry::counters::Counters>,
        count: fn(&crate::telemetry::counters::Counters) -> &StreamCounters,
    ) -> Arc<Self> {
        let (start, open, clients) = (Instant::now(), AtomicUsize::new(0), DashMap::new());
        Arc::new(Admission { caps, start, open, clients, count, counters, refusals: Refusals::default() })
    }

    /// The counters of this transport.
    pub fn streams(&self) -> &StreamCounters {
        (self.count)(&self.counters)
    }

    /// Counts a connection that was refused or had to go, and tells of it now and then.
    pub fn refused(&self, refusal: Refusal) {
        self.streams().refused(refusal);
        self.refusals.tell(refusal, Instant::now());
    }

    fn millis(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.start).as_millis() as u64
    }

    /// Admits a connection from `address`, making room if need be.
    ///
    /// # Errors
    /// The cap that is reached, when no connection under it is idle.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Permit, Refusal> {
        let address = address.to_canonical();
        let now = self.millis(Instant::now());
        let of_client = self.clients.get(&address).map_or(0, |slots| slots.len());
        let room = if of_client >= self.caps.per_client {
            self.give_way(Some(address)).then_some(()).ok_or(Refusal::Client)
        } else if self.open.load(Ordering::Relaxed) >= self.caps.total {
            self.give_way(None).then_some(()).ok_or(Refusal::Total)
        } else {
            Ok(())
        };
        room.inspect_err(|refusal| self.refused(*refusal))?;
        let slot = Arc::new(Slot {
            address,
            last_active: AtomicU64::new(now),
            busy: AtomicU32::new(0),
            closing: AtomicBool::new(false),
            wake: Notify::new(),
        });
        self.clients.entry(address).or_default().push(Arc::clone(&slot));
        self.open.fetch_add(1, Ordering::Relaxed);
        self.streams().opened();
        Ok(Permit { admission: Arc::clone(self), slot })
    }

    /// Closes the connection that has been idle longest, of one client or of all; false when none is idle.
    pub fn give_way(&self, of: Option<IpAddr>) -> bool {
        let oldest = |slots: &Vec<Arc<Slot>>| {
            let idle = slots.iter().filter(|slot| slot.busy.load(Ordering::Relaxed) == 0);
            idle.min_by_key(|slot| slot.last_active.load(Ordering::Relaxed)).cloned()
        };
        let found = match of {
            Some(address) => self.clients.get(&address).and_then(|slots| oldest(slots.value())),
            None => {
                let oldest_of_each = self.clients.iter().filter_map(|client| oldest(client.value()));
                oldest_of_each.min_by_key(|slot| slot.last_active.load(Ordering::Relaxed))
            }
        };
        let Some(slot) = found else { return false };
        // It counts as gone at once: its task may need a moment to notice.
        let removed = self.remove(&slot);
        if removed {
            slot.close();
            self.refused(Refusal::GaveWay);
        }
        removed
    }

    fn remove(&self, slot: &Arc<Slot>) -> bool {
        let mut removed = false;
        self.clients.remove_if_mut(&slot.address, |_, slots| {
            let before = slots.len();
            slots.retain(|other| !Arc::ptr_eq(other, slot));
            removed = slots.len() < before;
            slots.is_empty()
        });
        if removed {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
        removed
    }
}
