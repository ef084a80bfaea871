//! What the task does with an observation beside handing it to the publisher: signs of life, findings, failures, the log.

use super::{Driver, INTAKE};
use crate::model::{Change, ClusterId, Kind, Observation};
use crate::publish::braking;
use std::time::Duration;
use tokio::sync::mpsc;

impl Driver {
    pub(super) fn take_in(&mut self, first: Observation, more: &mut mpsc::Receiver<Observation>) {
        self.settle_growth();
        self.observe(first);
        for _ in 1..INTAKE {
            if !self.publisher.has_room() {
                break;
            }
            let Ok(observation) = more.try_recv() else { break };
            self.observe(observation);
        }
    }

    fn observe(&mut self, observation: Observation) {
        let received = Duration::from_nanos(observation.received_ns);
        if let Some(kind) = contact_of(&observation.change) {
            self.ageing.heard(&observation.cluster, kind, received);
        }
        for finding in findings_of(&observation.change) {
            self.publisher.warnings.tell(finding);
        }
        if let Change::Failed { kind, error } = &observation.change {
            self.failed(&observation.cluster, *kind, error);
        }
        let cluster = observation.cluster.clone();
        let counts = matches!(observation.change, Change::Apply { .. } | Change::Delete { .. });
        self.publisher.take_in(observation);
        if counts {
            self.publisher.await_answer(cluster, received);
        }
        self.tell_what_happened();
    }

    /// What the brake did and what was found since the last call.
    pub(super) fn tell_what_happened(&mut self) {
        self.publisher.brake_mut().take_events().iter().for_each(braking::tell);
        self.tell_findings();
    }

    pub(super) fn tell_findings(&mut self) {
        for line in self.publisher.warnings.take_lines() {
            tracing::warn!("{line}");
        }
    }

    /// One line when a kind begins to fail, and when it fails in another way; one for all kinds that fail alike.
    fn failed(&self, cluster: &ClusterId, kind: Kind, error: &str) {
        let member = self.publisher.clusterset().get(cluster);
        let stands = |kind| member.is_some_and(|member| member.facts().status(kind).error.as_deref() == Some(error));
        if !Kind::ALL.into_iter().any(stands) {
            let kept = member.is_some_and(|member| member.state().is_known());
            let meanwhile = if kept { "its data is kept and served" } else { "nothing of it is served yet" };
            tracing::warn!("cluster {cluster}: {}: {error}; {meanwhile}", kind.as_str());
        }
    }
}

fn findings_of(change: &Change) -> &[crate::model::Finding] {
    match change {
        Change::Apply { findings, .. } | Change::Replace { findings, .. } | Change::Unreadable { findings } => findings,
        Change::Rejected { finding, .. } => std::slice::from_ref(finding),
        _ => &[],
    }
}

/// The kind that an observation is a sign of life of.
fn contact_of(change: &Change) -> Option<Kind> {
    match change {
        Change::Failed { .. } => None,
        change => change.kind(),
    }
}
