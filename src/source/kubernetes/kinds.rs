//! The one table of kinds: it drives discovery, lists, watches and what a missing permission means.

use crate::model::{Kind, Mode};

/// One row: a kind and how the API serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub kind: Kind,
    /// API group; empty for the core group.
    pub group: &'static str,
    /// In order of preference: the first that is served is read, never two of them.
    pub versions: &'static [&'static str],
    /// The name in URLs.
    pub plural: &'static str,
    /// A CRD that may be missing: looked up by discovery, absence is a fact and no error.
    pub discovered: bool,
}

/// What a cluster's `mode` asks of a kind (RESILIENCE.md section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Without it the cluster is not synced.
    Required,
    /// Read where it may be: a 403 before the first list is absence, not an error.
    Optional,
    /// Not watched in this mode.
    Unread,
}

const MCS: &str = "multicluster.x-k8s.io";
const MCS_VERSIONS: &[&str] = &["v1beta1", "v1alpha1"];
const ISTIO: &str = "networking.istio.io";
const ISTIO_VERSIONS: &[&str] = &["v1", "v1beta1", "v1alpha3"];

/// All kinds that are watched.
pub const TABLE: [Row; 10] = [
    Row { kind: Kind::Namespace, group: "", versions: &["v1"], plural: "namespaces", discovered: false },
    Row { kind: Kind::Node, group: "", versions: &["v1"], plural: "nodes", discovered: false },
    Row { kind: Kind::Service, group: "", versions: &["v1"], plural: "services", discovered: false },
    Row {
        kind: Kind::EndpointSlice,
        group: "discovery.k8s.io",
        versions: &["v1"],
        plural: "endpointslices",
        discovered: false,
    },
    Row { kind: Kind::ServiceExport, group: MCS, versions: MCS_VERSIONS, plural: "serviceexports", discovered: true },
    Row { kind: Kind::ServiceImport, group: MCS, versions: MCS_VERSIONS, plural: "serviceimports", discovered: true },
    Row {
        kind: Kind::ServiceEntry,
        group: ISTIO,
        versions: ISTIO_VERSIONS,
        plural: "serviceentries",
        discovered: true,
    },
    Row {
        kind: Kind::WorkloadEntry,
        group: ISTIO,
        versions: ISTIO_VERSIONS,
        plural: "workloadentries",
        discovered: true,
    },
    Row {
        kind: Kind::DnsEndpoint,
        group: "externaldns.k8s.io",
        versions: &["v1alpha1"],
        plural: "dnsendpoints",
        discovered: true,
    },
    Row { kind: Kind::Gateway, group: "submariner.io", versions: &["v1"], plural: "gateways", discovered: true },
];

impl Row {
    /// The row of a kind.
    pub fn of(kind: Kind) -> &'static Row {
        TABLE.iter().find(|row| row.kind == kind).expect("every kind has a row: checked by a test")
    }

    /// What `mode` asks of this kind. Services stay readable in import mode: they may carry the VIP (SOURCES.md 4, rule d).
    pub fn need(&self, mode: Mode) -> Need {
        match (self.kind, mode) {
            (Kind::Namespace | Kind::Node, _) => Need::Optional,
            (Kind::ServiceEntry | Kind::WorkloadEntry | Kind::DnsEndpoint | Kind::Gateway, _) => Need::Optional,
            (Kind::EndpointSlice, _) => Need::Required,
            (Kind::Service, Mode::Import) => Need::Optional,
            (Kind::ServiceExport, Mode::Import) | (Kind::ServiceImport, Mode::Direct) => Need::Unread,
            (Kind::Service | Kind::ServiceExport | Kind::ServiceImport, _) => Need::Required,
        }
    }

    /// Path of the collection in all namespaces, at one of [`Row::versions`].
    pub fn path(&self, version: &str) -> String {
        match self.group {
            "" => format!("/api/{version}/{}", self.plural),
            group => format!("/apis/{group}/{version}/{}", self.plural),
        }
    }

    /// `plural.group`, as kubectl and RBAC messages name it.
    pub fn resource(&self) -> String {
        match self.group {
            "" => self.plural.to_owned(),
            group => format!("{}.{group}", self.plural),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_row() {
        for kind in Kind::ALL {
            assert_eq!(TABLE.iter().filter(|row| row.kind == kind).count(), 1, "{kind:?}");
            assert_eq!(Row::of(kind).kind, kind);
        }
    }

    #[test]
    fn paths_name_group_and_version() {
        assert_eq!(Row::of(Kind::Service).path("v1"), "/api/v1/services");
        assert_eq!(
            Row::of(Kind::ServiceImport).path("v1alpha1"),
            "/apis/multicluster.x-k8s.io/v1alpha1/serviceimports"
        );
        assert_eq!(Row::of(Kind::EndpointSlice).resource(), "endpointslices.discovery.k8s.io");
    }

    #[test]
    fn modes_choose_what_is_required() {
        let needs = |mode| TABLE.map(|row| row.need(mode));
        use Need::*;
        assert_eq!(needs(Mode::Both)[..6], [Optional, Optional, Required, Required, Required, Required]);
        assert_eq!(needs(Mode::Direct)[..6], [Optional, Optional, Required, Required, Required, Unread]);
        assert_eq!(needs(Mode::Import)[..6], [Optional, Optional, Optional, Required, Unread, Required]);
        assert_eq!(needs(Mode::Both)[6..], [Optional; 4]);
    }
}
