//! Clusters whose facts come from a snapshot until they are in sync (RESILIENCE.md section 6).

use super::ClusterSet;
use super::member::Member;
use crate::model::cluster::State;
use crate::model::fact::Fact;
use crate::model::facts::Touched;
use crate::model::id::ClusterId;
use std::time::Duration;

impl ClusterSet {
    /// Gives a cluster of which nothing is known the facts of a snapshot. It is Suspect and marked as restored until
    /// its required kinds have been listed; each list then replaces its kind whole. `age`: since its last contact.
    pub fn restore(&mut self, id: &ClusterId, facts: Vec<Fact>, age: Duration) -> Touched {
        let Some(&slot) = self.slots.get(id) else { return Touched::default() };
        let Some(member) = &mut self.members[usize::from(slot)] else { return Touched::default() };
        if member.state != State::Unknown {
            return Touched::default();
        }
        let mut touched = member.facts.restore(facts, member.cluster.mode);
        member.measure(&self.settings.limits, &mut touched.services);
        member.state = State::Suspect;
        member.restored = Some(age);
        self.file_anew(id);
        touched.everything = true;
        touched
    }

    /// Writes down anew what is kept beside the facts of a cluster: who holds which service and host, and at which addresses.
    /// After a restart, and where a panic may have come between the facts and that.
    pub fn file_anew(&mut self, id: &ClusterId) {
        let Some(&slot) = self.slots.get(id) else { return };
        let Some(member) = &mut self.members[usize::from(slot)] else { return };
        for (key, _) in member.facts.services().filter(|(_, held)| held.makes_name()) {
            self.index.set(key, slot, true);
        }
        self.hosts.rebuild(slot, member, &self.settings);
        let keys = member.facts.services().map(|(key, _)| key.clone()).collect();
        self.follow_addresses(slot, &keys);
    }
}

impl Member {
    /// Takes the mark off once every required kind has been listed; true when that was now.
    pub(super) fn ends_restored(&mut self) -> bool {
        self.restored.is_some() && !self.facts.rests_on_snapshot(self.cluster.mode) && self.restored.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fact::{Fact, Kind};
    use crate::model::fixture::*;
    use crate::model::id::ServiceKey;
    use crate::model::observation::Change;
    use crate::model::view::View;

    const WEB: &str = "shop/web";

    fn replace(world: &mut World, kind: Kind, facts: Vec<Fact>) {
        world.observe("east", Change::Replace { kind, facts, findings: Vec::new() });
    }

    /// A cluster with one exported service, from a snapshot.
    fn restored() -> World {
        let mut world = World { set: ClusterSet::default() };
        world.add_unknown("east");
        let facts = exported(WEB, "10.0.0.1", "10.1.0.1").into_iter().collect();
        assert!(world.set.restore(&ClusterId::new("east"), facts, Duration::from_secs(7)).everything);
        world
    }

    fn mark(world: &World) -> Option<Duration> {
        world.set.get(&ClusterId::new("east")).unwrap().restored()
    }

    #[test]
    fn a_restored_cluster_answers_with_a_mark_until_it_is_in_sync() {
        let mut world = restored();
        let member = world.set.get(&ClusterId::new("east")).unwrap();
        assert_eq!((member.state(), mark(&world)), (State::Suspect, Some(Duration::from_secs(7))));
        assert!(!world.set.is_synced(&ClusterId::new("east")) && !world.set.awaits(&View::default()));
        let crate::model::Selection::Present(answer) = world.select(WEB, &View::default()) else { panic!("absent") };
        assert!(answer.targets.iter().all(|target| target.restored && !target.stale) && !answer.targets.is_empty());

        for kind in Kind::ALL {
            let required = crate::model::facts::is_required(kind, crate::model::Mode::Both);
            assert!(!required || mark(&world).is_some(), "{kind:?}");
            let facts = exported(WEB, "10.0.0.1", "10.1.0.1").into_iter().filter(|fact| fact.kind() == kind);
            replace(&mut world, kind, facts.collect());
        }
        assert_eq!(mark(&world), None);
        assert!(world.set.is_synced(&ClusterId::new("east")));
        let crate::model::Selection::Present(answer) = world.select(WEB, &View::default()) else { panic!("absent") };
        assert!(answer.targets.iter().all(|target| !target.restored));
    }

    #[test]
    fn the_first_list_of_a_kind_replaces_it_whole() {
        let mut world = restored();
        replace(&mut world, Kind::ServiceExport, Vec::new());
        assert_eq!(world.seen(WEB, &View::default()), "absent");
        assert!(mark(&world).is_some());
    }

    #[test]
    fn an_export_half_taken_in_at_a_panic_never_came_back_by_its_list() {
        let mut world = World::new(&["east"]);
        let (east, list) = (ClusterId::new("east"), || exported(WEB, "10.0.0.1", "10.1.0.1").into_iter());
        world.has("east", list().filter(|fact| fact.kind() != Kind::ServiceExport));
        let slot = usize::from(world.set.slot(&east).unwrap());
        let exports = || list().filter(|fact| fact.kind() == Kind::ServiceExport).collect::<Vec<_>>();
        let half = Change::Replace { kind: Kind::ServiceExport, facts: exports(), findings: Vec::new() };
        world.set.members[slot].as_mut().unwrap().facts.observe(half);
        replace(&mut world, Kind::ServiceExport, exports());
        assert!(!world.set.names(&ServiceKey::new("shop", "web")), "the list has nothing new to say");
        world.set.file_anew(&east);
        assert!(world.set.names(&ServiceKey::new("shop", "web")));
        assert_ne!(world.seen(WEB, &View::default()), "absent");
    }

    #[test]
    fn a_cluster_that_is_known_keeps_what_it_said() {
        let mut world = World::new(&["east"]);
        assert!(world.set.restore(&ClusterId::new("east"), Vec::new(), Duration::ZERO).is_empty());
        assert!(world.set.restore(&ClusterId::new("gone"), Vec::new(), Duration::ZERO).is_empty());
        assert_eq!(mark(&world), None);
    }
}
