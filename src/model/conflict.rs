//! A conflict: a property on which exports of one service differ (KEP-1645, condition `Conflict`).

use super::id::ClusterId;
use std::fmt;

/// Reasons in the order of SOURCES.md section 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConflictReason {
    Type,
    Port,
    SessionAffinity,
    SessionAffinityConfig,
    Labels,
    Annotations,
    InternalTrafficPolicy,
    TrafficDistribution,
    IpFamily,
}

impl ConflictReason {
    /// Every reason, in order.
    pub const ALL: [ConflictReason; 9] = [
        ConflictReason::Type,
        ConflictReason::Port,
        ConflictReason::SessionAffinity,
        ConflictReason::SessionAffinityConfig,
        ConflictReason::Labels,
        ConflictReason::Annotations,
        ConflictReason::InternalTrafficPolicy,
        ConflictReason::TrafficDistribution,
        ConflictReason::IpFamily,
    ];

    /// The reason as controllers write it.
    pub fn as_str(self) -> &'static str {
        match self {
            ConflictReason::Type => "TypeConflict",
            ConflictReason::Port => "PortConflict",
            ConflictReason::SessionAffinity => "SessionAffinityConflict",
            ConflictReason::SessionAffinityConfig => "SessionAffinityConfigConflict",
            ConflictReason::Labels => "LabelsConflict",
            ConflictReason::Annotations => "AnnotationsConflict",
            ConflictReason::InternalTrafficPolicy => "InternalTrafficPolicyConflict",
            ConflictReason::TrafficDistribution => "TrafficDistributionConflict",
            ConflictReason::IpFamily => "IPFamilyConflict",
        }
    }

    /// The property in words.
    pub fn property(self) -> &'static str {
        match self {
            ConflictReason::Type => "type",
            ConflictReason::Port => "ports",
            ConflictReason::SessionAffinity => "sessionAffinity",
            ConflictReason::SessionAffinityConfig => "sessionAffinityConfig",
            ConflictReason::Labels => "exportedLabels",
            ConflictReason::Annotations => "exportedAnnotations",
            ConflictReason::InternalTrafficPolicy => "internalTrafficPolicy",
            ConflictReason::TrafficDistribution => "trafficDistribution",
            ConflictReason::IpFamily => "ipFamilies",
        }
    }
}

/// A set of reasons, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConflictReasons(u16);

impl ConflictReasons {
    /// The reasons in the set, in order.
    pub fn iter(self) -> impl Iterator<Item = ConflictReason> {
        ConflictReason::ALL.into_iter().filter(move |reason| self.0 & (1 << *reason as u16) != 0)
    }
}

impl FromIterator<ConflictReason> for ConflictReasons {
    fn from_iter<I: IntoIterator<Item = ConflictReason>>(reasons: I) -> Self {
        ConflictReasons(reasons.into_iter().fold(0, |set, reason| set | 1 << reason as u16))
    }
}

/// One property in conflict, shown for every export of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub reason: ConflictReason,
    /// The value in use.
    pub value: String,
    /// Whose value that is: the first in the order of the merge.
    pub winner: ClusterId,
    /// Clusters whose value is not the winner's.
    pub differing: Vec<ClusterId>,
    /// Exports in the merge.
    pub of: usize,
    /// Clusters that lack a merged port of a ClusterSetIP service, with the port: they still answer its addresses.
    pub lacking: Vec<(ClusterId, String)>,
}

impl fmt::Display for Conflict {
    /// `ports: http 80/TCP of cluster east is used; 1 of 2 clusters differs (west)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.differing.len() == 1 { "differs" } else { "differ" };
        let (property, count) = (self.reason.property(), self.differing.len());
        write!(
            f,
            "{property}: {} of cluster {} is used; {count} of {} clusters {verb}",
            self.value, self.winner, self.of
        )?;
        for (number, cluster) in self.differing.iter().enumerate() {
            write!(f, "{}{cluster}", if number == 0 { " (" } else { ", " })?;
        }
        f.write_str(")")?;
        for (cluster, port) in &self.lacking {
            write!(f, "; cluster {cluster} has no port {port}, its addresses are answered all the same")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_each_reason_once_in_order() {
        let reasons = [ConflictReason::IpFamily, ConflictReason::Type, ConflictReason::IpFamily];
        let set: ConflictReasons = reasons.into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [ConflictReason::Type, ConflictReason::IpFamily]);
        assert_eq!(ConflictReason::ALL.into_iter().collect::<ConflictReasons>().iter().count(), 9);
    }
}
