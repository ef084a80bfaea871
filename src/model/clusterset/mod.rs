//! All clusters: who they are, how fresh, what each says, and which of them hold a service.
//!
//! In: registry entries, settings, states and [`Observation`]s. Out: what each [`Touched`], and the facts for
//! `merge` and `select`. One writer (publish); readers borrow it.

mod hosts;
mod index;
mod leaving;
mod member;
mod names;
mod owners;
mod ranges;
mod restore;
mod rows;
mod settings;
#[cfg(test)]
mod tests;

pub use member::Member;
pub use names::NamedBy;
pub use rows::RowsPage;
pub use settings::{ClusterLimits, Settings};

use super::cluster::{Cluster, Mode, State};
use super::facts::{Judge, Leftover, Listing, Touched};
use super::hashed::Map;
use super::id::{ClusterId, ServiceKey};
use super::observation::Observation;
use super::probe::Evidence;
use super::view::View;
use hosts::HostIndex;
use index::Index;
use owners::AddressOwners;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Number of a cluster for as long as it is in the set; small, and reused after a removal.
pub type Slot = u16;

/// The clusterset.
#[derive(Debug, Default)]
pub struct ClusterSet {
    members: Vec<Option<Member>>,
    slots: Map<ClusterId, Slot>,
    index: Index,
    hosts: HostIndex,
    owners: AddressOwners,
    /// Clusters that were removed: their numbers stand in the index until all their facts are given up.
    leaving: Vec<(Slot, Leftover)>,
    settings: Settings,
}

