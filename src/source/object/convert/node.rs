//! Namespaces and Nodes.

use super::identity::Identity;
use super::report::{Report, quote};
use crate::model::Prefix;
use crate::model::fact::{Fact, NamespaceFact, NodeFact};
use crate::source::object::Context;
use crate::source::object::raw::{Labels, Raw, present};

/// A Namespace; `None` for one that Linkerd mirrors (SOURCES.md 1.4).
pub fn namespace(raw: &Raw<'_>, identity: &Identity<'_>, context: &Context<'_>) -> Option<Fact> {
    let meta = raw.metadata.as_ref();
    let mirrored = meta.and_then(|meta| meta.labels.as_ref()).and_then(|labels| labels.linkerd_mirrored.as_deref());
    let origin = context.origin(super::resource_version(raw));
    (mirrored != Some("true"))
        .then(|| Fact::Namespace(NamespaceFact { name: context.interner.share(&identity.name), origin }))
}

/// A Node: its region, zone and pod ranges.
pub fn node(raw: &Raw<'_>, identity: &Identity<'_>, report: &mut Report<'_, '_>) -> Fact {
    let none = Labels::default();
    let labels = raw.metadata.as_ref().and_then(|meta| meta.labels.as_ref()).unwrap_or(&none);
    let mut pod_cidrs = Vec::new();
    if let Some(spec) = &raw.spec {
        let listed = present(&spec.pod_cidrs).map(|(index, text)| (format!("spec.podCIDRs[{index}]"), &**text));
        let single = spec.pod_cidr.as_deref().filter(|_| spec.pod_cidrs.is_none());
        for (path, text) in listed.chain(single.map(|text| ("spec.podCIDR".to_owned(), text))) {
            match Prefix::parse(text) {
                Some(prefix) => pod_cidrs.push(prefix),
                None if text.is_empty() => {}
                None => report.add("refused-address", &path, format!("{} is not a range; it is left out", quote(text))),
            }
        }
    }
    let share = |current: &Option<_>, old: &Option<_>| {
        let text: &Option<std::borrow::Cow<'_, str>> = if current.is_some() { current } else { old };
        text.as_deref().filter(|text| !text.is_empty()).map(|text| report.share(text))
    };
    Fact::Node(NodeFact {
        name: report.share(&identity.name),
        region: share(&labels.region, &labels.old_region),
        zone: share(&labels.zone, &labels.old_zone),
        pod_cidrs,
    })
}
