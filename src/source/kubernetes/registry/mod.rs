//! The registry: clusters that objects of a home cluster describe (SOURCES.md section 6).
//!
//! In: Secrets with kubeconfigs and ClusterProfiles, in the namespaces that the configuration names. Out: [`Told`]s, from which a [`Roster`]
//! makes the list of clusters and the findings about what cannot be used.
//!
//! ```text
//! home cluster ─▶ Follower (one per namespace and label) ─▶ Told ─▶ Roster ─▶ clusters by rank, findings
//! ```
//!
//! A Secret is never logged or kept: of its annotations five are read, of its data the fields of [`Access`] are.

mod follow;
mod item;
mod learned;
mod profile;
mod roster;
mod secret;

pub use learned::{Allowed, Learned, Traits};
pub use roster::Roster;

use super::Limits;
use super::access::Access;
use super::client::Connection;
use super::counters::Counters;
use super::list::escaped;
use super::timing::Timing;
use crate::source::runtime::Sources;
use learned::Entry;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// The label of our own; other labels are read as Istio's.
const OWN_LABEL: &str = "clusterset-dns.io/cluster";

/// One collection of objects that describe clusters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Collection {
    pub namespace: String,
    pub sort: Sort,
}

/// Which objects a collection holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Sort {
    /// Secrets with a label such as `istio/multiCluster=true`.
    Secrets { label: String },
    /// ClusterProfiles (KEP-4322).
    Profiles(Profiles),
    /// The Namespace itself, if its label `clusterset.multicluster.x-k8s.io` has this value: without it no ClusterProfile in it counts.
    Namespace { set: String },
}

/// Which ClusterProfiles are read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Profiles {
    /// The file of the token by name of the access provider.
    pub tokens: BTreeMap<String, PathBuf>,
    /// Value of the label `x-k8s.io/cluster-manager`; empty: any.
    pub manager: String,
}

/// The label of a ClusterProfile that names who keeps it (KEP-4322).
const MANAGER_LABEL: &str = "x-k8s.io/cluster-manager";
/// The label of a Namespace that names the clusterset of the ClusterProfiles in it (KEP-4322).
const SET_LABEL: &str = "clusterset.multicluster.x-k8s.io";

impl Collection {
    /// Of [`OWN_LABEL`] 2, of another label 3, of a ClusterProfile 4 (SOURCES.md section 6).
    fn rank(&self) -> u8 {
        match &self.sort {
            Sort::Secrets { label } if label.split('=').next() == Some(OWN_LABEL) => 2,
            Sort::Secrets { .. } => 3,
            Sort::Profiles(_) | Sort::Namespace { .. } => 4,
        }
    }

    /// True when both hold the same objects, whatever is made of them.
    fn holds_as(&self, other: &Collection) -> bool {
        self.namespace == other.namespace
            && match (&self.sort, &other.sort) {
                (Sort::Profiles(_), Sort::Profiles(_)) => true,
                (own, its) => own == its,
            }
    }

    /// Of its objects.
    fn kind(&self) -> &'static str {
        match &self.sort {
            Sort::Secrets { .. } => "Secret",
            Sort::Profiles(_) => "ClusterProfile",
            Sort::Namespace { .. } => "Namespace",
        }
    }

    /// The collection with its selector.
    fn path(&self) -> String {
        let namespace = &self.namespace;
        match &self.sort {
            Sort::Secrets { label } => {
                format!("/api/v1/namespaces/{namespace}/secrets?labelSelector={}", escaped(label))
            }
            Sort::Profiles(Profiles { manager, .. }) => {
                let path = format!("/apis/multicluster.x-k8s.io/v1alpha1/namespaces/{namespace}/clusterprofiles");
                match manager.as_str() {
                    "" => path,
                    manager => format!("{path}?labelSelector={}", escaped(&format!("{MANAGER_LABEL}={manager}"))),
                }
            }
            // A list of one Namespace: what the role of a reader grants anyway.
            Sort::Namespace { set } => {
                let (name, label) = (format!("metadata.name={namespace}"), format!("{SET_LABEL}={set}"));
                format!("/api/v1/namespaces?fieldSelector={}&labelSelector={}", escaped(&name), escaped(&label))
            }
        }
    }
}

impl std::fmt::Display for Collection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.sort {
            Sort::Secrets { label } => write!(f, "Secrets labelled {label} in namespace {}", self.namespace),
            Sort::Profiles(Profiles { manager, .. }) if manager.is_empty() => {
                write!(f, "ClusterProfiles in namespace {}", self.namespace)
            }
            Sort::Profiles(Profiles { manager, .. }) => {
                write!(f, "ClusterProfiles labelled {MANAGER_LABEL}={manager} in namespace {}", self.namespace)
            }
            Sort::Namespace { set } => write!(f, "Namespace {} labelled {SET_LABEL}={set}", self.namespace),
        }
    }
}

/// What is read, and how.
pub struct Spec {
    /// Of the home cluster.
    pub access: Access,
    pub timing: Timing,
    pub counters: Arc<Counters>,
    pub collections: Vec<Collection>,
    /// `registry.allowServers`.
    pub allow_servers: Vec<String>,
    /// How much is read at once.
    pub limits: Limits,
    /// How long an object that a list leaves out is kept, until a second list agrees.
    pub confirm: std::time::Duration,
}

/// What a collection says; the number is that of [`Spec::collections`].
pub enum Told {
    /// An object was added or changed.
    Object { collection: usize, object: Object },
    /// An object has not the shape of its kind: what it said before stands.
    Unreadable { collection: usize, key: Arc<str> },
    /// An object is gone: by an event that names it, or by two lists.
    Gone { collection: usize, key: Arc<str> },
    /// Everything that the first list holds was told.
    Listed { collection: usize },
    /// The collection cannot be read: what was told stands.
    Failed { collection: usize, error: String },
}

/// One object that describes clusters.
pub struct Object {
    /// `namespace/name`.
    key: Arc<str>,
    entries: Vec<Entry>,
}

/// The running watches; dropping it ends them.
pub struct Watch {
    tasks: Vec<AbortHandle>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// Starts reading on the thread of all sources.
///
/// # Errors
/// Certificates, key or proxy of the home cluster cannot be used.
pub fn spawn(sources: &Sources, spec: &Spec, sender: &mpsc::Sender<Told>) -> Result<Watch, String> {
    let _inside = sources.handle().enter();
    let connection = Connection::new(&spec.access, Arc::new(spec.timing.clone()), Arc::clone(&spec.counters))?;
    let start = |(number, collection): (usize, &Collection)| {
        let follower = follow::Follower::new(number, collection, spec, connection.clone(), sender.clone());
        sources.handle().spawn(follower.run()).abort_handle()
    };
    Ok(Watch { tasks: spec.collections.iter().enumerate().map(start).collect() })
}
