//! Logs: one line per event on stderr, as text or JSON, and the folding of repeated lines.
//!
//! In: `log.format`, `log.level` and `RUST_LOG`. Out: a global `tracing` subscriber. Never on the query path.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing_subscriber::EnvFilter;

/// `log.format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    #[default]
    Text,
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A level or `RUST_LOG` that is no filter.
    #[error(
        "{origin}: {value:?} is no log filter ({reason}); write a level (error, warn, info, debug, trace) or `target=level,...`"
    )]
    Filter { origin: &'static str, value: String, reason: String },
    /// A subscriber was set before.
    #[error("logging was already set up in this process")]
    Taken,
}

/// Targets that are silent unless the filter names them.
const QUIET: [&str; 1] = ["kube_client"];

/// Reads the filter: `RUST_LOG` where it is set and not empty, else `level` (of `log.level`).
///
/// # Errors
/// [`LogError::Filter`] names where the text came from.
pub fn filter(level: &str, rust_log: Option<&str>) -> Result<EnvFilter, LogError> {
    let (origin, value) = match rust_log.filter(|text| !text.trim().is_empty()) {
        Some(text) => ("RUST_LOG", text),
        None => ("log.level", level),
    };
    let written = EnvFilter::builder().parse(value).map_err(|error| LogError::Filter {
        origin,
        value: value.to_owned(),
        reason: error.to_string(),
    })?;
    // kube logs every reply of 5xx as an error of its own; the sources say it once, with cluster and kind.
    let quiet = QUIET.iter().filter(|target| !value.contains(**target));
    Ok(quiet.filter_map(|target| format!("{target}=off").parse().ok()).fold(written, EnvFilter::add_directive))
}

/// Sets the subscriber of the process: stderr, `format`, `level` unless `RUST_LOG` says otherwise.
///
/// # Errors
/// A filter that cannot be read, or a subscriber that stands already.
pub fn init(format: Format, level: &str) -> Result<(), LogError> {
    let rust_log = std::env::var("RUST_LOG").ok();
    let filter = filter(level, rust_log.as_deref())?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    match format {
        Format::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        Format::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
    }
    .map_err(|_| LogError::Taken)
}

/// Most texts that are folded at once; beyond it every line is written.
const FOLDED_TEXTS: usize = 4096;

/// Folds repeats: each text is let through once per interval, with how often it was held back since.
///
/// ```text
/// if let Some(repeats) = FOLD.admit(&message, Instant::now()) { warn!(repeats, "{message}") }
/// ```
#[derive(Debug)]
pub struct Fold {
    interval: Duration,
    seen: Mutex<HashMap<String, Folded>>,
}

#[derive(Debug)]
struct Folded {
    written: Instant,
    held_back: u64,
}

impl Default for Fold {
    /// Once a minute (OPERATIONS.md section 3).
    fn default() -> Self {
        Fold::every(Duration::from_secs(60))
    }
}

impl Fold {
    /// Lets each text through once per `interval`.
    pub fn every(interval: Duration) -> Self {
        Fold { interval, seen: Mutex::new(HashMap::new()) }
    }

    /// `Some(n)`: write the line; it was held back `n` times since it was last written. `None`: hold it back.
    pub fn admit(&self, text: &str, now: Instant) -> Option<u64> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folded) = seen.get_mut(text) {
            if now.saturating_duration_since(folded.written) < self.interval {
                folded.held_back += 1;
                return None;
            }
            folded.written = now;
            return Some(std::mem::take(&mut folded.held_back));
        }
        if seen.len() >= FOLDED_TEXTS {
            let interval = self.interval;
            seen.retain(|_, f| f.held_back > 0 || now.saturating_duration_since(f.written) < interval);
        }
        if seen.len() < FOLDED_TEXTS {
            seen.insert(text.to_owned(), Folded { written: now, held_back: 0 });
        }
        Some(0)
    }

    /// Texts that stopped coming while some were held back: each once, with its count, when its interval is over.
    /// Call it about once per interval.
    pub fn overdue(&self, now: Instant) -> Vec<(String, u64)> {
        let mut overdue = Vec::new();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|text, folded| {
            let over = now.saturating_duration_since(folded.written) >= self.interval;
            if over && folded.held_back > 0 {
                overdue.push((text.clone(), folded.held_back));
            }
            !over
        });
        overdue.sort();
        overdue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_repeat_is_written_once_a_minute_with_its_count() {
        let (fold, start) = (Fold::default(), Instant::now());
        assert_eq!(fold.admit("west: 403", start), Some(0));
        assert_eq!(fold.admit("west: 403", start + MINUTE / 2), None);
        assert_eq!(fold.admit("west: 403", start + MINUTE / 2), None);
        assert_eq!(fold.admit("east: 403", start + MINUTE / 2), Some(0), "another text is not held back");
        assert_eq!(fold.admit("west: 403", start + MINUTE), Some(2));
        assert_eq!(fold.admit("west: 403", start + MINUTE * 2), Some(0));
    }

    #[test]
    fn a_text_that_stopped_is_reported_once() {
        let (fold, start) = (Fold::default(), Instant::now());
        fold.admit("a", start);
        fold.admit("a", start);
        fold.admit("b", start);
        assert_eq!(fold.overdue(start + MINUTE / 2), []);
        assert_eq!(fold.overdue(start + MINUTE), [("a".to_owned(), 1)]);
        assert_eq!(fold.overdue(start + MINUTE), []);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (fold, start) = (Fold::default(), Instant::now());
        for n in 0..FOLDED_TEXTS + 10 {
            assert_eq!(fold.admit(&n.to_string(), start), Some(0));
        }
        assert_eq!(fold.seen.lock().unwrap().len(), FOLDED_TEXTS);
        assert_eq!(fold.admit("later", start + MINUTE), Some(0));
        assert_eq!(fold.seen.lock().unwrap().len(), 1, "old texts give way");
    }

    #[test]
    fn rust_log_goes_before_the_level() {
        assert_eq!(filter("info", None).unwrap().to_string(), "kube_client=off,info");
        assert_eq!(filter("info", Some("kube_client=debug")).unwrap().to_string(), "kube_client=debug");
        assert_eq!(filter("warn", Some(" ")).unwrap().to_string(), "kube_client=off,warn");
        let error = filter("chatty=loud", None).unwrap_err().to_string();
        assert!(error.starts_with("log.level: \"chatty=loud\" is no log filter"), "{error}");
        assert!(filter("info", Some("a=b=c")).unwrap_err().to_string().starts_with("RUST_LOG"), "names its origin");
    }
}
