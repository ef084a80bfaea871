//! Builders for tests: a world of clusters, facts in one line each, answers as text.

use super::cluster::{Cluster, State};
use super::clusterset::ClusterSet;
use super::fact::*;
use super::finding::Finding;
use super::host::fact::{DnsEndpointFact, ServiceEntryFact, Workload, WorkloadEntryFact};
use super::id::{ClusterId, ServiceKey, is_label};
use super::merge::merge;
use super::observation::{Change, Observation};
use super::policy::OwnPolicy;
use super::rare::Rare;
use super::select::{Selection, select};
use super::service::Service;
use super::trace::{FindingTrace, NoTrace};
use super::view::View;
use std::net::IpAddr;
use std::sync::Arc;

/// A set of clusters that are synced and fresh unless a test says otherwise.
pub(crate) struct World {
    pub set: ClusterSet,
}

impl World {
    /// Clusters of these ids, every kind listed and empty.
    pub fn new(clusters: &[&str]) -> Self {
        let mut world = World { set: ClusterSet::default() };
        clusters.iter().for_each(|id| world.add(id));
        world
    }

    /// One more cluster, synced and fresh.
    pub fn add(&mut self, id: &str) {
        self.add_unknown(id);
        for kind in Kind::ALL {
            self.observe(id, Change::Replace { kind, facts: Vec::new(), findings: Vec::new() });
        }
        self.state(id, State::Fresh);
    }

    /// One more cluster of which nothing is known.
    pub fn add_unknown(&mut self, id: &str) {
        self.set.put_cluster(Cluster::new(ClusterId::new(id)), 1);
    }

    /// Edits the registry entry of a cluster.
    pub fn cluster(&mut self, id: &str, edit: impl FnOnce(&mut Cluster)) -> &mut Self {
        let mut cluster = self.set.get(&ClusterId::new(id)).unwrap().cluster().clone();
        edit(&mut cluster);
        self.set.put_cluster(cluster, 1);
        self
    }

    pub fn settings(&mut self, edit: impl FnOnce(&mut super::Settings)) -> &mut Self {
        let mut settings = self.set.settings().clone();
        edit(&mut settings);
        self.set.set_settings(settings);
        self
    }

    pub fn state(&mut self, id: &str, state: State) -> &mut Self {
        self.set.set_state(&ClusterId::new(id), state);
        self
    }

    pub fn observe(&mut self, id: &str, change: Change) -> super::Touched {
        let cluster = ClusterId::new(id);
        self.set.observe(Observation { cluster, generation: 1, received_ns: 0, change })
    }

    /// Objects of one cluster.
    pub fn has(&mut self, id: &str, facts: impl IntoIterator<Item = Fact>) -> &mut Self {
        for fact in facts {
            self.observe(id, Change::Apply { fact, findings: Vec::new() });
        }
        self
    }

    pub fn merge(&self, key: &str) -> Service {
        merge(&at(key), &self.set)
    }

    /// What a view sees.
    pub fn select(&self, key: &str, view: &View) -> Selection {
        select(&self.merge(key), view, &self.set, &mut NoTrace)
    }

    /// [`World::select`] as text, see [`show`].
    pub fn seen(&self, key: &str, view: &View) -> String {
        show(&self.select(key, view))
    }

    /// Codes of the findings of one selection.
    pub fn codes(&self, key: &str, view: &View) -> Vec<&'static str> {
        let mut trace = FindingTrace::default();
        select(&self.merge(key), view, &self.set, &mut trace);
        codes(&trace.0)
    }
}

pub(crate) fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.code).collect()
}

/// `0 east 10.0.0.1+fd00::1; 1 west 10.0.0.2 stale`, `NODATA`, `absent` or `unknown`.
pub(crate) fn show(selection: &Selection) -> String {
    let Selection::Present(answer) = selection else { return format!("{selection:?}").to_lowercase() };
    let target = |target: &super::Target| {
        let cluster = target.cluster.as_ref().map_or("-", ClusterId::as_str);
        let stale = if target.stale { " stale" } else { "" };
        format!("{} {cluster} {}{stale}", target.tier, join(&target.addresses))
    };
    match answer.targets.is_empty() {
        true => "NODATA".to_owned(),
        false => answer.targets.iter().map(target).collect::<Vec<_>>().join("; "),
    }
}

fn join(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join("+")
}

/// `db-0.east=10.0.0.1:5432,...` for each host, in brackets when it is not in the service's SRV sets.
pub(crate) fn hosts(selection: &Selection) -> String {
    let host = |host: &super::Host| {
        let ports: Vec<String> = host.ports.iter().map(|port| port.number.to_string()).collect();
        let text = format!("{}.{}={}:{}", host.label, host.cluster, join(&host.addresses), ports.join(","));
        if host.in_service { text } else { format!("[{text}]") }
    };
    selection.answer().map_or(String::new(), |answer| answer.hosts.iter().map(host).collect::<Vec<_>>().join(" "))
}

/// The view of clients in a cluster; an empty id is a view without one.
pub(crate) fn view(cluster: &str) -> View {
    View { cluster: (!cluster.is_empty()).then(|| ClusterId::new(cluster)), ..View::default() }
}

