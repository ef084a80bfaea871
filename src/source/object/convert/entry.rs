//! ServiceEntries (SOURCES.md 3.4).

use super::host_name::{Alphabet, Wildcard, host_name};
use super::identity::{Identity, lower_case};
use super::own::own_policy;
use super::report::{Report, quote};
use super::workload::inline;
use crate::model::Prefix;
use crate::model::fact::{Fact, Protocol};
use crate::model::host::fact::{Allocates, EntryPort, Labels, Resolution, ServiceEntryFact};
use crate::model::id::is_label;
use crate::source::object::raw::{Raw, RawPort, Spec, Status, present};
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

/// Longest port name that makes an SRV owner name.
const MAX_PORT_NAME: usize = 62;

/// A ServiceEntry. One whose hosts are all unusable is kept: it says nothing, its findings say why.
pub fn service_entry(raw: &Raw<'_>, identity: &Identity<'_>, report: &mut Report<'_, '_>) -> Fact {
    let none = Spec::default();
    let spec = raw.spec.as_ref().unwrap_or(&none);
    let mut endpoints = Vec::new();
    for (index, endpoint) in present(&spec.endpoints) {
        endpoints.extend(inline(endpoint, &format!("spec.endpoints[{index}]"), report));
    }
    Fact::ServiceEntry(Box::new(ServiceEntryFact {
        key: identity.key.clone(),
        hosts: hosts(spec, report),
        addresses: addresses(spec, report),
        allocated: raw.status.as_ref().map(|status| allocated(status, report)).unwrap_or_default(),
        ports: ports(spec, report),
        allocates: allocates(raw, spec),
        resolution: match spec.resolution.as_deref() {
            None | Some("" | "NONE") => Resolution::None,
            Some(_) => Resolution::Endpoints,
        },
        endpoints,
        selector: spec.workload_selector.as_ref().map(|selector| labels(selector.labels.iter().flatten(), report)),
        exported: spec.export_to.as_ref().is_none_or(Vec::is_empty)
            || present(&spec.export_to).any(|(_, scope)| scope == "*"),
        own: own_policy(raw, report),
        origin: report.context.origin(super::resource_version(raw)),
    }))
}

/// By default to plain hosts; `status` tells those addresses where istiod writes them.
fn allocates(raw: &Raw<'_>, spec: &Spec<'_>) -> Allocates {
    let labels = raw.metadata.as_ref().and_then(|meta| meta.labels.as_ref());
    let mut labels = labels.into_iter().flat_map(|labels| &labels.other);
    let declines = labels.any(|(key, value)| key == "networking.istio.io/enable-autoallocate-ip" && value == "false");
    if declines || present(&spec.addresses).any(|(_, text)| !text.is_empty()) {
        return Allocates::Nothing;
    }
    match spec.resolution.as_deref() {
        None | Some("" | "NONE") => Allocates::Nothing,
        Some("DYNAMIC_DNS") => Allocates::AllHosts,
        Some(_) => Allocates::PlainHosts,
    }
}

fn hosts(spec: &Spec<'_>, report: &mut Report<'_, '_>) -> Vec<Arc<str>> {
    let mut hosts: Vec<Arc<str>> = Vec::new();
    for (index, text) in present(&spec.hosts) {
        let path = || format!("spec.hosts[{index}]");
        let host = host_name(text, Alphabet::Plain, Wildcard::Allowed, path, report);
        hosts.extend(host.filter(|host| !hosts.contains(host)));
    }
    hosts
}

/// Single addresses; a wider range is no answer and no fault.
fn addresses(spec: &Spec<'_>, report: &mut Report<'_, '_>) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    for (index, text) in present(&spec.addresses).filter(|(_, text)| !text.is_empty()) {
        let single = match (text.split_once('/'), Prefix::parse(text)) {
            (Some((address, _)), Some(range)) if is_single(&range) => address,
            (Some(_), Some(_)) => continue,
            _ => text,
        };
        let path = || format!("spec.addresses[{index}]");
        let address = report.address(single, None, path, "it is left out");
        addresses.extend(address.filter(|address| !addresses.contains(address)));
    }
    addresses
}

fn is_single(range: &Prefix) -> bool {
    range.length() == if range.address().is_ipv4() { 32 } else { 128 }
}

fn allocated(status: &Status<'_>, report: &mut Report<'_, '_>) -> Vec<(Option<Arc<str>>, IpAddr)> {
    let mut found = Vec::new();
    for (index, entry) in present(&status.addresses) {
        let Some(text) = entry.value.as_deref() else { continue };
        let path = || format!("status.addresses[{index}].value");
        let Some(address) = report.address(text, None, path, "it is left out") else { continue };
        let host = entry.host.as_deref().filter(|host| !host.is_empty());
        found.push((host.map(|host| report.share(&lower_case(host.trim_end_matches('.')))), address));
    }
    found
}

/// The ports that make SRV names.
fn ports(spec: &Spec<'_>, report: &mut Report<'_, '_>) -> Vec<EntryPort> {
    let mut ports = Vec::new();
    let list = spec.ports.as_ref().and_then(|ports| ports.list.as_ref());
    for (index, raw) in list.into_iter().flatten().enumerate() {
        ports.extend(raw.as_ref().and_then(|raw| port(raw, &format!("spec.ports[{index}]"), report)));
    }
    ports
}

fn port(raw: &RawPort<'_>, path: &str, report: &mut Report<'_, '_>) -> Option<EntryPort> {
    let name = lower_case(raw.name.as_deref().unwrap_or(""));
    if !(name.len() <= MAX_PORT_NAME && is_label(&name)) {
        if !name.is_empty() {
            let wanted = "a DNS label of at most 62 characters; the port gets no SRV name";
            report.add("bad-name", &format!("{path}.name"), format!("{} is not {wanted}", quote(&name)));
        }
        return None;
    }
    let number = |number: Option<i64>| number.and_then(|number| u16::try_from(number).ok()).filter(|port| *port > 0);
    let Some(own) = number(raw.number) else {
        report.add("bad-port", path, "has no number in 1..65535; it gets no SRV records, addresses stay".into());
        return None;
    };
    let udp = raw.protocol.as_deref().is_some_and(|protocol| protocol.eq_ignore_ascii_case("UDP"));
    Some(EntryPort {
        name: report.share(&name),
        protocol: if udp { Protocol::Udp } else { Protocol::Tcp },
        number: own,
        target_port: number(raw.target_port.as_ref().and_then(|port| port.0)),
    })
}

fn labels<'r, 'de: 'r>(
    labels: impl Iterator<Item = (&'r Cow<'de, str>, &'r Cow<'de, str>)>,
    report: &Report<'_, '_>,
) -> Labels {
    labels.map(|(key, value)| (report.share(key), report.share(value))).collect()
}