impl ClusterSet {
    /// An empty set.
    pub fn new(settings: Settings) -> Self {
        ClusterSet { settings, ..ClusterSet::default() }
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Puts other settings in force.
    pub fn set_settings(&mut self, settings: Settings) -> Touched {
        if self.settings == settings {
            return Touched::default();
        }
        self.settings = settings;
        for (slot, member) in (0..).zip(&mut self.members) {
            let Some(member) = member else { continue };
            member.measure(&self.settings.limits, &mut Default::default());
            self.hosts.rebuild(slot, member, &self.settings);
        }
        Touched::everything()
    }

    /// Puts other evidence of health checks in place of that of before, which it returns; who has which targets is known
    /// where they are kept.
    pub fn set_probed(&mut self, probed: Evidence) -> Evidence {
        std::mem::replace(&mut self.settings.probed, probed)
    }

    /// Adds a cluster, or changes the entry of one that is there; its facts and its state stay.
    /// Observations of a smaller generation are ignored from now on.
    pub fn put_cluster(&mut self, cluster: Cluster, generation: u64) -> Touched {
        if let Some(slot) = self.slot(&cluster.id) {
            let Some(member) = &mut self.members[usize::from(slot)] else { return Touched::default() };
            member.generation = member.generation.max(generation);
            if member.cluster == cluster {
                return Touched::default();
            }
            member.cluster = cluster;
            return Touched::everything();
        }
        let is_free =
            |at: &usize| self.members[*at].is_none() && self.leaving.iter().all(|(of, _)| usize::from(*of) != *at);
        let free = (0..self.members.len()).find(is_free).unwrap_or(self.members.len());
        let slot = Slot::try_from(free).expect("fewer than 65,536 clusters");
        if free == self.members.len() {
            self.members.push(None);
        }
        self.slots.insert(cluster.id.clone(), slot);
        self.members[free] = Some(Member::new(cluster, generation));
        Touched::everything()
    }

    /// Sets the freshness of a cluster. Touches only what its rows are part of, and nothing where the order of answers
    /// stays; everything when a cluster that a view stands in becomes known.
    pub fn set_state(&mut self, id: &ClusterId, state: State) -> Touched {
        let Some(slot) = self.slot(id) else { return Touched::default() };
        let Some(member) = &mut self.members[usize::from(slot)] else { return Touched::default() };
        let before = std::mem::replace(&mut member.state, state);
        match () {
            () if before.is_known() != state.is_known() => self.with_all_of(slot),
            () if before == state || !before.is_stale() && !state.is_stale() => Touched::default(),
            () => Touched { rows_of: [id.clone()].into(), ..Touched::default() },
        }
    }

    /// Says whether the time to wait for a cluster's first sync has run out.
    pub fn set_grace_over(&mut self, id: &ClusterId, over: bool) -> Touched {
        self.change(id, |member| std::mem::replace(&mut member.grace_over, over) != over)
    }

    fn change(&mut self, id: &ClusterId, change: impl FnOnce(&mut Member) -> bool) -> Touched {
        let member = self.slots.get(id).and_then(|slot| self.members[usize::from(*slot)].as_mut());
        Touched { everything: member.is_some_and(change), ..Touched::default() }
    }

    /// Takes an observation in, whole. One of an unknown cluster or of an older generation touches nothing.
    ///
    /// Only services that make a name somewhere (an export or an import exists, or existed until now) are touched.
    pub fn observe(&mut self, observation: Observation) -> Touched {
        let Some((slot, member)) = self.listened_to(&observation) else { return Touched::default() };
        let touched = member.facts.observe(observation.change);
        self.follow(slot, touched, true)
    }

    /// The list that the observation is, taken out of it, to be taken in part by part; `None` if it is none, or if its cluster is
    /// not listened to.
    pub fn listing(&mut self, observation: &mut Observation) -> Option<Listing> {
        let (_, member) = self.listened_to(observation)?;
        member.facts.listing(&mut observation.change)
    }

    /// Takes the next `count` objects of a list in; `judge` as in [`ClusterFacts::advance`](super::facts::ClusterFacts::advance).
    pub fn advance(&mut self, id: &ClusterId, listing: &mut Listing, count: usize, judge: &mut impl Judge) -> Touched {
        let Some(slot) = self.slot(id) else { return Touched::default() };
        let Some(member) = &mut self.members[usize::from(slot)] else { return Touched::default() };
        let touched = member.facts.advance(listing, count, judge);
        self.follow(slot, touched, listing.is_done())
    }

    /// The cluster of an observation, unless a newer watcher set speaks for it.
    fn listened_to(&mut self, observation: &Observation) -> Option<(Slot, &mut Member)> {
        let slot = *self.slots.get(&observation.cluster)?;
        let member = self.members[usize::from(slot)].as_mut().filter(|m| observation.generation >= m.generation)?;
        member.generation = observation.generation;
        Some((slot, member))
    }

    /// Brings everything that is kept beside the facts in step with them, after what a cluster said. Limits are looked at when
    /// that is `whole`: in the middle of a list, what comes and what goes counts together.
    fn follow(&mut self, slot: Slot, mut touched: Touched, whole: bool) -> Touched {
        let Some(member) = &mut self.members[usize::from(slot)] else { return touched };
        touched.name(&member.cluster.id);
        touched.everything |= member.ends_restored();
        if whole {
            member.measure(&self.settings.limits, &mut touched.services);
        }
        touched.hosts.extend(member.facts.hosts().leading_to(&touched.services));
        self.hosts.update(slot, member, &self.settings, &mut touched.hosts);
        if whole {
            self.hosts.measure(slot, member, self.settings.limits.hosts, &mut touched.hosts);
        }
        touched.hosts.extend(self.follow_addresses(slot, &touched.services));
        let Some(member) = &self.members[usize::from(slot)] else { return touched };
        let (index, facts) = (&mut self.index, &member.facts);
        let holds = |key: &ServiceKey| facts.service(key).is_some_and(|held| held.makes_name());
        touched.services.retain(|key| index.set(key, slot, holds(key)));
        if touched.ranges {
            touched.everything |= self.networks_differ();
            touched.hosts.extend(self.hosts_with_records().cloned());
        }
        touched
    }

    /// The number of a cluster.
    pub fn slot(&self, id: &ClusterId) -> Option<Slot> {
        self.slots.get(id).copied()
    }

    /// The cluster of that number.
    pub fn at(&self, slot: Slot) -> Option<&Member> {
        self.members.get(usize::from(slot))?.as_ref()
    }

    /// The cluster of that id.
    pub fn get(&self, id: &ClusterId) -> Option<&Member> {
        self.at(self.slot(id)?)
    }

    /// The cluster that objects call `id`: by its own id, else by an alias.
    pub fn called(&self, id: &ClusterId) -> Option<(Slot, &Member)> {
        if let Some(slot) = self.slot(id) {
            return Some((slot, self.at(slot)?));
        }
        self.members().find(|(_, member)| member.cluster.aliases.contains(id))
    }

    /// Every cluster with its number.
    pub fn members(&self) -> impl Iterator<Item = (Slot, &Member)> {
        self.members.iter().enumerate().filter_map(|(slot, member)| Some((slot as Slot, member.as_ref()?)))
    }

    /// How many clusters there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// True when no cluster is configured.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// True when this process has read the facts of the cluster whole: it may leave the state Unknown.
    pub fn is_synced(&self, id: &ClusterId) -> bool {
        self.get(id).is_some_and(|member| !member.is_restored() && member.facts.is_synced(member.cluster.mode))
    }

    /// The clusters that hold an export or an import of the service, whatever their state.
    pub fn holders(&self, key: &ServiceKey) -> impl Iterator<Item = (Slot, &Member)> {
        self.index.holders(key).iter().filter_map(|slot| Some((*slot, self.at(*slot)?)))
    }

    /// True when the service has an export or an import in a cluster that is configured, or in one that is being given up.
    pub fn names(&self, key: &ServiceKey) -> bool {
        self.index.contains(key)
    }

    /// Every service that has an export or an import anywhere, sorted.
    pub fn services(&self) -> impl Iterator<Item = &ServiceKey> {
        self.index.keys()
    }

    /// The same from behind `after` on.
    pub fn services_after(&self, after: Option<&ServiceKey>) -> impl Iterator<Item = &ServiceKey> {
        self.index.keys_after(after)
    }

    /// Every namespace that a known cluster knows, sorted.
    pub fn namespaces(&self) -> BTreeSet<Arc<str>> {
        let known = self.members().filter(|(_, member)| member.state.is_known());
        known.flat_map(|(_, member)| member.facts.presence().iter().cloned()).collect()
    }

    /// True while a cluster that could own a name in this view is unknown and its grace runs: what is not found is
    /// then not absent (DNS.md section 4).
    pub fn awaits(&self, view: &View) -> bool {
        let waiting = |member: &Member| !member.state.is_known() && !member.grace_over;
        match view.cluster.as_ref().and_then(|id| self.get(id)) {
            Some(own) if own.cluster.mode == Mode::Import => waiting(own),
            _ => self.members().any(|(_, member)| waiting(member)),
        }
    }

    /// True when two clusters or views name different networks: only then are addresses withheld by pod ranges.
    fn networks_differ(&self) -> bool {
        let clusters = self.members().filter_map(|(_, member)| member.cluster.locality.network.as_ref());
        let views = self.settings.views.iter().filter_map(|view| view.locality.network.as_ref());
        let mut networks = clusters.chain(views);
        networks.next().is_some_and(|first| networks.any(|other| other != first))
    }
}
