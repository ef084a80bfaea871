//! What of a changed configuration a running server can take over.
//!
//! In: the configuration as it is written now, and the one that runs. Out: the keys that need a restart, and the
//! configuration that can be applied at once. Pure.

use super::{Config, ViewEntry};

/// Views besides the local one: a Block has one bit for each.
const MAX_VIEWS: usize = 63;

impl Config {
    /// Keys that differ from `running` and take effect only after a restart.
    pub fn restart_keys(&self, running: &Config) -> Vec<&'static str> {
        let changed = [
            ("zones", self.zones != running.zones),
            ("globalZones", self.global_zones != running.global_zones),
            ("reverseZones", self.reverse_zones != running.reverse_zones),
            ("listen", self.listen != running.listen),
            ("views[].listen", self.dns_listeners() != running.dns_listeners() && self.listen == running.listen),
            ("views", self.views_carried_over(running).is_none()),
            ("transfer.notify", self.transfer.notify != running.transfer.notify),
            ("resolveHostnames", self.resolve_hostnames != running.resolve_hostnames),
            ("udp", self.udp != running.udp),
            ("tls", self.tls != running.tls),
            ("limits.tcp", self.limits.tcp != running.limits.tcp),
            ("limits.grpc", self.limits.grpc != running.limits.grpc),
            ("snapshot", self.snapshot != running.snapshot),
            ("ready", self.ready != running.ready),
            ("lameduck", self.lameduck != running.lameduck),
            ("log", self.log != running.log),
            ("metrics.prefix", self.metrics.prefix != running.metrics.prefix),
        ];
        changed.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
    }

    /// This configuration as a server that runs `running` can take it over: what needs a restart stays as it runs, and
    /// views keep their numbers, for Blocks and Frames know views by number.
    pub fn carried_over(&self, running: &Config) -> Config {
        let mut next = self.clone();
        next.zones = running.zones.clone();
        next.global_zones = running.global_zones.clone();
        next.reverse_zones = running.reverse_zones.clone();
        next.listen = running.listen.clone();
        next.transfer.notify = running.transfer.notify.clone();
        next.resolve_hostnames = running.resolve_hostnames;
        next.udp = running.udp.clone();
        next.tls = running.tls.clone();
        next.limits.tcp = running.limits.tcp.clone();
        next.limits.grpc = running.limits.grpc.clone();
        next.snapshot = running.snapshot.clone();
        next.ready = running.ready.clone();
        next.lameduck = running.lameduck;
        next.log = running.log.clone();
        next.metrics = running.metrics.clone();
        next.views = self.views_carried_over(running).unwrap_or_else(|| running.views.clone());
        next
    }

    /// The running views in their order, changed or without clients where they are gone, then the new ones, whose
    /// listeners wait for a restart. `None`: too many.
    fn views_carried_over(&self, running: &Config) -> Option<Vec<ViewEntry>> {
        let mut views: Vec<ViewEntry> = Vec::new();
        for before in &running.views {
            let entry = self.views.iter().find(|entry| entry.name == before.name);
            views.push(match entry {
                Some(entry) => ViewEntry { listen: before.listen.clone(), ..entry.clone() },
                None => ViewEntry { clients: Vec::new(), ..before.clone() },
            });
        }
        for entry in self.views.iter().filter(|entry| running.views.iter().all(|before| before.name != entry.name)) {
            views.push(ViewEntry { listen: Default::default(), ..entry.clone() });
        }
        (views.len() <= MAX_VIEWS).then_some(views)
    }
}
