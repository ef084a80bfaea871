//! Signs of life of one kind, thinned out before they reach the model.

use super::cluster::{Closed, Shared};
use crate::model::{Change, Kind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Sends `Change::Contact` for one kind.
pub(super) struct Pulse {
    kind: Kind,
    shared: Arc<Shared>,
    last: Mutex<Option<Instant>>,
}

impl Pulse {
    pub fn new(kind: Kind, shared: Arc<Shared>) -> Self {
        Pulse { kind, shared, last: Mutex::new(None) }
    }

    /// A 2xx head, a frame or a clean end came: told at most once a second, and not at all while the probe says that
    /// quiet proves nothing.
    pub async fn beat(&self) -> Result<(), Closed> {
        let now = Instant::now();
        if !self.shared.is_trusted() || !self.is_due(now) {
            return Ok(());
        }
        self.shared.send(Change::Contact { kind: self.kind }, now).await
    }

    /// After a fault the next sign of life is told at once.
    pub fn missed(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn is_due(&self, now: Instant) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| now - last >= self.shared.connection.timing().pace);
        if due {
            *last = Some(now);
        }
        due
    }
}
