//! What is left out of the set of a service name: ill clusters, expired ones, drained ones, endpoints whose health check
//! fails, each only while others can answer.

use super::candidate::{Candidate, Health};
use super::weights::is_drained;
use crate::model::cluster::State;
use crate::model::fact::Protocol;
use crate::model::id::ClusterId;
use crate::model::probe::Action;
use std::collections::HashSet;
use std::sync::Arc;

use super::policy::Policy;
use super::standing::Context;

/// Why an expired cluster is left out.
const REPLACED: &str = "expired, and clusters in contact have every family and port";
/// Why an endpoint whose health check fails is left out (`action: drop`).
const FAILING: &str = "its health check fails, and others have its families and ports";

/// Marks what is left out. No step ever empties the set.
pub(super) fn thin(context: &Context<'_>, policy: &Policy<'_>, list: &mut [Candidate<'_>]) {
    drop_ill(list);
    drop_drained(context, policy, list);
    // Last, so that nothing that replaces an expired cluster is left out afterwards. What fails its check replaces none.
    drop_expired(list);
    drop_failing(list);
}

/// True for what age or a failing check alone left out.
pub(super) fn is_replaced(candidate: &Candidate<'_>) -> bool {
    matches!(candidate.out, Some(REPLACED | FAILING))
}

/// Readiness (SOURCES.md 1.2): a cluster without a ready endpoint is left out while another has one.
fn drop_ill(list: &mut [Candidate<'_>]) {
    if list.iter().any(|candidate| candidate.is_in() && candidate.health == Health::Ready) {
        mark(list, "no endpoint is ready, and another cluster has one", |candidate| candidate.health == Health::Ill);
    }
}

fn mark(list: &mut [Candidate<'_>], reason: &'static str, drops: impl Fn(&Candidate<'_>) -> bool) {
    for candidate in list.iter_mut().filter(|candidate| candidate.is_in()) {
        if drops(candidate) {
            candidate.out = Some(reason);
        }
    }
}

/// What a set of candidates can answer: families, and port names with their protocol.
#[derive(Default)]
pub(super) struct Cover<'c> {
    v4: bool,
    v6: bool,
    ports: HashSet<(&'c Arc<str>, Protocol)>,
}

impl<'c> Cover<'c> {
    pub fn add(&mut self, candidate: &'c Candidate<'_>) {
        self.v4 |= candidate.addresses.iter().any(|address| address.is_ipv4());
        self.v6 |= candidate.addresses.iter().any(|address| address.is_ipv6());
        self.ports.extend(candidate.ports.iter().map(|port| (&port.name, port.protocol)));
    }

    pub fn covers(&self, other: &Cover<'_>) -> bool {
        (self.v4 || !other.v4) && (self.v6 || !other.v6) && other.ports.iter().all(|port| self.ports.contains(port))
    }
}

/// RESILIENCE.md rule 4: an expired cluster is left out only where clusters that are not expired have every family
/// and port name that it has.
fn drop_expired(list: &mut [Candidate<'_>]) {
    let is_expired = |candidate: &&Candidate<'_>| candidate.state == State::Expired && candidate.is_in();
    let expired: HashSet<ClusterId> = list.iter().filter(is_expired).filter_map(|c| c.cluster.cloned()).collect();
    if expired.is_empty() {
        return;
    }
    let mut living = Cover::default();
    list.iter().filter(|candidate| is_living(candidate)).for_each(|c| living.add(c));
    let replaced: HashSet<ClusterId> = expired
        .into_iter()
        .filter(|cluster| {
            let mut held = Cover::default();
            list.iter().filter(is_expired).filter(|c| c.cluster == Some(cluster)).for_each(|c| held.add(c));
            living.covers(&held)
        })
        .collect();
    mark(list, REPLACED, |candidate| {
        candidate.state == State::Expired && candidate.cluster.is_some_and(|cluster| replaced.contains(cluster))
    });
}

/// In contact, ready, and its check does not fail.
fn is_living(candidate: &Candidate<'_>) -> bool {
    candidate.is_in() && candidate.state != State::Expired && candidate.health != Health::Ill && candidate.ill.is_none()
}

/// Evidence of health checks empties no name, family or port either: an endpoint is left out only where those that are
/// well have every family and port name that it has.
fn drop_failing(list: &mut [Candidate<'_>]) {
    let is_failing = |candidate: &Candidate<'_>| candidate.is_in() && matches!(candidate.ill, Some((_, Action::Drop)));
    if !list.iter().any(is_failing) {
        return;
    }
    let mut living = Cover::default();
    list.iter().filter(|candidate| is_living(candidate)).for_each(|candidate| living.add(candidate));
    let replaced = |candidate: &Candidate<'_>| {
        let mut held = Cover::default();
        held.add(candidate);
        is_failing(candidate) && living.covers(&held)
    };
    let replaced: Vec<bool> = list.iter().map(replaced).collect();
    for (candidate, _) in list.iter_mut().zip(replaced).filter(|(_, replaced)| *replaced) {
        candidate.out = Some(FAILING);
    }
}

/// A drained cluster is left out while anything undrained is ready. What is expired may be gone: it does not replace a
/// drained cluster in contact.
fn drop_drained(context: &Context<'_>, policy: &Policy<'_>, list: &mut [Candidate<'_>]) {
    if !list.iter().any(|candidate| candidate.is_in() && is_drained(context, policy, candidate)) {
        return;
    }
    let is_expired = |candidate: &Candidate<'_>| candidate.state == State::Expired;
    let replaces = |candidate: &Candidate<'_>| {
        candidate.is_in() && candidate.health != Health::Ill && !is_drained(context, policy, candidate)
    };
    let any = list.iter().any(replaces);
    let living = list.iter().any(|candidate| replaces(candidate) && !is_expired(candidate));
    mark(list, "drained", |candidate| {
        is_drained(context, policy, candidate) && if is_expired(candidate) { any } else { living }
    });
}
