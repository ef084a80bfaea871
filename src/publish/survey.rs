//! The survey: findings that no single service or host shows (`cidr-overlap`, `foreign-zone-name`, `vip-collision`,
//! `vip-pool-clash`, `wildcard-shadowed`, `view-cluster-unknown`). It walks over all ranges and hosts, so the task runs it seldom and when idle.

use super::publisher::Publisher;
use crate::model::fact::Kind;
use crate::model::{Change, Finding, select};

/// True when the change may give rise to another survey.
pub(super) fn looks_at(change: &Change) -> bool {
    let kind = match change {
        Change::Apply { fact, .. } => fact.kind(),
        Change::Delete { kind, .. } | Change::Replace { kind, .. } | Change::Absent { kind, .. } => *kind,
        _ => return false,
    };
    matches!(kind, Kind::ServiceEntry | Kind::DnsEndpoint | Kind::Node | Kind::ServiceImport)
}

impl Publisher {
    /// Surveys all clusters if something changed that it looks at.
    pub fn survey(&mut self) {
        if !self.warnings.survey_due {
            return;
        }
        let mut found = self.clusterset.range_findings();
        found.extend(crate::model::host::findings(&self.clusterset));
        found.extend(self.view_findings());
        self.warnings.surveyed(&found);
    }

    fn view_findings(&self) -> Vec<Finding> {
        self.views.iter().flat_map(|view| select::view_findings(&self.clusterset, view)).collect()
    }
}
