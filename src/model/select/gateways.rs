//! The gateways of a cluster's network.

use super::candidate::{Candidate, pair_families};
use super::standing::Context;
use crate::model::cluster::GatewayAddress;
use crate::model::clusterset::Member;
use std::net::IpAddr;
use std::sync::Arc;

/// Gateways that lead to `member`: its own, else those of other clusters of its network. Host names are looked up.
pub(super) fn gateways<'a>(context: &Context<'a>, member: &'a Member) -> Vec<Candidate<'a>> {
    let own = addresses(context, member);
    let found = if own.is_empty() { of_network(context, member) } else { own };
    let hop = |pair| Candidate { gateway: true, ..Candidate::new(member, pair) };
    pair_families(found).into_iter().map(hop).collect()
}

/// Gateways of `network`: those of `member` if it lies there, else those of every cluster that does.
pub(super) fn toward<'a>(context: &Context<'a>, network: &Arc<str>, member: Option<&'a Member>) -> Vec<Candidate<'a>> {
    let lies_there = |member: &Member| member.cluster().locality.network.as_ref() == Some(network);
    let own = member.filter(|member| lies_there(member)).map(|member| gateways(context, member)).unwrap_or_default();
    if !own.is_empty() {
        return own;
    }
    let mut mates: Vec<_> = context.set.members().map(|(_, mate)| mate).filter(|mate| lies_there(mate)).collect();
    mates.sort_by(|a, b| a.cluster().id.cmp(&b.cluster().id));
    mates.into_iter().map(|mate| gateways(context, mate)).find(|hops| !hops.is_empty()).unwrap_or_default()
}

fn of_network(context: &Context<'_>, member: &Member) -> Vec<IpAddr> {
    let network = |member: &Member| member.cluster().locality.network.clone();
    let Some(wanted) = network(member) else { return Vec::new() };
    let mut mates: Vec<_> = context.set.members().map(|(_, mate)| mate).collect();
    mates.retain(|mate| network(mate).as_ref() == Some(&wanted));
    mates.sort_by(|a, b| a.cluster().id.cmp(&b.cluster().id));
    mates.into_iter().flat_map(|mate| addresses(context, mate)).collect()
}

fn addresses(context: &Context<'_>, member: &Member) -> Vec<IpAddr> {
    let resolved = &context.set.settings().resolved;
    let mut found = Vec::new();
    for gateway in &member.cluster().gateways {
        match gateway {
            GatewayAddress::Ip(address) => found.push(*address),
            GatewayAddress::Host(name) => found.extend(resolved.get(name).into_iter().flatten()),
        }
    }
    found
}
