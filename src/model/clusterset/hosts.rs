//! Which clusters name a host in a global zone, and where the limits of a cluster cut.

use super::{ClusterSet, Member, Settings, Slot};
use crate::model::fact::Kind;
use crate::model::hashed::Set;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

/// Served host -> numbers of the clusters that name it, ascending.
#[derive(Debug, Default)]
pub(super) struct HostIndex {
    holders: BTreeMap<Arc<str>, Vec<Slot>>,
    counts: HashMap<Slot, usize>,
}

impl HostIndex {
    /// Looks at the touched hosts of a cluster anew. Those that no zone serves are no longer touched.
    pub(super) fn update(&mut self, slot: Slot, member: &mut Member, settings: &Settings, touched: &mut Set<Arc<str>>) {
        touched.retain(|host| {
            let was = self.holders.contains_key(host);
            self.set(host, slot, settings.hosts.serves(host) && member.facts.hosts().contains(host));
            was || self.holders.contains_key(host)
        });
    }

    /// As [`HostIndex::update`] for every host, after other settings.
    pub(super) fn rebuild(&mut self, slot: Slot, member: &mut Member, settings: &Settings) {
        self.remove_slot(slot);
        for host in member.facts.hosts().hosts().filter(|host| settings.hosts.serves(host)) {
            self.set(host, slot, true);
        }
        self.measure(slot, member, settings.limits.hosts, &mut Set::default());
    }

    pub(super) fn remove_slot(&mut self, slot: Slot) {
        self.counts.remove(&slot);
        self.holders.retain(|_, slots| {
            slots.retain(|held| *held != slot);
            !slots.is_empty()
        });
    }

    fn set(&mut self, host: &Arc<str>, slot: Slot, holds: bool) {
        let count = self.counts.entry(slot).or_default();
        if holds {
            let slots = self.holders.entry(Arc::clone(host)).or_insert_with(|| Vec::with_capacity(1));
            if let Err(at) = slots.binary_search(&slot) {
                slots.insert(at, slot);
                *count += 1;
            }
            return;
        }
        let Some(slots) = self.holders.get_mut(host) else { return };
        if let Ok(at) = slots.binary_search(&slot) {
            slots.remove(at);
            *count -= 1;
        }
        if slots.is_empty() {
            self.holders.remove(host);
        }
    }

    /// Finds the limit of the cluster anew; hosts that came in or out of it are added to `touched`.
    pub(super) fn measure(&self, slot: Slot, member: &mut Member, limit: usize, touched: &mut Set<Arc<str>>) {
        let of_slot = || self.holders.iter().filter(|(_, slots)| slots.contains(&slot)).map(|(host, _)| host);
        let over = self.counts.get(&slot).is_some_and(|count| *count > limit);
        let cutoff = if over { of_slot().nth(limit).cloned() } else { None };
        if cutoff == member.host_cutoff {
            return;
        }
        let cut = |cutoff: &Option<Arc<str>>, host: &Arc<str>| cutoff.as_ref().is_some_and(|cutoff| host >= cutoff);
        touched.extend(of_slot().filter(|host| cut(&cutoff, host) != cut(&member.host_cutoff, host)).cloned());
        member.host_cutoff = cutoff;
    }
}

impl ClusterSet {
    /// Every host that a global zone serves and some cluster names, sorted.
    pub fn hosts(&self) -> impl Iterator<Item = &Arc<str>> {
        self.hosts.holders.keys()
    }

    /// The same from behind `after` on.
    pub fn hosts_after(&self, after: Option<&Arc<str>>) -> impl Iterator<Item = &Arc<str>> {
        let from = after.map_or(Bound::Unbounded, |host| Bound::Excluded(host.clone()));
        self.hosts.holders.range((from, Bound::Unbounded)).map(|(host, _)| host)
    }

    /// The clusters that name the host, whatever their state.
    pub fn host_holders(&self, host: &str) -> impl Iterator<Item = (Slot, &Member)> {
        let slots = self.hosts.holders.get(host).map_or(&[][..], Vec::as_slice);
        slots.iter().filter_map(|slot| Some((*slot, self.at(*slot)?)))
    }

    /// Hosts whose addresses take their cluster from ranges: those that a DNSEndpoint names.
    pub(super) fn hosts_with_records(&self) -> impl Iterator<Item = &Arc<str>> {
        let any = self.members().any(|(_, member)| member.facts.count(Kind::DnsEndpoint) > 0);
        let hosts = any.then(|| self.hosts.holders.keys()).into_iter().flatten();
        hosts.filter(|host| self.host_holders(host).any(|(_, m)| m.facts.hosts().endpoints(host).next().is_some()))
    }

    /// True while a cluster that could name a host is unknown and its grace runs (DNS.md section 4). No mode excludes
    /// one: modes are about services.
    pub fn awaits_hosts(&self) -> bool {
        self.members().any(|(_, member)| !member.state.is_known() && !member.grace_over)
    }
}
