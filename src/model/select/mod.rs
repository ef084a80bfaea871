//! What one view sees of one service (SOURCES.md 1, 4 and 5).
//!
//! In: a merged service, a view, the facts of all clusters. Out: a [`Selection`], and notes for whoever asks why.
//! Pure. Each step in its own file: where the view stands (`standing`), which rule of 1.3 applies (`import`,
//! `direct`), what a cluster contributes (`reach`, `headless`, `copies`, `gateways`, `endpoints`), which
//! `policy` holds, what is ill (`probed`) or left out (`thin`), in which `tiers` with which `weights`, and the answer
//! (`assemble`).

mod assemble;
mod candidate;
mod copies;
mod direct;
mod endpoints;
mod gateways;
mod headless;
mod host;
mod import;
mod policy;
mod probed;
mod reach;
mod spread;
mod standing;
#[cfg(test)]
mod tests;
mod thin;
mod tiers;
mod weights;

pub use host::select_host;
pub use standing::{namespace_presence, view_findings};

use super::answer::Answer;
use super::cluster::Mode;
use super::clusterset::ClusterSet;
use super::service::Service;
use super::trace::{Note, Trace, Verdict};
use super::view::View;
use standing::Context;

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

impl Selection {
    /// The answer, if the name exists.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Selection::Present(answer) => Some(answer),
            Selection::Absent | Selection::Unknown => None,
        }
    }
}

/// Selects what `view` sees of `service`, which is the merge of the same `set`.
pub fn select(service: &Service, view: &View, set: &ClusterSet, trace: &mut impl Trace) -> Selection {
    if !view.namespaces.admits(service.key.namespace()) {
        return absent("the view does not admit the namespace", trace);
    }
    standing::warn_unknown(set, view, trace);
    let context = Context::new(service, view, set);
    let held = import::held(&context);
    if !held.is_empty() {
        return import::answer(&context, &held, trace);
    }
    if let Some(own) = context.own {
        if own.cluster().mode == Mode::Import {
            return absent("no ServiceImport in the view's cluster, which is read in mode `import`", trace);
        }
        if !own.facts().presence().contains(service.key.namespace()) {
            return absent("the view's cluster does not know the namespace", trace);
        }
    }
    let vips_count = context.own.is_none_or(|own| own.cluster().mode != Mode::Direct);
    let vips = if vips_count { import::from_clusterset_vips(&context, trace) } else { None };
    vips.unwrap_or_else(|| direct::direct(&context, Vec::new(), trace))
}

fn absent(reason: &'static str, trace: &mut impl Trace) -> Selection {
    let note = || Note {
        cluster: None,
        addresses: Vec::new(),
        verdict: Verdict::LeftOut,
        reason: reason.into(),
        source: None,
    };
    trace.note(note);
    Selection::Absent
}
