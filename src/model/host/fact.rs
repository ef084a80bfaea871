//! Facts about names in global zones: ServiceEntry, WorkloadEntry, DNSEndpoint (SOURCES.md 3.4, 3.9).
//!
//! In: decoded objects. Out: what the merge of a host reads. Hosts are lower case, without a final dot, and valid by the
//! rules of SOURCES.md section 4; whether a zone covers them is not known here.

use crate::model::fact::{Ingress, ObjectKey, Origin, Protocol};
use crate::model::id::{ClusterId, ServiceKey};
use crate::model::policy::OwnPolicy;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Labels, sorted by key.
pub type Labels = Vec<(Arc<str>, Arc<str>)>;

/// A ServiceEntry.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceEntryFact {
    pub key: ObjectKey,
    /// Without duplicates; `*.x` is a wildcard.
    pub hosts: Vec<Arc<str>>,
    /// Single addresses of `spec.addresses`.
    pub addresses: Vec<IpAddr>,
    /// `status.addresses`: the host (`None`: every host) and its address.
    pub allocated: Vec<(Option<Arc<str>>, IpAddr)>,
    pub ports: Vec<EntryPort>,
    pub allocates: Allocates,
    pub resolution: Resolution,
    pub endpoints: Vec<Workload>,
    /// `spec.workloadSelector.labels`; `None`: no selector. An empty one selects nothing.
    pub selector: Option<Labels>,
    /// `exportTo` is absent, empty or holds `*`.
    pub exported: bool,
    pub own: OwnPolicy,
    pub origin: Origin,
}

/// `spec.resolution` as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Resolution {
    /// Endpoints are no answer.
    #[default]
    None,
    /// STATIC, DNS, DNS_ROUND_ROBIN and others: endpoints answer, host names among them are looked up.
    Endpoints,
}

/// To which hosts Istio itself gives an address, where `status.addresses` says none (SOURCES.md 3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Allocates {
    /// Not to this object: it has addresses, its resolution is NONE, or its label declines.
    #[default]
    Nothing,
    PlainHosts,
    /// Resolution DYNAMIC_DNS: to wildcards too.
    AllHosts,
}

/// A port of a ServiceEntry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntryPort {
    /// A label of at most 62 octets; other ports never get here.
    pub name: Arc<str>,
    pub protocol: Protocol,
    pub number: u16,
    pub target_port: Option<u16>,
}

/// One endpoint: inline in a ServiceEntry, or the `spec` of a WorkloadEntry.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    pub address: Ingress,
    /// Numbers by port name.
    pub ports: Vec<(Arc<str>, u16)>,
    /// By label; `None`: the object's cluster.
    pub cluster: Option<ClusterId>,
    pub network: Option<Arc<str>>,
    pub region: Option<Arc<str>>,
    pub zone: Option<Arc<str>>,
    /// Never 0, which Istio reads as unset.
    pub weight: Option<u32>,
    /// Label `istio.io/draining`.
    pub draining: bool,
    /// False after a condition `Healthy` of status False.
    pub ready: bool,
}

impl Workload {
    /// The Service of the object's own cluster that an address `<svc>.<ns>.svc.cluster.local` means, as Admiral writes it
    /// (SOURCES.md 3.6).
    pub fn local_service(&self) -> Option<ServiceKey> {
        let Ingress::Host(name) = &self.address else { return None };
        let (service, namespace) = name.strip_suffix(".svc.cluster.local")?.split_once('.')?;
        (!namespace.contains('.')).then(|| ServiceKey::new(namespace, service))
    }
}

/// A WorkloadEntry.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkloadEntryFact {
    pub key: ObjectKey,
    /// Those of `metadata` over those of `spec`.
    pub labels: Labels,
    pub workload: Workload,
    pub origin: Origin,
}

impl ServiceEntryFact {
    /// What `status.addresses` says of `host`.
    pub fn allocated_to(&self, host: &str) -> impl Iterator<Item = IpAddr> {
        let fits = move |of: &Option<Arc<str>>| of.as_ref().is_none_or(|of| **of == *host);
        self.allocated.iter().filter(move |(of, _)| fits(of)).map(|(_, address)| *address)
    }

    /// True when Istio gives `host` an address by itself.
    pub fn allocates_to(&self, host: &str) -> bool {
        match self.allocates {
            Allocates::Nothing => false,
            Allocates::PlainHosts => !host.starts_with('*'),
            Allocates::AllHosts => true,
        }
    }
}

impl WorkloadEntryFact {
    /// True when every label of `selector` is here.
    pub fn is_selected_by(&self, selector: &Labels) -> bool {
        !selector.is_empty() && selector.iter().all(|wanted| self.labels.contains(wanted))
    }
}

/// A DNSEndpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct DnsEndpointFact {
    pub key: ObjectKey,
    /// Sorted by name where facts are held.
    pub records: Vec<DnsRecord>,
    pub own: OwnPolicy,
    pub origin: Origin,
}

impl DnsEndpointFact {
    /// The records of one name, in the order of the object. One object may name very many.
    pub fn of_host(&self, host: &str) -> &[DnsRecord] {
        let from = self.records.partition_point(|record| *record.name < *host);
        let count = self.records[from..].partition_point(|record| *record.name == *host);
        &self.records[from..from + count]
    }
}

/// One entry of `spec.endpoints`.
#[derive(Debug, Clone, PartialEq)]
pub struct DnsRecord {
    pub name: Arc<str>,
    pub values: RecordValues,
    /// `recordTTL`, seconds, clamped to 0..=3600; `None` when unset or 0.
    pub ttl: Option<u32>,
    pub routing: Routing,
}

/// The targets of records of one type; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RecordValues {
    /// A or AAAA.
    Addresses(Vec<IpAddr>),
    /// CNAME.
    Alias(Arc<str>),
    /// TXT: each value is a list of character-strings of at most 255 octets.
    Texts(Vec<Vec<Arc<str>>>),
    Services(Vec<SrvValue>),
    /// PTR.
    Pointers(Vec<Arc<str>>),
}

/// One SRV target (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SrvValue {
    pub priority: u16,
    pub weight: u16,
    pub port: u16,
    pub target: Arc<str>,
}

impl fmt::Display for Routing {
    /// As the object says it: `setIdentifier east, aws/weight 80`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failover = self.failover.map(|tier| if tier == 0 { "PRIMARY" } else { "SECONDARY" });
        let parts = [
            self.set.as_ref().map(|set| format!("setIdentifier {set}")),
            self.weight.map(|weight| format!("aws/weight {weight}")),
            failover.map(|name| format!("aws/failover {name}")),
            self.multi_value.then(|| "aws/multi-value-answer".to_owned()),
            self.region.as_ref().map(|region| format!("aws/region {region}")),
        ];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

/// What `setIdentifier` and `providerSpecific` say (SOURCES.md section 5).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Routing {
    /// `setIdentifier`.
    pub set: Option<Arc<str>>,
    /// `aws/weight`, at most 65,535.
    pub weight: Option<u32>,
    /// `aws/failover`: PRIMARY is 0, SECONDARY 1.
    pub failover: Option<u8>,
    /// `aws/multi-value-answer`.
    pub multi_value: bool,
    /// `aws/region` or `aws/geoproximity-region`.
    pub region: Option<Arc<str>>,
}
