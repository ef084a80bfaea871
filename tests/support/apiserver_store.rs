//! The objects of a scripted API server: resourceVersions, events, compaction.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::sync::watch;

/// A resource: group, kind and plural.
const RESOURCES: [(&str, &str, &str); 9] = [
    ("", "Namespace", "namespaces"),
    ("", "Node", "nodes"),
    ("", "Service", "services"),
    ("", "Secret", "secrets"),
    ("discovery.k8s.io", "EndpointSlice", "endpointslices"),
    ("multicluster.x-k8s.io", "ServiceExport", "serviceexports"),
    ("multicluster.x-k8s.io", "ServiceImport", "serviceimports"),
    ("multicluster.x-k8s.io", "ClusterProfile", "clusterprofiles"),
    // Its CRD is there once there is one.
    (SUBMARINER, "Gateway", "gateways"),
];

/// The group of the kinds that may be missing.
const MCS: &str = "multicluster.x-k8s.io";

const SUBMARINER: &str = "submariner.io";

/// Lists kept for their further pages.
const PAGED: usize = 8;

/// An event that a watch repeats.
struct Event {
    version: u64,
    plural: &'static str,
    /// What it says, and of which object.
    line: String,
    object: Value,
    /// What it was before.
    before: Option<Value>,
}

/// What a request asks for: a kind, perhaps of one namespace, with labels and one name.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub plural: String,
    pub namespace: Option<String>,
    pub labels: Vec<(String, String)>,
    pub name: Option<String>,
}

impl Scope {
    /// Of a path and the selectors of its query.
    pub fn new(plural: &str, path: &str, query: &std::collections::HashMap<String, String>) -> Self {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let namespace = parts.windows(3).find(|part| part[0] == "namespaces" && part[2] == plural).map(|part| part[1]);
        let pairs = |key: &str| {
            let pairs =
                query.get(key).into_iter().flat_map(|text| text.split(',')).filter_map(|pair| pair.split_once('='));
            pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect::<Vec<_>>()
        };
        let name = pairs("fieldSelector").into_iter().find(|(field, _)| field == "metadata.name").map(|(_, name)| name);
        let namespace = namespace.map(str::to_owned);
        Scope { plural: plural.to_owned(), namespace, labels: pairs("labelSelector"), name }
    }

    fn holds(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        let is = |field: &str, wanted: &Option<String>| wanted.as_ref().is_none_or(|text| metadata[field] == *text);
        let labelled = |(key, value): &(String, String)| metadata["labels"][key] == *value;
        is("namespace", &self.namespace) && is("name", &self.name) && self.labels.iter().all(labelled)
    }
}

/// The store.
pub struct Store {
    version: u64,
    /// Events up to this version are forgotten.
    compacted: u64,
    objects: BTreeMap<(&'static str, String, String), Value>,
    events: Vec<Event>,
    /// Lists that are read page by page, as they were at a version.
    paged: BTreeMap<(u64, String), Vec<Value>>,
    /// Versions at which the MCS kinds are served.
    pub mcs: Vec<&'static str>,
    /// The bearer token that is accepted.
    pub token: String,
    /// Changes whenever something happened; the number of times watches were told to end.
    changed: watch::Sender<u64>,
}

impl Store {
    pub fn new(token: &str) -> Self {
        Store {
            version: 100,
            compacted: 100,
            objects: BTreeMap::new(),
            events: Vec::new(),
            paged: BTreeMap::new(),
            mcs: vec!["v1beta1"],
            token: token.to_owned(),
            changed: watch::Sender::new(0),
        }
    }

    /// Told of every change; the value counts the ends of all watches.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub fn put(&mut self, mut object: Value) {
        let plural = plural(&object);
        let key = key(plural, &object);
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let event = if self.objects.contains_key(&key) { "MODIFIED" } else { "ADDED" };
        let before = self.objects.insert(key, object.clone());
        self.happened(plural, event, &object, before);
    }

    pub fn delete(&mut self, plural: &str, namespace: &str, name: &str) {
        let plural = known(plural).expect("a resource of the table");
        let key = (plural, namespace.to_owned(), name.to_owned());
        let mut object = self.objects.remove(&key).expect("the object exists");
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.happened(plural, "DELETED", &object, None);
    }

    pub fn compact(&mut self) {
        self.version += 1;
        self.compacted = self.version;
        self.events.clear();
    }

    pub fn restore(&mut self, version: u64, objects: Vec<Value>) {
        self.objects.clear();
        self.events.clear();
        self.paged.clear();
        self.version = version - objects.len() as u64;
        self.compacted = 0;
        objects.into_iter().for_each(|object| self.put(object));
        self.events.clear();
    }

    pub fn end_watches(&mut self) {
        self.changed.send_modify(|ends| *ends += 1);
    }

    fn happened(&mut self, plural: &'static str, event: &str, object: &Value, before: Option<Value>) {
        let line = format!("{}\n", json!({"type": event, "object": object}));
        self.events.push(Event { version: self.version, plural, line, object: object.clone(), before });
        self.changed.send_modify(|_| {});
    }

