//! What every finding names: the cluster and the place that an object was read from.

use super::locate::Document;
use crate::model::fact::{Kind, Origin};
use crate::model::finding::{Finding, Place};
use crate::model::id::ClusterId;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Texts kept for sharing at most; later ones are not shared.
const MAX_INTERNED: usize = 65_536;

/// Shares equal texts (zones, nodes, port names), so that each is stored once.
#[derive(Debug, Default)]
pub struct Interner(Mutex<HashSet<Arc<str>, foldhash::fast::RandomState>>);

impl Interner {
    /// The shared copy of `text`.
    pub fn share(&self, text: &str) -> Arc<str> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = known.get(text) {
            return shared.clone();
        }
        let shared: Arc<str> = text.into();
        if known.len() < MAX_INTERNED {
            known.insert(shared.clone());
        }
        shared
    }
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
            object: object.into(),
            place: self.place(field),
            message: if field.path.is_empty() { message } else { format!("{}: {message}", field.path) },
        }
    }

    fn place(&self, field: &FieldPath<'_>) -> Option<Place> {
        let Source::File { path, line, document } = &self.source else { return None };
        let place = |line, column| Some(Place { path: path.clone(), line, column });
        match document.and_then(|document| document.locate(field.item, field.path)) {
            Some((inner, column)) => place(line + inner - 1, column),
            None => place(*line, 0),
        }
    }
}

/// A field: its path below the object, and the object's index when it is an item of a list.
#[derive(Debug, Clone, Copy, Default)]
pub struct FieldPath<'a> {
    pub item: Option<usize>,
    pub path: &'a str,
}
