//! What all objects of the registry come to: each id once, by rank, and a finding for everything that is left out. Pure.
//!
//! In: [`Told`]s, and the ids of the configuration, which come first. Out: clusters in order, findings.

use super::learned::{Allowed, Entry, Learned, Problem};
use super::{Collection, Sort, Told};
use crate::model::{ClusterId, Finding};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Everything that the collections have told.
pub struct Roster {
    home: ClusterId,
    collections: Vec<Collection>,
    /// By collection and object.
    objects: BTreeMap<(usize, Arc<str>), Vec<Entry>>,
    /// Objects that have not the shape of their kind.
    unreadable: BTreeSet<(usize, Arc<str>)>,
    /// Objects of the roster before, in collections that could not be listed since.
    inherited: BTreeSet<(usize, Arc<str>)>,
    listed: BTreeSet<usize>,
    failed: BTreeMap<usize, String>,
}

impl Roster {
    /// Of the collections of a home cluster; nothing is known of them yet.
    pub fn new(home: ClusterId, collections: Vec<Collection>) -> Self {
        let (objects, unreadable, inherited, listed, failed) = Default::default();
        Roster { home, collections, objects, unreadable, inherited, listed, failed }
    }

    /// Entries that are bad here and were good in the roster before this one go on as they were, and so do all of a
    /// collection that could not be listed yet: what cannot be read takes no cluster away.
    pub fn inherit(&mut self, before: &Roster) {
        for number in (0..self.collections.len()).filter(|number| !self.listed.contains(number)) {
            let same = |other: &Collection| other.holds_as(&self.collections[number]);
            let Some(its) = before.collections.iter().position(same) else { continue };
            for ((_, key), entries) in before.objects.iter().filter(|((of, _), _)| *of == its) {
                let at = (number, Arc::clone(key));
                if !self.objects.contains_key(&at) {
                    self.inherited.insert(at.clone());
                    self.objects.insert(at, entries.clone());
                }
            }
        }
        let known: HashMap<&Arc<str>, &Learned> =
            before.objects.values().flatten().filter_map(|e| Some((&e.origin, e.learned.as_ref()?))).collect();
        for entry in self.objects.values_mut().flatten().filter(|entry| entry.learned.is_none()) {
            entry.learned = known.get(&entry.origin).map(|learned| (*learned).clone());
        }
    }

    /// The cluster that holds the objects.
    pub fn home(&self) -> &ClusterId {
        &self.home
    }

    /// Takes one message in; a new reason why a collection cannot be read is returned, to be logged.
    pub fn take(&mut self, told: Told) -> Option<String> {
        match told {
            Told::Object { collection, object } => {
                let at = (collection, object.key);
                self.unreadable.remove(&at);
                self.inherited.remove(&at);
                let before = self.objects.remove(&at).unwrap_or_default();
                self.objects.insert(at, object.entries.into_iter().map(|entry| kept(entry, &before)).collect());
            }
            Told::Unreadable { collection, key } => {
                self.inherited.remove(&(collection, Arc::clone(&key)));
                self.unreadable.insert((collection, key));
            }
            Told::Gone { collection, key } => {
                let at = (collection, key);
                self.objects.remove(&at);
                self.unreadable.remove(&at);
                self.inherited.remove(&at);
            }
            Told::Listed { collection } => {
                self.listed.insert(collection);
                self.failed.remove(&collection);
                // What the list holds was told before.
                for at in self.inherited.extract_if(.., |at| at.0 == collection) {
                    self.objects.remove(&at);
                }
            }
            Told::Failed { collection, error } => {
                let is_new = !self.failed.contains_key(&collection);
                self.failed.insert(collection, error.clone());
                return is_new.then_some(error);
            }
        }
        None
    }

    /// True once every collection was listed whole.
    pub fn is_listed(&self) -> bool {
        self.listed.len() == self.collections.len()
    }

    /// True once some collection was listed whole.
    pub fn has_listed(&self) -> bool {
        !self.listed.is_empty()
    }

    /// True once every collection was listed whole, or its last try failed.
    pub fn is_decided(&self) -> bool {
        (0..self.collections.len()).all(|number| self.listed.contains(&number) || self.failed.contains_key(&number))
    }

    /// True when an object names this cluster that cannot be used, or one is there that cannot even be read. One that the
    /// configuration refuses does not count: its cluster is to go.
    pub fn may_name(&self, id: &ClusterId) -> bool {
        let named = || self.objects.values().flatten().filter(|entry| entry.learned.is_none() && entry.id == *id);
        let is_refused = |entry: &Entry| entry.problem.as_ref().is_some_and(|problem| problem.not_allowed);
        let unread = self.unreadable.iter().any(|at| !self.objects.contains_key(at));
        named().any(|entry| !is_refused(entry)) || unread && named().next().is_none()
    }

    /// True while ClusterProfiles cannot be read: what they said of health is no evidence any more.
    pub fn is_deaf_to_profiles(&self) -> bool {
        let is_profiles =
            |number: &usize| self.collections.get(*number).is_some_and(|of| of.kind() == "ClusterProfile");
        self.failed.keys().any(is_profiles)
    }

    /// One line per collection that was never listed, for `/ready`.
    pub fn missing(&self) -> Vec<String> {
        let missing = |(number, collection): (usize, &Collection)| {
            let why = self.failed.get(&number).map_or("no complete list yet", String::as_str);
            (!self.listed.contains(&number))
                .then(|| format!("registry: cluster {}: {collection}: not listed: {why}", self.home))
        };
        self.collections.iter().enumerate().filter_map(missing).collect()
    }

