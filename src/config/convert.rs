//! The configuration in the types of the model.
//!
//! In: a checked [`Config`]. Out: clusters with their sources, views with their listeners and prefixes, policies.

use super::{ClusterEntry, Config, Freshness, Policy, Source, value};
use crate::model::cluster::{Allow, Locality};
use crate::model::policy::{Policies, PolicyRule};
use crate::model::view::NamespaceFilter;
use crate::model::{Cluster, ClusterId, Prefix, View};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// One cluster of the configuration, ready for a source.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfiguredCluster {
    pub cluster: Cluster,
    pub source: SourceSpec,
    /// The times of this cluster: its own, else the general ones ([`Config::freshness_of`]).
    pub freshness: Freshness,
}

/// Where a cluster's objects come from; paths are absolute or relative to the working directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SourceSpec {
    /// The cluster that this server runs in, by its mounted service account.
    InCluster,
    /// An API server.
    Kubeconfig {
        path: PathBuf,
        /// `None`: the current context of the file.
        context: Option<String>,
    },
    /// A folder of YAML or JSON files.
    Manifests { path: PathBuf },
    /// An API server that an object of the registry describes; no entry of a file has this.
    Learned,
}

impl std::fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SourceSpec::InCluster => f.write_str("in-cluster"),
            SourceSpec::Kubeconfig { path, context: None } => write!(f, "kubeconfig {}", path.display()),
            SourceSpec::Kubeconfig { path, context: Some(name) } => write!(f, "kubeconfig {} ({name})", path.display()),
            SourceSpec::Manifests { path } => write!(f, "manifests {}", path.display()),
            SourceSpec::Learned => f.write_str("registry"),
        }
    }
}

impl Config {
    /// The clusters in the order of the file, then those that were learned: their entries have no source. An entry with
    /// several is left out: that is an error, as is one without in a file, so a checked configuration has none.
    pub fn clusters(&self) -> Vec<ConfiguredCluster> {
        let convert = |entry: &ClusterEntry| {
            let source = source_spec(&entry.source)?;
            Some(ConfiguredCluster { cluster: cluster(entry), source, freshness: self.freshness_of(&entry.name) })
        };
        self.clusters.iter().filter_map(convert).collect()
    }

    /// The cluster that holds the objects of the registry: `registry.home`, else the `inCluster` entry, else
    /// `local.cluster`.
    pub fn registry_home(&self) -> Option<&str> {
        let own = self.clusters.iter().find(|entry| entry.source.in_cluster.is_some());
        let named = self.registry.home.get().or(own.map(|entry| entry.name.as_str()));
        named.or(self.local.cluster.get())
    }

    /// The views; number 0 is the local one. Region, zone and network that are not set come from the cluster's entry.
    pub fn views(&self) -> Vec<View> {
        let local = View {
            name: "".into(),
            cluster: self.local.cluster.get().map(ClusterId::new),
            locality: locality(&self.local.region, &self.local.zone, &self.local.network),
            namespaces: NamespaceFilter::default(),
        };
        let further = self.views.iter().map(|view| View {
            name: view.name.as_str().into(),
            cluster: view.cluster.get().map(ClusterId::new),
            locality: locality(&view.region, &view.zone, &view.network),
            namespaces: NamespaceFilter { allow: globs(&view.namespaces.allow), deny: globs(&view.namespaces.deny) },
        });
        std::iter::once(local).chain(further).map(|view| self.with_locality_of_cluster(view)).collect()
    }

    /// Which prefix of client addresses gets which view; the longest match wins. Order is that of the file.
    pub fn client_prefixes(&self) -> Vec<(Prefix, u8)> {
        let numbered = (1..).zip(&self.views);
        numbered.flat_map(|(number, view)| view.clients.iter().map(move |prefix| (*prefix, number))).collect()
    }

    /// Where DNS is served over UDP and TCP. `None`: the view is chosen by client; `Some`: it is that of the listener.
    pub fn dns_listeners(&self) -> Vec<(SocketAddr, Option<u8>)> {
        let general = self.listen.dns.addresses().map(|address| (address, None));
        let numbered = (1..).zip(&self.views);
        let own =
            numbered.flat_map(|(number, view)| view.listen.addresses().map(move |address| (address, Some(number))));
        general.chain(own).collect()
    }

    /// True when DNS is served at all.
    pub fn serves_dns(&self) -> bool {
        !self.dns_listeners().is_empty() || !self.listen.grpc.is_off()
    }

    /// The default policy and the rules in order.
    pub fn policies(&self) -> Policies {
        Policies { answer: self.answer, ttl: self.ttl.get(), rules: self.policies.iter().map(policy_rule).collect() }
    }