    /// A page: at most `limit` items (0 = all) from the version and position that `token` names. All pages of a list
    /// are of one moment, as those of a real API server are.
    pub fn page(&mut self, scope: &Scope, limit: usize, token: &str) -> Value {
        let place = token.split_once('-').and_then(|(version, at)| Some((version.parse().ok()?, at.parse().ok()?)));
        let (version, start) = place.unwrap_or((self.version, 0));
        let key = (version, format!("{scope:?}"));
        let all = self.paged.get(&key).cloned().unwrap_or_else(|| self.all(scope));
        let end = if limit > 0 { all.len().min(start + limit) } else { all.len() };
        let items = all[start.min(end)..end].to_vec();
        let more = if end < all.len() { format!("{version}-{end}") } else { String::new() };
        // Nobody goes on from a check of one item.
        if !more.is_empty() && limit > 1 {
            self.paged.insert(key, all);
            if self.paged.len() > PAGED {
                self.paged.pop_first();
            }
        }
        let metadata = json!({"resourceVersion": version.to_string(), "continue": more});
        json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items})
    }

    fn all(&self, scope: &Scope) -> Vec<Value> {
        let all = self.objects.iter().filter(|((of, ..), _)| *of == scope.plural).map(|(_, object)| object);
        all.filter(|object| scope.holds(object)).map(stripped).collect()
    }

    /// The lines after `version` with their end, or `None` when they are forgotten.
    pub fn since(&self, scope: &Scope, version: u64) -> Option<(String, u64)> {
        if version < self.compacted {
            return None;
        }
        // Versions grow along the list.
        let first = self.events.partition_point(|event| event.version <= version);
        let new = self.events[first..].iter().filter(|event| event.plural == scope.plural);
        let line = |event: &Event| {
            let leaves = event.before.as_ref().is_some_and(|before| scope.holds(before));
            match scope.holds(&event.object) {
                true => Some(event.line.clone()),
                // To a watch with a selector, what does not fit any more is deleted.
                false => leaves.then(|| format!("{}\n", json!({"type": "DELETED", "object": event.object}))),
            }
        };
        let lines = new.filter_map(line).collect();
        Some((lines, self.version.max(version)))
    }

    /// True for the paths that [`Store::discovery`] knows.
    pub fn is_discovery(path: &str) -> bool {
        path == "/apis" || path == "/version" || path.contains(MCS) || path.contains(SUBMARINER)
    }

    /// The discovery document at a path, `None` = 404.
    pub fn discovery(&self, path: &str) -> Option<Value> {
        if path == "/version" {
            return Some(json!({"major": "1", "minor": "34", "gitVersion": "v1.34.4"}));
        }
        if path == "/apis" {
            let versions = |group: &str, list: &[&str]| {
                let list: Vec<Value> =
                    list.iter().map(|v| json!({"version": v, "groupVersion": format!("{group}/{v}")})).collect();
                json!({"name": group, "versions": list})
            };
            let mut groups = vec![versions("discovery.k8s.io", &["v1"])];
            if !self.mcs.is_empty() {
                groups.push(versions(MCS, &self.mcs));
            }
            if self.objects.keys().any(|(plural, ..)| *plural == "gateways") {
                groups.push(versions(SUBMARINER, &["v1"]));
            }
            return Some(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}));
        }
        if path == "/apis/submariner.io/v1" {
            let resources = [json!({"name": "gateways", "namespaced": true})];
            return Some(json!({"kind": "APIResourceList", "apiVersion": "v1", "resources": resources}));
        }
        let version = path.strip_prefix("/apis/multicluster.x-k8s.io/")?;
        self.mcs.contains(&version).then(|| {
            let resources = ["serviceexports", "serviceimports"].map(|name| json!({"name": name, "namespaced": true}));
            json!({"kind": "APIResourceList", "apiVersion": "v1", "resources": resources})
        })
    }

    /// The resource of a collection path that is served now.
    pub fn collection(&self, path: &str) -> Option<&'static str> {
        let mut parts = path.trim_start_matches('/').split('/');
        let (group, version) = match parts.next()? {
            "api" => ("", parts.next()?),
            "apis" => (parts.next()?, parts.next()?),
            _ => return None,
        };
        let served = if group == MCS { self.mcs.contains(&version) } else { version == "v1" };
        let rest: Vec<&str> = parts.collect();
        let plural = match rest[..] {
            [plural] | ["namespaces", _, plural] => plural,
            _ => return None,
        };
        let row = RESOURCES.iter().find(|(of, _, name)| *of == group && *name == plural)?;
        let profiles = plural == "clusterprofiles" && version == "v1alpha1";
        (served || profiles).then_some(row.2)
    }
}

/// The known name equal to this one, whatever is served.
pub fn known(plural: &str) -> Option<&'static str> {
    RESOURCES.iter().find(|row| row.2 == plural).map(|row| row.2)
}

fn plural(object: &Value) -> &'static str {
    let kind = object["kind"].as_str().expect("an object has a kind");
    RESOURCES.iter().find(|row| row.1 == kind).expect("a kind of the table").2
}

fn key(plural: &'static str, object: &Value) -> (&'static str, String, String) {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    (plural, text("namespace"), text("name"))
}

/// Items of a list name neither kind nor apiVersion.
fn stripped(object: &Value) -> Value {
    let mut item = object.clone();
    if let Some(fields) = item.as_object_mut() {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    item
}
