//! What every finding names: the cluster and the place that an object was read from.

use super::locate::Document;
use crate::model::Rare;
use crate::model::fact::{Kind, Origin, Port, Standing, Traffic};
use crate::model::finding::{Finding, Place};
use crate::model::id::{ClusterId, ServiceKey};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Characters of an object's name in a finding: namespace and name at their longest.
const OBJECT: usize = 320;

/// Values of a sort that are kept for sharing; when there are more, sharing starts over.
const MAX_INTERNED: usize = 65_536;

type Known<T> = HashSet<T, foldhash::fast::RandomState>;

/// Shares equal values (zones, nodes, ports, keys) while objects are decoded, so that each is stored once.
///
/// Facts share them again where they are kept (`model::facts`). That alone would be too late: whole lists are decoded
/// before the first of their facts is kept, and the room of what falls away then, scattered among what stays, is lost.
#[derive(Debug, Default)]
pub struct Interner(Mutex<Shared>);

#[derive(Debug, Default)]
struct Shared {
    texts: Known<Arc<str>>,
    /// Of Services, exports, imports, and of what slices belong to: up to four objects with one key.
    keys: Known<ServiceKey>,
    ports: Known<Arc<Vec<Port>>>,
    traffic: Known<Arc<Traffic>>,
    places: Known<Arc<Standing>>,
    /// For the text of a key that is looked up.
    scratch: String,
    /// How many lists share.
    lists: usize,
}

impl Interner {
    /// The shared copy of `text`.
    pub fn share(&self, text: &str) -> Arc<str> {
        let mut shared = self.lock();
        if let Some(known) = shared.texts.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        room(&mut shared.texts).insert(new.clone());
        new
    }

    /// The shared key of a service.
    pub fn key(&self, namespace: &str, name: &str) -> ServiceKey {
        let Shared { keys, scratch, .. } = &mut *self.lock();
        scratch.clear();
        scratch.extend([namespace, "/", name]);
        if let Some(known) = keys.get(scratch.as_str()) {
            return known.clone();
        }
        let new = ServiceKey::from(scratch.as_str());
        room(keys).insert(new.clone());
        new
    }

    /// The shared copy of a list of ports.
    pub fn ports(&self, ports: Vec<Port>) -> Rare<Vec<Port>> {
        let mut ports = Rare::from(ports);
        ports.share(room(&mut self.lock().ports));
        ports
    }

    /// The shared copy of the traffic fields.
    pub fn traffic(&self, traffic: Traffic) -> Rare<Traffic> {
        let mut traffic = Rare::from(traffic);
        traffic.share(room(&mut self.lock().traffic));
        traffic
    }

    /// The shared copy of where an endpoint runs.
    pub fn place(&self, place: Standing) -> Rare<Standing> {
        let mut place = Rare::from(place);
        place.share(room(&mut self.lock().places));
        place
    }

    /// Forgets what was shared: whoever holds a value keeps it. For the end of a list.
    pub fn clear(&self) {
        let shared = &mut *self.lock();
        *shared = Shared { lists: shared.lists, ..Shared::default() };
    }

    /// Keeps what is shared while lists of one cluster are decoded side by side: it is forgotten with the last of them.
    pub fn lasting(&self) -> Lasting<'_> {
        self.lock().lists += 1;
        Lasting(self)
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A list that is being decoded.
#[derive(Debug)]
pub struct Lasting<'a>(&'a Interner);

impl Drop for Lasting<'_> {
    fn drop(&mut self) {
        let mut shared = self.0.lock();
        shared.lists -= 1;
        if shared.lists == 0 {
            *shared = Shared::default();
        }
    }
}

/// Room for one more value.
fn room<T>(known: &mut Known<T>) -> &mut Known<T> {
    if known.len() >= MAX_INTERNED {
        known.clear();
    }
    known
}

/// Where bytes come from.
#[derive(Debug, Clone)]
pub enum Source<'a> {
    /// An API server.
    Api,
    /// A file; the document starts at `line`, from 1.
    File { path: Arc<str>, line: u32, document: Option<&'a Document<'a>> },
}

/// The cluster, the place and the shared texts of what is being decoded.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// The cluster that is read.
    pub cluster: ClusterId,
    pub source: Source<'a>,
    pub interner: Arc<Interner>,
    /// Ids of the registry and their aliases; finds the source cluster in a Karmada slice name. May be empty.
    pub known_clusters: Arc<[ClusterId]>,
    label: Arc<str>,
}

impl Context<'static> {
    /// The context of an API server.
    pub fn api(cluster: ClusterId) -> Self {
        let label = cluster.as_str().into();
        let interner = Arc::new(Interner::default());
        Context { cluster, source: Source::Api, interner, known_clusters: Arc::new([]), label }
    }
}

impl<'a> Context<'a> {
    /// The same for a document that starts at `line` of a file.
    pub fn in_file<'b>(&self, path: &Arc<str>, line: u32, document: Option<&'b Document<'b>>) -> Context<'b> {
        Context {
            cluster: self.cluster.clone(),
            source: Source::File { path: path.clone(), line, document },
            interner: self.interner.clone(),
            known_clusters: self.known_clusters.clone(),
            label: self.label.clone(),
        }
    }

    /// What is decoded is read from its start.
    pub(super) fn start_over(&self) {
        if let Source::File { document: Some(document), .. } = &self.source {
            document.start_over();
        }
    }

    /// Provenance of an object with this `resourceVersion`.
    pub fn origin(&self, resource_version: u64) -> Origin {
        match &self.source {
            Source::Api => Origin::Api { resource_version },
            Source::File { path, line, .. } => Origin::File { path: path.clone(), line: *line },
        }
    }

    /// A finding about an object, at the line of `field` where that can be found.
    pub fn finding(
        &self,
        code: &'static str,
        kind: Option<Kind>,
        object: &str,
        field: &FieldPath<'_>,
        message: String,
    ) -> Finding {
        Finding {
            code,
            cluster: self.label.clone(),
            kind: kind.map_or_else(|| "".into(), |kind| self.interner.share(kind.as_str())),
            object: one_line(object, OBJECT),
            place: self.place(field),
            message: if field.path.is_empty() { message } else { format!("{}: {message}", field.path) },
        }
    }

    fn place(&self, field: &FieldPath<'_>) -> Option<Place> {
        let Source::File { path, line, document } = &self.source else { return None };
        let place = |line, column| Some(Place { path: path.clone(), line, column });
        match document.and_then(|document| document.locate(field.item, field.path)) {
            Some((inner, column)) => place(self.line(inner), column),
            None => place(*line, 0),
        }
    }

    /// The line of the file at a line of the document, from 1.
    pub(super) fn line(&self, inner: u32) -> u32 {
        let Source::File { line, .. } = &self.source else { return inner };
        line + inner.saturating_sub(1)
    }
}

/// What an object is called, in one line and not for ever: a name that is none may hold anything.
fn one_line(text: &str, most: usize) -> Arc<str> {
    if text.len() <= most && !text.contains(char::is_control) {
        return text.into();
    }
    text.chars().take(most).flat_map(char::escape_debug).collect::<String>().into()
}

/// A field: its path below the object, and the object's index when it is an item of a list.
#[derive(Debug, Clone, Copy, Default)]
pub struct FieldPath<'a> {
    pub item: Option<usize>,
    pub path: &'a str,
}
