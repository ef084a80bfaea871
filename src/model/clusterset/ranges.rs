//! Ranges of two clusters that overlap in one network (SOURCES.md 1.2, "Overlaps").

use super::{ClusterSet, Member};
use crate::model::address::Prefix;
use crate::model::finding::Finding;
use crate::model::id::ClusterId;
use std::collections::BTreeMap;

impl ClusterSet {
    /// One `cidr-overlap` for each pair of clusters with overlapping pod or service ranges, unless both name
    /// different networks. Costs a sort of all ranges: call it after `Touched::ranges` or a change of the registry.
    pub fn range_findings(&self) -> Vec<Finding> {
        let mut ranges: Vec<(Prefix, &Member)> =
            self.members().flat_map(|(_, member)| member.ranges().map(move |range| (*range, member))).collect();
        ranges.sort_by_key(|(range, member)| (range.address(), range.length(), member.cluster().id.clone()));
        ranges.dedup_by(|a, b| a.0 == b.0 && a.1.cluster().id == b.1.cluster().id);
        let mut pairs: BTreeMap<(&ClusterId, &ClusterId), (Prefix, Prefix)> = BTreeMap::new();
        // Ranges are nested or apart: those that hold the current one are a stack.
        let mut around: Vec<(Prefix, &Member)> = Vec::new();
        for (range, member) in ranges {
            while around.last().is_some_and(|(outer, _)| !outer.overlaps(&range)) {
                around.pop();
            }
            for (outer, other) in around.iter().filter(|(_, other)| share_network(other, member)) {
                let (a, b) = (&other.cluster().id, &member.cluster().id);
                let (pair, both) = if a < b { ((a, b), (*outer, range)) } else { ((b, a), (range, *outer)) };
                if a != b {
                    pairs.entry(pair).or_insert(both);
                }
            }
            around.push((range, member));
        }
        pairs.into_iter().map(|(clusters, both)| overlap(clusters, both)).collect()
    }
}

/// False when both name a network and the two differ.
fn share_network(a: &Member, b: &Member) -> bool {
    let network = |member: &Member| member.cluster().locality.network.clone();
    !matches!((network(a), network(b)), (Some(a), Some(b)) if a != b)
}

fn overlap((a, b): (&ClusterId, &ClusterId), (first, second): (Prefix, Prefix)) -> Finding {
    Finding {
        code: "cidr-overlap",
        cluster: a.as_str().into(),
        kind: "".into(),
        object: "".into(),
        place: None,
        message: format!(
            "range {first} overlaps {second} of cluster {b}: an address of one may reach a pod of the other; give the \
             clusters different `network`s, or renumber one"
        ),
    }
}
