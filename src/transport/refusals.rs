//! What the log says of connections that were refused or had to give way: one line a minute, with a count.
//!
//! In: each refusal, as it is counted. Out: a warning, now and then. Refusals may come by the thousand, so most only count.

use crate::telemetry::counters::Refusal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One line in this time.
const EVERY: Duration = Duration::from_secs(60);

/// Of one transport.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    told: Option<Instant>,
    /// Since the last line.
    untold: u64,
}

impl Refusals {
    /// Tells of one, unless a line was written less than a minute ago.
    pub fn tell(&self, refusal: Refusal, now: Instant) {
        if let Some(line) = self.line(refusal, now) {
            tracing::warn!("{line}");
        }
    }

    fn line(&self, refusal: Refusal, now: Instant) -> Option<String> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.told.is_some_and(|told| now.saturating_duration_since(told) < EVERY) {
            state.untold += 1;
            return None;
        }
        state.told = Some(now);
        let more = match std::mem::take(&mut state.untold) {
            0 => String::new(),
            untold => format!(" ({untold} more since the last such line)"),
        };
        let (what, advice) = words(refusal);
        Some(format!(
            "connections: {what}{more}; UDP and all other connections are served as before; tcp_refused_total and \
             grpc_refused_total count it; {advice}"
        ))
    }
}

/// What happened, and what to do.
fn words(refusal: Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::Total => (
            "as many are open as may be and none is idle: a new one is closed",
            "raise `connections` of limits.tcp or limits.grpc",
        ),
        Refusal::Client => (
            "one address has as many open as it may and none is idle: a new one is closed",
            "look what that client does, or raise limits.tcp.perClient",
        ),
        Refusal::Descriptors => (
            "no file descriptor is left: the oldest idle one is closed",
            "raise the limit on open files (ulimit -n, LimitNOFILE) or lower limits.tcp.connections",
        ),
        Refusal::GaveWay => (
            "as many are open as may be: the one that was idle longest is closed for a new one",
            "if clients notice, raise `connections` of limits.tcp or limits.grpc, or limits.tcp.perClient",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_is_one_line_a_minute() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let lines: Vec<String> =
            (0..130).filter_map(|second| refusals.line(Refusal::Descriptors, at(second))).collect();
        assert_eq!(lines.len(), 3, "{lines:#?}");
        assert!(lines[0].contains("no file descriptor is left: the oldest idle one is closed; UDP"), "{}", lines[0]);
        assert!(lines[2].contains("(59 more since the last such line)"), "{}", lines[2]);
    }
}
