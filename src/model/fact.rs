//! Facts: what one cluster's objects say, stripped to what answers need (SOURCES.md 3.1).
//!
//! In: decoded objects from the room `source`. Out: values the merge reads. An address in a fact is usable:
//! the refused ones are findings by then.

use super::few::Few;
use super::host::fact::{DnsEndpointFact, ServiceEntryFact, WorkloadEntryFact};
use super::id::ServiceKey;
use super::policy::OwnPolicy;
use super::rare::{Empty, Rare};
use std::net::IpAddr;
use std::sync::Arc;

/// The kinds of objects that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Namespace,
    Node,
    Service,
    EndpointSlice,
    ServiceExport,
    ServiceImport,
    ServiceEntry,
    WorkloadEntry,
    DnsEndpoint,
    Gateway,
}

impl Kind {
    pub const ALL: [Kind; 10] = [
        Kind::Namespace,
        Kind::Node,
        Kind::Service,
        Kind::EndpointSlice,
        Kind::ServiceExport,
        Kind::ServiceImport,
        Kind::ServiceEntry,
        Kind::WorkloadEntry,
        Kind::DnsEndpoint,
        Kind::Gateway,
    ];

    /// The `kind` of the object.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Namespace => "Namespace",
            Kind::Node => "Node",
            Kind::Service => "Service",
            Kind::EndpointSlice => "EndpointSlice",
            Kind::ServiceExport => "ServiceExport",
            Kind::ServiceImport => "ServiceImport",
            Kind::ServiceEntry => "ServiceEntry",
            Kind::WorkloadEntry => "WorkloadEntry",
            Kind::DnsEndpoint => "DNSEndpoint",
            Kind::Gateway => "Gateway",
        }
    }

    /// True for kinds without a namespace; their key has an empty one.
    pub fn is_cluster_scoped(self) -> bool {
        matches!(self, Kind::Namespace | Kind::Node)
    }
}

/// Namespace and name of any object; cluster-scoped ones have an empty namespace.
pub type ObjectKey = ServiceKey;

/// Where an object was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origin {
    /// From an API server, at this `resourceVersion` (0 when it is no number).
    Api { resource_version: u64 },
    /// From a file; the line is that of the document's start, from 1.
    File { path: Arc<str>, line: u32 },
    /// Made by hand, in tests.
    #[default]
    Unknown,
}

/// One fact; the variants match [`Kind`].
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    Namespace(NamespaceFact),
    Node(NodeFact),
    Service(Box<ServiceFact>),
    Slice(Box<SliceFact>),
    Export(Box<ExportFact>),
    Import(Box<ImportFact>),
    ServiceEntry(Box<ServiceEntryFact>),
    WorkloadEntry(Box<WorkloadEntryFact>),
    DnsEndpoint(Box<DnsEndpointFact>),
    Gateway(Box<GatewayFact>),
}

impl Fact {
    pub fn kind(&self) -> Kind {
        match self {
            Fact::Namespace(_) => Kind::Namespace,
            Fact::Node(_) => Kind::Node,
            Fact::Service(_) => Kind::Service,
            Fact::Slice(_) => Kind::EndpointSlice,
            Fact::Export(_) => Kind::ServiceExport,
            Fact::Import(_) => Kind::ServiceImport,
            Fact::ServiceEntry(_) => Kind::ServiceEntry,
            Fact::WorkloadEntry(_) => Kind::WorkloadEntry,
            Fact::DnsEndpoint(_) => Kind::DnsEndpoint,
            Fact::Gateway(_) => Kind::Gateway,
        }
    }

    /// The key of the object itself (for a slice not the service it belongs to).
    pub fn key(&self) -> ObjectKey {
        match self {
            Fact::Namespace(fact) => ObjectKey::new("", &fact.name),
            Fact::Node(fact) => ObjectKey::new("", &fact.name),
            Fact::Service(fact) => fact.key.clone(),
            Fact::Slice(fact) => fact.key.clone(),
            Fact::Export(fact) => fact.key.clone(),
            Fact::Import(fact) => fact.key.clone(),
            Fact::ServiceEntry(fact) => fact.key.clone(),
            Fact::WorkloadEntry(fact) => fact.key.clone(),
            Fact::DnsEndpoint(fact) => fact.key.clone(),
            Fact::Gateway(fact) => fact.key.clone(),
        }
    }
}

