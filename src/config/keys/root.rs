//! The top level, views, and the small sections of single systems.

use super::super::section::{choices, section};
use super::super::value::{
    Bounded, ClusterName, ExportGlob, FilePath, Glob, ListenAddress, ListenAddresses, MemoryLimit, NameserverAddress,
    Period, ReverseZone, Share, ZoneName,
};
use super::{
    Brake, ClusterEntry, Freshness, KubeconfigRules, Limits, Listen, Log, Metrics, Policy, Ready, Registry, Snapshot,
    TierBy, Tls, Udp,
};
use crate::model::{AnswerMode, Prefix};
use std::collections::BTreeMap;
use std::net::SocketAddr;

section! {
    /// The whole configuration.
    Config {
        /// Clusterset zones: `<service>.<namespace>.svc.<zone>`.
        zones "zones": Vec<ZoneName> = vec![ZoneName::known("clusterset.local")];
        /// Zones for hosts of ServiceEntry and DNSEndpoint objects, and for `<service>.<namespace>.<zone>`.
        global_zones "globalZones": Vec<ZoneName> = vec![ZoneName::known("global")];
        /// TTL of answers, in seconds.
        ttl "ttl": Bounded<0, 3600> = Bounded::of(5);
        /// How the addresses of an answer are ordered.
        answer "answer": AnswerMode = AnswerMode::Ordered;
        /// Whether SRV priorities tell near targets from far ones.
        srv_priority "srvPriority": SrvPriority = SrvPriority::None;
        /// Whether `<cluster>.<service>...` answers with the addresses of that cluster.
        cluster_names "clusterNames": bool = false;
        /// Whether the names of topology zones below headless services exist.
        zonal_names "zonalNames": bool = false;
        /// Reverse zones in which addresses of services have names.
        reverse_zones "reverseZones": Vec<ReverseZone> = Vec::new();
        /// Addresses of the name server's own name, `ns.dns.<zone>`.
        nameserver "nameserver": Vec<NameserverAddress> = Vec::new();
        /// Most records of one answer; 0 is what fits a message.
        max_answer_records "maxAnswerRecords": Bounded<0, 65_535> = Bounded::of(0);
        /// Most endpoints that one remote cluster contributes to a service under `reach: auto`.
        remote_endpoints "remoteEndpoints": Bounded<1, 10_000> = Bounded::of(16);
        /// Largest UDP answer in octets; longer ones are truncated.
        udp_max_size "udpMaxSize": Bounded<512, 4096> = Bounded::of(1232);
        /// Name server identifier (RFC 5001); empty is the host name.
        nsid "nsid": String = String::new();
        /// Answers to the CHAOS queries `version.bind` and `id.server`.
        chaos "chaos": Chaos = Chaos::default();
        /// Who may ask; empty is everybody.
        allow_query "allowQuery": Vec<Prefix> = Vec::new();
        /// Forwarders whose EDNS client subnet is believed.
        trusted_forwarders "trustedForwarders": Vec<Prefix> = Vec::new();
        /// Zone transfers.
        transfer "transfer": Transfer = Transfer::default();
        /// Where the clients of this server stand; unset fields come from the entry of the cluster.
        local "local": LocalView = LocalView::default();
        /// Further standpoints of clients.
        views "views": Vec<ViewEntry> = Vec::new();
        /// Answer policy by service; the first match applies.
        policies "policies": Vec<Policy> = Vec::new();
        /// Addresses to listen on.
        listen "listen": Listen = Listen::default();
        /// Certificates of the listeners.
        tls "tls": Tls = Tls::default();
        /// UDP workers and sockets.
        udp "udp": Udp = Udp::default();
        /// The clusters that are read.
        clusters "clusters": Vec<ClusterEntry> = Vec::new();
        /// Clusters that win conflicts, before age decides.
        cluster_priority "clusterPriority": Vec<ClusterName> = Vec::new();
        /// Exports that are never served.
        refuse_exports "refuseExports": Vec<ExportGlob> =
            vec![ExportGlob::known("default", "kubernetes"), ExportGlob::known("kube-system", "*")];
        /// Clusters learned from objects of a home cluster.
        registry "registry": Registry = Registry::default();
        /// What kubeconfig files may refer to.
        kubeconfig "kubeconfig": KubeconfigRules = KubeconfigRules::default();
        /// Expected value of the clusterset property of every cluster; empty is any.
        clusterset "clusterset": String = String::new();
        /// Whether host names in place of addresses are looked up.
        resolve_hostnames "resolveHostnames": bool = true;
        /// What orders clusters that are equally far by region and zone.
        tier_by "tierBy": TierBy = TierBy::None;
        /// When a cluster without contact is doubted, demoted and dropped.
        freshness "freshness": Freshness = Freshness::default();
        /// When a mass deletion is held until a second list agrees.
        brake "brake": Brake = Brake::default();
        /// The copy of all facts on disk.
        snapshot "snapshot": Snapshot = Snapshot::default();
        /// Upper bounds.
        limits "limits": Limits = Limits::default();
        /// Memory above which new objects are refused.
        memory_limit "memoryLimit": MemoryLimit = MemoryLimit::Share(Share::of(80));
        /// What `/ready` reports.
        ready "ready": Ready = Ready::default();
        /// How long the server answers on after it was told to stop.
        lameduck "lameduck": Period = Period::seconds(5);
        /// Logs.
        log "log": Log = Log::default();
        /// Metrics.
        metrics "metrics": Metrics = Metrics::default();
        /// Systems that are read only when named here.
        adapters "adapters": Vec<String> = Vec::new();
        /// Istio.
        istio "istio": Istio = Istio::default();
        /// Cilium Cluster Mesh.
        cilium "cilium": Cilium = Cilium::default();
        /// k8gb.
        k8gb "k8gb": K8gb = K8gb::default();
    }
}

