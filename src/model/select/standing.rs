//! Where a view stands, and which namespaces it knows (SOURCES.md 1.1, 1.3, 1.7).

use crate::model::clusterset::{ClusterSet, Member};
use crate::model::finding::Finding;
use crate::model::id::ClusterId;
use crate::model::service::Service;
use crate::model::trace::{FindingTrace, Trace};
use crate::model::view::View;
use std::net::IpAddr;
use std::sync::Arc;

/// A view placed among the clusters, with the service it asks for.
pub(super) struct Context<'a> {
    pub service: &'a Service,
    pub view: &'a View,
    pub set: &'a ClusterSet,
    /// The known cluster that the view stands in.
    pub own: Option<&'a Member>,
    /// Id of the cluster the view names, also when it is not known.
    pub cluster: Option<&'a ClusterId>,
    pub region: Option<&'a Arc<str>>,
    pub zone: Option<&'a Arc<str>>,
    pub network: Option<&'a Arc<str>>,
}

/// The registry entry that a view names; a view without a cluster stands in the only one.
fn entry<'a>(set: &'a ClusterSet, view: &View) -> Option<&'a Member> {
    match &view.cluster {
        Some(id) => set.get(id),
        None if set.len() == 1 => set.members().next().map(|(_, member)| member),
        None => None,
    }
}

/// The known cluster that a view stands in.
pub(super) fn own<'a>(set: &'a ClusterSet, view: &View) -> Option<&'a Member> {
    entry(set, view).filter(|member| member.state().is_known())
}

impl<'a> Context<'a> {
    pub fn new(service: &'a Service, view: &'a View, set: &'a ClusterSet) -> Self {
        let entry = entry(set, view);
        let home = entry.map(|member| &member.cluster().locality);
        Context {
            service,
            view,
            set,
            own: entry.filter(|member| member.state().is_known()),
            cluster: view.cluster.as_ref().or(entry.map(|member| &member.cluster().id)),
            region: view.locality.region.as_ref().or(home.and_then(|home| home.region.as_ref())),
            zone: view.locality.zone.as_ref().or(home.and_then(|home| home.zone.as_ref())),
            network: view.locality.network.as_ref().or(home.and_then(|home| home.network.as_ref())),
        }
    }

    /// True when the question is about a host in a global zone, which has no namespace.
    pub fn is_host(&self) -> bool {
        self.service.key.namespace().is_empty()
    }

    /// True when both networks are named and differ: nothing of that cluster is reached directly.
    pub fn is_elsewhere(&self, member: &Member) -> bool {
        let theirs = member.cluster().locality.network.as_ref();
        matches!((self.network, theirs), (Some(own), Some(theirs)) if own != theirs)
    }

    /// True when `address` of a cluster in another network would reach a pod or service of the view's own cluster.
    pub fn is_withheld(&self, member: &Member, address: IpAddr) -> bool {
        self.is_elsewhere(member) && self.own.is_some_and(|own| own.ranges().any(|range| range.contains(address)))
    }

    /// True when the view stands in that very cluster.
    pub fn stands_in(&self, member: &Member) -> bool {
        self.own.is_some_and(|own| own.cluster().id == member.cluster().id)
    }

    /// A finding about the service in one cluster.
    pub fn find(&self, trace: &mut impl Trace, code: &'static str, cluster: &ClusterId, text: impl FnOnce() -> String) {
        trace.finding(|| Finding {
            code,
            cluster: cluster.as_str().into(),
            kind: if self.is_host() { "Host" } else { "Service" }.into(),
            object: self.service.key.as_str().trim_start_matches('/').into(),
            place: None,
            message: text(),
        });
    }
}

/// Says that the cluster a view names does not count, once its grace is over or when there is no such cluster.
pub(super) fn warn_unknown(set: &ClusterSet, view: &View, trace: &mut impl Trace) {
    let Some(id) = &view.cluster else { return };
    let message = match set.get(id) {
        None => "no cluster of the registry has this id",
        Some(member) if !member.state().is_known() && member.grace_over() => "the cluster has not synced in its grace",
        Some(_) => return,
    };
    trace.finding(|| Finding {
        code: "view-cluster-unknown",
        cluster: id.as_str().into(),
        kind: "View".into(),
        object: Arc::clone(&view.name),
        place: None,
        message: format!(
            "{message}: the view is answered as one without a cluster; correct `local.cluster` or `views[].cluster`, \
             or repair the cluster"
        ),
    });
}

/// What a view itself gives rise to, whatever is asked of it (`view-cluster-unknown`).
pub fn view_findings(set: &ClusterSet, view: &View) -> Vec<Finding> {
    let mut trace = FindingTrace::default();
    warn_unknown(set, view, &mut trace);
    trace.0
}

/// True when `<namespace>.svc.Z` exists in the view: it may see the namespace, and its cluster (for a view without
/// one any known cluster) knows it.
pub fn namespace_presence(set: &ClusterSet, namespace: &str, view: &View) -> bool {
    let knows = |member: &Member| member.facts().presence().contains(namespace);
    view.namespaces.admits(namespace)
        && match own(set, view) {
            Some(own) => knows(own),
            None => set.members().any(|(_, member)| member.state().is_known() && knows(member)),
        }
}
