//! Checks across values: what a single value cannot know. All are run, so that one start reports all.
//!
//! In: a [`Draft`]. Out: errors and warnings.

mod clusters;
mod listeners;
mod references;
mod registry;
mod times;
mod views;
mod zones;

pub use clusters::name_problem;

use super::diagnostic::{CONFIG, Diagnostic, Severity};
use super::draft::Draft;
use super::{Config, not_built};

/// Runs all checks.
pub(super) fn check(draft: &Draft) -> Vec<Diagnostic> {
    let mut checker = Checker { draft, config: &draft.config, found: Vec::new() };
    zones::check(&mut checker);
    clusters::check(&mut checker);
    registry::check(&mut checker);
    views::check(&mut checker);
    listeners::check(&mut checker);
    times::check(&mut checker);
    references::check(&mut checker);
    checker.found.extend(not_built::check(draft));
    checker.found
}

struct Checker<'a> {
    draft: &'a Draft,
    config: &'a Config,
    found: Vec<Diagnostic>,
}

impl Checker<'_> {
    /// Reports an error at the value of `field`.
    fn error(&mut self, field: &str, value: &str, message: impl Into<String>) {
        self.report(Severity::Error, field, value, message.into());
    }

    /// Reports a warning at the value of `field`.
    fn warning(&mut self, field: &str, value: &str, message: impl Into<String>) {
        self.report(Severity::Warning, field, value, message.into());
    }

    fn report(&mut self, severity: Severity, field: &str, value: &str, message: String) {
        if self.draft.misses_item_of(field) {
            return;
        }
        let place = self.draft.place(field);
        let diagnostic = Diagnostic { place, value: value.to_owned(), ..Diagnostic::new(severity, CONFIG, message) };
        self.found.push(diagnostic.of_field(field));
    }

    /// ` (line 12)` of the value of `field`, to point from one message at another place; empty when it is in no file.
    fn line_of(&self, field: &str) -> String {
        self.draft.place(field).map(|place| format!(" (line {})", place.line)).unwrap_or_default()
    }
}
