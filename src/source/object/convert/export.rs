//! ServiceExports.

use super::identity::Identity;
use super::own::own_policy;
use super::report::{Report, quote};
use crate::model::fact::{ExportFact, Exported, Fact};
use crate::source::object::raw::Raw;
use crate::source::object::time::parse_millis;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

type Texts<'de> = BTreeMap<Cow<'de, str>, Cow<'de, str>>;

/// A ServiceExport.
pub fn export(raw: &Raw<'_>, identity: &Identity<'_>, report: &mut Report<'_, '_>) -> Fact {
    let meta = raw.metadata.as_ref();
    let spec = raw.spec.as_ref();
    let stamp = meta.and_then(|meta| meta.creation_timestamp.as_deref());
    let created = stamp.and_then(parse_millis).map(|millis| millis.div_euclid(1_000));
    if let (Some(text), None) = (stamp, created) {
        let message = format!("{} is no time; the export ranks as the youngest in conflicts", quote(text));
        report.add("wrong-type", "metadata.creationTimestamp", message);
    }
    Fact::Export(Box::new(ExportFact {
        key: identity.key.clone(),
        created,
        deleting: meta.is_some_and(|meta| meta.deletion_timestamp.is_some()),
        exported: Exported {
            labels: spec.and_then(|spec| canonical(spec.exported_labels.as_ref(), report)),
            annotations: spec.and_then(|spec| canonical(spec.exported_annotations.as_ref(), report)),
        }
        .into(),
        own: own_policy(raw, report).into(),
        origin: report.context.origin(super::resource_version(raw)),
    }))
}

/// JSON with sorted keys, so that equal maps are equal texts.
fn canonical(map: Option<&Texts<'_>>, report: &Report<'_, '_>) -> Option<Arc<str>> {
    let json = serde_json::to_string(map?).ok()?;
    Some(report.share(&json))
}
