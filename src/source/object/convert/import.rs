//! ServiceImports.

use super::identity::Identity;
use super::own::own_policy;
use super::port::{ports, traffic};
use super::report::{Report, quote};
use crate::model::fact::{Fact, ImportFact, ServiceType};
use crate::model::id::{ClusterId, is_label};
use crate::source::object::raw::{Annotations, Meta, Raw, Spec, present};
use serde::Deserialize;
use std::net::IpAddr;
use std::sync::Arc;

/// A ServiceImport; `None` for Lighthouse's per-cluster and broker objects (SOURCES.md 1.4).
pub fn import(raw: &Raw<'_>, identity: &Identity<'_>, report: &mut Report<'_, '_>) -> Option<Fact> {
    let (no_meta, no_spec) = (Meta::default(), Spec::default());
    let meta = raw.metadata.as_ref().unwrap_or(&no_meta);
    let spec = raw.spec.as_ref().unwrap_or(&no_spec);
    if is_lighthouse_copy(meta) || identity.namespace == "submariner-operator" {
        return None;
    }
    let status = raw.status.as_ref();
    let clusters = status.map(|status| present(&status.clusters)).into_iter().flatten();
    let source_clusters = clusters.filter_map(|(_, entry)| entry.cluster.as_deref()).filter(|id| !id.is_empty());
    Some(Fact::Import(Box::new(ImportFact {
        key: identity.key.clone(),
        service_type: match spec.service_type.as_deref() {
            Some("ClusterSetIP") => Some(ServiceType::ClusterSetIp),
            Some("Headless") => Some(ServiceType::Headless),
            _ => None,
        },
        ips: ips(spec, report),
        ports: ports(spec.ports.as_ref().and_then(|ports| ports.list.as_ref()), "spec.ports", true, report),
        traffic: traffic(spec, report),
        source_clusters: source_clusters.map(ClusterId::new).collect(),
        derived_services: derived_services(meta.annotations.as_ref(), &identity.name, report),
        slices_present: match status.and_then(|status| status.endpoint_slice_objects.as_deref()) {
            Some("Present") => Some(true),
            Some("Absent") => Some(false),
            _ => None,
        },
        own: own_policy(raw, report).into(),
        origin: report.context.origin(super::resource_version(raw)),
    })))
}

fn is_lighthouse_copy(meta: &Meta<'_>) -> bool {
    meta.labels.as_ref().is_some_and(|labels| labels.mcs_service_name.is_some())
        || meta.annotations.as_ref().is_some_and(|annotations| annotations.mcs_service_name.is_some())
}

/// Rule b: any number, duplicates fall away. The text `None` is how AWS marks headless imports.
fn ips(spec: &Spec<'_>, report: &mut Report<'_, '_>) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    for (index, text) in present(&spec.ips).filter(|(_, text)| !matches!(&***text, "" | "None")) {
        let address = report.address(text, None, || format!("spec.ips[{index}]"), "it is left out");
        addresses.extend(address.filter(|address| !addresses.contains(address)));
    }
    addresses
}

/// One entry of the AWS controller's annotation.
#[derive(Deserialize)]
struct AwsDerived {
    #[serde(rename = "derived-service")]
    service: String,
}

/// Rule d: Services named by annotation, else the `derived-<svc>` of Karmada.
fn derived_services(annotations: Option<&Annotations<'_>>, name: &str, report: &mut Report<'_, '_>) -> Vec<Arc<str>> {
    const AWS: &str = "metadata.annotations[multicluster.k8s.aws/derived-service]";
    const REST: &str = "the derived Service is not used";
    let mut names = Vec::new();
    let mut add = |text: &str, path: &str, report: &mut Report<'_, '_>| {
        if !is_label(text) {
            report.add("bad-annotation", path, format!("{} is no Service name; {REST}", quote(text)));
        } else if !names.iter().any(|known: &Arc<str>| **known == *text) {
            names.push(text.into());
        }
    };
    if let Some(found) = annotations {
        if let Some(text) = found.derived_service.as_deref() {
            add(text, "metadata.annotations[multicluster.kubernetes.io/derived-service]", report);
        }
        if let Some(text) = found.derived_service_gke.as_deref() {
            add(text, "metadata.annotations[net.gke.io/derived-service]", report);
        }
        match found.derived_service_aws.as_deref().map(serde_json::from_str::<Vec<AwsDerived>>) {
            Some(Ok(list)) => list.iter().for_each(|entry| add(&entry.service, AWS, report)),
            Some(Err(error)) => report.add("bad-annotation", AWS, format!("is no list of Services: {error}; {REST}")),
            None => {}
        }
    }
    if names.is_empty() {
        names.push(format!("derived-{name}").into());
    }
    names
}
