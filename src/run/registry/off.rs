//! A build without Kubernetes has no registry.

use super::{Accused, Counts, Findings, Joined};
use crate::config::Config;
use crate::publish::task;
use crate::run::sources::Running;

/// Nothing that can be read.
pub(crate) enum Reading {}

/// No registry.
pub(crate) struct Registry {
    counts: Counts,
}

impl Registry {
    /// Refuses a configuration with a registry.
    pub(crate) fn start(config: &Config, sources: &Running) -> Result<Self, String> {
        Registry { counts: Counts::default() }.prepare(config, sources).map(|_| Registry { counts: Counts::default() })
    }

    pub(crate) fn prepare(&self, config: &Config, _sources: &Running) -> Result<Option<Reading>, String> {
        match config.registry.secrets.is_some() || config.registry.cluster_profiles.is_some() {
            false => Ok(None),
            true => {
                Err("registry: this build reads folders of manifests only; build with the feature `kubernetes`"
                    .to_owned())
            }
        }
    }

    pub(crate) fn commit(&mut self, _config: &Config, _reading: Option<Reading>) {}

    pub(crate) fn files(&self) -> Vec<std::path::PathBuf> {
        Vec::new()
    }

    /// A configuration alone.
    pub(crate) fn recall(config: &Config) -> Joined {
        Joined::plain(config.clone())
    }

    /// Never.
    pub(crate) async fn next(&mut self) {
        std::future::pending().await
    }

    pub(crate) fn join(&mut self, config: &Config) -> Joined {
        Joined::plain(config.clone())
    }

    pub(crate) fn state(&self) -> task::Registry {
        task::Registry::default()
    }

    pub(crate) fn accused(&self, _config: &Config) -> Accused {
        Accused::new()
    }

    pub(crate) fn findings(&self) -> Findings {
        Findings::default()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts.clone()
    }
}