/// Whether SRV priorities carry the tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SrvPriority {
    None,
    Tier,
}

choices!(SrvPriority { "none" => SrvPriority::None, "tier" => SrvPriority::Tier });
choices!(AnswerMode {
    "ordered" => AnswerMode::Ordered,
    "nearest" => AnswerMode::Nearest,
    "weighted" => AnswerMode::Weighted,
});

section! {
    /// Answers of class CHAOS; a name without a text is refused.
    Chaos [sparse] {
        /// Text of `version.bind`.
        version "version": Option<String> = None;
        /// Text of `id.server`.
        id "id": Option<String> = None;
    }
}

section! {
    /// Zone transfers.
    Transfer {
        /// Who may transfer the zones.
        allow "allow": Vec<Prefix> = Vec::new();
        /// Secondaries that are told of changes.
        notify "notify": Vec<SocketAddr> = Vec::new();
    }
}

section! {
    /// The default view.
    LocalView {
        /// The cluster in which clients stand.
        cluster "cluster": ClusterName = ClusterName::default();
        /// Their region.
        region "region": String = String::new();
        /// Their zone.
        zone "zone": String = String::new();
        /// Their network.
        network "network": String = String::new();
    }
}

section! {
    /// One further view.
    ViewEntry requires ["name"] {
        /// Its name in metrics and in `explain --from`.
        name "name": String = String::new();
        /// Client addresses that get this view.
        clients "clients": Vec<Prefix> = Vec::new();
        /// Own listen addresses: who asks there gets this view.
        listen "listen": ListenAddresses<true> = ListenAddresses(Vec::<ListenAddress>::new());
        /// The cluster in which these clients stand.
        cluster "cluster": ClusterName = ClusterName::default();
        /// Their region; empty is that of the cluster.
        region "region": String = String::new();
        /// Their zone; empty is that of the cluster.
        zone "zone": String = String::new();
        /// Their network; empty is that of the cluster.
        network "network": String = String::new();
        /// Namespaces that exist in this view.
        namespaces "namespaces": NamespaceGlobs = NamespaceGlobs::default();
    }
}

section! {
    /// Namespaces by pattern.
    NamespaceGlobs {
        /// Visible ones.
        allow "allow": Vec<Glob> = vec![Glob::all()];
        /// Hidden ones, also where `allow` names them.
        deny "deny": Vec<Glob> = Vec::new();
    }
}

section! {
    /// Istio.
    Istio {
        /// Whether the localities of a cluster's endpoints say where the cluster is.
        cluster_localities "clusterLocalities": bool = false;
        /// Clusters that share the mesh; empty is all.
        mesh_clusters "meshClusters": Vec<ClusterName> = Vec::new();
        /// Whether `exportTo` hides hosts from other namespaces.
        respect_export_to "respectExportTo": bool = false;
        /// Whether `workloadSelector` of a ServiceEntry selects pods.
        select_pods "selectPods": bool = false;
    }
}

section! {
    /// Cilium Cluster Mesh.
    Cilium {
        /// Whether a global service is private unless its annotation shares it.
        default_private "defaultPrivate": bool = false;
    }
}

section! {
    /// k8gb.
    K8gb {
        /// Region by geo tag, where the two differ.
        geo_tags "geoTags": BTreeMap<String, String> = BTreeMap::new();
    }
}

/// A path of the configuration that is not set.
pub(super) fn no_path() -> FilePath {
    FilePath::default()
}
