//! EndpointSlices: whose they are (mirrors, rule e), and their endpoints.

use super::identity::{Identity, Refusal, lower_case};
use super::port::ports;
use super::report::{Report, quote};
use crate::model::fact::{EndpointFact, Fact, Family, PodHash, SliceFact, SliceRole, Standing};
use crate::model::id::{ClusterId, ServiceKey, is_label};
use crate::source::object::raw::{Annotations, Endpoint, Labels, Meta, Raw, TargetRef, present};
use crate::source::object::time::parse_millis;
use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

const LIGHTHOUSE: &str = "lighthouse-agent.submariner.io";

/// A slice; `None` for one of addressType FQDN, one that belongs to no service, and Lighthouse's broker copies.
///
/// # Errors
/// The label names no Service that could be.
pub fn slice(raw: &Raw<'_>, identity: &Identity<'_>, report: &mut Report<'_, '_>) -> Result<Option<Fact>, Refusal> {
    let family = match raw.address_type.as_deref() {
        Some("FQDN") => return Ok(None),
        Some("IPv4") => Some(Family::V4),
        Some("IPv6") => Some(Family::V6),
        None => None,
        Some(other) => {
            let message = format!("{} is not IPv4, IPv6 or FQDN; addresses of both families are read", quote(other));
            report.add("wrong-type", "addressType", message);
            None
        }
    };
    let none = Meta::default();
    let meta = raw.metadata.as_ref().unwrap_or(&none);
    let Some((service, role, virtual_address)) = owner(meta, identity, report)? else { return Ok(None) };
    let mut endpoints = Vec::with_capacity(raw.endpoints.as_ref().map_or(0, Vec::len));
    for (index, endpoint) in present(&raw.endpoints) {
        read_endpoint(endpoint, index, family, &mut endpoints, report);
    }
    let trigger = meta.annotations.as_ref().and_then(|annotations| annotations.trigger_time.as_deref());
    Ok(Some(Fact::Slice(Box::new(SliceFact {
        key: identity.key.clone(),
        service,
        role,
        endpoints,
        ports: ports(raw.ports.as_ref(), "ports", false, report),
        virtual_address,
        triggered: trigger.and_then(parse_millis),
        origin: report.context.origin(super::resource_version(raw)),
    }))))
}

/// The service, the role, and whether the one endpoint is a Lighthouse service address.
type Owner = (ServiceKey, SliceRole, bool);

/// `Ok(None)`: the slice belongs to no service.
fn owner(meta: &Meta<'_>, identity: &Identity<'_>, report: &Report<'_, '_>) -> Result<Option<Owner>, Refusal> {
    let (no_labels, no_annotations) = (Labels::default(), Annotations::default());
    let labels = meta.labels.as_ref().unwrap_or(&no_labels);
    let annotations = meta.annotations.as_ref().unwrap_or(&no_annotations);
    let lighthouse = labels.managed_by.as_deref() == Some(LIGHTHOUSE);
    if lighthouse && labels.lighthouse_namespace.as_deref().is_some_and(|from| from != identity.namespace) {
        return Ok(None);
    }
    let copy = is_copy(labels);
    let named = if copy { copied_service(labels) } else { native_service(labels) };
    let Some((name, field)) = named else { return Ok(None) };
    let name = lower_case(name);
    if !is_label(&name) {
        return Err(("bad-name", field, format!("{} is no Service name; the slice is left out", quote(&name))));
    }
    let role = if copy {
        SliceRole::Copy { source: source_cluster(labels, annotations, &identity.name, &name, report) }
    } else {
        SliceRole::Native
    };
    let virtual_address = lighthouse && labels.lighthouse_headless.as_deref() == Some("false");
    Ok(Some((report.context.interner.key(&identity.namespace, &name), role, virtual_address)))
}

const SERVICE_NAME: &str = "metadata.labels[kubernetes.io/service-name]";
const MCS_SERVICE_NAME: &str = "metadata.labels[multicluster.kubernetes.io/service-name]";

fn native_service<'r>(labels: &'r Labels<'_>) -> Option<(&'r str, &'static str)> {
    let name = labels.service_name.as_deref().filter(|name| !name.is_empty())?;
    Some((name, SERVICE_NAME))
}

/// SOURCES.md 1.4: slices that an MCS controller wrote.
fn is_copy(labels: &Labels<'_>) -> bool {
    let by_manager = matches!(
        labels.managed_by.as_deref(),
        Some(
            LIGHTHOUSE
                | "endpointslice-mesh-controller.cilium.io"
                | "endpointslice-local-mcsapi-controller.cilium.io"
                | "endpointslice-controller.karmada.io"
                | "endpointslice-dispatch-controller.karmada.io"
                | "aws-cloud-map-mcs-controller-for-k8s"
        )
    );
    by_manager
        || labels.source_cluster.is_some()
        || labels.mcs_service_name.is_some()
        || labels.cilium_local_slice.is_some()
}

