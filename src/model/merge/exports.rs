//! Which clusters export a service, in which order, and what becomes of each export.

use crate::model::cluster::Mode;
use crate::model::clusterset::{ClusterSet, Member, Slot};
use crate::model::fact::{ExportFact, Kind, ServiceFact, ServiceKind};
use crate::model::facts::ServiceFacts;
use crate::model::finding::Finding;
use crate::model::id::{ClusterId, ServiceKey};
use crate::model::service::{Export, ExportState};
use crate::model::view::glob_matches;

/// An export as it was found.
pub(super) struct Found<'a> {
    pub row: Export,
    pub member: &'a Member,
    pub facts: &'a ServiceFacts,
    pub export: &'a ExportFact,
    pub service: Option<&'a ServiceFact>,
}

impl Found<'_> {
    /// True while a list that will say more is still awaited.
    pub fn waits(&self) -> bool {
        self.row.state == ExportState::ServiceUnknown && !self.member.grace_over()
    }
}

/// Every export of `key` in known clusters whose exports are read, oldest first.
pub(super) fn collect<'a>(key: &ServiceKey, set: &'a ClusterSet, findings: &mut Vec<Finding>) -> Vec<Found<'a>> {
    let exporting = set.holders(key).filter(|(_, member)| member.cluster().mode != Mode::Import);
    let mut found: Vec<Found<'a>> =
        exporting.filter_map(|(slot, member)| find(key, slot, member, set, findings)).collect();
    let rank = |cluster: &ClusterId| set.settings().priority.iter().position(|id| id == cluster).unwrap_or(usize::MAX);
    found.sort_by_cached_key(|found| {
        let created = found.row.created;
        (rank(&found.row.cluster), created.is_none(), created, found.row.cluster.clone())
    });
    found
}

fn find<'a>(
    key: &ServiceKey,
    slot: Slot,
    member: &'a Member,
    set: &ClusterSet,
    findings: &mut Vec<Finding>,
) -> Option<Found<'a>> {
    let facts = member.usable(key)?;
    let export = facts.export.as_deref()?;
    let service = facts.service.as_deref();
    let (state, finding) = judge(key, member, export, service, &set.settings().refuse_exports);
    findings.extend(finding.map(|(code, message)| finding_of(member, key, code, message)));
    let own = |pick: fn(&crate::model::policy::OwnPolicy) -> Option<u32>| {
        pick(&export.own).or_else(|| service.and_then(|service| pick(&service.own)))
    };
    let row = Export {
        cluster: member.cluster().id.clone(),
        slot,
        state,
        created: export.created,
        weight: own(|own| own.weight),
        drain: export.own.drain || service.is_some_and(|service| service.own.drain),
    };
    Some(Found { row, member, facts, export, service })
}

type Judgement = (ExportState, Option<(&'static str, String)>);

/// The second table of SOURCES.md section 2.
fn judge(
    key: &ServiceKey,
    member: &Member,
    export: &ExportFact,
    service: Option<&ServiceFact>,
    refused: &[std::sync::Arc<str>],
) -> Judgement {
    if export.deleting {
        return (ExportState::Withdrawn, None);
    }
    if member.is_cut(key) {
        let text = "beyond `limits.cluster` of the cluster's services or endpoints: the export is left out; raise the \
                    limit or export less";
        return (ExportState::OverLimit, Some(("over-limit", text.to_owned())));
    }
    if !member.admits_namespace(key.namespace()) {
        let text = format!(
            "`allow.namespaces` of the cluster does not admit namespace {}: the export is left out",
            key.namespace()
        );
        return (ExportState::NotAllowed, Some(("not-allowed", text)));
    }
    if let Some(glob) = refused.iter().find(|glob| glob_matches(glob, key.as_str())) {
        let text = format!("`refuseExports` names it (`{glob}`): the export is left out");
        return (ExportState::NotAllowed, Some(("not-allowed", text)));
    }
    match service {
        None if member.facts().status(Kind::Service).is_synced() => (ExportState::NoService, None),
        None => (ExportState::ServiceUnknown, None),
        Some(service) if service.mirror => {
            let text = "the Service is a mirror of another cluster's service: the export is refused; export it in the \
                        cluster it comes from";
            (ExportState::NotAllowed, Some(("mirror-exported", text.to_owned())))
        }
        Some(service) => match service.kind {
            ServiceKind::ExternalName => (ExportState::InvalidServiceType, None),
            ServiceKind::ClusterIp if service.cluster_ips.is_empty() => (ExportState::Pending, None),
            ServiceKind::ClusterIp | ServiceKind::Headless => (ExportState::Ready, None),
        },
    }
}

/// A finding about the export of `key` in one cluster.
pub(super) fn finding_of(member: &Member, key: &ServiceKey, code: &'static str, message: String) -> Finding {
    Finding {
        code,
        cluster: member.cluster().id.as_str().into(),
        kind: Kind::ServiceExport.as_str().into(),
        object: key.as_str().into(),
        place: None,
        message,
    }
}
