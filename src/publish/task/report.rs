//! What the task tells others: readiness for sockets and `/ready`, the report for the metrics.

use super::{Driver, Readiness};
use crate::model::clusterset::Member;
use crate::model::{Kind, State};
use crate::publish::figures::{ClusterReport, KindReport, Report};
use crate::publish::{ageing, growth};
use std::sync::Arc;

impl Driver {
    pub(super) fn settle_readiness(&self) {
        let clusterset = self.publisher.clusterset();
        let decided = |member: &Member| member.state().is_known() || member.grace_over();
        let all = clusterset.members().all(|(_, member)| decided(member));
        let one = clusterset.is_empty() || clusterset.members().any(|(_, member)| member.state().is_known());
        let unknown = clusterset.members().filter(|(_, m)| !m.state().is_known()).map(|(_, m)| missing(m));
        let missing = unknown.chain(self.registry.missing.iter().cloned()).collect();
        let ready = all && one && !self.registry.awaited && self.publisher.waiting() == 0;
        let now = Readiness { ready, missing, lost: self.ageing.lost() };
        // Once open, sockets stay open.
        let next = Readiness { ready: now.ready || self.readiness.borrow().ready, ..now };
        if *self.readiness.borrow() == next {
            return;
        }
        // Whoever reads the figures on hearing of this must find them so.
        self.publisher.figures().report.store(Arc::new(self.report()));
        self.readiness.send_replace(next);
    }

    pub(super) fn report(&self) -> Report {
        let members = self.publisher.clusterset().members();
        Report {
            clusters: members.map(|(_, member)| self.cluster_report(member)).collect(),
            conflicts: self.publisher.conflict_counts(),
            endpoints: self.publisher.endpoint_count(),
            waiting: self.publisher.waiting(),
            at_ns: self.epoch.elapsed().as_nanos() as u64,
        }
    }

    /// Findings about objects, and about what they are together.
    fn findings_of(&self, member: &Member) -> Vec<(&'static str, u64)> {
        let mut counts = member.facts().findings().counts();
        for (code, count) in self.publisher.warnings.counts_of(member.cluster().id.as_str()) {
            *counts.entry(code).or_default() += count as usize;
        }
        let counts = counts.into_iter().map(|(code, count)| (code, count as u64));
        let refused = self.publisher.growth.refused(&member.cluster().id);
        counts.chain((refused > 0).then_some((growth::CODE, refused))).collect()
    }

    fn cluster_report(&self, member: &Member) -> ClusterReport {
        let (cluster, facts) = (member.cluster(), member.facts());
        let kind = |kind: Kind| {
            let status = facts.status(kind);
            let report = KindReport {
                contact_ns: self.ageing.contact(&cluster.id, kind).map(|at| at.as_nanos() as u64),
                objects: facts.count(kind) as u64,
                error: status.error.as_deref().map(String::from),
                required: ageing::required(member).any(|required| required == kind),
                synced: status.is_synced(),
            };
            (kind, report)
        };
        let read = Kind::ALL.into_iter().filter(|kind| crate::model::facts::is_read(*kind, cluster.mode));
        ClusterReport {
            id: cluster.id.clone(),
            state: member.state(),
            synced: member.state() != State::Unknown && !member.is_restored(),
            restored: member.restored(),
            grace_over: member.grace_over(),
            drained: cluster.drain,
            kinds: read.map(kind).collect(),
            brake_active: !self.publisher.brake().waiting(&cluster.id).is_empty(),
            brake_total: self.publisher.brake().total(&cluster.id),
            findings: self.findings_of(member),
        }
    }
}

/// `cluster west: not synced: EndpointSlice: 403 Forbidden` (OPERATIONS.md section 1).
fn missing(member: &Member) -> String {
    let (cluster, facts) = (member.cluster(), member.facts());
    let reason = |kind: Kind| {
        let status = facts.status(kind);
        if status.is_synced() {
            return None;
        }
        Some(match &status.error {
            Some(error) => format!("{}: {error}", kind.as_str()),
            None => format!("{}: no complete list yet", kind.as_str()),
        })
    };
    let required = Kind::ALL.into_iter().filter(|kind| crate::model::facts::is_required(*kind, cluster.mode));
    let reasons: Vec<String> = required.filter_map(reason).collect();
    format!("cluster {}: not synced: {}", cluster.id, reasons.join("; "))
}