/// A Gateway of Submariner: how the cluster it stands in reaches the others (SOURCES.md 3.2).
#[derive(Debug, Clone, PartialEq)]
pub struct GatewayFact {
    pub key: ObjectKey,
    /// Of the active gateway; a passive one has none.
    pub connections: Vec<ConnectionFact>,
}

/// One connection to the gateway of another cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionFact {
    /// An id or an alias, as Submariner knows the cluster.
    pub cluster: Arc<str>,
    pub status: ConnectionStatus,
}

/// What Submariner says of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectionStatus {
    Connected,
    Connecting,
    Error,
    None,
}

impl ConnectionStatus {
    pub const ALL: [ConnectionStatus; 4] =
        [ConnectionStatus::Connected, ConnectionStatus::Connecting, ConnectionStatus::Error, ConnectionStatus::None];

    /// As `status.connections[].status` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            ConnectionStatus::Connected => "connected",
            ConnectionStatus::Connecting => "connecting",
            ConnectionStatus::Error => "error",
            ConnectionStatus::None => "none",
        }
    }
}

/// A Namespace: presence (SOURCES.md 1.7).
#[derive(Debug, Clone, PartialEq)]
pub struct NamespaceFact {
    pub name: Arc<str>,
    pub origin: Origin,
}

/// A Node: region and zone of the endpoints on it.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeFact {
    pub name: Arc<str>,
    pub region: Option<Arc<str>>,
    pub zone: Option<Arc<str>>,
    pub pod_cidrs: Vec<super::address::Prefix>,
}

/// Transport protocol of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Protocol {
    #[default]
    Tcp,
    Udp,
    Sctp,
}

impl Protocol {
    /// The label of SRV owner names without its underscore.
    pub fn label(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Sctp => "sctp",
        }
    }
}

/// A port of a Service, Import or slice. Port numbers out of 1..=65535 never get here (they are findings).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Port {
    /// Empty when unnamed. A name that is no label of at most 62 octets gets no SRV name of its own.
    pub name: Arc<str>,
    pub protocol: Protocol,
    pub number: u16,
    pub app_protocol: Option<Arc<str>>,
}

/// IP family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    V4,
    V6,
}

/// `spec.type` as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceKind {
    /// ClusterIP, NodePort, LoadBalancer.
    ClusterIp,
    /// `clusterIP: None`.
    Headless,
    ExternalName,
}

/// One address of `status.loadBalancer.ingress`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ingress {
    Ip(IpAddr),
    Host(Arc<str>),
}

/// Fields that a Service, an Import and the merge share.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Traffic {
    pub session_affinity: Option<Arc<str>>,
    /// Canonical JSON of the object.
    pub session_affinity_config: Option<Arc<str>>,
    pub internal_traffic_policy: Option<Arc<str>>,
    pub traffic_distribution: Option<Arc<str>>,
    /// Empty: the field is absent.
    pub ip_families: Vec<Family>,
}

impl Empty for Traffic {
    fn empty() -> &'static Self {
        static EMPTY: Traffic = Traffic {
            session_affinity: None,
            session_affinity_config: None,
            internal_traffic_policy: None,
            traffic_distribution: None,
            ip_families: Vec::new(),
        };
        &EMPTY
    }
}

/// A Service.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceFact {
    pub key: ServiceKey,
    pub kind: ServiceKind,
    pub cluster_ips: Few<IpAddr>,
    pub ingress: Rare<Vec<Ingress>>,
    pub ports: Rare<Vec<Port>>,
    pub traffic: Rare<Traffic>,
    /// A mirror of another cluster's service (SOURCES.md 1.4): never exported.
    pub mirror: bool,
    pub own: Rare<OwnPolicy>,
    pub origin: Origin,
}

/// What a ServiceExport gives its service beyond the name (KEP-1645).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Exported {
    /// `spec.exportedLabels` as canonical JSON.
    pub labels: Option<Arc<str>>,
    /// `spec.exportedAnnotations` as canonical JSON.
    pub annotations: Option<Arc<str>>,
}

