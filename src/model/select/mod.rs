//! What one view sees of one service (SOURCES.md 1, 4 and 5).

#[cfg(test)]
mod tests;

use super::answer::Answer;
use super::clusterset::ClusterSet;
use super::service::Service;
use super::trace::Trace;
use super::view::View;

/// The outcome for one view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The name does not exist in this view: NXDOMAIN, or SERVFAIL while a cluster that could own it is unknown.
    Absent,
    /// Whether it exists is not known yet: SERVFAIL with EDE 14 (DNS.md section 4).
    Unknown,
    /// The name exists. Without targets it is NODATA.
    Present(Answer),
}

/// Selects what `view` sees of `service`.
pub fn select(_service: &Service, _view: &View, _set: &ClusterSet, _trace: &mut impl Trace) -> Selection {
    Selection::Absent
}

/// True when `<namespace>.svc.Z` exists in the view (SOURCES.md 1.7).
pub fn namespace_presence(_set: &ClusterSet, _namespace: &str, _view: &View) -> bool {
    false
}
