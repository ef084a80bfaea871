//! WorkloadEntries, and the endpoints inside ServiceEntries that have the same fields.

use super::identity::{Identity, lower_case};
use super::report::{Report, quote};
use crate::model::fact::{Fact, Ingress};
use crate::model::host::fact::{Labels, Workload, WorkloadEntryFact};
use crate::model::id::ClusterId;
use crate::source::object::raw::{Raw, Spec, present};
use crate::source::object::raw_host::SpecEndpoint;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

type Text<'de> = Cow<'de, str>;

/// A WorkloadEntry; `None` for one without an address, such as a Unix socket.
pub fn workload_entry(raw: &Raw<'_>, identity: &Identity<'_>, report: &mut Report<'_, '_>) -> Option<Fact> {
    let none = Spec::default();
    let spec = raw.spec.as_ref().unwrap_or(&none);
    let labels = labels(raw, spec);
    let no_ports = BTreeMap::new();
    let source = Fields {
        address: spec.address.as_deref(),
        ports: spec.ports.as_ref().map_or(&no_ports, |ports| &ports.by_name),
        network: spec.network.as_deref(),
        locality: spec.locality.as_deref(),
        weight: spec.weight,
        label: &|key| labels.get(key).copied(),
    };
    let mut workload = source.read("spec", report)?;
    workload.ready = !is_unhealthy(raw);
    let mut labels: Labels = labels.iter().map(|(key, value)| (report.share(key), report.share(value))).collect();
    labels.sort();
    Some(Fact::WorkloadEntry(Box::new(WorkloadEntryFact {
        key: identity.key.clone(),
        labels,
        workload,
        origin: report.context.origin(super::resource_version(raw)),
    })))
}

/// An endpoint of a ServiceEntry; `None` for one without an address, such as a Unix socket.
pub fn inline(raw: &SpecEndpoint<'_>, path: &str, report: &mut Report<'_, '_>) -> Option<Workload> {
    let no_ports = BTreeMap::new();
    let source = Fields {
        address: raw.address.as_deref(),
        ports: raw.ports.as_ref().unwrap_or(&no_ports),
        network: raw.network.as_deref(),
        locality: raw.locality.as_deref(),
        weight: raw.weight,
        label: &|key| raw.labels.as_ref().and_then(|labels| labels.get(key)).map(|value| &**value),
    };
    source.read(path, report)
}

/// Labels of `metadata` over those of `spec`.
fn labels<'r>(raw: &'r Raw<'_>, spec: &'r Spec<'_>) -> BTreeMap<&'r str, &'r str> {
    let own = raw.metadata.as_ref().and_then(|meta| meta.labels.as_ref());
    let of_spec = spec.labels.iter().flatten().map(|(key, value)| (&**key, &**value));
    let of_meta = own.into_iter().flat_map(|labels| &labels.other).map(|(key, value)| (&**key, &**value));
    of_spec.chain(of_meta).collect()
}

/// A condition `Healthy` says False.
fn is_unhealthy(raw: &Raw<'_>) -> bool {
    let Some(status) = &raw.status else { return false };
    present(&status.conditions).any(|(_, condition)| {
        condition.condition_type.as_deref() == Some("Healthy") && condition.status.as_deref() == Some("False")
    })
}

/// The fields that both have, and how to find a label.
struct Fields<'r, 'de> {
    address: Option<&'r str>,
    ports: &'r BTreeMap<Text<'de>, i64>,
    network: Option<&'r str>,
    locality: Option<&'r str>,
    weight: Option<i64>,
    label: &'r dyn Fn(&str) -> Option<&'r str>,
}

impl Fields<'_, '_> {
    fn read(&self, path: &str, report: &mut Report<'_, '_>) -> Option<Workload> {
        let address = self.address(path, report)?;
        let label = |key: &str| (self.label)(key).filter(|value| !value.is_empty());
        let cluster = label("topology.istio.io/cluster").or(label("cluster"));
        let network = label("topology.istio.io/network").or(self.network.filter(|network| !network.is_empty()));
        let mut locality =
            self.locality.unwrap_or("").split('/').map(|part| Some(part).filter(|part| !part.is_empty()));
        let mut part = || locality.next().flatten().map(|part| report.share(part));
        let (region, zone) = (part(), part());
        Some(Workload {
            address,
            ports: self.ports(path, report),
            cluster: cluster.map(|id| ClusterId::new(&lower_case(id))),
            network: network.map(|network| report.share(network)),
            region,
            zone,
            weight: self.weight(path, report),
            draining: label("istio.io/draining").is_some_and(|value| value != "false"),
            ready: true,
        })
    }

    fn address(&self, path: &str, report: &mut Report<'_, '_>) -> Option<Ingress> {
        let text = self.address.filter(|text| !text.is_empty() && !text.starts_with("unix://"))?;
        let path = || format!("{path}.address");
        // A last label without a letter is no host name: what looks like an address is to be one.
        let last = text.strip_suffix('.').unwrap_or(text).rsplit('.').next().unwrap_or("");
        if text.contains(':') || !last.bytes().any(|octet| octet.is_ascii_alphabetic()) {
            return report.address(text, None, path, "endpoint left out").map(Ingress::Ip);
        }
        report.host(text, path).map(Ingress::Host)
    }

    fn ports(&self, path: &str, report: &mut Report<'_, '_>) -> Vec<(Arc<str>, u16)> {
        let mut ports = Vec::new();
        for (name, number) in self.ports {
            match u16::try_from(*number) {
                Ok(number @ 1..) => ports.push((report.share(&lower_case(name)), number)),
                _ => {
                    let message = format!("{number} is not in 1..65535; the port of the ServiceEntry is used");
                    report.add("bad-port", &format!("{path}.ports[{name}]"), message);
                }
            }
        }
        ports
    }

    fn weight(&self, path: &str, report: &mut Report<'_, '_>) -> Option<u32> {
        let weight = self.weight?;
        let read = u32::try_from(weight).ok();
        if read.is_none() {
            let message = format!("{} is no weight; it counts as absent", quote(&weight.to_string()));
            report.add("wrong-type", &format!("{path}.weight"), message);
        }
        read.filter(|weight| *weight > 0)
    }
}