    /// The times of one cluster: its own, else the general ones; the local cluster is never demoted or dropped unless its
    /// entry says so (RESILIENCE.md section 3).
    pub fn freshness_of(&self, cluster: &str) -> Freshness {
        let mut times = self.freshness.clone();
        if self.local.cluster.get() == Some(cluster) {
            times.demote_after = value::Period::seconds(0);
            times.drop_after = value::Period::seconds(0);
        }
        let Some(entry) = self.clusters.iter().find(|entry| entry.name == cluster) else { return times };
        let own = &entry.freshness;
        times.grace = own.grace.unwrap_or(times.grace);
        times.suspect_after = own.suspect_after.unwrap_or(times.suspect_after);
        times.demote_after = own.demote_after.unwrap_or(times.demote_after);
        times.drop_after = own.drop_after.unwrap_or(times.drop_after);
        times.recover_after = own.recover_after.unwrap_or(times.recover_after);
        times.evidence = own.evidence.unwrap_or(times.evidence);
        times
    }

    fn with_locality_of_cluster(&self, mut view: View) -> View {
        let entry =
            self.clusters.iter().find(|entry| view.cluster.as_ref().is_some_and(|id| id.as_str() == entry.name));
        if let Some(entry) = entry {
            let known = locality(&entry.region, &entry.zone, &entry.network);
            view.locality.region = view.locality.region.or(known.region);
            view.locality.zone = view.locality.zone.or(known.zone);
            view.locality.network = view.locality.network.or(known.network);
        }
        view
    }
}

/// How long one watch request lasts: half of the smaller of `suspectAfter` and `demoteAfter`, zeros aside, in whole
/// seconds, 1 s to 30 s (RESILIENCE.md 4.1).
pub fn watch_timeout(freshness: &Freshness) -> Duration {
    let limits = [freshness.suspect_after.limit(), freshness.demote_after.limit()];
    let half = limits.into_iter().flatten().min().map_or(30, |limit| limit.as_secs() / 2);
    Duration::from_secs(half.clamp(1, 30))
}

fn source_spec(source: &Source) -> Option<SourceSpec> {
    let path = |path: &value::FilePath| path.get().map(Path::to_path_buf);
    match (&source.in_cluster, &source.kubeconfig, &source.manifests) {
        (Some(_), None, None) => Some(SourceSpec::InCluster),
        (None, Some(kubeconfig), None) => {
            let context = Some(kubeconfig.context.clone()).filter(|name| !name.is_empty());
            Some(SourceSpec::Kubeconfig { path: path(&kubeconfig.path)?, context })
        }
        (None, None, Some(manifests)) => Some(SourceSpec::Manifests { path: path(&manifests.path)? }),
        (None, None, None) => Some(SourceSpec::Learned),
        _ => None,
    }
}

fn cluster(entry: &ClusterEntry) -> Cluster {
    Cluster {
        mode: entry.mode,
        vip_scope: entry.vip_scope,
        locality: locality(&entry.region, &entry.zone, &entry.network),
        reach: entry.reach,
        routable: entry.routable.clone(),
        gateways: entry.gateways.iter().map(|gateway| gateway.0.clone()).collect(),
        allow: Allow { namespaces: globs(&entry.allow.namespaces), cidrs: entry.allow.cidrs.clone() },
        aliases: entry.aliases.iter().map(|alias| ClusterId::new(alias)).collect(),
        cidrs: entry.cidrs.clone(),
        drain: entry.drain,
        ..Cluster::new(ClusterId::new(&entry.name))
    }
}

fn policy_rule(policy: &Policy) -> PolicyRule {
    PolicyRule {
        namespaces: globs(&policy.matches.namespaces),
        names: globs(&policy.matches.names),
        hosts: globs(&policy.matches.hosts),
        answer: policy.answer,
        ttl: policy.ttl.map(value::Bounded::get),
        prefer: Some(policy.prefer.as_slice()).filter(|prefer| !prefer.is_empty()).map(Into::into),
        weights: policy.weights.iter().map(|(cluster, weight)| (cluster.as_str().into(), weight.get())).collect(),
    }
}

fn locality(region: &str, zone: &str, network: &str) -> Locality {
    let set = |text: &str| Some(text).filter(|text| !text.is_empty()).map(Arc::from);
    Locality { region: set(region), zone: set(zone), network: set(network) }
}

fn globs(globs: &[value::Glob]) -> Vec<Arc<str>> {
    globs.iter().map(|glob| glob.as_str().into()).collect()
}
