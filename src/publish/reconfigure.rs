//! A changed configuration: everything is compiled again, name by name, while the table goes on answering.
//!
//! In: the new [`Setup`], whose zones are those that run. Out: clusters in and out, all names queued as bulk work. The
//! Frame, which says who gets which view, follows when every Block is compiled for it.

use super::publisher::{Publisher, Setup};
use crate::compile::{self, zone_names};
use crate::model::{Cluster, ClusterId, clusterset};
use crate::table::Block;

impl Publisher {
    /// Puts another configuration in force. `grace_over`: clusters that are new are not waited for, so that no name
    /// that was absent becomes unknown (RESILIENCE.md rule 8).
    pub fn reconfigure(&mut self, setup: Setup, grace_over: bool) {
        let Setup { clusters, views, model, compile, frame } = setup;
        self.remove_missing(&clusters);
        let columns = self.settings.columns.extended(clusters.iter().map(|cluster| &cluster.id));
        for cluster in clusters {
            self.put_cluster(cluster, grace_over);
        }
        // What was looked up or probed is no matter of the configuration.
        let clusterset::Settings { resolved, probed, .. } = self.clusterset.settings().clone();
        let touched = self.clusterset.set_settings(clusterset::Settings { resolved, probed, ..model });
        self.touch(touched, false);
        self.views = views;
        self.settings = compile::Settings { columns, ..compile };
        self.next_frame = Some(frame);
        self.put_zone_names();
        self.touch_all_names();
    }

    /// Clusters that the configuration no longer has go at once; their facts are given up part by part.
    fn remove_missing(&mut self, clusters: &[Cluster]) {
        let is_gone = |id: &ClusterId| clusters.iter().all(|cluster| cluster.id != *id);
        let members = self.clusterset.members().map(|(_, member)| member.cluster().id.clone());
        let gone: Vec<ClusterId> = members.filter(is_gone).collect();
        self.growth.retain(|id| !is_gone(id));
        self.lost.retain(|id| !is_gone(id));
        self.lists.retain(|id| !is_gone(id));
        for id in gone {
            self.brake.forget(&id);
            let touched = self.clusterset.remove_cluster(&id);
            self.touch(touched, false);
        }
    }

    fn put_cluster(&mut self, cluster: Cluster, grace_over: bool) {
        let id = cluster.id.clone();
        let is_new = self.clusterset.get(&id).is_none();
        // The generation is that of what the sources send.
        let mut touched = self.clusterset.put_cluster(cluster, 0);
        if is_new && grace_over {
            touched.extend(self.clusterset.set_grace_over(&id, true));
        }
        self.touch(touched, false);
    }

    /// The names that the zones have by themselves: their TTL and their name server may have changed.
    fn put_zone_names(&mut self) {
        let zones = &self.settings.zones;
        // Names that did not fit stopped the start.
        let drafts: Vec<_> = zones.list.iter().filter_map(|zone| zone_names(zone, zones).ok()).flatten().collect();
        self.apply(drafts.iter().map(Block::pack).collect(), Vec::new());
    }
}