/// `namespace/name`.
pub(crate) fn at(key: &str) -> ServiceKey {
    let (namespace, name) = key.split_once('/').unwrap_or(("", key));
    ServiceKey::new(namespace, name)
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn text(text: &str) -> Option<Arc<str>> {
    Some(text.into())
}

pub(crate) fn port(name: &str, number: u16) -> Port {
    Port { name: name.into(), protocol: Protocol::Tcp, number, app_protocol: None }
}

/// A ClusterIP Service with port http 80.
pub(crate) fn service(key: &str, ips: &[&str]) -> ServiceFact {
    ServiceFact {
        key: at(key),
        kind: ServiceKind::ClusterIp,
        cluster_ips: ips.iter().map(|text| ip(text)).collect::<Vec<_>>().into(),
        ingress: Vec::new().into(),
        ports: vec![port("http", 80)].into(),
        traffic: Traffic::default().into(),
        mirror: false,
        own: OwnPolicy::default().into(),
        origin: Origin::default(),
    }
}

/// A headless Service with port http 80.
pub(crate) fn headless(key: &str) -> ServiceFact {
    ServiceFact { kind: ServiceKind::Headless, ..service(key, &[]) }
}

/// An export of that creation time.
pub(crate) fn export(key: &str, created: i64) -> ExportFact {
    ExportFact {
        key: at(key),
        created: Some(created),
        deleting: false,
        exported: Default::default(),
        own: OwnPolicy::default().into(),
        origin: Origin::default(),
    }
}

/// A ClusterSetIP import with port http 80.
pub(crate) fn import(key: &str, ips: &[&str]) -> ImportFact {
    ImportFact {
        key: at(key),
        service_type: Some(ServiceType::ClusterSetIp),
        ips: ips.iter().map(|text| ip(text)).collect(),
        ports: vec![port("http", 80)].into(),
        traffic: Traffic::default().into(),
        source_clusters: Vec::new(),
        derived_services: Vec::new(),
        slices_present: None,
        own: OwnPolicy::default().into(),
        origin: Origin::default(),
    }
}

/// A Headless import without ports.
pub(crate) fn headless_import(key: &str) -> ImportFact {
    ImportFact { service_type: Some(ServiceType::Headless), ports: Vec::new().into(), ..import(key, &[]) }
}

/// A native slice `<name>-<n>` of the service, port http 80; see [`endpoint`] for the texts.
pub(crate) fn slice(key: &str, number: u32, endpoints: &[&str]) -> SliceFact {
    SliceFact {
        key: at(&format!("{key}-{number}")),
        service: at(key),
        role: SliceRole::Native,
        endpoints: endpoints.iter().map(|text| endpoint(text)).collect(),
        ports: vec![port("http", 80)].into(),
        virtual_address: false,
        triggered: None,
        origin: Origin::default(),
    }
}

/// A copy of the endpoints of another cluster.
pub(crate) fn copy(key: &str, source: &str, endpoints: &[&str]) -> SliceFact {
    let slice = slice(key, 0, endpoints);
    let object = at(&format!("{key}-copy-{source}"));
    SliceFact { key: object, role: SliceRole::Copy { source: ClusterId::new(source) }, ..slice }
}

/// `10.0.0.1`, then any of `down`, `@zone`, `node=n1`, `pod=7`; another label is its hostname.
pub(crate) fn endpoint(text: &str) -> EndpointFact {
    let mut words = text.split(' ');
    let address = ip(words.next().unwrap());
    let mut fact =
        EndpointFact { address, ready: true, hostname: None, place: Rare::default(), pod: PodHash::default() };
    for word in words {
        match word.split_once('=') {
            Some(("node", name)) => fact.place.node = Some(name.into()),
            Some(("pod", number)) => fact.pod = PodHash::new(number.parse().unwrap()),
            _ if word == "down" => fact.ready = false,
            _ if word.starts_with('@') => fact.place.zone = Some(word[1..].into()),
            _ if is_label(word) => fact.hostname = Some(word.into()),
            _ => panic!("unknown word {word}"),
        }
    }
    fact
}

pub(crate) fn node(name: &str, region: &str, zone: &str) -> Fact {
    Fact::Node(NodeFact { name: name.into(), region: text(region), zone: text(zone), pod_cidrs: Vec::new() })
}

pub(crate) fn namespace(name: &str) -> Fact {
    Fact::Namespace(NamespaceFact { name: name.into(), origin: Origin::default() })
}

/// Edits a fact in place.
pub(crate) fn with<T>(mut fact: T, edit: impl FnOnce(&mut T)) -> T {
    edit(&mut fact);
    fact
}

/// An exported ClusterIP Service of age 1 with one ready endpoint: three objects.
pub(crate) fn exported(key: &str, cluster_ip: &str, pod: &str) -> Vec<Fact> {
    vec![service(key, &[cluster_ip]).into(), export(key, 1).into(), slice(key, 1, &[pod]).into()]
}

/// An exported headless Service of age 1 with these endpoints.
pub(crate) fn exported_headless(key: &str, pods: &[&str]) -> Vec<Fact> {
    vec![headless(key).into(), export(key, 1).into(), slice(key, 1, pods).into()]
}

macro_rules! into_fact {
    ($($fact:ty => $variant:ident),*) => {$(
        impl From<$fact> for Fact {
            fn from(fact: $fact) -> Self {
                Fact::$variant(Box::new(fact))
            }
        }
    )*};
}
into_fact!(ServiceFact => Service, SliceFact => Slice, ExportFact => Export, ImportFact => Import);
into_fact!(ServiceEntryFact => ServiceEntry, WorkloadEntryFact => WorkloadEntry, DnsEndpointFact => DnsEndpoint);

/// A ready endpoint of a host that says nothing but its address.
pub(crate) fn workload_at(address: Ingress) -> Workload {
    Workload {
        address,
        ports: Vec::new(),
        cluster: None,
        network: None,
        region: None,
        zone: None,
        weight: None,
        draining: false,
        ready: true,
    }
}