/// The import a copy belongs to, and the label that says so. Karmada names its derived Service instead.
fn copied_service<'r>(labels: &'r Labels<'_>) -> Option<(&'r str, &'static str)> {
    let by_mcs = labels.mcs_service_name.as_deref().filter(|name| !name.is_empty());
    let derived = || {
        let karmada = labels.managed_by.as_deref().is_some_and(|manager| manager.ends_with(".karmada.io"));
        labels.service_name.as_deref().filter(|_| karmada)?.strip_prefix("derived-")
    };
    by_mcs.map(|name| (name, MCS_SERVICE_NAME)).or_else(|| Some((derived()?, SERVICE_NAME)))
}

/// Rule e: label, else annotation, else the name form of Karmada, else the cluster it was read from.
fn source_cluster(
    labels: &Labels<'_>,
    annotations: &Annotations<'_>,
    slice: &str,
    service: &str,
    report: &Report<'_, '_>,
) -> ClusterId {
    fn text<'r>(field: &'r Option<Cow<'_, str>>) -> Option<&'r str> {
        field.as_deref().filter(|id| !id.is_empty())
    }
    text(&labels.source_cluster)
        .or_else(|| text(&labels.lighthouse_cluster))
        .or_else(|| text(&annotations.source_cluster))
        .or_else(|| text(&annotations.karmada_cluster))
        .or_else(|| karmada_cluster(slice, service, &report.context.known_clusters))
        .map_or_else(|| report.context.cluster.clone(), |id| ClusterId::new(&report.share(id)))
}

/// The cluster in `imported-<cluster>-<slice>`, whose slice is called `<service>-<suffix>`: the longest known id,
/// else what stands before the service's name.
fn karmada_cluster<'r>(slice: &'r str, service: &str, known: &'r [ClusterId]) -> Option<&'r str> {
    let rest = slice.strip_prefix("imported-")?;
    let fits = |id: &&ClusterId| rest.strip_prefix(id.as_str()).is_some_and(|tail| tail.starts_with('-'));
    if let Some(id) = known.iter().filter(fits).max_by_key(|id| id.as_str().len()) {
        return Some(id.as_str());
    }
    let (head, _suffix) = rest.rsplit_once('-')?;
    head.strip_suffix(service)?.strip_suffix('-').filter(|id| !id.is_empty())
}

fn read_endpoint(
    raw: &Endpoint<'_>,
    index: usize,
    family: Option<Family>,
    endpoints: &mut Vec<EndpointFact>,
    report: &mut Report<'_, '_>,
) {
    let ready = raw.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true);
    let text =
        |field: &Option<Cow<'_, str>>| field.as_deref().filter(|text| !text.is_empty()).map(|text| report.share(text));
    let place = report.context.interner.place(Standing { node: text(&raw.node_name), zone: text(&raw.zone) });
    let pod = raw.target_ref.as_ref().map_or_else(PodHash::default, pod);
    let hostname = raw.hostname.as_deref().filter(|name| !name.is_empty()).and_then(|name| {
        let lower = lower_case(name);
        if is_label(&lower) {
            return Some(lower.as_ref().into());
        }
        let message = format!("{} is not a DNS label; the endpoint is named by its address", quote(name));
        report.add("bad-name", &format!("endpoints[{index}].hostname"), message);
        None
    });
    for (at, text) in present(&raw.addresses) {
        let path = || format!("endpoints[{index}].addresses[{at}]");
        if let Some(address) = report.address(text, family, path, "endpoint left out") {
            let (hostname, place) = (hostname.clone(), place.clone());
            endpoints.push(EndpointFact { address, ready, hostname, place, pod });
        }
    }
}

/// The same for every family of one pod; none when the target is no pod.
fn pod(target: &TargetRef<'_>) -> PodHash {
    if target.kind.as_deref() != Some("Pod") {
        return PodHash::default();
    }
    if let Some(hash) = target.hash.as_deref().and_then(|text| text.parse().ok()) {
        return PodHash::new(hash);
    }
    if target.name.is_none() {
        return PodHash::default();
    }
    let mut hasher = DefaultHasher::new();
    (&target.namespace, &target.name, &target.uid).hash(&mut hasher);
    // Among the bits that are kept, one is set.
    PodHash::new(hasher.finish() | 1)
}