impl Empty for Exported {
    fn empty() -> &'static Self {
        static EMPTY: Exported = Exported { labels: None, annotations: None };
        &EMPTY
    }
}

/// A ServiceExport.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportFact {
    pub key: ServiceKey,
    /// `metadata.creationTimestamp` as Unix seconds.
    pub created: Option<i64>,
    /// `deletionTimestamp` is set: withdrawn.
    pub deleting: bool,
    pub exported: Rare<Exported>,
    pub own: Rare<OwnPolicy>,
    pub origin: Origin,
}

/// Type of a ServiceImport and of a merged service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceType {
    ClusterSetIp,
    Headless,
}

/// A ServiceImport, seen by the cluster it lies in.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportFact {
    pub key: ServiceKey,
    /// `None`: missing or unknown (rule c of SOURCES.md section 4).
    pub service_type: Option<ServiceType>,
    /// Usable entries of `spec.ips`, without duplicates.
    pub ips: Vec<IpAddr>,
    pub ports: Rare<Vec<Port>>,
    pub traffic: Rare<Traffic>,
    /// `status.clusters[].cluster`, as written.
    pub source_clusters: Vec<super::id::ClusterId>,
    /// Names of Services in the same namespace that carry the VIP (rule d), by annotation.
    pub derived_services: Vec<Arc<str>>,
    /// `status.endpointSliceObjects`: Present is true, Absent false.
    pub slices_present: Option<bool>,
    pub own: Rare<OwnPolicy>,
    pub origin: Origin,
}

/// What a slice's endpoints are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SliceRole {
    /// Endpoints of the cluster it was read from, for the Service of label `kubernetes.io/service-name`.
    Native,
    /// A copy made by an MCS controller for the Import of label `multicluster.kubernetes.io/service-name`
    /// (SOURCES.md 1.4); the id is the source cluster it names.
    Copy { source: super::id::ClusterId },
}

/// An EndpointSlice (`discovery.k8s.io/v1`).
#[derive(Debug, Clone, PartialEq)]
pub struct SliceFact {
    /// The slice's own namespace and name.
    pub key: ObjectKey,
    /// The service or import it belongs to.
    pub service: ServiceKey,
    pub role: SliceRole,
    pub endpoints: Vec<EndpointFact>,
    pub ports: Rare<Vec<Port>>,
    /// A Lighthouse ClusterSetIP slice: its one endpoint is virtual, the cluster's service address (SOURCES.md 3.2).
    pub virtual_address: bool,
    /// `endpoints.kubernetes.io/last-change-trigger-time`, Unix milliseconds.
    pub triggered: Option<i64>,
    pub origin: Origin,
}

/// Node and zone of an endpoint, as its slice names them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Standing {
    pub node: Option<Arc<str>>,
    pub zone: Option<Arc<str>>,
}

impl Empty for Standing {
    fn empty() -> &'static Self {
        static EMPTY: Standing = Standing { node: None, zone: None };
        &EMPTY
    }
}

/// One address of an endpoint; an endpoint with several addresses is several of these.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointFact {
    pub address: IpAddr,
    /// `conditions.ready`; absent is ready.
    pub ready: bool,
    /// A valid RFC 1123 label, else `None`.
    pub hostname: Option<Arc<str>>,
    /// Where it runs; the endpoints of a node share one.
    pub place: Rare<Standing>,
    /// The pod that it names, if any: joins the families of one pod (SOURCES.md 1.5).
    pub pod: PodHash,
}

/// 48 bits of a hash of a pod's names, 0 for no pod: with an address and `ready` they fill three words, and there are
/// more endpoints than anything else. Two of 5,000 pods of one service are taken for one with a chance of 1e-7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PodHash([u8; 6]);

impl PodHash {
    /// Keeps the lower 48 bits of `hash`.
    pub fn new(hash: u64) -> Self {
        let [a, b, c, d, e, f, ..] = hash.to_le_bytes();
        PodHash([a, b, c, d, e, f])
    }

    /// The bits as a number; `None` for no pod.
    pub fn get(self) -> Option<u64> {
        let [a, b, c, d, e, f] = self.0;
        Some(u64::from_le_bytes([a, b, c, d, e, f, 0, 0])).filter(|hash| *hash != 0)
    }
}
