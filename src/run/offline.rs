//! A table filled once from folders of manifests: for `check`, `explain --manifests` and the scenario tests.
//!
//! In: a configuration. Out: a publisher with everything that the folders hold, published. Clusters behind API servers stay
//! unknown, as they would be for a server that has not reached them.

use super::setup::setup;
use crate::config::{Config, SourceSpec};
use crate::publish::{Figures, Publisher};
use crate::source::manifests::Folder;
use crate::table::{Frame, Table};
use std::sync::Arc;
use std::time::Duration;

/// What was loaded.
pub struct Loaded {
    pub publisher: Publisher,
    pub table: Arc<Table>,
}

/// Reads every folder of the configuration and publishes what it holds.
///
/// # Errors
/// A zone whose own names do not fit into 255 octets, in words.
pub fn load(config: &Config) -> Result<Loaded, String> {
    let table = Arc::new(Table::new(Frame::default()));
    let too_long = |error| format!("zones: {error}; choose a shorter zone");
    let setup = setup(config).map_err(too_long)?;
    let known = super::sources::known_clusters(config);
    let mut publisher =
        Publisher::new(setup, Arc::clone(&table), Arc::new(Figures::default()), || Duration::ZERO).map_err(too_long)?;
    for entry in config.clusters() {
        let SourceSpec::Manifests { path } = &entry.source else { continue };
        let mut folder = Folder::new(entry.cluster.id.clone(), path.clone()).with_known_clusters(Arc::clone(&known));
        for change in folder.load() {
            let cluster = entry.cluster.id.clone();
            publisher.observe(crate::model::Observation { cluster, generation: 1, received_ns: 0, change });
        }
    }
    publisher.work(|| true);
    publisher.tell_connections();
    if config.resolve_hostnames {
        look_up_own_names(&mut publisher, &table);
    }
    Ok(Loaded { publisher, table })
}

/// Host names of our own zones have their addresses in the table; others are not looked up: nothing is asked of a network.
fn look_up_own_names(publisher: &mut Publisher, table: &Table) {
    // One name may stand for another.
    for _ in 0..2 {
        let names = publisher.clusterset().host_names().into_keys();
        let found = |name: Arc<str>| {
            let addresses = crate::resolve::own_addresses(table, &name)?.ok()?;
            (!addresses.is_empty()).then_some((name, addresses))
        };
        publisher.set_resolved(names.filter_map(found).collect());
        publisher.work(|| true);
    }
}

impl Loaded {
    /// Explains one name. Ages are not known: nothing is in contact.
    pub fn explain(&self, question: &crate::explain::Question) -> crate::explain::Explanation {
        super::explain::answer(question, &self.publisher, &self.table, &|_| None)
    }
}
