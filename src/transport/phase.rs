//! Where the listeners stand between start and end: serving, draining, closed.

use tokio::sync::watch;

/// Stages of the end (RESILIENCE.md section 7), in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Serving,
    /// No new connections; what has been read is answered, then connections close.
    Draining,
    /// The time for that is over: whatever is open closes.
    Closed,
}

/// A view of the phase for one task.
#[derive(Debug, Clone)]
pub struct PhaseReceiver(watch::Receiver<Phase>);

/// Serving, and the sender that moves on.
pub fn phases() -> (watch::Sender<Phase>, PhaseReceiver) {
    let (sender, receiver) = watch::channel(Phase::Serving);
    (sender, PhaseReceiver(receiver))
}

impl PhaseReceiver {
    /// Waits for the drain to begin (or the sender to be gone).
    pub async fn draining(&mut self) {
        self.reached(Phase::Draining).await;
    }

    /// Waits for the end of the drain (or the sender to be gone).
    pub async fn closed(&mut self) {
        self.reached(Phase::Closed).await;
    }

    async fn reached(&mut self, phase: Phase) {
        // An error means that the sender is gone, and so is everything to serve.
        let _ = self.0.wait_for(|now| *now >= phase).await;
    }
}
