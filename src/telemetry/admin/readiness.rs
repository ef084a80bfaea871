//! When `/ready` says yes: once everything needed is there, and never again after the drain began.

use std::sync::atomic::{AtomicBool, Ordering};

/// `ready.monitor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Monitor {
    /// Once ready it stays ready, through cluster outages too.
    #[default]
    UntilReady,
    /// Reports what is missing at every moment.
    Continuously,
}

/// The state behind `/ready`.
pub struct Gate {
    monitor: Monitor,
    missing: Box<dyn Fn() -> Vec<String> + Send + Sync>,
    was_ready: AtomicBool,
    draining: AtomicBool,
}

impl Gate {
    /// `missing` gives one line per thing missing, such as
    /// `cluster west: not synced: list endpointslices: 403 Forbidden`.
    pub fn new(monitor: Monitor, missing: impl Fn() -> Vec<String> + Send + Sync + 'static) -> Self {
        let (was_ready, draining) = (AtomicBool::new(false), AtomicBool::new(false));
        Gate { monitor, missing: Box::new(missing), was_ready, draining }
    }

    /// What `/ready` lists; empty is ready.
    pub fn missing(&self) -> Vec<String> {
        if self.draining.load(Ordering::Acquire) {
            return vec!["draining: this process is stopping".to_owned()];
        }
        if self.monitor == Monitor::UntilReady && self.was_ready.load(Ordering::Acquire) {
            return Vec::new();
        }
        let missing = (self.missing)();
        if missing.is_empty() {
            self.was_ready.store(true, Ordering::Release);
        }
        missing
    }

    /// From SIGTERM on: not ready, for good.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }
}
