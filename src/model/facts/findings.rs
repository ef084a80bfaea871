//! Findings of one cluster, kept per object so that a repaired object takes its findings along.

use crate::model::fact::{Kind, ObjectKey};
use crate::model::finding::Finding;
use crate::model::hashed::Map;
use std::collections::BTreeMap;

/// Rejections of objects without a readable name that are kept per kind.
const NAMELESS_MAX: usize = 100;

/// All current findings of one cluster.
#[derive(Debug, Default)]
pub struct FindingStore {
    objects: Map<(Kind, ObjectKey), Vec<Finding>>,
    documents: Vec<Finding>,
}

impl FindingStore {
    /// Findings of one object replace its earlier ones.
    pub fn set(&mut self, kind: Kind, key: ObjectKey, findings: Vec<Finding>) {
        if findings.is_empty() {
            self.objects.remove(&(kind, key));
        } else {
            self.objects.insert((kind, key), findings);
        }
    }

    /// An object that could not be read: replaces the findings of its last good version. One without a readable
    /// name is filed under what its finding calls it.
    pub fn reject(&mut self, kind: Kind, key: Option<ObjectKey>, finding: Finding) {
        let Some(key) = key else {
            let filed = self.objects.entry((kind, key_of(&finding))).or_default();
            if !filed.contains(&finding) && filed.len() < NAMELESS_MAX {
                filed.push(finding);
            }
            return;
        };
        self.objects.insert((kind, key), vec![finding]);
    }

    /// Findings of a complete list replace all earlier ones of the kind.
    pub fn replace_kind(&mut self, kind: Kind, findings: Vec<Finding>) {
        self.objects.retain(|(filed, _), _| *filed != kind);
        for finding in findings {
            self.objects.entry((kind, key_of(&finding))).or_default().push(finding);
        }
    }

    /// Findings about whole documents of a folder replace the earlier ones.
    pub fn replace_documents(&mut self, findings: Vec<Finding>) {
        self.documents = findings;
    }

    /// Every finding, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.objects.values().flatten().chain(&self.documents)
    }

    /// Findings of one object.
    pub fn of(&self, kind: Kind, key: &ObjectKey) -> &[Finding] {
        self.objects.get(&(kind, key.clone())).map_or(&[], Vec::as_slice)
    }

    /// How many findings each code has.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for finding in self.iter() {
            *counts.entry(finding.code).or_default() += 1;
        }
        counts
    }
}

/// The key of the object that a finding names.
pub(super) fn key_of(finding: &Finding) -> ObjectKey {
    let (namespace, name) = finding.object.split_once('/').unwrap_or(("", &finding.object));
    ObjectKey::new(namespace, name)
}
