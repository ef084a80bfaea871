//! A cluster as an object of the home cluster describes it.

use super::{Collection, Sort};
use crate::model::{ClusterId, Mode, Reach};
use crate::source::kubernetes::kubeconfig_secret::{allowed_server, host_to_list, is_listed};
use crate::source::kubernetes::{Access, TokenSource};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

/// A cluster that can be read. Nothing here derives `Debug`: it holds credentials.
#[derive(Clone)]
pub struct Learned {
    pub id: ClusterId,
    /// Of its origin (SOURCES.md section 6): a lower one wins an id.
    pub rank: u8,
    /// `Secret clusterset-dns/remotes, key west`.
    pub origin: Arc<str>,
    pub traits: Traits,
    pub access: Access,
    /// Differs when another connection is needed.
    pub fingerprint: u64,
    /// What the object says against the cluster: evidence of liveness, as a cause for the log.
    pub ill: Option<String>,
}

impl Learned {
    /// The host of its server, where that must be listed in `registry.allowServers`.
    pub fn host_to_list(&self) -> Option<String> {
        host_to_list(&self.access.server)
    }
}

/// What a configuration allows objects to name, whatever was read under an earlier one.
pub struct Allowed {
    servers: Vec<String>,
    token_files: HashSet<PathBuf>,
}

impl Allowed {
    /// `servers`: `registry.allowServers`.
    pub fn new(servers: &[String], collections: &[Collection]) -> Self {
        let files = |collection: &Collection| match &collection.sort {
            Sort::Profiles(profiles) => profiles.tokens.values().cloned().collect(),
            Sort::Secrets { .. } | Sort::Namespace { .. } => Vec::new(),
        };
        Allowed { servers: servers.to_vec(), token_files: collections.iter().flat_map(files).collect() }
    }

    /// True when the host of [`Learned::host_to_list`] is listed.
    pub fn lists(&self, host: &str) -> bool {
        is_listed(host, &self.servers)
    }

    /// Why a cluster may not be read, if so.
    pub(super) fn refusal(&self, learned: &Learned) -> Option<Problem> {
        if let Err(reason) = allowed_server(&learned.access.server, &self.servers) {
            return Some(Problem::not_allowed(reason));
        }
        match &learned.access.token {
            Some(TokenSource::File(file)) if !self.token_files.contains(file.path()) => {
                let reason = "its token file is not named in registry.clusterProfiles.tokens any more".to_owned();
                Some(Problem::not_allowed(reason))
            }
            _ => None,
        }
    }
}

/// What an object says of a cluster beside how to reach it; as the keys of the same names in `clusters`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Traits {
    pub region: String,
    pub zone: String,
    pub network: String,
    pub reach: Reach,
    pub mode: Mode,
}

/// One cluster in one object: usable or not.
#[derive(Clone)]
pub(super) struct Entry {
    /// The id that it has or would have.
    pub id: ClusterId,
    pub rank: u8,
    pub origin: Arc<str>,
    /// What can be used; of a version before, where `problem` says that the last one cannot.
    pub learned: Option<Learned>,
    /// Why the last version cannot be used.
    pub problem: Option<Problem>,
}

/// Why an entry cannot be used as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// Code of the finding.
    pub code: &'static str,
    /// The field and the reason, what to do; never a value.
    pub reason: String,
    /// The object is sound; the configuration refuses its cluster.
    pub not_allowed: bool,
}

/// Code of what a kubeconfig may not hold.
pub(super) const BAD_KUBECONFIG: &str = "bad-kubeconfig";

impl Problem {
    /// Of the object.
    pub fn new(code: &'static str, reason: String) -> Self {
        Problem { code, reason, not_allowed: false }
    }

    /// Of what the configuration allows.
    pub fn not_allowed(reason: String) -> Self {
        Problem { code: BAD_KUBECONFIG, reason, not_allowed: true }
    }
}
