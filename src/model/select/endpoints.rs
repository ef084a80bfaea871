//! Ready endpoints from the slices of one cluster: each pod once, with all its families (SOURCES.md 1.5).

use super::standing::Context;
use crate::model::clusterset::Member;
use crate::model::fact::{EndpointFact, Kind, PodHash, Port, SliceFact};
use crate::model::hashed::Firsts;
use crate::model::id::ClusterId;
use crate::model::trace::{Note, Trace, Verdict};
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

/// One ready endpoint.
pub(super) struct Endpoint<'a> {
    /// Ready addresses, ascending (IPv4 first).
    pub addresses: Vec<IpAddr>,
    pub hostname: Option<&'a Arc<str>>,
    pub region: Option<&'a Arc<str>>,
    pub zone: Option<&'a Arc<str>>,
    /// Ports of its slices.
    pub ports: Cow<'a, [Port]>,
    pub slice: &'a SliceFact,
}

/// Where slices come from.
pub(super) struct Side<'a> {
    /// The cluster that the endpoints are of.
    pub cluster: &'a ClusterId,
    /// Its registry entry, when it has one.
    pub member: Option<&'a Member>,
    /// The cluster the slices were read from: its `allow` bounds them, its nodes place its own endpoints.
    pub reader: &'a Member,
}

/// The ready endpoints of `slices`, by address.
pub(super) fn gather<'a>(
    context: &Context<'a>,
    side: &Side<'a>,
    slices: impl Iterator<Item = &'a SliceFact>,
    trace: &mut impl Trace,
) -> Vec<Endpoint<'a>> {
    let mut grouped = Grouped::default();
    for slice in slices {
        for fact in &slice.endpoints {
            let refused = match fact {
                fact if !fact.ready => Some("not ready"),
                fact if !side.reader.admits_address(fact.address) => Some("outside `allow.cidrs` of the cluster"),
                _ => None,
            };
            match refused {
                Some(reason) => trace.note(|| left_out(side.cluster, vec![fact.address], slice, reason)),
                None => grouped.add(side, fact, slice),
            }
        }
    }
    let mut endpoints = grouped.endpoints;
    endpoints.iter_mut().for_each(|endpoint| endpoint.addresses.sort_unstable());
    endpoints.sort_by(|a, b| a.addresses.cmp(&b.addresses));
    let most = context.set.settings().limits.endpoints_per_service;
    for endpoint in endpoints.iter().skip(most) {
        trace.note(|| endpoint.left_out(side.cluster, "over-limit: beyond `endpointsPerService`"));
    }
    endpoints.truncate(most);
    endpoints
}

impl Endpoint<'_> {
    /// Says why the whole endpoint is not answered.
    pub fn left_out(&self, cluster: &ClusterId, reason: &'static str) -> Note {
        left_out(cluster, self.addresses.clone(), self.slice, reason)
    }
}

fn left_out(cluster: &ClusterId, addresses: Vec<IpAddr>, slice: &SliceFact, reason: &'static str) -> Note {
    Note {
        cluster: Some(cluster.clone()),
        addresses,
        verdict: Verdict::LeftOut,
        reason: reason.into(),
        source: Some((Kind::EndpointSlice, slice.key.clone(), slice.origin.clone())),
    }
}

/// What makes two addresses one endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Identity<'a> {
    Pod(PodHash),
    Host(&'a str, &'a str),
}

#[derive(Default)]
struct Grouped<'a> {
    endpoints: Vec<Endpoint<'a>>,
    /// The number of the endpoint that has an address, an identity.
    addresses: Firsts<IpAddr>,
    identities: Firsts<Identity<'a>>,
}

impl<'a> Grouped<'a> {
    fn add(&mut self, side: &Side<'a>, fact: &'a EndpointFact, slice: &'a SliceFact) {
        if let Some(held) = self.addresses.place(fact.address) {
            add_ports(&mut self.endpoints[held], slice);
            return;
        }
        let number = self.endpoints.len();
        let held = identity(fact).and_then(|identity| self.identities.see(identity, number));
        self.addresses.see(fact.address, held.unwrap_or(number));
        match held {
            Some(held) => {
                let endpoint = &mut self.endpoints[held];
                endpoint.addresses.push(fact.address);
                add_ports(endpoint, slice);
            }
            None => self.endpoints.push(endpoint(side, fact, slice)),
        }
    }
}

fn identity(fact: &EndpointFact) -> Option<Identity<'_>> {
    match (&fact.hostname, &fact.place.node) {
        _ if fact.pod.get().is_some() => Some(Identity::Pod(fact.pod)),
        (Some(hostname), Some(node)) => Some(Identity::Host(hostname, node)),
        _ => None,
    }
}

fn endpoint<'a>(side: &Side<'a>, fact: &'a EndpointFact, slice: &'a SliceFact) -> Endpoint<'a> {
    // A copy names nodes of another cluster; its slice brings their zones.
    let nodes = (side.reader.cluster().id == *side.cluster).then(|| side.reader.facts().nodes());
    let node = fact.place.node.as_deref().and_then(|name| nodes?.get(name));
    let home = side.member.map(|member| &member.cluster().locality);
    Endpoint {
        addresses: vec![fact.address],
        hostname: fact.hostname.as_ref(),
        region: node.and_then(|node| node.region.as_ref()).or(home.and_then(|home| home.region.as_ref())),
        zone: fact
            .place
            .zone
            .as_ref()
            .or(node.and_then(|node| node.zone.as_ref()))
            .or(home.and_then(|home| home.zone.as_ref())),
        ports: Cow::Borrowed(&slice.ports),
        slice,
    }
}

/// Adds the ports of another slice of the same endpoint.
fn add_ports(endpoint: &mut Endpoint<'_>, slice: &SliceFact) {
    let new: Vec<Port> = slice.ports.iter().filter(|port| !endpoint.ports.contains(port)).cloned().collect();
    if !new.is_empty() {
        endpoint.ports.to_mut().extend(new);
    }
}