    /// Each cluster once: those of lower rank first, then by origin. An id of the configuration, or of an entry before, is
    /// left out with a finding, as is what cannot be read and what the configuration of now does not allow.
    pub fn clusters(&self, configured: &[ClusterId], allowed: &Allowed) -> (Vec<Learned>, Vec<Finding>) {
        // An object with two of the labels is in two collections: it counts once, by the lower rank.
        let mut entries: BTreeMap<&Arc<str>, &Entry> = BTreeMap::new();
        let counting = self.objects.iter().filter(|((number, _), _)| self.is_admitted(*number));
        for entry in counting.flat_map(|(_, entries)| entries) {
            let known = entries.entry(&entry.origin).or_insert(entry);
            if entry.rank < known.rank {
                *known = entry;
            }
        }
        let mut entries: Vec<&Entry> = entries.into_values().collect();
        entries.sort_by_key(|entry| entry.rank);
        let (mut clusters, mut findings) = (Vec::new(), Vec::new());
        let mut taken: HashMap<&ClusterId, String> =
            configured.iter().map(|id| (id, "`clusters` of the configuration".to_owned())).collect();
        for entry in entries {
            let refusal = entry.learned.as_ref().and_then(|learned| allowed.refusal(learned));
            let learned = entry.learned.as_ref().filter(|_| refusal.is_none());
            if let Some(problem) = entry.problem.as_ref().or(refusal.as_ref()) {
                findings.push(self.unusable(entry, problem, learned.is_some()));
            }
            let Some(learned) = learned else { continue };
            if let Some(holder) = taken.get(&entry.id) {
                findings.push(self.duplicate(entry, holder));
                continue;
            }
            taken.insert(&entry.id, entry.origin.to_string());
            clusters.push(learned.clone());
        }
        findings.extend((0..self.collections.len()).filter_map(|number| self.not_admitted(number)));
        findings.extend(self.unreadable.iter().filter_map(|at| self.shapeless(at)));
        findings.extend(self.failed.iter().filter_map(|(number, error)| self.unreadable(*number, error)));
        (clusters, findings)
    }

    /// False for ClusterProfiles of a Namespace that has to have a label and has not, as far as is known.
    fn is_admitted(&self, number: usize) -> bool {
        self.gate(number).is_none_or(|gate| self.objects.keys().any(|(of, _)| *of == gate))
    }

    /// The collection that has to hold the Namespace of this one.
    fn gate(&self, number: usize) -> Option<usize> {
        let own = self.collections.get(number).filter(|own| matches!(own.sort, Sort::Profiles(_)))?;
        let is_gate = |of: &Collection| matches!(of.sort, Sort::Namespace { .. }) && of.namespace == own.namespace;
        self.collections.iter().position(is_gate)
    }

    fn not_admitted(&self, number: usize) -> Option<Finding> {
        let gate = self.gate(number).filter(|gate| !self.is_admitted(number) && self.listed.contains(gate))?;
        let message = format!(
            "there is none (registry.clusterProfiles.clusterSet): no {} in it is read; label the Namespace, or take the \
             setting out",
            self.collections[number].kind()
        );
        Some(self.of_collection("not-in-clusterset", gate, message))
    }

    fn unusable(&self, entry: &Entry, problem: &Problem, is_read: bool) -> Finding {
        let meanwhile = match is_read {
            true => "its cluster goes on being read by the version before",
            false => "its cluster is not read",
        };
        self.finding(&entry.origin, problem.code, format!("{}; {meanwhile}", problem.reason))
    }

    fn shapeless(&self, at: &(usize, Arc<str>)) -> Option<Finding> {
        let collection = self.collections.get(at.0)?;
        let meanwhile = match self.objects.contains_key(at) {
            true => "its clusters go on being read by the version before",
            false => "nothing is read of it",
        };
        let message = format!("it has not the shape of its kind; {meanwhile}; write it anew");
        Some(self.finding(&format!("{} {}", collection.kind(), at.1), "bad-object", message))
    }

    fn duplicate(&self, entry: &Entry, holder: &str) -> Finding {
        let id = &entry.id;
        let message = format!(
            "the id {id} comes from {holder} already, which counts; this one is not read; remove it or \
                               give it another id"
        );
        self.finding(&entry.origin, "duplicate-cluster-id", message)
    }

    fn unreadable(&self, number: usize, error: &str) -> Option<Finding> {
        self.collections.get(number)?;
        Some(self.of_collection("registry-unreadable", number, error.to_owned()))
    }

    fn of_collection(&self, code: &'static str, number: usize, message: String) -> Finding {
        Finding {
            code,
            cluster: self.home.as_str().into(),
            kind: "".into(),
            object: self.collections[number].to_string().into(),
            place: None,
            message,
        }
    }

    /// About an origin, `KIND NAMESPACE/NAME, key KEY`.
    pub fn finding(&self, origin: &str, code: &'static str, message: String) -> Finding {
        let (kind, object) = origin.split_once(' ').unwrap_or(("", origin));
        Finding {
            code,
            cluster: self.home.as_str().into(),
            kind: kind.into(),
            object: object.into(),
            place: None,
            message,
        }
    }
}

/// An entry that turned bad goes on with what it had (SOURCES.md section 6).
fn kept(mut entry: Entry, before: &[Entry]) -> Entry {
    if entry.learned.is_none() {
        let same = before.iter().find(|known| known.origin == entry.origin);
        entry.learned = same.and_then(|known| known.learned.clone());
    }
    entry
}

#[cfg(test)]
mod tests;
