//! The Frame: what the configuration says of zones and clients, and what is known of clusters right now.
//!
//! In: the template of the configuration, presence of clusters. Out: a new [`Frame`] for the table.

use crate::compile::{Columns, ZoneKind, Zones};
use crate::dns::Name;
use crate::model::ClusterId;
use crate::table::frame::{ClusterColumn, ZoneKind as FrameZoneKind};
use crate::table::{Frame, FrameSettings, ZoneSettings};

/// Bit v: in view v a cluster that could own any name is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Awaited {
    /// In clusterset and reverse zones.
    pub services: u64,
    /// In global zones; formed names included.
    pub hosts: u64,
}

impl Awaited {
    /// True when some view awaits more than in `before`.
    pub(super) fn adds_to(self, before: Awaited) -> bool {
        self.services & !before.services != 0 || self.hosts & !before.hosts != 0
    }
}

/// The settings of the Frame that do not move with the clusters. Zones and clusters are filled in per Frame.
#[derive(Debug, Clone, Default)]
pub struct FrameTemplate(pub FrameSettings);

impl FrameTemplate {
    /// A Frame in which bit v of `awaited` says that in view v a cluster that could own any name is not known yet.
    /// `columns` may hold clusters that are gone, which `is_there` tells.
    pub(super) fn frame(
        &self,
        zones: &Zones,
        columns: &Columns,
        is_there: impl Fn(&ClusterId) -> bool,
        awaited: Awaited,
    ) -> Frame {
        let zone = |zone: &crate::compile::Zone| ZoneSettings {
            name: zone.name.clone(),
            kind: match zone.kind {
                ZoneKind::Clusterset => FrameZoneKind::Clusterset,
                ZoneKind::Global => FrameZoneKind::Global,
                ZoneKind::Reverse => FrameZoneKind::Reverse,
            },
            ttl: zones.ttl,
            unknown: match zone.kind {
                // Any address may be one of a service that is not known yet.
                ZoneKind::Clusterset | ZoneKind::Reverse => awaited.services,
                ZoneKind::Global => awaited.hosts,
            },
        };
        let mut clusters: Vec<ClusterColumn> = columns
            .iter()
            .filter(|(id, _)| id.is_nameable() && is_there(id))
            .filter_map(|(id, column)| {
                Some(ClusterColumn { id: Name::parse(id.as_str()).ok()?, column, views: u64::MAX })
            })
            .collect();
        clusters.sort_by_key(|cluster| cluster.column);
        Frame::new(FrameSettings { zones: zones.list.iter().map(zone).collect(), clusters, ..self.0.clone() })
    }
}
