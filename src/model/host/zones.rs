//! Which zone a host belongs to, and the settings of global names.

use crate::model::id::ClusterId;
use std::sync::Arc;

/// What the configuration says about names in global zones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSettings {
    /// `zones`: lower case, without a final dot.
    pub clusterset_zones: Vec<Arc<str>>,
    /// `globalZones`, in the same form.
    pub global_zones: Vec<Arc<str>>,
    /// `istio.respectExportTo`: a ServiceEntry that is not exported to `*` is not served.
    pub respect_export_to: bool,
    /// `istio.meshClusters`: outside them VIPs do not route. Empty: every view counts as inside.
    pub mesh_clusters: Vec<ClusterId>,
    /// `resolveHostnames`: host names behind a host are looked up; off, a single one is answered as a CNAME.
    pub resolve_hostnames: bool,
}

impl Default for HostSettings {
    fn default() -> Self {
        HostSettings {
            clusterset_zones: vec!["clusterset.local".into()],
            global_zones: vec!["global".into()],
            respect_export_to: false,
            mesh_clusters: Vec::new(),
            resolve_hostnames: true,
        }
    }
}

/// Which of our zones covers a host: that of the longest name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage<'a> {
    /// A global zone: the host is served.
    Global(&'a Arc<str>),
    /// A clusterset zone: the host is refused.
    Clusterset(&'a Arc<str>),
    /// No zone of ours.
    Foreign,
}

impl HostSettings {
    /// The zone that covers `host`.
    pub fn coverage(&self, host: &str) -> Coverage<'_> {
        match (longest(&self.global_zones, host), longest(&self.clusterset_zones, host)) {
            (Some(global), Some(clusterset)) if clusterset.len() > global.len() => Coverage::Clusterset(clusterset),
            (Some(global), _) => Coverage::Global(global),
            (None, Some(clusterset)) => Coverage::Clusterset(clusterset),
            (None, None) => Coverage::Foreign,
        }
    }

    /// True when the host is served if some object names it: a global zone covers it, and the zone itself has no such
    /// name (its apex, `dns.<zone>`, `ns.dns.<zone>`; DNS.md section 2).
    pub fn serves(&self, host: &str) -> bool {
        matches!(self.coverage(host), Coverage::Global(zone) if !is_own(host, zone))
    }
}

/// True for the names that a zone has by itself.
pub(super) fn is_own(host: &str, zone: &str) -> bool {
    matches!(host.strip_suffix(zone), Some("" | "dns." | "ns.dns."))
}

fn longest<'a>(zones: &'a [Arc<str>], host: &str) -> Option<&'a Arc<str>> {
    zones.iter().filter(|zone| is_within(host, zone)).max_by_key(|zone| zone.len())
}

fn is_within(host: &str, zone: &str) -> bool {
    host.strip_suffix(zone).is_some_and(|labels| labels.is_empty() || labels.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_zone_covers_a_host() {
        let settings = HostSettings {
            clusterset_zones: vec!["clusterset.local".into(), "c.mesh".into()],
            global_zones: vec!["global".into(), "mesh".into(), "g.clusterset.local".into()],
            ..HostSettings::default()
        };
        for (host, served) in [
            ("web.shop.global", true),
            ("*.global", true),
            ("a.b", false),
            ("web.xglobal", false),
            ("web.mesh", true),
            ("web.c.mesh", false),
            ("web.shop.svc.clusterset.local", false),
            ("web.g.clusterset.local", true),
            ("global", false),
            ("dns.global", false),
            ("ns.dns.global", false),
            ("x.ns.dns.global", true),
        ] {
            assert_eq!(settings.serves(host), served, "{host}");
        }
    }
}
